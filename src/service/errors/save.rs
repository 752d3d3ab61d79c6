//! A message that could not be moved, saved as a file: read from the source, which is not changed, and written to a new file
//! that only its owner may read. Needs the vault open if the source asks for a login, and no lock of the workspace.

use std::io::{self, Seek, Write};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tempfile::NamedTempFile;
use tokio_util::sync::CancellationToken;

use super::StoredError;
use crate::domain::failure::Failure;
use crate::domain::message::{Body, SourceMessage};
use crate::endpoint::ByteCounter;
use crate::engine::one_message::{NotRead, read_message};
use crate::service::{OpenWorkspace, ServiceError, look};

/// Spreadsheets take what begins with this for UTF-8.
const MARK: &[u8] = "\u{feff}".as_bytes();
/// How often it is told how far it is.
const TELL_EVERY: Duration = Duration::from_millis(100);

/// Where a message is saved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SaveTo {
    /// The file.
    pub file: PathBuf,
    /// Whether one that exists is written over.
    pub overwrite: bool,
}

/// Who hears how many bytes were read, and may cancel.
#[derive(Clone)]
pub struct Saving {
    /// Hears it.
    pub tell: Arc<dyn Fn(u64) + Send + Sync>,
    /// Cancels.
    pub cancel: CancellationToken,
}

impl std::fmt::Debug for Saving {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Saving").field("cancelled", &self.cancel.is_cancelled()).finish_non_exhaustive()
    }
}

impl Default for Saving {
    fn default() -> Self {
        Self { tell: Arc::new(|_| ()), cancel: CancellationToken::new() }
    }
}

/// Why a message was not saved.
#[derive(Debug, thiserror::Error)]
pub enum NotSaved {
    /// The error is about a folder.
    #[error("this error is about a whole folder: there is no message to save")]
    NoMessage,
    /// There is such a file.
    #[error("{} exists already; nothing was changed", .0.display())]
    Exists(PathBuf),
    /// It cannot be written.
    #[error("{}: {error}", file.display())]
    File {
        /// Which.
        file: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// The source did not hand it out.
    #[error("the message was not read: {0}")]
    Source(Failure),
    /// A person cancelled it.
    #[error("cancelled; nothing was saved")]
    Cancelled,
}

/// Reads the message of an error from its source and saves it; answers its size. Nothing is left behind if that fails.
///
/// # Errors
/// Nothing was saved.
pub async fn save(
    workspace: &OpenWorkspace,
    error: &StoredError,
    to: SaveTo,
    saving: Saving,
) -> Result<u64, ServiceError> {
    let (Some(folder), Some(uid)) = (&error.error.folder, error.error.source) else {
        return Err(NotSaved::NoMessage.into());
    };
    if !to.overwrite && to.file.symlink_metadata().is_ok() {
        return Err(NotSaved::Exists(to.file).into());
    }
    let home = home(&to);
    let not_written = |error| NotSaved::File { file: to.file.clone(), error };
    // Before anything is read: that it can be written at all.
    let file = NamedTempFile::with_prefix_in(".mailferry", &home).map_err(not_written)?;
    let meter: Arc<ByteCounter> = Arc::default();
    let engine = look::means(workspace, &home)?;
    let reading = read_message(&engine, error.item, (folder, uid), Arc::clone(&meter));
    let message = tokio::select! {
        read = reading => read.map_err(not_read)?,
        never = tell(&meter, &saving) => match never {},
        () = saving.cancel.cancelled() => return Err(NotSaved::Cancelled.into()),
    };
    let written = tokio::task::spawn_blocking(move || write(file, &message, to)).await;
    Ok(written.map_err(|_| ServiceError::Died("writing the message"))??)
}

/// The folder that the file comes to.
fn home(to: &SaveTo) -> PathBuf {
    match to.file.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent.to_owned(),
        _ => PathBuf::from("."),
    }
}

/// Saves a table, marked as UTF-8 for spreadsheets; answers its size.
///
/// # Errors
/// Nothing was saved.
pub async fn save_table(text: Arc<str>, to: SaveTo) -> Result<u64, ServiceError> {
    let written = tokio::task::spawn_blocking(move || {
        if !to.overwrite && to.file.symlink_metadata().is_ok() {
            return Err(NotSaved::Exists(to.file));
        }
        let not_written = |error| NotSaved::File { file: to.file.clone(), error };
        let mut file = NamedTempFile::with_prefix_in(".mailferry", home(&to)).map_err(not_written)?;
        file.write_all(MARK).and_then(|()| file.write_all(text.as_bytes())).map_err(not_written)?;
        keep(file, to)?;
        Ok((MARK.len() + text.len()) as u64)
    });
    Ok(written.await.map_err(|_| ServiceError::Died("writing the table"))??)
}

fn not_read(error: NotRead) -> ServiceError {
    match error {
        NotRead::Store(error) => error.into(),
        NotRead::Source(failure) => NotSaved::Source(failure).into(),
    }
}

async fn tell(meter: &ByteCounter, saving: &Saving) -> std::convert::Infallible {
    loop {
        tokio::time::sleep(TELL_EVERY).await;
        (saving.tell)(meter.total());
    }
}

/// Writes a message. Blocks.
fn write(mut file: NamedTempFile, message: &SourceMessage, to: SaveTo) -> Result<u64, NotSaved> {
    let named = to.file.clone();
    let not_written = |error| NotSaved::File { file: named.clone(), error };
    match &message.body {
        Body::Memory(bytes) => file.write_all(bytes).map_err(not_written)?,
        Body::Spooled { file: spooled, .. } => {
            let mut spooled = spooled.try_clone().map_err(not_written)?;
            spooled.rewind().map_err(not_written)?;
            io::copy(&mut spooled, &mut file).map_err(not_written)?;
        }
    }
    keep(file, to)?;
    Ok(message.body.len())
}

/// Writes it to the disk for good, then gives it its name. Blocks.
fn keep(file: NamedTempFile, to: SaveTo) -> Result<(), NotSaved> {
    let named = to.file.clone();
    let not_written = |error| NotSaved::File { file: named.clone(), error };
    file.as_file().sync_all().map_err(not_written)?;
    let kept = if to.overwrite { file.persist(&to.file) } else { file.persist_noclobber(&to.file) };
    match kept {
        Ok(_) => Ok(()),
        Err(lost) if lost.error.kind() == io::ErrorKind::AlreadyExists => Err(NotSaved::Exists(to.file)),
        Err(lost) => Err(not_written(lost.error)),
    }
}
