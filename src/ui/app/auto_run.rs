//! What the window starts by itself: the passes of a workspace that was prepared for it.

use crate::domain::ids::{ItemId, ProjectId};
use crate::engine::snapshot::Snapshot;
use crate::service::launch::{self, RunSummary};

/// Passes that are started when the workspace is open, and whose end is told.
pub(super) struct AutoRunProgress {
    order: launch::AutoRun,
    /// Something ran since its end was told last.
    under_way: bool,
}

impl AutoRunProgress {
    pub fn new(order: launch::AutoRun) -> Self {
        Self { order, under_way: false }
    }

    /// What is to be started.
    pub fn items(&self) -> (ProjectId, Vec<ItemId>) {
        (self.order.project, self.order.items.clone())
    }

    /// How it ended, when all its items are at rest; again if it was stopped and goes on to its end after all.
    pub fn follow(&mut self, running: bool, snapshot: &Snapshot) -> Option<RunSummary> {
        self.under_way |= running;
        if !self.under_way {
            return None;
        }
        let rows = snapshot.rows().filter(|row| self.order.items.contains(&row.item));
        let ends: Vec<_> = rows.map(|row| (row.status, row.progress.counts)).collect();
        if !ends.iter().all(|(status, _)| status.is_at_rest()) {
            return None;
        }
        self.under_way = false;
        Some((self.order.summary)(&ends))
    }
}
