//! The page of one item: where it stands, what was migrated (R18, R50–R52), why it failed (R26).

use egui::{Align, Frame, Label, Layout, Margin, Popup, Ui};

use super::controls::{Control, star_at, star_choices};
use super::item_lists;
use super::keys::{self, Holder};
use super::{Actions, ItemContext, PageContext};
use crate::domain::failure::{Cause, Failure};
use crate::domain::progress::RetryState;
use crate::domain::project::Project;
use crate::domain::status::Status;
use crate::domain::wording;
use crate::engine::snapshot::{ItemRow, LatestPass};
use crate::service::times::zone_of;
use crate::ui::action::{ActionName, OneItem, Subject, Targets, UserAction};
use crate::ui::model::errors;
use crate::ui::model::forms::own_line;
use crate::ui::model::item::{self, ItemPage};
use crate::ui::model::look::{self, look};
use crate::ui::model::words;
use crate::ui::route::Route;
use crate::ui::theme::{NARROW, Palette, Tone, Type};
use crate::ui::widgets::icon::{self, Icon};
use crate::ui::widgets::text::{columns, copy, cut, muted, section, text};
use crate::ui::widgets::{bars, star};

/// Columns of *Migrated Items*: word, messages and data of this pass, of all passes.
const MIGRATED: [f32; 5] = [96.0, 52.0, 68.0, 52.0, 68.0];

/// Paints it.
pub fn show(ui: &mut Ui, context: PageContext<'_>, project: &Project, page: &ItemPage, row: &ItemRow) -> Actions {
    let mut actions = Actions::new();
    let subject = Subject::Item(OneItem { project, row, now: context.now, neighbours: page.neighbours });
    keys::act(ui, Holder::before(ui), &subject, &mut actions);
    crumbs(ui, &subject, (project, row), page, &mut actions);
    ui.add_space(4.0);
    status(ui, context, page, row);
    let told = [look::hold(row).map(|hold| hold.told().to_owned()), look::lasts(row, context.now)];
    for words in told.into_iter().flatten() {
        ui.add(Label::new(text(Type::Body, words).color(Palette::of(ui).tone(Tone::Warning))).wrap());
    }
    if let Some(note) = &row.note {
        cut(ui, text(Type::Body, format!("Note: {note}")));
    }
    if let Some((side, failure)) = &row.failure {
        let words = item::failure(project, row, *side, failure);
        failed(ui, &words, failure, |ui| remedies(ui, &subject, &mut actions));
    }
    if let Some(retry) = row.progress.retry.as_ref().filter(|_| row.status.is_active()) {
        retrying(ui, context, (retry, page.others_waiting), (&subject, &mut actions));
    }
    ui.add_space(4.0);
    ui.scope(|ui| facts(ui, (project, row), &subject, &mut actions));
    let own =
        page.details.as_ref().and_then(|details| own_line(&details.own, &zone_of(&project.options, context.zone)));
    if let Some(own) = own {
        cut(ui, text(Type::Small, own).color(Palette::of(ui).muted));
    }
    ui.add_space(12.0);
    let narrow = ui.available_width() < NARROW;
    let wide = if narrow { 240.0 } else { 430.0 };
    let lists = ItemContext { context, project, page, row, narrow };
    let left = egui::Panel::left("migrated").exact_size(wide).resizable(false).show_separator_line(false);
    left.frame(Frame::new()).show(ui, |ui| {
        migrated(ui, row, narrow);
        item_lists::beside(ui, lists, &mut actions);
    });
    egui::CentralPanel::default()
        .frame(Frame::new().inner_margin(Margin { left: 24, ..Margin::ZERO }))
        .show(ui, |ui| item_lists::show(ui, lists, &mut actions));
    actions
}

fn crumbs(
    ui: &mut Ui,
    subject: &Subject<'_>,
    (project, row): (&Project, &ItemRow),
    page: &ItemPage,
    actions: &mut Actions,
) {
    ui.horizontal(|ui| {
        if ui.link(text(Type::Body, &project.name)).clicked() {
            actions.push(UserAction::Go(Route::Project(project.id)));
        }
        ui.label("›");
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            beside(ui, page, subject, actions);
            buttons(ui, row, subject, actions);
            ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
                let palette = Palette::of(ui);
                let name = format!("Star of {}: {}", row.source, row.star.map_or("none", |star| star.word()));
                let fill = row.star.map(|star| palette.star(star));
                if let Some(at) = star::star(ui, fill, palette.border, &name, &star_choices(palette)) {
                    actions.push(UserAction::Star(Targets::These(vec![row.item]), star_at(at)));
                }
                cut(ui, text(Type::Page, &row.source));
            });
        });
    });
}

/// "‹ 12 of 128 ›", from right to left: the items of the grid, in its order.
fn beside(ui: &mut Ui, page: &ItemPage, subject: &Subject<'_>, actions: &mut Actions) {
    let Some((at, of)) = page.neighbours.at else { return };
    ui.spacing_mut().item_spacing.x = 6.0;
    Control::of(ActionName::NextItem).sign("›").show(ui, subject, actions);
    let place = format!("{} of {}", words::count(at as u64), words::count(of as u64));
    ui.label(text(Type::Small, place).color(Palette::of(ui).muted));
    Control::of(ActionName::PreviousItem).sign("‹").show(ui, subject, actions);
    ui.add_space(10.0);
    ui.spacing_mut().item_spacing.x = 8.0;
}

fn buttons(ui: &mut Ui, row: &ItemRow, subject: &Subject<'_>, actions: &mut Actions) {
    Popup::menu(&ui.button("More…")).show(|ui| {
        for name in [ActionName::Note, ActionName::TestItem, ActionName::Preview, ActionName::ItemOptions] {
            Control::of(name).show(ui, subject, actions);
        }
        ui.separator();
        for name in
            [ActionName::AskAgain, ActionName::ResetItems, ActionName::ClearCredentials, ActionName::DeleteItems]
        {
            Control::of(name).show(ui, subject, actions);
        }
    });
    Control::of(ActionName::EditItem).show(ui, subject, actions);
    Control::of(ActionName::Stop).show(ui, subject, actions);
    Control::of(ActionName::Start).primary().show(ui, subject, actions);
    if row.status == Status::Submitted {
        Control::of(ActionName::StartNext).show(ui, subject, actions);
    }
    if (ActionName::StopNow.entry().rule)(subject).is_ok() {
        Control::of(ActionName::StopNow).show(ui, subject, actions);
    }
    if row.status == Status::Held {
        Control::of(ActionName::Resume).show(ui, subject, actions);
    }
}

fn status(ui: &mut Ui, context: PageContext<'_>, page: &ItemPage, row: &ItemRow) {
    let palette = Palette::of(ui);
    let seen = look(row, context.now);
    ui.horizontal(|ui| {
        icon::show(ui, seen.icon, palette.tone(seen.tone));
        ui.label(text(Type::Section, &seen.words).color(palette.tone(seen.tone)));
        if let Some(LatestPass { kind, attempt, .. }) = row.pass {
            let number = page.details.as_ref().map_or(0, |details| details.passes.len());
            let mut line = format!("· {}", kind.word());
            if number > 0 {
                line += &format!(", pass {number}");
            }
            if attempt > 1 {
                line += &format!(", attempt {attempt}");
            }
            if let Some(since) = look::since(row) {
                line += &format!(" · since {}", words::moment(since, context.now, context.zone));
            }
            ui.label(text(Type::Body, line).color(palette.muted));
        }
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            if let Some(statistics) = item::statistics(row, context.now, context.zone) {
                ui.label(text(Type::Small, statistics).color(palette.muted));
            }
        });
    });
}

/// A box for what a person must read: its headline with its shape and colour, and what `Copy text` copies.
fn notice(
    ui: &mut Ui,
    (icon, tone): (Icon, Tone),
    headline: &str,
    whole: impl FnOnce() -> String,
    more: impl FnOnce(&mut Ui),
) {
    let palette = Palette::of(ui);
    let color = palette.tone(tone);
    let frame = Frame::new().fill(palette.panel).corner_radius(4).inner_margin(Margin::symmetric(12, 8));
    frame.show(ui, |ui| {
        ui.set_width(ui.available_width());
        ui.horizontal(|ui| {
            icon::show(ui, icon, color);
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                copy(ui, "Copy text", whole);
                ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
                    cut(ui, text(Type::Strong, headline).color(color));
                });
            });
        });
        more(ui);
    });
}

/// The words of a server, or of this computer, beside what is made of them.
fn server_text(ui: &mut Ui, failure: &Failure) {
    if let Some(server) = &failure.server_text {
        let muted = Palette::of(ui).muted;
        ui.label(text(Type::Small, wording::capital(failure.cause.words_of())).color(muted));
        ui.label(text(Type::Mono, server));
    }
}

/// Headline, what happened, what to do; the server's own words beside it.
fn failed(ui: &mut Ui, words: &wording::Text, failure: &Failure, remedies: impl FnOnce(&mut Ui)) {
    let whole = || errors::as_text(words, failure.server_text.as_deref(), []);
    notice(ui, (Icon::Cross, Tone::Bad), &words.headline, whole, |ui| {
        ui.label(&words.what);
        ui.label(&words.todo);
        server_text(ui, failure);
        remedies(ui);
    });
}

/// The buttons that do what the text advises, where there are some.
fn remedies(ui: &mut Ui, subject: &Subject<'_>, actions: &mut Actions) {
    let all = [
        ActionName::TryNow,
        ActionName::EditHost,
        ActionName::CorrectLogin,
        ActionName::SignInAgain,
        ActionName::CorrectSignIn,
        ActionName::PinCertificate,
        ActionName::AskAgain,
        ActionName::EditProject,
        ActionName::CorrectOption,
    ];
    let may: Vec<ActionName> = all.into_iter().filter(|name| (name.entry().rule)(subject).is_ok()).collect();
    if !may.is_empty() {
        ui.add_space(4.0);
        ui.horizontal(|ui| may.into_iter().for_each(|name| Control::of(name).show(ui, subject, actions)));
    }
}

fn retrying(
    ui: &mut Ui,
    context: PageContext<'_>,
    (retry, others): (&RetryState, usize),
    (subject, actions): (&Subject<'_>, &mut Actions),
) {
    let words = wording::text(&retry.failure, retry.side, &wording::TextNames::default());
    let until = words::second(retry.until, context.zone);
    let what = match &retry.failure.other {
        Some(host) => format!("{} · {host}", words.headline),
        None => words.headline.clone(),
    };
    let line = match retry.failure.cause {
        // No failure, and no try.
        Cause::Settling => format!("Until {until} at the latest: {what}"),
        Cause::OutsideHours | Cause::OwnNetwork => format!("Until {until}: {}", words.headline),
        _ if retry.is_no_try() => format!("Retry mode until {until}: {what}"),
        _ => format!("Retry mode until {until}: {what} · try {} of {}", retry.attempt, retry.limit),
    };
    let line = [Some(line), wording::daily_limit(retry), wording::others_wait(others)]
        .into_iter()
        .flatten()
        .collect::<Vec<_>>()
        .join(" · ");
    let whole = || errors::as_text(&words, retry.failure.server_text.as_deref(), []);
    notice(ui, (Icon::Pause, Tone::Warning), &line, whole, |ui| {
        server_text(ui, &retry.failure);
        let cures = (ActionName::CorrectOption.entry().rule)(subject).is_ok();
        ui.horizontal(|ui| {
            if retry.failure.retry.may_be_hurried() {
                Control::of(ActionName::RetryNow).show(ui, subject, actions);
            }
            if cures {
                Control::of(ActionName::CorrectOption).show(ui, subject, actions);
            }
        });
    });
}

fn facts(ui: &mut Ui, (project, row): (&Project, &ItemRow), subject: &Subject<'_>, actions: &mut Actions) {
    let palette = Palette::of(ui);
    let muted = |ui: &mut Ui, words: &str| ui.label(text(Type::Small, words).color(palette.muted));
    // Lines of text, not of controls.
    ui.spacing_mut().interact_size.y = 0.0;
    ui.horizontal_wrapped(|ui| {
        let sides = [
            ("FROM", &row.source, &project.source, ActionName::SignInAtSource),
            ("INTO", &row.destination, &project.destination, ActionName::SignInAtDestination),
        ];
        for (word, mailbox, server, sign_in) in sides {
            muted(ui, word);
            ui.label(text(Type::Small, mailbox));
            let login = match (server.administrator(), server.sign_in()) {
                (Some(admin), _) => format!(", signed in as {}", item::login(admin)),
                (None, Some(sign_in)) => format!(", {}", sign_in.kind.words()),
                (None, None) => String::new(),
            };
            muted(ui, &format!("on {}{login}", server.place()));
            if server.signs_in_by_person() {
                Control::of(sign_in).link().show(ui, subject, actions);
                // With so much to say, each side has a line of its own.
                ui.end_row();
            } else {
                ui.add_space(12.0);
            }
        }
    });
    if row.progress.folders_total > 0 || row.progress.at_source.is_some() || row.status.is_active() {
        ui.add_space(2.0);
        progress(ui, row);
    }
}

/// How far the pass is.
fn progress(ui: &mut Ui, row: &ItemRow) {
    let palette = Palette::of(ui);
    let muted = |ui: &mut Ui, words: &str| ui.label(text(Type::Small, words).color(palette.muted));
    let progress = &row.progress;
    ui.horizontal_wrapped(|ui| {
        if progress.folders_total > 0 {
            muted(ui, "Folders");
            bars::ticks(
                ui,
                progress.folders_done,
                progress.folders_total,
                palette.tone(look::tone(row)),
                palette.track,
            );
            ui.label(text(Type::Small, item::folders(row)));
            ui.add_space(12.0);
        }
        for (word, figure) in item::progress(row) {
            muted(ui, word);
            ui.label(text(Type::Small, figure));
            ui.add_space(12.0);
        }
        if row.status.is_active() {
            muted(ui, "Speed");
            let speed = match row.speed {
                0 if progress.retry.is_some() => "paused".to_owned(),
                0 => wording::phase(progress.phase).to_owned(),
                speed => format!("{}/s · {}", wording::size(speed), wording::phase(progress.phase)),
            };
            ui.label(text(Type::Small, speed));
        }
    });
}

fn migrated(ui: &mut Ui, row: &ItemRow, narrow: bool) {
    // As high as the heading beside it, which has controls.
    ui.horizontal(|ui| {
        ui.set_min_height(ui.spacing().interact_size.y);
        section(ui, "Migrated Items");
    });
    let palette = Palette::of(ui);
    ui.spacing_mut().item_spacing.y = 4.0;
    // All passes are left out where there is no room for them.
    let (heads, figures) = if narrow { (2, 3) } else { (3, 5) };
    columns(ui, &[96.0, 128.0, 128.0][..heads], &["", "this pass", "all passes"], Type::Small, palette.muted);
    for (word, this, all) in item::migrated(row) {
        let last = word == "Total";
        if last {
            ui.separator();
        }
        let count = |number: Option<u64>| number.map(words::count_or_dash).unwrap_or_default();
        let size = |bytes: Option<u64>| bytes.map(words::size_or_dash).unwrap_or_default();
        let cells = [word, &count(this.0), &size(this.1), &count(all.0), &size(all.1)];
        let warn = word == "Waiting" || word == "Not copied" && row.progress.open_errors() > 0;
        let color = if warn { palette.tone(Tone::Warning) } else { palette.text };
        columns(ui, &MIGRATED[..figures], &cells, if last { Type::SmallStrong } else { Type::Small }, color);
    }
    ui.add_space(8.0);
    let counts = row.progress.counts;
    if counts.differ > 0 {
        let words = format!("{} differ, which nothing explains: see Notices", words::count(counts.differ));
        ui.add(egui::Label::new(text(Type::Small, words).color(palette.tone(Tone::Warning))).wrap());
    }
    if counts.arrived > 0 {
        let words = words::counted(counts.arrived as usize, "message");
        muted(ui, format!("{words} arrived during the pass: Start again to bring them"));
    }
    if counts.flags_updated > 0 {
        muted(ui, format!("{} carried", words::counted(counts.flags_updated as usize, "flag change")));
    }
}
