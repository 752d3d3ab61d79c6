//! What the application does when a person acts.

use std::collections::HashSet;

use egui::{Context, Theme, ViewportCommand};

use super::answers::by_reason;
use super::{App, Closing, Dialog, Door, Purpose, THEME};
use crate::domain::action::Action;
use crate::domain::ids::{ItemId, ProjectId};
use crate::domain::pass::PassKind;
use crate::domain::project::Project;
use crate::domain::secret::Secret;
use crate::engine::desk::{Ask, Command, VaultKind};
use crate::ui::action::UserAction;
use crate::ui::model::forms::{ImportForm, ProjectForm, StartForm};
use crate::ui::model::grid::{Grid, GridAction};
use crate::ui::route::Route;

/// The setting with the order of a project's items.
pub(super) fn sort_setting(project: ProjectId) -> String {
    format!("grid.filter.sort.{project}")
}

/// The setting that remembers that the direction was confirmed.
fn direction_setting(project: ProjectId) -> String {
    format!("direction.{project}")
}

impl App {
    pub(super) fn act(&mut self, context: &Context, action: UserAction) {
        match action {
            UserAction::Go(route) => {
                if route == Route::NewProject {
                    self.form = ProjectForm::default();
                }
                self.go(route);
            }
            UserAction::Grid(action) => self.act_on_grid(context, action),
            UserAction::Item(action) => {
                if let Some(page) = &mut self.item {
                    page.apply(action);
                }
                context.request_repaint();
            }
            UserAction::Star(items, star) => {
                if let Some(project) = self.here() {
                    self.ask(Ask::Do(Command::Star { project, items, star }), Purpose::Quiet);
                }
            }
            UserAction::AskStart(items) => self.ask_start(items),
            UserAction::StartKind(kind) => {
                if let Some(Dialog::Start(form)) = &mut self.dialog {
                    form.kind = kind;
                }
            }
            UserAction::Confirm(on) => {
                if let Some(Dialog::Start(form)) = &mut self.dialog {
                    form.confirmed = on;
                }
            }
            UserAction::Start => self.start(),
            UserAction::Stop(items) => {
                if let Some(project) = self.here() {
                    self.ask(Ask::Do(Command::Stop { project, items }), Purpose::Command("told to stop"));
                }
            }
            UserAction::Resume(items) => self.resume(items),
            UserAction::OpenDemo => self.open_demo(),
            UserAction::CreateProject => self.create_project(),
            UserAction::AskImport => {
                if let Some(project) = self.here() {
                    self.dialog = Some(Dialog::Import(ImportForm::new(project)));
                }
            }
            UserAction::Import => self.import(),
            UserAction::Browse => self.browse(),
            UserAction::AskUnlock => self.unlock = Some(super::VaultForm::new(self.vault.0, self.proposed)),
            UserAction::Unlock => {
                if let Some(form) = &mut self.unlock {
                    (form.busy, form.refused) = (true, None);
                    let passphrase = (form.kind == VaultKind::File).then(|| Secret::new(form.passphrase.as_str()));
                    let kind = form.kind;
                    self.ask(Ask::Unlock(kind, passphrase), Purpose::Unlock);
                }
            }
            UserAction::CloseDialog => {
                if self.unlock.take().is_some() {
                    self.after_unlock = None;
                } else if !self.cancel_import(false) {
                    (self.dialog, self.picking) = (None, None);
                }
            }
            UserAction::MoreFolders => self.more(|pass, details| Ask::Folders(pass, details.folders.len() as u32)),
            UserAction::MoreErrors => self.more(|pass, details| Ask::Errors(pass, details.errors.len() as u32)),
            UserAction::Activity => self.activity = !self.activity,
            UserAction::Dismiss => (self.fresh, self.activity) = (false, false),
            UserAction::Help => self.dialog = Some(Dialog::Help),
            UserAction::Theme => {
                let theme = if context.theme() == Theme::Dark { Theme::Light } else { Theme::Dark };
                context.set_theme(theme);
                self.remember(THEME, if theme == Theme::Dark { "dark".into() } else { "light".into() });
            }
            UserAction::Reopen => {
                self.door = Door::Opening;
                self.ask(Ask::Reopen, Purpose::Quiet);
            }
            UserAction::KeepOpen => self.closing = Closing::No,
            UserAction::StopAndQuit => self.stop_and_quit(),
            UserAction::StopAtOnce => {
                self.stop_and_quit();
                self.abort_all();
            }
            UserAction::Quit => {
                self.leaving = true;
                context.send_viewport_cmd(ViewportCommand::Close);
            }
        }
    }

    /// The project whose page is shown.
    fn here(&self) -> Option<ProjectId> {
        match self.route {
            Route::Project(id) | Route::Item(id, _) => Some(id),
            Route::Projects | Route::NewProject => None,
        }
    }

    /// Whether a pass of this project needs passwords that are locked.
    fn locked(&self, project: ProjectId) -> bool {
        let needs = |project: &Project| project.source.needs_login() || project.destination.needs_login();
        self.vault.0.is_some() && !self.vault.1 && self.project(project).is_some_and(needs)
    }

    fn act_on_grid(&mut self, context: &Context, action: GridAction) {
        let Some(grid) = self.here().and_then(|id| self.grids.get_mut(&id)) else { return };
        let (project, before) = (grid.project, grid.filter.sort);
        grid.apply(action, &self.snapshot);
        grid.refresh(&self.snapshot);
        let sort = grid.filter.sort;
        if sort != before {
            self.remember(&sort_setting(project), sort.to_text());
        }
        context.request_repaint();
    }

    fn ask_start(&mut self, items: Vec<ItemId>) {
        let Some(project) = self.here() else { return };
        if self.locked(project) {
            return self.unlock_first(UserAction::AskStart(items));
        }
        let chosen: HashSet<ItemId> = items.into_iter().collect();
        let (mut ready, mut left, mut fresh) = (Vec::new(), Vec::new(), 0);
        for row in self.snapshot.rows().filter(|row| chosen.contains(&row.item)) {
            match Action::Start.check(row.status, row.progress.counts.errors) {
                Ok(()) => {
                    fresh += usize::from(row.pass.is_none());
                    ready.push(row.item);
                }
                Err(refusal) => left.push(refusal.to_string()),
            }
        }
        let known = self.settings.contains_key(&direction_setting(project));
        self.dialog = Some(Dialog::Start(StartForm {
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

    fn start(&mut self) {
        let Some(Dialog::Start(form)) = self.dialog.take_if(|d| matches!(d, Dialog::Start(form) if form.ready()))
        else {
            return;
        };
        if form.kind != PassKind::Verify && form.asks {
            self.confirm_direction(form.project);
        }
        let StartForm { project, items, kind, .. } = form;
        self.ask(Ask::Start { project, items, kind }, Purpose::Command("submitted"));
    }

    /// The direction of a project is right: it is not asked again.
    pub(super) fn confirm_direction(&mut self, project: ProjectId) {
        self.remember(&direction_setting(project), "confirmed".into());
    }

    fn resume(&mut self, items: Vec<ItemId>) {
        let Some(project) = self.here() else { return };
        if self.locked(project) {
            return self.unlock_first(UserAction::Resume(items));
        }
        self.ask(Ask::Do(Command::Resume { project, items }), Purpose::Command("resumed"));
    }

    fn create_project(&mut self) {
        self.form.tried = true;
        let Some(new) = self.form.ask() else { return };
        if self.form.has_passwords() && !self.vault.1 {
            return self.unlock_first(UserAction::CreateProject);
        }
        (self.form.busy, self.form.refused) = (true, None);
        self.form.asked = None;
        self.form.asked = self.ask(Ask::NewProject(Box::new(new)), Purpose::NewProject);
    }

    fn more(&mut self, ask: impl FnOnce(crate::domain::ids::PassId, &crate::engine::desk::Details) -> Ask) {
        let asked = self.item.as_ref().and_then(|page| page.details.as_ref()).and_then(|details| {
            let pass = details.passes.first()?.id;
            Some(ask(pass, details))
        });
        if let Some(asked) = asked {
            self.ask(asked, Purpose::Lists);
        }
    }

    fn stop_and_quit(&mut self) {
        self.closing = Closing::Stopping;
        self.ask(Ask::StopAll, Purpose::Quiet);
    }

    fn abort_all(&mut self) {
        let ids: Vec<ProjectId> = self.projects.iter().map(|project| project.id).collect();
        for project in ids {
            let rows = self.snapshot.rows().filter(|row| row.project == project && row.status.is_active());
            let items: Vec<ItemId> = rows.map(|row| row.item).collect();
            if !items.is_empty() {
                self.ask(Ask::Do(Command::Abort { project, items }), Purpose::Quiet);
            }
        }
    }

    /// The grid of a project, for tests.
    pub fn grid(&self, project: ProjectId) -> Option<&Grid> {
        self.grids.get(&project)
    }
}
