//! The lists of an item's page: Folder Summary (R19), errors, passes.

use egui::{Align, Layout, ScrollArea, Ui};
use egui_extras::{Column, TableBuilder};

use super::{Actions, Sight};
use crate::domain::project::Project;
use crate::domain::record::FolderPhase;
use crate::engine::desk::{Details, FolderLine, PAGE};
use crate::engine::snapshot::ItemRow;
use crate::ui::action::UserAction;
use crate::ui::model::item::{self, ItemPage};
use crate::ui::model::look::shape;
use crate::ui::model::words;
use crate::ui::theme::{Palette, Tone, Type};
use crate::ui::widgets::icon;
use crate::ui::widgets::text::{cut, figure, muted, section, text};

/// What the lists are painted from.
#[derive(Clone, Copy)]
pub struct Lists<'a> {
    /// Time and state.
    pub sight: Sight<'a>,
    /// The project.
    pub project: &'a Project,
    /// The page.
    pub page: &'a ItemPage,
    /// The item.
    pub row: &'a ItemRow,
}

/// Paints them.
pub fn show(ui: &mut Ui, lists: Lists<'_>, actions: &mut Actions) {
    section(ui, "Folder Summary");
    if lists.row.progress.folders_total > 0 {
        muted(ui, item::folders(lists.row));
    }
    let Some(details) = &lists.page.details else {
        muted(ui, "Reading…");
        return;
    };
    let height = (ui.available_height() * 0.52).max(120.0);
    ui.scope(|ui| {
        ui.set_max_height(height);
        ui.spacing_mut().item_spacing.y = 0.0;
        folders(ui, details, lists.row.progress.folders_total > 0, actions);
    });
    ui.add_space(8.0);
    ScrollArea::vertical().id_salt("below").auto_shrink([false, false]).show(ui, |ui| {
        section(ui, "Errors");
        errors(ui, lists, details, actions);
        ui.add_space(8.0);
        section(ui, "Passes");
        passes(ui, lists, details);
    });
}

fn folders(ui: &mut Ui, details: &Details, known: bool, actions: &mut Actions) {
    if details.folders.is_empty() {
        muted(
            ui,
            if known { "Reading…" } else { "No folders yet: a Full pass lists them when it has reached both sides" },
        );
        return;
    }
    let whole = (details.folders.len() as u32).is_multiple_of(PAGE);
    let rows = details.folders.len() + usize::from(whole);
    TableBuilder::new(ui)
        .id_salt("folders")
        .auto_shrink([false, true])
        .cell_layout(Layout::left_to_right(Align::Center))
        .column(Column::remainder().range(160.0..=520.0).clip(true))
        .column(Column::exact(100.0))
        .columns(Column::exact(72.0), 4)
        .header(22.0, |mut header| {
            let heads = ["Source → destination", "State", "At source", "Copied", "There", "Errors"];
            for (at, word) in heads.into_iter().enumerate() {
                header.col(|ui| {
                    let color = Palette::of(ui).muted;
                    if at > 1 {
                        figure(ui, word, Some(color))
                    } else {
                        drop(cut(ui, text(Type::Small, word).color(color)))
                    }
                });
            }
        })
        .body(|body| {
            body.rows(24.0, rows, |mut row| match details.folders.get(row.index()) {
                Some(line) => folder(&mut row, line),
                None => {
                    row.col(|ui| {
                        if ui.button("Show more folders").clicked() {
                            actions.push(UserAction::MoreFolders);
                        }
                    });
                }
            });
        });
}

fn folder(row: &mut egui_extras::TableRow<'_, '_>, line: &FolderLine) {
    let counts = line.folder.counts;
    row.col(|ui| {
        let same = line.source == line.destination;
        let words = if same { line.source.clone() } else { format!("{} → {}", line.source, line.destination) };
        cut(ui, text(Type::Small, words));
    });
    row.col(|ui| {
        let palette = Palette::of(ui);
        let color = match line.folder.phase {
            FolderPhase::Working => palette.tone(Tone::Moving),
            FolderPhase::Done | FolderPhase::Unchanged => palette.tone(Tone::Good),
            FolderPhase::Failed | FolderPhase::DestinationGone => palette.tone(Tone::Bad),
            FolderPhase::Waiting => palette.muted,
        };
        cut(ui, text(Type::Small, item::phase(line.folder.phase)).color(color));
    });
    for number in [counts.source, counts.copied, counts.already_there] {
        row.col(|ui| figure(ui, words::count_or_dash(number), None));
    }
    row.col(|ui| {
        let color = (counts.errors > 0).then(|| Palette::of(ui).tone(Tone::Warning));
        figure(ui, words::count_or_dash(counts.errors), color);
    });
}

fn errors(ui: &mut Ui, lists: Lists<'_>, details: &Details, actions: &mut Actions) {
    if details.errors.is_empty() {
        muted(ui, "None in the latest pass");
        return;
    }
    let palette = Palette::of(ui);
    for error in &details.errors {
        let words = item::error(lists.project, lists.row, error);
        ui.horizontal_wrapped(|ui| {
            icon::show(ui, icon::Icon::Warning, palette.tone(Tone::Warning));
            ui.label(text(Type::SmallStrong, &words.headline));
            let which = item::which(error, lists.sight.now, lists.sight.zone);
            ui.label(text(Type::Small, which).color(palette.muted));
        });
        ui.indent(("error", error.source, &error.subject), |ui| {
            muted(ui, format!("{} {}", words.what, words.todo));
            if let Some(server) = &error.failure.server_text {
                ui.label(text(Type::Mono, server));
            }
        });
    }
    if (details.errors.len() as u32).is_multiple_of(PAGE) && ui.button("Show more errors").clicked() {
        actions.push(UserAction::MoreErrors);
    }
}

fn passes(ui: &mut Ui, lists: Lists<'_>, details: &Details) {
    if details.passes.is_empty() {
        muted(ui, "None yet");
        return;
    }
    let palette = Palette::of(ui);
    let Sight { now, zone, .. } = lists.sight;
    let moment = |at: Option<i64>| at.map_or_else(|| "–".into(), |at| words::moment(at, now, zone));
    egui::Grid::new("passes").num_columns(7).spacing([16.0, 4.0]).min_col_width(64.0).show(ui, |ui| {
        for word in ["Pass", "Status", "Started", "Ended", "Copied", "Data", "Errors"] {
            ui.label(text(Type::Small, word).color(palette.muted));
        }
        ui.end_row();
        for (at, pass) in details.passes.iter().enumerate() {
            let (icon, tone) = shape(pass.status, Some(pass.kind), pass.counts.errors, false);
            ui.label(text(Type::Small, format!("{} {}", details.passes.len() - at, pass.kind.word())));
            ui.horizontal(|ui| {
                icon::show(ui, icon, palette.tone(tone));
                ui.label(text(Type::Small, pass.status.word()).color(palette.tone(tone)));
            });
            ui.label(text(Type::Small, moment(pass.started)));
            ui.label(text(Type::Small, moment(pass.ended)));
            ui.label(text(Type::Small, words::count_or_dash(pass.counts.copied)));
            ui.label(text(Type::Small, words::size_or_dash(pass.counts.bytes)));
            ui.label(text(Type::Small, words::count_or_dash(pass.counts.errors)));
            ui.end_row();
        }
    });
}
