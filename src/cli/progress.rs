//! What `--watch` shows: bars on a terminal, plain lines else; without it, what is waited for. Counting of what else takes long,
//! on a terminal only.

use std::collections::{HashMap, HashSet};
use std::io::IsTerminal;
use std::time::Duration;

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};

use crate::cli::status::of;
use crate::cli::table::clean;
use crate::domain::failure::Cause;
use crate::domain::figures::under_way;
use crate::domain::ids::ItemId;
use crate::domain::progress::{PassProgress, Phase};
use crate::domain::status::Status;
use crate::domain::status_words::display;
use crate::domain::time::Timestamp;
use crate::domain::wording::phase as phase_word;
use crate::domain::wording::{duration, pausing, size};
use crate::engine::snapshot::{ItemRow, Snapshot};

/// An item with nothing new is told of again after so long: a log that stands still looks like a program that hangs.
const SIGN_OF_LIFE: Duration = Duration::from_secs(60);

/// Between two looks at a countdown.
const TICK: Duration = Duration::from_secs(1);

/// Where progress is shown.
enum Shown {
    /// On a terminal.
    Bars(MultiProgress),
    /// As lines on standard output.
    Lines,
    /// Waits only, on standard error: else silence would look like a program that hangs.
    Waits,
}

/// Shows the items of a run.
pub struct ProgressLine {
    shown: Shown,
    by_item: HashMap<ItemId, ProgressBar>,
    /// What was last printed of an item, without a terminal, and when.
    printed: HashMap<ItemId, (News, Timestamp)>,
    /// When it was last told of a reason to wait.
    waits: HashMap<String, Timestamp>,
}

/// What makes another line worth printing.
#[derive(Clone, Copy, PartialEq, Eq)]
struct News {
    status: Status,
    phase: Phase,
    folders_done: u32,
    /// Why it waits, and for which try.
    waits: Option<(Cause, u32)>,
}

impl ProgressLine {
    /// Bars if standard output is a terminal; without `watch`, waits only.
    pub fn new(watch: bool) -> Self {
        let shown = match (watch, std::io::stdout().is_terminal()) {
            (true, true) => Shown::Bars(MultiProgress::new()),
            (true, false) => Shown::Lines,
            (false, _) => Shown::Waits,
        };
        Self { shown, by_item: HashMap::new(), printed: HashMap::new(), waits: HashMap::new() }
    }

    /// When to show the same state again, if nothing changes.
    pub fn again_after(&self, snapshot: &Snapshot) -> Duration {
        let counts_down =
            matches!(self.shown, Shown::Bars(_)) && snapshot.rows().any(|row| row.progress.retry.is_some());
        if counts_down { TICK } else { SIGN_OF_LIFE }
    }

    /// Shows one state.
    pub fn show(&mut self, snapshot: &Snapshot, items: &HashSet<ItemId>, now: Timestamp) {
        for row in snapshot.rows().filter(|row| items.contains(&row.item)) {
            match &self.shown {
                Shown::Bars(bars) => {
                    // A bar appears when a worker has the item, so that 10,000 waiting ones do not fill the screen.
                    if !row.status.is_active() && !self.by_item.contains_key(&row.item) {
                        continue;
                    }
                    let bar = self.by_item.entry(row.item).or_insert_with(|| {
                        let style = ProgressStyle::with_template("{prefix:24!} {bar:10} {wide_msg}");
                        bars.add(ProgressBar::new(0).with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar())))
                    });
                    bar.set_prefix(clean(&row.source));
                    // A bar of no length would look full.
                    bar.set_length(row.progress.folders_total.max(1).into());
                    bar.set_position(row.progress.folders_done.into());
                    bar.set_message(line(row, now));
                    if row.status.is_at_rest() {
                        bar.abandon();
                    }
                }
                Shown::Lines => self.print(row, now),
                Shown::Waits => self.tell_wait(row, now),
            }
        }
    }

    fn print(&mut self, row: &ItemRow, now: Timestamp) {
        let PassProgress { phase, folders_done, retry, .. } = &row.progress;
        let waits = retry.as_ref().map(|retry| (retry.failure.cause, retry.attempt));
        let news = News { status: row.status, phase: *phase, folders_done: *folders_done, waits };
        let still = |(printed, at): &(News, Timestamp)| {
            *printed == news && (!row.status.is_active() || now.since(*at) < SIGN_OF_LIFE)
        };
        if !self.printed.get(&row.item).is_some_and(still) {
            self.printed.insert(row.item, (news, now));
            say!("{}: {}", clean(&row.source), line(row, now));
        }
    }

    /// Tells why an item waits, once a minute for all that wait for the same.
    fn tell_wait(&mut self, row: &ItemRow, now: Timestamp) {
        let Some(retry) = &row.progress.retry else { return };
        let told = self.waits.entry(pausing(retry)).or_insert(Timestamp::from_millis(i64::MIN));
        if now.since(*told) >= SIGN_OF_LIFE && retry.until.since(now) >= TICK {
            *told = now;
            warn!("{}: {}", clean(&row.source), line(row, now));
        }
    }

    /// Says something between the bars.
    pub fn say(&self, text: &str) {
        match &self.shown {
            // A terminal that went away is no reason to stop.
            Shown::Bars(bars) => drop(bars.println(text)),
            Shown::Lines | Shown::Waits => warn!("{text}"),
        }
    }

    /// Leaves the bars as they are.
    pub fn finish(self) {
        self.by_item.values().for_each(ProgressBar::abandon);
    }
}

/// Counts through something, on any thread; gone when it is dropped.
pub struct Count(ProgressBar);

impl Count {
    /// A bar if standard error is a terminal.
    pub fn new() -> Self {
        let style = ProgressStyle::with_template("{msg} {bar:30} {pos}/{len}");
        Self(ProgressBar::new(0).with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar())))
    }

    /// Shows that so many are done.
    pub fn show(&self, what: &'static str, done: usize, of: usize) {
        self.0.set_message(what);
        self.0.set_length(of as u64);
        self.0.set_position(done as u64);
    }
}

impl Drop for Count {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}

fn line(row: &ItemRow, now: Timestamp) -> String {
    let PassProgress { phase, retry, current, .. } = &row.progress;
    let status = display(row.status, row.pass.map(|pass| pass.kind), &row.progress, None, now);
    if !row.status.is_active() {
        return status;
    }
    if let Some(retry) = retry {
        let wait = duration(retry.until.since(now));
        if retry.failure.cause == Cause::Settling {
            return clean(&format!("{status} · {}, {wait} at the most", pausing(retry)));
        }
        if retry.is_no_try() {
            return clean(&format!("{status} · {}: goes on in {wait}", pausing(retry)));
        }
        return clean(&format!("{status} · retry {} of {} in {wait}: {}", retry.attempt, retry.limit, pausing(retry)));
    }
    let folder = current.as_ref().map(|path| format!(" {path}")).unwrap_or_default();
    let speed = if row.speed > 0 { format!(" · {}/s", size(row.speed)) } else { String::new() };
    let under_way = under_way(row.under_way()).map(|words| format!(" {words}")).unwrap_or_default();
    clean(&format!(
        "{status} · {}{folder} · {}/{} folders · {} messages · {}{under_way}{speed}",
        phase_word(*phase),
        row.progress.folders_done,
        row.progress.folders_total,
        of(row.moved().messages, &row.progress),
        size(row.moved().bytes),
    ))
}
