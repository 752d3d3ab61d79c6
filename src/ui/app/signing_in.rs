//! A person who signs in for a mailbox: the dialog, the page that the browser opens, and how it ended.

use egui::{Context, OpenUrl};

use super::connection::Purpose;
use super::dialogs::Dialog;
use super::window::App;
use crate::domain::failure::Side;
use crate::domain::ids::ItemId;
use crate::service::client::{Request, RequestId};
use crate::service::sign_in::Way;
use crate::ui::action::UserAction;
use crate::ui::model::forms::SignInForm;
use crate::ui::theme::Tone;

impl App {
    /// Asks the person whose mailbox it is to sign in. What is left of it goes into the vault.
    pub(super) fn ask_sign_in(&mut self, item: ItemId, side: Side) {
        let Some(project) = self.pages.project().and_then(|id| self.workspace.project(id)) else { return };
        let Some(sign_in) = project.server(side).sign_in() else { return };
        let (how, by_device) = (sign_in.kind.words(), sign_in.device_url().is_some());
        let row = self.connection.snapshot.rows().find(|row| row.item == item);
        let Some(address) = row.map(|row| if side == Side::Source { &row.source } else { &row.destination }) else {
            return;
        };
        let whose = address.clone();
        if !self.workspace.vault.unlocked {
            return self.unlock_first(UserAction::AskSignIn(item, side));
        }
        let form = SignInForm { item, side, whose, how, by_device, now: None, refused: None };
        self.dialogs.open(Dialog::SignIn(Box::new(form)));
    }

    /// Waits for the person of the dialog.
    pub(super) fn sign_in(&mut self, way: Way) {
        let waker = self.services.waker.clone();
        let Some(form) = self.dialogs.sign_in() else { return };
        let (item, side, signing) = (form.item, form.side, form.begin(way, &waker));
        let asked = self.ask(Request::SignIn { item, side, way, signing }, Purpose::SignIn);
        if let Some(now) = self.dialogs.sign_in().and_then(|form| form.now.as_mut()) {
            now.asked = asked;
        }
    }

    /// Opens the page of the provider when it is known.
    pub(super) fn follow_sign_in(&mut self, context: &Context) {
        if let Some(page) = self.dialogs.sign_in().and_then(SignInForm::page_to_open) {
            context.open_url(OpenUrl::new_tab(page));
        }
    }

    /// Somebody signed in.
    pub(super) fn signed_in(&mut self, request: RequestId) {
        let under_way = |form: &&mut SignInForm| form.now.as_ref().is_some_and(|now| now.asked == Some(request));
        if let Some(form) = self.dialogs.sign_in().filter(under_way) {
            let words = format!("{} is signed in at the {}. Start goes on", form.whose, form.side.word());
            self.dialogs.close_sign_in();
            self.say(Tone::Good, words);
        }
    }

    /// Nobody signed in.
    pub(super) fn not_signed_in(&mut self, request: Option<RequestId>, why: String) {
        match self.dialogs.sign_in() {
            Some(form) => form.ended(request, why),
            None => self.say(Tone::Bad, why),
        }
    }
}
