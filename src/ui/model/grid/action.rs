//! What a person does with the grid.

use super::problems::GridProblem;
use super::{Column, Tab};
use crate::domain::ids::ItemId;
use crate::domain::star::Star;
use crate::domain::status::HoldReason;

/// What a person does with the grid.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GridAction {
    /// Order by a column; once more turns it round.
    Sort(Column),
    /// Order again (R).
    SortAgain,
    /// Another tab.
    Tab(Tab),
    /// Only items whose addresses hold this.
    Search(String),
    /// Show or hide items with this star; none is the uncoloured one (R57).
    StarFilter(Option<Star>),
    /// Only items with this problem, or all that have one.
    Problem(Option<GridProblem>),
    /// Only items that are held for this reason, or all that are held.
    Held(Option<HoldReason>),
    /// Show everything again.
    ClearFilters,
    /// Select or deselect one, and go there.
    Toggle(ItemId),
    /// Select only this one, and go there.
    Only(ItemId),
    /// Select everything from the last one to this one.
    Range(ItemId),
    /// Select everything the filter shows, or nothing (R59).
    SelectAll(bool),
    /// Go some rows down or up, selecting on the way or not.
    Move(i64, bool),
    /// Show or hide a column.
    Column(Column),
    /// The pointer came into the table or left it.
    Hover(bool),
}
