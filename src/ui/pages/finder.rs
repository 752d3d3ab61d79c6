//! Settings of a server that are found by an address, and what is known of its provider.

use egui::{Align, Button, Layout, Ui};

use super::Actions;
use crate::domain::failure::Side;
use crate::domain::proposal::Proposal;
use crate::domain::provider::MailProvider;
use crate::ui::action::UserAction;
use crate::ui::model::forms::ServerForm;
use crate::ui::theme::{Palette, Tone, Type};
use crate::ui::widgets::text::{muted, text};

/// An address, the button that asks, and what came.
pub(super) fn show(ui: &mut Ui, at: Side, form: &mut ServerForm, actions: &mut Actions) {
    let label = ui.label(text(Type::Small, format!("An e-mail address at the {}", at.word())));
    ui.horizontal(|ui| {
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            let name = format!("Find settings of the {}", at.word());
            let may = form.finder.question().is_some();
            let button = ui.add_enabled(may, Button::new("Find settings"));
            button.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Button, may, &name));
            if button.clicked() {
                actions.push(UserAction::FindSettings(at));
            }
            let edit = egui::TextEdit::singleline(&mut form.finder.email).hint_text("anna@example.com");
            ui.add(edit.desired_width(f32::INFINITY)).labelled_by(label.id);
        });
    });
    if form.finder.asked.is_some() {
        muted(ui, "Asking name servers and the web…");
    }
    match form.finder.found.clone() {
        Some(Ok(found)) if found.is_empty() => {
            drop(muted(ui, "Nobody says where this mail is read: ask who runs the server"))
        }
        Some(Ok(found)) => found.iter().for_each(|one| proposal(ui, form, one)),
        Some(Err(why)) => drop(ui.label(text(Type::Small, why).color(Palette::of(ui).tone(Tone::Bad)))),
        None => {}
    }
    ui.add_space(4.0);
}

/// One to be chosen; nothing was tried with it.
fn proposal(ui: &mut Ui, form: &mut ServerForm, found: &Proposal) {
    if ui.button(format!("Use {}", found.server)).clicked() {
        form.take(found);
    }
    let login = found.login.as_ref().map(|login| format!("login name {login}"));
    let more: Vec<String> = [login, found.sign_in.clone()].into_iter().flatten().collect();
    muted(ui, [vec![found.origin.words()], more].concat().join(" · "));
}

/// What is known of the provider whose server this is.
pub(super) fn advice(ui: &mut Ui, at: Side, host: &str) {
    let host = host.trim();
    let host = host.split_once(':').map_or(host, |(host, _)| host);
    let Some(provider) = MailProvider::of_host(host) else { return };
    egui::CollapsingHeader::new(format!("About {} as the {}", provider.name, at.word())).show(ui, |ui| {
        for line in provider.advice(at) {
            muted(ui, line);
        }
    });
}
