//! Messages to the person: kept and searched; the last one is shown until it is put away, or for a while if there is nothing to
//! do about it.

use std::collections::HashMap;
use std::time::Duration;

use crate::domain::ids::ProjectId;
use crate::domain::time::Timestamp;
use crate::ui::theme::Tone;

/// Messages that are kept.
const KEPT: usize = 300;
/// What needs nothing is shown so long.
const FADES_AFTER: Duration = Duration::from_secs(10);

/// Reasons with their number, the most frequent first.
pub fn by_reason(reasons: impl Iterator<Item = String>) -> Vec<(String, usize)> {
    let mut places: HashMap<String, usize> = HashMap::new();
    let mut counted: Vec<(String, usize)> = Vec::new();
    for reason in reasons {
        match places.get(&reason) {
            Some(at) => counted[*at].1 += 1,
            None => {
                places.insert(reason.clone(), counted.len());
                counted.push((reason, 1));
            }
        }
    }
    counted.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    counted
}

/// What a message offers to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Offer {
    /// Show the items of a project: all, or those with problems.
    See(ProjectId, bool),
    /// Take back what it tells of.
    Undo,
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
    /// What it offers to do.
    pub offer: Option<Offer>,
    /// It was put away.
    away: bool,
}

impl UserMessage {
    /// What was just done, or went wrong.
    pub fn new(at: Timestamp, tone: Tone, words: String) -> Self {
        Self { at, tone, words, offer: None, away: false }
    }

    /// The same with something to do about it.
    pub fn offering(self, offer: Offer) -> Self {
        Self { offer: Some(offer), ..self }
    }

    /// Whether it goes by itself: what was done as wanted. What went wrong stays, and what ended while nobody looked.
    fn fades(&self) -> bool {
        !matches!(self.tone, Tone::Bad | Tone::Warning) && !matches!(self.offer, Some(Offer::See(..)))
    }

    fn is_shown(&self, now: Timestamp) -> bool {
        let is_over = self.fades() && now.since(self.at) >= FADES_AFTER;
        !(self.away || is_over)
    }
}

/// All that are kept, and how they are shown.
#[derive(Clone, Debug, Default)]
pub struct Messages {
    /// Oldest first.
    pub all: Vec<UserMessage>,
    /// All of them are shown.
    pub open: bool,
    /// Of all of them, only those with these words.
    pub search: String,
}

impl Messages {
    /// Says something.
    pub fn say(&mut self, message: UserMessage) {
        if self.all.len() >= KEPT {
            self.all.remove(0);
        }
        self.all.push(message);
    }

    /// The last one that is not put away and did not go by itself: behind it stands what went wrong before.
    pub fn shown(&self, now: Timestamp) -> Option<&UserMessage> {
        self.all.iter().rev().find(|message| message.is_shown(now))
    }

    /// Those that the search asks for.
    pub fn found(&self) -> impl Iterator<Item = &UserMessage> {
        let sought = self.search.trim().to_lowercase();
        self.all.iter().filter(move |message| message.words.to_lowercase().contains(&sought))
    }

    /// After which time one of them goes by itself.
    pub fn fades_in(&self, now: Timestamp) -> Option<Duration> {
        let shown = self.all.iter().filter(|message| message.is_shown(now) && message.fades());
        shown.map(|message| message.at.plus(FADES_AFTER).since(now)).min()
    }

    /// Puts the one that is shown away, or all of them where all are shown.
    pub fn dismiss(&mut self, now: Timestamp) {
        let open = std::mem::take(&mut self.open);
        let shown = self.all.iter_mut().rev().filter(|message| message.is_shown(now));
        shown.take(if open { usize::MAX } else { 1 }).for_each(|message| message.away = true);
    }

    /// What it offers to take back is taken back.
    pub fn take_back(&mut self) {
        if let Some(message) = self.all.iter_mut().rev().find(|message| message.offer == Some(Offer::Undo)) {
            (message.offer, message.away) = (None, true);
        }
    }

    /// Another project is shown: what was done as wanted is of no use there.
    pub fn move_on(&mut self) {
        self.all.iter_mut().filter(|message| message.fades()).for_each(|message| message.away = true);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_done_goes_by_itself_and_what_went_wrong_stands_behind_it() {
        let at = |secs: u64| Timestamp::from_millis(0).plus(Duration::from_secs(secs));
        let mut messages = Messages::default();
        let words = |messages: &Messages, secs| messages.shown(at(secs)).map(|message| message.words.clone());
        messages.say(UserMessage::new(at(0), Tone::Bad, "the disk is full".into()));
        messages.say(UserMessage::new(at(1), Tone::Good, "24 items submitted".into()));
        assert_eq!(words(&messages, 1).as_deref(), Some("24 items submitted"));
        assert_eq!(messages.fades_in(at(2)), Some(Duration::from_secs(9)));
        assert_eq!(words(&messages, 11).as_deref(), Some("the disk is full"));
        assert_eq!(messages.fades_in(at(11)), None, "what went wrong stays");
        messages.dismiss(at(12));
        assert_eq!(words(&messages, 12), None);
        let ended = UserMessage::new(at(20), Tone::Good, "24 passes ended".into());
        messages.say(ended.offering(Offer::See(ProjectId(1), false)));
        messages.move_on();
        assert_eq!(words(&messages, 50_000).as_deref(), Some("24 passes ended"), "nobody may have looked for hours");
        messages.search = "SUBMITTED".into();
        assert_eq!(messages.found().count(), 1);
    }
}
