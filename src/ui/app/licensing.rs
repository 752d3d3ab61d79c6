//! Licenses: their page, and what dialogs say of them. While there is only the pool that every workspace begins with, nothing is
//! asked and nothing is said.

use std::path::Path;
use std::sync::Arc;

use super::connection::Purpose;
use super::dialogs::Dialog;
use super::window::App;
use crate::domain::ids::{PoolId, ProjectId};
use crate::domain::wording::counted;
use crate::platform::picker::{self, Picked};
use crate::service::client::{News, Request, RequestId};
use crate::service::licenses::{Account, Ledger, ProjectLicenses};
use crate::ui::model::forms::PoolForm;
use crate::ui::route::Route;
use crate::ui::theme::Tone;

impl App {
    /// Asks for the ledger while its page is shown and may be out of date, and takes a chosen file.
    pub(super) fn follow_licenses(&mut self) {
        let page = &mut self.pages.licenses;
        if self.pages.route == Route::Licenses && page.due(&self.connection.snapshot, self.services.clock.now()) {
            let pool = page.pool;
            self.ask(Request::Licenses(pool), Purpose::Licenses);
        }
        let page = &mut self.pages.licenses;
        let pool = page.pool;
        match picker::take(&mut page.picking) {
            Some(Picked::File(file)) => drop(self.ask(Request::ExportLicenses(pool, file), Purpose::Quiet)),
            Some(Picked::NoDialog) => {
                let instead = "save it with `mailferry license history --csv > FILE`";
                self.say(Tone::Bad, format!("No file dialog opened on this computer: {instead}"));
            }
            _ => {}
        }
    }

    /// Another process changed the workspace.
    pub(super) fn news(&mut self, News { projects, pools, settings }: News) {
        (self.workspace.projects, self.workspace.pools) = (projects, pools);
        let told = settings.into_iter().map(|(name, value)| (name.to_owned(), value));
        self.workspace.settings.extend(told);
        self.pages.licenses.forget();
        self.pages.item.iter_mut().for_each(|page| page.forget());
        self.options_news();
        self.settings_known();
    }

    pub(super) fn ledger(&mut self, ledger: Ledger) {
        self.workspace.pools.clone_from(&ledger.accounts);
        self.pages.licenses.answered(ledger);
    }

    /// Shows the history of a pool, or of all.
    pub(super) fn show_pool(&mut self, pool: Option<PoolId>) {
        self.pages.licenses.pool = pool;
    }

    /// Asks for a new pool, or for more licenses in this one.
    pub(super) fn ask_pool(&mut self, pool: Option<PoolId>) {
        let of = self.workspace.pools.iter().find(|account| Some(account.pool.id) == pool);
        self.dialogs.open(Dialog::Pool(Box::new(PoolForm::new(of))));
    }

    pub(super) fn save_pool(&mut self) {
        let Some(Ok(request)) = self.dialogs.pool_form().map(|form| form.request()) else { return };
        let asked = self.ask(request, Purpose::Pool);
        if let Some(form) = self.dialogs.pool_form() {
            (form.asked, form.refused) = (asked, form.refused.take().filter(|_| asked.is_none()));
        }
    }

    /// A pool was made or has more; these are all of them.
    pub(super) fn pool_saved(&mut self, pools: Vec<Account>) {
        self.workspace.pools = pools;
        self.dialogs.close_pool();
        self.go(Route::Licenses);
    }

    /// It was not done.
    pub(super) fn pool_refused(&mut self, request: Option<RequestId>, why: String) {
        match self.dialogs.pool_form().filter(|form| form.asked == request) {
            Some(form) => (form.asked, form.refused) = (None, Some(why)),
            None => self.say(Tone::Bad, why),
        }
    }

    /// Lets a person choose where the history is saved.
    pub(super) fn export_licenses(&mut self) {
        let name = self.pages.licenses.proposed();
        let picking = self.services.picker.save("Save the history", &name, Arc::clone(&self.services.waker));
        self.pages.licenses.picking = Some(picking);
    }

    pub(super) fn licenses_exported(&mut self, entries: u64, file: &Path) {
        let entries = counted(usize::try_from(entries).unwrap_or(usize::MAX), "entry");
        self.say(Tone::Good, format!("{entries} saved as {}", file.display()));
    }

    /// Asks what the items of a project hold, for a dialog; tells whether it did.
    pub(super) fn ask_licenses(&mut self, project: ProjectId) -> bool {
        self.workspace.shows_licenses() && self.ask(Request::ProjectLicenses(project), Purpose::Quiet).is_some()
    }

    /// The dialogs that asked have their answer.
    pub(super) fn project_licenses(&mut self, project: ProjectId, licenses: &ProjectLicenses) {
        if let Some(form) = self.dialogs.start_form().filter(|form| form.project == project) {
            form.licenses = Some(licenses.clone());
        }
        if let Some(form) = self.dialogs.remove_form().filter(|form| form.project == project) {
            form.licenses_known(licenses);
        }
    }
}
