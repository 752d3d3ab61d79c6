//! Pages: each paints from a model and returns what a person did. No page asks the engine or decides.

mod asking_settings;
pub mod check;
mod controls;
pub mod dialogs;
pub mod edit_item;
pub mod edit_project;
pub mod errors;
mod finder;
pub mod frame;
pub mod grid;
mod grid_columns;
pub mod grid_filters;
pub mod grid_head;
mod grid_row;
pub mod guide;
pub mod hybrid;
pub mod import;
pub mod item;
mod item_credentials;
mod item_errors;
pub mod item_lists;
mod item_log;
mod item_notices;
mod item_speed;
pub mod keys;
pub mod licenses;
pub mod new_project;
mod option_fields;
pub mod options;
pub mod palette;
pub mod pool;
pub mod preview;
pub mod project_mail;
pub mod projects;
pub mod remedy;
pub mod remove;
pub mod settings;
pub mod sign_in;
mod sign_in_fields;
pub mod start;
pub mod unopened;
pub mod whole_project;

use crate::domain::project::Project;
use crate::domain::time::Timestamp;
use crate::engine::snapshot::ItemRow;
use crate::ui::action::{OneItem, Subject};
use crate::ui::model::item::ItemPage;

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

/// What the parts of an item's page are painted from.
#[derive(Clone, Copy)]
pub struct ItemContext<'a> {
    /// Time and state.
    pub context: PageContext<'a>,
    /// The project.
    pub project: &'a Project,
    /// The page.
    pub page: &'a ItemPage,
    /// The item.
    pub row: &'a ItemRow,
    /// No room for all columns.
    pub narrow: bool,
}

impl<'a> ItemContext<'a> {
    /// What its actions are about.
    pub(super) fn subject(&self) -> Subject<'a> {
        let neighbours = self.page.neighbours;
        Subject::Item(OneItem { project: self.project, row: self.row, now: self.context.now, neighbours })
    }
}

/// What a page returns.
pub type Actions = Vec<crate::ui::action::UserAction>;
