//! The field of an option: its name, its value, what it is otherwise, what is wrong with it.

use egui::{Response, TextEdit, Ui};

use crate::domain::overrides::OptionKey;
use crate::ui::model::forms::{OptionField, option_words};
use crate::ui::theme::Type;
use crate::ui::widgets::text::{muted, text};

/// Paints the option of a project; `otherwise` is its default.
pub fn of_project(ui: &mut Ui, field: &mut OptionField, otherwise: &str) -> Response {
    let (name, how) = option_words(field.key);
    if field.is_switch() {
        let line = ui.horizontal_wrapped(|ui| {
            let response = switch(ui, field, &name);
            // In one piece, if need be on the next line.
            muted(ui, format!("default\u{a0}{otherwise}"));
            response
        });
        return line.inner;
    }
    let label = ui.label(text(Type::Small, &name));
    let response = typed(ui, field).labelled_by(label.id);
    let hint = if how.is_empty() { String::new() } else { format!("{how} · ") };
    below(ui, field, format!("{hint}default {otherwise}"));
    response
}

/// Paints the option of an item: as the project, or its own.
pub fn of_item(ui: &mut Ui, field: &mut OptionField, otherwise: &str) -> Response {
    let (name, how) = option_words(field.key);
    let mut response = ui.checkbox(&mut field.own, &name);
    ui.visuals_mut().indent_has_left_vline = false;
    ui.indent(&name, |ui| {
        if !field.own {
            field.wrong = None;
            muted(ui, format!("as the project: {}", otherwise.replace("  ", ", ")));
        } else if field.is_switch() {
            response |= switch(ui, field, &format!("{name}: on"));
        } else {
            let field_name = format!("Own value: {name}");
            let typed = typed(ui, field);
            let value = field.text.clone();
            typed.widget_info(|| egui::WidgetInfo {
                label: Some(field_name.clone()),
                ..egui::WidgetInfo::text_edit(true, &value, &value, &field_name)
            });
            response |= typed;
            below(ui, field, how.to_owned());
        }
    });
    response
}

fn switch(ui: &mut Ui, field: &mut OptionField, words: &str) -> Response {
    let mut on = field.text == "on";
    let response = ui.checkbox(&mut on, words);
    field.text = if on { "on" } else { "off" }.into();
    response
}

fn typed(ui: &mut Ui, field: &mut OptionField) -> Response {
    let edit = match field.key {
        OptionKey::Map => TextEdit::multiline(&mut field.text).desired_rows(3).hint_text("none"),
        _ => TextEdit::singleline(&mut field.text),
    };
    ui.add(edit.desired_width(f32::INFINITY).id_salt(field.key))
}

/// What is wrong, else how it is written.
fn below(ui: &mut Ui, field: &OptionField, hint: String) {
    if let Some(wrong) = &field.wrong {
        let color = ui.visuals().error_fg_color;
        ui.add(egui::Label::new(text(Type::Small, wrong).color(color)).wrap());
    } else if !hint.is_empty() {
        muted(ui, hint);
    }
}
