//! The dialog with a project's mails: the text that asks beside what an owner reads.

use egui::{ScrollArea, TextEdit, Ui};

use super::Actions;
use super::asking_settings::two_columns;
use super::controls::Control;
use super::edit_item::refused;
use super::keys::{self, Holder};
use crate::domain::language::Language;
use crate::service::project_mail::values;
use crate::ui::action::{ActionName, Subject};
use crate::ui::model::forms::ProjectMailForm;
use crate::ui::theme::{Palette, Tone, Type};
use crate::ui::widgets::field::{Choice, Field};
use crate::ui::widgets::text::{muted, section, text};

/// Lines of a text that are shown at once.
const LINES: usize = 14;
/// Height of what an owner reads.
const SAMPLE: f32 = 250.0;

/// Paints it.
pub fn show(ui: &mut Ui, form: &mut ProjectMailForm) -> Actions {
    let mut actions = Actions::new();
    let holder = Holder::before(ui);
    ui.label(text(Type::Page, format!("Mails of {}", form.name)));
    ui.add_space(8.0);
    two_columns(ui, |left, right| {
        language(left, form);
        let usual = form.client_of_project.as_deref().unwrap_or("the company, as its people know it");
        Field::new("Whose mailboxes they are").hint(usual).show(right, &mut form.client);
    });
    ui.add_space(8.0);
    two_columns(ui, |left, right| {
        written(left, form);
        sample(right, form);
    });
    ui.add_space(8.0);
    section(ui, "Tell by mail how passes end");
    two_columns(ui, |left, right| {
        Field::new("Those that end well").hint("nobody").show(left, &mut form.success);
        Field::new("Those that fail").hint("nobody").show(right, &mut form.failure);
    });
    refused(ui, form.refused.as_deref());
    ui.add_space(12.0);
    let subject = Subject::ProjectMail(form);
    ui.horizontal(|ui| {
        Control::of(ActionName::SaveProjectMail).primary().show(ui, &subject, &mut actions);
        Control::of(ActionName::CloseDialog).label("Cancel").show(ui, &subject, &mut actions);
    });
    keys::act(ui, holder, &subject, &mut actions);
    actions
}

/// What a language is called.
fn word(language: Language) -> &'static str {
    match language {
        Language::English => "English",
        Language::German => "German",
        Language::French => "French",
        Language::Spanish => "Spanish",
    }
}

fn language(ui: &mut Ui, form: &mut ProjectMailForm) {
    let usual = word(form.speaks(None));
    let words = |language: Option<Language>| {
        language.map_or_else(|| format!("As in the settings ({usual})"), |one| word(one).into())
    };
    let all: Vec<Option<Language>> = std::iter::once(None).chain(Language::ALL.map(Some)).collect();
    let (before, mut chosen) = (form.language, form.language);
    Choice { label: "Language", width: 220.0, words }.show(ui, &mut chosen, &all);
    if chosen != before {
        form.speak(chosen);
    }
}

fn written(ui: &mut Ui, form: &mut ProjectMailForm) {
    let label = ui.label(text(Type::Small, "The text that asks"));
    let edit = TextEdit::multiline(&mut form.template).desired_rows(LINES).desired_width(f32::INFINITY);
    ScrollArea::vertical().id_salt("text").max_height(SAMPLE).show(ui, |ui| ui.add(edit).labelled_by(label.id));
    muted(ui, format!("{} are filled in; a line that begins with ?phone is there only if there is a phone", values()));
    if ui.button("The usual text again").clicked() {
        form.reset();
    }
}

fn sample(ui: &mut Ui, form: &ProjectMailForm) {
    ui.label(text(Type::Small, "What an owner reads"));
    let palette = Palette::of(ui);
    match form.sample() {
        Ok(sample) => {
            let frame = egui::Frame::new().fill(palette.panel).corner_radius(4).inner_margin(8);
            frame.show(ui, |ui| {
                ScrollArea::vertical().id_salt("sample").max_height(SAMPLE).auto_shrink([false, true]).show(ui, |ui| {
                    ui.label(text(Type::Small, sample));
                });
            });
        }
        Err(why) => drop(ui.label(text(Type::Small, why).color(palette.tone(Tone::Bad)))),
    }
}
