//! A hybrid project itself: made, filled with users, checked, changed, deleted, and in trouble.

use super::*;

#[test]
fn a_project_is_made_with_its_tenant_and_its_advanced_options() {
    let mut stage = Stage::with(Vec::new());
    stage.click("All projects");
    stage.click("New project…");
    stage.type_into("Name", "Hybrid");
    stage.click("Exchange on-premises to Exchange Online (preview)");
    stage.click("Create project");
    assert!(stage.says("sign-in: ") && stage.asked().is_empty(), "the name came along");
    stage.type_into("Tenant", "contoso.onmicrosoft.com");
    stage.type_into("Client id", "11112222-3333-4444-5555-666677778888");
    stage.type_into("Migration endpoint", "OnPrem");
    stage.type_into("Target delivery domain", "contoso.mail.onmicrosoft.com");
    stage.type_into("Microsoft license", "ENTERPRISEPACK");
    stage.type_into("Usage location", "de");
    stage.type_into("quota", "50GB");
    stage.click("Create project");
    assert!(stage.shows("Enter the application's client secret") && stage.asked().is_empty());
    stage.type_into("Client secret", "hush");
    stage.click("Create project");
    let (request, Request::Hybrid(HybridAsk::New(new))) = stage.only() else { panic!("a project") };
    assert_eq!((new.name.as_str(), &new.settings), ("Hybrid", &settings()));
    assert!(new.secret.is_some() && !format!("{new:?}").contains("hush"));
    stage.answer(request, Response::Refused(ServiceError::NoPool("x".into())));
    assert!(stage.says("there is no pool of licenses"), "the form says why not");
    stage.click("Create project");
    let (request, Request::Hybrid(HybridAsk::New(_))) = stage.only() else { panic!("once more") };
    told(&mut stage, request, HybridTold::Made(PROJECT, vec![view(Vec::new(), Vec::new())]));
    assert_eq!(stage.window.state().route(), Route::Hybrid(PROJECT));
    assert!(stage.shows("No users yet") && stage.shows("Import the first users…"));
}

#[test]
fn users_come_from_a_list_or_from_the_directory() {
    let mut stage = opened(&view(Vec::new(), Vec::new()));
    stage.click("Import the first users…");
    assert!(!is_enabled(&stage, "Import"), "no file is chosen");
    stage.click("Browse…");
    stage.click("Import");
    let (request, what) = asked(&mut stage);
    assert_eq!(what, OfHybrid::Import("/lists/items.csv".into()));
    let error = mailferry::domain::hybrid::users_csv::read("Name\nanna").expect_err("no column");
    stage.answer(request, Response::Refused(ServiceError::Users { file: "/lists/items.csv".into(), error }));
    assert!(stage.says("/lists/items.csv: the first line names no column \"Email Address\""));
    stage.click("Everybody in the tenant's directory who can move");
    stage.click("Import");
    let (request, what) = asked(&mut stage);
    assert_eq!(what, OfHybrid::ImportDirectory);
    told(&mut stage, request, HybridTold::Imported(UsersIn { new: 10, changed: 2, named: 12 }));
    assert!(stage.says("12 users: 10 new, 2 with another location"));
    assert!(!stage.shows("Browse…"), "the dialog is closed");
}

#[test]
fn the_check_says_of_each_line_whether_it_is_right_and_what_to_do() {
    let mut stage = opened(&busy());
    stage.press(Modifiers::NONE, Key::T);
    let (request, what) = asked(&mut stage);
    assert_eq!(what, OfHybrid::Check(None));
    assert!(stage.shows("Is the tenant ready?") && stage.shows("Looking…"));
    let lines = vec![
        CheckLine::right("the application may order moves"),
        CheckLine::wrong(
            "the migration endpoint OnPrem exists",
            "there is none",
            "Create it in the Exchange admin center",
        ),
        CheckLine::unknown("licenses of the users", "the service asked for a pause"),
    ];
    told(&mut stage, request, HybridTold::Checked(lines));
    for words in [
        "The application may order moves",
        "there is none",
        "Create it in the Exchange admin center",
        "Could not be looked at: the service asked for a pause",
        "2 of 3 lines not right",
    ] {
        assert!(stage.shows(words), "{words}");
    }
    assert!(stage.copied("Copy as text").starts_with("right    the application may order moves\nwrong "));
    stage.click("Check again");
    let (request, _) = asked(&mut stage);
    told(&mut stage, request, HybridTold::Checked(vec![CheckLine::right("all")]));
    assert!(stage.shows("All is right"));
    stage.click("Close");
    stage.click("More…");
    stage.click("Guide for administrators…");
    assert!(stage.shows("Hybrid Exchange") && stage.says("contoso.onmicrosoft.com"));
}

#[test]
fn settings_are_changed_and_an_idle_project_is_deleted() {
    let mut stage = opened(&view(Vec::new(), vec![user(1, "anna", None, MoveStatus::NotSubmitted)]));
    stage.click("More…");
    stage.click("Project settings…");
    stage.type_into("Usage location", "x");
    assert!(!is_enabled(&stage, "Save"));
    stage.press(Modifiers::COMMAND, Key::A);
    stage.type_into("Usage location", "AT");
    stage.click("Save");
    let (request, OfHybrid::Change(changed)) = asked(&mut stage) else { panic!("a change") };
    assert_eq!(*changed, HybridSettings { location: "AT".into(), ..settings() });
    told(&mut stage, request, HybridTold::Changed);
    assert!(stage.says("Changed. What is set on mailboxes is read when they are finalized"));
    stage.click("More…");
    stage.click("Delete project…");
    assert!(
        stage.says("records of 1 user and 0 batches are deleted") && stage.says("Nothing is changed in the tenant")
    );
    stage.click("Delete project");
    let (request, OfHybrid::Delete) = asked(&mut stage) else { panic!("a deletion") };
    told(&mut stage, request, HybridTold::Deleted(Vec::new()));
    assert_eq!(stage.window.state().route(), Route::Projects);
    assert!(stage.says("Project deleted. Nothing was changed in the tenant"));
}

#[test]
fn trouble_with_the_service_and_locked_passwords_are_said_above_the_users() {
    let mut all = HybridView::clone(&busy());
    all.project.trouble = Some(Trouble { text: "rights were withdrawn".into(), until: NOW.plus(MINUTE * 10) });
    let mut stage = Stage::closed();
    let (hybrid, vault) = (vec![Arc::new(all)], Some(VaultKind::File));
    stage.opened(WorkspaceInfo { hybrid, unlocked: false, vault, ..WorkspaceInfo::default() });
    stage.click("Not now");
    assert!(stage.shows("The service is not asked until 08:36: rights were withdrawn"));
    assert!(stage.shows("The passwords are locked: nothing is ordered or watched"));
    stage.click("Ask now");
    assert_eq!(asked(&mut stage).1, OfHybrid::TryNow);
    stage.press(Modifiers::NONE, Key::T);
    assert!(stage.asked().is_empty() && stage.shows("Unlock the passwords"), "the tenant is asked after that");
}
