//! How a status reads: with the time it waits for, with what its pass left behind, and when it lasts too long.

use std::collections::BTreeMap;
use std::time::Duration;

use super::failure::Cause;
use super::pass::PassKind;
use super::progress::PassProgress;
use super::retry::LATE;
use super::status::{HoldReason, Status};
use super::time::Timestamp;
use super::wording;

/// So long in one status is worth a word (R9, R23).
const QUEUED_LONG: Duration = Duration::from_secs(40 * 60);
const STOPPING_LONG: Duration = Duration::from_secs(45 * 60);

/// After which time in one status an item alerts (R9, R23); never in most of them.
pub fn alerts_after(status: Status, since: Timestamp) -> Option<Timestamp> {
    match status {
        Status::Queued => Some(since.plus(QUEUED_LONG)),
        Status::Stopping => Some(since.plus(STOPPING_LONG)),
        Status::NotSubmitted | Status::Submitted | Status::Scheduled | Status::Held | Status::WaitingForUser => None,
        Status::Migrating | Status::Stopped | Status::Failed | Status::Completed => None,
    }
}

/// What to say of an item that has been in its status since then, if that is unusual.
pub fn alert(status: Status, since: Timestamp, now: Timestamp) -> Option<String> {
    let why = match status {
        Status::Stopping => "the operation in hand does not end; Stop at once drops the connections, nothing is lost",
        _ => "loading what earlier passes left takes unusually long; the log tells what it waits for",
    };
    let lasted = || wording::duration(now.since(since));
    (now > alerts_after(status, since)?).then(|| format!("{} for {}: {why}", status.word(), lasted()))
}

/// What holds items of a project, in one line: "Administrator login refused; 127 items held". `cause` is what they were told
/// when they were held, if they were.
pub fn held(reason: Option<HoldReason>, cause: Option<Cause>, items: usize) -> String {
    let items = format!("{} item{} held", wording::count(items as u64), if items == 1 { "" } else { "s" });
    let why = match (reason, cause) {
        (Some(HoldReason::Switch), _) => "New starts are held",
        (Some(HoldReason::LoginRefused), Some(Cause::SignInRefused | Cause::SignInHeld)) => "Sign-in refused",
        (Some(HoldReason::LoginRefused), Some(Cause::TokenUnfit)) => "Sign-in opens no mailbox",
        (Some(HoldReason::LoginRefused), Some(Cause::ClockOff)) => "This computer's clock is wrong",
        (Some(HoldReason::LoginRefused), _) => "Administrator login refused",
        (Some(HoldReason::Unreachable), _) => "A server cannot be reached",
        (Some(HoldReason::Interrupted), _) => "Interrupted when the program ended",
        (Some(HoldReason::Missed), _) => "Start time missed while nothing ran",
        (None, _) => return format!("{items}, waiting for your word"),
    };
    format!("{why}; {items}")
}

/// The status as people read it. `kind` is that of the latest pass; for Retry Errors give the kind of
/// the pass whose errors were retried (Retry Errors itself reads as plain "Completed"). `progress` are the figures of that
/// pass: what it left behind is said.
pub fn display(
    status: Status,
    kind: Option<PassKind>,
    progress: &PassProgress,
    scheduled: Option<Timestamp>,
    now: Timestamp,
) -> String {
    match status {
        Status::Scheduled => match scheduled {
            Some(at) if at > now => format!("Submitted (will start in {})", wording::duration(at.since(now))),
            // Nobody was there who would have held it.
            Some(at) if now.since(at) > LATE => "Submitted (missed its start)".to_owned(),
            Some(_) => "Submitted (will start now)".to_owned(),
            None => "Submitted (scheduled)".to_owned(),
        },
        Status::Held => "Submitted (held)".to_owned(),
        Status::Completed => {
            let kind = match kind {
                Some(kind @ (PassKind::Verify | PassKind::Trial | PassKind::PreStage)) => format!(" ({})", kind.word()),
                Some(PassKind::Full | PassKind::RetryErrors) | None => String::new(),
            };
            let mut words = format!("Completed{kind}");
            let PassProgress { counts, accepted, .. } = progress;
            if counts.errors > 0 {
                words += &format!(", {}", wording::errors(counts.errors, *accepted));
            }
            for (count, word) in [(counts.differ, "differ"), (counts.waiting, "waiting")] {
                if count > 0 {
                    words += &format!(", {count} {word}");
                }
            }
            words
        }
        Status::NotSubmitted | Status::Submitted | Status::Queued | Status::WaitingForUser => status.word().to_owned(),
        Status::Migrating | Status::Stopping | Status::Stopped | Status::Failed => status.word().to_owned(),
    }
}

/// Items that an action left alone because of their statuses: "3 left alone: Queued". Nothing when there are none.
pub fn left_alone(left: &BTreeMap<Status, usize>) -> Option<String> {
    let words: Vec<&str> = left.keys().map(|status| status.word()).collect();
    (!left.is_empty()).then(|| format!("{} left alone: {}", left.values().sum::<usize>(), words.join(", ")))
}

#[cfg(test)]
mod tests {
    use Status::*;

    use super::*;
    use crate::domain::counts::Counts;

    const NOW: Timestamp = Timestamp::from_millis(0);

    fn figures(errors: u64, accepted: u64) -> PassProgress {
        PassProgress { counts: Counts { errors, ..Counts::default() }, accepted, ..PassProgress::default() }
    }

    #[test]
    fn r03_a_future_start_tells_when() {
        let after = |minutes: u64| NOW.plus(Duration::from_secs(minutes * 60));
        let shown = |minutes| display(Scheduled, None, &PassProgress::default(), Some(after(minutes)), NOW);
        assert_eq!(shown(180), "Submitted (will start in 3 hours)");
        assert_eq!(shown(5), "Submitted (will start in 5 minutes)");
        assert_eq!(shown(60), "Submitted (will start in 1 hour)");
        assert_eq!(shown(4 * 24 * 60), "Submitted (will start in 4 days)");
        assert_eq!(shown(0), "Submitted (will start now)");
        assert_eq!(display(Held, None, &PassProgress::default(), None, NOW), "Submitted (held)");
    }

    #[test]
    fn r09_r23_what_lasts_too_long_alerts() {
        let minutes = |status, minutes: i64| {
            alert(status, Timestamp::from_millis(1000), Timestamp::from_millis(1000 + minutes * 60_000))
        };
        assert_eq!((minutes(Queued, 40), minutes(Stopping, 45)), (None, None));
        assert!(minutes(Queued, 41).unwrap().starts_with("Queued for 41 minutes: "));
        assert!(minutes(Stopping, 46).unwrap().contains("Stop at once"));
        for status in [Submitted, Migrating, Scheduled, Completed] {
            assert_eq!(minutes(status, 1_000_000), None, "{status:?}");
        }
    }

    #[test]
    fn what_holds_items_is_said_in_one_line() {
        let login = Some(HoldReason::LoginRefused);
        assert_eq!(held(login, None, 127), "Administrator login refused; 127 items held");
        assert_eq!(held(login, Some(Cause::SignInRefused), 1), "Sign-in refused; 1 item held");
        assert_eq!(held(login, Some(Cause::ClockOff), 2), "This computer's clock is wrong; 2 items held");
        assert_eq!(
            held(Some(HoldReason::Missed), None, 2_000),
            "Start time missed while nothing ran; 2,000 items held"
        );
        assert_eq!(held(None, None, 2), "2 items held, waiting for your word");
    }

    #[test]
    fn r26_completed_says_how_many_errors_are_accepted() {
        let shown = |errors, accepted| display(Completed, None, &figures(errors, accepted), None, NOW);
        assert_eq!(shown(6, 2), "Completed, 6 errors, 2 accepted");
        assert_eq!((figures(6, 2).open_errors(), figures(6, 2).leaves_something()), (4, true));
        assert_eq!(shown(1, 1), "Completed, 1 error, 1 accepted");
        assert!(!figures(1, 1).leaves_something());
    }

    #[test]
    fn completed_names_its_kind_and_errors() {
        let shown = |kind, errors| display(Completed, Some(kind), &figures(errors, 0), None, NOW);
        assert_eq!(shown(PassKind::Full, 0), "Completed");
        assert_eq!(shown(PassKind::Verify, 0), "Completed (Verification)");
        assert_eq!(shown(PassKind::Trial, 1), "Completed (Trial), 1 error");
        assert_eq!(shown(PassKind::PreStage, 3), "Completed (Pre-Stage), 3 errors");
    }

    #[test]
    fn d27_completed_names_what_differs_and_what_waits() {
        let of = |counts| PassProgress { counts, ..PassProgress::default() };
        let shown = |counts: Counts| display(Completed, Some(PassKind::Full), &of(counts), None, NOW);
        assert_eq!(shown(Counts { differ: 3, ..Counts::default() }), "Completed, 3 differ");
        assert_eq!(shown(Counts { waiting: 2, ..Counts::default() }), "Completed, 2 waiting");
        let all = Counts { errors: 1, differ: 4, waiting: 5, arrived: 6, vanished: 7, ..Counts::default() };
        assert_eq!(shown(all), "Completed, 1 error, 4 differ, 5 waiting");
        assert_eq!(shown(Counts { arrived: 6, ..Counts::default() }), "Completed", "the next pass brings them");
        let failed = display(Failed, Some(PassKind::Full), &of(all), None, NOW);
        assert_eq!(failed, "Failed", "why is said beside it");
    }

    #[test]
    fn what_was_left_alone_is_counted_by_status() {
        assert_eq!(left_alone(&BTreeMap::new()), None);
        let left = BTreeMap::from([(Stopping, 1), (Queued, 2)]);
        assert_eq!(left_alone(&left).unwrap(), "3 left alone: Queued, Stopping");
    }
}
