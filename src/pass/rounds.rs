//! The phases before copying, over all folders: whether the numbers of copies hold, what is new at the source, and what of that
//! the destination has. Lanes take the folders group by group; what they found is brought together between two phases (D18).

use futures_util::future::join_all;

use crate::pass::lane::{Lane, Lanes, settle};
use crate::pass::places::{Group, GroupQueue};
use crate::pass::{Pass, PassResult};

/// What lanes do with each group they take.
pub(super) trait GroupWork: Sync {
    /// Looks at the folders of a group, by this lane.
    fn look(&self, lane: &mut Lane, group: &mut Group) -> impl Future<Output = PassResult<()>> + Send;
}

impl Pass {
    /// Lets all lanes look at the folders of these groups; answers them with the others.
    pub(super) async fn side_by_side(
        &self,
        lanes: &mut Lanes,
        work: &impl GroupWork,
        groups: Vec<Group>,
        rest: Vec<Group>,
    ) -> PassResult<Vec<Group>> {
        let (queue, done) = (GroupQueue::new(groups), GroupQueue::new(rest));
        let runs = lanes.iter_mut().map(|lane| {
            let (queue, done) = (&queue, &done);
            async move {
                let run = async {
                    if queue.is_empty() || !self.connect_extra(lane).await {
                        return Ok(());
                    }
                    self.look_at_groups(lane, work, queue, done).await?;
                    self.rests(lane).await;
                    Ok(())
                };
                self.lane_ended(run.await)
            }
        });
        settle(join_all(runs).await)?;
        // What a lane gave back.
        if let Some(first) = lanes.iter_mut().next() {
            self.look_at_groups(first, work, &queue, &done).await?;
        }
        Ok(done.into_groups())
    }

    async fn look_at_groups(
        &self,
        lane: &mut Lane,
        work: &impl GroupWork,
        queue: &GroupQueue,
        done: &GroupQueue,
    ) -> PassResult<()> {
        while let Some(mut group) = queue.take() {
            match work.look(lane, &mut group).await {
                Ok(()) => done.put(group),
                Err(halt) if lane.is_unwanted(&halt) => {
                    lane.step_back(&halt);
                    queue.put(group);
                    return Ok(());
                }
                Err(halt) => return Err(halt),
            }
        }
        Ok(())
    }
}
