//! The page of an item: what it shows besides the row, when to ask for it again, and its figures in words.

mod figures;
mod lists;
pub mod log;
mod page;
pub mod speed;
mod tabs;

pub use figures::{Figures, failure, folders, login, migrated, phase, progress, statistics};
pub use lists::{Lists, Show};
pub use page::{ItemAction, ItemPage, Neighbours};
pub use tabs::Tab;
