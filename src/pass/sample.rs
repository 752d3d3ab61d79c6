//! Whether numbers still mean the messages that they meant (D26): headers of some are read and compared with what
//! watermarks say they are. Bounded: [`HEADERS_AT_ONCE`] headers at once, whole messages one after the other.

use std::collections::{BTreeMap, BTreeSet};

use crate::domain::content::ContentHash;
use crate::domain::failure::Failure;
use crate::domain::header::HEADER_LIMIT;
use crate::domain::identity::{FromHeader, Names, names_of};
use crate::domain::ids::Uid;
use crate::domain::record::{Habit, Origin, Watermark};
use crate::endpoint::{FolderRef, Source, Which};
use crate::pass::bytes::HEADERS_AT_ONCE;
use crate::pass::contents::{names_of_whole, shapes};

/// Messages of one sample.
pub(super) const SAMPLE: usize = 32;
/// Whole messages read at once where headers may have been cut.
const FEW: usize = 20;

/// What a message turned out to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum IdentityProof {
    /// The one that its watermark names.
    Confirmed,
    /// Another one.
    Contradicted,
    /// Not handed out: nobody can tell.
    Unseen,
}

/// Who these messages are, ascending by number: by their headers, or by all their bytes where a header says nothing or was cut.
/// Those that are gone or not handed out are left out.
pub(super) async fn who(
    session: &mut (impl Source + ?Sized),
    folder: &FolderRef,
    uids: &[Uid],
) -> Result<BTreeMap<Uid, Names>, Failure> {
    let mut told = BTreeMap::new();
    for some in uids.chunks(HEADERS_AT_ONCE) {
        let (mut headless, mut endless) = (Vec::new(), Vec::new());
        for header in session.headers(folder, &Which::These(some.to_vec())).await? {
            match names_of(&header.header) {
                FromHeader::Known(names) => {
                    told.insert(header.uid, names);
                    if is_endless(&header.header) {
                        endless.push(header.uid);
                    }
                }
                FromHeader::NeedsBytes => headless.push(header.uid),
            }
        }
        if !headless.is_empty() {
            told.extend(names_of_whole(session, folder, headless).await?);
        }
        for some in endless.chunks(FEW) {
            let whole = names_of_whole(session, folder, some.to_vec()).await?;
            let cut = whole.iter().any(|(uid, names)| told.get(uid) != Some(names));
            told.extend(whole);
            if !cut {
                // This server leaves out the empty line.
                break;
            }
        }
    }
    Ok(told)
}

/// Whether a header block lacks the empty line at its end: it may have been cut.
fn is_endless(header: &[u8]) -> bool {
    header.len() < HEADER_LIMIT && !header.ends_with(b"\n\r\n") && !header.ends_with(b"\n\n")
}

/// Whether messages are handed out as they came in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Bytes {
    /// They are.
    Kept,
    /// This server is known to change them: contents say nothing.
    Changed,
}

impl From<Habit> for Bytes {
    fn from(habit: Habit) -> Self {
        if habit.changed > 0 { Self::Changed } else { Self::Kept }
    }
}

/// Reads these messages of a folder, ascending by number, and tells of each whether it is the one that its watermark
/// names. One without Message-ID or Date shares its name with others: its content tells.
pub(super) async fn prove(
    session: &mut (impl Source + ?Sized),
    folder: &FolderRef,
    marks: &[(Uid, &Watermark)],
    kept: Bytes,
) -> Result<Vec<IdentityProof>, Failure> {
    let mut proofs = Vec::with_capacity(marks.len());
    for some in marks.chunks(HEADERS_AT_ONCE) {
        let uids: Vec<Uid> = some.iter().map(|(uid, _)| *uid).collect();
        let told = who(session, folder, &uids).await?;
        let weak = |uid: &Uid, mark: &Watermark| {
            kept == Bytes::Kept
                && mark.content.is_some()
                && told.get(uid).is_some_and(|names| names.weak && mark.is_of(names))
        };
        let weak: Vec<(Uid, &Watermark)> = some.iter().filter(|(uid, mark)| weak(uid, mark)).copied().collect();
        let others = compared(session, folder, &weak).await?.others;
        proofs.extend(some.iter().map(|(uid, mark)| match told.get(uid) {
            None => IdentityProof::Unseen,
            Some(names) if mark.is_of(names) && !others.contains(uid) => IdentityProof::Confirmed,
            Some(_) => IdentityProof::Contradicted,
        }));
    }
    Ok(proofs)
}

/// Messages of one sample that are read whole.
const WHOLE: usize = 8;

/// The same for a folder that may be another one: two folders hold messages of one name under one number more often than
/// messages of one content. Some of those confirmed by their name must hold what was recorded.
pub(super) async fn prove_with_contents(
    session: &mut (impl Source + ?Sized),
    folder: &FolderRef,
    marks: &[(Uid, &Watermark)],
    kept: Bytes,
) -> Result<Vec<IdentityProof>, Failure> {
    let mut proofs = prove(session, folder, marks, kept).await?;
    if kept == Bytes::Changed {
        return Ok(proofs);
    }
    // What was found at a destination may hold lines more than the source's message.
    let told = |mark: &Watermark| mark.content.is_some() && mark.origin == Origin::Copied;
    let confirmed =
        marks.iter().zip(&proofs).filter(|((_, mark), proof)| **proof == IdentityProof::Confirmed && told(mark));
    let confirmed: Vec<(Uid, &Watermark)> = confirmed.map(|(mark, _)| *mark).collect();
    let every = confirmed.len().div_ceil(WHOLE).max(1);
    let some: Vec<(Uid, &Watermark)> = confirmed.into_iter().rev().step_by(every).collect();
    let others = compared(session, folder, &some).await?.others;
    for ((uid, _), proof) in marks.iter().zip(&mut proofs).filter(|((uid, _), _)| others.contains(uid)) {
        tracing::debug!(folder = %folder.path, %uid, "a message of this name holds something else");
        *proof = IdentityProof::Contradicted;
    }
    Ok(proofs)
}

/// What messages hold, beside what their watermarks say.
#[derive(Debug, Default)]
pub(super) struct Compared {
    /// Something else, each time they are read.
    pub others: BTreeSet<Uid>,
    /// How many hold the same.
    pub same: usize,
}

/// Reads these messages. Some servers make up a message anew whenever it is asked for, and then nobody can tell: what differs is
/// read twice.
pub(super) async fn compared(
    session: &mut (impl Source + ?Sized),
    folder: &FolderRef,
    marks: &[(Uid, &Watermark)],
) -> Result<Compared, Failure> {
    let asked = marks.iter().filter(|(_, mark)| mark.content.is_some()).map(|(uid, _)| *uid).collect();
    let first = contents(session, folder, asked).await?;
    let differs =
        |(uid, mark): &&(Uid, &Watermark)| first.get(uid).is_some_and(|content| Some(*content) != mark.content);
    let different: Vec<Uid> = marks.iter().filter(differs).map(|(uid, _)| *uid).collect();
    let same = first.len() - different.len();
    let again = contents(session, folder, different).await?;
    let others = again.into_iter().filter(|(uid, content)| first.get(uid) == Some(content)).map(|(uid, _)| uid);
    Ok(Compared { others: others.collect(), same })
}

/// The same of those only that have the name of their watermark.
pub(super) async fn compared_by_name(
    session: &mut (impl Source + ?Sized),
    folder: &FolderRef,
    marks: &[(Uid, &Watermark)],
) -> Result<Compared, Failure> {
    let proofs = prove(session, folder, marks, Bytes::Changed).await?;
    let named = marks.iter().zip(proofs).filter(|(_, proof)| *proof == IdentityProof::Confirmed);
    let named: Vec<(Uid, &Watermark)> = named.map(|(mark, _)| *mark).collect();
    compared(session, folder, &named).await
}

/// What these messages hold; those that are gone or not handed out are left out.
pub(super) async fn contents(
    session: &mut (impl Source + ?Sized),
    folder: &FolderRef,
    uids: Vec<Uid>,
) -> Result<BTreeMap<Uid, ContentHash>, Failure> {
    if uids.is_empty() {
        return Ok(BTreeMap::new());
    }
    let shapes = shapes(session, folder, uids).await?;
    Ok(shapes.into_iter().map(|(uid, shape)| (uid, shape.content)).collect())
}

/// Some of many, evenly spread in the order given, the first and the last among them. Memory: twice the sample.
#[derive(Debug)]
pub(super) struct Spread<T> {
    kept: Vec<T>,
    last: Option<T>,
    every: usize,
    seen: usize,
}

impl<T> Spread<T> {
    /// Nothing yet.
    pub fn new() -> Self {
        Self { kept: Vec::new(), last: None, every: 1, seen: 0 }
    }

    /// One more.
    pub fn add(&mut self, one: T) {
        let chosen = self.seen.is_multiple_of(self.every);
        self.seen += 1;
        if !chosen {
            self.last = Some(one);
            return;
        }
        self.last = None;
        self.kept.push(one);
        if self.kept.len() >= 2 * SAMPLE {
            // Every second one goes, which the newest is; it stays as the end.
            self.last = self.kept.pop();
            let mut at = 0;
            self.kept.retain(|_| {
                at += 1;
                at % 2 == 1
            });
            self.every *= 2;
        }
    }

    /// The sample, in order.
    pub fn take(self) -> Vec<T> {
        self.kept.into_iter().chain(self.last).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sample_has_both_ends_and_no_large_gap() {
        for count in [0usize, 1, 2, 63, 64, 65, 1000, 12_345] {
            let mut spread = Spread::new();
            (0..count).for_each(|n| spread.add(n));
            let sample = spread.take();
            assert!(sample.len() <= 2 * SAMPLE + 1 && sample.is_sorted(), "{count}: {sample:?}");
            if count > 0 {
                assert_eq!((sample[0], sample[sample.len() - 1]), (0, count - 1));
                let gap = sample.windows(2).map(|w| w[1] - w[0]).max().unwrap_or(0);
                assert!(gap <= count / SAMPLE * 2 + 1, "{count}: {gap}");
            }
        }
    }
}
