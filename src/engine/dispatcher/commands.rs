//! What a person asks for, and what becomes of it.

use std::collections::HashSet;
use std::sync::Arc;

use super::{Dispatcher, failed};
use crate::domain::action::Action;
use crate::domain::failure::Side;
use crate::domain::ids::{ItemId, ProjectId};
use crate::domain::item_error::Acceptance;
use crate::domain::pass::PassKind;
use crate::domain::pass_plan::{PassPlan, PlanError};
use crate::domain::progress::PassProgress;
use crate::domain::project::Project;
use crate::domain::readiness::{NotReady, lacking};
use crate::domain::star::Star;
use crate::domain::start_order::{Sequence, StartOrder};
use crate::domain::status::{Status, Wait};
use crate::engine::command::{Command, CommandError, ErrorVerdict, LeftAlone, Outcome};
use crate::engine::mailboxes;
use crate::engine::run_state::{Event, KnownItem, ProjectLimits};
use crate::engine::runner::RunnerKind;
use crate::engine::snapshot::{ItemRow, LatestPass};
use crate::store::{self, Census, StoreError, Submission};

impl Dispatcher {
    pub(super) async fn command(&mut self, command: Command) -> Outcome {
        let project = command.project();
        if matches!(command, Command::ProjectDeleted { .. }) {
            self.forget(project);
            return Outcome::default();
        }
        // What is not known yet is read when it is.
        if matches!(command, Command::Asked { .. }) && self.state.limits(project).is_none() {
            return Outcome::default();
        }
        if let Err(error) = self.know(project, &command).await {
            return failed(&error);
        }
        let done = match command {
            Command::Open { .. } | Command::ProjectDeleted { .. } => return Outcome::default(),
            Command::Resume { items, .. } => return self.handle(Event::Resume(items)).await,
            Command::Next { items, .. } => return self.handle(Event::Next(items)).await,
            Command::Stop { items, .. } => return self.handle(Event::Stop(items)).await,
            Command::Withdraw { items, .. } => return self.handle(Event::Withdraw(items)).await,
            Command::Abort { items, .. } => return self.handle(Event::Abort(items)).await,
            Command::TryNow { .. } => return self.handle(Event::TryNow(project)).await,
            Command::RetryNow { items, .. } => return self.retry_now(&items),
            Command::CredentialsRefused { item, side, failure, .. } => {
                return self.handle(Event::CredentialsRefused(item, side, failure)).await;
            }
            Command::Star { items, star, .. } => self.star(items, star).await,
            Command::Start { items, lacking, order, .. } => self.start(project, items, lacking, order).await,
            Command::Hold { held, .. } => self.hold(project, held).await,
            Command::ProjectEdited { .. } => self.project_edited(project).await,
            Command::Edited { items, .. } => self.edited(project, items).await,
            Command::Asked { item, .. } => self.asked(project, item).await,
            Command::Accept { item, errors, verdict, .. } => self.accept(item, errors, verdict).await,
            Command::Reset { items, .. } => self.reset(items).await,
            Command::ClearCredentials { items, sides, .. } => self.clear_credentials(items, &sides).await,
            Command::Delete { items, .. } => self.delete(project, items).await,
        };
        done.unwrap_or_else(|error| failed(&error))
    }

    fn retry_now(&self, items: &[ItemId]) -> Outcome {
        let mut outcome = Outcome::default();
        for item in items {
            let retry = self.rows.get(*item).and_then(|row| row.progress.retry.as_ref());
            match (self.crew.running.get(item), retry) {
                (Some(run), Some(retry)) if retry.failure.retry.may_be_hurried() => {
                    run.stops.hurry.notify_waiters();
                    outcome.done.push(*item);
                }
                (Some(_), Some(_)) => outcome.left.push((*item, LeftAlone::NamedPause)),
                _ => outcome.left.push((*item, LeftAlone::NotPaused)),
            }
        }
        outcome
    }

    async fn star(&mut self, items: Vec<ItemId>, star: Option<Star>) -> Result<Outcome, StoreError> {
        self.workspace.store.set_star(items.clone(), star).await?;
        for item in &items {
            if let Some(row) = self.rows.get(*item).cloned() {
                self.rows.put(ItemRow { star, ..row });
            }
        }
        Ok(Outcome { done: items, ..Outcome::default() })
    }

    /// Makes known what a command is about. Only a Start can be about items that were imported or changed meanwhile, and most are
    /// not: 100,000 rows are not read for nothing (R10).
    async fn know(&mut self, project: ProjectId, command: &Command) -> Result<(), StoreError> {
        let unknown = match command {
            Command::Open { .. } => true,
            _ if !self.state.knows(project) => true,
            Command::Start { .. } => self.census_of(project).await?.as_ref() != self.census.get(&project),
            _ => false,
        };
        if unknown { self.load(project).await } else { Ok(()) }
    }

    async fn census_of(&self, project: ProjectId) -> Result<Option<Census>, StoreError> {
        Ok(self.workspace.store.census().await?.into_iter().find(|of| of.project == project))
    }

    /// Makes a project's items known, and its options as they are now.
    pub(super) async fn load(&mut self, id: ProjectId) -> Result<(), StoreError> {
        // What changes after it was asked for shows at the next look.
        let census = self.census_of(id).await?;
        let project = self.workspace.store.project(id).await?;
        let rows = self.workspace.store.items(id).await?;
        let troubles = self.workspace.store.mail_troubles(None).await?;
        self.census.extend(census.map(|census| (id, census)));
        for row in &rows {
            if self.rows.get(row.item.id).is_none() {
                self.rows.put(ItemRow { mail: troubles.get(&row.item.id).copied(), ..ItemRow::stored(row) });
            }
        }
        self.show_dropped(&rows).await;
        let items = known(&project, rows).await;
        let limits = limits(&project);
        self.handle(Event::Load { project: id, items, limits }).await;
        Ok(())
    }

    async fn start(
        &mut self,
        project: ProjectId,
        items: Vec<ItemId>,
        lack: Vec<ItemId>,
        order: StartOrder,
    ) -> Result<Outcome, StoreError> {
        // What the database does not know yet would be refused by it.
        self.write_down(Vec::new()).await;
        if !self.unwritten.is_empty() {
            return Ok(Outcome::failed(CommandError::NotWritten));
        }
        let lack: HashSet<ItemId> = lack.into_iter().collect();
        let (mut lack, mut ready): (Vec<_>, Vec<_>) = items.into_iter().partition(|item| lack.contains(item));
        if order.sequence == Sequence::LargestFirst {
            for items in [&mut lack, &mut ready] {
                items.sort_by_key(|item| std::cmp::Reverse(self.rows.get(*item).map(size)));
            }
        }
        let mut outcome = Outcome::default();
        for (items, credentials) in [(ready, false), (lack, true)] {
            let wait = self.state.wait(project, credentials, order.until());
            let of = self.submit(items, &order, wait).await?;
            outcome.done.extend(of.done);
            outcome.left.extend(of.left);
            outcome.error = outcome.error.or(of.error);
        }
        Ok(outcome)
    }

    async fn submit(&mut self, items: Vec<ItemId>, order: &StartOrder, wait: Wait) -> Result<Outcome, StoreError> {
        let mut outcome = self.state.startable(&items, wait);
        if order.kind == PassKind::RetryErrors {
            self.leave_without_errors(&mut outcome);
        }
        let plans: Result<Vec<(ItemId, PassPlan)>, _> =
            outcome.done.iter().map(|item| self.plan(*item, order)).collect();
        let plans = match plans {
            Ok(plans) if plans.is_empty() => return Ok(outcome),
            Ok(plans) => plans,
            Err(error) => return Ok(Outcome::failed(CommandError::Plan(error))),
        };
        let at = self.workspace.clock.now();
        let submission = Submission { kind: order.kind, wait, schedule: order.schedule.clone(), at };
        let store::Submitted { passes, short } = self.workspace.store.submit(plans, submission).await?;
        outcome.done = passes.iter().map(|(item, _)| *item).collect();
        outcome.left.extend(short.into_iter().map(|item| (item, NotReady::NoLicense.into())));
        for (item, pass) in &passes {
            if let Some(row) = self.rows.get(*item).cloned() {
                let fresh = LatestPass::submitted(*pass, order.kind, at);
                let pass = Some(LatestPass { until: order.until(), hold: wait.hold(), ..fresh });
                let progress = PassProgress { at_source: row.progress.at_source, ..PassProgress::default() };
                let (status, earlier, earlier_results) = (Status::of_submission(wait), row.moved(), row.results());
                self.rows.put(ItemRow { status, pass, earlier, earlier_results, progress, failure: None, ..row });
            }
        }
        self.handle(Event::Submitted { passes, wait, until: order.until(), turn: order.turn }).await;
        Ok(outcome)
    }

    fn plan(&self, item: ItemId, order: &StartOrder) -> Result<(ItemId, PassPlan), PlanError> {
        let latest = self.rows.get(item).and_then(|row| row.pass).map(|pass| pass.id);
        Ok((item, order.plan(latest)?))
    }

    /// Leaves alone what has no errors that could be tried again.
    fn leave_without_errors(&self, outcome: &mut Outcome) {
        let Outcome { done, left, .. } = outcome;
        done.retain(|item| {
            let row = self.rows.get(*item);
            let errors = row.map_or(0, ItemRow::retryable);
            match Action::RetryErrors.check(row.map_or(Status::NotSubmitted, |row| row.status), errors) {
                Ok(()) => true,
                Err(refusal) => {
                    left.push((*item, refusal.into()));
                    false
                }
            }
        });
    }

    async fn hold(&mut self, id: ProjectId, held: bool) -> Result<Outcome, StoreError> {
        self.workspace.store.set_held(id, held).await?;
        let project = self.workspace.store.project(id).await?;
        Ok(self.handle(Event::Limits(id, limits(&project))).await)
    }

    /// Its options count from now on, and logins that were refused may be others.
    async fn project_edited(&mut self, id: ProjectId) -> Result<Outcome, StoreError> {
        let project = self.workspace.store.project(id).await?;
        let outcome = self.handle(Event::Limits(id, limits(&project))).await;
        // Its servers may be other ones now: what waited for one of them tries it.
        self.handle(Event::TryNow(id)).await;
        for runner in self.crew.runners.all() {
            runner.try_again(id);
        }
        Ok(outcome)
    }

    /// Shows items as they are now, those too whose records an edit has dropped; what waited for a credential that they have
    /// now goes on.
    async fn edited(&mut self, id: ProjectId, items: Vec<ItemId>) -> Result<Outcome, StoreError> {
        let project = self.workspace.store.project(id).await?;
        let chosen: HashSet<ItemId> = items.into_iter().collect();
        let mut rows = self.workspace.store.items(id).await?;
        rows.retain(|row| chosen.contains(&row.item.id));
        let admins = self.workspace.store.project_credentials(id).await?;
        let admins = (admins.0.is_some(), admins.1.is_some());
        let mut came = Vec::new();
        for row in &rows {
            if let Some(shown) = self.rows.get(row.item.id).cloned() {
                let ItemRow { source, destination, note, .. } = ItemRow::stored(row);
                self.rows.put(ItemRow { source, destination, note, ..shown });
            }
            let lacks = lacking(&project, admins, &row.item);
            if lacks.is_empty() && self.state.status(row.item.id) == Some(Status::WaitingForUser) {
                came.push(row.item.id);
            }
        }
        let done = rows.iter().map(|row| row.item.id).collect();
        self.show_dropped(&rows).await;
        let known = known(&project, rows).await;
        self.handle(Event::Load { project: id, items: known, limits: limits(&project) }).await;
        self.handle(Event::CredentialsCame(came)).await;
        Ok(Outcome { done, ..Outcome::default() })
    }

    /// Shows anew how mails to owners went.
    async fn asked(&mut self, project: ProjectId, item: Option<ItemId>) -> Result<Outcome, StoreError> {
        let troubles = self.workspace.store.mail_troubles(item).await?;
        let rows: Vec<Arc<ItemRow>> = match item {
            Some(item) => self.rows.get(item).cloned().map(Arc::new).into_iter().collect(),
            None => self.rows.of_project(project).cloned().collect(),
        };
        for row in rows.into_iter().filter(|row| row.status == Status::WaitingForUser) {
            let mail = troubles.get(&row.item).copied();
            if row.mail != mail {
                self.rows.put(ItemRow { mail, ..ItemRow::clone(&row) });
            }
        }
        Ok(Outcome::default())
    }

    /// Those on which an action may be done in their status; the others with the reason.
    fn allowed(&self, action: Action, items: Vec<ItemId>) -> Outcome {
        let mut outcome = Outcome::default();
        for item in items {
            match self.state.status(item).map(|status| action.check(status, 0)) {
                Some(Ok(())) => outcome.done.push(item),
                Some(Err(refusal)) => outcome.left.push((item, refusal.into())),
                None => outcome.left.push((item, LeftAlone::Missing)),
            }
        }
        outcome
    }

    async fn accept(&mut self, item: ItemId, errors: Vec<i64>, verdict: ErrorVerdict) -> Result<Outcome, StoreError> {
        self.write_down(Vec::new()).await;
        let left = match self.state.status(item) {
            Some(status) if status.is_at_rest() => None,
            Some(_) => Some(LeftAlone::NotEnded),
            None => Some(LeftAlone::Missing),
        };
        if let Some(reason) = left {
            return Ok(Outcome { left: vec![(item, reason)], ..Outcome::default() });
        }
        let acceptance = match verdict {
            ErrorVerdict::Accepted(note) => Some(Acceptance { at: self.workspace.clock.now(), note }),
            ErrorVerdict::Open => None,
        };
        let accepted = self.workspace.store.accept_errors(item, errors, acceptance).await?;
        if let Some(mut row) = self.rows.get(item).cloned() {
            row.progress.accepted = accepted;
            self.rows.put(row);
        }
        Ok(Outcome { done: vec![item], ..Outcome::default() })
    }

    async fn reset(&mut self, items: Vec<ItemId>) -> Result<Outcome, StoreError> {
        self.write_down(Vec::new()).await;
        let outcome = self.allowed(Action::Reset, items);
        self.workspace.store.reset(outcome.done.clone(), self.workspace.clock.now()).await?;
        self.show_reset(outcome.done.clone()).await;
        Ok(outcome)
    }

    /// An edit may have dropped the records of items before it is told of: what a pass recorded before counts no more.
    async fn show_dropped(&mut self, rows: &[store::ItemRow]) {
        let shown = |item: ItemId| self.rows.get(item).is_some_and(|row| row.pass.is_some());
        let dropped: Vec<ItemId> = rows
            .iter()
            .filter(|row| row.latest.is_none() && shown(row.item.id))
            .map(|row| row.item.id)
            .filter(|item| self.state.status(*item).is_some_and(Status::is_at_rest))
            .collect();
        if !dropped.is_empty() {
            self.show_reset(dropped).await;
        }
    }

    /// Items read Not Submitted, as the database has them already.
    async fn show_reset(&mut self, items: Vec<ItemId>) {
        for item in &items {
            if let Some(row) = self.rows.get(*item).cloned() {
                let status = Status::NotSubmitted;
                let (earlier, earlier_results, progress) = Default::default();
                self.rows.put(ItemRow { status, pass: None, earlier, earlier_results, progress, failure: None, ..row });
            }
        }
        self.handle(Event::Reset(items)).await;
    }

    async fn clear_credentials(&mut self, items: Vec<ItemId>, sides: &[Side]) -> Result<Outcome, StoreError> {
        self.write_down(Vec::new()).await;
        let mut outcome = self.allowed(Action::ClearCredentials, items);
        outcome.freed = self.workspace.store.clear_credentials(outcome.done.clone(), sides).await?;
        Ok(outcome)
    }

    async fn delete(&mut self, project: ProjectId, items: Vec<ItemId>) -> Result<Outcome, StoreError> {
        self.write_down(Vec::new()).await;
        let mut outcome = self.allowed(Action::Delete, items);
        outcome.freed = self.workspace.store.delete_items(outcome.done.clone(), self.workspace.clock.now()).await?;
        self.rows.remove_items(&outcome.done);
        self.handle(Event::Deleted(outcome.done.clone())).await;
        // What this process did is no news of another one.
        let census = self.census_of(project).await?;
        self.census.extend(census.map(|census| (project, census)));
        Ok(outcome)
    }
}

/// What an item holds: bytes at the source, else those that were moved.
fn size(row: &ItemRow) -> u64 {
    row.progress.at_source.and_then(|at| at.bytes).unwrap_or(row.moved().bytes)
}

pub(super) fn limits(project: &Project) -> ProjectLimits {
    ProjectLimits { concurrent: project.options.concurrent, held: project.starts.held }
}

async fn known(project: &Project, rows: Vec<store::ItemRow>) -> Vec<KnownItem> {
    let mailboxes = mailboxes::of(project, rows.iter().map(|row| row.item.clone()).collect()).await;
    let known = rows.into_iter().zip(mailboxes).map(|(row, mailboxes)| {
        let status = row.status();
        let (pass, hold, until) = row
            .latest
            .map_or((None, None, None), |pass| (Some(pass.id), pass.hold, pass.schedule.map(|schedule| schedule.at)));
        KnownItem { item: row.item.id, status, pass, until, hold, mailboxes, runner: RunnerKind::Copier }
    });
    known.collect()
}
