//! The window. Pages paint from view-models and return actions; the application asks the engine's client and never waits.
//!
//! [`theme`] is the only room that knows colours, type and spacing; [`widgets`] know no domain; [`model`] paints nothing.

pub mod action;
pub mod app;
mod launch;
pub mod model;
mod named;
pub mod pages;
pub mod route;
pub mod theme;
pub mod widgets;

pub use launch::main;
