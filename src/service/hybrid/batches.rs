//! Batches of a hybrid project, and what a person does with them.

use std::collections::HashMap;

use super::{BatchProgress, CheckLine, HybridBatch, HybridProject, HybridUser, LeftOut, MoveStatus, check, users};
use crate::domain::edit::EditRefusal;
use crate::domain::hybrid::order::OrderRow;
use crate::domain::ids::HybridBatchId;
use crate::domain::time::Timestamp;
use crate::service::{OpenWorkspace, ServiceError};
use crate::store::StoreError;

/// Longest name of a batch: with what makes it unique at the service it must fit there into 64 characters.
const NAME: usize = 50;
/// Orders of a batch that are told.
const ORDERS: u32 = 1000;

/// A batch as lists show it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BatchLine {
    /// The batch.
    pub batch: HybridBatch,
    /// Where it stands.
    pub status: MoveStatus,
    /// How far it is.
    pub progress: BatchProgress,
}

/// What came of a Start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Started {
    /// It is submitted; what is needed later and is not right yet.
    Submitted(Vec<CheckLine>),
    /// Nothing was done: these lines are not right.
    NotReady(Vec<CheckLine>),
}

/// Makes a batch.
///
/// # Errors
/// Nothing was made.
pub async fn new(
    workspace: &OpenWorkspace,
    project: &HybridProject,
    name: &str,
) -> Result<HybridBatchId, ServiceError> {
    let name = name.trim();
    let plain = |c: char| c.is_alphanumeric() || " -_.()".contains(c);
    if name.is_empty() || name.chars().count() > NAME || !name.chars().all(plain) {
        let reason = format!("it has 1 to {NAME} letters, digits, blanks or - _ . ( )");
        return Err(StoreError::from(EditRefusal::Bad { what: "Name", reason }).into());
    }
    let mut random = [0_u8; 4];
    getrandom::fill(&mut random).map_err(|_| ServiceError::Died("making a number"))?;
    let remote_name = format!("{name} mf-{:08x}", u32::from_le_bytes(random));
    Ok(workspace.store.new_hybrid_batch(project.id, name.to_owned(), remote_name).await?)
}

/// All batches of a project with how far they are, as they were made.
pub async fn all(workspace: &OpenWorkspace, project: &HybridProject) -> Result<Vec<BatchLine>, ServiceError> {
    let users = users::all(workspace, project).await?;
    Ok(lines(workspace.store.hybrid_batches(project.id).await?, &users))
}

/// Batches with how far they are, by all users of their project.
pub(super) fn lines(batches: Vec<HybridBatch>, users: &[HybridUser]) -> Vec<BatchLine> {
    let mut members: HashMap<HybridBatchId, Vec<&HybridUser>> = HashMap::new();
    for user in users {
        if let Some(batch) = user.batch {
            members.entry(batch).or_default().push(user);
        }
    }
    let line = |batch: HybridBatch| {
        let own = members.remove(&batch.id).unwrap_or_default();
        let status = MoveStatus::of_batch(batch.submitted.is_some(), own.iter().map(|user| user.status));
        BatchLine { batch, status, progress: BatchProgress::of(own.into_iter()) }
    };
    batches.into_iter().map(line).collect()
}

/// A batch by its name, ignoring case.
///
/// # Errors
/// There is none.
pub async fn named(workspace: &OpenWorkspace, project: &HybridProject, name: &str) -> Result<BatchLine, ServiceError> {
    let key = name.trim().to_lowercase();
    let found = all(workspace, project).await?.into_iter().find(|line| line.batch.name.to_lowercase() == key);
    found.ok_or_else(|| ServiceError::NoBatch(name.trim().to_owned()))
}

/// The users of a batch.
pub async fn members(
    workspace: &OpenWorkspace,
    project: &HybridProject,
    batch: HybridBatchId,
) -> Result<Vec<HybridUser>, ServiceError> {
    let mut users = users::all(workspace, project).await?;
    users.retain(|user| user.batch == Some(batch));
    Ok(users)
}

/// Moves users into a batch that was not submitted; answers who was left alone.
///
/// # Errors
/// Nothing was changed.
pub async fn move_in(
    workspace: &OpenWorkspace,
    project: &HybridProject,
    batch: HybridBatchId,
    members: &[HybridUser],
) -> Result<Vec<LeftOut>, ServiceError> {
    Ok(workspace.store.move_into_batch(project.id, batch, users::ids(members), workspace.now()).await?)
}

/// What is asked before users are moved out: of those whose batch was submitted, what was migrated is deleted (R30).
pub fn move_out_question(members: &[HybridUser]) -> Option<String> {
    let submitted = members.iter().filter(|user| user.status != MoveStatus::NotSubmitted).count();
    let what = match submitted {
        0 => return None,
        1 => "1 user is in a batch that was submitted: what was migrated for that user is deleted".to_owned(),
        many => format!("{many} users are in a batch that was submitted: what was migrated for them is deleted"),
    };
    Some(format!("{what}. The mailbox on-premises is not touched; a Microsoft license that was assigned stays."))
}

/// Moves users out of their batches, after the question was answered; answers who was left alone.
///
/// # Errors
/// Nothing was changed.
pub async fn move_out(
    workspace: &OpenWorkspace,
    project: &HybridProject,
    members: &[HybridUser],
) -> Result<Vec<LeftOut>, ServiceError> {
    Ok(workspace.store.move_out_of_batch(project.id, users::ids(members), workspace.now()).await?)
}

/// Submits a batch, or what failed of it again. The tenant is looked at before, unless it is to be left out.
///
/// # Errors
/// Nothing was changed.
pub async fn start(
    workspace: &OpenWorkspace,
    project: &HybridProject,
    batch: HybridBatchId,
    unchecked: bool,
) -> Result<Started, ServiceError> {
    let mut lines = Vec::new();
    if !unchecked {
        let mut starting = members(workspace, project, batch).await?;
        starting.retain(|user| !user.switched && user.status != MoveStatus::Completed);
        lines = check::check(workspace, project, &starting).await?;
        lines.retain(|line| !line.is_right());
        if lines.iter().any(|line| line.blocks) {
            return Ok(Started::NotReady(lines));
        }
    }
    workspace.store.submit_hybrid_batch(project.id, batch, workspace.now()).await?;
    Ok(Started::Submitted(lines))
}

/// Orders finalization, of a whole batch or of these users of it, now or at a time; answers who was left alone.
///
/// # Errors
/// Nothing was changed.
pub async fn finalize(
    workspace: &OpenWorkspace,
    project: &HybridProject,
    batch: HybridBatchId,
    members: Option<&[HybridUser]>,
    at: Option<Timestamp>,
) -> Result<Vec<LeftOut>, ServiceError> {
    let members = members.map(users::ids);
    Ok(workspace.store.finalize_hybrid(project.id, batch, members, (at, workspace.now())).await?)
}

/// Approves the items that were left out of users; answers who was left alone.
///
/// # Errors
/// Nothing was changed.
pub async fn approve(
    workspace: &OpenWorkspace,
    project: &HybridProject,
    members: &[HybridUser],
) -> Result<Vec<LeftOut>, ServiceError> {
    Ok(workspace.store.approve_hybrid(project.id, users::ids(members), workspace.now()).await?)
}

/// The orders of a batch and its users, the newest first.
pub async fn orders(workspace: &OpenWorkspace, batch: HybridBatchId) -> Result<Vec<OrderRow>, ServiceError> {
    Ok(workspace.store.hybrid_orders(batch, ORDERS).await?)
}
