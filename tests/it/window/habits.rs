//! What people run into who live in the window for days: pointer and keyboard, messages, small windows, what a mistake costs.

use std::sync::Arc;
use std::time::Duration;

use egui::{Key, Modifiers, PointerButton, Pos2, Role, ViewportCommand, pos2};
use egui_kittest::kittest::Queryable;
use mailferry::domain::counts::Counts;
use mailferry::domain::ids::{ItemId, PassId};
use mailferry::domain::pass::PassKind;
use mailferry::domain::progress::FolderPhase;
use mailferry::domain::server::Server;
use mailferry::domain::star::Star;
use mailferry::domain::status::Status;
use mailferry::engine::command::Command;
use mailferry::engine::snapshot::{ItemRow, LatestPass};
use mailferry::platform::picker::{FilePicker, Picked, Picking};
use mailferry::service::client::{NEWS, Request, Response};
use mailferry::service::items::Details;
use mailferry::service::{ServiceError, VaultError, VaultKind, WorkspaceInfo};
use mailferry::ui::route::Route;

use super::look_around::opened;
use super::{NOW, PROJECT, Stage, item, item_in, project, refused_login};

fn rect(stage: &Stage, label: &str) -> egui::Rect {
    stage.window.get_by_label(label).rect()
}

/// Presses and lets go, where the window's pointer is brought to.
fn press_at(stage: &mut Stage, pos: Pos2, button: PointerButton) {
    stage.window.event(egui::Event::PointerMoved(pos));
    for pressed in [true, false] {
        let modifiers = Modifiers::NONE;
        stage.window.event(egui::Event::PointerButton { pos, button, pressed, modifiers });
    }
    stage.window.run();
}

/// What the last frames told the system, since this was last asked.
fn told(stage: &Stage) -> Vec<ViewportCommand> {
    stage.window.output().viewport_output.values().flat_map(|output| output.commands.clone()).collect()
}

#[test]
fn a_filter_that_fits_nothing_says_so_in_the_place_of_rows() {
    let mut stage = Stage::with(vec![item(1, "anna")]);
    stage.type_into("Search", "zzzz");
    let (nothing, heading) = (rect(&stage, "No item fits the filters"), rect(&stage, "Sort by Status"));
    assert!(nothing.top() > heading.bottom() && nothing.bottom() < heading.bottom() + 60.0, "{nothing} {heading}");
}

#[test]
fn long_names_of_servers_push_nothing_out_of_the_window() {
    let mut stage = Stage::closed();
    let server = |url: &str| Server::parse_url(url).expect("an address");
    let long = mailferry::domain::project::Project {
        source: server("imaps://imap.mail.a-rather-long-name-of-a-customer.example"),
        destination: server("imaps://imap.an-equally-long-name-of-a-provider.example:1993"),
        ..project()
    };
    let mut row = item_in(1, "anna", Status::Completed);
    row.progress.counts = Counts { source: 20_000, copied: 12_040, bytes: 1_500_000_000, ..Counts::default() };
    stage.state(vec![row]);
    stage.opened(WorkspaceInfo { projects: vec![long], unlocked: true, ..WorkspaceInfo::default() });
    // As it is, and at a zoom of 130 per cent.
    for (wide, high) in [(960.0, 560.0), (738.0, 430.0)] {
        stage.window.set_size(egui::vec2(wide, high));
        stage.window.run();
        for label in ["Sort by Data", "One more at a time", "More…"] {
            let rect = rect(&stage, label);
            assert!(rect.right() <= wide && rect.left() >= 200.0, "{label} at {wide}: {rect}");
        }
    }
}

#[test]
fn buttons_say_how_many_it_will_be_and_are_not_there_for_none() {
    let mut stage = Stage::with(vec![item_in(1, "anna", Status::Migrating), item(2, "bob"), item(3, "carl")]);
    stage.press(Modifiers::COMMAND, Key::A);
    assert!(stage.shows("Start 2…") && stage.shows("Stop 1"));
    stage.press(Modifiers::NONE, Key::Escape);
    stage.click("Select anna@contoso.example");
    stage.click("Start 0…");
    assert!(!stage.says("The direction is right") && stage.asked().is_empty());
    stage.press(Modifiers::NONE, Key::S);
    assert!(stage.says("the item is migrating"), "its key says why");
}

#[test]
fn a_page_down_leaves_no_row_out() {
    let mut stage = Stage::with((0..60).map(|id| item(id, &format!("user{id:02}"))).collect());
    stage.window.set_size(egui::vec2(960.0, 560.0));
    stage.window.run();
    stage.press(Modifiers::NONE, Key::Home);
    let mut seen = stage.order();
    for _ in 0..8 {
        stage.press(Modifiers::NONE, Key::PageDown);
        seen.extend(stage.order());
    }
    for id in 0..60 {
        let name = format!("user{id:02}");
        assert!(seen.contains(&name), "{name} was never seen");
    }
}

#[test]
fn a_row_is_clicked_anywhere_opened_by_two_and_offers_what_can_be_done() {
    let mut stage = Stage::with(vec![item(1, "anna"), item_in(2, "bob", Status::Migrating)]);
    let row = rect(&stage, "bob@contoso.example → bob@fabrikam.example");
    // Where nothing stands, between the words of what is happening and the figures.
    let empty = pos2(rect(&stage, "Sort by What is happening").right() + 60.0, row.center().y);
    press_at(&mut stage, empty, PointerButton::Primary);
    assert!(stage.says("1 item selected"));
    stage.press(Modifiers::NONE, Key::Escape);
    press_at(&mut stage, empty, PointerButton::Secondary);
    assert!(stage.says("1 item selected"), "what the menu is about is seen");
    stage.click("Copy rows");
    assert!(stage.says("1 row copied"));
    let open = rect(&stage, "anna@contoso.example → anna@fabrikam.example");
    let empty = pos2(empty.x, open.center().y);
    let (button, modifiers) = (PointerButton::Primary, Modifiers::NONE);
    let press = |pressed| egui::Event::PointerButton { pos: empty, button, pressed, modifiers };
    // In one frame, as quickly as a hand does it.
    let twice = [true, false, true, false].map(press);
    stage.window.input_mut().events.extend([egui::Event::PointerMoved(empty)].into_iter().chain(twice));
    stage.window.run();
    assert_eq!(stage.window.state().route(), Route::Item(PROJECT, ItemId(1)));
}

#[test]
fn rows_are_copied_as_a_table() {
    let mut row = item_in(1, "anna", Status::Failed);
    row.failure = Some(refused_login());
    row.note = Some("=HYPERLINK(1)".into());
    let mut stage = Stage::with(vec![row, item(2, "bob")]);
    stage.press(Modifiers::COMMAND, Key::A);
    stage.window.event(egui::Event::Copy);
    let mut copied = None;
    for _ in 0..4 {
        stage.window.step();
        let commands = stage.window.output().platform_output.commands.iter();
        copied = copied.or(commands.into_iter().find_map(|command| match command {
            egui::OutputCommand::CopyText(text) => Some(text.clone()),
            _ => None,
        }));
    }
    let copied = copied.expect("rows");
    let lines: Vec<&str> = copied.lines().collect();
    assert_eq!(lines.len(), 3);
    assert!(lines[0].starts_with("Source Email\tDestination Email\tStatus"));
    assert!(lines[1].contains("anna@contoso.example\tanna@fabrikam.example\tFailed\tFailed while checking"));
    assert!(lines[1].ends_with("\t'=HYPERLINK(1)"), "no cell becomes a formula: {}", lines[1]);
}

#[test]
fn a_star_on_many_rows_is_taken_back() {
    let starred = |id, name, star| ItemRow { star, ..item(id, name) };
    let mut stage = Stage::with(vec![starred(1, "anna", Some(Star::Blue)), item(2, "bob"), item(3, "carl")]);
    stage.press(Modifiers::COMMAND, Key::A);
    stage.press(Modifiers::NONE, Key::Num1);
    assert!(stage.says("3 items got the red star"));
    stage.asked();
    stage.click("Undo");
    let stars: Vec<(Option<Star>, Vec<ItemId>)> = stage
        .asked()
        .into_iter()
        .filter_map(|(_, ask)| match ask {
            Request::Command(Command::Star { star, items, .. }) => Some((star, items)),
            _ => None,
        })
        .collect();
    assert_eq!(stars, [(Some(Star::Blue), vec![ItemId(1)]), (None, vec![ItemId(2), ItemId(3)])]);
    stage.press(Modifiers::COMMAND, Key::Z);
    assert!(stage.asked().is_empty(), "there was one change");
}

#[test]
fn a_click_beside_a_dialog_loses_nothing() {
    let mut stage = Stage::with(vec![item(1, "anna")]);
    stage.click("Import items…");
    stage.type_into("CSV file", "/lists/anna.csv");
    press_at(&mut stage, pos2(1270.0, 790.0), PointerButton::Primary);
    assert!(stage.shows("Cancel"), "it is still there");
    assert_eq!(
        stage.window.get_by_role_and_label(Role::TextInput, "CSV file").value().as_deref(),
        Some("/lists/anna.csv")
    );
    stage.press(Modifiers::NONE, Key::Escape);
    assert!(!stage.shows("Cancel"), "whoever means it has a key");
}

#[test]
fn a_wrong_passphrase_is_typed_again_at_once() {
    let mut stage = Stage::closed();
    stage.opened(WorkspaceInfo { projects: vec![project()], vault: Some(VaultKind::File), ..WorkspaceInfo::default() });
    stage.type_into("Passphrase", "wrong");
    stage.press(Modifiers::NONE, Key::Enter);
    let (request, _) = stage.only();
    stage.answer(request, Response::Refused(VaultError::WrongPassphrase.into()));
    assert!(stage.window.get_by_role_and_label(Role::PasswordInput, "Passphrase").is_focused());
}

#[test]
fn what_a_keyring_says_stands_under_its_own_choice_only() {
    let mut stage = Stage::closed();
    stage.opened(WorkspaceInfo {
        projects: vec![project()],
        proposed: Some(VaultKind::Keyring),
        vault_error: Some(ServiceError::from(VaultError::NoKeyring("none".into()))),
        ..WorkspaceInfo::default()
    });
    assert!(stage.says("no keyring that can be reached"));
    stage.click("In an encrypted file, opened by a passphrase");
    assert!(!stage.says("no keyring that can be reached"));
}

#[test]
fn a_list_of_choices_is_used_by_keyboard_alone() {
    let mut stage = Stage::closed();
    stage.opened(WorkspaceInfo { unlocked: true, ..WorkspaceInfo::default() });
    stage.click("New project…");
    let combo = |stage: &Stage| {
        let all: Vec<_> = stage.window.query_all_by_role(Role::ComboBox).collect();
        let first = all.first().expect("a list of choices");
        (first.is_focused(), first.value().unwrap_or_default())
    };
    let before = combo(&stage).1;
    stage.window.query_all_by_role(Role::ComboBox).next().expect("a list").focus();
    stage.window.run();
    stage.press(Modifiers::NONE, Key::Enter);
    let entries = |stage: &Stage| egui::Popup::is_any_open(&stage.window.ctx);
    assert!(entries(&stage));
    stage.press(Modifiers::NONE, Key::ArrowDown);
    stage.press(Modifiers::NONE, Key::Enter);
    assert!(!entries(&stage), "it closes when one is chosen");
    assert!(combo(&stage).0 && combo(&stage).1 != before, "and its button has the keyboard");
    stage.press(Modifiers::NONE, Key::Enter);
    for _ in 0..12 {
        stage.press(Modifiers::NONE, Key::Tab);
    }
    assert!(!entries(&stage), "whoever leaves it does not walk behind it");
}

/// A computer without file dialogs.
struct NoDialogs;

impl FilePicker for NoDialogs {
    fn pick(&self, _title: &str, waker: Arc<dyn Fn() + Send + Sync>) -> Picking {
        let (chosen, receiver) = std::sync::mpsc::sync_channel(1);
        chosen.send(Picked::NoDialog).expect("there is room for one");
        waker();
        receiver
    }

    fn save(&self, title: &str, _name: &str, waker: Arc<dyn Fn() + Send + Sync>) -> Picking {
        self.pick(title, waker)
    }
}

#[test]
fn browse_says_when_there_is_no_dialog() {
    let mut stage = Stage::closed_with(Box::new(NoDialogs), None);
    stage.state(vec![item(1, "anna")]);
    stage.opened(WorkspaceInfo { projects: vec![project()], unlocked: true, ..WorkspaceInfo::default() });
    stage.click("Import items…");
    stage.click("Browse…");
    assert!(stage.says("No file dialog opened on this computer: type the path"));
}

fn of_pass(id: i64, name: &str, status: Status) -> ItemRow {
    let pass =
        LatestPass { started: Some(NOW), ended: Some(NOW), ..LatestPass::submitted(PassId(id), PassKind::Full, NOW) };
    ItemRow { pass: Some(pass), ..item_in(id, name, status) }
}

#[test]
fn the_end_of_a_run_is_told_and_leads_to_what_needs_a_look() {
    let mut stage = Stage::with(vec![item_in(1, "anna", Status::Migrating), item_in(2, "bob", Status::Migrating)]);
    stage.state(vec![of_pass(1, "anna", Status::Completed), item_in(2, "bob", Status::Migrating)]);
    assert!(!stage.says("ended:"), "one still runs");
    let mut failed = of_pass(2, "bob", Status::Failed);
    failed.failure = Some(refused_login());
    stage.state(vec![of_pass(1, "anna", Status::Completed), failed]);
    assert!(stage.says("Contoso: 2 passes ended: 1 complete, 1 failed"));
    stage.clock.advance(Duration::from_secs(8 * 3600));
    stage.window.run();
    assert!(stage.says("2 passes ended"), "nobody may have looked for hours");
    stage.click("All projects");
    stage.click("See");
    assert_eq!((stage.window.state().route(), stage.order()), (Route::Project(PROJECT), vec!["bob".to_owned()]));
    assert!(!stage.says("2 passes ended"));
}

#[test]
fn what_was_done_as_wanted_goes_and_what_went_wrong_stays() {
    let mut stage = Stage::with(vec![item(1, "anna"), item(2, "bob")]);
    stage.press(Modifiers::COMMAND, Key::A);
    stage.press(Modifiers::NONE, Key::E);
    assert!(stage.says("One item is edited at a time"));
    stage.press(Modifiers::NONE, Key::Num2);
    assert!(stage.says("2 items got the orange star") && !stage.says("One item is edited at a time"));
    stage.clock.advance(Duration::from_secs(11));
    stage.window.run();
    assert!(!stage.says("2 items got the orange star") && stage.says("One item is edited at a time"));
    stage.click("Dismiss");
    assert!(!stage.shows("Dismiss"));
    stage.click("Activity");
    assert!(stage.says("2 items got the orange star"), "all of it is kept");
    stage.type_into("Find", "edited");
    assert!(!stage.says("2 items got the orange star") && stage.says("One item is edited at a time"));
    assert!(stage.copied("Copy these").contains("One item is edited"));
}

#[test]
fn the_title_tells_what_runs() {
    let mut stage = Stage::with(vec![item(1, "anna")]);
    let service = Arc::new(mailferry::engine::snapshot::Snapshot::of(90, vec![item_in(1, "anna", Status::Migrating)]));
    stage.service.snapshots.send_replace(service);
    stage.window.step();
    assert!(told(&stage).contains(&ViewportCommand::Title("1 migrating · Mailferry".into())), "{:?}", told(&stage));
}

#[test]
fn a_second_start_brings_this_window_to_the_front() {
    let mut stage = Stage::with(vec![item(1, "anna")]);
    stage.service.responses.try_send((NEWS, Response::Front)).expect("room for an answer");
    stage.window.step();
    assert!(told(&stage).contains(&ViewportCommand::Focus), "{:?}", told(&stage));
}

#[test]
fn a_folder_of_a_pass_that_ended_is_not_said_to_be_in_work() {
    use mailferry::domain::ids::FolderId;
    use mailferry::domain::progress::PassFolder;
    use mailferry::service::items::FolderLine;
    for status in [Status::Stopped, Status::Failed] {
        let mut row = item_in(1, "anna", status);
        row.progress.folders_total = 1;
        let mut stage = Stage::with(vec![row]);
        stage.click(&format!("{}: open anna@contoso.example", status.word()));
        let (request, _) = stage.only();
        let counts = Counts { source: 9, copied: 4, ..Counts::default() };
        let folder = PassFolder { folder: FolderId(1), phase: FolderPhase::Working, counts };
        let folders = vec![FolderLine { source: "INBOX".into(), destination: "INBOX".into(), folder }];
        let details = Details {
            item: ItemId(1),
            passes: Vec::new(),
            folders,
            errors: Vec::new(),
            notices: Vec::new(),
            own: Default::default(),
            credentials: Default::default(),
        };
        stage.answer(request, Response::Details(Box::new(details)));
        assert!(stage.shows("Not finished") && !stage.shows("Now"), "{status:?}");
    }
}

#[test]
fn a_large_window_shows_errors_beside_folders_and_a_small_one_below() {
    let mut stage = opened(vec![], 3);
    for (wide, beside) in [(1920.0, true), (1280.0, false)] {
        stage.window.set_size(egui::vec2(wide, 1000.0));
        stage.window.run();
        let (folders, errors) = (rect(&stage, "Folder Summary"), rect(&stage, "None in the latest pass"));
        assert_eq!(errors.left() > folders.right() + 200.0, beside, "{folders} {errors}");
        assert_eq!(errors.top() < folders.bottom() + 60.0, beside, "{folders} {errors}");
        assert!(rect(&stage, "Passes").left() < folders.left(), "they stand under Migrated Items");
    }
}

#[test]
fn the_palette_finds_what_can_be_done_here_and_does_it() {
    let mut stage = Stage::with(vec![item_in(1, "anna", Status::Migrating), item(2, "bob")]);
    stage.press(Modifiers::COMMAND, Key::K);
    assert!(stage.shows("Hold new starts") && !stage.shows("Let starts go on"), "only what can be done");
    stage.type_into("What do you want to do?", "hold STARTS");
    assert!(!stage.shows("Stop all"), "what has not these words goes");
    stage.press(Modifiers::NONE, Key::Enter);
    assert!(matches!(stage.only().1, Request::Command(Command::Hold { project: PROJECT, held: true })));
    stage.press(Modifiers::COMMAND, Key::K);
    stage.type_into("What do you want to do?", "go settings");
    stage.click("Go to Settings");
    assert_eq!(stage.window.state().route(), Route::Settings);
    stage.press(Modifiers::COMMAND, Key::K);
    stage.type_into("What do you want to do?", "contoso");
    stage.press(Modifiers::NONE, Key::Enter);
    assert_eq!(stage.window.state().route(), Route::Project(PROJECT));
}

#[test]
fn a_note_is_taken_back() {
    let mut stage = Stage::with(vec![item(1, "anna")]);
    stage.click("anna@contoso.example → anna@fabrikam.example");
    stage.press(Modifiers::NONE, Key::N);
    let (request, Request::ItemSettings(_)) = stage.only() else { panic!("its settings were to be asked") };
    stage.answer(request, Response::ItemSettings(Box::new(super::edits::settings())));
    stage.type_into("Note", "call her");
    stage.click("Save");
    let (request, _) = stage.only();
    stage.answer(request, Response::Edited);
    stage.click("Undo");
    let (_, Request::EditItem(edit)) = stage.only() else { panic!("a change") };
    assert_eq!(edit.note, mailferry::domain::edit::Change::Clear);
}
