//! Dialogs that come by themselves: a workspace in use, locked passwords, closing while passes run.

use egui::{Key, Modifiers, ViewportEvent};
use mailferry::domain::status::Status;
use mailferry::domain::time::Timestamp;
use mailferry::engine::command::CommandError;
use mailferry::platform::lock::Owner;
use mailferry::service::client::{Preview, Request, RequestId, Response};
use mailferry::service::import::{ImportFrom, Work};
use mailferry::service::{ServiceError, VaultError, VaultKind, WorkspaceInfo};

use tokio_util::sync::CancellationToken;

use super::{PROJECT, Stage, item, item_in, project};

#[test]
fn a_workspace_in_use_is_explained() {
    let mut stage = Stage::closed();
    let owner =
        Owner { pid: 77, host: "client".into(), user: "kim".into(), since: Timestamp::from_millis(0), seen: None };
    stage.answer(0, Response::InUse(Some(owner)));
    assert!(stage.says("by kim on client (process 77)"));
    stage.click("Try again");
    let (request, Request::Reopen) = stage.only() else { panic!("another try was expected") };
    stage.answer(request, Response::Opened(Box::default()));
    assert!(stage.shows("No projects yet"));
}

#[test]
fn passwords_are_unlocked_before_a_start() {
    let mut stage = Stage::closed();
    stage.state(vec![item(1, "anna")]);
    stage.opened(WorkspaceInfo { projects: vec![project()], vault: Some(VaultKind::File), ..WorkspaceInfo::default() });
    assert!(stage.shows("Unlock the passwords"));
    stage.click("Not now");
    stage.click("Start all 1…");
    stage.type_into("Passphrase", "open sesame");
    stage.click("Unlock");
    let (request, Request::Unlock(VaultKind::File, Some(secret))) = stage.only() else { panic!("a passphrase") };
    assert_eq!(secret.expose(), "open sesame");
    stage.answer(request, Response::Refused(VaultError::WrongPassphrase.into()));
    assert!(stage.says("does not open the vault"));
    stage.click("Unlock");
    let (request, _) = stage.only();
    stage.answer(request, Response::Unlocked(VaultKind::File));
    assert!(stage.shows("Start 1 item"), "what was begun goes on");
}

/// A window whose import of one row with a password was begun: its request, and what cancels it.
fn importing(stage: &mut Stage) -> (RequestId, CancellationToken) {
    stage.click("Import the first items…");
    stage.click("Browse…");
    let (request, _) = stage.only();
    let preview = Preview { good: 1000, passwords: true, ..Preview::default() };
    stage.answer(request, Response::Previewed(preview));
    stage.click("Import 1,000 items");
    let (request, Request::Import { project: PROJECT, cancel, .. }) = stage.only() else { panic!("an import") };
    (request, cancel)
}

#[test]
fn the_keyring_is_proposed_and_a_refusal_leaves_the_choice() {
    let mut stage = Stage::closed();
    stage.opened(WorkspaceInfo { projects: vec![project()], ..WorkspaceInfo::default() });
    stage.click("Import the first items…");
    stage.click("Browse…");
    let (request, _) = stage.only();
    stage.answer(request, Response::Previewed(Preview { good: 1, passwords: true, ..Preview::default() }));
    stage.click("Import 1 item");
    assert!(stage.shows("Where are passwords kept?"));
    stage.click("Keep passwords there");
    let (request, Request::Unlock(VaultKind::Keyring, None)) = stage.only() else { panic!("the keyring") };
    assert!(stage.says("Waiting for the keyring"));
    stage.answer(request, Response::Refused(VaultError::NoKeyring("none".into()).into()));
    assert!(stage.says("no keyring that can be reached"));
    stage.click("In an encrypted file, its key in the keyring");
    stage.click("Keep passwords there");
    let (request, Request::Unlock(VaultKind::FileKeyring, None)) = stage.only() else { panic!("a file, a key") };
    stage.answer(request, Response::Unlocked(VaultKind::FileKeyring));
    assert!(matches!(stage.only().1, Request::Import { .. }), "what was begun goes on");
}

#[test]
fn a_locked_keyring_is_said_when_the_window_opens() {
    let mut stage = Stage::closed();
    stage.opened(WorkspaceInfo {
        projects: vec![project()],
        vault: Some(VaultKind::Keyring),
        vault_error: Some(VaultError::KeyringLocked("no".into()).into()),
        ..WorkspaceInfo::default()
    });
    assert!(stage.says("They are in this computer's keyring") && stage.says("keyring is locked"));
    stage.click("Unlock");
    assert!(matches!(stage.only().1, Request::Unlock(VaultKind::Keyring, None)));
}

#[test]
fn an_import_shows_how_far_it_is_and_can_be_cancelled() {
    let mut stage = Stage::with(Vec::new());
    let (request, cancel) = importing(&mut stage);
    stage.answer(request, Response::Importing(Work::Storing, 312, 1000));
    assert!(stage.shows("Storing passwords: 312 of 1,000"));
    stage.press(egui::Modifiers::NONE, egui::Key::Escape);
    assert!(cancel.is_cancelled() && stage.shows("Taking back what was stored"), "it stays until the end is known");
    stage.answer(request, Response::Cancelled);
    assert!(stage.says("Import cancelled: nothing was imported") && !stage.shows("Import items"));
}

#[test]
fn a_question_that_is_not_taken_leaves_nothing_busy() {
    let mut stage = Stage::with(Vec::new());
    stage.click("Import the first items…");
    stage.click("Browse…");
    let (request, _) = stage.only();
    stage.answer(request, Response::Previewed(Preview { good: 2, ..Preview::default() }));
    stage.service.requests.close();
    stage.click("Import 2 items");
    assert!(stage.says("the engine has ended") && !stage.says("Importing…"));
    stage.click("Cancel");
    assert!(!stage.shows("Import items"), "the dialog can be left, and so can the window");
    close(&mut stage);
    let output = &stage.window.output().viewport_output;
    let kept = |output: &egui::ViewportOutput| output.commands.contains(&egui::ViewportCommand::CancelClose);
    assert!(!output.values().any(kept));
}

#[test]
fn only_the_last_look_at_a_list_counts() {
    let mut stage = Stage::with(Vec::new());
    stage.click("Import the first items…");
    let list = "Or paste the list, also just two columns of addresses";
    stage.type_into(list, "a@x.example\ta@y.example\n");
    let (first, _) = stage.only();
    stage.type_into(list, "b@x.example\tb@y.example\n");
    let (second, _) = stage.only();
    stage.answer(second, Response::Previewed(Preview { good: 2, ..Preview::default() }));
    stage.answer(first, Response::Previewed(Preview { good: 50_000, ..Preview::default() }));
    assert!(stage.shows("Import 2 items"));
}

#[test]
fn a6_a_list_with_passwords_does_not_come_back_with_undo() {
    let mut stage = Stage::with(Vec::new());
    let list = "Or paste the list, also just two columns of addresses";
    stage.click("Import the first items…");
    stage.type_into(list, "anna@x.example,,s3cret,anna@y.example,,s3cret\n");
    stage.click("Cancel");
    stage.asked();
    stage.click("Import the first items…");
    stage.type_into(list, "x");
    stage.press(egui::Modifiers::COMMAND, egui::Key::Z);
    stage.press(egui::Modifiers::COMMAND, egui::Key::Z);
    for (_, ask) in stage.asked() {
        let Request::Preview(_, ImportFrom::Text(text)) = ask else { continue };
        assert!(!text.expose().contains("s3cret"), "it came back");
    }
}

#[test]
fn the_closing_question_leaves_a_dialog_as_it_was() {
    let mut stage = Stage::with(vec![item_in(1, "anna", Status::Migrating)]);
    stage.click("Import items…");
    stage.type_into("CSV file", "/lists/items.csv");
    close(&mut stage);
    stage.click("Keep the window open");
    assert!(
        stage.shows("Import items")
            && matches!(stage.asked().last(), Some((_, Request::Preview(_, ImportFrom::File(..)))))
    );
}

#[test]
fn closing_takes_back_an_import_first() {
    let mut stage = Stage::with(Vec::new());
    let (request, cancel) = importing(&mut stage);
    assert!(!cancel.is_cancelled());
    close(&mut stage);
    assert!(cancel.is_cancelled() && stage.says("then the window closes"));
    let trouble = "4 entries could not be taken back";
    stage.answer(request, Response::Refused(ServiceError::Engine(CommandError::Workspace(trouble.into()))));
    assert!(stage.says(trouble) && !closes(&stage), "what a person must read keeps the window open");
    stage.click("Import 1,000 items");
    let (request, _) = stage.only();
    close(&mut stage);
    stage.service.responses.try_send((request, Response::Cancelled)).expect("room for an answer");
    stage.window.step();
    assert!(closes(&stage) && !stage.shows("Import items"));
}

#[test]
fn ctrl_c_takes_back_an_import_before_the_window_leaves() {
    let mut stage = Stage::with(Vec::new());
    let (request, cancel) = importing(&mut stage);
    stage.ctrl_c.send(()).expect("somebody listens");
    stage.window.run();
    assert!(cancel.is_cancelled() && !stage.window.state().is_leaving() && stage.says("then the window closes"));
    stage.answer(request, Response::Cancelled);
    assert!(stage.window.state().is_leaving());
}

#[test]
fn a_long_pasted_list_is_not_laid_out() {
    let mut stage = Stage::with(Vec::new());
    stage.click("Import the first items…");
    let list: String = (0..5000).map(|n| format!("user{n}@contoso.example\tuser{n}@fabrikam.example\n")).collect();
    stage.type_into("Or paste the list, also just two columns of addresses", &list);
    assert!(stage.says("A list of ") && matches!(stage.only().1, Request::Preview(..)));
    stage.click("Remove it");
    assert!(stage.says("Nothing chosen yet"));
}

#[test]
fn closing_while_passes_run_asks() {
    let mut stage = Stage::with(vec![item_in(1, "anna", Status::Migrating), item_in(2, "bob", Status::Queued)]);
    close(&mut stage);
    assert!(stage.shows("2 passes are running"));
    stage.click("Keep the window open");
    assert!(!stage.says("passes are running") && stage.asked().is_empty());
    close(&mut stage);
    stage.click("Stop and quit");
    assert!(matches!(stage.only().1, Request::StopAll));
    assert!(stage.says("Messages under way are finished first"));
    stage.state(vec![item_in(1, "anna", Status::Stopped), item_in(2, "bob", Status::Submitted)]);
    assert!(closes(&stage) || stage.window.state().is_leaving());
}

#[test]
fn stop_at_once_drops_connections() {
    let mut stage = Stage::with(vec![item_in(1, "anna", Status::Migrating)]);
    close(&mut stage);
    assert!(stage.shows("1 pass is running"));
    stage.click("Stop at once");
    let asked = stage.asked();
    assert!(matches!(asked[0].1, Request::StopAll) && matches!(asked[1].1, Request::Command(_)), "{asked:?}");
}

#[test]
fn closing_asks_nothing_when_nothing_runs() {
    let mut stage = Stage::with(vec![item(1, "anna")]);
    close(&mut stage);
    assert!(!stage.shows("Keep the window open"));
}

#[test]
fn a_window_closes_when_nobody_answers_any_more() {
    for dies in [
        |stage: &mut Stage| stage.service.requests.close(),
        |stage: &mut Stage| {
            let (other, _) = tokio::sync::watch::channel(std::sync::Arc::default());
            stage.service.snapshots = other;
        },
    ] {
        let mut stage = Stage::with(vec![item_in(1, "anna", Status::Migrating)]);
        close(&mut stage);
        assert!(stage.shows("1 pass is running"));
        stage.click("Stop and quit");
        assert!(!stage.window.state().is_leaving(), "it waits for the end of the pass");
        dies(&mut stage);
        stage.window.run();
        assert!(stage.says("the engine has ended"));
        assert!(stage.window.state().is_leaving(), "nothing runs in an engine that has ended");
    }
    let mut stage = Stage::with(vec![item_in(1, "anna", Status::Migrating)]);
    stage.service.requests.close();
    stage.window.run();
    close(&mut stage);
    assert!(!stage.shows("1 pass is running"), "there is nothing to ask");
}

/// Whether the last frame told the window to close.
fn closes(stage: &Stage) -> bool {
    let closes = |output: &egui::ViewportOutput| output.commands.contains(&egui::ViewportCommand::Close);
    stage.window.output().viewport_output.values().any(closes)
}

fn close(stage: &mut Stage) {
    let input = stage.window.input_mut();
    input.viewports.entry(input.viewport_id).or_default().events.push(ViewportEvent::Close);
    stage.window.step();
    let input = stage.window.input_mut();
    input.viewports.entry(input.viewport_id).or_default().events.clear();
    stage.window.run();
}

#[test]
fn a_vault_that_was_asked_for_by_name_is_proposed_with_why_it_did_not_open() {
    let mut stage = Stage::closed();
    stage.opened(WorkspaceInfo {
        projects: vec![project()],
        proposed: Some(VaultKind::FileKeyring),
        vault_error: Some(VaultError::NoKeyring("none".into()).into()),
        ..WorkspaceInfo::default()
    });
    assert!(stage.says("Where are passwords kept?") && stage.says("no keyring that can be reached"));
    stage.click("Keep passwords there");
    assert!(matches!(stage.only().1, Request::Unlock(VaultKind::FileKeyring, None)));
}

#[test]
fn d8_enter_in_the_vault_dialog_is_not_for_the_form_under_it() {
    let mut stage = Stage::closed();
    stage.opened(WorkspaceInfo::default());
    stage.click("New project…");
    stage.type_into("Name", "Contoso");
    stage.type_into("Host of the source", "imap.contoso.example");
    stage.type_into("Host of the destination", "imap.fabrikam.example");
    stage.click("One administrator opens all mailboxes of the source");
    stage.type_into("Administrator of the source", "admin");
    stage.type_into("Password of the source's administrator", "s3cret");
    stage.press(Modifiers::NONE, Key::Enter);
    assert!(stage.shows("Where are passwords kept?") && stage.asked().is_empty());
    stage.click("In an encrypted file, opened by a passphrase");
    stage.type_into("Passphrase", "open sesame");
    // In the middle of the dialog, and at its end.
    stage.press(Modifiers::NONE, Key::Enter);
    assert!(stage.asked().is_empty(), "one of two fields is empty");
    stage.type_into("The same again", "open sesame");
    stage.press(Modifiers::NONE, Key::Enter);
    let (request, Request::Unlock(VaultKind::File, Some(secret))) = stage.only() else { panic!("what was chosen") };
    assert_eq!(secret.expose(), "open sesame");
    stage.answer(request, Response::Unlocked(VaultKind::File));
    assert!(matches!(stage.only().1, Request::NewProject(new) if new.name == "Contoso"), "what was begun goes on");
}

#[test]
fn d8_keys_under_the_closing_question_are_for_nobody_else() {
    let mut stage = Stage::with(vec![item_in(1, "anna", Status::Migrating), item(2, "bob")]);
    stage.click("Start 1 of 2…"); // the other one runs
    stage.click("Verify Credentials");
    stage.asked();
    close(&mut stage);
    assert!(stage.shows("1 pass is running"));
    for key in [Key::Enter, Key::Escape, Key::S, Key::X, Key::Questionmark] {
        stage.press(Modifiers::NONE, key);
        assert!(stage.asked().is_empty() && stage.shows("1 pass is running"), "{key:?}");
    }
    stage.click("Keep the window open");
    assert!(stage.shows("Start 1 of 2 items chosen"), "the dialog under it is as it was");
    stage.press(Modifiers::NONE, Key::Enter);
    assert!(!stage.asked().is_empty(), "now it is on top");
}
