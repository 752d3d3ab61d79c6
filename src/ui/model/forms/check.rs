//! The dialog that shows a test of connections, step by step as the steps end.

use std::sync::{Arc, Mutex, PoisonError};

use tokio_util::sync::{CancellationToken, DropGuard};

use crate::domain::check::{CheckLine, as_text};
use crate::domain::failure::{Cause, Side};
use crate::service::check::Checking;
use crate::service::client::{RequestId, Waker};

/// The dialog. Dropped, the test is given up.
#[derive(Debug)]
pub struct CheckForm {
    /// What is tested, for people.
    pub of: String,
    /// What is tested is a project's as it is kept, and not what is being typed.
    pub kept: bool,
    steps: Arc<Mutex<Vec<CheckLine>>>,
    cancel: CancellationToken,
    _gives_up: DropGuard,
    /// The question under way.
    pub asked: Option<RequestId>,
    /// How it ended: whether all steps hold, or why nothing could be tested.
    pub end: Option<Result<bool, String>>,
}

impl CheckForm {
    /// Nothing has ended yet.
    pub fn new(of: String, kept: bool) -> Self {
        let cancel = CancellationToken::new();
        let _gives_up = cancel.clone().drop_guard();
        Self { of, kept, steps: Arc::default(), cancel, _gives_up, asked: None, end: None }
    }

    /// For whoever tests; `waker` is called with each step.
    pub fn watch(&self, waker: &Waker) -> Checking {
        let (steps, waker) = (Arc::clone(&self.steps), Arc::clone(waker));
        let tell = Arc::new(move |line| {
            steps.lock().unwrap_or_else(PoisonError::into_inner).push(line);
            waker();
        });
        Checking { tell, cancel: self.cancel.clone() }
    }

    /// The steps that have ended.
    pub fn steps(&self) -> Vec<CheckLine> {
        self.steps.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The side whose certificate was not trusted, where that can be mended from here.
    pub fn distrusted(&self) -> Option<Side> {
        let refused = |line: &CheckLine| line.cause.is_some_and(Cause::is_of_the_certificate);
        self.steps().into_iter().find(refused).map(|line| line.side).filter(|_| self.kept && self.end.is_some())
    }

    /// All of it in plain text.
    pub fn as_text(&self) -> String {
        format!("{}\n{}", self.of, as_text(&self.steps()))
    }
}
