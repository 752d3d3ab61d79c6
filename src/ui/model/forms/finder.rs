//! Settings of a server, looked for by an address.

use crate::domain::proposal::Proposal;
use crate::service::client::RequestId;

/// What is looked for, and what came.
#[derive(Clone, Debug, Default)]
pub struct Finder {
    /// The address.
    pub email: String,
    /// The question under way.
    pub asked: Option<RequestId>,
    /// What came, or why nothing could be asked.
    pub found: Option<Result<Vec<Proposal>, String>>,
}

impl Finder {
    /// What to ask, if nothing is under way.
    pub fn question(&self) -> Option<String> {
        let email = self.email.trim();
        (self.asked.is_none() && email.contains('@')).then(|| email.to_owned())
    }

    /// The answer to this question, if it is the one under way.
    pub fn answered(&mut self, request: RequestId, found: Result<Vec<Proposal>, String>) {
        if self.asked == Some(request) {
            (self.asked, self.found) = (None, Some(found));
        }
    }
}
