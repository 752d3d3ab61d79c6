//! Whether messages are still in a folder. What one listing lacks is gone only if no place is left where it may be: on silence alone
//! nothing is copied once more, and nothing is forgotten.

use std::collections::BTreeMap;

use crate::domain::failure::Failure;
use crate::domain::ids::Uid;
use crate::endpoint::{FolderRef, Source, Which};

/// Those of these messages (ascending) that the folder holds, or may hold, with their sizes as listed, 0 where none was told.
pub(super) async fn present(
    session: &mut (impl Source + ?Sized),
    folder: &FolderRef,
    uids: &[Uid],
) -> Result<BTreeMap<Uid, u32>, Failure> {
    let listing = session.scan(folder, &Which::These(uids.to_vec()), false).await?;
    let mut there: BTreeMap<Uid, u32> = listing.into_iter().map(|message| (message.uid, message.size)).collect();
    let missing: Vec<Uid> = uids.iter().copied().filter(|uid| !there.contains_key(uid)).collect();
    if let Some(first) = missing.first() {
        let recount = session.recount(folder, *first).await?;
        let left = missing.into_iter().filter(|uid| recount.untold > 0 || recount.uids.contains(uid));
        there.extend(left.map(|uid| (uid, 0)));
    }
    Ok(there)
}
