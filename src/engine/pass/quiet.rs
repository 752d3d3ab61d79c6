//! Waiting until a destination has taken in what an interrupted connection left on its way to it.
//!
//! A server may go on storing messages that it has received after the connection is gone. Looking for them too early
//! would find nothing and send them again (D9).

use async_trait::async_trait;

use crate::domain::failure::Side;
use crate::endpoint::{Destination, FolderRef, Source};
use crate::engine::pass::lane::{Lane, Step};
use crate::engine::pass::{Flow, Halt, On, Pass};

/// A folder that grows for longer is being filled by somebody else.
const LOOKS: u32 = 20;

struct Quiet {
    folders: Vec<FolderRef>,
}

impl Quiet {
    async fn ends(&self, to: &mut dyn Destination) -> Flow<Vec<Option<u32>>> {
        let opened = to.open(&self.folders).await.on(Side::Destination).map_err(Halt::Fatal)?;
        Ok(opened.into_iter().map(|folder| folder.ok().map(|(state, _)| state.uid_next)).collect())
    }
}

#[async_trait]
impl Step for Quiet {
    type Out = ();

    async fn run(&mut self, pass: &Pass, _source: &mut dyn Source, to: &mut dyn Destination) -> Flow<()> {
        let mut before = self.ends(to).await?;
        for _ in 0..LOOKS {
            tokio::time::sleep(pass.order.pace.quiet).await;
            let now = self.ends(to).await?;
            if now == before {
                break;
            }
            before = now;
        }
        Ok(())
    }
}

impl Pass {
    /// Returns when these folders have stopped growing.
    pub(super) async fn wait_until_quiet<'a>(
        &self,
        lane: &mut Lane,
        folders: impl Iterator<Item = &'a FolderRef>,
    ) -> Flow<()> {
        let mut folders: Vec<FolderRef> = folders.map(|folder| FolderRef { validity: 0, ..folder.clone() }).collect();
        folders.sort_by(|a, b| a.wire.cmp(&b.wire));
        folders.dedup_by(|a, b| a.wire == b.wire);
        if folders.is_empty() {
            return Ok(());
        }
        self.persist(lane, &mut Quiet { folders }).await
    }
}
