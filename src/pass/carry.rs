//! Carries flag changes of the source to the copies that Mailferry made (D10).

use std::collections::{BTreeMap, BTreeSet};

use crate::domain::counts::Counts;
use crate::domain::failure::{Cause, Failure, Retry, Scope, Side};
use crate::domain::flags::FlagChange;
use crate::domain::ids::{FolderId, Uid};
use crate::domain::notice::NoticeKind;
use crate::domain::record::Watermark;
use crate::endpoint::{Destination, FlagUpdate, FolderRef};
use crate::pass::job::{Carry, Job};
use crate::pass::number_check::NumberCheck;
use crate::pass::places::Prepared;
use crate::pass::presence::present;
use crate::pass::recorder::ToRecord;
use crate::pass::sample::{Bytes, IdentityProof, prove};
use crate::pass::{OnSide, Pass, PassResult, PassStop};

/// Copies that are all looked at before their flags are changed.
const FEW: usize = 1000;

/// Carries flag changes, folder by folder of the destination (D10).
pub(super) async fn carry(pass: &Pass, prepared: &Prepared, job: &mut Job, to: &mut dyn Destination) -> PassResult<()> {
    let mut by_folder: BTreeMap<FolderId, Vec<Carry>> = BTreeMap::new();
    for carry in &job.remaining.carries {
        by_folder.entry(carry.folder).or_default().push(carry.clone());
    }
    if by_folder.is_empty() {
        return Ok(());
    }
    let kept = pass.journal.habit(Side::Destination).await?.into();
    for (folder, carries) in by_folder {
        let Some(place) = prepared.places.get(&folder) else {
            // The destination folder is gone (D12): nothing to set flags on.
            continue;
        };
        match carry_into(pass, to, FolderCarries { job: job.id, place, carries, kept }).await {
            Ok(Touched { all: true, .. }) => {}
            Ok(Touched { contradicted, refused, .. }) => {
                job.leave_undone();
                if !refused.is_empty() {
                    pass.notice(job, NoticeKind::FlagsNotKept, Side::Source, refused).await;
                }
                if !contradicted.is_empty() {
                    // The next pass looks for all copies in there, and copies again what was lost.
                    NumberCheck::of(pass).doubt_numbers(folder).await?;
                    pass.notice(job, NoticeKind::MissingThere, Side::Destination, contradicted).await;
                }
            }
            Err(failure) if failure.scope <= Scope::Folder => {
                tracing::warn!(folder = %place.path, %failure, "flags not carried");
                let changed = |carry: &&Carry| carry.folder == folder;
                let left = job.remaining.carries.iter().filter(changed).map(|carry| carry.source).collect();
                pass.notice(job, NoticeKind::FlagsNotKept, Side::Source, left).await;
                job.leave_undone();
            }
            Err(failure) => {
                let mut ended = Err(failure).on(Side::Destination).map_err(PassStop::Fatal);
                pass.tell_room(to, Some(place), &mut ended).await;
                return ended;
            }
        }
        // If a later folder breaks, these are neither set nor counted again.
        job.remaining.carries.retain(|carry| carry.folder != folder);
    }
    Ok(())
}

/// The flag changes of one source folder whose copies lie in one destination folder.
struct FolderCarries<'a> {
    job: FolderId,
    place: &'a FolderRef,
    carries: Vec<Carry>,
    /// What the destination keeps of a message's bytes.
    kept: Bytes,
}

/// What came of the changes in one destination folder.
struct Touched {
    /// None was left out.
    all: bool,
    /// Other messages have these numbers now.
    contradicted: Vec<Uid>,
    /// Messages of the source whose changes the server refused.
    refused: Vec<Uid>,
}

/// Looks whether the copies to be changed are the messages that they were (D26): all when they are few, else some, and all
/// if one of these is another. Answers the changes that may be made, and those that may not, with
/// what was seen.
async fn ours(
    to: &mut dyn Destination,
    into: FolderCarries<'_>,
) -> Result<(Vec<Carry>, Vec<(Carry, IdentityProof)>), Failure> {
    let FolderCarries { place, mut carries, kept, .. } = into;
    carries.sort_by_key(|carry| carry.destination);
    let marks = |carries: &[Carry]| carries.iter().map(|carry| carry.mark.clone()).collect::<Vec<_>>();
    if carries.len() > FEW {
        let every = carries.len().div_ceil(FEW);
        let mut some: Vec<Carry> = carries.iter().rev().step_by(every).cloned().collect();
        some.reverse();
        let marks = marks(&some);
        let asked: Vec<(Uid, &Watermark)> = marks.iter().map(|mark| (mark.destination, mark)).collect();
        if !prove(to, place, &asked, kept).await?.contains(&IdentityProof::Contradicted) {
            return Ok((carries, Vec::new()));
        }
    }
    let marks = marks(&carries);
    let asked: Vec<(Uid, &Watermark)> = marks.iter().map(|mark| (mark.destination, mark)).collect();
    let proofs = prove(to, place, &asked, kept).await?;
    let unseen =
        asked.iter().zip(&proofs).filter(|(_, proof)| **proof == IdentityProof::Unseen).map(|((uid, _), _)| *uid);
    let listed = present(to, place, &unseen.collect::<Vec<Uid>>()).await?;
    let (mut good, mut wrong) = (Vec::new(), Vec::new());
    for (carry, proof) in carries.into_iter().zip(proofs) {
        match proof {
            IdentityProof::Confirmed => good.push(carry),
            IdentityProof::Contradicted => wrong.push((carry, proof)),
            // There, and not handed out: nobody can tell whose it is.
            IdentityProof::Unseen if listed.contains_key(&carry.destination) => wrong.push((carry, proof)),
            // Gone: nothing is set, and the new base is kept as if it had been.
            IdentityProof::Unseen => good.push(Carry { change: Default::default(), ..carry }),
        }
    }
    Ok((good, wrong))
}

/// Sets the changed flags in one destination folder and records the new bases.
async fn carry_into(pass: &Pass, to: &mut dyn Destination, into: FolderCarries<'_>) -> Result<Touched, Failure> {
    let FolderCarries { job, place, .. } = into;
    let (_, permanent) = match to.open(std::slice::from_ref(place)).await?.pop() {
        Some(opened) => opened?,
        None => return Err(Failure::new(Cause::Nonsense, Scope::Folder, Retry::Never, "opening a folder")),
    };
    let (carries, wrong) = ours(to, into).await?;
    let mut updates: BTreeMap<(String, String), FlagUpdate> = BTreeMap::new();
    let (mut entry, mut begins) = (ToRecord::default(), ToRecord::default());
    let none_wrong = wrong.is_empty();
    let sources: BTreeMap<Uid, Uid> = carries.iter().map(|carry| (carry.destination, carry.source)).collect();
    let mut contradicted = Vec::new();
    for (carry, proof) in wrong {
        tracing::warn!(folder = %place.path, number = %carry.destination, "not seen to be the copy; not touched");
        if proof == IdentityProof::Contradicted {
            contradicted.push(carry.destination);
        }
    }
    for carry in carries {
        let mut change = carry.change;
        change.add = change.add.allowed_by(&permanent);
        change.remove = change.remove.allowed_by(&permanent);
        entry.results.flags.push((job, carry.source, carry.now.into()));
        if !change.is_empty() {
            entry.counts.push((job, Counts { flags_updated: 1, ..Counts::default() }));
            begins.results.flags.push((job, carry.source, carry.mark.flags.changing(&change)));
            let key = (change.add.to_string(), change.remove.to_string());
            updates.entry(key).or_insert_with(|| FlagUpdate { uids: Vec::new(), change }).uids.push(carry.destination);
        }
    }
    let mut updates: Vec<_> = updates.into_values().collect();
    updates.iter_mut().for_each(|update| update.uids.sort_unstable());
    // Whoever dies now does not know whether they were set: the source may take them back before the next pass.
    pass.recorder.add(begins).await;
    pass.recorder.flush().await;
    let refused: BTreeSet<Uid> =
        set(to, place, &updates).await?.iter().filter_map(|at| sources.get(at).copied()).collect();
    entry.results.flags.retain(|(_, source, _)| !refused.contains(source));
    entry.counts.truncate(entry.counts.len().saturating_sub(refused.len()));
    pass.recorder.add(entry).await;
    Ok(Touched { all: none_wrong && refused.is_empty(), contradicted, refused: refused.into_iter().collect() })
}

/// Sets flags; where the server refuses it, those of each kind by themselves, then without keywords. Answers the copies of which
/// something was refused.
pub(super) async fn set(
    to: &mut dyn Destination,
    place: &FolderRef,
    updates: &[FlagUpdate],
) -> Result<Vec<Uid>, Failure> {
    let mere = |failure: &Failure| failure.cause == Cause::CommandRefused && failure.scope <= Scope::Folder;
    match to.update_flags(place, updates).await {
        Err(failure) if mere(&failure) => tracing::info!(folder = %place.path, %failure, "flags refused; one by one"),
        done => return done.map(|()| Vec::new()),
    }
    let mut refused = Vec::new();
    for update in updates {
        match to.update_flags(place, std::slice::from_ref(update)).await {
            Err(failure) if mere(&failure) => {}
            Err(failure) => return Err(failure),
            Ok(()) => continue,
        }
        refused.extend(&update.uids);
        let FlagUpdate { uids, change } = update.clone();
        let change = FlagChange { add: change.add.without_keywords(), remove: change.remove.without_keywords() };
        match to.update_flags(place, &[FlagUpdate { uids, change }]).await {
            Err(failure) if !mere(&failure) => return Err(failure),
            Ok(()) | Err(_) => {}
        }
    }
    Ok(refused)
}
