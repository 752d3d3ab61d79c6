//! The list of projects and the line at the foot: sums over everything the engine has loaded.

use std::collections::HashMap;
use std::sync::Arc;

use super::chunks::PerChunk;
use super::grid::is_done;
use super::look::{self, shape};
use super::ready::{Left, Pace, Ready};
use super::run_end::{RunEnd, RunEnds};
use super::words;
use crate::domain::figures::{Moved, migrated, size_of, under_way};
use crate::domain::ids::ProjectId;
use crate::domain::pass::PassKind;
use crate::domain::status::Status;
use crate::domain::time::Timestamp;
use crate::domain::wording;
use crate::engine::snapshot::{ItemRow, Snapshot};
use crate::ui::theme::Tone;

/// Tones in the order of a bar: what is done comes first.
pub const BAR: [Tone; 8] =
    [Tone::Good, Tone::Partial, Tone::Warning, Tone::Moving, Tone::Waiting, Tone::Asking, Tone::Bad, Tone::Quiet];

/// What the parts of a bar are, in the same order.
const WORDS: [&str; 8] = [
    "completed",
    "verified or copied in part",
    "with errors or differences, stopping or pausing",
    "migrating",
    "submitted",
    "waiting for their user",
    "failed",
    "stopped",
];

/// Passes that move nothing or a part, and what items read after them.
const IN_PART: [(PassKind, &str); 3] =
    [(PassKind::Verify, "verified"), (PassKind::Trial, "tried"), (PassKind::PreStage, "pre-staged")];

/// Sums over one project.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// Items.
    pub items: usize,
    /// Migrated ones.
    pub done: usize,
    /// Of these, those with messages that could not be copied.
    pub with_errors: usize,
    /// Those a worker has.
    pub running: usize,
    /// Those that wait for a worker.
    pub waiting: usize,
    /// Items that wait for their time.
    pub scheduled: usize,
    /// Held ones.
    pub held: usize,
    /// Failed ones.
    pub failed: usize,
    /// Those that run or wait.
    pub not_at_rest: usize,
    /// Items by tone, in the order of [`BAR`]; none that never ran.
    pub tones: [u64; 8],
    /// The same of those whose pass has completed or failed: what a bar shows as done.
    pub ended: [u64; 8],
    /// Completed passes that were no Full ones, by their kinds.
    pub in_part: [u64; 3],
    /// Messages recorded, over all passes.
    pub messages: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Bytes at the source of those items that tell them.
    pub at_source: u64,
    /// How many do not.
    pub uncounted: usize,
    /// Bytes read and not recorded yet.
    pub under_way: u64,
    /// Bytes a second.
    pub speed: u64,
    /// When something last began or ended.
    pub last: Option<Timestamp>,
    /// What its Full passes have left to move.
    pub left: Left,
    /// When that will be moved, where it can be told.
    pub ready: Option<Ready>,
}

impl Summary {
    fn count(&mut self, row: &ItemRow) {
        self.items += 1;
        self.done += usize::from(is_done(row));
        self.with_errors += usize::from(is_done(row) && row.progress.counts.errors > 0);
        self.running += usize::from(row.status.is_active());
        self.waiting += usize::from(row.status == Status::Submitted);
        self.scheduled += usize::from(row.status == Status::Scheduled);
        self.held += usize::from(row.status == Status::Held);
        self.failed += usize::from(row.status == Status::Failed);
        self.not_at_rest += usize::from(!row.status.is_at_rest());
        let kind = row.pass.map(|pass| pass.kind);
        let (_, tone) = shape(row.status, kind, row.progress.leaves_something(), false);
        let at = BAR.iter().position(|other| *other == tone).unwrap_or_default();
        if row.status != Status::NotSubmitted {
            self.tones[at] += 1;
        }
        if matches!(row.status, Status::Completed | Status::Failed) {
            self.ended[at] += 1;
        }
        if row.status == Status::Completed {
            let part = IN_PART.iter().position(|(part, _)| kind == Some(*part));
            part.into_iter().for_each(|part| self.in_part[part] += 1);
        }
        self.messages += row.moved().messages;
        self.bytes += look::bytes(row);
        self.left.add(Left::of(row));
        match row.progress.at_source.and_then(|at| at.bytes) {
            Some(bytes) => self.at_source += bytes,
            None => self.uncounted += 1,
        }
        self.under_way += row.under_way();
        self.speed += row.speed;
        self.last = self.last.max(look::since(row));
    }

    fn add(&mut self, other: &Self) {
        self.items += other.items;
        self.done += other.done;
        self.with_errors += other.with_errors;
        self.running += other.running;
        self.waiting += other.waiting;
        self.scheduled += other.scheduled;
        self.held += other.held;
        self.failed += other.failed;
        self.not_at_rest += other.not_at_rest;
        self.tones.iter_mut().zip(other.tones).for_each(|(sum, more)| *sum += more);
        self.ended.iter_mut().zip(other.ended).for_each(|(sum, more)| *sum += more);
        self.in_part.iter_mut().zip(other.in_part).for_each(|(sum, more)| *sum += more);
        self.messages += other.messages;
        self.bytes += other.bytes;
        self.left.add(other.left);
        self.at_source += other.at_source;
        self.uncounted += other.uncounted;
        self.under_way += other.under_way;
        self.speed += other.speed;
        self.last = self.last.max(other.last);
    }

    /// How far it is: "23 of 24 migrated, 6 with errors, 1 failed, 12 verified · 112.18 MB of 171.04 MB + 6.00 MB under way · 8.30 MB/s".
    pub fn progress(&self) -> String {
        let mut line = migrated(self.done as u64, self.items as u64, self.with_errors as u64, self.failed as u64);
        for (count, (_, word)) in self.in_part.iter().zip(IN_PART).filter(|(count, _)| **count > 0) {
            line += &format!(", {} {word}", words::count(*count));
        }
        let total = (self.uncounted == 0 && self.bytes < self.at_source).then_some(self.at_source);
        if self.bytes > 0 || total.is_some() {
            line += &format!(" · {}", size_of(self.bytes, total));
        }
        if let Some(under_way) = under_way(self.under_way) {
            line += &format!(" {under_way}");
        }
        if self.speed > 0 {
            line += &format!(" · {}/s", wording::size(self.speed));
        }
        line
    }

    /// The parts of its bar in words.
    pub fn words(&self) -> String {
        let part = |(count, word): (&u64, &str)| format!("{} {word}", words::count(*count));
        let mut parts: Vec<String> = self.tones.iter().zip(WORDS).filter(|(count, _)| **count > 0).map(part).collect();
        let rest = (self.items as u64).saturating_sub(self.tones.iter().sum());
        if rest > 0 {
            parts.push(format!("{} not submitted", words::count(rest)));
        }
        parts.join(" · ")
    }
}

/// Sums over all projects, brought up to date with each state of the engine.
#[derive(Clone, Debug, Default)]
pub struct Projects {
    revision: Option<u64>,
    parts: PerChunk<HashMap<ProjectId, Summary>>,
    by_project: HashMap<ProjectId, Summary>,
    paces: HashMap<ProjectId, Pace>,
    ends: RunEnds,
    /// Over all of them.
    pub all: Summary,
}

impl Projects {
    /// Brings it up to date.
    pub fn refresh(&mut self, snapshot: &Snapshot, now: Timestamp) {
        if self.revision == Some(snapshot.revision) {
            return;
        }
        self.revision = Some(snapshot.revision);
        let sums = |rows: &[Arc<ItemRow>]| {
            let mut sums: HashMap<ProjectId, Summary> = HashMap::new();
            rows.iter().for_each(|row| sums.entry(row.project).or_default().count(row));
            sums
        };
        let ends = &mut self.ends;
        self.parts.refresh(snapshot, false, sums, |_, before, row| ends.hear(before, row));
        self.by_project.clear();
        self.all = Summary::default();
        for (project, sum) in self.parts.all().flatten() {
            self.by_project.entry(*project).or_default().add(sum);
            self.all.add(sum);
        }
        self.paces.retain(|project, _| self.by_project.contains_key(project));
        for (project, sum) in &mut self.by_project {
            let pace = self.paces.entry(*project).or_default();
            pace.tell(now, Moved { messages: sum.messages, bytes: sum.bytes }, sum.running);
            sum.ready = pace.ready(now, sum.left, sum.running);
        }
    }

    /// Projects whose last pass has ended since this was last asked, and how all of them did.
    pub fn take_ended(&mut self) -> Vec<(ProjectId, RunEnd)> {
        let Self { ends, by_project, .. } = self;
        ends.take(|project| by_project.get(&project).is_none_or(|sum| sum.running + sum.waiting == 0))
    }

    /// The sums of one project.
    pub fn of(&self, project: ProjectId) -> Summary {
        self.by_project.get(&project).cloned().unwrap_or_default()
    }
}
