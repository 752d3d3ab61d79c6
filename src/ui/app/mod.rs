//! The application: takes in the engine's news, shows a page, does what a person did. Paints nothing itself but what
//! puts the pages together. It never waits: questions go out by `try_send`, answers are taken when they lie ready.

mod acts;
mod answers;
mod asking;
mod auto_run;
mod checking;
mod connection;
mod demo;
mod dialogs;
mod editing;
mod errors;
mod guiding;
mod hybrid;
mod hybrid_dialogs;
mod importing;
mod licensing;
mod open_pages;
mod opening;
mod options;
mod painting;
mod previewing;
mod remedies;
mod runs;
mod services;
mod signing_in;
mod starting;
mod undo;
mod whole_project;
mod window;
mod workspace;

pub use services::Services;
pub use window::App;
pub use workspace::SIZE;
