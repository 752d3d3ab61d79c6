//! What a window asks about hybrid projects, and what it hears.

use std::path::PathBuf;

use super::answers::Answers;
use crate::domain::ids::{HybridBatchId, HybridProjectId, HybridUserId};
use crate::domain::star::Star;
use crate::domain::time::Timestamp;
use crate::service::hybrid::batches::{self, Started};
use crate::service::hybrid::users::{self, UsersIn};
use crate::service::hybrid::{
    self, CheckLine, HybridDetails, HybridOf, HybridProject, HybridSettings, HybridUser, HybridViews, LeftOut,
    NewHybrid,
};
use crate::service::{ServiceError, hybrid::check};

/// A question or an order about hybrid projects.
#[derive(Debug)]
pub enum HybridAsk {
    /// Makes a project.
    New(Box<NewHybrid>),
    /// Something about a project.
    Of(HybridProjectId, OfHybrid),
    /// What happened to a user or a batch.
    Details(HybridOf),
}

/// What is asked of one project.
#[derive(Clone, Debug, PartialEq)]
pub enum OfHybrid {
    /// Changes its settings.
    Change(Box<HybridSettings>),
    /// Removes it with Mailferry's records of it.
    Delete,
    /// Brings users in from a file.
    Import(PathBuf),
    /// Brings in everybody of the tenant who can move.
    ImportDirectory,
    /// Makes a batch and moves users into it.
    NewBatch(String, Vec<HybridUserId>),
    /// Moves users into a batch.
    MoveIn(HybridBatchId, Vec<HybridUserId>),
    /// Moves users out of their batches, after the question was answered.
    MoveOut(Vec<HybridUserId>),
    /// Submits a batch, or what failed of it again; the flag leaves out the look at the tenant.
    Start(HybridBatchId, bool),
    /// Finalizes a batch, or these users of it, now or at a time.
    Finalize(HybridBatchId, Option<Vec<HybridUserId>>, Option<Timestamp>),
    /// Approves the items that were left out of users.
    Approve(Vec<HybridUserId>),
    /// Sets or removes the star of users.
    Star(Vec<HybridUserId>, Option<Star>),
    /// Looks whether the tenant is ready for the users of a batch, or for all.
    Check(Option<HybridBatchId>),
    /// Asks the service for its own account of a user's move.
    Report(HybridUserId),
    /// The service is asked again at once.
    TryNow,
}

/// What is answered.
#[derive(Clone, Debug, PartialEq)]
pub enum HybridTold {
    /// A project was made; all of them.
    Made(HybridProjectId, HybridViews),
    /// Its settings were changed.
    Changed,
    /// It is gone; those that are left.
    Deleted(HybridViews),
    /// Users came in.
    Imported(UsersIn),
    /// A batch was made; who of so many was left alone.
    BatchMade(HybridBatchId, usize, Vec<LeftOut>),
    /// It was done for so many users, and these were left alone.
    Done(usize, Vec<LeftOut>),
    /// What came of a Start.
    Started(Started),
    /// How the tenant was found.
    Checked(Vec<CheckLine>),
    /// See [`HybridAsk::Details`].
    Details(Box<HybridDetails>),
    /// The service's own account of a user's move.
    Report(HybridUserId, Timestamp, String),
    /// It is done, and there is nothing to say.
    Quiet,
}

impl Answers {
    pub(super) async fn hybrid(&self, ask: HybridAsk) -> Result<HybridTold, ServiceError> {
        let workspace = &self.workspace;
        let told = match ask {
            HybridAsk::New(new) => {
                let id = hybrid::create(workspace, *new).await?;
                HybridTold::Made(id, hybrid::views(workspace).await?)
            }
            HybridAsk::Details(of) => return Ok(HybridTold::Details(Box::new(hybrid::details(workspace, of).await?))),
            HybridAsk::Of(id, what) => {
                let project = hybrid::by_id(workspace, id).await?;
                self.of_hybrid(&project, what).await?
            }
        };
        self.hybrid.look().await;
        Ok(told)
    }

    async fn of_hybrid(&self, project: &HybridProject, what: OfHybrid) -> Result<HybridTold, ServiceError> {
        let workspace = &self.workspace;
        Ok(match what {
            OfHybrid::Change(settings) => {
                hybrid::change(workspace, project, *settings).await?;
                HybridTold::Changed
            }
            OfHybrid::Delete => {
                hybrid::remove(workspace, project).await?;
                HybridTold::Deleted(hybrid::views(workspace).await?)
            }
            OfHybrid::Import(file) => HybridTold::Imported(users::import(workspace, project, file).await?),
            OfHybrid::ImportDirectory => HybridTold::Imported(users::import_from_directory(workspace, project).await?),
            OfHybrid::Start(batch, unchecked) => {
                HybridTold::Started(batches::start(workspace, project, batch, unchecked).await?)
            }
            OfHybrid::Star(members, star) => {
                users::star(workspace, members, star).await?;
                HybridTold::Quiet
            }
            OfHybrid::Check(batch) => {
                let mut members = users::all(workspace, project).await?;
                members.retain(|user| batch.is_none() || user.batch == batch);
                HybridTold::Checked(check::check(workspace, project, &members).await?)
            }
            OfHybrid::Report(user) => {
                let found = self.users(project, &[user]).await?;
                let user = found.first().ok_or_else(|| ServiceError::NoHybridUser(user.to_string()))?;
                let (at, text) = hybrid::report(workspace, project, user).await?;
                HybridTold::Report(user.id, at, text)
            }
            OfHybrid::TryNow => {
                hybrid::try_now(workspace, project).await?;
                HybridTold::Quiet
            }
            order => self.order_hybrid(project, order).await?,
        })
    }

    /// What a person does with users and batches.
    async fn order_hybrid(&self, project: &HybridProject, what: OfHybrid) -> Result<HybridTold, ServiceError> {
        let workspace = &self.workspace;
        Ok(match what {
            OfHybrid::NewBatch(name, members) => {
                let members = self.users(project, &members).await?;
                let batch = batches::new(workspace, project, &name).await?;
                let left = batches::move_in(workspace, project, batch, &members).await?;
                HybridTold::BatchMade(batch, members.len(), left)
            }
            OfHybrid::MoveIn(batch, members) => {
                let members = self.users(project, &members).await?;
                done(&members, batches::move_in(workspace, project, batch, &members).await?)
            }
            OfHybrid::MoveOut(members) => {
                let members = self.users(project, &members).await?;
                done(&members, batches::move_out(workspace, project, &members).await?)
            }
            OfHybrid::Finalize(batch, only, at) => {
                let members = match &only {
                    Some(only) => self.users(project, only).await?,
                    None => batches::members(workspace, project, batch).await?,
                };
                let only = only.is_some().then_some(members.as_slice());
                done(&members, batches::finalize(workspace, project, batch, only, at).await?)
            }
            OfHybrid::Approve(members) => {
                let members = self.users(project, &members).await?;
                done(&members, batches::approve(workspace, project, &members).await?)
            }
            _ => return Err(ServiceError::NotAQuestion),
        })
    }

    /// Users of a project; who went meanwhile is none of them.
    async fn users(&self, project: &HybridProject, ids: &[HybridUserId]) -> Result<Vec<HybridUser>, ServiceError> {
        let ids: std::collections::HashSet<&HybridUserId> = ids.iter().collect();
        let mut all = users::all(&self.workspace, project).await?;
        all.retain(|user| ids.contains(&user.id));
        Ok(all)
    }
}

fn done(members: &[HybridUser], left: Vec<LeftOut>) -> HybridTold {
    HybridTold::Done(members.len().saturating_sub(left.len()), left)
}
