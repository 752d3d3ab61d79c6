//! What the page of a user or a batch shows besides its row, and when to ask for it again.

use std::sync::Arc;

use crate::domain::ids::HybridUserId;
use crate::domain::time::Timestamp;
use crate::service::hybrid::{HybridDetails, HybridOf, HybridView};

/// The page of a user or a batch.
#[derive(Clone, Debug)]
pub struct DetailsPage {
    /// Which.
    pub of: HybridOf,
    /// What was answered last; stays while the next answer is under way.
    pub details: Option<HybridDetails>,
    /// The service's own account is being asked for.
    pub reporting: bool,
    waiting: bool,
    /// The state for which it was asked last.
    asked: Option<Arc<HybridView>>,
}

impl DetailsPage {
    /// Nothing is known yet.
    pub fn new(of: HybridOf) -> Self {
        Self { of, details: None, reporting: false, waiting: false, asked: None }
    }

    /// Whether to ask now: something may have changed since the last time.
    pub fn due(&mut self, view: &Arc<HybridView>) -> bool {
        if self.waiting || self.asked.as_ref().is_some_and(|asked| Arc::ptr_eq(asked, view)) {
            return false;
        }
        (self.waiting, self.asked) = (true, Some(Arc::clone(view)));
        true
    }

    /// The answer came.
    pub fn answered(&mut self, details: HybridDetails) {
        (self.waiting, self.details) = (false, Some(details));
    }

    /// There is none; it is asked for again when something changes.
    pub fn refused(&mut self) {
        (self.waiting, self.reporting) = (false, false);
    }

    /// Whether it is the page of this user.
    pub fn is_of(&self, user: HybridUserId) -> bool {
        self.of == HybridOf::User(user)
    }

    /// The service's own account came.
    pub fn reported(&mut self, at: Timestamp, text: String) {
        self.reporting = false;
        if let Some(details) = &mut self.details {
            details.report = Some((at, text));
        }
    }
}
