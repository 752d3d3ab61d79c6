//! What a submission waits for before a worker may take it, and why it is held. Pure.

use serde::{Deserialize, Serialize};

use super::time::Timestamp;

/// Why a submission is held until somebody says that it may go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HoldReason {
    /// The project holds new starts.
    Switch,
    /// The administrator's login was refused (D24).
    LoginRefused,
    /// A server cannot be reached; one item tries again now and then, and when it gets through all go on.
    Unreachable,
    /// The program ended while it ran or waited (D3).
    Interrupted,
    /// Its time came while nothing ran (D16).
    Missed,
}

impl HoldReason {
    /// The reason for people, as the end of "held: …".
    pub fn word(self) -> &'static str {
        match self {
            Self::Switch => "new starts are held",
            Self::LoginRefused => "administrator login refused",
            Self::Unreachable => "server cannot be reached",
            Self::Interrupted => "interrupted",
            Self::Missed => "its time has passed",
        }
    }

    /// What an item is held for, and the way out.
    pub fn told(self) -> &'static str {
        match self {
            Self::Switch => "Held because new starts of its project are held: let starts go on, or stop it",
            Self::LoginRefused => {
                "Held because an administrator's login was refused, so that the account is not locked: correct it, then Resume"
            }
            Self::Unreachable => {
                "Held because a server cannot be reached: it goes on by itself when the server is back"
            }
            Self::Interrupted => "Held because the program ended while it ran or waited: Resume lets it go on",
            Self::Missed => "Held because its time passed while nothing ran: Resume starts it now",
        }
    }
}

/// What a submission waits for before a worker may take it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Wait {
    /// Nothing but its turn.
    #[default]
    None,
    /// Its time, UTC epoch milliseconds.
    Until(Timestamp),
    /// A word of the consultant, or the end of what holds it.
    Word(HoldReason),
    /// A credential that its owner is asked for (R11).
    Credentials,
}

impl Wait {
    /// What comes first of what a submission waits for: a credential, then its time, then a word.
    pub fn first(credentials: bool, hold: Option<HoldReason>, until: Option<Timestamp>) -> Self {
        match (credentials, until, hold) {
            (true, _, _) => Self::Credentials,
            (false, Some(at), _) => Self::Until(at),
            (false, None, Some(hold)) => Self::Word(hold),
            (false, None, None) => Self::None,
        }
    }

    /// Why it is held, if it is.
    pub fn hold(self) -> Option<HoldReason> {
        match self {
            Self::Word(hold) => Some(hold),
            Self::None | Self::Until(_) | Self::Credentials => None,
        }
    }
}
