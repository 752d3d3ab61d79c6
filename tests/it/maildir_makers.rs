//! Maildirs that real programs laid down (J.6): mbsync, OfflineIMAP, getmail, mutt. What they made arrives whole, and is not touched.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use crate::contract::kinds::tree;
use crate::maildir::address;
use crate::support::compare::Mailbox;
use crate::support::corpus::dated;
use crate::support::dovecot::{self, Dovecot, Format, PASSWORD};
use crate::support::ends::Ended;
use crate::support::product::{Workspace, plain};
use crate::support::programs;

/// What mbsync makes of a user's mailbox in a folder.
fn mbsync_to(server: &Dovecot, user: &str, to: &Path, more: &str) {
    let dir = tempfile::tempdir().expect("a folder");
    let configuration = format!(
        "IMAPAccount far\nHost 127.0.0.1\nPort {}\nUser {user}\nPass {PASSWORD}\nSSLType None\nAuthMechs LOGIN\n\n\
         IMAPStore far\nAccount far\n\nMaildirStore near\nPath {to}/\nInbox {to}/INBOX\n{more}\n\n\
         Channel all\nFar :far:\nNear :near:\nPatterns *\nCreate Near\nSync Pull\nCopyArrivalDate yes\n\
         SyncState {state}/\n",
        server.plain_port,
        to = to.display(),
        state = dir.path().display(),
    );
    let file = dir.path().join("mbsyncrc");
    std::fs::write(&file, configuration).expect("written");
    let output = Command::new("mbsync").arg("-c").arg(&file).arg("-a").ended();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn j6_what_mbsync_laid_down_arrives_whole() {
    if !dovecot::available() || !programs::available("mbsync", "isync") {
        return;
    }
    let server = dovecot::shared(Format::Sdbox);
    for style in ["SubFolders Verbatim", "SubFolders Legacy", "SubFolders Verbatim\nFlatten ."] {
        let (from, to) = (server.user("from"), server.user("to"));
        let mut imap = server.login(&from);
        for (number, folder) in ["INBOX", "Work", "Work/2019", "Work/2019/new", "Entw&APw-rfe"].iter().enumerate() {
            if number > 0 {
                imap.create(folder);
            }
            let text = |n: usize| format!("Message-ID: <{number}.{n}@x>\r\nSubject: {n}\r\n\r\nöx\r\n");
            imap.append_all(folder, &(0..3).map(|n| dated(text(n))).collect::<Vec<_>>());
        }
        let before = Mailbox::read(&mut imap);
        let store = tempfile::tempdir().expect("a folder");
        std::fs::create_dir(store.path().join(&from)).expect("made");
        mbsync_to(server, &from, &store.path().join(&from), style);
        let workspace = Workspace::new();
        workspace.project_new(&address(store.path()), &plain(server.plain_port), &[]);
        workspace.import(&[(from, to.clone())]);
        workspace.start().expect(0);
        let after = Mailbox::read(&mut server.login(&to));
        // It adds a line to each header.
        let counts = |mailbox: &Mailbox| {
            mailbox.folders.iter().map(|(name, folder)| (name.clone(), folder.messages.len())).collect::<Vec<_>>()
        };
        match style.contains("Flatten") {
            true => assert_eq!(after.count(), before.count()),
            false => assert_eq!(counts(&after), counts(&before), "{style}"),
        }
    }
}

/// Runs a program, which must end well. Its home is a folder of the test.
fn run(mut program: Command, home: &Path) {
    let output = program.env("HOME", home).env("LC_ALL", "C.UTF-8").ended();
    let said = [output.stdout, output.stderr].concat();
    assert!(output.status.success(), "{program:?}: {}", String::from_utf8_lossy(&said));
}

/// Messages of a Maildir by folder, as a server would hold them, sorted.
fn laid_down(root: &Path, names: &[(&str, &str)]) -> BTreeMap<String, Vec<Vec<u8>>> {
    let mut found: BTreeMap<String, Vec<Vec<u8>>> = BTreeMap::new();
    for (path, bytes, _) in tree(root) {
        let part = path.parent().expect("a folder");
        let Some(bytes) = bytes.filter(|_| part.ends_with("cur") || part.ends_with("new")) else { continue };
        let folder = part.parent().and_then(|folder| folder.strip_prefix(root).ok());
        let folder = folder.map_or_else(String::new, |folder| folder.display().to_string());
        let name =
            names.iter().find(|(made, _)| *made == folder).unwrap_or_else(|| panic!("{folder:?} is not expected"));
        let lines: Vec<&[u8]> = bytes.split(|byte| *byte == b'\n').collect();
        found.entry(name.1.to_owned()).or_default().push(lines.join(&b"\r\n"[..]));
    }
    found.values_mut().for_each(|folder| folder.sort());
    found
}

/// Moves what lies in a folder of that name below `store` to a server, twice; what it made is there byte by byte, and as it was.
fn arrives_whole(store: &Path, user: &str, names: &[(&str, &str)]) {
    let server = dovecot::shared(Format::Sdbox);
    let root = store.join(user);
    let (before, expected) = (tree(&root), laid_down(&root, names));
    assert_eq!(expected.len(), names.len(), "{expected:?}");
    let workspace = Workspace::new();
    let to = server.user("to");
    workspace.project_new(&address(store), &plain(server.plain_port), &[]);
    workspace.import(&[(user.to_owned(), to.clone())]);
    for copied in [expected.values().map(|folder| folder.len() as u64).sum(), 0] {
        workspace.start().expect(0);
        assert_eq!(workspace.only().messages("copied"), copied);
    }
    let there = Mailbox::read(&mut server.login(&to));
    for (folder, messages) in &expected {
        let held = there.folders.get(folder).unwrap_or_else(|| panic!("no {folder}: {:?}", there.folders.keys()));
        let mut found: Vec<&Vec<u8>> = held.messages.iter().map(|message| &message.bytes).collect();
        found.sort();
        assert!(found.iter().copied().eq(messages), "{folder}: {found:?}");
    }
    assert_eq!(there.count(), expected.values().map(Vec::len).sum::<usize>(), "and nothing else");
    assert!(before == tree(&root), "the source was touched");
}

/// A user with some mail in these folders.
fn someone(server: &Dovecot, folders: &[&str]) -> String {
    let user = server.user("from");
    let mut imap = server.login(&user);
    for (number, folder) in folders.iter().enumerate() {
        if *folder != "INBOX" {
            imap.create(folder);
        }
        let text = |n: usize| format!("Message-ID: <{number}.{n}@x>\r\nSubject: {n}\r\n\r\nöx\r\n");
        imap.append_all(folder, &(0..3).map(|n| dated(text(n))).collect::<Vec<_>>());
    }
    user
}

#[test]
fn j6_what_offlineimap_laid_down_arrives_whole() {
    if !dovecot::available() || !programs::available("offlineimap", "offlineimap3") {
        return;
    }
    let server = dovecot::shared(Format::Sdbox);
    // Folders in folders, and, as it does by itself, beside each other with dots in their names.
    for (separator, deep) in [("/", "Work/2019"), (".", "Work.2019")] {
        let from = someone(server, &["INBOX", "Work", "Work/2019", "Entw&APw-rfe"]);
        let store = tempfile::tempdir().expect("a folder");
        let own = tempfile::tempdir().expect("a folder");
        let configuration = format!(
            "[general]\naccounts = one\nmetadata = {own}/state\n[Account one]\nlocalrepository = near\nremoterepository = far\n\
             [Repository near]\ntype = Maildir\nlocalfolders = {store}/{from}\nsep = {separator}\n\
             [Repository far]\ntype = IMAP\nremotehost = 127.0.0.1\nremoteport = {port}\nremoteuser = {from}\n\
             remotepass = {PASSWORD}\nssl = no\nstarttls = no\nauth_mechanisms = LOGIN\n",
            own = own.path().display(),
            store = store.path().display(),
            port = server.plain_port,
        );
        let file = own.path().join("offlineimaprc");
        std::fs::write(&file, configuration).expect("written");
        let mut program = Command::new("offlineimap");
        program.arg("-c").arg(&file).args(["-o", "-1", "-u", "quiet"]);
        run(program, own.path());
        let names = [("INBOX", "INBOX"), ("Work", "Work"), (deep, deep), ("Entw&APw-rfe", "Entwürfe")];
        arrives_whole(store.path(), &from, &names);
    }
}

/// Whom getmail, which delivers nothing as root, delivers as, to this Maildir below `store`: a line of its configuration.
#[cfg(unix)]
fn deliverer(store: &Path, root: &Path) -> &'static str {
    use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
    const NOBODY: u32 = 65534;
    if std::fs::metadata(store).expect("a folder").uid() != 0 {
        return "";
    }
    std::fs::set_permissions(store, std::fs::Permissions::from_mode(0o755)).expect("opened");
    for part in ["", "cur", "new", "tmp"] {
        chown(root.join(part), Some(NOBODY), Some(NOBODY)).expect("given");
    }
    "user = nobody\n"
}

#[cfg(unix)]
#[test]
fn j6_what_getmail_laid_down_arrives_whole() {
    if !dovecot::available() || !programs::available("getmail", "getmail6") {
        return;
    }
    let server = dovecot::shared(Format::Sdbox);
    let from = someone(server, &["INBOX", "Work"]);
    let store = tempfile::tempdir().expect("a folder");
    let own = tempfile::tempdir().expect("a folder");
    for (folder, at) in [("INBOX", ""), ("Work", "Work/")] {
        let root = store.path().join(&from).join(at);
        ["cur", "new", "tmp"].iter().for_each(|part| std::fs::create_dir_all(root.join(part)).expect("made"));
        let user = deliverer(store.path(), &root);
        let configuration = format!(
            "[retriever]\ntype = SimpleIMAPRetriever\nserver = 127.0.0.1\nport = {}\nusername = {from}\npassword = {PASSWORD}\n\
             mailboxes = (\"{folder}\",)\n[destination]\ntype = Maildir\npath = {}/\n{user}[options]\nread_all = true\nverbose = 0\n",
            server.plain_port,
            root.display(),
        );
        let file = own.path().join("getmailrc");
        std::fs::write(&file, configuration).expect("written");
        let mut program = Command::new("getmail");
        program.arg("--getmaildir").arg(own.path()).arg("--rcfile").arg(&file);
        run(program, own.path());
    }
    arrives_whole(store.path(), &from, &[("", "INBOX"), ("Work", "Work")]);
}

#[test]
fn j6_what_mutt_laid_down_arrives_whole() {
    if !dovecot::available() || !programs::available("mutt", "mutt") {
        return;
    }
    let store = tempfile::tempdir().expect("a folder");
    let own = tempfile::tempdir().expect("a folder");
    let root = store.path().join("anna");
    std::fs::create_dir(&root).expect("made");
    let configuration = format!(
        "set mbox_type=Maildir\nset folder=\"{}\"\nset sendmail=\"/bin/true\"\nset from=anna@x.example\nset copy=yes\n\
         set confirmcreate=no\nset charset=utf-8\n",
        root.display()
    );
    let (file, text) = (own.path().join("muttrc"), own.path().join("text"));
    std::fs::write(&file, configuration).expect("written");
    std::fs::write(&text, "Grüße\n").expect("written");
    for (number, folder) in ["sent", "Work", "Work/2019", "Entwürfe", "sent"].iter().enumerate() {
        let mut program = Command::new("mutt");
        program.arg("-F").arg(&file).arg("-e").arg(format!("set record=\"={folder}\""));
        program.args(["-s", &format!("number {number}"), "-i"]).arg(&text).args(["--", "bert@x.example"]);
        run(program, own.path());
    }
    let names = [("sent", "sent"), ("Work", "Work"), ("Work/2019", "Work/2019"), ("Entwürfe", "Entwürfe")];
    arrives_whole(store.path(), "anna", &names);
}
