//! What a failure's text advises is done by a button beside it.

use std::sync::Arc;

use egui::{Key, Modifiers, Role};
use egui_kittest::kittest::Queryable;
use mailferry::domain::certificate::SeenCertificate;
use mailferry::domain::failure::{Cause, Failure, Retry, Scope, Side};
use mailferry::domain::folder::FolderPath;
use mailferry::domain::ids::ItemId;
use mailferry::domain::item_error::ItemError;
use mailferry::domain::notice::{Notice, NoticeKind};
use mailferry::domain::progress::RetryState;
use mailferry::domain::server::AdminLogin;
use mailferry::domain::status::{HoldReason, Status};
use mailferry::engine::command::Command;
use mailferry::engine::snapshot::{ItemRow, Snapshot};
use mailferry::service::WorkspaceInfo;
use mailferry::service::client::{Request, Response};
use mailferry::service::errors::StoredError;
use mailferry::service::items::Details;
use mailferry::service::remedies::AccountOf;
use mailferry::service::{ServiceError, VaultKind};

use super::{NOW, PROJECT, Stage, held, item, item_in, project, refused_login};

fn failed(cause: Cause, side: Side) -> ItemRow {
    let failure = Failure::new(cause, Scope::Mailbox, Retry::User, "doing");
    ItemRow { failure: Some((Some(side), failure)), ..item_in(1, "anna", Status::Failed) }
}

/// The page of the only item.
fn page(row: ItemRow) -> Stage {
    let mut stage = Stage::with(vec![row]);
    stage.press(Modifiers::NONE, Key::ArrowDown);
    stage.press(Modifiers::NONE, Key::Enter);
    stage.asked();
    stage
}

#[test]
fn e8_a_refused_login_is_corrected_where_it_is_shown() {
    let mut stage = page(ItemRow { failure: Some(refused_login()), ..item_in(1, "anna", Status::Failed) });
    stage.click("Correct login…");
    assert!(stage.says("anna@contoso.example at the source"));
    stage.click("Keep password");
    assert!(stage.asked().is_empty(), "nothing was typed");
    stage.type_into("New password", "right");
    stage.press(Modifiers::NONE, Key::Enter);
    let (request, Request::SetPassword(account, password)) = stage.only() else { panic!("a password") };
    assert_eq!(account, AccountOf { project: PROJECT, item: Some(ItemId(1)), side: Side::Source });
    assert_eq!(password.expose(), "right");
    // Refused: the dialog says so and stays.
    stage.answer(request, Response::Refused(ServiceError::NoProject("gone".into())));
    assert!(stage.says("there is no project"));
    stage.click("Keep password");
    let (request, _) = stage.only();
    stage.answer(request, Response::Corrected(vec![project()]));
    assert!(!stage.shows("New password") && stage.says("Start tries it"));
}

#[test]
fn e8_an_administrators_login_is_corrected_for_all_from_the_list_too() {
    let mut of = project();
    of.source.set_administrator(AdminLogin::parse("chief")).expect("it may have one");
    let held = held(2, "bob", HoldReason::LoginRefused);
    let mut stage = Stage::closed();
    stage.state(vec![failed(Cause::AdministratorLoginRefused, Side::Source), held]);
    let info = WorkspaceInfo {
        projects: vec![of.clone()],
        unlocked: true,
        vault: Some(VaultKind::File),
        ..WorkspaceInfo::default()
    };
    stage.opened(info);
    stage.click("Correct login…");
    assert!(stage.says("Administrator chief"));
    stage.type_into("New password", "right");
    stage.click("Keep password");
    let (request, Request::SetPassword(account, _)) = stage.only() else { panic!("a password") };
    assert_eq!(account, AccountOf { project: PROJECT, item: None, side: Side::Source });
    stage.answer(request, Response::Corrected(vec![of]));
    assert!(stage.says("Held items go on"));
}

#[test]
fn e8_a_certificate_is_shown_and_exactly_that_one_trusted() {
    let mut stage = page(failed(Cause::CertificateNotTrusted, Side::Destination));
    stage.click("Pin this certificate…");
    let (request, Request::Certificate(PROJECT, Side::Destination)) = stage.only() else { panic!("a look") };
    stage.click("Trust exactly this one");
    assert!(stage.asked().is_empty(), "it was not seen yet");
    let seen = SeenCertificate {
        fingerprint: [0x1f; 32],
        subject: "imap.fabrikam.example".into(),
        issuer: "Fabrikam authority".into(),
        expires: "2027-03-01".into(),
    };
    stage.answer(request, Response::Certificate(seen));
    assert!(stage.says("1f:1f:1f") && stage.says("Fabrikam authority") && stage.says("2027-03-01"));
    stage.click("Trust exactly this one");
    let (request, Request::Pin(PROJECT, Side::Destination, pinned)) = stage.only() else { panic!("a pin") };
    assert_eq!(pinned, [0x1f; 32]);
    stage.answer(request, Response::Corrected(vec![project()]));
    assert!(stage.says("trusted from now on"));
}

#[test]
fn e8_a_server_that_was_not_reached_is_tried_now() {
    let held = ItemRow { status: Status::Held, ..failed(Cause::Unreachable, Side::Source) };
    let mut stage = page(held);
    stage.click("Try now");
    let (_, request) = stage.only();
    assert!(matches!(request, Request::Command(Command::TryNow { project: PROJECT })), "{request:?}");
    // What has failed is started again.
    let mut stage = page(failed(Cause::Unreachable, Side::Source));
    stage.click("Try now");
    assert!(stage.says("Full"), "the dialog that starts it");
}

#[test]
fn e8_a_full_destination_goes_on_by_a_button_when_there_is_room() {
    let mut stage = page(failed(Cause::DestinationFull, Side::Destination));
    assert!(stage.says("Destination mailbox full") && stage.says("Raise the quota"));
    stage.click("Try now");
    assert!(stage.says("Full"), "the dialog that starts it");
}

#[test]
fn e8_another_host_is_named_where_a_server_was_not_reached() {
    let mut stage = page(failed(Cause::Unreachable, Side::Destination));
    stage.click("Edit host…");
    let host = stage.window.get_by_role_and_label(Role::TextInput, "Host of the destination");
    assert!(host.is_focused() && host.value().as_deref() == Some("imap.fabrikam.example"));
    host.type_text("2");
    stage.window.run();
    stage.press(Modifiers::NONE, Key::Enter);
    let (request, Request::EditProject(change)) = stage.only() else { panic!("an edit") };
    let place = |side: &mailferry::domain::edit::ServerEdit<_>| side.server.as_ref().map(|server| server.place());
    assert_eq!(
        (place(&change.edit.source), place(&change.edit.destination)),
        (None, Some("imap.fabrikam.example2".into()))
    );
    stage.answer(request, Response::ProjectEdited(vec![project()]));
    assert!(!stage.shows("Host of the destination") && stage.says("Changed"));
    // The list has it beside what is held.
    let mut rows = Snapshot::of(
        2,
        vec![ItemRow {
            failure: failed(Cause::Unreachable, Side::Source).failure,
            ..held(1, "anna", HoldReason::Unreachable)
        }],
    );
    rows.outages.insert(PROJECT, NOW);
    let mut stage = Stage::with(Vec::new());
    stage.service.snapshots.send_replace(Arc::new(rows));
    stage.window.run();
    assert!(stage.says("imap.contoso.example cannot be reached: 1 item held"));
    stage.click("Edit host…");
    assert!(stage.window.get_by_role_and_label(Role::TextInput, "Host of the source").is_focused());
}

#[test]
fn e8_a_refused_folder_gets_another_name_by_a_rule_that_says_what_it_does() {
    let mut stage = Stage::with(vec![item_in(1, "anna", Status::Completed)]);
    stage.press(Modifiers::NONE, Key::ArrowDown);
    stage.press(Modifiers::NONE, Key::Enter);
    let asked = stage.asked();
    let (request, Request::Details(item)) = asked.into_iter().next().expect("a question") else { panic!("details") };
    let error = ItemError {
        folder: Some(FolderPath::new(["Files"])),
        messages: 3,
        side: Some(Side::Destination),
        ..ItemError::about(Failure::new(Cause::FolderRefused, Scope::Folder, Retry::User, "creating it"))
    };
    let error = StoredError { id: 1, item, error };
    let details = Details {
        item,
        passes: Vec::new(),
        folders: Vec::new(),
        errors: vec![error],
        notices: Vec::new(),
        own: Default::default(),
        credentials: Default::default(),
    };
    stage.answer(request, Response::Details(Box::new(details)));
    stage.click("Map folder…");
    assert!(stage.says("\"Files\" becomes \"Files-1\""));
    stage.click("Add this rule");
    let (request, Request::AddMapping(PROJECT, rule)) = stage.only() else { panic!("a rule") };
    assert_eq!(rule.0, "^Files->Files-1");
    stage.answer(request, Response::Corrected(vec![project()]));
    assert!(stage.says("The rule is added"));
}

#[test]
fn e8_where_nothing_can_be_done_by_a_button_there_is_none() {
    let stage = page(failed(Cause::Internal, Side::Source));
    for name in [
        "Try now",
        "Edit host…",
        "Correct login…",
        "Pin this certificate…",
        "Map folder…",
        "Project settings…",
        "Options…",
    ] {
        assert!(!stage.shows(name), "{name}");
    }
    let stage = Stage::with(vec![item(1, "anna")]);
    assert!(!stage.shows("Correct login…"));
}

#[test]
fn e8_settings_of_the_project_are_opened_at_the_side_whose_server_has_to_be_named_otherwise() {
    for (cause, side) in [
        (Cause::NoPasswords, Side::Source),
        (Cause::MaildirNotOpened, Side::Destination),
        (Cause::AdministratorStays, Side::Source),
    ] {
        let mut stage = page(failed(cause, side));
        stage.click("Project settings…");
        let host = format!("Host of the {}", side.word());
        assert!(stage.window.get_by_role_and_label(Role::TextInput, &host).is_focused(), "{cause:?}");
    }
}

/// Answers the options that an item has of its own: none.
fn own_options(stage: &mut Stage) {
    let (request, Request::ItemOptions(ItemId(1))) = stage.only() else { panic!("its options") };
    stage.answer(request, Response::ItemOptions(ItemId(1), Box::default()));
    assert!(stage.shows("Options of anna@contoso.example"));
}

#[test]
fn e8_the_option_that_cures_a_failure_or_a_pause_is_opened_there() {
    let mut stage = page(failed(Cause::TooManyErrors, Side::Source));
    stage.click("Options…");
    own_options(&mut stage);
    let field = stage.window.get_by_role_and_label(Role::CheckBox, "Item errors that end a pass as Failed");
    assert!(field.is_focused());

    let mut row = item_in(1, "anna", Status::Migrating);
    let failure = Failure::new(Cause::OutsideHours, Scope::Endpoint, Retry::Later, "waiting");
    let side = Some(Side::Destination);
    row.progress.retry = Some(RetryState { side, failure, attempt: 0, limit: 8, until: NOW });
    let mut stage = page(row);
    assert!(stage.says("Until 08:26:40: Outside the run hours of the destination"));
    stage.click("Options…");
    own_options(&mut stage);
    let field = stage.window.get_by_role_and_label(Role::CheckBox, "When the destination may be used");
    assert!(field.is_focused());
}

#[test]
fn e8_the_options_for_malformed_messages_and_for_labels_are_opened_where_these_are_told() {
    let refused = ItemError {
        side: Some(Side::Destination),
        ..ItemError::about(Failure::new(Cause::MessageMalformed, Scope::Message, Retry::User, "appending"))
    };
    let notice =
        Notice { folder: None, kind: NoticeKind::OtherLabels, side: None, messages: 4, numbers: vec![], detail: None };
    for (errors, notices, option) in [
        (vec![refused], vec![], "Copy the cleaned form of messages that the destination calls malformed"),
        (vec![], vec![notice], "Copy a Gmail message into the folder of each of its labels, not of one only"),
    ] {
        let mut stage = Stage::with(vec![item_in(1, "anna", Status::Completed)]);
        stage.press(Modifiers::NONE, Key::ArrowDown);
        stage.press(Modifiers::NONE, Key::Enter);
        let (request, Request::Details(item)) = stage.only() else { panic!("details") };
        let errors = errors.into_iter().map(|error| StoredError { id: 1, item, error }).collect();
        let details = Details {
            item,
            passes: Vec::new(),
            folders: Vec::new(),
            errors,
            notices,
            own: Default::default(),
            credentials: Default::default(),
        };
        stage.answer(request, Response::Details(Box::new(details)));
        stage.click("Options…");
        own_options(&mut stage);
        assert!(stage.window.get_by_role_and_label(Role::CheckBox, option).is_focused(), "{option}");
    }
}
