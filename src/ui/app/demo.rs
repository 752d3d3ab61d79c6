//! The demo next to this window: one at a time.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, TryRecvError};

use super::services::Services;
use crate::platform::program::DemoError;

/// The demo's window, while it is open.
#[derive(Default)]
pub(super) struct DemoWindow(Option<Receiver<Result<(), DemoError>>>);

impl DemoWindow {
    /// Opens it; tells whether it was not open yet.
    pub fn open(&mut self, services: &Services) -> bool {
        let fresh = self.0.is_none();
        if fresh {
            self.0 = Some(services.demo.start(Arc::clone(&services.waker)));
        }
        fresh
    }

    /// Why it could not be opened, once that is known.
    pub fn follow(&mut self) -> Option<String> {
        let ended = match self.0.as_ref()?.try_recv() {
            Ok(ended) => ended,
            Err(TryRecvError::Disconnected) => Err(DemoError::NoThread),
            Err(TryRecvError::Empty) => return None,
        };
        self.0 = None;
        ended.err().map(|error| error.to_string())
    }
}
