//! The page of one user: where its move stands, sizes, what was left out, attributes, the service's own report, what happened.

use egui::{Align, CentralPanel, Frame, Label, Layout, Margin, Panel, ScrollArea, Ui};

use super::super::controls::{Control, star_at, star_choices};
use super::super::keys::{self, Holder};
use super::super::{Actions, PageContext};
use super::batch::fact;
use super::{bar, orders, preview, status};
use crate::domain::wording;
use crate::service::hybrid::{HybridUser, HybridView, MoveStatus};
use crate::ui::action::{ActionName, HybridAct, OneUser, Subject, UserAction};
use crate::ui::model::hybrid::look::{told, user_percent};
use crate::ui::model::hybrid::{DetailsPage, UsersPage, WhichUsers};
use crate::ui::model::words;
use crate::ui::route::Route;
use crate::ui::theme::{NARROW, Palette, Tone, Type};
use crate::ui::widgets::star;
use crate::ui::widgets::text::{copy, cut, muted, section, text};

/// Paints it; `users` is the grid it was opened from.
pub fn show(
    ui: &mut Ui,
    context: PageContext<'_>,
    (view, user): (&HybridView, &HybridUser),
    (users, page): (&UsersPage, &DetailsPage),
) -> Actions {
    let mut actions = Actions::new();
    let at = users.row_of(user.id);
    let before = at.and_then(|at| at.checked_sub(1)).and_then(|at| users.at(at));
    let beside = (before, at.and_then(|at| users.at(at + 1)));
    let subject = Subject::HybridUser(OneUser { view, user, beside, reporting: page.reporting });
    keys::act(ui, Holder::before(ui), &subject, &mut actions);
    let place = at.map(|at| (at + 1, users.rows.len()));
    crumbs(ui, (view, user), place, &subject, &mut actions);
    ui.add_space(4.0);
    ui.horizontal(|ui| {
        status(ui, user.status, Type::Section);
        bar(ui, user.status, user_percent(user), 160.0);
        let since = words::moment(user.since, context.now, context.zone);
        ui.label(text(Type::Small, format!("{} % · since {since}", user_percent(user))));
    });
    muted(ui, words::sentence(user.status.meaning()));
    remark(ui, user);
    ui.add_space(8.0);
    let narrow = ui.available_width() < NARROW;
    let left = Panel::left("hybrid user").exact_size(if narrow { 280.0 } else { 400.0 }).resizable(false);
    left.show_separator_line(false).frame(Frame::new()).show(ui, |ui| {
        ScrollArea::vertical().id_salt("facts").auto_shrink([false, false]).show(ui, |ui| {
            facts(ui, context, (view, user));
            attributes(ui, view, user);
            report(ui, context, page, &subject, &mut actions);
        });
    });
    CentralPanel::default().frame(Frame::new().inner_margin(Margin { left: 24, ..Margin::ZERO })).show(ui, |ui| {
        orders::show(ui, context, view, page.details.as_ref(), false);
    });
    actions
}

fn crumbs(
    ui: &mut Ui,
    (view, user): (&HybridView, &HybridUser),
    place: Option<(usize, usize)>,
    subject: &Subject<'_>,
    actions: &mut Actions,
) {
    ui.horizontal(|ui| {
        if ui.link(text(Type::Body, &view.project.name)).clicked() {
            actions.push(UserAction::Go(Route::Hybrid(view.project.id)));
        }
        ui.label("›");
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            if let Some((at, of)) = place {
                Control::of(ActionName::NextUser).sign("›").show(ui, subject, actions);
                let place = format!("{} of {}", words::count(at as u64), words::count(of as u64));
                ui.label(text(Type::Small, place).color(Palette::of(ui).muted));
                Control::of(ActionName::PreviousUser).sign("‹").show(ui, subject, actions);
                ui.add_space(10.0);
            }
            buttons(ui, subject, actions);
            ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
                let palette = Palette::of(ui);
                let name = format!("Star of {}: {}", user.address, user.star.map_or("none", |star| star.word()));
                let fill = user.star.map(|star| palette.star(star));
                if let Some(at) = star::star(ui, fill, palette.border, &name, &star_choices(palette)) {
                    actions.push(UserAction::Hybrid(HybridAct::Star(WhichUsers::This(user.id), star_at(at))));
                }
                cut(ui, text(Type::Page, &user.address));
                preview(ui);
            });
        });
    });
}

/// From right to left: in a narrow window they are in a menu.
fn buttons(ui: &mut Ui, subject: &Subject<'_>, actions: &mut Actions) {
    let more = [ActionName::ApproveSkipped, ActionName::MoveOut, ActionName::MoveIn];
    egui::Popup::menu(&ui.button("More…")).show(|ui| {
        for name in more {
            Control::of(name).show(ui, subject, actions);
        }
    });
    Control::of(ActionName::FinalizeUsers).label("Finalize…").primary().show(ui, subject, actions);
}

/// Why it failed, what it waits for.
fn remark(ui: &mut Ui, user: &HybridUser) {
    let remark = user.remark();
    if remark.is_empty() {
        return;
    }
    let tone = if user.status == MoveStatus::Failed { Tone::Bad } else { Tone::Warning };
    let color = Palette::of(ui).tone(tone);
    ui.add(Label::new(text(Type::Body, words::sentence(&remark)).color(color)).wrap().selectable(true));
    if user.status == MoveStatus::Failed {
        muted(ui, "Mend what it names, then start its batch again: only what failed is started");
    }
}

fn facts(ui: &mut Ui, context: PageContext<'_>, (view, user): (&HybridView, &HybridUser)) {
    let moment = |at| words::moment(at, context.now, context.zone);
    let told_at = |at: Option<_>| at.map_or_else(|| "–".to_owned(), moment);
    section(ui, "Move");
    fact(ui, "Batch", view.batch_name(user));
    fact(ui, "Items synced", &told(user.told.synced));
    fact(ui, "Items skipped", &told(user.told.skipped));
    fact(ui, "Data", &user.told.bytes.map_or_else(|| "–".into(), wording::size));
    fact(ui, "Last sync", &told_at(user.told.last_sync));
    fact(ui, "Counted", &told_at(user.told.statistics));
    if let Some(word) = &user.told.word {
        fact(ui, "Service says", word);
    }
    if let Some(at) = user.told.missing {
        fact(ui, "Missing", &format!("in no answer of the service since {}", moment(at)));
    }
    let own = user.location.as_deref();
    let default = Some(view.project.settings.location.as_str()).filter(|location| !location.is_empty());
    let location = match (own, default) {
        (Some(own), _) => own.to_owned(),
        (None, Some(default)) => format!("{default} (the project's)"),
        (None, None) => "–".to_owned(),
    };
    fact(ui, "Usage location", &location);
}

/// What is set on the mailbox at finalization (R33).
fn attributes(ui: &mut Ui, view: &HybridView, user: &HybridUser) {
    let attributes = &view.project.settings.attributes;
    ui.add_space(12.0);
    section(ui, "Attributes");
    if attributes.is_empty() {
        muted(ui, "None are set: the project's settings name none");
        return;
    }
    muted(ui, if user.status == MoveStatus::Completed { "Set at finalization" } else { "To be set at finalization" });
    for (row, value) in attributes.rows() {
        fact(ui, row.key, value);
    }
}

/// The service's own account, which is slow and therefore asked for by hand.
fn report(ui: &mut Ui, context: PageContext<'_>, page: &DetailsPage, subject: &Subject<'_>, actions: &mut Actions) {
    ui.add_space(12.0);
    section(ui, "Report of the service");
    let kept = page.details.as_ref().and_then(|details| details.report.as_ref());
    let told = match kept {
        _ if page.reporting => "Asked for; it may take half an hour".to_owned(),
        Some((at, _)) => format!("Of {}", words::moment(*at, context.now, context.zone)),
        None => "Not asked for yet; it may take half an hour".to_owned(),
    };
    muted(ui, told);
    ui.horizontal(|ui| {
        Control::of(ActionName::AskReport).show(ui, subject, actions);
        if let Some((_, told)) = kept {
            copy(ui, "Copy", || told.clone());
        }
    });
    if let Some((_, told)) = kept {
        // As much as a person reads here; all of it is copied.
        let shown: String = told.lines().take(200).collect::<Vec<_>>().join("\n");
        ui.add(Label::new(text(Type::Mono, shown)).wrap().selectable(true));
    }
}
