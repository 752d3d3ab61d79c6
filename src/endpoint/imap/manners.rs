//! What a server was seen to do to everybody who uses a mailbox: told by one session, known to all of them.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::kept_list::KeptList;
use super::riding::Riding;

/// The gap between two commands when a server first asks for a slower pace.
const FIRST: Duration = Duration::from_millis(50);
/// No gap is longer.
const LONGEST: Duration = Duration::from_secs(16);
/// Answers come in crowds: the gap changes once in so long, or in its own length.
const STEADY: Duration = Duration::from_secs(1);

/// A form that a server advertises and does not understand after all: what RFC 3501 has is used instead.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Extra {
    /// LIST with options (RFC 5258).
    ListReturn,
    /// LIST with the states of folders (RFC 5819).
    ListStatus,
    /// Ids of folders (RFC 8474): those that STATUS tells are not theirs.
    FolderIds,
    /// STATUS of more than RFC 3501 knows.
    StatusItems,
    /// FETCH of ids of messages (RFC 8474, X-GM-EXT-1).
    MessageIds,
    /// FETCH of a header by BODY.PEEK.
    HeaderPeek,
    /// Literals that are sent without asking (RFC 7888).
    UnaskedLiterals,
}

/// What the sessions of an endpoint know of their server.
#[derive(Debug, Default)]
pub(super) struct Manners {
    /// Data come after the end of the command that asked for them (as James may send them).
    late: AtomicBool,
    /// How many messages a command may be about (RFC 9738); 0 where no limit was seen.
    most: AtomicU32,
    /// Forms that it was seen not to understand.
    taken_back: Mutex<BTreeSet<Extra>>,
    kept_list: Mutex<KeptList>,
    pace: Mutex<Pace>,
    /// Whether commands that wait for `+` are written behind others.
    pub(super) riding: Riding,
}

#[derive(Debug, Default)]
struct Pace {
    gap: Duration,
    changed: Option<Instant>,
    /// When the last command went out, or is to go.
    last: Option<Instant>,
}

impl Pace {
    fn is_steady(&self, now: Instant) -> bool {
        self.changed.is_none_or(|changed| now - changed >= self.gap.max(STEADY))
    }
}

impl Manners {
    /// Data came that no command waits for any more.
    pub(super) fn is_late(&self) {
        self.late.store(true, Ordering::Relaxed);
    }

    /// Whether data come late from this server.
    pub(super) fn late(&self) -> bool {
        self.late.load(Ordering::Relaxed)
    }

    /// A command was about more messages than so many.
    pub(super) fn allows(&self, most: u32) {
        self.most.store(most, Ordering::Relaxed);
    }

    /// How many messages a command may be about, where a limit was seen.
    pub(super) fn most(&self) -> Option<u32> {
        Some(self.most.load(Ordering::Relaxed)).filter(|most| *most > 0)
    }

    /// What was answered of a list that broke.
    pub(super) fn kept_list(&self) -> MutexGuard<'_, KeptList> {
        self.kept_list.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn taken_back(&self) -> MutexGuard<'_, BTreeSet<Extra>> {
        self.taken_back.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// It does not understand this.
    pub(super) fn takes_back(&self, extra: Extra) {
        if self.taken_back().insert(extra) {
            tracing::info!(?extra, "not understood by the server; the plain form is used");
        }
    }

    /// It was something else that it did not understand.
    pub(super) fn gives_again(&self, extra: Extra) {
        self.taken_back().remove(&extra);
    }

    /// Whether it was seen not to understand this.
    pub(super) fn took_back(&self, extra: Extra) -> bool {
        self.taken_back().contains(&extra)
    }

    fn pace(&self) -> MutexGuard<'_, Pace> {
        self.pace.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// An answer came. Where it asks for a slower pace (`[THROTTLED]`) the gap between commands is doubled, else it shrinks by
    /// a quarter.
    pub(super) fn answered(&self, throttled: bool) {
        let (now, mut pace) = (Instant::now(), self.pace());
        if (pace.gap.is_zero() && !throttled) || !pace.is_steady(now) {
            return;
        }
        pace.gap = match throttled {
            true => (pace.gap * 2).clamp(FIRST, LONGEST),
            false => Some(pace.gap * 3 / 4).filter(|gap| *gap >= FIRST / 2).unwrap_or_default(),
        };
        pace.changed = Some(now);
        tracing::debug!(gap = ?pace.gap, throttled, "gap between commands");
    }

    /// When the next command may go out; none if it may at once.
    pub(super) fn next_command(&self) -> Option<Instant> {
        let (now, mut pace) = (Instant::now(), self.pace());
        if pace.gap.is_zero() {
            return None;
        }
        let at = pace.last.map_or(now, |last| (last + pace.gap).max(now));
        pace.last = Some(at);
        (at > now).then_some(at)
    }

    /// The same is known of the server as others told.
    pub(super) fn learn(&self, other: &Self) {
        if other.late() {
            self.is_late();
        }
        if let Some(most) = other.most() {
            self.allows(most);
        }
        self.taken_back().extend(other.taken_back().iter());
        if !other.pace().gap.is_zero() {
            self.answered(true);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn each_throttled_answer_doubles_the_gap_between_commands_and_others_shrink_it_again() {
        let manners = Manners::default();
        manners.answered(false);
        assert_eq!(manners.next_command(), None);
        let mut gaps = Vec::new();
        for throttled in [true, true, true, false, false, true] {
            // A crowd of answers is one.
            (0..20).for_each(|_| manners.answered(throttled));
            tokio::time::advance(LONGEST).await;
            assert_eq!(manners.next_command(), None, "it is long since the last one");
            let next = manners.next_command().expect("a gap");
            gaps.push((next - Instant::now()).as_millis());
        }
        assert_eq!(gaps, [50, 100, 200, 150, 112, 225]);
        for _ in 0..20 {
            manners.answered(true);
            tokio::time::advance(LONGEST).await;
        }
        manners.next_command();
        assert_eq!(manners.next_command().expect("a gap") - Instant::now(), LONGEST);
        for _ in 0..40 {
            manners.answered(false);
            tokio::time::advance(LONGEST).await;
        }
        assert_eq!(manners.next_command(), None, "forgotten");
    }
}
