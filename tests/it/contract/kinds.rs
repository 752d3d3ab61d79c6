//! The kinds of endpoint that the contract is for, and what each cannot do.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use mailferry::demo::pace::Paced;
use mailferry::domain::folder::FolderPath;
use mailferry::domain::item;
use mailferry::domain::secret::Secret;
use mailferry::domain::server::{ImapServer, Server};
use mailferry::endpoint::auth::KnownPassword;
use mailferry::endpoint::budget::Budget;
use mailferry::endpoint::imap::{ImapEndpoint, Timeouts, Who};
use mailferry::endpoint::maildir::{MaildirEndpoint, directory};
use mailferry::endpoint::registry::Endpoints;
use mailferry::endpoint::{DestinationEndpoint, Resources, SourceEndpoint};
use tempfile::TempDir;

use crate::support::compare::Mailbox;
use crate::support::dovecot::{self, Dovecot, Format, PASSWORD};
use crate::support::imap::quoted;
use crate::support::product::plain;

/// What not every kind does alike.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exception {
    /// Messages of any size are taken.
    NoLimit,
    /// Every character may stand in a folder's name.
    SeparatorInNames,
}

/// A mailbox of one kind.
pub struct Kind {
    pub name: &'static str,
    /// To read it.
    pub source: Arc<dyn SourceEndpoint>,
    /// To write it: of a kind that can only be read, whatever else can fill the same place.
    pub destination: Arc<dyn DestinationEndpoint>,
    pub behind: Box<dyn Behind>,
    exceptions: &'static [Exception],
    own: usize,
    _dir: TempDir,
}

impl Kind {
    /// Whether it declares this.
    pub fn can(&self, exception: Exception) -> bool {
        self.exceptions.contains(&exception)
    }

    /// Folders that are there without having been made.
    pub fn folders_of_its_own(&self) -> usize {
        self.own
    }
}

/// The mailbox without the product.
pub trait Behind {
    /// Takes away the nth message of a folder.
    fn delete(&self, folder: &FolderPath, nth: usize);
    /// Deletes a folder and makes an empty one of its name.
    fn make_anew(&self, folder: &FolderPath);
    /// All there is, in words.
    fn everything(&self) -> String;
}

struct OnServer(&'static Dovecot, String);

impl OnServer {
    fn wire(&self, folder: &FolderPath) -> String {
        let components: Vec<&str> = folder.components().iter().map(String::as_str).collect();
        self.0.wire_name(&components)
    }
}

impl Behind for OnServer {
    fn delete(&self, folder: &FolderPath, nth: usize) {
        let mut imap = self.0.login(&self.1);
        let uid = imap.fetch_all(&self.wire(folder))[nth].uid;
        imap.select(&self.wire(folder));
        imap.delete(&uid.to_string());
    }

    fn make_anew(&self, folder: &FolderPath) {
        let mut imap = self.0.login(&self.1);
        imap.ok(&format!("DELETE {}", quoted(&self.wire(folder))));
        imap.ok(&format!("CREATE {}", quoted(&self.wire(folder))));
    }

    fn everything(&self) -> String {
        format!("{:?}", Mailbox::read(&mut self.0.login(&self.1)))
    }
}

struct OnDisk(PathBuf);

impl OnDisk {
    fn place(&self, folder: &FolderPath) -> PathBuf {
        self.0.join(directory(folder).expect("a name"))
    }
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut all: Vec<PathBuf> =
        std::fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path()).collect();
    all.sort();
    all
}

/// Every file below a folder: its path, bytes and times.
pub fn tree(folder: &Path) -> Vec<(PathBuf, Option<Vec<u8>>, std::time::SystemTime)> {
    let mut all = Vec::new();
    for path in files(folder) {
        let metadata = path.symlink_metadata().expect("an entry");
        let bytes = metadata.is_file().then(|| std::fs::read(&path).expect("a file"));
        all.push((path.clone(), bytes, metadata.modified().expect("a time")));
        if metadata.is_dir() {
            all.extend(tree(&path));
        }
    }
    all
}

impl Behind for OnDisk {
    fn delete(&self, folder: &FolderPath, nth: usize) {
        let messages = ["cur", "new"].map(|part| files(&self.place(folder).join(part))).concat();
        std::fs::remove_file(&messages[nth]).expect("removed");
    }

    fn make_anew(&self, folder: &FolderPath) {
        let place = self.place(folder);
        std::fs::remove_dir_all(&place).expect("removed");
        for part in ["", "cur", "new", "tmp"] {
            std::fs::create_dir(place.join(part)).expect("made");
        }
    }

    fn everything(&self) -> String {
        format!("{:?}", tree(&self.0))
    }
}

fn resources(dir: &Path) -> Resources {
    Resources {
        spool: dir.to_owned(),
        numbers: dir.join("numbers"),
        budget: Budget::new(64 << 20),
        meter: Arc::default(),
        network: Arc::default(),
        said: Arc::default(),
        waits: Default::default(),
    }
}

fn imap(name: &'static str, server: &'static Dovecot) -> Kind {
    let dir = tempfile::tempdir().expect("a folder");
    let user = server.user("contract");
    let who = Who { user: user.clone(), admin: None };
    let auth = Arc::new(KnownPassword(Secret::new(PASSWORD)));
    let address = ImapServer::parse_url(&plain(server.plain_port)).expect("an address");
    let endpoint = Arc::new(ImapEndpoint::new(address, who, auth, resources(dir.path()), Timeouts::default()));
    Kind {
        name,
        source: Arc::clone(&endpoint) as _,
        destination: endpoint,
        behind: Box::new(OnServer(server, user)),
        exceptions: &[Exception::NoLimit],
        own: 0,
        _dir: dir,
    }
}

/// A Maildir that is not there yet.
fn maildir() -> Kind {
    let dir = tempfile::tempdir().expect("a folder");
    let root = dir.path().join("home/anna/Maildir");
    let endpoint = Arc::new(MaildirEndpoint::new(root.clone(), resources(dir.path())).accepting(10_000_000));
    Kind {
        name: "Maildir",
        source: Arc::clone(&endpoint) as _,
        destination: endpoint,
        behind: Box::new(OnDisk(root)),
        exceptions: &[Exception::SeparatorInNames],
        own: 0,
        _dir: dir,
    }
}

/// What the demo makes of a Maildir, which here takes no time.
fn paced() -> Kind {
    let dir = tempfile::tempdir().expect("a folder");
    let root = dir.path().join("home/anna/Maildir");
    let server = Server::parse_url(&format!("maildir:{}/home/{{localpart}}/Maildir", dir.path().display()));
    let server = server.expect("an address");
    let mailbox = item::Mailbox { email: "anna@contoso.example".into(), login: None, credential: None };
    let endpoints = Paced::new(dir.path().to_owned(), 10_000_000, Duration::ZERO);
    let auth = Arc::new(KnownPassword(Secret::new("")));
    let resources = resources(dir.path());
    Kind {
        name: "Maildir, paced",
        source: endpoints.source(&server, &mailbox, auth.clone(), resources.clone()).expect("a source"),
        destination: endpoints.destination(&server, &mailbox, auth, resources).expect("a destination"),
        behind: Box::new(OnDisk(root)),
        exceptions: &[Exception::SeparatorInNames],
        own: 0,
        _dir: dir,
    }
}

/// A fresh mailbox of every kind that can be had here.
pub fn every_kind() -> Vec<Kind> {
    let mut kinds = vec![maildir(), paced()];
    if dovecot::available() {
        kinds.push(imap("IMAP, nested folders", dovecot::shared(Format::Sdbox)));
        kinds.push(imap("IMAP, dotted folders", dovecot::shared(Format::Maildir)));
    }
    kinds
}
