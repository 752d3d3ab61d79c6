//! The lists of an item's page: Folder Summary (R19), errors, passes; and which of errors, log and speed is shown.

use egui::{Align, Frame, Layout, Margin, ScrollArea, TextEdit, Ui, WidgetInfo};
use egui_extras::{Column, TableBuilder, TableRow};

use super::controls::Control;
use super::{Actions, ItemContext, PageContext, item_credentials, item_errors, item_log, item_notices, item_speed};
use crate::domain::counts::Counts;
use crate::domain::progress::FolderPhase;
use crate::domain::status::Status;
use crate::service::items::{Details, FolderLine};
use crate::ui::action::{ActionName, UserAction};
use crate::ui::model::item::{self, ItemAction, ItemPage, Show, Tab};
use crate::ui::model::look::shape;
use crate::ui::model::words;
use crate::ui::theme::{LINE, LISTS, Palette, Tone, Type};
use crate::ui::widgets::icon;
use crate::ui::widgets::text::{cut, cut_middle, figure, muted, section, text};

/// With so much room errors stand beside folders.
const BESIDE: f32 = 1100.0;
/// Errors are no wider: their texts are read.
const ERRORS: f32 = 640.0;
/// The least height of the folders above errors.
const FOLDERS: f32 = 150.0;
/// The same above what takes all the room it can get.
const FOLDERS_BESIDE_MORE: f32 = 100.0;
/// The least width of a folder's name.
const NAME: f32 = 120.0;

/// A figure of a folder: its heading, the width of its column, and what it counts.
type ListFigure = (&'static str, f32, fn(&Counts) -> u64);
/// The figures of a folder.
const FIGURES: [ListFigure; 8] = [
    ("At source", 60.0, |counts| counts.source),
    ("Copied", 52.0, |counts| counts.copied),
    ("Already there", 76.0, |counts| counts.already_there),
    ("To copy", 56.0, Counts::left),
    ("Arrived", 52.0, |counts| counts.arrived),
    ("Waiting", 52.0, |counts| counts.waiting),
    ("Differ", 46.0, |counts| counts.differ),
    ("Errors", 46.0, |counts| counts.errors),
];
/// Those of them that have a column only where there is something to count.
const RARE: [&str; 3] = ["Arrived", "Waiting", "Differ"];
/// Those of them that give way where the rare ones leave no room.
const GIVE_WAY: [&str; 3] = ["Already there", "Arrived", "At source"];
/// Those of them that ask for a look when they are not nothing.
const LOUD: [&str; 3] = ["Waiting", "Differ", "Errors"];
/// The same of a pass.
const PASSES: [(&str, f32); 5] =
    [("Started", 74.0), ("Took", 66.0), ("Copied", 56.0), ("Data", 72.0), ("Errors", 46.0)];

/// With less room than this, passes show the figures that are looked for first.
const PASSES_WIDE: f32 = 520.0;

/// The figures of passes there is room for.
fn pass_figures(narrow: bool, room: f32) -> Vec<(&'static str, f32)> {
    let words: &[&str] = match (narrow, room < PASSES_WIDE) {
        (true, _) => &["Started", "Copied", "Errors"],
        (false, true) => &["Started", "Took", "Errors"],
        (false, false) => return PASSES.to_vec(),
    };
    PASSES.into_iter().filter(|(word, _)| words.contains(word)).collect()
}

fn is_shown(word: &str, narrow: bool) -> bool {
    !narrow || matches!(word, "Copied" | "To copy" | "Errors" | "Waiting" | "Differ")
}

/// The figures of folders there is room for, and something to count in.
fn figures_of(details: &Details, narrow: bool, room: f32, gap: f32) -> Vec<ListFigure> {
    let counts = |figure: &ListFigure| details.folders.iter().any(|line| figure.2(&line.folder.counts) > 0);
    let has_column = |figure: &ListFigure| is_shown(figure.0, narrow) && (!RARE.contains(&figure.0) || counts(figure));
    let mut figures: Vec<ListFigure> = FIGURES.into_iter().filter(has_column).collect();
    for first_to_go in GIVE_WAY {
        let wide: f32 = figures.iter().map(|figure| figure.1 + gap).sum();
        if wide > room {
            figures.retain(|figure| figure.0 != first_to_go);
        }
    }
    figures
}

/// Paints them. With room the errors stand beside the folders, else below them.
pub fn show(ui: &mut Ui, lists: ItemContext<'_>, actions: &mut Actions) {
    let Some(details) = &lists.page.details else {
        section(ui, "Folder Summary");
        muted(ui, "Reading…");
        return;
    };
    if ui.available_width() >= BESIDE {
        let wide = (ui.available_width() * 0.45).min(ERRORS);
        let right = egui::Panel::right("errors").exact_size(wide).resizable(false).show_separator_line(false);
        let margin = Margin { left: 24, ..Margin::ZERO };
        right.frame(Frame::new().inner_margin(margin)).show(ui, |ui| tab(ui, lists, details, actions));
        egui::CentralPanel::default().frame(Frame::new()).show(ui, |ui| {
            // Figures stay in sight of their names, however large the window. A panel takes all it can get, its part not.
            ui.scope(|ui| {
                ui.set_max_width(ui.available_width().min(LISTS));
                folder_summary(ui, lists, details, actions);
            });
        });
        return;
    }
    // What stands below needs little room while nothing went wrong.
    let quiet = details.errors.is_empty() && details.notices.is_empty() && !waits(lists);
    let passes = if lists.narrow { LINE * (details.passes.len().min(4) as f32 + 1.0) + 46.0 } else { 0.0 };
    let (below, least) = match lists.page.tab {
        Tab::Errors if quiet => (50.0 + passes, FOLDERS),
        Tab::Errors => (ui.available_height() * 0.5, FOLDERS),
        Tab::Log | Tab::Speed => (ui.available_height() * 0.65, FOLDERS_BESIDE_MORE),
    };
    ui.scope(|ui| {
        ui.set_max_height((ui.available_height() - below).max(least));
        folder_summary(ui, lists, details, actions);
    });
    ui.add_space(8.0);
    tab(ui, lists, details, actions);
}

/// What stands under *Migrated Items* where there is room: passes and credentials.
pub fn beside(ui: &mut Ui, lists: ItemContext<'_>, actions: &mut Actions) {
    let Some(details) = lists.page.details.as_ref().filter(|_| !lists.narrow) else { return };
    ui.add_space(8.0);
    ScrollArea::vertical()
        .id_salt("beside")
        .auto_shrink([false, false])
        .show(ui, |ui| past(ui, lists, details, actions));
}

fn waits(lists: ItemContext<'_>) -> bool {
    lists.row.status == Status::WaitingForUser
}

fn folder_summary(ui: &mut Ui, lists: ItemContext<'_>, details: &Details, actions: &mut Actions) {
    ui.horizontal(|ui| {
        section(ui, "Folder Summary");
        if !details.folders.is_empty() {
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| choose(ui, lists.page, actions));
        }
    });
    ui.spacing_mut().item_spacing.y = 0.0;
    folders(ui, lists, details, actions);
}

/// What stands beside or below the folders, and the choice of it.
fn tab(ui: &mut Ui, lists: ItemContext<'_>, details: &Details, actions: &mut Actions) {
    let palette = Palette::of(ui);
    // As high as the heading beside it, which has controls.
    ui.horizontal(|ui| {
        ui.set_min_height(ui.spacing().interact_size.y);
        ui.spacing_mut().item_spacing.x = 4.0;
        for tab in Tab::ALL {
            let on = lists.page.tab == tab;
            let color = if on { palette.accent } else { palette.text };
            if ui.add(egui::Button::selectable(on, text(Type::Strong, tab.label()).color(color))).clicked() {
                actions.push(UserAction::Item(ItemAction::Tab(tab)));
            }
        }
    });
    match lists.page.tab {
        Tab::Errors => troubles(ui, lists, details, actions),
        Tab::Log => item_log::show(ui, lists, actions),
        Tab::Speed => item_speed::show(ui, lists),
    }
}

/// What needs a look.
fn troubles(ui: &mut Ui, lists: ItemContext<'_>, details: &Details, actions: &mut Actions) {
    ScrollArea::vertical().id_salt("below").auto_shrink([false, false]).show(ui, |ui| {
        if waits(lists) {
            item_credentials::show(ui, lists, &details.credentials, actions);
            ui.add_space(8.0);
        }
        item_errors::show(ui, lists, details, actions);
        ui.add_space(8.0);
        item_notices::show(ui, &lists.page.lists.notices, (lists.row.item, details.notices.len()), actions);
        if lists.narrow {
            past(ui, lists, details, actions);
        }
    });
}

/// Passes, and how the mailboxes are opened.
fn past(ui: &mut Ui, lists: ItemContext<'_>, details: &Details, actions: &mut Actions) {
    section(ui, "Passes");
    ui.scope(|ui| passes(ui, lists, details));
    if !waits(lists) {
        ui.add_space(8.0);
        item_credentials::show(ui, lists, &details.credentials, actions);
    }
}

/// The search for folders and which of them are shown, from right to left.
fn choose(ui: &mut Ui, page: &ItemPage, actions: &mut Actions) {
    let palette = Palette::of(ui);
    ui.spacing_mut().item_spacing.x = 4.0;
    for (show, count) in Show::ALL.into_iter().zip(page.lists.choices).rev() {
        let on = page.lists.show == show;
        let words = format!("{} {}", show.label(), words::count(count as u64));
        let color = if on { palette.accent } else { palette.text };
        if ui.add(egui::Button::selectable(on, text(Type::Small, words).color(color))).clicked() {
            actions.push(UserAction::Item(ItemAction::Show(show)));
        }
    }
    let mut find = page.lists.find.clone();
    let edit = TextEdit::singleline(&mut find).hint_text("find folder").desired_width(120.0).id_salt("find folder");
    let response = ui.add(edit);
    response.widget_info(|| WidgetInfo {
        label: Some("Find folder".into()),
        ..WidgetInfo::text_edit(true, &page.lists.find, &page.lists.find, "find folder")
    });
    if response.changed() {
        actions.push(UserAction::Item(ItemAction::Find(find)));
    }
}

fn folders(ui: &mut Ui, lists: ItemContext<'_>, details: &Details, actions: &mut Actions) {
    let known = lists.row.progress.folders_total > 0;
    if details.folders.is_empty() {
        let none = "No folders yet: a Full pass lists them when it has reached both sides";
        muted(ui, if known { "Reading…" } else { none });
        return;
    }
    let lines = &lists.page.lists.lines;
    let more = lists.page.more.0;
    if lines.is_empty() && !more {
        muted(ui, "No folder fits the filter");
        return;
    }
    let narrow = lists.narrow;
    let state = if narrow { 60.0 } else { 78.0 };
    let gap = ui.spacing().item_spacing.x;
    let beside = NAME + state + 2.0 * gap + ui.spacing().scroll.floating_allocated_width;
    let figures = figures_of(details, narrow, ui.available_width() - beside, gap);
    let mut table = TableBuilder::new(ui)
        .id_salt(("folders", narrow, figures.len()))
        .auto_shrink([false, true])
        .cell_layout(Layout::left_to_right(Align::Center))
        .column(Column::remainder().range(NAME..=620.0).clip(true))
        .column(Column::exact(state).clip(true));
    for (_, wide, _) in &figures {
        table = table.column(Column::exact(*wide));
    }
    table
        .header(LINE, |mut header| {
            let words = figures.iter().map(|(word, ..)| *word);
            headings(&mut header, ["Source → destination", "State"], words);
        })
        .body(|body| {
            body.rows(LINE, lines.len() + usize::from(more), |mut row| {
                match lines.get(row.index()).and_then(|place| details.folders.get(*place)) {
                    Some(line) => folder(&mut row, line, &figures, lists.row.status.is_active()),
                    None => {
                        drop(row.col(|ui| Control::of(ActionName::MoreFolders).show(ui, &lists.subject(), actions)))
                    }
                }
            });
        });
}

fn folder(row: &mut TableRow<'_, '_>, line: &FolderLine, figures: &[ListFigure], active: bool) {
    let counts = &line.folder.counts;
    row.col(|ui| {
        let same = line.source == line.destination;
        let words = if same { line.source.clone() } else { format!("{} → {}", line.source, line.destination) };
        let color = Palette::of(ui).text;
        cut_middle(ui, Type::Small, &words, color);
    });
    row.col(|ui| {
        let palette = Palette::of(ui);
        let color = match line.folder.phase {
            FolderPhase::Working if active => palette.tone(Tone::Moving),
            FolderPhase::Working => palette.tone(Tone::Warning),
            FolderPhase::Done | FolderPhase::Unchanged => palette.tone(Tone::Good),
            FolderPhase::Failed | FolderPhase::DestinationGone => palette.tone(Tone::Bad),
            FolderPhase::Waiting => palette.muted,
        };
        cut(ui, text(Type::Small, item::phase(line.folder.phase, active)).color(color));
    });
    for (word, _, of) in figures {
        let number = of(counts);
        row.col(|ui| {
            let color = (number > 0 && LOUD.contains(word)).then(|| Palette::of(ui).tone(Tone::Warning));
            figure(ui, words::count_or_dash(number), color);
        });
    }
}

/// The headings of a table: two of words, the others of figures.
fn headings(header: &mut TableRow<'_, '_>, words: [&'static str; 2], figures: impl Iterator<Item = &'static str>) {
    for (at, word) in words.into_iter().chain(figures).enumerate() {
        header.col(|ui| {
            let color = Palette::of(ui).muted;
            if at > 1 {
                figure(ui, word, Some(color));
            } else {
                cut(ui, text(Type::Small, word).color(color));
            }
        });
    }
}

fn passes(ui: &mut Ui, lists: ItemContext<'_>, details: &Details) {
    if details.passes.is_empty() {
        muted(ui, "None yet");
        return;
    }
    let PageContext { now, zone, .. } = lists.context;
    ui.spacing_mut().item_spacing.y = 0.0;
    // Room for a scroll bar is left.
    ui.set_max_width(ui.available_width() - ui.spacing().scroll.floating_allocated_width);
    let columns = pass_figures(lists.narrow, ui.available_width());
    let narrow = columns.len() < PASSES.len();
    let mut table = TableBuilder::new(ui)
        .id_salt(("passes", narrow))
        .vscroll(false)
        .cell_layout(Layout::left_to_right(Align::Center))
        .column(Column::exact(if narrow { 80.0 } else { 100.0 }).clip(true))
        .column(Column::remainder().range(96.0..=430.0).clip(true));
    for (_, wide) in &columns {
        table = table.column(Column::exact(*wide));
    }
    table
        .header(LINE, |mut header| {
            let figures = columns.iter().map(|(word, _)| *word);
            headings(&mut header, ["Pass", "Status"], figures);
        })
        .body(|body| {
            body.rows(LINE, details.passes.len(), |mut row| {
                let at = row.index();
                let pass = &details.passes[at];
                // The engine's figures of the latest pass are newer than those that were read.
                let latest = lists.row.pass.is_some_and(|latest| latest.id == pass.id);
                let (status, counts, leaves) = if latest {
                    (lists.row.status, lists.row.progress.counts, lists.row.progress.leaves_something())
                } else {
                    (pass.status, pass.counts, pass.leaves_something)
                };
                row.col(|ui| {
                    cut(ui, text(Type::Small, format!("{} {}", details.passes.len() - at, pass.kind.word())));
                });
                row.col(|ui| {
                    let (icon, tone) = shape(status, Some(pass.kind), leaves, false);
                    let color = Palette::of(ui).tone(tone);
                    icon::show(ui, icon, color);
                    let why = pass
                        .failure
                        .as_ref()
                        .map(|(side, failure)| item::failure(lists.project, lists.row, *side, failure).headline);
                    let words = why.filter(|_| status == Status::Failed).unwrap_or_else(|| status.word().to_owned());
                    cut(ui, text(Type::Small, words).color(color));
                });
                let started = pass.started.map_or_else(|| "–".into(), |at| words::moment(at, now, zone));
                let figures = [
                    started,
                    words::took(pass.started, pass.ended),
                    words::count_or_dash(counts.copied),
                    words::size_or_dash(counts.bytes),
                    words::count_or_dash(counts.errors),
                ];
                for (words, _) in figures.into_iter().zip(PASSES).filter(|(_, column)| columns.contains(column)) {
                    row.col(|ui| figure(ui, words, None));
                }
            });
        });
}
