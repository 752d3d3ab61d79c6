//! The page of one item: where it stands, what was migrated (R18, R50–R52), why it failed (R26).

use egui::{Align, Frame, Layout, Margin, Ui};

use super::item_lists::{self, Lists};
use super::{Actions, Sight};
use crate::domain::action::Action;
use crate::domain::project::Project;
use crate::domain::status::Status;
use crate::domain::wording;
use crate::engine::snapshot::ItemRow;
use crate::ui::action::UserAction;
use crate::ui::model::item::{self, ItemPage};
use crate::ui::model::look::{self, look};
use crate::ui::model::words;
use crate::ui::route::Route;
use crate::ui::theme::{Palette, Tone, Type};
use crate::ui::widgets::text::{cut, muted, primary, section, text};
use crate::ui::widgets::{bars, icon};

/// Paints it.
pub fn show(ui: &mut Ui, sight: Sight<'_>, project: &Project, page: &ItemPage, row: &ItemRow) -> Actions {
    let mut actions = Actions::new();
    crumbs(ui, project, row, &mut actions);
    ui.add_space(4.0);
    status(ui, sight, page, row);
    if let Some((side, failure)) = &row.failure {
        failed(ui, &item::failure(project, row, *side, failure), failure.server_text.as_deref());
    }
    if let Some(retry) = row.progress.retry.as_ref().filter(|_| row.status.is_active()) {
        retrying(ui, sight, retry);
    }
    ui.add_space(4.0);
    facts(ui, project, row);
    ui.add_space(12.0);
    let left = egui::Panel::left("migrated").exact_size(350.0).resizable(false).show_separator_line(false);
    left.frame(Frame::new()).show(ui, |ui| {
        migrated(ui, page, row);
    });
    egui::CentralPanel::default().frame(Frame::new().inner_margin(Margin { left: 24, ..Margin::ZERO })).show(
        ui,
        |ui| {
            item_lists::show(ui, Lists { sight, project, page, row }, &mut actions);
        },
    );
    actions
}

fn crumbs(ui: &mut Ui, project: &Project, row: &ItemRow, actions: &mut Actions) {
    ui.horizontal(|ui| {
        if ui.link(text(Type::Body, &project.name)).clicked() {
            actions.push(UserAction::Go(Route::Project(project.id)));
        }
        ui.label("›");
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            let errors = row.progress.counts.errors;
            let stop = Action::Stop.check(row.status, errors);
            let stop_button = ui.add_enabled(stop.is_ok(), egui::Button::new("Stop"));
            if let Err(refusal) = stop {
                stop_button.on_disabled_hover_text(refusal.to_string());
            } else if stop_button.clicked() {
                actions.push(UserAction::Stop(vec![row.item]));
            }
            let start = Action::Start.check(row.status, errors);
            let start_button = primary(ui, start.is_ok(), "Start…");
            if let Err(refusal) = start {
                start_button.on_disabled_hover_text(refusal.to_string());
            } else if start_button.clicked() {
                actions.push(UserAction::AskStart(vec![row.item]));
            }
            if row.status == Status::Held && ui.button("Resume").clicked() {
                actions.push(UserAction::Resume(vec![row.item]));
            }
            ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
                let (rect, _) = ui.allocate_exact_size(egui::Vec2::splat(20.0), egui::Sense::hover());
                let palette = Palette::of(ui);
                let fill = row.star.map(|star| palette.star(star));
                icon::star(ui.painter(), rect.center(), 7.0, fill, palette.track);
                cut(ui, text(Type::Page, &row.source));
            });
        });
    });
}

fn status(ui: &mut Ui, sight: Sight<'_>, page: &ItemPage, row: &ItemRow) {
    let palette = Palette::of(ui);
    let seen = look(row, sight.now);
    ui.horizontal(|ui| {
        icon::show(ui, seen.icon, palette.tone(seen.tone));
        ui.label(text(Type::Section, &seen.words).color(palette.tone(seen.tone)));
        if let Some((_, kind, attempt)) = row.pass {
            let number = page.details.as_ref().map_or(0, |details| details.passes.len());
            let mut line = format!("· {}", kind.word());
            if number > 0 {
                line += &format!(", pass {number}");
            }
            if attempt > 1 {
                line += &format!(", attempt {attempt}");
            }
            if let Some(since) = look::since(row) {
                line += &format!(" · since {}", words::moment(since, sight.now, sight.zone));
            }
            ui.label(text(Type::Body, line).color(palette.muted));
        }
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            if let Some(statistics) = item::statistics(row, sight.now, sight.zone) {
                ui.label(text(Type::Small, statistics).color(palette.muted));
            }
        });
    });
}

/// Headline, what happened, what to do; the server's own words beside it.
fn failed(ui: &mut Ui, words: &wording::Text, server: Option<&str>) {
    let palette = Palette::of(ui);
    let color = palette.tone(Tone::Bad);
    let frame = Frame::new().fill(palette.panel).corner_radius(4).inner_margin(Margin::symmetric(12, 8));
    frame.show(ui, |ui| {
        ui.set_width(ui.available_width());
        ui.horizontal(|ui| {
            icon::show(ui, icon::Icon::Cross, color);
            ui.label(text(Type::Strong, &words.headline).color(color));
        });
        ui.label(&words.what);
        ui.label(&words.todo);
        if let Some(server) = server {
            ui.label(text(Type::Small, "Server text").color(palette.muted));
            ui.label(text(Type::Mono, server));
        }
    });
}

fn retrying(ui: &mut Ui, sight: Sight<'_>, retry: &crate::domain::record::RetryState) {
    let palette = Palette::of(ui);
    let color = palette.tone(Tone::Warning);
    let failure = wording::text(&retry.failure, None, &wording::Names::default());
    let frame = Frame::new().fill(palette.panel).corner_radius(4).inner_margin(Margin::symmetric(12, 8));
    frame.show(ui, |ui| {
        ui.set_width(ui.available_width());
        let until = words::second(retry.until, sight.zone);
        let line = format!("Retry mode: {} · try {} of {} at {until}", failure.headline, retry.attempt, retry.limit);
        ui.horizontal(|ui| {
            icon::show(ui, icon::Icon::Pause, color);
            ui.label(text(Type::Strong, line).color(color));
        });
        if let Some(server) = &retry.failure.server_text {
            ui.label(text(Type::Mono, server));
        }
    });
}

fn facts(ui: &mut Ui, project: &Project, row: &ItemRow) {
    let palette = Palette::of(ui);
    ui.horizontal_wrapped(|ui| {
        for (word, mailbox, host) in
            [("FROM", &row.source, &project.source.host), ("INTO", &row.destination, &project.destination.host)]
        {
            ui.label(text(Type::Small, word).color(palette.muted));
            ui.label(text(Type::Small, mailbox));
            ui.label(text(Type::Small, format!("on {host}")).color(palette.muted));
            ui.add_space(12.0);
        }
    });
    let progress = &row.progress;
    if progress.folders_total > 0 {
        ui.horizontal(|ui| {
            ui.label(text(Type::Small, "Folders").color(palette.muted));
            let tone = palette.tone(look(row, 0).tone);
            bars::ticks(ui, progress.folders_done, progress.folders_total, tone, palette.track);
            cut(ui, text(Type::Small, item::folders(row)));
        });
    }
    if row.status.is_active() {
        ui.horizontal(|ui| {
            ui.label(text(Type::Small, "Speed").color(palette.muted));
            let speed = match row.speed {
                0 if progress.retry.is_some() => "paused".to_owned(),
                0 => wording::phase(progress.phase).to_owned(),
                speed => format!("{}/s · {}", wording::size(speed), wording::phase(progress.phase)),
            };
            ui.label(text(Type::Small, speed));
        });
    }
}

fn migrated(ui: &mut Ui, page: &ItemPage, row: &ItemRow) {
    section(ui, "Migrated Items");
    ui.add_space(4.0);
    let palette = Palette::of(ui);
    let wide = [108.0, 60.0, 76.0, 76.0];
    let cells = |ui: &mut Ui, cells: [String; 4], kind: Type, color: egui::Color32| {
        ui.horizontal(|ui| {
            ui.spacing_mut().item_spacing.x = 8.0;
            for (at, (cell, wide)) in cells.into_iter().zip(wide).enumerate() {
                let layout =
                    if at == 0 { Layout::left_to_right(Align::Center) } else { Layout::right_to_left(Align::Center) };
                ui.allocate_ui_with_layout(egui::vec2(wide, 20.0), layout, |ui| {
                    ui.set_min_width(wide);
                    ui.label(text(kind, cell).color(color));
                });
            }
        });
    };
    let head = ["", "this pass", "", "all passes"].map(str::to_owned);
    cells(ui, head, Type::Small, palette.muted);
    for (word, messages, bytes, all) in item::migrated(row, page.details.as_ref()) {
        let last = word == "Total";
        if last {
            ui.separator();
        }
        let size = bytes.map(words::size_or_dash).unwrap_or_default();
        let all = all.map(|(messages, _)| words::count_or_dash(messages)).unwrap_or_default();
        let color = if word == "Not copied" && messages > 0 { palette.tone(Tone::Warning) } else { palette.text };
        let kind = if last { Type::SmallStrong } else { Type::Small };
        cells(ui, [word.to_owned(), words::count_or_dash(messages), size, all], kind, color);
    }
    ui.add_space(8.0);
    let counts = row.progress.counts;
    if counts.flags_updated > 0 {
        muted(ui, format!("{} flag changes carried", words::count(counts.flags_updated)));
    }
}
