//! The page of settings: what holds for all projects.

use egui::{Align, Layout, ScrollArea, ThemePreference, Ui};

use super::controls::Control;
use super::keys::{self, Holder};
use super::{Actions, asking_settings};
use crate::ui::action::{ActionName, Subject, UserAction};
use crate::ui::model::settings_page::SettingsPage;
use crate::ui::theme::{Type, WIDE_DIALOG};
use crate::ui::widgets::field::Choice;
use crate::ui::widgets::text::{muted, section, text};

/// What the window can look like.
const THEMES: [(ThemePreference, &str); 3] =
    [(ThemePreference::System, "As the system"), (ThemePreference::Light, "Light"), (ThemePreference::Dark, "Dark")];
/// Per cent.
const ZOOMS: [u32; 8] = [80, 90, 100, 110, 125, 150, 175, 200];

/// Paints it; `awake` tells whether the computer is kept awake, `licenses` whether they have a page of their own.
pub fn show(ui: &mut Ui, page: &mut SettingsPage, awake: bool, licenses: bool) -> Actions {
    let mut actions = Actions::new();
    let holder = Holder::before(ui);
    ui.horizontal(|ui| {
        ui.set_max_width(ui.available_width().min(WIDE_DIALOG));
        ui.label(text(Type::Page, "Settings"));
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            let subject = Subject::Settings(page);
            Control::of(ActionName::UndoSettings).show(ui, &subject, &mut actions);
            Control::of(ActionName::SaveSettings).primary().show(ui, &subject, &mut actions);
            asking_settings::said(ui, &page.saved);
        });
    });
    muted(ui, "For all projects of this workspace");
    ui.add_space(12.0);
    ScrollArea::vertical().auto_shrink([false, false]).show(ui, |ui| {
        ui.set_max_width(ui.available_width().min(WIDE_DIALOG));
        this_computer(ui, awake, &mut actions);
        ui.add_space(16.0);
        appearance(ui, &mut actions);
        if !licenses {
            pools(ui, page, &mut actions);
        }
        ui.add_space(16.0);
        asking_settings::mail(ui, page, &mut actions);
        ui.add_space(16.0);
        asking_settings::who(ui, page);
        ui.add_space(16.0);
        asking_settings::form(ui, page, &mut actions);
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

/// Light or dark, and how large.
fn appearance(ui: &mut Ui, actions: &mut Actions) {
    section(ui, "Appearance");
    let before = ui.ctx().options(|options| options.theme_preference);
    ui.horizontal(|ui| {
        for (preference, words) in THEMES {
            if ui.radio(before == preference, words).clicked() {
                actions.push(UserAction::Appearance(preference));
            }
        }
    });
    let zoom = (ui.ctx().zoom_factor() * 100.0).round() as u32;
    let mut chosen = zoom;
    let words = |zoom: u32| format!("{zoom} %");
    // One that the keyboard has set stands among them.
    let mut all = ZOOMS.to_vec();
    all.push(zoom);
    all.sort_unstable();
    all.dedup();
    Choice { label: "Zoom", width: 96.0, words }.show(ui, &mut chosen, &all);
    muted(ui, "Ctrl + and Ctrl – change it on every page, Ctrl 0 takes it back");
    if chosen != zoom {
        actions.push(UserAction::Zoom(chosen));
    }
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
