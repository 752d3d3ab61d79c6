//! Asking anew: Stop, Clear Credentials and Start in one, with a new link (R39, R46).

use std::time::Duration;

use super::can_ask;
use crate::domain::asking::owner_to_ask;
use crate::domain::failure::Side;
use crate::domain::ids::{ItemId, ProjectId};
use crate::domain::pass_plan::Select;
use crate::domain::start_order::StartOrder;
use crate::domain::status::Status;
use crate::engine::command::{Command, Outcome};
use crate::service::orders::Commander;
use crate::service::start::{self, StartRequest, WaitingRule};
use crate::service::{OpenWorkspace, ServiceError, edit};
use crate::store::ItemRow;

/// Between two looks whether an item has stopped, and how often it is looked at: nothing of it runs.
const LOOK_EVERY: Duration = Duration::from_millis(50);
const LOOKS: u32 = 200;

/// Asks the owner of an item anew: for what was asked before, or at the side that refused what they gave. Its pass is the same as
/// before, at its time if that is still to come. Answers what became of the Start.
///
/// # Errors
/// Nobody can be asked: then nothing is changed. Or it broke off on the way, and the item stands where it says.
pub async fn ask_again(
    workspace: &OpenWorkspace,
    (project, item): (ProjectId, ItemId),
    engine: Commander<'_>,
) -> Result<Outcome, ServiceError> {
    start::refuse_archived(&workspace.store.project(project).await?)?;
    can_ask(workspace).await?;
    let row = workspace.store.item(item).await?;
    let sides = asked_sides(workspace, &row).await?;
    let order = same_order(workspace, &row);
    if row.status() == Status::WaitingForUser {
        done(engine.command(Command::Stop { project, items: vec![item] }).await?)?;
        stopped(workspace, item).await?;
    }
    if !sides.is_empty() {
        done(edit::clear_credentials(workspace, (project, vec![item]), sides, engine).await?)?;
    }
    let request = StartRequest { project, items: vec![item], order, confirms: false, asks: true };
    let readiness = start::readiness(workspace, &request, WaitingRule::Refuses).await?;
    if let Some((_, why)) = readiness.not_ready.into_iter().next() {
        return Ok(Outcome { left: vec![(item, why.into())], ..Outcome::default() });
    }
    let (items, lacking, order) = (readiness.ready, readiness.lacking, request.order);
    engine.command(Command::Start { project, items, lacking, order }).await
}

/// What the owner is asked for anew: what was asked for and never came, else the side at which what they gave was refused or has ended.
async fn asked_sides(workspace: &OpenWorkspace, row: &ItemRow) -> Result<Vec<Side>, ServiceError> {
    let failure = row.latest.as_ref().and_then(|pass| pass.failure.as_ref());
    let project = workspace.store.project(row.item.project).await?;
    let refused = failure.and_then(|ended| owner_to_ask(&project, ended.side, &ended.failure));
    let last = workspace.store.credential_requests(row.item.id).await?.into_iter().next();
    Ok(match (row.status(), refused, last) {
        (Status::WaitingForUser, _, Some(request)) => request.sides,
        (_, Some(side), _) => vec![side],
        _ => Vec::new(),
    })
}

/// The pass that it had, or a Full one.
fn same_order(workspace: &OpenWorkspace, row: &ItemRow) -> StartOrder {
    let now = workspace.now();
    let Some(pass) = &row.latest else { return StartOrder::now(crate::domain::pass::PassKind::Full) };
    let before = match pass.plan.map(|plan| plan.select) {
        Some(Select::Before(border)) => Some(border),
        _ => None,
    };
    let schedule = pass.schedule.clone().filter(|schedule| schedule.at > now);
    StartOrder { before, schedule, ..StartOrder::now(pass.kind) }
}

async fn stopped(workspace: &OpenWorkspace, item: ItemId) -> Result<(), ServiceError> {
    for _ in 0..LOOKS {
        if workspace.store.item(item).await?.status().is_at_rest() {
            return Ok(());
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
    Err(ServiceError::OwnerSlow)
}

/// What was done; what was left alone was not, and its reason is the error.
fn done(outcome: Outcome) -> Result<(), ServiceError> {
    match (outcome.error, outcome.left.into_iter().next()) {
        (Some(error), _) => Err(ServiceError::Engine(error)),
        (None, Some((_, why))) => Err(ServiceError::LeftAlone(why)),
        (None, None) => Ok(()),
    }
}
