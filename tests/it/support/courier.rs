//! A real Courier over a Maildir, without a network: its server speaks on pipes, to whoever started it.
//!
//! Its package excludes Dovecot's, so `tests/run.sh` unpacks it beside.

use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::mpsc::RecvTimeoutError;
use std::time::{Duration, Instant};

/// How long Courier may take for a few commands.
const PATIENCE: Duration = Duration::from_secs(60);

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
    let mut from = child.stdout.take().expect("a pipe");
    let (answered, answers) = std::sync::mpsc::channel();
    let listen = move || {
        let mut piece = [0; 4096];
        while let Ok(length @ 1..) = from.read(&mut piece) {
            let _ = answered.send(piece[..length].to_vec());
        }
    };
    std::thread::Builder::new().name("courier".into()).spawn(listen).expect("a thread");
    let (mut said, until) = (Vec::new(), Instant::now() + PATIENCE);
    let ended = loop {
        match answers.recv_timeout(until.saturating_duration_since(Instant::now())) {
            Ok(piece) => said.extend(piece),
            Err(end) => break end == RecvTimeoutError::Disconnected,
        }
    };
    let said = String::from_utf8_lossy(&said).into_owned();
    if !ended {
        let _ = child.kill();
    }
    drop(to);
    child.wait().expect("an end");
    assert!(ended, "Courier does not end after {commands:?}: {said}");
    said
}
