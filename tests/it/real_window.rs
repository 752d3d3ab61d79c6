//! The program's real window on a real (if invisible) screen: the demo moves in it, and it rests when nothing moves.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::mpsc::sync_channel;
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

use crate::support::ends::Ended;
use crate::support::log_tail::LogTail;
use crate::support::screen::{self, Screen};

/// Longer than anything here may take.
const PATIENCE: Duration = Duration::from_secs(60);
/// No demo lasts so long.
const DEMO: Duration = Duration::from_secs(600);
/// Frames come at least once a second while something runs; this is that on a machine that has much else to do.
const NO_FRAME: Duration = Duration::from_secs(15);
/// How long an idle window is watched.
const IDLE: Duration = Duration::from_secs(30);

/// `mailferry demo` with its window open.
struct Demo {
    process: Option<Child>,
    temporary: TempDir,
}

impl Demo {
    fn open(screen: &Screen) -> Demo {
        let temporary = tempfile::tempdir().expect("a folder");
        let mut command = Command::new(env!("CARGO_BIN_EXE_mailferry"));
        command.arg("demo").env("TMPDIR", temporary.path()).env("MAILFERRY_LOG", "painted=trace");
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        screen.show(&mut command);
        let demo = Demo { process: Some(command.spawn().expect("the program starts")), temporary };
        screen.focus("Mailferry demo");
        demo
    }

    fn workspace(&self) -> PathBuf {
        only(self.temporary.path()).join("workspace")
    }

    /// The statuses of its items, as another process sees them.
    fn statuses(&self) -> Vec<String> {
        let mut command = Command::new(env!("CARGO_BIN_EXE_mailferry"));
        command.args(["status", "Contoso to Fabrikam", "--json", "--data"]).arg(self.workspace());
        let report: Value = serde_json::from_slice(&command.ended().stdout).expect("JSON");
        let items = report["items"].as_array().expect("items");
        assert_eq!(items.len(), 12);
        items.iter().map(|item| item["status"].as_str().expect("a word").to_owned()).collect()
    }

    /// Whether every item is at rest.
    fn has_ended(&self) -> bool {
        self.statuses().iter().all(|status| status == "completed")
    }

    /// Waits until an item migrates.
    fn begins(&self) {
        let began = Instant::now();
        while !self.statuses().iter().any(|status| status == "migrating") {
            assert!(began.elapsed() < PATIENCE && !self.has_ended(), "nothing migrates: {:?}", self.statuses());
        }
    }

    fn signal(&self, signal: &str) {
        let id = self.process.as_ref().expect("it runs").id().to_string();
        assert!(Command::new("kill").args([signal, &id]).status().expect("kill").success());
    }

    /// How it ends: exit code, standard output, standard error. Nothing may stay behind.
    fn end(mut self) -> (Option<i32>, String, String) {
        let process = self.process.take().expect("it runs");
        let (ended, end) = sync_channel(1);
        let wait = move || ended.send(process.wait_with_output().expect("its output"));
        std::thread::Builder::new().name("demo-end".into()).spawn(wait).expect("a thread");
        let Output { status, stdout, stderr } = end.recv_timeout(PATIENCE).expect("the program ends");
        let left =
            Command::new("find").arg(self.temporary.path()).args(["-mindepth", "1"]).output().expect("find").stdout;
        assert!(left.is_empty(), "stayed behind:\n{}", String::from_utf8_lossy(&left));
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        (status.code(), text(&stdout), text(&stderr))
    }
}

impl Drop for Demo {
    fn drop(&mut self) {
        if let Some(process) = &mut self.process {
            let _ = process.kill();
            let _ = process.wait();
        }
    }
}

fn only(folder: &Path) -> PathBuf {
    std::fs::read_dir(folder).expect("a folder").next().expect("something in it").expect("readable").path()
}

/// The frames a window paints, from its log.
struct Frames(LogTail);

impl Frames {
    fn follow(workspace: &Path) -> Frames {
        Frames(LogTail::follow(workspace, "painted: frame="))
    }

    fn another_within(&self, time: Duration) -> bool {
        self.0.next_within(time).is_some()
    }
}

#[test]
fn the_demo_moves_in_its_window_which_paints_nothing_when_nothing_runs() {
    if !screen::available() {
        return;
    }
    let screen = Screen::start();
    let demo = Demo::open(&screen);
    let frames = Frames::follow(&demo.workspace());
    let mut seen = 0;
    let began = Instant::now();
    loop {
        assert!(began.elapsed() < DEMO, "the demo does not end");
        let came = (0..50).take_while(|_| frames.another_within(NO_FRAME)).count();
        seen += came;
        if demo.has_ended() {
            break;
        }
        assert_eq!(came, 50, "passes run, and the window shows it");
    }
    assert!(seen > 50, "{seen} frames");
    let settling = (0..100).take_while(|_| frames.another_within(Duration::from_secs(5))).count();
    assert!(settling < 100, "the window does not come to rest");
    assert!(!frames.another_within(IDLE), "no pass runs and no text field is focused, but a frame was painted");
    screen.press(&["mousemove", "700", "450"]);
    assert!(frames.another_within(PATIENCE), "it still paints when there is something to paint");

    screen.press(&["key", "alt+F4"]);
    let (code, text, errors) = demo.end();
    assert_eq!(code, Some(0), "{text}\n{errors}");
    let total = text.lines().find(|line| line.starts_with("Total")).expect("a total");
    assert!(total.contains("12 mailboxes") && total.ends_with(" 2"), "{total}");
    assert!(text.contains("All as planned") && errors.is_empty(), "{text}\n{errors}");
}

#[test]
fn ctrl_c_and_a_request_to_terminate_close_the_window_in_order() {
    if !screen::available() {
        return;
    }
    let screen = Screen::start();
    for signal in ["-INT", "-TERM"] {
        let demo = Demo::open(&screen);
        demo.begins();
        demo.signal(signal);
        let (code, text, errors) = demo.end();
        assert_eq!(code, Some(1), "{text}\n{errors}");
        assert!(text.contains("12 mailboxes") && text.contains("Stopped.") && errors.is_empty(), "{text}\n{errors}");
    }
}
