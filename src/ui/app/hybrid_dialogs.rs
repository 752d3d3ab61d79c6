//! The dialogs about hybrid users and batches: what they begin with, and the order that follows.

use std::sync::Arc;

use super::connection::Purpose;
use super::dialogs::Dialog;
use super::window::App;
use crate::domain::ids::HybridBatchId;
use crate::service::client::{HybridAsk, OfHybrid, Request};
use crate::service::hybrid::batches::{BatchLine, move_out_question};
use crate::service::hybrid::{HybridUser, HybridView, MoveAction, MoveStatus};
use crate::ui::action::{Asked, HybridAct, UserAction};
use crate::ui::model::hybrid::{HybridDialog, HybridFields, Question, StartingBatch, WhichUsers};
use crate::ui::model::messages::by_reason;
use crate::ui::model::words;

impl App {
    /// Shows a dialog.
    pub(super) fn ask_in_hybrid(&mut self, asked: &Asked) {
        let Some(view) = self.hybrid_here() else { return };
        let question = match asked {
            Asked::MoveIn(which) => self.move_in(&view, which.as_ref()),
            Asked::MoveOut(which) => {
                let members = self.meant(which);
                let left = left_alone(&members, MoveAction::MoveOut);
                let members: Vec<HybridUser> =
                    members.into_iter().filter(|user| user.may(MoveAction::MoveOut).is_ok()).collect();
                let warning = move_out_question(&members);
                Question::MoveOut { users: ids(&members), warning, left }
            }
            Asked::FinalizeUsers(which) => {
                let members = self.meant(which);
                let ready = |user: &&HybridUser| user.may(MoveAction::Finalize).is_ok();
                let batch = members.iter().find(ready).and_then(|user| user.batch);
                let Some(line) = batch.and_then(|batch| view.batch(batch)) else { return };
                self.finalizing((&view, line), &members, true)
            }
            Asked::Finalize(batch) => {
                let Some(line) = view.batch(*batch) else { return };
                let members: Vec<HybridUser> = of_batch(&view, *batch).cloned().collect();
                self.finalizing((&view, line), &members, false)
            }
            Asked::Start(batch) => {
                let Some(line) = view.batch(*batch) else { return };
                let users = of_batch(&view, *batch).filter(|user| user.may(MoveAction::Start).is_ok()).count();
                let (name, sku) = (line.batch.name.clone(), view.project.settings.sku.clone());
                Question::Start(StartingBatch { batch: *batch, name, users, sku, lines: None })
            }
            Asked::Import => Question::Import { directory: false, path: String::new() },
            Asked::Check(batch) => {
                let named = |id: HybridBatchId| view.batch(id).map(|line| (id, line.batch.name.clone()));
                Question::Check { batch: batch.and_then(named), lines: None }
            }
            Asked::Settings => Question::Settings(Box::new(HybridFields::of(view.project.settings.clone()))),
            Asked::Delete => Question::Delete {
                name: view.project.name.clone(),
                users: view.users.len(),
                batches: view.batches.len(),
            },
        };
        let checks = matches!(question, Question::Check { .. });
        self.dialogs.open(Dialog::Hybrid(Box::new(HybridDialog::new(view.project.id, question))));
        if checks {
            self.go_on_in_hybrid();
        }
    }

    fn move_in(&mut self, view: &Arc<HybridView>, which: Option<&WhichUsers>) -> Question {
        let members = which.map(|which| self.meant(which)).unwrap_or_default();
        let users = members.iter().filter(|user| user.may(MoveAction::MoveIn).is_ok()).map(|user| user.id).collect();
        let open = view.batches.iter().filter(|line| line.batch.submitted.is_none());
        let batches: Vec<_> = match which {
            Some(_) => open.map(|line| (line.batch.id, line.batch.name.clone())).collect(),
            None => Vec::new(),
        };
        let name = format!("Wave {}", view.batches.len() + 1);
        Question::MoveIn { users, into: batches.last().map(|(id, _)| *id), batches, name }
    }

    /// What finalization of a batch is about, or only of these users of it.
    fn finalizing(&self, (view, line): (&HybridView, &BatchLine), members: &[HybridUser], only: bool) -> Question {
        let ready: Vec<&HybridUser> = members.iter().filter(|user| user.may(MoveAction::Finalize).is_ok()).collect();
        let of = match (only, ready.as_slice()) {
            (false, _) => line.batch.name.clone(),
            (true, [user]) => user.address.clone(),
            (true, some) => words::counted(some.len(), "user"),
        };
        let others: Vec<HybridUser> =
            members.iter().filter(|user| only || user.status != MoveStatus::Completed).cloned().collect();
        Question::Finalize {
            batch: line.batch.id,
            of,
            users: only.then(|| ready.iter().map(|user| user.id).collect()),
            ready: ready.len(),
            left: left_alone(&others, MoveAction::Finalize),
            attributes: view
                .project
                .settings
                .attributes
                .rows()
                .map(|(row, value)| format!("{}={value}", row.key))
                .collect(),
            later: false,
            at: String::new(),
            now: (self.services.clock.now(), self.services.zone.clone()),
        }
    }

    /// Does what the dialog shows.
    pub(super) fn go_on_in_hybrid(&mut self) {
        let Some(dialog) = self.dialogs.hybrid() else { return };
        let Ok(what) = dialog.request() else { return };
        if dialog.needs_vault() && self.workspace.vault.kind.is_some() && !self.workspace.vault.unlocked {
            return self.unlock_first(UserAction::Hybrid(HybridAct::Do));
        }
        let word = match &what {
            OfHybrid::MoveIn(..) => "moved in",
            OfHybrid::MoveOut(_) => "to be moved out",
            OfHybrid::Finalize(_, _, Some(_)) => "to be finalized at that time",
            OfHybrid::Finalize(..) => "to be finalized",
            _ => "",
        };
        let project = dialog.project;
        dialog.refused = None;
        let asked = self.ask(Request::Hybrid(HybridAsk::Of(project, what)), Purpose::Hybrid(word));
        if let Some(dialog) = self.dialogs.hybrid() {
            dialog.asked = asked;
        }
    }

    /// Lets a person choose the list of users.
    pub(super) fn browse_users(&mut self) {
        let picking = self.services.picker.pick("Import users", Arc::clone(&self.services.waker));
        if let Some(dialog) = self.dialogs.hybrid() {
            dialog.picking = Some(picking);
        }
    }
}

fn ids(users: &[HybridUser]) -> Vec<crate::domain::ids::HybridUserId> {
    users.iter().map(|user| user.id).collect()
}

fn of_batch(view: &HybridView, batch: HybridBatchId) -> impl Iterator<Item = &HybridUser> {
    view.users.iter().filter(move |user| user.batch == Some(batch))
}

/// Who may not, by reason.
fn left_alone(users: &[HybridUser], action: MoveAction) -> Vec<(String, usize)> {
    by_reason(users.iter().filter_map(|user| user.may(action).err()).map(|why| why.to_string()))
}
