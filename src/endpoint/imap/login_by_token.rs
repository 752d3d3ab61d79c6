//! Logging in with a token: XOAUTH2 (Google, Microsoft), else OAUTHBEARER (RFC 7628). A refusal comes as a challenge, whose
//! answer is empty or a control character; only then does the server say no.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use tokio::sync::oneshot;

use super::classify::Step;
use super::connection::Connection;
use super::encode::{ImapCommand, Piece};
use super::pending::{Answer, Pending};
use super::scrub::Scrub;
use super::session::Capabilities;
use crate::domain::failure::{Cause, Failure, Retry, Scope};
use crate::domain::secret::Secret;
use crate::endpoint::Result;
use crate::endpoint::auth::Bearer;

/// Longest message that goes with the command (RFC 4959): servers bound their lines.
const LONGEST_FIRST: usize = 7000;

/// A login with a token.
pub(super) struct TokenLogin<'a> {
    user: &'a str,
    token: &'a Secret,
    doing: String,
}

/// How a token is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mechanism {
    XOAuth2,
    OAuthBearer,
}

impl Mechanism {
    fn offered(capabilities: &Capabilities) -> Option<Self> {
        let all = [(Self::XOAuth2, "AUTH=XOAUTH2"), (Self::OAuthBearer, "AUTH=OAUTHBEARER")];
        all.into_iter().find(|(_, name)| capabilities.contains(*name)).map(|(mechanism, _)| mechanism)
    }

    fn command(self) -> ImapCommand {
        let mut command = ImapCommand::new(match self {
            Self::XOAuth2 => "AUTHENTICATE XOAUTH2",
            Self::OAuthBearer => "AUTHENTICATE OAUTHBEARER",
        });
        command.secret = true;
        command
    }

    /// The answer to a challenge that tells why the token was not taken.
    fn acknowledgement(self) -> &'static str {
        match self {
            Self::XOAuth2 => "",
            Self::OAuthBearer => "AQ==",
        }
    }
}

impl<'a> TokenLogin<'a> {
    /// As this user, with this token.
    pub(super) fn new(user: &'a str, bearer: &'a Bearer) -> Self {
        Self { user, token: &bearer.token, doing: format!("logging in as {user}") }
    }

    fn message(&self, mechanism: Mechanism) -> Secret {
        let (user, token) = (self.user, self.token.expose());
        Secret::new(match mechanism {
            Mechanism::XOAuth2 => format!("user={user}\x01auth=Bearer {token}\x01\x01"),
            Mechanism::OAuthBearer => {
                let user = user.replace('=', "=3D").replace(',', "=2C");
                format!("n,a={user},\x01auth=Bearer {token}\x01\x01")
            }
        })
    }

    /// Takes the token, in every form in which it is sent, out of what the server says.
    pub(super) fn scrub(&self) -> Scrub {
        let messages = [Mechanism::XOAuth2, Mechanism::OAuthBearer].map(|how| self.message(how));
        Scrub::new(self.token, &messages).with_names([self.user])
    }

    /// Logs in.
    pub(super) async fn log_in(&self, connection: &mut Connection, capabilities: &Capabilities) -> Result<Answer> {
        let refused = |cause, scope, text| Failure::new(cause, scope, Retry::User, &self.doing).saying(text);
        let Some(mechanism) = Mechanism::offered(capabilities) else {
            let text = "the server takes no tokens: it offers neither AUTH=XOAUTH2 nor AUTH=OAUTHBEARER";
            return Err(refused(Cause::CommandRefused, Scope::Endpoint, text));
        };
        if self.user.chars().any(char::is_control) {
            return Err(refused(Cause::TokenRefused, Scope::Mailbox, "the login name holds a control character"));
        }
        let message = STANDARD.encode(self.message(mechanism).expose());
        let at_once = capabilities.contains("SASL-IR") && message.len() <= LONGEST_FIRST;
        let (answer, was_read) = self.authenticate(connection, mechanism, at_once).await?;
        let refused = answer.failure.as_ref().is_some_and(|failure| failure.cause == Cause::TokenRefused);
        if at_once && !was_read && refused && answer.told_bad && answer.told.code.name.is_empty() {
            // Some advertise that the message may come with the command, and cannot read it there.
            return self.authenticate(connection, mechanism, false).await?.0.good();
        }
        answer.good()
    }

    /// One try: the message comes with the command, or when the server asks for it. Whether the server spoke of the token
    /// before it answered, so that it has read it, is told too.
    async fn authenticate(
        &self,
        connection: &mut Connection,
        mechanism: Mechanism,
        at_once: bool,
    ) -> Result<(Answer, bool)> {
        let message = STANDARD.encode(self.message(mechanism).expose());
        let mut command = mechanism.command();
        match at_once {
            true => command = command.text(" ").text(&message),
            false => command.pieces.push(Piece::Reply(message.into_bytes())),
        }
        let (mut pending, ticket) = Pending::whole(Step::TokenLogin, &self.doing);
        let (to, challenge) = oneshot::channel();
        pending.challenge = Some(to);
        connection.send(command, pending).await?;
        connection.flush().await?;
        // Comes, or is dropped when the command is answered.
        let challenge = challenge.await.ok();
        if challenge.is_some() {
            connection.reply(mechanism.acknowledgement()).await?;
        }
        let mut answer = connection.answer(ticket).await?;
        let status = challenge.as_deref().and_then(status);
        if let (Some(failure), Some(status)) = (&mut answer.failure, status) {
            let told = failure.server_text.take().unwrap_or_default();
            failure.server_text = Some(format!("{told} (status {status})").trim_start().to_owned());
        }
        Ok((answer, challenge.is_some()))
    }
}

/// What a challenge says of the token: a number or a word.
fn status(challenge: &str) -> Option<String> {
    #[derive(Deserialize)]
    struct Told {
        status: String,
    }
    let told: Told = serde_json::from_slice(&STANDARD.decode(challenge).ok()?).ok()?;
    let is_word = |text: &String| text.len() <= 40 && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    Some(told.status).filter(is_word)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::time::Instant;

    use super::*;
    use crate::endpoint::auth::Proof;
    use crate::endpoint::imap::Login;
    use crate::endpoint::imap::script::{ScriptStep, hear, log_in_as, say};

    fn bearer(token: &str) -> Bearer {
        Bearer { token: Secret::new(token), retires: Instant::now() + Duration::from_secs(60), fresh: true }
    }

    async fn log_in(steps: Vec<ScriptStep>, token: &str) -> (Result<Option<Instant>>, Vec<String>) {
        let proof = Proof::Bearer(bearer(token));
        let login = Login { user: "a,b=c@x".into(), admin: None, proof };
        let (opened, mut peer) = log_in_as(steps, login).await;
        let opened = opened.map(|session| session.retires);
        (opened, (&mut peer.0).await.unwrap())
    }

    const AS_XOAUTH2: &str = "dXNlcj1hLGI9Y0B4AWF1dGg9QmVhcmVyIHQwazNuAQE=";
    const AS_OAUTHBEARER: &str = "bixhPWE9MkNiPTNEY0B4LAFhdXRoPUJlYXJlciB0MGszbgEB";

    #[tokio::test]
    async fn both_mechanisms_log_in_with_and_without_an_initial_response() {
        let welcome = |offers: &str| say(format!("* OK [CAPABILITY IMAP4rev1 {offers}] hello\r\n"));
        let rest = || {
            [
                say("A1 OK [CAPABILITY IMAP4rev1 NAMESPACE] in\r\n"),
                hear("A2 NAMESPACE"),
                say("* NAMESPACE ((\"\" \"/\")) NIL NIL\r\nA2 OK done\r\n"),
            ]
        };
        for (offers, verb, message) in [
            ("SASL-IR AUTH=XOAUTH2 AUTH=OAUTHBEARER AUTH=PLAIN", "A1 AUTHENTICATE XOAUTH2", AS_XOAUTH2),
            ("SASL-IR AUTH=OAUTHBEARER", "A1 AUTHENTICATE OAUTHBEARER", AS_OAUTHBEARER),
        ] {
            let line: &'static str = format!("{verb} {message}").leak();
            let mut steps = vec![welcome(offers), hear(line)];
            steps.extend(rest());
            let (opened, heard) = log_in(steps, "t0k3n").await;
            assert!(opened.unwrap().is_some(), "it knows when it ends: {heard:?}");
            let mut steps = vec![welcome(&offers.replace("SASL-IR ", "")), hear(verb), say("+ \r\n"), hear(message)];
            steps.extend(rest());
            let (opened, heard) = log_in(steps, "t0k3n").await;
            assert!(opened.is_ok() && heard[0] == verb, "{heard:?}");
        }
    }

    #[tokio::test]
    async fn a_token_that_is_not_read_with_the_command_is_sent_when_asked() {
        let steps = vec![
            say("* OK [CAPABILITY IMAP4rev1 SASL-IR AUTH=XOAUTH2] hello\r\n"),
            hear("A1 AUTHENTICATE XOAUTH2 dXNl"),
            say("A1 BAD what?\r\n"),
            hear("A2 AUTHENTICATE XOAUTH2"),
            say("+ \r\n"),
            hear(AS_XOAUTH2),
            say("A2 OK [CAPABILITY IMAP4rev1] in\r\n"),
            hear("A3 LIST"),
            say("A3 OK x\r\n"),
        ];
        assert!(log_in(steps, "t0k3n").await.0.is_ok());
        // A token that was read and refused is not sent again.
        let challenge = STANDARD.encode(r#"{"status":"400"}"#);
        for more in [
            vec![say(format!("+ {challenge}\r\n")), hear(""), say("A1 BAD no\r\n"), hear("never")],
            vec![say("A1 BAD [AUTHENTICATIONFAILED] no\r\n"), hear("never")],
            vec![say("A1 NO no\r\n"), hear("never")],
        ] {
            let mut steps =
                vec![say("* OK [CAPABILITY IMAP4rev1 SASL-IR AUTH=XOAUTH2] hello\r\n"), hear("A1 AUTHENTICATE")];
            steps.extend(more);
            assert_eq!(log_in(steps, "t0k3n").await.0.unwrap_err().cause, Cause::TokenRefused);
        }
    }

    #[tokio::test]
    async fn a_refusal_is_acknowledged_and_says_its_status() {
        for (mechanism, acknowledgement, status) in [("XOAUTH2", "", "401"), ("OAUTHBEARER", "AQ==", "invalid_token")] {
            let challenge = STANDARD.encode(format!(r#"{{"status":"{status}","schemes":"bearer"}}"#));
            let steps = vec![
                say(format!("* OK [CAPABILITY IMAP4rev1 SASL-IR AUTH={mechanism}] hello\r\n")),
                hear("A1 AUTHENTICATE"),
                say(format!("+ {challenge}\r\n")),
                hear(acknowledgement),
                say("A1 NO [AUTHENTICATIONFAILED] Authentication failed. t0k3n\r\n"),
            ];
            let (opened, heard) = log_in(steps, "t0k3n").await;
            let failure = opened.unwrap_err();
            assert_eq!((failure.cause, failure.scope), (Cause::TokenRefused, Scope::Mailbox));
            let text = failure.server_text.unwrap();
            assert!(text.ends_with(&format!("Authentication failed. <hidden> (status {status})")), "{text}");
            assert_eq!(heard[1], acknowledgement);
        }
    }

    #[tokio::test]
    async fn a_long_token_waits_for_the_servers_word_and_no_token_goes_where_none_is_taken() {
        let long = "x".repeat(9000);
        let steps = vec![
            say("* OK [CAPABILITY IMAP4rev1 SASL-IR AUTH=XOAUTH2] hello\r\n"),
            hear("A1 AUTHENTICATE XOAUTH2"),
            say("+ \r\n"),
            hear("dXNlcj1"),
            say("A1 NO too long\r\n"),
        ];
        let (opened, heard) = log_in(steps, &long).await;
        assert_eq!((opened.unwrap_err().cause, heard[0].as_str()), (Cause::TokenRefused, "A1 AUTHENTICATE XOAUTH2"));
        let steps = vec![say("* OK [CAPABILITY IMAP4rev1 AUTH=PLAIN] hello\r\n")];
        assert_eq!(log_in(steps, "t0k3n").await.0.unwrap_err().cause, Cause::CommandRefused);
    }
}
