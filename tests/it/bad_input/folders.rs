//! Folders that the destination does not take: their messages are named as not moved, everything else is copied.

use super::says;
use crate::support::dovecot::{self, Dovecot, Format, Options};
use crate::support::imap::Message;
use crate::support::product::{PROJECT, Workspace, plain};

#[test]
fn a_folder_the_destination_refuses_is_named_and_the_rest_is_copied() {
    if !dovecot::available() {
        return;
    }
    let old = dovecot::shared(Format::Sdbox);
    // Without its escaping of names Dovecot takes no leading tilde.
    let extra = "mail_plugins =\nprotocol imap {\n mail_plugins =\n}\n".to_owned();
    let new = Dovecot::start(Options { extra, ..Options::maildir() });
    let (user, other) = (old.user("refused"), old.user("refused"));
    let mut imap = old.login(&user);
    let message = |at: usize| Message::plain(format!("Subject: {at}\r\nMessage-ID: <{at}@x>\r\n\r\nx\r\n"));
    for folder in ["~tilde", "Good", "~tilde/below"] {
        imap.create(folder);
        imap.append_all(folder, &[message(1), message(2), message(3)]);
    }
    imap.append("INBOX", &message(9));
    old.login(&other).append("INBOX", &message(1));
    let workspace = Workspace::new();
    workspace.project_new(&plain(old.plain_port), &plain(new.plain_port), &[]);
    workspace.import(&[(user.clone(), user.clone()), (other.clone(), other.clone())]);
    let words = [
        "6 messages could not be moved",
        "folder \"~tilde\", 3 messages",
        "folder \"~tilde/below\", 3 messages",
        "not allowed at the destination",
    ];
    for copied in [4, 0] {
        says(workspace.start(), 1, &words);
        let items = workspace.status();
        assert_eq!((items[0].status(), items[1].status()), ("completed", "completed"));
        assert_eq!((items[0].messages("copied"), items[0].messages("errors")), (copied, 6), "{:#}", items[0].0);
        assert_eq!(new.login(&user).fetch_all(&new.wire_name(&["Good"])).len(), 3);
        assert_eq!(new.login(&other).fetch_all("INBOX").len(), 1);
    }
    // Another name, as the advice says: now all is there.
    let mapped = Workspace::new();
    mapped.project_new(&plain(old.plain_port), &plain(new.plain_port), &["--map", "^~tilde->tilde"]);
    mapped.import(&[(user.clone(), user.clone())]);
    says(mapped.run(&["start", PROJECT]), 0, &[]);
    for folder in [&["tilde"][..], &["tilde", "below"], &["Good"]] {
        assert_eq!(new.login(&user).fetch_all(&new.wire_name(folder)).len(), 3, "{folder:?}");
    }
}
