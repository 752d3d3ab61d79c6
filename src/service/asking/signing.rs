//! Owners who sign in with their provider instead of giving a password: by a code that the form shows, or at a page that leads back to it. What is left of it is
//! kept in memory until all that was asked for is there.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::oneshot;

use crate::domain::failure::Side;
use crate::domain::ids::CredentialRequestId;
use crate::domain::secret::Secret;
use crate::intake::form::SignInStep;

/// How long a form hears that its link was used meanwhile.
const REMEMBERED: Duration = Duration::from_secs(15 * 60);

enum Step {
    Begun,
    Code { page: String, code: String },
    Page { page: String, state: String, back: oneshot::Sender<String> },
    Done(Secret),
    Failed,
}

/// When links were used by a sign-in, and when their items start.
type Ended = HashMap<CredentialRequestId, (Instant, Option<String>)>;

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
            Some(Step::Begun | Step::Code { .. } | Step::Page { .. } | Step::Done(_)) => false,
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
        self.put(of, left.map_or(Step::Failed, Step::Done));
    }

    /// How far it is, for its owner.
    pub fn step(&self, of: (CredentialRequestId, Side)) -> SignInStep {
        match self.steps.lock().unwrap_or_else(PoisonError::into_inner).get(&of) {
            None | Some(Step::Begun) => SignInStep::NotYet,
            Some(Step::Code { page, code }) => SignInStep::Code { page: page.clone(), code: code.clone() },
            Some(Step::Page { page, .. }) => SignInStep::Page(page.clone()),
            Some(Step::Done(_)) => SignInStep::Done,
            Some(Step::Failed) => SignInStep::Failed,
        }
    }

    /// What is left of it.
    pub fn secret(&self, of: (CredentialRequestId, Side)) -> Option<Secret> {
        match self.steps.lock().unwrap_or_else(PoisonError::into_inner).get(&of) {
            Some(Step::Done(secret)) => Some(secret.clone()),
            _ => None,
        }
    }

    /// A link is used or dead.
    pub fn forget(&self, request: CredentialRequestId) {
        self.steps.lock().unwrap_or_else(PoisonError::into_inner).retain(|(of, _), _| *of != request);
    }

    /// A link was used by a sign-in; its form hears it when it asks.
    pub fn used(&self, request: CredentialRequestId, starts: Option<String>) {
        let mut ended = self.ended.lock().unwrap_or_else(PoisonError::into_inner);
        ended.retain(|_, (at, _)| at.elapsed() < REMEMBERED);
        ended.insert(request, (Instant::now(), starts));
    }

    /// When the item of such a link starts; none if it was not used so.
    pub fn was_used(&self, request: CredentialRequestId) -> Option<Option<String>> {
        let ended = self.ended.lock().unwrap_or_else(PoisonError::into_inner);
        let found = ended.get(&request).filter(|(at, _)| at.elapsed() < REMEMBERED);
        found.map(|(_, starts)| starts.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
        assert!(signings.secret(of).is_some() && !signings.begin(of));
        signings.forget(of.0);
        assert_eq!((signings.step(of), signings.was_used(of.0)), (SignInStep::NotYet, None));
        signings.used(of.0, Some("22:00".into()));
        assert_eq!(signings.was_used(of.0), Some(Some("22:00".into())));
    }
}
