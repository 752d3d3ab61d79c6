//! How many messages go in one append: few while little is known of a server, more while it takes them quickly, since what
//! follows a batch in its folder waits for its answer.

use std::time::Duration;

use tokio::time::Instant;

use crate::pass::flight::Outgoing;

/// How long a batch waits for more messages from a slow source.
const WAIT: Duration = Duration::from_millis(5);
/// The first batches: what a refusal makes go again one by one, and what a stop waits for.
const FIRST: Room = Room { messages: 100, bytes: 512 * 1024 };
/// The largest ones: some such batches are less than what may be under way.
const MOST: Room = Room { messages: 800, bytes: 4 * 1024 * 1024 };
/// A message of more than such a part of a batch goes by itself.
const LARGE: u64 = 4;
/// An answer that comes so soon lets the next batch be larger.
const QUICK: Duration = Duration::from_millis(400);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Room {
    messages: usize,
    bytes: u64,
}

/// Messages of one folder that wait to go in one append.
pub(super) struct Batch {
    messages: Vec<Outgoing>,
    bytes: u64,
    until: Instant,
    room: Room,
}

impl Batch {
    pub fn new() -> Self {
        Self { messages: Vec::new(), bytes: 0, until: Instant::now(), room: FIRST }
    }

    /// Whether a message of so many bytes goes with others.
    pub fn suits(&self, bytes: u64) -> bool {
        bytes <= self.room.bytes / LARGE
    }

    /// One more; says whether the batch is full. `most`: what the server takes together.
    pub fn add(&mut self, message: Outgoing, most: usize) -> bool {
        if self.messages.is_empty() {
            self.until = Instant::now() + WAIT;
        }
        self.bytes += message.body.len();
        self.messages.push(message);
        self.bytes >= self.room.bytes || self.messages.len() >= self.room.messages.min(most)
    }

    /// How long it waits for company, if any message does.
    pub fn waits(&self) -> Option<Instant> {
        (!self.messages.is_empty()).then_some(self.until)
    }

    pub fn take(&mut self) -> Vec<Outgoing> {
        self.bytes = 0;
        std::mem::take(&mut self.messages)
    }

    /// A batch was stored, so long after it went.
    pub fn stored(&mut self, after: Duration) {
        let Room { messages, bytes } = self.room;
        self.room = match after <= QUICK {
            true => Room { messages: (messages * 2).min(MOST.messages), bytes: (bytes * 2).min(MOST.bytes) },
            false => Room { messages: (messages / 2).max(FIRST.messages), bytes: (bytes / 2).max(FIRST.bytes) },
        };
    }

    /// A batch was refused.
    pub fn refused(&mut self) {
        self.room = FIRST;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn batches_grow_while_they_are_taken_quickly_and_begin_anew_when_one_is_refused() {
        let mut batch = Batch::new();
        let grown = |batch: &Batch| (batch.room.messages, batch.room.bytes / 1024);
        batch.stored(QUICK);
        assert_eq!(grown(&batch), (200, 1024));
        (0..9).for_each(|_| batch.stored(Duration::ZERO));
        assert_eq!(grown(&batch), (800, 4096));
        assert!(batch.suits(1024 * 1024) && !batch.suits(1024 * 1024 + 1));
        batch.stored(QUICK * 2);
        assert_eq!(grown(&batch), (400, 2048));
        (0..9).for_each(|_| batch.stored(QUICK * 2));
        assert_eq!(grown(&batch), (100, 512));
        batch.stored(QUICK);
        batch.refused();
        assert_eq!(batch.room, FIRST);
    }
}
