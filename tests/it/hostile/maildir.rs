//! k1: a Maildir whose owner can log in, read and written by an administrator. Races are made certain: what is swapped is swapped
//! between two calls of a session.

use std::fs;
use std::os::unix::fs::{MetadataExt, chown, symlink};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use mailferry::domain::failure::Cause;
use mailferry::domain::flags::{FlagChange, Flags};
use mailferry::domain::folder::{FolderPath, WireName};
use mailferry::domain::ids::Uid;
use mailferry::domain::message::{Body, NewMessage};
use mailferry::endpoint::budget::Budget;
use mailferry::endpoint::maildir::MaildirEndpoint;
use mailferry::endpoint::{DestinationEndpoint, Fetched, FlagUpdate, FolderRef, Resources, SourceEndpoint, Which};

use crate::support::product::Workspace;

const SECRET: &str = "root:$6$not-for-anna\n";
/// A user who is nobody here.
const ANNA: u32 = 4242;

/// A Maildir of Anna's, and a folder that is not hers with a secret in it.
struct Stage {
    dir: tempfile::TempDir,
    root: PathBuf,
    elsewhere: PathBuf,
}

impl Stage {
    fn new(mail: &[(&str, &str)]) -> Stage {
        let dir = tempfile::tempdir().expect("a folder");
        let (root, elsewhere) = (dir.path().join("home/anna/Maildir"), dir.path().join("elsewhere"));
        for part in ["cur", "new", "tmp"] {
            fs::create_dir_all(root.join(part)).expect("made");
        }
        fs::create_dir(&elsewhere).expect("made");
        for (name, text) in mail {
            fs::write(root.join(name), text).expect("written");
            fs::write(elsewhere.join(Path::new(name).file_name().expect("a name")), SECRET).expect("written");
        }
        Stage { dir, root, elsewhere }
    }

    fn endpoint(&self) -> MaildirEndpoint {
        let resources = Resources {
            spool: self.dir.path().to_owned(),
            numbers: self.dir.path().join("numbers"),
            budget: Budget::new(64 << 20),
            meter: Arc::default(),
            network: Arc::default(),
            said: Arc::default(),
            waits: Default::default(),
        };
        MaildirEndpoint::below(self.root.clone(), &self.dir.path().join("home"), resources)
    }

    /// Has a folder of the Maildir lead elsewhere.
    fn swap(&self, part: &str) {
        fs::rename(self.root.join(part), self.root.join(format!("{part}-was"))).expect("moved");
        symlink(&self.elsewhere, self.root.join(part)).expect("a link");
    }

    fn everything_elsewhere(&self) -> Vec<String> {
        let entries = fs::read_dir(&self.elsewhere).expect("read").map(|entry| entry.expect("an entry"));
        let mut names: Vec<String> = entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
        names.sort();
        names
    }
}

fn inbox() -> FolderRef {
    FolderRef { path: FolderPath::new(["INBOX"]), wire: WireName(b"INBOX".to_vec()), validity: None }
}

fn is_root() -> bool {
    fs::metadata("/proc/self").is_ok_and(|itself| itself.uid() == 0)
}

#[tokio::test]
async fn k1_a_folder_swapped_for_a_link_after_the_listing_leads_nowhere() {
    let stage = Stage::new(&[("cur/1.a:2,S", "Subject: one\n\nx\n"), ("cur/2.b:2,S", "Subject: two\n\nx\n")]);
    let endpoint = stage.endpoint();
    let mut session = endpoint.open_source().await.expect("a source");
    session.list().await.expect("listed");
    assert_eq!(session.scan(&inbox(), &Which::All, true).await.expect("scanned").len(), 2);
    stage.swap("cur");
    // By the look before the swap, and by one after it.
    for which in [Which::These(vec![Uid(1), Uid(2)]), Which::All] {
        let mut stream = session.fetch(&inbox(), &which).await.expect("a stream");
        while let Some(fetched) = stream.recv().await {
            if let Fetched::Message(message) = fetched {
                let Body::Memory(bytes) = message.body else { panic!("a small one") };
                let text = String::from_utf8_lossy(&bytes).into_owned();
                assert!(text.starts_with("Subject:"), "what is not Anna's arrived: {text}");
            }
        }
        if let Ok(headers) = session.headers(&inbox(), &which).await {
            assert!(headers.iter().all(|header| header.header.starts_with(b"Subject:")), "{headers:?}");
        }
    }
}

#[tokio::test]
async fn k1_a_destination_folder_swapped_for_a_link_gets_nothing_written_behind_it() {
    for part in ["new", "cur", "tmp"] {
        let stage = Stage::new(&[("cur/1.a:2,", "Subject: one\n\nx\n")]);
        let mut session = stage.endpoint().open_destination().await.expect("a destination");
        session.open(&[inbox()]).await.expect("opened").remove(0).expect("the inbox");
        let before = stage.everything_elsewhere();
        stage.swap(part);
        let flags = if part == "cur" { Flags::from_names(["\\Seen"]) } else { Flags::none() };
        let body = Body::Memory(b"Subject: hers\r\n\r\nx\r\n"[..].into());
        let message = NewMessage { flags, date: None, body, hold: None, plainly: false };
        let answer = session.append(&inbox(), vec![message]).await.expect("sent").await.expect("an answer");
        assert!(answer.is_err(), "{part}: {answer:?}");
        let add = Flags::from_names(["\\Flagged", "label"]);
        let update = FlagUpdate { uids: vec![Uid(1)], change: FlagChange { add, remove: Flags::none() } };
        // Refused or not: where `cur` is still Anna's it may be done.
        drop(session.update_flags(&inbox(), &[update]).await);
        assert_eq!(stage.everything_elsewhere(), before, "{part}");
    }
}

#[test]
fn k1_a_link_above_the_maildir_is_not_followed_on_either_side() {
    let store = tempfile::tempdir().expect("a folder");
    let mailbox = |path: &str| {
        for part in ["cur", "new", "tmp"] {
            fs::create_dir_all(store.path().join(path).join(part)).expect("made");
        }
    };
    mailbox("old/victim/mail/Maildir");
    fs::write(store.path().join("old/victim/mail/Maildir/cur/1.a:2,"), "Subject: the victim's\n\n").expect("written");
    mailbox("old/bob/mail/Maildir");
    fs::write(store.path().join("old/bob/mail/Maildir/cur/1.b:2,"), "Subject: bob's\n\n").expect("written");
    mailbox("new/victim/mail/Maildir");
    fs::create_dir_all(store.path().join("old/anna")).expect("made");
    fs::create_dir_all(store.path().join("new/bob")).expect("made");
    symlink(store.path().join("old/victim/mail"), store.path().join("old/anna/mail")).expect("a link");
    symlink(store.path().join("new/victim/mail"), store.path().join("new/bob/mail")).expect("a link");
    // What an administrator named may be a link.
    symlink(store.path().join("old"), store.path().join("named")).expect("a link");
    let address = |side: &str| format!("maildir:{}/{side}/{{localpart}}/mail/Maildir", store.path().display());
    for (user, there) in [("anna", "old/anna/mail"), ("bob", "new/bob/mail")] {
        let workspace = Workspace::new();
        let side = if user == "anna" { "named" } else { "old" };
        workspace.project_new(&address(side), &address("new"), &[]);
        workspace.import_with(&[(user.into(), user.into())], None);
        let output = workspace.start().expect(1);
        let told = format!("{}{}", output.stdout, output.stderr);
        assert!(told.contains("symbolic link") && told.contains("mail is"), "{there}: {told}");
        assert_eq!(workspace.only().messages("copied"), 0);
        let victim = store.path().join("new/victim/mail/Maildir");
        let parts = ["cur", "new", "tmp"].map(|part| fs::read_dir(victim.join(part)).expect("read").count());
        assert_eq!(parts, [0, 0, 0], "something reached the victim");
        assert!(!store.path().join("new/anna").exists());
    }
    let workspace = Workspace::new();
    workspace.project_new(&address("named"), &address("new"), &[]);
    workspace.import_with(&[("bob".into(), "carl".into())], None);
    workspace.start().expect(0);
    assert_eq!(workspace.only().messages("copied"), 1, "the part that was named may be a link");
}

#[tokio::test]
async fn k1_second_names_of_what_is_not_hers_are_not_read_not_written_and_not_given_away() {
    if !is_root() {
        return;
    }
    let stage = Stage::new(&[("cur/1.a:2,S", "Subject: hers\n\nx\n")]);
    let secret = stage.elsewhere.join("shadow");
    fs::write(&secret, SECRET).expect("written");
    fs::hard_link(&secret, stage.root.join("cur/2.b:2,S")).expect("a second name");
    for path in [&stage.root, &stage.root.join("cur"), &stage.root.join("new"), &stage.root.join("tmp")] {
        chown(path, Some(ANNA), Some(ANNA)).expect("given");
    }
    let mut session = stage.endpoint().open_source().await.expect("a source");
    let mut stream = session.fetch(&inbox(), &Which::All).await.expect("a stream");
    let (mut read, mut refused) = (0, 0);
    while let Some(fetched) = stream.recv().await {
        match fetched {
            Fetched::Message(_) => read += 1,
            Fetched::Unreadable(_, failure) => {
                assert_eq!(failure.cause, Cause::MessageUnreadable);
                assert!(failure.server_text.expect("a reason").contains("second name"));
                refused += 1;
            }
            Fetched::Broken(failure) => panic!("{failure}"),
        }
    }
    assert_eq!((read, refused), (1, 1));
    // As tables that are written.
    for table in ["mailferry-uidlist", "dovecot-keywords", "subscriptions"] {
        fs::hard_link(&secret, stage.root.join(table)).expect("a second name");
    }
    let mut session = stage.endpoint().open_destination().await.expect("a destination");
    let opened = session.open(&[inbox()]).await.expect("an answer").remove(0);
    assert!(opened.is_err(), "a table that is a second name: {opened:?}");
    drop(session.subscribe(&[WireName(b"INBOX".to_vec())]).await);
    let now = fs::metadata(&secret).expect("there");
    assert_eq!((fs::read_to_string(&secret).expect("read").as_str(), now.uid()), (SECRET, 0));
}

#[tokio::test]
async fn k1_what_an_administrator_delivers_belongs_to_the_owner_of_the_mailbox() {
    if !is_root() {
        return;
    }
    let stage = Stage::new(&[]);
    for path in [&stage.root, &stage.root.join("cur"), &stage.root.join("new"), &stage.root.join("tmp")] {
        chown(path, Some(ANNA), Some(ANNA)).expect("given");
    }
    let mut session = stage.endpoint().open_destination().await.expect("a destination");
    session.open(&[inbox()]).await.expect("opened").remove(0).expect("the inbox");
    let body = Body::Memory(b"Subject: hers\r\n\r\nx\r\n"[..].into());
    let flags = Flags::from_names(["\\Seen", "label"]);
    let message = NewMessage { flags, date: None, body, hold: None, plainly: false };
    session.append(&inbox(), vec![message]).await.expect("sent").await.expect("answered").expect("delivered");
    let files = fs::read_dir(stage.root.join("cur")).expect("read").map(|file| file.expect("a file").path());
    let made = files.chain(["mailferry-uidlist", "dovecot-keywords"].map(|table| stage.root.join(table)));
    let mut seen = 0;
    for path in made {
        let metadata = fs::metadata(&path).expect("there");
        assert_eq!((metadata.uid(), metadata.gid()), (ANNA, ANNA), "{}", path.display());
        seen += 1;
    }
    assert_eq!(seen, 3);
}
