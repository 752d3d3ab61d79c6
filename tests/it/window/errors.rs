//! Errors on an item's page: accepted with a note, saved as files, tried again.

use std::path::PathBuf;

use egui::Role;
use egui_kittest::kittest::Queryable;
use mailferry::domain::failure::{Cause, Failure, Retry, Scope, Side};
use mailferry::domain::folder::FolderPath;
use mailferry::domain::ids::{ItemId, Uid};
use mailferry::domain::item_error::{Acceptance, ErrorCause, ItemError};
use mailferry::domain::pass::PassKind;
use mailferry::engine::command::{Command, ErrorVerdict};
use mailferry::service::client::{Request, Response};
use mailferry::service::errors::{NotSaved, SaveTo, StoredError};

use super::look_around::opened;
use super::{NOW, PROJECT};

fn too_big(id: i64) -> StoredError {
    let error = ItemError {
        folder: Some(FolderPath::new(["INBOX"])),
        source: Some(Uid(id)),
        subject: Some(format!("Plan {id}/x")),
        size: Some(38_000_000),
        side: Some(Side::Destination),
        ..ItemError::about(Failure::new(Cause::TooBig, Scope::Message, Retry::Never, "appending"))
    };
    StoredError { id, item: ItemId(1), error }
}

#[test]
fn r26_an_error_is_accepted_with_a_note_and_taken_back() {
    let mut stage = opened(vec![too_big(7)], 1);
    stage.click("Accept…");
    assert!(stage.shows("Accept 1 message as not copied"));
    assert!(stage.window.get_by_role_and_label(Role::TextInput, "Note").is_focused());
    stage.type_into("Note", " as agreed ");
    stage.click("Accept");
    let (_, Request::Command(Command::Accept { project, item, errors, verdict })) = stage.only() else { panic!() };
    assert_eq!((project, item, errors), (PROJECT, ItemId(1), vec![7]));
    assert_eq!(verdict, ErrorVerdict::Accepted(Some("as agreed".into())));
    assert!(!stage.shows("Accept 1 message as not copied"));

    let mut accepted = too_big(7);
    accepted.error.accepted = Some(Acceptance { at: NOW, note: Some("as agreed".into()) });
    let mut stage = opened(vec![accepted], 1);
    assert!(stage.says("1 × Too big for the destination, 1 accepted") && stage.says(": as agreed"));
    stage.click("Do not accept");
    let (_, Request::Command(Command::Accept { errors, verdict, .. })) = stage.only() else { panic!() };
    assert_eq!((errors, verdict), (vec![7], ErrorVerdict::Open));
}

#[test]
fn r26_a_message_is_saved_from_the_items_page_and_saving_can_be_cancelled() {
    let mut stage = opened(vec![too_big(7)], 1);
    stage.click("Save .eml…");
    stage.click("Browse…");
    stage.click("Save");
    let (request, Request::SaveMessage { error, to, saving }) = stage.only() else { panic!() };
    assert_eq!((*error, to), (too_big(7), SaveTo { file: "/letters/Plan 7x.eml".into(), overwrite: false }));
    (saving.tell)(19_000_000);
    stage.window.run();
    assert!(stage.shows("Reading: 19.00 MB of 38.00 MB"));
    stage.answer(request, Response::Refused(NotSaved::Exists(PathBuf::from("/letters/Plan 7x.eml")).into()));
    assert!(stage.says("exists already"));
    stage.click("Write over a file that exists");
    stage.click("Save");
    let (request, Request::SaveMessage { to, saving, .. }) = stage.only() else { panic!() };
    assert!(to.overwrite);
    stage.click("Cancel");
    assert!(saving.cancel.is_cancelled() && stage.shows("Save message as .eml"), "it closes when that has ended");
    stage.answer(request, Response::Refused(NotSaved::Cancelled.into()));
    assert!(!stage.shows("Save message as .eml"));

    stage.click("Save .eml…");
    assert!(stage.window.get_by_role_and_label(Role::TextInput, "File").is_focused());
    stage.type_into("File", "/letters/plan.eml");
    stage.click("Save");
    let (request, _) = stage.only();
    stage.answer(request, Response::Saved(38_000_000, "/letters/plan.eml".into()));
    assert!(stage.says("38.00 MB saved as /letters/plan.eml") && !stage.shows("Save message as .eml"));
}

#[test]
fn r26_errors_are_tried_again_from_the_items_page() {
    let mut stage = opened(vec![too_big(7)], 1);
    stage.click("Retry errors");
    let (_, Request::Start(request)) = stage.only() else { panic!() };
    assert_eq!((request.items, request.order.kind), (vec![ItemId(1)], PassKind::RetryErrors));
}

#[test]
fn r26_errors_of_one_reason_are_tried_again_by_themselves() {
    let mut refused = too_big(8);
    refused.error.failure = Failure::new(Cause::MessageRefused, Scope::Message, Retry::Never, "appending");
    let mut stage = opened(vec![too_big(6), too_big(7), refused], 3);
    assert!(stage.shows("Retry 1"));
    stage.click("Retry 2");
    let (_, Request::Start(request)) = stage.only() else { panic!() };
    let only = ErrorCause { side: Some(Side::Destination), cause: Cause::TooBig };
    assert_eq!((request.items, request.order.kind), (vec![ItemId(1)], PassKind::RetryErrors));
    assert_eq!(request.order.only, Some(only));
    // Of one reason alone there is the button for all.
    assert!(!opened(vec![too_big(7)], 1).shows("Retry 1"));
}
