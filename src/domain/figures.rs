//! Figures of an item that people watch: what is recorded at the destination, which only rises (D34), and what the source
//! holds, as it was last counted.

use super::counts::Counts;
use super::pass::PassKind;
use super::progress::PassProgress;
use super::status::Status;
use super::wording;

/// What is recorded at the destination.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Moved {
    /// Messages that were copied.
    pub messages: u64,
    /// Their bytes.
    pub bytes: u64,
}

impl Moved {
    /// What one pass recorded.
    pub fn of(counts: &Counts) -> Self {
        Self { messages: counts.copied, bytes: counts.bytes }
    }

    /// Both together.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self { messages: self.messages + other.messages, bytes: self.bytes + other.bytes }
    }
}

/// What a pass counted at the source, in folders that are not left out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AtSource {
    /// Folders.
    pub folders: u64,
    /// Messages in them.
    pub messages: u64,
    /// Their bytes; none where the source does not tell sizes.
    pub bytes: Option<u64>,
}

impl AtSource {
    /// "32 folders, 1,733 messages, 171.04 MB at the source".
    pub fn words(&self) -> String {
        let counted =
            |count: u64, one: &str| format!("{} {one}{}", wording::count(count), if count == 1 { "" } else { "s" });
        let size = self.bytes.map(|bytes| format!(", {}", wording::size(bytes))).unwrap_or_default();
        format!("{}, {}{size} at the source", counted(self.folders, "folder"), counted(self.messages, "message"))
    }
}

/// A figure, and what it will be when all is copied, where that is known: "1,204 of 1,733". Never "135 of 135" while
/// something is not copied: then the figure stands alone.
pub fn of_total(figure: u64, total: Option<u64>, counts: &Counts) -> Option<u64> {
    let whole = !counts.leaves_something() && counts.left() == 0;
    total.filter(|total| figure < *total || figure == *total && figure > 0 && whole)
}

/// "112.18 MB", and behind it "of 171.04 MB" where that is known.
pub fn size_of(bytes: u64, total: Option<u64>) -> String {
    match total {
        Some(total) => format!("{} of {}", wording::size(bytes), wording::size(total)),
        None => wording::size(bytes),
    }
}

/// Whether an item is migrated, some messages that were refused aside: only a completed Full pass counts, and none with a
/// difference that nothing explains or with messages that wait for another pass (D27).
pub fn is_done(status: Status, kind: Option<PassKind>, counts: &Counts) -> bool {
    let full = matches!(kind, Some(PassKind::Full | PassKind::RetryErrors));
    status == Status::Completed && full && counts.differ == 0 && counts.waiting == 0
}

/// "+ 6.00 MB under way"; none where nothing is.
pub fn under_way(bytes: u64) -> Option<String> {
    (bytes > 0).then(|| format!("+ {} under way", wording::size(bytes)))
}

/// "23 of 24 migrated, 6 with errors, 1 failed": never that all is done while something is not.
pub fn migrated(done: u64, of: u64, with_errors: u64, failed: u64) -> String {
    let mut words = format!("{} of {} migrated", wording::count(done), wording::count(of));
    for (count, word) in [(with_errors, "with errors"), (failed, "failed")] {
        if count > 0 {
            words += &format!(", {} {word}", wording::count(count));
        }
    }
    words
}

/// How a pass that copies ended: what is not nothing of the rarer figures is named too.
pub fn closing(status: Status, progress: &PassProgress, earlier: Moved) -> String {
    let PassProgress { counts, accepted, .. } = progress;
    let Counts { copied, already_there, .. } = counts;
    let Moved { messages, bytes } = earlier.and(Moved::of(counts));
    let copied = match earlier.messages {
        0 => format!("{copied} copied ({})", wording::size(bytes)),
        _ => format!("+{copied} new, {messages} copied in all ({})", wording::size(bytes)),
    };
    let errors = wording::errors(counts.errors, *accepted);
    let mut line = format!("{}: {copied}, {already_there} already there, {errors}", status.word());
    for (count, word) in [(counts.differ, "differ"), (counts.waiting, "waiting"), (counts.arrived, "arrived meanwhile")]
    {
        if count > 0 {
            line += &format!(", {count} {word}");
        }
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn r49_a_total_is_never_reached_while_something_is_not_copied() {
        let clean = Counts { source: 135, copied: 135, ..Counts::default() };
        assert_eq!(of_total(120, Some(135), &clean), Some(135));
        assert_eq!(of_total(135, Some(135), &clean), Some(135));
        let refused = Counts { copied: 133, errors: 2, ..clean };
        let waiting = Counts { copied: 134, waiting: 1, ..clean };
        let in_the_middle = Counts { copied: 90, ..clean };
        for counts in [refused, waiting, in_the_middle] {
            assert_eq!(
                of_total(135, Some(135), &counts),
                None,
                "copied in all passes, and something is not: {counts:?}"
            );
        }
        assert_eq!(of_total(140, Some(135), &clean), None, "some have left the source since");
        assert_eq!(of_total(0, Some(0), &clean), None);
    }

    #[test]
    fn words_never_say_fully() {
        assert_eq!(migrated(23, 24, 6, 1), "23 of 24 migrated, 6 with errors, 1 failed");
        assert_eq!(migrated(24, 24, 0, 0), "24 of 24 migrated");
        let at = AtSource { folders: 32, messages: 1_733, bytes: Some(171_040_000) };
        assert_eq!(at.words(), "32 folders, 1,733 messages, 171.04 MB at the source");
        assert_eq!(AtSource { folders: 1, bytes: None, ..at }.words(), "1 folder, 1,733 messages at the source");
        assert_eq!(under_way(6_000_000).as_deref(), Some("+ 6.00 MB under way"));
        assert_eq!((under_way(0), size_of(112_180_000, Some(171_040_000))), (None, "112.18 MB of 171.04 MB".into()));
    }
}
