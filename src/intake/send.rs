//! Sends one mail by SMTP. Tells what was certainly not sent from what may have been: only the first may be tried again.

use std::time::Duration;

use lettre::transport::smtp::Error;
use lettre::transport::smtp::authentication::{Credentials, Mechanism};
use lettre::transport::smtp::client::AsyncSmtpConnection;
use lettre::transport::smtp::commands::{Data, Mail, Rcpt};
use lettre::transport::smtp::extension::{ClientId, Extension, MailParameter};
use tokio::time::timeout;

use super::letter::Letter;
use super::wire::{self, NoWire};
use crate::domain::asking::SendOutcome;
use crate::domain::secret::Secret;

/// For the connection and its protection.
const CONNECT: Duration = Duration::from_secs(30);
/// For each answer before the mail is handed over.
const ANSWER: Duration = Duration::from_secs(60);
/// For the answer to the mail itself.
const LAST_ANSWER: Duration = Duration::from_secs(300);

/// How the connection is protected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MailSecurity {
    /// TLS from the first byte.
    Tls,
    /// TLS after STARTTLS, or nothing is sent.
    StartTls,
    /// Not at all.
    Plain,
}

/// What a login is proved with.
#[derive(Clone, Debug)]
pub enum MailProof {
    /// A password.
    Password(Secret),
    /// A token (XOAUTH2).
    Token(Secret),
}

/// A server that takes mail.
#[derive(Clone, Debug)]
pub struct MailServer {
    /// Its name.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// How the connection is protected.
    pub security: MailSecurity,
    /// Who vouches for its certificate, PEM; none: whom the system trusts.
    pub authorities: Option<String>,
    /// Who logs in, and with what; none: nobody.
    pub login: Option<(String, MailProof)>,
}

/// What became of a mail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SendAnswer {
    /// Whether it was sent.
    pub outcome: SendOutcome,
    /// In the server's words.
    pub text: String,
    /// The login was refused: it is not tried again with another mail (D24).
    pub login_refused: bool,
}

impl SendAnswer {
    fn new(outcome: SendOutcome, text: impl Into<String>) -> Self {
        Self { outcome, text: text.into(), login_refused: false }
    }

    /// Before the mail was handed over: it was certainly not sent.
    fn before(error: &Error) -> Self {
        let outcome = if error.is_permanent() { SendOutcome::Refused } else { SendOutcome::Later };
        Self::new(outcome, words(error))
    }

    fn silent(what: &str) -> Self {
        Self::new(SendOutcome::Later, format!("no answer in time while {what}"))
    }
}

/// An error with all that is behind it.
fn words(error: &Error) -> String {
    let mut text = error.to_string();
    let mut inner: &dyn std::error::Error = error;
    while let Some(source) = inner.source() {
        let more = source.to_string();
        if !text.contains(&more) {
            text += ": ";
            text += &more;
        }
        inner = source;
    }
    text
}

/// Sends a mail. Cancelling it leaves open whether it was sent.
pub async fn send(server: &MailServer, letter: &Letter) -> SendAnswer {
    match deliver(server, letter).await {
        Ok(sent) => sent,
        Err(not_sent) => not_sent,
    }
}

async fn deliver(server: &MailServer, letter: &Letter) -> Result<SendAnswer, SendAnswer> {
    let mut connection = connect(server).await?;
    log_in(server, &mut connection).await?;
    hand_over(&mut connection, letter).await?;
    let answered = timeout(LAST_ANSWER, connection.message(&letter.bytes)).await;
    let answer = match &answered {
        Ok(Ok(response)) => SendAnswer::new(SendOutcome::Sent, response.message().collect::<Vec<_>>().join(" ")),
        Ok(Err(error)) if error.is_permanent() => SendAnswer::new(SendOutcome::Refused, words(error)),
        Ok(Err(error)) if error.is_transient() => SendAnswer::new(SendOutcome::Later, words(error)),
        Ok(Err(error)) => SendAnswer::new(SendOutcome::Unsure, words(error)),
        Err(_) => SendAnswer::new(SendOutcome::Unsure, "no answer in time after the mail was handed over"),
    };
    if answer.outcome == SendOutcome::Sent {
        // It is sent, whatever the farewell.
        drop(timeout(Duration::from_secs(5), connection.quit()).await);
    }
    Ok(answer)
}

async fn connect(server: &MailServer) -> Result<AsyncSmtpConnection, SendAnswer> {
    let hello = ClientId::default();
    let connected = timeout(CONNECT, async {
        let stream = wire::connect(server, &hello).await;
        let stream = stream.map_err(|NoWire { outcome, text }| SendAnswer::new(outcome, text))?;
        let connected = AsyncSmtpConnection::connect_with_transport(stream, &hello).await;
        connected.map_err(|error| SendAnswer::before(&error))
    });
    connected.await.unwrap_or_else(|_| Err(SendAnswer::silent("connecting")))
}

async fn log_in(server: &MailServer, connection: &mut AsyncSmtpConnection) -> Result<(), SendAnswer> {
    let Some((user, proof)) = &server.login else { return Ok(()) };
    let (mechanisms, secret): (&[Mechanism], _) = match proof {
        MailProof::Password(secret) => (&[Mechanism::Plain, Mechanism::Login], secret),
        MailProof::Token(secret) => (&[Mechanism::Xoauth2], secret),
    };
    let credentials = Credentials::new(user.clone(), secret.expose().to_owned());
    match timeout(ANSWER, connection.auth(mechanisms, &credentials)).await {
        Ok(Ok(_)) => Ok(()),
        // The mail is not to blame: it waits until the login is another one.
        Ok(Err(error)) if error.is_permanent() => {
            Err(SendAnswer { login_refused: true, ..SendAnswer::new(SendOutcome::Later, words(&error)) })
        }
        Ok(Err(error)) => Err(SendAnswer::before(&error)),
        Err(_) => Err(SendAnswer::silent("logging in")),
    }
}

/// Says from whom and to whom, up to the point where the mail itself is next.
async fn hand_over(connection: &mut AsyncSmtpConnection, letter: &Letter) -> Result<(), SendAnswer> {
    let ascii = letter.from.to_string().is_ascii() && letter.to.to_string().is_ascii();
    let mut parameters = Vec::new();
    if !ascii {
        if !connection.server_info().supports_feature(Extension::SmtpUtfEight) {
            let text = "the mail server takes no addresses with such characters";
            return Err(SendAnswer::new(SendOutcome::Refused, text));
        }
        parameters.push(MailParameter::SmtpUtfEight);
    }
    let said = timeout(ANSWER, async {
        connection.command(Mail::new(Some(letter.from.clone()), parameters)).await?;
        connection.command(Rcpt::new(letter.to.clone(), Vec::new())).await?;
        connection.command(Data).await
    });
    match said.await {
        Ok(Ok(_)) => Ok(()),
        Ok(Err(error)) => Err(SendAnswer::before(&error)),
        Err(_) => Err(SendAnswer::silent("naming sender and recipient")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::time::Timestamp;
    use crate::intake::letter::Head;
    use crate::intake::smtp_peer::{Answers, SmtpPeer};

    fn letter() -> Letter {
        let head = Head {
            from: "kim@b.example".into(),
            reply_to: None,
            to: "anna@a.example".into(),
            id: "1".into(),
            at: Timestamp::from_millis(1),
        };
        Letter::test(&head).unwrap()
    }

    fn at(port: u16) -> MailServer {
        let login = Some(("kim".to_owned(), MailProof::Password(Secret::new("hunter2"))));
        MailServer { host: "127.0.0.1".into(), port, security: MailSecurity::Plain, authorities: None, login }
    }

    async fn sent(answers: Answers, change: impl FnOnce(&mut MailServer)) -> SendAnswer {
        let peer = SmtpPeer::start(answers).await;
        let mut server = at(peer.port);
        change(&mut server);
        send(&server, &letter()).await
    }

    #[tokio::test]
    async fn h4_what_was_certainly_not_sent_is_told_from_what_may_have_been() {
        let refused = sent(&[("RCPT", "550 5.1.1 no such user\r\n")], |_| ()).await;
        assert_eq!(refused.outcome, SendOutcome::Refused);
        assert!(refused.text.contains("5.1.1 no such user"), "{}", refused.text);
        for (answers, outcome) in [
            (&[][..], SendOutcome::Sent),
            (&[("RCPT", "450 4.2.0 greylisted\r\n")][..], SendOutcome::Later),
            (&[("MAIL", "552 5.2.2 no\r\n")][..], SendOutcome::Refused),
            (&[("", "421 4.3.2 not now\r\n")][..], SendOutcome::Later),
            (&[("", "")][..], SendOutcome::Later),
            (&[("MAIL", "")][..], SendOutcome::Later),
            (&[("DATA", "")][..], SendOutcome::Later),
            (&[("DATA", "451 4.3.0 no room\r\n")][..], SendOutcome::Later),
            (&[(".", "451 4.3.0 no room\r\n")][..], SendOutcome::Later),
            (&[(".", "554 5.7.1 spam\r\n")][..], SendOutcome::Refused),
            (&[(".", "")][..], SendOutcome::Unsure),
            (&[(".", "gibberish\r\n")][..], SendOutcome::Unsure),
        ] {
            assert_eq!(sent(answers, |_| ()).await.outcome, outcome, "{answers:?}");
        }
    }

    #[tokio::test]
    async fn h4_a_refused_login_blames_no_mail_and_a_lack_of_protection_sends_nothing() {
        let refused = sent(&[("AUTH", "535 5.7.8 wrong\r\n")], |_| ()).await;
        assert!(refused.login_refused && refused.outcome == SendOutcome::Later, "{refused:?}");
        assert!(!refused.text.contains("hunter2"));
        let busy = sent(&[("AUTH", "454 4.7.0 later\r\n")], |_| ()).await;
        assert_eq!((busy.login_refused, busy.outcome), (false, SendOutcome::Later));
        let plain = sent(&[], |server| server.security = MailSecurity::StartTls).await;
        assert_eq!((plain.login_refused, plain.outcome), (false, SendOutcome::Later), "{plain:?}");
        let nobody = sent(&[], |server| server.port = 1).await;
        assert_eq!(nobody.outcome, SendOutcome::Later);
    }

    #[tokio::test]
    async fn h4_what_was_said_before_the_protection_is_no_answer_of_the_server() {
        const HELLO: (&str, &str) = ("EHLO", "250-hi\r\n250 STARTTLS\r\n");
        let honest =
            sent(&[HELLO, ("STARTTLS", "220 go ahead\r\n")], |server| server.security = MailSecurity::StartTls);
        let honest = honest.await;
        assert!(honest.outcome == SendOutcome::Later && honest.text.contains("no protected connection"), "{honest:?}");
        let between: Answers = &[HELLO, ("STARTTLS", "220 go ahead\r\n250-hi\r\n250 AUTH PLAIN\r\n")];
        let refused = sent(between, |server| server.security = MailSecurity::StartTls).await;
        assert!(refused.text.contains("before the connection was protected"), "{refused:?}");
        let never = sent(&[("", "554 5.3.2 closed\r\n")], |server| server.security = MailSecurity::StartTls).await;
        assert_eq!((never.outcome, never.text.as_str()), (SendOutcome::Refused, "554 5.3.2 closed"));
    }

    #[tokio::test]
    async fn h4_nobody_hears_a_password_before_the_connection_is_protected() {
        let peer = SmtpPeer::start(&[]).await;
        let server = MailServer { security: MailSecurity::StartTls, ..at(peer.port) };
        assert_eq!(send(&server, &letter()).await.outcome, SendOutcome::Later);
        let heard = peer.heard("");
        assert!(heard.iter().all(|line| line.starts_with("EHLO") || line == "QUIT"), "{heard:?}");
    }
}
