//! Choosing a file in the system's own dialog. The dialog runs on a thread of its own.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, sync_channel};

/// Lets a person choose a file. Tests put their own in its place.
pub trait FilePicker {
    /// Opens the dialog and returns at once; what was chosen comes through the receiver, then `waker` is called.
    fn pick(&self, title: &str, waker: Arc<dyn Fn() + Send + Sync>) -> Receiver<Option<PathBuf>>;

    /// The same for a file to be written; `name` is proposed.
    fn save(&self, title: &str, name: &str, waker: Arc<dyn Fn() + Send + Sync>) -> Receiver<Option<PathBuf>>;
}

/// The system's dialog. Where there is none, it answers like a person who chose nothing: offer a field for the path too.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemPicker;

impl FilePicker for SystemPicker {
    fn pick(&self, title: &str, waker: Arc<dyn Fn() + Send + Sync>) -> Receiver<Option<PathBuf>> {
        let dialog = rfd::FileDialog::new().set_title(title);
        on_a_thread(move || dialog.pick_file(), waker)
    }

    fn save(&self, title: &str, name: &str, waker: Arc<dyn Fn() + Send + Sync>) -> Receiver<Option<PathBuf>> {
        let dialog = rfd::FileDialog::new().set_title(title).set_file_name(name);
        on_a_thread(move || dialog.save_file(), waker)
    }
}

fn on_a_thread(
    choose: impl FnOnce() -> Option<PathBuf> + Send + 'static,
    waker: Arc<dyn Fn() + Send + Sync>,
) -> Receiver<Option<PathBuf>> {
    let (chosen, receiver) = sync_channel(1);
    let thread = std::thread::Builder::new().name("mailferry-picker".into()).spawn(move || {
        // Nobody waits any more when the dialog that asked was closed.
        chosen.send(choose()).ok();
        waker();
    });
    if let Err(error) = thread {
        tracing::warn!(%error, "no thread for the file dialog");
    }
    receiver
}
