//! Finding one's way: keys, search, domains said once, neighbours of an item, folders and errors of a page.

use std::time::Duration;

use egui::{Key, Modifiers};
use mailferry::domain::counts::Counts;
use mailferry::domain::failure::{Cause, Failure, Retry, Scope};
use mailferry::domain::folder::FolderPath;
use mailferry::domain::ids::{FolderId, ItemId, PassId, Uid};
use mailferry::domain::item_error::ItemError;
use mailferry::domain::notice::{Notice, NoticeKind};
use mailferry::domain::pass::PassKind;
use mailferry::domain::progress::{FolderPhase, PassFolder, RetryState};
use mailferry::domain::star::Star;
use mailferry::domain::status::Status;
use mailferry::domain::wording;
use mailferry::engine::command::Command;
use mailferry::service::client::{Request, Response};
use mailferry::service::errors::StoredError;
use mailferry::service::items::{Details, FolderLine, PassLine};
use mailferry::ui::action::ACTIONS;
use mailferry::ui::route::Route;

use super::{NOW, PROJECT, Stage, item, item_in, refused_login};

#[test]
fn the_question_mark_shows_all_keys() {
    let mut stage = Stage::with(vec![item(1, "anna")]);
    stage.press(Modifiers::NONE, Key::Questionmark);
    assert!(stage.shows("Keys") && stage.shows("Select all that the filters show"));
    stage.press(Modifiers::NONE, Key::X);
    assert!(stage.asked().is_empty(), "keys do nothing below a dialog");
    stage.click("Close");
    assert!(!stage.shows("Keys"));
    stage.click("Keys (?)");
    assert!(stage.shows("Keys"));
}

#[test]
fn the_overlay_shows_each_key_of_the_table() {
    let mut stage = Stage::with(vec![item(1, "anna")]);
    stage.press(Modifiers::NONE, Key::Questionmark);
    for entry in ACTIONS.iter().filter(|entry| !entry.keys.is_empty()) {
        assert!(stage.shows(entry.text) && stage.shows(&entry.key_names()), "{:?}", entry.name);
    }
}

#[test]
fn a_key_that_is_refused_says_why() {
    let mut stage = Stage::with(vec![item_in(1, "anna", Status::Migrating)]);
    stage.click("Migrating: open anna@contoso.example");
    stage.asked();
    stage.press(Modifiers::NONE, Key::S);
    assert!(stage.says("the item is migrating") && stage.asked().is_empty() && !stage.says("Start 0"));
    stage.press(Modifiers::NONE, Key::X);
    assert!(matches!(stage.only().1, Request::Command(Command::Stop { ref items, .. }) if items == &[ItemId(1)]));
}

#[test]
fn enter_in_the_search_opens_no_item() {
    let mut stage = Stage::with(vec![item(1, "anna"), item(2, "bob")]);
    stage.press(Modifiers::NONE, Key::ArrowDown);
    stage.type_into("Search", "anna");
    stage.press(Modifiers::NONE, Key::Enter);
    assert_eq!(stage.window.state().route(), Route::Project(PROJECT));
    stage.press(Modifiers::NONE, Key::Enter);
    assert_eq!(stage.window.state().route(), Route::Item(PROJECT, ItemId(1)), "now no field has it");
}

#[test]
fn the_slash_goes_to_the_search_and_a_pasted_list_finds_its_items() {
    let mut stage = Stage::with(vec![item(1, "anna"), item(2, "bob"), item(3, "carl")]);
    stage.press(Modifiers::NONE, Key::Slash);
    {
        use egui_kittest::kittest::Queryable;
        let field = stage.window.get_by_role_and_label(egui::Role::TextInput, "Search");
        assert!(field.is_focused());
    }
    stage.type_into("Search", "bob@contoso.example; CARL@contoso.example");
    assert_eq!(stage.order(), ["bob", "carl"]);
    stage.click("Clear filters");
    stage.type_into("Search", "NN");
    assert_eq!(stage.order(), ["anna"]);
}

#[test]
fn domains_that_all_items_share_are_said_once() {
    let mut stage = Stage::with(vec![item(1, "anna"), item(2, "bob")]);
    assert!(stage.says("Source → destination"));
    let narrow = |stage: &Stage| {
        use egui_kittest::kittest::Queryable;
        stage.window.get_by_label("anna@contoso.example → anna@fabrikam.example").rect().width()
    };
    let alone = narrow(&stage);
    let mut other = item(3, "carl");
    other.destination = "carl@tailspin.example".into();
    stage.state(vec![item(1, "anna"), item(2, "bob"), other]);
    assert!(narrow(&stage) > alone * 2.0, "now each row has to say its domains");
}

#[test]
fn the_wait_for_what_was_on_its_way_is_no_failed_try() {
    let mut row = item_in(1, "anna", Status::Migrating);
    let failure = Failure::new(Cause::Settling, Scope::Connection, Retry::Backoff, "waiting");
    let side = Some(mailferry::domain::failure::Side::Destination);
    row.progress.retry =
        Some(RetryState { side, failure, attempt: 1, limit: 1, until: NOW.plus(Duration::from_secs(20)) });
    let mut stage = Stage::with(vec![row]);
    stage.click("Migrating: open anna@contoso.example");
    assert!(stage.says("Until 08:27:00 at the latest: Waiting for the destination to take in what was on its way"));
    assert!(!stage.says("try 1 of 1"));
}

#[test]
fn a_pause_says_why_at_which_server_and_until_when_and_is_ended_by_a_person_unless_the_server_named_it() {
    let hour = Duration::from_secs(3600);
    for (cause, retry, list, may) in [
        (Cause::ProviderLimit, Retry::Later, "Paused by the provider", true),
        (Cause::TooManyConnections, Retry::Backoff, "Waits for a free connection", true),
        (Cause::Throttled, Retry::After(hour), "Paused", false),
    ] {
        let mut row = item_in(1, "anna", Status::Migrating);
        let failure = Failure::new(cause, Scope::Mailbox, retry, "reading").about("imap.contoso.example:993");
        let side = Some(mailferry::domain::failure::Side::Source);
        row.progress.retry = Some(RetryState { side, failure, attempt: 0, limit: 8, until: NOW.plus(hour) });
        let mut stage = Stage::with(vec![row]);
        assert!(stage.says(&format!("Until 09:26:40 · {list} · imap.contoso.example:993")), "{cause:?}");
        stage.click("Migrating: open anna@contoso.example");
        assert!(stage.says("Retry mode until 09:26:40: "), "{cause:?}");
        assert!(stage.says("· imap.contoso.example:993"), "{cause:?}");
        assert_eq!(stage.says("Retry now"), may, "{cause:?}");
        assert!(!stage.says("of 8"), "no try is used up");
    }
}

#[test]
fn problems_are_counted_by_cause_and_shown_by_cause() {
    let failed = |id, name| {
        let mut row = item_in(id, name, Status::Failed);
        row.failure = Some(refused_login());
        row
    };
    let mut errors = item_in(3, "carl", Status::Completed);
    errors.progress.counts.errors = 2;
    let mut stage = Stage::with(vec![failed(1, "anna"), failed(2, "bob"), errors, item(4, "dora")]);
    assert!(!stage.says("checking source credentials 2"));
    stage.click("Problems 3");
    stage.click("Failed while checking source credentials 2");
    assert_eq!(stage.order(), ["anna", "bob"]);
    stage.click("Some messages not copied 1");
    assert_eq!(stage.order(), ["carl"]);
    stage.click("Some messages not copied 1");
    assert_eq!(stage.order(), ["anna", "bob", "carl"]);
    stage.click("All 4");
    assert_eq!(stage.order().len(), 4);
}

#[test]
fn nothing_can_be_started_where_everything_runs() {
    let mut stage = Stage::with(vec![item_in(1, "anna", Status::Migrating), item_in(2, "bob", Status::Submitted)]);
    stage.click("Start…");
    assert!(!stage.says("The direction is right") && stage.asked().is_empty());
    assert!(stage.shows("Full, waits for a free place"));
}

#[test]
fn an_item_leads_to_the_ones_before_and_after_it() {
    let mut stage = Stage::with(vec![item(3, "carl"), item(1, "anna"), item(2, "bob")]);
    stage.click("Not Submitted: open bob@contoso.example");
    assert!(stage.shows("2 of 3"), "in the order of the grid");
    stage.click("Next item (→)");
    assert_eq!(stage.window.state().route(), Route::Item(PROJECT, ItemId(3)));
    stage.press(Modifiers::NONE, Key::ArrowLeft);
    stage.press(Modifiers::NONE, Key::ArrowLeft);
    assert!(stage.shows("1 of 3") && stage.says("anna@contoso.example"));
    stage.press(Modifiers::NONE, Key::ArrowLeft);
    assert!(stage.shows("1 of 3"), "there is none before the first");
    stage.asked();
    stage.press(Modifiers::NONE, Key::Num2);
    let (_, ask) = stage.only();
    assert!(
        matches!(ask, Request::Command(Command::Star { ref items, star: Some(Star::Orange), .. }) if items == &[ItemId(1)])
    );
    stage.press(Modifiers::NONE, Key::Escape);
    assert_eq!(stage.window.state().route(), Route::Project(PROJECT));
    let cursor = |stage: &Stage| stage.window.state().grid(PROJECT).and_then(|grid| grid.selection.cursor);
    assert_eq!(cursor(&stage), Some(ItemId(1)), "where one was");
    stage.press(Modifiers::NONE, Key::End);
    assert_eq!(cursor(&stage), Some(ItemId(3)));
    stage.press(Modifiers::SHIFT, Key::Home);
    assert_eq!(stage.window.state().grid(PROJECT).map(|grid| grid.selection.targets.len()), Some(3));
}

#[test]
fn folders_are_found_by_name_and_by_what_is_wrong_with_them() {
    let mut stage = opened(vec![], 3);
    let rows = |stage: &Stage| ["INBOX", "Sent → Gesendet", "Archive/2019"].map(|name| stage.shows(name));
    assert_eq!(rows(&stage), [true, true, true]);
    stage.click("Differ 2");
    assert_eq!(rows(&stage), [true, false, true]);
    stage.click("Errors 1");
    assert_eq!(rows(&stage), [false, false, true]);
    stage.click("All 3");
    stage.type_into("Find folder", "gesen");
    assert_eq!(rows(&stage), [false, true, false]);
}

#[test]
fn errors_of_one_reason_are_told_once_with_their_number() {
    let refused = |uid: i64, time: &str| {
        let failure = Failure::new(Cause::TooBig, Scope::Message, Retry::Never, "appending");
        let error = ItemError {
            folder: Some(FolderPath::new(["INBOX"])),
            source: Some(Uid(uid)),
            subject: Some(format!("Plan {uid}")),
            size: Some(38_000_000),
            side: Some(mailferry::domain::failure::Side::Destination),
            ..ItemError::about(failure.saying(format!("[LIMIT] too large ({time} secs).")))
        };
        StoredError { id: uid, item: ItemId(1), error }
    };
    let errors = (1..=7).map(|uid| refused(uid, &format!("0.00{uid} + 0.000"))).collect();
    let mut stage = opened(errors, 1);
    assert!(stage.shows("7 × Too big for the destination, 266.00 MB"));
    assert!(stage.shows("[LIMIT] too large (0.001 + 0.000 secs)."), "said once, though each took another time");
    assert!(stage.shows("INBOX · \"Plan 5\" · 38.00 MB") && !stage.says("Plan 6"));
    stage.click("Show all 7");
    assert!(stage.says("Plan 6") && stage.says("Plan 7"));
}

#[test]
fn d27_an_item_that_differs_is_not_done_and_its_page_says_what_and_where() {
    let mut row = item_in(1, "anna", Status::Completed);
    row.progress.counts = Counts { source: 9, copied: 7, waiting: 2, arrived: 3, differ: 4, ..Counts::default() };
    row.progress.folders_total = 2;
    let mut done = item_in(2, "bob", Status::Completed);
    done.progress.counts = Counts { source: 9, copied: 9, ..Counts::default() };
    let mut stage = Stage::with(vec![row.clone(), done]);
    assert!(stage.shows("Done 1") && stage.shows("Problems 1"), "differences are no success");
    assert!(stage.says("1 of 2 migrated"));
    stage.click("Completed, 4 differ, 2 waiting: open anna@contoso.example");
    let (request, _) = stage.only();
    let folder = |id: i64, name: &str, counts: Counts| FolderLine {
        source: name.into(),
        destination: name.into(),
        folder: PassFolder { folder: FolderId(id), phase: FolderPhase::Done, counts },
    };
    let folders = vec![
        folder(1, "INBOX", Counts { source: 5, copied: 5, differ: 4, ..Counts::default() }),
        folder(2, "Work", Counts { source: 4, copied: 2, waiting: 2, arrived: 3, ..Counts::default() }),
    ];
    let notice = |folder: &str, kind, messages, numbers: &[i64]| Notice {
        folder: Some(FolderPath::new([folder])),
        kind,
        side: Some(mailferry::domain::failure::Side::Destination),
        messages,
        numbers: numbers.iter().copied().map(Uid).collect(),
        detail: None,
    };
    let notices = vec![
        notice("Work", NoticeKind::FlagsNotKept, 1, &[3]),
        notice("INBOX", NoticeKind::MaybeTwice, 4, &[7, 8, 9, 11]),
    ];
    let pass = PassLine {
        id: PassId(1),
        kind: PassKind::Full,
        status: Status::Completed,
        submitted: NOW,
        started: Some(NOW),
        ended: Some(NOW.plus(Duration::from_secs(90))),
        counts: row.progress.counts,
        leaves_something: row.progress.leaves_something(),
        failure: None,
    };
    let details = Details {
        item: ItemId(1),
        passes: vec![pass],
        folders,
        errors: Vec::new(),
        notices,
        own: Default::default(),
        credentials: Default::default(),
    };
    stage.answer(request, Response::Details(Box::new(details)));
    assert!(
        ["Notices", "4 messages may be there twice", "1 message without all flags"].iter().all(|it| stage.shows(it))
    );
    assert!(stage.shows("folder \"INBOX\" · 4 messages · destination numbers 7–9, 11"), "numbers that can be copied");
    for column in ["Waiting", "Differ"] {
        assert!(stage.says(column), "{column}");
    }
    assert!(stage.says("3 messages arrived during the pass"));
    assert!(stage.shows("7 of 9"), "what waits is not dealt with");
}

/// The page of an item that ended with these errors, and some folders.
pub(super) fn opened(errors: Vec<StoredError>, folders: i64) -> Stage {
    let mut row = item_in(1, "anna", Status::Completed);
    row.progress.counts = Counts { source: 9, copied: 6, errors: errors.len() as u64, ..Counts::default() };
    row.progress.folders_total = 3;
    let mut stage = Stage::with(vec![row.clone()]);
    let open = if errors.is_empty() {
        "Completed".into()
    } else {
        format!("Completed, {}", wording::errors(errors.len() as u64, 0))
    };
    stage.click(&format!("{open}: open anna@contoso.example"));
    let (request, _) = stage.only();
    let folder = |id: i64, source: &str, destination: &str, counts: Counts| FolderLine {
        source: source.into(),
        destination: destination.into(),
        folder: PassFolder { folder: FolderId(id), phase: FolderPhase::Done, counts },
    };
    let all = vec![
        folder(1, "INBOX", "INBOX", Counts { source: 4, copied: 2, ..Counts::default() }),
        folder(2, "Sent", "Gesendet", Counts { source: 3, copied: 3, ..Counts::default() }),
        folder(3, "Archive/2019", "Archive/2019", Counts { source: 2, copied: 1, errors: 1, ..Counts::default() }),
    ];
    let pass = PassLine {
        id: PassId(1),
        kind: PassKind::Full,
        status: Status::Completed,
        submitted: NOW,
        started: Some(NOW),
        ended: Some(NOW.plus(Duration::from_secs(90))),
        counts: row.progress.counts,
        leaves_something: row.progress.leaves_something(),
        failure: None,
    };
    let folders = all.into_iter().take(folders as usize).collect();
    stage.answer(
        request,
        Response::Details(Box::new(Details {
            item: ItemId(1),
            passes: vec![pass],
            folders,
            errors,
            notices: Vec::new(),
            own: Default::default(),
            credentials: Default::default(),
        })),
    );
    assert!(stage.shows("1 min"), "how long the pass took");
    stage
}

#[test]
fn the_row_under_the_pointer_is_found_again() {
    use egui_kittest::kittest::Queryable;
    let mut stage = Stage::with(vec![item(1, "anna"), item(2, "bob")]);
    let fills = |stage: &Stage| {
        let row = |rect: &egui::Rect| rect.width() > 900.0 && rect.height() < 40.0;
        let shapes = stage.window.output().shapes.iter();
        // A cell would clip what is painted in it.
        let seen = shapes.filter(|clipped| row(&clipped.clip_rect.intersect(clipped.shape.visual_bounding_rect())));
        seen.count()
    };
    let before = fills(&stage);
    stage.window.get_by_label("bob@contoso.example → bob@fabrikam.example").hover();
    stage.window.run();
    assert_eq!(fills(&stage), before + 1);
}

#[test]
fn everything_fits_the_smallest_window() {
    use egui_kittest::kittest::Queryable;
    let mut row = item_in(1, "anna.van-den-bergh", Status::Migrating);
    (row.progress.folders_done, row.progress.folders_total) = (13, 32);
    row.progress.counts = Counts { source: 20_000, copied: 12_040, bytes: 1_500_000_000, ..Counts::default() };
    let mut stage = Stage::with(vec![row, item(2, "bob")]);
    stage.window.set_size(egui::vec2(960.0, 560.0));
    stage.window.run();
    let fits = |stage: &Stage, label: &str| {
        let rect = stage.window.get_by_label(label).rect();
        rect.left() >= 0.0 && rect.right() <= 960.0
    };
    assert!(["Sort by Data", "1.50 GB", "13/32", "Import items…"].into_iter().all(|label| fits(&stage, label)));
    stage.click("Migrating: open anna.van-den-bergh@contoso.example");
    assert!(["Next item (→)", "12,040 of 20,000", "Total"].into_iter().all(|label| fits(&stage, label)));
    stage.click("All projects");
    assert!(["Sort by Data", "1.50 GB", "New project…"].into_iter().all(|label| fits(&stage, label)));
}

#[test]
fn figures_stay_near_their_names_in_a_large_window() {
    use egui_kittest::kittest::Queryable;
    let mut stage = opened(vec![], 3);
    stage.window.set_size(egui::vec2(1920.0, 1080.0));
    stage.window.run();
    let right = stage.window.get_by_label("Errors 1").rect().right();
    let left = stage.window.get_by_label("Folder Summary").rect().left();
    assert!(right - left < 910.0, "{left} {right}");
}
