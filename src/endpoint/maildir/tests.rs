//! A mailbox that other programs work in while it is read and written.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tempfile::TempDir;

use super::deliver;
use super::mailbox::{Mailbox, Rules, Tables};
use super::sight::{Lookup, MaildirSight};
use crate::domain::failure::{Cause, Retry, Scope};
use crate::domain::flags::{FlagChange, Flags};
use crate::domain::folder::{FolderPath, UidValidity, WireName};
use crate::domain::ids::Uid;
use crate::domain::message::{Body, NewMessage};
use crate::endpoint::budget::Budget;
use crate::endpoint::dir::Below;
use crate::endpoint::{FlagUpdate, FolderRef, Resources, Which};

struct Bench {
    mailbox: Mailbox,
    root: PathBuf,
    dir: TempDir,
}

impl Bench {
    /// Where the tables of a source lie.
    fn numbers(&self) -> PathBuf {
        self.dir.path().join("numbers")
    }
}

/// A source or destination whose inbox holds these files.
fn bench(source: bool, files: &[(&str, &[u8])]) -> Bench {
    let dir = tempfile::tempdir().unwrap();
    let (root, numbers) = (dir.path().join("mail"), dir.path().join("numbers"));
    for part in ["cur", "new", "tmp"] {
        fs::create_dir_all(root.join(part)).unwrap();
    }
    fs::create_dir(&numbers).unwrap();
    for (name, bytes) in files {
        fs::write(root.join(name), bytes).unwrap();
    }
    let resources = Resources {
        spool: dir.path().to_owned(),
        numbers: dir.path().join("numbers"),
        budget: Budget::new(1 << 20),
        meter: Arc::default(),
        network: Arc::default(),
        said: Arc::default(),
        waits: Default::default(),
    };
    let tables = if source { Tables::Apart(numbers) } else { Tables::Beside };
    Bench {
        mailbox: Mailbox::new(Below::new(root.clone(), dir.path()), tables, Rules::default(), resources),
        root,
        dir,
    }
}

fn inbox() -> FolderRef {
    FolderRef { path: FolderPath::new(["INBOX"]), wire: WireName(b"INBOX".to_vec()), validity: None }
}

fn all(folder: &FolderRef) -> Lookup<'_> {
    Lookup { folder, which: &Which::All, doing: "t" }
}

fn rename(root: &Path, from: &str, to: &str) {
    fs::rename(root.join(from), root.join(to)).unwrap();
}

const MAIL: &[u8] = b"Subject: x\r\n\r\nBody\r\n";

#[test]
fn a_message_renamed_between_look_and_read_is_found_and_one_that_went_is_left_out() {
    let bench = bench(true, &[("cur/1.a:2,", MAIL), ("cur/2.b:2,", MAIL), ("cur/3.c:2,", MAIL)]);
    let mailbox = &bench.mailbox;
    let sight = || mailbox.sight(all(&inbox())).unwrap();
    let (mut looks, first) = (0, sight());
    let found = mailbox.each(all(&inbox()), first, |view, number, entry| {
        looks += 1;
        if looks == 1 {
            rename(&bench.root, "cur/1.a:2,", "cur/1.a:2,S");
            fs::remove_file(bench.root.join("cur/2.b:2,")).unwrap();
        }
        Ok(view.folder.seen(entry).is_ok().then_some(number))
    });
    assert_eq!(found.unwrap(), [1, 3]);
    // The last look is stale now in the same way, and both readers of it notice.
    rename(&bench.root, "cur/1.a:2,S", "cur/1.a:2,FS");
    let these = Which::These(vec![Uid(1), Uid(2), Uid(3)]);
    let headers = mailbox.headers(&inbox(), &these).unwrap();
    assert_eq!(headers.iter().map(|h| h.uid).collect::<Vec<_>>(), [Uid(1), Uid(3)]);
    let scanned = mailbox.scan(&inbox(), &these, true).unwrap();
    assert!(scanned.len() == 2 && scanned.iter().all(|m| m.size == 20 && m.date.is_some()), "{scanned:?}");
}

#[test]
fn a_message_that_is_renamed_again_and_again_is_a_passing_trouble_and_never_left_out() {
    let bench = bench(true, &[("cur/1.a:2,", MAIL)]);
    let mailbox = &bench.mailbox;
    let first = mailbox.sight(all(&inbox())).unwrap();
    let failure = mailbox.each::<()>(all(&inbox()), first, |_, _, _| Ok(None)).unwrap_err();
    assert_eq!((failure.scope, failure.retry), (Scope::Connection, Retry::Backoff));
}

#[test]
fn messages_that_are_named_are_read_without_listing_the_folder_anew() {
    let bench = bench(true, &[("cur/1.a:2,", MAIL)]);
    let mailbox = &bench.mailbox;
    let these = Which::These(vec![Uid(1)]);
    let MaildirSight { view, fresh } = mailbox.sight(Lookup { which: &these, ..all(&inbox()) }).unwrap();
    assert!(fresh, "the first look");
    let again = mailbox.sight(Lookup { which: &these, ..all(&inbox()) }).unwrap();
    assert!(!again.fresh && Arc::ptr_eq(&view, &again.view));
    fs::write(bench.root.join("new/2.b"), MAIL).unwrap();
    let later = mailbox.headers(&inbox(), &Which::These(vec![Uid(1), Uid(2), Uid(9)])).unwrap();
    assert_eq!(later.len(), 2, "what the last look does not hold is looked for");
    let another =
        FolderRef { validity: UidValidity::new(UidValidity::number(view.validity).wrapping_add(1).max(1)), ..inbox() };
    assert_eq!(mailbox.headers(&another, &these).unwrap_err().cause, Cause::FolderChanged);
}

#[test]
fn a_flag_change_that_cannot_be_made_fails_the_folder() {
    let files: [(&str, &[u8]); 3] =
        [("cur/1.a:2,", MAIL), ("cur/1.a:2,S", b"Subject: another\n\n"), ("cur/2.b:2,", MAIL)];
    let bench = bench(false, &files);
    let seen = FlagChange { add: Flags::from_names([r"\Seen"]), remove: Flags::none() };
    let change = |uid| [FlagUpdate { uids: vec![Uid(uid)], change: seen.clone() }];
    let scanned = bench.mailbox.scan(&inbox(), &Which::All, false).unwrap();
    let twin = scanned.iter().find(|m| m.flags.as_ref().is_some_and(Flags::is_empty)).unwrap().uid;
    let failure = bench.mailbox.update_flags(&inbox(), &change(twin.0)).unwrap_err();
    assert_eq!(failure.scope, Scope::Folder);
    assert_eq!(fs::read_dir(bench.root.join("cur")).unwrap().count(), 3, "nothing was overwritten");
}

#[test]
fn trouble_with_the_numbers_of_a_source_is_one_of_the_workspace_and_no_folder_that_went() {
    let bench = bench(true, &[("cur/1.a:2,", MAIL)]);
    fs::remove_dir(bench.numbers()).unwrap();
    let listed = bench.mailbox.list().unwrap_err();
    let examined = bench.mailbox.examine(&inbox()).unwrap_err();
    let scanned = bench.mailbox.scan(&inbox(), &Which::All, false).unwrap_err();
    for failure in [listed, examined, scanned] {
        assert_eq!((failure.cause, failure.scope), (Cause::WorkspaceFailed, Scope::Mailbox), "{failure}");
    }
}

#[test]
fn what_a_dropped_session_had_begun_to_deliver_does_not_land_later() {
    let bench = bench(false, &[]);
    let body = Body::Memory(MAIL.into());
    let message = NewMessage { flags: Flags::none(), date: None, body, hold: None, plainly: false };
    let deliver = || bench.mailbox.deliver(&inbox(), &[message.clone(), message.clone()], "t");
    assert!(deliver().iter().all(|answer| answer.is_ok()));
    bench.mailbox.abandon();
    for answer in deliver() {
        assert_eq!(answer.unwrap_err().scope, Scope::Connection);
    }
    let count = |part: &str| fs::read_dir(bench.root.join(part)).unwrap().count();
    assert_eq!((count("new"), count("cur"), count("tmp")), (2, 0, 0));
}

#[test]
fn a_flag_change_follows_a_message_that_is_renamed_meanwhile_and_passes_over_one_that_went() {
    let bench = bench(false, &[("cur/1.a:2,", MAIL), ("cur/2.b:2,", MAIL), ("cur/3.c:2,", MAIL)]);
    let view = bench.mailbox.look(&inbox(), "t").unwrap();
    rename(&bench.root, "cur/1.a:2,", "cur/1.a:2,F");
    fs::remove_file(bench.root.join("cur/2.b:2,")).unwrap();
    // Another program makes the very change.
    rename(&bench.root, "cur/3.c:2,", "cur/3.c:2,S");
    let change = FlagChange { add: Flags::from_names([r"\Seen"]), remove: Flags::none() };
    let updates = [FlagUpdate { uids: vec![Uid(1), Uid(2), Uid(3)], change }];
    bench.mailbox.at(&inbox().wire, "t", |_, table| deliver::update(&view, table, &updates)).unwrap();
    let mut names: Vec<_> = fs::read_dir(bench.root.join("cur")).unwrap().map(|f| f.unwrap().file_name()).collect();
    names.sort();
    assert_eq!(names, ["1.a:2,FS", "3.c:2,S"]);
}

#[test]
fn c8_windows_belong_to_the_look_at_which_the_folder_was_opened() {
    let bench = bench(true, &[("cur/a:2,S", MAIL), ("cur/b:2,", MAIL), ("cur/c:2,", MAIL)]);
    let state = bench.mailbox.examine(&inbox()).unwrap();
    assert_eq!((state.messages, state.uid_next), (3, Some(Uid(4))));
    // What comes or is flagged meanwhile is not part of it; what is renamed is found.
    fs::write(bench.root.join("new/d"), MAIL).unwrap();
    let uids = |first: i64, end: i64| {
        let found = bench.mailbox.scan(&inbox(), &Which::Range(Uid(first), Uid(end)), false).unwrap();
        found
            .into_iter()
            .map(|m| (m.uid.0, m.flags.map_or_else(String::new, |flags| flags.to_string())))
            .collect::<Vec<_>>()
    };
    assert_eq!(uids(1, 3), [(1, r"\Seen".to_owned()), (2, String::new())]);
    assert_eq!(uids(3, i64::MAX), [(3, String::new())]);
    assert!(uids(4, 4).is_empty() && uids(3, 1).is_empty() && uids(i64::MIN, 1).is_empty());
    rename(&bench.root, "cur/b:2,", "cur/b:2,F");
    assert_eq!(uids(2, 3), [(2, r"\Flagged".to_owned())]);
    let headers = bench.mailbox.headers(&inbox(), &Which::Range(Uid(2), Uid(4))).unwrap();
    assert_eq!(headers.iter().map(|h| h.uid.0).collect::<Vec<_>>(), [2, 3]);
}
