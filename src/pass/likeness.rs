//! Whether the logins of an item open the mailboxes that they should: what each side looks like, and whether both are one.
//!
//! Bounded: the newest [`NEWEST`] messages of one folder of each side.

use std::collections::HashMap;

use async_trait::async_trait;

use crate::domain::failure::{Cause, Failure, Retry, Scope, Side};
use crate::domain::folder::{ListedFolder, Role};
use crate::domain::ids::Uid;
use crate::domain::likeness::{Likeness, Sight};
use crate::domain::record::FolderRecord;
use crate::endpoint::{Destination, FolderRef, Source, Which};
use crate::pass::lane::{Lane, Step};
use crate::pass::listing::{Listing, Preparation};
use crate::pass::sample::who;
use crate::pass::{OnSide, Pass, PassResult, PassStop, SideFailure};

/// Messages that are looked at.
const NEWEST: usize = 8;
/// Numbers in which the newest messages are looked for, one span after the other; then everywhere.
const SPANS: [i64; 2] = [200, 20_000];

/// Looks at both sides.
struct LookAtBoth<'a> {
    listing: &'a Listing,
}

#[async_trait]
impl Step for LookAtBoth<'_> {
    type Out = [Option<Likeness>; 2];

    async fn run(&mut self, _pass: &Pass, source: &mut dyn Source, to: &mut dyn Destination) -> PassResult<Self::Out> {
        let Listing { source: from, destination: into, .. } = self.listing;
        let source = likeness(source, from).await.on(Side::Source).map_err(PassStop::Fatal)?;
        let destination = likeness(to, into).await.on(Side::Destination).map_err(PassStop::Fatal)?;
        Ok([source, destination])
    }
}

impl Preparation<'_> {
    /// What both sides look like, after they have been told from each other; kept for comparison with other items.
    pub(super) async fn verify_mailboxes(&self, lane: &mut Lane, listing: &Listing) -> PassResult<()> {
        let seen = self.pass.run_with_retry(lane, &mut LookAtBoth { listing }).await?;
        self.pass.journal.keep_likenesses(seen).await?;
        let known = self.pass.journal.folders().await?;
        if is_known(&known) || !may_be_one(listing) { Ok(()) } else { told_apart(seen) }
    }

    /// Refuses to copy a mailbox into itself, before anything is written, where ids of their own prove that both sides are one:
    /// equal messages under equal numbers may have been brought by another tool. Later passes go by what the first one found
    /// (D12).
    pub(super) fn tell_sides_apart(&self, records: &[FolderRecord], listing: &Listing) -> PassResult<()> {
        if is_known(records) || !may_be_one(listing) {
            return Ok(());
        }
        let by_id = |listed: &[ListedFolder]| {
            let folder = speaks_for(listed)?;
            Likeness::by_id(folder.state?, folder.mailbox_id.as_deref())
        };
        told_apart([by_id(&listing.source), by_id(&listing.destination)])
    }
}

/// Whether mail was copied before: then equal messages lie on both sides, perhaps under equal numbers.
fn is_known(records: &[FolderRecord]) -> bool {
    records.iter().any(|record| record.destination_validity.is_some())
}

/// Whether the lists allow that both sides are one mailbox: every folder of the source is there with the same UIDVALIDITY.
fn may_be_one(listing: &Listing) -> bool {
    let known = |folder: &ListedFolder| {
        let validity = folder.state.map(|state| state.uid_validity);
        (folder.path.clone(), (validity, folder.mailbox_id.clone()))
    };
    let there: HashMap<_, _> = listing.destination.iter().map(known).collect();
    let mut own = listing.source.iter().filter(|folder| folder.selectable && !folder.foreign).map(known);
    own.all(|(path, seen)| there.get(&path) == Some(&seen))
}

fn told_apart(seen: [Option<Likeness>; 2]) -> PassResult<()> {
    let [Some(source), Some(destination)] = seen else { return Ok(()) };
    if source != destination {
        return Ok(());
    }
    let failure = Failure::new(Cause::SameMailbox, Scope::Mailbox, Retry::User, "comparing the mailboxes")
        .saying("both sides show the same folder with the same messages under the same numbers");
    Err(PassStop::Fatal(SideFailure { side: Side::Destination, failure }))
}

/// The folder that stands for a mailbox: the inbox, or if that is empty the fullest.
fn speaks_for(listed: &[ListedFolder]) -> Option<&ListedFolder> {
    let messages = |folder: &ListedFolder| folder.state.map_or(0, |state| state.messages);
    let holds = |folder: &&ListedFolder| {
        folder.selectable && !folder.foreign && folder.role != Some(Role::All) && messages(folder) > 0
    };
    let mut full: Vec<&ListedFolder> = listed.iter().filter(holds).collect();
    full.sort_by(|a, b| messages(b).cmp(&messages(a)).then_with(|| a.path.cmp(&b.path)));
    full.iter().find(|folder| folder.path.is_inbox()).or(full.first()).copied()
}

/// What a mailbox looks like, of its listing. A folder that is refused says nothing.
async fn likeness(session: &mut (impl Source + ?Sized), listed: &[ListedFolder]) -> Result<Option<Likeness>, Failure> {
    let Some(folder) = speaks_for(listed) else { return Ok(None) };
    let id = folder.mailbox_id.as_deref();
    if let Some(likeness) = folder.state.and_then(|state| Likeness::by_id(state, id)) {
        return Ok(Some(likeness));
    }
    match looked_at(session, folder).await {
        Err(failure) if !failure.breaks_connection() => {
            tracing::debug!(folder = %folder.path, %failure, "the mailbox shows nothing by which it could be told");
            Ok(None)
        }
        likeness => likeness,
    }
}

async fn looked_at(session: &mut (impl Source + ?Sized), folder: &ListedFolder) -> Result<Option<Likeness>, Failure> {
    let at = FolderRef { path: folder.path.clone(), wire: folder.wire.clone(), validity: None };
    let state = session.examine(&at).await?;
    let uids = newest(session, &at, state.uid_next.unwrap_or(Uid(0))).await?;
    let names = who(session, &at, &uids).await?;
    let keys = session.keys(&at, &Which::These(uids)).await?.unwrap_or_default();
    let key = |uid: Uid| keys.iter().find(|(of, _)| *of == uid).map(|(_, key)| *key);
    let newest: Vec<_> = names.into_iter().map(|(uid, names)| (uid, names.now, key(uid))).collect();
    Ok(Likeness::of(&Sight { state, mailbox_id: folder.mailbox_id.as_deref(), newest: &newest }))
}

/// The numbers of the newest messages, ascending.
async fn newest(session: &mut (impl Source + ?Sized), folder: &FolderRef, next: Uid) -> Result<Vec<Uid>, Failure> {
    let spans = SPANS.iter().map(|span| Uid(next.0 - span)).filter(|from| from.0 > 0).map(Which::From);
    for which in spans.chain([Which::All]) {
        let found = session.scan(folder, &which, false).await?;
        if found.len() >= NEWEST || which == Which::All {
            let first = found.len().saturating_sub(NEWEST);
            return Ok(found[first..].iter().map(|message| message.uid).collect());
        }
    }
    Ok(Vec::new())
}
