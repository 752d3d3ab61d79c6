//! Where a pass would put each folder and what it would leave out, before it runs. Nothing is changed on either side.

use std::collections::BTreeMap;

use crate::domain::failure::{Cause, Failure, Retry, Scope, Side};
use crate::domain::folder::{FolderPath, ListedFolder};
use crate::domain::ids::Uid;
use crate::domain::plan::{SkipRule, needs_dates, skip_rule};
use crate::domain::preview::{FolderFate, Preview, PreviewFlag, PreviewLine};
use crate::domain::project::Options;
use crate::domain::record::FolderRecord;
use crate::domain::tree::{BothLists, FolderPlan, LeftOut, Reason, Tree, Twins, destination_tree};
use crate::endpoint::{Destination, FolderRef, Source, Which};
use crate::pass::known::KnownRows;
use crate::pass::listing::own;
use crate::pass::{OnSide, SideFailure};

/// Messages of one window of a listing.
const WINDOW: i64 = 20_000;

/// Looks at both sides.
///
/// # Errors
/// One side cannot be listed, or a rule cannot be read.
pub(crate) async fn preview(
    source: &mut dyn Source,
    to: &mut dyn Destination,
    records: &[FolderRecord],
    options: &Options,
) -> Result<Preview, SideFailure> {
    let (listed, there) = tokio::join!(source.list(), to.list());
    let (listed, there) = (listed.on(Side::Source)?, own(there.on(Side::Destination)?));
    let both = BothLists { source: &listed, destination: &there, separator: to.limits().separator };
    let known = KnownRows::new(records, &BTreeMap::new());
    let tree = destination_tree(both, options, &known.destinations, &Twins::default()).map_err(|error| {
        let failure = Failure::new(Cause::FolderRefused, Scope::Mailbox, Retry::User, "reading the mapping");
        SideFailure { side: Side::Destination, failure: failure.saying(error.to_string()) }
    })?;
    let mut lines = Vec::with_capacity(listed.len());
    for plan in &tree.folders {
        let folder = &listed[plan.source];
        let skipped = skipped(source, folder, options).await.on(Side::Source)?;
        lines.push(line(folder, fate(plan, &tree, &listed, &there), skipped));
    }
    let left = |(at, reason): &(usize, LeftOut)| line(&listed[*at], FolderFate::LeftOut(*reason), BTreeMap::new());
    lines.extend(tree.left_out.iter().map(left));
    lines.sort_by(|a, b| a.folder.cmp(&b.folder));
    Ok(Preview { lines })
}

fn line(folder: &ListedFolder, fate: FolderFate, skipped: BTreeMap<SkipRule, u64>) -> PreviewLine {
    let messages = folder.state.map(|state| u64::from(state.messages));
    PreviewLine { folder: folder.path.clone(), messages, fate, skipped }
}

fn fate(plan: &FolderPlan, tree: &Tree, listed: &[ListedFolder], there: &[ListedFolder]) -> FolderFate {
    let to = &plan.destination;
    let mut flags: Vec<PreviewFlag> = Vec::new();
    let others = || tree.folders.iter().filter(|other| other.source != plan.source);
    flags.extend(others().filter(|o| o.destination == *to).map(|o| PreviewFlag::Shared(listed[o.source].path.clone())));
    let lower = |path: &FolderPath| path.to_string().to_lowercase();
    let names = others().map(|other| &other.destination).chain(there.iter().map(|folder| &folder.path));
    let mut twins: Vec<&FolderPath> = names.filter(|name| *name != to && lower(name) == lower(to)).collect();
    twins.sort();
    twins.dedup();
    flags.extend(twins.into_iter().map(|name| PreviewFlag::DiffersInCase(name.clone())));
    if plan.reason == Reason::SameName && *to != listed[plan.source].path {
        flags.push(PreviewFlag::NameChanged);
    }
    FolderFate::Goes { to: to.clone(), reason: plan.reason, exists: plan.exists, flags }
}

/// How many messages of a folder the rules leave out. Folders that cannot be read are named by the pass.
async fn skipped(
    source: &mut dyn Source,
    folder: &ListedFolder,
    options: &Options,
) -> crate::endpoint::Result<BTreeMap<SkipRule, u64>> {
    let mut counts = BTreeMap::new();
    let dates = needs_dates(options, None);
    if !dates && options.largest.is_none() {
        return Ok(counts);
    }
    let place = FolderRef { path: folder.path.clone(), wire: folder.wire.clone(), validity: None };
    let state = match source.examine(&place).await {
        Err(failure) if !failure.breaks_connection() => return Ok(counts),
        state => state?,
    };
    if state.messages == 0 {
        return Ok(counts);
    }
    let (mut from, end) = (1, state.uid_next.map_or(0, |next| next.0));
    loop {
        let last = from + WINDOW >= end;
        let (first, until) = (Uid(from), Uid(from + WINDOW));
        let which = if last { Which::From(first) } else { Which::Range(first, until) };
        for message in source.scan(&place, &which, dates).await? {
            if let Some(rule) = skip_rule(&message, options, None) {
                *counts.entry(rule).or_default() += 1;
            }
        }
        if last {
            return Ok(counts);
        }
        from += WINDOW;
    }
}
