//! The dialogs about hybrid users and batches.

use egui::{Label, ScrollArea, Ui};

use super::super::controls::Control;
use super::super::edit_item::refused;
use super::super::keys::{self, Holder};
use super::super::{Actions, PageContext};
use super::form;
use crate::domain::wording::counted;
use crate::service::hybrid::{CheckLine, PREVIEW, Verdict};
use crate::service::times;
use crate::ui::action::{ActionName, Subject};
use crate::ui::model::hybrid::{HybridDialog, Question, StartingBatch};
use crate::ui::model::words;
use crate::ui::theme::{Palette, Tone, Type, WIDE_DIALOG};
use crate::ui::widgets::field::{Field, focus_once};
use crate::ui::widgets::icon::{self, Icon};
use crate::ui::widgets::text::{copy, muted, text};

/// Paints it.
pub fn show(ui: &mut Ui, context: PageContext<'_>, dialog: &mut HybridDialog) -> Actions {
    let mut actions = Actions::new();
    let holder = Holder::before(ui);
    if matches!(dialog.question, Question::Check { .. } | Question::Settings(_)) {
        ui.set_width(WIDE_DIALOG.min(ui.ctx().content_rect().width() - 80.0));
    }
    ui.label(text(Type::Page, dialog.title()));
    ui.add_space(8.0);
    ui.add_enabled_ui(dialog.asked.is_none(), |ui| content(ui, context, dialog, &mut actions));
    refused(ui, dialog.refused.as_deref());
    ui.add_space(12.0);
    let subject = Subject::HybridDialog(dialog);
    ui.horizontal(|ui| {
        let go_on = Control::of(ActionName::DoHybrid).label(dialog.go_on());
        let close = Control::of(ActionName::CloseDialog);
        match &dialog.question {
            // What cannot be taken back is not what a hasty Enter does.
            Question::MoveOut { .. } | Question::Delete { .. } => {
                go_on.show(ui, &subject, &mut actions);
                close.label("Cancel").primary().show(ui, &subject, &mut actions);
            }
            Question::Check { lines, .. } => {
                close.label("Close").primary().show(ui, &subject, &mut actions);
                go_on.show(ui, &subject, &mut actions);
                if let Some(lines) = lines {
                    copy(ui, "Copy as text", || as_text(lines));
                }
            }
            _ => {
                go_on.primary().show(ui, &subject, &mut actions);
                close.label("Cancel").show(ui, &subject, &mut actions);
            }
        }
        if dialog.asked.is_some() {
            muted(ui, if dialog.needs_vault() { "Asking the tenant…" } else { "One moment…" });
        }
    });
    keys::act(ui, holder, &subject, &mut actions);
    actions
}

fn content(ui: &mut Ui, context: PageContext<'_>, dialog: &mut HybridDialog, actions: &mut Actions) {
    let schedule = dialog.schedule();
    match &mut dialog.question {
        Question::MoveIn { into, batches, name, .. } => move_in(ui, (into, batches, name), &mut dialog.entered),
        Question::MoveOut { warning, left, .. } => {
            match warning {
                Some(warning) => warn(ui, warning),
                None => drop(ui.label("Nothing was submitted for them: they are Unbatched afterwards")),
            }
            left_alone(ui, left);
        }
        Question::Start(start) => starting(ui, start),
        Question::Finalize { left, attributes, later, at, now, .. } => {
            now.0 = context.now;
            let zone = &now.1;
            finalizing(ui, (later, at), schedule.map(|at| at.map(|at| times::told(at, zone))));
            set(ui, attributes);
            left_alone(ui, left);
        }
        Question::Import { .. } => import(ui, dialog, actions),
        Question::Check { lines, .. } => check(ui, lines.as_deref()),
        Question::Settings(fields) => {
            let room = (ui.ctx().content_rect().height() - 260.0).max(160.0);
            ScrollArea::vertical().max_height(room).min_scrolled_height(room).show(ui, |ui| {
                form::fields(ui, fields);
                form::attributes(ui, fields);
            });
        }
        Question::Delete { users, batches, .. } => {
            let what = format!("{} and {}", counted(*users, "user"), counted(*batches, "batch"));
            ui.add(Label::new(format!("Mailferry's records of {what} are deleted")).wrap());
            warn(ui, "Licenses they have consumed are lost. Nothing is changed in the tenant");
        }
    }
}

fn warn(ui: &mut Ui, words: &str) {
    let color = Palette::of(ui).tone(Tone::Warning);
    ui.add(Label::new(text(Type::Body, words).color(color)).wrap());
}

fn left_alone(ui: &mut Ui, left: &[(String, usize)]) {
    for (reason, count) in left {
        let line = format!("{} left alone: {reason}", words::count(*count as u64));
        let color = Palette::of(ui).tone(Tone::Warning);
        ui.add(Label::new(text(Type::Small, line).color(color)).wrap());
    }
}

type Batches = [(crate::domain::ids::HybridBatchId, String)];

fn move_in(
    ui: &mut Ui,
    (into, batches, name): (&mut Option<crate::domain::ids::HybridBatchId>, &Batches, &mut String),
    entered: &mut bool,
) {
    ScrollArea::vertical().max_height(200.0).id_salt("into").auto_shrink([false, true]).show(ui, |ui| {
        for (id, batch) in batches {
            ui.radio_value(into, Some(*id), batch);
        }
        if !batches.is_empty() {
            ui.radio_value(into, None, "A new batch");
        }
    });
    if into.is_none() {
        let field = Field::new("Name of the batch").show(ui, name);
        focus_once(entered, &field);
    }
    muted(ui, "Users can be moved in until the batch is started, and nobody after that");
}

fn starting(ui: &mut Ui, start: &StartingBatch) {
    match &start.lines {
        None => {
            let license = match start.sku.as_str() {
                "" => "no Microsoft license is assigned".to_owned(),
                sku => format!("then each gets {sku}"),
            };
            let users = words::counted(start.users, "user");
            let words = format!(
                "{users}: the service syncs their mailboxes up to 95 %, {license}, and they wait for finalization while changes \
                 go on being synced. Nobody can be moved in after this"
            );
            ui.add(Label::new(words).wrap());
            muted(ui, "First Mailferry looks whether the tenant is ready; nothing is changed by that");
            muted(ui, PREVIEW);
        }
        Some(found) => {
            warn(ui, "Not started: the tenant is not ready");
            lines(ui, found);
        }
    }
}

fn finalizing(ui: &mut Ui, (later, at): (&mut bool, &mut String), schedule: Option<Result<String, String>>) {
    ui.add(
        Label::new("The rest is synced, the attributes are set, and the users work in Exchange Online from then on")
            .wrap(),
    );
    ui.add_space(4.0);
    let chosen = ui.horizontal(|ui| {
        ui.radio_value(later, false, "Now");
        ui.radio_value(later, true, "At a time").clicked()
    });
    if !*later {
        return;
    }
    let field = Field::new("Finalize at").hint("22:00 or 2026-12-01 22:00").show(ui, at);
    if chosen.inner {
        field.request_focus();
    }
    match schedule {
        Some(Ok(told)) => {
            drop(muted(ui, format!("{told}; the service begins by itself, also while Mailferry is closed")))
        }
        Some(Err(why)) if !at.trim().is_empty() => {
            let color = ui.visuals().error_fg_color;
            ui.label(text(Type::Small, why).color(color));
        }
        _ => {}
    }
}

fn set(ui: &mut Ui, attributes: &[String]) {
    let words = match attributes {
        [] => "No attributes are set: the project's settings name none".to_owned(),
        some => format!("Set on each mailbox: {}", some.join(", ")),
    };
    muted(ui, words);
}

fn import(ui: &mut Ui, dialog: &mut HybridDialog, actions: &mut Actions) {
    let Question::Import { directory, .. } = &mut dialog.question else { return };
    ui.radio_value(directory, false, "From a CSV file");
    ui.radio_value(directory, true, "Everybody in the tenant's directory who can move");
    if *directory {
        muted(ui, "Mail users whose mailbox on-premises is known in the tenant; who is here already stays as it is");
        return;
    }
    muted(ui, "Columns: Email Address, and Usage Location if licenses need one. If one row is bad, nothing comes in");
    let label = ui.label(text(Type::Small, "CSV file"));
    ui.horizontal(|ui| {
        ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
            Control::of(ActionName::BrowseUsers).show(ui, &Subject::HybridDialog(dialog), actions);
            let HybridDialog { question: Question::Import { path, .. }, entered, .. } = dialog else { return };
            let edit = egui::TextEdit::singleline(path).hint_text("/path/to/users.csv");
            let field = ui.add(edit.desired_width(f32::INFINITY)).labelled_by(label.id);
            focus_once(entered, &field);
        });
    });
}

/// Each thing that must be right: how it was found, and what to do where it is not.
fn check(ui: &mut Ui, found: Option<&[CheckLine]>) {
    muted(ui, "Looks at the tenant and changes nothing");
    match found {
        None => drop(muted(ui, "Looking…")),
        Some(found) => {
            let room = (ui.ctx().content_rect().height() - 280.0).max(160.0);
            ScrollArea::vertical().max_height(room).id_salt("lines").show(ui, |ui| lines(ui, found));
            let wrong = found.iter().filter(|line| !line.is_right()).count();
            let (tone, words) = match wrong {
                0 => (Tone::Good, "All is right".to_owned()),
                _ => (Tone::Warning, format!("{wrong} of {} not right", counted(found.len(), "line"))),
            };
            ui.label(text(Type::Strong, words).color(Palette::of(ui).tone(tone)));
        }
    }
}

fn lines(ui: &mut Ui, found: &[CheckLine]) {
    for line in found {
        let palette = Palette::of(ui);
        let (shape, tone) = match (&line.verdict, line.blocks) {
            (Verdict::Right, _) => (Icon::Check, Tone::Good),
            (Verdict::Wrong { .. }, true) => (Icon::Cross, Tone::Bad),
            (Verdict::Wrong { .. }, false) => (Icon::Warning, Tone::Warning),
            (Verdict::Unknown(_), _) => (Icon::Warning, Tone::Warning),
        };
        ui.horizontal_top(|ui| {
            icon::show(ui, shape, palette.tone(tone));
            ui.vertical(|ui| {
                ui.add(Label::new(text(Type::Body, words::sentence(&line.what))).wrap());
                match &line.verdict {
                    Verdict::Right => {}
                    Verdict::Wrong { found, remedy } => {
                        ui.add(Label::new(text(Type::Small, found).color(palette.tone(tone))).wrap().selectable(true));
                        ui.add(Label::new(text(Type::Small, remedy)).wrap().selectable(true));
                    }
                    Verdict::Unknown(why) => {
                        let words = format!("Could not be looked at: {why}");
                        ui.add(Label::new(text(Type::Small, words).color(palette.tone(tone))).wrap().selectable(true));
                    }
                }
            });
        });
        ui.add_space(2.0);
    }
}

fn as_text(found: &[CheckLine]) -> String {
    found.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}
