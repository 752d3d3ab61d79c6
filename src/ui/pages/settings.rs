//! The page of settings: what holds for all projects.

use egui::Ui;

use super::Actions;
use super::controls::Control;
use super::keys::{self, Holder};
use crate::ui::action::{ActionName, Screen, Subject, UserAction};
use crate::ui::theme::Type;
use crate::ui::widgets::text::{muted, section, text};

const SUBJECT: Subject<'_> = Subject::Nothing(Screen::Settings);

/// Paints it; `awake` tells whether the computer is kept awake, `licenses` whether they have a page of their own.
pub fn show(ui: &mut Ui, awake: bool, licenses: bool) -> Actions {
    let mut actions = Actions::new();
    keys::act(ui, Holder::before(ui), &SUBJECT, &mut actions);
    ui.label(text(Type::Page, "Settings"));
    muted(ui, "For all projects of this workspace");
    ui.add_space(12.0);
    section(ui, "This computer");
    let mut on = awake;
    if ui.checkbox(&mut on, "Keep this computer awake while migrations run").changed() {
        actions.push(UserAction::KeepAwake(on));
    }
    muted(
        ui,
        "It does not fall asleep by itself then; its screen may go dark. If it sleeps all the same, passes go on when it wakes",
    );
    if !licenses {
        ui.add_space(16.0);
        section(ui, "Licenses");
        muted(
            ui,
            "There is one unlimited pool, of which nothing is said. A second one has a page with a history to bill from",
        );
        ui.add_space(4.0);
        Control::of(ActionName::NewPool).show(ui, &SUBJECT, &mut actions);
    }
    actions
}
