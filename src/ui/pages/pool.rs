//! The dialog that makes a pool of licenses, or adds some to one.

use egui::Ui;

use super::Actions;
use super::controls::Control;
use super::edit_item::refused;
use super::keys::{self, Holder};
use crate::ui::action::{ActionName, Subject};
use crate::ui::model::forms::PoolForm;
use crate::ui::theme::Type;
use crate::ui::widgets::field::{Field, focus_once};
use crate::ui::widgets::text::{muted, text};

/// Paints it.
pub fn show(ui: &mut Ui, form: &mut PoolForm) -> Actions {
    let mut actions = Actions::new();
    let holder = Holder::before(ui);
    ui.label(text(Type::Page, form.title()));
    ui.add_space(8.0);
    if form.of.is_none() {
        new(ui, form);
    } else {
        let number = Field::new("How many").show(ui, &mut form.number);
        focus_once(&mut form.entered, &number);
        Field::new("Note").hint("such as the number of an invoice").show(ui, &mut form.note);
    }
    muted(ui, "The ledger keeps every entry: licenses are not taken out again");
    refused(ui, form.refused.as_deref());
    ui.add_space(12.0);
    let subject = Subject::Pool(form);
    ui.horizontal(|ui| {
        let words = if form.of.is_some() { "Add" } else { "Make pool" };
        Control::of(ActionName::SavePool).label(words).primary().show(ui, &subject, &mut actions);
        Control::of(ActionName::CloseDialog).label("Cancel").show(ui, &subject, &mut actions);
    });
    keys::act(ui, holder, &subject, &mut actions);
    actions
}

fn new(ui: &mut Ui, form: &mut PoolForm) {
    let name = Field::new("Name of the pool").show(ui, &mut form.terms.name);
    focus_once(&mut form.entered, &name);
    Field::new("Kind").hint("what one is good for, such as Mailbox").show(ui, &mut form.terms.kind);
    Field::new("Client").hint("for whom").show(ui, &mut form.terms.client);
    ui.add_enabled_ui(!form.unlimited, |ui| Field::new("How many").show(ui, &mut form.number));
    ui.checkbox(&mut form.unlimited, "Unlimited");
}
