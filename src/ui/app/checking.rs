//! Tests of connections: the dialog, and the question it asks.

use super::connection::Purpose;
use super::dialogs::Dialog;
use super::window::App;
use crate::domain::failure::Side;
use crate::domain::ids::ItemId;
use crate::domain::proposal::Proposal;
use crate::service::check::CheckOf;
use crate::service::client::{Request, RequestId};
use crate::ui::action::UserAction;
use crate::ui::model::forms::{CheckForm, Finder};
use crate::ui::theme::Tone;

impl App {
    /// Tests both sides of an item.
    pub(super) fn test_item(&mut self, item: ItemId) {
        let row = self.connection.snapshot.rows().find(|row| row.item == item);
        let Some((project, of)) = row.map(|row| (row.project, format!("{} → {}", row.source, row.destination)))
        else {
            return;
        };
        if self.workspace.is_locked(project) {
            return self.unlock_first(UserAction::TestItem(item));
        }
        self.test(of, CheckOf::Item(item));
    }

    /// Tests the servers of the dialog with a project's settings, else of the form for a new one.
    pub(super) fn test_servers(&mut self) {
        let servers = match self.dialogs.project_form() {
            Some(form) => form.testable(),
            None => self.pages.form.testable(),
        };
        let names: Vec<String> = servers.iter().map(|(_, server)| server.server.place()).collect();
        self.test(names.join(" → "), CheckOf::Servers(servers));
    }

    /// Finds settings for the address that is typed at a side.
    pub(super) fn find_settings(&mut self, side: Side) {
        let Some(email) = self.finder(side).question() else { return };
        self.finder(side).found = None;
        let asked = self.ask(Request::Find(email), Purpose::Find);
        self.finder(side).asked = asked;
    }

    /// These may fit, or nothing could be asked.
    pub(super) fn settings_found(&mut self, request: Option<RequestId>, found: &Result<Vec<Proposal>, String>) {
        match (request, found) {
            (Some(request), _) => {
                for side in [Side::Source, Side::Destination] {
                    self.finder(side).answered(request, found.clone());
                }
            }
            (None, Err(why)) => self.say(Tone::Bad, why.clone()),
            (None, Ok(_)) => {}
        }
    }

    /// Of the dialog with a project's settings, else of the form for a new one.
    fn finder(&mut self, side: Side) -> &mut Finder {
        let (source, destination) = match self.dialogs.project_form() {
            Some(form) => (&mut form.source, &mut form.destination),
            None => (&mut self.pages.form.source, &mut self.pages.form.destination),
        };
        if side == Side::Source { &mut source.finder } else { &mut destination.finder }
    }

    fn test(&mut self, of: String, what: CheckOf) {
        let form = CheckForm::new(of, matches!(what, CheckOf::Item(_)));
        let checking = form.watch(&self.services.waker);
        self.dialogs.open(Dialog::Check(Box::new(form)));
        let asked = self.ask(Request::Check(what, checking), Purpose::Check);
        if let Some(form) = self.dialogs.check() {
            form.asked = asked;
        }
    }

    /// The test has ended.
    pub(super) fn checked(&mut self, request: Option<RequestId>, end: Result<bool, String>) {
        if let Some(form) = self.dialogs.check().filter(|form| form.asked == request) {
            form.end = Some(end);
        }
    }
}
