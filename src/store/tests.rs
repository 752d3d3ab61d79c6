//! What the store promises, against real files.

use std::collections::BTreeMap;

use proptest::prelude::*;
use rusqlite::Connection;

use super::*;
use crate::domain::checkpoint::Checkpoint;
use crate::domain::content::ContentHash;
use crate::domain::failure::{Cause, Failure, Retry, Scope, Side};
use crate::domain::figures::{AtSource, Moved};
use crate::domain::flags::Flags;
use crate::domain::folder::{FolderPath, FolderState, UidValidity, WireName};
use crate::domain::identity::Identity;
use crate::domain::ids::{FolderId, ItemId, PassId, ProjectId, Uid};
use crate::domain::item_error::ItemError;
use crate::domain::pass_plan::{Parameters, PassPlan};

use crate::domain::counts::Counts;
use crate::domain::pass::PassKind;
use crate::domain::progress::{FolderPhase, PassFolder, PassProgress};
use crate::domain::project::Options;
use crate::domain::record::*;
use crate::domain::server::Server;
use crate::domain::star::Star;
use crate::domain::start_order::StartOrder;
use crate::domain::status::{HoldReason, Status, Wait};

mod edits;
mod folders;
mod imports;
mod items;
mod licenses;
mod model;
mod project_mail;
mod requests;
mod trouble;

fn at(millis: i64) -> Timestamp {
    Timestamp::from_millis(millis)
}

struct Bench {
    store: Store,
    project: ProjectId,
    item: ItemId,
    _folder: tempfile::TempDir,
}

fn server(host: &str) -> Server {
    Server::parse_url(&format!("imaps://{host}")).unwrap()
}

fn new_item(source: &str, destination: &str) -> NewItem {
    NewItem { source_email: source.into(), destination_email: destination.into(), ..NewItem::default() }
}

impl Bench {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path(), at(1)).unwrap();
        let project = store
            .create_project("Contoso".into(), [server("a"), server("b")], Options::default(), [None; 2])
            .await
            .unwrap();
        let item = store.import_items(project, vec![new_item("ann@a", "ann@b")]).await.unwrap()[0].id;
        Self { store, project, item, _folder: folder }
    }

    async fn submit(&self) -> PassId {
        let order = Submission { kind: PassKind::Full, wait: Wait::None, schedule: None, at: at(10) };
        self.store.submit(vec![(self.item, PassPlan::FULL)], order).await.unwrap().passes[0].1
    }

    async fn folder(&self, name: &str, source: u32, destination: u32) -> FolderId {
        self.store.update_folders(self.item, vec![update(None, name, source, destination)]).await.unwrap()[0]
    }

    /// Another connection, as another process would have it.
    fn other(&self) -> Connection {
        Connection::open(self.store.path()).unwrap()
    }

    async fn purge(&self) {
        while self.store.purge().await.unwrap() {}
    }

    fn count(&self, table: &str) -> i64 {
        self.other().query_row(&format!("SELECT count(*) FROM {table}"), [], |row| row.get(0)).unwrap()
    }
}

fn update(id: Option<FolderId>, name: &str, source: u32, destination: u32) -> FolderUpdate {
    FolderUpdate {
        id,
        source: FolderPath::new([name]),
        source_wire: WireName(name.as_bytes().to_vec()),
        source_validity: UidValidity::new(source.into()),
        mailbox_id: None,
        destination: FolderPath::new([name]),
        destination_wire: WireName(name.as_bytes().to_vec()),
        destination_validity: UidValidity::new(destination.into()),
        destination_mailbox_id: None,
    }
}

fn mark(source: i64, folder: FolderId, destination: i64, identity: u8, flags: &[&str]) -> Watermark {
    Watermark {
        source: Uid(source),
        destination_folder: folder,
        destination: Uid(destination),
        identity: Identity([identity; 16]),
        content: (identity > 1).then_some(ContentHash([identity; 16])),
        flags: Flags::from_names(flags.iter().copied()).into(),
        origin: if identity.is_multiple_of(2) { Origin::Copied } else { Origin::Found },
    }
}

fn failure() -> Failure {
    Failure::new(Cause::MessageRefused, Scope::Message, Retry::Never, "writing a message").saying("NO too odd")
}

fn error(uid: i64) -> ItemError {
    ItemError {
        folder: Some(FolderPath::new(["INBOX", "a/b"])),
        source: Some(Uid(uid)),
        subject: Some("Grüße".into()),
        date: Some(at(-5)),
        size: Some(7),
        side: Some(Side::Destination),
        ..ItemError::about(failure())
    }
}

#[tokio::test]
async fn an_item_that_is_named_twice_is_submitted_once() {
    let bench = Bench::new().await;
    let order = Submission { kind: PassKind::Full, wait: Wait::None, schedule: None, at: at(10) };
    let twice = vec![(bench.item, PassPlan::FULL), (bench.item, PassPlan::FULL)];
    let made = bench.store.submit(twice, order).await.unwrap();
    assert_eq!((made.passes.len(), bench.store.passes(bench.item).await.unwrap().len()), (1, 1));
    assert_eq!(bench.store.item(bench.item).await.unwrap().latest.unwrap().id, made.passes[0].1);
}

#[tokio::test]
async fn passes_of_several_plans_are_made_in_the_order_in_which_they_were_asked_for() {
    let bench = Bench::new().await;
    let names: Vec<String> = (0..6).map(|n| format!("u{n}")).collect();
    let list = names.iter().map(|name| new_item(&format!("{name}@a"), &format!("{name}@b"))).collect();
    let items = bench.store.import_items(bench.project, list).await.unwrap();
    // From the last to the first, two plans in turns.
    let trial = PassPlan::new(PassKind::Trial, Parameters::default()).unwrap();
    let plans = [PassPlan::FULL, trial];
    let asked: Vec<_> = items.iter().rev().enumerate().map(|(at, item)| (item.id, plans[at / 2 % 2])).collect();
    let order = Submission { kind: PassKind::Full, wait: Wait::None, schedule: None, at: at(10) };
    let made = bench.store.submit(asked.clone(), order).await.unwrap().passes;
    assert!(made.is_sorted_by_key(|(_, pass)| *pass));
    assert!(made.iter().map(|(item, _)| *item).eq(asked.iter().map(|(item, _)| *item)));
    for ((item, plan), (_, pass)) in asked.into_iter().zip(made) {
        let row = bench.store.pass(pass).await.unwrap();
        assert_eq!((row.item, row.plan), (item, Some(plan)));
    }
}

#[tokio::test]
async fn a_pass_survives_a_crash_with_its_figures() {
    let bench = Bench::new().await;
    let one = bench.folder("one", 1, 1).await;
    let pass = bench.submit().await;
    let store = &bench.store;
    store.set_status(StatusChange::new(pass, Status::Submitted, Status::Queued), at(20)).await.unwrap();
    let late = store.set_status(StatusChange::new(pass, Status::Submitted, Status::Stopped), at(21)).await;
    assert!(matches!(late, Err(StoreError::StatusChanged { found: Status::Queued })));
    store.set_status(StatusChange::new(pass, Status::Queued, Status::Migrating), at(22)).await.unwrap();
    let counts =
        |copied, already_there| Counts { source: 10, copied, already_there, bytes: copied * 100, ..Counts::default() };
    let line = |phase, counts| vec![PassFolder { folder: one, phase, counts }];
    let figures = |counts, updated| PassProgress { counts, updated, folders_total: 1, ..PassProgress::default() };
    store.progress(pass, figures(counts(4, 1), Some(at(30))), line(FolderPhase::Working, counts(4, 1))).await.unwrap();
    store.record(pass, Results { errors: vec![error(3)], ..Results::default() }).await.unwrap();
    assert_eq!(store.item_errors(pass, 10, 0).await.unwrap()[0].error, error(3));

    let recovered = store.recover(at(40)).await.unwrap();
    let (was, now) = (Status::Migrating, Status::Submitted);
    assert_eq!(recovered, vec![Recovered { pass, item: bench.item, was, now, attempt: 2, last_seen: at(30) }]);
    assert!(store.recover(at(41)).await.unwrap().is_empty());
    store.set_status(StatusChange::new(pass, Status::Submitted, Status::Queued), at(50)).await.unwrap();
    assert_eq!(store.pass(pass).await.unwrap().progress.counts, counts(4, 1));
    assert_eq!(
        store.pass_folders(pass, 10, 0).await.unwrap()[0].folder.counts,
        counts(4, 1),
        "the worker goes on here"
    );
    store.progress(pass, figures(counts(9, 1), Some(at(70))), line(FolderPhase::Done, counts(9, 1))).await.unwrap();
    let row = store.pass(pass).await.unwrap();
    assert_eq!((row.progress.counts, row.attempt, row.started), (counts(9, 1), 2, Some(at(20))));
    assert!(row.progress.counts.balanced());
    assert_eq!(store.pass_folders(pass, 10, 0).await.unwrap()[0].folder.counts, counts(9, 1));
    assert!(store.item_errors(pass, 10, 0).await.unwrap().is_empty(), "those of this attempt");

    let ended = Ended { failure: failure(), side: Some(Side::Destination) };
    store
        .set_status(
            StatusChange { failure: Some(ended.clone()), ..StatusChange::new(pass, Status::Queued, Status::Failed) },
            at(80),
        )
        .await
        .unwrap();
    let row = store.item(bench.item).await.unwrap();
    assert_eq!(row.status(), Status::Failed);
    let row = row.latest.unwrap();
    assert_eq!((row.failure, row.ended), (Some(ended), Some(at(80))));
}

/// Ends the latest pass and submits another one.
async fn next_pass(bench: &Bench, pass: PassId) -> PassId {
    let to = |from, to| bench.store.set_status(StatusChange::new(pass, from, to), at(20));
    to(Status::Submitted, Status::Queued).await.unwrap();
    to(Status::Queued, Status::Migrating).await.unwrap();
    to(Status::Migrating, Status::Completed).await.unwrap();
    bench.submit().await
}

#[tokio::test]
async fn the_last_result_of_each_kind_is_carried_from_pass_to_pass_until_a_reset() {
    let bench = Bench::new().await;
    let results = async || bench.store.item(bench.item).await.unwrap().latest.map(|pass| pass.results().to_string());
    let submit = async |kind| {
        let submission = Submission { kind, wait: Wait::None, schedule: None, at: at(10) };
        let plan = StartOrder { before: Some(at(5)), ..StartOrder::now(kind) }.plan(None).unwrap();
        let made = bench.store.submit(vec![(bench.item, plan)], submission).await.unwrap();
        made.passes[0].1
    };
    let end = async |pass, how| {
        let to = |from, to| bench.store.set_status(StatusChange::new(pass, from, to), at(20));
        to(Status::Submitted, Status::Queued).await.unwrap();
        to(Status::Queued, Status::Migrating).await.unwrap();
        to(Status::Migrating, how).await.unwrap();
    };
    let mut seen = Vec::new();
    for (kind, how) in [
        (PassKind::Verify, Status::Completed),
        (PassKind::Full, Status::Completed),
        (PassKind::Trial, Status::Failed),
        (PassKind::Verify, Status::Failed),
        (PassKind::PreStage, Status::Completed),
    ] {
        let pass = submit(kind).await;
        end(pass, how).await;
        seen.push(results().await.unwrap());
    }
    assert_eq!(seen, ["c...", "c..c", "cf.c", "ff.c", "ffcc"]);
    let errors = PassProgress { counts: Counts { errors: 2, ..Counts::default() }, ..PassProgress::default() };
    let full = submit(PassKind::Full).await;
    bench.store.progress(full, errors, Vec::new()).await.unwrap();
    end(full, Status::Completed).await;
    submit(PassKind::Verify).await;
    assert_eq!(results().await.unwrap(), "ffcl", "while it waits the one before counts");
}

#[tokio::test]
async fn r49_what_is_recorded_counts_at_once_and_is_summed_over_all_passes_since_the_last_reset() {
    let bench = Bench::new().await;
    let store = &bench.store;
    let one = bench.folder("one", 1, 1).await;
    let moved = async || store.item(bench.item).await.unwrap().moved();
    let some = |messages| Moved { messages, bytes: messages * 100 };
    let recorded = |messages| Results { moved: vec![(one, some(messages))], ..Results::default() };
    let pass = bench.submit().await;
    store.record(pass, recorded(3)).await.unwrap();
    store.record(pass, recorded(2)).await.unwrap();
    assert_eq!(moved().await, some(5), "no crash takes it back");
    // Figures that were read before the last commit.
    let late = Counts { source: 9, copied: 4, bytes: 400, ..Counts::default() };
    let source = AtSource { folders: 1, messages: 9, bytes: Some(900) };
    let line = PassFolder { folder: one, phase: FolderPhase::Working, counts: late };
    let progress = PassProgress { counts: late, at_source: Some(source), ..PassProgress::default() };
    store.progress(pass, progress, vec![line]).await.unwrap();
    assert_eq!(moved().await, some(5));
    assert_eq!(store.pass_folders(pass, 10, 0).await.unwrap()[0].folder.counts.copied, 5);

    let second = next_pass(&bench, pass).await;
    let row = store.pass(second).await.unwrap();
    assert_eq!((row.earlier, row.progress.at_source, moved().await), (some(5), Some(source), some(5)));
    store.record(second, recorded(1)).await.unwrap();
    store.progress(second, PassProgress::default(), Vec::new()).await.unwrap();
    assert_eq!((moved().await, store.pass(second).await.unwrap().progress.at_source), (some(6), Some(source)));
    let third = next_pass(&bench, second).await;
    assert_eq!((store.pass(third).await.unwrap().earlier, moved().await), (some(6), some(6)));

    let fourth = next_pass(&bench, third).await;
    store.set_status(StatusChange::new(fourth, Status::Submitted, Status::Stopping), at(20)).await.unwrap();
    store.set_status(StatusChange::new(fourth, Status::Stopping, Status::Stopped), at(21)).await.unwrap();
    store.reset(vec![bench.item], at(22)).await.unwrap();
    assert_eq!(moved().await, Moved::default());
    bench.submit().await;
    assert_eq!(moved().await, Moved::default());
}

#[tokio::test]
async fn stopping_becomes_stopped_after_a_crash() {
    let bench = Bench::new().await;
    let pass = bench.submit().await;
    bench.store.set_status(StatusChange::new(pass, Status::Submitted, Status::Stopping), at(20)).await.unwrap();
    assert_eq!(bench.store.recover(at(30)).await.unwrap()[0].now, Status::Stopped);
    let row = bench.store.pass(pass).await.unwrap();
    assert_eq!((row.status, row.attempt, row.ended), (Status::Stopped, 1, Some(at(30))));
}

/// Crash in each status: what a worker had is given back, with the next attempt; what waits or rests stays as it was.
#[tokio::test]
async fn a_crash_in_each_status_leaves_what_no_worker_had() {
    use Status::*;
    let bench = Bench::new().await;
    for was in Status::ALL.into_iter().filter(|status| *status != NotSubmitted) {
        let pass = bench.submit().await;
        bench.store.set_status(StatusChange::new(pass, Submitted, was), at(20)).await.unwrap();
        let (now, attempt) = match was {
            Queued | Migrating => (Submitted, 2),
            Stopping => (Stopped, 1),
            other => (other, 1),
        };
        let recovered = bench.store.recover(at(30)).await.unwrap();
        assert_eq!(recovered.iter().map(|of| of.now).collect::<Vec<_>>(), Vec::from_iter((now != was).then_some(now)));
        let row = bench.store.pass(pass).await.unwrap();
        assert_eq!((row.status, row.attempt), (now, attempt), "{was:?}");
        if !now.is_at_rest() {
            bench.store.set_status(StatusChange::new(pass, now, Stopped), at(40)).await.unwrap();
        }
    }
}

#[tokio::test]
async fn an_interrupted_attempt_whose_item_was_reset_leaves_nothing_to_the_next_pass() {
    let bench = Bench::new().await;
    let one = bench.folder("one", 1, 1).await;
    let pass = bench.submit().await;
    bench.store.set_status(StatusChange::new(pass, Status::Submitted, Status::Migrating), at(20)).await.unwrap();
    let moved = vec![(one, Moved { messages: 1, bytes: 9 })];
    let results = Results { watermarks: vec![(one, mark(1, one, 1, 2, &[]))], moved, ..Results::default() };
    bench.store.record(pass, results).await.unwrap();
    assert!(matches!(bench.store.reset(vec![bench.item], at(21)).await, Err(StoreError::Active(1))));
    bench.store.recover(at(30)).await.unwrap();
    assert!(matches!(bench.store.reset(vec![bench.item], at(31)).await, Err(StoreError::Active(1))), "it waits");
    bench.store.set_status(StatusChange::new(pass, Status::Submitted, Status::Stopped), at(40)).await.unwrap();
    bench.store.reset(vec![bench.item], at(41)).await.unwrap();
    assert!(bench.store.waiting().await.unwrap().is_empty() && bench.store.recover(at(42)).await.unwrap().is_empty());
    let next = bench.store.pass(bench.submit().await).await.unwrap();
    assert_eq!((next.attempt, next.moved()), (1, Moved::default()));
    assert!(bench.store.folders(bench.item).await.unwrap().is_empty(), "and no intent of it");
}

#[tokio::test]
async fn active_items_refuse_a_second_pass_deletion_and_reset() {
    let bench = Bench::new().await;
    let schedule = Some(crate::domain::start_order::Schedule { at: at(99), zone: "Europe/Vienna".into() });
    let order = Submission { kind: PassKind::Verify, wait: Wait::Until(at(99)), schedule: schedule.clone(), at: at(1) };
    let pass = bench.store.submit(vec![(bench.item, PassPlan::FULL)], order.clone()).await.unwrap().passes[0].1;
    assert_eq!(bench.store.passes_in(&[Status::Scheduled], Some(bench.project)).await.unwrap()[0].schedule, schedule);
    assert!(matches!(bench.store.submit(vec![(bench.item, PassPlan::FULL)], order).await, Err(StoreError::Active(1))));
    assert!(matches!(bench.store.delete_items(vec![bench.item], at(40)).await, Err(StoreError::Active(1))));
    assert!(matches!(bench.store.reset(vec![bench.item], at(5)).await, Err(StoreError::Active(1))));
    assert!(matches!(bench.store.delete_project(bench.project, at(40)).await, Err(StoreError::Active(1))));
    bench.store.set_pass_options(pass, Options { concurrent: 3, ..Options::default() }).await.unwrap();
    assert_eq!(bench.store.pass_options(pass).await.unwrap().unwrap().concurrent, 3);
}

#[tokio::test]
async fn reset_drops_watermarks_and_keeps_passes() {
    let bench = Bench::new().await;
    let one = bench.folder("one", 1, 1).await;
    let pass = bench.submit().await;
    let watermarks = (1..=12_000).map(|n| (one, mark(n, one, n, 2, &[]))).collect();
    bench.store.record(pass, Results { watermarks, ..Results::default() }).await.unwrap();
    let line = PassFolder { folder: one, phase: FolderPhase::Done, counts: Counts::default() };
    bench.store.progress(pass, PassProgress::default(), vec![line]).await.unwrap();
    bench.store.set_status(StatusChange::new(pass, Status::Submitted, Status::Completed), at(20)).await.unwrap();
    assert!(bench.store.has_watermarks(bench.item).await.unwrap());
    bench.store.reset(vec![bench.item], at(30)).await.unwrap();
    assert!(!bench.store.has_watermarks(bench.item).await.unwrap());
    assert!(bench.store.folders(bench.item).await.unwrap().is_empty());
    assert_eq!(bench.store.item(bench.item).await.unwrap().status(), Status::NotSubmitted);
    bench.purge().await;
    assert_eq!((bench.count("watermark"), bench.store.passes(bench.item).await.unwrap().len()), (0, 1));
    assert_eq!(bench.store.pass_folders(pass, 10, 0).await.unwrap()[0].source.to_string(), "one");
    assert_ne!(bench.folder("one", 1, 1).await, one);
}

#[tokio::test]
async fn many_statuses_change_in_one_transaction_and_those_that_moved_on_are_named() {
    let bench = Bench::new().await;
    let store = &bench.store;
    let others = (0..3).map(|n| new_item(&format!("u{n}@a"), &format!("u{n}@b"))).collect();
    let items: Vec<ItemId> =
        store.import_items(bench.project, others).await.unwrap().iter().map(|item| item.id).collect();
    let order = Submission { kind: PassKind::Full, wait: Wait::None, schedule: None, at: at(10) };
    let passes = store.submit(items.iter().map(|item| (*item, PassPlan::FULL)).collect(), order).await.unwrap().passes;
    let passes: Vec<PassId> = passes.into_iter().map(|(_, pass)| pass).collect();
    store.set_status(StatusChange::new(passes[1], Status::Submitted, Status::Queued), at(12)).await.unwrap();
    let waiting = store.waiting().await.unwrap();
    let waits = |item| Waiting { project: bench.project, item, last_seen: at(10) };
    assert_eq!(waiting, [waits(items[0]), waits(items[2])]);

    let change = |pass, from, to| StatusChange { pass, from, to, failure: None, hold: None };
    let changes = passes.iter().map(|pass| change(*pass, Status::Submitted, Status::Held));
    // Each change finds what the one before it left.
    let changes = changes.chain([change(passes[0], Status::Held, Status::Stopped)]).collect();
    let refused = store.set_statuses(changes, at(20)).await.unwrap();
    assert!(matches!(refused[..], [(pass, StoreError::StatusChanged { found: Status::Queued })] if pass == passes[1]));
    let statuses = async || -> Vec<(Status, Option<Timestamp>)> {
        let rows = store.items(bench.project).await.unwrap();
        rows[1..].iter().map(|row| (row.status(), row.latest.as_ref().unwrap().ended)).collect()
    };
    assert_eq!(statuses().await, [(Status::Stopped, Some(at(20))), (Status::Queued, None), (Status::Held, None)]);

    let recovered = store.recover(at(30)).await.unwrap();
    assert_eq!(recovered.len(), 1);
    store.hold_waiting(at(30)).await.unwrap();
    assert_eq!(statuses().await, [(Status::Stopped, Some(at(20))), (Status::Held, None), (Status::Held, None)]);
    assert_eq!(store.count_held(HoldReason::Interrupted).await.unwrap(), 1, "the other one is held for something else");
    assert!(store.waiting().await.unwrap().is_empty());
}

#[tokio::test]
async fn commands_reach_the_owner_from_another_process() {
    let bench = Bench::new().await;
    let owner = &bench.store;
    let other = Store::open(owner.path().parent().unwrap(), at(2)).unwrap();
    assert!(owner.take_commands(at(1)).await.unwrap().is_empty());
    let first = other.push_command(r#"{"stop":1}"#.into(), at(5)).await.unwrap();
    let second = owner.push_command("{}".into(), at(6)).await.unwrap();
    let taken = owner.take_commands(at(7)).await.unwrap();
    assert_eq!(taken, vec![(first, r#"{"stop":1}"#.to_owned()), (second, "{}".to_owned())]);
    assert!(owner.take_commands(at(8)).await.unwrap().is_empty());
    assert_eq!(other.command_outcome(first).await.unwrap(), None);
    owner.answer_command(first, "\"ok\"".into()).await.unwrap();
    assert_eq!(other.command_outcome(first).await.unwrap().as_deref(), Some("\"ok\""));
    assert!(!other.withdraw_command(first).await.unwrap());
    let third = other.push_command("{}".into(), at(9)).await.unwrap();
    assert!(other.withdraw_command(third).await.unwrap());
    owner.purge_commands(at(6)).await.unwrap();
    assert!(matches!(other.command_outcome(first).await, Err(StoreError::Missing(_))));
    assert!(other.command_outcome(second).await.is_ok());
}

#[tokio::test]
async fn what_was_recorded_is_there_after_a_crash() {
    let bench = Bench::new().await;
    let (one, pass) = (bench.folder("one", 1, 1).await, bench.submit().await);
    let group = |from: i64| Results {
        watermarks: (from..from + 500).map(|n| (one, mark(n, one, n, 2, &[]))).collect(),
        ..Results::default()
    };
    bench.store.record(pass, group(1)).await.unwrap();
    bench.store.record(pass, group(501)).await.unwrap();
    // The files as a crash leaves them: database and journal, the last commit torn.
    let crashed = tempfile::tempdir().unwrap();
    let from = bench.store.path();
    let to = crashed.path().join(Store::FILE);
    std::fs::copy(from, &to).unwrap();
    let journal = std::fs::read(from.with_extension("db-wal")).unwrap();
    std::fs::write(to.with_extension("db-wal"), &journal[..journal.len() - 100]).unwrap();
    let store = Store::open(crashed.path(), at(2)).unwrap();
    assert_eq!(store.watermarks(one).await.unwrap().len(), 500, "the torn group is gone as a whole");
}
