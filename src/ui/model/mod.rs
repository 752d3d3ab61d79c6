//! View-models: what is shown, decided without painting. Pure, except that local times need a time zone.

pub mod chunks;
pub mod closing;
pub mod errors;
pub mod forms;
pub mod grid;
pub mod hybrid;
pub mod item;
pub mod licenses;
pub mod look;
pub mod mask;
pub mod messages;
pub mod notices;
pub mod preview;
pub mod project_list;
pub mod project_order;
pub mod projects;
pub mod ready;
pub mod run_end;
pub mod settings_page;
pub mod words;
