//! Sources that tell another header than the one that their messages begin with: cut at a line that is no field, or too long.
//! Watermarks have their names from whole messages, and what a header says would make old messages new ones (D8).
//!
//! Bounded: [`AT_ONCE`] whole messages read in vain for each question.

use std::collections::BTreeMap;
use std::sync::atomic::Ordering;

use crate::domain::failure::{Cause, Failure, Scope};
use crate::domain::identity::Names;
use crate::domain::ids::Uid;
use crate::domain::record::Watermark;
use crate::endpoint::{FolderRef, Source};
use crate::pass::Pass;
use crate::pass::contents::names_of_whole;
use crate::pass::sample::{Bytes, IdentityProof, contents, prove, who};

/// Whole messages read at once.
const AT_ONCE: usize = 20;

/// Tells of each of these messages of a source whether it is the one that its watermark names. Before one is another one by its
/// header, its content is asked: equal content confirms it, and says that headers are not to be relied on there.
pub(super) async fn prove_here(
    pass: &Pass,
    source: &mut dyn Source,
    folder: &FolderRef,
    marks: &[(Uid, &Watermark)],
) -> Result<Vec<IdentityProof>, Failure> {
    let proofs = prove(source, folder, marks, Bytes::Kept).await?;
    confirm_by_content(pass, source, folder, marks, proofs).await
}

/// The same for what was told of them so far.
pub(super) async fn confirm_by_content(
    pass: &Pass,
    source: &mut dyn Source,
    folder: &FolderRef,
    marks: &[(Uid, &Watermark)],
    mut proofs: Vec<IdentityProof>,
) -> Result<Vec<IdentityProof>, Failure> {
    let is_open = |at: &usize| proofs[*at] == IdentityProof::Contradicted && marks[*at].1.content.is_some();
    let open: Vec<usize> = (0..marks.len()).filter(is_open).collect();
    for some in open.chunks(AT_ONCE) {
        let here = contents(source, folder, some.iter().map(|at| marks[*at].0).collect()).await?;
        let mut confirmed = 0;
        for at in some {
            let (uid, mark) = marks[*at];
            if here.get(&uid).is_some_and(|content| Some(*content) == mark.content) {
                proofs[*at] = IdentityProof::Confirmed;
                confirmed += 1;
            }
        }
        if confirmed == 0 {
            // The others are what they seem.
            break;
        }
        if !pass.oddities.headers_differ.swap(true, Ordering::Relaxed) {
            tracing::info!(folder = %folder.path, "the source tells other headers than those of its messages");
        }
    }
    Ok(proofs)
}

/// Who these messages of a source are; those that are gone or not handed out are left out.
pub(super) async fn who_here(
    pass: &Pass,
    source: &mut dyn Source,
    folder: &FolderRef,
    uids: &[Uid],
) -> Result<BTreeMap<Uid, Names>, Failure> {
    if pass.oddities.headers_differ.load(Ordering::Relaxed) {
        names_of_whole(source, folder, uids.to_vec()).await
    } else {
        who(source, folder, uids).await
    }
}

/// The same, also where the server refuses to tell of some: those that it refuses are parted until each of
/// them stands alone, and left out.
pub(super) async fn names_of_each(
    pass: &Pass,
    source: &mut dyn Source,
    folder: &FolderRef,
    uids: &[Uid],
    seen: &mut BTreeMap<Uid, Names>,
) -> Result<(), Failure> {
    let mut parts = vec![uids];
    while let Some(part) = parts.pop() {
        match who_here(pass, source, folder, part).await {
            Ok(names) => seen.extend(names),
            Err(failure) if failure.cause != Cause::MessageUnreadable || failure.scope > Scope::Folder => {
                return Err(failure);
            }
            Err(_) if part.len() > 1 => {
                let (first, second) = part.split_at(part.len() / 2);
                parts.extend([second, first]);
            }
            Err(_) => {}
        }
    }
    Ok(())
}
