//! How fast an item's pass is or was: a chart, and the same in words.

use std::time::Duration;

use egui::{Color32, Id, Label, ScrollArea, Sense, Ui, Vec2b, WidgetInfo};
use egui_plot::{HoverPosition, Line, Plot, PlotPoints, Span};
use jiff::tz::TimeZone;

use super::ItemContext;
use crate::domain::plain_text::shown;
use crate::domain::time::Timestamp;
use crate::domain::trace::{PassTrace, Rate};
use crate::domain::wording::{counted, size};
use crate::service::times::zone_of;
use crate::ui::model::item::speed::{self, SIDES};
use crate::ui::model::words;
use crate::ui::theme::{Palette, Tone, Type};
use crate::ui::widgets::text::{columns, muted, text};

/// Height of a chart.
const CHART: f32 = 112.0;
/// With so much room the charts stand side by side.
const BESIDE: f32 = 440.0;
/// Widths of the table's columns.
const TABLE: [f32; 6] = [150.0, 72.0, 78.0, 58.0, 62.0, 78.0];
/// The same where there is little room.
const TABLE_NARROW: [f32; 6] = [130.0, 64.0, 76.0, 56.0, 56.0, 76.0];

/// What a chart shows.
#[derive(Clone, Copy)]
struct Curve {
    name: &'static str,
    of: fn(&Rate) -> f64,
    told: fn(f64) -> String,
    tone: Tone,
}

/// Both charts.
const CURVES: [Curve; 2] = [
    Curve {
        name: "MB/s",
        of: |rate| rate.bytes / 1e6,
        told: |value| format!("{}/s", size((value * 1e6) as u64)),
        tone: Tone::Moving,
    },
    Curve {
        name: "Messages/s",
        of: |rate| rate.messages,
        told: |value| format!("{value:.1} messages/s"),
        tone: Tone::Partial,
    },
];

/// Paints it.
pub fn show(ui: &mut Ui, lists: ItemContext<'_>) {
    let trace = match lists.page.speed.trace(lists.row) {
        Ok(trace) => trace,
        Err(why) => return drop(muted(ui, why)),
    };
    let zone = zone_of(&lists.project.options, lists.context.zone);
    ScrollArea::vertical().id_salt("speed").auto_shrink([false, false]).show(ui, |ui| {
        // Room for a scroll bar is left.
        ui.set_max_width(ui.available_width() - ui.spacing().scroll.floating_allocated_width);
        if lists.row.pass.is_some_and(|latest| latest.id != trace.pass) {
            muted(ui, "This is the latest pass that ran since the program was started");
        }
        ui.add(Label::new(text(Type::Small, speed::summary(trace).join(" · "))).wrap());
        let rates = trace.speed.rates();
        if ui.available_width() < BESIDE {
            CURVES.into_iter().for_each(|curve| chart(ui, curve, (trace, &rates), &zone));
        } else {
            ui.columns_const(|halves: &mut [Ui; CURVES.len()]| {
                halves.iter_mut().zip(CURVES).for_each(|(ui, curve)| chart(ui, curve, (trace, &rates), &zone));
            });
        }
        ui.add_space(4.0);
        table(ui, trace);
        pauses(ui, trace, &zone);
    });
}

fn table(ui: &mut Ui, trace: &PassTrace) {
    let palette = Palette::of(ui);
    let wide = if ui.available_width() < TABLE.iter().sum::<f32>() + 40.0 { TABLE_NARROW } else { TABLE };
    ui.spacing_mut().item_spacing.y = 4.0;
    columns(ui, &wide, &SIDES, Type::Small, palette.muted);
    for line in speed::sides(trace) {
        let cells = line.each_ref().map(String::as_str);
        columns(ui, &wide, &cells, Type::Small, palette.text);
    }
}

fn pauses(ui: &mut Ui, trace: &PassTrace, zone: &TimeZone) {
    let (named, more) = speed::pauses(trace, zone);
    if named.is_empty() {
        return;
    }
    ui.add_space(4.0);
    ui.label(text(Type::SmallStrong, "Pauses"));
    for line in named {
        ui.add(Label::new(text(Type::Small, line)).wrap().selectable(true));
    }
    if more > 0 {
        muted(ui, format!("and {} before these, which the log has too", counted(more as usize, "pause")));
    }
}

/// One curve over the time of the pass; pauses are shaded, and told under the pointer.
fn chart(ui: &mut Ui, curve: Curve, (trace, rates): (&PassTrace, &[Rate]), zone: &TimeZone) {
    let palette = Palette::of(ui);
    let ran = trace.ran().as_secs_f64().max(1.0);
    let points: Vec<[f64; 2]> = rates.iter().map(|rate| [rate.at, (curve.of)(rate)]).collect();
    let most = points.iter().map(|[_, value]| *value).fold(0.0, f64::max);
    let color = palette.tone(curve.tone);
    let from = trace.speed.from;
    let clock = move |seconds: f64| from.plus(Duration::from_secs_f64(seconds.clamp(0.0, 1e9)));
    ui.label(text(Type::Small, curve.name).color(color));
    let seconds = ran < 600.0;
    let (x_zone, hover_zone) = (zone.clone(), zone.clone());
    let plot = Plot::new(("speed", curve.name))
        .height(CHART)
        .sense(Sense::hover())
        .allow_zoom(false)
        .allow_drag(false)
        .allow_scroll(false)
        .allow_boxed_zoom(false)
        .allow_axis_zoom_drag(false)
        .show_crosshair(false)
        .grid_color(palette.track)
        .y_axis_min_width(40.0)
        .link_cursor(Id::unique("speed cursor"), Vec2b::new(true, false))
        .include_x(0.0)
        .include_x(ran)
        .include_y(0.0)
        .include_y(if most > 0.0 { most * 1.1 } else { 1.0 })
        .set_margin_fraction(egui::Vec2::ZERO)
        .y_axis_formatter(|mark, _| axis_figure(mark.value, mark.step_size))
        .x_axis_formatter(move |mark, _| {
            let at = clock(mark.value);
            if seconds { words::second(at, &x_zone) } else { words::minute(at, &x_zone) }
        })
        .label_formatter(move |place| Some(under_pointer(place, curve, (trace, rates), &hover_zone)));
    let shown = plot.show(ui, |plot| {
        for pause in &trace.pauses {
            let since = |at: Timestamp| at.since(from).as_secs_f64();
            let range = since(pause.from)..=pause.to.map_or(ran, since);
            plot.span(Span::new("", range).fill(shade(palette)).border_color(palette.tone(Tone::Warning)));
        }
        plot.line(Line::new("", PlotPoints::from(points)).color(color).width(1.5));
    });
    let paused = counted(trace.pauses.iter().map(|pause| pause.times as usize).sum(), "pause");
    let name = format!("Chart of {} over the pass: at most {}, {paused}", curve.name, (curve.told)(most));
    shown.response.widget_info(|| WidgetInfo::labeled(egui::Role::Image, true, &name));
}

fn shade(palette: &Palette) -> Color32 {
    palette.tone(Tone::Warning).gamma_multiply(0.18)
}

/// A figure at the axis, as exact as its step.
fn axis_figure(value: f64, step: f64) -> String {
    let digits = if step > 0.0 { (-step.log10()).ceil().clamp(0.0, 4.0) as usize } else { 0 };
    format!("{value:.digits$}")
}

/// What the chart says at a place: the time, how fast it was then, and why it paused.
fn under_pointer(
    place: &HoverPosition<'_>,
    curve: Curve,
    (trace, rates): (&PassTrace, &[Rate]),
    zone: &TimeZone,
) -> String {
    let (HoverPosition::NearDataPoint { position, .. } | HoverPosition::Elsewhere { position }) = place;
    let from = trace.speed.from;
    let at = from.plus(Duration::from_secs_f64(position.x.clamp(0.0, 1e9)));
    let near = rates.iter().min_by(|one, other| (one.at - position.x).abs().total_cmp(&(other.at - position.x).abs()));
    let mut lines = vec![words::second(at, zone)];
    lines.extend(near.map(|rate| (curve.told)((curve.of)(rate))));
    let pause = trace.pauses.iter().find(|pause| pause.from <= at && pause.to.is_none_or(|to| at <= to));
    lines.extend(pause.map(|pause| format!("Pause {}", speed::pause_line(pause, zone))));
    lines.iter().map(|line| shown(line)).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_at_the_axis_are_as_exact_as_their_steps() {
        let told = [(20.0, 10.0), (0.5, 0.1), (1.25, 0.25), (0.002, 0.001), (0.0, 0.0)];
        assert_eq!(told.map(|(value, step)| axis_figure(value, step)), ["20", "0.5", "1.2", "0.002", "0"]);
    }
}
