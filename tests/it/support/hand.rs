//! A person at the program's real window: names of controls are found in its log, mouse and keys go through the screen.

use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use super::product::{PROJECT, Workspace};
use super::screen::Screen;

/// Longer than anything here may take.
const PATIENCE: Duration = Duration::from_secs(60);
/// Between two looks.
const LOOK: Duration = Duration::from_millis(100);

/// A window, and the hand that uses it.
pub struct Hand<'a> {
    screen: &'a Screen,
    /// The workspace that it shows.
    pub workspace: Workspace,
    process: Child,
}

impl Hand<'_> {
    /// Opens the window over an empty workspace.
    pub fn open(screen: &Screen) -> Hand<'_> {
        Self::open_over(screen, Workspace::new())
    }

    /// Opens it over this one.
    pub fn open_over(screen: &Screen, mut workspace: Workspace) -> Hand<'_> {
        let log = ("MAILFERRY_LOG".to_owned(), "info,named=trace".to_owned());
        workspace.environment.push(log);
        let mut command = workspace.unconfirmed(&[]);
        workspace.environment.pop();
        screen.show(&mut command);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let process = command.spawn().expect("the program starts");
        screen.focus("Mailferry");
        Hand { screen, workspace, process }
    }

    /// The controls of the last frame.
    fn controls(&self) -> Vec<Value> {
        let text = self.workspace.log();
        let line = text.lines().rev().find_map(|line| line.split_once(" named: controls="));
        let parsed = line.and_then(|(_, json)| serde_json::from_str(json.trim()).ok());
        parsed.unwrap_or_default()
    }

    /// Whether a control of this name is there now.
    pub fn sees(&self, name: &str) -> bool {
        self.controls().iter().any(|control| control["name"] == name)
    }

    /// Waits until no control of this name is there: what it belonged to has closed.
    pub fn gone(&self, name: &str) {
        let start = Instant::now();
        while self.sees(name) {
            assert!(start.elapsed() < PATIENCE, "{name:?} is still there");
            std::thread::sleep(LOOK);
        }
    }

    /// Where a control of this name is that can be used, once it is there and stands still.
    fn find(&self, name: &str, roles: &[&str]) -> (i64, i64) {
        let start = Instant::now();
        let mut before = None;
        loop {
            let controls = self.controls();
            let of_role = |control: &&Value| roles.is_empty() || roles.iter().any(|role| control["role"] == *role);
            let fits = |control: &&Value| control["name"] == name && control["on"] == true && of_role(control);
            let place = |control: &Value| {
                let at = |part: usize| control["at"][part].as_f64().unwrap_or_default() as i64;
                (at(0), at(1))
            };
            // What was opened last is painted last.
            let now = controls.iter().rev().find(fits).map(place);
            if let Some(at) = now.filter(|_| now == before) {
                return at;
            }
            before = now;
            let names: Vec<&Value> = controls.iter().map(|control| &control["name"]).collect();
            assert!(start.elapsed() < PATIENCE, "there is no {name:?}, but {names:?}");
            std::thread::sleep(LOOK);
        }
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
        let window = ["search", "--onlyvisible", "--name", "^Mailferry$", "mousemove", "--window", "%1"];
        self.screen.press(&[&window[..], &[&x, &y, "click", "1"]].concat());
    }

    /// Types into a field in place of what is in it.
    pub fn fill(&self, field: &str, text: &str) {
        self.click_a(field, &["TextInput", "PasswordInput", "MultilineTextInput"]);
        let start = Instant::now();
        while !self.controls().iter().any(|control| control["name"] == field && control["focus"] == true) {
            assert!(start.elapsed() < PATIENCE, "{field:?} cannot be typed into");
            std::thread::sleep(LOOK);
        }
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
        while !self.sees(name) {
            assert!(start.elapsed() < PATIENCE, "{key} brings no {name:?}");
            self.press(key);
            let pressed = Instant::now();
            while !self.sees(name) && pressed.elapsed() < 50 * LOOK {
                std::thread::sleep(LOOK);
            }
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
            std::thread::sleep(LOOK);
        }
    }

    /// Waits until an item has this status.
    pub fn until_status(&self, name: &str, status: &str) -> Value {
        self.until(name, status, |item| item["status"] == status)
    }

    /// A picture of the screen, for whoever asked for one by `MAILFERRY_TEST_PICTURES=FOLDER`.
    pub fn picture(&self, name: &str) {
        let Some(folder) = std::env::var_os("MAILFERRY_TEST_PICTURES").map(PathBuf::from) else { return };
        std::thread::sleep(5 * LOOK);
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
