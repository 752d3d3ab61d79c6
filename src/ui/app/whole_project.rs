//! A project as a whole: another one like it, its end, how many of its items migrate at once.

use super::connection::Purpose;
use super::dialogs::Dialog;
use super::undo::Undo;
use super::window::App;
use crate::domain::edit::ProjectEdit;
use crate::domain::ids::ProjectId;
use crate::domain::project::{Options, Project};
use crate::service::client::{Request, RequestId};
use crate::service::edit::ProjectChange;
use crate::ui::action::UserAction;
use crate::ui::model::forms::{WholeProject, WholeProjectForm};
use crate::ui::route::Route;
use crate::ui::theme::Tone;

impl App {
    /// Asks whether a project is to be duplicated or deleted.
    pub(super) fn ask_whole(&mut self, what: WholeProject, project: ProjectId) {
        let Some(project) = self.workspace.project(project) else { return };
        let rows = || self.connection.snapshot.rows().filter(|row| row.project == project.id);
        let form = WholeProjectForm::new(what, project, rows().count(), rows().any(|row| row.pass.is_some()));
        self.dialogs.open(Dialog::WholeProject(Box::new(form)));
    }

    pub(super) fn do_with_project(&mut self) {
        let Some(form) = self.dialogs.whole_project() else { return };
        let Ok(request) = form.request() else { return };
        // Without the vault their passwords would stay in it for a while.
        let takes_passwords = form.what == WholeProject::Delete;
        if takes_passwords && self.workspace.vault.kind.is_some() && !self.workspace.vault.unlocked {
            return self.unlock_first(UserAction::DoWithProject);
        }
        let asked = self.ask(request, Purpose::WholeProject);
        if let Some(form) = self.dialogs.whole_project() {
            (form.asked, form.refused) = (asked, form.refused.take().filter(|_| asked.is_none()));
        }
    }

    /// It was not done.
    pub(super) fn whole_project_refused(&mut self, request: Option<RequestId>, why: String) {
        match self.dialogs.whole_project().filter(|form| form.asked == request) {
            Some(form) => (form.asked, form.refused) = (None, Some(why)),
            None => self.say(Tone::Bad, why),
        }
    }

    /// Another project was made like the one that was shown.
    pub(super) fn duplicated(&mut self, id: ProjectId) {
        self.dialogs.close_whole_project();
        self.go(Route::Project(id));
        self.say(Tone::Good, "This is the new project. Passwords are not duplicated: import them, or enter them");
    }

    /// A project is gone, and these are left.
    pub(super) fn project_deleted(&mut self, left: Vec<Project>) {
        self.dialogs.close_whole_project();
        self.workspace.projects = left;
        self.go(Route::Projects);
        self.say(Tone::Good, "Project deleted. No mail was touched");
    }

    /// Archives a project, or brings it back.
    pub(super) fn archive(&mut self, project: ProjectId, archived: bool) {
        self.ask(Request::ArchiveProject(project, archived), Purpose::Archive(project, archived));
    }

    /// A project was archived, or is back: it can be had as it was.
    pub(super) fn archived(&mut self, project: ProjectId, archived: bool) {
        let Some(name) = self.workspace.project(project).map(|project| project.name.clone()) else { return };
        let words = match archived {
            true => format!("\"{name}\" is archived. Nothing was deleted"),
            false => format!("\"{name}\" is back"),
        };
        self.can_undo(Undo::Archive(project, !archived), &words);
        if archived && self.pages.project() == Some(project) {
            self.go(Route::Projects);
        }
    }

    /// So many items of the project that is shown may migrate at once, from now on.
    pub(super) fn at_once(&mut self, concurrent: u32) {
        let Some(project) = self.pages.project().and_then(|id| self.workspace.project(id)) else { return };
        let options = Options { concurrent, ..project.options.clone() };
        let edit = ProjectEdit { options: Some(options), ..ProjectEdit::of(project.id) };
        let change = ProjectChange { edit, files: Default::default() };
        self.ask(Request::EditProject(Box::new(change)), Purpose::Quiet);
    }
}
