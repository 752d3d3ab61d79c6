//! What a million watermarks cost: bytes on the disk and time to load. Targets: 60 bytes each, 1 second for all.
//!
//! `cargo bench --bench watermarks`. Two shapes: one folder after the other, and ten folders growing at once.
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
use std::time::Instant;

use mailferry::domain::content::ContentHash;
use mailferry::domain::flags::Flags;
use mailferry::domain::folder::{FolderPath, UidValidity, WireName};
use mailferry::domain::identity::Identity;
use mailferry::domain::ids::{FolderId, Uid};
use mailferry::domain::pass::PassKind;
use mailferry::domain::pass_plan::PassPlan;
use mailferry::domain::project::Options;
use mailferry::domain::record::{FolderUpdate, Origin, Results, Watermark};
use mailferry::domain::server::Server;
use mailferry::domain::status::Wait;
use mailferry::domain::time::Timestamp;
use mailferry::store::{NewItem, Store, Submission};

const ALL: i64 = 1_000_000;
const GROUP: i64 = 500;

fn main() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).build().expect("a runtime");
    runtime.block_on(run("one folder", 1));
    runtime.block_on(run("ten folders at once", 10));
}

async fn run(shape: &str, folders: i64) {
    let temporary = tempfile::tempdir().expect("a folder");
    let store = Store::open(temporary.path(), Timestamp::from_millis(0)).expect("a store");
    let server = Server::parse_url("imaps://h").expect("an address");
    let project = store
        .create_project("p".into(), [server.clone(), server], Options::default(), [None; 2])
        .await
        .expect("a project");
    let item = NewItem { source_email: "a@a".into(), destination_email: "b@b".into(), ..NewItem::default() };
    let item = store.import_items(project, vec![item]).await.expect("an item")[0].id;
    let order = Submission { kind: PassKind::Full, wait: Wait::None, schedule: None, at: Timestamp::from_millis(0) };
    let pass = store.submit(vec![(item, PassPlan::FULL)], order).await.expect("a pass").passes[0].1;
    let rows = store.update_folders(item, (0..folders).map(update).collect()).await.expect("folders");
    let before = size(store.path());

    let start = Instant::now();
    for group in 0..ALL / GROUP {
        let folder = rows[usize::try_from(group % folders).expect("small")];
        let first = group / folders * GROUP + 1;
        let watermarks = (first..first + GROUP).map(|n| (folder, watermark(folder, n))).collect();
        store.record(pass, Results { watermarks, ..Results::default() }).await.expect("recorded");
    }
    let written = start.elapsed();
    rusqlite::Connection::open(store.path())
        .and_then(|other| other.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())))
        .expect("a checkpoint");
    let each = (size(store.path()) - before) as f64 / ALL as f64;

    let start = Instant::now();
    let mut loaded = 0;
    for folder in &rows {
        loaded += store.watermarks(*folder).await.expect("loaded").len();
    }
    let read = start.elapsed();
    let start = Instant::now();
    let mut known = 0;
    for folder in &rows {
        known += store.known_at_destination(*folder).await.expect("loaded").len();
    }
    let numbers = start.elapsed();
    println!(
        "{shape}: {ALL} watermarks, {each:.1} bytes each; recorded in {written:.2?}, {loaded} loaded in {read:.2?}, \
         {known} destination numbers in {numbers:.2?}"
    );
}

fn size(path: &Path) -> u64 {
    std::fs::metadata(path).expect("the database").len()
}

fn update(n: i64) -> FolderUpdate {
    let (path, wire) = (FolderPath::new([format!("folder {n}")]), WireName(format!("folder {n}").into_bytes()));
    FolderUpdate {
        id: None,
        source: path.clone(),
        source_wire: wire.clone(),
        source_validity: UidValidity::new(1),
        mailbox_id: None,
        destination: path,
        destination_wire: wire,
        destination_validity: UidValidity::new(1),
        destination_mailbox_id: None,
    }
}

fn watermark(folder: FolderId, n: i64) -> Watermark {
    let flags = match n % 10 {
        0 => Flags::none(),
        1 => Flags::from_names([r"\Seen", r"\Answered"]),
        2 => Flags::from_names([r"\Seen", "$Label1"]),
        _ => Flags::from_names([r"\Seen"]),
    };
    let hash = blake3::hash(&n.to_le_bytes());
    let mut identity = [0; 16];
    identity.copy_from_slice(&hash.as_bytes()[..16]);
    let mut content = [0; 16];
    content.copy_from_slice(&hash.as_bytes()[16..]);
    Watermark {
        source: Uid(n + n / 7), // some numbers are missing, as in every old mailbox
        destination_folder: folder,
        destination: Uid(n),
        identity: Identity(identity),
        content: Some(ContentHash(content)),
        flags: flags.into(),
        origin: Origin::Copied,
    }
}
