//! Options of projects and items in the window (D32): every one with its field, errors beside it, what an item has of its own.

use egui::Role;
use egui_kittest::kittest::Queryable;
use mailferry::domain::ids::ItemId;
use mailferry::domain::mapping::Mapping;
use mailferry::domain::overrides::{OptionKey, Overrides};
use mailferry::domain::project::{Options, Project};
use mailferry::service::client::{NEWS, News, Request, Response};
use mailferry::service::items::Details;
use mailferry::ui::route::Route;

use super::{PROJECT, Stage, item, project};

const LARGEST: &str = "Skip messages larger than this";

pub(super) fn replace(stage: &mut Stage, label: &str, text: &str) {
    stage.window.get_by_role_and_label(Role::TextInput, label).focus();
    stage.window.run();
    stage.press(egui::Modifiers::COMMAND, egui::Key::A);
    stage.type_into(label, text);
}

fn options_of_project() -> Stage {
    let mut stage = Stage::with(vec![item(1, "anna"), item(2, "bob")]);
    stage.click("More…");
    stage.click("Project options…");
    stage
}

#[test]
fn every_option_of_a_project_has_its_field_and_is_saved() {
    let mut stage = options_of_project();
    assert!(stage.says("counts from each item's next pass on"));
    for words in ["Items migrating at once", LARGEST, "The most data a second", "Folders to skip", "Folder mapping"] {
        assert!(stage.shows(words), "{words}");
    }
    for words in ["Match special-use folders by role", "Carry flag changes on later passes"] {
        stage.window.get_by_role_and_label(Role::CheckBox, words);
    }
    assert!(stage.says("25 MB; none · default none"));
    replace(&mut stage, LARGEST, "25 MB");
    stage.type_into("Folder mapping", "^A->B\n^C->D");
    stage.click("Match special-use folders by role");
    stage.click("Save");
    let (request, Request::EditProject(change)) = stage.only() else { panic!("a change") };
    let options = change.edit.options.expect("options");
    assert_eq!((options.largest, options.roles), (Some(25_000_000), false));
    assert_eq!(options.mapping, [Mapping("^A->B".into()), Mapping("^C->D".into())]);
    let rest = Options { largest: None, roles: true, mapping: Vec::new(), ..options.clone() };
    assert_eq!(rest, Options::default(), "nothing else changes");
    stage.answer(request, Response::ProjectEdited(vec![Project { options, ..project() }]));
    assert!(stage.says("They count from each item's next pass on") && !stage.shows("Folder mapping"));
}

#[test]
fn what_cannot_be_set_is_said_beside_its_field_and_nothing_is_asked() {
    let mut stage = options_of_project();
    replace(&mut stage, LARGEST, "25 apples");
    replace(&mut stage, "Folders to skip", "(");
    stage.click("Save");
    assert!(stage.asked().is_empty());
    assert!(stage.says("Largest is a size, such as 25 MB, or none, not \"25 apples\""));
    assert!(stage.says("The folder filter") && stage.shows("Mend what is marked first"));
    replace(&mut stage, LARGEST, "25 MB");
    replace(&mut stage, "Folders to skip", "^Junk$");
    assert!(!stage.says("apples") && !stage.shows("Mend what is marked first"), "it is mended");
    stage.click("Save");
    assert!(matches!(stage.only().1, Request::EditProject(_)));
}

/// The page of the only item, with these options of its own.
fn item_page(own: &Overrides) -> Stage {
    let mut stage = Stage::with(vec![item(1, "anna")]);
    stage.press(egui::Modifiers::NONE, egui::Key::ArrowDown);
    stage.press(egui::Modifiers::NONE, egui::Key::Enter);
    assert_eq!(stage.window.state().route(), Route::Item(PROJECT, ItemId(1)));
    let (request, Request::Details(_)) = stage.only() else { panic!("its details") };
    stage.answer(request, details(own));
    stage
}

fn details(own: &Overrides) -> Response {
    let (passes, folders, errors, notices, credentials) = Default::default();
    let own = own.clone();
    Response::Details(Box::new(Details { item: ItemId(1), passes, folders, errors, notices, own, credentials }))
}

fn own(key: OptionKey, values: Options) -> Overrides {
    let mut own = Overrides::default();
    own.set(key, &values);
    own
}

#[test]
fn d32_what_another_process_sets_for_an_item_shows_by_itself() {
    let mut stage = item_page(&Overrides::default());
    let news =
        |options| News { projects: vec![Project { options, ..project() }], pools: Vec::new(), settings: Vec::new() };
    let large = own(OptionKey::Largest, Options { largest: Some(25_000_000), ..Options::default() });
    stage.answer(NEWS, Response::News(news(Options::default())));
    let (request, Request::Details(ItemId(1))) = stage.only() else { panic!("its details again") };
    stage.answer(request, details(&large));
    assert!(stage.shows("Own options: largest 25.00 MB"));

    // Its dialog follows too, but for what was typed into it.
    stage.click("More…");
    stage.click("Options of the item…");
    let (request, Request::ItemOptions(_)) = stage.only() else { panic!("its options") };
    stage.answer(request, Response::ItemOptions(ItemId(1), Box::new(large)));
    stage.click("Match special-use folders by role");
    stage.click("Match special-use folders by role: on");
    let other = own(OptionKey::RetryLimit, Options { retry_limit: 3, ..Options::default() });
    stage.answer(NEWS, Response::News(news(Options { maximum_errors: 7, ..Options::default() })));
    let asked = stage.asked();
    let options = asked.iter().find(|(_, ask)| matches!(ask, Request::ItemOptions(ItemId(1)))).expect("its options");
    stage.answer(options.0, Response::ItemOptions(ItemId(1), Box::new(other)));
    assert!(stage.says("as the project: 7"), "what its project says now");
    stage.click("Save");
    let saved = stage.asked();
    let changes = saved.into_iter().find_map(|(_, ask)| match ask {
        Request::SetItemOptions(_, changes) => Some(changes),
        _ => None,
    });
    assert_eq!(changes, Some(vec![(OptionKey::Roles, "off".into())]), "what the other process set stays");
}

#[test]
fn d32_the_dialog_of_a_project_undoes_nothing_that_another_process_sets_meanwhile() {
    let mut stage = options_of_project();
    replace(&mut stage, LARGEST, "25 MB");
    let options = Options { retry_limit: 3, ..Options::default() };
    let news = News { projects: vec![Project { options, ..project() }], pools: Vec::new(), settings: Vec::new() };
    stage.answer(NEWS, Response::News(news));
    stage.click("Save");
    let (_, Request::EditProject(change)) = stage.only() else { panic!("a change") };
    let options = change.edit.options.expect("options");
    assert_eq!((options.retry_limit, options.largest), (3, Some(25_000_000)));
}

#[test]
fn an_item_has_its_own_options_or_those_of_the_project_and_its_page_says_which() {
    let large = own(OptionKey::Largest, Options { largest: Some(25_000_000), ..Options::default() });
    let mut stage = item_page(&large);
    assert!(stage.shows("Own options: largest 25.00 MB"));
    stage.click("More…");
    stage.click("Options of the item…");
    let (request, Request::ItemOptions(ItemId(1))) = stage.only() else { panic!("its options") };
    stage.answer(request, Response::ItemOptions(ItemId(1), Box::new(large)));
    assert!(stage.shows("Options of anna@contoso.example") && stage.says("as the project: none"));
    assert!(!stage.shows("Items migrating at once"), "no item's affair");
    stage.click(LARGEST);
    stage.click("Match special-use folders by role");
    stage.click("Match special-use folders by role: on");
    stage.click("Save");
    let (request, Request::SetItemOptions(ItemId(1), changes)) = stage.only() else { panic!("a change") };
    assert_eq!(changes, [(OptionKey::Roles, "off".into()), (OptionKey::Largest, "project".into())]);
    let roles = own(OptionKey::Roles, Options { roles: false, ..Options::default() });
    stage.answer(request, Response::ItemOptions(ItemId(1), Box::new(roles)));
    assert!(stage.shows("Own options: roles off") && stage.says("They count from the item's next pass on"));
}
