//! How the last pass of each kind ended: a later failed Verify does not wipe a finished Full.

use std::str::FromStr;

use super::pass::PassKind;
use super::progress::PassProgress;
use super::status::Status;

/// How a pass ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum PassResult {
    /// All that it was to do is done.
    Completed,
    /// It completed and left something: messages that were not moved, that differ, or that wait for another pass.
    LeftSomething,
    /// A person stopped it.
    Stopped,
    /// It failed.
    Failed,
}

impl PassResult {
    /// How a pass with this status and these figures ended; none while it has not.
    pub fn of(status: Status, progress: &PassProgress) -> Option<Self> {
        match status {
            Status::Completed if progress.leaves_something() => Some(Self::LeftSomething),
            Status::Completed => Some(Self::Completed),
            Status::Stopped => Some(Self::Stopped),
            Status::Failed => Some(Self::Failed),
            Status::NotSubmitted
            | Status::Submitted
            | Status::Scheduled
            | Status::Held
            | Status::WaitingForUser
            | Status::Queued
            | Status::Migrating
            | Status::Stopping => None,
        }
    }

    /// In words.
    pub fn word(self) -> &'static str {
        match self {
            Self::Completed => "completed",
            Self::LeftSomething => "completed, something is left",
            Self::Stopped => "stopped",
            Self::Failed => "failed",
        }
    }

    fn letter(self) -> char {
        match self {
            Self::Completed => 'c',
            Self::LeftSomething => 'l',
            Self::Stopped => 's',
            Self::Failed => 'f',
        }
    }
}

/// Kinds of passes that are told apart in it: Retry Errors goes on with what a Full pass left.
pub const MILESTONES: [PassKind; 4] = [PassKind::Verify, PassKind::Trial, PassKind::PreStage, PassKind::Full];

/// The last result of each of [`MILESTONES`], since the item was made or reset.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct LastResults([Option<PassResult>; 4]);

/// It was not four letters that stand for results.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not the last results of an item's passes")]
pub struct NotResults;

impl LastResults {
    /// Each kind with its last result.
    pub fn each(self) -> impl Iterator<Item = (PassKind, Option<PassResult>)> {
        MILESTONES.into_iter().zip(self.0)
    }

    /// With what another pass came to; as before while it has not ended.
    #[must_use]
    pub fn after(mut self, kind: PassKind, result: Option<PassResult>) -> Self {
        let kind = if kind == PassKind::RetryErrors { PassKind::Full } else { kind };
        let slot = self.0.iter_mut().zip(MILESTONES).find(|(_, milestone)| *milestone == kind);
        if let (Some((slot, _)), Some(result)) = (slot, result) {
            *slot = Some(result);
        }
        self
    }
}

/// As it is kept: a letter for each kind, `.` where there was no pass.
impl std::fmt::Display for LastResults {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.iter().try_for_each(|result| write!(f, "{}", result.map_or('.', PassResult::letter)))
    }
}

impl FromStr for LastResults {
    type Err = NotResults;

    fn from_str(text: &str) -> Result<Self, NotResults> {
        let result = |letter| match letter {
            '.' => Ok(None),
            'c' => Ok(Some(PassResult::Completed)),
            'l' => Ok(Some(PassResult::LeftSomething)),
            's' => Ok(Some(PassResult::Stopped)),
            'f' => Ok(Some(PassResult::Failed)),
            _ => Err(NotResults),
        };
        let results: Vec<_> = text.chars().take(5).map(result).collect::<Result<_, _>>()?;
        results.try_into().map(Self).map_err(|_| NotResults)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::counts::Counts;

    #[test]
    fn a_failed_verify_leaves_a_finished_full_and_retry_errors_goes_on_with_it() {
        let errors = PassProgress { counts: Counts { errors: 2, ..Counts::default() }, ..PassProgress::default() };
        let full = LastResults::default().after(PassKind::Full, PassResult::of(Status::Completed, &errors));
        let verified = full.after(PassKind::Verify, PassResult::of(Status::Failed, &PassProgress::default()));
        assert_eq!(verified.to_string(), "f..l");
        let cured = PassResult::of(Status::Completed, &PassProgress { accepted: 2, ..errors });
        assert_eq!(verified.after(PassKind::RetryErrors, cured).to_string(), "f..c");
        assert_eq!(
            verified.after(PassKind::Full, PassResult::of(Status::Migrating, &PassProgress::default())),
            verified
        );
    }

    #[test]
    fn what_is_kept_is_read_back_and_nothing_else_is() {
        for text in ["....", "clsf", "f..l"] {
            assert_eq!(text.parse::<LastResults>().unwrap().to_string(), text);
        }
        for text in ["", "...", ".....", "x...", "cccé"] {
            assert_eq!(text.parse::<LastResults>(), Err(NotResults), "{text}");
        }
    }
}
