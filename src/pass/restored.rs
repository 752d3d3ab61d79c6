//! A source whose numbering went back (a restored backup) gave old numbers to new mail, and some of that may have the name of
//! what it replaces: an edited draft. Numbers given anew are the highest ones, so that contents are compared from the top
//! down until enough in a row are what they were (D26).
//!
//! Bounded: [`NEWEST`] watermarks, and [`AT_ONCE`] messages read at once.

use std::collections::{BTreeSet, VecDeque};
use std::sync::atomic::Ordering;

use crate::domain::failure::{Scope, Side};
use crate::domain::ids::{FolderId, Uid};
use crate::domain::record::Watermark;
use crate::endpoint::{FolderRef, Source};
use crate::pass::job::Job;
use crate::pass::sample::{Compared, compared, compared_by_name};
use crate::pass::{OnSide, Pass, PassResult, PassStop};

/// Watermarks looked at, at most.
const NEWEST: usize = 20_000;
/// Messages in a row that are what they were end the search.
pub(super) const AT_ONCE: usize = 20;
/// Other folders that are asked, at most.
pub(super) const WITNESSES: usize = 8;
/// Watermarks read from the journal at once.
const PAGE: usize = 5_000;

/// The numbers, from the top down, under which the source holds something else than it did. Where no message is as it was, the
/// source may hand out all of them in another form than before, after an update: other folders tell.
pub(super) async fn replaced(pass: &Pass, source: &mut dyn Source, job: &Job) -> PassResult<BTreeSet<Uid>> {
    let newest = newest(pass, job.id).await?;
    let mut replaced = BTreeSet::new();
    let mut sure = false;
    for some in newest.rchunks(AT_ONCE) {
        let found = compare(source, &job.plan.source, some).await?;
        let enough = found.others.is_empty() && found.same > AT_ONCE / 2;
        replaced.extend(found.others);
        sure |= found.same > 0;
        if !sure && !replaced.is_empty() {
            if pass.is_in_another_form(source, job.id).await? {
                return Ok(BTreeSet::new());
            }
            sure = true;
        }
        if enough {
            break;
        }
    }
    Ok(replaced)
}

/// Whether the newest message is what it was: of numbers that were given anew, it has one.
pub(super) async fn newest_holds(source: &mut dyn Source, job: &Job, newest: &Watermark) -> PassResult<bool> {
    Ok(compare(source, &job.plan.source, std::slice::from_ref(newest)).await?.others.is_empty())
}

async fn compare(source: &mut dyn Source, folder: &FolderRef, marks: &[Watermark]) -> PassResult<Compared> {
    let asked: Vec<(Uid, &Watermark)> = marks.iter().map(|mark| (mark.source, mark)).collect();
    compared(source, folder, &asked).await.on(Side::Source).map_err(PassStop::Fatal)
}

impl Pass {
    /// Whether the source hands out no message as it did: of some other folders, the oldest ones differ, to which no restored
    /// backup gives a new meaning. Asked once.
    async fn is_in_another_form(&self, source: &mut dyn Source, but: FolderId) -> PassResult<bool> {
        if self.oddities.in_another_form.load(Ordering::Relaxed) {
            return Ok(true);
        }
        let mut differ = false;
        for row in self.journal.folders().await?.into_iter().filter(|row| row.id != but && !row.retired).take(WITNESSES)
        {
            let folder = FolderRef { path: row.source, wire: row.source_wire, validity: row.source_validity };
            let oldest = self.journal.some_watermarks(row.id, Uid(i64::MIN), Uid(i64::MAX), AT_ONCE).await?;
            let asked: Vec<(Uid, &Watermark)> = oldest.iter().map(|mark| (mark.source, mark)).collect();
            match compared_by_name(source, &folder, &asked).await {
                Ok(found) if found.same > 0 => return Ok(false),
                Ok(found) => differ |= !found.others.is_empty(),
                Err(failure) if failure.scope <= Scope::Folder => {}
                Err(failure) => return Err(failure).on(Side::Source).map_err(PassStop::Fatal),
            }
        }
        if differ {
            tracing::info!("the source hands out its messages in another form than before");
            self.oddities.in_another_form.store(true, Ordering::Relaxed);
        }
        Ok(differ)
    }
}

/// The newest watermarks of a folder, ascending.
async fn newest(pass: &Pass, row: FolderId) -> PassResult<Vec<Watermark>> {
    let (mut kept, mut from) = (VecDeque::new(), Uid(i64::MIN));
    loop {
        let page = pass.journal.some_watermarks(row, from, Uid(i64::MAX), PAGE).await?;
        let Some(last) = page.last().map(|mark| mark.source) else { return Ok(kept.into()) };
        kept.extend(page);
        kept.drain(..kept.len().saturating_sub(NEWEST));
        from = Uid(last.0 + 1);
    }
}
