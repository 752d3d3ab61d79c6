//! Items and projects that a person changes, deletes or resets.

use super::connection::Purpose;
use super::dialogs::Dialog;
use super::undo::Undo;
use super::window::App;
use crate::domain::action::Action;
use crate::domain::asking::owner_to_ask;
use crate::domain::failure::Side;
use crate::domain::ids::ItemId;
use crate::engine::snapshot::ItemRow;
use crate::service::ServiceError;
use crate::service::client::{Request, RequestId};
use crate::ui::action::{Targets, UserAction};
use crate::ui::model::forms::{EditItemForm, EditProjectForm, ItemRemoval, RemoveForm};
use crate::ui::theme::Tone;

impl App {
    /// Asks for what is known of an item that is to be changed; its dialog opens with the answer.
    pub(super) fn ask_edit(&mut self, item: ItemId, purpose: Purpose) {
        let row = self.connection.snapshot.rows().find(|row| row.item == item);
        match row.map(|row| Action::Edit.check(row.status, 0)) {
            Some(Ok(())) => drop(self.ask(Request::ItemSettings(item), purpose)),
            Some(Err(refusal)) => self.say(Tone::Warning, refusal.to_string()),
            None => {}
        }
    }

    pub(super) fn save_item(&mut self) {
        let Some(form) = self.dialogs.item_form() else { return };
        let Ok(edit) = form.ask() else { return };
        if form.has_passwords() && !self.workspace.vault.unlocked {
            return self.unlock_first(UserAction::SaveItem);
        }
        let asked = self.ask(Request::EditItem(Box::new(edit)), Purpose::EditItem);
        if let Some(form) = self.dialogs.item_form() {
            (form.asked, form.refused) = (asked, form.refused.take().filter(|_| asked.is_none()));
        }
    }

    /// Shows the settings of the project that is shown, with the keyboard at its name or at the host of a side.
    pub(super) fn ask_edit_project(&mut self, host_of: Option<Side>) {
        let project = self.pages.project().and_then(|id| self.workspace.project(id)).cloned();
        if let Some(project) = project {
            let pools = self.workspace.pool_names();
            let form = EditProjectForm { host_of, pools, ..EditProjectForm::new(project) };
            self.dialogs.open(Dialog::EditProject(Box::new(form)));
        }
    }

    pub(super) fn save_project(&mut self) {
        let Some(form) = self.dialogs.project_form() else { return };
        form.tried = true;
        let change = match form.ask() {
            Ok(change) => change,
            Err(why) => return form.refused = Some(why),
        };
        if form.has_passwords() && !self.workspace.vault.unlocked {
            return self.unlock_first(UserAction::SaveProject);
        }
        let asked = self.ask(Request::EditProject(Box::new(change)), Purpose::EditProject);
        if let Some(form) = self.dialogs.project_form() {
            (form.asked, form.refused) = (asked, form.refused.take().filter(|_| asked.is_none()));
        }
    }

    /// Asks whether items are to be deleted or reset.
    pub(super) fn ask_remove(&mut self, removal: ItemRemoval, targets: &Targets) {
        let Some((project, items)) = self.items(targets) else { return };
        let chosen: std::collections::HashSet<ItemId> = items.into_iter().collect();
        let rows = || self.connection.snapshot.rows().filter(|row| chosen.contains(&row.item));
        let mut form = RemoveForm::new(removal, project, rows().map(|row| (row.item, row.status)));
        // The refused side is ticked beforehand.
        if let Some(project) = self.workspace.project(project) {
            let refused =
                |row: &ItemRow| row.failure.as_ref().and_then(|(side, failure)| owner_to_ask(project, *side, failure));
            form.sides = [Side::Source, Side::Destination].map(|side| rows().any(|row| refused(row) == Some(side)));
        }
        form.asks_licenses = removal == ItemRemoval::Delete && self.ask_licenses(project);
        self.dialogs.open(Dialog::Remove(Box::new(form)));
    }

    pub(super) fn remove(&mut self) {
        let Some(form) = self.dialogs.remove_form().filter(|form| form.ready().is_ok()).cloned() else { return };
        // Without the vault their passwords would stay in it for a while.
        let takes_passwords = form.removal != ItemRemoval::Reset;
        if takes_passwords && self.workspace.vault.kind.is_some() && !self.workspace.vault.unlocked {
            return self.unlock_first(UserAction::Remove);
        }
        self.dialogs.close_remove();
        let sides = form.ticked();
        let RemoveForm { removal, project, items, .. } = form;
        match removal {
            ItemRemoval::Delete => {
                self.ask(Request::Delete(project, items), Purpose::Command("deleted. No mail was touched"));
            }
            ItemRemoval::ClearCredentials => {
                let cleared = Purpose::Command("without these credentials now");
                self.ask(Request::ClearCredentials(project, items, sides), cleared);
            }
            ItemRemoval::Reset => {
                self.ask(Request::Reset(project, items), Purpose::Command("reset. No mail was touched"));
            }
        }
    }

    pub(super) fn edit_begins(&mut self, settings: crate::service::edit::ItemSettings, purpose: &Purpose) {
        let mut form = EditItemForm::new(settings);
        form.at_note = matches!(purpose, Purpose::EditNote);
        self.dialogs.open(Dialog::EditItem(Box::new(form)));
    }

    /// What was asked for is done.
    pub(super) fn edited(&mut self, purpose: &Purpose) {
        let host = self.dialogs.project_form().is_some_and(|form| form.host_of.is_some());
        match purpose {
            Purpose::EditItem => return self.item_edited(),
            Purpose::EditProject => self.dialogs.close_project(),
            Purpose::ProjectMail => self.dialogs.close_project_mail(),
            Purpose::Options => return self.options_saved(None),
            _ => return,
        }
        let words =
            if host { "Changed. What waits for this server tries it; Start tries the others" } else { "Changed" };
        self.say(Tone::Good, words);
    }

    /// An item was changed; its note can be had back.
    fn item_edited(&mut self) {
        let back = self.dialogs.item_form().and_then(|form| form.note_back());
        self.dialogs.close_item();
        match back {
            Some(edit) => self.can_undo(Undo::Note(Box::new(edit)), "Changed"),
            None => self.say(Tone::Good, "Changed"),
        }
    }

    /// It was not done, was done with a word to say, or a question is open.
    pub(super) fn edit_refused(&mut self, request: Option<RequestId>, purpose: &Purpose, why: &ServiceError) {
        if why.comes_after() {
            self.edited(purpose);
            self.ask(Request::Projects, Purpose::Quiet);
            return self.say(Tone::Warning, why.to_string());
        }
        if matches!(purpose, Purpose::Options) {
            return self.options_refused(request, why.to_string());
        }
        let asks = why.asks_which_mailbox().map(<[_]>::to_vec);
        let words = asks.is_none().then(|| why.to_string());
        let (item, project) = (matches!(purpose, Purpose::EditItem), matches!(purpose, Purpose::EditProject));
        if let Some(form) = self.dialogs.item_form().filter(|form| item && form.asked == request) {
            (form.asked, form.refused) = (None, words);
            form.asks = asks.unwrap_or_default();
        } else if let Some(form) = self.dialogs.project_form().filter(|form| project && form.asked == request) {
            (form.asked, form.refused) = (None, words);
            form.asks = asks.unwrap_or_default();
        } else {
            self.say(Tone::Bad, why.to_string());
        }
    }
}
