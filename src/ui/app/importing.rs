//! Importing items: a look at the list, bringing it in, taking it back.

use std::sync::Arc;
use std::sync::mpsc::Receiver;

use super::{App, Dialog, Purpose};
use crate::domain::wording::left_alone;
use crate::service::client::{Preview, Request, RequestId};
use crate::service::import::{ImportSummary, Work};
use crate::ui::action::UserAction;
use crate::ui::model::forms::{ImportForm, Importing};
use crate::ui::model::words;
use crate::ui::theme::Tone;

/// How an import ended.
pub(super) enum Ended {
    /// Items are in.
    Imported(ImportSummary),
    /// Cancelled, and what it had stored is taken back.
    Cancelled,
    /// Nothing was imported, and why.
    Refused(String),
}

impl App {
    fn import_form(&mut self) -> Option<&mut ImportForm> {
        match &mut self.dialog {
            Some(Dialog::Import(form)) => Some(form),
            _ => None,
        }
    }

    /// Lets a person choose a file for the dialog.
    pub(super) fn browse(&mut self) {
        let waker = Arc::clone(&self.around.waker);
        self.picking = Some(self.around.picker.pick("Import items", waker));
    }

    /// Takes a chosen file, and asks for a look at a list that has changed.
    pub(super) fn follow_list(&mut self) {
        let chosen = self.picking.as_ref().map(Receiver::try_recv);
        if let Some(Ok(chosen)) = chosen {
            self.picking = None;
            if let (Some(path), Some(form)) = (chosen, self.import_form().filter(|form| form.running.is_none())) {
                form.path = path.display().to_string();
            }
        }
        let Some(form) = self.import_form() else { return };
        let Some(from) = form.due() else { return };
        form.looking = None;
        let project = form.project;
        let asked = self.ask(Request::Preview(project, from), Purpose::Preview);
        if let Some(form) = self.import_form() {
            form.looking = asked;
        }
    }

    /// What a list would bring in, or why it cannot be read; only the last look counts.
    pub(super) fn looked(&mut self, request: Option<RequestId>, looked: Result<Preview, String>) {
        let Some(form) = self.import_form().filter(|form| form.looking == request) else { return };
        form.looking = None;
        match looked {
            Ok(preview) => form.preview = Some(preview),
            Err(why) => form.refused = Some(why),
        }
    }

    /// Brings in what the dialog shows.
    pub(super) fn import(&mut self) {
        let unlocked = self.vault.1;
        let Some(form) = self.import_form() else { return };
        let Some(from) = form.from() else { return };
        if form.preview.as_ref().is_some_and(|preview| preview.passwords) && !unlocked {
            return self.unlock_first(UserAction::Import);
        }
        form.refused = None;
        let running = form.running.insert(Importing::default());
        let (project, cancel) = (form.project, running.cancel.clone());
        self.ask(Request::Import { project, from, skip_bad: true, cancel }, Purpose::Import);
    }

    /// Its last answer is still to come.
    pub(super) fn import_goes_on(&mut self, work: Work, done: usize, of: usize) {
        if let Some(running) = self.import_form().and_then(|form| form.running.as_mut()) {
            running.progress = Some((work, done, of));
        }
    }

    /// Cancels the import that runs; tells whether there is one. The dialog closes when it has ended.
    pub(super) fn cancel_import(&mut self, leaving: bool) -> bool {
        let Some(running) = self.import_form().and_then(|form| form.running.as_mut()) else { return false };
        running.cancel.cancel();
        running.leaving |= leaving;
        true
    }

    /// Closes the dialog if all is well, and the window if it waited for this and there is nothing to read.
    pub(super) fn import_ended(&mut self, ended: Ended) {
        let running = self.import_form().and_then(|form| form.running.take());
        let leaving = running.is_some_and(|import| import.leaving);
        match ended {
            Ended::Imported(ImportSummary { created, updated, left, bad, trouble, .. }) => {
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
                self.say(if bad > 0 || !left.is_empty() { Tone::Warning } else { Tone::Good }, line);
                self.close_soon = leaving && trouble.is_none();
                if let Some(trouble) = trouble {
                    self.say(Tone::Bad, trouble.to_string());
                }
                if self.import_form().is_some() {
                    self.dialog = None;
                }
            }
            Ended::Cancelled => {
                self.close_soon = leaving;
                self.say(Tone::Warning, "Import cancelled: nothing was imported, and what was stored is removed again");
                if self.import_form().is_some() {
                    self.dialog = None;
                }
            }
            Ended::Refused(why) => match self.import_form() {
                Some(form) => form.refused = Some(why),
                None => self.say(Tone::Bad, why),
            },
        }
    }
}
