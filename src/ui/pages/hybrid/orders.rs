//! What was ordered and what happened, as the pages of a user and of a batch show it.

use egui::{ScrollArea, Ui};
use egui_extras::{Column, TableBuilder};

use super::super::PageContext;
use crate::domain::hybrid::order::{Order, OrderRow};
use crate::service::hybrid::{HybridDetails, HybridEvent, HybridView};
use crate::ui::model::hybrid::look::order;
use crate::ui::model::words;
use crate::ui::theme::{LINE, Palette, Type};
use crate::ui::widgets::text::{cut, muted, section, text};

/// How high a line of what happened is.
const EVENT: f32 = 16.0;

/// Orders above, what happened below; `whose` names the user of a line.
pub fn show(ui: &mut Ui, context: PageContext<'_>, view: &HybridView, details: Option<&HybridDetails>, whose: bool) {
    let Some(details) = details else {
        muted(ui, "Reading…");
        return;
    };
    let room = ui.available_height();
    section(ui, "Orders");
    if details.orders.is_empty() {
        muted(ui, "Nothing was ordered yet");
    } else {
        orders(ui, context, (view, whose), &details.orders, room * 0.4);
    }
    ui.add_space(12.0);
    section(ui, "What happened, the newest first");
    if details.events.is_empty() {
        muted(ui, "Nothing yet");
    }
    ScrollArea::vertical().id_salt("events").auto_shrink([false, false]).show_rows(
        ui,
        EVENT,
        details.events.len(),
        |ui, shown| {
            // Lines of text, not of controls: as high as was said.
            ui.spacing_mut().interact_size.y = EVENT;
            for line in details.events.get(shown).unwrap_or_default() {
                event(ui, context, (view, whose), line);
            }
        },
    );
}

fn event(ui: &mut Ui, context: PageContext<'_>, (view, whose): (&HybridView, bool), event: &HybridEvent) {
    ui.horizontal(|ui| {
        let grey = Palette::of(ui).muted;
        ui.allocate_ui(egui::vec2(84.0, 16.0), |ui| {
            ui.set_min_width(84.0);
            ui.label(text(Type::Small, words::moment(event.at, context.now, context.zone)).color(grey));
        });
        if let Some(user) = event.user.and_then(|id| view.user(id)).filter(|_| whose) {
            ui.label(text(Type::Small, &user.address).color(grey));
        }
        cut(ui, text(Type::Small, words::sentence(&event.text)));
    });
}

/// The user of an order, or that it is the batch's; when it is to be, if it has a time.
fn what(row: &OrderRow, context: PageContext<'_>) -> String {
    let (word, _, _) = order(row);
    match row.order {
        Order::Finalize { at: Some(at) } => format!("{word} at {}", words::moment(at, context.now, context.zone)),
        _ => word,
    }
}

fn orders(ui: &mut Ui, context: PageContext<'_>, (view, whose): (&HybridView, bool), rows: &[OrderRow], high: f32) {
    let mut table = TableBuilder::new(ui)
        .id_salt("orders")
        .max_scroll_height(high)
        .auto_shrink([false, true])
        .column(Column::exact(84.0))
        .column(Column::exact(190.0).clip(true));
    if whose {
        table = table.column(Column::exact(180.0).clip(true));
    }
    let table = table.column(Column::exact(116.0).clip(true)).column(Column::remainder().at_least(80.0).clip(true));
    table.body(|body| {
        body.rows(LINE, rows.len(), |mut line| {
            let row = &rows[line.index()];
            let (_, stage, tone) = order(row);
            line.col(|ui| {
                let at = words::moment(row.created, context.now, context.zone);
                ui.label(text(Type::Small, at).color(Palette::of(ui).muted));
            });
            line.col(|ui| drop(cut(ui, text(Type::Small, what(row, context)))));
            if whose {
                line.col(|ui| {
                    let user = row.user.and_then(|id| view.user(id));
                    let name = user.map_or("the batch", |user| user.address.as_str());
                    cut(ui, text(Type::Small, name));
                });
            }
            line.col(|ui| {
                let color = Palette::of(ui).tone(tone);
                cut(ui, text(Type::Small, words::sentence(stage)).color(color));
            });
            line.col(|ui| {
                if let Some(note) = row.note.as_deref().filter(|note| !note.is_empty()) {
                    cut(ui, text(Type::Small, words::sentence(note)));
                }
            });
        });
    });
}
