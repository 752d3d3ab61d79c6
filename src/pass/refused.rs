//! Known refusals: a message that is too big for the destination is not read again as long as its limit, the option and the
//! message stay the same; it is the item error again. A pass that tries errors again reads it all the same.

use std::collections::BTreeSet;
use std::sync::PoisonError;

use crate::domain::failure::{Cause, Failure, Retry, Scope, Side};
use crate::domain::folder::UidValidity;
use crate::domain::ids::{FolderId, Uid};
use crate::domain::item_error::{ItemError, SizeTerms};
use crate::domain::pass_plan::Select;
use crate::pass::job::{Job, Todo};
use crate::pass::recorder::ToRecord;
use crate::pass::{Pass, PassResult};

impl Pass {
    /// The destination told the largest message that it takes.
    pub(super) fn told_limit(&self, limit: Option<u64>) {
        *self.findings.message_limit.lock().unwrap_or_else(PoisonError::into_inner) = limit;
    }

    /// What decides now whether a message is too big.
    pub(super) fn size_terms(&self, job: &Job, message: Uid) -> SizeTerms {
        SizeTerms {
            limit: *self.findings.message_limit.lock().unwrap_or_else(PoisonError::into_inner),
            largest: self.order.options.largest,
            listed: job.remaining.listing.get(&message).map_or(0, |listed| u64::from(listed.1)),
            numbering: UidValidity::number(job.plan.source.validity),
        }
    }

    /// Whether refusals of a folder's messages are known, so that it must be listed.
    pub(super) fn knows_refusals(&self, job: &Job) -> bool {
        !self.order.known_errors.too_big(&job.path).is_empty()
    }

    /// Takes out of what is to be copied what the destination is known to refuse.
    pub(super) async fn set_refused_aside(&self, job: &mut Job) -> PassResult<()> {
        let Todo::These(todo) = &job.remaining.todo else { return Ok(()) };
        if job.is_abandoned() || matches!(self.order.plan.select, Select::FailedOf(_)) {
            return Ok(());
        }
        let known = |uid: &Uid| self.known_refusal(job, *uid).map(|error| (*uid, error));
        let refused: Vec<(Uid, ItemError)> = todo.iter().filter_map(known).collect();
        let gone: BTreeSet<Uid> = refused.iter().map(|(uid, _)| *uid).collect();
        if let Todo::These(todo) = &mut job.remaining.todo {
            todo.retain(|uid| !gone.contains(uid));
        }
        for (uid, error) in refused {
            self.not_again(job.id, uid);
            self.not_moved(job.id, error).await?;
        }
        Ok(())
    }

    fn known_refusal(&self, job: &Job, message: Uid) -> Option<ItemError> {
        let terms = self.size_terms(job, message);
        if let Some(known) = self.order.known_errors.refusal(&job.path, message, &terms) {
            return Some(ItemError { size_terms: Some(terms), ..known });
        }
        let limit = terms.limit.filter(|_| terms.rule_out())?;
        let doing = format!("comparing sizes in folder \"{}\"", job.path);
        let failure = Failure::new(Cause::TooBig, Scope::Message, Retry::Never, doing).saying(format!(
            "not read: the source says that it has {} bytes; the destination accepts at most {limit}",
            terms.listed
        ));
        Some(ItemError {
            folder: Some(job.path.clone()),
            source: Some(message),
            size: Some(terms.listed),
            side: Some(Side::Destination),
            size_terms: Some(terms),
            ..ItemError::about(failure)
        })
    }

    /// Records an item error. One that a person accepted before stays accepted, and does not count against the limit.
    pub(super) async fn not_moved(&self, folder: FolderId, error: ItemError) -> PassResult<()> {
        let accepted = self.order.known_errors.acceptance(&error);
        let open = accepted.is_none();
        if !open {
            self.tally.accepted(error.messages);
        }
        self.recorder.add(ToRecord::error(folder, ItemError { accepted, ..error })).await;
        self.check_errors(u64::from(open))
    }
}
