//! What the system lends to a window.

use std::sync::Arc;
use std::sync::mpsc::Receiver;

use jiff::tz::TimeZone;

use crate::domain::clock::Clock;
use crate::platform::picker::FilePicker;
use crate::platform::program::Demo;
use crate::service::client::Waker;
use crate::service::launch::AutoRun;

/// What a window is made of besides the engine.
pub struct Services {
    /// The window's title while nothing runs.
    pub title: &'static str,
    /// The clock.
    pub clock: Arc<dyn Clock>,
    /// The zone in which times are shown.
    pub zone: TimeZone,
    /// Chooses files.
    pub picker: Box<dyn FilePicker>,
    /// Opens the demo.
    pub demo: Box<dyn Demo>,
    /// Called when there is news from elsewhere.
    pub waker: Waker,
    /// What is to be started in a workspace that was prepared for this window.
    pub auto_run: Option<AutoRun>,
    /// Ctrl-C, if somebody listens for it.
    pub interrupts: Option<Receiver<()>>,
}
