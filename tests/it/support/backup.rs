//! What administrators do to a server behind its clients' backs: backups kept and put back, numbers given anew.
//!
//! A store is copied or replaced only when no process of the server has it open any more ([`Dovecot::expect_left`]).

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use super::dovecot::Dovecot;
use super::ends::Ended;

/// A session that is not over after this is a fault.
const PATIENCE: Duration = Duration::from_secs(20);

/// A copy of a user's mail at some instant. Gone with its server.
pub struct Backup(PathBuf);

impl Dovecot {
    /// Waits until no session of this user is left.
    pub fn expect_left(&self, user: &str) {
        let since = Instant::now();
        loop {
            let who = self.doveadm(&["who", "-1", user]);
            if !who.lines().any(|line| line.split_whitespace().next() == Some(user)) {
                return;
            }
            assert!(since.elapsed() < PATIENCE, "still there:\n{who}");
        }
    }

    /// A copy of everything this user has.
    pub fn keep(&self, user: &str) -> Backup {
        static NEXT: AtomicU32 = AtomicU32::new(1);
        self.expect_left(user);
        let kept = self.place("kept").join(format!("{user}-{}", NEXT.fetch_add(1, Ordering::Relaxed)));
        copy(&self.home(user), &kept);
        Backup(kept)
    }

    /// The user has again what there was when the copy was made, and nothing else: messages, numbers, indexes.
    pub fn put_back(&self, user: &str, backup: &Backup) {
        self.expect_left(user);
        std::fs::remove_dir_all(self.home(user)).expect("removed");
        copy(&backup.0, &self.home(user));
    }

    /// From now on this folder has this UIDVALIDITY, and this GUID if one is given.
    pub fn renumber(&self, user: &str, folder: &str, validity: u32, guid: Option<&str>) {
        let validity = validity.to_string();
        let mut arguments = vec!["mailbox", "update", "-u", user, "--uid-validity", &validity];
        if let Some(guid) = guid {
            arguments.extend(["--mailbox-guid", guid]);
        }
        arguments.push(folder);
        self.doveadm(&arguments);
    }

    /// The next message of this folder gets this number at least.
    pub fn lift(&self, user: &str, folder: &str, next: u32) {
        self.doveadm(&["mailbox", "update", "-u", user, "--min-next-uid", &next.to_string(), folder]);
    }

    /// Runs the server's own administration.
    pub fn doveadm(&self, arguments: &[&str]) -> String {
        let configuration = self.place("dovecot.conf");
        let output = Command::new("doveadm").arg("-c").arg(configuration).args(arguments).ended();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        // `who` tells by its code whether somebody is there.
        assert!(output.status.success() || arguments[0] == "who", "doveadm {arguments:?}: {said}");
        String::from_utf8_lossy(&output.stdout).into_owned()
    }
}

fn copy(from: &Path, to: &Path) {
    if let Some(parent) = to.parent() {
        std::fs::create_dir_all(parent).expect("a folder");
    }
    // Owners and modes are kept, which the standard library does not.
    let copied = Command::new("cp").arg("-a").arg(from).arg(to).status().expect("cp");
    assert!(copied.success(), "{} was not copied", from.display());
}
