//! A project as a whole: another one like it, its end, how many of its items migrate at once.

use egui::{Key, Modifiers, Role};
use egui_kittest::kittest::Queryable;
use mailferry::domain::ids::ProjectId;
use mailferry::domain::project::Project;
use mailferry::domain::status::Status;
use mailferry::service::ServiceError;
use mailferry::service::client::{Request, Response};
use mailferry::store::StoreError;

use super::{PROJECT, Stage, item, item_in, project};

#[test]
fn e4_a_project_is_duplicated_under_another_name() {
    let mut stage = Stage::with(vec![item(1, "anna")]);
    stage.click("More…");
    stage.click("Duplicate project…");
    assert!(stage.says("Passwords and what was copied stay with this one"));
    let name = stage.window.get_by_role_and_label(Role::TextInput, "Name of the new project");
    assert!(name.is_focused() && name.value().as_deref() == Some("Contoso (2)"));
    stage.click("With its 1 item: addresses and login names");
    stage.click("Duplicate");
    let (request, Request::DuplicateProject(PROJECT, name, true)) = stage.only() else { panic!("an order") };
    let taken = || StoreError::NameTaken(name.clone());
    stage.answer(request, Response::Refused(ServiceError::Store(taken())));
    assert!(stage.says(&taken().to_string()) && stage.shows("Name of the new project"));
    stage.type_into("Name of the new project", "!");
    stage.press(Modifiers::NONE, Key::Enter);
    let (request, Request::DuplicateProject(PROJECT, name, true)) = stage.only() else { panic!("an order") };
    assert_eq!(name, "Contoso (2)!");
    let copy = Project { id: ProjectId(2), name, ..project() };
    stage.answer(request, Response::Made(ProjectId(2), vec![project(), copy]));
    assert!(!stage.shows("Duplicate") && stage.says("Passwords are not duplicated") && stage.shows("No items yet"));
}

#[test]
fn e4_a_project_is_deleted_when_its_name_was_typed() {
    let mut stage = Stage::with(vec![item_in(1, "anna", Status::Completed)]);
    stage.click("More…");
    stage.click("Delete project…");
    assert!(stage.says("Mail that was migrated stays where it is"));
    stage.click("Delete project");
    assert!(stage.asked().is_empty(), "its name was not typed");
    stage.type_into("Name of the project", "Contoso");
    stage.press(Modifiers::NONE, Key::Enter);
    let (request, Request::DeleteProject(PROJECT)) = stage.only() else { panic!("an order") };
    stage.answer(request, Response::ProjectDeleted(Vec::new()));
    assert!(stage.shows("No projects yet") && stage.says("Project deleted. No mail was touched"));
    // Without statistics nothing is typed; with passes that wait or run it stays.
    let mut stage = Stage::with(vec![item(1, "anna")]);
    stage.click("More…");
    stage.click("Delete project…");
    stage.click("Delete project");
    assert!(matches!(stage.only(), (_, Request::DeleteProject(PROJECT))));
    let mut stage = Stage::with(vec![item_in(1, "anna", Status::Scheduled)]);
    stage.click("More…");
    stage.click("Delete project…");
    assert!(!stage.shows("Delete project") && stage.asked().is_empty());
}

#[test]
fn e2_how_many_migrate_at_once_is_changed_where_it_is_shown() {
    let mut stage = Stage::with(vec![item_in(1, "anna", Status::Migrating)]);
    assert!(stage.shows("8 at a time"));
    stage.click("One more at a time");
    let (request, Request::EditProject(change)) = stage.only() else { panic!("an edit") };
    let options = change.edit.options.clone().expect("options");
    assert_eq!(options.concurrent, 9);
    assert!(!change.edit.is_of_servers(), "passes that run do not hinder it");
    stage.answer(request, Response::ProjectEdited(vec![Project { options, ..project() }]));
    assert!(stage.shows("9 at a time"));
    stage.click("One fewer at a time");
    let (_, Request::EditProject(change)) = stage.only() else { panic!("an edit") };
    assert_eq!(change.edit.options.map(|options| options.concurrent), Some(8));
}
