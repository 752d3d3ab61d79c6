//! All projects: name, servers, items, how far they are.

use egui::{Align, Layout, Ui};
use egui_extras::{Column, TableBuilder};

use super::{Actions, Sight};
use crate::domain::project::Project;
use crate::ui::action::UserAction;
use crate::ui::model::projects::{BAR, Projects};
use crate::ui::model::words;
use crate::ui::route::Route;
use crate::ui::theme::{NARROW, Palette, ROW, Type};
use crate::ui::widgets::bars;
use crate::ui::widgets::text::{cut, figure, muted, primary, text};

/// Paints it.
pub fn show(ui: &mut Ui, sight: Sight<'_>, projects: &[Project], sums: &Projects) -> Actions {
    let mut actions = Actions::new();
    ui.horizontal(|ui| {
        ui.label(text(Type::Page, "Projects"));
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            if !projects.is_empty() && primary(ui, true, "New project…").clicked() {
                actions.push(UserAction::Go(Route::NewProject));
            }
        });
    });
    ui.add_space(12.0);
    if projects.is_empty() {
        empty(ui, &mut actions);
        return actions;
    }
    // Without room the last activity is left out: what runs has a dot beside its name.
    let narrow = ui.available_width() < NARROW;
    let (name, bar) = if narrow { (160.0, 88.0) } else { (200.0, 148.0) };
    let mut table = TableBuilder::new(ui)
        .id_salt(("projects", narrow))
        .cell_layout(Layout::left_to_right(Align::Center))
        .column(Column::initial(name).at_least(120.0).clip(true))
        .column(Column::remainder().at_least(180.0).clip(true))
        .column(Column::exact(56.0))
        .column(Column::exact(56.0))
        .column(Column::exact(bar + 24.0))
        .column(Column::exact(76.0));
    if !narrow {
        table = table.column(Column::exact(92.0));
    }
    table
        .header(ROW, |mut header| {
            for (at, word) in ["Name", "Source → destination", "Items", "Done", "Status", "Data", "Last activity"]
                .into_iter()
                .take(if narrow { 6 } else { 7 })
                .enumerate()
            {
                header.col(|ui| {
                    let color = Palette::of(ui).muted;
                    match at {
                        2 | 3 | 5 | 6 => figure(ui, word, Some(color)),
                        4 => {
                            ui.add_space(12.0);
                            cut(ui, text(Type::Small, word).color(color));
                        }
                        _ => drop(cut(ui, text(Type::Small, word).color(color))),
                    }
                });
            }
        })
        .body(|body| {
            body.rows(ROW + 4.0, projects.len(), |mut row| {
                let project = &projects[row.index()];
                let sum = sums.of(project.id);
                row.col(|ui| {
                    if ui.link(text(Type::Strong, &project.name)).clicked() {
                        actions.push(UserAction::Go(Route::Project(project.id)));
                    }
                });
                row.col(|ui| {
                    let servers = format!("{} → {}", project.source.place(), project.destination.place());
                    cut(ui, text(Type::Small, servers));
                });
                row.col(|ui| figure(ui, words::count(sum.items as u64), None));
                row.col(|ui| figure(ui, words::count_or_dash(sum.done as u64), None));
                row.col(|ui| {
                    let palette = Palette::of(ui);
                    ui.add_space(12.0);
                    let mut parts: Vec<_> =
                        sum.tones.iter().zip(BAR).map(|(count, tone)| (*count, palette.tone(tone))).collect();
                    let started: u64 = sum.tones.iter().sum();
                    parts.push(((sum.items as u64).saturating_sub(started), palette.track));
                    let bar = bars::segments(ui, bar, 8.0, &parts, palette.track);
                    bar.on_hover_ui(|ui| drop(ui.label(sum.words())));
                });
                row.col(|ui| figure(ui, words::size_or_dash(sum.bytes), None));
                if narrow {
                    return;
                }
                row.col(|ui| {
                    let last = sum.last.map_or_else(|| "–".into(), |at| words::moment(at, sight.now, sight.zone));
                    figure(ui, last, Some(Palette::of(ui).muted));
                });
            });
        });
    actions
}

fn empty(ui: &mut Ui, actions: &mut Actions) {
    ui.add_space(72.0);
    ui.vertical_centered(|ui| {
        ui.label(text(Type::Section, "No projects yet"));
        muted(ui, "A project names two mail servers. Its items are the mailboxes that move from one to the other");
        ui.add_space(12.0);
        if primary(ui, true, "New project…").clicked() {
            actions.push(UserAction::Go(Route::NewProject));
        }
        ui.add_space(36.0);
        muted(ui, "Or watch a dozen sample mailboxes move between two folders of this machine; nothing stays behind");
        ui.add_space(12.0);
        if ui.button("Open the demo").clicked() {
            actions.push(UserAction::OpenDemo);
        }
    });
}
