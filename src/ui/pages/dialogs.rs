//! Dialogs: vault, closing.

use egui::Ui;

use super::Actions;
use super::controls::Control;
use super::keys::{self, Holder};
use crate::service::VaultKind;
use crate::ui::action::{ActionName, Subject};
use crate::ui::model::forms::VaultForm;
use crate::ui::model::words;
use crate::ui::theme::Type;
use crate::ui::widgets::field::Field;
use crate::ui::widgets::text::{muted, text};

/// Opens the vault, or asks where passwords are to be kept.
pub fn vault(ui: &mut Ui, form: &mut VaultForm) -> Actions {
    let mut actions = Actions::new();
    let holder = Holder::before(ui);
    if form.new {
        choose_vault(ui, form);
    } else {
        ui.label(text(Type::Page, "Unlock the passwords"));
        muted(ui, kept(form.kind));
    }
    ui.add_space(8.0);
    if form.kind == VaultKind::File {
        passphrase(ui, form);
    }
    if let Some(refused) = &form.refused {
        let color = ui.visuals().error_fg_color;
        ui.label(egui::RichText::new(refused).color(color));
    }
    ui.add_space(8.0);
    let subject = Subject::Vault(form);
    ui.horizontal(|ui| {
        let word = if form.new { "Keep passwords there" } else { "Unlock" };
        Control::of(ActionName::Unlock).label(word).primary().show(ui, &subject, &mut actions);
        Control::of(ActionName::CloseDialog).label("Not now").show(ui, &subject, &mut actions);
        if form.busy {
            let keyring = matches!(form.kind, VaultKind::Keyring | VaultKind::FileKeyring);
            muted(ui, if keyring { "Waiting for the keyring, which may ask you…" } else { "Opening…" });
        }
    });
    keys::act(ui, holder, &subject, &mut actions);
    actions
}

fn choose_vault(ui: &mut Ui, form: &mut VaultForm) {
    ui.label(text(Type::Page, "Where are passwords kept?"));
    muted(ui, "Chosen once for this workspace");
    ui.add_space(8.0);
    let before = form.kind;
    for (kind, words, hint) in PLACES {
        ui.add_enabled_ui(!form.busy, |ui| ui.radio_value(&mut form.kind, kind, words));
        ui.visuals_mut().indent_has_left_vline = false;
        ui.indent(words, |ui| muted(ui, hint));
        ui.add_space(4.0);
    }
    if form.kind != before {
        // It was about the other place.
        form.refused = None;
    }
}

fn passphrase(ui: &mut Ui, form: &mut VaultForm) {
    let first = Field::secret("Passphrase").show(ui, &mut form.passphrase);
    if !std::mem::replace(&mut form.entered, true) {
        first.request_focus();
    }
    if form.new {
        Field::secret("The same again").show(ui, &mut form.again);
        muted(ui, "It cannot be recovered: whoever forgets it enters all passwords again");
        // Said while the second one is typed, not while it is still empty.
        if let Some(fault) = form.fault().filter(|_| !form.again.is_empty()) {
            let color = ui.visuals().error_fg_color;
            ui.label(text(Type::Small, fault).color(color));
        }
    }
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
    let subject = Subject::Closing(stopping);
    ui.horizontal(|ui| {
        if !stopping {
            Control::of(ActionName::KeepOpen).primary().show(ui, &subject, &mut actions);
            Control::of(ActionName::StopAndQuit).show(ui, &subject, &mut actions);
        }
        Control::of(ActionName::StopAtOnce).show(ui, &subject, &mut actions);
    });
    actions
}
