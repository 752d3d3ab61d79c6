//! Figures that only rise: Data and messages of an item, read in every way there is while passes stop, fail and follow.

use std::cell::RefCell;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use mailferry::domain::ids::{ItemId, ProjectId};
use mailferry::domain::pass::PassKind;
use mailferry::domain::secret::Secret;
use mailferry::domain::start_order::StartOrder;
use mailferry::domain::status::Status;
use mailferry::domain::time::Timestamp;
use mailferry::engine::command::Command;
use mailferry::engine::snapshot::ItemRow;
use mailferry::service::client::{Client, Request};
use mailferry::service::start::StartRequest;
use mailferry::service::{OpenOptions, VaultKind};
use mailferry::store::Store;
use mailferry::ui::model::look;

use crate::support::dovecot::{self, Format};
use crate::support::ends::Ends as _;
use crate::support::product::Workspace;
use crate::support::relay::{Act, At, PATIENCE, Rules, verb};
use crate::support::scene::Scene;

/// What was read last of a figure that may not fall.
#[derive(Default)]
struct Rising {
    what: &'static str,
    most: u64,
    readings: u64,
}

impl Rising {
    fn read(&mut self, now: u64) {
        assert!(now >= self.most, "{} fell from {} to {now} at reading {}", self.what, self.most, self.readings);
        self.most = now;
        self.readings += 1;
    }
}

/// A window's end whose engine moves the scene's only item.
struct Mover<'a> {
    client: Client,
    scene: &'a Scene,
    data: Rising,
}

const PROJECT: ProjectId = ProjectId(1);
const ITEM: ItemId = ItemId(1);

impl<'a> Mover<'a> {
    fn new(scene: &'a Scene) -> Mover<'a> {
        let options = OpenOptions {
            vault: Some(VaultKind::File),
            passphrase: Some(Secret::new("open sesame")),
            ..OpenOptions::new(scene.workspace.path().to_owned())
        };
        let client = Client::open(options, Arc::new(|| ())).expect("threads");
        let data = Rising { what: "Data in the snapshot", ..Rising::default() };
        let mut mover = Mover { client, scene, data };
        mover.until(|row| row.status == Status::NotSubmitted);
        mover
    }

    /// Reads the snapshot until the row is like this.
    fn until(&mut self, fits: impl Fn(&ItemRow) -> bool) -> Arc<ItemRow> {
        let start = Instant::now();
        loop {
            while self.client.receive().is_some() {}
            if let Some(row) = self.client.snapshot().row(0) {
                self.data.read(look::bytes(row));
                if fits(row) {
                    return Arc::clone(row);
                }
            }
            assert!(start.elapsed() < PATIENCE, "never: {:#?}", self.client.snapshot().row(0));
            std::thread::yield_now();
        }
    }

    fn ask(&mut self, request: Request) {
        self.client.send(request).expect("taken");
    }

    /// A Full pass to its end; the row is read from its Start on.
    fn pass(&mut self) -> Arc<ItemRow> {
        self.start();
        self.until(|row| row.status.is_at_rest())
    }

    fn start(&mut self) {
        let before = self.until(|row| row.status.is_at_rest()).pass.map(|pass| pass.id);
        let order = StartOrder::now(PassKind::Full);
        let start = StartRequest { project: PROJECT, items: vec![ITEM], order, confirms: true, asks: true };
        self.ask(Request::Start(Box::new(start)));
        self.until(|row| row.pass.map(|pass| pass.id) != before);
    }

    /// Stopped in the middle, while an APPEND stands still.
    fn stopped_at(&mut self, nth: u64) {
        let hit = self.scene.destination.plan(At::Command(verb("APPEND").nth(nth)), Act::Hold);
        self.start();
        while !hit.wait_for(Duration::ZERO) {
            self.until(|row| row.status.is_active());
        }
        self.ask(Request::Command(Command::Stop { project: PROJECT, items: vec![ITEM] }));
        self.until(|row| row.status == Status::Stopping);
        hit.go_on();
        self.until(|row| row.status == Status::Stopped);
        self.scene.destination.forget_plans();
    }
}

/// Tells readers to end, also when the test fails.
struct Ends<'a>(&'a AtomicBool);

impl Drop for Ends<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Reads `status --json` again and again until it is told to end; answers how often.
fn read_status(workspace: &Workspace, end: &AtomicBool) -> u64 {
    let mut data = Rising { what: "bytes of status --json", ..Rising::default() };
    let mut copied = Rising { what: "copied of status --json", ..Rising::default() };
    while !end.load(Ordering::Relaxed) {
        let item = workspace.only();
        data.read(item.number("bytes"));
        copied.read(item.number("copied"));
    }
    data.readings
}

/// Reads what every other process reads, the database, until it is told to end; answers how often.
fn read_database(workspace: &Workspace, end: &AtomicBool) -> u64 {
    let mut data = Rising { what: "Data in the database", ..Rising::default() };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let store = Store::open(workspace.path(), Timestamp::from_millis(0)).expect("the workspace");
    while !end.load(Ordering::Relaxed) {
        data.read(runtime.block_on(store.item(ITEM)).expect("the item").moved().bytes);
    }
    data.readings
}

#[test]
fn r49_data_never_falls_at_a_stop_a_refusal_or_another_pass() {
    if !dovecot::available() {
        return;
    }
    let (source, destination) = (dovecot::shared(Format::Sdbox), dovecot::shared_twin(Format::Sdbox));
    let slow = Rules { round_trip: Duration::from_millis(4), ..Rules::singly() };
    let scene = Scene::between(source, destination, Rules::default(), slow);
    scene.fill("INBOX", 0..60);
    scene.fill("Work", 100..130);
    let end = AtomicBool::new(false);
    std::thread::scope(|threads| {
        let status = threads.spawn(|| read_status(&scene.workspace, &end));
        let database = threads.spawn(|| read_database(&scene.workspace, &end));
        let ends = Ends(&end);
        let mut mover = Mover::new(&scene);
        mover.stopped_at(20);
        // However much was recorded before a stop took effect, enough is left to meet the next trouble.
        scene.fill("INBOX", 400..440);
        mover.stopped_at(15);
        scene.fill("INBOX", 60..90);
        let no = Act::Answer("NO contains a virus".into());
        scene.destination.plan(At::Command(verb("APPEND").nth(9)), no);
        let row = mover.pass();
        assert_eq!((row.status, row.progress.counts.errors), (Status::Completed, 1), "{row:#?}");
        scene.fill("INBOX", 200..212);
        let row = mover.pass();
        assert_eq!((row.status, row.progress.counts.copied), (Status::Completed, 13), "12 new and the refused one");
        assert_eq!((row.moved().messages, look::messages(&row)), (172, "172 of 172".into()));
        let held: u64 =
            scene.read_here().folders.values().flat_map(|f| &f.messages).map(|m| m.bytes.len() as u64).sum();
        assert_eq!(row.moved().bytes, held, "Data is what was copied");
        drop(ends);
        let readings = [mover.data.readings, database.join().expect("readings"), status.join().expect("readings")];
        // Many times that on a quiet machine, and a process a reading where that is slow.
        assert!(readings[0] > 10_000 && readings[1] > 1_000 && readings[2] > 3, "{readings:?}");
    });
}

#[test]
fn r48_the_bar_stands_still_while_bytes_rise() {
    if !dovecot::available() {
        return;
    }
    let (source, destination) = (dovecot::shared(Format::Sdbox), dovecot::shared_twin(Format::Sdbox));
    let scene = Scene::between(source, destination, Rules::default(), Rules::singly());
    scene.fill("INBOX", 0..30);
    let holds = [10, 20].map(|nth| scene.destination.plan(At::Command(verb("APPEND").nth(nth)), Act::Hold));
    let mut mover = Mover::new(&scene);
    mover.start();
    let seen = [(&holds[0], 9), (&holds[1], 19)].map(|(hold, copied)| {
        // Figures of one moment.
        let row = mover.until(|row| row.progress.counts.copied == copied);
        let elsewhere = scene.workspace.only().number("bytes");
        hold.go_on();
        assert_eq!((row.progress.folders_done, row.progress.folders_total), (0, 1), "{row:#?}");
        assert_eq!(row.moved().bytes, elsewhere, "another process sees it too");
        elsewhere
    });
    assert!(seen[0] < seen[1], "{seen:?}");
    assert_eq!(mover.until(|row| row.status.is_at_rest()).progress.folders_done, 1);
}

/// The JSON of the only item, and a row of the table that people read.
fn verified(scene: &Scene) -> (serde_json::Value, String) {
    scene.workspace.run(&["start", "move", "--pass", "verify"]).expect(0);
    (scene.workspace.only().0["at_source"].clone(), scene.workspace.run(&["status", "move"]).expect(0).stdout)
}

#[test]
fn r49_verify_counts_the_source_and_later_passes_are_measured_by_it() {
    if !dovecot::available() {
        return;
    }
    let scene = Scene::new();
    scene.fill("INBOX", 0..7);
    scene.fill("Work", 100..103);
    let (at, table) = verified(&scene);
    let held: u64 = scene.read_here().folders.values().flat_map(|f| &f.messages).map(|m| m.bytes.len() as u64).sum();
    assert_eq!(at, serde_json::json!({ "folders": 2, "messages": 10, "bytes": held }));
    assert!(table.contains("0 of 10") && table.contains("2 folders, 10 messages"), "{table}");
    let output = scene.workspace.run(&["start", "move", "--watch"]).expect(0);
    assert!(output.stdout.contains("10 copied"), "{output:?}");
    scene.fill("INBOX", 200..202);
    let output = scene.workspace.run(&["start", "move", "--watch"]).expect(0);
    assert!(output.stdout.contains("+2 new, 12 copied in all"), "{output:?}");
    let table = scene.workspace.run(&["status", "move"]).expect(0).stdout;
    assert!(table.contains("12 of 12"), "{table}");
}

#[test]
fn r49_a_crash_takes_nothing_back_that_was_recorded() {
    if !dovecot::available() {
        return;
    }
    let scene = Scene::between(
        dovecot::shared(Format::Sdbox),
        dovecot::shared_twin(Format::Sdbox),
        Rules::default(),
        Rules::singly(),
    );
    scene.workspace.options(|o| o.connections = 1);
    scene.fill("INBOX", 0..40);
    let mut copied = Rising { what: "copied of status --json", ..Rising::default() };
    for nth in [12, 9] {
        let hit = scene.destination.plan(At::Command(verb("APPEND").nth(nth)), Act::Hold);
        let mut running = scene.workspace.command(&["start", "move"]).spawn().expect("the program starts");
        hit.wait();
        // A watermark and its figure are one transaction: no flush is waited for.
        let recorded = || scene.workspace.only().number("copied");
        let start = Instant::now();
        while recorded() < copied.most + 8 {
            assert!(start.elapsed() < PATIENCE, "never recorded");
        }
        copied.read(recorded());
        running.kill().expect("killed");
        running.ends();
        hit.cut();
        scene.destination.forget_plans();
        copied.read(recorded());
    }
    scene.workspace.start().expect(0);
    let item = scene.workspace.only();
    copied.read(item.number("copied"));
    assert_eq!((item.number("attempt"), item.number("copied"), item.messages("copied")), (3, 40, 40), "{:#}", item.0);
}

#[test]
fn r51_r52_r53_the_time_of_the_figures_stands_still_in_retry_mode_and_goes_on_after_it() {
    if !dovecot::available() {
        return;
    }
    let (source, destination) = (dovecot::shared(Format::Sdbox), dovecot::shared_twin(Format::Sdbox));
    let scene = Scene::between(source, destination, Rules::default(), Rules::singly());
    scene.fill("INBOX", 0..20);
    let busy = Act::Answer("NO Request is throttled. Suggested Backoff Time: 3000 milliseconds".into());
    scene.destination.plan(At::Command(verb("APPEND").nth(10)), busy);
    let mut mover = Mover::new(&scene);
    mover.start();
    let row = mover.until(|row| row.progress.retry.is_some());
    let (at, until) = (row.progress.updated, row.progress.retry.as_ref().map(|retry| retry.until));
    assert!(at.is_some() && until > at, "{row:#?}");
    // Answers that were on their way still count; then the time stands, and ages, until the next try.
    let stands = RefCell::new((at, Instant::now()));
    mover.until(|row| {
        let mut stands = stands.borrow_mut();
        if row.progress.retry.is_some() && row.progress.updated != stands.0 {
            *stands = (row.progress.updated, Instant::now());
        }
        row.progress.retry.is_none()
    });
    let stands = stands.into_inner();
    assert!(stands.1.elapsed() >= Duration::from_secs(2), "{:?} of 3 s", stands.1.elapsed());
    let row = mover.until(|row| row.status.is_at_rest());
    assert_eq!((row.status, row.moved().messages), (Status::Completed, 20));
    assert!(row.progress.updated > stands.0);
}
