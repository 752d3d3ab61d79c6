//! How far moves are: per cent of a user, users of a batch.

use super::status::MoveStatus;
use super::{HybridUser, Told};

/// The service stops here until finalization is ordered.
pub const PAUSE: u8 = 95;

/// The per cent that is shown: never above 95 before finalization, and never all before the user is switched and settled.
pub fn percent(status: MoveStatus, told: Option<u8>) -> u8 {
    let told = told.unwrap_or(0);
    match status {
        MoveStatus::NotSubmitted => 0,
        MoveStatus::Syncing | MoveStatus::Failed => told.min(PAUSE),
        MoveStatus::PendingFinalization => PAUSE,
        MoveStatus::Finalizing => told.clamp(PAUSE, 99),
        MoveStatus::Completed => 100,
    }
}

/// How far the users of a batch are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BatchProgress {
    /// All.
    pub users: u64,
    /// Those that are Completed.
    pub completed: u64,
    /// Those at 95 %.
    pub pending: u64,
    /// Those that failed.
    pub failed: u64,
    /// Mean of their per cent, rounded down.
    pub percent: u8,
    /// Items that are there.
    pub synced: u64,
    /// Items that were left out.
    pub skipped: u64,
}

impl BatchProgress {
    /// Of these users.
    pub fn of<'a>(users: impl Iterator<Item = &'a HybridUser>) -> Self {
        let (mut progress, mut sum) = (Self::default(), 0_u64);
        for HybridUser { status, told: Told { percent: told, synced, skipped, .. }, .. } in users {
            progress.users += 1;
            sum += u64::from(percent(*status, *told));
            progress.completed += u64::from(*status == MoveStatus::Completed);
            progress.pending += u64::from(*status == MoveStatus::PendingFinalization);
            progress.failed += u64::from(*status == MoveStatus::Failed);
            progress.synced = progress.synced.saturating_add(synced.unwrap_or(0));
            progress.skipped = progress.skipped.saturating_add(skipped.unwrap_or(0));
        }
        progress.percent = sum.checked_div(progress.users).and_then(|mean| u8::try_from(mean).ok()).unwrap_or(0);
        progress
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn r31_per_cent_stays_at_95_until_finalization() {
        for told in [None, Some(0), Some(94), Some(95), Some(96), Some(100), Some(255)] {
            assert!(percent(MoveStatus::Syncing, told) <= 95 && percent(MoveStatus::Failed, told) <= 95);
            assert_eq!(percent(MoveStatus::PendingFinalization, told), 95);
            assert!((95..=99).contains(&percent(MoveStatus::Finalizing, told)));
            assert_eq!((percent(MoveStatus::NotSubmitted, told), percent(MoveStatus::Completed, told)), (0, 100));
        }
    }
}
