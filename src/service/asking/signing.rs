//! Owners who sign in with their provider instead of giving a password: by a code that the form shows, or at a page that leads back to it. What is left of it is
//! kept in memory until all that was asked for is there.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::oneshot;

use crate::domain::failure::{Cause, Failure, Side};
use crate::domain::ids::CredentialRequestId;
use crate::domain::secret::Secret;
use crate::intake::form::{SignInStep, Verdict};

/// How long a form hears that a sign-in has ended its link meanwhile.
const REMEMBERED: Duration = Duration::from_secs(15 * 60);

enum Step {
    Begun,
    Code {
        page: String,
        code: String,
    },
    Page {
        page: String,
        state: String,
        back: oneshot::Sender<String>,
    },
    /// Somebody signed in; whether the mailbox opened with it.
    Done {
        left: Secret,
        opened: bool,
    },
    Failed,
}

/// When links were ended by a sign-in, and what it was worth.
type Ended = HashMap<CredentialRequestId, (Instant, Verdict)>;

/// How far sign-ins are.
#[derive(Clone, Default)]
pub(super) struct Signings {
    steps: Arc<Mutex<HashMap<(CredentialRequestId, Side), Step>>>,
    ended: Arc<Mutex<Ended>>,
}

impl Signings {
    /// Whether one is to begin: none is under way, or done.
    pub fn begin(&self, of: (CredentialRequestId, Side)) -> bool {
        let mut steps = self.steps.lock().unwrap_or_else(PoisonError::into_inner);
        match steps.get(&of) {
            Some(Step::Begun | Step::Code { .. } | Step::Page { .. } | Step::Done { .. }) => false,
            Some(Step::Failed) | None => {
                steps.insert(of, Step::Begun);
                true
            }
        }
    }

    fn put(&self, of: (CredentialRequestId, Side), step: Step) {
        self.steps.lock().unwrap_or_else(PoisonError::into_inner).insert(of, step);
    }

    /// A code is to be typed.
    pub fn code(&self, of: (CredentialRequestId, Side), page: &str, code: &str) {
        self.put(of, Step::Code { page: page.to_owned(), code: code.to_owned() });
    }

    /// Somebody is to sign in at a page, and come back with this state; `back` hears with what.
    pub fn page(&self, of: (CredentialRequestId, Side), page: &str, state: &str, back: oneshot::Sender<String>) {
        self.put(of, Step::Page { page: page.to_owned(), state: state.to_owned(), back });
    }

    /// A browser came back; whether one was waited for with this state. It counts once.
    pub fn came_back(&self, state: &str, query: &str) -> bool {
        let mut steps = self.steps.lock().unwrap_or_else(PoisonError::into_inner);
        let meant = |step: &Step| matches!(step, Step::Page { state: expected, .. } if expected == state);
        let Some(step) = steps.values_mut().find(|step| meant(step)) else { return false };
        match std::mem::replace(step, Step::Begun) {
            Step::Page { back, .. } => back.send(query.to_owned()).is_ok(),
            _ => false,
        }
    }

    /// Somebody signed in, or nobody did.
    pub fn over(&self, of: (CredentialRequestId, Side), left: Option<Secret>) {
        self.put(of, left.map_or(Step::Failed, |left| Step::Done { left, opened: false }));
    }

    /// How far it is, for its owner.
    pub fn step(&self, of: (CredentialRequestId, Side)) -> SignInStep {
        match self.steps.lock().unwrap_or_else(PoisonError::into_inner).get(&of) {
            None | Some(Step::Begun) => SignInStep::NotYet,
            Some(Step::Code { page, code }) => SignInStep::Code { page: page.clone(), code: code.clone() },
            Some(Step::Page { page, .. }) => SignInStep::Page(page.clone()),
            Some(Step::Done { .. }) => SignInStep::Done,
            Some(Step::Failed) => SignInStep::Failed,
        }
    }

    /// What is left of one with which the mailbox was not opened yet.
    pub fn untried(&self, of: (CredentialRequestId, Side)) -> Option<Secret> {
        self.left(of, false)
    }

    /// What is left of one with which the mailbox opened.
    pub fn right(&self, of: (CredentialRequestId, Side)) -> Option<Secret> {
        self.left(of, true)
    }

    fn left(&self, of: (CredentialRequestId, Side), wanted: bool) -> Option<Secret> {
        match self.steps.lock().unwrap_or_else(PoisonError::into_inner).get(&of) {
            Some(Step::Done { left, opened }) if *opened == wanted => Some(left.clone()),
            _ => None,
        }
    }

    /// The mailbox was tried with it, and this is left now. One that is over by itself begins anew.
    pub fn tried(&self, of: (CredentialRequestId, Side), left: Secret, tried: &Result<(), Failure>) {
        let over = tried.as_ref().is_err_and(|failure| failure.cause == Cause::SignInEnded);
        self.put(of, if over { Step::Failed } else { Step::Done { left, opened: tried.is_ok() } });
    }

    /// A link is used or dead.
    pub fn forget(&self, request: CredentialRequestId) {
        self.steps.lock().unwrap_or_else(PoisonError::into_inner).retain(|(of, _), _| *of != request);
    }

    /// A sign-in has ended a link; its form hears it when it asks.
    pub fn ended(&self, request: CredentialRequestId, verdict: Verdict) {
        self.forget(request);
        let mut ended = self.ended.lock().unwrap_or_else(PoisonError::into_inner);
        ended.retain(|_, (at, _)| at.elapsed() < REMEMBERED);
        ended.insert(request, (Instant::now(), verdict));
    }

    /// What the sign-in was worth that has ended such a link, if one has.
    pub fn ended_with(&self, request: CredentialRequestId) -> Option<Verdict> {
        let ended = self.ended.lock().unwrap_or_else(PoisonError::into_inner);
        ended.get(&request).filter(|(at, _)| at.elapsed() < REMEMBERED).map(|(_, verdict)| verdict.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::failure::{Retry, Scope};

    #[test]
    fn one_sign_in_is_under_way_and_a_failed_one_begins_anew() {
        let (signings, of) = (Signings::default(), (CredentialRequestId(1), Side::Source));
        assert!(signings.begin(of) && !signings.begin(of));
        signings.code(of, "https://a.example/device", "ABCD");
        assert_eq!(
            signings.step(of),
            SignInStep::Code { page: "https://a.example/device".into(), code: "ABCD".into() }
        );
        signings.over(of, None);
        assert!(signings.step(of) == SignInStep::Failed && signings.begin(of));
        signings.over(of, Some(Secret::new("left")));
        assert!(signings.untried(of).is_some() && signings.right(of).is_none() && !signings.begin(of));
        signings.forget(of.0);
        assert_eq!((signings.step(of), signings.ended_with(of.0)), (SignInStep::NotYet, None));
        signings.ended(of.0, Verdict::Right(Some("22:00".into())));
        assert_eq!(signings.ended_with(of.0), Some(Verdict::Right(Some("22:00".into()))));
    }

    #[test]
    fn what_was_not_tried_is_not_right_and_what_is_over_begins_anew() {
        let (signings, of) = (Signings::default(), (CredentialRequestId(1), Side::Source));
        let failed = |cause| Err(Failure::new(cause, Scope::Mailbox, Retry::User, "logging in"));
        signings.over(of, Some(Secret::new("left")));
        signings.tried(of, Secret::new("new"), &failed(Cause::Unreachable));
        assert_eq!((signings.untried(of), signings.right(of)), (Some(Secret::new("new")), None));
        signings.tried(of, Secret::new("newer"), &Ok(()));
        assert_eq!((signings.untried(of), signings.right(of)), (None, Some(Secret::new("newer"))));
        signings.tried(of, Secret::new("newer"), &failed(Cause::SignInEnded));
        assert_eq!((signings.step(of), signings.right(of)), (SignInStep::Failed, None));
    }
}
