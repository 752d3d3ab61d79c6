//! Sums over the items of a project, kept from state to state.

use std::collections::BTreeMap;

use super::problems::{GridProblem, Problems};
use super::tab::{TABS, Tab, alerts_from, is_done, needs_you};
use crate::domain::action::Action;
use crate::domain::failure::{Cause, Failure, Scope, Side};
use crate::domain::ids::ProjectId;
use crate::domain::status::{HoldReason, Status};
use crate::domain::time::Timestamp;
use crate::engine::snapshot::{ItemRow, Snapshot};
use crate::ui::model::chunks::PerChunk;
use crate::ui::model::look;

/// Whether it is about all items of its side, and about tokens.
fn is_of_the_sign_in(failure: &Failure) -> bool {
    failure.scope == Scope::Endpoint
        && matches!(failure.cause, Cause::SignInRefused | Cause::SignInHeld | Cause::TokenUnfit)
}

/// Items that are held for one reason.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HeldItems {
    /// How many.
    pub items: usize,
    /// What the first of them was told.
    pub cause: Option<Cause>,
}

/// Sums over the items of a project.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// Items.
    pub items: usize,
    /// Items of each tab.
    pub tabs: [usize; TABS],
    /// Items in each status, in the order of [`Status::ALL`].
    pub statuses: [usize; 11],
    /// Of those that are done, the ones with messages that could not be copied.
    pub done_with_errors: usize,
    /// Those that are held, by reason.
    pub held: BTreeMap<Option<HoldReason>, HeldItems>,
    /// When those that may come to last too long do, the first one first.
    alerts: Vec<Timestamp>,
    /// Those that wait, run or are being stopped.
    pub not_at_rest: usize,
    /// Bytes moved.
    pub bytes: u64,
    /// Bytes a second.
    pub speed: u64,
    /// Those shown that can be started, and that can be stopped.
    pub shown: (usize, usize),
    /// Where an administrator's login was refused.
    pub refused: Option<Side>,
    /// Where an application was refused, or its token opens nothing.
    pub sign_in_refused: Option<Side>,
    /// Whose server could not be reached.
    pub unreached: Option<Side>,
}

impl Totals {
    pub(super) fn count(&mut self, row: &ItemRow, shown: bool) {
        self.items += 1;
        self.not_at_rest += usize::from(!row.status.is_at_rest());
        self.bytes += look::bytes(row);
        self.speed += row.speed;
        // What lasts too long is counted by the time it is, when all is added up.
        for (count, tab) in self.tabs.iter_mut().zip(Tab::ALL) {
            *count += usize::from(match tab {
                Tab::Alerts => false,
                Tab::NeedsYou => needs_you(row),
                tab => tab.holds(row, Timestamp::MAX),
            });
        }
        let statuses = self.statuses.iter_mut().zip(Status::ALL);
        statuses.filter(|(_, status)| *status == row.status).for_each(|(count, _)| *count += 1);
        self.done_with_errors += usize::from(is_done(row) && row.progress.counts.errors > 0);
        self.alerts.extend(alerts_from(row));
        if row.status == Status::Held {
            let held = self.held.entry(look::hold(row)).or_default();
            held.items += 1;
            held.cause = held.cause.or(row.failure.as_ref().map(|(_, failure)| failure.cause));
        }
        let login = [Cause::AdministratorLoginRefused, Cause::AdministratorLoginHeld];
        let refused = row.failure.as_ref().filter(|(_, failure)| login.contains(&failure.cause));
        self.refused = self.refused.or(refused.and_then(|(side, _)| *side));
        let app = row.failure.as_ref().filter(|(_, failure)| is_of_the_sign_in(failure));
        self.sign_in_refused = self.sign_in_refused.or(app.and_then(|(side, _)| *side));
        let unreached = row.failure.as_ref().filter(|(_, failure)| failure.cause.is_out_of_reach());
        self.unreached = self.unreached.or(unreached.and_then(|(side, _)| *side));
        if shown {
            self.shown.0 += usize::from(may(row, Action::Start));
            self.shown.1 += usize::from(may(row, Action::Stop));
        }
    }

    pub(super) fn add(&mut self, other: &Self) {
        self.items += other.items;
        self.not_at_rest += other.not_at_rest;
        self.bytes += other.bytes;
        self.speed += other.speed;
        self.tabs.iter_mut().zip(other.tabs).for_each(|(sum, more)| *sum += more);
        self.statuses.iter_mut().zip(other.statuses).for_each(|(sum, more)| *sum += more);
        self.done_with_errors += other.done_with_errors;
        for (reason, more) in &other.held {
            let held = self.held.entry(*reason).or_default();
            (held.items, held.cause) = (held.items + more.items, held.cause.or(more.cause));
        }
        self.alerts.extend(&other.alerts);
        self.refused = self.refused.or(other.refused);
        self.sign_in_refused = self.sign_in_refused.or(other.sign_in_refused);
        self.unreached = self.unreached.or(other.unreached);
        self.shown = (self.shown.0 + other.shown.0, self.shown.1 + other.shown.1);
    }

    /// How many last too long at this time.
    pub(super) fn alerts_at(&self, now: Timestamp) -> usize {
        self.alerts.partition_point(|from| *from < now)
    }
}

/// How many letters the longest line of addresses has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Longest {
    /// Where the heading says the domains.
    pub brief: usize,
    /// Where each row says them.
    pub whole: usize,
}

impl Longest {
    /// Of these rows.
    pub(super) fn of<'a>(rows: impl Iterator<Item = &'a ItemRow>) -> Self {
        let mut longest = Self::default();
        for row in rows {
            let (source, destination) = (local(&row.source), local(&row.destination));
            let same = source.eq_ignore_ascii_case(destination);
            let letters = |text: &str| text.chars().count();
            let beside = if same { 0 } else { letters(destination) + 3 };
            longest.brief = longest.brief.max(letters(source) + beside);
            let left_out = if same { letters(destination) } else { 0 };
            longest.whole = longest.whole.max(letters(&row.source) + letters(&row.destination) + 3 - left_out);
        }
        longest
    }
}

/// What stands before the domain.
pub(super) fn local(address: &str) -> &str {
    address.split_once('@').map_or(address, |(local, _)| local)
}

/// What is counted over all items of a project.
#[derive(Clone, Debug, Default)]
pub struct Sums {
    /// Their sums.
    pub totals: Totals,
    /// Their problems with numbers and words, counted while their tab is shown.
    pub problems: Vec<(GridProblem, usize, String)>,
    /// The domains of source and destination, where all items have the same: said once, above the rows.
    pub domains: Option<(String, String)>,
    /// How much room addresses need.
    pub longest: Longest,
    pub(super) chunks: PerChunk<Totals>,
}

impl Sums {
    pub(super) fn add_up(&mut self, now: Timestamp) {
        self.totals = Totals::default();
        self.chunks.all().for_each(|chunk| self.totals.add(chunk));
        self.totals.alerts.sort_unstable();
        // An item whose status lasts too long needs its consultant for nothing else: it is not at rest, and not held.
        let alerts = self.totals.alerts_at(now);
        self.totals.tabs[Tab::Alerts as usize] = alerts;
        self.totals.tabs[Tab::NeedsYou as usize] += alerts;
    }

    pub(super) fn count_problems(&mut self, project: ProjectId, tab: Tab, snapshot: &Snapshot) {
        self.problems.clear();
        if tab == Tab::Problems {
            let mut problems = Problems::default();
            let rows = snapshot.rows().filter(|row| row.project == project && Tab::Problems.holds(row, Timestamp::MAX));
            rows.for_each(|row| problems.count(row));
            self.problems = problems.listed();
        }
    }
}

/// Whether the status of an item allows this.
fn may(row: &ItemRow, action: Action) -> bool {
    action.check(row.status, row.retryable()).is_ok()
}

/// The domains of source and destination, if all rows have the same two.
pub(super) fn domains<'a>(mut rows: impl Iterator<Item = &'a ItemRow>) -> Option<(String, String)> {
    let of = |row: &'a ItemRow| Some((row.source.split_once('@')?.1, row.destination.split_once('@')?.1));
    let first = of(rows.next()?)?;
    let same = rows.all(|row| of(row).is_some_and(|(from, into)| (from, into) == first));
    same.then(|| (first.0.to_owned(), first.1.to_owned()))
}
