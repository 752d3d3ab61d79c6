//! Settings of asking: the mail server, who asks, the secured form.

use egui::{Align, Layout, Ui};

use super::Actions;
use super::controls::Control;
use crate::domain::sign_in::Cloud;
use crate::service::asking::AskingState;
use crate::ui::action::{ActionName, Subject};
use crate::ui::model::settings_page::{FormProtection, Said, SettingsPage};
use crate::ui::theme::{Palette, Tone, Type};
use crate::ui::widgets::field::{Choice, Field};
use crate::ui::widgets::text::{muted, section, text};

/// Between two fields in a row.
const BETWEEN: f32 = 24.0;

/// The mail server.
pub fn mail(ui: &mut Ui, page: &mut SettingsPage, actions: &mut Actions) {
    section(ui, "Outgoing mail");
    muted(ui, "Asks owners of mailboxes for their passwords, and tells how passes end");
    ui.add_space(4.0);
    pair(ui, |left, right| {
        field(left, page, ("Mail server", "mail-server"), "smtp.example.com");
        right.horizontal_top(|ui| protection(ui, page));
    });
    if page.field("mail-security") == "plain" {
        let color = Palette::of(ui).tone(Tone::Warning);
        ui.label(
            text(
                Type::Small,
                "Links and the password travel in the clear. Only for a server on this machine or a safe network",
            )
            .color(color),
        );
    }
    login(ui, page);
    pair(ui, |left, right| {
        field(left, page, ("Sender", "mail-from"), "Kim Doe <kim@example.com>");
        field(right, page, ("Answers go to", "mail-reply-to"), "the sender");
    });
    pair(ui, |left, right| {
        field(left, page, ("Mails a minute at most", "mail-rate"), "30");
        language(right, page);
    });
    pair(ui, |left, _| {
        field(left, page, ("File of authorities (PEM)", "mail-authorities"), "whom this computer trusts");
    });
    if let AskingState::Open { refused: Some(why), .. } = &page.state {
        let words = format!(
            "No mail goes out: the mail server refuses the login ({why}). Mails go on when the settings or the password are others"
        );
        ui.label(text(Type::Small, words).color(Palette::of(ui).tone(Tone::Bad)));
    }
    ui.add_space(4.0);
    pair(ui, |left, right| {
        Field::new("Send a test to").hint("you@example.com").show(left, &mut page.test_to);
        right.add_space(22.0);
        right.horizontal(|ui| Control::of(ActionName::TestMail).show(ui, &Subject::Settings(page), actions));
    });
    said(ui, &page.tested);
}

/// Who logs in at the mail server, and with what.
fn login(ui: &mut Ui, page: &mut SettingsPage) {
    const WAYS: [&str; 4] = ["password", "microsoft-app", "google-service", "custom-app"];
    let words = |way: &str| match way {
        "microsoft-app" => "Microsoft 365 app",
        "google-service" => "Google service account",
        "custom-app" => "App of another provider",
        _ => "Password",
    };
    let way = *WAYS.iter().find(|way| page.field("mail-sign-in") == *way).unwrap_or(&"password");
    let mut chosen = way;
    pair(ui, |left, right| {
        field(
            left,
            page,
            ("Login name", "mail-login"),
            if way == "password" { "none" } else { "the sender's mailbox" },
        );
        Choice { label: "Logs in by", width: 220.0, words }.show(right, &mut chosen, &WAYS);
    });
    if chosen != way {
        *page.field("mail-sign-in") = chosen.into();
    }
    let (tenant, client, url, scope) = match chosen {
        "microsoft-app" => (true, true, false, false),
        "custom-app" => (false, true, true, true),
        _ => (false, false, false, false),
    };
    if client {
        pair(ui, |left, right| {
            if tenant {
                field(left, page, ("Tenant", "mail-tenant"), "contoso.onmicrosoft.com, or its id");
            }
            if url {
                field(left, page, ("Token address", "mail-token-url"), "https://");
            }
            field(right, page, ("Client id", "mail-client-id"), "of your own registration");
        });
    }
    let secret = if chosen == "password" { "Password of the mail server" } else { "Client secret of the mail server" };
    pair(ui, |left, right| {
        let left = match chosen {
            "google-service" => left,
            _ => {
                Field::secret(secret).hint("empty keeps it").show(left, &mut page.password);
                right
            }
        };
        if chosen != "password" {
            let (label, hint) = match chosen {
                "google-service" => ("Key file of the service account", "/path/to/key.json; empty keeps it"),
                _ => ("Or its file with certificate and key", "/path/to/mailferry.pem"),
            };
            Field::new(label).hint(hint).show(left, &mut page.key_file);
        }
    });
    if tenant {
        cloud(ui, page);
    }
    if scope {
        pair(ui, |left, _| field(left, page, ("Scope", "mail-scope"), "none"));
    }
}

/// Microsoft's cloud of the application.
fn cloud(ui: &mut Ui, page: &mut SettingsPage) {
    let words = |cloud: Cloud| match cloud {
        Cloud::Global => "Global",
        Cloud::Us => "US government",
        Cloud::China => "China",
    };
    let set = page.field("mail-cloud").clone();
    let before = Cloud::ALL.into_iter().find(|cloud| cloud.word() == set).unwrap_or_default();
    let mut chosen = before;
    pair(ui, |left, _| {
        Choice { label: "Cloud of the mail server", width: 156.0, words }.show(left, &mut chosen, &Cloud::ALL)
    });
    if chosen != before {
        *page.field("mail-cloud") = chosen.word().into();
    }
}

/// How the mail server is connected to.
fn protection(ui: &mut Ui, page: &mut SettingsPage) {
    let words = |word: &str| match word {
        "starttls" => "STARTTLS",
        "plain" => "No protection",
        _ => "TLS",
    };
    let mut chosen = *["starttls", "plain"].iter().find(|word| page.field("mail-security") == *word).unwrap_or(&"tls");
    let before = chosen;
    Choice { label: "Protection of mail", width: 156.0, words }.show(ui, &mut chosen, &["tls", "starttls", "plain"]);
    if chosen != before {
        *page.field("mail-security") = chosen.into();
    }
    let usual = if chosen == "starttls" {
        "587"
    } else if chosen == "plain" {
        "25"
    } else {
        "465"
    };
    field(ui, page, ("Port", "mail-port"), usual);
}

/// Who asks.
pub fn who(ui: &mut Ui, page: &mut SettingsPage) {
    section(ui, "Who asks");
    muted(ui, "Owners read this in the mail and in the form");
    ui.add_space(4.0);
    pair(ui, |left, right| {
        field(left, page, ("Your name", "ask-name"), "the sender's name");
        field(right, page, ("Your phone", "ask-phone"), "left out");
    });
    pair(ui, |left, _| {
        field(left, page, ("Whom owners ask whether a mail is genuine", "ask-contact"), "name and phone at the client")
    });
}

/// The secured form.
pub fn form(ui: &mut Ui, page: &mut SettingsPage, actions: &mut Actions) {
    section(ui, "Secured form");
    muted(
        ui,
        "Where owners enter their passwords. It is open while this window is, or the program serves it without one (intake serve)",
    );
    ui.add_space(4.0);
    pair(ui, |left, right| {
        field(left, page, ("Listens at", "form-listen"), "0.0.0.0:8443");
        field(right, page, ("Public address", "form-url"), "https://move.example");
    });
    let words = |protection: FormProtection| match protection {
        FormProtection::Files => "A certificate of its own",
        FormProtection::Proxy => "A proxy in front of it",
        FormProtection::Loopback => "None: only this machine reaches it",
    };
    let (before, mut chosen) = (page.protected_by(), page.protected_by());
    ui.add_space(4.0);
    Choice { label: "Protected by", width: 260.0, words }.show(ui, &mut chosen, &FormProtection::ALL);
    if chosen != before {
        page.protect_by(chosen);
    }
    if chosen == FormProtection::Files {
        pair(ui, |left, right| {
            field(left, page, ("File of the certificate (PEM)", "form-certificate"), "/path/to/fullchain.pem");
            field(right, page, ("File of its key (PEM)", "form-key"), "/path/to/key.pem");
        });
    }
    ui.add_space(4.0);
    state(ui, &page.state);
    Control::of(ActionName::CheckForm).show(ui, &Subject::Settings(page), actions);
    said(ui, &page.checked);
}

fn state(ui: &mut Ui, state: &AskingState) {
    let (tone, words) = match state {
        AskingState::Open { url, address, .. } => {
            (Tone::Good, format!("The form is open at {}, and listens at {address}", url.trim_end_matches('/')))
        }
        AskingState::Locked => (Tone::Warning, "The form opens when the passwords are unlocked".into()),
        AskingState::Off(why) if why.is_empty() => return,
        AskingState::Off(why) => (Tone::Quiet, format!("The form is not open: {why}")),
    };
    let color = Palette::of(ui).tone(tone);
    ui.label(text(Type::Small, words).color(color));
}

fn language(ui: &mut Ui, page: &mut SettingsPage) {
    let words = |code: &str| match code {
        "de" => "German",
        "fr" => "French",
        "es" => "Spanish",
        _ => "English",
    };
    let mut chosen = *["de", "fr", "es"].iter().find(|code| page.field("mail-language") == *code).unwrap_or(&"en");
    let before = chosen;
    Choice { label: "Language of mails", width: 156.0, words }.show(ui, &mut chosen, &["en", "de", "fr", "es"]);
    if chosen != before {
        *page.field("mail-language") = chosen.into();
    }
}

fn field(ui: &mut Ui, page: &mut SettingsPage, (label, name): (&str, &'static str), hint: &str) {
    let wrong = page.wrong(name);
    Field::new(label).hint(hint).wrong(wrong.as_deref()).show(ui, page.field(name));
}

/// Two fields in a row.
fn pair(ui: &mut Ui, content: impl FnOnce(&mut Ui, &mut Ui)) {
    two_columns(ui, |left, right| {
        for ui in [&mut *left, &mut *right] {
            ui.spacing_mut().item_spacing.x = 8.0;
        }
        content(left, right);
    });
}

/// Two columns whose texts and buttons are as wide as they need to be: columns would justify them.
pub fn two_columns(ui: &mut Ui, content: impl FnOnce(&mut Ui, &mut Ui)) {
    ui.scope(|ui| {
        ui.spacing_mut().item_spacing.x = BETWEEN;
        ui.columns(2, |columns| {
            if let [left, right] = columns {
                let plain = Layout::top_down(Align::Min);
                left.with_layout(plain, |left| right.with_layout(plain, |right| content(left, right)));
            }
        });
    });
}

/// What a try said.
pub fn said(ui: &mut Ui, said: &Said) {
    if let Some((good, words)) = said {
        let color = Palette::of(ui).tone(if *good { Tone::Good } else { Tone::Bad });
        ui.label(text(Type::Small, words).color(color));
    }
}
