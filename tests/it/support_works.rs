//! The support itself is tested: a broken relay or server would make every other test say yes.

use crate::support::dovecot::{self, Dovecot, Format, Options};
use crate::support::imap::{Imap, Message};

#[test]
fn dovecot_starts_and_refuses_wrong_passwords() {
    if !dovecot::available() {
        return;
    }
    let server = dovecot::shared(Format::Sdbox);
    let user = server.user("login");
    server.login(&user);
    let (_, refused) = Imap::connect(server.plain_port).command(&format!("LOGIN {user} wrong"));
    assert!(refused.starts_with("NO [AUTHENTICATIONFAILED]"), "{refused}");
    Imap::login(server.plain_port, &format!("{user}*master"), "masterpass");
    let (_, refused) = Imap::connect(server.plain_port).command(&format!("LOGIN {user}*master wrong"));
    assert!(refused.starts_with("NO"), "{refused}");
}

#[test]
fn dovecot_ends_with_its_handle() {
    if !dovecot::available() {
        return;
    }
    let server = Dovecot::start(Options { quota: Some("1M".into()), connections: Some(2), ..Options::maildir() });
    let user = server.user("small");
    let mut imap = server.login(&user);
    let _second = server.login(&user);
    let (_, refused) = Imap::connect(server.plain_port).command(&format!("LOGIN {user} pass"));
    assert!(refused.contains("[LIMIT]") || refused.contains("UNAVAILABLE"), "{refused}");
    imap.append("INBOX", &Message::plain("Subject: x\r\n\r\nx\r\n"));
    assert_eq!(imap.fetch_all("INBOX").len(), 1);
    let port = server.plain_port;
    drop(server);
    assert!(std::net::TcpStream::connect(("127.0.0.1", port)).is_err());
}
