//! The item grid (R47–R50, R54–R60): a virtualised table; only the rows in page are painted.

use egui::text::LayoutJob;
use egui::{Align, Layout, Response, Role, ScrollArea, Sense, TextFormat, Ui, WidgetInfo};
use egui_extras::{Column as Width, TableBuilder, TableRow};

use super::controls::{Control, star_at, star_choices};
use super::grid_columns::{TINY, figures, letters, passes_cell, widths};
use super::grid_filters::filters;
use super::grid_head::{head, selection};
use super::grid_row;
use super::keys::{self, Holder};
use super::{Actions, PageContext};
use crate::domain::project::Project;
use crate::domain::status::Status;
use crate::engine::snapshot::ItemRow;
use crate::ui::action::{ActionName, Items, Subject, Targets, UserAction};
use crate::ui::model::grid::{Column, Grid, GridAction};
use crate::ui::model::look::{self, Happening, happening, look};
use crate::ui::model::projects::Summary;
use crate::ui::model::words;
use crate::ui::route::Route;
use crate::ui::theme::{ICON, Palette, ROW, Tone, Type, WIDE, font};
use crate::ui::widgets::text::{badge, cut, figure, muted, text};
use crate::ui::widgets::{bars, icon, star};

/// Paints it. In a low window, also by zoom, all of it is scrolled, and the rows have room all the same.
pub fn show(ui: &mut Ui, page: PageContext<'_>, project: &Project, grid: &Grid, sum: &Summary) -> Actions {
    if ui.available_height() >= LOW {
        return painted(ui, page, (project, sum), grid, None);
    }
    ScrollArea::vertical().show(ui, |ui| painted(ui, page, (project, sum), grid, Some(LOW / 2.0))).inner
}

/// With so many points of height for the rows, or with what the page leaves.
fn painted(
    ui: &mut Ui,
    page: PageContext<'_>,
    (project, sum): (&Project, &Summary),
    grid: &Grid,
    high: Option<f32>,
) -> Actions {
    let mut actions = Actions::new();
    let holder = Holder::before(ui);
    let (starts, at_once) = (project.starts, project.options.concurrent);
    let (starts_held, archived) = (starts.held, starts.archived);
    let mut items =
        Items { grid, cursor: None, held: None, now: page.now, archived, starts_held, at_once, rows_seen: 1 };
    head(ui, page, (project, sum), items, &mut actions);
    ui.add_space(8.0);
    if grid.sums.totals.items == 0 {
        empty(ui, items, &mut actions);
        keys::act(ui, holder, &Subject::Items(items), &mut actions);
        return actions;
    }
    filters(ui, items, &mut actions);
    ui.add_space(4.0);
    let below = 30.0;
    let top = ui.cursor().top();
    let height = high.unwrap_or_else(|| ui.available_height() - below).max(3.0 * ROW);
    items.rows_seen = rows_seen(height);
    let scroll = keys(ui, page, holder, items, &mut actions);
    ui.scope(|ui| {
        ui.set_max_height(height);
        ui.spacing_mut().item_spacing = egui::vec2(6.0, 0.0);
        table(ui, (page, project), items, scroll, &mut actions);
    });
    let area = egui::Rect::from_min_max(
        egui::pos2(ui.min_rect().left(), top),
        egui::pos2(ui.max_rect().right(), top + height),
    );
    let hovered = ui.input(|input| input.pointer.hover_pos()).is_some_and(|at| area.contains(at));
    if hovered != grid.is_hovered() {
        actions.push(UserAction::Grid(GridAction::Hover(hovered)));
    }
    if grid.view.places.is_empty() {
        nothing(ui, area, "No item fits the filters");
    }
    match high {
        Some(_) => selection(ui, grid),
        None => drop(ui.with_layout(Layout::bottom_up(Align::Min), |ui| selection(ui, grid))),
    }
    actions
}

/// How many rows a table so high shows whole.
pub(super) fn rows_seen(height: f32) -> usize {
    ((height - ROW) / ROW).max(1.0) as usize
}

/// Said in the place of rows, below their headings.
pub(super) fn nothing(ui: &mut Ui, area: egui::Rect, words: &str) {
    let place = egui::Rect::from_min_max(area.min + egui::vec2(0.0, ROW + 12.0), area.max);
    ui.scope_builder(egui::UiBuilder::new().max_rect(place), |ui| muted(ui, words));
}

fn empty(ui: &mut Ui, items: Items<'_>, actions: &mut Actions) {
    ui.add_space(72.0);
    ui.vertical_centered(|ui| {
        ui.label(text(Type::Section, "No items yet"));
        muted(
            ui,
            "An item is a mailbox here and a mailbox there. Import a list of them, or paste two columns of addresses",
        );
        ui.add_space(12.0);
        let control = Control::of(ActionName::ImportItems).label("Import the first items…").primary();
        control.show(ui, &Subject::Items(items), actions);
    });
}

/// Does what keys do; answers the row to bring into page.
fn keys(ui: &Ui, page: PageContext<'_>, holder: Holder, items: Items<'_>, actions: &mut Actions) -> Option<usize> {
    let grid = items.grid;
    // A row that the filter hides is not acted on. Looked for only when a key is there to act.
    let cursor = grid.selection.cursor.filter(|_| keys::is_any_wanted(ui) && grid.cursor_row(page.snapshot).is_some());
    keys::act(ui, holder, &Subject::Items(Items { cursor, ..items }), actions);
    let moved = actions.iter().rev().find_map(|action| match action {
        UserAction::Grid(GridAction::Move(rows, _)) => Some(*rows),
        _ => None,
    });
    moved.map(|rows| grid.row_at(rows, page.snapshot))
}

/// What all rows are painted with.
#[derive(Clone, Copy)]
struct Rows<'a> {
    page: PageContext<'a>,
    project: &'a Project,
    grid: &'a Grid,
    items: Items<'a>,
    /// Where rows may be seen.
    area: egui::Rect,
    /// How wide the name is, as long as nobody drags its edge.
    name: f32,
    /// The columns of figures there is room for, that nobody hid.
    figures: &'a [(Column, f32)],
    /// The domains of all items, if they are said in the heading only.
    domains: Option<&'a (String, String)>,
}

/// A page that is lower is scrolled.
const LOW: f32 = 420.0;

fn table(
    ui: &mut Ui,
    (page, project): (PageContext<'_>, &Project),
    items: Items<'_>,
    scroll: Option<usize>,
    actions: &mut Actions,
) {
    let grid = items.grid;
    // As wide as the ground of selected rows: half a gap beyond the cells, and not below the scroll bar.
    let mut area = ui.available_rect_before_wrap();
    // Addresses take less room where their domains stand in the heading; where there is room enough they are whole.
    let domains = grid.sums.domains.as_ref().filter(|_| area.width() < WIDE);
    let longest = if domains.is_some() { grid.sums.longest.brief } else { grid.sums.longest.whole };
    let wide = widths(area.width(), domains.is_some(), longest);
    area.min += egui::vec2(-3.0, ROW);
    area.max.x -= ui.spacing().scroll.floating_allocated_width - 3.0;
    // The line that resizes a column is there when it is looked for, and quiet otherwise.
    ui.visuals_mut().widgets.noninteractive.bg_stroke.color = Palette::of(ui).hover;
    // A click on a text is one on its row.
    ui.style_mut().interaction.selectable_labels = false;
    let figures = figures(area.width(), &wide, grid);
    let salt = [wide.name, wide.status, wide.data].map(|wide| wide as u32);
    // However wide it was made in a large window, it leaves room in a small one.
    let name = grid.columns.name_width.map_or(wide.name, |name| name.min(area.width() / 2.0));
    let mut table = TableBuilder::new(ui)
        .id_salt(("items", grid.project, salt, figures.len(), grid.widths))
        .auto_shrink([false, false])
        // The whole row is clicked; the keyboard stops at its controls only.
        .sense(Sense::CLICK)
        .cell_layout(Layout::left_to_right(Align::Center))
        .column(Width::exact(30.0))
        .column(Width::exact(24.0))
        .column(Width::initial(name).range(120.0..=700.0).clip(true).resizable(true))
        .column(Width::exact(wide.status).clip(true))
        .column(Width::remainder().at_least(if area.width() < TINY { 56.0 } else { 100.0 }).clip(true));
    for (_, wide) in &figures {
        table = table.column(Width::exact(*wide));
    }
    if let Some(row) = scroll {
        table = table.scroll_to_row(row, None);
    }
    let rows = Rows { page, project, grid, items, area, name, figures: &figures, domains };
    table.header(ROW, |mut row| header(&mut row, rows, actions)).body(|body| {
        body.rows(ROW, grid.view.places.len(), |mut row| {
            if let Some(item) = grid.view.places.get(row.index()).and_then(|place| page.snapshot.row(*place)) {
                row.set_selected(grid.selection.selected.contains(&item.item));
                // Painted by the row itself, without waiting for the next frame.
                row.set_hovered(false);
                let parts = cells(&mut row, rows, item, actions);
                let whole = parts.into_iter().fold(row.response(), |whole, part| whole | part);
                grid_row::act(&whole, items, item, actions);
            }
        });
    });
}

fn header(row: &mut TableRow<'_, '_>, rows: Rows<'_>, actions: &mut Actions) {
    let Rows { grid, figures, domains, name, .. } = rows;
    row.col(|ui| header_star(ui, rows, actions));
    row.col(|ui| {
        let all = !grid.view.places.is_empty() && grid.selection.targets.len() == grid.view.places.len();
        let mut on = all;
        let response = ui.checkbox(&mut on, "");
        response.widget_info(|| WidgetInfo::selected(Role::CheckBox, true, all, "Select all shown items"));
        if response.changed() {
            actions.push(UserAction::Grid(GridAction::SelectAll(on)));
        }
    });
    let words = [Column::Name, Column::Status, Column::Folders];
    for column in words.into_iter().chain(figures.iter().map(|(column, _)| *column)) {
        row.col(|ui| {
            if column == Column::Name {
                widened(ui, name, actions);
            }
            let right = Column::OPTIONAL.contains(&column);
            let layout =
                if right { Layout::right_to_left(Align::Center) } else { Layout::left_to_right(Align::Center) };
            ui.with_layout(layout, |ui| sort_button(ui, column, grid, domains, actions));
        });
    }
}

/// What a person made of the width of the name is remembered, once its edge is let go.
fn widened(ui: &Ui, before: f32, actions: &mut Actions) {
    let wide = ui.max_rect().width();
    let dragged = ui.input(|input| input.pointer.any_down());
    if !dragged && (wide - before).abs() > 1.0 && ui.input(|input| input.pointer.any_released()) {
        actions.push(UserAction::Grid(GridAction::NameWidth(wide)));
    }
}

fn sort_button(ui: &mut Ui, column: Column, grid: &Grid, domains: Option<&(String, String)>, actions: &mut Actions) {
    let palette = Palette::of(ui);
    let on = grid.filter.sort.column == column;
    let words = match (domains, column) {
        (Some((from, into)), Column::Name) => format!("@{from} → @{into}"),
        _ => column.label().to_owned(),
    };
    if column == Column::Status {
        ui.add_space(6.0);
    }
    let words = text(Type::Small, words).color(if on { palette.text } else { palette.muted });
    // Room for the mark of the order stays free beside a long heading.
    let label = |ui: &mut Ui| ui.add(egui::Label::new(words).truncate().selectable(false).sense(Sense::click()));
    let response = if column == Column::Passes {
        letters(ui, if on { palette.text } else { palette.muted })
    } else if column == Column::Name {
        let wide = ui.available_width() - if on { 16.0 } else { 0.0 };
        ui.scope(|ui| {
            ui.set_max_width(wide);
            label(ui)
        })
        .inner
    } else {
        label(ui)
    };
    response.widget_info(|| WidgetInfo::labeled(Role::Button, true, format!("Sort by {}", column.label())));
    if on {
        let (rect, _) = ui.allocate_exact_size(egui::Vec2::splat(8.0), Sense::hover());
        icon::sort_mark(ui.painter(), rect.center(), grid.filter.sort.descending, palette.accent);
    }
    if response.on_hover_cursor(egui::CursorIcon::PointingHand).clicked() {
        actions.push(UserAction::Grid(GridAction::Sort(column)));
    }
}

/// The star of the header acts on everything selected (R56, R58).
fn header_star(ui: &mut Ui, Rows { items, .. }: Rows<'_>, actions: &mut Actions) {
    let palette = Palette::of(ui);
    let subject = Subject::Items(items);
    let response = star::button(ui, None, palette.border, "Star of the selected items", 6.5);
    let refused = (ActionName::NoStar.entry().rule)(&subject).err();
    let choices = if refused.is_some() { Vec::new() } else { star_choices(palette) };
    let chosen = star::picker(&response, palette.border, &choices, |ui| {
        if let Some(why) = refused {
            ui.label(why.why());
        }
        let before = actions.len();
        Control::of(ActionName::SortByStar).show(ui, &subject, actions);
        if actions.len() > before {
            ui.close();
        }
    });
    if let Some(at) = chosen {
        actions.push(UserAction::Star(Targets::Selected, star_at(at)));
    }
}

/// Answers the parts of the row that a pointer acts on by themselves, and on the row with another button.
fn cells(row: &mut TableRow<'_, '_>, rows: Rows<'_>, item: &ItemRow, actions: &mut Actions) -> Vec<Response> {
    let Rows { page, grid, area, .. } = rows;
    let mut parts = Vec::with_capacity(2);
    row.col(|ui| {
        hover(ui, area, grid, item);
        star_cell(ui, grid, item, actions);
    });
    row.col(|ui| {
        let selected = grid.selection.selected.contains(&item.item);
        let mut on = selected;
        let response = ui.checkbox(&mut on, "");
        let name = format!("Select {}", item.source);
        response.widget_info(|| WidgetInfo::selected(Role::CheckBox, true, selected, &name));
        if response.changed() {
            let range = ui.input(|input| input.modifiers.shift);
            let action = if range { GridAction::Range(item.item) } else { GridAction::Toggle(item.item) };
            actions.push(UserAction::Grid(action));
        }
    });
    row.col(|ui| {
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            note(ui, item, actions);
            ui.with_layout(Layout::left_to_right(Align::Center), |ui| parts.push(name_cell(ui, rows, item)));
        });
    });
    let seen = look(item, page.now);
    row.col(|ui| {
        ui.add_space(6.0);
        let color = Palette::of(ui).tone(seen.tone);
        let name = format!("{}: open {}", seen.words, item.source);
        let link = badge(ui, seen.icon, &seen.words, color, &name);
        if link.clicked() {
            actions.push(UserAction::Go(Route::Item(grid.project, item.item)));
        }
        parts.push(grid_row::only_menu(link));
    });
    row.col(|ui| happening_cell(ui, rows, item, seen.tone));
    for (column, _) in rows.figures {
        row.col(|ui| figure_cell(ui, page, item, *column));
    }
    parts
}

fn figure_cell(ui: &mut Ui, page: PageContext<'_>, item: &ItemRow, column: Column) {
    let palette = Palette::of(ui);
    match column {
        Column::Data => figure(ui, words::size_or_dash(look::bytes(item)), None),
        Column::Errors => {
            let errors = item.progress.counts.errors;
            let color = (errors > 0).then(|| palette.tone(Tone::Warning));
            figure(ui, words::count_or_dash(errors), color);
        }
        Column::Since => {
            let since = look::since(item).map_or_else(|| "–".into(), |at| words::moment(at, page.now, page.zone));
            figure(ui, since, Some(palette.muted));
        }
        Column::Passes => passes_cell(ui, item),
        Column::Messages | Column::Star | Column::Name | Column::Status | Column::Folders => {
            figure(ui, look::messages(item), None);
        }
    }
}

fn happening_cell(ui: &mut Ui, Rows { page, project, .. }: Rows<'_>, item: &ItemRow, tone: Tone) {
    let palette = Palette::of(ui);
    let Happening { folders, words } = happening(item, project, page.zone);
    let left = item.progress.leaves_something() || item.mail.is_some();
    let loud = folders.is_some() || item.status == Status::Failed || left;
    let color = if loud { palette.text } else { palette.muted };
    if let Some((done, total)) = folders {
        bars::ticks(ui, done, total, palette.tone(tone), palette.track);
        // Of one width, so that the words beside it stand below each other.
        let size = egui::vec2(36.0, ui.available_height());
        ui.allocate_ui_with_layout(size, Layout::right_to_left(Align::Center), |ui| {
            ui.label(text(Type::Small, format!("{done}/{total}")).color(palette.text));
        });
    }
    // An empty label would be a stop for screen readers that says nothing.
    if let Some(alert) = look::lasts(item, page.now) {
        cut(ui, text(Type::Small, alert).color(palette.tone(Tone::Warning)));
    } else if !words.is_empty() {
        cut(ui, text(Type::Small, words).color(color));
    }
}

/// A pencil where somebody noted something: under the pointer it says what, and a click changes it.
fn note(ui: &mut Ui, item: &ItemRow, actions: &mut Actions) {
    let Some(note) = &item.note else { return };
    let (rect, response) = ui.allocate_exact_size(egui::Vec2::splat(ICON), Sense::click());
    icon::paint(ui.painter(), rect, icon::Icon::Pencil, Palette::of(ui).muted, ui.visuals().panel_fill);
    response.widget_info(|| WidgetInfo::labeled(Role::Button, true, format!("Note of {}: {note}", item.source)));
    if response.on_hover_cursor(egui::CursorIcon::PointingHand).on_hover_text(note).clicked() {
        actions.push(UserAction::AskNote(item.item));
    }
}

/// The row under the pointer: figures far from their name are found again. Painted from the first cell, below all others, and
/// beyond it: a cell clips what is painted in it, so `area` is where rows may be seen.
fn hover(ui: &Ui, area: egui::Rect, grid: &Grid, item: &ItemRow) {
    let row = egui::Rect::from_x_y_ranges(area.x_range(), ui.max_rect().y_range()).intersect(area);
    if !grid.selection.selected.contains(&item.item) && ui.ctx().rect_contains_pointer(ui.layer_id(), row) {
        ui.ctx().layer_painter(ui.layer_id()).with_clip_rect(row).rect_filled(row, 0.0, Palette::of(ui).hover);
    }
}

fn star_cell(ui: &mut Ui, grid: &Grid, item: &ItemRow, actions: &mut Actions) {
    let palette = Palette::of(ui);
    if grid.selection.cursor == Some(item.item) {
        let bar = ui.max_rect();
        let bar = egui::Rect::from_min_size(bar.left_top(), egui::vec2(3.0, bar.height()));
        ui.painter().rect_filled(bar, 1.0, palette.accent);
    }
    let word = item.star.map_or("none", |star| star.word());
    let name = format!("Star of {}: {word}", item.source);
    let fill = item.star.map(|star| palette.star(star));
    // Quiet, but seen on every ground.
    let outline = if grid.selection.selected.contains(&item.item) { palette.border } else { palette.track };
    if let Some(at) = star::star(ui, fill, outline, &name, &star_choices(palette)) {
        actions.push(UserAction::Star(Targets::These(vec![item.item]), star_at(at)));
    }
}

/// Domains are muted; equal local parts are shown once.
fn name_cell(ui: &mut Ui, Rows { domains, .. }: Rows<'_>, item: &ItemRow) -> Response {
    let palette = Palette::of(ui);
    let (source, mut at_source) = item.source.split_once('@').unwrap_or((&item.source, ""));
    let (destination, mut at_destination) = item.destination.split_once('@').unwrap_or((&item.destination, ""));
    let same = source.eq_ignore_ascii_case(destination);
    if domains.is_some() {
        (at_source, at_destination) = ("", "");
    }
    let mut job = LayoutJob::default();
    let mut add = |words: &str, strong: bool| {
        let color = if strong { palette.text } else { palette.muted };
        job.append(words, 0.0, TextFormat { font_id: font(Type::Small), color, ..TextFormat::default() });
    };
    add(source, true);
    let at = |domain: &str| if domain.is_empty() { String::new() } else { format!("@{domain}") };
    // The heading says both domains, so that an equal name says nothing new.
    if domains.is_none() || !same {
        add(&format!("{} → ", at(at_source)), false);
        if !same || at_destination.is_empty() {
            add(destination, true);
        }
        add(&at(at_destination), false);
    }
    let whole = format!("{} → {}", item.source, item.destination);
    let response = ui.add(
        egui::Label::new(job)
            .truncate()
            .show_tooltip_when_elided(domains.is_none())
            .selectable(false)
            .sense(Sense::click()),
    );
    response.widget_info(|| WidgetInfo::labeled(Role::Cell, true, &whole));
    if domains.is_some() { response.on_hover_text(&whole) } else { response }
}
