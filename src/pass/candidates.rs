//! Folders that may have to be looked into: what the lists say of each, what EXAMINE corrects (D27), whether old numbers
//! can hold (D26), and whether anything changed at all (D11).

use std::collections::HashMap;

use async_trait::async_trait;

use crate::domain::failure::{Failure, Scope, Side};
use crate::domain::flags::PermanentFlags;
use crate::domain::folder::{FolderState, ListedFolder, UidValidity, WireName};
use crate::domain::ids::Uid;
use crate::domain::record::FolderRecord;
use crate::domain::tree::{FolderPlan, Tree};
use crate::endpoint::{Destination, FolderRef, Source, Which};
use crate::pass::known::KnownRows;
use crate::pass::lane::Step;
use crate::pass::listing::{Listing, Preparation};
use crate::pass::one_by_one::OneByOne;
use crate::pass::same_folder::{is_another, place, went_back};
use crate::pass::there::Doubts;
use crate::pass::{OnSide, Pass, PassResult, PassStop, SideFailure};

/// A folder that is to be looked into, before its destination is opened.
pub(super) struct Candidate {
    pub(super) plan: FolderPlan,
    pub(super) record: Option<FolderRecord>,
    pub(super) state: Option<FolderState>,
    /// Bytes of its messages, as the list tells.
    pub(super) size: Option<u64>,
    /// What EXAMINE says, of folders that are to be looked into: it corrects the list (D27).
    pub(super) examined: Option<FolderState>,
    /// MAILBOXID of the source folder.
    pub(super) mailbox_id: Option<String>,
    /// Its UIDVALIDITY is that of most folders of the source, and it has no MAILBOXID: another folder of its name may have the same
    /// figures.
    pub(super) nameless: bool,
    /// A folder of the source was seen to be in an earlier state, so that this one may be too.
    pub(super) put_back: bool,
    /// The destination folder's line in the list.
    pub(super) there: Option<ListedFolder>,
    pub(super) wire: WireName,
    pub(super) gone: bool,
    pub(super) refused: Option<SideFailure>,
    pub(super) opened: Option<(FolderState, PermanentFlags)>,
}

impl Candidate {
    /// What is known of the folder's state: by EXAMINE, else by the list.
    pub(super) fn best(&self) -> FolderState {
        self.examined.or(self.state).unwrap_or_default()
    }

    /// Whether list and EXAMINE say the same of the source folder.
    pub(super) fn agreed(&self) -> bool {
        let figures = |state: FolderState| (state.uid_validity, state.uid_next, state.messages);
        match (self.state, self.examined) {
            (Some(listed), Some(examined)) => figures(listed) == figures(examined),
            (Some(_), None) => true,
            (None, _) => false,
        }
    }

    /// Whether the source's numbers may mean other messages than before (D26).
    pub(super) fn is_doubtful(&self) -> bool {
        let Some(record) = &self.record else { return false };
        self.put_back
            || record.source_seen.is_doubted()
            || went_back(record.source_seen, self.told())
            || self.modseq_went_back()
            || is_another(record.mailbox_id.as_ref(), self.mailbox_id.as_ref())
    }

    /// Whether this folder of the source is in an earlier state than it was: its mailbox was restored from a backup.
    pub(super) fn was_put_back(&self) -> bool {
        let Some(record) = self.record.as_ref().filter(|r| r.source_validity.is_some() && !r.source_seen.is_doubted())
        else {
            return false;
        };
        let now = self.told();
        match now.uid_validity {
            None => false,
            same if same == record.source_validity => went_back(record.source_seen, now) || self.modseq_went_back(),
            other => other < record.source_validity,
        }
    }

    fn told(&self) -> FolderState {
        let listed = self.state.and_then(|state| state.uid_next);
        FolderState { uid_next: self.best().uid_next.max(listed), ..self.best() }
    }

    /// HIGHESTMODSEQ never falls under one UIDVALIDITY (RFC 7162 §3.1.2.1).
    fn modseq_went_back(&self) -> bool {
        let before = self.record.as_ref().and_then(|record| record.marker).map(|marker| marker.state);
        before.is_some_and(|before| {
            let now = self.best();
            before.uid_validity == now.uid_validity
                && now.highest_modseq.is_some()
                && now.highest_modseq < before.highest_modseq
        })
    }

    /// Whether a destination folder that the list left out is the one it was all the same.
    fn is_still_there(&self, opened: FolderState) -> bool {
        self.record
            .as_ref()
            .is_some_and(|r| opened.uid_validity.is_some() && r.destination_validity == opened.uid_validity)
    }

    /// Why the numbers of copies at the destination may not hold (D26).
    pub(super) fn doubts(&self) -> Doubts {
        let Some(record) = self.record.as_ref().filter(|r| r.destination == self.plan.destination) else {
            return Doubts::None;
        };
        let listed = self.there.as_ref().and_then(|there| there.state);
        let Some(now) = self.opened.as_ref().map(|opened| opened.0).or(listed) else { return Doubts::None };
        let id = self.there.as_ref().and_then(|there| there.mailbox_id.as_ref());
        let seen = record.destination_known();
        let renumbered = record.destination_validity.is_some()
            && now.uid_validity.is_some()
            && record.destination_validity != now.uid_validity;
        let stepped_back = match renumbered {
            true => now.uid_validity < record.destination_validity,
            false if seen.is_doubted() => return Doubts::of(seen),
            false => went_back(seen, now) || is_another(record.destination_mailbox_id.as_ref(), id),
        };
        Doubts::new(stepped_back, renumbered)
    }
}

/// Opens the source folders of these candidates in one flight.
pub(super) struct Examine<'a> {
    listing: &'a Listing,
    candidates: &'a mut [Candidate],
    round: OneByOne,
}

impl<'a> Examine<'a> {
    /// Of these.
    pub fn of(listing: &'a Listing, candidates: &'a mut [Candidate]) -> Self {
        Self { listing, candidates, round: OneByOne::default() }
    }

    fn take(&mut self, at: usize, state: Result<FolderState, Failure>) -> PassResult<()> {
        match state {
            Ok(state) => self.candidates[at].examined = Some(state),
            Err(failure) if failure.scope <= Scope::Folder => {
                self.candidates[at].refused = Some(SideFailure { side: Side::Source, failure });
            }
            Err(failure) => return Err(failure).on(Side::Source).map_err(PassStop::Fatal),
        }
        self.round.ends(at);
        Ok(())
    }
}

#[async_trait]
impl Step for Examine<'_> {
    type Out = ();

    async fn run(&mut self, _pass: &Pass, source: &mut dyn Source, _to: &mut dyn Destination) -> PassResult<()> {
        let left: Vec<usize> = (0..self.candidates.len()).filter(|at| !self.round.is_done(*at)).collect();
        let folder = |at: &usize| {
            let listed = &self.listing.source[self.candidates[*at].plan.source];
            place(&listed.path, &listed.wire, None)
        };
        let folders: Vec<FolderRef> = left.iter().map(folder).collect();
        if self.round.together() {
            let states = source.examine_all(&folders).await.on(Side::Source).map_err(PassStop::Fatal)?;
            return left.into_iter().zip(states).try_for_each(|(at, state)| self.take(at, state));
        }
        for (at, folder) in left.into_iter().zip(folders) {
            self.round.begins(at);
            let state = source.examine(&folder).await;
            self.take(at, state)?;
        }
        Ok(())
    }

    fn broke(&mut self, pass: &Pass, trouble: &SideFailure) -> Option<()> {
        if let Some(at) = self.round.broke(pass, trouble) {
            self.candidates[at].refused = Some(trouble.clone());
        }
        None
    }
}

/// Opens the destination folders of all candidates in one flight.
pub(super) struct OpenDestinations<'a> {
    candidates: &'a mut [Candidate],
    round: OneByOne,
}

impl<'a> OpenDestinations<'a> {
    /// Of these.
    pub fn of(candidates: &'a mut [Candidate]) -> Self {
        Self { candidates, round: OneByOne::default() }
    }

    async fn take(
        &mut self,
        to: &mut dyn Destination,
        at: usize,
        opened: Result<(FolderState, PermanentFlags), Failure>,
    ) -> PassResult<()> {
        let candidate = &mut self.candidates[at];
        match opened {
            Ok((mut state, permanent)) if !candidate.gone || candidate.is_still_there(state) => {
                candidate.gone = false;
                if state.uid_next.is_none() {
                    state.uid_next = next_number(to, candidate, state).await?;
                }
                candidate.opened = Some((state, permanent));
            }
            Err(failure) if failure.scope > Scope::Folder => {
                return Err(failure).on(Side::Destination).map_err(PassStop::Fatal);
            }
            Err(failure) if !candidate.gone => {
                candidate.refused = Some(SideFailure { side: Side::Destination, failure });
            }
            Ok(_) | Err(_) => {}
        }
        self.round.ends(at);
        Ok(())
    }
}

#[async_trait]
impl Step for OpenDestinations<'_> {
    type Out = ();

    async fn run(&mut self, _pass: &Pass, _source: &mut dyn Source, to: &mut dyn Destination) -> PassResult<()> {
        for candidate in self.candidates.iter_mut().filter(|c| c.wire.0.is_empty()) {
            // Neither listed nor created by us, as the inbox of some servers.
            candidate.wire = to.wire_name(&candidate.plan.destination);
        }
        let wanted = |at: &usize| self.candidates[*at].refused.is_none() && !self.round.is_done(*at);
        let left: Vec<usize> = (0..self.candidates.len()).filter(wanted).collect();
        let folder = |at: &usize| place(&self.candidates[*at].plan.destination, &self.candidates[*at].wire, None);
        let folders: Vec<_> = left.iter().map(folder).collect();
        if self.round.together() && !folders.is_empty() {
            let opened = to.open(&folders).await.on(Side::Destination).map_err(PassStop::Fatal)?;
            for (at, opened) in left.into_iter().zip(opened) {
                self.take(to, at, opened).await?;
            }
            return Ok(());
        }
        for (at, folder) in left.into_iter().zip(folders) {
            self.round.begins(at);
            let opened = to.open(std::slice::from_ref(&folder)).await.on(Side::Destination).map_err(PassStop::Fatal)?;
            for opened in opened {
                self.take(to, at, opened).await?;
            }
        }
        Ok(())
    }

    fn broke(&mut self, pass: &Pass, trouble: &SideFailure) -> Option<()> {
        if let Some(at) = self.round.broke(pass, trouble) {
            self.candidates[at].refused = Some(trouble.clone());
        }
        None
    }
}

/// UIDNEXT of a destination folder whose SELECT does not tell it: by the list, else by the messages. From there on is what this
/// pass appends.
async fn next_number(to: &mut dyn Destination, candidate: &Candidate, state: FolderState) -> PassResult<Option<Uid>> {
    let listed = candidate.there.as_ref().and_then(|there| there.state);
    let listed = listed.filter(|listed| listed.uid_validity == state.uid_validity);
    if let Some(next) = listed.and_then(|listed| listed.uid_next) {
        return Ok(Some(next));
    }
    let folder = place(&candidate.plan.destination, &candidate.wire, state.uid_validity);
    let messages = to.scan(&folder, &Which::All, false).await;
    match messages {
        Ok(messages) => {
            let highest = messages.iter().map(|message| message.uid.0).max().unwrap_or(0);
            Ok(Some(Uid(highest + 1)))
        }
        Err(failure) if failure.scope <= Scope::Folder => Ok(None),
        Err(failure) => Err(failure).on(Side::Destination).map_err(PassStop::Fatal),
    }
}

/// The UIDVALIDITY, if any, of more than half of these folders: it tells no folder from another, and is not told by some servers.
fn common_validity(folders: &[ListedFolder]) -> Option<Option<UidValidity>> {
    let listed: Vec<_> = folders.iter().filter(|folder| folder.selectable).map(ListedFolder::validity).collect();
    let mut counts: HashMap<Option<UidValidity>, usize> = HashMap::new();
    listed.iter().for_each(|validity| *counts.entry(*validity).or_default() += 1);
    let common = counts.into_iter().max_by_key(|(_, count)| *count);
    common.filter(|(_, count)| listed.len() > 1 && 2 * count > listed.len()).map(|(validity, _)| validity)
}

impl Preparation<'_> {
    pub(super) fn candidates(&self, tree: &Tree, listing: &Listing, known: &KnownRows<'_>) -> Vec<Candidate> {
        let there: HashMap<_, _> = listing.destination.iter().map(|f| (&f.path, f)).collect();
        let common = common_validity(&listing.source);
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
                && record
                    .as_ref()
                    .is_some_and(|r| r.destination_validity.is_some() && r.destination == plan.destination);
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
                size: listed.size,
                examined: None,
                mailbox_id,
                nameless: listed.mailbox_id.is_none() && common.is_some_and(|common| listed.validity() == common),
                put_back: false,
                there,
                wire,
                gone,
                refused: None,
                opened: None,
            }
        };
        tree.folders.iter().map(candidate).collect()
    }

    /// Whether a folder needs no more than its line in the list: nothing changed since a pass left it whole (D11).
    pub(super) fn unchanged(&self, candidate: &Candidate) -> bool {
        let Some((state, marker)) = candidate.state.zip(candidate.record.as_ref().and_then(|r| r.marker)) else {
            return false;
        };
        // Without HIGHESTMODSEQ nothing tells that flags changed.
        let stalls = self.pass.oddities.modseq_stalls.load(std::sync::atomic::Ordering::Relaxed);
        let tells = match state.highest_modseq.filter(|_| !stalls) {
            Some(_) => true,
            // Nor, without UIDNEXT, that one message went and another came.
            None => !self.pass.order.options.carry_flags && state.uid_next.is_some(),
        };
        !candidate.gone
            && tells
            && !candidate.nameless
            && marker.state == state
            && marker.has_size(candidate.size)
            && marker.options == self.pass.options_hash()
            && candidate.doubts() == Doubts::default()
            && !candidate.is_doubtful()
    }
}
