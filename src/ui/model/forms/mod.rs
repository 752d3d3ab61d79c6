//! Forms: what was typed, whether it can be used, and the question that follows from it.
//!
//! Forms that hold passwords have no `Debug`, and wipe them on drop.

mod check;
mod edit_item;
mod edit_project;
mod errors;
mod finder;
mod guide;
mod import;
mod options;
mod palette;
mod pool;
mod project;
mod project_mail;
mod remedy;
mod remove;
mod server;
mod sign_in;
mod sign_in_fields;
mod start;
mod start_mails;
mod vault;
mod whole_project;

pub use check::CheckForm;
pub use edit_item::{EditItemForm, MailboxForm};
pub use edit_project::EditProjectForm;
pub use errors::{AcceptForm, ChosenErrors, SaveForm, SavedThing, SavingNow};
pub use finder::Finder;
pub use guide::{GuideForm, GuideSide};
pub use import::{ImportForm, Importing};
pub use options::{OptionField, OptionsForm, OwnOptions, option_words, own_line};
pub use palette::PaletteForm;
pub use pool::PoolForm;
pub use project::ProjectForm;
pub use project_mail::ProjectMailForm;
pub use remedy::{Correction, RemedyForm, mapped};
pub use remove::{ItemRemoval, RemoveForm};
pub use server::{Check, ServerFaults, ServerForm};
pub use sign_in::{ShownPage, SignInForm, SigningNow};
pub use sign_in_fields::{SignInFaults, SignInFields};
pub use start::{Age, StartCandidate, StartForm, domains};
pub use start_mails::StartMailsForm;
pub use vault::VaultForm;
pub use whole_project::{WholeProject, WholeProjectForm};
