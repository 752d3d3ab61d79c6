//! What a Start asks for: which pass, of which messages, when, and where in the queue. Pure.

use super::time::Timestamp;
use serde::{Deserialize, Serialize};

use super::ids::PassId;
use super::item_error::ErrorCause;
use super::pass::PassKind;
use super::pass_plan::{Parameters, PassPlan, PlanError};

/// An instant and the zone in which it was chosen (D16).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Schedule {
    /// The instant.
    pub at: Timestamp,
    /// IANA name.
    pub zone: String,
}

/// Where a submission stands among those that wait.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Turn {
    /// Behind all others.
    #[default]
    Last,
    /// Before all others.
    Next,
}

/// The order in which the items of one Start come to the queue.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Sequence {
    /// As they were named.
    #[default]
    Listed,
    /// The largest mailboxes first, as far as an earlier pass has counted them; the others behind.
    LargestFirst,
}

/// What a Start asks for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StartOrder {
    /// What the passes do.
    pub kind: PassKind,
    /// The border of a Pre-Stage pass: only messages older than this are brought.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<Timestamp>,
    /// Of a pass that tries errors again: only those of this cause.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub only: Option<ErrorCause>,
    /// When they start; none: as soon as a worker is free.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schedule: Option<Schedule>,
    /// Where they stand in the queue.
    #[serde(default)]
    pub turn: Turn,
    /// And in which order.
    #[serde(default)]
    pub sequence: Sequence,
}

impl StartOrder {
    /// A pass of this kind as soon as a worker is free.
    pub fn now(kind: PassKind) -> Self {
        Self { kind, before: None, only: None, schedule: None, turn: Turn::Last, sequence: Sequence::Listed }
    }

    /// When the passes start, if not as soon as a worker is free.
    pub fn until(&self) -> Option<Timestamp> {
        self.schedule.as_ref().map(|schedule| schedule.at)
    }

    /// The plan of an item's pass, whose latest pass is this.
    ///
    /// # Errors
    /// Something is missing that this kind of pass needs.
    pub fn plan(&self, latest: Option<PassId>) -> Result<PassPlan, PlanError> {
        PassPlan::new(self.kind, Parameters { before: self.before, failed_of: latest, only: self.only })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::failure::Cause;
    use crate::domain::pass_plan::Select;

    #[test]
    fn d31_an_order_makes_the_plan_of_each_item() {
        let retry = StartOrder::now(PassKind::RetryErrors);
        assert_eq!(retry.plan(Some(PassId(4))).map(|plan| plan.select), Ok(Select::FailedOf(PassId(4))));
        assert_eq!(retry.plan(None), Err(PlanError::NoErrors));
        let big = ErrorCause { side: None, cause: Cause::TooBig };
        let one = StartOrder { only: Some(big), ..retry };
        assert_eq!(one.plan(Some(PassId(4))).map(|plan| plan.select), Ok(Select::FailedFor(PassId(4), big)));
        let staged = StartOrder { before: Some(Timestamp::from_millis(9)), ..StartOrder::now(PassKind::PreStage) };
        assert_eq!(staged.plan(None).map(|plan| plan.select), Ok(Select::Before(Timestamp::from_millis(9))));
    }

    #[test]
    fn an_order_of_another_process_is_read_with_what_it_leaves_out() {
        let order: StartOrder = serde_json::from_str(r#"{"kind":"full"}"#).unwrap();
        assert_eq!(order, StartOrder::now(PassKind::Full));
        let at = Schedule { at: Timestamp::from_millis(7), zone: "Europe/Vienna".into() };
        let late = StartOrder { schedule: Some(at), turn: Turn::Next, ..order };
        assert_eq!(serde_json::from_str::<StartOrder>(&serde_json::to_string(&late).unwrap()).unwrap(), late);
        assert_eq!(late.until(), Some(Timestamp::from_millis(7)));
    }
}
