//! Workspaces that cannot be used: full, locked, read-only, damaged, newer, or in use by another process.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use super::{Running, says};
use crate::support::compare::{self, Mailbox};
use crate::support::dovecot::{self, Format};
use crate::support::ends::Ended;
use crate::support::imap::Message;
use crate::support::log_tail::LogTail;
use crate::support::product::{Output, PROJECT, Workspace, plain};
use crate::support::relay::{Act, At, Hit, Relay, Rules, verb};

const SERVERS: [&str; 4] = ["--source", "imaps://old.example", "--destination", "imaps://new.example"];
const MESSAGES: usize = 60;

fn new_project(workspace: &Workspace, name: &str) -> Output {
    workspace.run(&[&["project", "new", name][..], &SERVERS].concat())
}

/// A mailbox on its way through a relay, in a workspace of its own.
struct Move {
    workspace: Workspace,
    relay: Relay,
    user: String,
}

impl Move {
    fn new(workspace: Workspace) -> Option<Move> {
        if !dovecot::available() {
            return None;
        }
        let (old, new) = (dovecot::shared(Format::Sdbox), dovecot::shared_twin(Format::Sdbox));
        let user = old.user("workspace");
        let relay = Relay::start(new.plain_port, Rules::hiding(&["LITERAL+", "LITERAL-", "MULTIAPPEND"]));
        workspace.project_new(&plain(old.plain_port), &plain(relay.port), &["--connections", "1"]);
        workspace.import(&[(user.clone(), user.clone())]);
        let made = Move { workspace, relay, user };
        made.deliver(0);
        Some(made)
    }

    /// Mail that was not there before.
    fn deliver(&self, from: usize) {
        let message = |at| Message::plain(format!("Subject: {at}\r\nMessage-ID: <{at}@x>\r\n\r\nbody {at}\r\n"));
        let mail: Vec<Message> = (from..from + MESSAGES).map(message).collect();
        dovecot::shared(Format::Sdbox).login(&self.user).append_all("INBOX", &mail);
    }

    /// A pass that stands still at this message.
    fn held(&self, message: u64) -> (Running, Hit) {
        let held = self.relay.plan(At::Command(verb("APPEND").nth(message)), Act::Hold);
        let running = Running::start(&self.workspace, &["start", PROJECT]);
        held.wait();
        (running, held)
    }

    /// Once more, and everything is there once.
    fn finish(&self) {
        self.relay.forget_plans();
        says(self.workspace.start(), 0, &[]);
        let (old, new) = (dovecot::shared(Format::Sdbox), dovecot::shared_twin(Format::Sdbox));
        let source = Mailbox::read(&mut old.login(&self.user));
        let destination = Mailbox::read(&mut new.login(&self.user));
        assert!(source.count() >= MESSAGES);
        compare::assert_equal(&source, &destination, &compare::same_names(&source));
        assert_eq!(self.workspace.only().status(), "completed");
    }
}

#[test]
fn verbs_work_beside_the_process_that_runs_the_passes() {
    let Some(move_) = Move::new(Workspace::new()) else { return };
    let (running, held) = move_.held(3);
    says(move_.workspace.start(), 1, &["the item is migrating; stop it first"]);
    assert_eq!(move_.workspace.only().status(), "migrating");
    says(move_.workspace.run(&["item", "list", PROJECT]), 0, &[]);
    says(new_project(&move_.workspace, "meanwhile"), 0, &[]);
    says(move_.workspace.run(&["project", "delete", PROJECT]), 2, &["stop them first"]);
    held.go_on();
    says(running.end(), 0, &[]);
    move_.finish();
}

#[test]
fn k2_a_lock_file_that_is_removed_lets_nobody_else_in_and_stops_who_had_it() {
    let Some(move_) = Move::new(Workspace::new()) else { return };
    let (running, held) = move_.held(3);
    let stops = LogTail::follow(move_.workspace.path(), "workspace.lock was taken away");
    std::fs::remove_file(move_.workspace.path().join("workspace.lock")).expect("removed");
    let second = move_.workspace.start();
    assert!(second.code > 0, "{}{}", second.stdout, second.stderr);
    assert!(stops.next_within(Duration::from_secs(60)).is_some(), "nobody noticed");
    held.go_on();
    says(running.end(), 1, &["workspace.lock was removed or replaced", "stopped"]);
    move_.finish();
}

#[test]
fn a_database_locked_by_another_program_is_waited_for_and_then_named() {
    let workspace = Workspace::new();
    new_project(&workspace, PROJECT).expect(0);
    let mut other = rusqlite::Connection::open(workspace.path().join("workspace.db")).expect("a database");
    let lock = other.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate).expect("a lock");
    says(workspace.run(&["status", PROJECT]), 0, &[]);
    says(workspace.run(&["project", "list"]), 0, &[]);
    says(new_project(&workspace, "second"), 3, &["being used by another program", "try again"]);
    drop(lock);
    assert!(!workspace.run(&["project", "list"]).expect(0).stdout.contains("second"), "half a project");
    says(new_project(&workspace, "second"), 0, &[]);
}

#[test]
fn a_database_locked_during_a_pass_ends_it_and_nothing_is_doubled() {
    let Some(move_) = Move::new(Workspace::new()) else { return };
    let (running, held) = move_.held(20);
    let mut other = rusqlite::Connection::open(move_.workspace.path().join("workspace.db")).expect("a database");
    other.busy_timeout(std::time::Duration::from_secs(30)).expect("an option can be set");
    let lock = other.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate).expect("a lock");
    held.go_on();
    says(running.end(), 1, &["The workspace cannot be written", "being used by another program"]);
    drop(lock);
    move_.finish();
}

/// Something mounted; unmounted in the end.
pub(super) struct Mounted(PathBuf);

impl Mounted {
    /// None where it is not allowed.
    pub(super) fn new(arguments: &[&str], place: &Path) -> Option<Mounted> {
        let mounted = Command::new("mount").args(arguments).arg(place).output();
        mounted.is_ok_and(|output| output.status.success()).then(|| Mounted(place.to_owned()))
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

#[expect(clippy::print_stderr, reason = "a skipped test says so")]
pub(super) fn skipped(why: &str) {
    eprintln!("skipped: {} ({why})", std::thread::current().name().unwrap_or("a test"));
}

/// Takes all room that is left.
pub(super) fn fill(folder: &Path, name: &str) -> PathBuf {
    let path = folder.join(name);
    let mut file = std::fs::File::create(&path).expect("a file");
    for size in [64 * 1024, 4096, 512, 1] {
        while file.write_all(&vec![b'x'; size]).is_ok() {}
    }
    path
}

#[test]
fn a_full_disk_ends_the_pass_and_nothing_is_lost_or_doubled() {
    let workspace = Workspace::new();
    let Some(mounted) = Mounted::new(&["-t", "tmpfs", "-o", "size=8m,mode=0700", "none"], workspace.path()) else {
        // The store's own tests simulate it everywhere (SQLite's max_page_count).
        return skipped("mounting is not allowed here");
    };
    let folder = workspace.path().to_owned();
    let Some(move_) = Move::new(workspace) else { return };
    for round in [1, 2] {
        let (running, held) = move_.held(5);
        let filler = fill(&folder, "filler");
        held.go_on();
        says(running.end(), 1, &["The workspace cannot be written", "disk", "full", "Make room"]);
        move_.relay.forget_plans();
        move_.deliver(round * MESSAGES);
        // The end of the process gave back what the database's journal took.
        let more = fill(&folder, "more");
        says(new_project(&move_.workspace, "second"), 3, &["full"]);
        says(move_.workspace.start(), 3, &["full"]);
        std::fs::remove_file(filler).expect("removed");
        std::fs::remove_file(more).expect("removed");
        assert!(!move_.workspace.run(&["project", "list"]).expect(0).stdout.contains("second"), "half a project");
    }
    move_.finish();
    drop(move_);
    drop(mounted);
}

#[test]
fn a_read_only_folder_is_named() {
    let workspace = Workspace::new();
    new_project(&workspace, PROJECT).expect(0);
    let folder = workspace.path().to_owned();
    let place = folder.to_str().expect("a path");
    let mounted = Mounted::new(&["--bind", place], &folder);
    let mounted = mounted.filter(|_| Mounted::new(&["-o", "remount,ro,bind"], &folder).map(std::mem::forget).is_some());
    if mounted.is_none() && std::fs::File::create(folder.join("probe")).is_ok() {
        return skipped("the folder cannot be made read-only here");
    }
    for verb in [&["project", "list"][..], &["status", PROJECT], &["start", PROJECT]] {
        says(workspace.run(verb), 3, &[place, "Read-only"]);
    }
    says(new_project(&workspace, "second"), 3, &[place, "Read-only"]);
    drop(mounted);
    let listed = workspace.run(&["project", "list"]).expect(0).stdout;
    assert!(listed.contains(PROJECT) && !listed.contains("second"), "{listed}");
}

#[test]
fn a_database_of_a_newer_version_is_left_untouched() {
    let workspace = Workspace::new();
    new_project(&workspace, PROJECT).expect(0);
    let database = workspace.path().join("workspace.db");
    let open = || rusqlite::Connection::open(&database).expect("a database");
    open().pragma_update(None, "user_version", 99).expect("changed");
    let before = std::fs::read(&database).expect("read");
    for verb in [&["project", "list"][..], &["start", PROJECT], &["status", PROJECT, "--json"]] {
        says(workspace.run(verb), 3, &["newer version of Mailferry", "schema 99", "install the newer version"]);
    }
    assert!(std::fs::read(&database).expect("read") == before, "it was touched");
}

#[test]
fn files_that_are_no_workspace_are_left_untouched() {
    let workspace = Workspace::new();
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        std::fs::set_permissions(workspace.path(), PermissionsExt::from_mode(0o700)).expect("permissions");
    }
    let database = workspace.path().join("workspace.db");
    let touched = |bytes: &[u8], words: &[&str]| {
        std::fs::write(&database, bytes).expect("written");
        says(workspace.run(&["project", "list"]), 3, words);
        says(new_project(&workspace, "p"), 3, words);
        assert!(std::fs::read(&database).expect("read") == bytes, "it was touched");
    };
    touched(b"Dear diary, this is no database at all. ".repeat(100).as_slice(), &["no Mailferry workspace"]);
    let other = tempfile::tempdir().expect("a folder");
    let foreign = rusqlite::Connection::open(other.path().join("foreign.db")).expect("a database");
    foreign.execute_batch("CREATE TABLE song (title TEXT)").expect("a table");
    drop(foreign);
    touched(&std::fs::read(other.path().join("foreign.db")).expect("read"), &["no Mailferry workspace"]);
    std::fs::remove_file(&database).expect("removed");
    new_project(&workspace, PROJECT).expect(0);
    let mut damaged = std::fs::read(&database).expect("read");
    damaged.iter_mut().skip(4096).for_each(|byte| *byte = 0xee);
    std::fs::write(&database, damaged).expect("written");
    says(workspace.run(&["project", "list"]), 3, &["damaged", "backup"]);
}

#[test]
#[cfg(unix)]
fn folders_that_are_not_ours_are_left_alone() {
    use std::os::unix::fs::PermissionsExt;
    let run = |data: &Path| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_mailferry"));
        let output = command.arg("--data").arg(data).args(["project", "list"]).ended();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Output { code: output.status.code().unwrap_or(-1), stdout: text(&output.stdout), stderr: text(&output.stderr) }
    };
    let folder = tempfile::tempdir().expect("a folder");
    let letter = folder.path().join("letter.txt");
    std::fs::write(&letter, "Dear Anna").expect("written");
    std::fs::set_permissions(folder.path(), PermissionsExt::from_mode(0o755)).expect("permissions");
    says(run(folder.path()), 3, &["others may read", "choose a folder of its own"]);
    says(run(&letter), 3, &["letter.txt"]);
    assert_eq!(std::fs::read_dir(folder.path()).expect("a folder").count(), 1, "something was left behind");
}
