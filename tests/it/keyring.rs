//! The system's keyring as vault, against a real Secret Service: it keeps, gives, forgets, and says what is wrong with it.

use std::io::{BufRead, BufReader, Read};
use std::process::{Command, Stdio};

use crate::support::compare::{self, Mailbox};
use crate::support::dovecot::{self, Dovecot, Format, MASTER, MASTER_PASSWORD, PASSWORD};
use crate::support::ends::Ended;
use crate::support::imap::Message;
use crate::support::keyring::{self, Keyring, Service};
use crate::support::product::{Output, PROJECT, Workspace, plain};

/// Addresses at which nobody is asked for anything.
const NOWHERE: &str = "imap+plain://127.0.0.1:1";

fn run(workspace: &Workspace, change: impl FnOnce(&mut Command), arguments: &[&str]) -> Output {
    let mut command = workspace.command(arguments);
    change(&mut command);
    let output = command.ended();
    Output {
        code: output.status.code().unwrap_or(-1),
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

/// A list of items beside the workspace, each with two passwords.
fn list(count: usize) -> tempfile::NamedTempFile {
    let mut csv = String::from("Source Email,Source Password,Destination Email,Destination Password\n");
    for number in 0..count {
        csv += &format!("u{number}@old.example,from {number},u{number}@new.example,into {number}\n");
    }
    let file = tempfile::NamedTempFile::new().expect("a file");
    std::fs::write(file.path(), csv).expect("written");
    file
}

fn import(workspace: &Workspace, file: &tempfile::NamedTempFile) -> Output {
    workspace.run(&["item", "import", PROJECT, file.path().to_str().expect("a plain path")])
}

/// Two servers with one message, a user on each, and a project with one item in a workspace with this vault.
fn scene(keyring: &Keyring, vault: Option<&'static str>) -> (Workspace, [(&'static Dovecot, String); 2]) {
    let (old, new) = (dovecot::shared(Format::Sdbox), dovecot::shared_twin(Format::Sdbox));
    let users = (old.user("kept"), new.user("kept"));
    old.login(&users.0).append("INBOX", &Message::plain("Subject: hello\r\nMessage-ID: <1@x>\r\n\r\nx\r\n"));
    let workspace = Workspace::with_keyring(keyring, vault);
    workspace.project_new(&plain(old.plain_port), &plain(new.plain_port), &[]);
    workspace.import(std::slice::from_ref(&users));
    (workspace, [(old, users.0), (new, users.1)])
}

fn assert_moved(ends: &[(&'static Dovecot, String); 2]) {
    let [source, destination] = ends.each_ref().map(|(server, user)| Mailbox::read(&mut server.login(user)));
    compare::assert_equal(&source, &destination, &compare::same_names(&source));
}

/// The parts of `<workspace>/<name>` that follow the stroke; the workspace is the same in all.
fn names(users: &[String]) -> Vec<String> {
    let split: Vec<_> = users.iter().map(|user| user.split_once('/').expect("workspace/name")).collect();
    assert!(split.windows(2).all(|pair| pair[0].0 == pair[1].0) && split.iter().all(|(uuid, _)| uuid.len() == 36));
    split.into_iter().map(|(_, name)| name.to_owned()).collect()
}

#[test]
fn b4_passwords_live_in_the_keyring_from_import_to_delete() {
    if !keyring::available() || !dovecot::available() {
        return;
    }
    let keyring = Keyring::start(Service::Unlocked);
    let (workspace, ends) = scene(&keyring, None);
    let users = keyring.users();
    assert_eq!(names(&users), ["1", "2"], "one entry a credential, and no trace of the probe");
    assert_eq!(keyring.secret(&users[0]), PASSWORD);
    workspace.start().expect(0);
    assert_moved(&ends);

    workspace.import(&[(ends[0].1.clone(), ends[1].1.clone())]);
    assert_eq!(names(&keyring.users()), ["3", "4"], "those replaced are gone");
    let template = format!("{{user}}*{MASTER}");
    let address = plain(ends[0].0.plain_port);
    let mut chief = Workspace::with_keyring(&keyring, None);
    chief.environment.push(("MAILFERRY_SOURCE_PASSWORD".into(), MASTER_PASSWORD.into()));
    chief.project_new(&address, NOWHERE, &["--source-admin", &template]);
    assert_eq!(keyring.users().len(), 3, "another workspace has its own");
    chief.run(&["project", "delete", PROJECT]).expect(0);
    assert_eq!(names(&keyring.users()), ["3", "4"]);
    workspace.run(&["project", "delete", PROJECT]).expect(0);
    assert_eq!(keyring.users(), Vec::<String>::new());
}

#[test]
fn b4_what_an_interrupted_import_left_behind_is_removed_by_a_later_one() {
    if !keyring::available() {
        return;
    }
    let keyring = Keyring::start(Service::Unlocked);
    let workspace = Workspace::with_keyring(&keyring, None);
    workspace.project_new(NOWHERE, NOWHERE, &[]);
    import(&workspace, &list(1)).expect(0);
    let user = keyring.users().remove(0);
    let left = user.replace("/1", "/3");
    keyring.add(&left, "left over");
    let database = rusqlite::Connection::open(workspace.path().join("workspace.db")).expect("a database");
    let note = |since: &str| {
        database
            .execute(&format!("INSERT INTO credential (since, giver) VALUES ({since}, 'import')"), [])
            .expect("noted");
    };
    note("0");
    // An import that is still under way: its entries have no item yet.
    note("(SELECT max(since) FROM credential)");
    keyring.add(&user.replace("/1", "/4"), "under way");
    import(&workspace, &list(1)).expect(0);
    assert_eq!(names(&keyring.users()), ["4", "5", "6"]);
}

#[test]
fn b4_an_entry_that_is_gone_fails_the_item_and_names_the_side() {
    if !keyring::available() || !dovecot::available() {
        return;
    }
    let keyring = Keyring::start(Service::Unlocked);
    let (workspace, _) = scene(&keyring, None);
    keyring.delete(&keyring.users()[1]);
    let ended = workspace.start().expect(1);
    assert!(ended.stderr.contains("Credential not in this machine's keyring"), "{}", ended.stderr);
    assert!(ended.stderr.contains("That of the destination was"), "{}", ended.stderr);
    assert!(ended.stderr.contains("vault: credential 2 is not in"), "{}", ended.stderr);
    let item = workspace.only();
    assert_eq!(item.status(), "failed");
    assert_eq!(item.0["error"]["side"], "destination", "{:#}", item.0);
}

#[test]
fn b4_a_locked_keyring_says_so_and_changes_nothing() {
    if !keyring::available() || !dovecot::available() {
        return;
    }
    let keyring = Keyring::start(Service::Unlocked);
    let (workspace, _) = scene(&keyring, None);
    keyring.lock();
    let refused = [
        workspace.start(),
        import(&workspace, &list(1)),
        workspace.run(&["project", "delete", PROJECT]),
        // One that has no vault yet: it does not get another one unasked.
        {
            let fresh = Workspace::with_keyring(&keyring, None);
            fresh.project_new(NOWHERE, NOWHERE, &[]);
            let refused = import(&fresh, &list(1));
            assert!(!fresh.path().join("vault.bin").exists());
            assert!(fresh.run(&["item", "list", PROJECT]).expect(0).stdout.contains("No items yet"));
            let mut file = fresh;
            file.vault = Some("file");
            import(&file, &list(1)).expect(0);
            refused
        },
    ];
    for refused in refused {
        let refused = refused.expect(3);
        assert!(refused.stderr.contains("keyring is locked") && refused.stderr.contains("--vault file"), "{refused:?}");
    }
    assert_eq!(workspace.only().status(), "not_submitted", "it was not started, and is still there");
}

#[test]
fn b4_a_keyring_that_is_not_set_up_or_not_there_says_so() {
    if !keyring::available() {
        return;
    }
    for service in [Service::NotSetUp, Service::None] {
        let keyring = Keyring::start(service);
        let workspace = Workspace::with_keyring(&keyring, None);
        workspace.project_new(NOWHERE, NOWHERE, &[]);
        let refused = import(&workspace, &list(1)).expect(3);
        let what = if service == Service::None { "has no keyring" } else { "not set up yet" };
        assert!(refused.stderr.contains(what) && refused.stderr.contains("--vault file"), "{refused:?}");
    }
}

#[test]
fn b4_without_a_session_bus_there_is_no_keyring() {
    if cfg!(not(target_os = "linux")) {
        return; // Their keyrings need no bus.
    }
    let file = list(1);
    let path = file.path().to_str().expect("a plain path");
    for vault in [None, Some("file-keyring")] {
        let mut workspace = Workspace::new();
        workspace.vault = vault;
        workspace.project_new(NOWHERE, NOWHERE, &[]);
        let alone = |command: &mut Command| {
            command.env_remove("DBUS_SESSION_BUS_ADDRESS").env("XDG_RUNTIME_DIR", workspace.path());
        };
        let refused = run(&workspace, alone, &["item", "import", PROJECT, path]).expect(3);
        assert!(refused.stderr.contains("has no keyring") && refused.stderr.contains("--vault file"), "{refused:?}");
        assert!(!workspace.path().join("vault.bin").exists());
    }
}

#[test]
fn b4_a_thousand_passwords_go_in_with_progress_and_come_out() {
    if !keyring::available() {
        return;
    }
    let keyring = Keyring::start(Service::Unlocked);
    let workspace = Workspace::with_keyring(&keyring, None);
    workspace.project_new(NOWHERE, NOWHERE, &[]);
    let file = list(500);
    // `script` is a terminal.
    let path = file.path().to_str().expect("a plain path");
    let plain = workspace.command(&["item", "import", PROJECT, path]);
    let words = [plain.get_program()].into_iter().chain(plain.get_args());
    let line: Vec<String> = words.map(|word| format!("'{}'", word.to_str().expect("plain"))).collect();
    let mut terminal = Command::new("script");
    terminal.args(["-qec", &line.join(" "), "/dev/null"]).envs(keyring.environment()).env("TERM", "xterm");
    let shown = terminal.stdin(Stdio::null()).ended();
    let text = String::from_utf8_lossy(&shown.stdout);
    assert!(shown.status.success() && text.contains("500 items imported"), "{text}");
    assert!(text.contains("Storing passwords") && text.matches("/1000").count() > 10, "{text}");
    let users = keyring.users();
    assert_eq!(users.len(), 1000);
    let last = users.iter().find(|user| user.ends_with("/1000")).expect("the last one");
    assert_eq!(keyring.secret(last), "into 499");
    workspace.run(&["project", "delete", PROJECT]).expect(0);
    assert_eq!(keyring.users().len(), 0);
}

#[test]
fn b4_a_keyring_that_never_answers_can_be_left() {
    if !keyring::available() {
        return;
    }
    let keyring = Keyring::start(Service::Unlocked);
    let workspace = Workspace::with_keyring(&keyring, None);
    workspace.project_new(NOWHERE, NOWHERE, &[]);
    let file = list(5000);
    let mut command = workspace.command(&["item", "import", PROJECT, file.path().to_str().expect("a plain path")]);
    let mut importing = command.stderr(Stdio::piped()).spawn().expect("the program starts");
    let pid = importing.id().to_string();
    while keyring.users().len() < 3 {
        assert_eq!(importing.try_wait().expect("its state"), None, "it ended too early");
    }
    keyring.hang();
    let press = || Command::new("kill").args(["-INT", &pid]).status().expect("kill");
    press();
    let mut said = BufReader::new(importing.stderr.take().expect("piped"));
    let mut text = String::new();
    let first = said.read_line(&mut text).map(|_| press());
    let rest = said.read_to_string(&mut text);
    let ended = importing.wait();
    keyring.go_on();
    assert!(first.is_ok() && rest.is_ok(), "{first:?} {rest:?}");
    assert!(text.contains("Ctrl-C again leaves at once") && text.contains("left before its end"), "{text}");
    assert_eq!(ended.expect("its end").code(), Some(2));
    assert!(workspace.run(&["item", "list", PROJECT]).expect(0).stdout.starts_with("No items yet"));
}

#[test]
fn b4_a_file_opened_by_a_key_in_the_keyring() {
    if !keyring::available() || !dovecot::available() {
        return;
    }
    let keyring = Keyring::start(Service::Unlocked);
    let (mut workspace, ends) = scene(&keyring, Some("file-keyring"));
    let users = keyring.users();
    assert!(matches!(&names(&users)[..], [key] if key.starts_with("file-key-")), "one entry for all: {users:?}");
    assert!(std::fs::read(workspace.path().join("vault.bin")).expect("the vault").starts_with(b"MFVAULT2"));
    workspace.vault = None;
    workspace.start().expect(0);
    assert_moved(&ends);
    for other in ["keyring", "file"] {
        let refused = Workspace::run(&workspace, &["--vault", other, "start", PROJECT]).expect(2);
        assert!(refused.stderr.contains("file-keyring vault"), "{refused:?}");
    }
    keyring.delete(&users[0]);
    let refused = workspace.start().expect(3);
    assert!(refused.stderr.contains("key of the vault's file is not in this machine's keyring"), "{refused:?}");
}
