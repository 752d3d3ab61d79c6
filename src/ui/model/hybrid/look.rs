//! How moves look: a shape, a tone, and words.

use crate::domain::figures::migrated;
use crate::domain::hybrid::order::{Order, OrderRow, Stage};
use crate::domain::wording;
use crate::service::hybrid::batches::BatchLine;
use crate::service::hybrid::{HybridUser, HybridView, MoveStatus, percent};
use crate::ui::model::projects::{BAR, Summary};
use crate::ui::model::words;
use crate::ui::theme::Tone;
use crate::ui::widgets::icon::Icon;

/// Shape and tone of a status.
pub fn shape(status: MoveStatus) -> (Icon, Tone) {
    match status {
        MoveStatus::NotSubmitted => (Icon::Empty, Tone::Quiet),
        MoveStatus::Syncing => (Icon::Progress, Tone::Moving),
        MoveStatus::PendingFinalization => (Icon::Hourglass, Tone::Asking),
        MoveStatus::Finalizing => (Icon::Clock, Tone::Moving),
        MoveStatus::Completed => (Icon::Check, Tone::Good),
        MoveStatus::Failed => (Icon::Cross, Tone::Bad),
    }
}

/// The per cent of a user that is shown.
pub fn user_percent(user: &HybridUser) -> u8 {
    percent(user.status, user.told.percent)
}

/// A count that was told, or a dash.
pub fn told(count: Option<u64>) -> String {
    count.map_or_else(|| "–".into(), words::count)
}

/// Beside the status of a user: why it failed, what it waits for, else the service's own word.
pub fn remark(user: &HybridUser) -> String {
    let remark = user.remark();
    match &user.told.word {
        Some(word) if remark.is_empty() && user.status != MoveStatus::Completed => format!("Service says {word}"),
        _ => words::sentence(&remark),
    }
}

/// How far a batch is: "12 of 200 completed · 61 % · 3 failed".
pub fn progress(line: &BatchLine) -> String {
    let progress = &line.progress;
    let mut words = format!(
        "{} of {} completed · {} %",
        words::count(progress.completed),
        words::counted(usize::try_from(progress.users).unwrap_or(usize::MAX), "user"),
        progress.percent
    );
    if progress.pending > 0 {
        words += &format!(" · {} pending finalization", words::count(progress.pending));
    }
    if progress.failed > 0 {
        words += &format!(" · {} failed", words::count(progress.failed));
    }
    words
}

/// What an order is called, and how far it is.
pub fn order(row: &OrderRow) -> (String, &'static str, Tone) {
    let (stage, tone) = match (row.stage, row.sent) {
        (Stage::Open, None) => ("not sent yet", Tone::Waiting),
        (Stage::Open, Some(_)) => ("sent, looked for", Tone::Moving),
        (Stage::Done, _) => ("done", Tone::Good),
        (Stage::Refused, _) => ("refused", Tone::Bad),
        (Stage::Dropped, _) => ("dropped", Tone::Quiet),
    };
    let word = match row.order {
        Order::License => "assign the license",
        Order::Attributes => "set the attributes",
        Order::Create => "make the batch",
        Order::Approve => "approve what was left out",
        Order::Start | Order::Finalize { .. } | Order::MoveOut => row.order.word(),
    };
    (words::sentence(word), stage, tone)
}

/// The users of a project as the list of all projects sums them up.
pub fn summary(view: &HybridView) -> Summary {
    let mut sum = Summary { items: view.users.len(), ..Summary::default() };
    for user in &view.users {
        let (_, tone) = shape(user.status);
        sum.done += usize::from(user.status == MoveStatus::Completed);
        sum.failed += usize::from(user.status == MoveStatus::Failed);
        sum.running += usize::from(matches!(user.status, MoveStatus::Syncing | MoveStatus::Finalizing));
        if user.status != MoveStatus::NotSubmitted {
            sum.tones[BAR.iter().position(|other| *other == tone).unwrap_or_default()] += 1;
        }
        sum.bytes = sum.bytes.saturating_add(user.told.bytes.unwrap_or(0));
        sum.last = sum.last.max(user.told.last_sync);
    }
    sum
}

/// The same in words: "2 Syncing · 1 Failed".
pub fn statuses(users: &[HybridUser]) -> String {
    let count = |status| users.iter().filter(|user| user.status == status).count() as u64;
    let all = MoveStatus::ALL.into_iter().map(|status| (count(status), status.word()));
    let parts = all.filter(|(count, _)| *count > 0).map(|(count, word)| format!("{} {word}", words::count(count)));
    parts.collect::<Vec<_>>().join(" · ")
}

/// How far a project is.
pub fn project_progress(view: &HybridView, sum: &Summary) -> String {
    let mut line = migrated(sum.done as u64, sum.items as u64, 0, sum.failed as u64);
    if sum.bytes > 0 {
        line += &format!(" · {}", wording::size(sum.bytes));
    }
    let batches = view.batches.len();
    if batches > 0 {
        line += &format!(" · {}", words::counted(batches, "batch"));
    }
    line
}
