//! Text and small controls in the sizes of the theme.

use egui::{Align, Color32, Label, Layout, Response, RichText, Role, Sense, Ui, WidgetInfo, vec2};

use super::icon::{self, Icon};
use crate::domain::plain_text::shown;
use crate::ui::theme::{ICON, Palette, Type, font};

/// A text of some size in the colour of text. Whatever is in it, it steers nothing: characters that show nothing or turn others
/// round become blanks.
pub fn text(kind: Type, text: impl Into<String>) -> RichText {
    let text = text.into();
    let text = if text.is_ascii() && !text.contains(|c: char| c.is_ascii_control() && c != '\n') {
        text
    } else {
        text.split('\n').map(shown).collect::<Vec<_>>().join("\n")
    };
    RichText::new(text).font(font(kind))
}

/// A muted line.
pub fn muted(ui: &mut Ui, words: impl Into<String>) -> Response {
    let color = Palette::of(ui).muted;
    ui.add(Label::new(text(Type::Small, words).color(color)).wrap())
}

/// A line that is cut with "…" where it does not fit, and shown whole under the pointer.
pub fn cut(ui: &mut Ui, words: RichText) -> Response {
    ui.add(Label::new(words).truncate())
}

/// A name on one line, cut in its middle where it does not fit (folders of a mailbox differ at their ends) and shown whole under
/// the pointer.
pub fn cut_middle(ui: &mut Ui, kind: Type, name: &str, color: Color32) -> Response {
    let whole = text(kind, name).text().to_owned();
    let wide =
        |words: &str| ui.fonts_mut(|fonts| fonts.layout_no_wrap(words.to_owned(), font(kind), Color32::BLACK).size().x);
    let room = ui.available_width();
    let (letters, needed) = (whole.chars().count(), wide(&whole));
    if needed <= room || letters < 3 {
        return cut(ui, text(kind, whole).color(color));
    }
    let mut kept = ((letters as f32) * room / needed) as usize;
    let parts = |kept: usize| {
        let head: String = whole.chars().take(kept / 2).collect();
        let tail: String = whole.chars().skip(letters - (kept - kept / 2)).collect();
        format!("{head}…{tail}")
    };
    let mut short = parts(kept.min(letters - 1));
    while kept > 2 && wide(&short) > room {
        kept -= 1;
        short = parts(kept.min(letters - 1));
    }
    let response = ui.add(Label::new(text(kind, short).color(color)).truncate());
    response.widget_info(|| WidgetInfo::labeled(Role::Label, true, &whole));
    response.on_hover_text(whole)
}

/// A figure at the right edge of its cell.
pub fn figure(ui: &mut Ui, words: impl Into<String>, color: Option<Color32>) {
    let color = color.unwrap_or(Palette::of(ui).text);
    ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
        ui.add(Label::new(text(Type::Small, words).color(color)));
    });
}

/// Texts in columns of these widths, the first at the left, figures at the right edge of theirs.
pub fn columns(ui: &mut Ui, wide: &[f32], cells: &[&str], kind: Type, color: Color32) {
    ui.horizontal(|ui| {
        ui.spacing_mut().item_spacing.x = 8.0;
        ui.spacing_mut().interact_size.y = 0.0;
        for (at, (cell, wide)) in cells.iter().zip(wide).enumerate() {
            let layout =
                if at == 0 { Layout::left_to_right(Align::Center) } else { Layout::right_to_left(Align::Center) };
            ui.allocate_ui_with_layout(vec2(*wide, 18.0), layout, |ui| {
                ui.set_min_width(*wide);
                // An empty label would be a stop for screen readers that says nothing.
                if !cell.is_empty() {
                    ui.label(text(kind, *cell).color(color));
                }
            });
        }
    });
}

/// A button that copies a text.
pub fn copy(ui: &mut Ui, words: &str, content: impl FnOnce() -> String) {
    let muted = Palette::of(ui).muted;
    let button = ui.add(egui::Button::new(text(Type::Small, words).color(muted)));
    if button.clicked() {
        ui.copy_text(content());
    }
}

/// A heading of a section.
pub fn section(ui: &mut Ui, words: &str) {
    ui.label(text(Type::Section, words));
}

/// The button of what the page is for.
pub fn primary(ui: &mut Ui, enabled: bool, words: impl Into<String>) -> Response {
    let palette = Palette::of(ui);
    let words = RichText::new(words);
    if enabled {
        let button = egui::Button::new(words.color(palette.on_accent)).fill(palette.accent);
        let response = ui.add(button.stroke(egui::Stroke::new(1.0, palette.accent)));
        if response.has_focus() {
            // Its edge has the colour of its ground.
            let ring = egui::Stroke::new(2.0, palette.accent);
            ui.painter().rect_stroke(response.rect.expand(2.0), 6.0, ring, egui::StrokeKind::Outside);
        }
        response
    } else {
        ui.add_enabled(false, egui::Button::new(words))
    }
}

/// A link that is an icon and a word; `name` is what a screen reader says.
pub fn badge(ui: &mut Ui, icon: Icon, words: &str, color: Color32, name: &str) -> Response {
    let galley = egui::WidgetText::from(text(Type::Small, words).color(color));
    let wide = (ui.available_width() - ICON - 6.0).max(20.0);
    let galley = galley.into_galley(ui, Some(egui::TextWrapMode::Truncate), wide, egui::TextStyle::Body);
    let size = vec2(ICON + 6.0 + galley.size().x, ui.available_height().min(24.0).max(galley.size().y));
    let (rect, response) = ui.allocate_exact_size(size, Sense::click());
    let ground = ui.visuals().panel_fill;
    let spot = egui::Rect::from_center_size(rect.left_center() + vec2(ICON / 2.0, 0.0), egui::Vec2::splat(ICON));
    icon::paint(ui.painter(), spot, icon, color, ground);
    let at = egui::pos2(rect.left() + ICON + 6.0, rect.center().y - galley.size().y / 2.0);
    if response.hovered() || response.has_focus() {
        let y = at.y + galley.size().y;
        ui.painter().hline(at.x..=at.x + galley.size().x, y, egui::Stroke::new(1.0, color));
    }
    ui.painter().galley(at, std::sync::Arc::clone(&galley), color);
    response.widget_info(|| WidgetInfo::labeled(Role::Link, true, name));
    let response = if galley.elided { response.on_hover_text(words) } else { response };
    response.on_hover_cursor(egui::CursorIcon::PointingHand)
}

/// A field's history of typing is forgotten: it would keep what is secret beyond the form, for Ctrl+Z to bring it back.
pub fn forget_typing(ui: &Ui, field: &Response) {
    if let Some(mut state) = egui::text_edit::TextEditState::load(ui.ctx(), field.id) {
        state.clear_undoer();
        state.store(ui.ctx(), field.id);
    }
}
