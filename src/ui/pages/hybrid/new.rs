//! The form for a new hybrid project.

use egui::{RadioButton, ScrollArea, Ui};

use super::super::Actions;
use super::super::controls::Control;
use super::super::edit_item::refused;
use super::super::keys::{self, Holder};
use super::super::new_project::{kind, license_pool};
use super::form;
use crate::domain::sign_in::Cloud;
use crate::service::hybrid::PREVIEW;
use crate::ui::action::{ActionName, Subject};
use crate::ui::model::hybrid::HybridForm;
use crate::ui::theme::{Palette, Tone, Type};
use crate::ui::widgets::field::{Choice, Field, focus_once};
use crate::ui::widgets::text::{muted, section, text};

/// Paints it.
pub fn show(ui: &mut Ui, form: &mut HybridForm) -> Actions {
    let mut actions = Actions::new();
    let holder = Holder::before(ui);
    ui.label(text(Type::Page, "New project"));
    kind(ui, true, &mut actions);
    ui.label(text(Type::Small, PREVIEW).color(Palette::of(ui).tone(Tone::Warning)));
    ui.add_space(8.0);
    // What is done with the form stays in sight below it.
    let room = ui.available_height() - if form.refused.is_some() { 84.0 } else { 48.0 };
    ScrollArea::vertical().max_height(room).auto_shrink([false, false]).show(ui, |ui| {
        ui.set_max_width(ui.available_width().min(760.0));
        ui.scope(|ui| {
            ui.set_max_width(370.0);
            let name = Field::new("Name").hint("Contoso").show(ui, &mut form.name);
            focus_once(&mut form.entered, &name);
        });
        license_pool(ui, &form.pools, &mut form.pool);
        ui.add_space(8.0);
        tenant(ui, form);
        ui.add_space(8.0);
        section(ui, "Moves");
        form::fields(ui, &mut form.fields);
        form::attributes(ui, &mut form.fields);
    });
    refused(ui, form.refused.as_deref());
    ui.add_space(12.0);
    ui.horizontal(|ui| {
        let subject = Subject::NewHybrid(form);
        Control::of(ActionName::CreateHybrid).primary().show(ui, &subject, &mut actions);
        Control::of(ActionName::LeaveHybridForm).show(ui, &subject, &mut actions);
    });
    keys::act(ui, holder, &Subject::NewHybrid(form), &mut actions);
    actions
}

/// How the tenant is signed in to.
fn tenant(ui: &mut Ui, form: &mut HybridForm) {
    section(ui, "Tenant");
    muted(
        ui,
        "Signed in to as an application with the right Exchange.ManageAsApp; the guide for administrators says how",
    );
    ui.scope(|ui| {
        ui.set_max_width(370.0);
        Field::new("Tenant").hint("contoso.onmicrosoft.com, or its id").show(ui, &mut form.tenant);
        let words = |cloud: Cloud| match cloud {
            Cloud::Global => "Global",
            Cloud::Us => "US government",
            Cloud::China => "China",
        };
        Choice { label: "Cloud", width: 156.0, words }.show(
            ui,
            &mut form.cloud,
            &[Cloud::Global, Cloud::Us, Cloud::China],
        );
        Field::new("Client id").hint("of the application's registration").show(ui, &mut form.client_id);
        ui.horizontal(|ui| {
            for (by_certificate, words) in [(false, "By a secret"), (true, "By a certificate")] {
                if ui.add(RadioButton::new(form.by_certificate == by_certificate, words)).clicked() {
                    form.by_certificate = by_certificate;
                }
            }
        });
        if form.by_certificate {
            let hint = "/path/to/mailferry.pem";
            Field::new("File with certificate and key").hint(hint).show(ui, &mut form.file);
        } else {
            Field::secret("Client secret").show(ui, &mut form.secret);
        }
    });
}
