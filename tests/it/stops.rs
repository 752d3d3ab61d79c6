//! Stop, Ctrl-C, refused logins and what cannot be stopped, through the real program and a second process beside it.

#![cfg(unix)]

use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;
use std::process::{Child, ChildStderr, Command, Stdio};
use std::time::Instant;

use crate::support::compare::{self, Mailbox};
use crate::support::corpus::{self, Corpus};
use crate::support::dovecot::{self, Dovecot, Format};
use crate::support::ends::Ends;
use crate::support::product::{Item, PROJECT, Workspace, plain};
use crate::support::relay::{Act, At, PATIENCE, Relay, Rules, verb};

/// Mailboxes of one project, with a relay on each side.
struct Project {
    workspace: Workspace,
    users: Vec<(String, String)>,
    source: Relay,
    destination: Relay,
}

fn servers() -> (&'static Dovecot, &'static Dovecot) {
    (dovecot::shared(Format::Sdbox), dovecot::shared_twin(Format::Sdbox))
}

impl Project {
    fn new(items: usize, more: &[&str]) -> Project {
        Project::with(items, &corpus::small(300), more)
    }

    /// With more messages than can be under way at once, so that a stop finds some that have not begun.
    fn long(items: usize, more: &[&str]) -> Project {
        Project::with(items, &corpus::tiny(600), more)
    }

    fn with(items: usize, corpus: &Corpus, more: &[&str]) -> Project {
        let (from, to) = servers();
        let users: Vec<_> = (0..items).map(|_| (from.user("stop-from"), to.user("stop-to"))).collect();
        users.iter().for_each(|(user, _)| corpus.load(from, user));
        let source = Relay::start(from.plain_port, Rules::default());
        // One by one, so that a stop finds messages that have not begun.
        let destination = Relay::start(to.plain_port, Rules::singly());
        let workspace = Workspace::new();
        workspace.project_new(&plain(source.port), &plain(destination.port), more);
        workspace.import(&users);
        Project { workspace, users, source, destination }
    }

    fn start(&self) -> Running {
        let mut command = self.workspace.command(&["start", PROJECT]);
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().expect("the program starts");
        let stderr = BufReader::new(child.stderr.take().expect("its standard error"));
        Running { child, stderr }
    }

    fn mailboxes(&self, at: usize) -> (Mailbox, Mailbox) {
        let ((from, to), (source, destination)) = (servers(), &self.users[at]);
        (Mailbox::read(&mut from.login(source)), Mailbox::read(&mut to.login(destination)))
    }

    /// What is there is whole and in order, though not all of it is.
    fn expect_whole_messages(&self, at: usize) {
        let (from, to) = self.mailboxes(at);
        for (name, folder) in &to.folders {
            let hashes = |messages: &[crate::support::imap::Stored]| {
                messages.iter().map(|message| message.sha256.clone()).collect::<Vec<_>>()
            };
            let (were, are) = (hashes(&from.folders[name].messages), hashes(&folder.messages));
            assert!(were.starts_with(&are), "{name}: {} of {}", are.len(), were.len());
        }
        assert!(to.count() < from.count(), "it was not stopped");
    }

    /// The next start brings the rest.
    fn expect_next_start_completes(&self) {
        self.workspace.start().expect(0);
        for (at, item) in self.workspace.status().iter().enumerate() {
            assert_eq!(item.status(), "completed", "{:#}", item.0);
            let (from, to) = self.mailboxes(at);
            compare::assert_equal(&from, &to, &compare::same_names(&from));
        }
        self.source.assert_source_read_only();
    }

    fn item(&self, at: usize) -> Item {
        let address = format!("{}@old.example", self.users[at].0);
        let mut items = self.workspace.status();
        let place = items.iter().position(|item| item.0["source"] == address.as_str()).expect("the item");
        items.swap_remove(place)
    }
}

/// `start` in a process of its own.
struct Running {
    child: Child,
    stderr: BufReader<ChildStderr>,
}

impl Running {
    /// Ctrl-C.
    fn interrupt(&self) {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args(["-INT", &pid]).status().expect("kill").success());
    }

    /// Reads on until a line begins so.
    fn says(&mut self, beginning: &str) {
        let mut line = String::new();
        while !line.starts_with(beginning) {
            line.clear();
            assert!(self.stderr.read_line(&mut line).expect("readable") > 0, "it never said {beginning:?}");
        }
    }

    fn code(mut self) -> Option<i32> {
        drop(self.stderr);
        self.child.ends().code()
    }
}

#[test]
fn r20_r21_stop_from_another_process_ends_the_operation_in_hand() {
    if !dovecot::available() {
        return;
    }
    for at in [At::HalfLiteral(verb("APPEND").nth(5)), At::Answer(verb("APPEND").nth(5))] {
        let project = Project::long(1, &[]);
        let hit = project.destination.plan(at, Act::Hold);
        let running = project.start();
        hit.wait();
        let told = project.workspace.run(&["stop", PROJECT]).expect(0);
        assert!(told.stdout.contains("1 item told to stop"), "{told:?}");
        assert_eq!(project.item(0).status(), "stopping");
        hit.go_on();
        assert_eq!(running.code(), Some(1));
        let item = project.item(0);
        assert_eq!(item.status(), "stopped", "{:#}", item.0);
        project.expect_whole_messages(0);
        // What had begun has ended and is counted.
        let there = project.mailboxes(0).1.count();
        assert_eq!(item.messages("copied"), there as u64);
        project.expect_next_start_completes();
    }
}

#[test]
fn r5_r6_a_submitted_item_waits_its_turn_and_cannot_be_stopped() {
    if !dovecot::available() {
        return;
    }
    let project = Project::new(2, &["--concurrent", "1"]);
    let hit = project.destination.plan(At::Answer(verb("APPEND")), Act::Hold);
    let running = project.start();
    hit.wait();
    assert_eq!((project.item(0).status(), project.item(1).status()), ("migrating", "submitted"));
    let second = format!("{}@old.example", project.users[1].0);
    let refused = project.workspace.run(&["stop", PROJECT, "--item", &second]).expect(2);
    assert!(refused.stderr.contains("submitted items cannot be stopped"), "{refused:?}");
    assert_eq!((project.item(0).status(), project.item(1).status()), ("migrating", "submitted"));
    hit.go_on();
    assert_eq!(running.code(), Some(0));
    project.expect_next_start_completes();
}

#[test]
fn what_is_changed_beside_a_running_pass_is_refused_or_counts_from_the_next_one() {
    if !dovecot::available() {
        return;
    }
    let project = Project::new(2, &["--concurrent", "1"]);
    let hit = project.destination.plan(At::Answer(verb("APPEND")), Act::Hold);
    let running = project.start();
    hit.wait();
    let [first, second] = [0, 1].map(|at| format!("{}@old.example", project.users[at].0));
    let run = |arguments: &[&str]| project.workspace.run(arguments);
    let deleted = run(&["item", "delete", PROJECT, "--item", &first, "--yes"]).expect(2);
    assert!(deleted.stderr.contains("the item is migrating; stop it first"), "{deleted:?}");
    let reset = run(&["reset", PROJECT, "--item", &second, "--yes"]).expect(2);
    assert!(reset.stderr.contains("the item is submitted; wait"), "{reset:?}");
    let moved = run(&["item", "edit", PROJECT, "--item", &first, "--source-login", "other"]).expect(2);
    assert!(moved.stderr.contains("--same-mailbox"), "{moved:?}");
    run(&["item", "edit", PROJECT, "--item", &first, "--note", "VIP"]).expect(0);
    let server = run(&["project", "edit", PROJECT, "--source-admin", "boss"]);
    assert!(server.code == 2 && server.stderr.contains("MAILFERRY_SOURCE_PASSWORD"), "{server:?}");
    let server = run(&["project", "edit", PROJECT, "--source", "imap+plain://127.0.0.1:1"]).expect(2);
    assert!(server.stderr.contains("1 item of the project is Queued, Migrating or Stopping"), "{server:?}");
    run(&["project", "edit", PROJECT, "--concurrent", "2"]).expect(0);
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(20);
    while project.item(1).status() == "submitted" {
        assert!(std::time::Instant::now() < deadline, "a place more was not used");
    }
    hit.go_on();
    assert_eq!(running.code(), Some(0));
    project.expect_next_start_completes();
}

#[test]
fn ctrl_c_once_stops_and_the_next_start_completes() {
    if !dovecot::available() {
        return;
    }
    // The second item never had its turn: it stays submitted and goes on next time.
    let project = Project::long(2, &["--concurrent", "1"]);
    let hit = project.destination.plan(At::HalfLiteral(verb("APPEND").nth(7)), Act::Hold);
    let mut running = project.start();
    hit.wait();
    running.interrupt();
    running.says("Stopping:");
    hit.go_on();
    assert_eq!(running.code(), Some(1));
    assert_eq!((project.item(0).status(), project.item(1).status()), ("stopped", "submitted"));
    project.expect_whole_messages(0);
    project.expect_next_start_completes();
}

#[test]
fn ctrl_c_twice_drops_the_connections_and_the_next_start_completes() {
    if !dovecot::available() {
        return;
    }
    for at in [At::HalfLiteral(verb("APPEND").nth(7)), At::Answer(verb("APPEND").nth(7))] {
        let project = Project::long(1, &[]);
        let hit = project.destination.plan(at, Act::Hold);
        let mut running = project.start();
        hit.wait();
        running.interrupt();
        running.says("Stopping:");
        running.interrupt();
        running.says("Dropping");
        // It ends although the server never answers.
        assert_eq!(running.code(), Some(1));
        assert_eq!(project.item(0).status(), "stopped");
        hit.cut();
        project.destination.forget_plans();
        project.expect_whole_messages(0);
        project.expect_next_start_completes();
    }
}

#[test]
fn a_refused_administrator_login_is_tried_once_and_holds_the_others() {
    if !dovecot::available() {
        return;
    }
    let (from, to) = servers();
    let source = Relay::start(from.plain_port, Rules::default());
    let destination = Relay::start(to.plain_port, Rules::default());
    let mut workspace = Workspace::new();
    workspace.environment.push(("MAILFERRY_SOURCE_PASSWORD".into(), "wrong".into()));
    workspace.project_new(&plain(source.port), &plain(destination.port), &["--source-admin", "{user}*master"]);
    let users: Vec<_> = (0..10).map(|_| (from.user("held-from"), to.user("held-to"))).collect();
    workspace.import(&users);
    let ended = workspace.start().expect(1);
    let tried = source.commands_of("AUTHENTICATE").len() + source.commands_of("LOGIN").len();
    assert_eq!(tried, 1, "exactly one attempt");
    let statuses: Vec<String> = workspace.status().iter().map(|item| item.status().to_owned()).collect();
    let count = |status: &str| statuses.iter().filter(|s| *s == status).count();
    assert_eq!((count("failed"), count("held")), (1, 9), "{statuses:?}\n{}", ended.stderr);
    // Nobody tries again by itself; a new start is the consultant's word that it was mended: once more, and only once.
    workspace.start().expect(1);
    let tried = source.commands_of("AUTHENTICATE").len() + source.commands_of("LOGIN").len();
    assert_eq!(tried, 2);
}

/// How many logins this server has refused, by its own log.
fn refused_logins(server: &Dovecot) -> usize {
    // One that is refused here: when its line is there, so are all before it.
    let last = server.user("refused");
    let mut stream = TcpStream::connect(("127.0.0.1", server.plain_port)).expect("the server listens");
    stream.write_all(format!("a LOGIN {last} wrong\r\nb LOGOUT\r\n").as_bytes()).expect("sent");
    let said = std::io::read_to_string(stream).expect("answers");
    assert!(said.contains("\na NO "), "{said}");
    let start = Instant::now();
    while !server.log().contains(&last) {
        assert!(start.elapsed() < PATIENCE, "never logged");
    }
    server.log().lines().filter(|line| line.contains("assword mismatch") && !line.contains("refused-")).count()
}

/// 200 items of an administrator whose password is wrong, between servers of their own.
#[test]
fn one_wrong_administrator_password_reaches_the_server_once_however_many_items_and_stops() {
    if !dovecot::available() {
        return;
    }
    let options = dovecot::Options::sdbox();
    let from = Dovecot::start(dovecot::Options { extra: "auth_verbose = yes".into(), ..options });
    let source = Relay::start(from.plain_port, Rules::default());
    let to = tempfile::tempdir().expect("a folder");
    let mut workspace = Workspace::new();
    workspace.environment.push(("MAILFERRY_SOURCE_PASSWORD".into(), "wrong".into()));
    let into = format!("maildir:{}/{{email}}", to.path().display());
    workspace.project_new(&plain(source.port), &into, &["--source-admin", "{user}*master"]);
    workspace.import(&(0..200).map(|_| (from.user("many-from"), from.user("many-to"))).collect::<Vec<_>>());
    let count = |status: &str| workspace.status().iter().filter(|item| item.status() == status).count();
    workspace.start().expect(1);
    assert_eq!((refused_logins(&from), count("failed"), count("held")), (1, 1, 199));

    // Stopped in the same instant: the login is on its way, and its answer comes when all have been told.
    let hit = source.plan(At::Answer(verb("AUTHENTICATE")), Act::Hold);
    let mut running = workspace.command(&["start", PROJECT]).spawn().expect("the program starts");
    hit.wait();
    let told = workspace.run(&["stop", PROJECT, "--all"]).expect(0);
    hit.go_on();
    assert_eq!(running.ends().code(), Some(1));
    assert_eq!((refused_logins(&from), count("stopped")), (2, 200), "{told:?}");
    source.forget_plans();
    workspace.start().expect(1);
    assert_eq!((refused_logins(&from), count("failed"), count("held")), (3, 1, 199));
}

#[test]
fn a_host_that_is_not_there_holds_the_others_in_one_line_and_all_are_taken_back() {
    let workspace = Workspace::new();
    workspace.project_new("imap+plain://127.0.0.1:1", "imap+plain://127.0.0.1:2", &[]);
    workspace.import(&(0..40).map(|n| (format!("u{n}"), format!("u{n}"))).collect::<Vec<_>>());
    let ended = workspace.start().expect(1);
    let held = "39 items: Submitted, held: server cannot be reached";
    // One item tries for all, and says so.
    let (tries, words): (Vec<&str>, Vec<&str>) = ended.stderr.lines().partition(|line| line.contains(" · retry "));
    assert!(ended.stderr.contains(held) && words.len() < 10, "{}", ended.stderr);
    let tried: std::collections::BTreeSet<_> = tries.iter().filter_map(|line| line.split(':').next()).collect();
    assert_eq!(tried.len(), 1, "{tries:?}");
    let told = workspace.run(&["stop", PROJECT, "--all"]).expect(0);
    assert!(told.stdout.contains("39 items told to stop") && told.stderr.is_empty(), "{told:?}");
    let stopped = workspace.status().iter().filter(|item| item.status() == "stopped").count();
    assert_eq!(stopped, 39);
}

#[test]
fn r25_r45_a_wrong_own_password_fails_naming_its_side_and_is_tried_once() {
    if !dovecot::available() {
        return;
    }
    for side in ["source", "destination"] {
        let project = Project::new(1, &[]);
        let (from, to) = &project.users[0];
        let password = |of: &str| if of == side { "wrong" } else { dovecot::PASSWORD };
        let csv = format!(
            "Source Email,Source Login Name,Source Password,Destination Email,Destination Login Name,Destination Password\n\
             {from}@old.example,{from},{},{to}@new.example,{to},{}\n",
            password("source"),
            password("destination")
        );
        let file = project.workspace.path().join("wrong.csv");
        std::fs::write(&file, csv).expect("written");
        project.workspace.run(&["item", "import", PROJECT, file.to_str().expect("a plain path")]).expect(0);
        let ended = project.workspace.start().expect(1);
        assert!(ended.stderr.contains(&format!("while checking {side} credentials")), "{ended:?}");
        let item = project.item(0);
        assert_eq!((item.status(), item.0["error"]["side"].as_str()), ("failed", Some(side)), "{:#}", item.0);
        let relay = if side == "source" { &project.source } else { &project.destination };
        assert_eq!(relay.commands_of("AUTHENTICATE").len() + relay.commands_of("LOGIN").len(), 1);
        assert_eq!(project.mailboxes(0).1.count(), 0);
    }
}

#[test]
fn a_crashed_pass_goes_on_as_attempt_2_and_its_counters_do_not_fall() {
    if !dovecot::available() {
        return;
    }
    let project = Project::new(1, &["--connections", "1"]);
    let hit = project.destination.plan(At::Answer(verb("APPEND").nth(31)), Act::Hold);
    let mut running = project.start();
    hit.wait();
    // The figures are written down once a second.
    let before = loop {
        let item = project.item(0);
        if item.messages("copied") >= 20 {
            break item;
        }
    };
    running.child.kill().expect("killed");
    running.child.ends();
    hit.cut();
    project.destination.forget_plans();
    assert_eq!((project.item(0).status(), before.number("attempt")), ("migrating", 1));
    project.workspace.start().expect(0);
    let after = project.item(0);
    assert_eq!((after.status(), after.number("attempt")), ("completed", 2));
    assert_eq!((after.messages("source"), after.messages("copied")), (40, 40), "{:#}", after.0);
    assert!(after.number("bytes") > before.number("bytes"));
    let (from, to) = project.mailboxes(0);
    compare::assert_equal(&from, &to, &compare::same_names(&from));
    project.expect_next_start_completes();
}
