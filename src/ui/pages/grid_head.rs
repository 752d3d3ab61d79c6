//! What stands above and below the item grid: servers, progress, actions, tabs, filters, the selection.

use egui::{Align, Key, Layout, Modifiers, Popup, Ui};

use super::keys::are_free;
use super::{Actions, Sight};
use crate::domain::project::Project;
use crate::domain::server::Server;
use crate::domain::star::Star;
use crate::domain::status::Status;
use crate::domain::wording;
use crate::ui::action::UserAction;
use crate::ui::model::grid::{Grid, GridAction, Tab};
use crate::ui::model::projects::{BAR, Summary};
use crate::ui::model::words;
use crate::ui::theme::{Palette, Tone, Type};
use crate::ui::widgets::text::{cut, muted, primary, text};
use crate::ui::widgets::{bars, star};

/// The stars of the picker: the uncoloured one first (R55).
pub const STARS: [(&str, Option<Star>); 7] = [
    ("No star", None),
    ("Red star", Some(Star::Red)),
    ("Orange star", Some(Star::Orange)),
    ("Yellow star", Some(Star::Yellow)),
    ("Green star", Some(Star::Green)),
    ("Blue star", Some(Star::Blue)),
    ("Purple star", Some(Star::Purple)),
];

/// The same as the picker takes them.
pub fn choices(palette: &Palette) -> Vec<star::Choice> {
    STARS.iter().map(|(name, star)| (*name, star.map(|star| palette.star(star)))).collect()
}

fn server(ui: &mut Ui, word: &str, server: &Server, more: &str) {
    let palette = Palette::of(ui);
    ui.label(text(Type::Small, word).color(palette.muted));
    ui.label(text(Type::SmallStrong, server.place()));
    if !more.is_empty() {
        ui.label(text(Type::Small, more).color(palette.muted));
    }
}

/// Name, actions, servers, progress.
pub fn head(ui: &mut Ui, sight: Sight<'_>, project: &Project, grid: &Grid, sum: &Summary, actions: &mut Actions) {
    ui.horizontal(|ui| {
        ui.label(text(Type::Page, &project.name));
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| buttons(ui, sight, grid, actions));
    });
    ui.horizontal(|ui| {
        server(ui, "FROM", &project.source, "(read only)");
        ui.label("→");
        server(ui, "INTO", &project.destination, "");
    });
    if grid.sums.totals.items == 0 {
        return;
    }
    ui.add_space(4.0);
    let palette = Palette::of(ui);
    ui.horizontal(|ui| {
        let mut parts: Vec<_> = sum.tones.iter().zip(BAR).map(|(count, tone)| (*count, palette.tone(tone))).collect();
        let started: u64 = sum.tones.iter().sum();
        parts.push(((sum.items as u64).saturating_sub(started), palette.track));
        let bar = bars::segments(ui, 260.0, 8.0, &parts, palette.track);
        bar.on_hover_ui(|ui| drop(ui.label(sum.words())));
        let items = grid.sums.totals.items as u64;
        let mut line = format!("{} of {} fully migrated", words::count(sum.done as u64), words::count(items));
        if sum.bytes > 0 {
            line += &format!(" · {}", wording::size(sum.bytes));
        }
        if sum.speed > 0 {
            line += &format!(" · {}/s", wording::size(sum.speed));
        }
        ui.label(text(Type::Small, line));
    });
    if sum.held > 0 {
        held(ui, sight, grid, sum, actions);
    }
}

fn held(ui: &mut Ui, sight: Sight<'_>, grid: &Grid, sum: &Summary, actions: &mut Actions) {
    let color = Palette::of(ui).tone(Tone::Warning);
    ui.horizontal(|ui| {
        let words = format!("{} held: started before, and waiting for your word", words::counted(sum.held, "item"));
        ui.label(text(Type::Small, words).color(color));
        let held = || {
            let rows = sight.snapshot.rows().filter(|row| row.project == grid.project && row.status == Status::Held);
            rows.map(|row| row.item).collect()
        };
        if ui.button("Resume").clicked() {
            actions.push(UserAction::Resume(held()));
        }
        if ui.button("Stop them").clicked() {
            actions.push(UserAction::Stop(held()));
        }
    });
}

/// From right to left.
fn buttons(ui: &mut Ui, sight: Sight<'_>, grid: &Grid, actions: &mut Actions) {
    let all = || {
        grid.view.places.iter().filter_map(|place| sight.snapshot.row(*place)).map(|row| row.item).collect::<Vec<_>>()
    };
    if ui.button("Import items…").clicked() {
        actions.push(UserAction::AskImport);
    }
    let chosen = grid.selection.targets.len();
    let stop = if chosen == 0 { "Stop".to_owned() } else { format!("Stop {}", words::count(chosen as u64)) };
    let response = ui.add_enabled(chosen > 0, egui::Button::new(stop));
    if response.on_disabled_hover_text("Select items first").clicked() {
        actions.push(UserAction::Stop(grid.selection.targets.clone()));
    }
    let start = match (chosen, grid.view.places.len()) {
        (0, 0) => "Start…".to_owned(),
        (0, shown) => format!("Start all {}…", words::count(shown as u64)),
        (chosen, _) => format!("Start {}…", words::count(chosen as u64)),
    };
    let response = primary(ui, if chosen == 0 { grid.sums.totals.shown.0 > 0 } else { true }, start);
    let why = match grid.view.places.len() {
        0 => "No items are shown".to_owned(),
        _ => "All items shown are submitted or running".to_owned(),
    };
    if response.on_disabled_hover_text(why).clicked() {
        actions.push(UserAction::AskStart(if chosen == 0 { all() } else { grid.selection.targets.clone() }));
    }
}

/// Tabs, search and the filter of stars.
pub fn filters(ui: &mut Ui, grid: &Grid, actions: &mut Actions) {
    let palette = Palette::of(ui);
    ui.horizontal(|ui| {
        ui.spacing_mut().item_spacing.x = 4.0;
        for (tab, count) in Tab::ALL.into_iter().zip(grid.sums.totals.tabs) {
            let words = format!("{} {}", tab.word(), words::count(count as u64));
            let on = grid.filter.tab == tab;
            let color = if on { palette.accent } else { palette.text };
            if ui.add(egui::Button::selectable(on, text(Type::Small, words).color(color))).clicked() {
                actions.push(UserAction::Grid(GridAction::Tab(tab)));
            }
        }
    });
    if grid.filter.tab == Tab::Problems && !grid.sums.problems.is_empty() {
        problems(ui, grid, actions);
    }
    ui.horizontal(|ui| {
        search(ui, grid, palette, actions);
        star_filter(ui, grid, palette, actions);
        if grid.filter.is_active() {
            muted_count(ui, grid);
            if ui.button("Clear filters").clicked() {
                actions.push(UserAction::Grid(GridAction::ClearFilters));
            }
        }
        if grid.view.stale && ui.button("Order changed, sort again (R)").clicked() {
            actions.push(UserAction::Grid(GridAction::SortAgain));
        }
    });
}

/// The causes, each with its number of items; a click shows only these.
fn problems(ui: &mut Ui, grid: &Grid, actions: &mut Actions) {
    let palette = Palette::of(ui);
    ui.horizontal_wrapped(|ui| {
        ui.spacing_mut().item_spacing.x = 4.0;
        for (problem, count, words) in &grid.sums.problems {
            let on = grid.filter.problem == Some(*problem);
            let words = text(Type::Small, format!("{words} {}", words::count(*count as u64)));
            let color = if on { palette.accent } else { palette.text };
            if ui.add(egui::Button::selectable(on, words.color(color)).frame_when_inactive(true)).clicked() {
                actions.push(UserAction::Grid(GridAction::Problem((!on).then_some(*problem))));
            }
        }
    });
}

fn search(ui: &mut Ui, grid: &Grid, palette: &Palette, actions: &mut Actions) {
    let wanted = are_free(ui) && ui.input_mut(|input| input.consume_key(Modifiers::NONE, Key::Slash));
    let mut search = grid.filter.search.clone();
    let label = ui.label(text(Type::Small, "Search").color(palette.muted));
    let hint = "address, or paste a list ( / )";
    let edit = egui::TextEdit::singleline(&mut search).hint_text(hint).desired_width(240.0).id_salt("search");
    let response = ui.add(edit).labelled_by(label.id);
    if response.changed() {
        actions.push(UserAction::Grid(GridAction::Search(search)));
    }
    // After the field was painted, so that the key itself is not typed into it.
    if wanted {
        response.request_focus();
    }
}

fn muted_count(ui: &mut Ui, grid: &Grid) {
    let (shown, all) = (grid.view.places.len() as u64, grid.sums.totals.items as u64);
    let color = Palette::of(ui).muted;
    ui.label(text(Type::Small, format!("showing {} of {}", words::count(shown), words::count(all))).color(color));
}

fn star_filter(ui: &mut Ui, grid: &Grid, palette: &Palette, actions: &mut Actions) {
    let words = if grid.filter.stars.is_empty() {
        "Stars…".to_owned()
    } else {
        format!("Stars: {}", grid.filter.stars.len())
    };
    let button = ui.button(words);
    Popup::menu(&button).close_behavior(egui::PopupCloseBehavior::CloseOnClickOutside).show(|ui| {
        // Menus take the edges off their controls; boxes to tick need theirs.
        ui.visuals_mut().widgets.inactive.bg_stroke = egui::Stroke::new(1.0, palette.border);
        for (name, star) in STARS {
            ui.horizontal(|ui| {
                let (rect, _) = ui.allocate_exact_size(egui::Vec2::splat(16.0), egui::Sense::hover());
                let fill = star.map(|star| palette.star(star));
                crate::ui::widgets::icon::star(ui.painter(), rect.center(), 6.0, fill, palette.border);
                let mut on = grid.filter.stars.contains(&star);
                if ui.checkbox(&mut on, name).changed() {
                    actions.push(UserAction::Grid(GridAction::StarFilter(star)));
                }
            });
        }
    });
}

/// What is selected, below the grid.
pub fn selection(ui: &mut Ui, grid: &Grid) {
    let chosen = grid.selection.targets.len();
    let hidden = grid.selection.selected.len() - chosen;
    let line = match (chosen, hidden) {
        (0, 0) => {
            "Space selects, Shift a range, Ctrl+A all · Enter opens · S starts, X stops · 1–6 star, 0 no star · ? all keys"
                .into()
        }
        (chosen, 0) => format!("{} selected", words::counted(chosen, "item")),
        (chosen, hidden) => {
            format!(
                "{} selected ({} hidden by the filter)",
                words::counted(chosen, "item"),
                words::count(hidden as u64)
            )
        }
    };
    ui.horizontal(|ui| {
        if chosen == 0 {
            muted(ui, line);
            return;
        }
        cut(ui, text(Type::Small, line));
        let (start, stop) = grid.selection.allowed;
        for (count, word) in [(start, "can be started"), (stop, "can be stopped")] {
            muted(ui, format!("· {} {word}", words::count(count as u64)));
        }
    });
}
