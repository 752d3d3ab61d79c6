//! All projects: name, servers, items, how far they are.

use std::sync::Arc;

use egui::{Align, Layout, Role, Sense, Ui, WidgetInfo};
use egui_extras::{Column, TableBuilder, TableRow};

use super::controls::Control;
use super::keys::{self, Holder};
use super::{Actions, PageContext, hybrid};
use crate::domain::project::Project;
use crate::service::hybrid::HybridView;
use crate::ui::action::{ActionName, Screen, Subject, UserAction};
use crate::ui::model::hybrid::look;
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
    (sums, order): (&Projects, ProjectOrder),
) -> Actions {
    let mut actions = Actions::new();
    keys::act(ui, Holder::before(ui), &SUBJECT, &mut actions);
    ui.horizontal(|ui| {
        ui.label(text(Type::Page, "Projects"));
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            if !projects.is_empty() || !hybrid.is_empty() {
                Control::of(ActionName::NewProject).primary().show(ui, &SUBJECT, &mut actions);
            }
        });
    });
    ui.add_space(12.0);
    if projects.is_empty() && hybrid.is_empty() {
        empty(ui, &mut actions);
        return actions;
    }
    // Without room the last activity is left out: what runs has a dot beside its name.
    let narrow = ui.available_width() < NARROW;
    let (name, bar) = if narrow { (160.0, 88.0) } else { (200.0, 148.0) };
    let mut table = TableBuilder::new(ui)
        .id_salt(("projects", narrow))
        .cell_layout(Layout::left_to_right(Align::Center))
        .column(Column::initial(name).at_least(120.0).clip(true))
        .column(Column::remainder().at_least(180.0).clip(true))
        .column(Column::exact(56.0))
        .column(Column::exact(56.0))
        .column(Column::exact(bar + 24.0))
        .column(Column::exact(76.0));
    if !narrow {
        table = table.column(Column::exact(92.0));
    }
    let sorted = order.sorted(projects, sums);
    table.header(ROW, |mut row| headings(&mut row, order, narrow, &mut actions)).body(|body| {
        body.rows(ROW + 4.0, projects.len() + hybrid.len(), |mut row| {
            let Some((project, sum)) = sorted.get(row.index()) else {
                let Some(view) = hybrid.get(row.index() - projects.len()) else { return };
                return hybrid_row(&mut row, page, view, (bar, narrow), &mut actions);
            };
            row.col(|ui| {
                if ui.link(text(Type::Strong, &project.name)).clicked() {
                    actions.push(UserAction::Go(Route::Project(project.id)));
                }
            });
            row.col(|ui| {
                let servers = format!("{} → {}", project.source.place(), project.destination.place());
                cut(ui, text(Type::Small, servers));
            });
            figures(&mut row, page, sum, narrow, |ui| summary_bar(ui, sum, bar));
        });
    });
    actions
}

/// A click on one orders the projects.
fn headings(header: &mut TableRow<'_, '_>, order: ProjectOrder, narrow: bool, actions: &mut Actions) {
    use ProjectColumn::{Name, Servers, Status};
    for column in ProjectColumn::ALL.into_iter().take(if narrow { 6 } else { 7 }) {
        header.col(|ui| {
            if column == Status {
                ui.add_space(12.0);
            }
            let layout = match column {
                Name | Servers | Status => Layout::left_to_right(Align::Center),
                _ => Layout::right_to_left(Align::Center),
            };
            ui.with_layout(layout, |ui| heading(ui, column, order, actions));
        });
    }
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

/// A hybrid project; its items are its users. It is marked as a preview (R36).
fn hybrid_row(
    row: &mut TableRow<'_, '_>,
    page: PageContext<'_>,
    view: &HybridView,
    (bar, narrow): (f32, bool),
    actions: &mut Actions,
) {
    let sum = look::summary(view);
    row.col(|ui| {
        if ui.link(text(Type::Strong, &view.project.name)).clicked() {
            actions.push(UserAction::Go(Route::Hybrid(view.project.id)));
        }
        hybrid::preview(ui);
    });
    row.col(|ui| {
        let tenant = format!("Exchange on-premises → {}", view.project.settings.sign_in.tenant);
        cut(ui, text(Type::Small, tenant));
    });
    figures(row, page, &sum, narrow, |ui| hybrid_bar(ui, view, &sum, bar));
}

/// The users of a hybrid project by tone, and in words under the pointer.
pub(super) fn hybrid_bar(ui: &mut Ui, view: &HybridView, sum: &Summary, width: f32) {
    painted_bar(ui, sum, width).on_hover_ui(|ui| drop(ui.label(look::statuses(&view.users))));
}

/// The figures of a project with its bar; the last activity where it is not narrow.
fn figures(row: &mut TableRow<'_, '_>, page: PageContext<'_>, sum: &Summary, narrow: bool, bar: impl FnOnce(&mut Ui)) {
    row.col(|ui| figure(ui, words::count(sum.items as u64), None));
    row.col(|ui| figure(ui, words::count_or_dash(sum.done as u64), None));
    row.col(|ui| {
        ui.add_space(12.0);
        bar(ui);
    });
    row.col(|ui| figure(ui, words::size_or_dash(sum.bytes), None));
    if !narrow {
        row.col(|ui| {
            let last = sum.last.map_or_else(|| "–".into(), |at| words::moment(at, page.now, page.zone));
            figure(ui, last, Some(Palette::of(ui).muted));
        });
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
