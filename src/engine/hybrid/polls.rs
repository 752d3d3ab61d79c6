//! Asks where moves stand: cheaply for a batch at once, seldom and few at a time where it is slow.

use std::collections::HashMap;
use std::time::Duration;

use super::{HybridError, Round, holds_all};
use crate::domain::hybrid::order::Order;
use crate::domain::hybrid::remote::RemoteUser;
use crate::domain::hybrid::status::MoveStatus;
use crate::domain::hybrid::{HybridBatch, HybridUser};
use crate::domain::time::Timestamp;
use crate::hybrid::RemoteError;
use crate::store::{Polled, PolledUser};

/// Between two polls of a batch in which something goes on.
const POLL_EVERY: Duration = Duration::from_secs(5 * 60);
/// Of one that waits for a person.
const POLL_SELDOM: Duration = Duration::from_secs(30 * 60);
/// Between two looks at the statistics of a user.
const STATISTICS_EVERY: Duration = Duration::from_secs(30 * 60);
/// Statistics in one round.
const STATISTICS: usize = 5;
/// Users that are in no answer and are asked for one by one, in one poll.
const ONE_BY_ONE: usize = 5;

fn is_due(since: Option<Timestamp>, every: Duration, now: Timestamp) -> bool {
    since.is_none_or(|since| now.since(since) >= every)
}

impl Round<'_> {
    /// Polls the batches that are due.
    pub(super) async fn polls(&self) -> Result<(), HybridError> {
        let store = &self.workspace.store;
        let open = store.open_hybrid_orders(self.project.id).await?;
        let users = store.hybrid_users(self.project.id).await?;
        for batch in store.hybrid_batches(self.project.id).await? {
            let own: Vec<&HybridUser> =
                users.iter().filter(|user| user.batch == Some(batch.id) && user.status.is_watched()).collect();
            let busy = own.iter().any(|user| matches!(user.status, MoveStatus::Syncing | MoveStatus::Finalizing));
            let every = if busy { POLL_EVERY } else { POLL_SELDOM };
            let is_new = open.iter().any(|row| row.batch == batch.id && row.order == Order::Create);
            if own.is_empty() || is_new || !is_due(batch.polled, every, self.now()) {
                continue;
            }
            self.poll(&batch, &own).await?;
        }
        Ok(())
    }

    async fn poll(&self, batch: &HybridBatch, own: &[&HybridUser]) -> Result<(), HybridError> {
        let polled = match self.asked(batch, own).await {
            Ok(polled) => polled,
            Err(error) if holds_all(&error) => return Err(error.into()),
            Err(error) => {
                tracing::warn!(%error, batch = %batch.id, "a batch could not be polled");
                return Ok(());
            }
        };
        Ok(self.workspace.store.record_hybrid_poll(batch.id, polled, self.now()).await?)
    }

    async fn asked(&self, batch: &HybridBatch, own: &[&HybridUser]) -> Result<Polled, RemoteError> {
        let service = &self.services.batches;
        let remote = service.batch(&batch.remote_name).await?;
        if remote.is_none() {
            // Whether it is gone is decided when it stays away.
            let users = own.iter().map(|user| PolledUser { id: user.id, told: None }).collect();
            return Ok(Polled { batch: None, users });
        }
        let told = service.users(&batch.remote_name).await?;
        let mut told: HashMap<String, RemoteUser> =
            told.into_iter().map(|user| (user.address.to_lowercase(), user)).collect();
        let (mut users, mut alone) = (Vec::new(), 0);
        for user in own {
            match told.remove(&user.address.to_lowercase()) {
                Some(told) => users.push(PolledUser { id: user.id, told: Some(told) }),
                None if alone < ONE_BY_ONE => {
                    alone += 1;
                    users.push(PolledUser { id: user.id, told: service.user(&user.address).await? });
                }
                None => {}
            }
        }
        Ok(Polled { batch: remote, users })
    }

    /// Asks for some statistics, those that are the oldest first.
    pub(super) async fn statistics(&self) -> Result<(), HybridError> {
        let (store, now) = (&self.workspace.store, self.now());
        let mut users = store.hybrid_users(self.project.id).await?;
        users.retain(|user| {
            matches!(user.status, MoveStatus::Syncing | MoveStatus::Finalizing)
                && user.told.word.is_some()
                && user.open.is_empty()
                && is_due(user.told.statistics, STATISTICS_EVERY, now)
        });
        users.sort_by_key(|user| user.told.statistics);
        for user in users.into_iter().take(STATISTICS) {
            let told = match self.services.batches.statistics(&user.address, false).await {
                Ok(told) => Some(told),
                Err(error) if holds_all(&error) => return Err(error.into()),
                Err(_) => None,
            };
            store.record_hybrid_statistics(user.id, told, now).await?;
        }
        Ok(())
    }
}
