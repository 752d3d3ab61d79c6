//! Icons as painted shapes, so that none depends on a font. They know no domain: a caller picks shape and colour.

use std::f32::consts::TAU;

use egui::{Color32, Painter, Pos2, Rect, Shape, Stroke, Ui, Vec2, pos2, vec2};

use crate::ui::theme::ICON;

/// A shape.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Icon {
    /// An empty circle.
    Empty,
    /// A circle with three dots.
    Dots,
    /// A clock.
    Clock,
    /// A circle with two bars.
    Pause,
    /// An hourglass.
    Hourglass,
    /// An envelope.
    Envelope,
    /// A half-filled circle.
    Progress,
    /// A circle with a square.
    Stop,
    /// A dashed circle with a square.
    Stopping,
    /// A filled circle with a cross.
    Cross,
    /// A filled circle with a check mark.
    Check,
    /// A filled triangle with an exclamation mark.
    Warning,
    /// A frame with a check mark.
    Verified,
    /// A flask.
    Flask,
    /// A box.
    Box,
    /// A pencil.
    Pencil,
}

/// Paints an icon in the middle of a rectangle.
#[expect(clippy::too_many_lines, reason = "a table: an arm for each icon")]
pub fn paint(painter: &Painter, rect: Rect, icon: Icon, color: Color32, ground: Color32) {
    let (c, r) = (rect.center(), rect.width().min(rect.height()) / 2.0 - 1.0);
    let line = Stroke::new(1.5, color);
    let at = |x: f32, y: f32| pos2(c.x + x * r, c.y + y * r);
    let ring = || painter.circle_stroke(c, r, line);
    let path = |points: Vec<Pos2>, stroke: Stroke| painter.add(Shape::line(points, stroke));
    let check = |stroke: Stroke| path(vec![at(-0.42, 0.02), at(-0.12, 0.34), at(0.46, -0.32)], stroke);
    let square = |size: f32| painter.rect_filled(Rect::from_center_size(c, Vec2::splat(r * size)), 1.0, color);
    match icon {
        Icon::Empty => drop(ring()),
        Icon::Dots => {
            ring();
            for x in [-0.42, 0.0, 0.42] {
                painter.circle_filled(at(x, 0.0), 1.2, color);
            }
        }
        Icon::Clock => {
            ring();
            path(vec![at(0.0, -0.55), at(0.0, 0.0), at(0.4, 0.22)], line);
        }
        Icon::Pause => {
            ring();
            path(vec![at(-0.22, -0.4), at(-0.22, 0.4)], line);
            path(vec![at(0.22, -0.4), at(0.22, 0.4)], line);
        }
        Icon::Hourglass => {
            path(vec![at(-0.6, -0.9), at(0.6, -0.9), at(-0.6, 0.9), at(0.6, 0.9), at(-0.6, -0.9)], line);
            painter.add(Shape::convex_polygon(vec![at(0.0, 0.1), at(0.5, 0.85), at(-0.5, 0.85)], color, Stroke::NONE));
        }
        Icon::Envelope => {
            path(vec![at(-0.95, -0.6), at(0.95, -0.6), at(0.95, 0.65), at(-0.95, 0.65), at(-0.95, -0.6)], line);
            path(vec![at(-0.95, -0.6), at(0.0, 0.15), at(0.95, -0.6)], line);
        }
        Icon::Progress => {
            ring();
            let arc = (0..=16).map(|n| c + r * 0.62 * Vec2::angled(-TAU / 4.0 + TAU / 2.0 * n as f32 / 16.0));
            painter.add(Shape::convex_polygon(arc.collect(), color, Stroke::NONE));
        }
        Icon::Stop => {
            ring();
            square(0.75);
        }
        Icon::Stopping => {
            let points: Vec<Pos2> = (0..=24).map(|n| c + r * Vec2::angled(TAU * n as f32 / 24.0)).collect();
            painter.extend(Shape::dashed_line(&points, line, 2.5, 2.0));
            square(0.75);
        }
        Icon::Cross => {
            painter.circle_filled(c, r + 0.5, color);
            let cut = Stroke::new(1.6, ground);
            path(vec![at(-0.36, -0.36), at(0.36, 0.36)], cut);
            path(vec![at(-0.36, 0.36), at(0.36, -0.36)], cut);
        }
        Icon::Check => {
            painter.circle_filled(c, r + 0.5, color);
            check(Stroke::new(1.6, ground));
        }
        Icon::Warning => {
            let triangle = vec![at(0.0, -0.95), at(1.0, 0.8), at(-1.0, 0.8)];
            painter.add(Shape::convex_polygon(triangle, color, Stroke::new(1.0, color)));
            path(vec![at(0.0, -0.35), at(0.0, 0.25)], Stroke::new(1.6, ground));
            painter.circle_filled(at(0.0, 0.55), 0.9, ground);
        }
        Icon::Verified => {
            path(vec![at(-0.9, -0.8), at(0.9, -0.8), at(0.9, 0.8), at(-0.9, 0.8), at(-0.9, -0.8)], line);
            check(line);
        }
        Icon::Flask => {
            path(
                vec![at(-0.25, -0.9), at(-0.25, -0.2), at(-0.8, 0.85), at(0.8, 0.85), at(0.25, -0.2), at(0.25, -0.9)],
                line,
            );
            path(vec![at(-0.45, -0.9), at(0.45, -0.9)], line);
        }
        Icon::Box => {
            path(vec![at(-0.8, -0.35), at(-0.8, 0.85), at(0.8, 0.85), at(0.8, -0.35)], line);
            path(vec![at(-0.95, -0.8), at(0.95, -0.8), at(0.95, -0.35), at(-0.95, -0.35), at(-0.95, -0.8)], line);
            path(vec![at(-0.25, 0.1), at(0.25, 0.1)], line);
        }
        Icon::Pencil => {
            let (tip, back) = ([at(-0.2, 0.6), at(-0.6, 0.2)], [at(0.45, -0.85), at(0.85, -0.45)]);
            path(vec![at(-0.85, 0.85), tip[1], back[0], back[1], tip[0], at(-0.85, 0.85)], line);
            path(tip.to_vec(), line);
        }
    }
}

/// An icon in the flow of a line.
pub fn show(ui: &mut Ui, icon: Icon, color: Color32) {
    let (rect, _) = ui.allocate_exact_size(Vec2::splat(ICON), egui::Sense::hover());
    paint(ui.painter(), rect, icon, color, ui.visuals().panel_fill);
}

/// The five points of a star around a centre.
pub fn star_points(center: Pos2, radius: f32) -> Vec<Pos2> {
    let point = |n: usize| {
        let reach = if n.is_multiple_of(2) { radius } else { radius * 0.42 };
        center + reach * Vec2::angled(-TAU / 4.0 + TAU * n as f32 / 10.0)
    };
    (0..10).map(point).collect()
}

/// A star: filled with a colour, or an outline.
pub fn star(painter: &Painter, center: Pos2, radius: f32, fill: Option<Color32>, outline: Color32) {
    let points = star_points(center, radius);
    if let Some(fill) = fill {
        // A star is not convex: five kites around a core are.
        for tip in (0..10).step_by(2) {
            let kite = vec![center, points[(tip + 9) % 10], points[tip], points[(tip + 1) % 10]];
            painter.add(Shape::convex_polygon(kite, fill, Stroke::new(0.6, fill)));
        }
    } else {
        painter.add(Shape::closed_line(points, Stroke::new(1.2, outline)));
    }
}

/// A small mark that points up or down: the order of a column.
pub fn sort_mark(painter: &Painter, center: Pos2, descending: bool, color: Color32) {
    let tip = if descending { 3.0 } else { -3.0 };
    let points = vec![center + vec2(-3.5, -tip / 2.0), center + vec2(3.5, -tip / 2.0), center + vec2(0.0, tip)];
    painter.add(Shape::convex_polygon(points, color, Stroke::NONE));
}
