//! The page of settings: what holds for all projects.

use egui::{ScrollArea, Ui};

use super::controls::Control;
use super::keys::{self, Holder};
use super::{Actions, asking_settings};
use crate::ui::action::{ActionName, Subject, UserAction};
use crate::ui::model::settings_page::SettingsPage;
use crate::ui::theme::{Type, WIDE_DIALOG};
use crate::ui::widgets::text::{muted, section, text};

/// Paints it; `awake` tells whether the computer is kept awake, `licenses` whether they have a page of their own.
pub fn show(ui: &mut Ui, page: &mut SettingsPage, awake: bool, licenses: bool) -> Actions {
    let mut actions = Actions::new();
    let holder = Holder::before(ui);
    ui.label(text(Type::Page, "Settings"));
    muted(ui, "For all projects of this workspace");
    ui.add_space(12.0);
    ScrollArea::vertical().auto_shrink([false, false]).show(ui, |ui| {
        ui.set_max_width(ui.available_width().min(WIDE_DIALOG));
        this_computer(ui, awake, &mut actions);
        if !licenses {
            pools(ui, page, &mut actions);
        }
        ui.add_space(16.0);
        asking_settings::mail(ui, page, &mut actions);
        ui.add_space(16.0);
        asking_settings::who(ui, page);
        ui.add_space(16.0);
        asking_settings::form(ui, page, &mut actions);
        ui.add_space(16.0);
        let subject = Subject::Settings(page);
        ui.horizontal(|ui| {
            Control::of(ActionName::SaveSettings).primary().show(ui, &subject, &mut actions);
            Control::of(ActionName::UndoSettings).show(ui, &subject, &mut actions);
        });
        asking_settings::said(ui, &page.saved);
    });
    keys::act(ui, holder, &Subject::Settings(page), &mut actions);
    actions
}

fn this_computer(ui: &mut Ui, awake: bool, actions: &mut Actions) {
    section(ui, "This computer");
    let mut on = awake;
    if ui.checkbox(&mut on, "Keep this computer awake while migrations run").changed() {
        actions.push(UserAction::KeepAwake(on));
    }
    muted(
        ui,
        "It does not fall asleep by itself then; its screen may go dark. If it sleeps all the same, passes go on when it wakes",
    );
}

fn pools(ui: &mut Ui, page: &SettingsPage, actions: &mut Actions) {
    ui.add_space(16.0);
    section(ui, "Licenses");
    muted(
        ui,
        "There is one unlimited pool, of which nothing is said. A second one has a page with a history to bill from",
    );
    ui.add_space(4.0);
    Control::of(ActionName::NewPool).show(ui, &Subject::Settings(page), actions);
}
