//! Corrections by a consultant: an item's dialog, a project's settings, what is deleted or reset.

use egui::{Key, Modifiers, Role};
use egui_kittest::kittest::Queryable;
use mailferry::domain::edit::{Change, EditRefusal, Records};
use mailferry::domain::failure::Side;
use mailferry::domain::ids::{CredentialId, ItemId};
use mailferry::domain::item::{Item, Mailbox};
use mailferry::domain::status::{Refusal, Status};
use mailferry::engine::command::Outcome;
use mailferry::engine::snapshot::ItemRow;
use mailferry::service::ServiceError;
use mailferry::service::client::{Request, Response};
use mailferry::service::edit::{ItemSettings, PasswordState};
use mailferry::store::StoreError;

use super::{NOW, PROJECT, Stage, item, item_in, project, refused_login};

pub(super) fn settings() -> ItemSettings {
    let mailbox =
        |domain: &str, credential| Mailbox { email: format!("anna@{domain}.example"), login: None, credential };
    let (source, destination) = (mailbox("contoso", Some(CredentialId(1))), mailbox("fabrikam", None));
    let known = PasswordState::Known { since: NOW, giver: "import".into() };
    let item = Item { id: ItemId(1), project: PROJECT, source, destination };
    ItemSettings { item, note: None, contact: None, passwords: [known, PasswordState::Missing] }
}

/// The only item, with its dialog open.
fn editing(row: ItemRow) -> Stage {
    let mut stage = Stage::with(vec![row]);
    stage.click("anna@contoso.example → anna@fabrikam.example");
    stage.press(Modifiers::NONE, Key::E);
    let (request, Request::ItemSettings(ItemId(1))) = stage.only() else { panic!("its settings were to be asked") };
    stage.answer(request, Response::ItemSettings(Box::new(settings())));
    stage
}

#[test]
fn r24_a_stopped_item_is_changed_in_its_dialog() {
    let mut stage = editing(item_in(1, "anna", Status::Stopped));
    assert!(stage.says("Set, from the import, since") && stage.shows("Edit anna@contoso.example"));
    stage.click("Save");
    assert!(stage.asked().is_empty(), "nothing was changed yet");
    stage.type_into("Login name at the source", "boss");
    stage.type_into("Password at the destination", "secret");
    stage.type_into("Note", "VIP");
    stage.click("Save");
    let (request, Request::EditItem(edit)) = stage.only() else { panic!("an edit") };
    assert_eq!((&edit.source.login, &edit.note), (&Change::Set("boss".into()), &Change::Set("VIP".into())));
    assert!(edit.source.password.is_leave() && matches!(edit.destination.password, Change::Set(_)));
    let asks = StoreError::Edit(EditRefusal::WhichMailbox(vec![Side::Source]));
    stage.answer(request, Response::Refused(ServiceError::Store(asks)));
    assert!(stage.shows("Is it still the same mailbox at the source?"));
    stage.click("Save");
    assert!(stage.asked().is_empty(), "the question is open");
    stage.click("Another one: forget what was copied, and copy everything again");
    stage.click("Save");
    let (request, Request::EditItem(edit)) = stage.only() else { panic!("an edit") };
    assert_eq!(edit.records, Some(Records::Reset));
    stage.answer(request, Response::Edited);
    assert!(!stage.shows("Edit anna@contoso.example") && stage.says("Changed"));
}

#[test]
fn a_note_is_seen_in_the_list_and_on_the_page_and_changed_by_its_key() {
    let noted = ItemRow { note: Some("VIP, call before cut-over".into()), ..item_in(1, "anna", Status::Stopped) };
    let mut stage = Stage::with(vec![noted, item(2, "bob")]);
    assert!(stage.shows("Note of anna@contoso.example: VIP, call before cut-over") && !stage.says("Note of bob"));
    stage.click("Note of anna@contoso.example: VIP, call before cut-over");
    assert!(matches!(stage.only().1, Request::ItemSettings(ItemId(1))));
    stage.press(Modifiers::NONE, Key::ArrowDown);
    stage.press(Modifiers::NONE, Key::N);
    let (request, Request::ItemSettings(ItemId(1))) = stage.only() else { panic!("its settings were to be asked") };
    stage.answer(request, Response::ItemSettings(Box::new(settings())));
    assert!(stage.window.get_by_role_and_label(Role::TextInput, "Note").is_focused());
    stage.window.get_by_role_and_label(Role::TextInput, "Note").type_text("on leave");
    stage.window.run();
    stage.click("Save");
    let (request, Request::EditItem(edit)) = stage.only() else { panic!("an edit") };
    assert_eq!(edit.note, Change::Set("on leave".into()));
    stage.answer(request, Response::Edited);
    stage.click("Stopped: open anna@contoso.example");
    assert!(stage.shows("Note: VIP, call before cut-over"));
    stage.asked();
    stage.click("More…");
    stage.click("Note…");
    assert!(matches!(stage.only().1, Request::ItemSettings(ItemId(1))));
}

#[test]
fn an_edit_that_is_refused_says_why_and_keeps_what_was_typed() {
    let mut stage = editing(item(1, "anna"));
    stage.type_into("Note", "VIP");
    stage.click("Save");
    let (request, _) = stage.only();
    let queued = StoreError::Edit(EditRefusal::Status(Refusal::Queued));
    stage.answer(request, Response::Refused(ServiceError::Store(queued)));
    assert!(stage.says("the item is queued") && stage.shows("Edit anna@contoso.example"));
    stage.click("Forget the password at the source");
    stage.click("Save");
    let (_, Request::EditItem(edit)) = stage.only() else { panic!("an edit") };
    assert_eq!((&edit.note, &edit.source.password), (&Change::Set("VIP".into()), &Change::Clear));
}

#[test]
fn r13_an_item_that_waits_for_its_user_opens_no_dialog() {
    let mut stage = Stage::with(vec![item_in(1, "anna", Status::WaitingForUser)]);
    stage.click("anna@contoso.example → anna@fabrikam.example");
    stage.press(Modifiers::NONE, Key::E);
    assert!(stage.asked().is_empty() && stage.says("stop it first"));
}

#[test]
fn r42_many_items_are_deleted_only_when_their_number_was_typed() {
    let mut rows: Vec<ItemRow> = (1..=22).map(|id| item_in(id, &format!("user{id}"), Status::Stopped)).collect();
    rows[0].status = Status::WaitingForUser;
    let mut stage = Stage::with(rows);
    stage.press(Modifiers::COMMAND, Key::A);
    stage.click("More…");
    stage.click("Delete…");
    assert!(stage.says("Mail that was migrated stays where it is") && stage.says("1 left alone"));
    stage.click("Delete 21 items");
    assert!(stage.asked().is_empty());
    stage.type_into("Number of items", "21");
    stage.click("Delete 21 items");
    let (request, Request::Delete(PROJECT, items)) = stage.only() else { panic!("a deletion") };
    assert_eq!(items.len(), 21);
    stage.answer(request, Response::Done(Outcome { done: items, ..Outcome::default() }));
    assert!(stage.says("21 items deleted. No mail was touched"));
    stage.state(vec![item_in(1, "user1", Status::WaitingForUser)]);
    assert!(!stage.says("hidden by the filter"), "what was deleted is selected no more");
}

#[test]
fn r40_credentials_are_cleared_of_the_sides_that_are_ticked_the_refused_one_beforehand() {
    let refused = ItemRow { failure: Some(refused_login()), ..item_in(1, "anna", Status::Failed) };
    let mut stage = Stage::with(vec![refused, item_in(2, "bob", Status::Migrating)]);
    stage.press(Modifiers::COMMAND, Key::A);
    stage.click("More…");
    stage.click("Clear credentials…");
    assert!(stage.says("1 left alone") && stage.says("Start then asks for what is missing"));
    stage.click("Clear Destination Credentials");
    stage.click("Clear credentials of 1 item");
    let (request, Request::ClearCredentials(PROJECT, items, sides)) = stage.only() else { panic!("an order") };
    assert_eq!((items.as_slice(), sides.as_slice()), (&[ItemId(1)][..], &[Side::Source, Side::Destination][..]));
    stage.answer(request, Response::Done(Outcome { done: items, ..Outcome::default() }));
    assert!(stage.says("1 item without these credentials now"));
    // Nothing is ticked where nothing was refused.
    let mut stage = Stage::with(vec![item_in(1, "anna", Status::Stopped)]);
    stage.click("anna@contoso.example → anna@fabrikam.example");
    stage.press(Modifiers::NONE, Key::Enter);
    stage.asked();
    stage.click("More…");
    stage.click("Clear credentials…");
    stage.click("Clear credentials of 1 item");
    assert!(stage.asked().is_empty());
}

#[test]
fn a_reset_says_what_comes_again() {
    let mut stage = Stage::with(vec![item_in(1, "anna", Status::Completed)]);
    stage.click("anna@contoso.example → anna@fabrikam.example");
    stage.press(Modifiers::NONE, Key::Enter);
    stage.asked();
    stage.click("More…");
    stage.click("Reset…");
    assert!(stage.says("will be copied again"));
    stage.click("Reset 1 item");
    let asked = stage.asked();
    assert!(asked.iter().any(|(_, ask)| matches!(ask, Request::Reset(PROJECT, items) if items == &[ItemId(1)])));
}

#[test]
fn a_projects_settings_change_what_runs_at_once_and_its_servers_at_rest() {
    let mut stage = Stage::with(vec![item_in(1, "anna", Status::Stopped)]);
    stage.click("More…");
    stage.click("Project settings…");
    stage.click("Save");
    assert!(stage.says("Nothing was changed") && stage.asked().is_empty());
    stage.type_into("Name", " 2");
    stage.type_into("Items migrating at once", "0");
    stage.click("Save");
    let (request, Request::EditProject(change)) = stage.only() else { panic!("an edit") };
    let concurrent = change.edit.options.map(|options| options.concurrent);
    assert_eq!((change.edit.name.as_deref(), concurrent), (Some("Contoso 2"), Some(80)));
    assert!(change.edit.source.server.is_none() && change.edit.destination.server.is_none());
    let mut renamed = project();
    renamed.name = "Contoso 2".into();
    stage.answer(request, Response::ProjectEdited(vec![renamed]));
    assert!(stage.shows("Contoso 2") && !stage.shows("Items migrating at once"));
    stage.state(vec![item_in(1, "anna", Status::Migrating)]);
    stage.click("More…");
    stage.click("Project settings…");
    assert!(stage.says("when no item is Queued, Migrating or Stopping"));
}
