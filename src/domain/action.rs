//! What a person may do with an item in which status (R4, R5, R8, R12, R13, R20, R24): one function, one table test.

use super::status::{Refusal, Status};

/// Something a person does with an item.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Action {
    /// Start a pass.
    Start,
    /// Run the failed messages of the last pass again.
    RetryErrors,
    /// Stop.
    Stop,
    /// Change the item. While Submitted it counts when a worker takes it; while Migrating from the next pass on.
    Edit,
    /// Set or remove the star.
    Star,
    /// Delete the item.
    Delete,
    /// Drop Mailferry's records of the item, not its mail.
    Reset,
    /// Clear stored credentials and open requests.
    ClearCredentials,
}

impl Action {
    /// Every action, in the order of the table.
    pub const ALL: [Self; 8] = [
        Self::Start,
        Self::RetryErrors,
        Self::Stop,
        Self::Edit,
        Self::Star,
        Self::Delete,
        Self::Reset,
        Self::ClearCredentials,
    ];

    /// Whether the action is allowed. `errors` is the number of item errors of the latest pass.
    ///
    /// # Errors
    /// Why not, and the way out.
    pub fn check(self, status: Status, errors: u64) -> Result<(), Refusal> {
        match self {
            Self::Star => Ok(()),
            Self::Start | Self::Delete | Self::Reset | Self::ClearCredentials => match status {
                Status::NotSubmitted | Status::Stopped | Status::Failed | Status::Completed => Ok(()),
                Status::Submitted if self == Self::Start => Err(Refusal::AlreadySubmitted),
                Status::Scheduled | Status::Held if self == Self::Start => Err(Refusal::AlreadySubmitted),
                Status::Submitted => Err(Refusal::SubmittedFirst),
                Status::Scheduled | Status::Held => Err(Refusal::ScheduledFirst),
                Status::Queued => Err(Refusal::Queued),
                Status::WaitingForUser => Err(Refusal::WaitingForUser),
                Status::Migrating => Err(Refusal::Migrating),
                Status::Stopping => Err(Refusal::Stopping),
            },
            Self::RetryErrors => match status {
                Status::Completed if errors > 0 => Ok(()),
                Status::Completed => Err(Refusal::NoErrors),
                Status::NotSubmitted | Status::Stopped | Status::Failed => Err(Refusal::NotCompleted),
                Status::Submitted | Status::Scheduled | Status::Held => Err(Refusal::AlreadySubmitted),
                Status::Queued => Err(Refusal::Queued),
                Status::WaitingForUser => Err(Refusal::WaitingForUser),
                Status::Migrating => Err(Refusal::Migrating),
                Status::Stopping => Err(Refusal::Stopping),
            },
            Self::Stop => status.after(super::status::Event::Stop).map(|_| ()),
            Self::Edit => match status {
                Status::NotSubmitted | Status::Submitted | Status::Scheduled | Status::Held => Ok(()),
                Status::Migrating | Status::Stopped | Status::Failed | Status::Completed => Ok(()),
                Status::Queued => Err(Refusal::Queued),
                Status::WaitingForUser => Err(Refusal::WaitingForUser),
                Status::Stopping => Err(Refusal::Stopping),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Columns: Start, Retry errors, Stop, Edit, Star, Delete, Reset, Clear credentials; without item errors.
    #[test]
    fn every_action_meets_every_status() {
        let table = [
            (Status::NotSubmitted, "x--xxxxx"),
            (Status::Submitted, "---xx---"),
            (Status::Scheduled, "--xxx---"),
            (Status::Held, "--xxx---"),
            (Status::Queued, "----x---"),
            (Status::WaitingForUser, "--x-x---"),
            (Status::Migrating, "--xxx---"),
            (Status::Stopping, "----x---"),
            (Status::Stopped, "x--xxxxx"),
            (Status::Failed, "x--xxxxx"),
            (Status::Completed, "x--xxxxx"),
        ];
        assert_eq!(table.map(|(status, _)| status), Status::ALL);
        for (status, row) in table {
            for (action, expected) in Action::ALL.into_iter().zip(row.chars()) {
                let allowed = action.check(status, 0);
                assert_eq!(allowed.is_ok(), expected == 'x', "{action:?} while {status:?}: {allowed:?}");
                let with_errors = action.check(status, 1).is_ok();
                let retry = action == Action::RetryErrors && status == Status::Completed;
                assert_eq!(with_errors, allowed.is_ok() || retry, "{action:?} while {status:?} with errors");
            }
        }
    }

    #[test]
    fn r05_stopping_a_submission_warns_and_changes_nothing() {
        assert_eq!(Action::Stop.check(Status::Submitted, 0), Err(Refusal::SubmittedCannotBeStopped));
    }

    #[test]
    fn r12_r13_waiting_for_user_is_not_deleted_reset_or_changed() {
        for action in [Action::Delete, Action::Reset, Action::Edit, Action::ClearCredentials] {
            let refusal = action.check(Status::WaitingForUser, 0).unwrap_err();
            assert!(refusal.to_string().contains("stop it first"), "{refusal}");
        }
    }

    #[test]
    fn r24_stopped_items_can_be_changed() {
        assert!(Action::Edit.check(Status::Stopped, 0).is_ok() && Action::Start.check(Status::Stopped, 0).is_ok());
    }

    #[test]
    fn r46_failed_leads_through_clear_credentials_to_start() {
        assert!(
            Action::ClearCredentials.check(Status::Failed, 0).is_ok() && Action::Start.check(Status::Failed, 0).is_ok()
        );
    }

    #[test]
    fn refusals_give_reason_and_way_out() {
        for status in Status::ALL {
            for action in Action::ALL {
                if let Err(refusal) = action.check(status, 0) {
                    assert_ne!(refusal, Refusal::OutOfTurn);
                    assert!(refusal.to_string().contains([';', ':']), "{refusal}");
                }
            }
        }
    }
}
