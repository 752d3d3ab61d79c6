//! The item grid: which items, in which order, which of them selected. Recomputed only when the engine's state, the
//! filter, the order or the selection changed; a frame reads numbers of rows.

mod action;
mod columns;
pub mod copied;
mod filter;
pub mod mark;
pub mod problems;
mod search;
mod selection;
mod sort;
mod state;
mod sums;
mod tab;
mod view;

pub use action::GridAction;
pub use columns::Columns;
pub use filter::{Filter, Part};
pub use mark::Mark;
pub use search::Sought;
pub use selection::{Allowed, Selection};
pub use sort::{Column, Sort};
pub use state::Grid;
pub use sums::{HeldItems, Sums, Totals};
pub use tab::{Tab, is_done};
pub use view::View;

#[cfg(test)]
pub(super) mod tests;
