//! A test of the connections of a project, step by step, for a person who waits for it. Nothing is changed, and nothing
//! retried.

use crate::domain::check::{CheckStep, StepOutcome};
use crate::domain::failure::Side;
use crate::domain::ids::ItemId;
use crate::domain::server::Server;
use crate::engine::endpoints;
use crate::engine::one_look::Looks;
use crate::engine::workspace::Workspace;
use crate::store::StoreError;

/// Hears of each step of each side.
pub type Told<'a> = dyn FnMut(Side, CheckStep, StepOutcome) + Send + 'a;

/// Tests both sides of an item, the source first. A password is tried once.
///
/// # Errors
/// The workspace's database.
pub async fn check_item(workspace: &Workspace, item: ItemId, told: &mut Told<'_>) -> Result<(), StoreError> {
    let looks = Looks::new(workspace, item).await?;
    for side in [Side::Source, Side::Destination] {
        let tell = &mut |step, outcome| told(side, step, outcome);
        endpoints::check(looks.server(side), Some(looks.tested(side)), tell).await;
    }
    Ok(())
}

/// Tests a server without a mailbox, as far as that goes.
pub async fn check_server(server: &Server, side: Side, told: &mut Told<'_>) {
    endpoints::check(server, None, &mut |step, outcome| told(side, step, outcome)).await;
}
