//! A test of one side, step by step, for a person who wants to know whether it will work: what is asked of every kind.
//!
//! A test changes nothing, at the source or at the destination, retries nothing, and ends at the first step that does not
//! hold. Each step is told when it has ended; dropping the test gives it up.

use std::sync::Arc;

use super::Resources;
use super::auth::Authenticator;
use crate::domain::check::{CheckStep, Finding, StepOutcome};
use crate::domain::failure::{Failure, Side};
use crate::domain::item::Mailbox;

/// Hears of each step.
pub type Told<'a> = dyn FnMut(CheckStep, StepOutcome) + Send + 'a;

/// A mailbox that is tested, and by whom it is opened.
pub struct Tested {
    /// The mailbox.
    pub mailbox: Mailbox,
    /// Which side it is.
    pub side: Side,
    /// Who logs in.
    pub auth: Arc<dyn Authenticator>,
    /// What the kinds share.
    pub resources: Resources,
}

/// Where a test ended, and why.
pub(super) struct Broken {
    step: CheckStep,
    failure: Failure,
    /// What was seen all the same.
    seen: Option<Finding>,
}

impl Broken {
    /// A failure of this step.
    pub fn at(step: CheckStep) -> impl FnOnce(Failure) -> Self {
        move |failure| Self { step, failure, seen: None }
    }

    /// The same with what was seen.
    pub fn seeing(self, seen: Option<Finding>) -> Self {
        Self { seen, ..self }
    }

    /// Tells it.
    pub fn tell(self, told: &mut Told<'_>) {
        told(self.step, StepOutcome::Failed(Box::new(self.failure), self.seen));
    }
}

/// Tells what a step found.
pub(super) fn well(told: &mut Told<'_>, finding: Finding) {
    told(finding.step(), StepOutcome::Well(finding));
}
