//! The mail server by which owners are asked: settings, its password, a test.

use crate::support::dovecot::{self, Dovecot, Format, PASSWORD};
use crate::support::exim::{Exim, SENDER, available};
use crate::support::oidc::{self, Oidc};
use crate::support::product::Workspace;

/// A workspace whose settings name the server.
fn workspace(server: &Exim, dovecot: &Dovecot, security: &str) -> Workspace {
    let mut workspace = Workspace::new();
    workspace.environment.push(("MAILFERRY_MAIL_PASSWORD".into(), PASSWORD.into()));
    let port = if security == "tls" { server.tls_port } else { server.port };
    let settings = [
        "mail-server=localhost".to_owned(),
        format!("mail-port={port}"),
        format!("mail-security={security}"),
        format!("mail-authorities={}", dovecot.certificates.ca_pem.display()),
        format!("mail-login={SENDER}"),
        "mail-from=Kim Doe <kim@b.example>".to_owned(),
    ];
    let settings: Vec<&str> = settings.iter().map(String::as_str).collect();
    workspace.run(&[&["settings"][..], &settings].concat()).expect(0);
    workspace
}

fn mails(dovecot: &Dovecot, address: &str) -> Vec<String> {
    let mails = dovecot.login(address).fetch_all("INBOX");
    mails.into_iter().map(|mail| String::from_utf8_lossy(&mail.bytes).into_owned()).collect()
}

#[test]
fn h1_a_test_arrives_over_tls_over_starttls_and_where_it_is_named_without_protection() {
    if !available() {
        return;
    }
    let dovecot = dovecot::shared(Format::Maildir);
    let server = Exim::start(dovecot);
    for security in ["tls", "starttls", "plain"] {
        let (workspace, to) = (workspace(&server, dovecot, security), server.owner(dovecot));
        let unknown = workspace.run(&["mail", "test", &to]);
        assert!(unknown.stderr.contains("enter it (mail password)"), "{unknown:?}");
        workspace.run(&["mail", "password"]).expect(0);
        let sent = workspace.run(&["mail", "test", &to]).expect(0);
        assert!(sent.stdout.contains("is on its way"), "{sent:?}\n{}", server.log());
        let mails = mails(dovecot, &to);
        assert_eq!(mails.len(), 1, "{}", server.log());
        assert!(mails[0].contains("Subject: Mailferry: a test\r\n"), "{}", mails[0]);
        assert!(
            mails[0].contains("From: \"Kim Doe\" <kim@b.example>")
                || mails[0].contains("From: Kim Doe <kim@b.example>")
        );
    }
}

#[test]
fn h4_what_the_mail_server_says_no_to_is_shown() {
    if !available() {
        return;
    }
    let dovecot = dovecot::shared(Format::Maildir);
    let server = Exim::start(dovecot);
    let (mut workspace, to) = (workspace(&server, dovecot, "tls"), server.owner(dovecot));
    let says = |workspace: &Workspace, to: &str, words: &[&str]| {
        let output = workspace.run(&["mail", "test", to]);
        assert_ne!(output.code, 0, "{output:?}");
        assert!(words.iter().all(|word| output.stderr.contains(word)), "{output:?}\n{}", server.log());
        assert!(!output.stderr.contains(PASSWORD) || words.contains(&"password"), "{output:?}");
    };
    workspace.run(&["mail", "password"]).expect(0);
    says(&workspace, "nobody@a.example", &["was not sent", "550"]);
    says(&workspace, "greylisted@a.example", &["was not sent", "greylisted, come back later"]);
    says(&workspace, "no address", &["\"no address\" is no mail address"]);
    workspace.run(&["settings", "mail-authorities="]).expect(0);
    says(&workspace, &to, &["was not sent", "certificate"]);
    workspace.run(&["settings", &format!("mail-authorities={}", dovecot.certificates.ca_pem.display())]).expect(0);
    workspace.environment = vec![("MAILFERRY_MAIL_PASSWORD".into(), "wrong".into())];
    workspace.run(&["mail", "password"]).expect(0);
    says(&workspace, &to, &["was not sent", "535"]);
    workspace.run(&["settings", "mail-server="]).expect(0);
    says(&workspace, &to, &["set mail-server first"]);
    assert_eq!(mails(dovecot, &to), [] as [String; 0]);
    assert!(!workspace.log().contains("wrong"), "{}", workspace.log());
}

#[test]
fn h1_an_application_logs_in_with_tokens_of_a_real_provider_one_for_many_mails() {
    if !available() || !oidc::available() {
        return;
    }
    let (dovecot, provider) = (dovecot::shared(Format::Maildir), Oidc::start(3600));
    let server = Exim::with_tokens(dovecot, &provider.key_file());
    let (mut workspace, to) = (workspace(&server, dovecot, "tls"), server.owner(dovecot));
    let token_url = format!("mail-token-url={}", provider.url("token"));
    let client = |id: &str| format!("mail-client-id={id}");
    let set = |settings: &[&str]| workspace.run(&[&["settings"][..], settings].concat());
    set(&["mail-sign-in=custom-app", &client(oidc::APP)]).expect(0);
    let lacks = workspace.run(&["mail", "test", &to]);
    assert!(lacks.code != 0 && lacks.stderr.contains("sign-in of the mail server: token URL"), "{lacks:?}");
    set(&[&token_url, "mail-scope=https://outlook.office365.com/.default", "mail-login="]).expect(0);
    let lacks = workspace.run(&["mail", "test", &to]);
    assert!(lacks.code != 0 && lacks.stderr.contains("set mail-login first"), "{lacks:?}");
    set(&["mail-login=kim@b.example"]).expect(0);

    workspace.environment = vec![("MAILFERRY_MAIL_PASSWORD".into(), "not-the-secret".into())];
    workspace.run(&["mail", "password"]).expect(0);
    let refused = workspace.run(&["mail", "test", &to]);
    assert!(refused.code != 0 && refused.stderr.contains("was not sent"), "{refused:?}");
    assert!(!refused.stderr.contains("not-the-secret"), "{refused:?}");

    let no_key = workspace.run(&["mail", "password", "--file", "/nowhere.pem"]);
    assert!(no_key.code != 0 && no_key.stderr.contains("/nowhere.pem: "), "{no_key:?}");
    workspace.run(&["settings", &client(oidc::CERTIFIED)]).expect(0);
    workspace.run(&["mail", "password", "--file", &oidc::app_pem()]).expect(0);
    let sent = workspace.run(&["mail", "test", &to]);
    assert!(sent.code == 0 && sent.stdout.contains("is on its way"), "{sent:?}\n{}", server.log());
    assert_eq!(mails(dovecot, &to).len(), 1, "{}", server.log());

    // A server that knows another key takes none of them.
    let other = Exim::with_tokens(dovecot, &Oidc::start(3600).key_file());
    workspace.run(&["settings", &format!("mail-port={}", other.tls_port)]).expect(0);
    let refused = workspace.run(&["mail", "test", &to]);
    assert!(refused.code != 0 && refused.stderr.contains("535"), "{refused:?}\n{}", other.log());
}
