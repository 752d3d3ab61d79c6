//! Drives the real program: a workspace of its own, one process a verb, exit code and texts in hand.

use std::process::{Command, Stdio};

use mailferry::domain::edit::ProjectEdit;
use mailferry::domain::item_error::ItemError;
use mailferry::domain::notice::Notice;
use mailferry::domain::project::Options;
use mailferry::domain::time::Timestamp;
use mailferry::store::{PassFolderRow, Store};
use serde_json::Value;
use tempfile::TempDir;

use super::dovecot::{Dovecot, PASSWORD};
use super::ends::Ended;
use super::keyring::Keyring;

/// How a verb ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Output {
    /// Exit code; -1 when a signal ended it.
    pub code: i32,
    /// Standard output.
    pub stdout: String,
    /// Standard error.
    pub stderr: String,
}

impl Output {
    /// Of a process, run to its end.
    pub fn of(mut process: Command) -> Output {
        let output = process.ended();
        Output {
            code: output.status.code().unwrap_or(-1),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }

    /// It must have ended with this exit code.
    pub fn expect(self, code: i32) -> Output {
        assert_eq!(self.code, code, "stdout:\n{}\nstderr:\n{}", self.stdout, self.stderr);
        self
    }
}

/// The data folder of one test. Dropping it removes it.
pub struct Workspace {
    dir: TempDir,
    /// More variables for every process.
    pub environment: Vec<(String, String)>,
    /// `--vault`; none leaves it out.
    pub vault: Option<&'static str>,
}

/// The project all helpers work on.
pub const PROJECT: &str = "move";

impl Workspace {
    /// An empty one.
    pub fn new() -> Workspace {
        Workspace { dir: tempfile::tempdir().expect("a folder"), environment: Vec::new(), vault: Some("file") }
    }

    /// An empty one that uses a session's keyring: `--vault` as given.
    pub fn with_keyring(keyring: &Keyring, vault: Option<&'static str>) -> Workspace {
        Workspace { environment: keyring.environment(), vault, ..Workspace::new() }
    }

    /// The data folder.
    pub fn path(&self) -> &std::path::Path {
        self.dir.path()
    }

    /// A process of the program, not started yet. What `start` asks for once in a project, the direction, is confirmed.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = self.unconfirmed(arguments);
        if arguments.contains(&"start") && !arguments.contains(&"verify") {
            command.arg("--confirm-direction");
        }
        command
    }

    /// The same with these arguments only.
    pub fn unconfirmed(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_mailferry"));
        command.arg("--data").arg(self.dir.path()).stdin(Stdio::null());
        if let Some(kind) = self.vault {
            command.args(["--vault", kind]);
        }
        command.args(arguments);
        // Only for the vault that asks for it: another one must do without.
        match self.vault {
            Some("file") => command.env("MAILFERRY_PASSPHRASE", "open sesame"),
            _ => command.env_remove("MAILFERRY_PASSPHRASE"),
        };
        // What a lost connection may have left on its way is waited for shortly, unless a test says otherwise.
        command.env("MAILFERRY_SETTLE", "300");
        // Some tests have the database fail where it hurts.
        let triggers: Vec<String> = (0..10).map(|number| format!("crash_{number}")).chain(["held_up".into()]).collect();
        command.env("MAILFERRY_MORE_TRIGGERS", triggers.join(","));
        // No test opens a window on the screen of whoever runs it.
        command.env_remove("DISPLAY").env_remove("WAYLAND_DISPLAY");
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
        command
    }

    /// Runs a verb to its end.
    pub fn run(&self, arguments: &[&str]) -> Output {
        Output::of(self.command(arguments))
    }

    /// Makes the project between two addresses.
    pub fn project_new(&self, source: &str, destination: &str, more: &[&str]) {
        let arguments = ["project", "new", PROJECT, "--source", source, "--destination", destination];
        self.run(&[&arguments, more].concat()).expect(0);
    }

    /// Imports items as (source login, destination login), each with the servers' common password.
    pub fn import(&self, items: &[(String, String)]) {
        self.import_with(items, Some(PASSWORD));
    }

    /// The same with another password, or none where an administrator opens the mailboxes.
    pub fn import_with(&self, items: &[(String, String)], password: Option<&str>) {
        let mut csv = String::from(
            "Source Email,Source Login Name,Source Password,Destination Email,Destination Login Name,Destination Password\n",
        );
        let password = password.unwrap_or_default();
        let local = |login: &str| login.split('@').next().unwrap_or_default().to_owned();
        for (from, to) in items {
            let (source, destination) = (local(from), local(to));
            csv.push_str(&format!(
                "{source}@old.example,{from},{password},{destination}@new.example,{to},{password}\n"
            ));
        }
        let file = self.dir.path().join("items.csv");
        std::fs::write(&file, csv).expect("written");
        self.run(&["item", "import", PROJECT, file.to_str().expect("a plain path")]).expect(0);
    }

    /// Settings by which owners can be asked: a form on this machine, and a mail server that is not looked at before a mail is
    /// sent.
    pub fn owners_can_be_asked(&self) {
        let port =
            std::net::TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("its address").port();
        let (listen, url) = (format!("form-listen=127.0.0.1:{port}"), format!("form-url=http://localhost:{port}"));
        let settings = ["settings", "mail-server=127.0.0.1", "mail-port=1", "mail-from=kim@b.example", &listen, &url];
        self.run(&settings).expect(0);
    }

    /// Runs a Full pass over all items to its end.
    pub fn start(&self) -> Output {
        self.run(&["start", PROJECT])
    }

    /// What `status --json` says of every item. For each that is at rest, source = copied + already there + skipped +
    /// vanished + errors + waiting must hold (D6), unless the pass ended early.
    pub fn status(&self) -> Vec<Item> {
        let output = self.run(&["status", PROJECT, "--json"]).expect(0);
        let report: Value = serde_json::from_str(&output.stdout).expect("JSON");
        let items: Vec<Item> = report["items"].as_array().expect("items").iter().cloned().map(Item).collect();
        for item in items.iter().filter(|item| item.status() == "completed") {
            let parts = ["copied", "already_there", "skipped", "vanished", "errors", "waiting"];
            let sum: u64 = parts.iter().map(|part| item.messages(part)).sum();
            assert_eq!(item.messages("source"), sum, "the sum does not hold: {:#}", item.0);
        }
        items
    }

    /// The same of the only item.
    pub fn only(&self) -> Item {
        let mut items = self.status();
        assert_eq!(items.len(), 1, "one item was expected");
        items.remove(0)
    }

    /// The folders of the only item's latest pass. The sum of D6 holds for each that has ended well.
    pub fn folders(&self) -> Vec<PassFolderRow> {
        let rows = self.ask(async |store| {
            let project = store.project_named(PROJECT).await.expect("read").expect("the project");
            let item = store.items(project.id).await.expect("read").remove(0);
            store.pass_folders(item.latest.expect("a pass").id, 1000, 0).await.expect("read")
        });
        for row in &rows {
            assert!(row.folder.counts.balanced(), "{}: {:?}", row.source, row.folder);
        }
        rows
    }

    /// The item errors of the only item's latest pass.
    pub fn errors(&self) -> Vec<ItemError> {
        self.ask(async |store| {
            let project = store.project_named(PROJECT).await.expect("read").expect("the project");
            let item = store.items(project.id).await.expect("read").remove(0);
            let rows = store.item_errors(item.latest.expect("a pass").id, 1000, 0).await.expect("read");
            rows.into_iter().map(|row| row.error).collect()
        })
    }

    /// The notices of the only item's latest pass.
    pub fn notices(&self) -> Vec<Notice> {
        self.ask(async |store| {
            let project = store.project_named(PROJECT).await.expect("read").expect("the project");
            let item = store.items(project.id).await.expect("read").remove(0);
            store.notices(item.latest.expect("a pass").id, 1000, 0).await.expect("read")
        })
    }

    /// Changes options of the project, those too that no verb sets.
    pub fn options(&self, change: impl FnOnce(&mut Options)) {
        self.ask(async |store| {
            let mut project = store.project_named(PROJECT).await.expect("read").expect("the project");
            change(&mut project.options);
            let edit = ProjectEdit { options: Some(project.options), ..ProjectEdit::of(project.id) };
            store.edit_project(edit, Timestamp::from_millis(0)).await.expect("written");
        });
    }

    fn ask<T>(&self, question: impl AsyncFnOnce(Store) -> T) -> T {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        let store = Store::open(self.dir.path(), Timestamp::from_millis(0)).expect("the workspace");
        runtime.block_on(question(store))
    }

    /// What the program logged.
    pub fn log(&self) -> String {
        let mut files: Vec<_> =
            std::fs::read_dir(self.dir.path().join("logs")).into_iter().flatten().flatten().map(|f| f.path()).collect();
        files.sort();
        files.iter().filter_map(|file| std::fs::read_to_string(file).ok()).collect()
    }
}

/// An item as `status --json` tells it.
#[derive(Clone, Debug)]
pub struct Item(pub Value);

impl Item {
    /// Its status.
    pub fn status(&self) -> &str {
        self.0["status"].as_str().expect("a status")
    }

    /// One of the counters below `messages`.
    pub fn messages(&self, name: &str) -> u64 {
        self.0["messages"][name].as_u64().unwrap_or_else(|| panic!("{name} in {:#}", self.0))
    }

    /// Another number.
    pub fn number(&self, name: &str) -> u64 {
        self.0[name].as_u64().unwrap_or_else(|| panic!("{name} in {:#}", self.0))
    }
}

/// The address of a port of this machine without protection: a relay, or a server's plain port.
pub fn plain(port: u16) -> String {
    format!("imap+plain://127.0.0.1:{port}")
}

/// The address of a server's TLS port.
pub fn tls(server: &Dovecot) -> String {
    format!("imaps://localhost:{}", server.tls_port)
}

/// The address of a server's plain port, to be raised by STARTTLS.
pub fn starttls(server: &Dovecot) -> String {
    format!("imap://localhost:{}", server.plain_port)
}
