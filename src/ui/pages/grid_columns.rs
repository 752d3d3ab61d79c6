//! How wide the columns of the item grid are, and the marks of an item's passes.

use egui::{Align, Layout, Response, Role, Sense, Ui, WidgetInfo};

use crate::engine::snapshot::ItemRow;
use crate::ui::model::grid::{Column, Grid};
use crate::ui::model::look;
use crate::ui::theme::{ICON, NARROW, Palette, Type, WIDE, font};
use crate::ui::widgets::icon;

/// Widths of columns: what is happening takes the rest.
#[derive(Clone, Copy, Debug)]
pub(super) struct Widths {
    pub name: f32,
    pub status: f32,
    pub messages: f32,
    pub data: f32,
    pub errors: f32,
    pub since: f32,
}

/// The name takes no more than the longest one needs.
pub(super) fn widths(room: f32, brief: bool, longest: usize) -> Widths {
    let of = |[name, status, messages, data, errors, since]: [f32; 6]| Widths {
        name,
        status,
        messages,
        data,
        errors,
        since,
    };
    let wide = of(match (room, brief) {
        (..TINY, _) => [120.0, 104.0, 0.0, 64.0, 0.0, 0.0],
        (..NARROW, _) => [170.0, 132.0, 104.0, 68.0, 0.0, 0.0],
        // "Submitted (will start in 10 hours)" is whole.
        (..WIDE, true) => [214.0, 222.0, 104.0, 68.0, 46.0, 70.0],
        (..WIDE, false) => [310.0, 200.0, 104.0, 68.0, 46.0, 70.0],
        (_, _) => [480.0, 220.0, 132.0, 92.0, 64.0, 96.0],
    });
    if brief && room < WIDE {
        return wide; // its heading says the domains
    }
    let needed = (longest as f32 * LETTER + ICON + 12.0).max(LEAST_NAME);
    Widths { name: wide.name.min(needed), ..wide }
}

/// Four marks beside each other.
const PASSES: f32 = 4.0 * MARK + 20.0;
/// One of them.
const MARK: f32 = 16.0;
/// With less room the name and what is happening are what is left.
pub(super) const TINY: f32 = 640.0;
/// How wide a letter of an address is, more or less.
const LETTER: f32 = 6.6;
/// A name has at least so much room: its heading is seen.
const LEAST_NAME: f32 = 150.0;

/// The columns of figures: there is room for them, and nobody hid them.
pub(super) fn figures(room: f32, wide: &Widths, grid: &Grid) -> Vec<(Column, f32)> {
    // The results of passes are the first that give way.
    let passes = if room < WIDE { 0.0 } else { PASSES };
    let width = |column| match column {
        Column::Messages => wide.messages,
        Column::Data => wide.data,
        Column::Errors => wide.errors,
        Column::Since => wide.since,
        Column::Passes => passes,
        Column::Star | Column::Name | Column::Status | Column::Folders => 0.0,
    };
    grid.columns.shown().map(|column| (column, width(column))).filter(|(_, wide)| *wide > 0.0).collect()
}

/// Verify, Trial, Pre-Stage, Full: a letter above each mark.
pub(super) fn letters(ui: &mut Ui, color: egui::Color32) -> Response {
    let (rect, response) = ui.allocate_exact_size(egui::vec2(4.0 * MARK, ui.available_height()), Sense::click());
    for (letter, center) in ["V", "T", "P", "F"].into_iter().zip(marks(rect)) {
        ui.painter().text(center, egui::Align2::CENTER_CENTER, letter, font(Type::Small), color);
    }
    response.on_hover_text("The last Verification, Trial, Pre-Stage and Full pass of each item")
}

/// The middles of four marks beside each other.
fn marks(rect: egui::Rect) -> impl Iterator<Item = egui::Pos2> {
    (0..4u8).map(move |at| egui::pos2(rect.left() + MARK * (f32::from(at) + 0.5), rect.center().y))
}

/// How the last pass of each kind ended, or that one runs: a mark for each.
pub(super) fn passes_cell(ui: &mut Ui, item: &ItemRow) {
    let palette = Palette::of(ui);
    let ground = ui.visuals().panel_fill;
    let size = egui::vec2(4.0 * MARK, ui.available_height());
    let place = Layout::right_to_left(Align::Center);
    let (rect, response) = ui.with_layout(place, |ui| ui.allocate_exact_size(size, Sense::hover())).inner;
    for ((_, mark), center) in look::passes(item).zip(marks(rect)) {
        match mark {
            Some((icon, tone, _)) => {
                let place = egui::Rect::from_center_size(center, egui::Vec2::splat(12.0));
                icon::paint(ui.painter(), place, icon, palette.tone(tone), ground);
            }
            None => drop(ui.painter().circle_filled(center, 1.5, palette.border)),
        }
    }
    response.widget_info(|| WidgetInfo::labeled(Role::Label, true, look::passes_in_words(item)));
    response.on_hover_ui(|ui| drop(ui.label(look::passes_in_words(item))));
}
