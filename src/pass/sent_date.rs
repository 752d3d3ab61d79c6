//! Dates of receipt that a destination does not take: a message goes with the same instant in UTC, then without any, before it
//! stays behind, and that is named. A server that refuses the dates of all messages is not asked again with each.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use crate::domain::failure::{Cause, Failure};
use crate::domain::message::InternalDate;
use crate::endpoint::date;
use crate::pass::flight::Outgoing;
use crate::pass::writer::AppendWriter;

/// So many dates in UTC are refused, and none taken, before messages go without theirs.
const REFUSED: u32 = 3;

/// What the destination was seen to do with dates in this pass.
#[derive(Default)]
pub(super) struct DateHabit {
    taken: AtomicBool,
    refused: AtomicU32,
    refused_in_utc: AtomicU32,
}

impl DateHabit {
    /// A message with a date landed.
    pub fn took(&self) {
        self.taken.store(true, Ordering::Relaxed);
    }

    fn refused(&self, date: &InternalDate) {
        self.refused.fetch_add(1, Ordering::Relaxed);
        if in_utc(date).is_none_or(|utc| utc.text == date.text) {
            self.refused_in_utc.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// The form in which a message's date is sent.
    pub fn form(&self, date: Option<InternalDate>) -> Option<InternalDate> {
        if self.taken.load(Ordering::Relaxed) || self.refused.load(Ordering::Relaxed) == 0 {
            date
        } else if self.refused_in_utc.load(Ordering::Relaxed) < REFUSED {
            date.and_then(|date| in_utc(&date))
        } else {
            None
        }
    }
}

fn in_utc(date: &InternalDate) -> Option<InternalDate> {
    date::of_instant(date.instant)
}

/// Whether a message may have been refused for its date.
fn may_be_for_its_date(failure: &Failure) -> bool {
    let text = failure.server_text.as_deref().unwrap_or_default().to_ascii_lowercase();
    failure.cause == Cause::MessageRefused && text.contains("date")
}

impl AppendWriter<'_> {
    /// Makes the date of a message plainer that was refused, if that may be the reason. Whether it is to go again.
    pub(super) fn with_a_plainer_date(&self, message: &mut Outgoing, failure: &Failure) -> bool {
        let Some(date) = message.date.take_if(|_| may_be_for_its_date(failure)) else { return false };
        let habit = &self.pass.findings.dates;
        habit.refused(&date);
        message.date = habit.form(in_utc(&date).filter(|utc| utc.text != date.text));
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::time::Timestamp;

    #[test]
    fn p2_a_server_that_refuses_every_date_gets_none_after_a_few_and_one_that_takes_some_keeps_getting_them() {
        let instant = Timestamp::from_millis(1_767_587_460_000);
        let far = InternalDate { text: "05-Jan-2026 10:01:00 +0530".into(), instant };
        let utc = in_utc(&far).expect("in UTC");
        let habit = DateHabit::default();
        assert_eq!(habit.form(Some(far.clone())), Some(far.clone()));
        habit.refused(&far);
        assert_eq!(habit.form(Some(far.clone())), Some(utc.clone()), "the same instant");
        (0..REFUSED).for_each(|_| habit.refused(&utc));
        assert_eq!(habit.form(Some(far.clone())), None);
        habit.took();
        assert_eq!(habit.form(Some(far.clone())), Some(far));
    }
}
