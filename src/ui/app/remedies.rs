//! Failures whose advice is carried out from where they are shown.

use super::connection::Purpose;
use super::dialogs::Dialog;
use super::window::App;
use crate::domain::certificate::SeenCertificate;
use crate::domain::failure::Side;
use crate::domain::folder::FolderPath;
use crate::domain::ids::ItemId;
use crate::domain::project::Project;
use crate::service::client::Request;
use crate::service::remedies::AccountOf;
use crate::ui::action::UserAction;
use crate::ui::model::forms::{Correction, RemedyForm};
use crate::ui::model::item;
use crate::ui::theme::Tone;

impl App {
    /// Asks for another password: of the administrator where there is one, else of the item.
    pub(super) fn ask_login(&mut self, item: Option<ItemId>, side: Side) {
        let Some(project) = self.pages.project() else { return };
        let Some(server) = self.workspace.project(project).map(|project| project.server(side).clone()) else { return };
        if server.sign_in().is_some() {
            // A password would be kept for nothing.
            return;
        }
        if !self.workspace.vault.unlocked {
            return self.unlock_first(UserAction::AskLogin(item, side));
        }
        let (item, whose) = match server.administrator() {
            Some(admin) => {
                let login = item::login(admin);
                (None, format!("Administrator {login} of the {}, {}", side.word(), server.place()))
            }
            None => {
                let snapshot = &self.connection.snapshot;
                let Some(row) = snapshot.rows().find(|row| Some(row.item) == item) else { return };
                let address = if side == Side::Source { &row.source } else { &row.destination };
                (item, format!("{address} at the {}, {}", side.word(), server.place()))
            }
        };
        let account = AccountOf { project, item, side };
        let what = Correction::Password { account, whose, password: Default::default() };
        self.dialogs.open(Dialog::Remedy(Box::new(RemedyForm::new(project, what))));
    }

    /// Shows the certificate of a side, to be trusted.
    pub(super) fn ask_pin(&mut self, side: Side) {
        let Some(project) = self.pages.project() else { return };
        let Some(host) = self.workspace.project(project).map(|project| project.server(side).place()) else { return };
        let what = Correction::Pin { side, host: host.to_string(), seen: None };
        self.dialogs.open(Dialog::Remedy(Box::new(RemedyForm::new(project, what))));
        self.ask(Request::Certificate(project, side), Purpose::Remedy);
    }

    /// Proposes another name for a folder.
    pub(super) fn ask_map(&mut self, folder: FolderPath) {
        if let Some(project) = self.pages.project() {
            self.dialogs.open(Dialog::Remedy(Box::new(RemedyForm::map(project, folder))));
        }
    }

    /// Does what the dialog shows.
    pub(super) fn correct(&mut self) {
        let Some(form) = self.dialogs.remedy() else { return };
        let Ok(request) = form.request() else { return };
        (form.busy, form.refused) = (true, None);
        self.ask(request, Purpose::Remedy);
    }

    pub(super) fn certificate_seen(&mut self, certificate: SeenCertificate) {
        if let Some(RemedyForm { what: Correction::Pin { seen, .. }, .. }) = self.dialogs.remedy() {
            *seen = Some(certificate);
        }
    }

    pub(super) fn corrected(&mut self, projects: Vec<Project>) {
        self.workspace.projects = projects;
        if let Some(form) = self.dialogs.close_remedy() {
            self.say(Tone::Good, form.done());
        }
    }
}
