//! Choosing a file in the system's own dialog. The dialog runs on a thread of its own.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, TryRecvError, sync_channel};
use std::time::{Duration, Instant};

/// Nobody closes a dialog as fast as one fails to open.
const TOO_FAST: Duration = Duration::from_millis(250);

/// What came of a dialog.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Picked {
    /// This file was chosen.
    File(PathBuf),
    /// A person closed it.
    Nothing,
    /// The system has none, or it did not open.
    NoDialog,
}

/// What is told where the system has no dialog.
pub const NO_DIALOG: &str = "No file dialog opened on this computer: type the path";

/// A dialog that is open.
pub type Picking = Receiver<Picked>;

/// What came of a dialog, once it is closed.
pub fn take(picking: &mut Option<Picking>) -> Option<Picked> {
    let picked = match picking.as_ref()?.try_recv() {
        Ok(picked) => picked,
        Err(TryRecvError::Empty) => return None,
        Err(TryRecvError::Disconnected) => Picked::NoDialog,
    };
    *picking = None;
    Some(picked)
}

/// Lets a person choose a file. Tests put their own in its place.
pub trait FilePicker {
    /// Opens the dialog and returns at once; what was chosen comes through the receiver, then `waker` is called.
    fn pick(&self, title: &str, waker: Arc<dyn Fn() + Send + Sync>) -> Picking;

    /// The same for a file to be written; `name` is proposed.
    fn save(&self, title: &str, name: &str, waker: Arc<dyn Fn() + Send + Sync>) -> Picking;
}

/// The system's dialog. Whether there is one is not told, so that an answer that no person can have given counts as none: offer
/// a field for the path too.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemPicker;

impl FilePicker for SystemPicker {
    fn pick(&self, title: &str, waker: Arc<dyn Fn() + Send + Sync>) -> Picking {
        let dialog = rfd::FileDialog::new().set_title(title);
        on_a_thread(move || dialog.pick_file(), waker)
    }

    fn save(&self, title: &str, name: &str, waker: Arc<dyn Fn() + Send + Sync>) -> Picking {
        let dialog = rfd::FileDialog::new().set_title(title).set_file_name(name);
        on_a_thread(move || dialog.save_file(), waker)
    }
}

fn on_a_thread(
    choose: impl FnOnce() -> Option<PathBuf> + Send + 'static,
    waker: Arc<dyn Fn() + Send + Sync>,
) -> Picking {
    let (chosen, receiver) = sync_channel(1);
    let thread = std::thread::Builder::new().name("mailferry-picker".into()).spawn(move || {
        let opened = Instant::now();
        let picked = match choose() {
            Some(file) => Picked::File(file),
            None if opened.elapsed() < TOO_FAST => Picked::NoDialog,
            None => Picked::Nothing,
        };
        // Nobody waits any more when the dialog that asked was closed.
        chosen.send(picked).ok();
        waker();
    });
    if let Err(error) = thread {
        tracing::warn!(%error, "no thread for the file dialog");
    }
    receiver
}
