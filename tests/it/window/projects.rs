//! The list of projects: clients, order, search, archived ones.

use egui::{Key, Modifiers, Role};
use egui_kittest::kittest::{NodeT, Queryable};
use mailferry::domain::edit::Change;
use mailferry::domain::ids::ProjectId;
use mailferry::domain::project::{Project, Starts};
use mailferry::domain::status::Status;
use mailferry::service::WorkspaceInfo;
use mailferry::service::client::{Request, Response};
use mailferry::ui::route::Route;

use super::{PROJECT, Stage, item, item_in, project};

/// A project with this number, name and client.
pub fn named(id: i64, name: &str, client: Option<&str>) -> Project {
    Project { id: ProjectId(id), name: name.into(), client: client.map(Into::into), ..project() }
}

/// A window at the list of these projects, the first of which has an item.
pub fn listed(projects: Vec<Project>) -> Stage {
    let mut stage = Stage::closed();
    stage.state(vec![item(1, "anna")]);
    stage.opened(WorkspaceInfo { projects, unlocked: true, ..WorkspaceInfo::default() });
    if !stage.shows("Sort by Items") {
        stage.click("All projects");
    }
    stage
}

/// The projects in the order in which they stand.
pub fn order(stage: &Stage) -> Vec<String> {
    let links = stage.window.query_all_by_role(Role::Link);
    let mut links: Vec<_> =
        links.map(|link| (link.rect().top(), link.accesskit_node().label().unwrap_or_default())).collect();
    links.sort_by(|a, b| a.0.total_cmp(&b.0));
    links.into_iter().map(|(_, name)| name).collect()
}

#[test]
fn a_client_is_typed_with_a_new_project_and_shown_where_one_has_it() {
    let mut stage = listed(vec![project()]);
    assert!(!stage.shows("Sort by Client"), "nobody has one");
    stage.click("New project…");
    stage.type_into("Name", "Adatum");
    stage.type_into("Client", " Adatum Ltd ");
    stage.type_into("Host of the source", "imap.adatum.example");
    stage.type_into("Host of the destination", "imap.fabrikam.example");
    stage.click("Create project");
    let (request, Request::NewProject(new)) = stage.only() else { panic!("a project") };
    assert_eq!(new.client.as_deref(), Some("Adatum Ltd"));
    stage.answer(request, Response::Made(ProjectId(2), vec![named(2, "Adatum", Some("Adatum Ltd")), project()]));
    stage.click("All projects");
    assert!(stage.shows("Sort by Client") && stage.shows("Adatum Ltd"));
}

#[test]
fn a_client_too_long_is_named_at_its_field() {
    let mut stage = listed(vec![project()]);
    stage.click("New project…");
    stage.type_into("Name", "Adatum");
    stage.type_into("Client", &"x".repeat(201));
    stage.type_into("Host of the source", "imap.adatum.example");
    stage.type_into("Host of the destination", "imap.fabrikam.example");
    stage.click("Create project");
    assert!(stage.says("A client has at most 200 characters") && stage.asked().is_empty());
}

#[test]
fn a_client_is_changed_and_taken_away_in_the_settings_of_a_project() {
    for (before, typed, change) in [
        (None, "Contoso Ltd", Change::Set("Contoso Ltd".to_owned())),
        (Some("Contoso"), " Ltd", Change::Set("Contoso Ltd".to_owned())),
    ] {
        let mut stage = listed(vec![named(1, "Contoso", before)]);
        stage.window.get_by_role_and_label(Role::Link, "Contoso").click();
        stage.window.run();
        stage.click("More…");
        stage.click("Project settings…");
        stage.type_into("Client", typed);
        stage.click("Save");
        let (_, Request::EditProject(asked)) = stage.only() else { panic!("an edit") };
        assert_eq!((asked.edit.project, &asked.edit.client, &asked.edit.name), (PROJECT, &change, &None));
    }
}

#[test]
fn clients_order_the_list_and_who_has_none_comes_last() {
    let all = [named(1, "Contoso", None), named(2, "Adatum", Some("zeta")), named(3, "Woodgrove", Some("Alpha"))];
    let mut stage = listed(all.into());
    assert_eq!(order(&stage), ["Adatum", "Contoso", "Woodgrove"]);
    stage.click("Sort by Client");
    assert_eq!(order(&stage), ["Woodgrove", "Adatum", "Contoso"]);
    stage.click("Sort by Client");
    assert_eq!(order(&stage), ["Contoso", "Adatum", "Woodgrove"]);
}

#[test]
fn a_long_list_is_searched_by_name_and_client() {
    let many = |number: i64| (1..=number).map(|id| named(id, &format!("Move {id}"), (id == 7).then_some("Tailspin")));
    assert!(!listed(many(8).collect()).shows("Search"));
    let mut stage = listed(many(9).collect());
    stage.type_into("Search", "TAIL");
    assert_eq!(order(&stage), ["Move 7"]);
    stage.type_into("Search", " move 7");
    assert_eq!(order(&stage), ["Move 7"], "each word counts");
    stage.type_into("Search", " zebra");
    assert!(order(&stage).is_empty() && stage.says("No project has these words in its name or client"));
}

#[test]
fn a_list_with_clients_fits_the_smallest_window() {
    let long = "A rather long name of a client that nobody can pronounce";
    let mut stage = listed(vec![named(1, "Contoso", Some(long)), named(2, "Adatum", None)]);
    for wide in [960.0, 1160.0, 1280.0] {
        stage.window.set_size(egui::vec2(wide, 560.0));
        stage.window.run();
        let rect = |label: &str| stage.window.get_by_label(label).rect();
        let heads = ["Sort by Name", "Sort by Client", "Sort by Source → destination", "Sort by Items", "Sort by Data"];
        for heads in heads.windows(2) {
            let (left, right) = (rect(heads[0]), rect(heads[1]));
            assert!(left.right() <= right.left(), "{heads:?} at {wide}: {left} {right}");
        }
        assert!(rect("Sort by Data").right() <= rect("More of Contoso").left(), "{wide}");
        assert!(rect("More of Contoso").right() <= wide, "{wide}");
        assert_eq!(stage.shows("Sort by Last activity"), wide > 1270.0, "{wide}");
    }
}

fn archived(project: Project) -> Project {
    Project { starts: Starts { archived: true, ..project.starts }, ..project }
}

/// Whether the panel at the left leads to the project.
fn is_at_the_left(stage: &Stage, name: &str) -> bool {
    stage.window.query_by_role_and_label(Role::Button, name).is_some()
}

#[test]
fn a_project_is_archived_from_its_row_taken_back_and_brought_back() {
    let (adatum, contoso) = (named(2, "Adatum", None), project());
    let mut stage = listed(vec![adatum.clone(), contoso.clone()]);
    assert!(!stage.says("Show archived") && is_at_the_left(&stage, "Contoso"));
    stage.click("More of Contoso");
    stage.click("Archive project");
    let (request, Request::ArchiveProject(PROJECT, true)) = stage.only() else { panic!("to be archived") };
    stage.answer(request, Response::ProjectEdited(vec![adatum.clone(), archived(contoso.clone())]));
    assert_eq!(order(&stage), ["Adatum"]);
    assert!(!is_at_the_left(&stage, "Contoso") && stage.says("\"Contoso\" is archived. Nothing was deleted"));
    stage.click("Undo");
    let (request, Request::ArchiveProject(PROJECT, false)) = stage.only() else { panic!("to be taken back") };
    stage.answer(request, Response::ProjectEdited(vec![adatum.clone(), contoso.clone()]));
    assert_eq!(order(&stage), ["Adatum", "Contoso"]);
    assert!(stage.says("The project is back"));
    stage.answer(request, Response::Projects(vec![adatum.clone(), archived(contoso.clone())]));
    stage.click("Show archived (1)");
    assert_eq!(order(&stage), ["Adatum", "Contoso"]);
    assert!(stage.shows("archived") && !is_at_the_left(&stage, "Contoso"));
    stage.click("More of Contoso");
    stage.click("Bring back");
    let (request, Request::ArchiveProject(PROJECT, false)) = stage.only() else { panic!("to be brought back") };
    stage.answer(request, Response::ProjectEdited(vec![adatum, contoso]));
    assert!(!stage.says("Show archived") && is_at_the_left(&stage, "Contoso") && stage.says("\"Contoso\" is back"));
}

#[test]
fn a_project_with_items_that_run_or_wait_is_not_archived() {
    for status in [Status::Migrating, Status::Scheduled, Status::WaitingForUser, Status::Held] {
        let mut stage = Stage::with(vec![item_in(1, "anna", status)]);
        stage.click("More…");
        stage.click("Archive project");
        assert!(stage.asked().is_empty(), "{status:?}");
        stage.press(Modifiers::NONE, Key::Escape);
        stage.click("All projects");
        stage.click("More of Contoso");
        stage.click("Archive project");
        assert!(stage.asked().is_empty(), "{status:?}");
    }
    let mut stage = Stage::with(vec![item_in(1, "anna", Status::Completed)]);
    stage.click("More…");
    stage.click("Archive project");
    let (request, Request::ArchiveProject(PROJECT, true)) = stage.only() else { panic!("to be archived") };
    stage.answer(request, Response::ProjectEdited(vec![archived(project())]));
    assert_eq!(stage.window.state().route(), Route::Projects);
    assert!(stage.says("All projects are archived") && stage.shows("Show archived (1)"));
}

#[test]
fn nothing_starts_in_an_archived_project_and_its_page_says_the_way_out() {
    let mut stage = Stage::closed();
    stage.state(vec![item(1, "anna")]);
    stage.opened(WorkspaceInfo { projects: vec![archived(project())], unlocked: true, ..WorkspaceInfo::default() });
    assert_eq!(stage.window.state().route(), Route::Projects, "the only one is not opened by itself");
    stage.click("Show archived (1)");
    stage.window.get_by_role_and_label(Role::Link, "Contoso").click();
    stage.window.run();
    assert!(stage.says("The project is archived: nothing starts in it"));
    stage.click("Start all 1…");
    assert!(stage.asked().is_empty());
    stage.click("anna@contoso.example → anna@fabrikam.example");
    stage.press(Modifiers::NONE, Key::S);
    assert!(stage.says("The project is archived: bring it back first") && stage.asked().is_empty());
    stage.window.query_all_by_label("Bring back").next().expect("a button").click();
    stage.window.run();
    assert!(matches!(stage.only(), (_, Request::ArchiveProject(PROJECT, false))));
}

#[test]
fn a_project_is_duplicated_and_deleted_from_its_row() {
    let mut stage = listed(vec![named(2, "Adatum", None), project()]);
    stage.click("More of Adatum");
    stage.click("Duplicate project…");
    stage.click("Duplicate");
    assert!(matches!(stage.only(), (_, Request::DuplicateProject(ProjectId(2), name, false)) if name == "Adatum (2)"));
    let mut stage = listed(vec![named(2, "Adatum", None), project()]);
    stage.click("More of Adatum");
    stage.click("Delete project…");
    stage.click("Delete project");
    assert!(matches!(stage.only(), (_, Request::DeleteProject(ProjectId(2)))));
}
