//! Reads one message of an item's source, for a person who wants to have it. Nothing is changed there, and nothing retried: a
//! person sees why it failed and asks again.

use std::sync::Arc;

use crate::domain::failure::{Cause, Failure, Retry, Scope};
use crate::domain::folder::FolderPath;
use crate::domain::ids::{ItemId, Uid};
use crate::domain::message::SourceMessage;
use crate::endpoint::{ByteCounter, Fetched, FolderRef, Source, Which};
use crate::engine::one_look::Looks;
use crate::engine::workspace::Workspace;
use crate::store::StoreError;

/// Why a message was not read.
#[derive(Debug, thiserror::Error)]
pub enum NotRead {
    /// The workspace's database.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The source.
    #[error(transparent)]
    Source(#[from] Failure),
}

/// Reads a message of a folder that earlier passes listed; `meter` counts its bytes as they come. The folder must have the
/// numbering that they saw.
///
/// # Errors
/// The mailbox cannot be opened, or does not hand out the message.
pub async fn read_message(
    workspace: &Workspace,
    item: ItemId,
    (folder, message): (&FolderPath, Uid),
    meter: Arc<ByteCounter>,
) -> Result<SourceMessage, NotRead> {
    let known = workspace.store.folders(item).await?;
    let known = known.into_iter().find(|record| record.source == *folder && !record.retired);
    let gone = || Failure::new(Cause::FolderGone, Scope::Folder, Retry::User, format!("opening folder \"{folder}\""));
    let known = known.ok_or_else(gone)?;
    let folder = FolderRef { path: known.source, wire: known.source_wire, validity: known.source_validity };
    let mut session = Looks::new(workspace, item).await?.source(meter).await?.open_source().await?;
    let read = fetch(session.as_mut(), &folder, message).await;
    session.close().await;
    Ok(read?)
}

async fn fetch(source: &mut dyn Source, folder: &FolderRef, message: Uid) -> Result<SourceMessage, Failure> {
    let mut stream = source.fetch(folder, &Which::These(vec![message])).await?;
    while let Some(fetched) = stream.recv().await {
        match fetched {
            Fetched::Message(read) if read.uid == message => return Ok(read),
            Fetched::Message(_) => {}
            Fetched::Unreadable(_, failure) | Fetched::Broken(failure) => return Err(failure),
        }
    }
    let doing = format!("reading message {message} of folder \"{}\"", folder.path);
    Err(Failure::new(Cause::MessageGone, Scope::Message, Retry::Never, doing).saying("it is no longer there"))
}
