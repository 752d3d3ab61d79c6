//! Folders into which something may have landed after it was sent again (D28): asked at the end of the pass, when everything
//! that is ours has its watermark.
//!
//! What lies above the intent's floor, is known to nobody and equals a message that was recorded there may be there twice. It
//! is named with its number and left alone. What equals nothing may be the copy of a message that its owner took away from the
//! source before it was recorded: it is remembered, so that it answers should the message come back elsewhere (D12). Bounded: watermarks are read in windows; identities of unknown messages only.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::PoisonError;

use async_trait::async_trait;

use crate::domain::content::ContentHash;
use crate::domain::failure::{Failure, Scope, Side};
use crate::domain::flags::FlagBase;
use crate::domain::folder::FolderPath;
use crate::domain::identity::Identity;
use crate::domain::ids::{FolderId, Uid};
use crate::domain::matching::Belief;
use crate::domain::notice::{Notice, NoticeKind};
use crate::domain::record::{FolderEnd, Origin, Watermark};
use crate::endpoint::{Destination, FolderRef, Source};
use crate::pass::arrivals::{Arrivals, Newcomer, contents};
use crate::pass::belief::belief;
use crate::pass::closing::Finale;
use crate::pass::job::{Job, Landing};
use crate::pass::lane::{Lane, Step};
use crate::pass::places::Prepared;
use crate::pass::{OnSide, Pass, PassResult, PassStop};

/// Watermarks read at once.
const WINDOW: usize = 5000;
/// Messages above a floor that are remembered though nobody claims them, at most: an interrupted attempt left its own right
/// above it.
const ORPHANS: usize = 1000;
/// Source numbers from here on are no message's (RFC 9051 §2.3.1.1).
const NOBODYS: i64 = 1 << 32;

/// A folder to be asked about.
#[derive(Clone, Debug)]
pub(super) struct FolderDoubt {
    path: FolderPath,
    at: FolderRef,
    floor: Uid,
    /// The folder has ended: its intent is closed when what lies above the floor has been looked at.
    close: bool,
}

/// What was found of one folder.
#[derive(Default)]
struct DoubtAnswer {
    /// These may be there twice.
    twice: Vec<Uid>,
    /// Nobody's: perhaps copies of messages that were taken away from the source before they were recorded.
    orphans: Vec<Watermark>,
}

/// Asks about one folder.
struct Ask<'a> {
    id: FolderId,
    doubt: &'a FolderDoubt,
    prepared: &'a Prepared,
}

/// What was recorded above the floor, of the identities asked for.
#[derive(Default)]
struct Recorded {
    contents: BTreeMap<Identity, BTreeSet<Option<ContentHash>>>,
    /// Recorded without a number: an unknown message may be theirs.
    numberless: BTreeMap<Identity, usize>,
}

impl Recorded {
    fn add(&mut self, mark: &Watermark, floor: Uid) {
        match mark.at() {
            Some(at) if at >= floor => {
                // What was sent of it holds something else.
                let content = mark.content.filter(|_| mark.origin != Origin::Cleaned);
                self.contents.entry(mark.identity).or_default().insert(content);
            }
            None if mark.destination == Watermark::NOT_TOLD => *self.numberless.entry(mark.identity).or_default() += 1,
            Some(_) | None => {}
        }
    }

    /// Whether a message may be there twice. `content` decides where the server is known to keep it.
    fn has(&self, identity: Identity, content: Option<ContentHash>, keeps_bytes: bool) -> bool {
        self.contents.get(&identity).is_some_and(|recorded| {
            !keeps_bytes || content.is_none() || recorded.contains(&None) || recorded.contains(&content)
        })
    }
}

#[async_trait]
impl Step for Ask<'_> {
    type Out = DoubtAnswer;

    async fn run(&mut self, pass: &Pass, source: &mut dyn Source, to: &mut dyn Destination) -> PassResult<DoubtAnswer> {
        let mut arrivals = Arrivals::from(pass, self.id, self.doubt.floor).await?;
        match arrivals.look(to, &self.doubt.at).await {
            Ok(()) => {}
            Err(failure) => return passed_over(self.doubt, failure),
        }
        let mut recorded = Finale::of(pass).recorded_above(self.id, self.doubt.floor, arrivals.unclaimed()).await?;
        if arrivals.unclaimed().is_empty() {
            return Ok(DoubtAnswer::default());
        }
        let keeps_bytes = belief(pass, self.prepared, source, to).await? == Belief::Keeps;
        let known_again = pass.journal.habit(Side::Destination).await?.changed == 0;
        let alike = |newcomer: &Newcomer| recorded.contents.contains_key(&newcomer.identity);
        let (mut asked, mut others): (Vec<Newcomer>, Vec<Newcomer>) =
            arrivals.unclaimed().iter().copied().partition(alike);
        // At a server that changes messages nobody could know them again.
        others.truncate(if known_again { ORPHANS } else { 0 });
        asked.extend(others);
        if asked.is_empty() {
            return Ok(DoubtAnswer::default());
        }
        let contents = match contents(to, &self.doubt.at, &asked).await {
            Ok(contents) => contents,
            Err(failure) => return passed_over(self.doubt, failure),
        };
        let mut answer = DoubtAnswer::default();
        for Newcomer { uid, identity, .. } in asked {
            let content = contents.get(&uid).copied();
            if let Some(left) = recorded.numberless.get_mut(&identity).filter(|left| **left > 0) {
                *left -= 1;
            } else if recorded.has(identity, content, keeps_bytes) {
                answer.twice.push(uid);
            } else if known_again && content.is_some() {
                answer.orphans.push(orphan(self.id, uid, identity, content));
            }
        }
        Ok(answer)
    }
}

/// Whether a copy was remembered after a crash although no message of the source was seen to be it: it may be its owner's own.
pub(super) fn is_nobodys(mark: &Watermark) -> bool {
    mark.source >= Uid(NOBODYS)
}

/// A message at the destination that is no message of the source now. Should one of its content come, it was copied.
fn orphan(folder: FolderId, uid: Uid, identity: Identity, content: Option<ContentHash>) -> Watermark {
    Watermark {
        source: Uid(NOBODYS + uid.0),
        destination_folder: folder,
        destination: uid,
        identity,
        content,
        flags: FlagBase::default(),
        origin: Origin::Copied,
    }
}

/// A folder that is gone or cannot be read says nothing.
fn passed_over(doubt: &FolderDoubt, failure: Failure) -> PassResult<DoubtAnswer> {
    if failure.scope > Scope::Folder {
        return Err(failure).on(Side::Destination).map_err(PassStop::Fatal);
    }
    tracing::warn!(folder = %doubt.path, %failure, "not looked at for messages that are there twice");
    Ok(DoubtAnswer::default())
}

impl Pass {
    /// Something may have landed here without a record, or may yet.
    pub(super) fn ask_later(&self, job: &Job) {
        let doubt =
            FolderDoubt { path: job.path.clone(), at: job.plan.destination.clone(), floor: job.floor(), close: false };
        self.findings.doubts.lock().unwrap_or_else(PoisonError::into_inner).insert(job.id, doubt);
    }

    /// A destination folder does not show all that it holds, and may hold a message of ours without a record.
    pub(super) fn hides_something(&self, folder: FolderId) {
        self.findings.hidden.lock().unwrap_or_else(PoisonError::into_inner).insert(folder);
    }

    /// Whether nothing of ours can be at the destination without a record: only then an intent is closed.
    pub(super) fn all_is_known_there(&self, job: &Job) -> bool {
        let hidden = self.findings.hidden.lock().unwrap_or_else(PoisonError::into_inner);
        job.suspicion.cut.landing == Landing::Settled && !hidden.contains(&job.id)
    }

    /// Whether the intent of a folder that has ended is closed later: what lies above its floor is looked at before, and a
    /// crash until then leaves it open.
    pub(super) fn closes_later(&self, job: &Job) -> bool {
        let mut doubts = self.findings.doubts.lock().unwrap_or_else(PoisonError::into_inner);
        let doubt = doubts.get_mut(&job.id);
        doubt.map(|doubt| doubt.close = self.all_is_known_there(job)).is_some()
    }
}

impl Finale<'_> {
    /// Asks about all doubts of this pass, and those that earlier ones left open.
    pub(super) async fn ask_doubts(&self, lane: &mut Lane, prepared: &Prepared) -> PassResult<()> {
        let doubts = std::mem::take(&mut *self.pass.findings.doubts.lock().unwrap_or_else(PoisonError::into_inner));
        for (id, doubt) in doubts {
            self.pass.recorder.flush().await;
            let DoubtAnswer { twice, orphans } =
                self.pass.run_with_retry(lane, &mut Ask { id, doubt: &doubt, prepared }).await?;
            if !orphans.is_empty() {
                tracing::info!(folder = %doubt.path, messages = orphans.len(), "copies without a message are remembered");
                self.pass.journal.adopt(id, orphans).await?;
            }
            if doubt.close {
                self.pass.journal.end_folder(id, FolderEnd { close_intent: true, ..FolderEnd::default() }).await?;
            }
            if twice.is_empty() {
                continue;
            }
            tracing::warn!(folder = %doubt.path, messages = twice.len(), "messages may be there twice");
            self.pass.tell(id, Notice::of(&doubt.path, NoticeKind::MaybeTwice, Side::Destination, &twice)).await;
        }
        Ok(())
    }

    /// What this pass or earlier ones recorded above a floor, of the identities of these messages.
    async fn recorded_above(&self, id: FolderId, floor: Uid, newcomers: &[Newcomer]) -> PassResult<Recorded> {
        let mut found = Recorded::default();
        let asked: BTreeSet<Identity> = newcomers.iter().map(|newcomer| newcomer.identity).collect();
        if asked.is_empty() {
            return Ok(found);
        }
        let known = self.pass.journal.known_identities(asked).await?;
        let mut from = Uid(i64::MIN);
        while !known.is_empty() {
            let marks = self.pass.journal.some_watermarks(id, from, Uid(i64::MAX), WINDOW).await?;
            marks.iter().filter(|mark| known.contains(&mark.identity)).for_each(|mark| found.add(mark, floor));
            match marks.last().filter(|_| marks.len() == WINDOW) {
                Some(last) => from = Uid(last.source.0 + 1),
                None => break,
            }
        }
        Ok(found)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::identity::of_message;

    fn mark(text: &str, destination: Uid) -> Watermark {
        Watermark {
            source: Uid(1),
            destination_folder: FolderId(1),
            destination,
            identity: of_message(text.as_bytes()),
            content: Some(ContentHash::of(text.as_bytes())),
            flags: FlagBase::default(),
            origin: Origin::Copied,
        }
    }

    #[test]
    fn what_equals_a_message_recorded_above_the_floor_may_be_there_twice() {
        let mut recorded = Recorded::default();
        recorded.add(&mark("a", Uid(10)), Uid(10));
        recorded.add(&mark("b", Uid(9)), Uid(10));
        recorded.add(&mark("c", Watermark::GONE), Uid(10));
        recorded.add(&mark("d", Watermark::NOT_TOLD), Uid(10));
        let has = |text: &str, content: &str, keeps| {
            recorded.has(of_message(text.as_bytes()), Some(ContentHash::of(content.as_bytes())), keeps)
        };
        assert!(has("a", "a", true));
        assert!(!has("a", "another", true), "one identity, another message");
        assert!(has("a", "another", false), "a server that alters what it stores");
        assert!(!has("b", "b", true), "it lay there before");
        assert!(!has("c", "c", true) && !has("d", "d", true));
        assert_eq!(recorded.numberless.get(&of_message(b"d")), Some(&1));
    }
}
