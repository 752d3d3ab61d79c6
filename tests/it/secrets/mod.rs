//! Acceptance 6: a password is in no log (at the most talkative level), file, table, screen or list of processes.

mod echo;
mod form;
mod search;
mod tokens;

use std::io::Read;
use std::process::{Command, Stdio};
use std::sync::Arc;

use mailferry::domain::secret::Secret;
use mailferry::domain::server::{AdminLogin, ImapServer};
use mailferry::endpoint::auth::{KnownPassword, Proof};
use mailferry::endpoint::imap::{ImapEndpoint, Timeouts, Who};
use mailferry::endpoint::{Resources, budget::Budget};

use crate::support::dovecot::{self, Dovecot, Options};
use crate::support::ends::Ends;
use crate::support::imap::{Imap, Message};
use crate::support::keyring::{self, Keyring, Service};
use crate::support::product::{Output, Workspace, plain};
use crate::support::relay::{Act, At, Relay, Rules, verb};
use search::Haystack;

const OWN: &str = "Zq\"own\\7Kx";
/// Cannot be quoted in IMAP: goes out as a literal.
const WIDE: &str = "Zq\"wïd\\9Vö";
const CHIEF: &str = "Zq\"adm\\8Wy";
const REFUSED: &str = "Zq\"bad\\3Rt";
const PHRASE: &str = "Zq\"phr\\5Tz";
const ALL: [&str; 5] = [OWN, WIDE, CHIEF, REFUSED, PHRASE];

/// A server where these passwords open mailboxes: `own-…`, `wide-…`, and everything for the administrator `chief`.
struct Site {
    server: Dovecot,
    _files: tempfile::TempDir,
}

impl Site {
    fn start() -> Site {
        let files = tempfile::Builder::new().prefix("mailferry-it-").tempdir().expect("a folder");
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            std::fs::set_permissions(files.path(), PermissionsExt::from_mode(0o755)).expect("permissions");
        }
        let mut users = String::new();
        for number in 0..4 {
            users += &format!("own-{number}:{{PLAIN}}{OWN}::::::\nwide-{number}:{{PLAIN}}{WIDE}::::::\n");
        }
        std::fs::write(files.path().join("users"), users).expect("written");
        std::fs::write(files.path().join("chiefs"), format!("chief:{{PLAIN}}{CHIEF}::::::\n")).expect("written");
        let folder = files.path().display();
        let extra = format!(
            "passdb {{\n driver = passwd-file\n args = {folder}/chiefs\n master = yes\n}}\n\
             passdb {{\n driver = passwd-file\n args = {folder}/users\n}}\n"
        );
        Site { server: Dovecot::start(Options { extra, ..Options::sdbox() }), _files: files }
    }

    /// Mail for two users: some of it too large for memory.
    fn fill(&self) {
        for (user, password) in [("own-0", OWN), ("wide-0", WIDE)] {
            let mut imap = match password.is_ascii() {
                true => Imap::login(self.server.plain_port, user, password),
                false => Imap::login(
                    self.server.plain_port,
                    &format!("{user}*{}", dovecot::MASTER),
                    dovecot::MASTER_PASSWORD,
                ),
            };
            let large = format!("Subject: large\r\nMessage-ID: <{user}>\r\n\r\n{}\r\n", "x\r\n".repeat(600_000));
            imap.append_all("INBOX", &[Message::plain("Subject: small\r\n\r\nx\r\n"), Message::plain(large)]);
        }
    }
}

/// A workspace that logs all it can.
fn workspace() -> Workspace {
    let mut workspace = Workspace::new();
    let variables = [
        ("MAILFERRY_LOG", "trace"),
        ("MAILFERRY_PASSPHRASE", PHRASE),
        ("MAILFERRY_SOURCE_PASSWORD", CHIEF),
        ("MAILFERRY_DESTINATION_PASSWORD", CHIEF),
        ("RUST_BACKTRACE", "1"),
    ];
    workspace.environment = variables.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
    workspace
}

/// Imports rows of source login, its password, destination login, its password.
fn import(workspace: &Workspace, project: &str, rows: &[[&str; 4]]) -> Output {
    let quoted = |text: &str| format!("\"{}\"", text.replace('"', "\"\""));
    let mut csv = "Source Email,Source Login Name,Source Password,Destination Email,Destination Login Name,Destination Password\n".to_owned();
    for [from, secret, to, other] in rows {
        let (from_address, to_address) = (format!("{from}@old.example"), format!("{to}@new.example"));
        let cells = [from_address.as_str(), from, secret, &to_address, to, other].map(quoted);
        csv += &format!("{}\n", cells.join(","));
    }
    // Outside the workspace: the consultant's own file holds the passwords, of course.
    let file = tempfile::NamedTempFile::new().expect("a file");
    std::fs::write(file.path(), csv).expect("written");
    workspace.run(&["item", "import", project, file.path().to_str().expect("a plain path")])
}

fn add(hay: &mut Haystack, name: &str, output: &Output) {
    hay.add(&format!("{name} stdout"), output.stdout.as_bytes());
    hay.add(&format!("{name} stderr"), output.stderr.as_bytes());
}

fn project(workspace: &Workspace, name: &str, port: u16, more: &[&str]) -> Output {
    let address = plain(port);
    let arguments = ["project", "new", name, "--source", &address, "--destination", &address, "--connections", "1"];
    workspace.run(&[&arguments, more].concat()).expect(0)
}

/// Runs a pass that stands still at its first APPEND, looks at everything meanwhile, and lets it end.
fn start_looked_at(workspace: &Workspace, relay: &Relay, name: &str, code: i32, hay: &mut Haystack) {
    let held = relay.plan(At::Command(verb("APPEND")), Act::Hold);
    let mut command: Command = workspace.command(&["start", name, "--watch"]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the program starts");
    held.wait();
    if let Ok(line) = std::fs::read(format!("/proc/{}/cmdline", child.id())) {
        hay.add("cmdline", line);
    }
    hay.add_folder("running", workspace.path());
    add(hay, "status", &workspace.run(&["status", name, "--json"]).expect(0));
    held.go_on();
    let (mut stdout, mut stderr) = (Vec::new(), Vec::new());
    child.stdout.take().expect("piped").read_to_end(&mut stdout).expect("read");
    child.stderr.take().expect("piped").read_to_end(&mut stderr).expect("read");
    let ended = child.ends();
    assert_eq!(ended.code(), Some(code), "{}", String::from_utf8_lossy(&stderr));
    hay.add("start stdout", stdout);
    hay.add("start stderr", stderr);
    relay.forget_plans();
}

/// What one kind of server makes Mailferry send.
fn logins_leave_no_trace(site: &Site, rules: Rules, sasl: bool) {
    let relay = Relay::start(site.server.plain_port, rules);
    let (workspace, mut hay) = (workspace(), Haystack::default());
    add(&mut hay, "new", &project(&workspace, "own", relay.port, &[]));
    let rows = [["own-0", OWN, "own-1", OWN], ["wide-0", WIDE, "wide-1", WIDE], ["own-2", REFUSED, "own-3", OWN]];
    add(&mut hay, "import", &import(&workspace, "own", &rows).expect(0));
    start_looked_at(&workspace, &relay, "own", 1, &mut hay);

    let template = ["--source-admin", "{user}*chief", "--destination-admin", "{user}*chief"];
    add(&mut hay, "new", &project(&workspace, "template", relay.port, &template));
    add(&mut hay, "import", &import(&workspace, "template", &[["own-0", "", "own-2", ""]]).expect(0));
    start_looked_at(&workspace, &relay, "template", 0, &mut hay);
    if sasl {
        let chief = ["--source-admin", "chief", "--destination-admin", "chief"];
        add(&mut hay, "new", &project(&workspace, "authorization", relay.port, &chief));
        add(&mut hay, "import", &import(&workspace, "authorization", &[["own-0", "", "own-3", ""]]).expect(0));
        start_looked_at(&workspace, &relay, "authorization", 0, &mut hay);
    }
    let mut wrong = self::workspace();
    wrong.environment.extend([("MAILFERRY_SOURCE_PASSWORD".to_owned(), REFUSED.to_owned())]);
    for (name, admin) in
        [("template", "{user}*chief"), ("authorization", "chief")].into_iter().take(1 + usize::from(sasl))
    {
        project(&wrong, name, relay.port, &["--source-admin", admin, "--destination-admin", "{user}*chief"]);
        add(&mut hay, "import", &import(&wrong, name, &[["own-0", "", "own-1", ""]]).expect(0));
        let refused = wrong.run(&["start", name]).expect(1);
        assert!(refused.stderr.contains("administrator login was refused"), "{}", refused.stderr);
        add(&mut hay, "start", &refused);
        add(&mut hay, "status", &wrong.run(&["status", name, "--json"]).expect(0));
    }

    for workspace in [&workspace, &wrong] {
        hay.add_folder("ended", workspace.path());
        let log = workspace.log();
        assert!(log.contains("CAPABILITY") && log.contains("LIST") && log.contains("<hidden>"), "no dialogue:\n{log}");
    }
    for name in
        ["workspace.db", "workspace.db-wal", "workspace.db-shm", "vault.bin", "owner.json", "cmdline", "start stdout"]
    {
        assert!(hay.holds(name) || (name == "cmdline" && !cfg!(target_os = "linux")), "never looked at: {name}");
    }
    hay.assert_clean(&ALL);
    let said = |verb: &str, answer: &str| {
        relay.commands_of(verb).iter().any(|c| c.answer.as_deref().is_some_and(|a| a.starts_with(answer)))
    };
    let verb = if sasl { "AUTHENTICATE" } else { "LOGIN" };
    assert!(said(verb, "OK") && said(verb, "NO"), "{verb} was not accepted and refused");
}

fn site() -> Option<Site> {
    dovecot::available().then(|| {
        let site = Site::start();
        site.fill();
        site
    })
}

#[test]
fn a6_authenticate_plain_leaves_no_password_behind() {
    let Some(site) = site() else { return };
    logins_leave_no_trace(&site, Rules::default(), true);
}

#[test]
fn a6_authenticate_plain_without_sasl_ir_leaves_no_password_behind() {
    let Some(site) = site() else { return };
    logins_leave_no_trace(&site, Rules::hiding(&["SASL-IR"]), true);
}

#[test]
fn a6_login_quoted_and_as_a_literal_leaves_no_password_behind() {
    let Some(site) = site() else { return };
    logins_leave_no_trace(&site, Rules::hiding(&["AUTH=PLAIN", "SASL-IR"]), false);
}

#[test]
fn a6_login_to_an_old_server_leaves_no_password_behind() {
    let Some(site) = site() else { return };
    let mut rules = Rules::bare();
    rules.hide.push("AUTH=PLAIN".into());
    logins_leave_no_trace(&site, rules, false);
}

#[test]
fn b4_the_keyring_is_the_only_place_of_a_password() {
    if !keyring::available() {
        return;
    }
    let Some(site) = site() else { return };
    let relay = Relay::start(site.server.plain_port, Rules::default());
    for vault in [None, Some("file-keyring")] {
        let session = Keyring::start(Service::Unlocked);
        let (mut workspace, mut hay) = (workspace(), Haystack::default());
        workspace.vault = vault;
        workspace.environment.retain(|(name, _)| name != "MAILFERRY_PASSPHRASE");
        workspace.environment.extend(session.environment());
        add(&mut hay, "new", &project(&workspace, "own", relay.port, &[]));
        // To destinations of their own in each round: there must be something to copy.
        let to = if vault.is_none() { ["own-1", "wide-1"] } else { ["own-2", "wide-2"] };
        let rows = [["own-0", OWN, to[0], OWN], ["wide-0", WIDE, to[1], WIDE], ["own-2", REFUSED, "own-3", OWN]];
        add(&mut hay, "import", &import(&workspace, "own", &rows).expect(0));
        start_looked_at(&workspace, &relay, "own", 1, &mut hay);
        let template = ["--source-admin", "{user}*chief", "--destination-admin", "{user}*chief"];
        add(&mut hay, "new", &project(&workspace, "chief", relay.port, &template));
        let held = session.users();
        assert_eq!(held.len(), if vault.is_none() { 8 } else { 1 });
        assert!(vault.is_some() || held.iter().any(|user| session.secret(user) == OWN), "they are there");
        session.lock();
        add(&mut hay, "locked", &workspace.run(&["start", "own"]).expect(3));
        hay.add_folder("ended", workspace.path());
        // The keyring's own file is encrypted.
        hay.add_folder("home", session.home());
        assert!(hay.holds("data/keyrings/login.keyring") && session.file().exists());
        let log = workspace.log();
        assert!(log.contains("keyring_core") && log.contains("zbus"), "the keyring's libraries are not heard: {log}");
        hay.assert_clean(&ALL);
    }
}

#[test]
fn a6_what_holds_a_password_does_not_print_it() {
    let mut server = ImapServer::parse_url("imaps://imap.example").expect("an address");
    server.admin = Some(AdminLogin::parse("chief"));
    let who = Who { user: "anna".into(), admin: server.admin.clone() };
    let auth = KnownPassword(Secret::new(OWN));
    let resources = Resources {
        spool: std::env::temp_dir(),
        numbers: std::env::temp_dir(),
        budget: Budget::new(1 << 20),
        meter: Arc::default(),
        network: Arc::default(),
        said: Arc::default(),
        waits: Default::default(),
    };
    let endpoint = ImapEndpoint::new(server, who, Arc::new(auth.clone()), resources, Timeouts::default());
    let mut hay = Haystack::default();
    let proof = Proof::Password(auth.0.clone());
    hay.add("proof", format!("{auth:?} {auth:#?} {proof:?} {proof:#?}"));
    hay.add("endpoint", format!("{endpoint:?} {endpoint:#?}"));
    hay.add("secret", format!("{:?} {:#?}", auth.0, Some(&auth.0)));
    hay.assert_clean(&ALL);
    assert!(format!("{endpoint:?}").contains("anna"), "nothing was printed at all");
}

#[test]
fn a6_an_address_with_a_password_in_it_is_refused_and_not_repeated() {
    let workspace = workspace();
    let mut hay = Haystack::default();
    for side in ["--source", "--destination"] {
        let other = if side == "--source" { "--destination" } else { "--source" };
        let address = format!("imaps://anna:{OWN}@imap.example");
        let refused = workspace.run(&["project", "new", "p", side, &address, other, "imaps://b.example"]).expect(2);
        assert!(refused.stderr.contains("user name"), "{}", refused.stderr);
        add(&mut hay, "project new", &refused);
    }
    hay.add_folder("ended", workspace.path());
    hay.assert_clean(&ALL);
}
