//! What became of the demo, told in a sentence: against what was planned.

use super::samples::TOO_BIG;
use crate::domain::counts::Counts;
use crate::domain::figures::migrated;
use crate::domain::status::Status;
use crate::service::launch::{RunSummary, Verdict};

/// How the passes ended, all together.
#[derive(Default)]
struct Sum {
    items: usize,
    completed: usize,
    failed: usize,
    with_errors: usize,
    counts: Counts,
}

impl Sum {
    fn add(&mut self, status: Status, counts: &Counts) {
        self.items += 1;
        self.completed += usize::from(status == Status::Completed);
        self.failed += usize::from(status == Status::Failed);
        self.with_errors += usize::from(status == Status::Completed && counts.errors > 0);
        self.counts.add(counts);
    }

    /// How many mailboxes were migrated, and how.
    fn words(&self) -> String {
        migrated(self.completed as u64, self.items as u64, self.with_errors as u64, self.failed as u64)
    }

    /// Whether nothing but the planned errors is missing.
    fn is_whole(&self) -> bool {
        self.counts.balanced() && self.counts.differ + self.counts.waiting == 0
    }

    fn verdict(&self) -> Verdict {
        match self.completed == self.items {
            true if self.counts.errors == TOO_BIG && self.is_whole() => Verdict::AsPlanned,
            false if self.failed == 0 => Verdict::Stopped,
            _ => Verdict::Otherwise,
        }
    }
}

/// What there is to say when nothing runs any more.
pub fn summary(ends: &[(Status, Counts)]) -> RunSummary {
    let mut sum = Sum::default();
    ends.iter().for_each(|(status, counts)| sum.add(*status, counts));
    let (verdict, mailboxes) = (sum.verdict(), sum.words());
    let (words, closing) = match verdict {
        Verdict::AsPlanned => (
            format!(
                "Demo ended: {mailboxes}; {TOO_BIG} messages were too big, as planned. \
                 Look around, then close the window; nothing stays behind"
            ),
            format!(
                "All as planned: {TOO_BIG} messages were too big for this destination. Nothing of the demo stays behind."
            ),
        ),
        Verdict::Stopped => (
            format!(
                "Demo stopped: {mailboxes}. Start goes on with the others; nothing stays behind \
                 when the window closes"
            ),
            "Stopped. Nothing of the demo stays behind.".into(),
        ),
        Verdict::Otherwise => (
            format!(
                "Demo ended, but not as planned: {mailboxes}. Please report it with the table \
                 that the terminal shows when the window closes"
            ),
            "This did not go as planned: please report it with the lines above.".into(),
        ),
    };
    RunSummary { verdict, words, closing }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two mailboxes, of which the second ended like this.
    fn ends(status: Status, errors: u64) -> RunSummary {
        let moved = |source, errors| Counts { source, copied: source - errors, errors, ..Counts::default() };
        summary(&[(Status::Completed, moved(9, 0)), (status, moved(9, errors))])
    }

    #[test]
    fn the_window_says_how_it_ended() {
        let planned = ends(Status::Completed, TOO_BIG);
        assert!(
            planned.verdict == Verdict::AsPlanned
                && planned.words.starts_with("Demo ended: 2 of 2 migrated, 1 with errors; 2 messages"),
            "{planned:?}"
        );
        let stopped = ends(Status::Stopped, 0);
        assert!(
            stopped.verdict == Verdict::Stopped && stopped.words.starts_with("Demo stopped: 1 of 2 migrated"),
            "{stopped:?}"
        );
        for other in [ends(Status::Completed, 0), ends(Status::Completed, 3), ends(Status::Failed, TOO_BIG)] {
            assert!(other.verdict == Verdict::Otherwise && other.words.contains("not as planned"), "{other:?}");
        }
        let lost = summary(&[(Status::Completed, Counts { source: 9, errors: TOO_BIG, ..Counts::default() })]);
        assert!(lost.verdict == Verdict::Otherwise, "a sum that does not hold is no success");
        let planned = Counts { source: 9, copied: 9 - TOO_BIG, errors: TOO_BIG, ..Counts::default() };
        for counts in [Counts { differ: 1, ..planned }, Counts { source: 10, waiting: 1, ..planned }] {
            assert_eq!(
                summary(&[(Status::Completed, counts)]).verdict,
                Verdict::Otherwise,
                "nor is a difference, or mail that waits"
            );
        }
        let arrived = summary(&[(Status::Completed, Counts { arrived: 1, ..planned })]);
        assert_eq!(arrived.verdict, Verdict::AsPlanned, "the next pass brings it");
    }
}
