//! The page of a hybrid project: what stands above, batches at the left, users at the right.

use egui::{Align, CentralPanel, Frame, Layout, Margin, Panel, Popup, Ui};

use super::super::controls::Control;
use super::super::grid::rows_seen;
use super::super::keys::{self, Holder};
use super::super::{Actions, PageContext, grid_filters};
use super::{bar, batches, preview, status, users};
use crate::domain::ids::HybridUserId;
use crate::service::hybrid::HybridView;
use crate::ui::action::{ActionName, HybridAct, HybridUsers, Subject, UserAction};
use crate::ui::model::hybrid::look::{progress, project_progress, summary};
use crate::ui::model::hybrid::{Place, UsersAction, UsersPage};
use crate::ui::model::words;
use crate::ui::theme::{NARROW, Palette, Tone, Type};
use crate::ui::widgets::text::{cut, muted, text};

/// What stands above the users, more or less.
const FILTERS: f32 = 64.0;

/// Paints it; `locked` tells whether the passwords are.
pub fn show(ui: &mut Ui, context: PageContext<'_>, view: &HybridView, page: &UsersPage, locked: bool) -> Actions {
    let mut actions = Actions::new();
    let holder = Holder::before(ui);
    let subject = Subject::Hybrid(HybridUsers { view, page, cursor: None, rows_seen: 1 });
    head(ui, context, view, &subject, &mut actions);
    if locked {
        line(ui, "The passwords are locked: nothing is ordered or watched", |ui| {
            if ui.button("Unlock…").clicked() {
                actions.push(UserAction::Hybrid(HybridAct::Unlock));
            }
        });
    }
    ui.add_space(8.0);
    if view.users.is_empty() {
        empty(ui, &subject, &mut actions);
        keys::act(ui, holder, &subject, &mut actions);
        return actions;
    }
    // A row that the filter hides is not acted on. Looked for only when a key is there to act.
    let shown = |id: HybridUserId| page.row_of(id).and_then(|_| view.user(id));
    let cursor = page.cursor.filter(|_| keys::is_any_wanted(ui)).and_then(shown);
    let rows_seen = rows_seen(ui.available_height() - FILTERS - users::BELOW);
    keys::act(ui, holder, &Subject::Hybrid(HybridUsers { view, page, cursor, rows_seen }), &mut actions);
    let moved = actions.iter().rev().find_map(|action| match action {
        UserAction::Hybrid(HybridAct::Users(UsersAction::Move(rows, _))) => Some(page.row_from_cursor(*rows)),
        _ => None,
    });
    let narrow = ui.available_width() < NARROW;
    let left = Panel::left("batches").exact_size(if narrow { 168.0 } else { 212.0 }).resizable(false);
    let frame = Frame::new().inner_margin(Margin { right: 12, ..Margin::ZERO });
    left.frame(frame).show(ui, |ui| batches::show(ui, view, page, &mut actions));
    let frame = Frame::new().inner_margin(Margin { left: 12, ..Margin::ZERO });
    CentralPanel::default().frame(frame).show(ui, |ui| {
        batch_line(ui, context, view, page, &mut actions);
        filters(ui, &subject, page, &mut actions);
        ui.add_space(4.0);
        users::show(ui, context, (view, page), moved, &mut actions);
    });
    actions
}

fn head(ui: &mut Ui, context: PageContext<'_>, view: &HybridView, subject: &Subject<'_>, actions: &mut Actions) {
    let (project, settings) = (&view.project, &view.project.settings);
    ui.horizontal(|ui| {
        ui.label(text(Type::Page, &project.name));
        preview(ui);
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| buttons(ui, subject, actions));
    });
    let license = match settings.sku.as_str() {
        "" => "no Microsoft license is assigned".to_owned(),
        sku => format!("{sku} at 95 %"),
    };
    let words = format!("{} · endpoint {} · {license}", settings.sign_in.tenant, settings.endpoint);
    cut(ui, text(Type::Small, words).color(Palette::of(ui).muted));
    if !view.users.is_empty() {
        let sum = summary(view);
        ui.horizontal(|ui| {
            super::super::projects::hybrid_bar(ui, view, &sum, 200.0);
            ui.label(text(Type::Small, project_progress(view, &sum)));
        });
    }
    if let Some(trouble) = &project.trouble {
        let until = words::moment(trouble.until, context.now, context.zone);
        line(ui, &format!("The service is not asked until {until}: {}", trouble.text), |ui| {
            Control::of(ActionName::AskServiceNow).show(ui, subject, actions);
        });
    }
}

/// Something to know about the whole project, with what can be done about it.
fn line(ui: &mut Ui, words: &str, controls: impl FnOnce(&mut Ui)) {
    let color = Palette::of(ui).tone(Tone::Warning);
    ui.horizontal(|ui| {
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            controls(ui);
            ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
                ui.add(egui::Label::new(text(Type::Small, words).color(color)).wrap());
            });
        });
    });
}

/// From right to left.
fn buttons(ui: &mut Ui, subject: &Subject<'_>, actions: &mut Actions) {
    Popup::menu(&ui.button("More…")).show(|ui| {
        let users = [ActionName::MoveIn, ActionName::MoveOut, ActionName::FinalizeUsers, ActionName::ApproveSkipped];
        let whole = [
            ActionName::ImportUsers,
            ActionName::CheckTenant,
            ActionName::HybridGuide,
            ActionName::HybridSettings,
            ActionName::DeleteHybrid,
        ];
        for (at, names) in [&users[..], &whole].into_iter().enumerate() {
            if at > 0 {
                ui.separator();
            }
            for name in names {
                Control::of(*name).show(ui, subject, actions);
            }
        }
    });
    Control::of(ActionName::FinalizeBatch).show(ui, subject, actions);
    Control::of(ActionName::StartBatch).show(ui, subject, actions);
    Control::of(ActionName::NewBatch).show(ui, subject, actions);
}

fn empty(ui: &mut Ui, subject: &Subject<'_>, actions: &mut Actions) {
    ui.add_space(72.0);
    ui.vertical_centered(|ui| {
        ui.label(text(Type::Section, "No users yet"));
        muted(
            ui,
            "Users move from Exchange on-premises to Exchange Online in batches. First let the check say whether the tenant is \
             ready, then import the users",
        );
        ui.add_space(12.0);
        Control::of(ActionName::ImportUsers).label("Import the first users…").primary().show(ui, subject, actions);
        ui.add_space(8.0);
        Control::of(ActionName::CheckTenant).show(ui, subject, actions);
        Control::of(ActionName::HybridGuide).show(ui, subject, actions);
    });
}

/// The batch that is chosen: where it stands, what that means, when it is finalized.
fn batch_line(ui: &mut Ui, context: PageContext<'_>, view: &HybridView, page: &UsersPage, actions: &mut Actions) {
    let Place::Batch(id) = page.place else { return };
    let Some(found) = view.batch(id) else { return };
    let subject = Subject::Hybrid(HybridUsers { view, page, cursor: None, rows_seen: 1 });
    ui.horizontal(|ui| {
        status(ui, found.status, Type::SmallStrong);
        bar(ui, found.status, found.progress.percent, 96.0);
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            Control::of(ActionName::ShowBatch).link().show(ui, &subject, actions);
            ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
                cut(ui, text(Type::Small, progress(found)));
            });
        });
    });
    let mut meaning = words::sentence(found.status.meaning());
    if let Some(at) = found.batch.finalize_at {
        let tense = if at > context.now { "finalization begins" } else { "finalization was ordered" };
        meaning += &format!(" · {tense} {}", words::moment(at, context.now, context.zone));
    }
    cut(ui, text(Type::Small, meaning).color(Palette::of(ui).muted));
    ui.add_space(4.0);
}

/// Statuses, search, stars.
fn filters(ui: &mut Ui, subject: &Subject<'_>, page: &UsersPage, actions: &mut Actions) {
    let palette = Palette::of(ui);
    ui.horizontal_wrapped(|ui| {
        ui.spacing_mut().item_spacing.x = 4.0;
        let all = [(None, "All", page.counts.0)];
        let by_status = crate::service::hybrid::MoveStatus::ALL.into_iter().zip(page.counts.1);
        let tabs = all.into_iter().chain(by_status.map(|(status, count)| (Some(status), status.word(), count)));
        for (tab, word, count) in tabs {
            // What nobody is has no tab.
            if count == 0 && tab.is_some() && page.tab != tab {
                continue;
            }
            let on = page.tab == tab;
            let color = if on { palette.accent } else { palette.text };
            let words = text(Type::Small, format!("{word} {}", words::count(count as u64))).color(color);
            if ui.add(egui::Button::selectable(on, words)).clicked() {
                users::act(actions, UsersAction::Tab(tab));
            }
        }
    });
    ui.horizontal(|ui| {
        let mut search = page.search.clone();
        if grid_filters::search_field(ui, &mut search, 180.0) {
            users::act(actions, UsersAction::Search(search));
        }
        if let Some(star) = grid_filters::stars_shown(ui, &page.stars) {
            users::act(actions, UsersAction::StarFilter(star));
        }
        if page.is_filtered() {
            let (shown, of) = (page.rows.len() as u64, page.counts.0 as u64);
            let words = format!("showing {} of {}", words::count(shown), words::count(of));
            ui.label(text(Type::Small, words).color(palette.muted));
            Control::of(ActionName::ClearFilters).show(ui, subject, actions);
        }
        if page.stale {
            let words = format!("Order changed, sort again ({})", ActionName::SortAgain.entry().key_names());
            Control::of(ActionName::SortAgain).label(words).show(ui, subject, actions);
        }
    });
}
