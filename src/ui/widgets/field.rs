//! Fields of forms: a label above what is typed or chosen, and what is wrong with it below.

use egui::{ComboBox, Id, Popup, Rect, Response, TextEdit, Ui};

use super::text::{forget_typing, text};
use crate::ui::theme::Type;

/// A field that is typed into.
#[derive(Clone, Copy)]
pub struct Field<'a> {
    label: &'a str,
    hint: &'a str,
    secret: bool,
    wrong: Option<&'a str>,
}

impl<'a> Field<'a> {
    /// A field with this label.
    pub fn new(label: &'a str) -> Self {
        Self { label, hint: "", secret: false, wrong: None }
    }

    /// A field whose letters are not shown, nor kept beyond the form.
    pub fn secret(label: &'a str) -> Self {
        Self { secret: true, ..Self::new(label) }
    }

    /// What stands in it while it is empty.
    pub fn hint(self, hint: &'a str) -> Self {
        Self { hint, ..self }
    }

    /// What is wrong with what was typed.
    pub fn wrong(self, wrong: Option<&'a str>) -> Self {
        Self { wrong, ..self }
    }

    /// Paints it.
    pub fn show(self, ui: &mut Ui, value: &mut String) -> Response {
        ui.vertical(|ui| {
            let name = ui.label(text(Type::Small, self.label));
            let edit = TextEdit::singleline(value).hint_text(self.hint).password(self.secret);
            let response = ui.add(edit.desired_width(f32::INFINITY)).labelled_by(name.id);
            if self.secret {
                forget_typing(ui, &response);
            }
            if let Some(wrong) = self.wrong {
                let color = ui.visuals().error_fg_color;
                ui.label(text(Type::Small, wrong).color(color));
            }
            let whole = ui.min_rect();
            bring_into_view(ui, &response, self.wrong.is_some(), whole);
            response
        })
        .inner
    }
}

/// Scrolls to a field when it has just been found to be wrong: to the first one, if several are.
fn bring_into_view(ui: &Ui, field: &Response, is_wrong: bool, whole: Rect) {
    let (pass, scrolled) = (ui.ctx().cumulative_pass_nr(), Id::unique("scrolled to a wrong field"));
    let was_wrong = ui.data_mut(|data| std::mem::replace(data.get_temp_mut_or_default::<bool>(field.id), is_wrong));
    if is_wrong && !was_wrong && ui.data_mut(|data| data.get_temp::<u64>(scrolled)) != Some(pass) {
        ui.data_mut(|data| data.insert_temp(scrolled, pass));
        ui.scroll_to_rect(whole, None);
    }
}

/// Gives the keyboard to a field when its form is painted for the first time.
pub fn focus_once(entered: &mut bool, field: &Response) {
    if !std::mem::replace(entered, true) {
        field.request_focus();
    }
}

/// A list that opens below its button; answers which of its entries was chosen. Whoever uses the keyboard stands on the entry that
/// holds when it opens, and on the button when one was chosen; a list that the keyboard has left closes.
pub fn drop_down<W: Into<egui::WidgetText>>(
    ui: &mut Ui,
    combo: ComboBox<'_>,
    label: Id,
    entries: impl Iterator<Item = (bool, W)>,
) -> Option<usize> {
    let (mut chosen, mut ids, mut current) = (None, Vec::new(), None);
    let shown = combo.show_ui(ui, |ui| {
        for (at, (on, words)) in entries.enumerate() {
            let entry = ui.selectable_label(on, words);
            ids.push(entry.id);
            current = current.or(on.then_some(entry.id));
            if entry.clicked() {
                chosen = Some(at);
                ui.close();
            }
        }
    });
    let button = shown.response.labelled_by(label);
    let open = button.id.with("open");
    let was_open = ui.data_mut(|data| std::mem::replace(data.get_temp_mut_or_default::<bool>(open), !ids.is_empty()));
    if chosen.is_some() {
        button.request_focus();
    } else if let Some(current) = current.filter(|_| !was_open) {
        ui.memory_mut(|memory| memory.request_focus(current));
    } else if !ids.is_empty() {
        let focused = ui.memory(|memory| memory.focused());
        if focused.is_some_and(|id| id != button.id && !ids.contains(&id)) {
            Popup::close_all(ui.ctx());
        }
    }
    chosen
}

/// How high a list of choices may be: seven are seen at once.
const LIST: f32 = 280.0;

/// One of several.
pub struct Choice<'a, F> {
    /// Its label.
    pub label: &'a str,
    /// How wide its box is.
    pub width: f32,
    /// What each of them is called.
    pub words: F,
}

impl<F> Choice<'_, F> {
    /// Paints it.
    pub fn show<T: Copy + PartialEq, W: Into<egui::WidgetText>>(self, ui: &mut Ui, value: &mut T, all: &[T])
    where
        F: Fn(T) -> W,
    {
        let words = self.words;
        ui.vertical(|ui| {
            let name = ui.label(text(Type::Small, self.label));
            let combo = ComboBox::from_id_salt(self.label).width(self.width).height(LIST);
            let combo = combo.selected_text(words(*value));
            let entries = all.iter().map(|one| (one == value, words(*one)));
            if let Some(one) = drop_down(ui, combo, name.id, entries).and_then(|at| all.get(at)) {
                *value = *one;
            }
        });
    }
}
