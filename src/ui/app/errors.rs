//! Item errors: accepting them, trying them again, saving a message or a list.

use std::path::Path;
use std::sync::Arc;

use super::connection::Purpose;
use super::dialogs::{Dialog, SaveDialog};
use super::window::App;
use crate::domain::ids::ItemId;
use crate::domain::item_error::ErrorCause;
use crate::domain::pass::PassKind;
use crate::domain::start_order::StartOrder;
use crate::domain::wording;
use crate::engine::command::{Command, ErrorVerdict};
use crate::platform::picker::{self, NO_DIALOG, Picked};
use crate::service::client::Request;
use crate::service::errors::StoredError;
use crate::service::start::StartRequest;
use crate::ui::action::UserAction;
use crate::ui::model::forms::{ChosenErrors, SaveForm, SavedThing, SavingNow};
use crate::ui::theme::Tone;

impl App {
    /// Says of errors that they stay behind, or that they do not.
    pub(super) fn judge(&mut self, chosen: ChosenErrors, verdict: ErrorVerdict) {
        let Some(project) = self.pages.project() else { return };
        let word = match verdict {
            ErrorVerdict::Accepted(_) => "with errors accepted",
            ErrorVerdict::Open => "with errors left to do again",
        };
        let ChosenErrors { item, errors, .. } = chosen;
        self.ask(Request::Command(Command::Accept { project, item, errors, verdict }), Purpose::Command(word));
    }

    /// Accepts what the dialog shows.
    pub(super) fn accept_errors(&mut self) {
        if let Some(form) = self.dialogs.finish_accept() {
            let verdict = form.verdict();
            self.judge(form.chosen, verdict);
        }
    }

    /// Tries the errors of an item's last pass again, all or those of one cause.
    pub(super) fn retry_errors(&mut self, item: ItemId, only: Option<ErrorCause>) {
        let Some(project) = self.pages.project() else { return };
        if self.workspace.is_locked(project) {
            return self.unlock_first(UserAction::RetryErrors(item, only));
        }
        let order = StartOrder { only, ..StartOrder::now(PassKind::RetryErrors) };
        let request = StartRequest { project, items: vec![item], order, confirms: false, asks: true };
        self.ask(Request::Start(Box::new(request)), Purpose::Command("submitted"));
    }

    /// Shows the dialog that saves a message.
    pub(super) fn ask_save(&mut self, error: StoredError) {
        let Some(project) = self.pages.project() else { return };
        if self.workspace.is_locked(project) {
            return self.unlock_first(UserAction::AskSave(Box::new(error)));
        }
        self.open_save(SavedThing::Message(Box::new(error)));
    }

    /// Asks where something is saved.
    pub(super) fn open_save(&mut self, thing: SavedThing) {
        let save = SaveDialog { form: SaveForm::new(thing), picking: None };
        self.dialogs.open(Dialog::Save(Box::new(save)));
    }

    /// Lets a person choose where to save it.
    pub(super) fn browse_save(&mut self) {
        let waker = Arc::clone(&self.services.waker);
        if let Some(save) = self.dialogs.save() {
            let title = match save.form.thing {
                SavedThing::Message(_) => "Save message",
                SavedThing::Table { .. } => "Save table",
            };
            save.picking = Some(self.services.picker.save(title, &save.form.proposed(), waker));
        }
    }

    /// Takes a chosen place.
    pub(super) fn follow_save(&mut self) {
        let Some(save) = self.dialogs.save() else { return };
        match picker::take(&mut save.picking) {
            Some(Picked::File(path)) if save.form.running.is_none() => save.form.path = path.display().to_string(),
            Some(Picked::NoDialog) => save.form.refused = Some(NO_DIALOG.into()),
            _ => {}
        }
    }

    /// Saves what the dialog shows.
    pub(super) fn save_message(&mut self) {
        let waker = Arc::clone(&self.services.waker);
        let Some(save) = self.dialogs.save() else { return };
        let Some(to) = save.form.to() else { return };
        save.form.refused = None;
        let saving = save.form.running.insert(SavingNow::default()).watch(&waker);
        let request = match &save.form.thing {
            SavedThing::Message(error) => Request::SaveMessage { error: error.clone(), to, saving },
            SavedThing::Table { text, .. } => Request::SaveTable { text: Arc::clone(text), to },
        };
        self.ask(request, Purpose::Save);
    }

    /// It is saved.
    pub(super) fn message_saved(&mut self, bytes: u64, file: &Path) {
        self.dialogs.close_save();
        self.say(Tone::Good, format!("{} saved as {}", wording::size(bytes), file.display()));
    }

    /// Nothing was saved; a person who cancelled it knows why.
    pub(super) fn not_saved(&mut self, why: String) {
        match self.dialogs.save() {
            Some(save) if save.form.running.as_ref().is_some_and(|running| running.cancel.is_cancelled()) => {
                self.dialogs.close_save();
            }
            Some(save) => (save.form.running, save.form.refused) = (None, Some(why)),
            None => self.say(Tone::Bad, why),
        }
    }
}
