//! The dialogs of item errors: accepting some, saving a message.

use egui::{Align, Layout, TextEdit, Ui};

use super::Actions;
use super::controls::Control;
use super::keys::{self, Holder};
use crate::domain::wording;
use crate::ui::action::{ActionName, Subject};
use crate::ui::model::forms::{AcceptForm, SaveForm, SavedThing};
use crate::ui::model::words;
use crate::ui::theme::{Palette, Tone, Type};
use crate::ui::widgets::bars;
use crate::ui::widgets::field::{Field, focus_once};
use crate::ui::widgets::text::{muted, text};

/// Accepts errors, with a note.
pub fn accept(ui: &mut Ui, form: &mut AcceptForm) -> Actions {
    let mut actions = Actions::new();
    let holder = Holder::before(ui);
    let messages = words::counted(usize::try_from(form.chosen.messages).unwrap_or(usize::MAX), "message");
    ui.label(text(Type::Page, format!("Accept {messages} as not copied")));
    ui.label(form.chosen.headline.as_str());
    muted(ui, "They no longer count as something left to do, also when a later pass meets them again");
    ui.add_space(8.0);
    let note = Field::new("Note").hint("Why, for whoever reads it later; may be empty").show(ui, &mut form.note);
    focus_once(&mut form.entered, &note);
    ui.add_space(8.0);
    let subject = Subject::Accept(form);
    ui.horizontal(|ui| {
        Control::of(ActionName::AcceptErrors).primary().show(ui, &subject, &mut actions);
        Control::of(ActionName::CloseDialog).label("Cancel").show(ui, &subject, &mut actions);
    });
    keys::act(ui, holder, &subject, &mut actions);
    actions
}

/// Saves a message or a list as a file.
pub fn save(ui: &mut Ui, form: &mut SaveForm) -> Actions {
    let mut actions = Actions::new();
    let holder = Holder::before(ui);
    match &form.thing {
        SavedThing::Message(_) => {
            ui.label(text(Type::Page, "Save message as .eml"));
            muted(ui, "It is read from the source, which is not changed; only you may read the file");
        }
        SavedThing::Table { rows, .. } => {
            ui.label(text(Type::Page, format!("Save {} as a table", words::counted(*rows, "row"))));
            muted(
                ui,
                "As CSV with headings, in the order shown, for a spreadsheet; it can be imported again; no password is in it",
            );
        }
    }
    ui.add_space(8.0);
    ui.add_enabled_ui(form.running.is_none(), |ui| {
        let label = ui.label(text(Type::Small, "File"));
        ui.horizontal(|ui| {
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                Control::of(ActionName::BrowseSave).show(ui, &Subject::Save(form), &mut actions);
                let hint = format!("/path/to/{}", form.proposed());
                let edit = TextEdit::singleline(&mut form.path).hint_text(hint);
                let field = ui.add(edit.desired_width(f32::INFINITY)).labelled_by(label.id);
                focus_once(&mut form.entered, &field);
            });
        });
        ui.checkbox(&mut form.overwrite, "Write over a file that exists");
    });
    progress(ui, form);
    if let Some(refused) = &form.refused {
        ui.label(egui::RichText::new(refused).color(Palette::of(ui).tone(Tone::Bad)));
    }
    ui.add_space(8.0);
    let subject = Subject::Save(form);
    ui.horizontal(|ui| {
        Control::of(ActionName::SaveMessage).primary().show(ui, &subject, &mut actions);
        Control::of(ActionName::CloseDialog).label("Cancel").show(ui, &subject, &mut actions);
    });
    keys::act(ui, holder, &subject, &mut actions);
    actions
}

fn progress(ui: &mut Ui, form: &SaveForm) {
    let (Some(running), SavedThing::Message(stored)) = (&form.running, &form.thing) else { return };
    let palette = Palette::of(ui);
    let (read, of) = (running.bytes(), stored.error.size.unwrap_or(0));
    ui.add_space(4.0);
    match of {
        0 => muted(ui, format!("Reading: {}", wording::size(read))),
        of => muted(ui, format!("Reading: {} of {}", wording::size(read), wording::size(of))),
    };
    let parts = [(read, palette.accent), (of.saturating_sub(read), palette.track)];
    bars::segments(ui, ui.available_width(), 8.0, &parts, palette.track);
}
