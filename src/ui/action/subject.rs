//! Where a person is and what is there to act on: what the rules of actions decide from.

use crate::domain::ids::{HybridUserId, ItemId};
use crate::domain::project::Project;
use crate::domain::status::HoldReason;
use crate::domain::time::Timestamp;
use crate::engine::snapshot::ItemRow;
use crate::service::hybrid::batches::BatchLine;
use crate::service::hybrid::{HybridUser, HybridView};
use crate::ui::model::forms::{
    AcceptForm, CheckForm, EditItemForm, EditProjectForm, GuideForm, ImportForm, OptionsForm, PoolForm, ProjectForm,
    ProjectMailForm, RemedyForm, RemoveForm, SaveForm, SignInForm, StartForm, VaultForm, WholeProjectForm,
};
use crate::ui::model::grid::Grid;
use crate::ui::model::hybrid::{HybridDialog, HybridForm, UsersPage};
use crate::ui::model::item::Neighbours;
use crate::ui::model::licenses::LicensePage;
use crate::ui::model::preview::PreviewPage;
use crate::ui::model::projects::Summary;
use crate::ui::model::settings_page::SettingsPage;

/// Where a person is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Screen {
    /// What stands around every page.
    Frame,
    /// All projects.
    Projects,
    /// Pools of licenses.
    Licenses,
    /// What holds for all projects.
    Settings,
    /// The form for a new project.
    NewProject,
    /// The items of a project.
    Items,
    /// The page of an item.
    Item,
    /// What a pass would do.
    Preview,
    /// The form for a new hybrid project.
    NewHybrid,
    /// The users of a hybrid project.
    Hybrid,
    /// The page of one of them.
    HybridUser,
    /// The page of a batch.
    HybridBatch,
    /// The dialogs about hybrid users and batches.
    HybridDialog,
    /// The dialog that starts passes.
    Start,
    /// The dialog that changes an item.
    EditItem,
    /// The dialog with a project's settings.
    EditProject,
    /// The dialog with options.
    Options,
    /// The dialog with a test of connections.
    Check,
    /// The dialog with guides for administrators.
    Guide,
    /// The dialog that duplicates or deletes a project.
    WholeProject,
    /// The dialog that makes a pool of licenses, or adds some to one.
    Pool,
    /// The dialog with a project's mails.
    ProjectMail,
    /// The dialog that deletes or resets items.
    Remove,
    /// The dialog that opens the vault.
    Vault,
    /// The dialog that imports items.
    Import,
    /// The dialog that accepts errors.
    Accept,
    /// The dialog that saves a message.
    Save,
    /// The dialog that corrects what made a pass fail.
    Remedy,
    /// The dialog in which a person signs in.
    SignIn,
    /// The overlay with the keys.
    Help,
    /// The command palette.
    Palette,
    /// The question about passes that run.
    Closing,
    /// No workspace.
    Unopened,
}

impl Screen {
    /// All of them.
    pub const ALL: [Self; 33] = [
        Self::Frame,
        Self::Projects,
        Self::Licenses,
        Self::Settings,
        Self::NewProject,
        Self::Items,
        Self::Item,
        Self::Preview,
        Self::NewHybrid,
        Self::Hybrid,
        Self::HybridUser,
        Self::HybridBatch,
        Self::HybridDialog,
        Self::Start,
        Self::EditItem,
        Self::EditProject,
        Self::Options,
        Self::Check,
        Self::Guide,
        Self::WholeProject,
        Self::Pool,
        Self::ProjectMail,
        Self::Remove,
        Self::Vault,
        Self::Import,
        Self::Accept,
        Self::Save,
        Self::Remedy,
        Self::SignIn,
        Self::Help,
        Self::Palette,
        Self::Closing,
        Self::Unopened,
    ];
}

/// The line over the items that tells of those that are held for one reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HeldLine {
    /// The reason, if it is known.
    pub reason: Option<HoldReason>,
}

/// The items of a project.
#[derive(Clone, Copy)]
pub struct Items<'a> {
    /// Order, filters, selection.
    pub grid: &'a Grid,
    /// The row at the cursor, if it is shown and may be meant.
    pub cursor: Option<ItemId>,
    /// The line that is acted in, if one is.
    pub held: Option<HeldLine>,
    /// The time it is.
    pub now: Timestamp,
    /// The project is archived.
    pub archived: bool,
    /// New starts of the project are held.
    pub starts_held: bool,
    /// How many items may migrate at once.
    pub at_once: u32,
    /// How many rows are seen at once.
    pub rows_seen: usize,
}

/// One of all projects.
#[derive(Clone, Copy)]
pub struct OneProject<'a> {
    /// The project.
    pub project: &'a Project,
    /// The sums of its items.
    pub sum: &'a Summary,
}

/// One item.
#[derive(Clone, Copy)]
pub struct OneItem<'a> {
    /// Whose it is.
    pub project: &'a Project,
    /// The item.
    pub row: &'a ItemRow,
    /// The time it is.
    pub now: Timestamp,
    /// Those beside it.
    pub neighbours: Neighbours,
}

/// The users of a hybrid project.
#[derive(Clone, Copy)]
pub struct HybridUsers<'a> {
    /// The project with its batches.
    pub view: &'a HybridView,
    /// Filters, order, selection.
    pub page: &'a UsersPage,
    /// The row at the cursor, if it is shown and may be meant.
    pub cursor: Option<&'a HybridUser>,
    /// How many rows are seen at once.
    pub rows_seen: usize,
}

/// One user of a hybrid project.
#[derive(Clone, Copy)]
pub struct OneUser<'a> {
    /// The project with its batches.
    pub view: &'a HybridView,
    /// The user.
    pub user: &'a HybridUser,
    /// Those beside it, in the order of the grid.
    pub beside: (Option<HybridUserId>, Option<HybridUserId>),
    /// The service's own account is being asked for.
    pub reporting: bool,
}

/// One batch of a hybrid project.
#[derive(Clone, Copy)]
pub struct OneBatch<'a> {
    /// The project with its batches.
    pub view: &'a HybridView,
    /// The batch.
    pub line: &'a BatchLine,
}

/// What there is to act on where a person is.
#[derive(Clone, Copy)]
pub enum Subject<'a> {
    /// Nothing.
    Nothing(Screen),
    /// One of all projects.
    Project(OneProject<'a>),
    /// A project that is being made.
    NewProject(&'a ProjectForm),
    /// Items.
    Items(Items<'a>),
    /// One item.
    Item(OneItem<'a>),
    /// A hybrid project that is being made.
    NewHybrid(&'a HybridForm),
    /// The users of a hybrid project.
    Hybrid(HybridUsers<'a>),
    /// One of them.
    HybridUser(OneUser<'a>),
    /// A batch.
    HybridBatch(OneBatch<'a>),
    /// What is asked about hybrid users and batches.
    HybridDialog(&'a HybridDialog),
    /// What a pass would do.
    Preview(&'a PreviewPage),
    /// Passes that are to be started.
    Start(&'a StartForm),
    /// An item that is being changed.
    EditItem(&'a EditItemForm),
    /// A project that is being changed.
    EditProject(&'a EditProjectForm),
    /// Options that are being changed.
    Options(&'a OptionsForm),
    /// Connections that are tested.
    Check(&'a CheckForm),
    /// A guide for administrators.
    Guide(&'a GuideForm),
    /// A project that is to be duplicated or deleted.
    WholeProject(&'a WholeProjectForm),
    /// Pools of licenses.
    Licenses(&'a LicensePage),
    /// A pool that is made, or gets more.
    Pool(&'a PoolForm),
    /// How a project writes mail.
    ProjectMail(&'a ProjectMailForm),
    /// What holds for all projects.
    Settings(&'a SettingsPage),
    /// Items that are to be deleted or reset.
    Remove(&'a RemoveForm),
    /// The vault.
    Vault(&'a VaultForm),
    /// Errors that are to be accepted.
    Accept(&'a AcceptForm),
    /// A message that is to be saved.
    Save(&'a SaveForm),
    /// A list of items.
    Import(&'a ImportForm),
    /// What made a pass fail, to be corrected.
    Remedy(&'a RemedyForm),
    /// A person who signs in.
    SignIn(&'a SignInForm),
    /// Passes that run while the window is to close, and whether they are being stopped.
    Closing(bool),
}

impl Subject<'_> {
    /// Where that is.
    pub fn screen(&self) -> Screen {
        match self {
            Self::Nothing(screen) => *screen,
            Self::Project(_) => Screen::Projects,
            Self::NewProject(_) => Screen::NewProject,
            Self::Items(_) => Screen::Items,
            Self::Item(_) => Screen::Item,
            Self::NewHybrid(_) => Screen::NewHybrid,
            Self::Hybrid(_) => Screen::Hybrid,
            Self::HybridUser(_) => Screen::HybridUser,
            Self::HybridBatch(_) => Screen::HybridBatch,
            Self::HybridDialog(_) => Screen::HybridDialog,
            Self::Preview(_) => Screen::Preview,
            Self::Start(_) => Screen::Start,
            Self::EditItem(_) => Screen::EditItem,
            Self::EditProject(_) => Screen::EditProject,
            Self::Options(_) => Screen::Options,
            Self::Check(_) => Screen::Check,
            Self::Guide(_) => Screen::Guide,
            Self::WholeProject(_) => Screen::WholeProject,
            Self::Licenses(_) => Screen::Licenses,
            Self::Pool(_) => Screen::Pool,
            Self::ProjectMail(_) => Screen::ProjectMail,
            Self::Settings(_) => Screen::Settings,
            Self::Remove(_) => Screen::Remove,
            Self::Vault(_) => Screen::Vault,
            Self::Import(_) => Screen::Import,
            Self::Accept(_) => Screen::Accept,
            Self::Save(_) => Screen::Save,
            Self::Remedy(_) => Screen::Remedy,
            Self::SignIn(_) => Screen::SignIn,
            Self::Closing(_) => Screen::Closing,
        }
    }
}
