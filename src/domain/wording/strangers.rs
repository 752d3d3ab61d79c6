//! Texts about servers that do not answer, or are other ones than they were taken for. Pure.

use crate::domain::failure::{Cause, Failure, TLS_PORT};

/// Headline, what happened, what to do.
type Texts = (String, String, String);

/// The ports of IMAP, for whoever may have mistyped one.
const PORTS: &str = "imaps:// usually goes with port 993, imap:// with 143";

/// A server that was not come to. `side` is empty or the word for it and a blank.
pub(super) fn out_of_reach(cause: Cause, side: &str, host: &str, port: &str) -> Texts {
    let server = format!("{side}server");
    match cause {
        Cause::NameUnknown => (
            format!("The name {host} leads to no address"),
            format!("This computer does not find the {server} by that name."),
            "Check how the host is written in the project's settings, and the network or VPN of this computer; then Start.".into(),
        ),
        Cause::PortClosed => (
            format!("{host} takes no connections{port}"),
            format!("Connections to the {server} are refused: nothing listens there, or a firewall answers for it."),
            format!("Check the port in the project's settings ({PORTS}); if it is right, see whether the mail server runs. Then Start."),
        ),
        Cause::NoGreeting => (
            format!("{host} does not greet"),
            format!("The {server} took the connection{port} and said nothing. No password was sent."),
            format!(
                "Check the port in the project's settings ({PORTS}); if it is right, ask its administrator whether the server is \
                 overloaded or keeps this address waiting. Then Start."
            ),
        ),
        Cause::ClosedUngreeted => (
            format!("{host} closes the connection at once"),
            format!("The {server} took the connection{port} and closed it without a greeting. No password was sent."),
            "It may be starting up, or have blocked this address after many logins: wait some minutes, then Start. If it lasts, \
             check the port in the project's settings and ask its administrator."
                .into(),
        ),
        _ => (
            format!("{host} cannot be reached"),
            format!("There was no answer from the {server}{port}."),
            "Check host and port in the project's settings, VPN and firewall; the server may have blocked this address after \
             many logins. Then Start."
                .into(),
        ),
    }
}

/// A certificate that was refused.
pub(super) fn certificate(cause: Cause, host: &str) -> Texts {
    const PIN: &str = "compare its fingerprint with the server's administrator, then pin it: exactly this certificate is trusted \
                       from then on";
    match cause {
        Cause::CertificateOutOfDate => (
            "Certificate not trusted: it is out of date".into(),
            format!("The certificate of {host} has expired, or is not valid yet. No password was sent."),
            format!(
                "Have its administrator renew it, and see that this computer's clock is right; then Start. To go on with this one, {PIN}."
            ),
        ),
        Cause::CertificateOfAnother => (
            "Certificate not trusted: it has another name".into(),
            format!("{host} shows a certificate that was made for another name. No password was sent."),
            format!(
                "Name the server in the project's settings as its certificate does; then Start. If it has no such name, {PIN}."
            ),
        ),
        _ => (
            "Certificate not trusted".into(),
            format!("This machine cannot verify who issued the certificate of {host}. No password was sent."),
            format!(
                "If the server made its own, {PIN}. If its organisation has an authority of its own, name the file of that \
                 authority's certificates in the project's settings."
            ),
        ),
    }
}

/// A folder that a destination does not create or open: for its name, or because a right is missing.
pub(super) fn folder_refused(folder: &str, the_side: &str, host: &str, name: &str, failure: &Failure) -> Texts {
    let said = failure.server_text.as_deref().unwrap_or_default().to_ascii_lowercase();
    let of_rights = ["permission", "noperm", "denied", "acl", "not authorized", "read-only", "access"];
    if of_rights.iter().any(|word| said.contains(word)) {
        return (
            format!("{folder} cannot be made at the {the_side}"),
            format!("{host} does not let this login create or open it. Its messages wait."),
            "Ask the server's administrator for the right to create folders, then Start. If it is only this one, map it to \
             another name."
                .into(),
        );
    }
    if failure.doing.starts_with("opening") {
        return (
            format!("{folder} cannot be opened at the {the_side}"),
            format!("It is there, and {host} refused to open it. Its messages wait."),
            format!(
                "Open it at the {the_side} in the owner's mail program; if that fails too, show the server's words to its \
                     administrator. Then Start."
            ),
        );
    }
    let rule = match name {
        "" => ".".to_owned(),
        name => format!("; a rule is for example ^{}->{name}-1", regex::escape(name)),
    };
    (
        format!("{folder} is not allowed at the {the_side}"),
        format!("{host} refused to create or open it. Its messages wait for another name."),
        format!("Rename it in the owner's mail program or map it, then Start{rule}"),
    )
}

/// TLS was begun where nobody understands it.
pub(super) fn not_tls(host: &str, port: &str) -> Texts {
    (
        format!("{host} speaks no TLS{port}"),
        "imaps:// begins with encryption, and what answers there does not understand it. No password was sent.".into(),
        format!(
            "Name it with imap:// in the project's settings (it asks for encryption itself: STARTTLS), or correct the port: {PORTS}. Then Start."
        ),
    )
}

/// No protection could be agreed on, or the server offers none.
pub(super) fn tls_failed(host: &str, said: &str) -> Texts {
    let headline = format!("No protected connection to {host}");
    if said.contains("does not offer STARTTLS") {
        return (
            headline,
            "The server offers no encryption on this port. No password was sent.".into(),
            format!(
                "Correct the port or the kind of protection in the project's settings: {PORTS}. Only where there is no other way, \
                 imap+plain:// sends passwords and mail in the clear."
            ),
        );
    }
    (
        headline,
        "The server and Mailferry could not agree on encryption. No password was sent.".into(),
        format!("Correct port or kind of protection in the project's settings: {PORTS}."),
    )
}

/// Something else answers at a port.
pub(super) fn no_imap(host: &str, port: &str, said: &str) -> Texts {
    let headline = format!("No IMAP server at {host}");
    if said == TLS_PORT {
        return (
            headline,
            format!(
                "What answers{port} looks like a TLS port, and was spoken to without protection. No password was sent."
            ),
            "Name it with imaps:// in the project's settings, then Start.".into(),
        );
    }
    (
        headline,
        format!("What answers{port} is {}. No password was sent.", who(said)),
        format!("Correct host or port in the project's settings: {PORTS}."),
    )
}

/// By the first words of a greeting.
fn who(said: &str) -> &'static str {
    let lower = said.trim_start().to_ascii_lowercase();
    let begins = |words: &[&str]| words.iter().any(|word| lower.starts_with(word));
    match () {
        () if begins(&["220", "421", "554"]) && lower.contains("ftp") => "an FTP server",
        () if begins(&["220", "421", "554"]) => "an SMTP server",
        () if begins(&["+ok", "-err"]) => "a POP3 server",
        () if begins(&["http/", "<html", "<!doctype"]) => "a web server",
        () if begins(&["ssh-"]) => "an SSH server",
        () => "no IMAP server",
    }
}

/// A server takes no passwords on a connection.
pub(super) fn no_passwords(the_side: &str, host: &str, said: &str) -> Texts {
    let headline = format!("The {the_side} takes no passwords on this connection");
    let lower = said.to_ascii_lowercase();
    let (what, todo) = match () {
        () if lower.contains("auth=plain") || lower.contains("starttls") || lower.contains("tls") => (
            format!("{host} wants a protected connection first."),
            "Name it with imaps:// or imap:// (STARTTLS) in the project's settings, then Start.",
        ),
        () if lower.contains("oauth") => (
            format!(
                "{host} takes only OAuth: a sign-in with its provider in place of a password. No password was sent."
            ),
            "Say in the project's settings how to sign in, then Start.",
        ),
        () => (
            format!("{host} offers no way to log in with a password here."),
            "Many servers take passwords on protected connections only: try imaps:// or imap:// in the project's settings, or ask \
             its administrator how to log in; then Start.",
        ),
    };
    (headline, what, todo.into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::failure::{Retry, Scope};

    #[test]
    fn who_answers_is_known_by_its_first_words() {
        for (said, named) in [
            ("220 mx.example ESMTP Postfix", "an SMTP server"),
            ("554 no SMTP service here", "an SMTP server"),
            ("220 (vsFTPd 3.0.3)", "an FTP server"),
            ("+OK Dovecot ready.", "a POP3 server"),
            ("-ERR unknown command", "a POP3 server"),
            ("HTTP/1.1 400 Bad Request", "a web server"),
            ("SSH-2.0-OpenSSH_9.2", "an SSH server"),
            ("Intrusion prevention active", "no IMAP server"),
            ("", "no IMAP server"),
        ] {
            let (_, what, todo) = no_imap("mail.example", " on port 25", said);
            assert!(what.starts_with(&format!("What answers on port 25 is {named}.")), "{said}: {what}");
            assert!(todo.contains("993"));
        }
        assert!(no_imap("mail.example", " on port 993", TLS_PORT).2.contains("imaps://"));
    }

    #[test]
    fn a_folder_that_a_right_is_missing_for_is_not_to_be_renamed() {
        let todo = |said: &str, name: &str| {
            let failure = Failure::new(Cause::FolderRefused, Scope::Folder, Retry::User, "creating").saying(said);
            folder_refused("Folder", "destination", "mail.example", name, &failure).2
        };
        for said in ["Permission denied", "[NOPERM] no", "Access to this name is denied", "Mailbox is read-only"] {
            assert!(todo(said, "Work").contains("right to create folders"), "{said}");
        }
        assert!(todo("[CANNOT] Folder contains excess whitespace", "A.B").ends_with(r"^A\.B->A.B-1"));
        assert!(todo("Folder name is reserved", "").ends_with("Start."));
    }

    #[test]
    fn what_a_server_takes_in_place_of_a_password_is_said() {
        let todo = |said: &str| no_passwords("source", "mail.example", said).2;
        assert!(todo("the server offers LOGINDISABLED AUTH=XOAUTH2").contains("sign in"));
        assert!(todo("the server offers LOGINDISABLED STARTTLS").contains("STARTTLS"));
        assert!(
            todo("[PRIVACYREQUIRED] Plaintext authentication disallowed on non-secure (SSL/TLS) connections")
                .contains("imaps")
        );
        assert!(todo("the server offers LOGINDISABLED").contains("try imaps:// or imap://"));
    }
}
