//! The item grid (R47–R50, R54–R60): a virtualised table; only the rows in page are painted.

use egui::text::LayoutJob;
use egui::{Align, Layout, Role, Sense, TextFormat, Ui, WidgetInfo};
use egui_extras::{Column as Width, TableBuilder, TableRow};

use super::controls::{Control, star_at, star_choices};
use super::grid_head::{filters, head, selection};
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
use crate::ui::theme::{ICON, NARROW, Palette, ROW, Tone, Type, WIDE, font};
use crate::ui::widgets::text::{badge, cut, figure, muted, text};
use crate::ui::widgets::{bars, icon, star};

/// Paints it.
pub fn show(ui: &mut Ui, page: PageContext<'_>, project: &Project, grid: &Grid, sum: &Summary) -> Actions {
    let mut actions = Actions::new();
    let holder = Holder::before(ui);
    let (starts_held, at_once) = (project.starts.held, project.options.concurrent);
    let items = Items { grid, cursor: None, held: None, now: page.now, starts_held, at_once };
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
    let height = ui.available_height() - below;
    let scroll = keys(ui, page, holder, items, &mut actions);
    ui.scope(|ui| {
        ui.set_max_height(height);
        ui.spacing_mut().item_spacing = egui::vec2(6.0, 0.0);
        table(ui, page, grid, scroll, &mut actions);
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
        muted(ui, "No item fits the filters");
    }
    ui.with_layout(Layout::bottom_up(Align::Min), |ui| selection(ui, grid));
    actions
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
    let cursor = grid.selection.cursor.filter(|_| keys::is_any_pressed(ui) && grid.cursor_row(page.snapshot).is_some());
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
    grid: &'a Grid,
    /// Where rows may be seen.
    area: egui::Rect,
    /// No room for all columns: those that other columns hint at are left out.
    narrow: bool,
    /// The domains of all items, if they are said in the heading only.
    domains: Option<&'a (String, String)>,
}

/// Widths of name, status, messages, data, errors, since: what is happening takes the rest.
fn widths(room: f32, brief: bool) -> [f32; 6] {
    match (room, brief) {
        (..NARROW, _) => [170.0, 132.0, 104.0, 68.0, 0.0, 0.0],
        // "Submitted (will start in 10 hours)" is whole.
        (..WIDE, true) => [214.0, 222.0, 104.0, 68.0, 46.0, 70.0],
        (..WIDE, false) => [310.0, 200.0, 104.0, 68.0, 46.0, 70.0],
        (_, _) => [480.0, 220.0, 132.0, 92.0, 64.0, 96.0],
    }
}

fn table(ui: &mut Ui, page: PageContext<'_>, grid: &Grid, scroll: Option<usize>, actions: &mut Actions) {
    // As wide as the ground of selected rows: half a gap beyond the cells, and not below the scroll bar.
    let mut area = ui.available_rect_before_wrap();
    // Addresses take less room where their domains stand in the heading; where there is room enough they are whole.
    let domains = grid.sums.domains.as_ref().filter(|_| area.width() < WIDE);
    let wide = widths(area.width(), domains.is_some());
    let narrow = area.width() < NARROW;
    area.min += egui::vec2(-3.0, ROW);
    area.max.x -= ui.spacing().scroll.floating_allocated_width - 3.0;
    // The line that resizes a column is there when it is looked for, and quiet otherwise.
    ui.visuals_mut().widgets.noninteractive.bg_stroke.color = Palette::of(ui).hover;
    let mut table = TableBuilder::new(ui)
        .id_salt(("items", grid.project, wide.map(|wide| wide as u32)))
        .auto_shrink([false, false])
        .cell_layout(Layout::left_to_right(Align::Center))
        .column(Width::exact(30.0))
        .column(Width::exact(24.0))
        .column(Width::initial(wide[0]).range(120.0..=700.0).clip(true).resizable(true))
        .column(Width::exact(wide[1]).clip(true))
        .column(Width::remainder().at_least(100.0).clip(true));
    for wide in wide.into_iter().skip(2).filter(|wide| *wide > 0.0) {
        table = table.column(Width::exact(wide));
    }
    if let Some(row) = scroll {
        table = table.scroll_to_row(row, None);
    }
    let rows = Rows { page, grid, area, narrow, domains };
    table.header(ROW, |mut row| header(&mut row, rows, actions)).body(|body| {
        body.rows(ROW, grid.view.places.len(), |mut row| {
            if let Some(item) = grid.view.places.get(row.index()).and_then(|place| page.snapshot.row(*place)) {
                row.set_selected(grid.selection.selected.contains(&item.item));
                cells(&mut row, rows, item, actions);
            }
        });
    });
}

fn header(row: &mut TableRow<'_, '_>, rows: Rows<'_>, actions: &mut Actions) {
    let Rows { grid, narrow, domains, .. } = rows;
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
    let shown = Column::ALL.len() - if narrow { 2 } else { 0 };
    for column in Column::ALL.into_iter().take(shown).skip(1) {
        row.col(|ui| {
            let right = matches!(column, Column::Messages | Column::Data | Column::Errors | Column::Since);
            let layout =
                if right { Layout::right_to_left(Align::Center) } else { Layout::left_to_right(Align::Center) };
            ui.with_layout(layout, |ui| sort_button(ui, column, grid, domains, actions));
        });
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
    let response = if column == Column::Name {
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
fn header_star(ui: &mut Ui, Rows { grid, page, .. }: Rows<'_>, actions: &mut Actions) {
    let palette = Palette::of(ui);
    let items = Items { grid, cursor: None, held: None, now: page.now, starts_held: false, at_once: 0 };
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

fn cells(row: &mut TableRow<'_, '_>, rows: Rows<'_>, item: &ItemRow, actions: &mut Actions) {
    let Rows { page, grid, area, narrow, .. } = rows;
    let counts = item.progress.counts;
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
            ui.with_layout(Layout::left_to_right(Align::Center), |ui| name_cell(ui, rows, item, actions));
        });
    });
    let seen = look(item, page.now);
    row.col(|ui| {
        ui.add_space(6.0);
        let color = Palette::of(ui).tone(seen.tone);
        let name = format!("{}: open {}", seen.words, item.source);
        if badge(ui, seen.icon, &seen.words, color, &name).clicked() {
            actions.push(UserAction::Go(Route::Item(grid.project, item.item)));
        }
    });
    row.col(|ui| happening_cell(ui, page, item, seen.tone));
    row.col(|ui| figure(ui, look::messages(item), None));
    row.col(|ui| figure(ui, words::size_or_dash(look::bytes(item)), None));
    if narrow {
        return;
    }
    row.col(|ui| {
        let color = (counts.errors > 0).then(|| Palette::of(ui).tone(Tone::Warning));
        figure(ui, words::count_or_dash(counts.errors), color);
    });
    row.col(|ui| {
        let since = look::since(item).map_or_else(|| "–".into(), |at| words::moment(at, page.now, page.zone));
        figure(ui, since, Some(Palette::of(ui).muted));
    });
}

fn happening_cell(ui: &mut Ui, page: PageContext<'_>, item: &ItemRow, tone: Tone) {
    let palette = Palette::of(ui);
    let Happening { folders, words } = happening(item, page.zone);
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
fn name_cell(ui: &mut Ui, Rows { grid, domains, .. }: Rows<'_>, item: &ItemRow, actions: &mut Actions) {
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
    let response = if domains.is_some() { response.on_hover_text(&whole) } else { response };
    if response.double_clicked() {
        actions.push(UserAction::Go(Route::Item(grid.project, item.item)));
    } else if response.clicked() {
        let modifiers = ui.input(|input| input.modifiers);
        actions.push(UserAction::Grid(match (modifiers.shift, modifiers.command) {
            (true, _) => GridAction::Range(item.item),
            (false, true) => GridAction::Toggle(item.item),
            (false, false) => GridAction::Only(item.item),
        }));
    }
}
