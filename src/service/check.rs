//! Tests the connections of a project, step by step. Nothing is changed at either side. Needs the vault open if somebody must
//! log in.

use std::sync::Arc;

use tokio_util::sync::CancellationToken;

use super::projects::{NewServer, with_authorities};
use super::{OpenWorkspace, ServiceError, look};
use crate::domain::check::{CheckLine, CheckStep, StepOutcome, StepResult};
use crate::domain::failure::Side;
use crate::domain::ids::ItemId;
use crate::domain::provider::MailProvider;
use crate::domain::server::Server;
use crate::domain::wording::TextNames;
use crate::engine::check::{check_item, check_server};

/// What is tested.
#[derive(Debug)]
pub enum CheckOf {
    /// Both mailboxes of an item.
    Item(ItemId),
    /// Servers, as far as they can be tested without a mailbox.
    Servers(Vec<(Side, NewServer)>),
}

/// Who hears of each step as it ends, and may give the test up.
#[derive(Clone)]
pub struct Checking {
    /// Hears it.
    pub tell: Arc<dyn Fn(CheckLine) + Send + Sync>,
    /// Gives it up.
    pub cancel: CancellationToken,
}

impl std::fmt::Debug for Checking {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Checking").field("cancelled", &self.cancel.is_cancelled()).finish_non_exhaustive()
    }
}

/// Tests it, and tells each step as it ends; answers whether all steps of both sides hold.
///
/// # Errors
/// It could not be tested at all: the database, or a file of certificates.
pub async fn run(
    workspace: &OpenWorkspace,
    of: CheckOf,
    tell: &(dyn Fn(CheckLine) + Send + Sync),
) -> Result<bool, ServiceError> {
    match of {
        CheckOf::Item(item) => of_item(workspace, item, tell).await,
        CheckOf::Servers(servers) => {
            let mut hold = true;
            for (side, server) in servers {
                let server = with_authorities(server).await?;
                hold &= of_server(workspace, (side, &server), tell).await;
            }
            Ok(hold)
        }
    }
}

async fn of_server(
    workspace: &OpenWorkspace,
    (side, server): (Side, &Server),
    tell: &(dyn Fn(CheckLine) + Send + Sync),
) -> bool {
    let mut hold = true;
    let told = &mut |side, step, outcome: StepOutcome| {
        let names = TextNames { provider: server.host().and_then(MailProvider::of_host), ..names(server) };
        hold &= line(workspace, (side, names), (step, &outcome), tell);
    };
    check_server(server, side, told).await;
    hold
}

async fn of_item(
    workspace: &OpenWorkspace,
    item: ItemId,
    tell: &(dyn Fn(CheckLine) + Send + Sync),
) -> Result<bool, ServiceError> {
    let row = workspace.store.item(item).await?.item;
    let project = workspace.store.project(row.project).await?;
    let engine = look::means(workspace, workspace.folder())?;
    let mut hold = true;
    let told = &mut |side, step, outcome: StepOutcome| {
        let mailbox = if side == Side::Source { &row.source } else { &row.destination };
        let provider = project.provider(side).map(|(provider, _)| provider);
        let names = TextNames { mailbox: &mailbox.email, provider, ..names(project.server(side)) };
        hold &= line(workspace, (side, names), (step, &outcome), tell);
    };
    check_item(&engine, item, told).await?;
    Ok(hold)
}

fn names(server: &Server) -> TextNames<'_> {
    TextNames { host: server.name(), port: server.port().unwrap_or(0), ..TextNames::default() }
}

/// Tells a step; whether it holds.
fn line(
    workspace: &OpenWorkspace,
    (side, names): (Side, TextNames<'_>),
    (step, outcome): (CheckStep, &StepOutcome),
    tell: &(dyn Fn(CheckLine) + Send + Sync),
) -> bool {
    let line = CheckLine::new(side, step, outcome, &names, workspace.now());
    let holds = line.result == StepResult::Well;
    tell(line);
    holds
}
