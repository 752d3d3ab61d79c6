//! The dialog that deletes or resets items, or clears their credentials: what goes and what stays.

use egui::Ui;

use super::Actions;
use super::controls::Control;
use super::keys::{self, Holder};
use crate::ui::action::{ActionName, Subject};
use crate::ui::model::forms::{ItemRemoval, RemoveForm};
use crate::ui::model::words;
use crate::ui::theme::{Palette, Tone, Type};
use crate::ui::widgets::field::{Field, focus_once};
use crate::ui::widgets::text::text;

/// Paints it.
pub fn show(ui: &mut Ui, form: &mut RemoveForm) -> Actions {
    let mut actions = Actions::new();
    let holder = Holder::before(ui);
    ui.label(text(Type::Page, format!("{}?", form.title())));
    ui.add_space(8.0);
    ui.label(form.removal.takes());
    if let Some(lost) = &form.lost {
        ui.label(text(Type::Body, lost).color(Palette::of(ui).tone(Tone::Warning)));
    }
    for (reason, count) in &form.left {
        let line = format!("{} left alone: {reason}", words::count(*count as u64));
        ui.label(text(Type::Small, line).color(Palette::of(ui).tone(Tone::Warning)));
    }
    if form.removal == ItemRemoval::ClearCredentials {
        ui.add_space(8.0);
        ui.checkbox(&mut form.sides[0], "Clear Source Credentials");
        ui.checkbox(&mut form.sides[1], "Clear Destination Credentials");
    }
    if form.asks_number() {
        ui.add_space(8.0);
        let number = Field::new("Number of items").hint(&form.items.len().to_string()).show(ui, &mut form.typed);
        focus_once(&mut form.entered, &number);
    }
    ui.add_space(12.0);
    let subject = Subject::Remove(form);
    ui.horizontal(|ui| {
        Control::of(ActionName::Remove).label(form.title()).show(ui, &subject, &mut actions);
        Control::of(ActionName::CloseDialog).label("Cancel").primary().show(ui, &subject, &mut actions);
    });
    keys::act(ui, holder, &subject, &mut actions);
    actions
}
