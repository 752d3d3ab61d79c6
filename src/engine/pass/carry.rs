//! Carries flag changes of the source to the copies that Mailferry made (D10).

use std::collections::BTreeMap;

use crate::domain::failure::{Cause, Failure, Retry, Scope, Side};
use crate::domain::ids::FolderId;
use crate::domain::record::Counts;
use crate::endpoint::{Destination, FlagUpdate, FolderRef};
use crate::engine::pass::job::{Carry, Job};
use crate::engine::pass::places::Prepared;
use crate::engine::pass::recorder::Entry;
use crate::engine::pass::{Flow, Halt, On, Pass};

/// Carries flag changes, folder by folder of the destination (D10).
pub(super) async fn carry(pass: &Pass, prepared: &Prepared, job: &mut Job, to: &mut dyn Destination) -> Flow<()> {
    let mut by_folder: BTreeMap<FolderId, Vec<Carry>> = BTreeMap::new();
    for carry in &job.carries {
        by_folder.entry(carry.folder).or_default().push(carry.clone());
    }
    for (folder, carries) in by_folder {
        let Some(place) = prepared.places.get(&folder) else {
            // The destination folder is gone (D12): nothing to set flags on.
            continue;
        };
        match carry_into(pass, to, job.id, place, carries).await {
            Ok(()) => {}
            Err(failure) if failure.scope <= Scope::Folder => {
                tracing::warn!(folder = %place.path, %failure, "flags not carried");
                job.unfinished = true;
            }
            Err(failure) => return Err(failure).on(Side::Destination).map_err(Halt::Fatal),
        }
        // If a later folder breaks, these are neither set nor counted again.
        job.carries.retain(|carry| carry.folder != folder);
    }
    Ok(())
}

/// Sets the changed flags in one destination folder and records the new bases.
async fn carry_into(
    pass: &Pass,
    to: &mut dyn Destination,
    job: FolderId,
    place: &FolderRef,
    carries: Vec<Carry>,
) -> Result<(), Failure> {
    let (_, permanent) = match to.open(std::slice::from_ref(place)).await?.pop() {
        Some(opened) => opened?,
        None => return Err(Failure::new(Cause::Nonsense, Scope::Folder, Retry::Never, "opening a folder")),
    };
    let mut updates: BTreeMap<(String, String), FlagUpdate> = BTreeMap::new();
    let mut entry = Entry::default();
    for carry in carries {
        let mut change = carry.change;
        change.add = change.add.allowed_by(&permanent);
        change.remove = change.remove.allowed_by(&permanent);
        entry.results.flags.push((job, carry.source, carry.now));
        if !change.is_empty() {
            entry.counts.push((job, Counts { flags_updated: 1, ..Counts::default() }));
            let key = (change.add.to_string(), change.remove.to_string());
            updates.entry(key).or_insert_with(|| FlagUpdate { uids: Vec::new(), change }).uids.push(carry.destination);
        }
    }
    let mut updates: Vec<_> = updates.into_values().collect();
    updates.iter_mut().for_each(|update| update.uids.sort_unstable());
    to.update_flags(place, &updates).await?;
    pass.recorder.add(entry).await;
    Ok(())
}
