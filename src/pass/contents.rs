//! What messages hold, read from either side (D8).
//!
//! Bounded: one message's bytes at a time, and a kilobyte or so for each message asked for; little of many.

use std::collections::{BTreeMap, BTreeSet};

use crate::domain::content::Shape;
use crate::domain::failure::{Failure, Scope};
use crate::domain::identity::Names;
use crate::domain::ids::Uid;
use crate::domain::message::SourceMessage;
use crate::endpoint::{Fetched, FolderRef, Source, Which};
use crate::pass::bytes::HEADERS_AT_ONCE;
use crate::pass::bytes::{self, Traces};
use crate::pass::resolve::spool_failed;

/// Servers there are that list a message and do not hand out its header: these are read whole, one at a time, as one of
/// them may be refused. Answers the messages that did not come that way either.
pub(super) async fn names_of_unseen(
    session: &mut (impl Source + ?Sized),
    folder: &FolderRef,
    uids: &[Uid],
    seen: &mut BTreeMap<Uid, Names>,
) -> Result<BTreeSet<Uid>, Failure> {
    let mut unseen: BTreeSet<Uid> = uids.iter().copied().filter(|uid| !seen.contains_key(uid)).collect();
    for uid in unseen.clone() {
        let each = |message: SourceMessage| {
            if unseen.remove(&message.uid) {
                seen.insert(message.uid, bytes::names(&message.body).map_err(|e| spool_failed(&e))?);
            }
            Ok(())
        };
        match read(session, folder, vec![uid], each).await {
            Err(failure) if failure.scope > Scope::Folder => return Err(failure),
            Ok(()) | Err(_) => {}
        }
    }
    Ok(unseen)
}

/// Who these messages are by all their bytes, as far as they come together.
pub(super) async fn names_of_whole(
    session: &mut (impl Source + ?Sized),
    folder: &FolderRef,
    mut uids: Vec<Uid>,
) -> Result<BTreeMap<Uid, Names>, Failure> {
    uids.sort_unstable();
    let mut found = BTreeMap::new();
    let each = |message: SourceMessage| {
        found.insert(message.uid, bytes::names(&message.body).map_err(|e| spool_failed(&e))?);
        Ok(())
    };
    match read(session, folder, uids, each).await {
        Err(failure) if failure.scope > Scope::Folder => Err(failure),
        Ok(()) | Err(_) => Ok(found),
    }
}

/// What these messages hold, as far as they come. Of many, only what is needed to find equals.
pub(super) async fn shapes(
    session: &mut (impl Source + ?Sized),
    folder: &FolderRef,
    mut uids: Vec<Uid>,
) -> Result<BTreeMap<Uid, Shape>, Failure> {
    uids.sort_unstable();
    let many = uids.len() > HEADERS_AT_ONCE;
    let mut found = BTreeMap::new();
    let mut each = |message: SourceMessage| {
        let shape = bytes::shape(&message.body).map_err(|e| spool_failed(&e))?;
        found.insert(message.uid, if many { shape.without_lines() } else { shape });
        Ok(())
    };
    let refused = match read(session, folder, uids.clone(), &mut each).await {
        Err(failure) if failure.scope > Scope::Folder => return Err(failure),
        together => together.is_err(),
    };
    if refused {
        // One of them may be the reason: the others come by themselves.
        let left: Vec<Uid> = uids.into_iter().filter(|uid| !found.contains_key(uid)).collect();
        for uid in left {
            let each = |message: SourceMessage| {
                found.insert(message.uid, bytes::shape(&message.body).map_err(|e| spool_failed(&e))?);
                Ok(())
            };
            match read(session, folder, vec![uid], each).await {
                Err(failure) if failure.scope > Scope::Folder => return Err(failure),
                Ok(()) | Err(_) => {}
            }
        }
    }
    Ok(found)
}

/// What a server that alters messages left of these, as far as they come, and whether none was refused.
pub(super) async fn traces(
    session: &mut (impl Source + ?Sized),
    folder: &FolderRef,
    mut uids: Vec<Uid>,
) -> Result<(BTreeMap<Uid, Traces>, bool), Failure> {
    uids.sort_unstable();
    let mut found = BTreeMap::new();
    let each = |message: SourceMessage| {
        found.insert(message.uid, bytes::traces(&message.body).map_err(|e| spool_failed(&e))?);
        Ok(())
    };
    match read(session, folder, uids, each).await {
        Err(failure) if failure.scope > Scope::Folder => Err(failure),
        read => Ok((found, read.is_ok())),
    }
}

/// Hands over messages as they come. One that cannot be read is passed over: who it is nobody knows.
async fn read(
    session: &mut (impl Source + ?Sized),
    folder: &FolderRef,
    uids: Vec<Uid>,
    mut each: impl FnMut(SourceMessage) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let which = Which::These(uids);
    let mut stream = session.fetch(folder, &which).await?;
    while let Some(fetched) = stream.recv().await {
        match fetched {
            Fetched::Message(message) if which.includes(message.uid) => each(message)?,
            Fetched::Message(_) | Fetched::Unreadable(..) => {}
            Fetched::Broken(failure) => return Err(failure),
        }
    }
    Ok(())
}
