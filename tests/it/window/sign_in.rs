//! A person signs in for a mailbox where servers take no passwords: the dialog, the browser, a code for another device.

use std::time::Duration;

use egui::{Key, Modifiers, OutputCommand, Role};
use egui_kittest::kittest::Queryable;
use mailferry::domain::failure::{Cause, Failure, Retry, Scope, Side};
use mailferry::domain::ids::{CredentialId, ItemId};
use mailferry::domain::item::{Item, Mailbox};
use mailferry::domain::project::Project;
use mailferry::domain::secret::Secret;
use mailferry::domain::sign_in::{SignIn, SignInKind};
use mailferry::domain::status::Status;
use mailferry::domain::wording::capital;
use mailferry::engine::snapshot::ItemRow;
use mailferry::service::client::{Request, RequestId, Response};
use mailferry::service::edit::{ItemSettings, PasswordState};
use mailferry::service::sign_in::{DeviceCode, Shown, Signing, Way};
use mailferry::service::{ServiceError, VaultKind, WorkspaceInfo};

use super::client::Caller;
use super::{NOW, PROJECT, Stage, item, item_in, project};
use crate::sign_in::real::for_persons;
use crate::support::{corpus, oidc};

const PAGE: &str = "https://login.contoso.example/authorize?state=s";

/// The project of every test, its source signed in to like this.
fn signed_in_to(kind: SignInKind) -> Project {
    let mut project = project();
    let urls = SignIn { device_url: "https://login.contoso.example/device".into(), ..SignIn::of(kind) };
    project.source.set_sign_in(Some(urls)).expect("a server");
    project
}

/// A window with the page of the only item.
fn page(project: &Project, row: ItemRow) -> Stage {
    let mut stage = Stage::closed();
    stage.state(vec![row]);
    let (projects, vault) = (vec![project.clone()], Some(VaultKind::File));
    stage.opened(WorkspaceInfo { projects, unlocked: true, vault, ..WorkspaceInfo::default() });
    stage.press(Modifiers::NONE, Key::ArrowDown);
    stage.press(Modifiers::NONE, Key::Enter);
    stage.asked();
    stage
}

fn failed(cause: Cause) -> ItemRow {
    let failure = Failure::new(cause, Scope::Mailbox, Retry::User, "asking for a token");
    ItemRow { failure: Some((Some(Side::Source), failure)), ..item_in(1, "anna", Status::Failed) }
}

/// What was asked when somebody is to sign in.
fn asked(stage: &mut Stage, expected: Way) -> (RequestId, Signing) {
    let (request, Request::SignIn { item, side, way, signing }) = stage.only() else { panic!("a sign-in") };
    assert_eq!((item, side, way), (ItemId(1), Side::Source, expected));
    (request, signing)
}

/// The pages that the browser was told to open in the next frames.
fn opened(stage: &mut Stage) -> Vec<String> {
    let mut pages = Vec::new();
    for _ in 0..3 {
        stage.window.step();
        let commands = &stage.window.output().platform_output.commands;
        pages.extend(commands.iter().filter_map(|command| match command {
            OutputCommand::OpenUrl(open) => Some(open.url.clone()),
            _ => None,
        }));
    }
    pages
}

const BY_PERSON: [SignInKind; 3] = [SignInKind::Microsoft, SignInKind::Google, SignInKind::Custom];

#[test]
fn a_sign_in_that_ended_is_made_again_where_it_is_shown_and_no_password_is_asked_for() {
    for kind in BY_PERSON {
        for cause in [Cause::SignInEnded, Cause::TokenRefused, Cause::CredentialMissing, Cause::LoginRefused] {
            let mut stage = page(&signed_in_to(kind), failed(cause));
            assert!(!stage.shows("Correct login…"), "{kind:?} {cause:?}");
            stage.click("Sign in again…");
            assert!(stage.shows("Sign in to the source") && stage.shows(&capital(kind.words())));
            assert!(stage.says("lets Mailferry read this mailbox"));
            stage.click("Open the browser");
            let (request, signing) = asked(&mut stage, Way::Browser);
            assert!(stage.shows("Asking the provider…") && !stage.shows("Open the browser"));
            (signing.tell)(Shown::Page(PAGE));
            assert_eq!(opened(&mut stage), [PAGE], "once");
            assert!(stage.shows("Waiting for the browser: sign in there as anna@contoso.example"));
            assert_eq!(stage.copied("Copy address"), PAGE);
            stage.answer(request, Response::SignedIn);
            assert!(!stage.shows("Sign in to the source") && stage.says("anna@contoso.example is signed in at the"));
        }
    }
}

#[test]
fn a_code_for_another_device_is_shown_with_its_page_and_both_can_be_copied() {
    let mut stage = page(&signed_in_to(SignInKind::Custom), item(1, "anna"));
    stage.click("Sign in to the source…");
    stage.click("Show a code for another device");
    let (request, signing) = asked(&mut stage, Way::Device);
    let code = DeviceCode {
        code: Secret::new("never-shown"),
        user_code: "ABCD-EFGH".into(),
        page: "https://login.contoso.example/device".into(),
        lives: Duration::from_secs(900),
        interval: Duration::from_secs(5),
    };
    (signing.tell)(Shown::Code(&code));
    assert_eq!(opened(&mut stage), [] as [&str; 0], "the person goes there");
    assert!(stage.shows("ABCD-EFGH") && stage.shows("https://login.contoso.example/device"));
    assert!(stage.says("within 15 minutes") && !stage.says("never-shown"));
    assert_eq!(stage.copied("Copy code"), "ABCD-EFGH");
    assert_eq!(stage.copied("Copy address"), "https://login.contoso.example/device");
    stage.answer(request, Response::SignedIn);
    assert!(!stage.shows("ABCD-EFGH"));
    let mut stage = page(&signed_in_to(SignInKind::Google), item(1, "anna"));
    stage.click("Sign in to the source…");
    assert!(stage.shows("Show a code for another device"), "an address of its own was named");
    let mut google = project();
    google.source.set_sign_in(Some(SignIn::of(SignInKind::Google))).expect("a server");
    let mut stage = page(&google, item(1, "anna"));
    stage.click("Sign in to the source…");
    assert!(!stage.shows("Show a code for another device"), "Google has none for mail");
}

#[test]
fn who_refuses_is_told_so_and_may_try_again_and_closing_gives_it_up() {
    let mut stage = page(&signed_in_to(SignInKind::Microsoft), item(1, "anna"));
    stage.click("Sign in to the source…");
    stage.press(Modifiers::NONE, Key::Enter);
    let (request, signing) = asked(&mut stage, Way::Browser);
    let failure = Failure::new(Cause::SignInEnded, Scope::Mailbox, Retry::User, "signing in");
    let refused = ServiceError::from(failure.saying("access_denied: the person said no"));
    stage.answer(request, Response::Refused(refused));
    assert!(stage.shows("Nobody signed in") && stage.says("access_denied: the person said no"));
    assert!(signing.cancel.is_cancelled());
    stage.click("Open the browser");
    let (second, again) = asked(&mut stage, Way::Browser);
    stage.answer(request, Response::SignedIn);
    assert!(stage.shows("Sign in to the source"), "an old answer says nothing about this one");
    stage.press(Modifiers::NONE, Key::Escape);
    assert!(again.cancel.is_cancelled() && !stage.shows("Sign in to the source"));
    stage.answer(second, Response::Replaced);
    assert!(!stage.says("is signed in"));
}

#[test]
fn it_is_offered_where_each_person_signs_in_and_while_the_item_may_be_changed() {
    let by_person = signed_in_to(SignInKind::Microsoft);
    let stage = page(&by_person, item(1, "anna"));
    assert!(stage.shows("Sign in to the source…") && !stage.shows("Sign in to the destination…"));
    assert!(stage.says("Microsoft, each person signs in"));
    for status in [Status::Queued, Status::Stopping, Status::WaitingForUser] {
        let mut stage = page(&by_person, item_in(1, "anna", status));
        stage.click("Sign in to the source…");
        assert!(!stage.shows("Open the browser"), "{status:?}");
    }
    for kind in [SignInKind::MicrosoftApp, SignInKind::GoogleService, SignInKind::CustomApp] {
        let stage = page(&signed_in_to(kind), failed(Cause::CredentialMissing));
        for name in ["Sign in to the source…", "Sign in again…", "Correct login…"] {
            assert!(!stage.shows(name), "{kind:?} {name}");
        }
        let mut stage = page(&signed_in_to(kind), failed(Cause::SignInRefused));
        stage.click("Correct sign-in…");
        assert!(stage.shows("Project settings") && stage.says("Sign-in of the source"));
    }
    let stage = page(&project(), failed(Cause::LoginRefused));
    assert!(stage.shows("Correct login…") && !stage.says("Sign in"));
}

#[test]
fn the_dialog_of_an_item_asks_for_no_password_where_none_is_taken() {
    for (since, words) in [(Some(NOW), "Its owner signed in, "), (None, "Nobody has signed in yet")] {
        let mut stage = page(&signed_in_to(SignInKind::Microsoft), item(1, "anna"));
        stage.press(Modifiers::NONE, Key::E);
        let (request, Request::ItemSettings(_)) = stage.only() else { panic!("its settings") };
        let mailbox =
            |domain: &str, credential| Mailbox { email: format!("anna@{domain}.example"), login: None, credential };
        let (source, destination) = (mailbox("contoso", Some(CredentialId(1))), mailbox("fabrikam", None));
        let item = Item { id: ItemId(1), project: PROJECT, source, destination };
        let passwords = [PasswordState::ByPerson(since), PasswordState::Missing];
        stage.answer(
            request,
            Response::ItemSettings(Box::new(ItemSettings { item, note: None, contact: None, passwords })),
        );
        assert!(stage.says(words) && !stage.shows("Password at the source"));
        assert_eq!(stage.shows("Forget the sign-in at the source"), since.is_some());
        assert!(stage.shows("Password at the destination"));
    }
}

/// Chooses one of several in the box with this label.
pub(super) fn choose(stage: &mut Stage, label: &str, one: &str) {
    stage.window.get_by_role_and_label(Role::ComboBox, label).click();
    stage.window.run();
    stage.click(one);
}

const CLIENT: &str = "11112222-3333-4444-5555-666677778888";

#[test]
fn a_new_project_says_how_its_servers_are_signed_in_to() {
    let mut stage = Stage::with(vec![item(1, "anna")]);
    stage.click("All projects");
    stage.click("New project…");
    stage.type_into("Name", "Move");
    stage.type_into("Host of the source", "outlook.office365.com");
    stage.type_into("Host of the destination", "imap.fabrikam.example");
    choose(&mut stage, "Sign-in of the source", "Microsoft 365 app");
    assert!(!stage.shows("One administrator opens all mailboxes of the source"));
    assert!(stage.shows("One administrator opens all mailboxes of the destination"));
    stage.type_into("Tenant of the source", "contoso.onmicrosoft.com");
    stage.click("Create project");
    assert!(stage.asked().is_empty() && stage.says("Name the application (client) id"));
    assert!(stage.says("Enter the client secret"));
    stage.type_into("Client id of the source", CLIENT);
    stage.type_into("Client secret of the source", "Zq-secret");
    stage.click("Create project");
    let (request, Request::NewProject(new)) = stage.only() else { panic!("a project") };
    let sign_in = new.source.server.sign_in().expect("signed in to");
    assert_eq!((sign_in.kind, sign_in.tenant.as_str()), (SignInKind::MicrosoftApp, "contoso.onmicrosoft.com"));
    assert_eq!((sign_in.client_id.as_str(), new.source.password), (CLIENT, Some(Secret::new("Zq-secret"))));
    assert!(new.destination.server.sign_in().is_none() && new.source.key_file.is_none());
    stage.answer(request, Response::Refused(ServiceError::NoProject("x".into())));
    stage.click("Certificate for the source");
    stage.type_into("File with certificate and key for the source", "/tmp/app.pem");
    stage.press(Modifiers::NONE, Key::Enter);
    let (_, Request::NewProject(new)) = stage.only() else { panic!("a project") };
    assert_eq!(new.source.key_file.as_deref(), Some(std::path::Path::new("/tmp/app.pem")));
    assert!(new.source.password.is_none(), "the secret of the other way says nothing");
}

#[test]
fn the_settings_of_a_project_keep_how_it_is_signed_in_to_and_its_secret() {
    let mut of = project();
    let own = SignIn { tenant: "contoso.com".into(), client_id: CLIENT.into(), ..SignIn::of(SignInKind::MicrosoftApp) };
    of.source.set_sign_in(Some(own.clone())).expect("a server");
    let mut stage = Stage::closed();
    stage.state(vec![item(1, "anna")]);
    let (projects, vault) = (vec![of], Some(VaultKind::File));
    stage.opened(WorkspaceInfo { projects, unlocked: true, vault, ..WorkspaceInfo::default() });
    stage.click("More…");
    stage.click("Project settings…");
    stage.click("Save");
    assert!(stage.asked().is_empty() && stage.says("Nothing was changed"));
    stage.type_into("Name", "Other ");
    stage.click("Save");
    let (request, Request::EditProject(change)) = stage.only() else { panic!("an edit") };
    assert!(change.edit.source.server.is_none() && change.edit.source.password.is_leave());
    stage.answer(request, Response::Refused(ServiceError::NoProject("x".into())));
    // Another tenant has another address, which the secret is not for.
    stage.type_into("Tenant of the source", "x");
    stage.click("Save");
    assert!(stage.asked().is_empty() && stage.says("Enter the client secret"));
    stage.type_into("Client secret of the source", "Zq-other");
    stage.press(Modifiers::NONE, Key::Enter);
    let (_, Request::EditProject(change)) = stage.only() else { panic!("an edit") };
    let server = change.edit.source.server.expect("another server");
    let expected = SignIn { tenant: server.sign_in().map(|now| now.tenant.clone()).unwrap_or_default(), ..own };
    assert_eq!(server.sign_in(), Some(&expected));
    assert!(expected.tenant.contains('x') && !change.edit.source.password.is_leave());
    assert!(change.edit.destination.server.is_none());
}

#[test]
fn a_person_signs_in_from_the_window_with_a_real_provider_and_mail_moves() {
    if !oidc::available() {
        return;
    }
    let site = for_persons(3600);
    corpus::small(21).load(&site.server, &site.from);
    site.import();
    {
        let (mut client, _) = Caller::open(site.workspace.path());
        let item = client.state(|snapshot| snapshot.rows().count() == 1).rows().next().expect("a row").item;
        for (side, login) in [(Side::Source, &site.from), (Side::Destination, &site.to)] {
            let browser = site.provider.browser(login, false);
            let tell = move |shown: Shown<'_>| {
                let Shown::Page(page) = shown else { panic!("a page") };
                let mut browser = std::process::Command::new(&browser);
                browser.arg(page);
                let open = move || {
                    browser.status().expect("a browser");
                };
                std::thread::Builder::new().name("browser".into()).spawn(open).expect("a thread");
            };
            let signing = Signing { tell: std::sync::Arc::new(tell), cancel: Default::default() };
            let answer = client.ask(Request::SignIn { item, side, way: Way::Browser, signing });
            assert!(matches!(answer, Response::SignedIn), "{answer:?}");
        }
        let signing = Signing { tell: std::sync::Arc::new(|_| ()), cancel: Default::default() };
        signing.cancel.cancel();
        let given_up = client.ask(Request::SignIn { item, side: Side::Source, way: Way::Browser, signing });
        assert!(matches!(given_up, Response::Replaced), "{given_up:?}");
    }
    site.workspace.start().expect(0);
    site.expect_equal();
}
