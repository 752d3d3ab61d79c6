//! Hybrid projects as a window shows them: whole, and what of one user or batch is asked for by itself.

use std::sync::Arc;

use super::batches::{self, BatchLine};
use super::{HybridEvent, HybridProject, HybridUser};
use crate::domain::hybrid::order::OrderRow;
use crate::domain::ids::{HybridBatchId, HybridUserId};
use crate::domain::time::Timestamp;
use crate::service::{OpenWorkspace, ServiceError};

/// A project with its batches and users.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HybridView {
    /// The project.
    pub project: HybridProject,
    /// Its batches, as they were made.
    pub batches: Vec<BatchLine>,
    /// Its users, by address.
    pub users: Vec<HybridUser>,
}

/// All hybrid projects, by name. Those that have not changed are shared with the state before.
pub type HybridViews = Vec<Arc<HybridView>>;

impl HybridView {
    /// A batch of it.
    pub fn batch(&self, id: HybridBatchId) -> Option<&BatchLine> {
        self.batches.iter().find(|line| line.batch.id == id)
    }

    /// A user of it.
    pub fn user(&self, id: HybridUserId) -> Option<&HybridUser> {
        self.users.iter().find(|user| user.id == id)
    }

    /// What the batch of a user is called.
    pub fn batch_name(&self, user: &HybridUser) -> &str {
        user.batch.and_then(|id| self.batch(id)).map_or("Unbatched", |line| line.batch.name.as_str())
    }
}

/// All hybrid projects as they are now.
///
/// # Errors
/// The database.
pub async fn views(workspace: &OpenWorkspace) -> Result<HybridViews, ServiceError> {
    let mut views = Vec::new();
    for project in workspace.store.hybrid_projects().await? {
        let users = workspace.store.hybrid_users(project.id).await?;
        let batches = batches::lines(workspace.store.hybrid_batches(project.id).await?, &users);
        views.push(Arc::new(HybridView { project, batches, users }));
    }
    Ok(views)
}

/// A user or a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HybridOf {
    /// A user.
    User(HybridUserId),
    /// A batch with all its users.
    Batch(HybridBatchId),
}

/// What happened to a user or a batch, and what is on its way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HybridDetails {
    /// Which.
    pub of: HybridOf,
    /// What happened, the newest first.
    pub events: Vec<HybridEvent>,
    /// What was ordered, the newest first.
    pub orders: Vec<OrderRow>,
    /// The service's own account of a user's move, if it was asked for.
    pub report: Option<(Timestamp, String)>,
}

/// What happened to a user or a batch, and what is on its way.
///
/// # Errors
/// The database.
pub async fn details(workspace: &OpenWorkspace, of: HybridOf) -> Result<HybridDetails, ServiceError> {
    let store = &workspace.store;
    let (user, batch) = match of {
        HybridOf::User(user) => (Some(user), store.hybrid_user(user).await?.and_then(|user| user.batch)),
        HybridOf::Batch(batch) => (None, Some(batch)),
    };
    let events = store.hybrid_events(batch.unwrap_or(HybridBatchId(0)), user).await?;
    let mut orders = match batch {
        Some(batch) => batches::orders(workspace, batch).await?,
        None => Vec::new(),
    };
    orders.retain(|row| user.is_none() || row.user == user);
    let report = match user {
        Some(user) => store.hybrid_report(user).await?,
        None => None,
    };
    Ok(HybridDetails { of, events, orders, report })
}
