//! Dialogs: start, vault, closing, a workspace in use.

use egui::Ui;

use super::Actions;
use super::keys::entered;
use crate::domain::pass::PassKind;
use crate::domain::project::Project;
use crate::platform::lock::Owner;
use crate::service::VaultKind;
use crate::ui::action::UserAction;
use crate::ui::model::forms::{StartForm, VaultForm};
use crate::ui::model::words;
use crate::ui::theme::{Palette, Tone, Type};
use crate::ui::widgets::text::{field, muted, primary, section, text};

/// Which pass, for which items, in which direction.
pub fn start(ui: &mut Ui, form: &StartForm, project: &Project) -> Actions {
    let mut actions = Actions::new();
    let palette = Palette::of(ui);
    let (can, chosen) = (form.items.len() as u64, form.chosen as u64);
    let title = if can == chosen {
        format!("Start {}", words::counted(form.chosen, "item"))
    } else {
        format!("Start {} of {} chosen", words::count(can), words::counted(form.chosen, "item"))
    };
    ui.label(text(Type::Page, title));
    ui.add_space(8.0);
    let passes = [
        (PassKind::Verify, "Verify Credentials", "Logs in on both sides and copies nothing"),
        (PassKind::Full, "Full", "Copies all that is missing; again, only what is new"),
    ];
    for (kind, word, hint) in passes {
        ui.horizontal(|ui| {
            if ui.radio(form.kind == kind, text(Type::Strong, word)).clicked() {
                actions.push(UserAction::StartKind(kind));
            }
            ui.label(text(Type::Small, hint).color(palette.muted));
        });
    }
    ui.add_space(8.0);
    for (reason, count) in &form.left {
        let words = format!("{} left alone: {reason}", words::count(*count as u64));
        ui.label(text(Type::Small, words).color(palette.tone(Tone::Warning)));
    }
    if form.fresh > 0 && form.kind == PassKind::Full {
        muted(ui, format!("{} never verified", words::counted(form.fresh, "item")));
    }
    if form.asks && form.kind == PassKind::Full {
        ui.add_space(4.0);
        section(ui, "Is this the right direction?");
        ui.label(format!("Copy FROM {} INTO {}", project.source.place(), project.destination.place()));
        let mut on = form.confirmed;
        if ui.checkbox(&mut on, "The direction is right").changed() {
            actions.push(UserAction::Confirm(on));
        }
    }
    ui.add_space(12.0);
    ui.horizontal(|ui| {
        let nothing_focused = ui.memory(|memory| memory.focused().is_none());
        let entered = nothing_focused && entered(ui);
        if primary(ui, form.ready(), format!("Start {}", words::count(can))).clicked() || (entered && form.ready()) {
            actions.push(UserAction::Start);
        }
        if ui.button("Cancel").clicked() {
            actions.push(UserAction::CloseDialog);
        }
    });
    actions
}

/// Opens the vault, or asks where passwords are to be kept.
pub fn vault(ui: &mut Ui, form: &mut VaultForm) -> Actions {
    let mut actions = Actions::new();
    if form.new {
        ui.label(text(Type::Page, "Where are passwords kept?"));
        muted(ui, "Chosen once for this workspace");
        ui.add_space(8.0);
        for (kind, words, hint) in PLACES {
            ui.add_enabled_ui(!form.busy, |ui| ui.radio_value(&mut form.kind, kind, words));
            ui.visuals_mut().indent_has_left_vline = false;
            ui.indent(words, |ui| muted(ui, hint));
            ui.add_space(4.0);
        }
    } else {
        ui.label(text(Type::Page, "Unlock the passwords"));
        muted(ui, kept(form.kind));
    }
    ui.add_space(8.0);
    if form.kind == VaultKind::File {
        let mut last = field(ui, "Passphrase", &mut form.passphrase, "", true, None);
        if !std::mem::replace(&mut form.entered, true) {
            last.request_focus();
        }
        if form.new {
            last = field(ui, "The same again", &mut form.again, "", true, None);
            muted(ui, "It cannot be recovered: whoever forgets it enters all passwords again");
            // Said while the second one is typed, not while it is still empty.
            if let Some(fault) = form.fault().filter(|_| !form.again.is_empty()) {
                let color = ui.visuals().error_fg_color;
                ui.label(text(Type::Small, fault).color(color));
            }
        }
        if last.lost_focus() && entered(ui) && form.fault().is_none() && !form.busy {
            actions.push(UserAction::Unlock);
        }
    }
    if let Some(refused) = &form.refused {
        let color = ui.visuals().error_fg_color;
        ui.label(egui::RichText::new(refused).color(color));
    }
    ui.add_space(8.0);
    ui.horizontal(|ui| {
        let word = if form.new { "Keep passwords there" } else { "Unlock" };
        if primary(ui, form.fault().is_none() && !form.busy, word).clicked() {
            actions.push(UserAction::Unlock);
        }
        if ui.button("Not now").clicked() {
            actions.push(UserAction::CloseDialog);
        }
        if form.busy {
            let keyring = matches!(form.kind, VaultKind::Keyring | VaultKind::FileKeyring);
            muted(ui, if keyring { "Waiting for the keyring, which may ask you…" } else { "Opening…" });
        }
    });
    actions
}

/// Where passwords can be kept: kind, words, what speaks for it.
const PLACES: [(VaultKind, &str, &str); 3] = [
    (
        VaultKind::Keyring,
        "In this computer's keyring",
        "An entry for each password; opened by logging in to the computer",
    ),
    (
        VaultKind::FileKeyring,
        "In an encrypted file, its key in the keyring",
        "Quicker for thousands of passwords; opens only here and for this user",
    ),
    (VaultKind::File, "In an encrypted file, opened by a passphrase", "For computers without a keyring"),
];

/// Where the passwords of this workspace are.
fn kept(kind: VaultKind) -> &'static str {
    match kind {
        VaultKind::File => "They are in an encrypted file. Without its passphrase nothing can be started",
        VaultKind::FileKeyring => "They are in an encrypted file whose key is in this computer's keyring",
        VaultKind::Keyring | VaultKind::Memory => "They are in this computer's keyring",
    }
}

/// Asked when the window closes while passes run.
pub fn closing(ui: &mut Ui, running: usize, stopping: bool) -> Actions {
    let mut actions = Actions::new();
    let are = if running == 1 { "pass is" } else { "passes are" };
    ui.label(text(Type::Page, format!("{} {are} running", words::count(running as u64))));
    if stopping {
        ui.label("Messages under way are finished first, then the window closes");
    } else {
        ui.label("Closing stops them. What was copied is recorded; Start goes on from there");
        muted(ui, "Stop and quit finishes messages under way; Stop at once drops them, and they are copied later");
    }
    ui.add_space(12.0);
    ui.horizontal(|ui| {
        if !stopping {
            if primary(ui, true, "Keep the window open").clicked() {
                actions.push(UserAction::KeepOpen);
            }
            if ui.button("Stop and quit").clicked() {
                actions.push(UserAction::StopAndQuit);
            }
        }
        if ui.button("Stop at once").clicked() {
            actions.push(UserAction::StopAtOnce);
        }
    });
    actions
}

/// Another process runs the engine of this workspace.
pub fn in_use(ui: &mut Ui, owner: Option<&Owner>) -> Actions {
    let mut actions = Actions::new();
    ui.label(text(Type::Page, "This workspace is in use"));
    let who = owner.map_or_else(|| "by another process".to_owned(), ToString::to_string);
    ui.label(format!("It is open {who}. Only one Mailferry at a time may work with it"));
    ui.label("Close the other one, then try again, or start Mailferry with another --data folder");
    retry(ui, &mut actions);
    actions
}

/// The workspace cannot be opened.
pub fn broken(ui: &mut Ui, why: &str) -> Actions {
    let mut actions = Actions::new();
    ui.label(text(Type::Page, "The workspace cannot be opened"));
    ui.label(why);
    retry(ui, &mut actions);
    actions
}

fn retry(ui: &mut Ui, actions: &mut Actions) {
    ui.add_space(12.0);
    ui.horizontal(|ui| {
        if primary(ui, true, "Try again").clicked() {
            actions.push(UserAction::Reopen);
        }
        if ui.button("Quit").clicked() {
            actions.push(UserAction::Quit);
        }
    });
}
