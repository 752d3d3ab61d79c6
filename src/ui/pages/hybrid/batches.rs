//! The batches of a hybrid project, at the left of its users: all, Unbatched first, each with its status and counts.

use egui::{Role, ScrollArea, Sense, Ui, WidgetInfo, vec2};

use super::super::Actions;
use crate::service::hybrid::{HybridView, MoveStatus};
use crate::ui::action::{HybridAct, UserAction};
use crate::ui::model::hybrid::look::shape;
use crate::ui::model::hybrid::{Place, UsersAction, UsersPage};
use crate::ui::model::words;
use crate::ui::theme::{ICON, Palette, Type};
use crate::ui::widgets::icon;
use crate::ui::widgets::text::text;

/// Paints them.
pub fn show(ui: &mut Ui, view: &HybridView, page: &UsersPage, actions: &mut Actions) {
    ScrollArea::vertical().id_salt("batches").auto_shrink([false, false]).show(ui, |ui| {
        ui.spacing_mut().item_spacing.y = 2.0;
        let unbatched = view.users.iter().filter(|user| user.batch.is_none()).count();
        let all =
            Entry { place: Place::All, name: "All users", status: None, line: words::count(view.users.len() as u64) };
        let none =
            Entry { place: Place::Unbatched, name: "Unbatched", status: None, line: words::count(unbatched as u64) };
        for one in [all, none] {
            entry(ui, &one, page, actions);
        }
        for line in &view.batches {
            let progress = &line.progress;
            let done = format!("{} of {}", words::count(progress.completed), words::count(progress.users));
            let one = Entry {
                place: Place::Batch(line.batch.id),
                name: &line.batch.name,
                status: Some(line.status),
                line: format!("{done} · {} %", progress.percent),
            };
            entry(ui, &one, page, actions);
        }
    });
}

struct Entry<'a> {
    place: Place,
    name: &'a str,
    /// Of a batch.
    status: Option<MoveStatus>,
    /// Its counts.
    line: String,
}

fn entry(ui: &mut Ui, one: &Entry<'_>, page: &UsersPage, actions: &mut Actions) {
    let palette = Palette::of(ui);
    let high = if one.status.is_some() { 58.0 } else { 28.0 };
    let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), high), Sense::click());
    let here = page.place == one.place;
    let fill = match (here, response.hovered() || response.has_focus()) {
        (true, _) => Some(palette.selected),
        (false, true) => Some(palette.hover),
        (false, false) => None,
    };
    if let Some(fill) = fill {
        ui.painter().rect_filled(rect, 4.0, fill);
    }
    let line = |ui: &Ui, words: &str, kind: Type, wide: f32| {
        egui::WidgetText::from(text(kind, words)).into_galley(
            ui,
            Some(egui::TextWrapMode::Truncate),
            wide,
            egui::TextStyle::Body,
        )
    };
    let (left, right) = (rect.left() + 8.0, rect.right() - 8.0);
    let name = line(ui, one.name, if here { Type::SmallStrong } else { Type::Small }, right - left - 40.0);
    ui.painter().galley(egui::pos2(left, rect.top() + 6.0), name, palette.text);
    let counts = line(ui, &one.line, Type::Small, right - left);
    match one.status {
        None => {
            let at = egui::pos2(right - counts.size().x, rect.top() + 6.0);
            ui.painter().galley(at, counts, palette.muted);
        }
        Some(status) => {
            let (shape, tone) = shape(status);
            let color = palette.tone(tone);
            let spot = egui::Rect::from_min_size(egui::pos2(left, rect.top() + 22.0), egui::Vec2::splat(ICON));
            icon::paint(ui.painter(), spot, shape, color, fill.unwrap_or(palette.page));
            let word = line(ui, status.word(), Type::Small, right - left - ICON - 6.0);
            ui.painter().galley(egui::pos2(left + ICON + 6.0, rect.top() + 22.0), word, color);
            ui.painter().galley(egui::pos2(left, rect.top() + 38.0), counts, palette.muted);
        }
    }
    let said = match one.status {
        Some(status) => format!("{}: {}, {}", one.name, status.word(), one.line),
        None => format!("{}: {}", one.name, one.line),
    };
    response.widget_info(|| WidgetInfo::selected(Role::Button, true, here, &said));
    if response.on_hover_cursor(egui::CursorIcon::PointingHand).clicked() {
        actions.push(UserAction::Hybrid(HybridAct::Users(UsersAction::Place(one.place))));
    }
}
