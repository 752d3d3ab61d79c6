//! Hybrid projects: their users as a grid, how moves look, forms and dialogs.

mod details;
mod dialog;
mod form;
pub mod look;
mod order;
mod users;

pub use details::DetailsPage;
pub use dialog::{HybridDialog, Question, StartingBatch, WhichUsers};
pub use form::{AttributeField, HybridFields, HybridForm};
pub use order::{UserColumn, UserSort};
pub use users::{Place, UsersAction, UsersPage};
