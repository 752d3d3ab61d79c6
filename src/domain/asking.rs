//! Asking the owners of mailboxes for their credentials (D36): what becomes of a link and of a mail. Pure.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::failure::{Cause, Failure, Scope, Side};
use super::ids::{CredentialRequestId, EndNoticeId, ItemId, MailId, PassId};
use super::project::Project;
use super::time::Timestamp;

/// Pause after the first try of a mail that may succeed later; each further one is twice as long.
const FIRST_PAUSE: Duration = Duration::from_secs(60);
/// The longest pause between two tries.
const LONGEST_PAUSE: Duration = Duration::from_secs(60 * 60);

/// Whether a link can be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LinkState {
    /// It leads to a form.
    Alive,
    /// What was entered there was right.
    Used,
    /// What was entered was refused, or its item waits no more.
    Dead,
}

/// What the owner of a mailbox is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CredentialRequest {
    /// The row.
    pub id: CredentialRequestId,
    /// Of whom.
    pub item: ItemId,
    /// The sides whose credentials are missing.
    pub sides: Vec<Side>,
    /// What its link is made from, with the key in the vault.
    pub nonce: [u8; 16],
    /// What its link must hash to.
    pub token_hash: [u8; 32],
    /// Whether its link can be used.
    pub state: LinkState,
    /// When it was made.
    pub created: Timestamp,
    /// When its form was first opened.
    pub opened: Option<Timestamp>,
    /// How many entries were made in it.
    pub attempts: u32,
    /// Why the latest of them could not be checked, if it could not.
    pub unchecked: Option<String>,
    /// When its link died or was used.
    pub ended: Option<Timestamp>,
}

/// What a mail is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MailKind {
    /// It asks.
    Ask,
    /// It asks once more, with the same link.
    Remind,
}

/// Where a mail is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MailState {
    /// It waits to be sent, for the first time or again.
    Queued,
    /// It is being sent.
    Sending,
    /// The mail server has taken it.
    Sent,
    /// The mail server does not take it.
    Refused,
    /// It may have been sent: nobody saw how it ended. A person decides; it is not sent again by itself.
    Unsure,
    /// It was not sent, because its link died before.
    Dropped,
}

impl MailState {
    /// What people read.
    pub fn words(self) -> &'static str {
        match self {
            Self::Queued => "waits to be sent",
            Self::Sending => "is being sent",
            Self::Sent => "sent",
            Self::Refused => "refused by the mail server",
            Self::Unsure => "may have been sent",
            Self::Dropped => "not sent, as it is no longer needed",
        }
    }
}

/// A mail with where it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutgoingMail {
    /// The row.
    pub id: MailId,
    /// What it asks for.
    pub request: CredentialRequestId,
    /// What it is for.
    pub kind: MailKind,
    /// To whom.
    pub recipient: String,
    /// Where it is.
    pub state: MailState,
    /// When it was written.
    pub created: Timestamp,
    /// When it is tried next, while it waits.
    pub next_try: Timestamp,
    /// How often it was tried.
    pub tries: u32,
}

/// How one try to send a mail ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SendOutcome {
    /// The mail server has taken it.
    Sent,
    /// It was not sent, and may be later.
    Later,
    /// The mail server does not take it, now or later.
    Refused,
    /// Nobody knows.
    Unsure,
}

impl SendOutcome {
    /// Where the mail is after it.
    pub fn state(self) -> MailState {
        match self {
            Self::Sent => MailState::Sent,
            Self::Later => MailState::Queued,
            Self::Refused => MailState::Refused,
            Self::Unsure => MailState::Unsure,
        }
    }
}

/// One try to send a mail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SendAttempt {
    /// When it ended.
    pub at: Timestamp,
    /// How.
    pub outcome: SendOutcome,
    /// In the mail server's words.
    pub answer: String,
}

/// Why the owner of a mailbox that waits was perhaps not asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum MailTrouble {
    /// The mail waits to be tried again.
    Later,
    /// The mail server does not take it.
    Refused,
    /// Nobody saw how it ended.
    Unsure,
    /// No mail goes out: the mail server refuses the login.
    LoginRefused,
}

impl MailTrouble {
    /// What people read.
    pub fn words(self) -> &'static str {
        match self {
            Self::Later => "The mail to its owner did not go out yet; it is tried again",
            Self::Refused => "The mail server refuses the mail to its owner",
            Self::Unsure => "The mail to its owner may not have been sent",
            Self::LoginRefused => "No mail goes out: the mail server refuses the login",
        }
    }

    /// Whether nothing happens before a person does something.
    pub fn needs_a_person(self) -> bool {
        self != Self::Later
    }
}

/// The end of a pass that is told by mail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EndNotice {
    /// The row.
    pub id: EndNoticeId,
    /// Of which pass.
    pub pass: PassId,
    /// Of which item.
    pub item: ItemId,
    /// Whether it ended well.
    pub well: bool,
    /// To whom.
    pub recipient: String,
    /// Where the mail is.
    pub state: MailState,
    /// How its last try ended, in the mail server's words.
    pub answer: Option<String>,
}

/// Whether a mailbox does not open with what its owner gave: a password, or a sign-in of another account. Everything else
/// decides nothing about it.
pub fn refuses_owner(failure: &Failure) -> bool {
    match failure.cause {
        Cause::LoginRefused | Cause::TokenRefused => true,
        Cause::TokenUnfit => failure.scope == Scope::Mailbox,
        _ => false,
    }
}

/// The side at which an owner is to be asked anew after this failure: what they gave was refused there, or has ended.
pub fn owner_to_ask(project: &Project, side: Option<Side>, failure: &Failure) -> Option<Side> {
    let over = refuses_owner(failure) || failure.cause == Cause::SignInEnded;
    side.filter(|side| over && !project.server(*side).shares_login())
}

/// How long a mail waits after so many tries.
pub fn pause_after(tries: u32) -> Duration {
    let doubled = FIRST_PAUSE.saturating_mul(2_u32.saturating_pow(tries.saturating_sub(1)));
    doubled.min(LONGEST_PAUSE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_to_an_hour() {
        let minutes: Vec<u64> = [1, 2, 3, 6, 7, 8, u32::MAX].map(|tries| pause_after(tries).as_secs() / 60).into();
        assert_eq!(minutes, [1, 2, 4, 32, 60, 60, 60]);
    }

    #[test]
    fn owners_are_asked_anew_where_what_they_gave_was_refused_or_has_ended() {
        use crate::domain::failure::Retry;
        use crate::domain::ids::{PoolId, ProjectId};
        use crate::domain::project::{Options, Starts};
        use crate::domain::server::Server;
        use crate::domain::sign_in::{SignIn, SignInKind};
        let mut source = Server::parse_url("imaps://a.example").unwrap();
        let shown = |source: &Server, cause, scope| {
            let destination = Server::parse_url("imaps://b.example").unwrap();
            let (id, source, options, starts) = (ProjectId(1), source.clone(), Options::default(), Starts::default());
            let project = Project {
                id,
                name: "t".into(),
                client: None,
                source,
                destination,
                options,
                starts,
                pool: PoolId::FIRST,
            };
            let failure = Failure::new(cause, scope, Retry::User, "logging in");
            assert_eq!(owner_to_ask(&project, None, &failure), None);
            owner_to_ask(&project, Some(Side::Source), &failure)
        };
        let theirs = [Cause::LoginRefused, Cause::TokenRefused, Cause::TokenUnfit, Cause::SignInEnded];
        for cause in theirs {
            assert_eq!(shown(&source, cause, Scope::Mailbox), Some(Side::Source), "{cause:?}");
        }
        for cause in [Cause::Unreachable, Cause::AdministratorLoginRefused, Cause::SignInRefused, Cause::SignInBusy] {
            assert_eq!(shown(&source, cause, Scope::Mailbox), None, "{cause:?}");
        }
        assert_eq!(shown(&source, Cause::TokenUnfit, Scope::Endpoint), None, "that is about the registration");
        let app = SignIn { tenant: "t".into(), client_id: "c".into(), ..SignIn::of(SignInKind::MicrosoftApp) };
        source.set_sign_in(Some(app)).unwrap();
        for cause in theirs {
            assert_eq!(shown(&source, cause, Scope::Mailbox), None, "an application's, {cause:?}");
        }
    }

    #[test]
    fn only_what_was_certainly_not_sent_waits_to_be_sent_again() {
        use SendOutcome::{Later, Refused, Sent, Unsure};
        let states = [Sent, Later, Refused, Unsure].map(SendOutcome::state);
        assert_eq!(states, [MailState::Sent, MailState::Queued, MailState::Refused, MailState::Unsure]);
    }
}
