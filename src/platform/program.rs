//! This same program as another process.

use std::ffi::{OsStr, OsString};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, sync_channel};

/// What our own variables begin with: some hold passwords, and none is meant for another workspace.
const OURS: &str = "MAILFERRY_";
/// A greater exit code says that the program could not do what it was told.
const RAN: i32 = 1;

/// Why the demo was not shown.
#[derive(Debug, thiserror::Error)]
pub enum DemoError {
    /// Nobody knows where this program is.
    #[error("this program's file was not found: {0}")]
    NoProgram(std::io::Error),
    /// It does not start.
    #[error("{}: {error}", program.display())]
    NotStarted {
        /// This program.
        program: PathBuf,
        /// The system's words.
        error: std::io::Error,
    },
    /// It started, and could not do what it was told.
    #[error("`mailferry demo` in a terminal says why")]
    CouldNot,
    /// There was nobody to wait for it.
    #[error("the system gave no thread for it")]
    NoThread,
}

/// Shows the demo. Tests put their own in its place.
pub trait Demo {
    /// Starts it and returns at once. When it has ended the receiver tells whether it could run; then
    /// `waker` is called.
    fn start(&self, waker: Arc<dyn Fn() + Send + Sync>) -> Receiver<Result<(), DemoError>>;
}

/// The demo as a process of its own, which outlives this one.
#[derive(Clone, Copy, Debug, Default)]
pub struct DemoProcess;

impl Demo for DemoProcess {
    fn start(&self, waker: Arc<dyn Fn() + Send + Sync>) -> Receiver<Result<(), DemoError>> {
        let (ended, receiver) = sync_channel(1);
        let thread = std::thread::Builder::new().name("mailferry-demo".into()).spawn(move || {
            // Nobody listens when the window has closed.
            ended.send(run()).ok();
            waker();
        });
        if let Err(error) = thread {
            tracing::warn!(%error, "no thread for the demo");
        }
        receiver
    }
}

/// Runs it to its end, so that nothing of the process is left in the system's table.
fn run() -> Result<(), DemoError> {
    let program = std::env::current_exe().map_err(DemoError::NoProgram)?;
    let mut command = demo(&program, std::env::vars_os().map(|(name, _)| name));
    let status = command.status().map_err(|error| DemoError::NotStarted { program, error })?;
    match status.code() {
        Some(0..=RAN) => Ok(()),
        _ => Err(DemoError::CouldNot),
    }
}

fn demo(program: &std::path::Path, variables: impl Iterator<Item = OsString>) -> Command {
    let mut command = Command::new(program);
    command.arg("demo").stdin(Stdio::null()).stdout(Stdio::null());
    for name in variables.filter(|name| is_ours(name)) {
        command.env_remove(name);
    }
    command
}

fn is_ours(name: &OsStr) -> bool {
    name.as_encoded_bytes().starts_with(OURS.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_variable_of_ours_reaches_the_demo() {
        let names = ["PATH", "MAILFERRY_PASSPHRASE", "DISPLAY", "MAILFERRY_SOURCE_PASSWORD"].map(OsString::from);
        let command = demo(std::path::Path::new("mailferry"), names.into_iter());
        let changed: Vec<_> = command.get_envs().collect();
        assert_eq!(
            changed,
            [("MAILFERRY_PASSPHRASE", None), ("MAILFERRY_SOURCE_PASSWORD", None)].map(|(n, v)| (OsStr::new(n), v))
        );
        assert_eq!(command.get_args().collect::<Vec<_>>(), ["demo"]);
    }
}
