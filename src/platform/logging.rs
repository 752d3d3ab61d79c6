//! The log: daily files in `logs/`, the last 14 kept, written by a thread of its own (D2).
//!
//! Bounded: 128,000 lines wait for the disk at most, then lines are dropped. `MAILFERRY_LOG` says what is logged
//! (`debug`, `mailferry::store=trace`). Secrets cannot get here: they do not print.

use std::io::{self, Write};
use std::path::Path;

use tracing::Level;
use tracing_appender::non_blocking::{NonBlocking, WorkerGuard};
use tracing_appender::rolling::{Builder, Rotation};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::MakeWriter;

use super::PlatformError;
use super::folder::private_dir;
use crate::domain::plain_text::escaped;

/// The variable that overrides the level.
pub const VARIABLE: &str = "MAILFERRY_LOG";
const KEPT: usize = 14;

/// Starts logging to `folder/logs/mailferry.<day>.log` for the whole process. Keep the guard until the end: dropping it
/// writes what waits.
pub fn init(folder: &Path, level: Level) -> Result<WorkerGuard, PlatformError> {
    let (lines, guard) = writer(folder)?;
    let filter = EnvFilter::builder().with_default_directive(level.into()).with_env_var(VARIABLE).from_env_lossy();
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(false)
        .with_writer(lines)
        .try_init()
        .map_err(|e| PlatformError::Log(e.to_string()))?;
    Ok(guard)
}

/// Writes each event as one line, whatever its fields hold: what could end a line, steer a terminal or hide is escaped.
#[derive(Clone)]
struct OneLine(NonBlocking);

impl Write for OneLine {
    /// The bytes of one event, as `tracing_subscriber::fmt` hands them over.
    fn write(&mut self, event: &[u8]) -> io::Result<usize> {
        let text = String::from_utf8_lossy(event.strip_suffix(b"\n").unwrap_or(event));
        let line = escaped(&text).replace('\n', "\\n") + "\n";
        self.0.write_all(line.as_bytes())?;
        Ok(event.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

impl MakeWriter<'_> for OneLine {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        self.clone()
    }
}

fn writer(folder: &Path) -> Result<(OneLine, WorkerGuard), PlatformError> {
    let logs = folder.join("logs");
    private_dir(&logs)?;
    let file = Builder::new()
        .rotation(Rotation::DAILY)
        .filename_prefix("mailferry")
        .filename_suffix("log")
        .max_log_files(KEPT)
        .build(&logs)
        .map_err(|e| PlatformError::Log(format!("{}: {}", logs.display(), whole(&e))))?;
    let (lines, guard) = tracing_appender::non_blocking(file);
    Ok((OneLine(lines), guard))
}

/// An error with those behind it.
fn whole(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        let more = error.to_string();
        if !text.contains(&more) {
            text = format!("{text}: {more}");
        }
        source = error.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_reach_the_day_file_and_old_files_go() {
        let folder = tempfile::tempdir().unwrap();
        let logs = folder.path().join("logs");
        std::fs::create_dir(&logs).unwrap();
        for day in 1..=20 {
            std::fs::write(logs.join(format!("mailferry.2020-01-{day:02}.log")), "old").unwrap();
        }
        let (lines, guard) = writer(folder.path()).unwrap();
        let subscriber = tracing_subscriber::fmt().with_ansi(false).with_writer(lines).finish();
        tracing::subscriber::with_default(subscriber, || tracing::info!("hello from the test"));
        drop(guard);
        let files: Vec<_> = std::fs::read_dir(&logs).unwrap().map(|e| e.unwrap().path()).collect();
        assert!(files.len() <= KEPT, "{files:?}");
        assert!(files.iter().any(|path| std::fs::read_to_string(path).unwrap().contains("hello from the test")));
    }
    #[test]
    fn k5_no_field_forges_a_line_or_steers_a_terminal() {
        let folder = tempfile::tempdir().unwrap();
        let (lines, guard) = writer(folder.path()).unwrap();
        let subscriber = tracing_subscriber::fmt().with_ansi(false).with_writer(lines).finish();
        let name = "x\n2026-11-27T00:00:00Z  INFO mailferry: all well\u{1b}]0;\u{202e}";
        tracing::subscriber::with_default(subscriber, || tracing::info!(folder = %name, "opening {name}"));
        drop(guard);
        let log = std::fs::read_dir(folder.path().join("logs")).unwrap().next().unwrap().unwrap().path();
        let text = std::fs::read_to_string(log).unwrap();
        assert_eq!(text.lines().count(), 1, "{text}");
        assert!(!text.contains(['\u{1b}', '\u{202e}']), "{text}");
    }
}
