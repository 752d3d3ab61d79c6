//! Processes that must come to an end: one that does not is killed, and its test fails and names it, instead of standing still
//! and keeping every other from an end.

use std::fmt::Debug;
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::mpsc::sync_channel;
use std::thread::sleep;
use std::time::{Duration, Instant};

/// How long a process may take on a machine with much else to do.
const PATIENCE: Duration = Duration::from_secs(600);

/// Waits for an end that comes.
pub trait Ends {
    /// How it ends.
    fn ends(&mut self) -> ExitStatus;
    /// How it ends, and what it writes until then.
    fn ends_with_output(self) -> Output;
}

impl Ends for Child {
    fn ends(&mut self) -> ExitStatus {
        drop(self.stdin.take());
        let until = Instant::now() + PATIENCE;
        while Instant::now() < until {
            if let Some(status) = self.try_wait().expect("its end") {
                return status;
            }
            sleep(Duration::from_millis(10));
        }
        let _ = self.kill();
        panic!("a process does not end: {:?}", self.wait())
    }

    fn ends_with_output(self) -> Output {
        output(self, &"a process")
    }
}

/// Runs a process to its end, with what it writes.
pub trait Ended {
    /// Its end; there is nothing for it to read.
    fn ended(&mut self) -> Output;
}

impl Ended for Command {
    fn ended(&mut self) -> Output {
        self.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        output(self.spawn().expect("the program starts"), self)
    }
}

fn output(child: Child, what: &dyn Debug) -> Output {
    let pid = child.id().to_string();
    let (ended, end) = sync_channel(1);
    let wait = move || ended.send(child.wait_with_output());
    std::thread::Builder::new().name("its-end".into()).spawn(wait).expect("a thread");
    match end.recv_timeout(PATIENCE) {
        Ok(output) => output.expect("its output"),
        Err(_) => {
            let killed = Command::new("kill").args(["-KILL", &pid]).status();
            panic!("{what:?} does not end ({killed:?}): {:?}", end.recv_timeout(Duration::from_secs(10)))
        }
    }
}
