//! Ctrl-C, heard from the moment it is listened for: one that comes while another is being dealt with is not lost.

use std::io;

#[cfg(unix)]
type Signal = tokio::signal::unix::Signal;
#[cfg(windows)]
type Signal = tokio::signal::windows::CtrlC;

/// The Ctrl-C presses of this process.
pub struct Interrupts(Signal);

impl Interrupts {
    /// From now on Ctrl-C no longer ends the process.
    ///
    /// # Errors
    /// The system does not allow it.
    pub fn listen() -> io::Result<Self> {
        #[cfg(unix)]
        let signal = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::interrupt())?;
        #[cfg(windows)]
        let signal = tokio::signal::windows::ctrl_c()?;
        Ok(Self(signal))
    }

    /// Waits for the next one.
    pub async fn next(&mut self) {
        if self.0.recv().await.is_none() {
            // No more can come.
            std::future::pending().await
        }
    }
}
