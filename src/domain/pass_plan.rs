//! What a pass does with a mailbox, decided once from its kind and parameters (D31). Whoever works on the pass asks the plan; nobody
//! asks the kind.

use serde::{Deserialize, Serialize};

use super::ids::PassId;
use super::item_error::ErrorCause;
use super::pass::PassKind;
use super::time::Timestamp;

/// Messages of one folder that a Trial pass brings, those of earlier passes included.
pub const TRIAL_MESSAGES: u64 = 10;
/// Bytes of all messages that a Trial pass brings.
pub const TRIAL_BYTES: u64 = 5 * 1024 * 1024;

/// What a pass writes at the destination.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Writes {
    /// Nothing: both sides are reached, logged in to and listed.
    Nothing,
    /// Folders, messages and flags.
    Mail,
}

/// Which messages it is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Select {
    /// All that the options leave.
    All,
    /// Of those, the ones older than this.
    Before(Timestamp),
    /// Those that an earlier pass of the item could not move.
    FailedOf(PassId),
    /// Of those, the ones that it could not move for this cause; the others stay errors.
    FailedFor(PassId, ErrorCause),
}

impl Select {
    /// The pass whose errors are tried again, and which of them if not all.
    pub fn failed_of(self) -> Option<(PassId, Option<ErrorCause>)> {
        match self {
            Self::FailedOf(pass) => Some((pass, None)),
            Self::FailedFor(pass, only) => Some((pass, Some(only))),
            Self::All | Self::Before(_) => None,
        }
    }
}

/// What it leaves behind about a folder in which nothing is left to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Marks {
    /// The next pass need not look into it while nothing changed (D11).
    Done,
    /// Nothing: others of its messages are not there yet.
    Nothing,
}

/// What a pass does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PassPlan {
    /// What it writes.
    pub writes: Writes,
    /// Which messages.
    pub select: Select,
    /// Messages of one folder that are at the destination when it ends, at most.
    pub per_folder: Option<u64>,
    /// Bytes of all messages it brings, at most.
    pub bytes: Option<u64>,
    /// What it says of folders.
    pub marks: Marks,
}

/// What a kind of pass needs to know beside its kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Parameters {
    /// The border of a Pre-Stage pass.
    pub before: Option<Timestamp>,
    /// The pass whose errors are tried again.
    pub failed_of: Option<PassId>,
    /// Which of them, if not all.
    pub only: Option<ErrorCause>,
}

/// Why no plan can be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(rename_all = "snake_case")]
pub enum PlanError {
    /// A Pre-Stage pass without its border.
    #[error("a Pre-Stage pass needs a date: only messages older than that are copied")]
    NoBorder,
    /// Errors to be tried again, and no pass that has any.
    #[error("there is no earlier pass whose errors could be tried again")]
    NoErrors,
}

impl PassPlan {
    /// The plan of a Full pass.
    pub const FULL: Self =
        Self { writes: Writes::Mail, select: Select::All, per_folder: None, bytes: None, marks: Marks::Done };

    /// The plan of this kind of pass.
    ///
    /// # Errors
    /// A parameter is missing.
    pub fn new(kind: PassKind, parameters: Parameters) -> Result<Self, PlanError> {
        let full = Self::FULL;
        let part = Self { marks: Marks::Nothing, ..full };
        Ok(match kind {
            PassKind::Full => full,
            PassKind::Verify => Self { writes: Writes::Nothing, ..part },
            PassKind::Trial => Self { per_folder: Some(TRIAL_MESSAGES), bytes: Some(TRIAL_BYTES), ..part },
            PassKind::PreStage => {
                Self { select: Select::Before(parameters.before.ok_or(PlanError::NoBorder)?), ..part }
            }
            PassKind::RetryErrors => {
                let failed_of = parameters.failed_of.ok_or(PlanError::NoErrors)?;
                let one = |only| Select::FailedFor(failed_of, only);
                Self { select: parameters.only.map_or(Select::FailedOf(failed_of), one), ..part }
            }
        })
    }

    /// The border below which messages are brought, if it is one of time.
    pub fn before(&self) -> Option<Timestamp> {
        match self.select {
            Select::Before(border) => Some(border),
            Select::All | Select::FailedOf(_) | Select::FailedFor(..) => None,
        }
    }

    /// Whether it leaves messages out by itself, so that every folder must be listed.
    pub fn leaves_out(&self) -> bool {
        self.select != Select::All || self.per_folder.is_some() || self.bytes.is_some()
    }

    /// How many of new messages of these sizes (in order) it brings of a folder that has so many at the destination already;
    /// `left` is what is left of the bytes, and is lessened.
    pub fn fits(&self, known: u64, sizes: impl IntoIterator<Item = u64>, left: &mut Option<u64>) -> usize {
        let room = self.per_folder.map_or(u64::MAX, |most| most.saturating_sub(known));
        let mut count = 0;
        for size in sizes {
            if count as u64 >= room || left.is_some_and(|left| size > left) {
                break;
            }
            *left = left.map(|left| left - size);
            count += 1;
        }
        count
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn d31_each_kind_has_its_plan() {
        let none = Parameters::default();
        let plan = |kind| PassPlan::new(kind, none);
        let full = plan(PassKind::Full).unwrap();
        assert_eq!((full.writes, full.select, full.marks), (Writes::Mail, Select::All, Marks::Done));
        assert!(!full.leaves_out());
        assert_eq!(plan(PassKind::Verify).unwrap().writes, Writes::Nothing);
        let trial = plan(PassKind::Trial).unwrap();
        assert_eq!((trial.per_folder, trial.bytes, trial.marks), (Some(10), Some(5 << 20), Marks::Nothing));
        assert_eq!(plan(PassKind::PreStage), Err(PlanError::NoBorder));
        assert_eq!(plan(PassKind::RetryErrors), Err(PlanError::NoErrors));
        let border = Timestamp::from_millis(7);
        let staged = PassPlan::new(PassKind::PreStage, Parameters { before: Some(border), ..none }).unwrap();
        assert_eq!((staged.before(), staged.marks, staged.leaves_out()), (Some(border), Marks::Nothing, true));
        let again = PassPlan::new(PassKind::RetryErrors, Parameters { failed_of: Some(PassId(3)), ..none }).unwrap();
        assert_eq!((again.select, again.marks), (Select::FailedOf(PassId(3)), Marks::Nothing));
    }

    #[test]
    fn a_trial_brings_no_more_than_its_limits() {
        let trial = PassPlan::new(PassKind::Trial, Parameters::default()).unwrap();
        let mut left = trial.bytes;
        assert_eq!(trial.fits(0, [1; 30], &mut left), 10, "messages of one folder");
        assert_eq!(trial.fits(8, [1; 30], &mut left), 2, "with those that are there");
        assert_eq!(trial.fits(12, [1; 30], &mut left), 0);
        assert_eq!(left, Some(TRIAL_BYTES - 12));
        assert_eq!(trial.fits(0, [TRIAL_BYTES - 13, 1, 1], &mut left), 2, "bytes of all folders");
        assert_eq!((trial.fits(0, [1], &mut left), left), (0, Some(0)));
        let full = PassPlan::new(PassKind::Full, Parameters::default()).unwrap();
        assert_eq!((full.fits(99, [u64::MAX; 3], &mut None), full.bytes), (3, None));
    }
}
