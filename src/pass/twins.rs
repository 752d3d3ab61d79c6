//! The tree of a pass: planned, and where names differ only in case, planned again after the destination was asked (D14).

use async_trait::async_trait;

use crate::domain::failure::{Cause, Failure, Retry, Scope, Side};
use crate::domain::folder::ListedFolder;
use crate::domain::tree::{BothLists, Tree, Twins, destination_tree};
use crate::endpoint::{Destination, NewFolder, Source};
use crate::pass::known::KnownRows;
use crate::pass::lane::{Lane, Step};
use crate::pass::listing::{Listing, Preparation, new_folder, own};
use crate::pass::{OnSide, Pass, PassResult, PassStop, SideFailure};

/// How often the destination is asked: names nested deeper than this in names that differ only in case are left to chance.
const ROUNDS: u32 = 16;

/// Creates folders and lists what is there then.
struct Try(Vec<NewFolder>);

#[async_trait]
impl Step for Try {
    type Out = Vec<ListedFolder>;

    async fn run(&mut self, _pass: &Pass, _source: &mut dyn Source, to: &mut dyn Destination) -> PassResult<Self::Out> {
        for refused in to.create(&self.0).await.on(Side::Destination).map_err(PassStop::Fatal)? {
            if let Err(failure) = refused {
                tracing::info!(%failure, "one of two names that differ only in case not created");
            }
        }
        Ok(own(to.list().await.on(Side::Destination).map_err(PassStop::Fatal)?))
    }
}

impl Preparation<'_> {
    /// The tree as far as it can be told without asking the destination. Changes nothing.
    pub(super) fn plan(&self, listing: &Listing, known: &KnownRows<'_>, twins: &Twins) -> PassResult<Tree> {
        let Listing { source, destination, limits } = listing;
        let listed = BothLists { source, destination, separator: limits.separator };
        destination_tree(listed, &self.pass.order.options, &known.destinations, twins).map_err(|error| {
            let failure = Failure::new(Cause::FolderRefused, Scope::Mailbox, Retry::User, "reading the mapping");
            PassStop::Fatal(SideFailure { side: Side::Destination, failure: failure.saying(error.to_string()) })
        })
    }

    /// Decides the tree. Folders whose names differ only in case are made by this, and are in the listing afterwards.
    pub(super) async fn tree(&self, lane: &mut Lane, listing: &mut Listing, known: &KnownRows<'_>) -> PassResult<Tree> {
        let mut twins = Twins::default();
        let mut tree = self.plan(listing, known, &twins)?;
        for _ in 0..ROUNDS {
            let asked = twins.to_ask(&tree, &listing.destination);
            if asked.is_empty() {
                break;
            }
            let listed = self.pass.run_with_retry(lane, &mut Try(asked.iter().map(new_folder).collect())).await?;
            twins.learn(&asked, &tree, &listing.destination, &listed);
            listing.destination = listed;
            tree = self.plan(listing, known, &twins)?;
        }
        Ok(tree)
    }
}
