//! A person at the program's real window: names of controls are found in its log, mouse and keys go through the screen.

use std::cell::RefCell;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use super::log_tail::LogTail;
use super::product::{PROJECT, Workspace};
use super::screen::{Screen, ending};

/// Before the controls of a frame in the log.
const CONTROLS: &str = " named: controls=";
/// Longer than anything here may take.
const PATIENCE: Duration = Duration::from_secs(60);
/// A window that paints nothing for so long stands still.
const STILL: Duration = Duration::from_millis(150);
/// One that counts up while something runs paints on: what is in the same place for so long stands still too.
const SAME: Duration = Duration::from_secs(2);
/// So long a key is given before it is pressed again.
const HEARD: Duration = Duration::from_secs(5);

/// A window, and the hand that uses it.
pub struct Hand<'a> {
    screen: &'a Screen,
    /// The workspace that it shows.
    pub workspace: Workspace,
    process: Child,
    frames: LogTail,
    /// Those of the last frame.
    controls: RefCell<Vec<Value>>,
}

impl Hand<'_> {
    /// Opens the window over an empty workspace.
    pub fn open(screen: &Screen) -> Hand<'_> {
        let mut workspace = Workspace::new();
        let log = ("MAILFERRY_LOG".to_owned(), "info,named=trace".to_owned());
        workspace.environment.push(log);
        let mut command = workspace.unconfirmed(&[]);
        workspace.environment.pop();
        screen.show(&mut command);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let process = command.spawn().expect("the program starts");
        screen.focus("Mailferry");
        let frames = LogTail::follow(workspace.path(), CONTROLS);
        Hand { screen, workspace, process, frames, controls: RefCell::default() }
    }

    /// Takes in the next frame, if one is painted within this time.
    fn frame_within(&self, time: Duration) -> bool {
        let Some(line) = self.frames.next_within(time) else { return false };
        let (_, controls) = line.split_once(CONTROLS).expect("it was looked for");
        // The log may be read in the middle of a line.
        if let Ok(controls) = serde_json::from_str(controls.trim()) {
            self.controls.replace(controls);
        }
        true
    }

    /// What the controls show, as soon as they show it; without patience: none.
    fn shown<T>(&self, patience: Duration, show: impl Fn(&[Value]) -> Option<T>) -> Option<T> {
        let start = Instant::now();
        loop {
            // What was painted up to now comes first.
            while self.frame_within(Duration::ZERO) {}
            if let Some(shown) = show(&self.controls.borrow()) {
                return Some(shown);
            }
            if !self.frame_within(patience.checked_sub(start.elapsed())?) {
                return None;
            }
        }
    }

    fn names(&self) -> String {
        let controls = self.controls.borrow();
        format!("{:?}", controls.iter().map(|control| &control["name"]).collect::<Vec<_>>())
    }

    /// Whether a control of this name is there, when all is painted.
    pub fn sees(&self, name: &str) -> bool {
        self.is_painted();
        self.controls.borrow().iter().any(|control| control["name"] == name)
    }

    /// Waits until all is painted, or only what counts up.
    fn is_painted(&self) {
        let start = Instant::now();
        while start.elapsed() < SAME && self.frame_within(STILL) {}
    }

    /// Waits until no control of this name is there: what it belonged to has closed.
    pub fn gone(&self, name: &str) {
        let gone = |controls: &[Value]| controls.iter().all(|control| control["name"] != name).then_some(());
        assert!(self.shown(PATIENCE, gone).is_some(), "{name:?} is still there");
    }

    /// Where a control of this name is that can be used, once it is there and stands still.
    fn find(&self, name: &str, roles: &[&str]) -> (i64, i64) {
        let fits = |control: &&Value| {
            let of_role = roles.is_empty() || roles.iter().any(|role| control["role"] == *role);
            control["name"] == name && control["on"] == true && of_role
        };
        let place = |control: &Value| {
            let at = |part: usize| control["at"][part].as_f64().unwrap_or_default() as i64;
            (at(0), at(1))
        };
        // What was opened last is painted last.
        let look = |controls: &[Value]| controls.iter().rev().find(fits).map(place);
        let start = Instant::now();
        let mut stands = (None, start);
        while start.elapsed() < PATIENCE {
            let Some(at) = self.shown(PATIENCE, look) else { panic!("there is no {name:?}, but {}", self.names()) };
            if stands.0 != Some(at) {
                stands = (Some(at), Instant::now());
            }
            if stands.1.elapsed() >= SAME || !self.frame_within(STILL) {
                return at;
            }
        }
        panic!("{name:?} never stands still");
    }

    /// Clicks what has this name.
    pub fn click(&self, name: &str) {
        self.click_a(name, &[]);
    }

    /// The same where other things have that name too.
    pub fn click_a(&self, name: &str, roles: &[&str]) {
        let (x, y) = self.find(name, roles);
        let (x, y) = (x.to_string(), y.to_string());
        // The window is where its manager put it.
        let title = ending("Mailferry");
        let window = ["search", "--onlyvisible", "--name", &title, "mousemove", "--window", "%1"];
        self.screen.press(&[&window[..], &[&x, &y, "click", "1"]].concat());
    }

    /// Ticks what has this name; a dialog that moved under the pointer is clicked once more.
    pub fn tick(&self, name: &str, role: &str) {
        let start = Instant::now();
        let is_ticked =
            |control: &Value| control["name"] == name && control["role"] == role && control["ticked"] == true;
        let ticked = |controls: &[Value]| controls.iter().any(is_ticked).then_some(());
        while self.shown(STILL, ticked).is_none() {
            assert!(start.elapsed() < PATIENCE, "{name:?} cannot be ticked: {}", self.names());
            self.click_a(name, &[role]);
            self.shown(HEARD, ticked);
        }
    }

    /// Types into a field in place of what is in it.
    pub fn fill(&self, field: &str, text: &str) {
        self.click_a(field, &["TextInput", "PasswordInput", "MultilineTextInput"]);
        let is_focused = |control: &Value| control["name"] == field && control["focus"] == true;
        let focused = |controls: &[Value]| controls.iter().any(is_focused).then_some(());
        assert!(self.shown(PATIENCE, focused).is_some(), "{field:?} cannot be typed into");
        self.screen.press(&["key", "ctrl+a"]);
        self.keys(text);
    }

    /// Types.
    pub fn keys(&self, text: &str) {
        for (at, line) in text.split('\n').enumerate() {
            if at > 0 {
                self.screen.press(&["key", "Return"]);
            }
            if !line.is_empty() {
                self.screen.press(&["type", "--delay", "4", line]);
            }
        }
    }

    /// Presses a key.
    pub fn press(&self, key: &str) {
        self.screen.press(&["key", key]);
    }

    /// Presses a key until it has brought a control of this name: a page that is not painted yet does not hear it.
    pub fn press_for(&self, key: &str, name: &str) {
        let start = Instant::now();
        let sees = |controls: &[Value]| controls.iter().any(|control| control["name"] == name).then_some(());
        let mut patience = Duration::ZERO;
        while self.shown(patience, sees).is_none() {
            assert!(start.elapsed() < PATIENCE, "{key} brings no {name:?}, but {}", self.names());
            self.press(key);
            patience = HEARD;
        }
    }

    /// What another process says of an item of the project, by the name before the @ of its source.
    pub fn item(&self, name: &str) -> Value {
        let report = self.workspace.run(&["status", PROJECT, "--json"]);
        let report: Value = serde_json::from_str(&report.stdout).unwrap_or_default();
        let items = report["items"].as_array().cloned().unwrap_or_default();
        let of = |item: &Value| item["source"].as_str().is_some_and(|source| source.starts_with(&format!("{name}@")));
        items.into_iter().find(of).unwrap_or_default()
    }

    /// Waits until an item is like this.
    pub fn until(&self, name: &str, what: &str, fits: impl Fn(&Value) -> bool) -> Value {
        let start = Instant::now();
        loop {
            let item = self.item(name);
            if fits(&item) {
                return item;
            }
            assert!(start.elapsed() < PATIENCE, "{name} is not {what}: {item:#}");
            // What becomes of it is painted too.
            self.frame_within(HEARD);
        }
    }

    /// Waits until an item has this status.
    pub fn until_status(&self, name: &str, status: &str) -> Value {
        self.until(name, status, |item| item["status"] == status)
    }

    /// A picture of the screen, for whoever asked for one by `MAILFERRY_TEST_PICTURES=FOLDER`.
    pub fn picture(&self, name: &str) {
        let Some(folder) = std::env::var_os("MAILFERRY_TEST_PICTURES").map(PathBuf::from) else { return };
        self.is_painted();
        let mut command = Command::new("import");
        command.args(["-window", "root"]).arg(folder.join(format!("{name}.png")));
        self.screen.show(&mut command);
        assert!(command.status().is_ok_and(|status| status.success()), "no picture: is ImageMagick there?");
    }
}

impl Drop for Hand<'_> {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
