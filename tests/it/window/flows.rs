//! What a consultant does: a project, items, order, selection, stars, start, stop, a look at a failed item.

use std::time::Duration;

use egui::{Key, Modifiers};
use egui_kittest::kittest::Queryable;
use mailferry::domain::counts::Counts;
use mailferry::domain::edit::{EditRefusal, Records};
use mailferry::domain::failure::Side;
use mailferry::domain::ids::{ItemId, PassId};
use mailferry::domain::pass::PassKind;
use mailferry::domain::progress::{FolderPhase, PassFolder, Phase};
use mailferry::domain::readiness::NotReady;
use mailferry::domain::star::Star;
use mailferry::domain::start_order::StartOrder;
use mailferry::domain::status::{Refusal, Status};
use mailferry::engine::command::{Command, Outcome};
use mailferry::engine::snapshot::LatestPass;
use mailferry::service::WorkspaceInfo;
use mailferry::service::client::{Preview, Request, Response};
use mailferry::service::import::{ImportError, ImportFrom, ImportSummary};
use mailferry::service::items::{Details, FolderLine, PassLine};
use mailferry::store::StoreError;
use mailferry::ui::route::Route;

use super::sign_in::choose;
use super::{NOW, PROJECT, Stage, item, item_in, project, refused_login};

#[test]
fn a_project_is_made_from_the_form() {
    let mut stage = Stage::closed();
    stage.opened(WorkspaceInfo::default());
    assert!(stage.shows("No projects yet"));
    stage.click("New project…");
    stage.click("Create project");
    assert!(stage.says("1 to 200 characters") && stage.asked().is_empty(), "an empty form asks nothing");
    assert!(stage.says("Enter a host, such as imap.example.com"));
    stage.type_into("Name", "Contoso");
    stage.type_into("Host of the source", "imap.contoso.example");
    stage.type_into("Host of the destination", "imap.fabrikam.example:1993");
    stage.press(Modifiers::NONE, Key::Enter);
    let (request, Request::NewProject(new)) = stage.only() else { panic!("a project was to be made") };
    assert_eq!((new.name.as_str(), new.destination.server.port()), ("Contoso", Some(1993)));
    stage.answer(request, Response::Made(PROJECT, vec![project()]));
    assert_eq!(stage.window.state().route(), Route::Project(PROJECT));
    assert!(stage.shows("No items yet"));
}

#[test]
fn a_side_of_a_project_may_be_maildirs() {
    let mut stage = Stage::closed();
    stage.opened(WorkspaceInfo::default());
    stage.click("New project…");
    stage.type_into("Name", "Backup");
    stage.type_into("Host of the source", "imap.contoso.example");
    stage.click("Maildir folders as destination");
    assert!(!stage.shows("Host of the destination"));
    stage.click("Create project");
    assert!(stage.asked().is_empty(), "a path is needed");
    stage.type_into("Path of the destination", "/srv/mail/{email}/Maildir");
    stage.click("Create project");
    let (_, Request::NewProject(new)) = stage.only() else { panic!("a project was to be made") };
    assert_eq!(new.destination.server.to_string(), "maildir:/srv/mail/{email}/Maildir");
}

#[test]
fn d13_a_list_that_changes_logins_is_asked_about() {
    let mut stage = Stage::with(vec![item_in(1, "anna", Status::Completed)]);
    stage.click("Import items…");
    assert!(stage.window.get_by_role_and_label(egui::Role::TextInput, "CSV file").is_focused());
    stage.click("Browse…");
    let (request, _) = stage.only();
    stage.answer(request, Response::Previewed(Preview { good: 1, ..Preview::default() }));
    stage.click("Import 1 item");
    let (request, Request::Import { records: None, .. }) = stage.only() else { panic!("an import") };
    let asks = EditRefusal::WhichMailboxes { items: 1, first: "anna".into(), at: vec![Side::Source] };
    stage.answer(request, Response::Refused(ImportError::Store(StoreError::Edit(asks)).into()));
    assert!(stage.says("Is it still the same mailbox at the source?"));
    stage.click("Import 1 item");
    assert!(stage.asked().is_empty(), "the question is open");
    stage.click("The same, under a new address or login: what was copied stays known");
    stage.click("Import 1 item");
    let (request, Request::Import { records: Some(Records::Keep), .. }) = stage.only() else { panic!("an import") };
    stage.answer(request, Response::Imported(ImportSummary { updated: 1, ..ImportSummary::default() }));
    assert!(stage.says("1 updated") && !stage.shows("Import 1 item"));
}

#[test]
fn items_are_imported_after_a_look_at_the_list() {
    let mut stage = Stage::with(Vec::new());
    stage.click("Import the first items…");
    stage.click("Browse…");
    let (request, Request::Preview(_, ImportFrom::File(file, _))) = stage.only() else { panic!("a look was expected") };
    assert_eq!(file, std::path::Path::new("/lists/items.csv"));
    let problems = vec!["line 3, Source Email: letters that are no UTF-8".to_owned()];
    stage.answer(
        request,
        Response::Previewed(Preview { good: 1, bad: 1, problems, encoding: "UTF-8", ..Preview::default() }),
    );
    assert!(stage.says("line 3, Source Email"));
    // What the file is, a person says; the same rows are looked at again.
    choose(&mut stage, "Read as", "windows-1252");
    let (request, Request::Preview(_, ImportFrom::File(_, Some(encoding)))) = stage.only() else { panic!("a look") };
    assert_eq!(encoding.name(), "windows-1252");
    let samples = vec!["line 3: jürgen@x → jürgen@y".to_owned()];
    let encoding = encoding.name();
    stage.answer(request, Response::Previewed(Preview { good: 2, bad: 1, encoding, samples, ..Preview::default() }));
    assert!(stage.says("jürgen@x"));
    stage.click("Import 2 items");
    let (request, Request::Import { project: PROJECT, skip_bad: true, .. }) = stage.only() else { panic!("an import") };
    stage.answer(
        request,
        Response::Imported(ImportSummary {
            created: 2,
            left: [(Status::Queued, 3)].into(),
            bad: 1,
            ..ImportSummary::default()
        }),
    );
    stage.state(vec![item(1, "anna"), item(2, "bob")]);
    assert!(stage.says("2 items imported, 3 left alone: Queued, 1 bad row left out"));
    assert_eq!(stage.order(), ["anna", "bob"]);
}

#[test]
fn a_click_on_a_heading_orders_the_items() {
    let mut rows = vec![item(1, "carl"), item(2, "anna"), item(3, "bob")];
    rows[1].progress.counts.copied = 7;
    let mut stage = Stage::with(rows);
    assert_eq!(stage.order(), ["anna", "bob", "carl"]);
    stage.click("Sort by Source → destination");
    assert_eq!(stage.order(), ["carl", "bob", "anna"]);
    stage.click("Sort by Messages");
    stage.click("Sort by Messages");
    assert_eq!(stage.order()[0], "anna");
}

#[test]
fn r55_a_click_on_the_star_chooses_a_colour() {
    let mut stage = Stage::with(vec![item(1, "anna"), item(2, "bob")]);
    stage.click("Star of bob@contoso.example: none");
    stage.click("Green star");
    let (_, ask) = stage.only();
    assert!(
        matches!(ask, Request::Command(Command::Star { ref items, star: Some(Star::Green), .. }) if items == &[ItemId(2)])
    );
}

#[test]
fn r54_six_colours_and_one_uncoloured_at_the_far_left() {
    let mut stage = Stage::with(vec![item(1, "anna")]);
    stage.click("Star of anna@contoso.example: none");
    let names = ["No star", "Red star", "Orange star", "Yellow star", "Green star", "Blue star", "Purple star"];
    let left = |name: &str| {
        use egui_kittest::kittest::Queryable;
        stage.window.get_by_label(name).rect().left()
    };
    assert!(names.map(left).is_sorted());
}

#[test]
fn r56_r58_r59_the_header_star_acts_on_everything_selected() {
    let mut rows = vec![item(1, "anna"), item(2, "bob"), item(3, "carl")];
    rows[0].star = Some(Star::Red);
    let mut stage = Stage::with(rows);
    stage.click("Star of the selected items");
    assert!(stage.shows("Select items first"));
    stage.press(Modifiers::NONE, Key::Escape);
    stage.click("Select all shown items");
    stage.click("Star of the selected items");
    stage.click("Blue star");
    let (_, ask) = stage.only();
    assert!(
        matches!(ask, Request::Command(Command::Star { ref items, star: Some(Star::Blue), .. }) if items.len() == 3)
    );
    stage.click("Star of the selected items");
    stage.click("No star");
    let (_, ask) = stage.only();
    assert!(matches!(ask, Request::Command(Command::Star { ref items, star: None, .. }) if items.len() == 3));
}

#[test]
fn r57_the_filter_of_stars_hides_and_restores() {
    let mut rows = vec![item(1, "anna"), item(2, "bob")];
    rows[0].star = Some(Star::Red);
    let mut stage = Stage::with(rows);
    stage.click("Stars…");
    stage.click("Red star");
    assert_eq!(stage.order(), ["anna"]);
    assert!(stage.says("showing 1 of 2"));
    stage.click("Red star");
    assert_eq!(stage.order(), ["anna", "bob"]);
}

#[test]
fn keys_move_select_and_star() {
    let mut stage = Stage::with(vec![item(1, "anna"), item(2, "bob"), item(3, "carl")]);
    stage.press(Modifiers::NONE, Key::ArrowDown);
    stage.press(Modifiers::NONE, Key::Space);
    stage.press(Modifiers::SHIFT, Key::ArrowDown);
    let selected = |stage: &Stage| stage.window.state().grid(PROJECT).map(|grid| grid.selection.targets.len());
    assert_eq!(selected(&stage), Some(2));
    stage.press(Modifiers::COMMAND, Key::A);
    assert_eq!(selected(&stage), Some(3));
    stage.press(Modifiers::NONE, Key::Num1);
    let (_, ask) = stage.only();
    assert!(
        matches!(ask, Request::Command(Command::Star { ref items, star: Some(Star::Red), .. }) if items.len() == 3)
    );
    stage.press(Modifiers::NONE, Key::Escape);
    assert_eq!(selected(&stage), Some(0));
    stage.press(Modifiers::NONE, Key::Enter);
    assert!(matches!(stage.window.state().route(), Route::Item(PROJECT, _)));
}

#[test]
fn the_first_copy_asks_for_its_direction() {
    let mut stage = Stage::with(vec![item(1, "anna"), item_in(2, "bob", Status::Migrating)]);
    stage.click("Start 1 of 2…");
    let direction =
        "Copy FROM imap.contoso.example:993 (contoso.example) INTO imap.fabrikam.example:993 (fabrikam.example)";
    assert!(stage.says(direction));
    assert!(stage.says("1 left alone: the item is migrating"));
    stage.click("Start 1");
    assert!(stage.asked().is_empty(), "not before the direction is confirmed");
    stage.click("The direction is right");
    stage.click("Start 1");
    let (request, ask) = stage.only();
    assert!(matches!(ask, Request::Start(ref start) if start.items == [ItemId(1)] && start.confirms
            && start.order == StartOrder::now(PassKind::Full)));
    let left = vec![(ItemId(1), NotReady::NoAdministrator(vec![Side::Source]).into())];
    stage.answer(request, Response::Done(Outcome { left, ..Outcome::default() }));
    assert!(stage.says("1 left alone: the administrator's password for the source is not known"));
    stage.click("Start 1 of 2…");
    assert!(!stage.says("The direction is right"), "asked once");
}

#[test]
fn a_verification_needs_no_direction() {
    let mut stage = Stage::with(vec![item(1, "anna")]);
    stage.click("Start all 1…");
    stage.click("Verify Credentials");
    stage.click("Start 1");
    assert!(matches!(stage.only().1, Request::Start(start) if start.order == StartOrder::now(PassKind::Verify)));
}

#[test]
fn r05_a_refused_stop_says_why_and_what_to_do() {
    let mut stage = Stage::with(vec![item_in(1, "anna", Status::Submitted), item_in(2, "bob", Status::Migrating)]);
    let refusal = Refusal::SubmittedCannotBeStopped;
    stage.click("Select anna@contoso.example");
    stage.click("Stop 0");
    assert!(stage.asked().is_empty(), "it says how many it would stop, and cannot be pressed");
    stage.press(Modifiers::NONE, Key::X);
    assert!(stage.says(&refusal.to_string()) && stage.asked().is_empty());
    stage.click("Select bob@contoso.example");
    stage.click("Stop 1");
    let (request, ask) = stage.only();
    assert!(matches!(ask, Request::Command(Command::Stop { ref items, .. }) if items.len() == 2));
    let left = vec![(ItemId(1), refusal.into())];
    stage.answer(request, Response::Done(Outcome { left, ..Outcome::default() }));
    assert!(stage.says(&format!("1 left alone: {refusal}")));
}

#[test]
fn r26_r45_r50_a_click_on_failed_opens_the_error() {
    let mut row = item_in(1, "anna", Status::Failed);
    row.failure = Some(refused_login());
    row.pass = row.pass.map(|pass| LatestPass { ended: Some(NOW), ..pass });
    let mut stage = Stage::with(vec![row.clone()]);
    stage.click("Failed: open anna@contoso.example");
    assert!(stage.shows("Failed while checking source credentials"));
    assert!(stage.says("imap.contoso.example refused the login of anna@contoso.example"));
    assert!(stage.shows("[AUTHENTICATIONFAILED] no"));
    let (request, Request::Details(ItemId(1))) = stage.only() else { panic!("the details were to be asked for") };
    let pass = PassLine {
        id: PassId(1),
        kind: PassKind::Full,
        status: Status::Failed,
        submitted: NOW,
        started: Some(NOW),
        ended: Some(NOW),
        counts: Counts::default(),
        leaves_something: false,
        failure: row.failure,
    };
    let details = Details {
        item: ItemId(1),
        passes: vec![pass],
        folders: Vec::new(),
        errors: Vec::new(),
        notices: Vec::new(),
        own: Default::default(),
        credentials: Default::default(),
    };
    stage.answer(request, Response::Details(Box::new(details)));
    assert!(stage.shows("1 Full"));
}

#[test]
fn r18_r19_the_item_page_counts_while_it_migrates() {
    let mut row = item_in(1, "anna", Status::Migrating);
    row.progress.counts = Counts { source: 12, copied: 4, ..Counts::default() };
    (row.progress.folders_done, row.progress.folders_total) = (1, 3);
    row.progress.current = Some(mailferry::domain::folder::FolderPath::new(["INBOX", "2019"]));
    let mut stage = Stage::with(vec![row.clone()]);
    stage.click("Migrating: open anna@contoso.example");
    assert!(stage.shows("1 of 3 done, now INBOX/2019"));
    let (request, _) = stage.only();
    let folder = PassFolder {
        folder: mailferry::domain::ids::FolderId(1),
        phase: FolderPhase::Working,
        counts: row.progress.counts,
    };
    let line = FolderLine { source: "INBOX/2019".into(), destination: "2019".into(), folder };
    let details = Details {
        item: ItemId(1),
        passes: Vec::new(),
        folders: vec![line],
        errors: Vec::new(),
        notices: Vec::new(),
        own: Default::default(),
        credentials: Default::default(),
    };
    stage.answer(request, Response::Details(Box::new(details)));
    assert!(stage.shows("INBOX/2019 → 2019"));
    (row.progress.counts.copied, row.progress.counts.already_there, row.earlier.messages) = (1204, 96, 500);
    stage.state(vec![row]);
    assert!(["1,204", "1,300", "1,704"].iter().all(|figure| stage.shows(figure)), "copied, in all, over all passes");
    assert!(stage.asked().is_empty(), "details are asked for once a second at most");
    stage.clock.advance(Duration::from_secs(1));
    stage.window.step();
    assert!(matches!(stage.only().1, Request::Details(ItemId(1))));
}

#[test]
fn keys_do_not_act_on_a_row_that_the_filter_hides() {
    let mut stage = Stage::with(vec![item_in(1, "anna", Status::Migrating), item(2, "bob")]);
    stage.press(Modifiers::NONE, Key::ArrowDown);
    stage.press(Modifiers::NONE, Key::Num1);
    assert!(matches!(stage.only().1, Request::Command(Command::Star { ref items, .. }) if items == &[ItemId(1)]));
    stage.click("Not started 1");
    for key in [Key::X, Key::S, Key::Num1, Key::Space, Key::Enter] {
        stage.press(Modifiers::NONE, key);
    }
    assert!(stage.asked().is_empty() && stage.window.state().route() == Route::Project(PROJECT));
    assert!(!stage.shows("Start 1 item"));
}

#[test]
fn r49_data_and_messages_stand_beside_what_is_new_and_under_way() {
    use mailferry::domain::figures::{AtSource, Moved};
    let mut row = item_in(1, "anna", Status::Migrating);
    row.earlier = Moved { messages: 1_192, bytes: 1_000_000 };
    row.progress.counts = Counts { source: 1_733, copied: 12, bytes: 50_000, ..Counts::default() };
    row.progress.at_source = Some(AtSource { folders: 3, messages: 1_733, bytes: Some(2_000_000) });
    row.progress.in_flight = 6_000_000;
    row.progress.phase = Phase::Copying;
    (row.progress.folders_done, row.progress.folders_total) = (1, 3);
    let mut refused = item_in(2, "bob", Status::Completed);
    refused.progress.counts = Counts { source: 135, copied: 133, errors: 2, ..Counts::default() };
    refused.progress.at_source = Some(AtSource { folders: 1, messages: 135, bytes: Some(0) });
    let failed = item_in(3, "carl", Status::Failed);
    let mut stage = Stage::with(vec![row.clone(), refused, failed]);
    assert!(
        stage.shows("1 of 3 migrated, 1 with errors, 1 failed · 1.05 MB + 6.00 MB under way"),
        "carl is not counted"
    );
    assert!(stage.shows("1,204 of 1,733") && stage.shows("133 of 135") && stage.shows("1.05 MB"));
    assert!(stage.says("+12 new · + 6.00 MB under way"));
    stage.click("Migrating: open anna@contoso.example");
    assert!(stage.shows("1,204 of 1,733 · +12 new"));
    assert!(stage.shows("1.05 MB of 2.00 MB + 6.00 MB under way"));
}
