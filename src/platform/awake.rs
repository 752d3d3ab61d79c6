//! Keeps the computer from falling asleep by itself. Its screen may go dark, and a person may send it to sleep all the same.
//!
//! Where the system cannot be asked (no D-Bus, no session) it sleeps as it likes, which is no error. A thread of its own holds
//! what the system gave: on Windows it is the thread that is kept awake for.

use std::sync::mpsc::sync_channel;
use std::thread;

/// Asks the system to stay awake.
pub trait StaysAwake: Send + Sync {
    /// The computer stays awake until the answer is dropped. May block for a moment.
    ///
    /// # Errors
    /// The system's words why not.
    fn stay(&self) -> Result<Box<dyn Send>, String>;
}

/// The system this program runs on.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemAwake;

impl StaysAwake for SystemAwake {
    fn stay(&self) -> Result<Box<dyn Send>, String> {
        let ((tell, told), (hold, held)) = (sync_channel(1), sync_channel::<()>(1));
        let keeping = move || match ask() {
            Ok(awake) => {
                tell.send(Ok(())).ok();
                // It fails when nobody holds it any more.
                held.recv().ok();
                drop(awake);
            }
            Err(error) => drop(tell.send(Err(error.to_string()))),
        };
        thread::Builder::new().name("mailferry-awake".into()).spawn(keeping).map_err(|error| error.to_string())?;
        told.recv().map_err(|gone| gone.to_string())??;
        Ok(Box::new(hold))
    }
}

fn ask() -> keepawake::Result<keepawake::KeepAwake> {
    let mut asked = keepawake::Builder::default();
    asked
        .idle(true)
        .reason("mailboxes are being moved")
        .app_name("Mailferry")
        .app_reverse_domain("org.mailferry.Mailferry");
    asked.create()
}
