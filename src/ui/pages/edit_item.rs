//! The dialog that changes an item: its two mailboxes with their passwords, and its note.

use egui::{Align, Layout, Ui};

use super::controls::Control;
use super::keys::{self, Holder};
use super::{Actions, PageContext};
use crate::domain::edit::Records;
use crate::domain::failure::Side;
use crate::domain::wording::capital;
use crate::service::edit::PasswordState;
use crate::ui::action::{ActionName, Subject};
use crate::ui::model::forms::{EditItemForm, MailboxForm};
use crate::ui::model::words;
use crate::ui::theme::Type;
use crate::ui::widgets::field::Field;
use crate::ui::widgets::text::{muted, section, text};

/// Paints it.
pub fn show(ui: &mut Ui, page: PageContext<'_>, form: &mut EditItemForm) -> Actions {
    let mut actions = Actions::new();
    let holder = Holder::before(ui);
    ui.label(text(Type::Page, form.title()));
    ui.add_space(8.0);
    let (first, at_note) = (!std::mem::replace(&mut form.entered, true), form.at_note);
    ui.spacing_mut().item_spacing.x = 24.0;
    ui.columns(2, |columns| {
        let sides = [(Side::Source, &mut form.source), (Side::Destination, &mut form.destination)];
        for (ui, (side, form)) in columns.iter_mut().zip(sides) {
            ui.with_layout(Layout::top_down(Align::Min), |ui| {
                ui.spacing_mut().item_spacing.x = 8.0;
                mailbox(ui, page, side, form, first && !at_note && side == Side::Source);
            });
        }
    });
    ui.spacing_mut().item_spacing.x = 8.0;
    ui.add_space(8.0);
    Field::new("Contact address")
        .hint("where its owner is asked for a password, if not at the source address")
        .show(ui, &mut form.contact);
    let note = Field::new("Note").hint("VIP, call before cut-over").show(ui, &mut form.note);
    if first && at_note {
        note.request_focus();
    }
    which_mailbox(ui, &form.asks, &mut form.records);
    refused(ui, form.refused.as_deref());
    ui.add_space(12.0);
    let subject = Subject::EditItem(form);
    ui.horizontal(|ui| {
        Control::of(ActionName::SaveItem).primary().show(ui, &subject, &mut actions);
        Control::of(ActionName::CloseDialog).label("Cancel").show(ui, &subject, &mut actions);
    });
    keys::act(ui, holder, &subject, &mut actions);
    actions
}

fn mailbox(ui: &mut Ui, page: PageContext<'_>, side: Side, form: &mut MailboxForm, first: bool) {
    let lower = side.word();
    section(ui, &capital(lower));
    let address = Field::new(&format!("Address at the {lower}")).show(ui, &mut form.email);
    if first {
        address.request_focus();
    }
    let label = format!("Login name at the {lower}");
    Field::new(&label).hint("the same as the address").show(ui, &mut form.login);
    match &form.known {
        PasswordState::NotNeeded => drop(muted(ui, "No password is needed")),
        PasswordState::Administrator => drop(muted(ui, "Opened by the project's own login")),
        PasswordState::ByPerson(since) => {
            let known = since.map(|since| words::moment(since, page.now, page.zone));
            let nobody = || "Nobody has signed in yet: its page has a button for it".to_owned();
            muted(ui, known.as_deref().map_or_else(nobody, signed_in));
            if known.is_some() {
                ui.checkbox(&mut form.clear, format!("Forget the sign-in at the {lower}"));
            }
        }
        PasswordState::Missing => {
            Field::secret(&format!("Password at the {lower}")).hint("not set").show(ui, &mut form.password);
        }
        PasswordState::Known { since, giver } => {
            let from = match giver.as_str() {
                "import" => "the import",
                "owner" => "its owner",
                _ => "a consultant",
            };
            let known = format!("Set, from {from}, since {}", words::moment(*since, page.now, page.zone));
            Field::secret(&format!("Password at the {lower}")).hint("empty keeps it").show(ui, &mut form.password);
            muted(ui, known);
            ui.add_enabled_ui(form.password.is_empty(), |ui| {
                ui.checkbox(&mut form.clear, format!("Forget the password at the {lower}"));
            });
        }
    }
}

fn signed_in(since: &str) -> String {
    format!("Its owner signed in, {since}")
}

/// Asks whether mailboxes are still the ones they were (D13).
pub(super) fn which_mailbox(ui: &mut Ui, asks: &[Side], records: &mut Option<Records>) {
    if asks.is_empty() {
        return;
    }
    ui.add_space(8.0);
    let sides: Vec<&str> = asks.iter().map(|side| side.word()).collect();
    section(ui, &format!("Is it still the same mailbox at the {}?", sides.join(" and the ")));
    muted(ui, "Mail was copied already");
    ui.radio_value(records, Some(Records::Keep), "The same, under a new address or login: what was copied stays known");
    ui.radio_value(records, Some(Records::Reset), "Another one: forget what was copied, and copy everything again");
}

pub(super) fn refused(ui: &mut Ui, why: Option<&str>) {
    if let Some(why) = why {
        let color = ui.visuals().error_fg_color;
        ui.add_space(8.0);
        ui.label(egui::RichText::new(why).color(color));
    }
}
