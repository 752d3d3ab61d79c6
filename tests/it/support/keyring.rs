//! A real Secret Service: GNOME Keyring on a session bus of its own, with a scratch home.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use tempfile::TempDir;

use super::ends::Ended;

/// What the keyring's own file is encrypted with.
pub const PASSWORD: &str = "the keyring's own";

/// What is on the bus.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Service {
    /// A keyring that is unlocked.
    Unlocked,
    /// No keyring was ever set up: the service starts when it is called, and nobody can answer its questions.
    NotSetUp,
    /// Nothing.
    None,
}

/// A session. Dropping it ends the bus and its services and removes the home.
pub struct Keyring {
    home: TempDir,
    address: String,
    keeper: Child,
}

/// Whether a keyring can be started here. On Debian and its kin it is a requirement, so its absence fails the test;
/// elsewhere the test is named as skipped.
#[expect(clippy::print_stderr, reason = "a skipped test says so")]
pub fn available() -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let there = |name: &str| cfg!(unix) && std::env::split_paths(&path).any(|place| place.join(name).is_file());
    let programs = ["gnome-keyring-daemon", "dbus-run-session", "dbus-send", "secret-tool"];
    if programs.into_iter().all(there) {
        return true;
    }
    assert!(
        !Path::new("/etc/debian_version").exists(),
        "GNOME Keyring is not installed: these tests need it \
         (tests/run.sh installs it: apt-get install gnome-keyring dbus libsecret-tools)"
    );
    let test = std::thread::current().name().unwrap_or("a test").to_owned();
    eprintln!("skipped: {test} (no GNOME Keyring on this system)");
    false
}

/// A bus that starts nothing by itself.
const EMPTY_BUS: &str = r#"<busconfig><type>session</type><listen>unix:tmpdir=/tmp</listen><policy context="default">
<allow send_destination="*" eavesdrop="true"/><allow eavesdrop="true"/><allow own="*"/></policy></busconfig>"#;

impl Keyring {
    /// Starts a session and waits until its services are there.
    pub fn start(service: Service) -> Keyring {
        // In memory where there is such a place: the service writes its whole file for every entry.
        let memory = Path::new("/dev/shm");
        let base = if memory.is_dir() { memory.to_owned() } else { std::env::temp_dir() };
        let home = tempfile::Builder::new().prefix("mailferry-it-").tempdir_in(base).expect("a home");
        let mut command = Command::new("dbus-run-session");
        if service == Service::None {
            let file = home.path().join("bus.conf");
            std::fs::write(&file, EMPTY_BUS).expect("written");
            command.arg("--config-file").arg(file);
        }
        let unlock = match service {
            Service::Unlocked => {
                "printf %s \"$1\" | gnome-keyring-daemon --unlock --components=secrets --daemonize >/dev/null || exit 1\n"
            }
            Service::NotSetUp | Service::None => "",
        };
        // It stays until its standard input is closed, by the drop below or by the end of this process.
        let script = format!("{unlock}echo \"$DBUS_SESSION_BUS_ADDRESS\"\nexec cat >/dev/null");
        command.args(["--", "bash", "-c", &script, "session", PASSWORD]);
        scratch(&mut command, home.path());
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut keeper = command.spawn().expect("the session starts");
        let mut address = String::new();
        BufReader::new(keeper.stdout.take().expect("piped")).read_line(&mut address).expect("read");
        assert!(address.starts_with("unix:"), "the session did not start: {address:?}");
        Keyring { home, address: address.trim().to_owned(), keeper }
    }

    /// The variables by which a program finds the session.
    pub fn environment(&self) -> Vec<(String, String)> {
        vec![("DBUS_SESSION_BUS_ADDRESS".into(), self.address.clone())]
    }

    /// The scratch home: the keyring's file is in it.
    pub fn home(&self) -> &Path {
        self.home.path()
    }

    /// The keyring's own file.
    pub fn file(&self) -> PathBuf {
        self.home().join("data/keyrings/login.keyring")
    }

    fn run(&self, program: &str, arguments: &[&str]) -> Output {
        let mut command = Command::new(program);
        scratch(&mut command, self.home());
        command.args(arguments).envs(self.environment()).ended()
    }

    /// Locks everything, as a desktop does.
    pub fn lock(&self) {
        let collection = "array:objpath:/org/freedesktop/secrets/collection/login";
        let call = ["org.freedesktop.Secret.Service.Lock", collection];
        let to = ["--session", "--print-reply", "--dest=org.freedesktop.secrets", "/org/freedesktop/secrets"];
        let output = self.run("dbus-send", &[&to[..], &call[..]].concat());
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }

    /// The service's process answers nothing until [`Keyring::go_on`], as if it waited for a person.
    pub fn hang(&self) {
        self.signal("-STOP");
    }

    /// It answers again.
    pub fn go_on(&self) {
        self.signal("-CONT");
    }

    fn signal(&self, name: &str) {
        let call = ["/", "org.freedesktop.DBus.GetConnectionUnixProcessID", "string:org.freedesktop.secrets"];
        let to = ["--session", "--print-reply=literal", "--dest=org.freedesktop.DBus"];
        let output = self.run("dbus-send", &[&to[..], &call[..]].concat());
        let text = String::from_utf8_lossy(&output.stdout);
        let pid = text.split_whitespace().last().expect("its process");
        assert!(Command::new("kill").args([name, pid]).status().expect("kill").success(), "{text}");
    }

    /// The users of all entries of the service `mailferry`, sorted.
    pub fn users(&self) -> Vec<String> {
        let output = self.run("secret-tool", &["search", "--all", "--unlock", "service", "mailferry"]);
        // Attributes are told on standard error, secrets on standard output, or all on one of them.
        let text = [output.stdout, output.stderr].concat();
        let text = String::from_utf8_lossy(&text);
        let users = text.lines().filter_map(|line| line.strip_prefix("attribute.username = "));
        let mut users: Vec<String> = users.map(str::to_owned).collect();
        users.sort();
        users
    }

    /// What an entry holds.
    pub fn secret(&self, user: &str) -> String {
        let output = self.run("secret-tool", &["lookup", "service", "mailferry", "username", user]);
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    /// Adds an entry behind the program's back.
    pub fn add(&self, user: &str, secret: &str) {
        let script = "printf %s \"$1\" | secret-tool store --label x service mailferry username \"$2\"";
        let output = self.run("bash", &["-c", script, "add", secret, user]);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }

    /// Deletes an entry behind the program's back.
    pub fn delete(&self, user: &str) {
        let output = self.run("secret-tool", &["clear", "service", "mailferry", "username", user]);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
}

impl Drop for Keyring {
    fn drop(&mut self) {
        drop(self.keeper.stdin.take());
        let _ = self.keeper.wait();
    }
}

/// Nothing of this machine's own session reaches the program.
fn scratch(command: &mut Command, home: &Path) {
    let places = [("HOME", ""), ("XDG_DATA_HOME", "data"), ("XDG_RUNTIME_DIR", "run"), ("XDG_CACHE_HOME", "cache")];
    for (variable, place) in places {
        let place = home.join(place);
        private(&place);
        command.env(variable, place);
    }
    command.env_remove("DISPLAY").env_remove("WAYLAND_DISPLAY").env_remove("GNOME_KEYRING_CONTROL");
}

fn private(folder: &Path) {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder).expect("a folder");
}
