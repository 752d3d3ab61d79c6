//! The dialog with all options of a project, or with those that an item has of its own.

use egui::{Align, Layout, ScrollArea, Ui};

use super::Actions;
use super::controls::Control;
use super::edit_item::refused;
use super::keys::{self, Holder};
use super::option_fields::{of_item, of_project};
use crate::domain::overrides::OptionKey;
use crate::ui::action::{ActionName, Subject};
use crate::ui::model::forms::OptionsForm;
use crate::ui::theme::Type;
use crate::ui::widgets::text::{muted, section, text};

/// What belongs together, in two columns.
const GROUPS: [&[(&str, &[OptionKey])]; 2] = [
    &[
        ("Folders", &[OptionKey::Filter, OptionKey::Map, OptionKey::Roles, OptionKey::Subscribe]),
        ("How hard it tries", &[OptionKey::MaximumErrors, OptionKey::RetryLimit]),
        ("Times", &[OptionKey::SourceHours, OptionKey::DestinationHours, OptionKey::Zone]),
        ("Providers", &[OptionKey::SourceProvider, OptionKey::DestinationProvider]),
        ("Log", &[OptionKey::LogSubjects]),
    ],
    &[
        ("Messages", &[OptionKey::Earliest, OptionKey::Latest, OptionKey::Largest]),
        ("", &[OptionKey::SearchDuplicates, OptionKey::CarryFlags, OptionKey::NewestFirst]),
        ("", &[OptionKey::AllLabels, OptionKey::CleanMalformed]),
        ("Speed", &[OptionKey::Concurrent, OptionKey::Connections, OptionKey::ServerConnections]),
        ("", &[OptionKey::MailboxConnections, OptionKey::Rate]),
    ],
];

/// Paints it.
pub fn show(ui: &mut Ui, form: &mut OptionsForm) -> Actions {
    let mut actions = Actions::new();
    let holder = Holder::before(ui);
    ui.label(text(Type::Page, form.title()));
    muted(ui, when(form));
    ui.add_space(8.0);
    let room = (ui.ctx().content_rect().height() - 240.0).max(200.0);
    let before = form.fields.clone();
    ScrollArea::vertical().max_height(room).min_scrolled_height(room).show(ui, |ui| {
        ui.spacing_mut().item_spacing.x = 24.0;
        ui.columns(2, |columns| {
            for (ui, groups) in columns.iter_mut().zip(GROUPS) {
                ui.with_layout(Layout::top_down(Align::Min), |ui| {
                    ui.spacing_mut().item_spacing.x = 8.0;
                    groups.iter().for_each(|(heading, keys)| group(ui, form, heading, keys, &mut actions));
                });
            }
        });
    });
    if form.tried && form.fields != before && form.check() {
        form.refused = None;
    }
    refused(ui, form.refused.as_deref());
    ui.add_space(12.0);
    let subject = Subject::Options(form);
    ui.horizontal(|ui| {
        Control::of(ActionName::SaveOptions).primary().show(ui, &subject, &mut actions);
        Control::of(ActionName::CloseDialog).label("Cancel").show(ui, &subject, &mut actions);
    });
    keys::act(ui, holder, &subject, &mut actions);
    actions
}

/// When a change counts.
fn when(form: &OptionsForm) -> &'static str {
    match &form.of {
        Some(_) => {
            "What is ticked is the item's own, all else is as the project. A change counts from its next pass on"
        }
        None => "A change counts from each item's next pass on; the number of items at once counts from now on",
    }
}

fn group(ui: &mut Ui, form: &mut OptionsForm, heading: &str, keys: &[OptionKey], actions: &mut Actions) {
    if !heading.is_empty() {
        section(ui, heading);
    }
    for key in keys {
        let (otherwise, own) = (form.otherwise(*key), form.of.is_some());
        let Some(field) = form.fields.iter_mut().find(|field| field.key == *key) else { continue };
        let response = if own { of_item(ui, field, &otherwise) } else { of_project(ui, field, &otherwise) };
        if *key == form.at.unwrap_or(OptionKey::Filter) && !std::mem::replace(&mut form.entered, true) {
            response.request_focus();
            response.scroll_to_me(Some(Align::Center));
        }
        ui.add_space(2.0);
        if *key == OptionKey::Map {
            Control::of(ActionName::PreviewOptions).show(ui, &Subject::Options(form), actions);
        }
    }
    ui.add_space(8.0);
}
