//! What happened to an item, line by line, the newest at the bottom.

use egui::{Align, Button, Label, Layout, RichText, ScrollArea, TextEdit, Ui, WidgetInfo, vec2};

use super::{Actions, ItemContext};
use crate::service::log::{LogKind, LogLine};
use crate::service::times::zone_of;
use crate::ui::action::UserAction;
use crate::ui::model::item::ItemAction;
use crate::ui::model::item::log::{LogView, line_text, tone, whose};
use crate::ui::model::words;
use crate::ui::theme::{LINE, Palette, Type};
use crate::ui::widgets::text::{copy, muted, text};

/// Widths of a line's time and of the pass it is about.
const TIME: f32 = 128.0;
const PASS: f32 = 44.0;
/// Width of what copies a line.
const COPY: f32 = 44.0;
/// Width of the filter.
const FILTER: f32 = 150.0;

/// Paints it.
pub fn show(ui: &mut Ui, lists: ItemContext<'_>, actions: &mut Actions) {
    let log = &lists.page.log;
    if !log.is_read() {
        muted(ui, "Reading…");
        return;
    }
    let zone = zone_of(&lists.project.options, lists.context.zone);
    let (all, shown) = log.count();
    if all == 0 {
        muted(ui, "Nothing yet: no pass was started");
        return;
    }
    ui.horizontal(|ui| {
        let words = if shown == all { lines(all) } else { format!("{} of {}", words::count(shown as u64), lines(all)) };
        ui.label(text(Type::Small, words).color(Palette::of(ui).muted));
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            if shown > 0 {
                copy(ui, "Copy all shown", || log.text(&zone));
            }
            filter(ui, log, actions);
        });
    });
    if shown == 0 {
        muted(ui, format!("No line holds \"{}\"", log.find()));
        return;
    }
    let (before, painted) = log.painted();
    ScrollArea::vertical().id_salt("log").auto_shrink([false, false]).stick_to_bottom(true).show(ui, |ui| {
        ui.spacing_mut().item_spacing.y = 0.0;
        if before > 0 {
            let words = format!("{} before these: the filter finds them, and they are copied too", lines(before));
            muted(ui, words);
        }
        painted.for_each(|entry| line(ui, entry, line_text(entry, &zone)));
    });
}

fn lines(number: usize) -> String {
    words::counted(number, "line")
}

fn filter(ui: &mut Ui, log: &LogView, actions: &mut Actions) {
    let mut find = log.find().to_owned();
    let edit = TextEdit::singleline(&mut find).hint_text("filter the log").desired_width(FILTER).id_salt("filter log");
    let response = ui.add(edit);
    response.widget_info(|| WidgetInfo {
        label: Some("Filter the log".into()),
        ..WidgetInfo::text_edit(true, log.find(), log.find(), "filter the log")
    });
    if response.changed() {
        actions.push(UserAction::Item(ItemAction::FilterLog(find)));
    }
}

/// One line: its time, its pass, what happened, and what copies it.
fn line(ui: &mut Ui, line: &LogLine, whole: String) {
    let palette = Palette::of(ui);
    let color = tone(line.kind).map_or(palette.text, |tone| palette.tone(tone));
    // Room for a scroll bar is left.
    let wide = ui.available_width() - ui.spacing().scroll.floating_allocated_width;
    let gap = ui.spacing().item_spacing.x;
    ui.horizontal_top(|ui| {
        let cell = |ui: &mut Ui, wide: f32, words: RichText| {
            ui.allocate_ui_with_layout(vec2(wide, LINE), Layout::top_down(Align::Min), |ui| {
                ui.set_min_size(vec2(wide, LINE));
                // An empty label would be a stop for screen readers that says nothing.
                if !words.is_empty() {
                    ui.add(Label::new(words).wrap().selectable(true));
                }
            });
        };
        let pass = whose(line);
        // What is copied begins with the time.
        let time = whole.get(..19).filter(|_| line.at.is_some()).unwrap_or_default().to_owned();
        cell(ui, TIME, text(Type::Small, time).color(palette.muted));
        cell(ui, PASS, text(Type::Small, pass).color(palette.muted));
        let kind = if line.kind == LogKind::ServerText { Type::Mono } else { Type::Small };
        cell(ui, (wide - TIME - PASS - COPY - 3.0 * gap).max(80.0), text(kind, &line.text).color(color));
        let button = Button::new(text(Type::Small, "Copy").color(palette.muted)).frame(false);
        let button = ui.add(button.min_size(vec2(COPY, LINE)));
        button.widget_info(|| WidgetInfo::labeled(egui::Role::Button, true, format!("Copy line: {}", line.text)));
        if button.clicked() {
            ui.copy_text(whole);
        }
    });
}
