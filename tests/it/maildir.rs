//! Maildirs as sources and destinations of whole passes: nothing is lost or altered on the way through, the source is not
//! touched, and hostile things in a Maildir are named, never followed.

use std::path::Path;
use std::process::Stdio;

use mailferry::domain::failure::Cause;
use mailferry::domain::folder::FolderPath;
use mailferry::endpoint::maildir::directory;

use crate::contract::kinds::tree;
use crate::support::compare::{self, Mailbox, assert_equal};
use crate::support::corpus;
use crate::support::dovecot::{self, Format};
use crate::support::product::{Output, Workspace, plain};

pub fn address(folder: &Path) -> String {
    format!("maildir:{}/{{localpart}}", folder.display())
}

/// Through a Maildir and out again.
fn round_trip(from: Format, to: Format, corpora: Vec<corpus::Corpus>) {
    let (source, destination) = (dovecot::shared(from), dovecot::shared_twin(to));
    let store = tempfile::tempdir().expect("a folder");
    let (into, out) = (Workspace::new(), Workspace::new());
    let items: Vec<[String; 3]> =
        corpora.iter().map(|_| [source.user("from"), source.user("kept"), destination.user("to")]).collect();
    for (corpus, [user, ..]) in corpora.iter().zip(&items) {
        corpus.load(source, user);
    }
    let before: Vec<Mailbox> = items.iter().map(|[user, ..]| Mailbox::read(&mut source.login(user))).collect();

    into.project_new(&plain(source.plain_port), &address(store.path()), &[]);
    into.import(&items.iter().map(|[a, b, _]| (a.clone(), b.clone())).collect::<Vec<_>>());
    into.start().expect(0);
    let kept = tree(store.path());
    out.project_new(&address(store.path()), &plain(destination.plain_port), &[]);
    out.import(&items.iter().map(|[_, b, c]| (b.clone(), c.clone())).collect::<Vec<_>>());
    out.start().expect(0);

    for ((corpus, [_, _, user]), before) in corpora.iter().zip(&items).zip(&before) {
        let moved = Mailbox::read(&mut destination.login(user));
        assert_equal(before, &moved, &corpus.names(from, to));
    }
    for (item, corpus) in into.status().iter().zip(&corpora).chain(out.status().iter().zip(&corpora)) {
        assert_eq!(item.messages("copied"), corpus.count() as u64, "{:#}", item.0);
    }
    // Again: nothing to do, on either way.
    for workspace in [&into, &out] {
        workspace.start().expect(0);
        for item in workspace.status() {
            assert_eq!((item.messages("copied"), item.number("flags_updated")), (0, 0), "{:#}", item.0);
        }
    }
    let now = tree(store.path());
    let touched: Vec<_> = kept.iter().zip(&now).filter(|(a, b)| a != b).map(|(a, b)| (&a.0, &b.0)).collect();
    assert!(kept.len() == now.len() && touched.is_empty(), "a source, and a destination with nothing new: {touched:?}");
}

#[test]
fn from_imap_through_a_maildir_to_imap_all_is_equal_nested() {
    if dovecot::available() {
        round_trip(Format::Sdbox, Format::Sdbox, (80..83).map(|seed| corpus::hostile(seed, Format::Sdbox)).collect());
    }
}

#[test]
fn from_imap_through_a_maildir_to_imap_all_is_equal_dotted() {
    if dovecot::available() {
        round_trip(
            Format::Maildir,
            Format::Maildir,
            (83..85).map(|seed| corpus::hostile(seed, Format::Maildir)).collect(),
        );
    }
}

#[test]
fn a_message_of_25_megabytes_goes_through_a_maildir() {
    if dovecot::available() {
        round_trip(Format::Sdbox, Format::Sdbox, vec![corpus::hostile_large(86, Format::Sdbox)]);
    }
}

/// A Maildir written by hand: (path below the root, bytes).
pub fn maildir(root: &Path, files: &[(&str, &str)]) {
    for (name, bytes) in files {
        let path = root.join(name);
        let folder = path.parent().and_then(Path::parent).expect("a folder");
        for part in ["cur", "new", "tmp"] {
            std::fs::create_dir_all(folder.join(part)).expect("made");
        }
        std::fs::write(path, bytes).expect("written");
    }
}

fn folder_of(names: &[&str]) -> String {
    directory(&FolderPath::new(names.iter().copied())).expect("a name").display().to_string()
}

/// From one Maildir to another, with one item.
pub fn between(store: &Path) -> Workspace {
    let workspace = Workspace::new();
    workspace.project_new(&address(&store.join("old")), &address(&store.join("new")), &[]);
    workspace.import_with(&[("anna".into(), "anna".into())], None);
    workspace
}

#[test]
fn what_other_programs_wrote_is_read_in_their_order_with_lone_line_feeds_made_whole() {
    let store = tempfile::tempdir().expect("a folder");
    let old = store.path().join("old/anna");
    maildir(
        &old,
        &[
            ("cur/1000000003.M1P1.h:2,S", "Subject: third\n\nunix\nlines\n"),
            ("cur/1000000001.M1P1.h,S=20:2,RSa", "Subject: first\r\n\r\nx\r\n"),
            ("new/1000000002.M1P1.h", "Subject: second\n\nmixed\r\nlines\n"),
            (".Lists.r&AC4-x/cur/9.M1P1.h:2,P", "Subject: passed on\n\n.\n"),
            ("tmp/1000000009.M1P1.h", "half a messa"),
        ],
    );
    std::fs::write(old.join("dovecot-keywords"), "0 $Work\n").expect("written");
    // Dovecot numbered them otherwise than their names say.
    let list = "3 V1 N9\n4 :1000000003.M1P1.h\n5 :1000000001.M1P1.h,S=20\n6 :1000000002.M1P1.h\n";
    std::fs::write(old.join("dovecot-uidlist"), list).expect("written");
    let before = tree(&old);
    let workspace = between(store.path());
    workspace.start().expect(0);
    assert!(before == tree(&old), "the source was touched");
    assert_eq!(workspace.only().messages("copied"), 4);

    let new = store.path().join("new/anna");
    let mut files = tree(&new);
    files.retain(|(path, bytes, _)| {
        bytes.is_some() && ["cur", "new"].iter().any(|part| path.parent().is_some_and(|p| p.ends_with(part)))
    });
    let mut found: Vec<(String, String)> = files
        .into_iter()
        .map(|(path, bytes, _)| {
            let name = path.file_name().expect("a name").to_string_lossy().into_owned();
            let flags = name.split_once(":2,").map_or(String::new(), |(_, flags)| flags.to_owned());
            let folder = path.parent().and_then(Path::parent).expect("a folder").file_name().expect("a name");
            let place = format!("{} {}", folder.to_string_lossy(), name.split(',').next().expect("a part"));
            (place, format!("{flags} {}", String::from_utf8(bytes.expect("bytes")).expect("text")))
        })
        .collect();
    found.sort();
    let found: Vec<&str> = found.iter().map(|(_, text)| text.as_str()).collect();
    assert_eq!(
        found,
        [
            "a Subject: passed on\n\n.\n",
            "S Subject: third\n\nunix\nlines\n",
            "RSa Subject: first\n\nx\n",
            " Subject: second\n\nmixed\nlines\n",
        ]
    );
    assert!(new.join(folder_of(&["Lists", "r.x"])).join("cur").is_dir());
    assert!(std::fs::read_dir(new.join("tmp")).expect("tmp").next().is_none(), "nothing is left in tmp");
}

#[cfg(unix)]
#[test]
fn links_pipes_and_folders_in_a_maildir_are_named_and_never_followed() {
    let store = tempfile::tempdir().expect("a folder");
    let old = store.path().join("old/anna");
    let secret = store.path().join("secret");
    std::fs::write(&secret, "Subject: not yours\n\n").expect("written");
    maildir(&store.path().join("old/bob"), &[("cur/1.x:2,", "Subject: another person's\n\n")]);
    maildir(
        &old,
        &[("cur/1.good:2,S", "Subject: good\n\n"), ("cur/2.odd \u{1b}[31m\nname:2,", "Subject: odd name\n\n")],
    );
    std::os::unix::fs::symlink(&secret, old.join("cur/3.link:2,S")).expect("a link");
    assert!(std::process::Command::new("mkfifo").arg(old.join("cur/4.pipe:2,")).status().expect("mkfifo").success());
    std::fs::create_dir(old.join("cur/5.folder:2,")).expect("made");
    std::os::unix::fs::symlink(store.path().join("old/bob"), old.join(".Bob")).expect("a link");
    std::os::unix::fs::symlink(store.path().join("old/bob"), store.path().join("old/carl")).expect("a link");
    let workspace = between(store.path());
    workspace.start().expect(1);
    let item = workspace.only();
    assert_eq!((item.status(), item.messages("copied")), ("completed", 2), "{:#}", item.0);
    let errors = workspace.errors();
    let unreadable = errors.iter().filter(|error| error.failure.cause == Cause::MessageUnreadable).count();
    assert_eq!((unreadable, errors.len()), (3, 4), "{errors:#?}");
    let folder = errors.iter().find(|error| error.source.is_none()).expect("the linked folder");
    assert!(folder.failure.server_text.as_ref().is_some_and(|text| text.contains("not followed")), "{folder:?}");

    // A mailbox that is itself a link.
    let linked = Workspace::new();
    linked.project_new(&address(&store.path().join("old")), &address(&store.path().join("new")), &[]);
    linked.import_with(&[("carl".into(), "carl".into())], None);
    let output = linked.start().expect(1);
    assert!(output.stderr.contains("symbolic link"), "{}", output.stderr);
}

#[test]
fn an_address_that_leads_elsewhere_and_a_maildir_that_is_not_there_are_refused() {
    let store = tempfile::tempdir().expect("a folder");
    let workspace = Workspace::new();
    workspace.project_new(&address(&store.path().join("old")), &address(&store.path().join("new")), &[]);
    let csv = "Source Email,Destination Email\nnobody@a.example,nobody@b.example\n..@a.example,x@b.example\n";
    let file = store.path().join("items.csv");
    std::fs::write(&file, csv).expect("written");
    workspace.run(&["item", "import", "move", file.to_str().expect("a path")]).expect(0);
    let output = workspace.start().expect(1);
    assert!(output.stderr.contains("no Maildir") || output.stderr.contains("No such file"), "{}", output.stderr);
    assert!(output.stderr.contains("cannot be part of a path"), "{}", output.stderr);
    assert!(!store.path().join("new").exists(), "nothing is made for an item that cannot be read");
    for bad in ["maildir:mail/{email}", "maildir:/mail", "maildir:/mail/../{email}", "maildir:/mail/{mail}"] {
        let output = workspace.run(&["project", "new", "bad", "--source", bad, "--destination", "imaps://a"]);
        assert!(output.expect(2).stderr.contains("the path"), "{bad}");
    }
    let source = address(store.path());
    let admin = ["project", "new", "bad", "--source", &source, "--destination", "imaps://a", "--source-admin", "root"];
    assert!(workspace.run(&admin).expect(2).stderr.contains("no administrator"));
    let same = Workspace::new();
    same.project_new(&source, &source, &[]);
    same.import_with(&[("anna".into(), "anna".into())], None);
    assert!(same.start().expect(2).stderr.contains("same mailbox"));
}

#[test]
fn two_people_never_get_one_maildir() {
    let store = tempfile::tempdir().expect("a folder");
    maildir(&store.path().join("old/anna@a.example"), &[("cur/1.a:2,", "Subject: x\n\n")]);
    let from = format!("maildir:{}/old/{{email}}", store.path().display());
    let workspace = Workspace::new();
    workspace.project_new(&from, &address(&store.path().join("new")), &[]);
    let import = |rows: &str| {
        let file = store.path().join("items.csv");
        std::fs::write(&file, format!("Source Email,Destination Email\n{rows}")).expect("written");
        workspace.run(&["item", "import", "move", file.to_str().expect("a path")])
    };
    let says = |output: Output| {
        for words in ["anna@a.example", "Anna@b.example", "one Maildir"] {
            assert!(output.stderr.contains(words), "{}", output.stderr);
        }
    };
    // Within a file, and beside what is there.
    says(import("anna@a.example,anna@a.example\nAnna@b.example,Anna@b.example\n").expect(2));
    assert!(workspace.run(&["item", "list", "move"]).expect(0).stdout.contains("No items"));
    import("anna@a.example,anna@a.example\n").expect(0);
    says(import("anna@b.example,Anna@b.example\n").expect(2));
    import("anna@a.example,anna@a.example\nbob@a.example,bob@b.example\n").expect(0);
    // As an earlier version may have left it.
    let file = workspace.path().join("workspace.db");
    let database = rusqlite::Connection::open(file).expect("the database");
    let changed = "UPDATE item SET destination_email = 'Anna@b.example' WHERE source_email = 'bob@a.example'";
    assert_eq!(database.execute(changed, []).expect("changed"), 1);
    drop(database);
    says(workspace.start().expect(2));
    says(workspace.run(&["start", "move", "--item", "anna@a.example"]).expect(2));
    assert!(!store.path().join("new").exists());
}

#[cfg(unix)]
#[test]
fn a_maildir_is_not_copied_into_itself_by_another_path() {
    let store = tempfile::tempdir().expect("a folder");
    let old = store.path().join("old");
    maildir(&old.join("anna"), &[("cur/1.a:2,", "Subject: x\n\n")]);
    std::os::unix::fs::symlink(&old, store.path().join("new")).expect("a link");
    let before = tree(&old);
    let output = between(store.path()).start().expect(1);
    assert!(output.stderr.contains("the source itself"), "{}", output.stderr);
    assert!(before == tree(&old), "touched");
}

#[test]
fn later_passes_carry_what_changed_and_a_destination_made_anew_is_noticed() {
    let store = tempfile::tempdir().expect("a folder");
    let (old, new) = (store.path().join("old/anna"), store.path().join("new/anna"));
    maildir(
        &old,
        &[
            ("cur/1.a:2,S", "Subject: one\n\n"),
            ("new/2.b", "Subject: two\n\n"),
            (".Work/cur/3.c:2,", "Subject: three\n\n"),
        ],
    );
    let workspace = between(store.path());
    workspace.start().expect(0);
    std::fs::rename(old.join("new/2.b"), old.join("cur/2.b:2,FS")).expect("flagged");
    std::fs::rename(old.join("cur/1.a:2,S"), old.join(".Work/cur/1.a:2,S")).expect("moved");
    maildir(&old, &[("new/4.d", "Subject: four\n\n")]);
    workspace.start().expect(0);
    let item = workspace.only();
    assert_eq!((item.messages("copied"), item.number("flags_updated")), (1, 1), "{:#}", item.0);
    let names: Vec<String> = tree(&new).iter().map(|(path, ..)| path.display().to_string()).collect();
    assert!(names.iter().any(|name| name.ends_with(":2,FS")), "{names:#?}");
    workspace.start().expect(0);
    assert_eq!(workspace.only().messages("copied"), 0);
    std::fs::remove_dir_all(&new).expect("removed");
    maildir(&new, &[("new/9.z", "Subject: somebody else's\n\n")]);
    let output = workspace.start().expect(1);
    assert!(output.stderr.contains("Not the mailbox of the earlier passes"), "{}", output.stderr);
}

#[test]
fn flags_are_read_wherever_other_programs_write_them_and_a_letter_set_at_the_destination_stays() {
    let store = tempfile::tempdir().expect("a folder");
    let (old, new) = (store.path().join("old/anna"), store.path().join("new/anna"));
    let files = [
        ("new/1.a:2,FR", "Subject: in new\n\n"),
        ("cur/2.b!2,S", "Subject: from windows\n\n"),
        ("cur/3.c:2,S", "Subject: passed on there\n\n"),
    ];
    maildir(&old, &files);
    let workspace = between(store.path());
    workspace.start().expect(0);
    let named = |end: &str| {
        let files = std::fs::read_dir(new.join("cur")).expect("cur");
        files.map(|file| file.expect("a file").path()).find(|path| path.to_string_lossy().ends_with(end))
    };
    let text = |end: &str| std::fs::read_to_string(named(end).unwrap_or_else(|| panic!("no {end}"))).expect("text");
    assert!(text(":2,FR").contains("in new"));
    let both: Vec<_> = std::fs::read_dir(new.join("cur")).expect("cur").flatten().map(|file| file.path()).collect();
    let passed = both.iter().find(|path| std::fs::read_to_string(path).expect("text").contains("passed on there"));
    let passed = passed.expect("the message").display().to_string();
    assert_eq!(both.iter().filter(|path| path.to_string_lossy().ends_with(":2,S")).count(), 2, "{both:?}");
    // Its owner passed it on there; then it is answered at the source.
    std::fs::rename(&passed, passed.replace(":2,S", ":2,PS")).expect("renamed");
    std::fs::rename(old.join("cur/3.c:2,S"), old.join("cur/3.c:2,RS")).expect("renamed");
    workspace.start().expect(0);
    assert!(text(":2,PRS").contains("passed on there"));
}

#[test]
fn a_folder_called_like_the_inbox_is_another_one() {
    let store = tempfile::tempdir().expect("a folder");
    let (old, new) = (store.path().join("old/anna"), store.path().join("new/anna"));
    maildir(&old, &[("cur/1.a:2,", "Subject: inbox\n\n"), (".INBOX/cur/2.b:2,", "Subject: the other\n\n")]);
    let workspace = between(store.path());
    for copied in [2, 0] {
        workspace.start().expect(0);
        assert_eq!(workspace.only().messages("copied"), copied);
        let only = |folder: &Path| {
            let file = std::fs::read_dir(folder.join("new")).expect("new").next().expect("a message");
            std::fs::read_to_string(file.expect("a file").path()).expect("text")
        };
        assert_eq!(only(&new), "Subject: inbox\n\n");
        assert_eq!(only(&new.join(folder_of(&["INBOX (2)"]))), "Subject: the other\n\n");
    }
}

/// A gzip file of this text, stored.
fn gzip(text: &[u8]) -> Vec<u8> {
    let len = u16::try_from(text.len()).expect("a small text");
    let head = [&b"\x1f\x8b\x08\0\0\0\0\0\0\x03\x01"[..], &len.to_le_bytes(), &(!len).to_le_bytes()].concat();
    [head, text.to_vec()].concat()
}

#[test]
fn compressed_and_encrypted_messages_are_named_and_nothing_of_them_is_copied_as_mail() {
    let store = tempfile::tempdir().expect("a folder");
    let (old, new) = (store.path().join("old/anna"), store.path().join("new/anna"));
    let mail = "Message-ID: <1@x>\nSubject: plain\n\nx\n";
    maildir(&old, &[("cur/1.a:2,S", mail), ("cur/2.b:2,S", ""), ("cur/3.c:2,", ""), (".Work/cur/4.d:2,", "")]);
    let large = [gzip(b"Subject: large\n\n"), vec![7; 3 << 20]].concat();
    for (name, bytes) in [("cur/2.b:2,S", gzip(mail.as_bytes())), ("cur/3.c:2,", large)] {
        std::fs::write(old.join(name), bytes).expect("written");
    }
    std::fs::write(old.join(".Work/cur/4.d:2,"), b"CRYPTED\x03\x07\x02\0\0\0").expect("written");
    let workspace = between(store.path());
    for copied in [1, 0] {
        workspace.start().expect(1);
        let item = workspace.only();
        assert_eq!((item.messages("copied"), item.messages("errors")), (copied, 3), "{:#}", item.0);
        for error in workspace.errors() {
            assert_eq!(error.failure.cause, Cause::MessageUnreadable);
            let text = error.failure.server_text.unwrap_or_default();
            assert!(text.contains("compressed or encrypted") && text.contains("IMAP"), "{text}");
        }
        // In the second pass there is something to compare with.
        assert_eq!(delivered(&new), 2 - usize::try_from(copied).expect("0 or 1"));
        std::fs::write(new.join("new/9.z"), "Subject: somebody else's\n\n").expect("written");
    }

    // At a destination nobody can tell whether such a message is one of the source's.
    let other = tempfile::tempdir().expect("a folder");
    maildir(&other.path().join("old/anna"), &[("cur/1.a:2,S", mail)]);
    maildir(&other.path().join("new/anna"), &[("cur/9.z:2,", "")]);
    std::fs::write(other.path().join("new/anna/cur/9.z:2,"), gzip(mail.as_bytes())).expect("written");
    let workspace = between(other.path());
    workspace.start().expect(1);
    assert_eq!(delivered(&other.path().join("new/anna")), 1, "nothing is doubled");
    let error = workspace.errors().remove(0);
    assert!(error.source.is_none() && error.failure.server_text.expect("a text").contains("compressed"));
}

/// Messages delivered so far.
fn delivered(root: &Path) -> usize {
    let folders = std::fs::read_dir(root).into_iter().flatten().flatten().map(|entry| entry.path());
    let parts = folders.chain([root.to_owned()]).flat_map(|folder| ["cur", "new"].map(|part| folder.join(part)));
    parts.map(|part| std::fs::read_dir(part).map_or(0, Iterator::count)).sum()
}

#[test]
fn kills_while_messages_are_delivered_lose_and_double_nothing() {
    if !dovecot::available() {
        return;
    }
    let (source, destination) = (dovecot::shared(Format::Sdbox), dovecot::shared_twin(Format::Sdbox));
    let mut kills = 0;
    for seed in 90..93 {
        let store = tempfile::tempdir().expect("a folder");
        let corpus = corpus::small(seed);
        let [from, kept, to] = ["from", "kept", "to"].map(|hint| source.user(hint));
        corpus.load(source, &from);
        let before = Mailbox::read(&mut source.login(&from));
        let (into, out) = (Workspace::new(), Workspace::new());
        into.project_new(&plain(source.plain_port), &address(store.path()), &[]);
        into.import(&[(from.clone(), kept.clone())]);
        let root = store.path().join(&kept);
        for more in [1, 3, 7, 11] {
            let so_far = delivered(&root);
            let mut command = into.command(&["start", "move"]);
            let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("the program starts");
            let ended = loop {
                if delivered(&root) >= so_far + more {
                    break false;
                }
                if child.try_wait().expect("its state").is_some() {
                    break true;
                }
            };
            let _ = child.kill();
            let _ = child.wait();
            kills += u32::from(!ended);
        }
        into.start().expect(0);
        assert_eq!(delivered(&root), before.count());
        out.project_new(&address(store.path()), &plain(destination.plain_port), &[]);
        out.import(&[(kept, to.clone())]);
        out.start().expect(0);
        assert_equal(&before, &Mailbox::read(&mut destination.login(&to)), &compare::same_names(&before));
    }
    assert!(kills >= 6, "only {kills} kills landed");
}

#[test]
fn a_dovecot_reads_what_was_written_into_its_maildir_and_the_other_way_round() {
    if !dovecot::available() {
        return;
    }
    let (source, server) = (dovecot::shared(Format::Sdbox), dovecot::shared(Format::Maildir));
    let [from, kept] = [source.user("from"), server.user("kept")];
    let mut corpus = corpus::hostile(95, Format::Sdbox);
    // A Dovecot with listescape, as here, has an escape of its own for these.
    corpus.folders.retain(|folder| !folder.slash.contains(['.', '\\']));
    corpus.load(source, &from);
    let before = Mailbox::read(&mut source.login(&from));
    let root = server.home(&kept).join("Maildir");
    let home = root.display().to_string().replace(&kept, "{localpart}");
    let into = Workspace::new();
    into.project_new(&plain(source.plain_port), &format!("maildir:{home}"), &[]);
    into.import(&[(from, kept.clone())]);
    into.start().expect(0);
    let there = Mailbox::read(&mut server.login(&kept));
    assert_equal(&before, &there, &corpus.names(Format::Sdbox, Format::Maildir));

    // Dovecot goes on with it: flags, a message more, one less.
    let mut imap = server.login(&kept);
    let uid = imap.fetch_all("INBOX")[3].uid;
    imap.select("INBOX");
    imap.store(&uid.to_string(), "+FLAGS", "$NewOne \\Flagged");
    imap.append("INBOX", &corpus::dated("Subject: later\r\n\r\nx\r\n"));
    let there = Mailbox::read(&mut imap);
    let store = tempfile::tempdir().expect("a folder");
    let copy = Workspace::new();
    copy.project_new(&format!("maildir:{home}"), &address(store.path()), &[]);
    copy.import_with(&[(kept.clone(), "copy".into())], None);
    copy.start().expect(0);
    let out = Workspace::new();
    let to = source.user("to");
    out.project_new(&address(store.path()), &plain(source.plain_port), &[]);
    out.import(&[("copy".into(), to.clone())]);
    out.start().expect(0);
    assert_equal(&there, &Mailbox::read(&mut source.login(&to)), &corpus.names(Format::Maildir, Format::Sdbox));
}
