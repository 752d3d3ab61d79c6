//! What stands in place of the pages when there is no workspace.

use egui::Ui;

use super::Actions;
use super::controls::Control;
use crate::platform::lock::Owner;
use crate::ui::action::{ActionName, Screen, Subject};
use crate::ui::theme::Type;
use crate::ui::widgets::text::text;

/// Another process runs the engine of this workspace.
pub fn in_use(ui: &mut Ui, owner: Option<&Owner>) -> Actions {
    ui.label(text(Type::Page, "This workspace is in use"));
    let who = owner.map_or_else(|| "by another process".to_owned(), ToString::to_string);
    ui.label(format!("It is open {who}. Only one Mailferry at a time may work with it"));
    ui.label("Close the other one, then try again, or start Mailferry with another --data folder");
    retry(ui)
}

/// The workspace cannot be opened.
pub fn broken(ui: &mut Ui, why: &str) -> Actions {
    ui.label(text(Type::Page, "The workspace cannot be opened"));
    ui.label(why);
    retry(ui)
}

fn retry(ui: &mut Ui) -> Actions {
    let mut actions = Actions::new();
    let subject = Subject::Nothing(Screen::Unopened);
    ui.add_space(12.0);
    ui.horizontal(|ui| {
        Control::of(ActionName::TryAgain).primary().show(ui, &subject, &mut actions);
        Control::of(ActionName::Quit).show(ui, &subject, &mut actions);
    });
    actions
}
