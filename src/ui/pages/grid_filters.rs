//! What the item grid is asked to show: tabs, search, filters of stars, statuses and marks, each as something that can be taken
//! away alone, and the columns.

use std::collections::BTreeSet;

use egui::{Context, Id, Popup, PopupCloseBehavior, Ui};

use super::Actions;
use super::controls::Control;
use crate::domain::star::Star;
use crate::domain::status::Status;
use crate::ui::action::{self, ActionName, Items, Subject, UserAction};
use crate::ui::model::grid::{Column, Grid, GridAction, Mark, Part, Tab};
use crate::ui::model::words;
use crate::ui::theme::{Palette, Tone, Type};
use crate::ui::widgets::icon;
use crate::ui::widgets::text::text;

/// All of it.
pub fn filters(ui: &mut Ui, items: Items<'_>, actions: &mut Actions) {
    let (grid, subject) = (items.grid, Subject::Items(items));
    let palette = Palette::of(ui);
    ui.horizontal_wrapped(|ui| {
        ui.spacing_mut().item_spacing.x = 4.0;
        for (tab, count) in Tab::ALL.into_iter().zip(grid.sums.totals.tabs) {
            if tab.is_rare() && count == 0 && grid.filter.tab != tab {
                continue;
            }
            let with_errors = match grid.sums.totals.done_with_errors {
                errors if tab == Tab::Done && errors > 0 => format!(" ({} with errors)", words::count(errors as u64)),
                _ => String::new(),
            };
            let words = format!("{} {}{with_errors}", tab.label(), words::count(count as u64));
            let on = grid.filter.tab == tab;
            let color = match (on, tab) {
                (true, _) => palette.accent,
                (false, Tab::Alerts | Tab::NeedsYou) if count > 0 => palette.tone(Tone::Warning),
                (false, _) => palette.text,
            };
            if ui.add(egui::Button::selectable(on, text(Type::Small, words).color(color))).clicked() {
                actions.push(UserAction::Grid(GridAction::Tab(tab)));
            }
        }
    });
    if grid.filter.tab == Tab::Problems && !grid.sums.problems.is_empty() {
        problems(ui, grid, actions);
    }
    if grid.filter.tab == Tab::Held {
        reasons(ui, grid, actions);
    }
    ui.horizontal_wrapped(|ui| {
        search(ui, grid, actions);
        star_filter(ui, grid, actions);
        statuses(ui, grid, actions);
        marks(ui, grid, actions);
        columns(ui, grid, actions);
        chips(ui, grid, actions);
        if grid.filter.is_active() {
            muted_count(ui, grid);
            Control::of(ActionName::ClearFilters).show(ui, &subject, actions);
        }
        if grid.view.stale {
            let words = format!("Order changed, sort again ({})", ActionName::SortAgain.entry().key_names());
            Control::of(ActionName::SortAgain).label(words).show(ui, &subject, actions);
        }
    });
}

/// The causes, each with its number of items; a click shows only these.
fn problems(ui: &mut Ui, grid: &Grid, actions: &mut Actions) {
    ui.horizontal_wrapped(|ui| {
        ui.spacing_mut().item_spacing.x = 4.0;
        for (problem, count, words) in &grid.sums.problems {
            let on = grid.filter.problem == Some(*problem);
            if part(ui, words, *count, on) {
                actions.push(UserAction::Grid(GridAction::Problem((!on).then_some(*problem))));
            }
        }
    });
}

/// Why items are held, in the same way.
fn reasons(ui: &mut Ui, grid: &Grid, actions: &mut Actions) {
    ui.horizontal_wrapped(|ui| {
        ui.spacing_mut().item_spacing.x = 4.0;
        for (reason, held) in &grid.sums.totals.held {
            let Some(hold) = *reason else { continue };
            let on = grid.filter.hold == Some(hold);
            if part(ui, &words::sentence(hold.word()), held.items, on) {
                actions.push(UserAction::Grid(GridAction::Held((!on).then_some(hold))));
            }
        }
    });
}

/// A part of what a tab shows, to be shown alone; tells whether it was clicked.
fn part(ui: &mut Ui, words: &str, count: usize, on: bool) -> bool {
    let palette = Palette::of(ui);
    let words = text(Type::Small, format!("{words} {}", words::count(count as u64)));
    let color = if on { palette.accent } else { palette.text };
    ui.add(egui::Button::selectable(on, words.color(color)).frame_when_inactive(true)).clicked()
}

fn search_id() -> Id {
    Id::unique("search for items")
}

/// Lets a person type into the search. Only after a frame was painted, so that the key itself is not typed into it.
pub fn focus_search(context: &Context) {
    context.memory_mut(|memory| memory.request_focus(search_id()));
    context.request_repaint();
}

fn search(ui: &mut Ui, grid: &Grid, actions: &mut Actions) {
    let mut search = grid.filter.search.clone();
    if search_field(ui, &mut search, 240.0) {
        actions.push(UserAction::Grid(GridAction::Search(search)));
    }
}

/// The search over a grid, so wide; tells whether something was typed.
pub(super) fn search_field(ui: &mut Ui, search: &mut String, wide: f32) -> bool {
    let label = ui.label(text(Type::Small, "Search").color(Palette::of(ui).muted));
    let hint = format!("address, or paste a list ( {} )", ActionName::Search.entry().key_names());
    let edit = egui::TextEdit::singleline(search).hint_text(hint).desired_width(wide).id(search_id());
    ui.add(edit).labelled_by(label.id).changed()
}

fn muted_count(ui: &mut Ui, grid: &Grid) {
    let (shown, all) = (grid.view.places.len() as u64, grid.sums.totals.items as u64);
    let color = Palette::of(ui).muted;
    ui.label(text(Type::Small, format!("showing {} of {}", words::count(shown), words::count(all))).color(color));
}

fn star_filter(ui: &mut Ui, grid: &Grid, actions: &mut Actions) {
    if let Some(star) = stars_shown(ui, &grid.filter.stars) {
        actions.push(UserAction::Grid(GridAction::StarFilter(star)));
    }
}

/// Which statuses are shown, those that some item has.
fn statuses(ui: &mut Ui, grid: &Grid, actions: &mut Actions) {
    let of = grid.sums.totals.statuses;
    menu(ui, "Status…", |ui| {
        for (status, count) in Status::ALL.into_iter().zip(of) {
            let mut on = grid.filter.statuses.contains(&status);
            if count == 0 && !on {
                continue;
            }
            if ui.checkbox(&mut on, format!("{} {}", status.word(), words::count(count as u64))).changed() {
                actions.push(UserAction::Grid(GridAction::StatusFilter(status)));
            }
        }
    });
}

/// What else items are looked for by.
fn marks(ui: &mut Ui, grid: &Grid, actions: &mut Actions) {
    menu(ui, "More filters…", |ui| {
        for mark in Mark::ALL {
            let mut on = grid.filter.marks.contains(&mark);
            if ui.checkbox(&mut on, mark.label()).changed() {
                actions.push(UserAction::Grid(GridAction::MarkFilter(mark)));
            }
        }
    });
}

/// What is asked for, each part with a cross that takes it away.
fn chips(ui: &mut Ui, grid: &Grid, actions: &mut Actions) {
    for part in grid.filter.parts() {
        let words = chip(grid, part);
        let accent = Palette::of(ui).accent;
        let response = ui.add(egui::Button::new(text(Type::Small, format!("{words} ×")).color(accent)).small());
        let name = format!("Filter {words}: take away");
        response.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Button, true, &name));
        if response.on_hover_text("Takes this filter away").clicked() {
            actions.push(UserAction::Grid(GridAction::Drop(part)));
        }
    }
}

fn chip(grid: &Grid, part: Part) -> String {
    match part {
        Part::Search => match grid.filter.search.trim() {
            list if list.contains(['\n', ';', ',']) => "a list of addresses".to_owned(),
            search => {
                let short: String = search.chars().take(24).collect();
                format!("“{short}{}”", if short.len() < search.len() { "…" } else { "" })
            }
        },
        Part::Problem(problem) => {
            let known = grid.sums.problems.iter().find(|(other, ..)| *other == problem);
            known.map_or_else(|| "One problem".to_owned(), |(_, _, words)| words.clone())
        }
        Part::Hold(hold) => words::sentence(hold.word()),
        Part::Status(status) => status.word().to_owned(),
        Part::Star(None) => "No star".to_owned(),
        Part::Star(Some(star)) => format!("{} star", words::sentence(star.word())),
        Part::Mark(mark) => mark.label().to_owned(),
    }
}

/// A menu of boxes to tick, which stays open.
fn menu(ui: &mut Ui, words: &str, content: impl FnOnce(&mut Ui)) {
    let border = Palette::of(ui).border;
    Popup::menu(&ui.button(words)).close_behavior(PopupCloseBehavior::CloseOnClickOutside).show(|ui| {
        // Menus take the edges off their controls; boxes to tick need theirs.
        ui.visuals_mut().widgets.inactive.bg_stroke = egui::Stroke::new(1.0, border);
        content(ui);
    });
}

/// Which columns are shown, and in which order.
fn columns(ui: &mut Ui, grid: &Grid, actions: &mut Actions) {
    menu(ui, "Columns…", |ui| {
        let all: Vec<(Column, bool)> = grid.columns.all().collect();
        let last = all.len().saturating_sub(1);
        for (at, (column, mut on)) in all.into_iter().enumerate() {
            ui.horizontal(|ui| {
                for (left, end, mark) in [(true, 0, "←"), (false, last, "→")] {
                    let response = ui.add_enabled(at != end, egui::Button::new(mark).small());
                    let side = if left { "left" } else { "right" };
                    let name = format!("Move {} to the {side}", column.label());
                    response.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Button, at != end, &name));
                    if response.clicked() {
                        actions.push(UserAction::Grid(GridAction::Shift(column, left)));
                    }
                }
                if ui.checkbox(&mut on, column.label()).changed() {
                    actions.push(UserAction::Grid(GridAction::Column(column)));
                }
            });
        }
    });
}

/// Which stars a grid shows; answers one that was ticked or unticked.
pub(super) fn stars_shown(ui: &mut Ui, stars: &BTreeSet<Option<Star>>) -> Option<Option<Star>> {
    let palette = Palette::of(ui);
    let words = if stars.is_empty() { "Stars…".to_owned() } else { format!("Stars: {}", stars.len()) };
    let mut ticked = None;
    menu(ui, &words, |ui| {
        for (name, star) in action::stars() {
            ui.horizontal(|ui| {
                let (rect, _) = ui.allocate_exact_size(egui::Vec2::splat(16.0), egui::Sense::hover());
                let fill = star.map(|star| palette.star(star));
                icon::star(ui.painter(), rect.center(), 6.0, fill, palette.border);
                let mut on = stars.contains(&star);
                if ui.checkbox(&mut on, name).changed() {
                    ticked = Some(star);
                }
            });
        }
    });
    ticked
}
