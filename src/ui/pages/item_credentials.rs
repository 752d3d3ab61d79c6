//! How an item's mailboxes are opened, what its owner was asked for, and what can be done about it.

use egui::Ui;

use super::controls::Control;
use super::{Actions, ItemContext, PageContext};
use crate::domain::asking::LinkState;
use crate::domain::status::Status;
use crate::domain::wording::capital;
use crate::service::items::ItemCredentials;
use crate::ui::action::ActionName;
use crate::ui::model::words;
use crate::ui::theme::{Palette, Tone, Type};
use crate::ui::widgets::text::{muted, section, text};

/// Paints it.
pub fn show(ui: &mut Ui, lists: ItemContext<'_>, known: &ItemCredentials, actions: &mut Actions) {
    let PageContext { now, zone, .. } = lists.context;
    let when = |at| words::moment(at, now, zone);
    section(ui, "Credentials");
    for (side, password) in &known.passwords {
        muted(ui, format!("{}: {}", capital(side.word()), password.words(when)));
    }
    if let Some(contact) = &known.contact {
        muted(ui, format!("Its owner is asked at {contact}"));
    }
    let waits = lists.row.status == Status::WaitingForUser;
    let lines = known.asked.lines(when);
    if waits && lines.is_empty() {
        let words = "Its owner was not asked yet: mails go out while outgoing mail and the secured form are set";
        ui.label(text(Type::Small, words).color(Palette::of(ui).tone(Tone::Asking)));
    }
    for line in lines {
        // What belongs to a request stands under it.
        match line.strip_prefix("  ") {
            Some(mail) => drop(ui.indent(("mail", mail), |ui| ui.label(text(Type::Small, mail)))),
            None => drop(ui.label(text(Type::Small, line))),
        }
    }
    let alive = known.asked.requests.iter().any(|request| request.state == LinkState::Alive);
    let subject = lists.subject();
    let again = (ActionName::AskAgain.entry().rule)(&subject).is_ok();
    if waits || again {
        ui.horizontal(|ui| {
            for name in [ActionName::Remind, ActionName::CopyLink].into_iter().filter(|_| alive) {
                Control::of(name).show(ui, &subject, actions);
            }
            Control::of(ActionName::AskAgain).show(ui, &subject, actions);
        });
    }
}
