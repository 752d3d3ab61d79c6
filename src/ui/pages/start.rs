//! The dialog that starts passes: which one, of which messages, when, in which direction.

use egui::Ui;

use super::controls::Control;
use super::keys::{self, Holder};
use super::{Actions, PageContext};
use crate::domain::pass::PassKind;
use crate::domain::project::Project;
use crate::domain::server::Server;
use crate::domain::wording::capital;
use crate::service::times;
use crate::ui::action::{ActionName, Subject};
use crate::ui::model::forms::{Age, StartForm};
use crate::ui::model::words;
use crate::ui::theme::{Palette, Tone, Type};
use crate::ui::widgets::field::Field;
use crate::ui::widgets::icon::{self, Icon};
use crate::ui::widgets::text::{muted, section, text};

/// The passes, as people choose among them.
const PASSES: [(PassKind, &str, &str); 5] = [
    (PassKind::Verify, "Verify Credentials", "Logs in on both sides and copies nothing"),
    (PassKind::Trial, "Trial", "Makes all folders and copies at most 10 messages of each, 5 MB in all"),
    (PassKind::PreStage, "Pre-Stage", "Copies older messages first, while people go on working"),
    (PassKind::Full, "Full", "Copies all that is missing; again, only what is new"),
    (PassKind::RetryErrors, "Retry Errors", "Tries the messages again that the last pass could not copy"),
];

/// Ages that are chosen with one click.
const DAYS: [u32; 3] = [30, 60, 90];

/// Paints it.
pub fn show(ui: &mut Ui, page: PageContext<'_>, form: &mut StartForm, project: &Project) -> Actions {
    let mut actions = Actions::new();
    let holder = Holder::before(ui);
    form.now = page.now;
    ui.label(text(Type::Page, title(form)));
    ui.add_space(8.0);
    passes(ui, form);
    if form.kind() == PassKind::PreStage {
        age(ui, form);
    }
    ui.add_space(8.0);
    when(ui, form);
    ui.add_space(8.0);
    left_alone(ui, form);
    mails(ui, form, &mut actions);
    if form.asks && form.kind().moves_mail() {
        direction(ui, form, project);
    }
    ui.add_space(12.0);
    let can = words::count(form.shares().items.len() as u64);
    let subject = Subject::Start(form);
    ui.horizontal(|ui| {
        let words = if form.later { format!("Schedule {can}") } else { format!("Start {can}") };
        Control::of(ActionName::StartNow).label(words).primary().show(ui, &subject, &mut actions);
        Control::of(ActionName::PreviewStart).show(ui, &subject, &mut actions);
        Control::of(ActionName::CloseDialog).label("Cancel").show(ui, &subject, &mut actions);
    });
    keys::act(ui, holder, &subject, &mut actions);
    actions
}

fn title(form: &StartForm) -> String {
    let (can, chosen) = (form.shares().items.len(), form.chosen());
    if can == chosen {
        format!("Start {}", words::counted(chosen, "item"))
    } else {
        format!("Start {} of {} chosen", words::count(can as u64), words::counted(chosen, "item"))
    }
}

fn passes(ui: &mut Ui, form: &mut StartForm) {
    let palette = Palette::of(ui);
    for (kind, word, hint) in PASSES {
        let enabled = kind != PassKind::RetryErrors || form.has_errors();
        ui.horizontal(|ui| {
            let radio = egui::RadioButton::new(form.kind() == kind, text(Type::Strong, word));
            if ui.add_enabled(enabled, radio).clicked() {
                form.choose(kind);
            }
            ui.label(text(Type::Small, hint).color(palette.muted));
        });
    }
}

/// How old messages must be, and which day that is.
fn age(ui: &mut Ui, form: &mut StartForm) {
    ui.indent("age", |ui| {
        ui.horizontal(|ui| {
            ui.label("Older than");
            for days in DAYS {
                ui.radio_value(&mut form.age, Age::Days(days), format!("{days} days"));
            }
            ui.radio_value(&mut form.age, Age::Typed, "other");
        });
        if form.age == Age::Typed {
            Field::new("Days, or a date").hint("120 or 2026-01-31").show(ui, &mut form.older_than);
        }
        match form.border() {
            Some(Ok(border)) => drop(muted(ui, format!("Before {}", times::told(border, &form.zone)))),
            Some(Err(error)) if !form.older_than.trim().is_empty() => wrong(ui, &error.to_string()),
            _ => {}
        }
    });
}

fn when(ui: &mut Ui, form: &mut StartForm) {
    let chosen = ui.horizontal(|ui| {
        ui.radio_value(&mut form.later, false, "As soon as a place is free");
        ui.radio_value(&mut form.later, true, "At a time").clicked()
    });
    if form.later {
        let at = Field::new("Start at").hint("22:00 or 2026-12-01 22:00").show(ui, &mut form.at);
        if chosen.inner {
            at.request_focus();
        }
        match form.schedule() {
            Some(Ok(schedule)) => {
                let at = times::told(schedule.at, &form.zone);
                muted(ui, format!("{at} ({}), while this window is open", schedule.zone));
            }
            Some(Err(error)) if !form.at.trim().is_empty() => wrong(ui, &error.to_string()),
            _ => {}
        }
    }
    ui.horizontal(|ui| {
        ui.checkbox(&mut form.next, "Before all that wait");
        ui.checkbox(&mut form.largest_first, "Largest mailboxes first");
    });
}

fn wrong(ui: &mut Ui, words: &str) {
    let color = ui.visuals().error_fg_color;
    ui.label(text(Type::Small, words).color(color));
}

fn left_alone(ui: &mut Ui, form: &StartForm) {
    let palette = Palette::of(ui);
    for (reason, count) in &form.shares().left {
        let words = format!("{} left alone: {reason}", words::count(*count as u64));
        ui.label(text(Type::Small, words).color(palette.tone(Tone::Warning)));
    }
    if form.shares().fresh > 0 && form.kind() == PassKind::Full {
        muted(ui, format!("{} never verified", words::counted(form.shares().fresh, "item")));
    }
    let Some(taking) = form.taking() else { return };
    muted(ui, capital(&taking.words()));
    if let Some(short) = taking.shortage() {
        let words = format!("{short}. Add licenses, or choose fewer items");
        ui.label(text(Type::Small, words).color(palette.tone(Tone::Warning)));
    }
}

/// Whose owners get a mail, what stands in it, and why that cannot be.
fn mails(ui: &mut Ui, form: &mut StartForm, actions: &mut Actions) {
    let palette = Palette::of(ui);
    let count = form.mails.count(&form.shares().items);
    if form.mails.is_asked {
        muted(ui, "Looking up whose passwords are missing…");
    }
    if count == 0 {
        return;
    }
    let (get, passwords) = if count == 1 { ("gets", "its password") } else { ("get", "their passwords") };
    ui.horizontal(|ui| {
        icon::show(ui, Icon::Envelope, palette.tone(Tone::Asking));
        let words = format!("{} {get} a mail asking for {passwords}", words::counted(count, "owner"));
        ui.label(text(Type::Small, words).color(palette.tone(Tone::Asking)));
        let words = if form.mails.shown { "Hide the mail" } else { "Show the mail" };
        if ui.button(text(Type::Small, words)).clicked() {
            form.mails.shown = !form.mails.shown;
        }
        ui.checkbox(&mut form.mails.do_not_ask, "Do not ask now");
    });
    muted(ui, form.mails.named(&form.shares().items));
    match form.mails.cannot() {
        Some(why) if !form.mails.do_not_ask => {
            ui.label(text(Type::Small, format!("They cannot be asked: {why}")).color(palette.tone(Tone::Bad)));
            Control::of(ActionName::OpenSettings).show(ui, &Subject::Start(form), actions);
        }
        _ if form.mails.do_not_ask => {
            muted(ui, "Their items are left alone, and can be started later");
        }
        _ => {}
    }
    if let Some(mail) = form.mails.sample().filter(|_| form.mails.shown) {
        let frame = egui::Frame::new().fill(palette.panel).corner_radius(4).inner_margin(12);
        frame.show(ui, |ui| {
            ui.set_width(ui.available_width());
            ui.label(text(Type::SmallStrong, &mail.subject));
            muted(ui, format!("To {}, the first of them", mail.to));
            egui::ScrollArea::vertical().max_height(128.0).show(ui, |ui| ui.label(text(Type::Small, &mail.text)));
        });
    }
}

fn direction(ui: &mut Ui, form: &mut StartForm, project: &Project) {
    ui.add_space(4.0);
    section(ui, "Is this the right direction?");
    let side = |server: &Server, domains: &str| match domains {
        "" => server.address(),
        domains => format!("{} ({domains})", server.address()),
    };
    let (from, into) = &form.domains;
    let words = format!("Copy FROM {} INTO {}", side(&project.source, from), side(&project.destination, into));
    ui.add(egui::Label::new(words).wrap());
    ui.checkbox(&mut form.confirmed, "The direction is right");
}
