//! Servers of the field beside Dovecot, whose packages exclude it: `tests/run.sh` unpacks them, a test starts its own.
//!
//! Each listens on the loopback, has a folder of its own and is gone with the test process, as Dovecot is.

mod courier;
mod cyrus;
mod mailutils;

use std::ffi::OsString;
use std::fs;
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use super::compare::{Folder, Mailbox};
use super::imap::{Imap, Listed};
use super::unpacked;

/// Of all users.
pub const PASSWORD: &str = "pass";

/// A server that is not up after this is broken.
const START_LIMIT: Duration = Duration::from_secs(30);

/// Which program it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Courier 5: each connection a process, behind a login of the tests.
    Courier,
    /// Cyrus 3.6, its accounts' passwords told by the tests.
    Cyrus,
    /// GNU Mailutils 3: `imap4d` over folders of Maildirs.
    Mailutils,
}

/// A running server, with an account of its own.
pub struct Server {
    /// Which.
    pub kind: Kind,
    /// Without TLS.
    pub port: u16,
    /// The account.
    pub user: String,
    _runs: Box<dyn Send>,
}

/// Whether the program is here; on Debian and its kin it must be.
pub fn available(kind: Kind) -> bool {
    match kind {
        Kind::Courier => super::courier::available(),
        Kind::Cyrus => unpacked::available("cyrus", "usr/lib/cyrus/bin/imapd"),
        Kind::Mailutils => unpacked::available("mailutils", "usr/sbin/imap4d"),
    }
}

impl Server {
    /// Starts one.
    pub fn start(kind: Kind) -> Server {
        match kind {
            Kind::Courier => courier::start(),
            Kind::Cyrus => cyrus::start(),
            Kind::Mailutils => mailutils::start(),
        }
    }

    /// As its owner sees it.
    pub fn login(&self) -> Imap {
        Imap::login(self.port, &self.user, PASSWORD)
    }

    /// All that the account holds, by names with `/` and without the prefix that some servers put before them.
    pub fn read(&self) -> Mailbox {
        let mut imap = self.login();
        let listing = imap.list_plainly();
        let holds = |folder: &&Listed| folder.selectable();
        let folders = listing.iter().filter(holds).map(|folder| {
            let messages = imap.fetch_all(&folder.wire);
            let name = match self.kind {
                Kind::Mailutils => folder.name.clone(),
                Kind::Courier | Kind::Cyrus => folder.name.replace('.', "/"),
            };
            let name = name.strip_prefix("INBOX/").unwrap_or(&name).to_owned();
            (name, Folder { subscribed: false, attributes: Vec::new(), messages })
        });
        Mailbox { folders: folders.collect() }
    }
}

fn new_folder() -> PathBuf {
    let shared = Path::new("/dev/shm");
    let base = if shared.is_dir() { shared.to_path_buf() } else { std::env::temp_dir() };
    tempfile::Builder::new().prefix("mailferry-it-").tempdir_in(base).expect("a folder for the server").keep()
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").expect("a free port").local_addr().expect("its address").port()
}

/// Who runs the servers: they do not run as root.
struct Owner {
    name: String,
    group: String,
    uid: String,
    gid: String,
}

fn id(arguments: &[&str]) -> String {
    let told = Command::new("id").args(arguments).output().expect("id");
    String::from_utf8(told.stdout).expect("text").trim().to_owned()
}

/// Gives them this folder, as root.
fn owner(folder: &Path) -> Owner {
    let root = id(&["-u"]) == "0";
    let who: &[&str] = if root { &["nobody"] } else { &[] };
    let told = |option: &str| id(&[&[option], who].concat());
    let owner = Owner { name: told("-un"), group: told("-gn"), uid: told("-u"), gid: told("-g") };
    if root {
        let to = format!("{}:{}", owner.uid, owner.gid);
        assert!(Command::new("chown").arg("-R").arg(to).arg(folder).status().expect("chown").success());
    }
    owner
}

/// A process that ends, with its folder, when this one does or when it is dropped.
struct Kept {
    keeper: Child,
    folder: PathBuf,
}

impl Kept {
    /// Runs this program; what it says goes to the file `log` in its folder.
    fn run(program: &Path, arguments: &[&str], environment: &[(&str, OsString)], folder: PathBuf) -> Kept {
        let script = r#"exec 3<&0
            folder=$1; shift
            "$@" </dev/null >"$folder/log" 2>&1 3<&- & server=$!
            ( exec 2>/dev/null; cat >/dev/null; kill "$server"; sleep 1; kill -9 -"$server" ) <&3 &
            exec 3<&-
            wait "$server" 2>/dev/null
            rm -rf "$folder""#;
        let mut command = Command::new("sh");
        command.args(["-c", script, "keeper"]).arg(&folder).arg(program).args(arguments);
        command.envs(environment.iter().map(|(name, value)| (name, value)));
        command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        #[cfg(unix)]
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
        Kept { keeper: command.spawn().expect("a shell"), folder }
    }

    /// Waits until it greets.
    fn listens(self, port: u16) -> Kept {
        let until = Instant::now() + START_LIMIT;
        loop {
            if let Ok(stream) = TcpStream::connect(("127.0.0.1", port)) {
                stream.set_read_timeout(Some(START_LIMIT)).expect("a time-out can be set");
                if std::io::Read::read(&mut &stream, &mut [0; 100]).is_ok_and(|length| length > 4) {
                    return self;
                }
            }
            let log = fs::read_to_string(self.folder.join("log")).unwrap_or_default();
            assert!(Instant::now() < until, "it does not listen: {log}");
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        drop(self.keeper.stdin.take());
        let _ = self.keeper.wait();
        let _ = fs::remove_dir_all(&self.folder);
    }
}
