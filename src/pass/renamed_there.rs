//! Where destination folders are that their owner renamed.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use crate::domain::folder::{FolderPath, ListedFolder, WireName};
use crate::domain::ids::{FolderId, Uid};
use crate::domain::record::{FolderRecord, Seen};
use crate::pass::PassResult;
use crate::pass::lane::Lane;
use crate::pass::listing::Preparation;
use crate::pass::same_folder::{is_another, went_back};

/// The rows whose destination folders are looked for, and the folders that may be them.
struct RenameSearch<'r, 'd> {
    there: BTreeMap<&'d WireName, &'d ListedFolder>,
    /// A row for each destination folder that any knows.
    held: BTreeMap<&'r WireName, &'r FolderRecord>,
    /// Those of which nobody can tell whether they still are what they were.
    open: BTreeMap<&'r WireName, &'r FolderRecord>,
    /// Folders in which no row knows a copy: what they hold tells nothing against another row.
    bare: BTreeSet<WireName>,
    queue: VecDeque<&'r FolderRecord>,
    /// Those of which no folder has the figures, or all of the copies: it may have been renamed and put back.
    unfit: VecDeque<&'r FolderRecord>,
    moved: Vec<(&'r FolderRecord, &'d ListedFolder)>,
}

impl<'r, 'd> RenameSearch<'r, 'd> {
    fn new(records: &'r [FolderRecord], destination: &'d [ListedFolder]) -> Self {
        let there: BTreeMap<_, _> = destination.iter().filter(|f| f.selectable).map(|f| (&f.wire, f)).collect();
        let mut held: BTreeMap<&WireName, &FolderRecord> = BTreeMap::new();
        // Where none of a live folder leads to a destination folder, its copies may still answer for what moved (D12).
        for retired in [false, true] {
            for record in records.iter().filter(|r| r.retired == retired && r.destination_validity.is_some()) {
                held.entry(&record.destination_wire).or_insert(record);
            }
        }
        let lost = |r: &&FolderRecord| there.get(&r.destination_wire).is_none_or(|f| is_another_there(r, f));
        let open = held.iter().filter(|(_, r)| lost(r)).map(|(wire, r)| (*wire, *r)).collect();
        let (queue, unfit) = (VecDeque::new(), VecDeque::new());
        Self { there, held, open, bare: BTreeSet::new(), queue, unfit, moved: Vec::new() }
    }

    /// The next row to be looked for: first among folders whose figures it can have, then among the others.
    fn next(&mut self) -> Option<(&'r FolderRecord, bool)> {
        let first = self.queue.pop_front().map(|record| (record, true));
        first.or_else(|| self.unfit.pop_front().map(|record| (record, false)))
    }

    /// Whether no other folder has the UIDVALIDITY of this one.
    fn is_alone(&self, folder: &ListedFolder) -> bool {
        self.there.values().filter(|other| other.validity() == folder.validity()).count() == 1
    }

    /// The folders that a row's may be; `fit`: by its figures, too.
    fn free_for(&self, record: &FolderRecord, fit: bool) -> Vec<&'d ListedFolder> {
        // Where the old name is another folder's, names were passed on: any folder may be it; so may one that is known by its
        // name only.
        let passed_on = self.there.contains_key(&record.destination_wire);
        let is_free = |f: &&&'d ListedFolder| {
            (f.validity() == record.destination_validity || f.mailbox_id.is_some())
                && f.wire != record.destination_wire
                && !self.took(&f.wire)
                && (passed_on
                    || self.open.contains_key(&f.wire)
                    || !self.held.contains_key(&f.wire)
                    || self.bare.contains(&f.wire))
                && !(fit && f.state.is_some_and(|state| went_back(record.destination_known(), state)))
        };
        self.there.values().filter(is_free).copied().collect()
    }

    fn is_found(&mut self, record: &'r FolderRecord, folder: &'d ListedFolder) {
        self.moved.push((record, folder));
        // Who had that name before has lost it.
        let keeps =
            |r: &FolderRecord| self.open.contains_key(&r.destination_wire) || self.bare.contains(&r.destination_wire);
        if let Some(other) = self.held.get(&folder.wire).copied().filter(|other| !keeps(other)) {
            self.open.insert(&other.destination_wire, other);
            self.queue.push_back(other);
        }
    }

    /// Whether a renamed folder has this name now.
    fn took(&self, wire: &WireName) -> bool {
        self.moved.iter().any(|(_, to)| to.wire == *wire)
    }

    /// Whether a renamed folder had this name.
    fn left(&self, wire: &WireName) -> bool {
        self.moved.iter().any(|(record, _)| record.destination_wire == *wire)
    }

    /// Names that another folder has now, while the one that had it is nowhere.
    fn displaced(&self) -> BTreeSet<WireName> {
        let displaced = |wire: &&&WireName| self.took(wire) && !self.left(wire) && !self.bare.contains(**wire);
        self.held.keys().filter(displaced).map(|wire| (*wire).clone()).collect()
    }

    /// Folders that no row leads to.
    fn unheld(&self) -> Vec<&'d ListedFolder> {
        let holds = |wire: &WireName| {
            self.took(wire) || (self.held.contains_key(wire) && !self.left(wire) && !self.bare.contains(wire))
        };
        self.there.values().filter(|f| !holds(&f.wire)).copied().collect()
    }

    /// Rows whose folder has the name that it had.
    fn stayed(&self, records: &[FolderRecord]) -> Vec<FolderRecord> {
        let stays = |r: &&FolderRecord| !self.took(&r.destination_wire) && !self.left(&r.destination_wire);
        records.iter().filter(stays).cloned().collect()
    }

    fn moves(&self) -> Vec<Move> {
        let of = |(r, to): &(&FolderRecord, &ListedFolder)| Move {
            row: r.id,
            from: r.destination_wire.clone(),
            path: to.path.clone(),
            wire: to.wire.clone(),
        };
        self.moved.iter().map(of).collect()
    }
}

/// A destination folder that has another name than its row says.
struct Move {
    row: FolderId,
    from: WireName,
    path: FolderPath,
    wire: WireName,
}

impl Preparation<'_> {
    /// Destination folders that their owner renamed are followed: by MAILBOXID, else by UIDVALIDITY and copies that are
    /// there under the same numbers. Also where another folder has the old name by now.
    pub(super) async fn follow_renamed(
        &self,
        lane: &mut Lane,
        records: &mut Vec<FolderRecord>,
        destination: &[ListedFolder],
    ) -> PassResult<()> {
        let mut search = RenameSearch::new(records, destination);
        self.search_renamed(lane, &mut search).await?;
        let (displaced, unheld, moves) = (search.displaced(), search.unheld(), search.moves());
        if !displaced.is_empty() {
            let stayed = search.stayed(records);
            if self.was_put_back(lane, &stayed, destination).await? {
                let gone = records.iter().filter(|r| displaced.contains(&r.destination_wire)).cloned();
                self.lose_copies(lane, &gone.collect::<Vec<_>>(), &unheld).await?;
                *records = self.pass.journal.folders().await?;
            }
            self.give_up(records, &displaced, destination).await?;
        }
        self.rename_destinations(records, moves).await
    }

    async fn search_renamed(&self, lane: &mut Lane, search: &mut RenameSearch<'_, '_>) -> PassResult<()> {
        if search.open.is_empty() {
            return Ok(());
        }
        search.bare = self.without_copies(search).await?;
        for record in search.open.values().copied().collect::<Vec<_>>() {
            // Its figures are odd, and it is the same all the same.
            match search.there.get(&record.destination_wire) {
                Some(own) if self.is_renamed(lane, record, own, false).await? => {
                    search.open.remove(&record.destination_wire);
                }
                Some(_) | None => search.queue.push_back(record),
            }
        }
        while let Some((record, fit)) = search.next() {
            let mut found = None;
            for folder in search.free_for(record, fit) {
                let nobodys = search.is_alone(folder) && !search.held.contains_key(&folder.wire);
                if self.is_renamed(lane, record, folder, !fit).await?
                    || (nobodys && self.was_begun(record, folder).await?)
                {
                    found = Some(folder);
                    break;
                }
            }
            match found {
                Some(folder) => search.is_found(record, folder),
                None if fit => search.unfit.push_back(record),
                None => {}
            }
        }
        Ok(())
    }

    /// See [`RenameSearch::bare`].
    async fn without_copies(&self, search: &RenameSearch<'_, '_>) -> PassResult<BTreeSet<WireName>> {
        let mut bare = BTreeSet::new();
        for (wire, record) in search.held.iter().filter(|(wire, _)| !search.open.contains_key(*wire)) {
            if self.pass.journal.known_at_destination(record.id).await?.is_empty() {
                bare.insert((*wire).clone());
            }
        }
        Ok(bare)
    }

    /// Another folder has the name of these now, and they are nowhere: what was in them went with them (D12).
    async fn give_up(
        &self,
        records: &mut [FolderRecord],
        displaced: &BTreeSet<WireName>,
        destination: &[ListedFolder],
    ) -> PassResult<()> {
        for row in records.iter_mut().filter(|row| displaced.contains(&row.destination_wire)) {
            let Some(now) = destination.iter().find(|folder| folder.wire == row.destination_wire) else { continue };
            tracing::info!(folder = %row.destination, "another destination folder has this name now");
            self.pass.give_up_copies(row.id).await?;
            // An older folder under this name, or one of another id, is nothing that was put back.
            self.pass.journal.take_destination(row.id, now.clone()).await?;
            (row.destination_validity, row.destination_mailbox_id) = (now.validity(), now.mailbox_id.clone());
            (row.destination_seen, row.strangers_next) = (Seen::Unknown, Uid(0));
            row.destination_top = Uid(0);
            (row.intent, row.marker) = (None, None);
        }
        Ok(())
    }

    /// Gives rows the names that their destination folders have now, all at once: they may have swapped them.
    async fn rename_destinations(&self, records: &mut [FolderRecord], moves: Vec<Move>) -> PassResult<()> {
        if moves.is_empty() {
            return Ok(());
        }
        for Move { from, path, .. } in &moves {
            tracing::info!(?from, to = %path, "a destination folder was renamed");
        }
        let rows = moves.iter().map(|to| (to.row, to.path.clone(), to.wire.clone())).collect();
        self.pass.journal.follow_destinations(rows).await?;
        for row in records {
            if let Some(to) = moves.iter().find(|to| to.from == row.destination_wire) {
                (row.destination, row.destination_wire) = (to.path.clone(), to.wire.clone());
            }
        }
        Ok(())
    }

    /// Whether an interrupted pass made this folder and recorded nothing of what it put there: no copy tells that it is the
    /// same, but no other folder has its UIDVALIDITY.
    async fn was_begun(&self, record: &FolderRecord, folder: &ListedFolder) -> PassResult<bool> {
        let begun =
            record.intent.zip(folder.state).is_some_and(|(intent, now)| intent.since.holds_in(now.uid_validity));
        Ok(begun && self.pass.journal.known_at_destination(record.id).await?.is_empty())
    }
}

/// Whether the folder that has a destination's name now may be another one: MAILBOXID, UIDVALIDITY or figures that cannot
/// be say so.
fn is_another_there(record: &FolderRecord, listed: &ListedFolder) -> bool {
    is_another(record.destination_mailbox_id.as_ref(), listed.mailbox_id.as_ref())
        || listed.state.is_some_and(|state| {
            (state.uid_validity.is_some() && state.uid_validity != record.destination_validity)
                || went_back(record.destination_known(), state)
        })
}
