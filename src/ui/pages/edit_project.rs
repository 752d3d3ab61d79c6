//! The dialog with a project's settings: its name and how much runs at once, and at rest its servers.

use egui::{Align, Layout, ScrollArea, Ui};

use super::controls::Control;
use super::edit_item::{refused, which_mailbox};
use super::keys::{self, Holder};
use super::new_project::{CLIENT, license_pool, side};
use super::{Actions, PageContext};
use crate::domain::failure::Side;
use crate::ui::action::{ActionName, Subject};
use crate::ui::model::forms::EditProjectForm;
use crate::ui::theme::Type;
use crate::ui::widgets::field::Field;
use crate::ui::widgets::text::{muted, text};

/// Paints it.
pub fn show(ui: &mut Ui, page: PageContext<'_>, form: &mut EditProjectForm) -> Actions {
    let mut actions = Actions::new();
    let holder = Holder::before(ui);
    let project = form.before.id;
    let runs = page.snapshot.rows().any(|row| row.project == project && row.status.is_active());
    ui.label(text(Type::Page, "Project settings"));
    ui.add_space(8.0);
    let room = (ui.ctx().content_rect().height() - 220.0).max(200.0);
    ScrollArea::vertical().max_height(room).min_scrolled_height(room).show(ui, |ui| {
        let first = !std::mem::replace(&mut form.entered, true);
        ui.columns(2, |columns| {
            let [left, right] = columns else { return };
            let name = Field::new("Name").show(left, &mut form.name);
            if first && form.host_of.is_none() {
                name.request_focus();
            }
            Field::new("Client").hint(CLIENT).show(right, &mut form.client);
        });
        ui.columns(2, |columns| {
            Field::new("Items migrating at once").show(&mut columns[0], &mut form.concurrent);
            Field::new("Connections per mailbox and side").show(&mut columns[1], &mut form.connections);
        });
        muted(ui, "The number at once counts from now on, the rest when a worker takes an item");
        license_pool(ui, &form.pools, &mut form.pool);
        ui.add_space(8.0);
        if runs {
            muted(ui, "Servers and logins can be changed when no item is Queued, Migrating or Stopping");
        }
        ui.add_enabled_ui(!runs, |ui| servers(ui, form, first, &mut actions));
    });
    which_mailbox(ui, &form.asks, &mut form.records);
    refused(ui, form.refused.as_deref());
    ui.add_space(12.0);
    let subject = Subject::EditProject(form);
    ui.horizontal(|ui| {
        Control::of(ActionName::SaveProject).primary().show(ui, &subject, &mut actions);
        Control::of(ActionName::TestServers).show(ui, &subject, &mut actions);
        Control::of(ActionName::CloseDialog).label("Cancel").show(ui, &subject, &mut actions);
    });
    keys::act(ui, holder, &subject, &mut actions);
    actions
}

/// Both sides; `first` when the dialog opens.
fn servers(ui: &mut Ui, form: &mut EditProjectForm, first: bool, actions: &mut Actions) {
    ui.spacing_mut().item_spacing.x = 24.0;
    ui.columns(2, |columns| {
        let (tried, host_of) = (form.tried, form.host_of.filter(|_| first));
        let sides = [
            (Side::Source, "Mail is only read here; nothing changes", &mut form.source),
            (Side::Destination, "Mail is added here; what is there stays", &mut form.destination),
        ];
        for (ui, (at, hint, form)) in columns.iter_mut().zip(sides) {
            let host =
                ui.with_layout(Layout::top_down(Align::Min), |ui| side(ui, (at, hint), form, tried, actions)).inner;
            if host_of == Some(at) {
                host.request_focus();
            }
        }
    });
    ui.spacing_mut().item_spacing.x = 8.0;
}
