//! A real Courier over a Maildir, without a network: its server speaks on pipes, to whoever started it.
//!
//! Its package excludes Dovecot's, so `tests/run.sh` unpacks it beside.

use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

fn unpacked() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join("courier")
}

fn server() -> PathBuf {
    unpacked().join("usr/bin/imapd")
}

/// Whether Courier is here; on Debian and its kin it must be.
#[expect(clippy::print_stderr, reason = "a skipped test says so")]
pub fn available() -> bool {
    let found = server().is_file();
    assert!(
        found || !Path::new("/etc/debian_version").exists(),
        "Courier is not unpacked: this test needs it (tests/run.sh does it)"
    );
    if !found {
        eprintln!("skipped: Courier is not on this system");
    }
    found
}

/// What Courier answers to these commands about the mailbox `Maildir` in this folder.
pub fn ask(home: &Path, commands: &[&str]) -> String {
    let lib = unpacked().join("usr/lib");
    let own = std::fs::read_dir(&lib).expect("its libraries").flatten().map(|entry| entry.path());
    let libraries: Vec<PathBuf> = own.filter(|path| path.is_dir()).chain([lib.clone()]).collect();
    let mut child = Command::new(server())
        .arg("Maildir")
        .current_dir(home)
        .env_clear()
        .env("LD_LIBRARY_PATH", std::env::join_paths(libraries).expect("paths"))
        .envs([
            ("AUTHENTICATED", "anna"),
            ("AUTHADDR", "anna"),
            ("MAILDIRPATH", "Maildir"),
            ("TCPREMOTEIP", "127.0.0.1"),
        ])
        .envs([
            ("IMAP_CAPABILITY", "IMAP4rev1 UIDPLUS CHILDREN NAMESPACE"),
            ("IMAP_KEYWORDS", "1"),
            ("IMAP_UMASK", "022"),
        ])
        .env("HOME", home)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("Courier starts");
    let mut to = child.stdin.take().expect("a pipe");
    for (number, command) in commands.iter().chain(&["LOGOUT"]).enumerate() {
        write!(to, "a{number} {command}\r\n").expect("written");
    }
    to.flush().expect("written");
    let mut answers = Vec::new();
    child.stdout.take().expect("a pipe").read_to_end(&mut answers).expect("answers");
    drop(to);
    child.wait().expect("an end");
    String::from_utf8_lossy(&answers).into_owned()
}
