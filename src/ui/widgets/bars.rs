//! Bars: ticks for folders, segments for statuses. They know numbers and colours only.

use egui::{Color32, Rect, Response, Sense, Ui, Vec2, pos2, vec2};

/// Ticks in a bar at most; more folders share one.
pub const TICKS: u32 = 24;
/// Their width together: a multiple of it, so that 24 of them are equal.
const WIDE: f32 = 72.0;

/// A tick for each of `total` things, the first `done` filled. Never a percentage (R47).
///
/// All bars have one width, so that what stands beside them is aligned.
pub fn ticks(ui: &mut Ui, done: u32, total: u32, color: Color32, track: Color32) {
    let count = total.clamp(1, TICKS);
    let filled = if total == 0 { 0 } else { (u64::from(done.min(total)) * u64::from(count) / u64::from(total)) as u32 };
    let (rect, _) = ui.allocate_exact_size(vec2(WIDE, 10.0), Sense::hover());
    // Each tick ends where the next begins, on whole points: no tick looks thicker than another by chance of rounding.
    let edge = |tick: u32| (rect.left() + WIDE * tick as f32 / count as f32).round();
    for tick in 0..count {
        let one = Rect::from_min_max(pos2(edge(tick), rect.top()), pos2(edge(tick + 1) - 1.0, rect.bottom()));
        ui.painter().rect_filled(one, 1.0, if tick < filled { color } else { track });
    }
}

/// Parts of a whole side by side; a part that is not empty is always seen.
pub fn segments(ui: &mut Ui, width: f32, height: f32, parts: &[(u64, Color32)], track: Color32) -> Response {
    let (rect, response) = ui.allocate_exact_size(Vec2::new(width, height), Sense::hover());
    let painter = ui.painter();
    painter.rect_filled(rect, height / 2.0, track);
    let total: u64 = parts.iter().map(|(count, _)| count).sum();
    if total == 0 {
        return response;
    }
    let shown = parts.iter().filter(|(count, _)| *count > 0).count() as f32;
    let free = (width - 2.0 * shown).max(0.0);
    let mut left = rect.left();
    for (count, color) in parts.iter().filter(|(count, _)| *count > 0) {
        let wide = 2.0 + free * (*count as f32 / total as f32);
        painter.rect_filled(Rect::from_min_size(pos2(left, rect.top()), vec2(wide - 1.0, height)), 1.0, *color);
        left += wide;
    }
    response
}
