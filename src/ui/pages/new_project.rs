//! The form for a new project: a name and two servers.

use egui::{Align, Layout, Response, ScrollArea, Ui};

use super::controls::Control;
use super::edit_item::refused;
use super::keys::{self, Holder};
use super::{Actions, finder, sign_in_fields};
use crate::domain::failure::Side;
use crate::domain::ids::PoolId;
use crate::domain::server::{Kind, Security};
use crate::domain::wording::capital;
use crate::ui::action::{ActionName, Subject, UserAction};
use crate::ui::model::forms::{Check, ProjectForm, ServerFaults, ServerForm};
use crate::ui::route::Route;
use crate::ui::theme::{Palette, Type};
use crate::ui::widgets::field::{Choice, Field, focus_once};
use crate::ui::widgets::text::{muted, section, text};

/// How wide protection and certificate are side by side.
const BESIDE: f32 = 360.0;

/// What a client is, as its field says it.
pub(super) const CLIENT: &str = "whose mailboxes they are; may be left empty";

/// Paints it.
pub fn show(ui: &mut Ui, form: &mut ProjectForm) -> Actions {
    let mut actions = Actions::new();
    let holder = Holder::before(ui);
    ui.label(text(Type::Page, "New project"));
    kind(ui, false, &mut actions);
    ui.add_space(8.0);
    // What is done with the form stays in sight below it.
    let room = ui.available_height() - if form.refused.is_some() { 84.0 } else { 48.0 };
    ScrollArea::vertical().max_height(room).auto_shrink([false, false]).show(ui, |ui| {
        ui.set_max_width(ui.available_width().min(760.0));
        let wrong = form.name_fault().filter(|_| form.tried);
        ui.columns(2, |columns| {
            let [left, right] = columns else { return };
            let name = Field::new("Name").hint("Contoso → Fabrikam").wrong(wrong).show(left, &mut form.name);
            focus_once(&mut form.entered, &name);
            let wrong = form.client_fault().filter(|_| form.tried);
            Field::new("Client").hint(CLIENT).wrong(wrong).show(right, &mut form.client);
        });
        let mut pool = form.pool.unwrap_or(PoolId::FIRST);
        license_pool(ui, &form.pools, &mut pool);
        form.pool = Some(pool);
        ui.add_space(12.0);
        ui.spacing_mut().item_spacing.x = 24.0;
        ui.columns(2, |columns| {
            let tried = form.tried;
            let sides = [
                (Side::Source, "Mail is only read here; nothing changes", &mut form.source),
                (Side::Destination, "Mail is added here; what is there stays", &mut form.destination),
            ];
            for (ui, (at, hint, form)) in columns.iter_mut().zip(sides) {
                // Columns justify their texts.
                ui.with_layout(Layout::top_down(Align::Min), |ui| side(ui, (at, hint), form, tried, &mut actions));
            }
        });
    });
    ui.spacing_mut().item_spacing.x = 8.0;
    refused(ui, form.refused.as_deref());
    ui.add_space(12.0);
    let subject = Subject::NewProject(form);
    ui.horizontal(|ui| {
        Control::of(ActionName::CreateProject).primary().show(ui, &subject, &mut actions);
        Control::of(ActionName::TestNewServers).show(ui, &subject, &mut actions);
        Control::of(ActionName::LeaveForm).show(ui, &subject, &mut actions);
    });
    keys::act(ui, holder, &Subject::NewProject(form), &mut actions);
    actions
}

/// What moves: a project is of the one kind or of the other.
pub(super) fn kind(ui: &mut Ui, is_hybrid: bool, actions: &mut Actions) {
    ui.horizontal(|ui| {
        for (hybrid, words, route) in [
            (false, "Mailboxes between two mail servers", Route::NewProject),
            (true, "Exchange on-premises to Exchange Online (preview)", Route::NewHybrid),
        ] {
            if ui.radio(hybrid == is_hybrid, words).clicked() && hybrid != is_hybrid {
                actions.push(UserAction::Go(route));
            }
        }
    });
}

/// What a kind is called where one is chosen.
fn words(kind: Kind) -> &'static str {
    match kind {
        Kind::Imap => "Mail server",
        Kind::Maildir => "Maildir folders",
    }
}

/// Where items take their licenses, where there is a choice.
pub(super) fn license_pool(ui: &mut Ui, pools: &[(PoolId, String)], chosen: &mut PoolId) {
    if pools.is_empty() {
        return;
    }
    let ids: Vec<PoolId> = pools.iter().map(|(id, _)| *id).collect();
    let words =
        |pool: PoolId| pools.iter().find(|(id, _)| *id == pool).map(|(_, name)| name.clone()).unwrap_or_default();
    ui.add_space(4.0);
    Choice { label: "License pool", width: 220.0, words }.show(ui, chosen, &ids);
}

/// One server, as it is typed; answers the field that says where it is.
pub(super) fn side(
    ui: &mut Ui,
    (at, hint): (Side, &str),
    form: &mut ServerForm,
    tried: bool,
    actions: &mut Actions,
) -> Response {
    ui.spacing_mut().item_spacing.x = 8.0;
    let faults = if tried { form.faults() } else { ServerFaults::default() };
    let lower = at.word();
    section(ui, &capital(lower));
    muted(ui, hint);
    ui.add_space(4.0);
    ui.horizontal(|ui| {
        for kind in Kind::ALL.into_iter().filter(|kind| kind.can_be(at)) {
            let radio = ui.radio_value(&mut form.kind, kind, words(kind));
            let (on, name) = (form.kind == kind, format!("{} as {lower}", words(kind)));
            radio.widget_info(|| egui::WidgetInfo::selected(egui::Role::RadioButton, true, on, &name));
        }
    });
    match form.kind {
        Kind::Imap => {
            finder::show(ui, at, form, actions);
            imap(ui, at, form, &faults)
        }
        Kind::Maildir => {
            let (hint, wrong) = ("/srv/mail/{email}/Maildir", faults.path.as_deref());
            let path = format!("Path of the {lower}");
            let path = Field::new(&path).hint(hint).wrong(wrong).show(ui, &mut form.path);
            muted(
                ui,
                "Folders on this computer. Each item fills in its {email}, {user} (login name), {localpart} or {domain}; \
                 no password is needed",
            );
            path
        }
    }
}

fn imap(ui: &mut Ui, at: Side, form: &mut ServerForm, faults: &ServerFaults) -> Response {
    let lower = at.word();
    let hint = format!("imap.example.com, or with a port: imap.example.com:{}", form.security.default_port());
    let label = format!("Host of the {lower}");
    let host = Field::new(&label).hint(&hint).wrong(faults.host.as_deref()).show(ui, &mut form.host);
    finder::advice(ui, at, &form.host);
    ui.add_space(4.0);
    // In a narrow column one stands below the other.
    let wide = ui.available_width();
    let layout = if wide < BESIDE { Layout::top_down(Align::Min) } else { Layout::left_to_right(Align::Min) };
    ui.allocate_ui_with_layout(egui::vec2(wide, ui.spacing().interact_size.y), layout, |ui| {
        let words = |security: Security| match security {
            Security::Tls => "TLS",
            Security::StartTls => "STARTTLS",
            Security::Plain => "No protection",
        };
        let all = [Security::Tls, Security::StartTls, Security::Plain];
        let label = format!("Protection of the {lower}");
        Choice { label: &label, width: 132.0, words }.show(ui, &mut form.security, &all);
        if form.security != Security::Plain {
            let words = |check: Check| match check {
                Check::System => "Checked by this computer",
                Check::File => "Checked by a file (PEM)",
                Check::Fingerprint => "By its fingerprint",
            };
            let all = [Check::System, Check::File, Check::Fingerprint];
            let label = format!("Certificate of the {lower}");
            Choice { label: &label, width: 196.0, words }.show(ui, &mut form.check, &all);
        }
    });
    if form.security == Security::Plain {
        let color = Palette::of(ui).tone(crate::ui::theme::Tone::Warning);
        let warning = "Passwords and mail travel in the clear. Only for a server on this machine or a safe network";
        ui.label(text(Type::Small, warning).color(color));
    } else {
        certificate(ui, lower, form, faults);
    }
    ui.add_space(4.0);
    sign_in_fields::show(ui, lower, &mut form.sign_in, &faults.sign_in);
    if form.sign_in.kind.is_none() {
        by_password(ui, lower, form, faults);
    }
    host
}

/// Who logs in by password.
fn by_password(ui: &mut Ui, lower: &str, form: &mut ServerForm, faults: &ServerFaults) {
    ui.checkbox(&mut form.administered, format!("One administrator opens all mailboxes of the {lower}"));
    if form.administered {
        let hint = "admin, or {user}*admin";
        let label = format!("Administrator of the {lower}");
        Field::new(&label).hint(hint).wrong(faults.admin.as_deref()).show(ui, &mut form.admin);
        let label = format!("Password of the {lower}'s administrator");
        let hint = if form.is_known_administrator() { "set; empty keeps it" } else { "" };
        Field::secret(&label).hint(hint).wrong(faults.password.as_deref()).show(ui, &mut form.password);
    } else {
        muted(ui, "Each item has its own login; passwords come with the list of items");
    }
}

fn certificate(ui: &mut Ui, lower: &str, form: &mut ServerForm, faults: &ServerFaults) {
    match form.check {
        Check::System => {}
        Check::File => {
            let label = format!("File of certificates for the {lower}");
            let hint = if form.trusts_known_file() { "read already; empty keeps it" } else { "/path/to/ca.pem" };
            Field::new(&label).hint(hint).wrong(faults.trust.as_deref()).show(ui, &mut form.trust);
        }
        Check::Fingerprint => {
            let label = format!("SHA-256 fingerprint of the {lower}");
            Field::new(&label).hint("64 hexadecimal digits").wrong(faults.trust.as_deref()).show(ui, &mut form.trust);
        }
    }
}
