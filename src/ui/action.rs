//! Every action of the window, in one table: buttons, menus, keys and the overlay that names them are made from it.
//!
//! An entry says what it is called, where it belongs, when it can be done and which keys do it. What is chosen or typed on a
//! page (a row, a tab, a text) is no entry: pages return it as a [`UserAction`] themselves.

mod asking_rules;
mod check_rules;
mod hybrid_act;
mod hybrid_rules;
mod license_rules;
mod preview_rules;
mod project_rules;
mod remedy_rules;
mod rules;
mod scope;
mod shortcut;
mod sign_in_rules;
mod subject;
mod user_action;

use egui::Key;

pub use self::hybrid_act::{Asked, HybridAct};
pub use self::scope::Scope;
pub use self::shortcut::{Reach, Shortcut};
pub use self::subject::{HeldLine, HybridUsers, Items, OneBatch, OneItem, OneProject, OneUser, Screen, Subject};
pub use self::user_action::{Targets, UserAction};

use self::shortcut::{command, key, shift};
use crate::domain::failure::Side;
use crate::domain::star::Star;
use crate::service::sign_in::Way;
use crate::ui::model::closing::CloseEvent;
use crate::ui::model::forms::ItemRemoval;
use crate::ui::model::grid::{Column, GridAction};
use crate::ui::route::Route;
use crate::ui::widgets::icon::Icon;

/// Why an action cannot be done now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unavailable {
    /// There is nothing to do it with: a key does nothing.
    Nothing(&'static str),
    /// It is refused: a key says so.
    Refused(String),
}

impl Unavailable {
    /// For people.
    pub fn why(&self) -> &str {
        match self {
            Self::Nothing(why) => why,
            Self::Refused(why) => why,
        }
    }
}

/// What is to be done, or why not.
pub type Ruling = Result<UserAction, Unavailable>;

/// What is painted beside an action's text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ActionIcon {
    /// A shape.
    Shape(Icon),
    /// A star, or the uncoloured one.
    Star(Option<Star>),
}

/// An entry of the table.
pub struct Entry {
    /// Which action.
    pub name: ActionName,
    /// What people call it; a button may say more, such as a number.
    pub text: &'static str,
    /// Where it belongs.
    pub scope: Scope,
    /// The keys that do it.
    pub keys: &'static [Shortcut],
    /// What is painted beside its text.
    pub icon: Option<ActionIcon>,
    /// Whether it can be done, and what it is then.
    pub rule: fn(&Subject<'_>) -> Ruling,
}

/// What an entry consists of besides its name and text.
struct Spec {
    scope: Scope,
    keys: &'static [Shortcut],
    icon: Option<ActionIcon>,
    rule: fn(&Subject<'_>) -> Ruling,
}

const fn on(scope: Scope, rule: fn(&Subject<'_>) -> Ruling) -> Spec {
    Spec { scope, keys: &[], icon: None, rule }
}

impl Spec {
    const fn keys(self, keys: &'static [Shortcut]) -> Self {
        Self { keys, ..self }
    }

    const fn icon(self, icon: ActionIcon) -> Self {
        Self { icon: Some(icon), ..self }
    }
}

/// The table and the names of its entries, so that an action is added in one place.
macro_rules! actions {
    ($($name:ident: $text:literal, $spec:expr;)*) => {
        /// The actions of the table.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum ActionName {
            $(#[doc = $text] $name,)*
        }

        /// All actions.
        pub static ACTIONS: &[Entry] = &[$({
            let Spec { scope, keys, icon, rule } = $spec;
            Entry { name: ActionName::$name, text: $text, scope, keys, icon, rule }
        },)*];
    };
}

/// Further than any list goes.
const FAR: i64 = 1 << 30;

use ActionIcon::{Shape, Star as Starred};
use GridAction::{Move, SelectAll};
use Scope::{Batches, Chosen, Dialog, Item, Movers, NewProject as Form, Only, Users, Window};

actions! {
    Help: "Show all keys", on(Window, |_| Ok(UserAction::Help)).keys(&[key(Key::Questionmark)]);
    Palette: "Find an action…", on(Window, |_| Ok(UserAction::Palette)).keys(&[command(Key::K)]);
    AllProjects: "All projects", on(Window, |_| Ok(UserAction::Go(Route::Projects)));
    NewProject: "New project…", on(Window, |_| Ok(UserAction::Go(Route::NewProject)));
    OpenDemo: "Open the demo", on(Window, |_| Ok(UserAction::OpenDemo));
    NewPool: "New pool…", on(Window, |_| Ok(UserAction::AskPool(None)));
    Theme: "Other theme", on(Window, |_| Ok(UserAction::Theme));
    Messages: "All messages", on(Window, |_| Ok(UserAction::Activity));
    Undo: "Undo", on(Window, |_| Ok(UserAction::Undo)).keys(&[command(Key::Z)]);
    Dismiss: "Dismiss", on(Window, |_| Ok(UserAction::Dismiss));

    CreateProject: "Create project", on(Form, rules::create_project)
        .keys(&[key(Key::Enter).reaching(Reach::Fields)]);
    TestNewServers: "Test connection…", on(Form, check_rules::test_servers);
    LeaveForm: "Cancel", on(Form, |_| Ok(UserAction::LeaveForm));

    Down: "One down", on(Scope::Rows, |it| rules::grid(it, Move(1, false))).keys(&[key(Key::ArrowDown)]);
    Up: "One up", on(Scope::Rows, |it| rules::grid(it, Move(-1, false))).keys(&[key(Key::ArrowUp)]);
    PageDown: "A page down", on(Scope::Rows, |it| rules::page(it, 1, false)).keys(&[key(Key::PageDown)]);
    PageUp: "A page up", on(Scope::Rows, |it| rules::page(it, -1, false)).keys(&[key(Key::PageUp)]);
    First: "To the first", on(Scope::Rows, |it| rules::grid(it, Move(-FAR, false))).keys(&[key(Key::Home)]);
    Last: "To the last", on(Scope::Rows, |it| rules::grid(it, Move(FAR, false))).keys(&[key(Key::End)]);
    SelectDown: "Select one down", on(Scope::Rows, |it| rules::grid(it, Move(1, true))).keys(&[shift(Key::ArrowDown)]);
    SelectUp: "Select one up", on(Scope::Rows, |it| rules::grid(it, Move(-1, true))).keys(&[shift(Key::ArrowUp)]);
    SelectPageDown: "Select a page down", on(Scope::Rows, |it| rules::page(it, 1, true))
        .keys(&[shift(Key::PageDown)]);
    SelectPageUp: "Select a page up", on(Scope::Rows, |it| rules::page(it, -1, true))
        .keys(&[shift(Key::PageUp)]);
    SelectFirst: "Select to the first", on(Scope::Rows, |it| rules::grid(it, Move(-FAR, true)))
        .keys(&[shift(Key::Home)]);
    SelectLast: "Select to the last", on(Scope::Rows, |it| rules::grid(it, Move(FAR, true))).keys(&[shift(Key::End)]);
    Toggle: "Select or deselect", on(Scope::Rows, rules::toggle).keys(&[key(Key::Space)]);
    SelectAll: "Select all that the filters show", on(Scope::Rows, |it| rules::grid(it, SelectAll(true)))
        .keys(&[command(Key::A)]);
    Deselect: "Deselect all", on(Scope::Rows, |it| rules::grid(it, SelectAll(false))).keys(&[key(Key::Escape)]);
    CopyRows: "Copy rows", on(Scope::Items, rules::copy).keys(&[command(Key::C)]);
    ExportRows: "Save rows as a table…", on(Scope::Items, rules::export);
    Open: "Open the item", on(Scope::Items, rules::open).keys(&[key(Key::Enter)]);
    Search: "Search", on(Scope::Rows, |_| Ok(UserAction::Search)).keys(&[key(Key::Slash)]);
    SortAgain: "Sort again", on(Scope::Rows, rules::sort_again).keys(&[key(Key::R)]);
    SortByStar: "Sort by star", on(Scope::Rows, |it| rules::grid(it, GridAction::Sort(Column::Star)));
    ClearFilters: "Clear filters", on(Scope::Rows, rules::clear_filters);
    ImportItems: "Import items…", on(Scope::Items, |_| Ok(UserAction::AskImport));
    StartShown: "Start all shown…", on(Scope::Items, rules::start_shown);
    StopHeld: "Stop them", on(Scope::Items, rules::stop_held).icon(Shape(Icon::Stop));
    Hold: "Hold new starts", on(Scope::Items, |it| rules::hold(it, true)).keys(&[key(Key::H)]);
    LetGo: "Let starts go on", on(Scope::Items, |it| rules::hold(it, false));
    StopAll: "Stop all", on(Scope::Items, rules::stop_all).icon(Shape(Icon::Stop));
    EditProject: "Project settings…", on(Chosen, remedy_rules::edit_project);
    ProjectOptions: "Project options…", on(Scope::Items, |_| Ok(UserAction::AskOptions(None)));
    ProjectMail: "Mails…", on(Scope::Items, |_| Ok(UserAction::AskProjectMail));
    Guide: "Guide for administrators…", on(Scope::Items, |_| Ok(UserAction::AskGuide));
    DuplicateProject: "Duplicate project…", on(Scope::Project, project_rules::duplicate);
    ArchiveProject: "Archive project", on(Scope::Project, project_rules::archive);
    BringBack: "Bring back", on(Scope::Project, project_rules::bring_back);
    DeleteProject: "Delete project…", on(Scope::Project, project_rules::delete);
    FewerAtOnce: "One fewer at a time", on(Scope::Items, |it| rules::at_once(it, -1));
    MoreAtOnce: "One more at a time", on(Scope::Items, |it| rules::at_once(it, 1));

    TryNow: "Try now", on(Chosen, remedy_rules::try_now);
    RetryNow: "Retry now", on(Item, remedy_rules::retry_now);
    CorrectLogin: "Correct login…", on(Chosen, remedy_rules::correct_login);
    CorrectSignIn: "Correct sign-in…", on(Chosen, sign_in_rules::correct);
    SignInAgain: "Sign in again…", on(Item, sign_in_rules::again);
    SignInAtSource: "Sign in to the source…", on(Item, |it| sign_in_rules::at(it, Side::Source));
    SignInAtDestination: "Sign in to the destination…", on(Item, |it| sign_in_rules::at(it, Side::Destination));
    EditHost: "Edit host…", on(Chosen, remedy_rules::edit_host);
    PinCertificate: "Pin this certificate…", on(Chosen, remedy_rules::pin_certificate);
    PinTested: "Pin this certificate…", on(Only(Screen::Check), remedy_rules::pin_tested);
    CorrectOption: "Options…", on(Item, remedy_rules::correct_option);
    Start: "Start…", on(Chosen, rules::start).keys(&[key(Key::S)]);
    Stop: "Stop", on(Chosen, rules::stop).keys(&[key(Key::X)]).icon(Shape(Icon::Stop));
    StopNow: "Stop at once", on(Chosen, rules::stop_at_once);
    StartNext: "Start next", on(Chosen, rules::start_next).keys(&[shift(Key::N)]);
    Resume: "Resume", on(Chosen, rules::resume);
    EditItem: "Edit…", on(Chosen, rules::edit).keys(&[key(Key::E)]);
    Note: "Note…", on(Chosen, rules::note).keys(&[key(Key::N)]);
    ItemOptions: "Options of the item…", on(Chosen, preview_rules::item_options);
    TestItem: "Test connection…", on(Chosen, check_rules::test_item).keys(&[key(Key::T)]);
    Preview: "Preview…", on(Chosen, preview_rules::preview).keys(&[key(Key::P)]);
    Remind: "Remind", on(Chosen, asking_rules::remind);
    CopyLink: "Copy link", on(Item, asking_rules::copy_link);
    AskAgain: "Ask again", on(Item, asking_rules::ask_again);
    ResetItems: "Reset…", on(Chosen, |it| rules::ask_remove(it, ItemRemoval::Reset));
    ClearCredentials: "Clear credentials…", on(Chosen, |it| rules::ask_remove(it, ItemRemoval::ClearCredentials));
    DeleteItems: "Delete…", on(Chosen, |it| rules::ask_remove(it, ItemRemoval::Delete));
    NoStar: "No star", on(Scope::Marked, |it| rules::star(it, None)).keys(&[key(Key::Num0)]).icon(Starred(None));
    RedStar: "Red star", on(Scope::Marked, |it| rules::star(it, Some(Star::Red)))
        .keys(&[key(Key::Num1)]).icon(Starred(Some(Star::Red)));
    OrangeStar: "Orange star", on(Scope::Marked, |it| rules::star(it, Some(Star::Orange)))
        .keys(&[key(Key::Num2)]).icon(Starred(Some(Star::Orange)));
    YellowStar: "Yellow star", on(Scope::Marked, |it| rules::star(it, Some(Star::Yellow)))
        .keys(&[key(Key::Num3)]).icon(Starred(Some(Star::Yellow)));
    GreenStar: "Green star", on(Scope::Marked, |it| rules::star(it, Some(Star::Green)))
        .keys(&[key(Key::Num4)]).icon(Starred(Some(Star::Green)));
    BlueStar: "Blue star", on(Scope::Marked, |it| rules::star(it, Some(Star::Blue)))
        .keys(&[key(Key::Num5)]).icon(Starred(Some(Star::Blue)));
    PurpleStar: "Purple star", on(Scope::Marked, |it| rules::star(it, Some(Star::Purple)))
        .keys(&[key(Key::Num6)]).icon(Starred(Some(Star::Purple)));

    PreviousItem: "Previous item", on(Item, rules::previous).keys(&[key(Key::ArrowLeft)]);
    NextItem: "Next item", on(Item, rules::next).keys(&[key(Key::ArrowRight)]);
    Back: "Back to the items", on(Item, rules::back).keys(&[key(Key::Escape)]);
    MoreFolders: "Show more folders", on(Item, |_| Ok(UserAction::MoreFolders));
    MoreErrors: "Show more errors", on(Item, |_| Ok(UserAction::MoreErrors));

    RetryErrors: "Retry errors", on(Item, rules::retry_errors);

    LeavePreview: "Back to the items", on(Only(Screen::Preview), preview_rules::leave_preview).keys(&[key(Key::Escape)]);
    LookAgain: "Refresh", on(Only(Screen::Preview), preview_rules::look_again).keys(&[key(Key::R)]);
    StopLooking: "Cancel", on(Only(Screen::Preview), preview_rules::stop_looking);
    OnlyFlagged: "Only what needs a look", on(Only(Screen::Preview), |it| preview_rules::only_flagged(it, true));
    AllFolders: "All folders", on(Only(Screen::Preview), |it| preview_rules::only_flagged(it, false));
    StartPreviewed: "Start…", on(Only(Screen::Preview), preview_rules::start_previewed).keys(&[key(Key::S)]);

    OpenUser: "Open the user", on(Users, hybrid_rules::open).keys(&[key(Key::Enter)]);
    NewBatch: "New batch…", on(Users, |it| hybrid_rules::ask(it, Asked::MoveIn(None))).keys(&[key(Key::B)]);
    ImportUsers: "Import users…", on(Users, |it| hybrid_rules::ask(it, Asked::Import)).keys(&[key(Key::I)]);
    CheckTenant: "Check readiness…", on(Users, hybrid_rules::check).keys(&[key(Key::T)]);
    HybridGuide: "Guide for administrators…", on(Users, |_| Ok(UserAction::Hybrid(HybridAct::Guide)));
    HybridSettings: "Project settings…", on(Users, |it| hybrid_rules::ask(it, Asked::Settings));
    DeleteHybrid: "Delete project…", on(Users, hybrid_rules::delete);
    AskServiceNow: "Ask now", on(Users, hybrid_rules::try_now);
    StartBatch: "Start batch…", on(Batches, hybrid_rules::start).keys(&[key(Key::S)]);
    FinalizeBatch: "Finalize batch…", on(Batches, hybrid_rules::finalize).keys(&[key(Key::F)]);
    ShowBatch: "Batch details", on(Users, hybrid_rules::show_batch).keys(&[key(Key::D)]);
    MoveIn: "Move into a batch…", on(Movers, hybrid_rules::move_in).keys(&[key(Key::M)]);
    MoveOut: "Move out of the batch…", on(Movers, hybrid_rules::move_out).keys(&[key(Key::O)]);
    FinalizeUsers: "Finalize users…", on(Movers, hybrid_rules::finalize_users).keys(&[shift(Key::F)]);
    ApproveSkipped: "Approve skipped items", on(Movers, hybrid_rules::approve).keys(&[key(Key::A)]);
    PreviousUser: "Previous user", on(Only(Screen::HybridUser), |it| hybrid_rules::beside(it, false))
        .keys(&[key(Key::ArrowLeft)]);
    NextUser: "Next user", on(Only(Screen::HybridUser), |it| hybrid_rules::beside(it, true))
        .keys(&[key(Key::ArrowRight)]);
    BackToUsers: "Back to the users", on(Only(Screen::HybridUser), hybrid_rules::back).keys(&[key(Key::Escape)]);
    BackFromBatch: "Back to the users", on(Only(Screen::HybridBatch), hybrid_rules::back).keys(&[key(Key::Escape)]);
    AskReport: "Ask the service for its report", on(Only(Screen::HybridUser), hybrid_rules::report);
    CreateHybrid: "Create project", on(Only(Screen::NewHybrid), hybrid_rules::create)
        .keys(&[key(Key::Enter).reaching(Reach::Fields)]);
    LeaveHybridForm: "Cancel", on(Only(Screen::NewHybrid), |_| Ok(UserAction::Go(Route::Projects)));
    DoHybrid: "Go on", on(Only(Screen::HybridDialog), hybrid_rules::go_on)
        .keys(&[key(Key::Enter).reaching(Reach::Fields)]);
    BrowseUsers: "Browse…", on(Only(Screen::HybridDialog), |_| Ok(UserAction::Hybrid(HybridAct::Browse)));

    AddLicenses: "Add licenses…", on(Only(Screen::Licenses), license_rules::add_licenses);
    ExportLicenses: "Save as table…", on(Only(Screen::Licenses), |_| Ok(UserAction::ExportLicenses));

    SaveSettings: "Save", on(Only(Screen::Settings), asking_rules::save_settings)
        .keys(&[key(Key::Enter).reaching(Reach::Fields)]);
    UndoSettings: "Undo", on(Only(Screen::Settings), asking_rules::undo_settings);
    TestMail: "Send a test", on(Only(Screen::Settings), asking_rules::test_mail);
    CheckForm: "Check", on(Only(Screen::Settings), asking_rules::check_form);

    AcceptErrors: "Accept", on(Only(Screen::Accept), |_| Ok(UserAction::AcceptErrors))
        .keys(&[key(Key::Enter).reaching(Reach::Fields)]);
    BrowseSave: "Browse…", on(Only(Screen::Save), rules::browse_save);
    SaveMessage: "Save", on(Only(Screen::Save), rules::save_message).keys(&[key(Key::Enter).reaching(Reach::Fields)]);
    StartNow: "Start", on(Only(Screen::Start), rules::start_now)
        .keys(&[key(Key::Enter).reaching(Reach::FreeOrFields)]);
    SaveItem: "Save", on(Only(Screen::EditItem), rules::save_item)
        .keys(&[key(Key::Enter).reaching(Reach::Fields)]);
    SaveOptions: "Save", on(Only(Screen::Options), preview_rules::save_options)
        .keys(&[key(Key::Enter).reaching(Reach::Fields)]);
    PreviewOptions: "Preview…", on(Only(Screen::Options), preview_rules::preview_options);
    OpenSettings: "Open settings", on(Only(Screen::Start), asking_rules::open_settings);
    PreviewStart: "Preview…", on(Only(Screen::Start), preview_rules::preview_start);
    SaveProject: "Save", on(Only(Screen::EditProject), rules::save_project)
        .keys(&[key(Key::Enter).reaching(Reach::Fields)]);
    TestServers: "Test connection…", on(Only(Screen::EditProject), check_rules::test_servers);
    DoWithProject: "Go on", on(Only(Screen::WholeProject), rules::do_with_project)
        .keys(&[key(Key::Enter).reaching(Reach::Fields)]);
    SavePool: "Save", on(Only(Screen::Pool), license_rules::save_pool).keys(&[key(Key::Enter).reaching(Reach::Fields)]);
    SaveProjectMail: "Save", on(Only(Screen::ProjectMail), asking_rules::save_project_mail);
    Remove: "Go on", on(Only(Screen::Remove), rules::remove);
    Unlock: "Unlock", on(Only(Screen::Vault), rules::unlock).keys(&[key(Key::Enter).reaching(Reach::Fields)]);
    Browse: "Browse…", on(Only(Screen::Import), |_| Ok(UserAction::Browse));
    Import: "Import", on(Only(Screen::Import), rules::import);
    Correct: "Correct", on(Only(Screen::Remedy), remedy_rules::correct).keys(&[key(Key::Enter).reaching(Reach::Fields)]);
    SignInHere: "Open the browser", on(Only(Screen::SignIn), |it| sign_in_rules::begin(it, Way::Browser))
        .keys(&[key(Key::Enter)]);
    SignInElsewhere: "Show a code for another device", on(Only(Screen::SignIn), |it| sign_in_rules::begin(it, Way::Device));
    CloseDialog: "Close the dialog", on(Dialog, rules::close_dialog).keys(&[key(Key::Escape).reaching(Reach::Everything)]);

    KeepOpen: "Keep the window open", on(Only(Screen::Closing), |it| rules::before_stopping(it, CloseEvent::Keep));
    StopAndQuit: "Stop and quit", on(Only(Screen::Closing), |it| rules::before_stopping(it, CloseEvent::StopAndQuit));
    StopAtOnce: "Stop at once", on(Only(Screen::Closing), |_| Ok(UserAction::Closing(CloseEvent::StopAtOnce)));
    TryAgain: "Try again", on(Only(Screen::Unopened), |_| Ok(UserAction::Reopen));
    Quit: "Quit", on(Only(Screen::Unopened), |_| Ok(UserAction::Closing(CloseEvent::Quit)));
}

impl ActionName {
    /// Its entry.
    pub fn entry(self) -> &'static Entry {
        &ACTIONS[self as usize]
    }
}

impl Entry {
    /// Its text with its first key: "Next item (→)".
    pub fn text_with_key(&self) -> String {
        match self.keys {
            [first, ..] => format!("{} ({})", self.text, first.name()),
            [] => self.text.to_owned(),
        }
    }

    /// The names of its keys.
    pub fn key_names(&self) -> String {
        self.keys.iter().map(Shortcut::name).collect::<Vec<_>>().join(", ")
    }
}

/// The stars with their names, the uncoloured one first (R55).
pub fn stars() -> impl Iterator<Item = (&'static str, Option<Star>)> {
    ACTIONS.iter().filter_map(|entry| match entry.icon {
        Some(ActionIcon::Star(star)) => Some((entry.text, star)),
        Some(ActionIcon::Shape(_)) | None => None,
    })
}

/// The actions with keys, by what their scopes are called, in the order of the table.
pub fn keyed() -> Vec<(&'static str, Vec<&'static Entry>)> {
    let mut groups: Vec<(&str, Vec<&Entry>)> = Vec::new();
    for entry in ACTIONS.iter().filter(|entry| !entry.keys.is_empty()) {
        let heading = entry.scope.heading();
        match groups.iter_mut().find(|(known, _)| *known == heading) {
            Some((_, entries)) => entries.push(entry),
            None => groups.push((heading, vec![entry])),
        }
    }
    groups
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_key_does_two_things_in_one_place() {
        for screen in Screen::ALL {
            let mut used: Vec<(Shortcut, ActionName)> = Vec::new();
            for entry in ACTIONS.iter().filter(|entry| entry.scope.holds(screen)) {
                for key in entry.keys {
                    let same =
                        |(other, _): &&(Shortcut, ActionName)| (other.modifiers, other.key) == (key.modifiers, key.key);
                    let twice = used.iter().find(same);
                    assert!(twice.is_none(), "{screen:?}: {} does {twice:?} and {:?}", key.name(), entry.name);
                    used.push((*key, entry.name));
                }
            }
        }
    }

    #[test]
    fn every_action_has_a_text_and_a_place_of_its_own() {
        for (at, entry) in ACTIONS.iter().enumerate() {
            assert!(!entry.text.trim().is_empty() && !entry.text.ends_with('.'), "{:?}", entry.name);
            assert!(Screen::ALL.into_iter().any(|screen| entry.scope.holds(screen)), "{:?} is nowhere", entry.name);
            assert_eq!(entry.name as usize, at);
            let same = |other: &&Entry| other.text == entry.text && other.scope == entry.scope;
            assert_eq!(ACTIONS.iter().filter(same).count(), 1, "two are called {}", entry.text);
        }
    }

    #[test]
    fn the_overlay_names_exactly_the_keys_of_the_table() {
        let listed: Vec<ActionName> =
            keyed().into_iter().flat_map(|(_, entries)| entries).map(|entry| entry.name).collect();
        let mut expected: Vec<ActionName> =
            ACTIONS.iter().filter(|entry| !entry.keys.is_empty()).map(|entry| entry.name).collect();
        assert_eq!(listed.len(), expected.len(), "each once");
        expected.retain(|name| !listed.contains(name));
        assert_eq!(expected, []);
    }

    #[test]
    fn a_rule_says_why_not() {
        let nothing = Subject::Nothing(Screen::Projects);
        assert_eq!((ActionName::Help.entry().rule)(&nothing), Ok(UserAction::Help));
        assert!((ActionName::Start.entry().rule)(&nothing).is_err());
        let form = crate::ui::model::forms::VaultForm::new(None, Some(crate::service::VaultKind::File));
        let refused = (ActionName::Unlock.entry().rule)(&Subject::Vault(&form));
        assert_eq!(refused.unwrap_err().why(), "Enter the passphrase");
    }
}
