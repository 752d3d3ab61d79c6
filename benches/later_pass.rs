//! What a later pass costs in memory when one flag changed: it must not grow with the mailbox. Aim: at most 64 MiB beside
//! what the process takes idle, at 300,000 messages and at 1,000,000.
//!
//! `cargo bench --bench later_pass`. Both sides are made of numbers, so that only the engine and the store are measured. A
//! process for each size: memory that was taken once does not always come back.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::unreachable,
    clippy::let_underscore_must_use,
    clippy::too_many_arguments,
    clippy::too_many_lines,
    reason = "what goes wrong ends the measurement"
)]
#![expect(clippy::print_stdout, reason = "its whole purpose is to print")]

use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use async_trait::async_trait;
use bytes::Bytes;
use mailferry::domain::content::ContentHash;
use mailferry::domain::flags::{Flags, PermanentFlags};
use mailferry::domain::folder::{FolderPath, FolderState, ListedFolder, UidValidity, WireName};
use mailferry::domain::identity::of_message;
use mailferry::domain::ids::Uid;
use mailferry::domain::message::{Body, MessageHeader, MessageMeta, NewMessage, SourceMessage};
use mailferry::domain::pass::PassKind;
use mailferry::domain::pass_plan::{Parameters, PassPlan};
use mailferry::domain::project::Options;
use mailferry::domain::record::{FolderEnd, FolderUpdate, Origin, Results, Seen, Watermark};
use mailferry::domain::retry::Pace;
use mailferry::domain::server::Server;
use mailferry::domain::status::Wait;
use mailferry::domain::time::Timestamp;
use mailferry::endpoint::{
    AppendAnswer, Destination, DestinationEndpoint, Fetched, FlagUpdate, FolderRef, Limits, MessageStream, NewFolder,
    Result, Source, SourceEndpoint, Which,
};
use mailferry::engine::store_journal::StoreJournal;
use mailferry::pass::doors::Approach;
use mailferry::pass::tally::PassStats;
use mailferry::pass::{Means, Pass, PassEnd, PassOrder, Stops};
use mailferry::platform::clock::SystemClock;
use mailferry::store::{NewItem, Store, Submission};
use tokio::sync::mpsc;

/// A mailbox with one folder of so many messages; the message with this number is flagged.
#[derive(Clone)]
struct Numbers {
    messages: u32,
    flagged: u32,
    set: Arc<AtomicU64>,
}

fn message(uid: u32) -> String {
    format!(
        "Message-ID: <{uid}@example.org>\r\nDate: Sat, 1 Feb 2003 04:05:06 +0530\r\nSubject: {uid}\r\n\r\n{uid}\r\n"
    )
}

impl Numbers {
    fn asked(&self, which: &Which) -> Vec<u32> {
        match which {
            Which::These(uids) => uids.iter().filter_map(|uid| u32::try_from(uid.0).ok()).collect(),
            Which::Range(from, to) => {
                let first = u32::try_from(from.0.max(1)).unwrap_or(u32::MAX);
                let end = u32::try_from(to.0.min(i64::from(self.messages) + 1)).unwrap_or(0);
                (first..end).collect()
            }
            Which::All | Which::From(_) | Which::Before(_) => {
                (1..=self.messages).filter(|uid| which.includes(Uid(i64::from(*uid)))).collect()
            }
        }
    }

    fn state(&self) -> FolderState {
        FolderState {
            uid_validity: UidValidity::new(1),
            uid_next: Some(Uid(i64::from(self.messages) + 1)),
            messages: self.messages,
            highest_modseq: Some(2 + u64::from(self.flagged)),
        }
    }
}

#[async_trait]
impl Source for Numbers {
    async fn list(&mut self) -> Result<Vec<ListedFolder>> {
        Ok(vec![ListedFolder {
            path: FolderPath::new(["INBOX"]),
            wire: WireName(b"INBOX".to_vec()),
            foreign: false,
            role: None,
            selectable: true,
            subscribed: false,
            state: Some(self.state()),
            size: None,
            mailbox_id: None,
        }])
    }

    async fn examine(&mut self, _folder: &FolderRef) -> Result<FolderState> {
        Ok(self.state())
    }

    async fn scan(&mut self, _folder: &FolderRef, which: &Which, _dates: bool) -> Result<Vec<MessageMeta>> {
        let meta = |uid: u32| MessageMeta {
            uid: Uid(i64::from(uid)),
            flags: Some(if uid == self.flagged { Flags::from_names(["\\Flagged"]) } else { Flags::none() }),
            size: 100,
            date: None,
        };
        Ok(self.asked(which).into_iter().map(meta).collect())
    }

    async fn headers(&mut self, _folder: &FolderRef, which: &Which) -> Result<Vec<MessageHeader>> {
        let header = |uid: u32| {
            let mut header = message(uid);
            header.truncate(header.find("\r\n\r\n").map_or(0, |end| end + 4));
            MessageHeader { uid: Uid(i64::from(uid)), size: 100, header: Bytes::from(header) }
        };
        Ok(self.asked(which).into_iter().map(header).collect())
    }

    /// Nothing is new: only the newest are looked at.
    async fn fetch(&mut self, _folder: &FolderRef, which: &Which) -> Result<MessageStream> {
        let asked = self.asked(which);
        let (sender, stream) = mpsc::channel(asked.len().max(1));
        for uid in asked {
            let body = Body::Memory(Bytes::from(message(uid)));
            let (uid, flags) = (Uid(i64::from(uid)), Flags::none());
            let fetched = Fetched::Message(SourceMessage { uid, flags, date: None, body, told: None, hold: None });
            sender.try_send(fetched).expect("room for all");
        }
        Ok(stream)
    }

    async fn close(self: Box<Self>) {}
}

#[async_trait]
impl Destination for Numbers {
    fn limits(&self) -> Limits {
        Limits { message_bytes: None, tells_uids: true, batch: usize::MAX, separator: Some('/') }
    }

    fn wire_name(&self, path: &FolderPath) -> WireName {
        WireName(path.to_string().into_bytes())
    }

    async fn create(&mut self, _folders: &[NewFolder]) -> Result<Vec<Result<WireName>>> {
        unreachable!("nothing is missing")
    }

    async fn subscribe(&mut self, folders: &[WireName]) -> Result<Vec<Result<()>>> {
        Ok(folders.iter().map(|_| Ok(())).collect())
    }

    async fn open(&mut self, folders: &[FolderRef]) -> Result<Vec<Result<(FolderState, PermanentFlags)>>> {
        Ok(folders.iter().map(|_| Ok((self.state(), PermanentFlags::everything()))).collect())
    }

    async fn append(&mut self, _folder: &FolderRef, _messages: Vec<NewMessage>) -> Result<AppendAnswer> {
        unreachable!("nothing is new")
    }

    async fn update_flags(&mut self, _folder: &FolderRef, updates: &[FlagUpdate]) -> Result<()> {
        let changed: usize = updates.iter().map(|update| update.uids.len()).sum();
        self.set.fetch_add(changed as u64, Ordering::Relaxed);
        Ok(())
    }
}

#[async_trait]
impl SourceEndpoint for Numbers {
    async fn open_source(&self) -> Result<Box<dyn Source>> {
        Ok(Box::new(self.clone()))
    }
}

#[async_trait]
impl DestinationEndpoint for Numbers {
    async fn open_destination(&self) -> Result<Box<dyn Destination>> {
        Ok(Box::new(self.clone()))
    }
}

/// A figure of this process, in MiB.
fn memory(name: &str) -> f64 {
    let text = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_default();
    line.split_whitespace().next().and_then(|kib| kib.parse::<f64>().ok()).unwrap_or(f64::NAN) / 1024.0
}

/// A workspace whose item knows all messages.
async fn prepare(folder: &Path, messages: u32) {
    let store = Store::open(folder, Timestamp::from_millis(0)).expect("a store");
    let server = || Server::parse_url("imap+plain://127.0.0.1:1").expect("an address");
    let options = Options::default();
    let project = store.create_project("p".into(), [server(), server()], options, [None; 2]).await.expect("a project");
    let item = NewItem { source_email: "a@a".into(), destination_email: "b@b".into(), ..NewItem::default() };
    let item = store.import_items(project, vec![item]).await.expect("an item")[0].id;
    let order = Submission { kind: PassKind::Full, wait: Wait::None, schedule: None, at: Timestamp::from_millis(0) };
    let pass = store.submit(vec![(item, PassPlan::FULL)], order).await.expect("a pass").passes[0].1;
    let (path, wire) = (FolderPath::new(["INBOX"]), WireName(b"INBOX".to_vec()));
    let update = FolderUpdate {
        id: None,
        source: path.clone(),
        source_wire: wire.clone(),
        source_validity: UidValidity::new(1),
        mailbox_id: None,
        destination: path,
        destination_wire: wire,
        destination_validity: UidValidity::new(1),
        destination_mailbox_id: None,
    };
    let row = store.update_folders(item, vec![update]).await.expect("a folder")[0];
    for first in (1..=messages).step_by(5000) {
        let mark = |uid: u32| {
            let text = message(uid);
            let mark = Watermark {
                source: Uid(i64::from(uid)),
                destination_folder: row,
                destination: Uid(i64::from(uid)),
                identity: of_message(text.as_bytes()),
                content: Some(ContentHash::of(text.as_bytes())),
                flags: Flags::none().into(),
                origin: Origin::Copied,
            };
            (row, mark)
        };
        let watermarks = (first..(first + 5000).min(messages + 1)).map(mark).collect();
        store.record(pass, Results { watermarks, ..Results::default() }).await.expect("recorded");
    }
    // That pass came to its end.
    let seen = Some(Seen::new(Some(Uid(i64::from(messages) + 1)), messages));
    let end = FolderEnd { close_intent: true, marker: None, source: seen, destination: seen };
    store.end_folder(row, end).await.expect("ended");
}

async fn later(folder: &Path, messages: u32) {
    let store = Store::open(folder, Timestamp::from_millis(0)).expect("a store");
    let project = store.projects().await.expect("projects")[0].id;
    let row = store.items(project).await.expect("items").remove(0);
    let (item, pass) = (row.item.id, row.latest.expect("a pass").id);
    let set = Arc::new(AtomicU64::new(0));
    let side = |flagged| Arc::new(Numbers { messages, flagged, set: Arc::clone(&set) });
    let order = PassOrder {
        pass,
        item,
        plan: PassPlan::new(PassKind::Full, Parameters::default()).expect("a plan"),
        failed: Default::default(),
        known_errors: Default::default(),
        options: Options::default(),
        pace: Pace::default(),
        zone: jiff::tz::TimeZone::UTC,
        earlier: Default::default(),
        last_seen: None,
    };
    let idle = memory("VmRSS:");
    let journal = Arc::new(StoreJournal::new(store, item, pass));
    let (tally, clock) = (PassStats::new(Arc::default()), Arc::new(SystemClock));
    let (source, destination, stops) = (side(messages / 2), side(0), Stops::default());
    let (throttle, network) = (Arc::default(), Arc::default());
    let (approach, said) = (Approach::default(), Default::default());
    let means = Means { source, destination, journal, tally, clock, throttle, approach, said, network, stops };
    let begun = std::time::Instant::now();
    let end = Box::pin(Pass::run(order, means)).await;
    let took = begun.elapsed();
    assert!(matches!(end, PassEnd::Completed { errors: 0, .. }), "{end:?}");
    assert_eq!(set.load(Ordering::Relaxed), 1, "one flag changed");
    println!(
        "{messages} messages, one flag changed: {:.0} MiB idle, {:.0} MiB more at most (aim: 64), {took:.2?}",
        idle,
        memory("VmHWM:") - idle
    );
}

fn main() {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime");
    if let Ok(folder) = std::env::var("LATER_PASS_FOLDER") {
        let messages = std::env::var("LATER_PASS_MESSAGES").ok().and_then(|n| n.parse().ok()).expect("a number");
        runtime.block_on(later(Path::new(&folder), messages));
        return;
    }
    for messages in [10_000, 300_000, 1_000_000] {
        let folder = tempfile::tempdir().expect("a folder");
        runtime.block_on(prepare(folder.path(), messages));
        let mut again = Command::new(std::env::current_exe().expect("this program"));
        again.env("LATER_PASS_FOLDER", folder.path()).env("LATER_PASS_MESSAGES", messages.to_string());
        assert!(again.status().expect("to be started").success());
    }
}
