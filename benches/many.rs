//! What 100,000 items cost (R10): submitting them, holding and taking them back, an answer meanwhile, opening again.
//!
//! `cargo bench --bench many`. Targets: submit 1 s, ready after a restart 2 s, hold and stop answered at once.
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

use std::sync::Arc;
use std::time::Instant;

use mailferry::domain::clock::Clock;
use mailferry::domain::ids::{ItemId, ProjectId};
use mailferry::domain::pass::PassKind;
use mailferry::domain::project::Options;
use mailferry::domain::server::Server;
use mailferry::domain::start_order::StartOrder;
use mailferry::endpoint::budget::Budget;
use mailferry::endpoint::registry::RealEndpoints;
use mailferry::engine::command::Command;
use mailferry::engine::{Engine, MESSAGE_MEMORY, Workspace};
use mailferry::platform::clock::SystemClock;
use mailferry::store::{NewItem, Store};
use mailferry::vault::MemoryVault;

const ITEMS: usize = 100_000;

fn engine(folder: &std::path::Path, store: &Store) -> Engine {
    Engine::start(Workspace {
        sign_ins: mailferry::engine::SignIns::default(),
        store: store.clone(),
        vault: Arc::new(MemoryVault::default()),
        spool: folder.to_owned(),
        numbers: folder.to_owned(),
        budget: Budget::new(MESSAGE_MEMORY),
        clock: Arc::new(SystemClock),
        endpoints: Arc::new(RealEndpoints),
        takes: mailferry::engine::Takes::All,
    })
}

/// Gives a command and prints what its answer took.
async fn timed(engine: &Engine, what: &str, command: Command) -> usize {
    let began = Instant::now();
    let outcome = engine.command(command).await;
    assert_eq!(outcome.error, None);
    println!("{what:<44} {:>7.0} ms  ({} items)", began.elapsed().as_secs_f64() * 1000.0, outcome.done.len());
    outcome.done.len()
}

async fn run(project: ProjectId, items: Vec<ItemId>, folder: &std::path::Path, store: Store) {
    let first = engine(folder, &store);
    timed(&first, "the project is opened", Command::Open { project }).await;
    timed(&first, "new starts are held", Command::Hold { project, held: true }).await;
    timed(&first, "let go", Command::Hold { project, held: false }).await;
    timed(&first, "one stop with nothing waiting", Command::Stop { project, items: vec![items[0]] }).await;
    timed(&first, "new starts are held", Command::Hold { project, held: true }).await;
    let order = StartOrder::now(PassKind::Full);
    let start = Command::Start { project, items: items.clone(), lacking: Vec::new(), order };
    timed(&first, "all are submitted", start).await;
    let order = StartOrder::now(PassKind::Full);
    let again = Command::Start { project, items: items.clone(), lacking: Vec::new(), order };
    timed(&first, "all are submitted again: refused", again).await;
    timed(&first, "one is stopped", Command::Stop { project, items: vec![items[ITEMS - 1]] }).await;
    first.close().await;

    let began = Instant::now();
    let second = engine(folder, &store);
    timed(&second, "after a restart: the project is opened", Command::Open { project }).await;
    println!("{:<44} {:>7.0} ms", "ready after a restart", began.elapsed().as_secs_f64() * 1000.0);
    timed(&second, "all are taken back", Command::Withdraw { project, items: items.clone() }).await;
    timed(&second, "all are reset", Command::Reset { project, items: items.clone() }).await;
    timed(&second, "all are deleted", Command::Delete { project, items }).await;
    second.close().await;
}

fn main() {
    // `cargo test --benches` only asks whether it can be built and started.
    if !std::env::args().any(|argument| argument == "--bench") {
        return;
    }
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(async {
        let folder = tempfile::tempdir().expect("a folder");
        let store = Store::open(folder.path(), SystemClock.now()).expect("a store");
        let server = || Server::parse_url("maildir:/nowhere/{email}").expect("an address");
        let name = "many".to_owned();
        let project =
            store.create_project(name, [server(), server()], Options::default(), [None; 2]).await.expect("made");
        let item = |at: usize| NewItem {
            source_email: format!("u{at}@old.example"),
            destination_email: format!("u{at}@new.example"),
            ..NewItem::default()
        };
        let imported = store.import_items(project, (0..ITEMS).map(item).collect()).await.expect("imported");
        let items = imported.iter().map(|item| item.id).collect();
        run(project, items, folder.path(), store).await;
    });
}
