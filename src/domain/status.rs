//! Statuses of an item and the one function that changes them.
//!
//! What a person may do with an item is in [`super::action`]. Both refuse with a [`Refusal`]: nothing changes then.

use serde::{Deserialize, Serialize};

pub use super::wait::{HoldReason, Wait};

/// An item's status: that of its latest pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// No pass yet.
    NotSubmitted,
    /// Waits for a free worker.
    Submitted,
    /// Waits for its time.
    Scheduled,
    /// Waits for a word of the consultant: held, with a reason.
    Held,
    /// A worker has it and loads what earlier passes left.
    Queued,
    /// Credentials were asked for and have not come.
    WaitingForUser,
    /// Running.
    Migrating,
    /// Ends the operation in hand.
    Stopping,
    /// Confirmed.
    Stopped,
    /// Terminated by an error.
    Failed,
    /// Ended below the error limit.
    Completed,
}

/// What happens to an item.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// A person starts a pass.
    Start(Wait),
    /// A worker takes it.
    Take,
    /// The worker has loaded what earlier passes left.
    Loaded,
    /// The process ended while a worker had it (crash, power loss), or the worker gave it back.
    Interrupted(Wait),
    /// A person stops it.
    Stop,
    /// The worker ended the operation in hand.
    StopConfirmed,
    /// An error ended the pass.
    Fatal,
    /// The pass came to its end.
    Finish,
    /// The last missing credential came and was accepted.
    CredentialsCame(Wait),
    /// The credentials that came were refused (R44).
    CredentialsRefused,
    /// Its time came.
    TimeCame(Wait),
    /// It is held from now on.
    Hold(HoldReason),
    /// The hold ended.
    Resume(Wait),
}

impl Event {
    /// Why an item is held after this event, if it is held then.
    pub fn hold(self) -> Option<HoldReason> {
        match self {
            Self::Hold(hold) => Some(hold),
            Self::Start(wait) | Self::Interrupted(wait) => wait.hold(),
            Self::CredentialsCame(wait) | Self::TimeCame(wait) | Self::Resume(wait) => wait.hold(),
            Self::Take | Self::Loaded | Self::Stop | Self::StopConfirmed => None,
            Self::Fatal | Self::Finish | Self::CredentialsRefused => None,
        }
    }
}

/// Why something is refused: one sentence with the reason, one with the way out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, thiserror::Error)]
#[serde(rename_all = "snake_case")]
pub enum Refusal {
    /// Not Submitted, Stopped, Failed or Completed: there is nothing to stop.
    #[error("nothing of this item is running; use Start to run a pass")]
    NotRunning,
    /// Submitted, Scheduled or Held already.
    #[error("the item is submitted already; it starts when its turn comes, or can be stopped while scheduled or held")]
    AlreadySubmitted,
    /// R5.
    #[error("submitted items cannot be stopped: they start when a place is free; stop them once they are Migrating")]
    SubmittedCannotBeStopped,
    /// Submitted: not before the pass has ended.
    #[error("the item is submitted; wait for the end of its pass, or stop it once it is Migrating")]
    SubmittedFirst,
    /// Scheduled or held.
    #[error("the item waits for its start; stop it first")]
    ScheduledFirst,
    /// R8 and everything else while Queued.
    #[error("the item is queued: a worker is loading what earlier passes left; wait until it is Migrating")]
    Queued,
    /// R12, R13.
    #[error("the item waits for credentials from its owner; stop it first")]
    WaitingForUser,
    /// Migrating.
    #[error("the item is migrating; stop it first, or wait for the end of its pass")]
    Migrating,
    /// Stopping.
    #[error("the item is stopping; wait until it is Stopped")]
    Stopping,
    /// Retry Errors without a completed pass with errors.
    #[error("no errors to retry: the last pass did not complete; start a Full pass, it copies what is missing")]
    NotCompleted,
    /// Retry Errors after a completed pass without errors.
    #[error("no errors to retry: the last pass completed without any; start a Full pass to copy what is new")]
    NoErrors,
    /// A step of the engine that does not fit the status.
    #[error("this step does not fit the item's status; open the item to see where it stands")]
    OutOfTurn,
}

impl Status {
    /// The status of a submission that waits for this.
    pub fn of_submission(wait: Wait) -> Self {
        match wait {
            Wait::None => Self::Submitted,
            Wait::Until(_) => Self::Scheduled,
            Wait::Word(_) => Self::Held,
            Wait::Credentials => Self::WaitingForUser,
        }
    }

    /// Every status, in the order of the table.
    pub const ALL: [Self; 11] = [
        Self::NotSubmitted,
        Self::Submitted,
        Self::Scheduled,
        Self::Held,
        Self::Queued,
        Self::WaitingForUser,
        Self::Migrating,
        Self::Stopping,
        Self::Stopped,
        Self::Failed,
        Self::Completed,
    ];

    /// Its place in [`Status::ALL`]: how a column of statuses is sorted.
    pub fn ordinal(self) -> u8 {
        self as u8
    }

    /// The word for people, without what [`display`](super::status_words::display) adds. Scheduled and held items are
    /// Submitted.
    pub fn word(self) -> &'static str {
        match self {
            Self::NotSubmitted => "Not Submitted",
            Self::Submitted | Self::Scheduled | Self::Held => "Submitted",
            Self::Queued => "Queued",
            Self::WaitingForUser => "Waiting for User",
            Self::Migrating => "Migrating",
            Self::Stopping => "Stopping",
            Self::Stopped => "Stopped",
            Self::Failed => "Failed",
            Self::Completed => "Completed",
        }
    }

    /// Whether a worker has it.
    pub fn is_active(self) -> bool {
        match self {
            Self::Queued | Self::Migrating | Self::Stopping => true,
            Self::NotSubmitted | Self::Submitted | Self::Scheduled | Self::Held => false,
            Self::WaitingForUser | Self::Stopped | Self::Failed | Self::Completed => false,
        }
    }

    /// Whether no pass is under way or waiting.
    pub fn is_at_rest(self) -> bool {
        match self {
            Self::NotSubmitted | Self::Stopped | Self::Failed | Self::Completed => true,
            Self::Submitted | Self::Scheduled | Self::Held | Self::WaitingForUser => false,
            Self::Queued | Self::Migrating | Self::Stopping => false,
        }
    }

    /// The status after an event.
    ///
    /// # Errors
    /// The event is refused; the status stays.
    pub fn after(self, event: Event) -> Result<Self, Refusal> {
        match event {
            Event::Start(wait) => match self {
                Self::NotSubmitted | Self::Stopped | Self::Failed | Self::Completed => Ok(Self::of_submission(wait)),
                Self::Submitted | Self::Scheduled | Self::Held => Err(Refusal::AlreadySubmitted),
                Self::Queued => Err(Refusal::Queued),
                Self::WaitingForUser => Err(Refusal::WaitingForUser),
                Self::Migrating => Err(Refusal::Migrating),
                Self::Stopping => Err(Refusal::Stopping),
            },
            Event::Stop => match self {
                Self::NotSubmitted | Self::Stopped | Self::Failed | Self::Completed => Err(Refusal::NotRunning),
                Self::Submitted => Err(Refusal::SubmittedCannotBeStopped),
                Self::Scheduled | Self::Held | Self::WaitingForUser => Ok(Self::Stopped),
                Self::Queued => Err(Refusal::Queued),
                Self::Migrating => Ok(Self::Stopping),
                Self::Stopping => Err(Refusal::Stopping),
            },
            Event::Take => self.only(Self::Submitted, Self::Queued),
            Event::Loaded => self.only(Self::Queued, Self::Migrating),
            Event::StopConfirmed => self.only(Self::Stopping, Self::Stopped),
            Event::Interrupted(wait) => match self {
                Self::Queued | Self::Migrating => Ok(Self::of_submission(wait)),
                Self::Stopping => Ok(Self::Stopped),
                Self::NotSubmitted | Self::Submitted | Self::Scheduled | Self::Held => Err(Refusal::OutOfTurn),
                Self::WaitingForUser | Self::Stopped | Self::Failed | Self::Completed => Err(Refusal::OutOfTurn),
            },
            Event::Fatal => match self {
                Self::Queued | Self::Migrating => Ok(Self::Failed),
                Self::Stopping => Ok(Self::Stopped),
                Self::NotSubmitted | Self::Submitted | Self::Scheduled | Self::Held => Err(Refusal::OutOfTurn),
                Self::WaitingForUser | Self::Stopped | Self::Failed | Self::Completed => Err(Refusal::OutOfTurn),
            },
            Event::Finish => match self {
                Self::Migrating => Ok(Self::Completed),
                Self::Stopping => Ok(Self::Stopped),
                Self::NotSubmitted | Self::Submitted | Self::Scheduled | Self::Held => Err(Refusal::OutOfTurn),
                Self::Queued | Self::WaitingForUser => Err(Refusal::OutOfTurn),
                Self::Stopped | Self::Failed | Self::Completed => Err(Refusal::OutOfTurn),
            },
            Event::CredentialsCame(wait) => self.only(Self::WaitingForUser, Self::of_submission(wait)),
            Event::CredentialsRefused => self.only(Self::WaitingForUser, Self::Failed),
            Event::TimeCame(wait) => self.only(Self::Scheduled, Self::of_submission(wait)),
            Event::Hold(_) => self.only(Self::Submitted, Self::Held),
            Event::Resume(wait) => self.only(Self::Held, Self::of_submission(wait)),
        }
    }

    /// The status after one word takes back all that waits, where no process works on anything: held for an instant, because
    /// what is only submitted cannot be stopped (R5), then stopped. None where nothing waits.
    pub fn withdrawn(self) -> Option<Self> {
        let held = self.after(Event::Hold(HoldReason::Switch)).unwrap_or(self);
        held.after(Event::Stop).ok().filter(|stopped| stopped.is_at_rest())
    }

    fn only(self, from: Self, to: Self) -> Result<Self, Refusal> {
        if self == from { Ok(to) } else { Err(Refusal::OutOfTurn) }
    }
}

#[cfg(test)]
mod tests {
    use Status::*;

    use super::*;
    use crate::domain::time::Timestamp;

    const START: Event = Event::Start(Wait::None);
    const SWITCH: HoldReason = HoldReason::Switch;
    const AT: Timestamp = Timestamp::from_millis(9);

    /// Every (status, event): the letter is the status after it, `-` a refusal. Columns follow [`Status::ALL`].
    #[test]
    fn every_status_meets_every_event() {
        //   N: Not Submitted, S: Submitted, T: Scheduled (time), H: Held, Q: Queued, W: Waiting for User, M: Migrating,
        //   g: Stopping, D: Stopped (done), F: Failed, C: Completed
        let table: [(Event, &str); 21] = [
            //                                            NSTHQWMgDFC
            (Event::Start(Wait::None), /*              */ "S-------SSS"),
            (Event::Start(Wait::Until(AT)), /*         */ "T-------TTT"),
            (Event::Start(Wait::Word(SWITCH)), /*      */ "H-------HHH"),
            (Event::Start(Wait::Credentials), /*       */ "W-------WWW"),
            (Event::Take, /*                           */ "-Q---------"),
            (Event::Loaded, /*                         */ "----M------"),
            (Event::Interrupted(Wait::None), /*        */ "----S-SD---"),
            (Event::Interrupted(Wait::Word(SWITCH)), /**/ "----H-HD---"),
            (Event::Stop, /*                           */ "--DD-Dg----"),
            (Event::StopConfirmed, /*                  */ "-------D---"),
            (Event::Fatal, /*                          */ "----F-FD---"),
            (Event::Finish, /*                         */ "------CD---"),
            (Event::CredentialsCame(Wait::None), /*    */ "-----S-----"),
            (Event::CredentialsCame(Wait::Until(AT)), /**/ "-----T-----"),
            (Event::CredentialsCame(Wait::Word(SWITCH)), /**/ "-----H-----"),
            (Event::CredentialsRefused, /*             */ "-----F-----"),
            (Event::TimeCame(Wait::None), /*           */ "--S--------"),
            (Event::TimeCame(Wait::Word(SWITCH)), /*   */ "--H--------"),
            (Event::Hold(SWITCH), /*                   */ "-H---------"),
            (Event::Resume(Wait::None), /*             */ "---S-------"),
            (Event::Resume(Wait::Until(AT)), /*        */ "---T-------"),
        ];
        let letters = "NSTHQWMgDFC";
        for (event, row) in table {
            for (status, expected) in Status::ALL.into_iter().zip(row.chars()) {
                let after = status.after(event).map_or('-', |s| letters.chars().nth(s.ordinal().into()).unwrap());
                assert_eq!(after, expected, "{status:?} and {event:?}");
            }
        }
        let switch = Some(HoldReason::Switch);
        assert_eq!(Wait::first(true, switch, Some(AT)), Wait::Credentials);
        assert_eq!(Wait::first(false, switch, Some(AT)), Wait::Until(AT), "it is held when its time comes");
        assert_eq!(Wait::first(false, switch, None), Wait::Word(HoldReason::Switch));
        assert_eq!(Wait::first(false, None, None), Wait::None);
    }

    #[test]
    fn what_waits_can_be_taken_back_and_nothing_else() {
        let back: Vec<Status> = Status::ALL.into_iter().filter(|status| status.withdrawn().is_some()).collect();
        assert_eq!(back, [Submitted, Scheduled, Held, WaitingForUser]);
        assert!(back.into_iter().all(|status| status.withdrawn() == Some(Stopped)));
    }

    #[test]
    fn r01_an_item_without_a_pass_reads_not_submitted() {
        assert_eq!(NotSubmitted.word(), "Not Submitted");
        assert!(NotSubmitted.is_at_rest() && !NotSubmitted.is_active());
    }

    #[test]
    fn r02_start_puts_an_item_into_submitted_until_a_worker_takes_it() {
        assert_eq!(NotSubmitted.after(START), Ok(Submitted));
        assert_eq!(Submitted.after(Event::Take), Ok(Queued));
    }

    #[test]
    fn r04_a_scheduled_submission_can_be_stopped_and_scheduled_again() {
        assert_eq!(Scheduled.after(Event::Stop), Ok(Stopped));
        assert_eq!(Held.after(Event::Stop), Ok(Stopped));
        let again = Event::Start(Wait::Until(AT));
        assert_eq!(Stopped.after(again), Ok(Scheduled));
    }

    #[test]
    fn r05_an_unscheduled_submission_cannot_be_stopped() {
        let refusal = Submitted.after(Event::Stop).unwrap_err();
        assert_eq!(refusal, Refusal::SubmittedCannotBeStopped);
        assert!(refusal.to_string().ends_with("stop them once they are Migrating"));
    }

    #[test]
    fn r07_r08_queued_loads_and_cannot_be_stopped() {
        assert_eq!(Queued.after(Event::Stop), Err(Refusal::Queued));
        assert_eq!(Queued.after(Event::Loaded), Ok(Migrating));
    }

    #[test]
    fn r11_r14_waiting_for_user_lasts_until_credentials_come_or_it_is_stopped() {
        let start = Event::Start(Wait::first(true, None, Some(AT)));
        assert_eq!(Failed.after(start), Ok(WaitingForUser));
        assert_eq!(WaitingForUser.after(Event::CredentialsCame(Wait::Until(AT))), Ok(Scheduled));
        assert_eq!(WaitingForUser.after(Event::Stop), Ok(Stopped));
        assert_eq!(WaitingForUser.after(START), Err(Refusal::WaitingForUser));
    }

    #[test]
    fn r20_r21_migrating_can_be_stopped_and_ends_stopped() {
        assert_eq!(Migrating.after(Event::Stop), Ok(Stopping));
        for end in [Event::StopConfirmed, Event::Finish, Event::Fatal, Event::Interrupted(Wait::None)] {
            assert_eq!(Stopping.after(end), Ok(Stopped), "{end:?}");
        }
    }

    #[test]
    fn r24_a_stopped_item_can_start_again() {
        assert_eq!(Stopped.after(START), Ok(Submitted));
    }

    #[test]
    fn r25_a_fatal_error_sets_failed() {
        assert_eq!(Migrating.after(Event::Fatal), Ok(Failed));
    }

    #[test]
    fn r44_invalid_credentials_set_failed() {
        assert_eq!(WaitingForUser.after(Event::CredentialsRefused), Ok(Failed));
    }

    #[test]
    fn all_is_in_order() {
        assert!(Status::ALL.iter().enumerate().all(|(i, s)| usize::from(s.ordinal()) == i));
    }
}
