//! Notices of a pass by kind: what it means and what to do is said once, then where and which messages.

use super::words;
use crate::domain::failure::Side;
use crate::domain::notice::{Notice, NoticeKind};
use crate::domain::wording::{self, Text};

/// Notices of one kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NoticeGroup {
    /// What they are, and the side their numbers belong to.
    pub of: (NoticeKind, Option<Side>),
    /// Headline, what it means, what to do.
    pub words: Text,
    /// Where, how many, which numbers: a line each.
    pub lines: Vec<String>,
}

impl NoticeGroup {
    /// Whether a person should look: the item is not done because of them, or something else is not as it should be.
    pub fn asks_for_a_look(&self) -> bool {
        let kind = self.of.0;
        kind.differs() || matches!(kind, NoticeKind::Waiting | NoticeKind::OldWorkspace)
    }
}

/// Notices by kind: those that ask for a look first, then as they came.
pub fn groups(notices: &[Notice]) -> Vec<NoticeGroup> {
    let mut groups: Vec<(NoticeGroup, (u64, u64))> = Vec::new();
    for notice in notices {
        let of = (notice.kind, notice.side);
        let line = line(notice);
        match groups.iter_mut().find(|(group, _)| group.of == of) {
            Some((group, sums)) => {
                *sums = (sums.0 + notice.messages, sums.1 + 1);
                group.lines.extend(line);
            }
            None => {
                let words = wording::notice(notice.kind, notice.side, 0, 0);
                let group = NoticeGroup { of, words, lines: line.into_iter().collect() };
                groups.push((group, (notice.messages, 1)));
            }
        }
    }
    let counted = |(group, (messages, folders)): (NoticeGroup, (u64, u64))| {
        let (kind, side) = group.of;
        NoticeGroup { words: wording::notice(kind, side, messages, folders), ..group }
    };
    let mut groups: Vec<NoticeGroup> = groups.into_iter().map(counted).collect();
    groups.sort_by_key(|group| !group.asks_for_a_look());
    groups
}

/// Where one notice is, how many messages it is about, which numbers.
fn line(notice: &Notice) -> Option<String> {
    let mut parts = wording::which(notice);
    if notice.folder.is_some() && notice.messages > 0 {
        parts.insert(1, words::counted(notice.messages as usize, "message"));
    }
    (!parts.is_empty()).then(|| parts.join(" · "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::folder::FolderPath;
    use crate::domain::ids::Uid;

    fn notice(folder: &str, kind: NoticeKind, messages: u64, numbers: &[i64]) -> Notice {
        let folder = (!folder.is_empty()).then(|| FolderPath::new([folder]));
        let numbers = numbers.iter().copied().map(Uid).collect();
        Notice { folder, kind, side: Some(Side::Destination), messages, numbers, detail: None }
    }

    #[test]
    fn each_kind_is_said_once_and_what_differs_comes_first() {
        let all = [
            notice("A", NoticeKind::FlagsNotKept, 1, &[4]),
            notice("A", NoticeKind::MaybeTwice, 2, &[7, 8]),
            notice("B", NoticeKind::FlagsNotKept, 2, &[]),
            notice("", NoticeKind::OldWorkspace, 0, &[]),
            notice("A", NoticeKind::Renumbered, 0, &[]),
            notice("B", NoticeKind::Renumbered, 0, &[]),
        ];
        let groups = groups(&all);
        let heads: Vec<&str> = groups.iter().map(|group| group.words.headline.as_str()).collect();
        assert_eq!(
            heads,
            [
                "2 messages may be there twice",
                "This may be an old copy of the workspace",
                "3 messages without all flags",
                "2 folders numbered anew at the destination"
            ]
        );
        let loud: Vec<bool> = groups.iter().map(NoticeGroup::asks_for_a_look).collect();
        assert_eq!(loud, [true, true, false, false]);
        assert_eq!(groups[0].lines, ["folder \"A\" · 2 messages · destination numbers 7–8"]);
        let flags = ["folder \"A\" · 1 message · destination numbers 4", "folder \"B\" · 2 messages"];
        assert_eq!(groups[2].lines, flags);
        assert_eq!(groups[1].lines, [] as [&str; 0], "there is nothing to name");
    }
}
