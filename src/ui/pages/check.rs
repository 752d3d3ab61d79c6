//! The dialog with a test of connections: each step as it ends, what it found, and what to do where it failed.

use egui::{Label, ScrollArea, Ui};

use super::Actions;
use super::controls::Control;
use super::keys::{self, Holder};
use crate::domain::check::{CheckLine, StepResult};
use crate::domain::failure::Cause;
use crate::domain::wording::capital;
use crate::ui::action::{ActionName, Subject};
use crate::ui::model::forms::CheckForm;
use crate::ui::theme::{Palette, Tone, Type};
use crate::ui::widgets::icon::{self, Icon};
use crate::ui::widgets::text::{copy, muted, section, text};

/// Paints it.
pub fn show(ui: &mut Ui, form: &CheckForm) -> Actions {
    let mut actions = Actions::new();
    let holder = Holder::before(ui);
    ui.label(text(Type::Page, "Test connection"));
    ui.label(text(Type::Strong, &form.of));
    muted(ui, "Nothing is changed at either side, and a password is tried once");
    ui.add_space(8.0);
    let room = (ui.ctx().content_rect().height() - 240.0).max(160.0);
    let scroll = ScrollArea::vertical().max_height(room).auto_shrink([false, true]);
    scroll.stick_to_bottom(true).show(ui, |ui| steps(ui, &form.steps()));
    ui.add_space(4.0);
    end(ui, form.end.as_ref());
    ui.add_space(8.0);
    let subject = Subject::Check(form);
    ui.horizontal(|ui| {
        let word = if form.end.is_none() { "Cancel" } else { "Close" };
        Control::of(ActionName::CloseDialog).label(word).show(ui, &subject, &mut actions);
        copy(ui, "Copy as text", || form.as_text());
        if form.distrusted().is_some() {
            Control::of(ActionName::PinTested).show(ui, &subject, &mut actions);
        }
    });
    keys::act(ui, holder, &subject, &mut actions);
    actions
}

fn steps(ui: &mut Ui, lines: &[CheckLine]) {
    let mut of = None;
    for line in lines {
        if of.replace(line.side) != Some(line.side) {
            ui.add_space(4.0);
            section(ui, &capital(line.side.word()));
        }
        step(ui, line);
    }
}

fn step(ui: &mut Ui, line: &CheckLine) {
    let palette = Palette::of(ui);
    let (sign, tone) = match line.result {
        StepResult::Well => (Icon::Check, Tone::Good),
        StepResult::Failed => (Icon::Cross, Tone::Bad),
        StepResult::NotTried => (Icon::Empty, Tone::Quiet),
    };
    ui.horizontal_top(|ui| {
        icon::show(ui, sign, palette.tone(tone));
        ui.vertical(|ui| {
            let words = format!("{}: {}", line.step.words(), line.found);
            let color = if line.result == StepResult::Failed { palette.tone(tone) } else { palette.text };
            ui.add(Label::new(text(Type::Body, words).color(color)).wrap());
            if let Some(todo) = &line.todo {
                ui.add(Label::new(text(Type::Body, todo)).wrap());
            }
            if let Some(told) = &line.server_text {
                muted(ui, capital(line.cause.map_or("server text", Cause::words_of)));
                ui.add(Label::new(text(Type::Mono, told)).wrap().selectable(true));
            }
        });
    });
}

/// How it ended, or that it goes on.
fn end(ui: &mut Ui, end: Option<&Result<bool, String>>) {
    let (sign, tone, words) = match end {
        None => (Icon::Progress, Tone::Moving, "Testing…"),
        Some(Ok(true)) => (Icon::Check, Tone::Good, "All steps hold"),
        Some(Ok(false)) => (Icon::Cross, Tone::Bad, "Not all steps hold"),
        Some(Err(why)) => (Icon::Cross, Tone::Bad, why.as_str()),
    };
    ui.horizontal(|ui| {
        let color = Palette::of(ui).tone(tone);
        icon::show(ui, sign, color);
        ui.add(Label::new(text(Type::Strong, words).color(color)).wrap());
    });
}
