//! Pages of hybrid projects: users and batches, one user, one batch, the form, the dialogs.

pub mod batch;
mod batches;
pub mod dialog;
mod form;
pub mod new;
mod orders;
pub mod project;
pub mod user;
mod users;

use egui::Ui;

use crate::service::hybrid::{MoveStatus, PREVIEW};
use crate::ui::model::hybrid::look::shape;
use crate::ui::theme::{Palette, Tone, Type};
use crate::ui::widgets::bars;
use crate::ui::widgets::icon;
use crate::ui::widgets::text::text;

/// Hybrid projects are marked wherever they show (R36).
pub(super) fn preview(ui: &mut Ui) {
    let color = Palette::of(ui).tone(Tone::Warning);
    ui.label(text(Type::SmallStrong, "Preview").color(color)).on_hover_text(PREVIEW);
}

/// A status as an icon and a word.
fn status(ui: &mut Ui, status: MoveStatus, kind: Type) {
    let (icon, tone) = shape(status);
    let color = Palette::of(ui).tone(tone);
    icon::show(ui, icon, color);
    ui.label(text(kind, status.word()).color(color));
}

/// Per cent as a bar.
fn bar(ui: &mut Ui, status: MoveStatus, percent: u8, wide: f32) {
    let palette = Palette::of(ui);
    let done = u64::from(percent);
    let parts = [(done, palette.tone(shape(status).1)), (100_u64.saturating_sub(done), palette.track)];
    bars::segments(ui, wide, 8.0, &parts, palette.track);
}
