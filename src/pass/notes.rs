//! What copying a folder has to say that is no error: dates and flags that were not kept, messages that were altered.
//!
//! Bounded: of each kind the first numbers, and how many there were.

use std::collections::BTreeSet;

use crate::domain::failure::Side;
use crate::domain::flags::Flags;
use crate::domain::folder::FolderPath;
use crate::domain::ids::Uid;
use crate::domain::notice::{Notice, NoticeKind};
use crate::pass::Pass;
use crate::pass::recorder::ToRecord;

/// Names of flags in one notice.
const NAMES: usize = 20;

impl Pass {
    /// What the servers said to people in passing.
    pub(super) async fn name_sayings(&self) {
        for side in [Side::Source, Side::Destination] {
            for text in self.said[side as usize].take() {
                let (folder, kind, side) = (None, NoticeKind::ServerSays, Some(side));
                let notice = Notice { folder, kind, side, messages: 0, numbers: Vec::new(), detail: Some(text) };
                self.recorder.add(ToRecord::notice(notice)).await;
            }
        }
    }
}

#[derive(Default)]
struct NotedMessages {
    count: u64,
    numbers: Vec<Uid>,
}

impl NotedMessages {
    fn add(&mut self, uid: Uid) {
        self.count += 1;
        if self.numbers.len() < Notice::NUMBERS {
            self.numbers.push(uid);
        }
    }

    fn notice(self, path: &FolderPath, kind: NoticeKind, side: Side, detail: Option<String>) -> Option<Notice> {
        let (folder, messages, numbers) = (Some(path.clone()), self.count, self.numbers);
        (messages > 0).then_some(Notice { folder, kind, side: Some(side), messages, numbers, detail })
    }
}

/// Of one folder.
#[derive(Default)]
pub(super) struct Notes {
    undated: NotedMessages,
    by_heading: NotedMessages,
    flagless: NotedMessages,
    flags: BTreeSet<String>,
    altered: NotedMessages,
    cleaned: NotedMessages,
}

impl Notes {
    /// A message landed without its date, because the source's could not be read.
    pub fn undated(&mut self, source: Uid) {
        self.undated.add(source);
    }

    /// A message landed with the date of its own heading, for the same reason.
    pub fn dated_by_heading(&mut self, source: Uid) {
        self.by_heading.add(source);
    }

    /// A message landed; of its flags the folder took these.
    pub fn flagged(&mut self, source: Uid, flags: &Flags, taken: &Flags) {
        let dropped = taken.difference(flags).add;
        if dropped.is_empty() {
            return;
        }
        self.flagless.add(source);
        for name in dropped.names() {
            if self.flags.len() < NAMES {
                self.flags.insert(name.to_owned());
            }
        }
    }

    /// A message of ours is there, altered beyond recognition.
    pub fn altered(&mut self, destination: Uid) {
        self.altered.add(destination);
    }

    /// A message landed in its cleaned form.
    pub fn cleaned(&mut self, source: Uid) {
        self.cleaned.add(source);
    }

    /// As they are recorded.
    pub fn notices(self, path: &FolderPath) -> Vec<Notice> {
        let flags = (!self.flags.is_empty()).then(|| self.flags.into_iter().collect::<Vec<_>>().join(" "));
        [
            self.undated.notice(path, NoticeKind::DateNotKept, Side::Source, None),
            self.by_heading.notice(path, NoticeKind::DateOfHeading, Side::Source, None),
            self.flagless.notice(path, NoticeKind::FlagsNotKept, Side::Source, flags),
            self.altered.notice(path, NoticeKind::Altered, Side::Destination, None),
            self.cleaned.notice(path, NoticeKind::Cleaned, Side::Source, None),
        ]
        .into_iter()
        .flatten()
        .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_not_kept_is_counted_and_named_once_a_folder() {
        let path = FolderPath::new(["Files"]);
        assert_eq!(Notes::default().notices(&path), []);
        let mut notes = Notes::default();
        for uid in 1..=300 {
            notes.undated(Uid(uid));
        }
        let flags = Flags::from_names([r"\Seen", "$Label1", "old"]);
        notes.flagged(Uid(7), &flags, &Flags::from_names([r"\Seen"]));
        notes.flagged(Uid(8), &flags, &flags);
        let notices = notes.notices(&path);
        assert_eq!(
            (notices[0].kind, notices[0].messages, notices[0].numbers.len()),
            (NoticeKind::DateNotKept, 300, 200)
        );
        assert_eq!((notices[1].kind, notices[1].messages), (NoticeKind::FlagsNotKept, 1));
        assert_eq!(notices[1].detail.as_deref(), Some("$Label1 old"));
        assert_eq!(notices.len(), 2);
        assert!(notices.iter().all(|notice| !notice.kind.differs()));
    }
}
