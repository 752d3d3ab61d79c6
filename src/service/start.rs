//! Starting passes: which items can start, taking the workspace for it, and giving the engine its commands (D3).

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use super::orders::Commander;
use super::times::{self, TimeError};
use super::{OpenWorkspace, ServiceError, asking, licenses};
use crate::domain::ids::{ItemId, ProjectId};
use crate::domain::license::Taking;
use crate::domain::pass::PassKind;
use crate::domain::project::Project;
use crate::domain::readiness::{NotReady, StartCheck, Startable};
use crate::domain::start_order::StartOrder;
use crate::engine::command::{Command, Outcome};
use crate::platform::PlatformError;
use crate::platform::lock::{WorkspaceLock, workspace_lock};
use crate::store::ItemRow;

/// How often, and how many times, a holder of the workspace that is about to end is waited for.
const ENDING_EVERY: Duration = Duration::from_millis(50);
const ENDING_LOOKS: u32 = 100;

/// A Start as a person asks for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StartRequest {
    /// Whose items.
    pub project: ProjectId,
    /// Which.
    pub items: Vec<ItemId>,
    /// What the passes do, and when.
    pub order: StartOrder,
    /// Whether the person says with it that mail goes from the one server to the other.
    pub confirms: bool,
    /// Whether owners whose credentials lack are asked; else their items are left alone.
    pub asks: bool,
}

/// What is done with items whose submission waits already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WaitingRule {
    /// They go on, and are looked at like the others.
    GoesOn,
    /// Their status refuses the Start, which is the better reason and the engine's to give.
    Refuses,
}

/// Which items of a Start can start.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Readiness {
    /// Those that can, in the order in which they were asked for.
    pub ready: Vec<ItemId>,
    /// Of these, those that wait for a credential of their owner first (R11).
    pub lacking: Vec<ItemId>,
    /// Of these, those whose owners are asked by a mail.
    pub mails: Vec<ItemId>,
    /// Those that cannot, and why.
    pub not_ready: Vec<(ItemId, NotReady)>,
    /// What it takes of the project's pool, where licenses are worth a word.
    pub taking: Option<Taking>,
}

/// What became of a Start.
#[derive(Debug, Default)]
pub struct StartReport {
    /// What the engine did.
    pub outcome: Outcome,
    /// What it was not asked to do.
    pub not_ready: Vec<(ItemId, NotReady)>,
}

impl StartReport {
    /// The same in the engine's words: what was left alone, with its reason for people.
    pub fn into_outcome(self) -> Outcome {
        let Self { mut outcome, not_ready } = self;
        outcome.left.extend(not_ready.into_iter().map(|(item, why)| (item, why.into())));
        outcome
    }
}

/// Refuses what would start something in an archived project.
///
/// # Errors
/// It is archived.
pub fn refuse_archived(project: &Project) -> Result<(), ServiceError> {
    match project.starts.archived {
        true => Err(ServiceError::Archived(project.name.clone())),
        false => Ok(()),
    }
}

/// Which items of a Start can start: a mailbox that would be copied into itself, two people's mail in one Maildir, an
/// administrator whose password is not known, an item that is gone, a license that is not there are reasons not to. Keeps it if
/// a person confirms the direction.
///
/// # Errors
/// None can: the project is archived, the direction was never confirmed, the time lies in the past, or the database.
pub async fn readiness(
    workspace: &OpenWorkspace,
    request: &StartRequest,
    waiting: WaitingRule,
) -> Result<Readiness, ServiceError> {
    let store = &workspace.store;
    let StartRequest { project, items, order, confirms, asks } = request;
    let admins = store.project_credentials(*project).await?;
    let (project, rows) = (store.project(*project).await?, store.items(*project).await?);
    refuse_archived(&project)?;
    if let Some(at) = order.until().filter(|at| *at <= workspace.now()) {
        return Err(TimeError::Past(times::told(at, &times::zone())).into());
    }
    if order.kind.moves_mail() && !project.starts.confirmed {
        if !confirms {
            let (from, into) = (project.source.to_string(), project.destination.to_string());
            return Err(ServiceError::DirectionNotConfirmed { from, into });
        }
        store.set_confirmed(project.id, true).await?;
    }
    let admins = (admins.0.is_some(), admins.1.is_some());
    let check = StartCheck::new(&project, admins, rows.iter().map(|row| &row.item));
    let known: HashMap<ItemId, &ItemRow> = rows.iter().map(|row| (row.item.id, row)).collect();
    let rests = |item: &ItemId| known.get(item).is_some_and(|row| row.status().is_at_rest());
    let mut readiness = Readiness::default();
    let mut seen = HashSet::with_capacity(items.len());
    for item in items.iter().copied().filter(|item| seen.insert(*item)) {
        let checked = match known.get(&item) {
            Some(row) if waiting == WaitingRule::Refuses && !row.status().is_at_rest() => Ok(Startable::Ready),
            Some(row) => check.check(&row.item),
            None => Err(NotReady::Deleted),
        };
        match checked {
            Ok(Startable::Lacks(_)) if !asks && rests(&item) => readiness.not_ready.push((item, NotReady::NotAsked)),
            Ok(Startable::Lacks(sides)) => {
                readiness.ready.push(item);
                readiness.lacking.push(item);
                if rests(&item) && asking::is_asked(&project, &sides) {
                    readiness.mails.push(item);
                }
            }
            Ok(Startable::Ready) => readiness.ready.push(item),
            Err(why) => readiness.not_ready.push((item, why)),
        }
    }
    if order.kind.takes_license() {
        readiness.take_licenses(workspace, (project.id, order.kind), rests).await?;
    }
    Ok(readiness)
}

impl Readiness {
    /// Those of the items that rest take a license each if they hold none; for whom none is left, it is not ready. Whoever
    /// submits them looks again.
    async fn take_licenses(
        &mut self,
        workspace: &OpenWorkspace,
        (project, kind): (ProjectId, PassKind),
        rests: impl Fn(&ItemId) -> bool,
    ) -> Result<(), ServiceError> {
        let shown = licenses::shown(workspace).await?;
        let licenses = licenses::of_project(workspace, project).await?;
        let needs = |item: &ItemId| rests(item) && licenses.of(*item).takes(kind);
        let Some(taking) = licenses.taking(kind, self.ready.iter().copied().filter(needs)) else { return Ok(()) };
        let got: HashSet<ItemId> = self.ready.iter().copied().filter(needs).take(taking.takes() as usize).collect();
        let is_short = |item: &ItemId| needs(item) && !got.contains(item);
        self.not_ready.extend(self.ready.iter().filter(|item| is_short(item)).map(|item| (*item, NotReady::NoLicense)));
        self.ready.retain(|item| !is_short(item));
        self.lacking.retain(|item| !is_short(item));
        self.mails.retain(|item| !is_short(item));
        self.taking = Some(taking).filter(|_| shown);
        Ok(())
    }
}

/// Whether the owners that a Start asks by mail can be asked.
///
/// # Errors
/// They cannot: nothing is started.
pub async fn admit(workspace: &OpenWorkspace, readiness: &Readiness) -> Result<(), ServiceError> {
    let owners = readiness.mails.len();
    if owners == 0 {
        return Ok(());
    }
    asking::can_ask(workspace).await.map_err(|why| ServiceError::CannotAsk { owners, why: Box::new(why) })
}

/// Takes the workspace for this process, and takes in what a crash left: its passes are Submitted again, or Stopped.
///
/// # Errors
/// Another process has it, or the database.
pub async fn take(workspace: &OpenWorkspace) -> Result<WorkspaceLock, ServiceError> {
    let mut lock = workspace_lock(workspace.folder(), workspace.now());
    for _ in 0..ENDING_LOOKS {
        // A holder that has taken back its name is about to end.
        if !matches!(lock, Err(PlatformError::InUse(None))) {
            break;
        }
        tokio::time::sleep(ENDING_EVERY).await;
        lock = workspace_lock(workspace.folder(), workspace.now());
    }
    let lock = lock?;
    workspace.store.look_through().await?;
    let recovered = workspace.store.recover(workspace.now()).await?;
    tracing::info!(passes = recovered.len(), "recovered");
    Ok(lock)
}

/// Lets those of the items go on whose submission waits, and submits the others.
///
/// # Errors
/// The engine did nothing.
pub async fn run(
    engine: Commander<'_>,
    project: ProjectId,
    readiness: &Readiness,
    order: StartOrder,
) -> Result<Outcome, ServiceError> {
    let Readiness { ready, lacking, .. } = readiness;
    let mut outcome = Outcome::default();
    if order.schedule.is_none() {
        outcome = engine.command(Command::Resume { project, items: ready.clone() }).await?;
    }
    let going: HashSet<ItemId> = outcome.done.iter().copied().collect();
    let items = ready.iter().copied().filter(|item| !going.contains(item)).collect();
    let started = engine.command(Command::Start { project, items, lacking: lacking.clone(), order }).await?;
    outcome.done.extend(started.done);
    outcome.left.extend(started.left);
    match outcome.error.take().or(started.error) {
        Some(error) => Err(ServiceError::Engine(error)),
        None => Ok(outcome),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::pass_plan::PassPlan;
    use crate::domain::project::Options;
    use crate::domain::server::Server;
    use std::time::Duration;

    use crate::domain::start_order::Schedule;
    use crate::domain::status::Wait;
    use crate::domain::time::Timestamp;
    use crate::service::OpenOptions;
    use crate::store::{NewItem, Submission};

    #[tokio::test]
    async fn readiness_keeps_the_order_and_leaves_a_status_that_refuses_to_the_engine() {
        let folder = tempfile::tempdir().unwrap();
        let workspace = OpenWorkspace::open(OpenOptions::new(folder.path().to_owned())).unwrap();
        let store = &workspace.store;
        let server = |url: &str| Server::parse_url(url).unwrap();
        let (from, into) = (server("imaps://a.example"), server("maildir:/nowhere/{email}"));
        let project = store.create_project("p".into(), [from, into], Options::default(), [None; 2]).await.unwrap();
        let new = |at: usize| NewItem {
            source_email: format!("u{at}@a.example"),
            destination_email: format!("u{at}@b.example"),
            ..NewItem::default()
        };
        let imported = store.import_items(project, (0..2).map(new).collect()).await.unwrap();
        let (rests, waits, gone) = (imported[0].id, imported[1].id, ItemId(4711));
        let order =
            Submission { kind: PassKind::Full, wait: Wait::None, schedule: None, at: Timestamp::from_millis(1) };
        store.submit(vec![(waits, PassPlan::FULL)], order).await.unwrap();

        let (items, order) = (vec![waits, gone, rests, waits], StartOrder::now(PassKind::Full));
        let mut asked = StartRequest { project, items, order, confirms: false, asks: true };
        let why = readiness(&workspace, &asked, WaitingRule::Refuses).await.unwrap_err();
        let words = "this copies FROM imaps://a.example INTO maildir:/nowhere/{email}";
        assert!(why.to_string().contains(words), "{why}");
        asked.confirms = true;
        let window = readiness(&workspace, &asked, WaitingRule::Refuses).await.unwrap();
        let not_ready = vec![(gone, NotReady::Deleted)];
        let taking = None;
        let expected =
            Readiness { ready: vec![waits, rests], lacking: vec![rests], mails: vec![rests], not_ready, taking };
        assert_eq!(window, expected);
        let why = admit(&workspace, &window).await.unwrap_err().to_string();
        assert!(why.starts_with("1 owner would be asked for a password by mail, but no mail can be sent yet"), "{why}");
        asked.confirms = false;
        let terminal = readiness(&workspace, &asked, WaitingRule::GoesOn).await.unwrap();
        assert_eq!(terminal, Readiness { lacking: vec![waits, rests], ..expected });
        asked.asks = false;
        let left = readiness(&workspace, &asked, WaitingRule::GoesOn).await.unwrap();
        assert_eq!((&left.ready, &left.lacking, left.mails.len()), (&vec![waits], &vec![waits], 0));
        assert_eq!(left.not_ready, [(gone, NotReady::Deleted), (rests, NotReady::NotAsked)]);
        admit(&workspace, &left).await.unwrap();
        asked.order.schedule = Some(Schedule { at: workspace.now().minus(Duration::from_secs(1)), zone: "UTC".into() });
        let late = readiness(&workspace, &asked, WaitingRule::GoesOn).await.unwrap_err();
        assert!(late.to_string().contains("lies in the past"), "{late}");
    }

    #[tokio::test]
    async fn nothing_is_ready_in_an_archived_project_and_its_direction_stays_unconfirmed() {
        let folder = tempfile::tempdir().unwrap();
        let workspace = OpenWorkspace::open(OpenOptions::new(folder.path().to_owned())).unwrap();
        let store = &workspace.store;
        let sides = ["maildir:/a/{email}", "maildir:/b/{email}"].map(|url| Server::parse_url(url).unwrap());
        let project = store.create_project("p".into(), sides, Options::default(), [None; 2]).await.unwrap();
        crate::service::projects::archive(&workspace, project, true).await.unwrap();
        let order = StartOrder::now(PassKind::Full);
        let asked = StartRequest { project, items: Vec::new(), order, confirms: true, asks: true };
        let why = readiness(&workspace, &asked, WaitingRule::Refuses).await.unwrap_err();
        assert!(matches!(&why, ServiceError::Archived(name) if name == "p") && why.blames_the_request(), "{why}");
        assert!(why.to_string().ends_with("bring it back first"), "{why}");
        assert!(!store.project(project).await.unwrap().starts.confirmed);
        crate::service::projects::archive(&workspace, project, false).await.unwrap();
        readiness(&workspace, &asked, WaitingRule::Refuses).await.unwrap();
    }
}
