//! Guides for the administrators of the organisations whose mailboxes a project moves.

use super::connection::Purpose;
use super::dialogs::Dialog;
use super::window::App;
use crate::domain::failure::Side;
use crate::domain::guide::{Guide, GuideValues};
use crate::domain::ids::ProjectId;
use crate::domain::sign_in::SignInKind;
use crate::service::client::Request;
use crate::ui::model::forms::GuideForm;

impl App {
    /// Shows the guide for a side of the project that is shown, with its mailboxes: the first side that has one.
    pub(super) fn ask_guide(&mut self) {
        let Some(project) = self.pages.project().and_then(|id| self.workspace.project(id)) else { return };
        let guide = |side| Guide::of_side(project, side).map(|guide| (side, guide));
        let found = guide(Side::Source).or_else(|| guide(Side::Destination));
        let (side, guide) = found.unwrap_or((Side::Source, Guide::Microsoft365));
        let rows = self.connection.snapshot.rows().filter(|row| row.project == project.id);
        let mailboxes = rows.map(|row| if side == Side::Source { &row.source } else { &row.destination });
        let values = GuideValues { mailboxes: mailboxes.cloned().collect(), ..GuideValues::of_side(project, side) };
        let of = (project.id, side);
        let reads_key = project.server(side).sign_in().is_some_and(|sign_in| sign_in.kind == SignInKind::GoogleService);
        self.dialogs.open(Dialog::Guide(Box::new(GuideForm { guide, of: Some(of), values })));
        if reads_key && self.workspace.vault.unlocked {
            self.ask(Request::ServiceNumber(of.0, of.1), Purpose::Quiet);
        }
    }

    /// The number of the service account that a side signs in with, where its key tells it.
    pub(super) fn number_known(&mut self, of: (ProjectId, Side), number: Option<String>) {
        if let (Some(form), Some(number)) = (self.dialogs.guide(), number) {
            form.fill_in(of, number);
        }
    }
}
