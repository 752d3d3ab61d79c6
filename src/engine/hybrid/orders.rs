//! Carries orders out: look, write down, send, look again (D37).

use std::collections::HashSet;

use super::look::Looked;
use super::{HybridError, PAUSE, Round, holds_all};
use crate::domain::hybrid::HybridUser;
use crate::domain::hybrid::order::{LOOK_EVERY, LOOK_SELDOM, Needs, Next, Order, OrderRow, Send, needs, next};
use crate::domain::hybrid::status::MoveStatus;
use crate::hybrid::{NewBatch, RemoteError, Target};
use crate::store::{OrderEnd, StoreError};

/// Most sweeps over the orders of a project in one round.
const SWEEPS: u32 = 4;

/// Those whose turn it is: what a batch is told comes before what its users are, and each waits for the one before. Nothing
/// waits for a license, which may be long in coming.
fn in_turn(open: &[OrderRow]) -> Vec<&OrderRow> {
    let (mut batches, mut users) = (HashSet::new(), HashSet::new());
    let mut turn = Vec::new();
    for row in open {
        let free = match row.user {
            None => batches.insert(row.batch),
            Some(user) => !batches.contains(&row.batch) && users.insert((user, row.order == Order::License)),
        };
        if free {
            turn.push(row);
        }
    }
    turn
}

/// Whether a refusal says that it is so already, and only shows late: what was to go has gone, or the batch, whose name nobody
/// else has, is there.
fn is_so_already(order: Order, kind: &str) -> bool {
    match order {
        Order::MoveOut => kind.contains("NotFound"),
        Order::Create => kind.contains("AlreadyExists"),
        _ => false,
    }
}

impl Round<'_> {
    /// Carries out what is due.
    pub(super) async fn orders(&self) -> Result<(), HybridError> {
        for _ in 0..SWEEPS {
            let open = self.workspace.store.open_hybrid_orders(self.project.id).await?;
            let now = self.now();
            let due: Vec<&OrderRow> = in_turn(&open).into_iter().filter(|row| row.next <= now).collect();
            if due.is_empty() {
                return Ok(());
            }
            for row in due {
                self.carry_out(row).await?;
            }
        }
        Ok(())
    }

    async fn carry_out(&self, row: &OrderRow) -> Result<(), HybridError> {
        let store = &self.workspace.store;
        if row.order == Order::License && self.project.settings.sku.is_empty() {
            let why = OrderEnd::Dropped("the project assigns no license".into());
            return Ok(store.end_hybrid_order(row.id, why, self.now()).await?);
        }
        let user = self.user(row.user).await?;
        let looked = match self.look(row, user.as_ref()).await {
            Ok(looked) => looked,
            Err(HybridError::Remote(error)) => return self.not_seen(row, error).await,
            Err(error) => return Err(error),
        };
        let now = self.now();
        match next(row, &needs(row.order, &looked.seen, now), now) {
            Next::Done => Ok(store.end_hybrid_order(row.id, OrderEnd::Done, now).await?),
            Next::Refused(why) => Ok(store.end_hybrid_order(row.id, OrderEnd::Refused(why.into()), now).await?),
            Next::Look(pause, note) => {
                let note = note.map(str::to_owned).or_else(|| row.note.clone());
                Ok(store.hybrid_order_waits(row.id, now.plus(pause), note, None).await?)
            }
            Next::LookGone => {
                let gone = row.gone.unwrap_or(now);
                Ok(store.hybrid_order_waits(row.id, now.plus(LOOK_EVERY), None, Some(gone)).await?)
            }
            Next::Send(what) => {
                match store.hybrid_order_sends(row.id, what, now).await {
                    Ok(()) => {}
                    // A person has taken it back meanwhile.
                    Err(StoreError::Contradiction(_)) => return Ok(()),
                    Err(error) => return Err(error.into()),
                }
                let sent = self.send(row, what, (user.as_ref(), &looked)).await;
                self.sent(row, what, sent).await
            }
        }
    }

    /// It could not be looked at: nothing is known, nothing is sent.
    async fn not_seen(&self, row: &OrderRow, error: RemoteError) -> Result<(), HybridError> {
        let next = self.now().plus(if row.order == Order::License { LOOK_SELDOM } else { LOOK_EVERY });
        self.workspace.store.hybrid_order_waits(row.id, next, Some(error.to_string()), row.gone).await?;
        if holds_all(&error) { Err(error.into()) } else { Ok(()) }
    }

    /// What became of what was sent.
    async fn sent(&self, row: &OrderRow, what: Send, sent: Result<(), HybridError>) -> Result<(), HybridError> {
        let (store, now) = (&self.workspace.store, self.now());
        let error = match sent {
            Ok(()) => return Ok(store.hybrid_order_taken(row.id, now).await?),
            Err(HybridError::Remote(error)) => error,
            Err(error) => return Err(error),
        };
        match error {
            RemoteError::Refused { text, .. } if row.order == Order::License => {
                Ok(store.hybrid_order_not_taken(row.id, now.plus(LOOK_SELDOM), text).await?)
            }
            RemoteError::Refused { kind, .. } if is_so_already(row.order, &kind) => {
                Ok(store.hybrid_order_waits(row.id, now.plus(LOOK_EVERY), None, row.gone).await?)
            }
            RemoteError::Refused { text, .. } => self.refused(row, what, text).await,
            RemoteError::Unsure(text) => {
                let note = Some(format!("no certain answer ({text}); it is looked for before it is sent again"));
                Ok(store.hybrid_order_waits(row.id, now.plus(LOOK_EVERY), note, row.gone).await?)
            }
            // The directory does not know the location yet that was set a moment ago.
            RemoteError::Busy { text, .. } if what == Send::Assign && text.contains("usage location") => {
                Ok(store.hybrid_order_not_taken(row.id, now.plus(PAUSE), text).await?)
            }
            RemoteError::Busy { pause, ref text } => {
                store.hybrid_order_not_taken(row.id, now.plus(pause.unwrap_or(PAUSE)), text.clone()).await?;
                Err(error.into())
            }
            RemoteError::Denied(ref text) => {
                store.hybrid_order_not_taken(row.id, now.plus(PAUSE), text.clone()).await?;
                Err(error.into())
            }
        }
    }

    /// A refusal may come because the first try, whose answer was lost, has been carried out.
    async fn refused(&self, row: &OrderRow, what: Send, text: String) -> Result<(), HybridError> {
        let store = &self.workspace.store;
        let was_unsure = row.sent.is_some_and(|sent| sent.what == what && !sent.taken);
        if was_unsure {
            let user = self.user(row.user).await?;
            let looked = self.look(row, user.as_ref()).await?;
            if needs(row.order, &looked.seen, self.now()) != Needs::To(what) {
                return Ok(store.hybrid_order_waits(row.id, self.now(), None, row.gone).await?);
            }
        }
        Ok(store.end_hybrid_order(row.id, OrderEnd::Refused(text), self.now()).await?)
    }

    async fn send(
        &self,
        row: &OrderRow,
        what: Send,
        (user, looked): (Option<&HybridUser>, &Looked),
    ) -> Result<(), HybridError> {
        let (batches, licenses) = (&self.services.batches, &self.services.licenses);
        let address = user.map(|user| user.address.as_str()).unwrap_or_default();
        let object = looked.object.as_deref().unwrap_or_default();
        let sent = match what {
            Send::Create => batches.create(&self.new_batch(row).await?).await,
            Send::Start => batches.start(&self.remote_name(row).await?).await,
            Send::Complete => {
                let after = match row.order {
                    Order::Finalize { at: Some(at) } => at,
                    _ => self.now(),
                };
                let name = self.remote_name(row).await?;
                let target = if user.is_some() { Target::User(address) } else { Target::Batch(&name) };
                batches.complete(target, after).await
            }
            Send::StopUser => batches.stop_user(address).await,
            Send::RemoveUser => batches.remove_user(address).await,
            Send::RemoveMove => batches.remove_move(address).await,
            Send::Approve => batches.approve(address).await,
            Send::SetLocation => licenses.set_location(object, looked.location.as_deref().unwrap_or_default()).await,
            Send::Assign => {
                let sku = looked.sku.as_deref().unwrap_or_default();
                // Whatever comes of it, this unit is not counted on again in this round.
                self.used(sku).await;
                licenses.assign(object, sku).await
            }
            Send::SetAttributes => {
                let values: Vec<_> = looked.differing.iter().map(|(row, wanted)| (*row, wanted.as_str())).collect();
                batches.set_attributes(address, &values).await
            }
        };
        Ok(sent?)
    }

    /// Only users of this project that are to move: the service checks that of none.
    async fn new_batch(&self, row: &OrderRow) -> Result<NewBatch, HybridError> {
        let users = self.workspace.store.hybrid_users(self.project.id).await?;
        let moves = |user: &&HybridUser| {
            let leaves = user.open.contains_key(Order::MoveOut.word());
            user.batch == Some(row.batch) && user.status == MoveStatus::Syncing && !leaves
        };
        let addresses: Vec<String> = users.iter().filter(moves).map(|user| user.address.clone()).collect();
        if addresses.is_empty() {
            return Err(RemoteError::Refused { kind: String::new(), text: "nobody is left in the batch".into() }.into());
        }
        let settings = &self.project.settings;
        Ok(NewBatch {
            name: self.remote_name(row).await?,
            endpoint: settings.endpoint.clone(),
            target_domain: settings.target_domain.clone(),
            addresses,
        })
    }
}
