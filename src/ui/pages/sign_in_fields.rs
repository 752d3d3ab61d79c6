//! How one side of a project is signed in to, as it is typed.

use egui::Ui;

use crate::domain::sign_in::{Cloud, SignInField, SignInKind};
use crate::domain::wording::capital;
use crate::ui::model::forms::{SignInFaults, SignInFields};
use crate::ui::widgets::field::{Choice, Field};
use crate::ui::widgets::text::muted;

/// The ways, by password first.
const WAYS: [Option<SignInKind>; 7] = [
    None,
    Some(SignInKind::MicrosoftApp),
    Some(SignInKind::GoogleService),
    Some(SignInKind::CustomApp),
    Some(SignInKind::Microsoft),
    Some(SignInKind::Google),
    Some(SignInKind::Custom),
];

/// The choice of a way, and the fields of one that is no password.
pub(super) fn show(ui: &mut Ui, lower: &str, form: &mut SignInFields, faults: &SignInFaults) {
    let words = |kind: Option<SignInKind>| kind.map_or("By password".to_owned(), |kind| capital(kind.words()));
    let label = format!("Sign-in of the {lower}");
    Choice { label: &label, width: 288.0, words }.show(ui, &mut form.kind, &WAYS);
    let Some(kind) = form.kind else { return };
    if matches!(kind, SignInKind::MicrosoftApp | SignInKind::Microsoft) {
        microsoft(ui, lower, form, faults);
    }
    if kind != SignInKind::GoogleService {
        let label = format!("Client id of the {lower}");
        let wrong = faults.of(SignInField::ClientId);
        Field::new(&label).hint("of your own registration").wrong(wrong).show(ui, &mut form.typed.client_id);
    }
    if matches!(kind, SignInKind::CustomApp | SignInKind::Custom) {
        other_provider(ui, lower, form, faults);
    }
    secret(ui, (lower, kind), form, faults);
    muted(
        ui,
        if kind.is_app() {
            "One application opens all mailboxes. The guide for administrators tells what they have to do"
        } else {
            "Each person signs in from the page of their item; no password is seen here"
        },
    );
}

fn microsoft(ui: &mut Ui, lower: &str, form: &mut SignInFields, faults: &SignInFaults) {
    let label = format!("Tenant of the {lower}");
    let hint = "contoso.onmicrosoft.com, or its id";
    Field::new(&label).hint(hint).wrong(faults.of(SignInField::Tenant)).show(ui, &mut form.typed.tenant);
    let words = |cloud: Cloud| match cloud {
        Cloud::Global => "Global",
        Cloud::Us => "US government",
        Cloud::China => "China",
    };
    let label = format!("Cloud of the {lower}");
    let all = [Cloud::Global, Cloud::Us, Cloud::China];
    Choice { label: &label, width: 156.0, words }.show(ui, &mut form.typed.cloud, &all);
}

fn other_provider(ui: &mut Ui, lower: &str, form: &mut SignInFields, faults: &SignInFaults) {
    let mut field = |what: &str, field, value: &mut String| {
        let label = format!("{what} of the {lower}");
        Field::new(&label).hint("https://").wrong(faults.of(field)).show(ui, value);
    };
    field("Token address", SignInField::TokenUrl, &mut form.typed.token_url);
    if form.kind == Some(SignInKind::Custom) {
        field("Sign-in page", SignInField::AuthorizeUrl, &mut form.typed.authorize_url);
        field("Address for device codes", SignInField::DeviceUrl, &mut form.typed.device_url);
    }
    let label = format!("Scope of the {lower}");
    Field::new(&label).wrong(faults.of(SignInField::Scope)).show(ui, &mut form.typed.scope);
}

/// What proves the client: a secret, or a file that is read once and not needed again.
fn secret(ui: &mut Ui, (lower, kind): (&str, SignInKind), form: &mut SignInFields, faults: &SignInFaults) {
    if matches!(kind, SignInKind::MicrosoftApp | SignInKind::CustomApp) {
        ui.horizontal(|ui| {
            for (by_certificate, words) in [(false, "Client secret"), (true, "Certificate")] {
                let radio = ui.radio_value(&mut form.by_certificate, by_certificate, words);
                let (on, name) = (form.by_certificate == by_certificate, format!("{words} for the {lower}"));
                radio.widget_info(|| egui::WidgetInfo::selected(egui::Role::RadioButton, true, on, &name));
            }
        });
    }
    let (wrong, known) = (faults.secret.as_deref(), form.is_known());
    if form.takes_file() {
        let (label, hint) = match kind {
            SignInKind::GoogleService => (format!("Key file of the {lower}'s service account"), "/path/to/key.json"),
            _ => (format!("File with certificate and key for the {lower}"), "/path/to/mailferry.pem"),
        };
        let hint = if known { "read already; empty keeps it" } else { hint };
        Field::new(&label).hint(hint).wrong(wrong).show(ui, &mut form.file);
    } else {
        let label = format!("Client secret of the {lower}");
        let hint = match (known, kind.secret().1) {
            (true, false) => "set; empty keeps it",
            (_, true) => "only if the client has one",
            (false, false) => "",
        };
        Field::secret(&label).hint(hint).wrong(wrong).show(ui, &mut form.secret);
    }
}
