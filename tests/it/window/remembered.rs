//! What a window keeps of how a person has arranged it, from one look and one start to the next.

use egui::{Key, Modifiers, Role};
use egui_kittest::kittest::Queryable;
use mailferry::domain::pass::PassKind;
use mailferry::domain::star::Star;
use mailferry::domain::status::Status;
use mailferry::engine::snapshot::{ItemRow, LatestPass};
use mailferry::service::WorkspaceInfo;
use mailferry::service::client::Request;

use super::{Stage, item, item_in, project};

#[test]
fn how_the_window_looks_and_how_large_is_chosen_and_remembered() {
    let mut stage = Stage::with(vec![item(1, "anna")]);
    stage.click("Settings");
    stage.click("Light");
    super::sign_in::choose(&mut stage, "Zoom", "125 %");
    let asked = stage.everything();
    let remembered = |of: &str, as_: &str| {
        asked.iter().any(|(_, ask)| matches!(ask, Request::Remember(name, value) if name == of && value == as_))
    };
    assert!(remembered("window.theme", "light") && remembered("window.zoom", "1.25"), "{asked:?}");
    assert_eq!(stage.window.ctx.theme(), egui::Theme::Light);
    let mut stage = Stage::closed();
    let settings = [("window.zoom".to_owned(), "1.25".to_owned())].into();
    stage.opened(WorkspaceInfo { projects: vec![project()], settings, ..WorkspaceInfo::default() });
    assert!((stage.window.ctx.zoom_factor() - 1.25).abs() < 0.001);
}

#[test]
fn columns_are_hidden_and_stay_so() {
    let mut stage = Stage::with(vec![item(1, "anna")]);
    stage.click("Columns…");
    stage.click("Data");
    let asked = stage.everything();
    let hidden = asked.iter().find_map(|(_, ask)| match ask {
        Request::Remember(name, value) if name.starts_with("grid.hidden.") => Some((name.clone(), value.clone())),
        _ => None,
    });
    let hidden = hidden.unwrap_or_else(|| panic!("{asked:?}"));
    assert!(!stage.shows("Sort by Data") && stage.shows("Sort by Messages"));
    let mut stage = Stage::closed();
    stage.state(vec![item(1, "anna")]);
    stage.opened(WorkspaceInfo { projects: vec![project()], settings: [hidden].into(), ..WorkspaceInfo::default() });
    assert!(!stage.shows("Sort by Data") && stage.shows("Sort by Messages"));
    stage.click("Columns…");
    stage.click("Data");
    assert!(stage.shows("Sort by Data"));
}

#[test]
fn l3_columns_are_moved_and_that_is_taken_back() {
    let mut stage = Stage::with(vec![item(1, "anna")]);
    let at = |stage: &Stage, name: &str| stage.window.get_by_label(name).rect().left();
    assert!(at(&stage, "Sort by Messages") < at(&stage, "Sort by Data"));
    stage.click("Columns…");
    stage.click("Move Messages to the right");
    assert!(at(&stage, "Sort by Messages") > at(&stage, "Sort by Data"));
    stage.click("Data");
    assert!(!stage.shows("Sort by Data"));
    stage.press(Modifiers::NONE, Key::Escape);
    stage.press(Modifiers::COMMAND, Key::Z);
    assert!(stage.shows("Sort by Data") && at(&stage, "Sort by Messages") > at(&stage, "Sort by Data"));
    stage.press(Modifiers::COMMAND, Key::Z);
    assert!(at(&stage, "Sort by Messages") < at(&stage, "Sort by Data"));
}

#[test]
fn l3_what_is_asked_for_stands_as_parts_that_are_taken_away_alone() {
    let noted = ItemRow { note: Some("call first".into()), ..item_in(2, "bob", Status::Failed) };
    let mut stage = Stage::with(vec![item_in(1, "anna", Status::Failed), noted, item(3, "carl")]);
    stage.click("Status…");
    stage.click("Failed 2");
    assert_eq!(stage.order(), ["anna", "bob"]);
    stage.click("More filters…");
    stage.click("With a note");
    assert_eq!(stage.order(), ["bob"]);
    stage.click("Filter Failed: take away");
    assert_eq!(stage.order(), ["bob"]);
    stage.click("Filter With a note: take away");
    assert_eq!(stage.order(), ["anna", "bob", "carl"]);
    stage.click("Needs you 2");
    assert_eq!(stage.order(), ["anna", "bob"]);
}

#[test]
fn l3_the_last_result_of_each_kind_of_pass_is_shown() {
    let mut row = item_in(1, "anna", Status::Failed);
    row.pass = row.pass.map(|pass| LatestPass { kind: PassKind::Verify, ..pass });
    row.earlier_results = "c..l".parse().expect("results");
    let mut stage = Stage::with(vec![row]);
    stage.window.set_size(egui::vec2(1700.0, 800.0));
    stage.window.run();
    let words = "Verification: failed · Trial: none · Pre-Stage: none · Full: completed, something is left";
    assert!(stage.shows(words));
}

#[test]
fn a_project_that_is_half_typed_is_not_lost_by_a_look_elsewhere() {
    let mut stage = Stage::with(vec![item(1, "anna")]);
    let open = |stage: &mut Stage| {
        stage.click("All projects");
        stage.click("New project…");
    };
    open(&mut stage);
    stage.type_into("Name", "Fabrikam");
    open(&mut stage);
    let name = |stage: &Stage| stage.window.get_by_role_and_label(Role::TextInput, "Name").value().unwrap_or_default();
    assert_eq!(name(&stage), "Fabrikam");
    stage.click("Cancel");
    open(&mut stage);
    assert_eq!(name(&stage), "", "who cancels means it");
}

#[test]
fn a_filter_is_remembered_for_its_project() {
    let starred = ItemRow { star: Some(Star::Purple), ..item_in(2, "bob", Status::Migrating) };
    let rows = || vec![item_in(1, "anna", Status::Migrating), starred.clone(), item(3, "carl")];
    let mut stage = Stage::with(rows());
    stage.click("Running 2");
    stage.click("Stars…");
    stage.click("Purple star");
    assert_eq!(stage.order(), ["bob"]);
    let asked = stage.everything().into_iter();
    let kept =
        asked.filter_map(|(_, ask)| if let Request::Remember(name, value) = ask { Some((name, value)) } else { None });
    let settings: std::collections::BTreeMap<String, String> = kept.collect();
    let mut stage = Stage::closed();
    stage.state(rows());
    stage.opened(WorkspaceInfo { projects: vec![project()], settings, ..WorkspaceInfo::default() });
    assert_eq!(stage.order(), ["bob"]);
    stage.click("Clear filters");
    assert_eq!(stage.order(), ["anna", "bob", "carl"]);
}

#[test]
fn projects_are_ordered_by_a_click_on_a_heading() {
    let mut stage = Stage::closed();
    let other = mailferry::domain::project::Project {
        id: mailferry::domain::ids::ProjectId(2),
        name: "Adatum".into(),
        ..project()
    };
    stage.state(vec![item(1, "anna"), item(2, "bob")]);
    stage.opened(WorkspaceInfo { projects: vec![other, project()], unlocked: true, ..WorkspaceInfo::default() });
    let contoso_first = |stage: &Stage| {
        let top = |name: &str| stage.window.get_by_role_and_label(Role::Link, name).rect().top();
        top("Contoso") < top("Adatum")
    };
    assert!(!contoso_first(&stage));
    stage.click("Sort by Items");
    assert!(contoso_first(&stage), "the largest first");
    stage.click("Sort by Name");
    assert!(!contoso_first(&stage));
    stage.click("Sort by Name");
    assert!(contoso_first(&stage));
}
