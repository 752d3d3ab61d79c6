//! Fields of a sign-in as people fill them in.

use super::*;

const CLIENT: &str = "11112222-3333-4444-5555-666677778888";

fn sign_in(kind: SignInKind, change: impl FnOnce(&mut SignIn)) -> SignIn {
    let mut sign_in = SignIn { client_id: CLIENT.into(), ..SignIn::of(kind) };
    change(&mut sign_in);
    sign_in
}

#[test]
fn each_provider_has_its_addresses_and_its_scope() {
    let app = sign_in(SignInKind::MicrosoftApp, |s| s.tenant = "contoso.onmicrosoft.com".into());
    assert_eq!(app.validate(), Ok(()));
    assert_eq!(app.token_url(), "https://login.microsoftonline.com/contoso.onmicrosoft.com/oauth2/v2.0/token");
    assert_eq!(app.scope(), "https://outlook.office365.com/.default");
    let china = SignIn { cloud: Cloud::China, ..app.clone() };
    assert!(china.token_url().starts_with("https://login.partner.microsoftonline.cn/"));
    assert_eq!(china.scope(), "https://partner.outlook.cn/.default");
    let person = sign_in(SignInKind::Microsoft, |_| ());
    assert_eq!(person.validate(), Ok(()));
    assert!(person.authorize_url().ends_with("/organizations/oauth2/v2.0/authorize"));
    assert!(person.device_url().is_some_and(|url| url.ends_with("/devicecode")));
    assert_eq!(person.scope(), "https://outlook.office.com/IMAP.AccessAsUser.All offline_access");
    let google = SignIn::of(SignInKind::GoogleService);
    assert_eq!((google.validate(), google.token_url()), (Ok(()), "https://oauth2.googleapis.com/token".into()));
    assert_eq!(sign_in(SignInKind::Google, |_| ()).device_url(), None, "mail is not on its list");
    let own = SignIn { token_url: "http://127.0.0.1:4000/token".into(), ..app };
    assert_eq!((own.validate(), own.token_url()), (Ok(()), "http://127.0.0.1:4000/token".into()));
}

#[test]
fn fields_that_cannot_be_used_are_named() {
    use SignInField::{AuthorizeUrl, ClientId, DeviceUrl, Scope, Tenant, TokenUrl};
    use SignInKind::{Custom, CustomApp, Google, GoogleService, Microsoft, MicrosoftApp};
    type Change = fn(&mut SignIn);
    let named = |kind, change: Change| sign_in(kind, change).validate().err().map(|problem| problem.field);
    let tenant: Change = |s| s.tenant = "contoso.com".into();
    assert_eq!(named(MicrosoftApp, |_| ()), Some(Tenant));
    assert_eq!(named(MicrosoftApp, |s| s.tenant = "common".into()), Some(Tenant));
    assert_eq!(named(MicrosoftApp, |s| s.tenant = "https://contoso.com".into()), Some(Tenant));
    assert_eq!(named(MicrosoftApp, |s| s.tenant = "contoso.com/evil".into()), Some(Tenant));
    assert_eq!(named(Google, tenant), Some(Tenant));
    assert_eq!(named(Microsoft, |s| s.client_id.clear()), Some(ClientId));
    assert_eq!(named(Microsoft, |s| s.client_id = "my app".into()), Some(ClientId));
    assert_eq!(named(GoogleService, |_| ()), Some(ClientId));
    assert_eq!(named(CustomApp, |_| ()), Some(TokenUrl));
    assert_eq!(named(Custom, |s| s.token_url = "https://x/token".into()), Some(AuthorizeUrl));
    assert_eq!(named(Google, |s| s.device_url = "ftp://x".into()), Some(DeviceUrl));
    assert_eq!(named(Google, |s| s.scope = "a\nb".into()), Some(Scope));
    for url in [
        "x",
        "http://login.example/token",
        "https://",
        "https://me:pw@login.example/",
        "https://x/#a",
        "http://127.0.0.1.evil/",
    ] {
        let problem = sign_in(CustomApp, |s| s.token_url = url.into()).validate().unwrap_err();
        assert_eq!(problem.field, TokenUrl, "{url}");
        assert!(!problem.to_string().contains("pw"), "{problem}");
    }
    for url in ["https://login.example/token?x=1", "http://localhost:1/t", "http://[::1]:1/t"] {
        assert_eq!(sign_in(CustomApp, |s| s.token_url = url.into()).validate(), Ok(()), "{url}");
    }
}

#[test]
fn it_is_kept_as_it_is_and_what_is_missing_says_nothing() {
    let whole = sign_in(SignInKind::CustomApp, |s| s.token_url = "https://x/token".into());
    let text = serde_json::to_string(&whole).unwrap();
    assert_eq!(serde_json::from_str::<SignIn>(&text).unwrap(), whole);
    let little = r#"{"kind":"google-service"}"#;
    assert_eq!(serde_json::from_str::<SignIn>(little).unwrap(), SignIn::of(SignInKind::GoogleService));
    for kind in SignInKind::ALL {
        assert_eq!(serde_json::to_string(&kind).unwrap(), format!("\"{}\"", kind.word()));
    }
}
