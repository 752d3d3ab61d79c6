//! The dialog in which the person whose mailbox it is signs in: at the provider's page, never here.

use egui::{Label, OpenUrl, Ui};

use super::Actions;
use super::controls::Control;
use super::keys::{self, Holder};
use crate::domain::failure::Side;
use crate::domain::wording::capital;
use crate::service::sign_in::Way;
use crate::ui::action::{ActionName, Subject};
use crate::ui::model::forms::{ShownPage, SignInForm, SigningNow};
use crate::ui::theme::{Palette, Tone, Type};
use crate::ui::widgets::icon::{self, Icon};
use crate::ui::widgets::text::{copy, muted, text};

/// Paints it.
pub fn show(ui: &mut Ui, form: &SignInForm) -> Actions {
    let mut actions = Actions::new();
    let holder = Holder::before(ui);
    ui.label(text(Type::Page, format!("Sign in to the {}", form.side.word())));
    ui.label(text(Type::Strong, &form.whose));
    muted(ui, capital(form.how));
    ui.add_space(8.0);
    match &form.now {
        Some(now) => waits(ui, form, now),
        None => explained(ui, form),
    }
    ui.add_space(12.0);
    let subject = Subject::SignIn(form);
    ui.horizontal(|ui| {
        if !form.is_under_way() {
            Control::of(ActionName::SignInHere).primary().show(ui, &subject, &mut actions);
            if form.by_device {
                Control::of(ActionName::SignInElsewhere).show(ui, &subject, &mut actions);
            }
        }
        Control::of(ActionName::CloseDialog).label("Cancel").show(ui, &subject, &mut actions);
    });
    keys::act(ui, holder, &subject, &mut actions);
    actions
}

/// What will happen, or why it did not.
fn explained(ui: &mut Ui, form: &SignInForm) {
    if let Some(why) = &form.refused {
        let color = Palette::of(ui).tone(Tone::Bad);
        ui.label(text(Type::Strong, "Nobody signed in").color(color));
        ui.add(Label::new(text(Type::Body, why)).wrap().selectable(true));
        ui.add_space(8.0);
    }
    let may = if form.side == Side::Source { "read this mailbox" } else { "add mail to this mailbox" };
    let words = format!(
        "The provider's page opens in the browser of this computer. Whoever signs in there as {} lets Mailferry {may}; the \
         password is typed there and never seen here",
        form.whose
    );
    ui.add(Label::new(text(Type::Body, words)).wrap());
}

fn waits(ui: &mut Ui, form: &SignInForm, now: &SigningNow) {
    let color = Palette::of(ui).tone(Tone::Moving);
    let words = match (now.way, now.shown()) {
        (_, None) => "Asking the provider…".to_owned(),
        (Way::Browser, _) => format!("Waiting for the browser: sign in there as {}", form.whose),
        (Way::Device, _) => format!("Waiting for the code to be typed: sign in there as {}", form.whose),
    };
    ui.horizontal(|ui| {
        icon::show(ui, Icon::Progress, color);
        ui.add(Label::new(text(Type::Strong, words).color(color)).wrap());
    });
    ui.add_space(4.0);
    match now.shown() {
        None => {}
        Some(ShownPage::Browser(page)) => {
            muted(ui, "If no page has opened, copy its address into a browser of this computer");
            copy(ui, "Copy address", || page);
        }
        Some(ShownPage::Code { code, page, minutes }) => device(ui, &code, &page, minutes),
    }
}

/// A page and a code, both to be copied.
fn device(ui: &mut Ui, code: &str, page: &str, minutes: u64) {
    muted(ui, "1. Open this page at any device");
    ui.horizontal(|ui| {
        ui.add(Label::new(text(Type::Mono, page)).selectable(true));
        copy(ui, "Copy address", || page.to_owned());
        if page.starts_with("https://") && ui.button(text(Type::Small, "Open it here")).clicked() {
            ui.ctx().open_url(OpenUrl::new_tab(page));
        }
    });
    ui.add_space(4.0);
    muted(ui, format!("2. Type this code there, within {minutes} minutes"));
    ui.horizontal(|ui| {
        ui.add(Label::new(text(Type::Page, code)).selectable(true));
        copy(ui, "Copy code", || code.to_owned());
    });
}
