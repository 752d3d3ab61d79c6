//! Starting passes: the dialog's, and those of a workspace that was prepared for this window.

use std::collections::HashSet;

use super::answers::by_reason;
use super::connection::Purpose;
use super::dialogs::Dialog;
use super::window::App;
use super::workspace::direction_setting;
use crate::domain::action::Action;
use crate::domain::ids::{ItemId, ProjectId};
use crate::domain::pass::PassKind;
use crate::engine::command::Command;
use crate::service::client::Request;
use crate::service::launch::Verdict;
use crate::ui::action::{Targets, UserAction};
use crate::ui::model::forms::StartForm;
use crate::ui::theme::Tone;

impl App {
    /// Asks which pass to start for items.
    pub(super) fn ask_start(&mut self, targets: &Targets) {
        let Some((project, items)) = self.items(targets) else { return };
        if self.workspace.is_locked(project) {
            return self.unlock_first(UserAction::AskStart(Targets::These(items)));
        }
        let chosen: HashSet<ItemId> = items.into_iter().collect();
        let (mut ready, mut left, mut fresh) = (Vec::new(), Vec::new(), 0);
        for row in self.connection.snapshot.rows().filter(|row| chosen.contains(&row.item)) {
            match Action::Start.check(row.status, row.progress.counts.errors) {
                Ok(()) => {
                    fresh += usize::from(row.pass.is_none());
                    ready.push(row.item);
                }
                Err(refusal) => left.push(refusal.to_string()),
            }
        }
        let known = self.workspace.settings.contains_key(&direction_setting(project));
        self.dialogs.open(Dialog::Start(StartForm {
            project,
            items: ready,
            chosen: chosen.len(),
            left: by_reason(left.into_iter()),
            fresh,
            kind: PassKind::Full,
            confirmed: known,
            asks: !known,
        }));
    }

    /// Starts what the dialog shows.
    pub(super) fn start(&mut self) {
        let Some(form) = self.dialogs.finish_start() else { return };
        if form.kind != PassKind::Verify && form.asks {
            self.confirm_direction(form.project);
        }
        let StartForm { project, items, kind, .. } = form;
        self.ask(Request::Command(Command::Start { project, items, kind }), Purpose::Command("submitted"));
    }

    /// The direction of a project is right: it is not asked again.
    fn confirm_direction(&mut self, project: ProjectId) {
        self.remember(&direction_setting(project), "confirmed".into());
    }

    /// The workspace is open: submits what it was made for.
    pub(super) fn begin_auto_run(&mut self) {
        if let Some(run) = &self.auto_run {
            let (project, items) = run.items();
            self.confirm_direction(project);
            self.ask(
                Request::Command(Command::Start { project, items, kind: PassKind::Full }),
                Purpose::Command("submitted"),
            );
        }
    }

    /// Says how that ended; what ended well is told once.
    pub(super) fn follow_auto_run(&mut self) {
        let running = self.running() > 0;
        let Some(run) = &mut self.auto_run else { return };
        let Some(summary) = run.follow(running, &self.connection.snapshot) else { return };
        let well = summary.verdict == Verdict::AsPlanned;
        if well {
            self.auto_run = None;
        }
        self.say(if well { Tone::Good } else { Tone::Warning }, summary.words);
    }
}
