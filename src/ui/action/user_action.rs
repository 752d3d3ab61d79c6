//! What a person did: pages return these, the application does them.

use super::hybrid_act::HybridAct;
use crate::domain::failure::Side;
use crate::domain::folder::FolderPath;
use crate::domain::ids::{ItemId, PoolId, ProjectId};
use crate::domain::item_error::ErrorCause;
use crate::domain::overrides::OptionKey;
use crate::domain::star::Star;
use crate::domain::status::HoldReason;
use crate::service::errors::StoredError;
use crate::service::sign_in::Way;
use crate::ui::model::closing::CloseEvent;
use crate::ui::model::forms::{ChosenErrors, ItemRemoval, WholeProject};
use crate::ui::model::grid::GridAction;
use crate::ui::model::item::ItemAction;
use crate::ui::model::project_order::ProjectOrder;
use crate::ui::route::Route;

/// Which items of the page are meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Targets {
    /// Those that are selected and shown.
    Selected,
    /// All that the filters show.
    Shown,
    /// All of the project that is shown.
    All,
    /// All that wait for a word for this reason, or for an unknown one.
    Held(Option<HoldReason>),
    /// These.
    These(Vec<ItemId>),
}

/// A user's action, with all that is needed to do it.
#[derive(Clone, Debug, PartialEq)]
pub enum UserAction {
    /// Show another page.
    Go(Route),
    /// Something in the grid that shows.
    Grid(GridAction),
    /// Order the projects.
    SortProjects(ProjectOrder),
    /// Show archived projects too, or not.
    ShowArchived(bool),
    /// Show the projects with these words.
    SearchProjects(String),
    /// Type into the search.
    Search,
    /// Something in the lists of the item that shows.
    Item(ItemAction),
    /// Copy the rows of items as a table.
    CopyRows(Targets),
    /// Save the rows of items as a table.
    ExportRows(Targets),
    /// Set or remove the star of items.
    Star(Targets, Option<Star>),
    /// Something in hybrid projects.
    Hybrid(HybridAct),
    /// Request which pass to start for items.
    AskStart(Targets),
    /// Start what the dialog shows.
    Start,
    /// Show the dialog that changes an item.
    AskEdit(ItemId),
    /// The same, to change its note.
    AskNote(ItemId),
    /// Change the item as its dialog says.
    SaveItem,
    /// Show the settings of the project that is shown.
    AskEditProject,
    /// Show the options of the project that is shown, or of an item of it.
    AskOptions(Option<ItemId>),
    /// Show this option among those of an item.
    AskOption(ItemId, OptionKey),
    /// Change options as their dialog says.
    SaveOptions,
    /// Show what they would do as they are typed; nothing is saved.
    PreviewOptions,
    /// Show what a pass over these items would do, one after the other as they are chosen.
    Preview(Targets),
    /// Test the connections of an item, step by step.
    TestItem(ItemId),
    /// Show what the administrators of the organisation have to do.
    AskGuide,
    /// Find settings for the address typed at this side of the form that is shown.
    FindSettings(Side),
    /// Test the servers of the form that is shown.
    TestServers,
    /// Look again, at this item.
    Look(ItemId),
    /// Give up looking.
    StopLooking,
    /// Show only the folders that need a look, or all.
    OnlyFlagged(bool),
    /// The same, to name another host for a side.
    AskEditHost(Side),
    /// Request whether a project is to be duplicated or deleted.
    AskWhole(WholeProject, ProjectId),
    /// Archive a project, or bring it back.
    Archive(ProjectId, bool),
    /// Duplicate or delete it, as its dialog says.
    DoWithProject,
    /// So many items of the project that is shown may migrate at once.
    AtOnce(u32),
    /// Change the project as its dialog says.
    SaveProject,
    /// Request whether items are to be deleted or reset, or their credentials cleared.
    AskRemove(ItemRemoval, Targets),
    /// Delete or reset what the dialog shows.
    Remove,
    /// Stop items.
    Stop(Targets),
    /// Drop the connections of items.
    StopAtOnce(Targets),
    /// Stop everything of the project that is shown, and take back what waits.
    StopAll,
    /// Move items to the head of the queue.
    Next(Targets),
    /// Hold new starts of the project that is shown, or let them go on.
    Hold(bool),
    /// Try the server again that could not be reached.
    TryNow,
    /// Ends the pause between two tries.
    RetryNow(Targets),
    /// Let held items go on.
    Resume(Targets),
    /// Open the demo in a window of its own.
    OpenDemo,
    /// Forget what was typed for a new project.
    LeaveForm,
    /// Make the project of the form.
    CreateProject,
    /// Show the dialog that imports items.
    AskImport,
    /// Import what the dialog shows.
    Import,
    /// Choose the file of the import dialog in a file dialog.
    Browse,
    /// Ask for another password: of this item, or of the administrator of a side.
    AskLogin(Option<ItemId>, Side),
    /// Show the dialog in which the person whose mailbox it is signs in at this side.
    AskSignIn(ItemId, Side),
    /// Wait for the person of the dialog to sign in this way.
    SignIn(Way),
    /// Show the certificate of a side, to be trusted.
    AskPin(Side),
    /// Propose another name for a folder.
    AskMap(FolderPath),
    /// Do what the dialog about a failure shows.
    Correct,
    /// Open the vault, or make it.
    Unlock,
    /// Show the dialog that accepts errors.
    AskAccept(ChosenErrors),
    /// Accept what the dialog shows.
    AcceptErrors,
    /// These errors are not accepted any more.
    TakeBack(ChosenErrors),
    /// Try the errors of an item's last pass again.
    RetryErrors(ItemId, Option<ErrorCause>),
    /// Show the dialog that saves the message of an error.
    AskSave(Box<StoredError>),
    /// Choose in a file dialog where it is saved.
    BrowseSave,
    /// Save it.
    SaveMessage,
    /// Close the dialog on top.
    CloseDialog,
    /// Show the next folders of the item's latest pass.
    MoreFolders,
    /// Show the next errors of the item's latest pass.
    MoreErrors,
    /// Ask for a new pool of licenses, or for more in this one.
    AskPool(Option<PoolId>),
    /// Make or fill the pool as its dialog says.
    SavePool,
    /// Keep this computer awake while migrations run, or not.
    KeepAwake(bool),
    /// Show the history of a pool of licenses, or of all.
    ShowPool(Option<PoolId>),
    /// Show the settings in place of the dialog that needs them.
    OpenSettings,
    /// Keep the settings as they were typed.
    SaveSettings,
    /// Forget what was typed and is not kept.
    UndoSettings,
    /// Send a test to the address that was typed.
    TestMail,
    /// See whether owners reach the form.
    CheckForm,
    /// Ask owners once more, with the same links.
    Remind(Targets),
    /// Copy the link of an item.
    CopyLink(ItemId),
    /// Ask the owner of an item anew, with a new link.
    AskAgain(ItemId),
    /// Show how the project that is shown writes mail.
    AskProjectMail,
    /// Keep that as its dialog says.
    SaveProjectMail,
    /// Save the history of licenses as a table.
    ExportLicenses,
    /// Show or hide what happened so far.
    Activity,
    /// Take the last change of stars back.
    Undo,
    /// Show the items of a project, or those of them with problems.
    SeeProject(ProjectId, bool),
    /// Put the last message away.
    Dismiss,
    /// Say why something cannot be done.
    Explain(String),
    /// Show the keys.
    Help,
    /// Show all that can be done here.
    Palette,
    /// The other theme.
    Theme,
    /// Light, dark, or as the system is.
    Appearance(egui::ThemePreference),
    /// Show everything so large, in per cent.
    Zoom(u32),
    /// Try to open the workspace again.
    Reopen,
    /// Go on with closing the window, or back.
    Closing(CloseEvent),
}
