//! Hybrid Exchange: users of an Exchange organisation move to Exchange Online in batches. The service moves; Mailferry orders,
//! watches, licenses and explains (D37). Pure.

pub mod attributes;
pub mod order;
pub mod progress;
pub mod readiness;
pub mod remote;
pub mod settings;
pub mod status;
pub mod users_csv;

use std::collections::BTreeMap;

use super::ids::{HybridBatchId, HybridProjectId, HybridUserId, PoolId};
use super::star::Star;
use super::time::Timestamp;
use order::Stage;
use settings::HybridSettings;
use status::{MoveAction, MoveRefusal, MoveStatus};

/// Said wherever hybrid projects show (R36).
pub const PREVIEW: &str =
    "Preview: hybrid projects are not available everywhere yet, and were tried against a double only";

/// A hybrid project: one organisation and its tenant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HybridProject {
    /// The row.
    pub id: HybridProjectId,
    /// Unique among all projects, ignoring case.
    pub name: String,
    /// How its service is reached, and what its users get.
    pub settings: HybridSettings,
    /// Where they take Mailferry's licenses.
    pub pool: PoolId,
    /// Why its service cannot be asked now, and until when it is not asked.
    pub trouble: Option<Trouble>,
}

/// Why nothing can be asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trouble {
    /// In words.
    pub text: String,
    /// It is not asked before.
    pub until: Timestamp,
}

/// A batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HybridBatch {
    /// The row.
    pub id: HybridBatchId,
    /// What people call it; unique in its project.
    pub name: String,
    /// What the service calls it: unique, so that it is found again though an answer was lost.
    pub remote_name: String,
    /// When it was submitted.
    pub submitted: Option<Timestamp>,
    /// When it is finalized, if a person said so.
    pub finalize_at: Option<Timestamp>,
    /// The service's own word for its state, shown as it is.
    pub word: Option<String>,
    /// When the service was asked last.
    pub polled: Option<Timestamp>,
    /// Since when the service says that there is no such batch.
    pub missing: Option<Timestamp>,
}

/// A user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HybridUser {
    /// The row.
    pub id: HybridUserId,
    /// The mailbox that moves.
    pub address: String,
    /// Its batch; none: Unbatched.
    pub batch: Option<HybridBatchId>,
    /// Where its move stands.
    pub status: MoveStatus,
    /// Since when.
    pub since: Timestamp,
    /// Where the user works, as licenses ask: two letters.
    pub location: Option<String>,
    /// What the service told last.
    pub told: Told,
    /// Why it failed, or what it waits for.
    pub note: Option<String>,
    /// The service has switched it: it works in Exchange Online, whatever else is to be done.
    pub switched: bool,
    /// A person's mark.
    pub star: Option<Star>,
    /// Orders for it that are not done, by what they do.
    pub open: BTreeMap<String, Stage>,
}

/// What the service told of a user.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Told {
    /// Its own word for the state, shown as it is.
    pub word: Option<String>,
    /// Its own per cent.
    pub percent: Option<u8>,
    /// Items that are there.
    pub synced: Option<u64>,
    /// Items that were left out.
    pub skipped: Option<u64>,
    /// Bytes that were carried.
    pub bytes: Option<u64>,
    /// When it was synced last.
    pub last_sync: Option<Timestamp>,
    /// When its statistics were asked for last.
    pub statistics: Option<Timestamp>,
    /// Since when it is in no answer.
    pub missing: Option<Timestamp>,
}

impl HybridUser {
    /// Whether a person may do this with the user, by its status, its batch and what is on its way.
    ///
    /// # Errors
    /// Why not, and the way out.
    pub fn may(&self, action: MoveAction) -> Result<(), MoveRefusal> {
        let blocking: &[&str] = match action {
            MoveAction::MoveIn if self.status != MoveStatus::NotSubmitted => {
                return Err(MoveRefusal::InSubmittedBatch);
            }
            MoveAction::MoveIn => return Ok(()),
            MoveAction::Start | MoveAction::MoveOut => &["move out"],
            MoveAction::Finalize => &["finalize", "move out"],
            MoveAction::Approve => &["approve", "move out"],
        };
        if self.batch.is_none() {
            return Err(MoveRefusal::Unbatched);
        }
        let is_open = blocking.iter().any(|kind| self.open.contains_key(*kind));
        match self.status.allows(action) {
            _ if is_open && action == MoveAction::Finalize => Err(MoveRefusal::OrderOpen),
            Err(why) => Err(why),
            Ok(()) if action == MoveAction::MoveOut && self.switched => Err(MoveRefusal::Completed),
            Ok(()) if is_open => Err(MoveRefusal::OrderOpen),
            Ok(()) => Ok(()),
        }
    }

    /// What is said beside its status: why it failed, what it waits for.
    pub fn remark(&self) -> String {
        let open = self.open.keys().map(|kind| format!("{kind} ordered"));
        self.note.clone().into_iter().chain(open).collect::<Vec<_>>().join("; ")
    }
}
