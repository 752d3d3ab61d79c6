//! The users of a hybrid project: a virtualised table with the habits of the item grid.

use egui::{Align, Layout, Role, Sense, Ui, WidgetInfo};
use egui_extras::{Column as Width, TableBuilder, TableRow};

use super::super::controls::{Control, star_at, star_choices};
use super::super::grid::nothing;
use super::super::{Actions, PageContext};
use super::bar;
use crate::service::hybrid::{HybridUser, HybridView, MoveAction, MoveStatus};
use crate::ui::action::{ActionName, HybridAct, HybridUsers, Subject, UserAction};
use crate::ui::model::hybrid::look::{remark, shape, told, user_percent};
use crate::ui::model::hybrid::{Place, UserColumn, UsersAction, UsersPage, WhichUsers};
use crate::ui::model::words;
use crate::ui::route::Route;
use crate::ui::theme::{Palette, ROW, Tone, Type};
use crate::ui::widgets::text::{badge, cut, figure, muted, text};
use crate::ui::widgets::{icon, star};

/// What is said of those that are selected.
const CAN: [(MoveAction, &str); 3] = [
    (MoveAction::MoveIn, "moved into a batch"),
    (MoveAction::MoveOut, "moved out"),
    (MoveAction::Finalize, "finalized"),
];

/// Room for the line below the rows.
pub(super) const BELOW: f32 = 30.0;
/// Less room than this leaves out figures.
const SMALL: f32 = 640.0;
/// More room than this is enough for all of them.
const LARGE: f32 = 960.0;
/// How wide per cent are as a bar.
const BAR: f32 = 60.0;

/// What all rows are painted with.
#[derive(Clone, Copy)]
struct Rows<'a> {
    context: PageContext<'a>,
    view: &'a HybridView,
    page: &'a UsersPage,
    /// Where rows may be seen.
    area: egui::Rect,
    columns: &'a [(UserColumn, f32)],
}

/// The columns there is room for; what it waits for takes the rest.
fn columns(room: f32, place: Place) -> Vec<(UserColumn, f32)> {
    use UserColumn::{Batch, Items, LastSync, Percent, Skipped, Status, User};
    let all = place == Place::All;
    let mut columns = match room {
        ..SMALL => vec![(User, 132.0), (Status, 144.0), (Percent, 42.0)],
        ..LARGE => vec![(User, 172.0), (Batch, 80.0), (Status, 144.0), (Percent, 42.0), (Items, 58.0), (Skipped, 54.0)],
        _ => {
            let figures = [(Percent, BAR + 44.0), (Items, 72.0), (Skipped, 60.0), (LastSync, 84.0)];
            [(User, 230.0), (Batch, 120.0), (Status, 156.0)].into_iter().chain(figures).collect()
        }
    };
    if !all {
        // Each is of this one.
        columns.retain(|(column, _)| *column != Batch);
        if (SMALL..LARGE).contains(&room) {
            columns.push((LastSync, 76.0));
        }
    }
    columns
}

/// Paints it, with a row brought into view.
pub fn show(
    ui: &mut Ui,
    context: PageContext<'_>,
    (view, page): (&HybridView, &UsersPage),
    scroll: Option<usize>,
    actions: &mut Actions,
) {
    let top = ui.cursor().top();
    let height = (ui.available_height() - BELOW).max(3.0 * ROW);
    ui.scope(|ui| {
        ui.set_max_height(height);
        ui.spacing_mut().item_spacing = egui::vec2(6.0, 0.0);
        table(ui, context, (view, page), scroll, actions);
    });
    let area = egui::Rect::from_min_max(
        egui::pos2(ui.min_rect().left(), top),
        egui::pos2(ui.max_rect().right(), top + height),
    );
    let hovered = ui.input(|input| input.pointer.hover_pos()).is_some_and(|at| area.contains(at));
    if hovered != page.is_hovered() {
        actions.push(UserAction::Hybrid(HybridAct::Users(UsersAction::Hover(hovered))));
    }
    if page.rows.is_empty() {
        nothing(ui, area, if page.is_filtered() { "No user fits the filters" } else { nobody(page.place) });
    }
    ui.with_layout(Layout::bottom_up(Align::Min), |ui| selection(ui, view, page));
}

fn nobody(place: Place) -> &'static str {
    match place {
        Place::Unbatched => "Everybody is in a batch",
        Place::Batch(_) => "Nobody is in this batch: select users under Unbatched, then Move into a batch…",
        Place::All => "No users",
    }
}

fn table(
    ui: &mut Ui,
    context: PageContext<'_>,
    (view, page): (&HybridView, &UsersPage),
    scroll: Option<usize>,
    actions: &mut Actions,
) {
    let mut area = ui.available_rect_before_wrap();
    let columns = columns(area.width(), page.place);
    area.min += egui::vec2(-3.0, ROW);
    area.max.x -= ui.spacing().scroll.floating_allocated_width - 3.0;
    ui.visuals_mut().widgets.noninteractive.bg_stroke.color = Palette::of(ui).hover;
    let mut table = TableBuilder::new(ui)
        .id_salt(("users", page.project, columns.len()))
        .auto_shrink([false, false])
        .cell_layout(Layout::left_to_right(Align::Center))
        .column(Width::exact(30.0))
        .column(Width::exact(24.0));
    for (column, wide) in &columns {
        table = match column {
            UserColumn::User => table.column(Width::initial(*wide).range(100.0..=600.0).clip(true).resizable(true)),
            _ => table.column(Width::exact(*wide).clip(true)),
        };
    }
    table = table.column(Width::remainder().at_least(60.0).clip(true));
    if let Some(row) = scroll {
        table = table.scroll_to_row(row, None);
    }
    let rows = Rows { context, view, page, area, columns: &columns };
    table.header(ROW, |mut row| header(&mut row, rows, actions)).body(|body| {
        body.rows(ROW, page.rows.len(), |mut row| {
            if let Some(user) = page.rows.get(row.index()).and_then(|at| view.users.get(*at)) {
                row.set_selected(page.selected.contains(&user.id));
                cells(&mut row, rows, user, actions);
            }
        });
    });
}

pub(super) fn act(actions: &mut Actions, action: UsersAction) {
    actions.push(UserAction::Hybrid(HybridAct::Users(action)));
}

fn header(row: &mut TableRow<'_, '_>, rows: Rows<'_>, actions: &mut Actions) {
    let Rows { page, .. } = rows;
    row.col(|ui| header_star(ui, rows, actions));
    row.col(|ui| {
        let all = !page.rows.is_empty() && page.targets.len() == page.rows.len();
        let mut on = all;
        let response = ui.checkbox(&mut on, "");
        response.widget_info(|| WidgetInfo::selected(Role::CheckBox, true, all, "Select all shown users"));
        if response.changed() {
            act(actions, UsersAction::SelectAll(on));
        }
    });
    let headed = rows.columns.iter().map(|(column, _)| *column).chain([UserColumn::Remark]);
    for column in headed {
        row.col(|ui| {
            let right = matches!(column, UserColumn::Items | UserColumn::Skipped | UserColumn::LastSync);
            let layout =
                if right { Layout::right_to_left(Align::Center) } else { Layout::left_to_right(Align::Center) };
            if column == UserColumn::Remark {
                ui.add_space(8.0);
            }
            ui.with_layout(layout, |ui| sort_button(ui, column, page, actions));
        });
    }
}

fn sort_button(ui: &mut Ui, column: UserColumn, page: &UsersPage, actions: &mut Actions) {
    let palette = Palette::of(ui);
    let on = page.sort.column == column;
    let words = text(Type::Small, column.label()).color(if on { palette.text } else { palette.muted });
    let response = ui.add(egui::Label::new(words).truncate().selectable(false).sense(Sense::click()));
    response.widget_info(|| WidgetInfo::labeled(Role::Button, true, format!("Sort by {}", column.label())));
    if on {
        let (rect, _) = ui.allocate_exact_size(egui::Vec2::splat(8.0), Sense::hover());
        icon::sort_mark(ui.painter(), rect.center(), page.sort.descending, palette.accent);
    }
    if response.on_hover_cursor(egui::CursorIcon::PointingHand).clicked() {
        act(actions, UsersAction::Sort(column));
    }
}

/// The star of the header acts on everything selected.
fn header_star(ui: &mut Ui, Rows { view, page, .. }: Rows<'_>, actions: &mut Actions) {
    let palette = Palette::of(ui);
    let subject = Subject::Hybrid(HybridUsers { view, page, cursor: None, rows_seen: 1 });
    let response = star::button(ui, None, palette.border, "Star of the selected users", 6.5);
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
        actions.push(UserAction::Hybrid(HybridAct::Star(WhichUsers::Selected, star_at(at))));
    }
}

fn cells(row: &mut TableRow<'_, '_>, rows: Rows<'_>, user: &HybridUser, actions: &mut Actions) {
    row.col(|ui| {
        hover(ui, rows, user);
        star_cell(ui, rows.page, user, actions);
    });
    row.col(|ui| {
        let selected = rows.page.selected.contains(&user.id);
        let mut on = selected;
        let response = ui.checkbox(&mut on, "");
        let name = format!("Select {}", user.address);
        response.widget_info(|| WidgetInfo::selected(Role::CheckBox, true, selected, &name));
        if response.changed() {
            let range = ui.input(|input| input.modifiers.shift);
            act(actions, if range { UsersAction::Range(user.id) } else { UsersAction::Toggle(user.id) });
        }
    });
    for (column, wide) in rows.columns {
        row.col(|ui| cell(ui, rows, (*column, *wide), user, actions));
    }
    row.col(|ui| {
        let words = remark(user);
        let palette = Palette::of(ui);
        let color = if user.status == MoveStatus::Failed { palette.text } else { palette.muted };
        // An empty label would be a stop for screen readers that says nothing.
        if !words.is_empty() {
            ui.add_space(8.0);
            cut(ui, text(Type::Small, words).color(color));
        }
    });
}

fn cell(ui: &mut Ui, rows: Rows<'_>, (column, wide): (UserColumn, f32), user: &HybridUser, actions: &mut Actions) {
    let Rows { context, view, .. } = rows;
    let palette = Palette::of(ui);
    match column {
        UserColumn::User => name_cell(ui, user, view, actions),
        UserColumn::Batch => drop(cut(ui, text(Type::Small, view.batch_name(user)).color(palette.muted))),
        UserColumn::Status => {
            let (icon, tone) = shape(user.status);
            let name = format!("{}: open {}", user.status.word(), user.address);
            if badge(ui, icon, user.status.word(), palette.tone(tone), &name).clicked() {
                actions.push(UserAction::Go(Route::HybridUser(view.project.id, user.id)));
            }
        }
        UserColumn::Percent => {
            let percent = user_percent(user);
            if wide > BAR {
                bar(ui, user.status, percent, BAR);
            }
            figure(ui, format!("{percent} %"), None);
        }
        UserColumn::Items => figure(ui, told(user.told.synced), None),
        UserColumn::Skipped => {
            let color = (user.told.skipped > Some(0)).then(|| palette.tone(Tone::Warning));
            figure(ui, told(user.told.skipped), color);
        }
        UserColumn::LastSync => {
            let last =
                user.told.last_sync.map_or_else(|| "–".into(), |at| words::moment(at, context.now, context.zone));
            figure(ui, last, Some(palette.muted));
        }
        UserColumn::Star | UserColumn::Remark => {}
    }
}

/// The domain is muted.
fn name_cell(ui: &mut Ui, user: &HybridUser, view: &HybridView, actions: &mut Actions) {
    let palette = Palette::of(ui);
    let (name, domain) = user.address.split_once('@').unwrap_or((&user.address, ""));
    let mut job = egui::text::LayoutJob::default();
    let format =
        |color| egui::TextFormat { font_id: crate::ui::theme::font(Type::Small), color, ..egui::TextFormat::default() };
    job.append(name, 0.0, format(palette.text));
    job.append(&format!("@{domain}"), 0.0, format(palette.muted));
    let response = ui.add(egui::Label::new(job).truncate().selectable(false).sense(Sense::click()));
    response.widget_info(|| WidgetInfo::labeled(Role::Cell, true, &user.address));
    if response.double_clicked() {
        actions.push(UserAction::Go(Route::HybridUser(view.project.id, user.id)));
    } else if response.clicked() {
        let modifiers = ui.input(|input| input.modifiers);
        act(
            actions,
            match (modifiers.shift, modifiers.command) {
                (true, _) => UsersAction::Range(user.id),
                (false, true) => UsersAction::Toggle(user.id),
                (false, false) => UsersAction::Only(user.id),
            },
        );
    }
}

/// The row under the pointer; painted from the first cell, below all others, and beyond it.
fn hover(ui: &Ui, Rows { page, area, .. }: Rows<'_>, user: &HybridUser) {
    let row = egui::Rect::from_x_y_ranges(area.x_range(), ui.max_rect().y_range()).intersect(area);
    if !page.selected.contains(&user.id) && ui.ctx().rect_contains_pointer(ui.layer_id(), row) {
        ui.ctx().layer_painter(ui.layer_id()).with_clip_rect(row).rect_filled(row, 0.0, Palette::of(ui).hover);
    }
}

fn star_cell(ui: &mut Ui, page: &UsersPage, user: &HybridUser, actions: &mut Actions) {
    let palette = Palette::of(ui);
    if page.cursor == Some(user.id) {
        let bar = ui.max_rect();
        let bar = egui::Rect::from_min_size(bar.left_top(), egui::vec2(3.0, bar.height()));
        ui.painter().rect_filled(bar, 1.0, palette.accent);
    }
    let name = format!("Star of {}: {}", user.address, user.star.map_or("none", |star| star.word()));
    let fill = user.star.map(|star| palette.star(star));
    let outline = if page.selected.contains(&user.id) { palette.border } else { palette.track };
    if let Some(at) = star::star(ui, fill, outline, &name, &star_choices(palette)) {
        actions.push(UserAction::Hybrid(HybridAct::Star(WhichUsers::This(user.id), star_at(at))));
    }
}

/// What is selected, or the keys one needs first.
fn selection(ui: &mut Ui, view: &HybridView, page: &UsersPage) {
    let (chosen, hidden) = (page.targets.len(), page.selected.len() - page.targets.len());
    if page.selected.is_empty() {
        let key = |name: ActionName| name.entry().key_names();
        let [space, open, into] = [ActionName::Toggle, ActionName::OpenUser, ActionName::MoveIn].map(key);
        let [start, finalize, help] = [ActionName::StartBatch, ActionName::FinalizeBatch, ActionName::Help].map(key);
        muted(
            ui,
            format!(
                "{space} selects · {open} opens · {into} moves into a batch · {start} starts the batch, {finalize} \
                 finalizes it · {help} all keys"
            ),
        );
        return;
    }
    let hidden = match hidden {
        0 => String::new(),
        hidden => format!(" ({} hidden by the filter)", words::count(hidden as u64)),
    };
    let mut line = format!("{} selected{hidden}", words::counted(chosen, "user"));
    for (action, word) in CAN {
        let count = page.chosen(view).filter(|user| user.may(action).is_ok()).count();
        line += &format!(" · {} can be {word}", words::count(count as u64));
    }
    cut(ui, text(Type::Small, line));
}
