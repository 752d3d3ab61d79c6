//! Creating the folders that the destination lacks; then these and those that it has are subscribed, in one flight.

use std::collections::BTreeMap;

use async_trait::async_trait;

use crate::domain::failure::{Failure, Side};
use crate::domain::folder::WireName;
use crate::domain::progress::Phase;
use crate::domain::tree::Creation;
use crate::endpoint::{Destination, NewFolder, Source};
use crate::pass::lane::Step;
use crate::pass::listing::new_folder;
use crate::pass::one_by_one::OneByOne;
use crate::pass::{OnSide, Pass, PassResult, PassStop, SideFailure};

/// Creates folders, then subscribes them and some that exist.
pub(super) struct Create<'a> {
    create: &'a [Creation],
    there: &'a [WireName],
    creating: OneByOne,
    /// By place in `create`, and behind them in `there`.
    subscribing: OneByOne,
    made: BTreeMap<usize, Result<WireName, Failure>>,
}

impl<'a> Create<'a> {
    /// Of these.
    pub fn of(create: &'a [Creation], there: &'a [WireName]) -> Self {
        let (creating, subscribing, made) = Default::default();
        Self { create, there, creating, subscribing, made }
    }

    async fn create_left(&mut self, to: &mut dyn Destination) -> PassResult<()> {
        if self.creating.together() {
            let create: Vec<NewFolder> = self.create.iter().map(new_folder).collect();
            let made = to.create(&create).await.on(Side::Destination).map_err(PassStop::Fatal)?;
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
        let above =
            |parent: &&Creation| parent.plain_parent && folder.path.components().starts_with(parent.path.components());
        self.create.iter().filter(above).chain([folder]).map(new_folder).collect()
    }

    /// What is to be subscribed and was not yet, by its place.
    fn unsubscribed(&self) -> Vec<(usize, WireName)> {
        let made = |at: usize| self.made.get(&at).and_then(|made| made.as_ref().ok());
        let wanted = self.create.iter().enumerate().filter(|(_, folder)| folder.subscribe);
        let made = wanted.filter_map(|(at, _)| Some((at, made(at)?)));
        let there = self.there.iter().enumerate().map(|(at, wire)| (self.create.len() + at, wire));
        let all = made.chain(there).filter(|(at, _)| !self.subscribing.is_done(*at));
        all.map(|(at, wire)| (at, wire.clone())).collect()
    }

    async fn subscribe_left(&mut self, to: &mut dyn Destination) -> PassResult<()> {
        let left = self.unsubscribed();
        let size = if self.subscribing.together() { left.len().max(1) } else { 1 };
        for some in left.chunks(size) {
            if let ([(at, _)], false) = (some, self.subscribing.together()) {
                self.subscribing.begins(*at);
            }
            let names: Vec<WireName> = some.iter().map(|(_, wire)| wire.clone()).collect();
            for refused in to.subscribe(&names).await.on(Side::Destination).map_err(PassStop::Fatal)? {
                if let Err(failure) = refused {
                    tracing::warn!(%failure, "folder not subscribed");
                }
            }
            some.iter().for_each(|(at, _)| self.subscribing.ends(*at));
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
        self.subscribe_left(to).await?;
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
