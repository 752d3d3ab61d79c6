//! The thread that paints never waits: neither for the vault, nor for the database, nor for the engine behind it.
//!
//! The real client is behind the window, and its vault and database are held shut by the test. If the window waited for
//! either, these tests would never get to the line that opens them again.

use std::fs::File;
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, sync_channel};
use std::time::{Duration, Instant};

use egui::Role;
use egui_kittest::Harness;
use egui_kittest::kittest::Queryable;
use mailferry::domain::secret::Secret;
use mailferry::platform::clock::SystemClock;
use mailferry::platform::program::DemoProcess;
use mailferry::service::client::{Client, Waker};
use mailferry::service::{OpenOptions, VaultKind};
use mailferry::store::Store;
use mailferry::ui::app::{App, Services};
use mailferry::vault::FileVault;

use super::OneFile;

/// Longer than anything here may take.
const PATIENCE: Duration = Duration::from_secs(60);
/// Frames painted while everything behind the window is shut.
const FRAMES: u64 = 60;

struct Live {
    window: Harness<'static, App>,
    news: Receiver<()>,
}

impl Live {
    fn open(folder: &Path) -> Live {
        let (wake, news) = sync_channel(1);
        // A wake-up that waits already is enough.
        let waker: Waker = Arc::new(move || {
            let _ = wake.try_send(());
        });
        let options = OpenOptions {
            vault: Some(VaultKind::File),
            passphrase: Some(Secret::new("open sesame")),
            ..OpenOptions::new(folder.to_owned())
        };
        let client = Client::open(options, Arc::clone(&waker)).expect("threads");
        let services = Services {
            clock: Arc::new(SystemClock),
            zone: jiff::tz::TimeZone::UTC,
            title: "Mailferry",
            picker: Box::new(OneFile),
            demo: Box::new(DemoProcess),
            waker,
            auto_run: None,
            interrupts: None,
        };
        let window =
            Harness::builder().with_size([1280.0, 800.0]).build_eframe(|c| App::new(&c.egui_ctx, client, services));
        Live { window, news }
    }

    fn says(&self, words: &str) -> bool {
        self.window.query_all_by_label_contains(words).next().is_some()
    }

    fn wait_for(&mut self, words: &str) {
        self.window.step();
        while !self.says(words) {
            self.news.recv_timeout(PATIENCE).unwrap_or_else(|_| panic!("the window never says \"{words}\""));
            self.window.step();
        }
        // A dialog that grew is where it stays.
        self.steps(2);
    }

    fn click(&mut self, label: &str) {
        self.window.get_by_label(label).click();
        self.steps(3);
    }

    fn type_into(&mut self, label: &str, text: &str) {
        let node = |window: &Harness<'static, App>, act: &dyn Fn(egui_kittest::Node<'_>)| {
            let multiline = window.query_by_role_and_label(Role::MultilineTextInput, label);
            act(multiline.unwrap_or_else(|| window.get_by_role_and_label(Role::TextInput, label)));
        };
        node(&self.window, &|node| node.focus());
        self.steps(2);
        node(&self.window, &|node| node.type_text(text));
        self.steps(2);
    }

    fn steps(&mut self, count: u64) {
        (0..count).for_each(|_| self.window.step());
    }
}

/// How long frames may have slept all together. One wait for the database would be twice as long, one for the vault would
/// not end; a lock that another thread holds for a moment is nothing beside it.
const NAP: Duration = Duration::from_secs(5);

/// How long this thread slept while `act` ran: neither worked nor stood in the queue of a busy processor.
fn asleep(act: impl FnOnce()) -> Duration {
    let busy = || {
        let told = std::fs::read_to_string("/proc/thread-self/schedstat").expect("Linux tells");
        told.split_whitespace().take(2).map(|part| Duration::from_nanos(part.parse().expect("nanoseconds"))).sum()
    };
    let (began, before): (_, Duration) = (Instant::now(), busy());
    act();
    began.elapsed().saturating_sub(busy() - before)
}

/// The database and the vault of a workspace, shut for everybody else.
struct Shut {
    database: rusqlite::Connection,
    vault: File,
}

impl Shut {
    fn new(folder: &Path) -> Shut {
        let database = rusqlite::Connection::open(folder.join(Store::FILE)).expect("the database");
        database.execute_batch("BEGIN IMMEDIATE").expect("its write lock");
        let vault = File::options()
            .write(true)
            .open(folder.join(FileVault::FILE).with_extension("lock"))
            .expect("the vault's lock file");
        vault.lock().expect("the vault's lock");
        Shut { database, vault }
    }

    fn open(self) {
        self.database.execute_batch("ROLLBACK").expect("given back");
        drop(self.vault);
    }
}

#[cfg(target_os = "linux")]
#[test]
fn b3_nothing_on_the_painting_thread_waits_for_vault_database_or_engine() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut live = Live::open(folder.path());
    live.wait_for("No projects yet");
    live.click("New project…");
    live.type_into("Name", "Contoso");
    live.click("Maildir folders as source");
    live.click("Maildir folders as destination");
    live.type_into("Path of the source", "/nowhere/old/{email}");
    live.type_into("Path of the destination", "/nowhere/new/{email}");
    live.click("Create project");
    live.wait_for("No items yet");

    // A thousand passwords on their way into a vault and a database that are both shut.
    live.click("Import the first items…");
    let row = |n| format!("user{n}@a.example,,secret{n},user{n}@b.example,,secret{n}\n");
    let header = "Source Email,Source Login Name,Source Password,Destination Email,Destination Login Name,\
                  Destination Password\n";
    let list: String = std::iter::once(header.to_owned()).chain((0..500).map(row)).collect();
    live.type_into("Or paste the list, also just two columns of addresses", &list);
    live.wait_for("Import 500 items");
    let shut = Shut::new(folder.path());
    live.click("Import 500 items");
    live.wait_for("Importing…");
    let slept = asleep(|| live.steps(FRAMES));
    assert!(live.says("Importing…"), "it is shut");
    assert!(slept < NAP, "{slept:?} in {FRAMES} frames");
    shut.open();
    live.wait_for("500 items imported");
    live.wait_for("Start all 500…");

    // Passes are submitted to an engine that cannot write.
    live.click("Start all 500…");
    let shut = Shut::new(folder.path());
    live.click("The direction is right");
    live.click("Start 500");
    let slept = asleep(|| live.steps(FRAMES));
    assert!(slept < NAP, "{slept:?} in {FRAMES} frames");
    assert!(!live.says("submitted"), "it is shut");
    shut.open();
    live.wait_for("500 items submitted");
}
