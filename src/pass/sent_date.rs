//! Dates of receipt that a destination does not take: a message goes with the same instant in UTC, then without any, before it
//! stays behind, and that is named.

use crate::domain::failure::{Cause, Failure};
use crate::endpoint::date;
use crate::pass::flight::Outgoing;
use crate::pass::writer::AppendWriter;

/// Whether a message may have been refused for its date.
fn may_be_for_its_date(failure: &Failure) -> bool {
    let text = failure.server_text.as_deref().unwrap_or_default().to_ascii_lowercase();
    failure.cause == Cause::MessageRefused && text.contains("date")
}

impl AppendWriter<'_> {
    /// Makes the date of a message plainer that was refused, if that may be the reason. Whether it is to go again.
    pub(super) fn with_a_plainer_date(message: &mut Outgoing, failure: &Failure) -> bool {
        let Some(date) = message.date.take_if(|_| may_be_for_its_date(failure)) else { return false };
        message.date = date::of_instant(date.instant).filter(|utc| utc.text != date.text);
        true
    }
}
