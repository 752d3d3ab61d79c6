//! Known refusals: a message that is too big for the destination is not read again as long as its limit, the option and the
//! message stay the same; it is the item error again. A pass that tries errors again reads it all the same.

use std::collections::BTreeSet;
use std::sync::PoisonError;

use crate::domain::failure::{Cause, Failure, Retry, Scope, Side};
use crate::domain::folder::{ListedFolder, UidValidity};
use crate::domain::ids::{FolderId, Uid};
use crate::domain::item_error::{FailedBefore, ItemError, SizeTerms};
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

    /// What an earlier pass could not move, and this one tries again.
    pub(super) fn failed_before(&self) -> &FailedBefore {
        self.findings.failed_before.get().unwrap_or(&self.order.failed)
    }

    /// The source lists these folders: where one that failed is missing, or was numbered anew, its messages may be anywhere.
    pub(super) fn look_for_failed(&self, listed: &[ListedFolder]) {
        let now = listed.iter().map(|folder| (&folder.path, folder.validity())).collect();
        self.findings.failed_before.get_or_init(|| self.order.failed.clone().at(&now));
    }

    /// Takes out of what is to be copied what the destination is known to refuse, or what is not tried again now.
    pub(super) async fn set_refused_aside(&self, job: &mut Job) -> PassResult<()> {
        let Todo::These(todo) = &job.remaining.todo else { return Ok(()) };
        if job.is_abandoned() {
            return Ok(());
        }
        let failed = self.failed_before();
        let known = |uid: &Uid| {
            let error = match self.order.plan.select.failed_of() {
                Some(_) => failed.set_aside((&job.path, job.plan.source.validity), *uid).cloned(),
                None => self.known_refusal(job, *uid),
            };
            error.map(|error| (*uid, error))
        };
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
            return Some(ItemError { size_terms: Some(terms), numbering: job.plan.source.validity, ..known });
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
            numbering: job.plan.source.validity,
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
