//! How the passes of a project ended that ran side by side, told when the last of them has.

use std::collections::HashMap;

use super::words::{count, counted};
use crate::domain::ids::ProjectId;
use crate::domain::status::Status;
use crate::engine::snapshot::ItemRow;
use crate::ui::theme::Tone;

/// How many passes ended, and how.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RunEnd {
    complete: usize,
    with_errors: usize,
    stopped: usize,
    failed: usize,
}

impl RunEnd {
    fn count(&mut self, row: &ItemRow) {
        match row.status {
            Status::Completed if row.progress.leaves_something() => self.with_errors += 1,
            Status::Completed => self.complete += 1,
            Status::Failed => self.failed += 1,
            _ => self.stopped += 1,
        }
    }

    /// Whether a person has something to look at.
    pub fn has_problems(&self) -> bool {
        self.with_errors + self.failed > 0
    }

    /// What its colour says.
    pub fn tone(&self) -> Tone {
        match self {
            Self { failed: 1.., .. } => Tone::Bad,
            Self { with_errors: 1.., .. } => Tone::Warning,
            Self { complete: 1.., .. } => Tone::Good,
            _ => Tone::Quiet,
        }
    }

    /// "24 passes ended: 17 complete, 6 with errors, 1 failed".
    pub fn words(&self) -> String {
        let all = self.complete + self.with_errors + self.stopped + self.failed;
        let parts = [
            (self.complete, "complete"),
            (self.with_errors, "with errors or differences"),
            (self.stopped, "stopped"),
            (self.failed, "failed"),
        ];
        let parts = parts.into_iter().filter(|(number, _)| *number > 0);
        let parts: Vec<String> = parts.map(|(number, word)| format!("{} {word}", count(number as u64))).collect();
        format!("{} ended: {}", counted(all, "pass"), parts.join(", "))
    }
}

/// What ended since a project last was at rest, by project.
#[derive(Clone, Debug, Default)]
pub struct RunEnds(HashMap<ProjectId, RunEnd>);

impl RunEnds {
    /// Looks at a row that changed: whether a pass of it ended.
    pub fn hear(&mut self, before: Option<&ItemRow>, row: &ItemRow) {
        let Some(before) = before.filter(|before| before.item == row.item) else { return };
        let pass = |row: &ItemRow| row.pass.map(|pass| pass.id);
        let ended = row.status.is_at_rest() && row.pass.is_some_and(|pass| pass.started.is_some());
        if ended && (!before.status.is_at_rest() || pass(before) != pass(row)) {
            self.0.entry(row.project).or_default().count(row);
        }
    }

    /// Those of projects where nothing runs or waits for a worker any more.
    pub fn take(&mut self, at_rest: impl Fn(ProjectId) -> bool) -> Vec<(ProjectId, RunEnd)> {
        let ended: Vec<ProjectId> = self.0.keys().copied().filter(|project| at_rest(*project)).collect();
        ended.into_iter().filter_map(|project| self.0.remove_entry(&project)).collect()
    }
}
