//! Processes that must come to an end: one that does not is killed, and its test fails and names it, instead of standing still
//! and keeping every other from an end.

use std::fmt::Debug;
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::mpsc::{RecvTimeoutError, sync_channel};
use std::time::Duration;

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
        let pid = self.id();
        let (ended, end) = sync_channel::<()>(0);
        // Nobody says anything: it hears that this one is gone.
        let watch = move || (end.recv_timeout(PATIENCE) == Err(RecvTimeoutError::Timeout)).then(|| kill(pid));
        let watch = std::thread::Builder::new().name("its-end".into()).spawn(watch).expect("a thread");
        let status = self.wait().expect("its end");
        drop(ended);
        let killed = watch.join().expect("no panic");
        assert!(killed.is_none(), "a process does not end: {status}");
        status
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
    let pid = child.id();
    let (ended, end) = sync_channel(1);
    let wait = move || ended.send(child.wait_with_output());
    std::thread::Builder::new().name("its-end".into()).spawn(wait).expect("a thread");
    match end.recv_timeout(PATIENCE) {
        Ok(output) => output.expect("its output"),
        Err(_) => {
            kill(pid);
            panic!("{what:?} does not end: {:?}", end.recv_timeout(Duration::from_secs(10)))
        }
    }
}

fn kill(pid: u32) {
    let killed = Command::new("kill").args(["-KILL", &pid.to_string()]).status();
    assert!(killed.is_ok_and(|status| status.success()), "{pid} cannot be killed");
}
