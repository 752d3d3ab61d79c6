//! The lines of a running program's log, as they are written.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, sync_channel};
use std::time::Duration;

/// Lines that hold some words, from the log's beginning on.
pub struct LogTail {
    lines: Receiver<String>,
    tail: Child,
}

impl LogTail {
    /// Follows the log of a workspace, which must have one.
    pub fn follow(workspace: &Path, words: &'static str) -> LogTail {
        let mut logs = std::fs::read_dir(workspace.join("logs")).expect("a folder");
        let file = logs.next().expect("a log").expect("readable").path();
        let mut tail = Command::new("tail");
        tail.args(["-n", "+1", "-F"]).arg(file);
        tail.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut tail = tail.spawn().expect("tail");
        let all = BufReader::new(tail.stdout.take().expect("piped")).lines().map_while(Result::ok);
        let (told, lines) = sync_channel(100_000);
        // The test may end before the lines do.
        let follow = move || all.filter(|line| line.contains(words)).all(|line| told.send(line).is_ok());
        std::thread::Builder::new().name("log".into()).spawn(follow).expect("a thread");
        LogTail { lines, tail }
    }

    /// The next line, if it comes within this time.
    pub fn next_within(&self, time: Duration) -> Option<String> {
        self.lines.recv_timeout(time).ok()
    }
}

impl Drop for LogTail {
    fn drop(&mut self) {
        let _ = self.tail.kill();
        let _ = self.tail.wait();
    }
}
