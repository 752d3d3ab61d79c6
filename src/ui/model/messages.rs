//! Messages to the person: kept, the last one shown until it is put away.

use crate::domain::time::Timestamp;
use crate::ui::theme::Tone;

/// Messages that are kept.
const KEPT: usize = 100;

/// Reasons with their number, the most frequent first.
pub fn by_reason(reasons: impl Iterator<Item = String>) -> Vec<(String, usize)> {
    let mut counted: Vec<(String, usize)> = Vec::new();
    for reason in reasons {
        match counted.iter_mut().find(|(known, _)| *known == reason) {
            Some((_, count)) => *count += 1,
            None => counted.push((reason, 1)),
        }
    }
    counted.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    counted
}

/// A message to the person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UserMessage {
    /// When.
    pub at: Timestamp,
    /// What its colour says.
    pub tone: Tone,
    /// Its words.
    pub words: String,
}

/// All that are kept, and how they are shown.
#[derive(Clone, Debug, Default)]
pub struct Messages {
    /// Oldest first.
    pub all: Vec<UserMessage>,
    /// The last one was not put away yet.
    fresh: bool,
    /// All of them are shown.
    pub open: bool,
}

impl Messages {
    /// Says something.
    pub fn say(&mut self, message: UserMessage) {
        if self.all.len() >= KEPT {
            self.all.remove(0);
        }
        self.all.push(message);
        self.fresh = true;
    }

    /// The last one, while it or all of them are shown.
    pub fn shown(&self) -> Option<&UserMessage> {
        self.all.last().filter(|_| self.fresh || self.open)
    }

    /// Puts them away.
    pub fn dismiss(&mut self) {
        (self.fresh, self.open) = (false, false);
    }
}
