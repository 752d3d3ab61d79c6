//! A real Courier over a Maildir, without a network: its server speaks on pipes, to whoever started it.
//!
//! Its package excludes Dovecot's, so `tests/run.sh` unpacks it beside.

use std::io::{Read, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::mpsc::RecvTimeoutError;
use std::time::{Duration, Instant};

use super::unpacked;

/// How long Courier may take for a few commands.
const PATIENCE: Duration = Duration::from_secs(60);
/// Below where it is unpacked.
const SERVER: &str = "usr/bin/imapd";

/// Whether Courier is here; on Debian and its kin it must be.
pub fn available() -> bool {
    unpacked::available("courier", SERVER)
}

/// Its server for the mailbox `Maildir` in this folder, for whoever has logged in already.
pub fn command(home: &Path) -> Command {
    let mut command = Command::new(unpacked::root("courier").join(SERVER));
    command
        .arg("Maildir")
        .current_dir(home)
        .env_clear()
        .env("LD_LIBRARY_PATH", unpacked::libraries("courier"))
        .envs([("AUTHENTICATED", "anna"), ("AUTHADDR", "anna"), ("MAILDIRPATH", "Maildir")])
        .envs([("IMAP_CAPABILITY", "IMAP4rev1 UIDPLUS CHILDREN NAMESPACE"), ("IMAP_KEYWORDS", "1")])
        .envs([("IMAP_UMASK", "022"), ("IMAP_USELOCKS", "0"), ("TCPREMOTEIP", "127.0.0.1")])
        .env("HOME", home)
        .stderr(Stdio::null());
    command
}

/// What Courier answers to these commands about the mailbox `Maildir` in this folder.
pub fn ask(home: &Path, commands: &[&str]) -> String {
    let mut child = command(home).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("Courier starts");
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
