//! What stands above and below the item grid: servers, progress, actions, the selection.

use egui::{Align, Layout, Popup, Ui};

use super::controls::Control;
use super::projects::summary_bar;
use super::{Actions, PageContext};
use crate::domain::project::Project;
use crate::domain::server::Server;
use crate::domain::status::HoldReason;
use crate::domain::status_words;
use crate::ui::action::{ActionName, HeldLine, Items, Subject, UserAction};
use crate::ui::model::grid::{Grid, GridAction};
use crate::ui::model::projects::Summary;
use crate::ui::model::words;
use crate::ui::theme::{Palette, Tone, Type};
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
    progress(ui, page, sum, items, actions);
    holds(ui, page, project, items, actions);
}

fn progress(ui: &mut Ui, page: PageContext<'_>, sum: &Summary, items: Items<'_>, actions: &mut Actions) {
    ui.horizontal(|ui| {
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            at_once(ui, items, actions);
            ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
                summary_bar(ui, sum, (ui.available_width() * 0.4).clamp(80.0, 260.0));
                // What is told first keeps its room where there is little.
                let ready = sum.ready.as_ref().map(|ready| (ready.words(page.now, page.zone), ready.basis()));
                let told = ready.as_ref().map(|(words, _)| format!(" · {words}")).unwrap_or_default();
                let line = cut(ui, text(Type::Small, sum.progress() + &told));
                if let Some((words, basis)) = ready {
                    line.on_hover_text(format!("{}: {basis}", words::sentence(&words)));
                } else if sum.left.uncounted > 0 && sum.running > 0 {
                    let items = words::counted(sum.left.uncounted, "item");
                    line.on_hover_text(format!(
                        "When it is ready is not told: of {items} nobody has counted what they hold. Verify does"
                    ));
                }
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
            ActionName::ExportRows,
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
