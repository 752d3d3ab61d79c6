//! How fast a pass is or was, in words beside the chart: nothing depends on seeing the chart.

use std::time::Duration;

use jiff::tz::TimeZone;

use crate::domain::trace::{PassTrace, TracedPause};
use crate::domain::wording;
use crate::engine::snapshot::ItemRow;
use crate::ui::model::words;

/// Pauses that are named beside the chart.
const NAMED: usize = 5;

/// What was seen of the speed of an item's pass.
#[derive(Clone, Debug, Default)]
pub struct SpeedView {
    /// None before it was read; then none where nothing was seen.
    seen: Option<Option<Box<PassTrace>>>,
}

impl SpeedView {
    /// What was seen came.
    pub(super) fn answered(&mut self, trace: Option<Box<PassTrace>>) {
        self.seen = Some(trace);
    }

    /// What there is to show, or why there is nothing.
    pub fn trace(&self, row: &ItemRow) -> Result<&PassTrace, &'static str> {
        match &self.seen {
            None => Err("Reading…"),
            Some(Some(trace)) => Ok(trace),
            Some(None) => Err(match row.pass {
                None => "No pass has run yet. Speed is recorded while one runs.",
                Some(pass) if pass.started.is_none() => {
                    "The pass has not started yet. Speed is recorded while it runs."
                }
                Some(_) if row.status.is_active() => "Nothing is recorded yet",
                Some(_) => {
                    "Speed is recorded while this program runs; this pass ran before, or many others have run since."
                }
            }),
        }
    }
}

/// A line of the table: heading, data, data an hour, messages, messages an hour, and how long was waited for this side.
pub type SideLine = [String; 6];
/// The headings of that table.
pub const SIDES: [&str; 6] = ["", "Data", "Data an hour", "Messages", "… an hour", "Waited for it"];

fn hourly(number: u64, ran: Duration) -> u64 {
    // A pass of a moment has no speed of an hour.
    if ran < Duration::from_secs(1) { 0 } else { (number as f64 / ran.as_secs_f64() * 3600.0) as u64 }
}

/// What was read at the source and recorded at the destination, over the time of the pass, its pauses included.
pub fn sides(trace: &PassTrace) -> [SideLine; 2] {
    let (ran, moved, read) = (trace.ran(), trace.speed.moved(), trace.speed.read());
    let [at_source, at_destination, _] = trace.waited;
    let an_hour = |bytes| words::size_or_dash(hourly(bytes, ran));
    let nothing = || "–".to_owned();
    let source =
        ["Source, read".into(), words::size_or_dash(read), an_hour(read), nothing(), nothing(), waited(at_source)];
    let destination = [
        "Destination, recorded".into(),
        words::size_or_dash(moved.bytes),
        an_hour(moved.bytes),
        words::count_or_dash(moved.messages),
        words::count_or_dash(hourly(moved.messages, ran)),
        waited(at_destination),
    ];
    [source, destination]
}

fn waited(time: Duration) -> String {
    if time < Duration::from_secs(1) { "–".into() } else { wording::duration(time) }
}

/// "2.50 MB/s · 1.3 messages/s".
pub fn rate(bytes: f64, messages: f64) -> String {
    format!("{}/s · {messages:.1} messages/s", wording::size(bytes as u64))
}

/// What is said above the chart: how long it ran, how fast on average and at most.
pub fn summary(trace: &PassTrace) -> Vec<String> {
    let (ran, [.., waited]) = (trace.ran(), trace.waited);
    let word = if trace.ended.is_some() { "Ran" } else { "Runs for" };
    let mut took = format!("{word} {}", wording::duration(ran));
    if waited >= Duration::from_secs(1) {
        took += &format!(", {} of it waiting", wording::duration(waited));
    }
    let mut lines = vec![took];
    let seconds = ran.as_secs_f64();
    if seconds >= 1.0 {
        let (read, messages) = (trace.speed.read() as f64, trace.speed.moved().messages as f64);
        lines.push(format!("On average {}", rate(read / seconds, messages / seconds)));
    }
    lines.extend(trace.speed.fastest().map(|most| format!("Fastest 10 seconds {}", rate(most.bytes, most.messages))));
    lines
}

/// The pauses, newest first, as far as they are named here; and how many there are besides.
pub fn pauses(trace: &PassTrace, zone: &TimeZone) -> (Vec<String>, u32) {
    let named = trace.pauses.iter().rev().take(NAMED).map(|pause| pause_line(pause, zone)).collect();
    (named, trace.pauses.iter().rev().skip(NAMED).map(|pause| pause.times).sum())
}

/// "10:02:11 to 10:05:00 · The server asked for a pause".
pub fn pause_line(pause: &TracedPause, zone: &TimeZone) -> String {
    let from = words::second(pause.from, zone);
    let time = match pause.to {
        Some(to) => format!("{from} to {}", words::second(to, zone)),
        None => format!("since {from}"),
    };
    let why = wording::pausing(&pause.why);
    if pause.times > 1 {
        format!("{time} · {} pauses, the last: {why}", pause.times)
    } else {
        format!("{time} · {why}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::counts::Counts;
    use crate::domain::failure::{Cause, Failure, Retry, Scope, Side};
    use crate::domain::ids::PassId;
    use crate::domain::progress::{PassProgress, Phase, RetryState};
    use crate::domain::time::Timestamp;

    fn seen() -> PassTrace {
        let at = |second: u64| Timestamp::from_millis(0).plus(Duration::from_secs(second));
        let figures = |copied: u64, retry| PassProgress {
            phase: Phase::Copying,
            counts: Counts { copied, bytes: copied * 100_000, ..Counts::default() },
            retry,
            ..PassProgress::default()
        };
        let failure = Failure::new(Cause::Throttled, Scope::Connection, Retry::Backoff, "reading");
        let retry = RetryState { side: Some(Side::Source), failure, attempt: 1, limit: 8, until: at(99) };
        let mut trace = PassTrace::new(PassId(1), at(0), &PassProgress::default());
        (1..=20).for_each(|second| trace.look(at(second), &figures(second, None), second * 110_000));
        trace.look(at(21), &figures(20, Some(retry)), 2_200_000);
        trace.look(at(30), &figures(20, None), 2_200_000);
        trace.end(at(40), &figures(20, None), 2_200_000);
        trace
    }

    #[test]
    fn figures_stand_beside_the_chart() {
        let trace = seen();
        let [source, destination] = sides(&trace);
        assert_eq!(source, ["Source, read", "2.20 MB", "198.00 MB", "–", "–", "9 seconds"]);
        assert_eq!(destination, ["Destination, recorded", "2.00 MB", "180.00 MB", "20", "1,800", "–"]);
        let lines = summary(&trace);
        assert_eq!(lines[0], "Ran 40 seconds, 9 seconds of it waiting");
        assert_eq!(lines[1], "On average 55.00 KB/s · 0.5 messages/s");
        assert_eq!(lines[2], "Fastest 10 seconds 110.00 KB/s · 1.0 messages/s");
        let (named, more) = pauses(&trace, &TimeZone::UTC);
        assert!(named.len() == 1 && more == 0 && named[0].starts_with("00:00:21 to 00:00:30 · source: "), "{named:?}");
    }

    #[test]
    fn a_pass_of_a_moment_claims_no_speed() {
        let now = Timestamp::from_millis(5);
        let mut trace = PassTrace::new(PassId(1), now, &PassProgress::default());
        let counts = Counts { copied: 3, bytes: 300, ..Counts::default() };
        trace.end(now.plus(Duration::from_millis(20)), &PassProgress { counts, ..PassProgress::default() }, 300);
        assert_eq!(sides(&trace)[1], ["Destination, recorded", "300 bytes", "–", "3", "–", "–"]);
        assert_eq!(summary(&trace).len(), 1);
    }
}
