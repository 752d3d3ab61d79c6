//! The log of an item: which of its lines are shown, and how they read.

use jiff::tz::TimeZone;

use crate::service::log::{LogKind, LogLine};
use crate::ui::model::words;
use crate::ui::theme::Tone;

/// Lines that are painted at most: the newest.
const PAINTED: usize = 500;
/// As wide as a time, where none is known.
const NO_TIME: &str = "                   ";

/// The log as a person looks at it.
#[derive(Clone, Debug, Default)]
pub struct LogView {
    /// All lines, oldest first; none before they were read.
    lines: Option<Vec<LogLine>>,
    /// What the lines that are shown hold, in lower case.
    find: String,
    /// Their places.
    shown: Vec<usize>,
}

impl LogView {
    /// The lines came.
    pub(super) fn answered(&mut self, lines: Vec<LogLine>) {
        self.lines = Some(lines);
        self.choose();
    }

    /// Only lines that hold all of these words.
    pub(super) fn filter(&mut self, words: &str) {
        self.find = words.to_lowercase();
        self.choose();
    }

    fn choose(&mut self) {
        let words: Vec<&str> = self.find.split_whitespace().collect();
        let holds = |line: &LogLine| {
            let text = format!("{} {}", whose(line), line.text).to_lowercase();
            words.iter().all(|word| text.contains(word))
        };
        let lines = self.lines.iter().flatten().enumerate();
        self.shown = lines.filter(|(_, line)| holds(line)).map(|(place, _)| place).collect();
    }

    /// What the lines that are shown hold.
    pub fn find(&self) -> &str {
        &self.find
    }

    /// Whether they were read.
    pub fn is_read(&self) -> bool {
        self.lines.is_some()
    }

    /// How many there are, and how many of them the filter lets through.
    pub fn count(&self) -> (usize, usize) {
        (self.lines.as_ref().map_or(0, Vec::len), self.shown.len())
    }

    /// The lines that the filter lets through, oldest first.
    pub fn shown(&self) -> impl Iterator<Item = &LogLine> {
        let lines = self.lines.as_deref().unwrap_or_default();
        self.shown.iter().filter_map(|place| lines.get(*place))
    }

    /// The newest of them, and how many there are before these.
    pub fn painted(&self) -> (usize, impl Iterator<Item = &LogLine>) {
        let before = self.shown.len().saturating_sub(PAINTED);
        (before, self.shown().skip(before))
    }

    /// All that the filter lets through, as a text.
    pub fn text(&self, zone: &TimeZone) -> String {
        self.shown().map(|line| line_text(line, zone) + "\n").collect()
    }
}

/// Whose line it is.
pub fn whose(line: &LogLine) -> String {
    line.pass.map(|number| format!("pass {number}")).unwrap_or_default()
}

/// A line as it is copied.
pub fn line_text(line: &LogLine, zone: &TimeZone) -> String {
    let at = line.at.map_or_else(|| NO_TIME.to_owned(), |at| words::stamp(at, zone));
    let parts = [at, whose(line), line.text.clone()];
    parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("  ")
}

/// What its colour says; its words say it too.
pub fn tone(kind: LogKind) -> Option<Tone> {
    match kind {
        LogKind::Failure | LogKind::ServerText => Some(Tone::Bad),
        LogKind::Error | LogKind::Pause => Some(Tone::Warning),
        LogKind::Owner => Some(Tone::Asking),
        LogKind::Course | LogKind::More => Some(Tone::Quiet),
        LogKind::Standing | LogKind::Notice => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::time::Timestamp;

    fn line(pass: usize, at: Option<i64>, text: &str) -> LogLine {
        LogLine { at: at.map(Timestamp::from_millis), pass: Some(pass), kind: LogKind::Course, text: text.into() }
    }

    #[test]
    fn the_filter_lets_lines_through_that_hold_all_words_in_any_order() {
        let mut view = LogView::default();
        assert!(!view.is_read());
        view.filter("INBOX 2");
        view.answered(vec![
            line(1, Some(0), "folder \"Inbox\""),
            line(2, None, "folder \"Inbox\""),
            line(2, None, "sent"),
        ]);
        assert_eq!(
            (view.count(), view.text(&TimeZone::UTC).as_str()),
            ((3, 1), "                     pass 2  folder \"Inbox\"\n")
        );
        view.filter("");
        assert_eq!(view.count(), (3, 3));
        assert!(view.text(&TimeZone::UTC).starts_with("1970-01-01 00:00:00  pass 1  folder"));
        view.filter("nothing like it");
        assert_eq!((view.count(), view.shown().count()), ((3, 0), 0));
    }

    #[test]
    fn of_many_lines_the_newest_are_painted_and_all_are_copied() {
        let mut view = LogView::default();
        view.answered((0..1200).map(|at| line(1, Some(at), &format!("line {at}"))).collect());
        let (before, painted) = view.painted();
        let painted: Vec<&LogLine> = painted.collect();
        assert_eq!((before, painted.len()), (700, PAINTED));
        assert_eq!(painted.last().map(|line| line.text.as_str()), Some("line 1199"));
        assert_eq!(view.text(&TimeZone::UTC).lines().count(), 1200);
    }
}
