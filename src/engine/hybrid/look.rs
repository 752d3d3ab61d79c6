//! Looks at what an order is about.

use super::{HybridError, Round};
use crate::domain::hybrid::HybridUser;
use crate::domain::hybrid::attributes::Attribute;
use crate::domain::hybrid::order::{LicenseSeen, Order, OrderRow, Seen};
use crate::domain::hybrid::remote::{RecipientKind, Sku};
use crate::domain::hybrid::status::{MoveStatus, Phase};
use crate::hybrid::RemoteError;

/// What was seen, and what sending will need.
pub(super) struct Looked {
    pub seen: Seen,
    /// The number of the user in the directory.
    pub object: Option<String>,
    /// The license to assign.
    pub sku: Option<String>,
    /// Where the user works, if that is to be set.
    pub location: Option<String>,
    /// What of the mailbox differs.
    pub differing: Vec<(&'static Attribute, String)>,
}

impl From<Seen> for Looked {
    fn from(seen: Seen) -> Self {
        Self { seen, object: None, sku: None, location: None, differing: Vec::new() }
    }
}

impl Round<'_> {
    /// Looks at what an order is about; `user` is its user.
    pub(super) async fn look(&self, row: &OrderRow, user: Option<&HybridUser>) -> Result<Looked, HybridError> {
        let batches = &self.services.batches;
        match (row.order, user) {
            (Order::Create | Order::Finalize { .. }, None) => {
                Ok(Seen::Batch(batches.batch(&self.remote_name(row).await?).await?, false).into())
            }
            (Order::Start, None) => self.look_at_start(row).await,
            (Order::MoveOut, Some(user)) => {
                let seen = batches.user(&user.address).await?;
                Ok(Seen::User(seen, batches.moved(&user.address).await?).into())
            }
            (Order::Finalize { .. } | Order::Approve, Some(user)) => {
                let seen = batches.user(&user.address).await?;
                let moved = if seen.is_some() { batches.moved(&user.address).await? } else { None };
                Ok(Seen::User(seen, moved).into())
            }
            (Order::License, Some(user)) => self.look_at_license(user).await,
            (Order::Attributes, Some(user)) => self.look_at_attributes(user).await,
            _ => {
                Err(RemoteError::Refused { kind: String::new(), text: "the order does not fit what it is for".into() }
                    .into())
            }
        }
    }

    /// Whether users who are to be synced have failed: of a batch that is started for the first time none has.
    async fn look_at_start(&self, row: &OrderRow) -> Result<Looked, HybridError> {
        let name = self.remote_name(row).await?;
        let batch = self.services.batches.batch(&name).await?;
        let mut failed = false;
        if batch.as_ref().is_some_and(|batch| batch.is_started()) {
            let told = self.services.batches.users(&name).await?;
            let users = self.workspace.store.hybrid_users(self.project.id).await?;
            let is_syncing = |address: &str| {
                let own = users.iter().find(|user| user.address.eq_ignore_ascii_case(address));
                own.is_some_and(|user| user.batch == Some(row.batch) && user.status == MoveStatus::Syncing)
            };
            failed = told.iter().any(|user| user.phase() == Phase::Failed && is_syncing(&user.address));
        }
        Ok(Seen::Batch(batch, failed).into())
    }

    /// The tenant's licenses, asked for once in a round.
    async fn sku(&self) -> Result<Option<Sku>, HybridError> {
        let mut skus = self.skus.lock().await;
        if skus.is_none() {
            *skus = Some(self.services.licenses.skus().await?);
        }
        let name = &self.project.settings.sku;
        let found = skus.as_ref().and_then(|skus| skus.iter().find(|sku| sku.name.eq_ignore_ascii_case(name)));
        Ok(found.cloned())
    }

    /// One unit is used up.
    pub(super) async fn used(&self, id: &str) {
        let mut skus = self.skus.lock().await;
        if let Some(sku) = skus.iter_mut().flatten().find(|sku| sku.id == id) {
            sku.free = sku.free.saturating_sub(1);
        }
    }

    async fn look_at_license(&self, user: &HybridUser) -> Result<Looked, HybridError> {
        let sku = self.sku().await?.ok_or_else(|| RemoteError::Refused {
            kind: String::new(),
            text: format!("the tenant has no license {}", self.project.settings.sku),
        })?;
        let recipient = self.services.batches.recipient(&user.address).await?;
        let known = recipient.as_ref().is_some_and(|one| one.kind == RecipientKind::Mailbox || one.has_guid);
        let object = recipient.and_then(|recipient| recipient.object);
        let licensee = match &object {
            Some(object) => self.services.licenses.licensee(object).await?,
            None => None,
        };
        let default = Some(self.project.settings.location.clone()).filter(|location| !location.is_empty());
        let location = user.location.clone().or(default);
        let seen = LicenseSeen {
            mailbox_known: known && licensee.is_some(),
            assigned: licensee.as_ref().is_some_and(|one| one.skus.contains(&sku.id)),
            located: licensee.as_ref().is_some_and(|one| one.location.is_some()),
            location_known: location.is_some(),
            free: if sku.fits { sku.free } else { 0 },
        };
        Ok(Looked { object, sku: Some(sku.id), location, ..Seen::License(seen).into() })
    }

    async fn look_at_attributes(&self, user: &HybridUser) -> Result<Looked, HybridError> {
        let wanted: Vec<(&'static Attribute, &str)> = self.project.settings.attributes.rows().collect();
        let rows: Vec<&'static Attribute> = wanted.iter().map(|(row, _)| *row).collect();
        let Some(told) = self.services.batches.attributes(&user.address, &rows).await? else {
            return Ok(Seen::Attributes(false, 0).into());
        };
        let differs = wanted.into_iter().zip(told).filter(|((row, wanted), told)| !row.holds(wanted, told.as_deref()));
        let differing: Vec<_> = differs.map(|((row, wanted), _)| (row, wanted.to_owned())).collect();
        Ok(Looked { differing: differing.clone(), ..Seen::Attributes(true, differing.len()).into() })
    }
}
