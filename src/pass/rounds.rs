//! The phases before copying, over all folders: whether the numbers of copies hold, what is new at the source, and what of that
//! the destination has. Lanes take the folders group by group; what they found is brought together between two phases (D18).

use std::sync::{Mutex, PoisonError};

use futures_util::future::join_all;

use crate::pass::comparison::All;
use crate::pass::comparison::Comparison;
use crate::pass::lane::{Lane, Lanes, settle};
use crate::pass::number_check::NumberCheck;
use crate::pass::places::LostCopyRows;
use crate::pass::places::{Group, GroupQueue, Prepared};
use crate::pass::resolution::Resolution;
use crate::pass::{Pass, PassResult};

/// What lanes do with every folder of the groups they take.
pub(super) enum GroupWork<'a> {
    /// Compare; watermarks that lost their message are gathered, and rows that were set aside with the folder's own.
    Compare(&'a Mutex<All>),
    /// Resolve.
    Resolve(&'a Prepared),
    /// Check whether the numbers of copies hold.
    Numbers(&'a LostCopyRows),
}

impl Pass {
    /// Lets all lanes look at the folders of these groups; answers them with the others.
    pub(super) async fn side_by_side(
        &self,
        lanes: &mut Lanes,
        look: &GroupWork<'_>,
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
                    self.look_at_groups(lane, look, queue, done).await
                };
                self.lane_ended(run.await)
            }
        });
        settle(join_all(runs).await)?;
        // What a lane gave back.
        if let Some(first) = lanes.iter_mut().next() {
            self.look_at_groups(first, look, &queue, &done).await?;
        }
        Ok(done.into_groups())
    }

    async fn look_at_groups(
        &self,
        lane: &mut Lane,
        look: &GroupWork<'_>,
        queue: &GroupQueue,
        done: &GroupQueue,
    ) -> PassResult<()> {
        while let Some(mut group) = queue.take() {
            if let GroupWork::Numbers(rows) = look {
                match NumberCheck::of(self).check_there(lane, rows, &mut group).await {
                    Ok(()) => done.put(group),
                    Err(halt) if lane.is_unwanted(&halt) => {
                        lane.drop_extra();
                        queue.put(group);
                        return Ok(());
                    }
                    Err(halt) => return Err(halt),
                }
                continue;
            }
            for job in group.iter_mut().filter(|job| !job.is_abandoned()) {
                let looked = match look {
                    GroupWork::Numbers(_) => Ok(()),
                    GroupWork::Compare(all) => Comparison::of(self).scan_folder(lane, job).await.map(|found| {
                        let mut all = all.lock().unwrap_or_else(PoisonError::into_inner);
                        all.gone.extend(found.gone);
                        all.astray.extend(found.astray);
                        all.retired.extend(found.retired.into_iter().map(|row| (row, job.id)));
                    }),
                    GroupWork::Resolve(prepared) => Resolution::of(self).resolve_folder(lane, prepared, job).await,
                };
                match looked {
                    Ok(()) => {}
                    Err(halt) if lane.is_unwanted(&halt) => {
                        lane.drop_extra();
                        queue.put(group);
                        return Ok(());
                    }
                    Err(halt) => return Err(halt),
                }
            }
            done.put(group);
        }
        Ok(())
    }
}
