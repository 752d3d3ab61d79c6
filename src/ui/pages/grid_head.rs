//! What stands above and below the item grid: servers, progress, actions, tabs, filters, the selection.

use std::collections::BTreeSet;

use egui::{Align, Context, Id, Layout, Popup, Ui};

use super::controls::Control;
use super::projects::summary_bar;
use super::{Actions, PageContext};
use crate::domain::project::Project;
use crate::domain::server::Server;
use crate::domain::star::Star;
use crate::domain::status::HoldReason;
use crate::domain::status_words;
use crate::ui::action::{self, ActionName, HeldLine, Items, Subject, UserAction};
use crate::ui::model::grid::{Column, Grid, GridAction, Tab};
use crate::ui::model::projects::Summary;
use crate::ui::model::words;
use crate::ui::theme::{Palette, Tone, Type};
use crate::ui::widgets::icon;
use crate::ui::widgets::text::{cut, muted, text};

fn server(ui: &mut Ui, word: &str, server: &Server, more: &str) {
    let palette = Palette::of(ui);
    ui.label(text(Type::Small, word).color(palette.muted));
    ui.label(text(Type::SmallStrong, server.place()));
    if !more.is_empty() {
        ui.label(text(Type::Small, more).color(palette.muted));
    }
}

/// The project's name, actions, servers, progress, what holds its items.
pub fn head(
    ui: &mut Ui,
    page: PageContext<'_>,
    (project, sum): (&Project, &Summary),
    items: Items<'_>,
    actions: &mut Actions,
) {
    ui.horizontal(|ui| {
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            buttons(ui, items, actions);
            ui.with_layout(Layout::left_to_right(Align::Center), |ui| cut(ui, text(Type::Page, &project.name)));
        });
    });
    ui.horizontal_wrapped(|ui| {
        server(ui, "FROM", &project.source, "(read only)");
        ui.label("→");
        server(ui, "INTO", &project.destination, "");
    });
    if items.archived {
        line(ui, "The project is archived: nothing starts in it", |ui| {
            Control::of(ActionName::BringBack).show(ui, &Subject::Items(items), actions);
        });
    }
    if items.grid.sums.totals.items == 0 {
        return;
    }
    ui.add_space(4.0);
    progress(ui, sum, items, actions);
    holds(ui, page, project, items, actions);
}

fn progress(ui: &mut Ui, sum: &Summary, items: Items<'_>, actions: &mut Actions) {
    ui.horizontal(|ui| {
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            at_once(ui, items, actions);
            ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
                summary_bar(ui, sum, (ui.available_width() * 0.4).clamp(80.0, 260.0));
                cut(ui, text(Type::Small, sum.progress()));
            });
        });
    });
}

/// How many may migrate at once, and one more or fewer, from right to left; raised, more start at once.
fn at_once(ui: &mut Ui, items: Items<'_>, actions: &mut Actions) {
    let subject = Subject::Items(items);
    ui.spacing_mut().item_spacing.x = 6.0;
    Control::of(ActionName::MoreAtOnce).sign("+").show(ui, &subject, actions);
    Control::of(ActionName::FewerAtOnce).sign("–").show(ui, &subject, actions);
    ui.label(text(Type::Small, format!("{} at a time", words::count(items.at_once.into()))));
}

/// What holds items, a line for each reason.
fn holds(ui: &mut Ui, page: PageContext<'_>, project: &Project, items: Items<'_>, actions: &mut Actions) {
    let all = &items.grid.sums.totals.held;
    if items.starts_held && !all.contains_key(&Some(HoldReason::Switch)) {
        line(ui, "New starts are held", |ui| Control::of(ActionName::LetGo).show(ui, &Subject::Items(items), actions));
    }
    let next = page.snapshot.outages.get(&project.id);
    if let Some(next) = next {
        let held = all.get(&Some(HoldReason::Unreachable)).map_or(0, |held| held.items);
        let (waits, next) = (words::counted(held, "item"), words::second(*next, page.zone));
        let side = items.grid.sums.totals.unreached;
        let server = side.map_or("A server".into(), |side| project.server(side).place());
        let words = format!("{server} cannot be reached: {waits} held, tried again at {next}");
        let names = [ActionName::EditHost, ActionName::TryNow];
        held_line(ui, &words, (items, Some(HoldReason::Unreachable), held), &names, actions);
    }
    for (reason, held) in all.iter().filter(|(reason, _)| next.is_none() || **reason != Some(HoldReason::Unreachable)) {
        let words = status_words::held(*reason, held.cause, held.items);
        let names: &[ActionName] = match reason {
            Some(HoldReason::Switch) if items.starts_held => &[ActionName::LetGo],
            Some(HoldReason::LoginRefused) => {
                &[ActionName::CorrectLogin, ActionName::CorrectSignIn, ActionName::Resume]
            }
            Some(HoldReason::Unreachable) => &[ActionName::EditHost, ActionName::Resume],
            _ => &[ActionName::Resume],
        };
        held_line(ui, &words, (items, *reason, held.items), names, actions);
    }
}

/// A line about items that are held for this reason, with what can be done about it.
fn held_line(
    ui: &mut Ui,
    words: &str,
    (items, reason, held): (Items<'_>, Option<HoldReason>, usize),
    names: &[ActionName],
    actions: &mut Actions,
) {
    let subject = Subject::Items(Items { held: Some(HeldLine { reason }), ..items });
    line(ui, words, |ui| {
        if held > 0 && ui.button(format!("See {}", words::count(held as u64))).clicked() {
            actions.push(UserAction::Grid(GridAction::Held(reason)));
        }
        for name in names.iter().chain([&ActionName::StopHeld]) {
            if (name.entry().rule)(&subject).is_ok() {
                Control::of(*name).show(ui, &subject, actions);
            }
        }
    });
}

/// Something to know about the whole project, with what can be done about it.
fn line(ui: &mut Ui, words: &str, controls: impl FnOnce(&mut Ui)) {
    let color = Palette::of(ui).tone(Tone::Warning);
    ui.horizontal_wrapped(|ui| {
        ui.label(text(Type::Small, words).color(color));
        controls(ui);
    });
}

/// From right to left.
fn buttons(ui: &mut Ui, items: Items<'_>, actions: &mut Actions) {
    let subject = Subject::Items(items);
    more(ui, &subject, actions);
    Control::of(ActionName::ImportItems).show(ui, &subject, actions);
    // They say how many it will be done with.
    let selection = &items.grid.selection;
    let number = |items: usize| words::count(items as u64);
    let stop = match selection.targets.len() {
        0 => "Stop".to_owned(),
        _ => format!("Stop {}", number(selection.stoppable.items)),
    };
    Control::of(ActionName::Stop).label(stop).show(ui, &subject, actions);
    let (shown, startable) = (items.grid.view.places.len(), items.grid.sums.totals.shown.0);
    let (name, words) = match selection.targets.len() {
        0 if startable == 0 => (ActionName::StartShown, "Start…".to_owned()),
        0 if startable == shown => (ActionName::StartShown, format!("Start all {}…", number(shown))),
        0 => (ActionName::StartShown, format!("Start {} of {}…", number(startable), number(shown))),
        _ => (ActionName::Start, format!("Start {}…", number(selection.startable.items))),
    };
    Control::of(name).label(words).primary().show(ui, &subject, actions);
}

/// What is done seldom.
fn more(ui: &mut Ui, subject: &Subject<'_>, actions: &mut Actions) {
    Popup::menu(&ui.button("More…")).show(|ui| {
        let starts =
            [ActionName::Hold, ActionName::LetGo, ActionName::StartNext, ActionName::StopNow, ActionName::StopAll];
        let edits = [
            ActionName::TestItem,
            ActionName::Preview,
            ActionName::EditItem,
            ActionName::Note,
            ActionName::ItemOptions,
            ActionName::ResetItems,
            ActionName::ClearCredentials,
            ActionName::Remind,
            ActionName::DeleteItems,
        ];
        let whole = [
            ActionName::EditProject,
            ActionName::ProjectOptions,
            ActionName::ProjectMail,
            ActionName::Guide,
            ActionName::DuplicateProject,
            ActionName::ArchiveProject,
            ActionName::BringBack,
            ActionName::DeleteProject,
        ];
        for (at, names) in [&starts[..], &edits, &whole].into_iter().enumerate() {
            if at > 0 {
                ui.separator();
            }
            for name in names {
                Control::of(*name).show(ui, subject, actions);
            }
        }
    });
}

/// Tabs, search and the filter of stars.
pub fn filters(ui: &mut Ui, items: Items<'_>, actions: &mut Actions) {
    let (grid, subject) = (items.grid, Subject::Items(items));
    let palette = Palette::of(ui);
    ui.horizontal_wrapped(|ui| {
        ui.spacing_mut().item_spacing.x = 4.0;
        for (tab, count) in Tab::ALL.into_iter().zip(grid.sums.totals.tabs) {
            if tab.is_rare() && count == 0 && grid.filter.tab != tab {
                continue;
            }
            let words = format!("{} {}", tab.label(), words::count(count as u64));
            let on = grid.filter.tab == tab;
            let color = match (on, tab) {
                (true, _) => palette.accent,
                (false, Tab::Alerts) => palette.tone(Tone::Warning),
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
        columns(ui, grid, actions);
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

/// Which columns are shown.
fn columns(ui: &mut Ui, grid: &Grid, actions: &mut Actions) {
    let border = Palette::of(ui).border;
    Popup::menu(&ui.button("Columns…")).close_behavior(egui::PopupCloseBehavior::CloseOnClickOutside).show(|ui| {
        // Menus take the edges off their controls; boxes to tick need theirs.
        ui.visuals_mut().widgets.inactive.bg_stroke = egui::Stroke::new(1.0, border);
        for column in Column::OPTIONAL {
            let mut on = !grid.hidden.contains(&column);
            if ui.checkbox(&mut on, column.label()).changed() {
                actions.push(UserAction::Grid(GridAction::Column(column)));
            }
        }
    });
}

/// Which stars a grid shows; answers one that was ticked or unticked.
pub(super) fn stars_shown(ui: &mut Ui, stars: &BTreeSet<Option<Star>>) -> Option<Option<Star>> {
    let palette = Palette::of(ui);
    let words = if stars.is_empty() { "Stars…".to_owned() } else { format!("Stars: {}", stars.len()) };
    let button = ui.button(words);
    let mut ticked = None;
    Popup::menu(&button).close_behavior(egui::PopupCloseBehavior::CloseOnClickOutside).show(|ui| {
        // Menus take the edges off their controls; boxes to tick need theirs.
        ui.visuals_mut().widgets.inactive.bg_stroke = egui::Stroke::new(1.0, palette.border);
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

/// The keys one needs first.
fn hint() -> String {
    let key = |name: ActionName| name.entry().key_names();
    let [space, all, open] = [ActionName::Toggle, ActionName::SelectAll, ActionName::Open].map(key);
    let [start, stop, help] = [ActionName::Start, ActionName::Stop, ActionName::Help].map(key);
    let [red, purple, none] = [ActionName::RedStar, ActionName::PurpleStar, ActionName::NoStar].map(key);
    format!(
        "{space} selects, Shift a range, {all} all · {open} opens · {start} starts, {stop} stops · \
         {red}–{purple} star, {none} no star · {help} all keys"
    )
}

/// What is selected, below the grid.
pub fn selection(ui: &mut Ui, grid: &Grid) {
    let chosen = grid.selection.targets.len();
    let hidden = grid.selection.selected.len() - chosen;
    let line = match (chosen, hidden) {
        (0, 0) => hint(),
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
        let (start, stop) = (grid.selection.startable.items, grid.selection.stoppable.items);
        for (count, word) in [(start, "can be started"), (stop, "can be stopped")] {
            muted(ui, format!("· {} {word}", words::count(count as u64)));
        }
    });
}
