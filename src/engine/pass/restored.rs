//! A source whose numbering went back (a restored backup) gave old numbers to new mail, and some of that may have the name of
//! what it replaces: an edited draft. Numbers given anew are the highest ones, so that contents are compared from the top
//! down until enough in a row are what they were (D26).
//!
//! Bounded: [`NEWEST`] watermarks, and [`AT_ONCE`] messages read at once.

use std::collections::{BTreeSet, VecDeque};

use crate::domain::failure::Side;
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
/// Watermarks read from the journal at once.
const PAGE: usize = 5_000;

/// The numbers, from the top down, under which the source holds something else than it did.
pub(super) async fn replaced(pass: &Pass, source: &mut dyn Source, job: &Job) -> Flow<BTreeSet<Uid>> {
    let newest = newest(pass, job).await?;
    let mut replaced = BTreeSet::new();
    for some in newest.rchunks(AT_ONCE) {
        let uids: Vec<Uid> = some.iter().map(|mark| mark.source).collect();
        let shapes = shapes(source, &job.source, uids).await.on(Side::Source).map_err(Halt::Fatal)?;
        let mut confirmed = 0;
        let before = replaced.len();
        for mark in some {
            match (shapes.get(&mark.source), mark.content) {
                (Some(shape), Some(content)) if shape.content != content => drop(replaced.insert(mark.source)),
                (Some(_), Some(_)) => confirmed += 1,
                // Gone, not handed out, or of an old version: nobody can tell.
                (None, _) | (_, None) => {}
            }
        }
        if replaced.len() == before && confirmed > AT_ONCE / 2 {
            break;
        }
    }
    Ok(replaced)
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
