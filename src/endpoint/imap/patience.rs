//! What is waited for and taken before an answer is whole: a server that drips, or talks without end, holds nobody for ever and
//! fills no memory.
//!
//! Counted since the last whole answer, or since something was sent: only the time in which the server was waited for, so that a
//! reader who cannot keep up is not the server's fault.

use std::time::Duration;

/// What kind of answer is outstanding; of several the greatest counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Question {
    /// One of some lines.
    Small,
    /// A list of messages.
    List,
    /// Messages.
    Messages,
}

/// Bytes that a server may say before anybody is logged in.
const BEFORE_LOGIN: u64 = 64 * 1024;
/// … in answer to a question.
const SMALL: u64 = 64 * 1024 * 1024;
/// … that lists messages: some millions of them.
const LIST: u64 = 256 * 1024 * 1024;
/// Time for an answer before anybody is logged in.
const LOGIN_TIME: Duration = Duration::from_secs(6 * 60);
/// Time for any other answer.
const TIME: Duration = Duration::from_secs(20 * 60);
/// Bytes a second that are enough for messages after that time.
const LEAST_SPEED: u64 = 1024;

/// Why an answer is not waited for any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Worn {
    /// It takes too long.
    Slow(Duration),
    /// It has no end.
    Endless(u64),
}

/// What an answer has taken so far.
#[derive(Debug, Default)]
pub(super) struct Patience {
    outstanding: [usize; 3],
    logged_in: bool,
    waited: Duration,
    heard: u64,
}

impl Patience {
    /// An answer is awaited from now on.
    pub(super) fn expect(&mut self, question: Question) {
        if self.outstanding == [0; 3] {
            self.begin();
        }
        if let Some(count) = self.outstanding.get_mut(question as usize) {
            *count += 1;
        }
    }

    /// An answer came.
    pub(super) fn answered(&mut self, question: Question) {
        if let Some(count) = self.outstanding.get_mut(question as usize) {
            *count = count.saturating_sub(1);
        }
        self.begin();
    }

    /// Somebody is logged in: the server is worth more time.
    pub(super) fn logged_in(&mut self) {
        self.logged_in = true;
    }

    /// Whether somebody is.
    pub(super) fn is_logged_in(&self) -> bool {
        self.logged_in
    }

    /// From here on it is counted.
    pub(super) fn begin(&mut self) {
        (self.waited, self.heard) = (Duration::ZERO, 0);
    }

    /// Whether anything is outstanding.
    pub(super) fn waits(&self) -> bool {
        self.outstanding != [0; 3]
    }

    fn question(&self) -> Question {
        let [_, lists, messages] = self.outstanding;
        match (messages, lists) {
            (1.., _) => Question::Messages,
            (_, 1..) => Question::List,
            _ => Question::Small,
        }
    }

    /// How much longer the server is waited for; none while nothing is outstanding.
    pub(super) fn left(&self) -> Option<Duration> {
        self.waits().then(|| self.allowed().saturating_sub(self.waited))
    }

    fn allowed(&self) -> Duration {
        let time = if self.logged_in { TIME } else { LOGIN_TIME };
        match self.question() {
            Question::Messages => time.saturating_add(Duration::from_secs(self.heard / LEAST_SPEED)),
            Question::Small | Question::List => time,
        }
    }

    /// The server was waited for so long, and said so many bytes.
    ///
    /// # Errors
    /// Too long, or too many.
    pub(super) fn took(&mut self, waited: Duration, bytes: usize) -> Result<(), Worn> {
        self.waited += waited;
        self.heard += bytes as u64;
        let most = match (self.logged_in, self.question()) {
            (false, _) => BEFORE_LOGIN,
            (true, Question::Small) => SMALL,
            (true, Question::List) => LIST,
            (true, Question::Messages) => u64::MAX,
        };
        if self.heard > most {
            return Err(Worn::Endless(most));
        }
        if self.waits() && self.waited >= self.allowed() {
            return Err(Worn::Slow(self.waited));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn k4_a_server_that_drips_is_given_up_and_one_that_sends_messages_slowly_is_not() {
        let mut patience = Patience::default();
        patience.logged_in();
        patience.expect(Question::Small);
        let drips = (0..100_000).take_while(|_| patience.took(SECOND, 1).is_ok()).count() as u64;
        assert_eq!(drips + 1, TIME.as_secs());
        patience.answered(Question::Small);
        patience.expect(Question::Messages);
        assert!((0..100_000).all(|_| patience.took(SECOND, 2 * 1024).is_ok()), "a day of 2 KiB a second");
        patience.answered(Question::Messages);
        patience.expect(Question::Messages);
        assert!((0..100_000).any(|_| patience.took(SECOND, 1).is_err()), "one byte a second");
        patience.answered(Question::Messages);
        assert!((0..100_000).all(|_| patience.took(SECOND, 0).is_ok()), "nothing is outstanding");
    }

    #[test]
    fn k3_what_is_said_before_an_answer_has_an_end() {
        let mut patience = Patience::default();
        patience.expect(Question::Small);
        assert_eq!(patience.took(SECOND, 64 * 1024), Ok(()));
        assert_eq!(patience.took(SECOND, 1), Err(Worn::Endless(BEFORE_LOGIN)));
        patience.logged_in();
        patience.answered(Question::Small);
        // Also while nothing is outstanding.
        for (question, most) in [(None, SMALL), (Some(Question::Small), SMALL), (Some(Question::List), LIST)] {
            patience.begin();
            question.into_iter().for_each(|question| patience.expect(question));
            assert_eq!(patience.took(SECOND, usize::try_from(most).unwrap()), Ok(()));
            assert_eq!(patience.took(SECOND, 1), Err(Worn::Endless(most)), "{question:?}");
            question.into_iter().for_each(|question| patience.answered(question));
        }
    }
}
