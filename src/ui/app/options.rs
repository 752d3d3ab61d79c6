//! Options of a project and of an item: their dialog, and what becomes of it.

use super::connection::Purpose;
use super::dialogs::Dialog;
use super::window::App;
use crate::domain::ids::ItemId;
use crate::domain::overrides::{OptionKey, Overrides};
use crate::service::client::{Request, RequestId};
use crate::service::preview::Unsaved;
use crate::ui::action::Targets;
use crate::ui::model::forms::{OptionsForm, OwnOptions};
use crate::ui::theme::Tone;

impl App {
    /// Shows the options of the project that is shown; of an item they are asked for first.
    pub(super) fn ask_options(&mut self, item: Option<ItemId>) {
        match item {
            Some(item) => drop(self.ask(Request::ItemOptions(item), Purpose::Quiet)),
            None => self.show_options(None, None),
        }
    }

    /// With the keyboard at an option, if one is meant.
    fn show_options(&mut self, of: Option<OwnOptions>, at: Option<OptionKey>) {
        let project = self.pages.project().and_then(|id| self.workspace.project(id)).cloned();
        if let Some(project) = project {
            let mut form = OptionsForm::new(project, of, self.services.zone.clone());
            form.at = at;
            self.dialogs.open(Dialog::Options(Box::new(form)));
        }
    }

    /// Another process changed the workspace: the dialog that is open follows it.
    pub(super) fn options_news(&mut self) {
        let Some(form) = self.dialogs.options() else { return };
        let (id, item) = (form.project.id, form.of.as_ref().map(|of| of.item));
        match (item, self.workspace.project(id).cloned()) {
            (Some(item), _) => drop(self.ask(Request::ItemOptions(item), Purpose::OptionsNews)),
            (None, Some(project)) => {
                self.dialogs.options().into_iter().for_each(|form| form.follow(project.clone(), None))
            }
            (None, None) => {}
        }
    }

    fn options_follow(&mut self, item: ItemId, own: &Overrides) {
        let id = self.dialogs.options().filter(|form| form.of.as_ref().is_some_and(|of| of.item == item));
        let project = id.map(|form| form.project.id).and_then(|id| self.workspace.project(id)).cloned();
        if let (Some(form), Some(project)) = (self.dialogs.options(), project) {
            form.follow(project, Some(own.clone()));
        }
    }

    /// What an item has of its own came: to be changed, or after it was changed.
    pub(super) fn item_options(&mut self, purpose: &Purpose, item: ItemId, own: Overrides) {
        if matches!(purpose, Purpose::Options) {
            if let Some(details) = self.pages.item.as_mut().and_then(|page| page.details.as_mut())
                && details.item == item
            {
                details.own = own;
            }
            return self.options_saved(Some(item));
        }
        if matches!(purpose, Purpose::OptionsNews) {
            return self.options_follow(item, &own);
        }
        let row = self.connection.snapshot.rows().find(|row| row.item == item);
        let here = self.pages.project();
        if let Some(name) = row.filter(|row| Some(row.project) == here).map(|row| row.source.clone()) {
            let at = if let Purpose::AskOption(key) = purpose { Some(*key) } else { None };
            self.show_options(Some(OwnOptions { item, name, own }), at);
        }
    }

    /// Shows what a pass would do with what is typed; nothing is saved.
    pub(super) fn preview_options(&mut self) {
        let Some(form) = self.dialogs.options().and_then(sound) else { return };
        let unsaved = match form.unsaved() {
            Ok(unsaved) => unsaved,
            Err(why) => return form.refused = Some(why),
        };
        let targets = form.of.as_ref().map_or(Targets::All, |of| Targets::These(vec![of.item]));
        let form = Box::new(form.clone());
        self.preview(&targets, (unsaved != Unsaved::Nothing).then_some((unsaved, form)));
    }

    pub(super) fn save_options(&mut self) {
        let Some(form) = self.dialogs.options().and_then(sound) else { return };
        let request = match form.request() {
            Ok(request) => request,
            Err(why) => return form.refused = Some(why),
        };
        let asked = self.ask(request, Purpose::Options);
        if let Some(form) = self.dialogs.options() {
            (form.asked, form.refused) = (asked, form.refused.take().filter(|_| asked.is_none()));
        }
    }

    /// They are saved, of a project or of an item.
    pub(super) fn options_saved(&mut self, item: Option<ItemId>) {
        self.dialogs.close_options();
        let whose = if item.is_some() { "the item's" } else { "each item's" };
        self.say(Tone::Good, format!("Options changed. They count from {whose} next pass on"));
    }

    pub(super) fn options_refused(&mut self, request: Option<RequestId>, why: String) {
        match self.dialogs.options().filter(|form| form.asked == request) {
            Some(form) => (form.asked, form.refused) = (None, Some(why)),
            None => self.say(Tone::Bad, why),
        }
    }
}

/// A form that can be used as it is typed; else its faults are marked.
fn sound(form: &mut OptionsForm) -> Option<&mut OptionsForm> {
    form.tried = true;
    if form.check() {
        return Some(form);
    }
    form.refused = Some("Mend what is marked first".into());
    None
}
