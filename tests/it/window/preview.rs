//! The preview in the window: where every folder would go, what needs a look, which item; asked, cancelled, asked again.

use std::collections::BTreeMap;

use egui::{Key, Modifiers};
use egui_kittest::kittest::Queryable;
use mailferry::domain::failure::{Cause, Failure, Retry, Scope, Side};
use mailferry::domain::folder::FolderPath;
use mailferry::domain::ids::ItemId;
use mailferry::domain::plan::SkipRule;
use mailferry::domain::preview::{FolderFate, Preview, PreviewFlag, PreviewLine};
use mailferry::domain::tree::{LeftOut, Reason};
use mailferry::service::client::{Request, Response};
use mailferry::service::preview::Unsaved;
use mailferry::service::{ServiceError, VaultKind, WorkspaceInfo};
use mailferry::ui::route::Route;

use super::options::replace;
use super::{PROJECT, Stage, item, project};

fn path(name: &str) -> FolderPath {
    FolderPath::new(name.split('/'))
}

fn goes(name: &str, to: &str, exists: bool, flags: Vec<PreviewFlag>) -> PreviewLine {
    let fate = FolderFate::Goes { to: path(to), reason: Reason::SameName, exists, flags };
    PreviewLine { folder: path(name), messages: Some(1_204), fate, skipped: BTreeMap::new() }
}

fn seen() -> Response {
    let skipped = BTreeMap::from([(SkipRule::TooLarge, 3)]);
    let lines = vec![
        PreviewLine { skipped, ..goes("INBOX", "INBOX", true, Vec::new()) },
        goes("Gesendet", "Sent", true, vec![PreviewFlag::Shared(path("Sent"))]),
        goes("Sent", "Sent", true, vec![PreviewFlag::Shared(path("Gesendet"))]),
        goes("work", "work", false, vec![PreviewFlag::DiffersInCase(path("Work"))]),
        PreviewLine {
            fate: FolderFate::LeftOut(LeftOut::Filter),
            messages: None,
            ..goes("Junk", "Junk", true, Vec::new())
        },
    ];
    Response::ItemPreview(Box::new(Preview { lines }))
}

fn preview() -> Stage {
    let mut stage = Stage::with(vec![item(1, "anna"), item(2, "bob"), item(3, "carl")]);
    stage.click("More…");
    stage.click("Preview…");
    assert_eq!(stage.window.state().route(), Route::Preview(PROJECT));
    stage
}

#[test]
fn r16_a_person_sees_where_every_folder_would_go_and_what_needs_a_look() {
    let mut stage = preview();
    let (request, Request::PreviewItem(ItemId(1), ..)) = stage.only() else { panic!("the preview of the first") };
    assert!(stage.says("Looking at both mailboxes…") && !stage.shows("Goes to"));
    stage.answer(request, seen());
    assert!(stage.shows("4 folders to copy, 1 not there yet, 1 left out"));
    assert!(stage.shows("2 folders with a shared destination · 1 folder with another that differs only in case"));
    assert!(stage.shows("\"Sent\" goes there too; same name") && stage.shows("(new) work"));
    assert!(stage.shows("same name; skips 3 messages: larger than the largest size"));
    assert!(stage.shows("skipped by the folder filter") && stage.shows("left out") && stage.shows("?"));
    stage.click("Only what needs a look (3)");
    assert!(!stage.shows("skipped by the folder filter") && stage.shows("Gesendet"));
    let text = stage.copied("Copy as text");
    assert_eq!(text.lines().count(), 4, "the heading and what is shown: {text}");
    assert!(text.contains("Gesendet\t1,204\tSent\t\"Sent\" goes there too; same name"));
    stage.click("All 5 folders");
    assert!(stage.shows("skipped by the folder filter"));
    stage.press(Modifiers::NONE, Key::R);
    assert!(matches!(stage.only().1, Request::PreviewItem(ItemId(1), ..)), "refreshed");
}

#[test]
fn a_preview_is_cancelled_by_its_button_by_another_item_and_by_leaving() {
    let mut stage = preview();
    let (first, Request::PreviewItem(_, _, cancel)) = stage.only() else { panic!("a preview") };
    stage.click("Cancel");
    assert!(cancel.is_cancelled() && stage.says("Cancelled. Refresh looks again"));
    stage.answer(first, Response::Replaced);
    stage.click("Refresh");
    let (second, Request::PreviewItem(ItemId(1), _, cancel)) = stage.only() else { panic!("again") };
    stage.window.get_by_role_and_label(egui::Role::ComboBox, "Item").click();
    stage.window.run();
    stage.click("bob@contoso.example → bob@fabrikam.example");
    let (third, Request::PreviewItem(ItemId(2), _, other)) = stage.only() else { panic!("the other item") };
    assert!(cancel.is_cancelled() && !other.is_cancelled());
    stage.answer(second, seen());
    assert!(stage.says("Looking at both mailboxes…"), "an old answer is not taken for the new one");
    stage.press(Modifiers::NONE, Key::Escape);
    assert_eq!(stage.window.state().route(), Route::Project(PROJECT));
    assert!(other.is_cancelled());
    stage.answer(third, seen());
    assert!(!stage.shows("Goes to"));
}

#[test]
fn a_server_that_refuses_is_named_and_the_vault_is_asked_for_first() {
    let mut stage = Stage::closed();
    stage.state(vec![item(1, "anna")]);
    let (projects, vault) = (vec![project()], Some(VaultKind::File));
    stage.opened(WorkspaceInfo { projects, vault, ..WorkspaceInfo::default() });
    stage.click("Not now");
    stage.click("More…");
    stage.click("Preview…");
    assert!(stage.shows("Unlock the passwords") && stage.asked().is_empty());
    stage.type_into("Passphrase", "secret");
    stage.click("Unlock");
    let (request, Request::Unlock(kind, _)) = stage.only() else { panic!("the vault") };
    stage.answer(request, Response::Unlocked(kind));
    let (request, Request::PreviewItem(ItemId(1), ..)) = stage.only() else { panic!("what waited for it") };
    let failure = Failure::new(Cause::LoginRefused, Scope::Mailbox, Retry::User, "signing in");
    stage.answer(request, Response::Refused(ServiceError::NotLooked(Side::Source, failure)));
    assert!(stage.says("Failed while checking source credentials"));
    stage.click("Start…");
    assert!(stage.shows("Start 1 item"));
}

#[test]
fn the_start_dialog_and_the_options_lead_to_the_preview() {
    let mut stage = Stage::with(vec![item(1, "anna"), item(2, "bob")]);
    stage.click("Start all 2…");
    stage.click("Preview…");
    assert!(matches!(stage.only().1, Request::PreviewItem(ItemId(1), ..)));
    assert!(!stage.shows("Start 2 items") && stage.says("of 2 items"));
    stage.press(Modifiers::NONE, Key::Escape);
    stage.click("More…");
    stage.click("Project options…");
    stage.click("Preview…");
    assert!(matches!(stage.only().1, Request::PreviewItem(ItemId(1), Unsaved::Nothing, _)));
}

#[test]
fn options_that_are_typed_and_not_saved_are_previewed_and_not_lost() {
    let mut stage = Stage::with(vec![item(1, "anna"), item(2, "bob")]);
    stage.click("More…");
    stage.click("Project options…");
    stage.click("Match special-use folders by role");
    stage.type_into("Folders to skip", "(");
    stage.click("Preview…");
    assert!(stage.asked().is_empty() && stage.shows("Mend what is marked first"));
    replace(&mut stage, "Folders to skip", "(x)");
    stage.click("Preview…");
    let (request, Request::PreviewItem(ItemId(1), Unsaved::Project(options), _)) = stage.only() else {
        panic!("typed")
    };
    assert_eq!((options.roles, options.folder_filter.as_deref()), (false, Some("(x)")));
    assert!(stage.says("by the options as they were typed, which are not saved"));
    stage.answer(request, seen());
    assert!(stage.shows("4 folders to copy, 1 not there yet, 1 left out"));
    // A pass would go by other options than these.
    stage.press(Modifiers::NONE, Key::S);
    assert!(stage.says("save the options first") && !stage.shows("Start 2 items"));
    stage.click("Back to the options…");
    assert_eq!(stage.window.state().route(), Route::Project(PROJECT));
    assert!(stage.shows("Options of the project"), "with what was typed");
    stage.click("Save");
    let (_, Request::EditProject(change)) = stage.only() else { panic!("saved") };
    let options = change.edit.options.expect("options");
    assert_eq!((options.roles, options.folder_filter.as_deref()), (false, Some("(x)")));
}

#[test]
fn leaving_the_project_with_options_that_are_not_saved_says_so() {
    let mut stage = Stage::with(vec![item(1, "anna")]);
    stage.click("More…");
    stage.click("Project options…");
    stage.click("Match special-use folders by role");
    stage.click("Preview…");
    assert!(matches!(stage.only().1, Request::PreviewItem(ItemId(1), Unsaved::Project(_), _)));
    stage.click("Settings");
    assert!(stage.says("The options that were typed are not saved") && !stage.shows("Options of the project"));
}
