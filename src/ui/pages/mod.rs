//! Pages: each paints from a model and returns what a person did. No page asks the engine or decides.

mod controls;
pub mod dialogs;
pub mod edit_item;
pub mod edit_project;
pub mod errors;
pub mod frame;
pub mod grid;
pub mod grid_head;
pub mod import;
pub mod item;
mod item_errors;
pub mod item_lists;
mod item_notices;
pub mod keys;
pub mod licenses;
pub mod new_project;
mod option_fields;
pub mod options;
pub mod pool;
pub mod preview;
pub mod projects;
pub mod remedy;
pub mod remove;
pub mod settings;
pub mod start;
pub mod unopened;
pub mod whole_project;

use crate::domain::time::Timestamp;

/// What every page may look at.
#[derive(Clone, Copy)]
pub struct PageContext<'a> {
    /// The engine's state.
    pub snapshot: &'a crate::engine::snapshot::Snapshot,
    /// Now.
    pub now: Timestamp,
    /// The zone in which times are shown.
    pub zone: &'a jiff::tz::TimeZone,
}

/// What a page returns.
pub type Actions = Vec<crate::ui::action::UserAction>;
