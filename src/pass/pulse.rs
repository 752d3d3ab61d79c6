//! How a destination answers: how quick, and whether it keeps what it was sent.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::time::Instant;

use crate::domain::folder::WireName;
use crate::domain::identity::Identity;
use crate::domain::ids::Uid;
use crate::domain::record::Habit;
use crate::domain::retry::OnWire;
use crate::endpoint::FolderRef;
use crate::pass::bytes::Traces;

/// Sizes that are asked for together, first at the beginning of a connection's work: messages that follow each other are
/// mostly of one folder, and each folder takes a round trip.
const TOGETHER: u64 = 5;
/// So many messages later again.
const AGAIN_AFTER: u64 = 1000;

/// How quick the answers to the appends of one connection are.
pub(super) struct Pulse {
    /// The last answer, or the first append after a time without any.
    heard: Instant,
    wire: OnWire,
}

impl Pulse {
    pub fn new() -> Self {
        Self { heard: Instant::now(), wire: OnWire::default() }
    }

    /// An append went out; so many are under way now.
    pub fn sent(&mut self, under_way: usize) {
        if under_way == 1 {
            self.heard = Instant::now();
        }
    }

    /// An append of so many bytes was answered.
    pub fn answered(&mut self, bytes: u64) {
        let since = self.beat();
        self.wire.busy += since;
        self.wire.answered += bytes;
    }

    /// An append of so many bytes will not be answered.
    pub fn lost(&mut self, bytes: u64) {
        self.beat();
        self.wire.bytes += bytes;
    }

    fn beat(&mut self) -> Duration {
        let since = self.silent_for();
        self.heard = Instant::now();
        self.wire.gap = self.wire.gap.max(since);
        since
    }

    /// How long no answer came, while appends are under way.
    pub fn silent_for(&self) -> Duration {
        self.heard.elapsed()
    }

    pub fn on_wire(&self) -> OnWire {
        self.wire
    }
}

/// A message whose size is asked for, and who it is: a told number may be that of another one.
#[derive(Clone, Copy, Debug)]
pub(super) struct Measured {
    pub uid: Uid,
    /// Bytes that were sent.
    pub bytes: u64,
    pub identity: Identity,
    pub traces: Traces,
}

/// A folder, and messages of it.
type AskedMessages = (FolderRef, Vec<Measured>);

/// The sizes that a server tells of messages it was sent: all where they are seen anyway, of the others some.
#[derive(Default)]
pub(super) struct Sizes {
    told: u64,
    asked: BTreeMap<WireName, AskedMessages>,
    seen: Habit,
}

impl Sizes {
    /// One more message got a number; whether its size is to be asked for.
    pub fn next_is_asked(&mut self) -> bool {
        let asked = self.told % AGAIN_AFTER < TOGETHER;
        self.told += 1;
        asked
    }

    /// The size of this message is to be asked for.
    pub fn ask(&mut self, folder: &FolderRef, message: Measured) {
        let asked = self.asked.entry(folder.wire.clone()).or_insert_with(|| (folder.clone(), Vec::new()));
        asked.1.push(message);
    }

    /// The messages whose sizes are to be asked for, by folder, ascending.
    pub fn take(&mut self) -> Vec<AskedMessages> {
        let mut asked: Vec<AskedMessages> = std::mem::take(&mut self.asked).into_values().collect();
        asked.iter_mut().for_each(|(_, messages)| messages.sort_unstable_by_key(|message| message.uid));
        asked
    }

    /// The server tells this size of a message of so many bytes; 0 is no size.
    pub fn see(&mut self, told: u64, sent: u64) {
        if told > 0 {
            self.seen = self.seen.told(told, sent);
        }
    }

    /// What was seen since it was kept last.
    pub fn so_far(&self) -> Habit {
        self.seen
    }

    /// Whether the server changed one of those that were seen.
    pub fn changes(&self) -> bool {
        self.seen.changed > 0
    }

    /// What was seen since this was last asked.
    pub fn seen(&mut self) -> Option<Habit> {
        let seen = std::mem::take(&mut self.seen);
        (seen != Habit::default()).then_some(seen)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::folder::{FolderPath, UidValidity};

    #[tokio::test(start_paused = true)]
    async fn what_was_on_the_wire_is_told_with_how_slow_the_server_was() {
        let mut pulse = Pulse::new();
        tokio::time::advance(Duration::from_secs(60)).await;
        pulse.sent(1);
        assert_eq!(pulse.silent_for(), Duration::ZERO, "it was not asked before");
        tokio::time::advance(Duration::from_secs(2)).await;
        pulse.sent(2);
        pulse.answered(1000);
        tokio::time::advance(Duration::from_secs(5)).await;
        assert_eq!(pulse.silent_for(), Duration::from_secs(5));
        pulse.lost(300);
        pulse.lost(400);
        let seconds = Duration::from_secs;
        assert_eq!(pulse.on_wire(), OnWire { bytes: 700, answered: 1000, busy: seconds(2), gap: seconds(5) });
    }

    #[test]
    fn some_sizes_are_asked_for_and_all_that_are_seen_count() {
        let mut sizes = Sizes::default();
        let folder =
            FolderRef { path: FolderPath::new(["f"]), wire: WireName(b"f".to_vec()), validity: UidValidity::new(1) };
        let (identity, traces) = (Identity([1; 16]), Traces::default());
        for uid in (1..=2002).map(Uid).rev() {
            if sizes.next_is_asked() {
                sizes.ask(&folder, Measured { uid, bytes: 10, identity, traces });
            }
        }
        let asked = sizes.take();
        assert_eq!((asked.len(), &asked[0].0), (1, &folder));
        let asked: Vec<i64> = asked[0].1.iter().map(|message| message.uid.0).collect();
        assert_eq!(asked, [1, 2, 998, 999, 1000, 1001, 1002, 1998, 1999, 2000, 2001, 2002]);
        assert_eq!((sizes.take().len(), sizes.seen()), (0, None));
        sizes.see(10, 10);
        sizes.see(12, 10);
        let seen = sizes.seen().expect("something was seen");
        assert_eq!((seen.kept, seen.changed, seen.least, seen.most, seen.keeps_bytes()), (1, 1, 2, 2, false));
        assert_eq!(sizes.seen(), None);
        sizes.see(0, 10);
        assert_eq!(sizes.seen(), None, "no size was told");
    }
}
