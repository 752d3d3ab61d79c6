//! The dialog that carries out the advice of a failure.

use egui::Ui;

use super::Actions;
use super::controls::Control;
use super::keys::{self, Holder};
use crate::domain::certificate::SeenCertificate;
use crate::ui::action::{ActionName, Subject};
use crate::ui::model::forms::{Correction, RemedyForm, mapped};
use crate::ui::theme::{Palette, Type};
use crate::ui::widgets::field::Field;
use crate::ui::widgets::text::{muted, text};

/// Paints it.
pub fn show(ui: &mut Ui, form: &mut RemedyForm) -> Actions {
    let mut actions = Actions::new();
    let holder = Holder::before(ui);
    let first = !std::mem::replace(&mut form.entered, true);
    let word = match &mut form.what {
        Correction::Password { whose, password, .. } => {
            ui.label(text(Type::Page, "Correct login"));
            muted(ui, whose.as_str());
            ui.add_space(8.0);
            let field = Field::secret("New password").show(ui, password);
            if first {
                field.request_focus();
            }
            muted(ui, "It goes into the vault; the one before is removed from it");
            "Keep password"
        }
        Correction::Pin { host, seen, .. } => {
            ui.label(text(Type::Page, "Pin this certificate"));
            muted(ui, format!("{host} shows a certificate that this machine cannot verify"));
            ui.add_space(8.0);
            certificate(ui, seen.as_ref());
            "Trust exactly this one"
        }
        Correction::Map { folder, rule } => {
            ui.label(text(Type::Page, "Map folder"));
            muted(ui, format!("The destination refuses the folder \"{folder}\": give it another name there"));
            ui.add_space(8.0);
            let field = Field::new("Rule: ^Source->Destination").show(ui, rule);
            if first {
                field.request_focus();
            }
            match mapped(folder, rule) {
                Ok(name) => drop(muted(ui, format!("\"{folder}\" becomes \"{name}\", in all items of this project"))),
                Err(why) => drop(ui.label(text(Type::Small, why).color(ui.visuals().error_fg_color))),
            }
            "Add this rule"
        }
    };
    if let Some(refused) = &form.refused {
        ui.label(text(Type::Body, refused).color(ui.visuals().error_fg_color));
    }
    ui.add_space(8.0);
    let subject = Subject::Remedy(form);
    ui.horizontal(|ui| {
        Control::of(ActionName::Correct).label(word).primary().show(ui, &subject, &mut actions);
        Control::of(ActionName::CloseDialog).label("Cancel").show(ui, &subject, &mut actions);
    });
    keys::act(ui, holder, &subject, &mut actions);
    actions
}

/// What a person compares before trusting it.
fn certificate(ui: &mut Ui, seen: Option<&SeenCertificate>) {
    let Some(seen) = seen else {
        muted(ui, "Looking at it; no password is sent…");
        return;
    };
    let color = Palette::of(ui).muted;
    let unknown = |words: &str| if words.is_empty() { "not readable".to_owned() } else { words.to_owned() };
    for (name, words) in [("For", &seen.subject), ("Issued by", &seen.issuer), ("Valid until", &seen.expires)] {
        ui.horizontal(|ui| {
            ui.label(text(Type::Small, name).color(color));
            ui.label(text(Type::Small, unknown(words)));
        });
    }
    ui.label(text(Type::Small, "Fingerprint (SHA-256)").color(color));
    ui.add(egui::Label::new(text(Type::Mono, seen.fingerprint_text())).wrap().selectable(true));
    ui.add_space(4.0);
    ui.label("Compare the fingerprint with the server's administrator by another way than this connection");
}
