//! The answers to appends: what landed is recorded, what was refused becomes an error or goes again, and a folder ends
//! when nothing of it is under way any more.
//!
//! An append is recorded when its number was told, or when it was found: a server that says yes and stores nothing is
//! believed no more than one that says no and stores all the same.

use std::collections::btree_map::Entry::{Occupied, Vacant};
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use crate::domain::failure::{Cause, Failure, Retry, Scope, Side};
use crate::domain::ids::{FolderId, Uid};
use crate::domain::matching::OursLeft;
use crate::domain::record::{Origin, Results, Watermark};
use crate::endpoint::{Appended, Destination, NotAppended};
use crate::pass::arrivals::{Arrivals, Newcomer, OwnMessage, ServerSaid};
use crate::pass::finish::{SeenOf, copied, not_shown};
use crate::pass::flight::{Ending, InFlight, Outgoing, PendingAppend, Unplaced};
use crate::pass::job::{Asking, Job, Sent};
use crate::pass::landed::Without;
use crate::pass::pulse::Measured;
use crate::pass::recorder::ToRecord;
use crate::pass::resolve::spool_failed;
use crate::pass::sent_flags::{SentFlags, Tried};
use crate::pass::writer::AppendWriter;
use crate::pass::{OnSide, PassResult, PassStop, SideFailure, bytes};

/// Looks for appended messages before they count as not stored: some servers show them a moment later.
const LAST_LOOKS: u32 = 3;
/// Looks into a folder again for messages that did not come; after these they count as gone.
const LOOKS: u32 = 2;

impl AppendWriter<'_> {
    /// Waits for the answer to the oldest append. It stays at the front until [`AppendWriter::settled`] takes it, so that
    /// dropping this future loses nothing.
    pub(super) async fn front(in_flight: &mut VecDeque<InFlight>) -> Result<Vec<Appended>, NotAppended> {
        match in_flight.front_mut() {
            Some(InFlight::Append(pending)) => (&mut pending.answer).await.unwrap_or_else(|_| {
                let doing = "waiting for an answer";
                let failure = Failure::new(Cause::ConnectionLost, Scope::Connection, Retry::Backoff, doing);
                Err(NotAppended { failure, answered: false, plainer: false })
            }),
            Some(InFlight::End { .. }) | None => Ok(Vec::new()),
        }
    }

    /// Takes the oldest off the queue with its answer. Sends nothing.
    pub(super) async fn settled(
        &mut self,
        to: &mut dyn Destination,
        answer: Result<Vec<Appended>, NotAppended>,
    ) -> PassResult<()> {
        let mut pending = match self.wire.in_flight.pop_front() {
            Some(InFlight::Append(pending)) => pending,
            Some(InFlight::End { job, how }) => return self.end(to, job, how).await,
            None => return Ok(()),
        };
        self.wire.appends -= 1;
        let bytes = pending.bytes();
        self.wire.bytes -= bytes;
        let answer = match answer {
            Err(NotAppended { failure, answered: false, .. }) => {
                self.wire.pulse.lost(bytes);
                let on_the_way = |one: &Outgoing| Sent { uid: one.uid, identity: one.identity, answered: false };
                self.wire.sent.extend(pending.messages.iter().map(|one| (pending.job.id, on_the_way(one))));
                Err((failure, false))
            }
            answer => {
                self.wire.pulse.answered(bytes);
                answer.map_err(|not| (not.failure, not.plainer))
            }
        };
        match answer {
            Ok(places) => {
                if pending.messages.len() > 1 {
                    self.batch.stored(pending.went.elapsed());
                }
                let places = places.into_iter().chain(std::iter::repeat(Appended { at: None }));
                for (message, place) in pending.messages.into_iter().zip(places) {
                    self.landed(&pending.job, message, place).await?;
                }
                Ok(())
            }
            Err((failure, plainer)) if failure.scope <= Scope::Folder && Self::lasting(&failure) => {
                pending.messages.iter_mut().for_each(|message| message.plainly |= plainer);
                self.refused(pending, failure, plainer).await
            }
            Err((failure, _)) => {
                // Nobody can tell whether it landed: it is looked for before it is sent again.
                self.refusals.unsure.insert(pending.job.id);
                if self.refusals.suspects.is_empty() {
                    self.refusals.suspects =
                        pending.messages.iter().map(|message| (pending.job.id, message.uid)).collect();
                }
                Err(PassStop::Fatal(SideFailure { side: Side::Destination, failure }))
            }
        }
    }

    /// A refused batch, or a message that the server may take in a plainer form, goes once more.
    async fn refused(&mut self, mut pending: PendingAppend, failure: Failure, plainer: bool) -> PassResult<()> {
        if self.refusals.refused.contains(&pending.job.id) {
            return Ok(());
        }
        if self.may_come_back(&mut pending, &failure) {
            return Ok(());
        }
        let job = &pending.job;
        if let [single] = pending.messages.as_mut_slice()
            && !plainer
        {
            if self.with_a_plainer_date(single, &failure) || Self::without_some_flags(job, single, &failure) {
                tracing::info!(folder = %job.path, uid = %single.uid, "refused; it is sent in a plainer form");
                self.refusals.again.extend(pending.messages.drain(..).map(|message| (Arc::clone(job), message)));
                return Ok(());
            }
            return match self.cleaned_form(single, &failure)? {
                Some(cleaned) => {
                    tracing::info!(folder = %job.path, uid = %cleaned.uid, "called malformed; its cleaned form is sent");
                    self.refusals.again.push_back((Arc::clone(job), cleaned));
                    Ok(())
                }
                None => self.append_failed(job, single, failure).await,
            };
        }
        self.batch.refused();
        // A refused batch should have stored nothing: its messages go again one by one.
        self.refusals.doubted.insert(job.id);
        self.refusals.again.extend(pending.messages.drain(..).map(|message| (Arc::clone(job), message)));
        Ok(())
    }

    /// Whether a refusal will not pass by waiting.
    pub(super) fn lasting(failure: &Failure) -> bool {
        matches!(failure.retry, Retry::Never | Retry::User)
    }

    /// The folder cannot be worked on any further: what did not land so far counts as its error.
    pub(super) fn give_up(&mut self, job: &Arc<Job>, failure: Failure) -> PassResult<()> {
        if !self.refusals.refused.insert(job.id) {
            return Ok(());
        }
        self.refusals.again.retain(|(of, _)| of.id != job.id);
        // What is on the wire may still land: only then is it known what is left.
        self.wire.in_flight.push_back(InFlight::End { job: Arc::clone(job), how: Ending::GivenUp(failure) });
        Ok(())
    }

    async fn landed(&mut self, job: &Arc<Job>, message: Outgoing, place: Appended) -> PassResult<()> {
        let taken = message.marks.of(&message.flags.allowed_by(&job.plan.permanent));
        let Outgoing { uid, identity, content, cleaned, flags, marks, date, dated_by_heading, body, .. } = message;
        let notes = self.notes.entry(job.id).or_default();
        self.pass.landed_without(job.id, uid, Without { flags: marks != SentFlags::All, date: date.is_none() });
        match &date {
            None => notes.undated(uid),
            Some(_) if dated_by_heading => notes.dated_by_heading(uid),
            Some(date) => self.pass.landed_dated(job.id, uid, date, &body),
        }
        if marks == SentFlags::All {
            self.pass.landed_flagged(job.id, uid, &taken);
        }
        if date.is_some() {
            self.pass.findings.dates.took();
        }
        notes.flagged(uid, &flags, &taken);
        if cleaned.is_some() {
            notes.cleaned(uid);
        }
        let bytes = body.len();
        let (job_of_it, mistold, traces) = (Arc::clone(job), false, None);
        let mut one = Unplaced { job: job_of_it, uid, identity, content, cleaned, flags, bytes, mistold, traces };
        if let Some((_, at)) = place.at.filter(|(validity, _)| Some(*validity) == job.plan.destination.validity)
            && self.arrivals_in(job).await?.told(at)
        {
            if self.sizes.next_is_asked() {
                let traces = bytes::traces(&body).map_err(|error| spool_failed(&error));
                let traces = traces.on(Side::Destination).map_err(PassStop::Fatal)?;
                let Unplaced { identity, bytes, .. } = one;
                self.sizes.ask(&job.plan.destination, Measured { uid: at, bytes, identity, traces });
            }
            self.mark(one, at).await;
            return Ok(());
        }
        // Not told, or a number that cannot be this message's.
        let traces = bytes::traces(&body).map_err(|error| spool_failed(&error));
        one.mistold = place.at.is_some();
        one.traces = Some(traces.on(Side::Destination).map_err(PassStop::Fatal)?);
        self.wire.unplaced.push(one);
        self.wire.unseen += 1;
        Ok(())
    }

    pub(super) async fn mark(&mut self, one: Unplaced, at: Uid) {
        let Unplaced { job, uid, identity, content, cleaned, flags, bytes, .. } = one;
        if at != Watermark::NOT_TOLD && !job.plan.permanent.name_all(&flags) {
            let tried = Tried { source: uid, at, flags: flags.clone() };
            self.tried.entry(job.id).or_default().push(tried);
        }
        let mark = Watermark {
            source: uid,
            destination_folder: job.id,
            destination: at,
            identity,
            content: Some(content),
            flags: flags.into(),
            origin: if cleaned.is_some() { Origin::Cleaned } else { Origin::Copied },
        };
        self.pass.recorder.add(ToRecord::watermark(job.id, mark, copied(bytes))).await;
    }

    pub(super) async fn arrivals_in(&mut self, job: &Job) -> PassResult<&mut Arrivals> {
        match self.arrivals.entry(job.plan.destination.wire.clone()) {
            Occupied(entry) => Ok(entry.into_mut()),
            Vacant(entry) => Ok(entry.insert(Arrivals::of(self.pass, job).await?)),
        }
    }

    async fn end(&mut self, to: &mut dyn Destination, job: Arc<Job>, how: Ending) -> PassResult<()> {
        if self.refusals.unsure.contains(&job.id) {
            return Ok(());
        }
        let under_way = |flying: &InFlight| matches!(flying, InFlight::Append(pending) if pending.job.id == job.id);
        if self.refusals.again.iter().any(|(of, _)| of.id == job.id) || self.wire.in_flight.iter().any(under_way) {
            self.wire.in_flight.push_back(InFlight::End { job, how });
            return Ok(());
        }
        let how = match self.place(to, &job, true).await? {
            Some(failure) => Ending::GivenUp(failure),
            None => how,
        };
        self.look_at_flags(to, &job).await?;
        self.say_notes(&job).await;
        match how {
            Ending::Refused => self.backlog.look_again(&job, Asking::Singly, 0),
            Ending::GivenUp(failure) => {
                self.backlog.ended(job.id);
                self.pass.folder_failed(&mut Job::clone(&job), Side::Destination, failure).await?;
            }
            Ending::Read { .. } if self.refusals.refused.contains(&job.id) => {}
            Ending::Read { missing } if missing > 0 && job.suspicion.rescans < LOOKS => {
                self.backlog.look_again(&job, job.suspicion.asking, missing);
            }
            Ending::Read { missing } => {
                self.pass.folder_done(&job, missing).await?;
                self.backlog.ended(job.id);
            }
        }
        Ok(())
    }

    /// Looks up the numbers of appended messages at a server that does not tell them, and records those that are found. The
    /// others wait for the next look.
    pub(super) async fn place_all(&mut self, to: &mut dyn Destination) -> PassResult<()> {
        self.wire.unseen = 0;
        let jobs: BTreeMap<FolderId, Arc<Job>> =
            self.wire.unplaced.iter().map(|one| (one.job.id, Arc::clone(&one.job))).collect();
        for job in jobs.into_values() {
            self.place(to, &job, false).await?;
        }
        Ok(())
    }

    /// The same for one folder. `last`: after this nobody looks any more, so what is not there was not stored; answers why
    /// the folder could not be looked into.
    async fn place(&mut self, to: &mut dyn Destination, job: &Arc<Job>, last: bool) -> PassResult<Option<Failure>> {
        let mut mine: Vec<Unplaced> = self.wire.unplaced.extract_if(.., |one| one.job.id == job.id).collect();
        for look in 0..if last { LAST_LOOKS } else { 1 } {
            if mine.is_empty() {
                return Ok(None);
            }
            if look > 0 {
                tokio::time::sleep(self.pass.order.pace.settle.look).await;
            }
            match self.look_up(to, job, &mut mine).await? {
                Ok(()) => {}
                Err(failure) if failure.scope <= Scope::Folder && last => return Ok(Some(failure)),
                Err(failure) if failure.scope <= Scope::Folder => {}
                Err(failure) => {
                    self.wire.unplaced.extend(mine);
                    return Err(PassStop::Fatal(SideFailure { side: Side::Destination, failure }));
                }
            }
        }
        if !last {
            self.wire.unplaced.extend(mine);
            return Ok(None);
        }
        match self.look_closer(to, job, &mut mine).await? {
            Ok(()) => {}
            Err(failure) if failure.scope <= Scope::Folder => return Ok(Some(failure)),
            Err(failure) => {
                self.wire.unplaced.extend(mine);
                return Err(PassStop::Fatal(SideFailure { side: Side::Destination, failure }));
            }
        }
        for one in mine {
            self.pass.tally.not_moved(one.bytes);
            let failure = match self.arrivals_in(job).await?.may_hide(one.identity) {
                true => {
                    self.pass.hides_something(job.id);
                    not_shown("the server said yes to it, and does not show all that it holds since")
                }
                false => not_stored(),
            };
            let trouble = SideFailure { side: Side::Destination, failure };
            self.pass.message_failed(job, one.uid, SeenOf::default(), trouble).await?;
        }
        Ok(None)
    }

    /// Looks once more for these, also among what the server did not list so far, and under the numbers of others.
    async fn look_closer(
        &mut self,
        to: &mut dyn Destination,
        job: &Arc<Job>,
        mine: &mut Vec<Unplaced>,
    ) -> PassResult<Result<(), Failure>> {
        if !mine.is_empty() {
            if let Err(failure) = self.arrivals_in(job).await?.look_closer(to, &job.plan.destination).await {
                return Ok(Err(failure));
            }
            if let Err(failure) = self.look_up(to, job, mine).await? {
                return Ok(Err(failure));
            }
        }
        self.find_mistold(to, job, mine).await
    }

    /// Records what a look finds of these and leaves the others.
    async fn look_up(
        &mut self,
        to: &mut dyn Destination,
        job: &Arc<Job>,
        mine: &mut Vec<Unplaced>,
    ) -> PassResult<Result<(), Failure>> {
        let wire = &job.plan.destination.wire;
        let on_the_way =
            |flying: &InFlight| matches!(flying, InFlight::Append(other) if other.job.plan.destination.wire == *wire);
        let alone = !self.wire.in_flight.iter().any(on_the_way)
            && self.wire.unplaced.iter().all(|other| other.job.plan.destination.wire != *wire);
        let own: Vec<OwnMessage> = mine.iter().map(own).collect();
        let sure = (ServerSaid::Yes, self.belief().await?);
        let arrivals = self.arrivals_in(job).await?;
        let found = match arrivals.look(to, &job.plan.destination).await {
            Ok(()) => arrivals.find(to, &job.plan.destination, &own, sure).await,
            Err(failure) => Err(failure),
        };
        let found: BTreeMap<Uid, Newcomer> = match found {
            Ok(found) => found.into_iter().collect(),
            Err(failure) => return Ok(Err(failure)),
        };
        let left: Vec<&Unplaced> = mine.iter().filter(|one| !found.contains_key(&one.uid)).collect();
        let mut altered = BTreeMap::new();
        if alone && !left.is_empty() {
            altered = match self.find_altered(to, job, &left, &own).await? {
                Ok(altered) => altered,
                Err(failure) => return Ok(Err(failure)),
            };
        }
        let found_here = |one: &mut Unplaced| found.contains_key(&one.uid) || altered.contains_key(&one.uid);
        for one in mine.extract_if(.., found_here).collect::<Vec<_>>() {
            let Some(newcomer) = found.get(&one.uid).or_else(|| altered.get(&one.uid)).copied() else { continue };
            self.sizes.see(u64::from(newcomer.size), one.bytes);
            if altered.contains_key(&one.uid) {
                self.notes.entry(job.id).or_default().altered(newcomer.uid);
                // What is under that number would never be taken for this message again.
                self.mark(one, Watermark::NOT_TOLD).await;
            } else {
                self.mark(one, newcomer.uid).await;
            }
        }
        Ok(Ok(()))
    }

    /// Looks whether a destination holds messages of a refused batch all the same; these do not go again.
    pub(super) async fn find_refused(&mut self, to: &mut dyn Destination, job: &Arc<Job>) -> PassResult<()> {
        self.refusals.doubted.remove(&job.id);
        self.place(to, job, false).await?;
        let of_job = |(of, _): &&(Arc<Job>, Outgoing)| of.id == job.id;
        let mut own = Vec::new();
        for (_, one) in self.refusals.again.iter().filter(of_job) {
            let traces = bytes::traces(&one.body).map_err(|error| spool_failed(&error));
            let traces = Some(traces.on(Side::Source).map_err(PassStop::Fatal)?);
            let Outgoing { uid, identity, content, cleaned, .. } = *one;
            let content = cleaned.unwrap_or(content);
            own.push(OwnMessage { uid, identity, content, bytes: one.body.len(), traces });
        }
        let belief = self.belief().await?;
        let arrivals = self.arrivals_in(job).await?;
        let found = match arrivals.look(to, &job.plan.destination).await {
            Ok(()) => arrivals.find(to, &job.plan.destination, &own, (ServerSaid::No, belief)).await,
            Err(failure) => Err(failure),
        };
        let found: BTreeMap<Uid, Newcomer> = match found {
            Ok(found) => found.into_iter().collect(),
            Err(failure) if failure.scope <= Scope::Folder => return self.give_up(job, failure),
            Err(failure) => return Err(PassStop::Fatal(SideFailure { side: Side::Destination, failure })),
        };
        let undecided = undecided(&own, &found, self.arrivals_in(job).await?.unclaimed());
        self.pass.name_undecided(job, belief, undecided).await;
        if found.is_empty() {
            return Ok(());
        }
        tracing::info!(folder = %job.path, stored = found.len(), "the server refused a batch and stored of it");
        let (stored, rest): (VecDeque<_>, VecDeque<_>) = std::mem::take(&mut self.refusals.again)
            .into_iter()
            .partition(|(of, one)| of.id == job.id && found.contains_key(&one.uid));
        self.refusals.again = rest;
        for (job, Outgoing { uid, identity, content, cleaned, flags, body, .. }) in stored {
            if let Some(newcomer) = found.get(&uid) {
                let (bytes, mistold, traces) = (body.len(), false, None);
                let one = Unplaced { job, uid, identity, content, cleaned, flags, bytes, mistold, traces };
                self.mark(one, newcomer.uid).await;
            }
        }
        Ok(())
    }

    async fn say_notes(&mut self, job: &Job) {
        let notices = self.notes.remove(&job.id).unwrap_or_default().notices(&job.path);
        if !notices.is_empty() {
            let results = Results { notices, ..Results::default() };
            self.pass.recorder.add(ToRecord { results, ..ToRecord::default() }).await;
        }
        self.pass.name_short(job.id).await;
    }

    /// What is to be said of folders that did not come to their end.
    pub(super) async fn say_all_notes(&mut self) {
        for job in self.backlog.opened() {
            self.say_notes(&job).await;
        }
    }
}

/// A message that the server said to have, as it is looked for.
fn own(one: &Unplaced) -> OwnMessage {
    let Unplaced { uid, identity, content, cleaned, bytes, traces, .. } = *one;
    OwnMessage { uid, identity, content: cleaned.unwrap_or(content), bytes, traces }
}

/// Messages of a refused batch that were not found, where something of their name was: it may be what the server made of them.
fn undecided(own: &[OwnMessage], found: &BTreeMap<Uid, Newcomer>, left: &[Newcomer]) -> Vec<(OursLeft, Uid)> {
    let mut left: Vec<&Newcomer> = left.iter().collect();
    let mut undecided = Vec::new();
    for one in own.iter().filter(|one| !found.contains_key(&one.uid)) {
        if let Some(at) = left.iter().position(|newcomer| newcomer.identity == one.identity) {
            let OwnMessage { uid, content, bytes: len, .. } = *one;
            undecided.push((OursLeft { uid, weak: false, len, content }, left.remove(at).uid));
        }
    }
    undecided
}

/// The failure of a message that the destination said it had stored.
fn not_stored() -> Failure {
    let failure = Failure::new(Cause::NotStored, Scope::Message, Retry::Never, "looking for an appended message");
    failure.saying("the server said yes and does not hold it")
}
