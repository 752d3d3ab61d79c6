//! What is known of a destination where content does not decide (D8): does it keep what it is sent?
//!
//! It is learned from own appends at the end of a connection's work. A pass that died before left none of that, but perhaps
//! recorded copies: some of them are read. Bounded by [`FEW`] messages of either side.

use std::collections::BTreeMap;
use std::sync::atomic::Ordering;

use crate::domain::failure::{Failure, Scope, Side};
use crate::domain::ids::{FolderId, Uid};
use crate::domain::matching::Belief;
use crate::domain::record::{FolderRecord, Habit, Origin, Watermark};
use crate::endpoint::{Destination, FolderRef, Source};
use crate::pass::contents::shapes;
use crate::pass::places::Prepared;
use crate::pass::sample::who;
use crate::pass::{OnSide, Pass, PassResult, PassStop};

/// Copies that are read.
const FEW: usize = 5;
/// Watermarks of one folder among which they are looked for.
const AMONG: usize = 200;

/// What is known of the destination, and if nothing is, what copies tell that were recorded there.
pub(super) async fn belief(
    pass: &Pass,
    prepared: &Prepared,
    source: &mut dyn Source,
    to: &mut dyn Destination,
) -> PassResult<Belief> {
    let known = Belief::from(pass.journal.habit(Side::Destination).await?);
    if known != Belief::Unknown {
        return Ok(known);
    }
    if prepared.there.kept.load(Ordering::Relaxed) {
        return Ok(Belief::Keeps);
    }
    pass.recorder.flush().await;
    let (mut seen, mut left) = (Habit::default(), FEW);
    for row in pass.journal.folders().await? {
        let Some(place) = prepared.places.get(&row.id).filter(|_| left > 0) else { continue };
        let marks = some_copies(pass, row.id, left).await?;
        left -= marks.len();
        let told = look(source, to, &row, place, &marks).await;
        seen = seen.and(passed_over(told)?.unwrap_or_default());
    }
    if seen != Habit::default() {
        pass.journal.learn(Side::Destination, seen).await?;
    }
    Ok(Belief::from(seen))
}

/// An own append of an interrupted pass holds the very bytes that were sent. It is learned once in a pass.
pub(super) async fn keeps(pass: &Pass, prepared: &Prepared) -> PassResult<()> {
    if !prepared.there.kept.swap(true, Ordering::Relaxed) {
        pass.journal.learn(Side::Destination, Habit { kept: 1, ..Habit::default() }).await?;
    }
    Ok(())
}

/// Some copies that Mailferry made in the destination folder of this row.
async fn some_copies(pass: &Pass, row: FolderId, count: usize) -> PassResult<Vec<Watermark>> {
    let mut marks = pass.journal.some_watermarks(row, Uid(i64::MIN), Uid(i64::MAX), AMONG).await?;
    marks.retain(|mark| {
        let own = mark.destination_folder == row && mark.origin == Origin::Copied;
        own && mark.content.is_some() && mark.at().is_some()
    });
    marks.truncate(count);
    Ok(marks)
}

/// A connection that broke breaks the look; what cannot be read says nothing.
fn passed_over<T>(read: Result<T, (Side, Failure)>) -> PassResult<Option<T>> {
    match read {
        Ok(read) => Ok(Some(read)),
        Err((_, failure)) if failure.scope <= Scope::Folder => Ok(None),
        Err((side, failure)) => Err(failure).on(side).map_err(PassStop::Fatal),
    }
}

/// How copies lie at the destination, against what was sent. One that differs says something only if it is the message that it
/// was, and if what was sent is still at the source.
async fn look(
    source: &mut dyn Source,
    to: &mut dyn Destination,
    row: &FolderRecord,
    place: &FolderRef,
    marks: &[Watermark],
) -> Result<Habit, (Side, Failure)> {
    let there = |failure| (Side::Destination, failure);
    let copies: BTreeMap<Uid, &Watermark> = marks.iter().filter_map(|mark| Some((mark.at()?, mark))).collect();
    let shapes_there = shapes(to, place, copies.keys().copied().collect()).await.map_err(there)?;
    let mut seen = Habit::default();
    let mut differ = BTreeMap::new();
    for (at, mark) in copies {
        match shapes_there.get(&at) {
            Some(shape) if Some(shape.content) == mark.content => seen = seen.told(shape.len, shape.len),
            Some(shape) => drop(differ.insert(at, (mark, shape.len))),
            None => {}
        }
    }
    if differ.is_empty() {
        return Ok(seen);
    }
    let names = who(to, place, &differ.keys().copied().collect::<Vec<_>>()).await.map_err(there)?;
    differ.retain(|at, (mark, _)| names.get(at).is_some_and(|names| !names.weak && mark.is_of(names)));
    let (path, wire) = (row.source.clone(), row.source_wire.clone());
    let from = FolderRef { path, wire, validity: row.source_validity };
    let asked = differ.values().map(|(mark, _)| mark.source).collect();
    let shapes_here = shapes(source, &from, asked).await.map_err(|failure| (Side::Source, failure))?;
    for (mark, len) in differ.into_values() {
        if let Some(sent) = shapes_here.get(&mark.source).filter(|shape| Some(shape.content) == mark.content) {
            seen = seen.told(len, sent.len);
        }
    }
    Ok(seen)
}
