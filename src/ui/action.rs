//! What a person does in the window: pages return these, the application does them.

use crate::domain::ids::ItemId;
use crate::domain::pass::PassKind;
use crate::domain::star::Star;
use crate::ui::model::grid::GridAction;
use crate::ui::model::item::ItemAction;
use crate::ui::route::Route;

/// A user's action.
#[derive(Clone, Debug, PartialEq)]
pub enum UserAction {
    /// Show another page.
    Go(Route),
    /// Something in the grid that shows.
    Grid(GridAction),
    /// Something in the lists of the item that shows.
    Item(ItemAction),
    /// Set or remove the star of items.
    Star(Vec<ItemId>, Option<Star>),
    /// Ask which pass to start for items.
    AskStart(Vec<ItemId>),
    /// Choose the pass in the start dialog.
    StartKind(PassKind),
    /// Confirm the direction, or take that back.
    Confirm(bool),
    /// Start what the dialog shows.
    Start,
    /// Stop items.
    Stop(Vec<ItemId>),
    /// Let held items go on.
    Resume(Vec<ItemId>),
    /// Open the demo in a window of its own.
    OpenDemo,
    /// Make the project of the form.
    CreateProject,
    /// Show the dialog that imports items.
    AskImport,
    /// Import what the dialog shows.
    Import,
    /// Choose the file of the import dialog in a file dialog.
    Browse,
    /// Open the vault, or make it.
    Unlock,
    /// Show the dialog that opens the vault.
    AskUnlock,
    /// Close the dialog on top.
    CloseDialog,
    /// Show the next folders of the item's latest pass.
    MoreFolders,
    /// Show the next errors of the item's latest pass.
    MoreErrors,
    /// Show or hide what happened so far.
    Activity,
    /// Put the last message away.
    Dismiss,
    /// Show the keys.
    Help,
    /// The other theme.
    Theme,
    /// Try to open the workspace again.
    Reopen,
    /// Leave although passes run: keep the window after all.
    KeepOpen,
    /// Stop what runs, then leave.
    StopAndQuit,
    /// Drop the connections of what runs, then leave.
    StopAtOnce,
    /// Leave now.
    Quit,
}
