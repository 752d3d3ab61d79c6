//! The first phases: list both sides, create the missing folders, and tell which folders must be looked into.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use async_trait::async_trait;

use crate::domain::failure::{Cause, Failure, Retry, Scope, Side};
use crate::domain::figures::AtSource;
use crate::domain::folder::{FolderPath, ListedFolder, WireName};
use crate::domain::ids::FolderId;
use crate::domain::item_error::ItemError;
use crate::domain::notice::{Notice, NoticeKind};
use crate::domain::progress::Phase;
use crate::domain::record::{FolderEnd, FolderRecord, Habit, Marker, Results, Seen};
use crate::domain::tree::{Creation, Tree, Twins};
use crate::endpoint::{Destination, Source};
use crate::pass::candidates::{Candidate, Examine, OpenDestinations};
use crate::pass::create::Create;
use crate::pass::known::KnownRows;
use crate::pass::lane::{Lane, Step};
use crate::pass::listing::{Listing, Preparation, own};
use crate::pass::places::Prepared;
use crate::pass::recorder::ToRecord;
use crate::pass::same_folder::is_another;
use crate::pass::{OnSide, Pass, PassResult, PassStop, SideFailure};

/// Folders left out that are named one by one; of more, the number is told.
const MOST_NAMED: usize = 200;

/// Lists both sides. What one of them had answered when a connection broke it keeps: whoever gets further has used up no try.
#[derive(Default)]
struct List {
    answered: u64,
}

#[async_trait]
impl Step for List {
    type Out = Listing;

    async fn run(&mut self, pass: &Pass, source: &mut dyn Source, to: &mut dyn Destination) -> PassResult<Listing> {
        pass.tally.phase(pass.clock.now(), Phase::ListingSource);
        let limits = to.limits();
        pass.told_limit(limits.message_bytes);
        let (source, destination) = tokio::join!(source.list(), to.list());
        Ok(Listing {
            source: source.on(Side::Source).map_err(PassStop::Fatal)?,
            destination: own(destination.on(Side::Destination).map_err(PassStop::Fatal)?),
            limits,
        })
    }

    fn broke(&mut self, pass: &Pass, _trouble: &SideFailure) -> Option<Listing> {
        let answered = pass.source.answered_of_a_list() + pass.destination.answered_of_a_list();
        if answered > self.answered {
            self.answered = answered;
            pass.recovery.left_out();
        }
        None
    }
}

/// Lists the destination once more.
struct ListThere;

#[async_trait]
impl Step for ListThere {
    type Out = Vec<ListedFolder>;

    async fn run(&mut self, _pass: &Pass, _source: &mut dyn Source, to: &mut dyn Destination) -> PassResult<Self::Out> {
        Ok(own(to.list().await.on(Side::Destination).map_err(PassStop::Fatal)?))
    }
}

impl Preparation<'_> {
    /// Lists both sides. A source without any folder is not believed: every mailbox has one.
    pub(super) async fn list(&self, lane: &mut Lane) -> PassResult<Listing> {
        self.pass.tally.phase(self.pass.clock.now(), Phase::Connecting);
        let listing = self.pass.run_with_retry(lane, &mut List::default()).await?;
        if listing.source.iter().any(|folder| folder.selectable && !folder.foreign) {
            return Ok(listing);
        }
        let failure = Failure::new(Cause::NoFolders, Scope::Mailbox, Retry::User, "listing folders")
            .saying(format!("{} folders listed, none of them with mail of its own", listing.source.len()));
        Err(PassStop::Fatal(SideFailure { side: Side::Source, failure }))
    }

    /// Lists both sides, looks whether they are the right mailboxes, and names what a pass would leave out; changes nothing.
    pub(super) async fn look_over(&self, lane: &mut Lane) -> PassResult<()> {
        let listing = self.list(lane).await?;
        self.verify_mailboxes(lane, &listing).await?;
        let known = KnownRows::new(&[], &BTreeMap::new());
        let tree = self.plan(&listing, &known, &Twins::default())?;
        self.count_source(&tree, &listing.source);
        self.tell_left_out(&tree, &listing).await;
        self.look_into_all(lane, &tree, &listing).await
    }

    /// Opens the folders of the source that a pass would look into, in one flight: one that does not open is an item error already
    /// when a mailbox is verified, and so are folders that may be missing from the list.
    async fn look_into_all(&self, lane: &mut Lane, tree: &Tree, listing: &Listing) -> PassResult<()> {
        let mut candidates = self.candidates(tree, listing, &KnownRows::new(&[], &BTreeMap::new()));
        self.pass.run_with_retry(lane, &mut Examine::of(listing, &mut candidates)).await?;
        let lacks = self.pass.source.list_lacks().map(ItemError::about);
        let refused = candidates.into_iter().filter_map(|candidate| {
            let SideFailure { failure, .. } = candidate.refused?;
            let listed = &listing.source[candidate.plan.source];
            let messages = listed.state.map_or(1, |state| u64::from(state.messages.max(1)));
            Some(ItemError { folder: Some(listed.path.clone()), messages, ..ItemError::about(failure) })
        });
        for error in lacks.into_iter().chain(refused) {
            tracing::info!(?error, "not everything can be read");
            self.pass.tally.unreadable(self.pass.clock.now(), error.messages);
            let results =
                Results { errors: vec![ItemError { side: Some(Side::Source), ..error }], ..Results::default() };
            self.pass.recorder.add(ToRecord { results, ..ToRecord::default() }).await;
        }
        Ok(())
    }

    /// Counts what the source holds in folders that are not left out, if it tells; what a view of everything shows lies in the
    /// others.
    fn count_source(&self, tree: &Tree, source: &[ListedFolder]) {
        let planned = || tree.folders.iter().filter(|plan| !plan.remainder).map(|plan| &source[plan.source]);
        let messages = |folder: &ListedFolder| folder.state.map(|state| u64::from(state.messages));
        let size = |folder: &ListedFolder| folder.size.or((messages(folder) == Some(0)).then_some(0));
        let bytes: Option<u64> = planned().map(size).sum();
        if let Some(messages) = planned().map(messages).sum::<Option<u64>>() {
            let folders = tree.folders.len() as u64;
            self.pass.tally.at_source(self.pass.clock.now(), AtSource { folders, messages, bytes });
        }
    }

    /// Names the folders that are left out although nobody asked for it, each with what it holds, if that is known.
    async fn tell_left_out(&self, tree: &Tree, listing: &Listing) {
        for (at, reason) in &tree.left_out {
            tracing::info!(folder = %listing.source[*at].path, reason = reason.word(), "folder left out");
        }
        let told: Vec<_> = tree.left_out.iter().filter(|(_, reason)| reason.is_told()).collect();
        let notice = |folder: Option<FolderPath>, messages: u64, detail: String| {
            let (kind, side, numbers) = (NoticeKind::LeftOut, Some(Side::Source), Vec::new());
            Notice { folder, kind, side, messages, numbers, detail: Some(detail) }
        };
        let messages = |at: usize| listing.source[at].state.map_or(0, |state| u64::from(state.messages));
        self.pass.tally.left_out(self.pass.clock.now(), told.iter().map(|(at, _)| messages(*at)).sum());
        let (named, more) = told.split_at(told.len().min(MOST_NAMED));
        for (at, reason) in named {
            let path = listing.source[*at].path.clone();
            self.pass.recorder.add(ToRecord::notice(notice(Some(path), messages(*at), reason.word().to_owned()))).await;
        }
        if !more.is_empty() {
            let detail = format!("{} more folders, for the same reasons", more.len());
            let held = more.iter().map(|(at, _)| messages(*at)).sum();
            self.pass.recorder.add(ToRecord::notice(notice(None, held, detail))).await;
        }
    }

    /// Folders that are not as they were left: that is written down before anything else, for whoever comes after a death in the
    /// middle. By then their figures may be again what they were.
    async fn unsettle(&self, records: &[FolderRecord], source: &[ListedFolder]) -> PassResult<()> {
        let listed: HashMap<&FolderPath, &ListedFolder> = source.iter().map(|folder| (&folder.path, folder)).collect();
        let as_left = |record: &FolderRecord, marker: Marker| {
            // One that is not there may have another name now.
            let Some(now) = listed.get(&record.source) else { return true };
            now.state == Some(marker.state) && marker.has_size(now.size)
        };
        let changed = records.iter().filter(|record| record.marker.is_some_and(|marker| !as_left(record, marker)));
        let rows: Vec<FolderId> = changed.map(|record| record.id).collect();
        if !rows.is_empty() {
            self.pass.journal.unsettle(rows).await?;
        }
        Ok(())
    }

    /// Lists, creates the tree and says which folders to look into.
    pub(super) async fn prepare(&self, lane: &mut Lane) -> PassResult<Prepared> {
        self.pass.tally.phase(self.pass.clock.now(), Phase::Loading);
        let mut records = self.pass.journal.folders().await?;
        let mut listing = self.list(lane).await?;
        self.unsettle(&records, &listing.source).await?;
        self.pass.look_for_failed(&listing.source);
        same_mailbox(&records, &listing.destination)?;
        self.tell_sides_apart(&records, &listing)?;
        self.wait_for_the_interrupted(&records).await?;
        let renamed = self.renamed(lane, &records, &listing.source).await?;
        self.follow_renamed(lane, &mut records, &listing.destination).await?;
        let known = KnownRows::new(&records, &renamed);
        let tree = self.tree(lane, &mut listing, &known).await?;
        self.count_source(&tree, &listing.source);
        self.tell_left_out(&tree, &listing).await;
        let mut candidates = self.candidates(&tree, &listing, &known);
        if self.bring_lost_folders(lane, &records, &listing.destination, &mut candidates).await? {
            records = self.pass.journal.folders().await?;
        }
        self.create(lane, &tree, &listing, &mut candidates).await?;
        self.identify_created(lane, &listing, &mut candidates).await?;
        self.notice_stalls(&candidates).await?;
        let (mut look, mut settled): (Vec<_>, Vec<_>) =
            candidates.into_iter().partition(|c| c.refused.is_none() && !self.unchanged(c));
        if !look.is_empty() {
            self.pass.run_with_retry(lane, &mut Examine::of(&listing, &mut look)).await?;
        }
        if look.iter().any(|c| c.refused.is_none() && c.was_put_back()) {
            self.doubt_source(lane, &listing, &mut look, &mut settled).await?;
        }
        // New and empty: there is nothing to look into.
        let needed = |c: &Candidate| c.refused.is_none() && (c.record.is_some() || c.best().messages > 0);
        let (mut look, empty): (Vec<_>, Vec<_>) = look.into_iter().partition(needed);
        settled.extend(empty);
        if !look.is_empty() {
            self.pass.run_with_retry(lane, &mut OpenDestinations::of(&mut look)).await?;
            self.find_created(lane, &listing, &mut look).await?;
        }
        if look.iter().any(|c| c.doubts().stepped_back()) {
            self.doubt_destination(lane, &listing, &mut look, &mut settled).await?;
        }
        self.register(records, &listing, settled, look).await
    }

    /// Folders of earlier passes that nothing asked for are opened at the source, to be looked into all the same.
    async fn known_ones(
        &self,
        lane: &mut Lane,
        listing: &Listing,
        settled: &mut Vec<Candidate>,
    ) -> PassResult<Vec<Candidate>> {
        let known = |c: &mut Candidate| c.record.is_some() && c.refused.is_none();
        let mut more: Vec<Candidate> = settled.extract_if(.., known).collect();
        if !more.is_empty() {
            self.pass.run_with_retry(lane, &mut Examine::of(listing, &mut more)).await?;
        }
        Ok(more)
    }

    /// A folder of the destination is in an earlier state than it was: copies may be lost in folders too that have grown again
    /// since, or lie under the numbers of later versions. All are looked into, in this pass or, if it dies, in the next.
    async fn doubt_destination(
        &self,
        lane: &mut Lane,
        listing: &Listing,
        look: &mut Vec<Candidate>,
        settled: &mut Vec<Candidate>,
    ) -> PassResult<()> {
        let mut more = self.known_ones(lane, listing, settled).await?;
        if !more.is_empty() {
            self.pass.run_with_retry(lane, &mut OpenDestinations::of(&mut more)).await?;
        }
        look.extend(more);
        let sound = |r: &&FolderRecord| r.destination_validity.is_some() && !r.destination_seen.is_doubted();
        for record in look.iter().filter_map(|candidate| candidate.record.as_ref()).filter(sound) {
            let end = FolderEnd { destination: Some(Seen::Doubted), ..FolderEnd::default() };
            self.pass.journal.end_folder(record.id, end).await?;
        }
        Ok(())
    }

    /// A folder of the source is in an earlier state than it was, so that the others may be too, whatever their figures say: an
    /// edited draft may have the number of another. All of them are looked into, in this pass or, if it dies, in the next.
    async fn doubt_source(
        &self,
        lane: &mut Lane,
        listing: &Listing,
        look: &mut Vec<Candidate>,
        settled: &mut Vec<Candidate>,
    ) -> PassResult<()> {
        tracing::info!("the source was put back to an earlier state");
        look.extend(self.known_ones(lane, listing, settled).await?);
        for candidate in look.iter_mut() {
            let Some(record) = &candidate.record else { continue };
            let end = FolderEnd { source: Some(Seen::Doubted), ..FolderEnd::default() };
            self.pass.journal.end_folder(record.id, end).await?;
            candidate.put_back = true;
        }
        Ok(())
    }

    /// Where folders have a MAILBOXID, those that were just created get theirs by another look at the list: later passes tell
    /// by it whether they are still the same.
    async fn identify_created(
        &self,
        lane: &mut Lane,
        listing: &Listing,
        candidates: &mut [Candidate],
    ) -> PassResult<()> {
        let created = |c: &Candidate| c.there.is_none() && !c.gone && c.refused.is_none();
        if !listing.destination.iter().any(|f| f.mailbox_id.is_some()) || !candidates.iter().any(created) {
            return Ok(());
        }
        let listed = self.pass.run_with_retry(lane, &mut ListThere).await?;
        for candidate in candidates.iter_mut().filter(|c| created(c)) {
            candidate.there = listed.iter().find(|folder| folder.wire == candidate.wire).cloned();
        }
        Ok(())
    }

    /// A server may have made a folder under another name than it was asked for: one that was created and does not open is looked
    /// for in another list.
    async fn find_created(&self, lane: &mut Lane, listing: &Listing, look: &mut Vec<Candidate>) -> PassResult<()> {
        let lost = |c: &mut Candidate| {
            let refused = c.refused.as_ref().filter(|trouble| trouble.side == Side::Destination);
            let cause = refused.map(|trouble| trouble.failure.cause);
            c.there.is_none() && !c.gone && matches!(cause, Some(Cause::FolderGone | Cause::FolderRefused))
        };
        let mut lost: Vec<Candidate> = look.extract_if(.., lost).collect();
        if lost.is_empty() {
            return Ok(());
        }
        let listed = self.pass.run_with_retry(lane, &mut ListThere).await?;
        let known: BTreeSet<&WireName> = listing.destination.iter().map(|folder| &folder.wire).collect();
        let new: Vec<&ListedFolder> = listed.iter().filter(|folder| !known.contains(&folder.wire)).collect();
        for candidate in &mut lost {
            if let Some(made) = made_as(&candidate.wire, &new) {
                tracing::info!(asked = ?candidate.wire, made = ?made.wire, "the destination made the folder under another name");
                (candidate.wire, candidate.refused) = (made.wire.clone(), None);
            }
        }
        self.pass.run_with_retry(lane, &mut OpenDestinations::of(&mut lost)).await?;
        look.extend(lost);
        Ok(())
    }

    /// A HIGHESTMODSEQ that stood still while something changed is not trusted at this server any more (D11).
    async fn notice_stalls(&self, candidates: &[Candidate]) -> PassResult<()> {
        let habit = self.pass.journal.habit(Side::Source).await?;
        self.pass.findings.told_sizes.begin(habit);
        let known = habit.modseq_stalls;
        let stalls = |candidate: &Candidate| {
            let marker = candidate.record.as_ref().and_then(|record| record.marker);
            candidate.state.zip(marker).is_some_and(|(now, marker)| {
                let before = marker.state;
                now.highest_modseq.is_some()
                    && now.highest_modseq == before.highest_modseq
                    && now.uid_validity == before.uid_validity
                    && (now.uid_next, now.messages) != (before.uid_next, before.messages)
            })
        };
        let stalls = known || candidates.iter().any(stalls);
        if stalls && !known {
            tracing::info!("HIGHESTMODSEQ of the source stands still; it is not trusted");
            self.pass.journal.learn(Side::Source, Habit { modseq_stalls: true, ..Habit::default() }).await?;
        }
        self.pass.oddities.modseq_stalls.store(stalls, std::sync::atomic::Ordering::Relaxed);
        Ok(())
    }

    /// An attempt that was interrupted moments ago may still be landing.
    async fn wait_for_the_interrupted(&self, records: &[FolderRecord]) -> PassResult<()> {
        match records.iter().any(|record| record.intent.is_some()) {
            true => self.pass.settle_unknown().await,
            false => Ok(()),
        }
    }

    /// Creates what is missing; what the destination refuses stays with its candidate.
    async fn create(
        &self,
        lane: &mut Lane,
        tree: &Tree,
        listing: &Listing,
        candidates: &mut [Candidate],
    ) -> PassResult<()> {
        // A folder somebody took away is not made again for old mail; another source folder may still need it.
        let needed: BTreeSet<_> = candidates.iter().filter(|c| !c.gone).map(|c| &c.plan.destination).collect();
        let taken_away = |c: &&Candidate| c.gone && !needed.contains(&c.plan.destination);
        let gone: BTreeSet<_> = candidates.iter().filter(taken_away).map(|c| &c.plan.destination).collect();
        let create: Vec<Creation> = tree.create.iter().filter(|new| !gone.contains(&new.path)).cloned().collect();
        let there: HashMap<_, _> = listing.destination.iter().map(|f| (&f.path, &f.wire)).collect();
        let subscribe: Vec<WireName> = candidates
            .iter()
            // Once: a folder that its owner unsubscribed at the destination since stays so.
            .filter(|c| c.plan.exists && c.plan.subscribe && c.record.is_none())
            .filter_map(|c| there.get(&c.plan.destination).map(|wire| (*wire).clone()))
            .collect();
        if create.is_empty() && subscribe.is_empty() {
            return Ok(());
        }
        let created = self.pass.run_with_retry(lane, &mut Create::of(&create, &subscribe)).await?;
        let created: BTreeMap<_, _> = create.iter().map(|new| &new.path).zip(created).collect();
        for candidate in candidates.iter_mut().filter(|c| !c.gone) {
            match created.get(&candidate.plan.destination) {
                Some(Ok(wire)) => candidate.wire = wire.clone(),
                Some(Err(failure)) => {
                    candidate.refused = Some(SideFailure { side: Side::Destination, failure: failure.clone() });
                }
                None => {}
            }
        }
        Ok(())
    }
}

/// The only new folder whose letters and digits are those of this name: the one that a server made of it.
fn made_as<'a>(asked: &WireName, new: &[&'a ListedFolder]) -> Option<&'a ListedFolder> {
    let letters = |name: &WireName| {
        let kept = name.0.iter().filter(|byte| byte.is_ascii_alphanumeric());
        kept.map(u8::to_ascii_lowercase).collect::<Vec<u8>>()
    };
    let mut alike = new.iter().filter(|folder| !letters(asked).is_empty() && letters(&folder.wire) == letters(asked));
    alike.next().filter(|_| alike.next().is_none()).copied()
}

/// When every folder of earlier passes has another UIDVALIDITY or MAILBOXID, this is not their mailbox (D12).
fn same_mailbox(records: &[FolderRecord], destination: &[ListedFolder]) -> PassResult<()> {
    let now: HashMap<_, _> = destination.iter().filter_map(|f| Some((&f.wire, (f.state?, &f.mailbox_id)))).collect();
    let compared: Vec<bool> = records
        .iter()
        .filter(|r| r.destination_validity.is_some())
        .filter_map(|r| {
            let (state, id) = now.get(&r.destination_wire)?;
            let another = is_another(r.destination_mailbox_id.as_ref(), id.as_ref());
            Some(state.uid_validity == r.destination_validity && !another)
        })
        .collect();
    if compared.is_empty() || compared.contains(&true) {
        return Ok(());
    }
    let failure = Failure::new(Cause::NotTheSameMailbox, Scope::Mailbox, Retry::User, "comparing the folders").saying(
        format!("all {} folders known from earlier passes have a new UIDVALIDITY or MAILBOXID", compared.len()),
    );
    Err(PassStop::Fatal(SideFailure { side: Side::Destination, failure }))
}
