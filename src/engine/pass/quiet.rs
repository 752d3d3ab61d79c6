//! Waits until a destination has finished what it received on a connection that was lost.
//!
//! A server goes on with the commands in its pipe after the client is gone. Whoever looks for the messages of an
//! interrupted attempt before that would miss some and send them again. So folders that may still grow are watched
//! until their UIDNEXT has stood still for [`Pace::quiet`](crate::domain::retry::Pace::quiet). Bounded: [`LOOKS`], for
//! a mailbox that is in use receives mail of its own.

use async_trait::async_trait;

use crate::domain::failure::Side;
use crate::endpoint::{Destination, FolderRef, Source};
use crate::engine::pass::job::Job;
use crate::engine::pass::lane::{Lane, Step};
use crate::engine::pass::{Flow, Halt, On, Pass};

/// Most looks at the folders.
const LOOKS: usize = 30;

struct Quiet {
    folders: Vec<FolderRef>,
}

#[async_trait]
impl Step for Quiet {
    type Out = ();

    async fn run(&mut self, pass: &Pass, _source: &mut dyn Source, to: &mut dyn Destination) -> Flow<()> {
        let mut seen: Option<Vec<Option<u32>>> = None;
        for _ in 0..LOOKS {
            let opened = to.open(&self.folders).await.on(Side::Destination).map_err(Halt::Fatal)?;
            // A folder that cannot be opened does not grow either; what is wrong with it shows when it is worked on.
            let next = opened.into_iter().map(|folder| folder.ok().map(|(state, _)| state.uid_next)).collect();
            if seen.as_ref() == Some(&next) {
                return Ok(());
            }
            seen = Some(next);
            tokio::time::sleep(pass.order.pace.quiet).await;
        }
        tracing::info!("the destination keeps growing; going on");
        Ok(())
    }
}

impl Pass {
    /// Waits until the destination folders of these are quiet.
    pub(super) async fn quiet<'a>(&self, lane: &mut Lane, jobs: impl Iterator<Item = &'a Job>) -> Flow<()> {
        let mut folders: Vec<FolderRef> = jobs.map(|job| job.destination.clone()).collect();
        folders.dedup();
        if folders.is_empty() {
            return Ok(());
        }
        self.persist(lane, &mut Quiet { folders }).await
    }
}
