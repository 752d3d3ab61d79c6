//! Texts about servers that are other ones than they were taken for. Pure.

use crate::domain::failure::TLS_PORT;

/// Headline, what happened, what to do.
type Texts = (String, String, String);

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
        "Correct host or port in the project's settings: imaps:// usually goes with port 993, imap:// with 143.".into(),
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
            format!("{host} takes only OAuth: a sign-in with its provider in place of a password. None was sent."),
            "Say in the project's settings how to sign in, then Start.",
        ),
        () => (
            format!("{host} offers no way to log in with a password here."),
            "Check port and kind of protection in the project's settings, or ask its administrator how to log in; then Start.",
        ),
    };
    (headline, what, todo.into())
}

#[cfg(test)]
mod tests {
    use super::*;

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
    fn what_a_server_takes_in_place_of_a_password_is_said() {
        let todo = |said: &str| no_passwords("source", "mail.example", said).2;
        assert!(todo("the server offers LOGINDISABLED AUTH=XOAUTH2").contains("sign in"));
        assert!(todo("the server offers LOGINDISABLED STARTTLS").contains("STARTTLS"));
        assert!(
            todo("[PRIVACYREQUIRED] Plaintext authentication disallowed on non-secure (SSL/TLS) connections")
                .contains("imaps")
        );
        assert!(todo("the server offers LOGINDISABLED").contains("Check port"));
    }
}
