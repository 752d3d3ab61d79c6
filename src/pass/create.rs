//! Creating the folders that the destination lacks, and subscribing those that it has.

use std::collections::BTreeMap;

use async_trait::async_trait;

use crate::domain::failure::{Failure, Side};
use crate::domain::folder::WireName;
use crate::domain::progress::Phase;
use crate::endpoint::{Destination, NewFolder, Source};
use crate::pass::lane::Step;
use crate::pass::one_by_one::OneByOne;
use crate::pass::{OnSide, Pass, PassResult, PassStop, SideFailure};

/// Breaks at one folder after which it is made without subscribing it.
const PLAINLY: u32 = 2;

/// Creates folders and subscribes those that exist.
pub(super) struct Create<'a> {
    create: &'a [NewFolder],
    subscribe: &'a [WireName],
    creating: OneByOne,
    subscribing: OneByOne,
    made: BTreeMap<usize, Result<WireName, Failure>>,
}

impl<'a> Create<'a> {
    /// Of these.
    pub fn of(create: &'a [NewFolder], subscribe: &'a [WireName]) -> Self {
        let (creating, subscribing, made) = Default::default();
        Self { create, subscribe, creating, subscribing, made }
    }

    async fn create_left(&mut self, to: &mut dyn Destination) -> PassResult<()> {
        if self.creating.together() {
            let made = to.create(self.create).await.on(Side::Destination).map_err(PassStop::Fatal)?;
            self.made.extend(made.into_iter().enumerate());
            (0..self.create.len()).for_each(|at| self.creating.ends(at));
        }
        for at in 0..self.create.len() {
            if self.creating.is_done(at) {
                continue;
            }
            if self.create[at].plain_parent {
                self.made.insert(at, Ok(to.wire_name(&self.create[at].path)));
            } else {
                self.creating.begins(at);
                let made = to.create(&self.by_itself(at)).await.on(Side::Destination).map_err(PassStop::Fatal)?;
                self.made.extend(made.into_iter().next_back().map(|made| (at, made)));
            }
            self.creating.ends(at);
        }
        Ok(())
    }

    /// A folder behind the parents that it may need.
    fn by_itself(&self, at: usize) -> Vec<NewFolder> {
        let folder = &self.create[at];
        let subscribe = folder.subscribe && self.creating.breaks_at(at) < PLAINLY;
        let above =
            |parent: &&NewFolder| parent.plain_parent && folder.path.components().starts_with(parent.path.components());
        let parents = self.create.iter().filter(above).cloned();
        parents.chain([NewFolder { subscribe, ..folder.clone() }]).collect()
    }

    async fn subscribe_left(&mut self, to: &mut dyn Destination) -> PassResult<()> {
        let left: Vec<usize> = (0..self.subscribe.len()).filter(|at| !self.subscribing.is_done(*at)).collect();
        let size = if self.subscribing.together() { left.len().max(1) } else { 1 };
        for some in left.chunks(size) {
            if let ([at], false) = (some, self.subscribing.together()) {
                self.subscribing.begins(*at);
            }
            let names: Vec<WireName> = some.iter().map(|at| self.subscribe[*at].clone()).collect();
            for refused in to.subscribe(&names).await.on(Side::Destination).map_err(PassStop::Fatal)? {
                if let Err(failure) = refused {
                    tracing::warn!(%failure, "folder not subscribed");
                }
            }
            some.iter().for_each(|at| self.subscribing.ends(*at));
        }
        Ok(())
    }
}

#[async_trait]
impl Step for Create<'_> {
    type Out = Vec<Result<WireName, Failure>>;

    async fn run(&mut self, pass: &Pass, _source: &mut dyn Source, to: &mut dyn Destination) -> PassResult<Self::Out> {
        pass.tally.phase(pass.clock.now(), Phase::CreatingFolders);
        if !self.create.is_empty() {
            let mut made = self.create_left(to).await;
            pass.tell_room(to, None, &mut made).await;
            made?;
        }
        if !self.subscribe.is_empty() {
            self.subscribe_left(to).await?;
        }
        Ok(std::mem::take(&mut self.made).into_values().collect())
    }

    fn broke(&mut self, pass: &Pass, trouble: &SideFailure) -> Option<Self::Out> {
        let created = (0..self.create.len()).all(|at| self.creating.is_done(at));
        if created {
            // A folder that is not subscribed is usable.
            self.subscribing.broke(pass, trouble);
        } else if let Some(at) = self.creating.broke(pass, trouble) {
            self.made.insert(at, Err(trouble.failure.clone()));
        }
        None
    }
}
