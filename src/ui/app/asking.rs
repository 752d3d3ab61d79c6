//! Owners who are asked: settings, what a Start tells of mails, an item's owner, a project's words.

use super::connection::Purpose;
use super::dialogs::Dialog;
use super::window::App;
use crate::domain::ids::{ItemId, ProjectId};
use crate::domain::secret::Secret;
use crate::service::asking::{AskingState, StartMails};
use crate::service::client::{Request, RequestId};
use crate::service::project_mail::ProjectMail;
use crate::service::settings::value;
use crate::ui::action::{Targets, UserAction};
use crate::ui::model::forms::ProjectMailForm;
use crate::ui::model::settings_page::SettingsPage;
use crate::ui::route::Route;
use crate::ui::theme::Tone;

/// Places of the settings' questions.
const SAVING: usize = 0;
const PASSWORD: usize = 1;
const TEST: usize = 2;
const CHECK: usize = 3;

impl App {
    /// The page of settings shows what is kept.
    pub(super) fn settings_known(&mut self) {
        let kept = &self.workspace.settings;
        self.pages.settings.known(|setting| setting.value(kept).to_owned());
    }

    /// Leaves a dialog for the settings that it needs.
    pub(super) fn open_settings(&mut self) {
        self.dialogs.close_for_page();
        self.go(Route::Settings);
        self.settings_known();
    }

    pub(super) fn save_settings(&mut self) {
        let page = &mut self.pages.settings;
        if page.ready().is_err() {
            return;
        }
        page.saved = None;
        let (changes, password) = (page.changes(), page.new_secret());
        if password.is_some() && !self.workspace.vault.unlocked {
            return self.unlock_first(UserAction::SaveSettings);
        }
        if !changes.is_empty() {
            self.pages.settings.asked[SAVING] = self.ask(Request::SaveSettings(changes), Purpose::Settings);
        }
        if let Some(password) = password {
            self.pages.settings.asked[PASSWORD] = self.ask(Request::MailPassword(password), Purpose::Settings);
        }
    }

    pub(super) fn settings_saved(&mut self, settings: Vec<(&'static str, String)>) {
        let page = &mut self.pages.settings;
        (page.asked[SAVING], page.saved) = (None, Some((true, "Saved".into())));
        let told = settings.into_iter().map(|(name, value)| (name.to_owned(), value));
        self.workspace.settings.extend(told);
        let kept = &self.workspace.settings;
        self.pages.settings.kept_now(|setting| setting.value(kept).to_owned());
    }

    pub(super) fn mail_password_kept(&mut self) {
        let page = &mut self.pages.settings;
        page.forget_secret();
        (page.asked[PASSWORD], page.saved) = (None, Some((true, "Saved".into())));
    }

    pub(super) fn test_mail(&mut self) {
        let page = &mut self.pages.settings;
        page.tested = None;
        let to = page.test_to.trim().to_owned();
        let login = !value(&self.workspace.settings, "mail-login").is_empty();
        if login && !self.workspace.vault.unlocked {
            return self.unlock_first(UserAction::TestMail);
        }
        self.pages.settings.asked[TEST] = self.ask(Request::TestMail(to), Purpose::Settings);
    }

    pub(super) fn mail_tested(&mut self, answer: &str) {
        let page = &mut self.pages.settings;
        let words = format!("A test is on its way to {}. The mail server said: {answer}", page.test_to.trim());
        (page.asked[TEST], page.tested) = (None, Some((true, words)));
    }

    pub(super) fn check_form(&mut self) {
        self.pages.settings.checked = None;
        if !self.workspace.vault.unlocked {
            return self.unlock_first(UserAction::CheckForm);
        }
        self.pages.settings.asked[CHECK] = self.ask(Request::CheckForm, Purpose::Settings);
    }

    pub(super) fn form_reached(&mut self) {
        let page = &mut self.pages.settings;
        let words = "The public address leads to this form, and mail can be sent: owners can be asked".to_owned();
        (page.asked[CHECK], page.checked) = (None, Some((true, words)));
    }

    /// A question of the settings was refused.
    pub(super) fn settings_refused(&mut self, request: Option<RequestId>, why: String) {
        let SettingsPage { asked, saved, tested, checked, .. } = &mut self.pages.settings;
        let at = asked.iter().position(|asked| asked.is_some() && *asked == request);
        match at {
            Some(TEST) => *tested = Some((false, why)),
            Some(CHECK) => *checked = Some((false, why)),
            Some(SAVING | PASSWORD) => *saved = Some((false, why)),
            _ => return self.say(Tone::Bad, why),
        }
        if let Some(at) = at {
            asked[at] = None;
        }
    }

    pub(super) fn asking_state(&mut self, state: AskingState) {
        self.pages.settings.state = state;
    }

    /// Asks whose owners a Start would ask, where a side has no login for all.
    pub(super) fn ask_start_mails(&mut self, project: ProjectId, items: Vec<ItemId>) -> bool {
        let owners = self.workspace.project(project).is_some_and(|project| {
            [&project.source, &project.destination].iter().any(|server| server.needs_login() && !server.shares_login())
        });
        owners && self.ask(Request::StartMails(project, items), Purpose::StartMails).is_some()
    }

    pub(super) fn start_mails(&mut self, project: ProjectId, mails: StartMails, cannot: Option<String>) {
        if let Some(form) = self.dialogs.start_form().filter(|form| form.project == project) {
            form.mails.answered(mails, cannot);
            let rows = self.connection.snapshot.rows().filter(|row| row.project == project);
            form.mails.call(rows.map(|row| (row.item, row.source.clone())));
        }
    }

    pub(super) fn start_mails_refused(&mut self, why: String) {
        match self.dialogs.start_form() {
            Some(form) => form.mails.refused(why),
            None => self.say(Tone::Bad, why),
        }
    }

    pub(super) fn remind(&mut self, targets: &Targets) {
        if let Some((_, items)) = self.items(targets) {
            self.ask(Request::Remind(items), Purpose::Command("asked once more, with the same link"));
        }
    }

    /// Copies the link of an item when it comes.
    pub(super) fn ask_link(&mut self, item: ItemId) {
        if !self.workspace.vault.unlocked {
            return self.unlock_first(UserAction::CopyLink(item));
        }
        self.ask(Request::CredentialLink(item), Purpose::Quiet);
    }

    pub(super) fn link_came(&mut self, context: &egui::Context, link: &Secret) {
        context.copy_text(link.expose().to_owned());
        self.say(Tone::Good, "The link is in the clipboard. Whoever has it can answer for this mailbox");
    }

    pub(super) fn ask_again(&mut self, item: ItemId) {
        let Some(project) = self.pages.project() else { return };
        if !self.workspace.vault.unlocked {
            return self.unlock_first(UserAction::AskAgain(item));
        }
        self.ask(Request::AskAgain(project, item), Purpose::Command("asked anew, with a new link"));
    }

    pub(super) fn ask_project_mail(&mut self) {
        if let Some(project) = self.pages.project() {
            self.ask(Request::ProjectMail(project), Purpose::Quiet);
        }
    }

    pub(super) fn project_mail(&mut self, project: ProjectId, mail: ProjectMail) {
        let Some(project) = self.workspace.project(project) else { return };
        let form = ProjectMailForm::new(project, mail, self.workspace.settings.clone());
        self.dialogs.open(Dialog::ProjectMail(Box::new(form)));
    }

    pub(super) fn save_project_mail(&mut self) {
        let Some(form) = self.dialogs.project_mail() else { return };
        let Ok(mail) = form.mail() else { return };
        let request = Request::SetProjectMail(form.project, Box::new(mail));
        let asked = self.ask(request, Purpose::ProjectMail);
        if let Some(form) = self.dialogs.project_mail() {
            (form.asked, form.refused) = (asked, None);
        }
    }

    pub(super) fn project_mail_refused(&mut self, why: String) {
        match self.dialogs.project_mail() {
            Some(form) => (form.asked, form.refused) = (None, Some(why)),
            None => self.say(Tone::Bad, why),
        }
    }
}
