//! Appended messages that are not where they are looked for: a destination without UIDPLUS altered them so much that their
//! identity is another one, or told their numbers wrong.
//!
//! Bounded: two hashes for each message that came and that nothing claimed.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::domain::failure::{Failure, Side};
use crate::domain::identity::Identity;
use crate::domain::ids::Uid;
use crate::domain::record::{Watermark, is_sane};
use crate::endpoint::Destination;
use crate::pass::PassResult;
use crate::pass::arrivals::{Newcomer, OwnMessage};
use crate::pass::contents::traces;
use crate::pass::flight::Unplaced;
use crate::pass::job::Job;
use crate::pass::sample::who;
use crate::pass::writer::AppendWriter;

impl AppendWriter<'_> {
    /// Which of the newcomers are these messages, altered beyond recognition: those that share their Message-ID or their
    /// body. At a server that is known to change messages the others are known by their number, if as many came as were
    /// sent, in order, and none of them is known as another message. Nothing else is on its way there.
    pub(super) async fn find_altered(
        &mut self,
        to: &mut dyn Destination,
        job: &Job,
        left: &[&Unplaced],
        own: &[OwnMessage],
    ) -> PassResult<Result<BTreeMap<Uid, Newcomer>, Failure>> {
        let mut strange: Vec<Newcomer> = self.arrivals_in(job).await?.unclaimed().to_vec();
        let ours: BTreeSet<Identity> = own.iter().map(|one| one.identity).collect();
        strange.retain(|newcomer| {
            !ours.contains(&newcomer.identity) && left.iter().any(|one| is_sane(one.bytes, newcomer.size.into()))
        });
        if strange.is_empty() {
            return Ok(Ok(BTreeMap::new()));
        }
        if let Err(failure) = self.read_traces(to, job, &mut strange).await? {
            return Ok(Err(failure));
        }
        let mut altered = BTreeMap::new();
        let mut rest = Vec::new();
        for one in left {
            let same = |newcomer: &Newcomer| {
                let met = one.traces.zip(newcomer.traces).is_some_and(|(ours, theirs)| ours.meet(&theirs));
                met && is_sane(one.bytes, newcomer.size.into())
            };
            match strange.iter().position(same) {
                Some(at) => drop(altered.insert(one.uid, strange.remove(at))),
                None => rest.push(*one),
            }
        }
        let sane = |(one, newcomer): (&&Unplaced, &Newcomer)| is_sane(one.bytes, newcomer.size.into());
        if rest.len() == strange.len() && rest.iter().zip(&strange).all(sane) && self.changes_messages().await? {
            self.pass.recorder.flush().await;
            let asked = strange.iter().map(|newcomer| newcomer.identity).collect();
            if self.pass.journal.known_identities(asked).await?.is_empty() {
                altered.extend(rest.iter().map(|one| one.uid).zip(strange));
            }
        }
        let claimed: Vec<Uid> = altered.values().map(|newcomer| newcomer.uid).collect();
        self.arrivals_in(job).await?.claim(claimed);
        Ok(Ok(altered))
    }

    /// What altering left of these, each read once however often is looked.
    async fn read_traces(
        &mut self,
        to: &mut dyn Destination,
        job: &Job,
        strange: &mut [Newcomer],
    ) -> PassResult<Result<(), Failure>> {
        let unread: Vec<Uid> = strange.iter().filter(|one| one.traces.is_none()).map(|one| one.uid).collect();
        if unread.is_empty() {
            return Ok(Ok(()));
        }
        let (mut read, whole) = match traces(to, &job.plan.destination, unread.clone()).await {
            Ok(read) => read,
            Err(failure) => return Ok(Err(failure)),
        };
        if whole {
            // The others are not handed out.
            for uid in unread {
                read.entry(uid).or_default();
            }
        }
        for one in strange {
            one.traces = read.get(&one.uid).copied().or(one.traces);
        }
        self.arrivals_in(job).await?.keep_traces(&read);
        Ok(Ok(()))
    }

    /// A server that told a number which cannot be may have told others wrong too: a message that lies under the number of
    /// another one is there all the same. It is recorded without a number; the next pass sets the numbers right.
    pub(super) async fn find_mistold(
        &mut self,
        to: &mut dyn Destination,
        job: &Arc<Job>,
        mine: &mut Vec<Unplaced>,
    ) -> PassResult<Result<(), Failure>> {
        if !mine.iter().any(|one| one.mistold) {
            return Ok(Ok(()));
        }
        let pass = self.pass;
        pass.recorder.flush().await;
        let mut told = pass.journal.known_at_destination(job.id).await?;
        told.retain(|uid| *uid >= job.floor());
        let marked: BTreeMap<Uid, Identity> = pass
            .journal
            .copies(job.id, told.clone())
            .await?
            .into_iter()
            .map(|(_, mark)| (mark.destination, mark.identity))
            .collect();
        let names = match who(to, &job.plan.destination, &told).await {
            Ok(names) => names,
            Err(failure) => return Ok(Err(failure)),
        };
        let wanted: BTreeSet<Identity> = mine.iter().map(|one| one.identity).collect();
        let others =
            names.iter().filter(|(uid, names)| wanted.contains(&names.now) && marked.get(uid) != Some(&names.now));
        let mut others: Vec<Newcomer> =
            others.map(|(uid, names)| Newcomer { uid: *uid, identity: names.now, size: 0, traces: None }).collect();
        let (there, _) = match traces(to, &job.plan.destination, others.iter().map(|other| other.uid).collect()).await {
            Ok(there) => there,
            Err(failure) => return Ok(Err(failure)),
        };
        for one in std::mem::take(mine) {
            let same = |other: &Newcomer| {
                let met = one.traces.zip(there.get(&other.uid)).is_some_and(|(ours, theirs)| ours.meet(theirs));
                other.identity == one.identity && met
            };
            match others.iter().position(same) {
                Some(at) => {
                    others.swap_remove(at);
                    self.mark(one, Watermark::NOT_TOLD).await;
                }
                None => mine.push(one),
            }
        }
        Ok(Ok(()))
    }

    async fn changes_messages(&self) -> PassResult<bool> {
        Ok(self.sizes.changes() || self.pass.journal.habit(Side::Destination).await?.changed > 0)
    }
}
