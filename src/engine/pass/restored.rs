//! A source whose numbering went back (a restored backup) gave old numbers to new mail, and some of that may have the name of
//! what it replaces: an edited draft. Numbers given anew are the highest ones, so that contents are compared from the top
//! down until enough in a row are what they were (D26).
//!
//! Bounded: [`NEWEST`] watermarks, and [`AT_ONCE`] messages read at once.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use crate::domain::failure::Side;
use crate::domain::identity::ContentHash;
use crate::domain::ids::Uid;
use crate::domain::record::Watermark;
use crate::endpoint::Source;
use crate::engine::pass::contents::shapes;
use crate::engine::pass::job::Job;
use crate::engine::pass::{Flow, Halt, On, Pass};

/// Watermarks looked at, at most.
const NEWEST: usize = 20_000;
/// Messages in a row that are what they were end the search.
const AT_ONCE: usize = 20;
/// So many edited drafts are believed where no message is as it was.
const FEW: usize = 3;
/// Watermarks read from the journal at once.
const PAGE: usize = 5_000;

/// The numbers, from the top down, under which the source holds something else than it did.
///
/// `sure`: the figures say that the numbering went back. Else a source of which nothing is as it was hands out its messages
/// in another form than before (after an update), and they are the same.
pub(super) async fn replaced(pass: &Pass, source: &mut dyn Source, job: &Job, sure: bool) -> Flow<BTreeSet<Uid>> {
    let newest = newest(pass, job).await?;
    let mut replaced = BTreeSet::new();
    let mut any = false;
    for some in newest.rchunks(AT_ONCE) {
        let (others, confirmed) = others(source, job, some).await?;
        any |= confirmed > 0;
        let enough = others.is_empty() && confirmed > AT_ONCE / 2;
        replaced.extend(others);
        if enough || (!sure && !any && replaced.len() >= AT_ONCE) {
            break;
        }
    }
    if !sure && !any && replaced.len() > FEW {
        tracing::info!(folder = %job.path, "the source hands out its messages in another form than before");
        replaced.clear();
    }
    Ok(replaced)
}

/// Whether the newest message is what it was: of numbers that were given anew, it has one.
pub(super) async fn newest_holds(source: &mut dyn Source, job: &Job, newest: &Watermark) -> Flow<bool> {
    let (others, _) = others(source, job, std::slice::from_ref(newest)).await?;
    Ok(others.is_empty())
}

/// Which of these numbers hold something else than was recorded, and how many the same. Those that differ are read once more:
/// a source that makes messages up anew each time says nothing.
async fn others(source: &mut dyn Source, job: &Job, marks: &[Watermark]) -> Flow<(Vec<Uid>, usize)> {
    let mut confirmed = 0;
    let mut differ: Vec<(Uid, ContentHash)> = Vec::new();
    let here = contents(source, job, marks.iter().map(|mark| mark.source).collect()).await?;
    for mark in marks {
        match (here.get(&mark.source), mark.content) {
            (Some(now), Some(then)) if *now != then => differ.push((mark.source, *now)),
            (Some(_), Some(_)) => confirmed += 1,
            // Gone, not handed out, or of an old version: nobody can tell.
            (None, _) | (_, None) => {}
        }
    }
    if !differ.is_empty() {
        let again = contents(source, job, differ.iter().map(|(uid, _)| *uid).collect()).await?;
        differ.retain(|(uid, now)| again.get(uid) == Some(now));
    }
    Ok((differ.into_iter().map(|(uid, _)| uid).collect(), confirmed))
}

async fn contents(source: &mut dyn Source, job: &Job, uids: Vec<Uid>) -> Flow<BTreeMap<Uid, ContentHash>> {
    let shapes = shapes(source, &job.source, uids).await.on(Side::Source).map_err(Halt::Fatal)?;
    Ok(shapes.into_iter().map(|(uid, shape)| (uid, shape.content)).collect())
}

/// The newest watermarks of a folder, ascending.
async fn newest(pass: &Pass, job: &Job) -> Flow<Vec<Watermark>> {
    let (mut kept, mut from) = (VecDeque::new(), Uid(i64::MIN));
    loop {
        let page = pass.journal.some_watermarks(job.id, from, Uid(i64::MAX), PAGE).await?;
        let Some(last) = page.last().map(|mark| mark.source) else { return Ok(kept.into()) };
        kept.extend(page);
        kept.drain(..kept.len().saturating_sub(NEWEST));
        from = Uid(last.0 + 1);
    }
}
