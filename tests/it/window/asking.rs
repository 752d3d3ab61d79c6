//! Owners who are asked, in the window: what a Start tells of mails, settings, the page of an item that waits.

use mailferry::domain::asking::{CredentialRequest, LinkState, MailKind, MailState, MailTrouble, OutgoingMail};
use mailferry::domain::failure::Side;
use mailferry::domain::ids::{CredentialRequestId, ItemId, MailId};
use mailferry::domain::secret::Secret;
use mailferry::domain::status::Status;
use mailferry::engine::command::Outcome;
use mailferry::engine::snapshot::ItemRow;
use mailferry::service::asking::{AskedOf, AskingState, MailPreview, NoForm, StartMails};
use mailferry::service::client::{NEWS, Request, Response};
use mailferry::service::edit::PasswordState;
use mailferry::service::items::ItemCredentials;
use mailferry::service::mail::MailSecret;
use mailferry::service::project_mail::ProjectMail;
use mailferry::service::{ServiceError, WorkspaceInfo};

use super::sign_in::choose;
use super::{NOW, PROJECT, Stage, item, item_in, project, refused_login};

fn mails() -> StartMails {
    let sample = MailPreview {
        to: "anna@home.example".into(),
        subject: "ACTION REQUIRED: Information required for your migration".into(),
        text: "Hello,\n\nopen this page: https://…".into(),
    };
    StartMails { owners: vec![ItemId(1)], sample: Some(sample) }
}

/// The Start dialog over two items, the first of which lacks a password.
fn starting(cannot: Option<&str>) -> Stage {
    let mut stage = Stage::with(vec![item(1, "anna"), item(2, "bob")]);
    stage.mails = (mails(), cannot.map(Into::into));
    stage.click("Start all 2…");
    stage.click("The direction is right");
    stage
}

#[test]
fn r11_a_start_counts_the_mails_and_shows_one() {
    let mut stage = starting(None);
    assert!(stage.says("1 owner gets a mail asking for its password") && stage.shows("anna@contoso.example"));
    assert!(!stage.says("open this page"));
    stage.click("Show the mail");
    assert!(stage.says("open this page: https://…") && stage.says("To anna@home.example"));
    stage.click("Start 2");
    let (_, Request::Start(start)) = stage.only() else { panic!("a start") };
    assert!(start.asks && start.items.len() == 2);
}

#[test]
fn r11_owners_are_not_asked_if_that_is_not_wanted() {
    let mut stage = starting(None);
    stage.click("Do not ask now");
    assert!(stage.says("Their items are left alone"));
    stage.click("Start 2");
    let (_, Request::Start(start)) = stage.only() else { panic!("a start") };
    assert!(!start.asks);
}

#[test]
fn a_start_that_would_mail_is_refused_until_owners_can_be_asked_and_leads_to_the_settings() {
    let mut stage = starting(Some("owners would not reach the form: https://move.example does not lead to it"));
    assert!(stage.says("They cannot be asked: owners would not reach the form"));
    stage.click("Start 2");
    assert!(stage.asked().is_empty(), "nothing starts");
    stage.click("Do not ask now");
    stage.click("Do not ask now");
    stage.click("Open settings");
    assert!(stage.shows("Outgoing mail") && !stage.says("They cannot be asked"));
}

/// The page of settings, with some saved.
fn settings() -> Stage {
    let mut stage = Stage::closed();
    stage.state(vec![item(1, "anna")]);
    let kept = [("mail-server", "smtp.b.example"), ("mail-from", "kim@b.example")];
    stage.opened(WorkspaceInfo {
        projects: vec![project()],
        settings: kept.map(|(name, value)| (name.to_owned(), value.to_owned())).into(),
        unlocked: true,
        vault: Some(mailferry::service::VaultKind::File),
        ..WorkspaceInfo::default()
    });
    stage.click("Settings");
    stage
}

fn scroll_down(stage: &mut Stage) {
    stage.window.set_size(egui::vec2(1280.0, 1600.0));
    stage.window.run();
}

#[test]
fn h1_outgoing_mail_is_set_saved_and_tested() {
    let mut stage = settings();
    scroll_down(&mut stage);
    stage.type_into("Login name", "kim");
    stage.type_into("Password of the mail server", "hunter2");
    stage.type_into("Send a test to", "kim@b.example");
    stage.click("Send a test");
    assert!(stage.asked().is_empty(), "only what is saved is tried");
    stage.click("Save");
    let mut asked = stage.asked();
    assert_eq!(asked.len(), 2, "{asked:?}");
    let (second, Request::MailPassword(MailSecret::Typed(password))) = asked.remove(1) else { panic!("its password") };
    let (first, Request::SaveSettings(saved)) = asked.remove(0) else { panic!("settings") };
    assert_eq!((saved, password.expose()), (vec![("mail-login", "kim".to_owned())], "hunter2"));
    let all = vec![
        ("mail-server", "smtp.b.example".into()),
        ("mail-login", "kim".into()),
        ("mail-from", "kim@b.example".into()),
    ];
    stage.answer(first, Response::Settings(all));
    stage.answer(second, Response::MailPasswordKept);
    assert!(stage.says("Saved"));
    stage.click("Send a test");
    let (test, Request::TestMail(to)) = stage.only() else { panic!("a test") };
    assert_eq!(to, "kim@b.example");
    stage.answer(test, Response::MailTested("OK id=1".into()));
    assert!(stage.says("The mail server said: OK id=1"));
}

#[test]
fn h1_an_application_logs_in_at_the_mail_server_with_a_secret_or_a_file() {
    let mut stage = settings();
    scroll_down(&mut stage);
    choose(&mut stage, "Logs in by", "Microsoft 365 app");
    assert!(!stage.shows("Password of the mail server"));
    stage.type_into("Tenant", "contoso.onmicrosoft.com");
    stage.type_into("Client id", "11112222-3333-4444-5555-666677778888");
    choose(&mut stage, "Cloud of the mail server", "US government");
    stage.type_into("Or its file with certificate and key", "/keys/app.pem");
    stage.click("Save");
    let mut asked = stage.asked();
    let (_, Request::MailPassword(MailSecret::File(file))) = asked.remove(1) else { panic!("its key") };
    assert_eq!(file, std::path::Path::new("/keys/app.pem"));
    let (_, Request::SaveSettings(saved)) = asked.remove(0) else { panic!("settings") };
    let saved: Vec<&str> = saved.iter().map(|(name, _)| *name).collect();
    assert_eq!(saved, ["mail-client-id", "mail-cloud", "mail-sign-in", "mail-tenant"]);
    choose(&mut stage, "Logs in by", "Google service account");
    assert!(stage.shows("Key file of the service account") && !stage.shows("Tenant"));
    choose(&mut stage, "Logs in by", "App of another provider");
    assert!(stage.shows("Token address") && stage.shows("Scope"));
}

#[test]
fn h1_a_wrong_setting_is_said_at_its_field_and_is_not_saved() {
    let mut stage = settings();
    scroll_down(&mut stage);
    stage.type_into("Port", "0");
    assert!(stage.says("mail-port is a number from 1 to 65535"));
    stage.click("Save");
    assert!(stage.asked().is_empty());
    stage.click("Undo");
    assert!(!stage.says("mail-port is a number"));
}

#[test]
fn h2_the_check_of_the_form_says_what_is_amiss() {
    let mut stage = settings();
    scroll_down(&mut stage);
    stage.answer(NEWS, Response::Asking(AskingState::Off("owners cannot be asked yet: set form-listen first".into())));
    assert!(stage.says("The form is not open: owners cannot be asked yet"));
    stage.click("Check");
    let (request, Request::CheckForm) = stage.only() else { panic!("a check") };
    let why = NoForm::Closed("nobody".into());
    stage.answer(request, Response::Refused(ServiceError::NoForm(why)));
    assert!(stage.says("the form is not open: nobody"));
    let address = "127.0.0.1:8443".parse().expect("an address");
    stage.answer(
        NEWS,
        Response::Asking(AskingState::Open { url: "https://move.example/".into(), address, refused: None }),
    );
    assert!(stage.says("The form is open at https://move.example, and listens at 127.0.0.1:8443"));
    let (url, refused) = ("https://move.example/".into(), Some("535 5.7.8 wrong".into()));
    stage.answer(NEWS, Response::Asking(AskingState::Open { url, address, refused }));
    assert!(stage.says("No mail goes out: the mail server refuses the login (535 5.7.8 wrong)"));
}

#[test]
fn h4_a_mail_that_was_refused_is_seen_in_the_grid_and_among_the_problems() {
    let waiting = |mail| ItemRow { mail, ..item_in(1, "anna", Status::WaitingForUser) };
    let bob = item_in(2, "bob", Status::WaitingForUser);
    let mut stage = Stage::with(vec![waiting(None), bob.clone()]);
    assert!(!stage.shows("Problems 1") && stage.says("Its owner's password is not known yet"));
    stage.state(vec![waiting(Some(MailTrouble::Later)), bob.clone()]);
    assert!(!stage.shows("Problems 1") && stage.says("did not go out yet; it is tried again"));
    stage.state(vec![waiting(Some(MailTrouble::Refused)), bob.clone()]);
    assert!(stage.shows("The mail server refuses the mail to its owner"));
    stage.click("Problems 1");
    assert_eq!(stage.order(), ["anna"]);
    assert!(stage.says("The mail server refuses the mail to its owner"));
    stage.state(vec![waiting(None), bob]);
    assert!(!stage.shows("Problems 1"));
}

#[test]
fn h5_a_frame_over_a_thousand_who_wait_paints_the_rows_in_sight() {
    let waiting = |id| ItemRow {
        mail: Some(MailTrouble::LoginRefused),
        ..item_in(id, &format!("u{id}"), Status::WaitingForUser)
    };
    let mut rows: Vec<ItemRow> = (0..1_000).map(waiting).collect();
    let mut stage = Stage::with(rows.clone());
    assert!(stage.shows("Problems 1,000"));
    let painted = stage.order().len();
    assert!((5..100).contains(&painted), "{painted} rows are painted");
    rows[3].mail = None;
    stage.state(rows);
    assert!(stage.shows("Problems 999") && stage.order().len() == painted);
}

fn asked(state: LinkState) -> ItemCredentials {
    let request = CredentialRequest {
        id: CredentialRequestId(1),
        item: ItemId(1),
        sides: vec![Side::Source],
        nonce: [0; 16],
        token_hash: [0; 32],
        state,
        created: NOW,
        opened: Some(NOW),
        attempts: 1,
        unchecked: None,
        ended: None,
    };
    let mail = OutgoingMail {
        id: MailId(1),
        request: request.id,
        kind: MailKind::Ask,
        recipient: "anna@home.example".into(),
        state: MailState::Sent,
        created: NOW,
        next_try: NOW,
        tries: 1,
    };
    ItemCredentials {
        passwords: vec![(Side::Source, PasswordState::Missing), (Side::Destination, PasswordState::Administrator)],
        contact: Some("anna@home.example".into()),
        asked: AskedOf { requests: vec![request], mails: vec![(mail, Vec::new())], ends: Vec::new() },
    }
}

/// The page of an item in this state.
fn page(row: ItemRow, credentials: ItemCredentials) -> Stage {
    let mut stage = Stage::with(vec![row]);
    stage.click("anna@contoso.example → anna@fabrikam.example");
    stage.press(egui::Modifiers::NONE, egui::Key::Enter);
    let (request, Request::Details(ItemId(1))) = stage.only() else { panic!("its details") };
    let details = super::details(credentials);
    stage.service.responses.try_send((request, Response::Details(Box::new(details)))).expect("room");
    stage.window.run_steps(4);
    stage
}

#[test]
fn r14_the_page_of_an_item_that_waits_tells_what_was_asked_and_what_can_be_done() {
    let mut stage = page(item_in(1, "anna", Status::WaitingForUser), asked(LinkState::Alive));
    for words in ["Source: no password yet", "Destination: opened by", "asked for the source, opened", "1 entry"] {
        assert!(stage.says(words), "{words}");
    }
    assert!(stage.says("mail to anna@home.example: sent") && stage.says("Its owner is asked at anna@home.example"));
    let click = |stage: &mut Stage, label: &str| {
        use egui_kittest::kittest::Queryable;
        stage.window.get_by_label(label).click();
        stage.window.run_steps(4);
    };
    click(&mut stage, "Remind");
    let (_, Request::Remind(items)) = stage.service.requests.try_recv().expect("a request") else {
        panic!("a reminder")
    };
    assert_eq!(items, [ItemId(1)]);
    click(&mut stage, "Copy link");
    let (request, Request::CredentialLink(ItemId(1))) = stage.service.requests.try_recv().expect("a request") else {
        panic!("its link")
    };
    let link = Response::CredentialLink(Secret::new("https://move.example/token"));
    stage.service.responses.try_send((request, link)).expect("room");
    stage.window.run_steps(4);
    assert!(stage.says("The link is in the clipboard"));
    click(&mut stage, "Ask again");
    let (request, Request::AskAgain(PROJECT, ItemId(1))) = stage.service.requests.try_recv().expect("a request") else {
        panic!("asked anew")
    };
    let done = Response::Done(Outcome { done: vec![ItemId(1)], ..Outcome::default() });
    stage.service.responses.try_send((request, done)).expect("room");
    stage.window.run_steps(4);
    assert!(stage.says("1 item asked anew, with a new link"));
}

#[test]
fn r46_where_an_entry_was_refused_its_owner_can_be_asked_anew() {
    let failed = ItemRow { failure: Some(refused_login()), ..item_in(1, "anna", Status::Failed) };
    let mut stage = page(failed, asked(LinkState::Dead));
    assert!(!stage.shows("Remind") && !stage.shows("Copy link"));
    use egui_kittest::kittest::Queryable;
    assert!(stage.window.query_all_by_label("Ask again").count() >= 1);
    stage.window.get_all_by_label("Ask again").next().expect("a button").click();
    stage.window.run_steps(4);
    assert!(matches!(stage.asked().as_slice(), [(_, Request::AskAgain(PROJECT, ItemId(1)))]));
}

#[test]
fn r14_those_who_wait_for_their_owners_have_a_tab() {
    let waits = item_in(1, "anna", Status::WaitingForUser);
    let mut stage = Stage::with(vec![waits, item_in(2, "bob", Status::Submitted)]);
    assert!(stage.shows("Waiting for User 1") && stage.shows("Pending 1"));
    stage.click("Waiting for User 1");
    assert_eq!(stage.order(), ["anna"]);
    stage.state(vec![item_in(2, "bob", Status::Submitted)]);
    stage.click("All 1");
    assert!(!stage.says("Waiting for User"), "a tab only while somebody waits");
}

#[test]
fn h1_a_project_has_its_own_words_which_are_seen_beforehand() {
    let mut stage = Stage::with(vec![item(1, "anna")]);
    stage.click("More…");
    stage.click("Mails…");
    let (request, Request::ProjectMail(PROJECT)) = stage.only() else { panic!("its mails") };
    let own = ProjectMail { template: Some("Dear {address}: {link}".into()), ..ProjectMail::default() };
    stage.answer(request, Response::ProjectMail(PROJECT, Box::new(own)));
    assert!(stage.shows("Mails of Contoso") && stage.says("Dear anna@contoso.example: https://…"));
    stage.type_into("The text that asks", " {pasword}");
    assert!(stage.says("there is no {pasword}"));
    stage.click("The usual text again");
    assert!(stage.says("your mailbox anna@contoso.example is being moved"));
    stage.type_into("Whose mailboxes they are", "Contoso Ltd");
    assert!(stage.says("It is done for Contoso Ltd."));
    stage.type_into("Those that fail", "kim@b.example");
    stage.click("Save");
    let (request, Request::SetProjectMail(PROJECT, mail)) = stage.only() else { panic!("a change") };
    let [failure, client] = ["kim@b.example", "Contoso Ltd"].map(|text| Some(text.to_owned()));
    assert_eq!(*mail, ProjectMail { client, failure, ..ProjectMail::default() });
    stage.answer(request, Response::Edited);
    assert!(!stage.shows("Mails of Contoso"));
}
