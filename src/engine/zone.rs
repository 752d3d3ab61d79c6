//! Where a project's days begin and its hours are counted.

use jiff::tz::TimeZone;

use crate::domain::project::Options;

/// A project's zone; where it has none that is known here, this machine's.
pub fn zone_of(options: &Options, machine: &TimeZone) -> TimeZone {
    let own = options.zone.as_deref().and_then(|name| TimeZone::get(name).ok());
    own.unwrap_or_else(|| machine.clone())
}
