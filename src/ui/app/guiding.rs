//! Guides for the administrators of the organisations whose mailboxes a project moves.

use super::connection::Purpose;
use super::dialogs::Dialog;
use super::window::App;
use crate::domain::failure::Side;
use crate::domain::guide::{Guide, GuideValues};
use crate::domain::ids::ProjectId;
use crate::domain::sign_in::SignInKind;
use crate::service::client::Request;
use crate::ui::model::forms::{GuideForm, GuideSide};

impl App {
    /// Shows the guides for both sides of the project that is shown, with their mailboxes: the first side that has one first.
    pub(super) fn ask_guide(&mut self) {
        let Some(project) = self.pages.project().and_then(|id| self.workspace.project(id)).cloned() else { return };
        let sides = [Side::Source, Side::Destination].map(|side| {
            let rows = self.connection.snapshot.rows().filter(|row| row.project == project.id);
            let mailboxes = rows.map(|row| if side == Side::Source { &row.source } else { &row.destination });
            let values =
                GuideValues { mailboxes: mailboxes.cloned().collect(), ..GuideValues::of_side(&project, side) };
            let server = project.server(side).name().to_owned();
            GuideSide { fits: Guide::of_side(&project, side), server, values }
        });
        self.dialogs.open(Dialog::Guide(Box::new(GuideForm::of_sides(project.id, sides))));
        let is_service =
            |side: &Side| project.server(*side).sign_in().is_some_and(|of| of.kind == SignInKind::GoogleService);
        for side in [Side::Source, Side::Destination].into_iter().filter(is_service) {
            if self.workspace.vault.unlocked {
                self.ask(Request::ServiceNumber(project.id, side), Purpose::Quiet);
            }
        }
    }

    /// The number of the service account that a side signs in with, where its key tells it.
    pub(super) fn number_known(&mut self, of: (ProjectId, Side), number: Option<String>) {
        if let (Some(form), Some(number)) = (self.dialogs.guide(), number) {
            form.fill_in(of, number);
        }
    }
}
