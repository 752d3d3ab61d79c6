//! All projects: name, client, servers, items, how far they are.

use std::sync::Arc;

use egui::{Align, Layout, Popup, Role, Sense, Ui, WidgetInfo};
use egui_extras::{Column, TableBuilder, TableRow};

use super::controls::Control;
use super::keys::{self, Holder};
use super::{Actions, PageContext, hybrid};
use crate::domain::project::Project;
use crate::service::hybrid::HybridView;
use crate::ui::action::{ActionName, OneProject, Screen, Subject, UserAction};
use crate::ui::model::hybrid::look;
use crate::ui::model::project_list::ProjectList;
use crate::ui::model::project_order::{ProjectColumn, ProjectOrder};
use crate::ui::model::projects::{BAR, Projects, Summary};
use crate::ui::model::words;
use crate::ui::route::Route;
use crate::ui::theme::{NARROW, Palette, ROW, Type};
use crate::ui::widgets::text::{cut, figure, muted, text};
use crate::ui::widgets::{bars, icon};

/// No project is chosen here.
const SUBJECT: Subject<'_> = Subject::Nothing(Screen::Projects);

/// Paints it.
pub fn show(
    ui: &mut Ui,
    page: PageContext<'_>,
    (projects, hybrid): (&[Project], &[Arc<HybridView>]),
    (sums, list): (&Projects, &ProjectList),
) -> Actions {
    let mut actions = Actions::new();
    keys::act(ui, Holder::before(ui), &SUBJECT, &mut actions);
    let all = projects.len() + hybrid.len();
    ui.horizontal(|ui| {
        ui.label(text(Type::Page, "Projects"));
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            if all > 0 {
                Control::of(ActionName::NewProject).primary().show(ui, &SUBJECT, &mut actions);
            }
        });
    });
    ui.add_space(12.0);
    if all == 0 {
        empty(ui, &mut actions);
        return actions;
    }
    let archived = projects.iter().filter(|project| project.starts.archived).count();
    if archived > 0 || list.is_long(all) {
        ui.horizontal(|ui| {
            if list.is_long(all) {
                search(ui, list, &mut actions);
                ui.add_space(12.0);
            }
            if archived > 0 {
                show_archived(ui, (list, archived), &mut actions);
            }
        });
        ui.add_space(4.0);
    }
    let lines = list.lines(projects, sums);
    let hybrid: Vec<_> = hybrid.iter().filter(|view| list.finds(&view.project.name, None)).collect();
    if lines.is_empty() && hybrid.is_empty() {
        let words = match list.search.is_empty() {
            true => "All projects are archived",
            false => "No project has these words in its name or client",
        };
        muted(ui, words);
        return actions;
    }
    // A click on a text is one on its row.
    ui.style_mut().interaction.selectable_labels = false;
    let columns = Columns::fit(ui.available_width(), projects.iter().any(|project| project.client.is_some()));
    let table = columns.table(ui);
    table.header(ROW, |mut row| headings(&mut row, list.order, &columns, &mut actions)).body(|body| {
        body.rows(ROW + 4.0, lines.len() + hybrid.len(), |mut row| {
            let at = row.index();
            if let Some((project, sum)) = lines.get(at) {
                project_row(&mut row, page, (project, sum), &columns, &mut actions);
            } else if let Some(view) = hybrid.get(at - lines.len()) {
                hybrid_row(&mut row, page, view, &columns, &mut actions);
            }
        });
    });
    actions
}

/// The search over a long list.
fn search(ui: &mut Ui, list: &ProjectList, actions: &mut Actions) {
    let label = ui.label(text(Type::Small, "Search").color(Palette::of(ui).muted));
    let mut search = list.search.clone();
    let edit = egui::TextEdit::singleline(&mut search).hint_text("name or client").desired_width(240.0);
    if ui.add(edit).labelled_by(label.id).changed() {
        actions.push(UserAction::SearchProjects(search));
    }
}

/// Archived projects come and go.
fn show_archived(ui: &mut Ui, (list, archived): (&ProjectList, usize), actions: &mut Actions) {
    let mut on = list.archived;
    if ui.checkbox(&mut on, format!("Show archived ({})", words::count(archived as u64))).changed() {
        actions.push(UserAction::ShowArchived(on));
    }
}

/// The columns there is room for.
struct Columns {
    shown: Vec<ProjectColumn>,
    /// Widths of name, client, and bar.
    wide: (f32, f32, f32),
}

impl Columns {
    /// In so much room, with clients or without. Without room the last activity is left out: what runs has a dot beside its name.
    fn fit(room: f32, clients: bool) -> Self {
        let narrow = room < if clients { NARROW + CLIENT } else { NARROW };
        let wide = match (narrow, clients) {
            (false, _) => (200.0, CLIENT, 148.0),
            (true, false) => (160.0, 0.0, 88.0),
            (true, true) => (140.0, 96.0, 60.0),
        };
        Self { shown: ProjectColumn::shown(clients, narrow), wide }
    }

    fn table<'a>(&self, ui: &'a mut Ui) -> TableBuilder<'a> {
        let (name, client, bar) = self.wide;
        let least = if self.shown.contains(&ProjectColumn::Client) { 120.0 } else { 150.0 };
        let mut table = TableBuilder::new(ui)
            .id_salt(("projects", self.shown.len(), name as u32))
            .sense(Sense::CLICK)
            .cell_layout(Layout::left_to_right(Align::Center));
        for column in &self.shown {
            table = table.column(match column {
                ProjectColumn::Name => Column::initial(name).at_least(120.0).clip(true),
                ProjectColumn::Client => Column::initial(client).at_least(80.0).clip(true),
                ProjectColumn::Servers => Column::remainder().at_least(least).clip(true),
                ProjectColumn::Items | ProjectColumn::Done => Column::exact(56.0),
                ProjectColumn::Status => Column::exact(bar + 24.0),
                ProjectColumn::Data => Column::exact(76.0),
                ProjectColumn::Last => Column::exact(92.0),
            });
        }
        // What can be done with it.
        table.column(Column::exact(36.0))
    }
}

/// How wide the clients are.
const CLIENT: f32 = 150.0;

/// A click on one orders the projects.
fn headings(header: &mut TableRow<'_, '_>, order: ProjectOrder, columns: &Columns, actions: &mut Actions) {
    use ProjectColumn::{Client, Name, Servers, Status};
    for column in columns.shown.iter().copied() {
        header.col(|ui| {
            if column == Status {
                ui.add_space(12.0);
            }
            let layout = match column {
                Name | Client | Servers | Status => Layout::left_to_right(Align::Center),
                _ => Layout::right_to_left(Align::Center),
            };
            ui.with_layout(layout, |ui| heading(ui, column, order, actions));
        });
    }
    header.col(|_| {});
}

fn heading(ui: &mut Ui, column: ProjectColumn, order: ProjectOrder, actions: &mut Actions) {
    let (palette, on) = (Palette::of(ui), order.column == column);
    let words = text(Type::Small, column.label()).color(if on { palette.text } else { palette.muted });
    let response = ui.add(egui::Label::new(words).truncate().selectable(false).sense(Sense::click()));
    response.widget_info(|| WidgetInfo::labeled(Role::Button, true, format!("Sort by {}", column.label())));
    if on {
        let (rect, _) = ui.allocate_exact_size(egui::Vec2::splat(8.0), Sense::hover());
        icon::sort_mark(ui.painter(), rect.center(), order.descending, palette.accent);
    }
    if response.on_hover_cursor(egui::CursorIcon::PointingHand).clicked() {
        actions.push(UserAction::SortProjects(order.by(column)));
    }
}

fn project_row(
    row: &mut TableRow<'_, '_>,
    page: PageContext<'_>,
    (project, sum): (&Project, &Summary),
    columns: &Columns,
    actions: &mut Actions,
) {
    for column in &columns.shown {
        row.col(|ui| match column {
            ProjectColumn::Name if project.starts.archived => {
                ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                    ui.label(text(Type::Small, "archived").color(Palette::of(ui).muted));
                    ui.with_layout(Layout::left_to_right(Align::Center), |ui| name(ui, project, actions));
                });
            }
            ProjectColumn::Name => name(ui, project, actions),
            ProjectColumn::Client => {
                if let Some(client) = &project.client {
                    cut(ui, text(Type::Small, client));
                }
            }
            ProjectColumn::Servers => {
                let servers = format!("{} → {}", project.source.place(), project.destination.place());
                cut(ui, text(Type::Small, servers));
            }
            ProjectColumn::Status => {
                ui.add_space(12.0);
                summary_bar(ui, sum, columns.wide.2);
            }
            column => figures(ui, page, sum, *column),
        });
    }
    let subject = Subject::Project(OneProject { project, sum });
    row.col(|ui| {
        let (button, name) = (ui.button("…"), format!("More of {}", project.name));
        button.widget_info(|| WidgetInfo::labeled(Role::Button, true, &name));
        Popup::menu(&button.on_hover_text(name)).show(|ui| menu(ui, &subject, actions));
    });
    row.response().context_menu(|ui| menu(ui, &subject, actions));
}

fn name(ui: &mut Ui, project: &Project, actions: &mut Actions) {
    if ui.link(text(Type::Strong, &project.name)).clicked() {
        actions.push(UserAction::Go(Route::Project(project.id)));
    }
}

/// What is offered for a project.
fn menu(ui: &mut Ui, subject: &Subject<'_>, actions: &mut Actions) {
    for name in
        [ActionName::DuplicateProject, ActionName::ArchiveProject, ActionName::BringBack, ActionName::DeleteProject]
    {
        Control::of(name).show(ui, subject, actions);
    }
}

/// A hybrid project; its items are its users. It is marked as a preview (R36).
fn hybrid_row(
    row: &mut TableRow<'_, '_>,
    page: PageContext<'_>,
    view: &HybridView,
    columns: &Columns,
    actions: &mut Actions,
) {
    let sum = look::summary(view);
    for column in &columns.shown {
        row.col(|ui| match column {
            ProjectColumn::Name => {
                if ui.link(text(Type::Strong, &view.project.name)).clicked() {
                    actions.push(UserAction::Go(Route::Hybrid(view.project.id)));
                }
                hybrid::preview(ui);
            }
            ProjectColumn::Client => {}
            ProjectColumn::Servers => {
                let tenant = format!("Exchange on-premises → {}", view.project.settings.sign_in.tenant);
                cut(ui, text(Type::Small, tenant));
            }
            ProjectColumn::Status => {
                ui.add_space(12.0);
                hybrid_bar(ui, view, &sum, columns.wide.2);
            }
            column => figures(ui, page, &sum, *column),
        });
    }
    row.col(|_| {});
}

/// The users of a hybrid project by tone, and in words under the pointer.
pub(super) fn hybrid_bar(ui: &mut Ui, view: &HybridView, sum: &Summary, width: f32) {
    painted_bar(ui, sum, width).on_hover_ui(|ui| drop(ui.label(look::statuses(&view.users))));
}

/// A figure of a project.
fn figures(ui: &mut Ui, page: PageContext<'_>, sum: &Summary, column: ProjectColumn) {
    match column {
        ProjectColumn::Items => figure(ui, words::count(sum.items as u64), None),
        ProjectColumn::Done => figure(ui, words::count_or_dash(sum.done as u64), None),
        ProjectColumn::Data => figure(ui, words::size_or_dash(sum.bytes), None),
        ProjectColumn::Last => {
            let last = sum.last.map_or_else(|| "–".into(), |at| words::moment(at, page.now, page.zone));
            figure(ui, last, Some(Palette::of(ui).muted));
        }
        ProjectColumn::Name | ProjectColumn::Client | ProjectColumn::Servers | ProjectColumn::Status => {}
    }
}

/// The items of a project by tone, and in words under the pointer.
pub(super) fn summary_bar(ui: &mut Ui, sum: &Summary, width: f32) {
    painted_bar(ui, sum, width).on_hover_ui(|ui| drop(ui.label(sum.words())));
}

fn painted_bar(ui: &mut Ui, sum: &Summary, width: f32) -> egui::Response {
    let palette = Palette::of(ui);
    // Colour is what is done; what runs or waits is the rest of the track.
    let mut parts: Vec<_> = sum.ended.iter().zip(BAR).map(|(count, tone)| (*count, palette.tone(tone))).collect();
    let ended: u64 = sum.ended.iter().sum();
    parts.push(((sum.items as u64).saturating_sub(ended), palette.track));
    bars::segments(ui, width, 8.0, &parts, palette.track)
}

fn empty(ui: &mut Ui, actions: &mut Actions) {
    ui.add_space(72.0);
    ui.vertical_centered(|ui| {
        ui.label(text(Type::Section, "No projects yet"));
        muted(ui, "A project names two mail servers. Its items are the mailboxes that move from one to the other");
        ui.add_space(12.0);
        Control::of(ActionName::NewProject).primary().show(ui, &SUBJECT, actions);
        ui.add_space(36.0);
        muted(ui, "Or watch a dozen sample mailboxes move between two folders of this machine; nothing stays behind");
        ui.add_space(12.0);
        Control::of(ActionName::OpenDemo).show(ui, &SUBJECT, actions);
    });
}
