//! Importing items: a look at the list, bringing it in, taking it back.

use std::sync::Arc;

use egui::Context;

use super::connection::Purpose;
use super::window::App;
use crate::domain::failure::Side;
use crate::domain::status_words::left_alone;
use crate::platform::picker::{self, NO_DIALOG, Picked};
use crate::service::client::{Preview, Request, RequestId};
use crate::service::import::{ImportSummary, Work};
use crate::ui::action::UserAction;
use crate::ui::model::closing::CloseEvent;
use crate::ui::model::forms::Importing;
use crate::ui::model::words;
use crate::ui::theme::Tone;

/// How an import ended.
pub(super) enum ImportEnd {
    /// Items are in.
    Imported(ImportSummary),
    /// Cancelled, and what it had stored is taken back.
    Cancelled,
    /// Nothing was imported, and why; a question may be open about these sides.
    Refused(String, Vec<Side>),
}

impl App {
    /// Lets a person choose a file for the dialog.
    pub(super) fn browse(&mut self) {
        let waker = Arc::clone(&self.services.waker);
        if let Some(import) = self.dialogs.import() {
            import.picking = Some(self.services.picker.pick("Import items", waker));
        }
    }

    /// Takes a chosen file, and asks for a look at a list that has changed.
    pub(super) fn follow_list(&mut self) {
        let Some(import) = self.dialogs.import() else { return };
        match picker::take(&mut import.picking) {
            Some(Picked::File(path)) if import.form.running.is_none() => {
                import.form.path = path.display().to_string();
            }
            Some(Picked::NoDialog) => import.form.refused = Some(NO_DIALOG.into()),
            _ => {}
        }
        let Some(from) = import.form.due() else { return };
        import.form.looking = None;
        let project = import.form.project;
        let asked = self.ask(Request::Preview(project, from), Purpose::Preview);
        if let Some(form) = self.dialogs.import_form() {
            form.looking = asked;
        }
    }

    /// What a list would bring in, or why it cannot be read; only the last look counts.
    pub(super) fn looked(&mut self, request: Option<RequestId>, looked: Result<Preview, String>) {
        let Some(form) = self.dialogs.import_form().filter(|form| form.looking == request) else { return };
        form.looking = None;
        match looked {
            Ok(preview) => form.preview = Some(preview),
            Err(why) => form.refused = Some(why),
        }
    }

    /// Brings in what the dialog shows.
    pub(super) fn import(&mut self) {
        let Some(form) = self.dialogs.import_form() else { return };
        let Some(from) = form.from() else { return };
        if form.preview.as_ref().is_some_and(|preview| preview.passwords) && !self.workspace.vault.unlocked {
            return self.unlock_first(UserAction::Import);
        }
        form.refused = None;
        let running = form.running.insert(Importing::default());
        let (project, records, cancel) = (form.project, form.records, running.cancel.clone());
        self.ask(Request::Import { project, from, skip_bad: true, records, cancel }, Purpose::Import);
    }

    /// Its last answer is still to come.
    pub(super) fn import_goes_on(&mut self, work: Work, done: usize, of: usize) {
        if let Some(running) = self.dialogs.import_form().and_then(|form| form.running.as_mut()) {
            running.progress = Some((work, done, of));
        }
    }

    /// Cancels the import that runs. Its dialog closes when it has ended.
    pub(super) fn cancel_import(&self) {
        if let Some(running) = self.dialogs.importing() {
            running.cancel.cancel();
        }
    }

    /// Closes the dialog if all is well, and the window if it waited for this and there is nothing to read.
    pub(super) fn import_ended(&mut self, context: &Context, ended: ImportEnd) {
        let well = match ended {
            ImportEnd::Imported(imported) => {
                self.dialogs.close_import();
                self.say_imported(imported)
            }
            ImportEnd::Cancelled => {
                self.dialogs.close_import();
                self.say(Tone::Warning, "Import cancelled: nothing was imported, and what was stored is removed again");
                true
            }
            ImportEnd::Refused(why, asks) => {
                if let Some(form) = self.dialogs.import_form() {
                    form.asks = asks;
                }
                self.import_refused(why);
                false
            }
        };
        self.close(context, CloseEvent::ImportEnded { well });
    }

    /// Nothing was imported, and why.
    pub(super) fn import_refused(&mut self, why: String) {
        match self.dialogs.import_form() {
            Some(form) => (form.running, form.refused) = (None, Some(why)),
            None => self.say(Tone::Bad, why),
        }
    }

    /// Says what came in; tells whether nothing went wrong after it.
    fn say_imported(
        &mut self,
        ImportSummary { created, updated, left, bad, useless, trouble, .. }: ImportSummary,
    ) -> bool {
        let mut line = format!("{} imported", words::counted(created, "item"));
        if updated > 0 {
            line += &format!(", {} updated", words::count(updated as u64));
        }
        if let Some(left) = left_alone(&left) {
            line += &format!(", {left}");
        }
        if bad > 0 {
            line += &format!(", {} left out", words::counted(bad, "bad row"));
        }
        if useless > 0 {
            line += &format!(", {} left out where none is taken", words::counted(useless, "password"));
        }
        self.say(if bad > 0 || !left.is_empty() { Tone::Warning } else { Tone::Good }, line);
        let well = trouble.is_none();
        if let Some(trouble) = trouble {
            self.say(Tone::Bad, trouble.to_string());
        }
        well
    }
}
