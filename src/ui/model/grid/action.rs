//! What a person does with the grid.

use super::problems::GridProblem;
use super::{Column, Columns, Mark, Part, Tab};
use crate::domain::ids::ItemId;
use crate::domain::star::Star;
use crate::domain::status::{HoldReason, Status};

/// What a person does with the grid.
#[derive(Clone, Debug, PartialEq)]
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
    /// Show or hide items with this status.
    StatusFilter(Status),
    /// Show or hide items with this mark.
    MarkFilter(Mark),
    /// Only items with this problem, or all that have one.
    Problem(Option<GridProblem>),
    /// Only items that are held for this reason, or all that are held.
    Held(Option<HoldReason>),
    /// Take one part of the filter away.
    Drop(Part),
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
    /// Move a column one place to the left, or to the right.
    Shift(Column, bool),
    /// The name is so wide from now on, in points.
    NameWidth(f32),
    /// Columns as they were.
    Columns(Columns),
    /// The pointer came into the table or left it.
    Hover(bool),
}
