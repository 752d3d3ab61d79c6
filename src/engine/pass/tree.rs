//! The first phases: list both sides, create the missing folders, and tell which folders must be looked into.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Mutex;
use std::sync::atomic::AtomicBool;

use async_trait::async_trait;

use crate::domain::failure::{Cause, Failure, Retry, Scope, Side};
use crate::domain::flags::PermanentFlags;
use crate::domain::folder::{FolderPath, FolderState, ListedFolder, WireName};
use crate::domain::ids::{FolderId, Uid};
use crate::domain::matching::GoneMarks;
use crate::domain::record::{FolderPhase, FolderRecord, FolderUpdate, Habit, Notice, NoticeKind, Phase, Seen};
use crate::domain::tree::{FolderPlan, Tree, Twins};
use crate::endpoint::{Destination, FolderRef, Limits, NewFolder, Source};
use crate::engine::pass::job::{Cut, Job, Todo};
use crate::engine::pass::known::Known;
use crate::engine::pass::lane::{Lane, Step};
use crate::engine::pass::places::Prepared;
use crate::engine::pass::recorder::Entry;
use crate::engine::pass::suspects::Suspects;
use crate::engine::pass::there::Doubts;
use crate::engine::pass::twins::new_folder;
use crate::engine::pass::{Flow, Halt, On, Pass, Trouble};

/// Folders left out that are named one by one; of more, the number is told.
const MOST_NAMED: usize = 200;

/// What both sides hold; of the destination what its owner has.
pub(super) struct Listing {
    source: Vec<ListedFolder>,
    destination: Vec<ListedFolder>,
    limits: Limits,
}

struct List;

#[async_trait]
impl Step for List {
    type Out = Listing;

    async fn run(&mut self, pass: &Pass, source: &mut dyn Source, to: &mut dyn Destination) -> Flow<Listing> {
        pass.tally.phase(pass.clock.now(), Phase::ListingSource);
        let limits = to.limits();
        let (source, destination) = tokio::join!(source.list(), to.list());
        Ok(Listing {
            source: source.on(Side::Source).map_err(Halt::Fatal)?,
            destination: own(destination.on(Side::Destination).map_err(Halt::Fatal)?),
            limits,
        })
    }
}

/// What the mailbox's owner has, of a listing.
pub(super) fn own(listed: Vec<ListedFolder>) -> Vec<ListedFolder> {
    listed.into_iter().filter(|folder| !folder.foreign).collect()
}

/// Lists the destination once more.
struct ListThere;

#[async_trait]
impl Step for ListThere {
    type Out = Vec<ListedFolder>;

    async fn run(&mut self, _pass: &Pass, _source: &mut dyn Source, to: &mut dyn Destination) -> Flow<Self::Out> {
        Ok(own(to.list().await.on(Side::Destination).map_err(Halt::Fatal)?))
    }
}

/// Creates folders and subscribes those that exist.
struct Create<'a> {
    create: &'a [NewFolder],
    subscribe: &'a [WireName],
}

#[async_trait]
impl Step for Create<'_> {
    type Out = Vec<Result<WireName, Failure>>;

    async fn run(&mut self, pass: &Pass, _source: &mut dyn Source, to: &mut dyn Destination) -> Flow<Self::Out> {
        pass.tally.phase(pass.clock.now(), Phase::CreatingFolders);
        let mut created = Vec::new();
        if !self.create.is_empty() {
            created = to.create(self.create).await.on(Side::Destination).map_err(Halt::Fatal)?;
        }
        if !self.subscribe.is_empty() {
            for refused in to.subscribe(self.subscribe).await.on(Side::Destination).map_err(Halt::Fatal)? {
                if let Err(failure) = refused {
                    tracing::warn!(%failure, "folder not subscribed");
                }
            }
        }
        Ok(created)
    }
}

/// A folder that is to be looked into, before its destination is opened.
struct Candidate {
    plan: FolderPlan,
    record: Option<FolderRecord>,
    state: Option<FolderState>,
    /// What EXAMINE says, of folders that are to be looked into: it corrects the list (D27).
    examined: Option<FolderState>,
    /// MAILBOXID of the source folder.
    mailbox_id: Option<String>,
    /// The destination folder's line in the list.
    there: Option<ListedFolder>,
    wire: WireName,
    gone: bool,
    refused: Option<Trouble>,
    opened: Option<(FolderState, PermanentFlags)>,
}

impl Candidate {
    /// What is known of the folder's state: by EXAMINE, else by the list.
    fn best(&self) -> FolderState {
        let unknown = FolderState { uid_validity: 0, uid_next: 0, messages: 0, highest_modseq: None };
        self.examined.or(self.state).unwrap_or(unknown)
    }

    /// Whether list and EXAMINE say the same of the source folder.
    fn agreed(&self) -> bool {
        let figures = |state: FolderState| (state.uid_validity, state.uid_next, state.messages);
        match (self.state, self.examined) {
            (Some(listed), Some(examined)) => figures(listed) == figures(examined),
            (Some(_), None) => true,
            (None, _) => false,
        }
    }

    /// Whether the source's numbers may mean other messages than before (D26).
    fn is_doubtful(&self) -> bool {
        let Some(record) = &self.record else { return false };
        let told = self.state.map_or(0, |state| state.uid_next);
        let now = FolderState { uid_next: self.best().uid_next.max(told), ..self.best() };
        went_back(record.source_seen, now) || is_another(record.mailbox_id.as_ref(), self.mailbox_id.as_ref())
    }

    /// Why the numbers of copies at the destination may not hold (D26).
    fn doubts(&self) -> Doubts {
        let Some(record) = self.record.as_ref().filter(|r| r.destination == self.plan.destination) else {
            return Doubts::default();
        };
        let listed = self.there.as_ref().and_then(|there| there.state);
        let Some(now) = self.opened.as_ref().map(|opened| opened.0).or(listed) else { return Doubts::default() };
        let id = self.there.as_ref().and_then(|there| there.mailbox_id.as_ref());
        let renumbered = record.destination_validity != 0
            && now.uid_validity != 0
            && record.destination_validity != now.uid_validity;
        Doubts {
            stepped_back: went_back(record.destination_seen, now)
                || is_another(record.destination_mailbox_id.as_ref(), id),
            made_anew: renumbered,
        }
    }
}

/// Whether UIDNEXT is lower than it was, or more messages are there than can have come since.
pub(super) fn went_back(seen: Seen, now: FolderState) -> bool {
    if seen.uid_next == 0 || now.uid_next == 0 {
        return false;
    }
    let came = now.uid_next.saturating_sub(seen.uid_next);
    now.uid_next < seen.uid_next || u64::from(now.messages) > u64::from(seen.messages) + u64::from(came)
}

/// Whether both are known and differ (MAILBOXID, RFC 8474).
pub(super) fn is_another(before: Option<&String>, now: Option<&String>) -> bool {
    before.zip(now).is_some_and(|(before, now)| before != now)
}

/// Opens the source folders of these candidates in one flight.
struct Examine<'a> {
    listing: &'a Listing,
    candidates: &'a mut [Candidate],
}

#[async_trait]
impl Step for Examine<'_> {
    type Out = ();

    async fn run(&mut self, _pass: &Pass, source: &mut dyn Source, _to: &mut dyn Destination) -> Flow<()> {
        let folder = |candidate: &Candidate| {
            let listed = &self.listing.source[candidate.plan.source];
            place(&listed.path, &listed.wire, 0)
        };
        let folders: Vec<FolderRef> = self.candidates.iter().map(folder).collect();
        let states = source.examine_all(&folders).await.on(Side::Source).map_err(Halt::Fatal)?;
        for (candidate, state) in self.candidates.iter_mut().zip(states) {
            match state {
                Ok(state) => candidate.examined = Some(state),
                Err(failure) if failure.scope <= Scope::Folder => {
                    candidate.refused = Some(Trouble { side: Side::Source, failure });
                }
                Err(failure) => return Err(failure).on(Side::Source).map_err(Halt::Fatal),
            }
        }
        Ok(())
    }
}

/// Opens the destination folders of all candidates in one flight.
struct Open<'a> {
    candidates: &'a mut [Candidate],
}

#[async_trait]
impl Step for Open<'_> {
    type Out = ();

    async fn run(&mut self, _pass: &Pass, _source: &mut dyn Source, to: &mut dyn Destination) -> Flow<()> {
        for candidate in self.candidates.iter_mut().filter(|c| c.wire.0.is_empty()) {
            // Neither listed nor created by us, as the inbox of some servers.
            candidate.wire = to.wire_name(&candidate.plan.destination);
        }
        let wanted: Vec<_> = self.candidates.iter_mut().filter(|c| !c.gone && c.refused.is_none()).collect();
        let folders: Vec<_> = wanted.iter().map(|c| place(&c.plan.destination, &c.wire, 0)).collect();
        if folders.is_empty() {
            return Ok(());
        }
        let opened = to.open(&folders).await.on(Side::Destination).map_err(Halt::Fatal)?;
        for (candidate, opened) in wanted.into_iter().zip(opened) {
            match opened {
                Ok(opened) => candidate.opened = Some(opened),
                Err(failure) => candidate.refused = Some(Trouble { side: Side::Destination, failure }),
            }
        }
        Ok(())
    }
}

fn place(path: &FolderPath, wire: &WireName, validity: u32) -> FolderRef {
    FolderRef { path: path.clone(), wire: wire.clone(), validity }
}

impl Pass {
    /// Lists both sides. A source without any folder is not believed: every mailbox has one.
    pub(super) async fn list(&self, lane: &mut Lane) -> Flow<Listing> {
        self.tally.phase(self.clock.now(), Phase::Connecting);
        let listing = self.persist(lane, &mut List).await?;
        if listing.source.iter().any(|folder| folder.selectable && !folder.foreign) {
            return Ok(listing);
        }
        let failure = Failure::new(Cause::NoFolders, Scope::Mailbox, Retry::User, "listing folders")
            .saying(format!("{} folders listed, none of them with mail of its own", listing.source.len()));
        Err(Halt::Fatal(Trouble { side: Side::Source, failure }))
    }

    /// Lists both sides and names what a pass would leave out; changes nothing.
    pub(super) async fn look_over(&self, lane: &mut Lane) -> Flow<()> {
        let listing = self.list(lane).await?;
        let known = Known::new(&[], &BTreeMap::new());
        let separator = listing.limits.separator;
        let tree = self.plan(&listing.source, &listing.destination, separator, &known, &Twins::default())?;
        self.tell_left_out(&tree, &listing).await;
        Ok(())
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
        self.tally.left_out(self.clock.now(), told.iter().map(|(at, _)| messages(*at)).sum());
        let (named, more) = told.split_at(told.len().min(MOST_NAMED));
        for (at, reason) in named {
            let path = listing.source[*at].path.clone();
            self.recorder.add(Entry::notice(notice(Some(path), messages(*at), reason.word().to_owned()))).await;
        }
        if !more.is_empty() {
            let detail = format!("{} more folders, for the same reasons", more.len());
            let held = more.iter().map(|(at, _)| messages(*at)).sum();
            self.recorder.add(Entry::notice(notice(None, held, detail))).await;
        }
    }

    /// Lists, creates the tree and says which folders to look into.
    pub(super) async fn prepare(&self, lane: &mut Lane) -> Flow<Prepared> {
        self.tally.phase(self.clock.now(), Phase::Loading);
        let mut records = self.journal.folders().await?;
        let mut listing = self.list(lane).await?;
        same_mailbox(&records, &listing.destination)?;
        self.wait_for_the_interrupted(&records).await?;
        self.follow_renamed(lane, &mut records, &listing.destination).await?;
        let renamed = self.renamed(lane, &records, &listing.source).await?;
        let known = Known::new(&records, &renamed);
        let separator = listing.limits.separator;
        let tree = self.tree(lane, &listing.source, &mut listing.destination, separator, &known).await?;
        self.tell_left_out(&tree, &listing).await;
        let mut candidates = self.candidates(&tree, &listing, &known);
        self.create(lane, &tree, &listing, &mut candidates).await?;
        self.identify_created(lane, &listing, &mut candidates).await?;
        self.notice_stalls(&candidates).await?;
        let (mut look, mut settled): (Vec<_>, Vec<_>) =
            candidates.into_iter().partition(|c| c.refused.is_none() && !self.unchanged(c));
        if !look.is_empty() {
            self.persist(lane, &mut Examine { listing: &listing, candidates: &mut look }).await?;
        }
        // New and empty: there is nothing to look into.
        let needed = |c: &Candidate| c.refused.is_none() && (c.record.is_some() || c.best().messages > 0);
        let (mut look, empty): (Vec<_>, Vec<_>) = look.into_iter().partition(needed);
        settled.extend(empty);
        if !look.is_empty() {
            self.persist(lane, &mut Open { candidates: &mut look }).await?;
        }
        self.register(records, &listing, settled, look).await
    }

    /// Where folders have a MAILBOXID, those that were just created get theirs by another look at the list: later passes tell
    /// by it whether they are still the same.
    async fn identify_created(&self, lane: &mut Lane, listing: &Listing, candidates: &mut [Candidate]) -> Flow<()> {
        let created = |c: &Candidate| c.there.is_none() && !c.gone && c.refused.is_none();
        if !listing.destination.iter().any(|f| f.mailbox_id.is_some()) || !candidates.iter().any(created) {
            return Ok(());
        }
        let listed = self.persist(lane, &mut ListThere).await?;
        for candidate in candidates.iter_mut().filter(|c| created(c)) {
            candidate.there = listed.iter().find(|folder| folder.wire == candidate.wire).cloned();
        }
        Ok(())
    }

    /// A HIGHESTMODSEQ that stood still while something changed is not trusted at this server any more (D11).
    async fn notice_stalls(&self, candidates: &[Candidate]) -> Flow<()> {
        let known = self.journal.habit(Side::Source).await?.modseq_stalls;
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
            self.journal.learn(Side::Source, Habit { modseq_stalls: true, ..Habit::default() }).await?;
        }
        self.modseq_stalls.store(stalls, std::sync::atomic::Ordering::Relaxed);
        Ok(())
    }

    /// An attempt that was interrupted moments ago may still be landing.
    async fn wait_for_the_interrupted(&self, records: &[FolderRecord]) -> Flow<()> {
        match records.iter().any(|record| record.intent.is_some()) {
            true => self.settle_unknown().await,
            false => Ok(()),
        }
    }

    fn candidates(&self, tree: &Tree, listing: &Listing, known: &Known<'_>) -> Vec<Candidate> {
        let there: HashMap<_, _> = listing.destination.iter().map(|f| (&f.path, f)).collect();
        let candidate = |plan: &FolderPlan| {
            let listed = &listing.source[plan.source];
            let record = known.rows.get(&listed.path).copied().cloned();
            // A folder of an earlier pass that is there no more was taken away by somebody: not made again (D12).
            let mut plan = plan.clone();
            // A folder in which an interrupted pass may have left messages stays where it was until they are found.
            if let Some(before) = record.as_ref().filter(|r| r.intent.is_some() && r.destination != plan.destination)
                && there.contains_key(&before.destination)
            {
                (plan.destination, plan.exists) = (before.destination.clone(), true);
            }
            let gone = !plan.exists
                && record.as_ref().is_some_and(|r| r.destination_validity != 0 && r.destination == plan.destination);
            let wire = match (&record, there.get(&plan.destination)) {
                (_, Some(there)) => there.wire.clone(),
                (Some(record), None) if gone => record.destination_wire.clone(),
                _ => WireName(Vec::new()),
            };
            let state = listed.state;
            let there = there.get(&plan.destination).map(|there| (*there).clone());
            let mailbox_id = listed.mailbox_id.clone();
            Candidate {
                plan,
                record,
                state,
                examined: None,
                mailbox_id,
                there,
                wire,
                gone,
                refused: None,
                opened: None,
            }
        };
        tree.folders.iter().map(candidate).collect()
    }

    /// Creates what is missing; what the destination refuses stays with its candidate.
    async fn create(&self, lane: &mut Lane, tree: &Tree, listing: &Listing, candidates: &mut [Candidate]) -> Flow<()> {
        // A folder somebody took away is not made again for old mail; another source folder may still need it.
        let needed: BTreeSet<_> = candidates.iter().filter(|c| !c.gone).map(|c| &c.plan.destination).collect();
        let taken_away = |c: &&Candidate| c.gone && !needed.contains(&c.plan.destination);
        let gone: BTreeSet<_> = candidates.iter().filter(taken_away).map(|c| &c.plan.destination).collect();
        let create: Vec<NewFolder> =
            tree.create.iter().filter(|new| !gone.contains(&new.path)).map(new_folder).collect();
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
        let created = self.persist(lane, &mut Create { create: &create, subscribe: &subscribe }).await?;
        let created: BTreeMap<_, _> = create.iter().map(|new| &new.path).zip(created).collect();
        for candidate in candidates.iter_mut().filter(|c| !c.gone) {
            match created.get(&candidate.plan.destination) {
                Some(Ok(wire)) => candidate.wire = wire.clone(),
                Some(Err(failure)) => {
                    candidate.refused = Some(Trouble { side: Side::Destination, failure: failure.clone() });
                }
                None => {}
            }
        }
        Ok(())
    }

    /// Whether a folder needs no more than its line in the list: nothing changed since a pass left it whole (D11).
    fn unchanged(&self, candidate: &Candidate) -> bool {
        let Some((state, marker)) = candidate.state.zip(candidate.record.as_ref().and_then(|r| r.marker)) else {
            return false;
        };
        // Without HIGHESTMODSEQ nothing tells that flags changed.
        let stalls = self.modseq_stalls.load(std::sync::atomic::Ordering::Relaxed);
        let tells = match state.highest_modseq.filter(|_| !stalls) {
            Some(_) => true,
            // Nor, without UIDNEXT, that one message went and another came.
            None => !self.order.options.carry_flags && state.uid_next != 0,
        };
        !candidate.gone
            && tells
            && marker.state == state
            && marker.options == self.options_hash()
            && candidate.doubts() == Doubts::default()
            && !candidate.is_doubtful()
    }

    /// Writes the folder rows and makes the jobs.
    async fn register(
        &self,
        mut records: Vec<FolderRecord>,
        listing: &Listing,
        settled: Vec<Candidate>,
        look: Vec<Candidate>,
    ) -> Flow<Prepared> {
        let states: HashMap<_, _> =
            listing.destination.iter().filter_map(|f| f.state.map(|s| (&f.path, s.uid_validity))).collect();
        let jobs_from = settled.len();
        let all: Vec<Candidate> = settled.into_iter().chain(look).collect();
        let updates: Vec<_> = all.iter().map(|c| update(c, listing, &states)).collect();
        let (ids, changed) = self.save(&all, &updates).await?;
        if changed {
            // A folder with new numbers has left its old ones in a row of their own, which counts from now on (D12).
            records = self.journal.folders().await?;
        }

        let listed: BTreeSet<_> = listing.source.iter().filter(|f| f.selectable).map(|f| &f.path).collect();
        let kept: BTreeSet<_> = ids.iter().copied().collect();
        let lost = records.iter().filter(|r| !kept.contains(&r.id) && (r.retired || !listed.contains(&r.source)));
        let mut prepared = Prepared {
            groups: Vec::new(),
            doubted: Vec::new(),
            lost: lost.map(|r| r.id).collect(),
            lent: Vec::new(),
            views: all.iter().zip(&ids).filter(|(c, _)| c.plan.remainder).map(|(_, id)| *id).collect(),
            places: self.places(&records, listing),
            gone: Mutex::new(GoneMarks::default()),
            unread: Vec::new(),
            open: BTreeMap::new(),
            left_over: Mutex::default(),
            kept: AtomicBool::new(false),
            settled: false,
        };
        let mut groups: BTreeMap<FolderPath, Vec<Job>> = BTreeMap::new();
        for (at, ((candidate, id), update)) in all.into_iter().zip(ids).zip(updates).enumerate() {
            if !candidate.gone {
                let there = place(&update.destination, &update.destination_wire, update.destination_validity);
                prepared.places.insert(id, there);
            }
            let refused = candidate.refused.is_some() && candidate.record.is_some();
            match self.job(listing, candidate, id, &update, at >= jobs_from).await? {
                Some(job) => groups.entry(update.destination).or_default().push(job),
                None if refused => prepared.unread.push(id),
                None => {}
            }
        }
        prepared.groups = groups.into_values().collect();
        let looked_into = |path: &FolderPath| prepared.groups.iter().flatten().any(|job| job.destination.path == *path);
        let doubted = records.iter().filter(|r| r.destination_seen == Seen::DOUBTED && !looked_into(&r.destination));
        prepared.doubted = doubted.map(|r| (r.id, r.source.clone())).collect();
        prepared.open = open_elsewhere(&records, &prepared);
        // The largest first, so that no lane is left with one when the others are done.
        let size = |group: &Vec<Job>| group.iter().map(|job| u64::from(job.listed.messages)).sum::<u64>();
        prepared.groups.sort_by_key(|group| std::cmp::Reverse(size(group)));
        Ok(prepared)
    }

    /// Writes changed rows only: a pass with nothing to do writes none. Answers the rows' ids, and whether any was changed.
    async fn save(&self, all: &[Candidate], updates: &[FolderUpdate]) -> Flow<(Vec<FolderId>, bool)> {
        let same = |c: &Candidate, u: &FolderUpdate| c.record.as_ref().filter(|r| is_same(r, u)).map(|r| r.id);
        let known: Vec<Option<FolderId>> = all.iter().zip(updates).map(|(c, u)| same(c, u)).collect();
        let changed: Vec<FolderUpdate> =
            updates.iter().zip(&known).filter(|(_, id)| id.is_none()).map(|(u, _)| u.clone()).collect();
        let mut written = Vec::new();
        let any = !changed.is_empty();
        if any {
            written = self.journal.update_folders(changed).await?;
        }
        let mut written = written.into_iter();
        let mut ids = Vec::with_capacity(all.len());
        for ((candidate, update), id) in all.iter().zip(updates).zip(known) {
            let Some(id) = id.or_else(|| written.next()) else { break };
            ids.push(id);
            let renumbered = candidate.record.as_ref().is_some_and(|r| {
                r.destination == update.destination
                    && r.destination_validity != 0
                    && update.destination_validity != 0
                    && r.destination_validity != update.destination_validity
            });
            if renumbered {
                self.journal.renumber_destination(id, update.destination_validity).await?;
            }
        }
        Ok((ids, any))
    }

    /// Where earlier passes put messages, as far as that is still the same folder.
    fn places(&self, records: &[FolderRecord], listing: &Listing) -> BTreeMap<FolderId, FolderRef> {
        let there: HashMap<_, _> = listing.destination.iter().map(|f| (&f.wire, f)).collect();
        let same = |record: &FolderRecord| {
            let folder = there.get(&record.destination_wire)?;
            let validity = folder.state.map_or(record.destination_validity, |s| s.uid_validity);
            (validity == record.destination_validity)
                .then(|| (record.id, place(&record.destination, &record.destination_wire, validity)))
        };
        records.iter().filter_map(same).collect()
    }

    /// Enters a folder into the tally; a job if it must be looked into.
    async fn job(
        &self,
        listing: &Listing,
        candidate: Candidate,
        id: FolderId,
        update: &FolderUpdate,
        look: bool,
    ) -> Flow<Option<Job>> {
        let listed = &listing.source[candidate.plan.source];
        let unchanged = self.unchanged(&candidate);
        let best = candidate.best();
        let state = FolderState { uid_validity: best.uid_validity, ..candidate.state.unwrap_or(best) };
        let messages = u64::from(best.messages);
        let now = self.clock.now();
        let mut counts = self.order.earlier.get(&id).copied().unwrap_or_default();
        (counts.errors, counts.vanished, counts.skipped) = (0, 0, 0);
        counts.source = messages;
        if unchanged {
            counts.already_there = messages.saturating_sub(counts.copied);
        }
        let phase = match (&candidate.refused, look, unchanged) {
            (None, false, true) => FolderPhase::Unchanged,
            _ => FolderPhase::Waiting,
        };
        self.tally.folder(now, id, listed.path.clone(), counts, phase);
        let record = candidate.record.as_ref();
        let same_numbers = record
            .filter(|r| r.destination == update.destination && r.destination_validity == update.destination_validity);
        let intent = record.filter(|r| r.destination == update.destination).and_then(|r| r.intent);
        let seen = record.filter(|r| r.source_validity == best.uid_validity).map_or(0, |r| r.source_seen.uid_next);
        let told = if state.uid_next > 0 { state.uid_next } else { best.uid_next };
        let job = Job {
            id,
            path: listed.path.clone(),
            source: place(&listed.path, &listed.wire, state.uid_validity),
            mailbox_id: listed.mailbox_id.clone(),
            listed: state,
            exists: best.messages,
            agreed: candidate.agreed(),
            doubtful: candidate.is_doubtful(),
            listed_next: Uid(i64::from(if told == 0 { 0 } else { told.max(seen) })),
            remainder: candidate.plan.remainder,
            unlisted: 0,
            late: Vec::new(),
            source_next: best.uid_next.max(seen),
            doubts: candidate.doubts(),
            strangers_next: same_numbers.map_or(Uid(0), |r| r.strangers_next),
            vanished: 0,
            destination: place(&update.destination, &update.destination_wire, update.destination_validity),
            opened: candidate.opened.as_ref().map_or(FolderState { messages: 0, ..state }, |o| o.0),
            permanent: candidate.opened.map_or_else(PermanentFlags::everything, |o| o.1),
            open_intent: intent.filter(|intent| intent.validity == update.destination_validity),
            search_all: intent.is_some_and(|intent| intent.validity != update.destination_validity),
            fresh: candidate.record.is_none(),
            destination_gone: candidate.gone,
            unfinished: false,
            abandoned: false,
            todo: Todo::All,
            listing: BTreeMap::new(),
            carries: Vec::new(),
            suspects: Suspects::default(),
            cut: Cut::default(),
            uncompared: BTreeSet::new(),
            waiting: BTreeSet::new(),
            destination_seen: same_numbers.map_or(Seen::default(), |r| r.destination_seen),
            singly: false,
            missing: 0,
            looks: 0,
            folder_blame: 0,
        };
        match candidate.refused {
            Some(Trouble { side, failure }) => {
                let mut job = job;
                self.folder_failed(&mut job, side, failure).await?;
                Ok(None)
            }
            None if look => Ok(Some(job)),
            None if unchanged => Ok(None),
            // New and empty: there is nothing to look into, now or later.
            None => self.folder_done(&job, 0).await.map(|()| None),
        }
    }
}

/// Floors of the intents that an interrupted pass left at folders that this pass does not look into: their source folder is
/// gone, or could not be read.
fn open_elsewhere(records: &[FolderRecord], prepared: &Prepared) -> BTreeMap<FolderId, Uid> {
    let looked_into: BTreeSet<FolderId> = prepared.groups.iter().flatten().map(|job| job.id).collect();
    let elsewhere = records.iter().filter(|r| !r.retired && !looked_into.contains(&r.id));
    let open = elsewhere.filter_map(|r| {
        let place = prepared.places.get(&r.id)?;
        r.intent.filter(|intent| intent.validity == place.validity).map(|intent| (r.id, intent.floor))
    });
    open.collect()
}

fn is_same(record: &FolderRecord, update: &FolderUpdate) -> bool {
    record.source == update.source
        && record.source_wire == update.source_wire
        && record.source_validity == update.source_validity
        && record.mailbox_id == update.mailbox_id
        && record.destination == update.destination
        && record.destination_wire == update.destination_wire
        && record.destination_validity == update.destination_validity
        && (update.destination_mailbox_id.is_none() || record.destination_mailbox_id == update.destination_mailbox_id)
}

fn update(candidate: &Candidate, listing: &Listing, states: &HashMap<&FolderPath, u32>) -> FolderUpdate {
    let listed = &listing.source[candidate.plan.source];
    let record = candidate.record.as_ref();
    let before = record.filter(|r| r.destination == candidate.plan.destination).map_or(0, |r| r.destination_validity);
    let opened = candidate.opened.as_ref().map(|o| o.0.uid_validity);
    FolderUpdate {
        id: record.map(|r| r.id),
        source: listed.path.clone(),
        source_wire: listed.wire.clone(),
        source_validity: match candidate.best().uid_validity {
            0 => record.map_or(0, |r| r.source_validity),
            validity => validity,
        },
        mailbox_id: listed.mailbox_id.clone(),
        destination: candidate.plan.destination.clone(),
        destination_wire: candidate.wire.clone(),
        destination_mailbox_id: candidate.there.as_ref().and_then(|there| there.mailbox_id.clone()),
        destination_validity: opened.or_else(|| states.get(&candidate.plan.destination).copied()).unwrap_or(before),
    }
}

/// When every folder of earlier passes has another UIDVALIDITY or MAILBOXID, this is not their mailbox (D12).
fn same_mailbox(records: &[FolderRecord], destination: &[ListedFolder]) -> Flow<()> {
    let now: HashMap<_, _> = destination.iter().filter_map(|f| Some((&f.wire, (f.state?, &f.mailbox_id)))).collect();
    let compared: Vec<bool> = records
        .iter()
        .filter(|r| r.destination_validity != 0)
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
    Err(Halt::Fatal(Trouble { side: Side::Destination, failure }))
}
