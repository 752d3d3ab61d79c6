//! The copier: the runner that moves mail on this machine. For each pass a worker loads what earlier passes left, opens both
//! endpoints and hands over to [`Pass`].

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use jiff::tz::TimeZone;

use crate::domain::failure::{Cause, Failure, Retry, Scope, Side};
use crate::domain::ids::{CredentialId, ItemId, PassId, ProjectId};
use crate::domain::item::{Item, Mailbox};
use crate::domain::item_error::{EarlierErrors, FailedBefore};
use crate::domain::pass_plan::{Parameters, PassPlan, PlanError, Writes};
use crate::domain::project::Project;
use crate::domain::retry::{Pace, Settle};
use crate::domain::time::Timestamp;
use crate::endpoint::auth::Authenticator;
use crate::endpoint::budget::Budget;
use crate::endpoint::own_network::OwnNetwork;
use crate::endpoint::registry::tell_apart;
use crate::endpoint::sayings::Sayings;
use crate::endpoint::{ByteCounter, DestinationEndpoint, Resources, SourceEndpoint, Waits};
use crate::engine::authenticators::Authenticators;
use crate::engine::logins::Logins;
use crate::engine::runner::{Reports, Runner, Task};
use crate::engine::shared_limits::SharedLimits;
use crate::engine::store_journal::StoreJournal;
use crate::engine::workspace::Workspace;
use crate::engine::wrong_mailbox;
use crate::engine::zone_of;
use crate::pass::doors::Approach;
use crate::pass::journal::Journal;
use crate::pass::tally::PassStats;
use crate::pass::{Means, Pass, PassEnd, PassOrder, Stops};
use crate::store::{PassRow, StoreError};

/// How often the figures of a running pass are reported.
const REPORT_EVERY: Duration = Duration::from_millis(100);
/// How often they are written down.
const FLUSH_EVERY: Duration = Duration::from_secs(1);

/// Memory for messages read back from the destination to recognise them, for one pass.
const READ_BACK_MEMORY: usize = 2 * 1024 * 1024;

/// Milliseconds to wait, at least, for what a lost connection may have left on its way; for tests, which have no time.
const SETTLE: &str = "MAILFERRY_SETTLE";

/// The pauses of a pass.
fn pace() -> Pace {
    let base = std::env::var(SETTLE).ok().and_then(|milliseconds| milliseconds.parse().ok());
    let settle = base.map_or_else(Settle::default, |base| Settle::with_base(Duration::from_millis(base)));
    Pace { settle, ..Pace::default() }
}

/// Copies mail: one pass for each task.
pub(super) struct Copier {
    workspace: Workspace,
    authenticators: Authenticators,
    limits: SharedLimits,
}

impl Copier {
    /// A copier of this workspace.
    pub fn new(workspace: Workspace) -> Self {
        Self { workspace, authenticators: Authenticators::default(), limits: SharedLimits::default() }
    }
}

#[async_trait]
impl Runner for Copier {
    async fn run(&self, task: Task, reports: &Reports, stops: Stops) -> PassEnd {
        let meter: Arc<ByteCounter> = Arc::default();
        let tally = PassStats::new(Arc::clone(&meter));
        tally.goes_on_from(&task.before);
        let (workspace, authenticators, limits) = (&self.workspace, &self.authenticators, &self.limits);
        let network = OwnNetwork::new(workspace.clock.clone());
        let (item, pass) = (task.item, task.pass);
        let worker = Worker { workspace, authenticators, limits, item, pass, tally, meter, network };
        let end = worker.run(reports, stops).await;
        reports.last_figures(worker.tally.progress(), worker.meter.total()).await;
        end
    }

    fn try_again(&self, project: ProjectId) {
        self.authenticators.forget(project);
        self.workspace.sign_ins.forget(project);
    }
}

/// One pass and what it needs.
struct Worker<'a> {
    workspace: &'a Workspace,
    authenticators: &'a Authenticators,
    limits: &'a SharedLimits,
    item: ItemId,
    pass: PassId,
    tally: Arc<PassStats>,
    meter: Arc<ByteCounter>,
    network: Arc<OwnNetwork>,
}

/// Why a pass could not even begin.
enum Unready {
    Side(Side, Failure),
    Store(StoreError),
    Plan(PlanError),
}

impl From<PlanError> for Unready {
    fn from(error: PlanError) -> Self {
        Self::Plan(error)
    }
}

impl From<StoreError> for Unready {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

struct Ready {
    project: Project,
    /// The way to its servers.
    approach: Approach,
    order: PassOrder,
    /// What the servers of both sides say to people.
    said: [Arc<Sayings>; 2],
    source: Arc<dyn SourceEndpoint>,
    destination: Arc<dyn DestinationEndpoint>,
}

fn workspace_failed(doing: &str, error: &StoreError) -> PassEnd {
    let failure = Failure::new(Cause::WorkspaceFailed, Scope::Mailbox, Retry::User, doing);
    PassEnd::Failed { side: None, failure: failure.saying(error.to_string()) }
}

impl Worker<'_> {
    /// Runs the pass to its end.
    async fn run(&self, reports: &Reports, stops: Stops) -> PassEnd {
        // A keyring may wait for a person who is not there (D23). What was begun to be written is still carried out.
        let ready = tokio::select! {
            ready = self.ready() => ready,
            () = stops.stop.cancelled() => return PassEnd::Stopped(None),
            () = stops.abort.cancelled() => return PassEnd::Stopped(None),
        };
        let ready = match ready {
            Ok(ready) => ready,
            Err(Unready::Side(side, failure)) => return PassEnd::Failed { side: Some(side), failure },
            Err(Unready::Store(error)) => return workspace_failed("loading the pass", &error),
            Err(Unready::Plan(error)) => {
                let failure = Failure::new(Cause::Internal, Scope::Mailbox, Retry::User, "planning the pass");
                return PassEnd::Failed { side: None, failure: failure.saying(error.to_string()) };
            }
        };
        reports.loaded().await;
        let journal: Arc<dyn Journal> = Arc::new(StoreJournal::new(self.workspace.store.clone(), self.item, self.pass));
        let means = Means {
            source: ready.source,
            destination: ready.destination,
            journal: Arc::clone(&journal),
            tally: Arc::clone(&self.tally),
            clock: self.workspace.clock.clone(),
            throttle: self.limits.rate(&ready.project, ready.order.options.rate),
            approach: ready.approach,
            said: ready.said,
            network: Arc::clone(&self.network),
            stops,
        };
        let verifies = ready.order.plan.writes == Writes::Nothing;
        let run = Pass::run(ready.order, means);
        let run = Box::pin(run);
        let end = tokio::select! {
            end = run => end,
            never = self.tell(journal, reports) => match never {},
        };
        match end {
            PassEnd::Completed { .. } if verifies => self.compared(&ready.project).await.unwrap_or(end),
            end => end,
        }
    }

    /// How a pass ends whose mailboxes turn out to be those of other items.
    async fn compared(&self, project: &Project) -> Option<PassEnd> {
        match wrong_mailbox::compared(&self.workspace.store, project, self.item).await {
            Ok(found) => found.map(|(side, failure)| PassEnd::Failed { side: Some(side), failure }),
            Err(error) => Some(workspace_failed("comparing the items", &error)),
        }
    }

    /// Reports the figures again and again, and writes them down more seldom, so that other processes can show them.
    async fn tell(&self, journal: Arc<dyn Journal>, reports: &Reports) -> std::convert::Infallible {
        let mut ticks = tokio::time::interval(REPORT_EVERY);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let mut written = tokio::time::Instant::now();
        loop {
            ticks.tick().await;
            reports.figures(self.tally.progress(), self.meter.total());
            if written.elapsed() < FLUSH_EVERY {
                continue;
            }
            written = tokio::time::Instant::now();
            if self.tally.take_changed()
                && let Err(error) = journal.progress(self.tally.progress(), self.tally.folders()).await
            {
                // The pass itself meets the same trouble and ends by it.
                tracing::warn!(%error, "figures not written");
            }
        }
    }

    async fn ready(&self) -> Result<Ready, Unready> {
        let store = &self.workspace.store;
        let row = store.item(self.item).await?;
        let project = store.project(row.item.project).await?;
        let pass = store.pass(self.pass).await?;
        let options = store.item_options(self.item).await?.effective(&project.options);
        store.set_pass_options(self.pass, options.clone()).await?;
        let earlier = if pass.attempt > 1 {
            store
                .pass_folders(self.pass, u32::MAX, 0)
                .await?
                .into_iter()
                .map(|row| (row.folder.folder, row.folder.counts))
                .collect()
        } else {
            Default::default()
        };
        let plan = pass.plan.map_or_else(|| PassPlan::new(pass.kind, Parameters::default()), Ok)?;
        let failed = self.failed(&plan).await?;
        let (source_admin, destination_admin) = store.project_credentials(project.id).await?;
        let order = PassOrder {
            pass: self.pass,
            item: self.item,
            plan,
            failed,
            known_errors: EarlierErrors::of(store.earlier_errors(self.item).await?),
            zone: zone_of(&options, &TimeZone::system()),
            options,
            pace: pace(),
            last_seen: self.last_seen(&pass).await?,
            earlier,
        };
        let approach = self.limits.approach(&project, &row.item);
        let Item { source: from, destination: into, .. } = row.item;
        let at_source = |failure| Unready::Side(Side::Source, failure);
        let at_destination = |failure| Unready::Side(Side::Destination, failure);
        let sides = ((project.source.clone(), from.clone()), (project.destination.clone(), into.clone()));
        tell_apart(sides.0, sides.1).await.map_err(at_destination)?;
        let endpoints = &self.workspace.endpoints;
        let waits = match order.plan.writes {
            Writes::Nothing => Waits::Person,
            Writes::Mail => Waits::Pass,
        };
        let (auth, resources) = self.access((Side::Source, waits), &project, &from, source_admin).await?;
        let says_source = Arc::clone(&resources.said);
        let source = endpoints.source(&project.source, &from, auth, resources).map_err(at_source)?;
        let (auth, resources) = self.access((Side::Destination, waits), &project, &into, destination_admin).await?;
        let said = [says_source, Arc::clone(&resources.said)];
        let destination =
            endpoints.destination(&project.destination, &into, auth, resources).map_err(at_destination)?;
        Ok(Ready { project, approach, order, said, source, destination })
    }

    /// What it tries again.
    async fn failed(&self, plan: &PassPlan) -> Result<FailedBefore, StoreError> {
        let Some((earlier, only)) = plan.select.failed_of() else { return Ok(FailedBefore::default()) };
        let errors = self.workspace.store.item_errors(earlier, u32::MAX, 0).await?;
        Ok(FailedBefore::of(errors.into_iter().map(|row| row.error), only))
    }

    /// The last sign of life of an earlier attempt or, if this is the first, of the item's earlier passes.
    async fn last_seen(&self, pass: &PassRow) -> Result<Option<Timestamp>, StoreError> {
        if pass.attempt > 1 {
            return Ok(pass.progress.updated.max(pass.started));
        }
        let earlier = self.workspace.store.passes(self.item).await?;
        let earlier = earlier.iter().filter(|row| row.id != pass.id);
        Ok(earlier.filter_map(|row| row.progress.updated.max(row.ended)).max())
    }

    /// Who logs in at one side, and what its endpoint may use.
    async fn access(
        &self,
        (side, waits): (Side, Waits),
        project: &Project,
        mailbox: &Mailbox,
        admin: Option<CredentialId>,
    ) -> Result<(Arc<dyn Authenticator>, Resources), Unready> {
        let (meter, budget) = match side {
            Side::Source => (Arc::clone(&self.meter), Arc::clone(&self.workspace.budget)),
            // Reading back at the destination must not wait for messages that wait for the destination.
            Side::Destination => (Arc::default(), Budget::new(READ_BACK_MEMORY)),
        };
        let (spool, numbers) = (self.workspace.spool.clone(), self.workspace.numbers.clone());
        let (network, said) = (Arc::clone(&self.network), Arc::default());
        let resources = Resources { spool, numbers, budget, meter, network, said, waits };
        let logins = Logins { workspace: self.workspace, administrators: Some(self.authenticators), project };
        let auth = logins.at(side, mailbox, admin).await.map_err(|failure| Unready::Side(side, failure))?;
        Ok((auth, resources))
    }
}

#[cfg(test)]
mod tests {
    use crate::domain::pass::PassKind;
    use crate::domain::start_order::StartOrder;
    use std::sync::Mutex;
    use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

    use super::*;
    use crate::domain::project::Options;
    use crate::domain::secret::Secret;
    use crate::domain::server::Server;
    use crate::domain::status::{Refusal, Status};
    use crate::engine::command::Command;
    use crate::engine::endpoints::RealEndpoints;
    use crate::engine::{Engine, MESSAGE_MEMORY};
    use crate::platform::clock::SystemClock;
    use crate::store::{NewItem, Store};
    use crate::vault::{Progress, Vault, VaultError};

    /// A keyring that asks a person: tells that it was asked, and answers when it is told to.
    struct Asking {
        asked: SyncSender<()>,
        answer: Mutex<Receiver<()>>,
    }

    impl Vault for Asking {
        fn get(&self, _id: CredentialId) -> Result<Secret, VaultError> {
            self.asked.try_send(()).ok();
            self.answer.lock().unwrap().recv().ok();
            Err(VaultError::Locked("nobody answered".into()))
        }

        fn put_many(&self, _: Vec<(CredentialId, Secret)>, _: &Progress<'_>) -> Result<(), VaultError> {
            Ok(())
        }

        fn delete_many(&self, _: &[CredentialId], _: &dyn Fn(usize)) -> Result<(), VaultError> {
            Ok(())
        }
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn r7_r8_d23_what_waits_for_the_keyring_reads_queued_is_not_stopped_and_ends_with_the_program() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path(), Timestamp::from_millis(1)).unwrap();
        let server = || Server::parse_url("imaps://imap.example").unwrap();
        let project =
            store.create_project("p".into(), [server(), server()], Options::default(), [None; 2]).await.unwrap();
        let credential = store.new_credentials(1, Timestamp::from_millis(1), "test").await.unwrap()[0];
        let item = NewItem {
            source_email: "a@a.example".into(),
            source_credential: Some(credential),
            destination_email: "a@b.example".into(),
            destination_credential: Some(credential),
            ..NewItem::default()
        };
        let item = store.import_items(project, vec![item]).await.unwrap()[0].id;
        let ((asked, hears), (answer, waits)) = (sync_channel(1), sync_channel(0));
        let engine = Engine::start(Workspace {
            store: store.clone(),
            sign_ins: crate::engine::SignIns::default(),
            vault: Arc::new(Asking { asked, answer: Mutex::new(waits) }),
            spool: folder.path().to_owned(),
            numbers: folder.path().to_owned(),
            budget: Budget::new(MESSAGE_MEMORY),
            clock: Arc::new(SystemClock),
            endpoints: Arc::new(RealEndpoints),
            takes: crate::engine::Takes::All,
        });
        let start =
            Command::Start { project, items: vec![item], lacking: Vec::new(), order: StartOrder::now(PassKind::Full) };
        assert_eq!(engine.command(start).await.done, [item]);
        tokio::task::spawn_blocking(move || hears.recv()).await.unwrap().expect("the keyring is asked");
        assert_eq!(store.item(item).await.unwrap().status(), Status::Queued, "it is still loading");
        let stopped = engine.command(Command::Stop { project, items: vec![item] }).await;
        assert_eq!((stopped.done, stopped.left), (vec![], vec![(item, Refusal::Queued.into())]));
        engine.close().await;
        let status = store.item(item).await.unwrap().status();
        assert_eq!(status, Status::Submitted, "the same pass goes on another time");
        drop::<SyncSender<()>>(answer);
    }
}
