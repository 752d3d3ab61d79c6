//! One attempt with an administrator's login before many (D24).
//!
//! The items of a project that share an administrator wait until its first login was answered. Refused, nobody tries
//! again until a person says so; accepted, all go on side by side.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;

use crate::domain::failure::{Cause, Failure, Side};
use crate::domain::ids::ProjectId;
use crate::endpoint::{Destination, Endpoint, Result, Source};

enum State {
    Unknown,
    Accepted,
    Refused(Failure),
}

struct Gate(tokio::sync::Mutex<State>);

impl Gate {
    async fn pass<T, F: Future<Output = Result<T>>>(&self, open: impl FnOnce() -> F) -> Result<T> {
        let mut state = self.0.lock().await;
        match &*state {
            State::Refused(failure) => return Err(failure.clone()),
            State::Accepted => {
                drop(state);
                let opened = open().await;
                if let Some(failure) = refusal(&opened) {
                    *self.0.lock().await = State::Refused(failure);
                }
                return opened;
            }
            State::Unknown => {}
        }
        let opened = open().await;
        match (&opened, refusal(&opened)) {
            (_, Some(failure)) => *state = State::Refused(failure),
            (Ok(_), None) => *state = State::Accepted,
            (Err(_), None) => {}
        }
        opened
    }
}

fn refusal<T>(opened: &Result<T>) -> Option<Failure> {
    opened.as_ref().err().filter(|failure| failure.cause == Cause::AdministratorLoginRefused).cloned()
}

type Known = HashMap<(ProjectId, Side), Arc<Gate>>;

/// The gates of all administrator logins in use.
#[derive(Clone, Default)]
pub(super) struct Gates(Arc<Mutex<Known>>);

impl Gates {
    /// Puts an endpoint that uses the administrator's login behind its gate.
    pub fn guard(&self, project: ProjectId, side: Side, endpoint: Arc<dyn Endpoint>) -> Arc<dyn Endpoint> {
        let mut gates = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let fresh = || Arc::new(Gate(tokio::sync::Mutex::new(State::Unknown)));
        let gate = Arc::clone(gates.entry((project, side)).or_insert_with(fresh));
        Arc::new(Gated { endpoint, gate })
    }

    /// Forgets what is known of a project's logins.
    pub fn forget(&self, project: ProjectId) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).retain(|(of, _), _| *of != project);
    }
}

struct Gated {
    endpoint: Arc<dyn Endpoint>,
    gate: Arc<Gate>,
}

#[async_trait]
impl Endpoint for Gated {
    async fn open_source(&self) -> Result<Box<dyn Source>> {
        self.gate.pass(|| self.endpoint.open_source()).await
    }

    async fn open_destination(&self) -> Result<Box<dyn Destination>> {
        self.gate.pass(|| self.endpoint.open_destination()).await
    }
}
