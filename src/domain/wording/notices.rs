//! What a pass has to say that is no error of a message: one row for each kind of notice, and its numbers.

use super::{Text, capital};
use crate::domain::failure::Side;
use crate::domain::ids::Uid;
use crate::domain::notice::{Notice, NoticeKind};

/// Pieces of numbers ("4–9") that are named; the rest is counted.
const PIECES: usize = 20;

/// So many messages in words, or the folders where no message is meant.
fn many(messages: u64, folders: u64) -> String {
    match (messages, folders) {
        (0, 0 | 1) => "a folder".to_owned(),
        (0, n) => format!("{n} folders"),
        (1, _) => "1 message".to_owned(),
        (n, _) => format!("{n} messages"),
    }
}

/// A verb for so many: "differs", "differ".
fn do_or_does<'a>(messages: u64, one: &'a str, several: &'a str) -> &'a str {
    if messages > 1 { several } else { one }
}

/// The text for so many messages of one kind of notice, in so many folders, which are meant when no message is.
#[expect(clippy::too_many_lines, reason = "a table: an arm for each kind")]
pub fn notice(kind: NoticeKind, side: Option<Side>, messages: u64, folders: u64) -> Text {
    let some = many(messages, folders);
    let at = side.map_or("server", Side::word);
    let (headline, what, todo) = match kind {
        NoticeKind::SourceDiffers => (
            format!("{some} not accounted for at the source"),
            "The source says that it holds another number of messages than it handed out.",
            "Start a Full pass: it looks into the folder again. If it differs again, compare it in the owner's mail program.",
        ),
        NoticeKind::MissingThere => (
            format!("{some} not found at the destination"),
            "They were copied, and the destination holds fewer messages than that. Nobody was seen to delete them.",
            "Start a Full pass: it looks into the folder again. If it differs again, compare it in the owner's mail program.",
        ),
        NoticeKind::MaybeTwice => (
            format!("{some} may be there twice"),
            "It could not be told for sure whether they had arrived before, and none was to be lost.",
            "Look at them in the owner's mail program, and delete what is there twice.",
        ),
        NoticeKind::ShorterThanTold => (
            format!("{some} shorter than the source says"),
            "The source handed out fewer bytes than it says it holds, also when it was asked again: the end may be missing.",
            "Open them in the owner's mail program at the source. What is whole there can be moved by hand.",
        ),
        NoticeKind::DateNotKept => (
            format!("{some} without {} date of receipt", do_or_does(messages, "its", "their")),
            "The date that the source gave cannot be read, or the destination does not keep it and gave its own.",
            "The messages themselves are unchanged, with the date in their heading; a mail program that sorts by the date of \
             receipt shows them in another order.",
        ),
        NoticeKind::DateOfHeading => (
            format!("{some} with the date of {} own heading", do_or_does(messages, "its", "their")),
            "The date of receipt that the source gave cannot be read, so the one in the heading was taken.",
            "Nothing to do: the messages themselves are unchanged.",
        ),
        NoticeKind::FlagsNotKept => (
            format!("{some} without all flags"),
            "The destination does not take some of their flags or keywords.",
            "Nothing to do: the messages themselves are complete.",
        ),
        NoticeKind::Renumbered => (
            format!("{} numbered anew at the {at}", many(0, folders)),
            "Its numbers mean other messages than before, as after restoring a backup. Its messages were told by what they are.",
            "Nothing to do.",
        ),
        NoticeKind::CopiedAgain => (
            format!("{some} copied again"),
            "Their copies went when the destination was set back to an earlier state.",
            "Nothing to do.",
        ),
        NoticeKind::OldWorkspace => (
            "This may be an old copy of the workspace".into(),
            "The destination holds copies that this workspace does not know, so a newer copy of it may exist.",
            "If there is a newer copy, go on with that one. What is at the destination is recognised and not copied again.",
        ),
        NoticeKind::Waiting => (
            format!("{some} {} for the next pass", do_or_does(messages, "waits", "wait")),
            "A folder could not be read in which they may have been before, so that they may be at the destination already.",
            "Start a Full pass when that folder can be read again.",
        ),
        NoticeKind::LeftOut => (
            format!("{some} left out"),
            "It shows messages of other folders, or belongs to somebody else.",
            "Nothing to do; to bring it all the same, map it in a new project.",
        ),
        NoticeKind::OtherLabels => (
            format!("{some} shown under more than one label"),
            "Each message is brought once, into the folder of one of its labels.",
            "Nothing to do; to have each in the folders of all its labels, set the option all-labels to on, then Start a Full pass.",
        ),
        NoticeKind::Altered => (
            format!("{some} changed by the destination"),
            "It keeps other bytes than it was sent.",
            "Nothing to do: the originals are unchanged.",
        ),
        NoticeKind::Cleaned => (
            format!("{some} copied in a cleaned form"),
            "The destination calls them malformed. NUL bytes, lone line ends and header lines that are no field were mended.",
            "Nothing to do: the originals at the source are unchanged.",
        ),
        NoticeKind::ServerSays => (
            format!("The {at} says something to its users"),
            "It was said during the pass, which went on.",
            "Read it: it may be about a quota that is nearly used up, or about hours in which the server is not there.",
        ),
    };
    Text { headline: capital(&headline), what: what.into(), todo: todo.into() }
}

/// A notice in one line: what, where, which numbers, more words.
pub fn notice_line(notice: &Notice) -> String {
    let text = self::notice(notice.kind, notice.side, notice.messages, 1);
    let mut parts = vec![text.headline];
    parts.extend(which(notice));
    parts.join(" · ")
}

/// Where a notice is, which numbers it is about, more words.
pub fn which(notice: &Notice) -> Vec<String> {
    let mut parts = Vec::new();
    parts.extend(notice.folder.as_ref().map(|folder| format!("folder \"{folder}\"")));
    if !notice.numbers.is_empty() {
        let side = notice.side.map_or(String::new(), |side| format!("{} ", side.word()));
        parts.push(format!("{side}numbers {}", numbers(&notice.numbers, notice.messages)));
    }
    parts.extend(notice.detail.clone());
    parts
}

/// Numbers of messages with ranges, "4–9, 12 and 30 more": `messages` is how many there are in all, named or not.
pub fn numbers(numbers: &[Uid], messages: u64) -> String {
    let mut sorted: Vec<i64> = numbers.iter().map(|uid| uid.0).collect();
    sorted.sort_unstable();
    sorted.dedup();
    let pieces: Vec<&[i64]> = sorted.chunk_by(|a, b| a.checked_add(1) == Some(*b)).collect();
    let mut named = 0;
    let mut words = Vec::new();
    for piece in pieces.iter().take(PIECES) {
        named += piece.len() as u64;
        match piece {
            [first, .., last] => words.push(format!("{first}–{last}")),
            [only] => words.push(only.to_string()),
            [] => {}
        }
    }
    let more = messages.max(sorted.len() as u64) - named;
    let listed = words.join(", ");
    if more == 0 { listed } else { format!("{listed} and {more} more") }
}
