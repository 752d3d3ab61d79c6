//! Run hours: when the servers of a pass may be used.

use std::sync::Arc;
use std::time::Duration;

use jiff::civil::Time;
use jiff::tz::TimeZone;

use crate::domain::clock::Clock;
use crate::domain::failure::{Cause, Failure, Retry, Scope, Side};
use crate::domain::project::Options;
use crate::domain::run_hours::RunHours;
use crate::pass::SideFailure;

/// The hours of both servers, by the clock of this machine.
pub(super) struct Hours {
    source: Option<RunHours>,
    destination: Option<RunHours>,
    clock: Arc<dyn Clock>,
    zone: TimeZone,
}

impl Hours {
    /// Of these options.
    pub fn new(options: &Options, clock: Arc<dyn Clock>, zone: TimeZone) -> Self {
        let (source, destination) = (options.source_hours, options.destination_hours);
        Self { source, destination, clock, zone }
    }

    /// Which server may not be used now, and how long.
    pub fn closed(&self) -> Option<SideFailure> {
        let closed = |side, hours: Option<RunHours>| {
            let hours = hours?;
            let wait = self.until_open(hours)?;
            let failure =
                Failure::new(Cause::OutsideHours, Scope::Connection, Retry::After(wait), "keeping the run hours");
            Some(SideFailure { side, failure: failure.saying(format!("only {hours}")) })
        };
        let both = [closed(Side::Source, self.source), closed(Side::Destination, self.destination)];
        let wait = |closed: &SideFailure| match closed.failure.retry {
            Retry::After(wait) => wait,
            Retry::Backoff | Retry::Later | Retry::User | Retry::Never => Duration::ZERO,
        };
        both.into_iter().flatten().max_by_key(wait)
    }

    /// How long it takes until the hours begin; none while they last.
    fn until_open(&self, hours: RunHours) -> Option<Duration> {
        let millis = self.clock.now().millis();
        let now = jiff::Timestamp::from_millisecond(millis).unwrap_or_default().to_zoned(self.zone.clone());
        let minute = u16::try_from(i32::from(now.hour()) * 60 + i32::from(now.minute())).unwrap_or(0);
        if hours.contains(minute) {
            return None;
        }
        let (hour, minute) = (i8::try_from(hours.from() / 60).ok()?, i8::try_from(hours.from() % 60).ok()?);
        let begins = Time::new(hour, minute, 0, 0).ok()?;
        let on = |day: jiff::civil::Date| day.to_datetime(begins).to_zoned(self.zone.clone()).ok();
        let opens = on(now.date()).filter(|opens| *opens > now).or_else(|| on(now.date().tomorrow().ok()?))?;
        let wait = opens.timestamp().as_millisecond() - millis;
        Some(Duration::from_millis(u64::try_from(wait).unwrap_or(0)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::time::Timestamp;

    struct At(i64);

    impl Clock for At {
        fn now(&self) -> Timestamp {
            Timestamp::from_millis(self.0)
        }
    }

    fn closed(at: &str, source: Option<&str>, destination: Option<&str>) -> Option<(Side, u64)> {
        let zone = TimeZone::get("Europe/Vienna").unwrap();
        let now = at.parse::<jiff::Zoned>().unwrap().timestamp().as_millisecond();
        let hours = |text: Option<&str>| text.map(|text| text.parse().unwrap());
        let options =
            Options { source_hours: hours(source), destination_hours: hours(destination), ..Options::default() };
        let found = Hours::new(&options, Arc::new(At(now)), zone).closed()?;
        assert_eq!(found.failure.cause, Cause::OutsideHours);
        let Retry::After(wait) = found.failure.retry else { panic!("no wait") };
        Some((found.side, wait.as_secs() / 60))
    }

    #[test]
    fn a_server_is_left_alone_outside_its_hours() {
        let night = Some("18:00-07:00");
        assert_eq!(closed("2026-11-26T20:00[Europe/Vienna]", night, None), None);
        assert_eq!(closed("2026-11-26T06:59[Europe/Vienna]", night, None), None);
        assert_eq!(closed("2026-11-26T07:00[Europe/Vienna]", night, None), Some((Side::Source, 11 * 60)));
        let both = closed("2026-11-26T12:00[Europe/Vienna]", Some("13:00-14:00"), night);
        assert_eq!(both, Some((Side::Destination, 6 * 60)), "the longer wait counts");
        assert_eq!(closed("2026-11-26T20:00[Europe/Vienna]", Some("09:00-17:00"), None), Some((Side::Source, 13 * 60)));
        assert_eq!(closed("2026-11-26T12:00[Europe/Vienna]", None, None), None);
    }

    #[test]
    fn a_clock_change_makes_the_wait_shorter_or_longer_and_leaves_no_hours_out() {
        // Forward over the hour from two to three.
        assert_eq!(closed("2026-03-29T01:30[Europe/Vienna]", Some("04:00-05:00"), None), Some((Side::Source, 90)));
        assert_eq!(closed("2026-03-29T01:30[Europe/Vienna]", Some("02:30-05:00"), None), Some((Side::Source, 60)));
        // Back: the hour from two to three comes twice.
        assert_eq!(closed("2026-10-25T01:30[Europe/Vienna]", Some("04:00-05:00"), None), Some((Side::Source, 210)));
        assert_eq!(closed("2026-10-25T02:30+02:00[Europe/Vienna]", Some("02:00-03:00"), None), None);
        assert_eq!(closed("2026-10-25T02:30+01:00[Europe/Vienna]", Some("02:00-03:00"), None), None);
    }
}
