//! Where a move stands, what moves it on, and what may be done with it: one function, one table. A batch stands where its
//! users stand.

use serde::{Deserialize, Serialize};

/// Where the move of a user stands, or that of a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MoveStatus {
    /// Nothing was ordered; users may be moved in.
    NotSubmitted,
    /// The service copies up to 95 %.
    Syncing,
    /// 95 % are there; changes go on being copied.
    PendingFinalization,
    /// The rest is copied, then the attributes are set.
    Finalizing,
    /// Switched: the user works in Exchange Online.
    Completed,
    /// Terminated, with a reason.
    Failed,
}

/// What the service's word for a state means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// It is copying up to 95 %.
    Syncing,
    /// 95 % are there.
    Synced,
    /// It copies the rest.
    Completing,
    /// It has switched the user.
    Completed,
    /// It gave up.
    Failed,
    /// Somebody has halted it, or it is being removed.
    Halted,
    /// It is in none of the service's answers any more.
    Gone,
    /// A word never seen before: nothing is assumed.
    Unknown,
}

/// What happens to a move.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MoveEvent {
    /// A person starts its batch, for the first time or after a failure.
    Submit,
    /// A person has it finalized now.
    Finalize,
    /// The service refused to.
    FinalizeRefused,
    /// The service told.
    Seen(Phase),
    /// Its attributes are set.
    Settled,
    /// Something that must be done was refused.
    Broken,
    /// It was taken out of its batch, and nothing of it is left at the service.
    MovedOut,
}

/// What a person may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum MoveAction {
    /// Put a user into a batch that stands so.
    MoveIn,
    /// Take a user who stands so out of its batch.
    MoveOut,
    /// Start.
    Start,
    /// Finalize, now or at a time.
    Finalize,
    /// Approve the items that were left out.
    Approve,
}

/// Why something is refused: one sentence with the reason, one with the way out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, thiserror::Error)]
#[serde(rename_all = "snake_case")]
pub enum MoveRefusal {
    /// R29.
    #[error("the batch was submitted, and nobody joins it after that; make another batch")]
    Submitted,
    /// Start of what runs.
    #[error("it is submitted already; the service syncs it by itself")]
    AlreadySubmitted,
    /// Of what was never started.
    #[error("it is not submitted; start its batch first")]
    NotSubmitted,
    /// Finalize too early.
    #[error("it has not reached 95 %; wait until it is Pending Finalization")]
    NotSynced,
    /// Too late.
    #[error("finalization has begun, and it is one move; wait for its end")]
    Finalizing,
    /// Too late.
    #[error("it is Completed: the user works in Exchange Online; to go back is a move of its own")]
    Completed,
    /// Of what failed.
    #[error("it failed; see its reason and start its batch again")]
    Failed,
    /// Move in of one who is elsewhere.
    #[error("it is in a batch that was submitted; move it out first")]
    InSubmittedBatch,
    /// Of one who is in none.
    #[error("it is in no batch; put it into one first")]
    Unbatched,
    /// Start of what is empty.
    #[error("it has no users; move some in first")]
    Empty,
    /// Something is on its way.
    #[error("an order for it is on its way; wait until it is done")]
    OrderOpen,
    /// A step that does not fit.
    #[error("this step does not fit where the move stands")]
    OutOfTurn,
}

impl MoveStatus {
    /// Every status, in the order of the table.
    pub const ALL: [Self; 6] =
        [Self::NotSubmitted, Self::Syncing, Self::PendingFinalization, Self::Finalizing, Self::Completed, Self::Failed];

    /// For people.
    pub fn word(self) -> &'static str {
        match self {
            Self::NotSubmitted => "Not Submitted",
            Self::Syncing => "Syncing",
            Self::PendingFinalization => "Pending Finalization",
            Self::Finalizing => "Finalizing",
            Self::Completed => "Completed",
            Self::Failed => "Failed",
        }
    }

    /// What it means, for people.
    pub fn meaning(self) -> &'static str {
        match self {
            Self::NotSubmitted => "not submitted for syncing; users can be moved in",
            Self::Syncing => "syncs up to 95 %, then the Microsoft license is assigned; nobody can be moved in",
            Self::PendingFinalization => "95 % are synced, and changes go on being synced until finalization starts",
            Self::Finalizing => "syncs the rest, then sets the mailbox attributes",
            Self::Completed => "switched: settings are applied, the user works in Exchange Online",
            Self::Failed => "syncing or finalization was terminated",
        }
    }

    /// Whether the service is to be asked about it.
    pub fn is_watched(self) -> bool {
        match self {
            Self::Syncing | Self::PendingFinalization | Self::Finalizing | Self::Failed => true,
            Self::NotSubmitted | Self::Completed => false,
        }
    }

    /// The status after an event.
    ///
    /// # Errors
    /// The event is refused; the status stays.
    pub fn after(self, event: MoveEvent) -> Result<Self, MoveRefusal> {
        match event {
            MoveEvent::Submit => self.allows(MoveAction::Start).map(|()| Self::Syncing),
            MoveEvent::Finalize => self.allows(MoveAction::Finalize).map(|()| Self::Finalizing),
            MoveEvent::FinalizeRefused => self.only(Self::Finalizing, Self::PendingFinalization),
            MoveEvent::Seen(_) if self == Self::NotSubmitted => Err(MoveRefusal::OutOfTurn),
            MoveEvent::Seen(phase) => Ok(self.seen(phase)),
            MoveEvent::Settled => self.only(Self::Finalizing, Self::Completed),
            MoveEvent::MovedOut => self.allows(MoveAction::MoveOut).map(|()| Self::NotSubmitted),
            MoveEvent::Broken => match self {
                Self::Syncing | Self::PendingFinalization | Self::Finalizing => Ok(Self::Failed),
                Self::NotSubmitted | Self::Completed | Self::Failed => Err(MoveRefusal::OutOfTurn),
            },
        }
    }

    /// What is told late never takes a move back, and what has ended stays so. A user that was switched has its attributes
    /// yet to come.
    fn seen(self, phase: Phase) -> Self {
        match (self, phase) {
            (Self::NotSubmitted | Self::Completed, _) | (_, Phase::Halted | Phase::Unknown) => self,
            (_, Phase::Failed | Phase::Gone) => Self::Failed,
            (_, Phase::Completing | Phase::Completed) => Self::Finalizing,
            (Self::Failed, Phase::Syncing) => Self::Syncing,
            (_, Phase::Syncing) => self,
            (Self::Finalizing, Phase::Synced) => self,
            (_, Phase::Synced) => Self::PendingFinalization,
        }
    }

    fn only(self, from: Self, to: Self) -> Result<Self, MoveRefusal> {
        if self == from { Ok(to) } else { Err(MoveRefusal::OutOfTurn) }
    }

    /// Whether a person may do this with what stands so.
    ///
    /// # Errors
    /// Why not, and the way out.
    pub fn allows(self, action: MoveAction) -> Result<(), MoveRefusal> {
        match (action, self) {
            (MoveAction::MoveIn, Self::NotSubmitted) => Ok(()),
            (MoveAction::MoveIn, _) => Err(MoveRefusal::Submitted),
            (MoveAction::Start, Self::NotSubmitted | Self::Failed) => Ok(()),
            (MoveAction::Start, Self::Completed) => Err(MoveRefusal::Completed),
            (MoveAction::Start, _) => Err(MoveRefusal::AlreadySubmitted),
            (MoveAction::MoveOut, Self::NotSubmitted | Self::Syncing | Self::PendingFinalization | Self::Failed)
            | (MoveAction::Finalize, Self::PendingFinalization)
            | (MoveAction::Approve, Self::Syncing | Self::PendingFinalization | Self::Finalizing | Self::Failed) => {
                Ok(())
            }
            (_, Self::Finalizing) => Err(MoveRefusal::Finalizing),
            (_, Self::Completed) => Err(MoveRefusal::Completed),
            (MoveAction::Finalize, Self::Syncing) => Err(MoveRefusal::NotSynced),
            (MoveAction::Finalize, Self::Failed) => Err(MoveRefusal::Failed),
            (_, _) => Err(MoveRefusal::NotSubmitted),
        }
    }

    /// Where a batch stands whose users stand so: what is not done yet comes first.
    pub fn of_batch(submitted: bool, users: impl Iterator<Item = Self>) -> Self {
        if !submitted {
            return Self::NotSubmitted;
        }
        let rank = |status: &Self| match status {
            Self::Syncing | Self::NotSubmitted => 4,
            Self::Finalizing => 3,
            Self::PendingFinalization => 2,
            Self::Failed => 1,
            Self::Completed => 0,
        };
        users.max_by_key(rank).unwrap_or(Self::Completed)
    }
}

#[cfg(test)]
mod tests {
    use MoveEvent::*;
    use MoveStatus::{Completed, Failed, Finalizing, NotSubmitted, PendingFinalization, Syncing};

    use super::*;

    /// Every (status, event): the letter is the status after it, `-` a refusal. Columns follow [`MoveStatus::ALL`]:
    /// Not Submitted, Syncing, Pending Finalization, finaliZing, Completed, Failed.
    #[test]
    fn every_status_meets_every_event() {
        let table: [(MoveEvent, &str); 14] = [
            (Submit, /*                  */ "S----S"),
            (Finalize, /*                */ "--Z---"),
            (FinalizeRefused, /*         */ "---P--"),
            (Seen(Phase::Syncing), /*    */ "-SPZCS"),
            (Seen(Phase::Synced), /*     */ "-PPZCP"),
            (Seen(Phase::Completing), /* */ "-ZZZCZ"),
            (Seen(Phase::Completed), /*  */ "-ZZZCZ"),
            (Seen(Phase::Failed), /*     */ "-FFFCF"),
            (Seen(Phase::Halted), /*     */ "-SPZCF"),
            (Seen(Phase::Gone), /*       */ "-FFFCF"),
            (Seen(Phase::Unknown), /*    */ "-SPZCF"),
            (Settled, /*                 */ "---C--"),
            (Broken, /*                  */ "-FFF--"),
            (MovedOut, /*                */ "NNN--N"),
        ];
        for (event, row) in table {
            for (status, expected) in MoveStatus::ALL.into_iter().zip(row.chars()) {
                let letter = |status: MoveStatus| match status {
                    NotSubmitted => 'N',
                    Syncing => 'S',
                    PendingFinalization => 'P',
                    Finalizing => 'Z',
                    Completed => 'C',
                    Failed => 'F',
                };
                assert_eq!(status.after(event).map_or('-', letter), expected, "{status:?} and {event:?}");
            }
        }
    }

    #[test]
    fn every_action_is_allowed_or_refused_with_a_reason() {
        let table = [
            (MoveAction::MoveIn, "+-----"),
            (MoveAction::MoveOut, "+++--+"),
            (MoveAction::Start, "+----+"),
            (MoveAction::Finalize, "--+---"),
            (MoveAction::Approve, "-+++-+"),
        ];
        for (action, row) in table {
            for (status, expected) in MoveStatus::ALL.into_iter().zip(row.chars()) {
                let allowed = status.allows(action);
                assert_eq!(if allowed.is_ok() { '+' } else { '-' }, expected, "{status:?} and {action:?}");
                if let Err(why) = allowed {
                    assert!(why.to_string().len() > 20, "{why}");
                }
            }
        }
    }

    #[test]
    fn r28_r29_users_join_a_batch_until_it_is_submitted() {
        assert_eq!(NotSubmitted.allows(MoveAction::MoveIn), Ok(()));
        for status in [Syncing, PendingFinalization, Finalizing, Completed, Failed] {
            assert_eq!(status.allows(MoveAction::MoveIn), Err(MoveRefusal::Submitted));
        }
    }

    #[test]
    fn r35_what_failed_goes_no_further_by_itself() {
        assert_eq!(Syncing.after(Seen(Phase::Failed)), Ok(Failed));
        assert_eq!(Finalizing.after(Broken), Ok(Failed));
        assert_eq!(Failed.after(Finalize), Err(MoveRefusal::Failed));
        assert_eq!(Failed.after(Submit), Ok(Syncing));
    }

    #[test]
    fn a_batch_stands_where_the_last_of_its_users_stands() {
        let of = |users: &[MoveStatus]| MoveStatus::of_batch(true, users.iter().copied());
        assert_eq!(MoveStatus::of_batch(false, [Syncing].into_iter()), NotSubmitted);
        assert_eq!(of(&[Completed, PendingFinalization, Failed, Syncing]), Syncing);
        assert_eq!(of(&[Completed, PendingFinalization, Failed, Finalizing]), Finalizing);
        assert_eq!(of(&[Completed, PendingFinalization, Failed]), PendingFinalization);
        assert_eq!(of(&[Completed, Failed]), Failed);
        assert_eq!(of(&[Completed, Completed]), Completed);
        assert_eq!(of(&[]), Completed);
    }
}
