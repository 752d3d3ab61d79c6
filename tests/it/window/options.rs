//! Options of projects and items in the window (D32): every one with its field, errors beside it, what an item has of its own.

use egui::Role;
use egui_kittest::kittest::Queryable;
use mailferry::domain::ids::ItemId;
use mailferry::domain::mapping::Mapping;
use mailferry::domain::overrides::{OptionKey, Overrides};
use mailferry::domain::project::{Options, Project};
use mailferry::service::client::{Request, Response};
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

#[test]
fn an_item_has_its_own_options_or_those_of_the_project_and_its_page_says_which() {
    let mut stage = Stage::with(vec![item(1, "anna")]);
    stage.press(egui::Modifiers::NONE, egui::Key::ArrowDown);
    stage.press(egui::Modifiers::NONE, egui::Key::Enter);
    assert_eq!(stage.window.state().route(), Route::Item(PROJECT, ItemId(1)));
    let mut own = Overrides::default();
    own.set(OptionKey::Largest, &Options { largest: Some(25_000_000), ..Options::default() });
    let details = Details {
        item: ItemId(1),
        passes: Vec::new(),
        folders: Vec::new(),
        errors: Vec::new(),
        notices: Vec::new(),
        own: own.clone(),
        credentials: Default::default(),
    };
    let (request, Request::Details(_)) = stage.only() else { panic!("its details") };
    stage.answer(request, Response::Details(Box::new(details)));
    assert!(stage.shows("Own options: largest 25.00 MB"));
    stage.click("More…");
    stage.click("Options of the item…");
    let (request, Request::ItemOptions(ItemId(1))) = stage.only() else { panic!("its options") };
    stage.answer(request, Response::ItemOptions(ItemId(1), Box::new(own)));
    assert!(stage.shows("Options of anna@contoso.example") && stage.says("as the project: none"));
    assert!(!stage.shows("Items migrating at once"), "no item's affair");
    stage.click(LARGEST);
    stage.click("Match special-use folders by role");
    stage.click("Match special-use folders by role: on");
    stage.click("Save");
    let (request, Request::SetItemOptions(ItemId(1), changes)) = stage.only() else { panic!("a change") };
    assert_eq!(changes, [(OptionKey::Roles, "off".into()), (OptionKey::Largest, "project".into())]);
    let mut own = Overrides::default();
    own.set(OptionKey::Roles, &Options { roles: false, ..Options::default() });
    stage.answer(request, Response::ItemOptions(ItemId(1), Box::new(own)));
    assert!(stage.shows("Own options: roles off") && stage.says("They count from the item's next pass on"));
}
