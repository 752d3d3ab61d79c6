//! Folder rows and jobs: what the first phases found out is written down, and every folder that must be looked into
//! becomes a job.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use crate::domain::flags::PermanentFlags;
use crate::domain::folder::{FolderPath, FolderState, ListedFolder, Role, UidValidity, WireName};
use crate::domain::ids::{FolderId, Uid};
use crate::domain::progress::FolderPhase;
use crate::domain::record::{FolderEnd, FolderRecord, FolderUpdate, Seen};
use crate::endpoint::FolderRef;
use crate::pass::candidates::Candidate;
use crate::pass::job::{
    FolderFindings, FolderView, Job, ListFigures, NumberTrust, Numbers, Past, Remaining, Suspicion, Unrecorded,
    WorkProgress,
};
use crate::pass::labels::{LabelFolder, rank};
use crate::pass::listing::{Listing, Preparation};
use crate::pass::places::{Claimable, DestinationNumbers, Doubted, OtherRows, Prepared};
use crate::pass::same_folder::{place, went_back};
use crate::pass::tally::FolderTally;
use crate::pass::there::SeenThere;
use crate::pass::{PassResult, SideFailure};

/// A folder's row, and whether the folder is looked into.
pub(super) struct RegisteredRow<'a> {
    pub id: FolderId,
    pub update: &'a FolderUpdate,
    pub look: bool,
}

impl Preparation<'_> {
    /// Writes the folder rows and makes the jobs.
    pub(super) async fn register(
        &self,
        mut records: Vec<FolderRecord>,
        listing: &Listing,
        settled: Vec<Candidate>,
        look: Vec<Candidate>,
    ) -> PassResult<Prepared> {
        let states: HashMap<_, _> =
            listing.destination.iter().filter_map(|f| f.state.map(|s| (&f.path, s.uid_validity))).collect();
        let jobs_from = settled.len();
        let all: Vec<Candidate> = settled.into_iter().chain(look).collect();
        let updates: Vec<_> = all.iter().map(|c| update(c, listing, &states)).collect();
        let (ids, changed) = self.save(&all, &updates).await?;
        if changed {
            // A folder with new numbers has left its old ones in a row of their own, which counts from now on (D12).
            records = self.pass.journal.folders().await?;
        }

        let listed: BTreeSet<_> = listing.source.iter().filter(|f| f.selectable).map(|f| &f.path).collect();
        let kept: BTreeSet<_> = ids.iter().copied().collect();
        self.forget_states(records.iter().filter(|r| !kept.contains(&r.id) && !listed.contains(&r.source))).await?;
        let lost = records.iter().filter(|r| !kept.contains(&r.id) && (r.retired || !listed.contains(&r.source)));
        let mut prepared = Prepared {
            groups: Vec::new(),
            places: self.places(&records, listing),
            others: OtherRows { lost: lost.map(|r| r.id).collect(), ..special_rows(&all, &ids, listing) },
            labels: label_folders(&all, &ids, listing),
            claimable: Claimable::default(),
            there: DestinationNumbers::default(),
            settled: false,
        };
        let mut groups: BTreeMap<FolderPath, Vec<Job>> = BTreeMap::new();
        for (at, ((candidate, id), update)) in all.into_iter().zip(ids).zip(updates).enumerate() {
            if !candidate.gone {
                let there = place(&update.destination, &update.destination_wire, update.destination_validity);
                prepared.places.insert(id, there);
            }
            let refused = candidate.refused.is_some() && candidate.record.is_some();
            match self.job(listing, candidate, RegisteredRow { id, update: &update, look: at >= jobs_from }).await? {
                Some(job) => groups.entry(update.destination).or_default().push(job),
                None if refused => prepared.others.unread.push(id),
                None => {}
            }
        }
        // The largest first, so that no lane is left with one when the others are done.
        let size = |group: &Vec<Job>| group.iter().map(|job| u64::from(job.plan.listed.messages)).sum::<u64>();
        prepared.groups = groups.into_values().collect();
        prepared.groups.sort_by_key(|group| std::cmp::Reverse(size(group)));
        prepared.there.doubted = doubted(&records, listing, &prepared);
        prepared.others.open = open_elsewhere(&records, &prepared);
        Ok(prepared)
    }

    /// Folders that are not at the source: one that has such a name later is another one, however much its state looks like what
    /// these left (D11).
    async fn forget_states(&self, gone: impl Iterator<Item = &FolderRecord>) -> PassResult<()> {
        for record in gone.filter(|record| !record.retired && record.marker.is_some()) {
            self.pass.journal.end_folder(record.id, FolderEnd::default()).await?;
        }
        Ok(())
    }

    /// Writes changed rows only: a pass with nothing to do writes none. Answers the rows' ids, and whether any was changed.
    pub(super) async fn save(&self, all: &[Candidate], updates: &[FolderUpdate]) -> PassResult<(Vec<FolderId>, bool)> {
        let same = |c: &Candidate, u: &FolderUpdate| c.record.as_ref().filter(|r| is_same(r, u)).map(|r| r.id);
        let known: Vec<Option<FolderId>> = all.iter().zip(updates).map(|(c, u)| same(c, u)).collect();
        let changed: Vec<FolderUpdate> =
            updates.iter().zip(&known).filter(|(_, id)| id.is_none()).map(|(u, _)| u.clone()).collect();
        let mut written = Vec::new();
        let any = !changed.is_empty();
        if any {
            written = self.pass.journal.update_folders(changed).await?;
        }
        let mut written = written.into_iter();
        let mut ids = Vec::with_capacity(all.len());
        for ((candidate, update), id) in all.iter().zip(updates).zip(known) {
            let Some(id) = id.or_else(|| written.next()) else { break };
            ids.push(id);
            let renumbered = candidate.record.as_ref().is_some_and(|r| {
                r.destination == update.destination
                    && r.destination_validity.is_some()
                    && update.destination_validity.is_some()
                    && r.destination_validity != update.destination_validity
            });
            if renumbered {
                self.pass.journal.renumber_destination(id, update.destination_validity).await?;
            }
        }
        Ok((ids, any))
    }

    /// Where earlier passes put messages, as far as that is still the same folder.
    pub(super) fn places(&self, records: &[FolderRecord], listing: &Listing) -> BTreeMap<FolderId, FolderRef> {
        // A mere parent of others is not the folder.
        let there: HashMap<_, _> = listing.destination.iter().filter(|f| f.selectable).map(|f| (&f.wire, f)).collect();
        let same = |record: &FolderRecord| {
            let folder = there.get(&record.destination_wire)?;
            let validity = folder.state.map_or(record.destination_validity, |s| s.uid_validity);
            (validity == record.destination_validity)
                .then(|| (record.id, place(&record.destination, &record.destination_wire, validity)))
        };
        records.iter().filter_map(same).collect()
    }

    /// Enters a folder into the tally; a job if it must be looked into.
    pub(super) async fn job(
        &self,
        listing: &Listing,
        candidate: Candidate,
        row: RegisteredRow<'_>,
    ) -> PassResult<Option<Job>> {
        let RegisteredRow { id, update, look } = row;
        let listed = &listing.source[candidate.plan.source];
        let unchanged = self.unchanged(&candidate);
        let best = candidate.best();
        let messages = u64::from(best.messages);
        let now = self.pass.clock.now();
        let mut counts = self.pass.order.earlier.get(&id).copied().unwrap_or_default();
        (counts.errors, counts.vanished, counts.skipped) = (0, 0, 0);
        counts.source = messages;
        if unchanged {
            counts.already_there = messages.saturating_sub(counts.copied);
        }
        let phase = match (&candidate.refused, look, unchanged) {
            (None, false, true) => FolderPhase::Unchanged,
            _ => FolderPhase::Waiting,
        };
        self.pass.tally.folder(now, id, FolderTally { path: listed.path.clone(), phase, counts });
        let job = Job {
            id,
            path: listed.path.clone(),
            plan: findings(listed, &candidate, update),
            numbers: numbers(&candidate, update),
            remaining: Remaining::default(),
            suspicion: Suspicion::default(),
            progress: WorkProgress::Sound,
        };
        match candidate.refused {
            Some(SideFailure { side, failure }) => {
                let mut job = job;
                self.pass.folder_failed(&mut job, side, failure).await?;
                Ok(None)
            }
            None if look => Ok(Some(job)),
            None if unchanged => Ok(None),
            // New and empty: there is nothing to look into, now or later.
            None => self.pass.folder_done(&job, 0).await.map(|()| None),
        }
    }
}

/// What the phases before found out about a folder.
fn findings(listed: &ListedFolder, candidate: &Candidate, update: &FolderUpdate) -> FolderFindings {
    let best = candidate.best();
    let state = FolderState { uid_validity: best.uid_validity, ..candidate.state.unwrap_or(best) };
    let record = candidate.record.as_ref();
    let seen = record
        .filter(|r| r.source_validity == best.uid_validity && !r.source_seen.is_doubted())
        .and_then(|r| r.source_seen.uid_next());
    // Either may say too little, and what was told by then was there before any folder was compared.
    let told = state.uid_next.max(best.uid_next);
    // What is not opened is new and empty here: nothing is appended there, and whatever its numbers are, they were before.
    let listed_there = candidate.there.as_ref().and_then(|there| there.state);
    let unopened = FolderState { messages: 0, ..listed_there.unwrap_or(state) };
    FolderFindings {
        source: place(&listed.path, &listed.wire, state.uid_validity),
        destination: place(&update.destination, &update.destination_wire, update.destination_validity),
        mailbox_id: listed.mailbox_id.clone(),
        listed: state,
        size: candidate.size,
        exists: best.messages,
        figures: if candidate.agreed() { ListFigures::Agree } else { ListFigures::Differ },
        listed_next: told.and(told.max(seen)),
        view: if candidate.plan.remainder { FolderView::Everything } else { FolderView::Own },
        source_next: best.uid_next.max(seen),
        opened: candidate.opened.as_ref().map_or(unopened, |o| o.0),
        past: match (&candidate.record, candidate.gone) {
            (None, _) => Past::None,
            (Some(_), false) => Past::Known,
            (Some(_), true) => Past::DestinationGone,
        },
        permanent: candidate.opened.as_ref().map_or_else(PermanentFlags::everything, |o| o.1.clone()),
    }
}

/// Whether the numbers of both sides can be built on, as far as it is known before they are looked at.
fn numbers(candidate: &Candidate, update: &FolderUpdate) -> Numbers {
    let record = candidate.record.as_ref().filter(|r| r.destination == update.destination);
    let same_numbers = record.filter(|r| r.destination_validity == update.destination_validity);
    let intent = record.and_then(|r| r.intent);
    Numbers {
        source: if candidate.is_doubtful() { NumberTrust::Doubted } else { NumberTrust::Sampled },
        doubts: candidate.doubts(),
        seen_there: same_numbers.map_or(Seen::Unknown, |r| r.destination_seen),
        strangers_next: same_numbers.map_or(Uid(0), |r| r.strangers_next),
        open_intent: intent.filter(|intent| intent.since.holds_in(update.destination_validity)),
        unrecorded: match intent.is_some_and(|intent| !intent.since.holds_in(update.destination_validity)) {
            true => Unrecorded::Anywhere,
            false => Unrecorded::AboveIntent,
        },
    }
}

/// Rows of folders that are not matched like others.
fn special_rows(all: &[Candidate], ids: &[FolderId], listing: &Listing) -> OtherRows {
    let is_aside = |c: &Candidate| matches!(listing.source[c.plan.source].role, Some(Role::Trash | Role::Junk));
    OtherRows {
        aside: all.iter().zip(ids).filter(|(c, _)| is_aside(c)).map(|(_, id)| *id).collect(),
        views: all.iter().zip(ids).filter(|(c, _)| c.plan.remainder).map(|(_, id)| *id).collect(),
        ..OtherRows::default()
    }
}

/// Source folders as labels.
fn label_folders(all: &[Candidate], ids: &[FolderId], listing: &Listing) -> Vec<LabelFolder> {
    let label = |(candidate, row): (&Candidate, &FolderId)| {
        let ListedFolder { path, wire, role, .. } = &listing.source[candidate.plan.source];
        LabelFolder { row: *row, folder: place(path, wire, None), rank: rank(path, *role) }
    };
    // A view that a mapping asks for shows what it shows.
    let is_view = |c: &Candidate| listing.source[c.plan.source].role.is_some_and(Role::is_view);
    let all = all.iter().zip(ids);
    all.filter(|(candidate, _)| candidate.refused.is_none() && !is_view(candidate)).map(label).collect()
}

/// Destination folders that are not looked into, and in which the numbers of copies may not hold.
fn doubted(records: &[FolderRecord], listing: &Listing, prepared: &Prepared) -> Vec<Doubted> {
    let jobs = prepared.groups.iter().flatten();
    let looked_into: BTreeSet<&FolderPath> = jobs.map(|job| &job.plan.destination.path).collect();
    let unread: BTreeSet<FolderId> = prepared.others.unread.iter().copied().collect();
    let unlisted: BTreeSet<FolderId> = prepared.others.lost.iter().copied().collect();
    let sight = |record: &FolderRecord| match unread.contains(&record.id) {
        true => Sight::Unread,
        false if !record.retired && unlisted.contains(&record.id) => Sight::Unlisted,
        false => Sight::Good,
    };
    let there: HashMap<_, _> = listing.destination.iter().filter_map(|f| Some((&f.wire, f.state?))).collect();
    let seen = SeenThere::of(records);
    let others = records.iter().filter(|r| !looked_into.contains(&r.destination));
    others.filter_map(|r| doubt(r, seen.get(r), (&there, sight(r)))).collect()
}

/// Whether a pass sees the source folder of a row.
#[derive(Clone, Copy)]
enum Sight {
    /// It does, and nothing of it asks for more.
    Good,
    /// It is not listed: for good, or just now. What is there is looked at when it has changed.
    Unlisted,
    /// It could not be read. That is rare, and what is there is looked at.
    Unread,
}

/// Why the numbers of copies in a folder that is not looked into may not hold (D26): an earlier pass doubted them, or the folder
/// went back. Messages that left its source folder may come up in others, and are new if their copies were lost. Where the source
/// folder is out of sight, copies may be lost of which nothing tells any more once their folder is gone too.
fn doubt(
    record: &FolderRecord,
    seen: Seen,
    (there, sight): (&HashMap<&WireName, FolderState>, Sight),
) -> Option<Doubted> {
    let now = there.get(&record.destination_wire).filter(|now| now.uid_validity == record.destination_validity);
    let went_back = !seen.is_doubted() && now.is_some_and(|now| went_back(seen, *now));
    let out_of_sight = now.is_some_and(|now| match sight {
        Sight::Good => false,
        Sight::Unlisted => Seen::new(now.uid_next, now.messages) != seen,
        Sight::Unread => true,
    });
    let doubted = Doubted { row: record.id, path: record.source.clone(), seen, went_back, out_of_sight };
    (seen.is_doubted() || went_back || out_of_sight).then_some(doubted)
}

/// Floors of the intents that an interrupted pass left at folders that this pass does not look into: their source folder is
/// gone, or could not be read.
pub(super) fn open_elsewhere(records: &[FolderRecord], prepared: &Prepared) -> BTreeMap<FolderId, Uid> {
    let looked_into: BTreeSet<FolderId> = prepared.groups.iter().flatten().map(|job| job.id).collect();
    let elsewhere = records.iter().filter(|r| !r.retired && !looked_into.contains(&r.id));
    let open = elsewhere.filter_map(|r| {
        let place = prepared.places.get(&r.id)?;
        r.intent.filter(|intent| intent.since.holds_in(place.validity)).map(|intent| (r.id, intent.since.floor()))
    });
    open.collect()
}

pub(super) fn is_same(record: &FolderRecord, update: &FolderUpdate) -> bool {
    record.source == update.source
        && record.source_wire == update.source_wire
        && record.source_validity == update.source_validity
        && record.mailbox_id == update.mailbox_id
        && record.destination == update.destination
        && record.destination_wire == update.destination_wire
        && record.destination_validity == update.destination_validity
        && (update.destination_mailbox_id.is_none() || record.destination_mailbox_id == update.destination_mailbox_id)
}

pub(super) fn update(
    candidate: &Candidate,
    listing: &Listing,
    states: &HashMap<&FolderPath, Option<UidValidity>>,
) -> FolderUpdate {
    let listed = &listing.source[candidate.plan.source];
    let record = candidate.record.as_ref();
    let before = record.filter(|r| r.destination == candidate.plan.destination).and_then(|r| r.destination_validity);
    let opened = candidate.opened.as_ref().map(|o| o.0.uid_validity);
    FolderUpdate {
        id: record.map(|r| r.id),
        source: listed.path.clone(),
        source_wire: listed.wire.clone(),
        source_validity: candidate.best().uid_validity.or_else(|| record.and_then(|r| r.source_validity)),
        mailbox_id: listed.mailbox_id.clone(),
        destination: candidate.plan.destination.clone(),
        destination_wire: candidate.wire.clone(),
        destination_mailbox_id: candidate.there.as_ref().and_then(|there| there.mailbox_id.clone()),
        destination_validity: opened.or_else(|| states.get(&candidate.plan.destination).copied()).unwrap_or(before),
    }
}
