//! Ctrl-C and, where there is such a thing, the request to terminate; heard from the moment it is listened for: one that
//! comes while another is being dealt with is not lost.

use std::io;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, sync_channel};

use tokio::runtime::Handle;

/// Presses that wait for whoever takes them; more say nothing new.
const WAITING: usize = 4;

/// The Ctrl-C presses of this process.
pub struct Interrupts {
    presses: Presses,
    runtime: Handle,
}

#[cfg(unix)]
struct Presses {
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
}

#[cfg(windows)]
struct Presses(tokio::signal::windows::CtrlC);

#[cfg(unix)]
impl Presses {
    fn listen() -> io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self { interrupt: signal(SignalKind::interrupt())?, terminate: signal(SignalKind::terminate())? })
    }

    async fn next(&mut self) -> Option<()> {
        tokio::select! {
            pressed = self.interrupt.recv() => pressed,
            told = self.terminate.recv() => told,
        }
    }
}

#[cfg(windows)]
impl Presses {
    fn listen() -> io::Result<Self> {
        tokio::signal::windows::ctrl_c().map(Self)
    }

    async fn next(&mut self) -> Option<()> {
        self.0.recv().await
    }
}

impl Interrupts {
    /// From now on Ctrl-C no longer ends the process. To be called within a tokio runtime.
    ///
    /// # Errors
    /// The system does not allow it.
    pub fn listen() -> io::Result<Self> {
        Ok(Self { presses: Presses::listen()?, runtime: Handle::current() })
    }

    /// Waits for the next one.
    pub async fn next(&mut self) {
        if self.presses.next().await.is_none() {
            // No more can come.
            std::future::pending().await
        }
    }

    /// Passes them on to whoever must not wait: each comes through the receiver, then `waker` is called.
    pub fn pass_on(mut self, waker: Arc<dyn Fn() + Send + Sync>) -> Receiver<()> {
        let (pressed, receiver) = sync_channel(WAITING);
        self.runtime.clone().spawn(async move {
            loop {
                self.next().await;
                // Full or gone: what waits there says the same, or there is nobody to be told.
                pressed.try_send(()).ok();
                waker();
            }
        });
        receiver
    }
}
