//! Maildirs as other programs make them: folders in folders, their letters, line ends, and files of their own.

use std::collections::BTreeMap;
use std::path::Path;

use mailferry::domain::failure::Side;

use crate::contract::kinds::tree;
use crate::maildir::{address, between, maildir};
use crate::support::compare::{Mailbox, assert_equal, same_names};
use crate::support::corpus::{self, dated};
use crate::support::courier;
use crate::support::dovecot::{self, Dovecot, Format, PASSWORD};
use crate::support::product::{Workspace, plain};

/// Messages by the folders they lie in, as paths below the root.
fn messages(root: &Path) -> BTreeMap<String, usize> {
    let mut found = BTreeMap::new();
    for (path, bytes, _) in tree(root) {
        let part = path.parent().expect("a folder");
        if bytes.is_some() && (part.ends_with("cur") || part.ends_with("new")) {
            let folder = part.parent().and_then(|folder| folder.strip_prefix(root).ok());
            let name = folder.map_or_else(|| part.display().to_string(), |folder| folder.display().to_string());
            *found.entry(name).or_insert(0) += 1;
        }
    }
    found
}

fn counted(folders: &[(&str, usize)]) -> BTreeMap<String, usize> {
    folders.iter().map(|(name, count)| ((*name).to_owned(), *count)).collect()
}

const MAIL: &str = "Message-ID: <1@x>\nSubject: x\n\nx\n";

/// One message for each of these folders, under these names.
fn made(root: &Path, folders: &[&str]) {
    for (number, folder) in folders.iter().enumerate() {
        let text = format!("Message-ID: <{number}@x>\nSubject: {number}\n\n{folder}\n");
        maildir(root, &[(&format!("{folder}/cur/{number}.x:2,S"), &text)]);
    }
}

/// Who made it, its folders, and what they are at the destination.
type Case = (&'static str, &'static [&'static str], &'static [(&'static str, usize)]);

#[test]
fn j6_folders_in_folders_move_whole_whoever_made_them() {
    let cases: [Case; 5] = [
        ("Dovecot's fs", &[".", "Work", "Lists/rust"], &[("", 1), (".Work", 1), (".Lists.rust", 1)]),
        ("mbsync Verbatim", &["INBOX", "Work", "Work/2019"], &[("", 1), (".Work", 1), (".Work.2019", 1)]),
        ("mbsync Legacy", &["inbox", "Work", "Work/.2019"], &[("", 1), (".Work", 1), (".Work.2019", 1)]),
        ("Thunderbird", &["Inbox", "Inbox.sbd/Old", "v1.2"], &[("", 1), (".INBOX.Old", 1), (".v1&AC4-2", 1)]),
        ("mutt, no inbox", &["sent", "Entwürfe"], &[(".sent", 1), (".Entw&APw-rfe", 1)]),
    ];
    for (made_by, folders, there) in cases {
        let store = tempfile::tempdir().expect("a folder");
        let (old, new) = (store.path().join("old/anna"), store.path().join("new/anna"));
        made(&old, folders);
        std::fs::create_dir_all(old.join(".notmuch/xapian")).expect("made");
        let before = tree(&old);
        let workspace = between(store.path());
        for copied in [folders.len() as u64, 0] {
            workspace.start().expect(0);
            assert_eq!(workspace.only().messages("copied"), copied, "{made_by}");
            assert_eq!(messages(&new), counted(there), "{made_by}");
        }
        assert!(before == tree(&old), "{made_by}: the source was touched");
    }
}

#[test]
fn j6_a_destination_is_written_in_the_layout_that_it_has() {
    let store = tempfile::tempdir().expect("a folder");
    let (old, new) = (store.path().join("old/anna"), store.path().join("new/anna"));
    made(&old, &[".", ".Work", ".Lists.rust", ".INBOX.Old", ".v1&AC4-2"]);
    maildir(&new, &[("Inbox/cur/9.z:2,", MAIL), ("Work/new/8.y", MAIL)]);
    let workspace = between(store.path());
    for copied in [5, 0] {
        workspace.start().expect(0);
        assert_eq!(workspace.only().messages("copied"), copied);
        let there = [("Inbox", 2), ("Work", 2), ("Lists/rust", 1), ("Inbox/Old", 1), ("v1.2", 1)];
        assert_eq!(messages(&new), counted(&there));
    }
}

#[test]
fn j6_two_layouts_at_once_are_asked_about_on_either_side() {
    let store = tempfile::tempdir().expect("a folder");
    let (old, new) = (store.path().join("old/anna"), store.path().join("new/anna"));
    made(&old, &[".", ".Work", "Lists/rust"]);
    let workspace = between(store.path());
    let output = workspace.start().expect(1);
    for words in ["\"Work\"", "\"Lists/rust\"", "?layout=++", "?layout=fs"] {
        assert!(output.stderr.contains(words), "{words}: {}", output.stderr);
    }
    assert!(!new.exists(), "nothing was made");
    for (layout, there) in
        [("fs", counted(&[("", 1), (".Lists.rust", 1)])), ("++", counted(&[("", 1), (".Lists.rust", 1), (".Work", 1)]))]
    {
        let source = format!("{}?layout={layout}", address(&store.path().join("old")));
        workspace.run(&["project", "edit", "move", "--source", &source]).expect(0);
        assert!(workspace.run(&["project", "show", "move"]).expect(0).stdout.contains(&source));
        workspace.start().expect(0);
        assert_eq!(messages(&new), there, "{layout}");
    }
    made(&new, &["Other"]);
    let said = workspace.start().expect(1).stderr;
    assert!(said.contains("anna@new.example") && said.contains("?layout=fs"), "{said}");
}

#[test]
fn j6_a_dovecot_with_folders_in_folders_reads_what_was_written_and_is_read() {
    if !dovecot::available() {
        return;
    }
    let extra = "mail_location = maildir:~/Maildir:LAYOUT=fs".to_owned();
    let nested = Dovecot::start(dovecot::Options { extra, ..dovecot::Options::sdbox() });
    let server = dovecot::shared(Format::Sdbox);
    let (from, kept, to) = (server.user("from"), nested.user("kept"), server.user("to"));
    let mut mailbox = corpus::hostile(97, Format::Sdbox);
    // Names that a file system, or Dovecot's own rules for this layout, cannot hold as they are.
    mailbox.folders.retain(|folder| !folder.slash.contains(['.', '\\', '~', '%', '*']));
    mailbox.load(server, &from);
    let before = Mailbox::read(&mut server.login(&from));
    // Something is there, so that the layout can be seen.
    nested.login(&kept).create("There/before");
    let root = nested.home(&kept).join("Maildir").display().to_string().replace(&kept, "{localpart}");
    let into = Workspace::new();
    into.project_new(&plain(server.plain_port), &format!("maildir:{root}"), &[]);
    into.import(&[(from, kept.clone())]);
    into.start().expect(0);
    let mut there = Mailbox::read(&mut nested.login(&kept));
    there.folders.retain(|name, _| !name.starts_with("There"));
    assert_equal(&before, &there, &same_names(&before));

    let out = Workspace::new();
    out.project_new(&format!("maildir:{root}"), &plain(server.plain_port), &[]);
    out.import(&[(kept, to.clone())]);
    out.start().expect(0);
    let mut after = Mailbox::read(&mut server.login(&to));
    after.folders.retain(|name, _| !name.starts_with("There"));
    assert_equal(&before, &after, &same_names(&before));
}

#[test]
fn j7_files_have_the_line_ends_of_a_maildir_and_copies_of_before_are_known_again() {
    let store = tempfile::tempdir().expect("a folder");
    let (old, new) = (store.path().join("old/anna"), store.path().join("new/anna"));
    let text = |n: usize, end: &str| format!("Message-ID: <{n}@x>{end}Subject: {n}{end}{end}a\rb{end}");
    let files: Vec<(String, String)> = (0..3).map(|n| (format!("cur/{n}.a:2,S"), text(n, "\n"))).collect();
    maildir(&old, &files.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect::<Vec<_>>());
    std::fs::write(old.join("cur/3.odd:2,S"), "Message-ID: <3@x>\r\n\r\nodd\r\r\nend\r\n").expect("written");
    // As earlier versions wrote it.
    maildir(&new, &[("cur/5.z,S=41:2,S", &text(0, "\r\n"))]);
    let workspace = between(store.path());
    workspace.start().expect(0);
    let item = workspace.only();
    assert_eq!((item.messages("copied"), item.messages("already_there")), (3, 1), "{:#}", item.0);
    let mut written: Vec<(String, Vec<u8>)> = tree(&new)
        .into_iter()
        .filter(|(path, ..)| path.parent().is_some_and(|part| part.ends_with("cur")))
        .filter_map(|(path, bytes, _)| Some((path.file_name()?.to_string_lossy().into_owned(), bytes?)))
        .collect();
    written.sort();
    let texts: Vec<&str> = written.iter().filter_map(|(_, bytes)| std::str::from_utf8(bytes).ok()).collect();
    let (one, two) = (text(1, "\n"), text(2, "\n"));
    let odd = "Message-ID: <3@x>\r\n\r\nodd\r\r\nend\r\n";
    let mut expected = vec![text(0, "\r\n"), one, two, odd.to_owned()];
    expected.sort();
    let mut found: Vec<String> = texts.iter().map(|text| (*text).to_owned()).collect();
    found.sort();
    assert_eq!(found, expected);
    for (name, bytes) in written.iter().filter(|(name, _)| name.contains("W=")) {
        let lone = bytes.windows(2).filter(|pair| pair[1] == b'\n' && pair[0] != b'\r').count();
        assert!(name.contains(&format!(",S={},W={}:2,S", bytes.len(), bytes.len() + lone)), "{name}");
    }
    workspace.start().expect(0);
    assert_eq!(workspace.only().messages("copied"), 0);
    // And a workspace that knows nothing takes them for what they are.
    let anew = between(store.path());
    anew.start().expect(0);
    assert_eq!((anew.only().messages("copied"), anew.only().messages("already_there")), (0, 4));
}

#[test]
fn j7_j8_courier_serves_what_was_written_as_it_was_sent_under_names_that_it_knows() {
    if !dovecot::available() || !courier::available() {
        return;
    }
    let server = dovecot::shared(Format::Sdbox);
    let from = server.user("from");
    let mut imap = server.login(&from);
    imap.create("Entw&APw-rfe");
    imap.subscribe("Entw&APw-rfe");
    let message = "Message-ID: <1@x>\r\nSubject: x\r\n\r\nline\r\n";
    imap.append("INBOX", &dated(message));
    imap.append("Entw&APw-rfe", &dated(message.replace("<1@x>", "<2@x>")));
    let store = tempfile::tempdir().expect("a folder");
    let home = store.path().join(&from);
    let root = home.join("Maildir");
    for part in ["cur", "new", "tmp"] {
        std::fs::create_dir_all(root.join(part)).expect("made");
    }
    // Courier has been here.
    assert!(courier::ask(&home, &["SUBSCRIBE INBOX", "SELECT INBOX"]).contains("0 EXISTS"));
    let workspace = Workspace::new();
    workspace.project_new(
        &plain(server.plain_port),
        &format!("maildir:{}/{{localpart}}/Maildir", store.path().display()),
        &[],
    );
    workspace.import_with(&[(from.clone(), from.clone())], Some(PASSWORD));
    workspace.start().expect(0);
    let said = courier::ask(
        &home,
        &[
            "LIST \"\" *",
            "LSUB \"\" *",
            "SELECT \"INBOX.Entw&APw-rfe\"",
            "FETCH 1:* (RFC822.SIZE BODY.PEEK[])",
            "SELECT INBOX",
            "FETCH 1:* (RFC822.SIZE BODY.PEEK[])",
        ],
    );
    for words in ["\"INBOX.Entw&APw-rfe\"", "* LSUB", &format!("RFC822.SIZE {}", message.len()), message] {
        assert!(said.contains(words), "{words:?} in {said}");
    }
    let subscribed = said.lines().filter(|line| line.starts_with("* LSUB")).count();
    assert_eq!(subscribed, 2, "{said}");
    assert!(!said.contains("\r\r\n"), "{said}");
}

#[test]
fn j8_what_courier_keeps_of_a_mailbox_arrives() {
    if !dovecot::available() || !courier::available() {
        return;
    }
    let server = dovecot::shared(Format::Sdbox);
    let to = server.user("to");
    let store = tempfile::tempdir().expect("a folder");
    let home = store.path().join(&to);
    let root = home.join("Maildir");
    maildir(&root, &[("cur/1.a,S=30:2,S", MAIL), ("cur/2.b:2,", &MAIL.replace("<1@x>", "<2@x>"))]);
    let said = courier::ask(
        &home,
        &[
            "CREATE \"INBOX.Entw&APw-rfe\"",
            "CREATE \"INBOX.R&-D\"",
            "SUBSCRIBE \"INBOX.Entw&APw-rfe\"",
            "SELECT INBOX",
            "STORE 1 +FLAGS ($Work More)",
            "STORE 2 +FLAGS (\\Flagged)",
            "SELECT INBOX",
        ],
    );
    assert!(said.contains("$Work"), "{said}");
    // The list that it makes of them at the next look, and what is newer than that.
    courier::ask(&home, &["SELECT INBOX", "STORE 2 +FLAGS (Late)"]);
    let workspace = Workspace::new();
    let source = format!("maildir:{}/{{localpart}}/Maildir", store.path().display());
    workspace.project_new(&source, &plain(server.plain_port), &[]);
    workspace.import(&[(to.clone(), to.clone())]);
    workspace.start().expect(0);
    let there = Mailbox::read(&mut server.login(&to));
    let flags: Vec<String> =
        there.folders["INBOX"].messages.iter().map(|message| format!("{:?}", message.flags)).collect();
    for (at, words) in [(0, ["$Work", "More"]), (1, ["Late", "Flagged"])] {
        assert!(words.iter().all(|word| flags[at].contains(word)), "{flags:?}");
    }
    assert!(there.folders["Entwürfe"].subscribed && !there.folders["R&D"].subscribed, "{there:#?}");
    // A keyword that is set later is carried.
    courier::ask(&home, &["SELECT INBOX", "STORE 1 +FLAGS (Zed)"]);
    workspace.start().expect(0);
    assert_eq!(workspace.only().number("flags_updated"), 1);
}

#[test]
fn j8_the_quota_of_a_maildir_is_respected_and_kept() {
    let store = tempfile::tempdir().expect("a folder");
    let (old, new) = (store.path().join("old/anna"), store.path().join("new/anna"));
    made(&old, &[".", ".Trash", ".Work"]);
    maildir(&new, &[("cur/9.z:2,", MAIL)]);
    std::fs::write(new.join("maildirsize"), "60S\n34 1\n").expect("written");
    let workspace = between(store.path());
    let output = workspace.start().expect(1);
    assert!(output.stderr.contains("full") && output.stderr.contains("maildirsize"), "{}", output.stderr);
    let size = || std::fs::read_to_string(new.join("maildirsize")).expect("text");
    assert_eq!(size(), "60S\n34 1\n", "nothing fitted");
    std::fs::write(new.join("maildirsize"), "600S\n34 1\n").expect("written");
    workspace.start().expect(0);
    assert_eq!(workspace.status()[0].messages("errors"), 0);
    let text = size();
    let counted: i64 = text.lines().skip(2).filter_map(|line| line.split(' ').nth(1)?.parse::<i64>().ok()).sum();
    assert_eq!(counted, 2, "the trash does not count: {text}");
}

#[cfg(unix)]
#[test]
fn j8_folders_that_are_links_are_errors_of_the_source() {
    for (folders, link) in [(vec![".", ".Work"], ".Bob"), (vec![".", "Work"], "Work/Bob")] {
        let store = tempfile::tempdir().expect("a folder");
        let old = store.path().join("old/anna");
        made(&old, &folders);
        made(&store.path().join("bob"), &["."]);
        std::os::unix::fs::symlink(store.path().join("bob"), old.join(link)).expect("a link");
        let workspace = between(store.path());
        workspace.start().expect(1);
        let errors = workspace.errors();
        assert_eq!(errors.len(), 1, "{errors:#?}");
        assert_eq!(errors[0].side, Some(Side::Source), "{errors:#?}");
        assert_eq!(workspace.only().messages("errors"), 1);
    }
}
