//! A screen without a monitor: an X server in memory with a small window manager, so that windows have focus and keys.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;

use super::ends::Ended;

/// A screen. Dropping it ends its server and manager.
pub struct Screen {
    display: String,
    keeper: Child,
    manager: Child,
    /// Kept, so that the manager can go on saying things.
    _words: Box<dyn Send>,
    home: TempDir,
}

/// Whether a screen can be had here. On Debian and its kin it is a requirement, so its absence fails the test; elsewhere
/// the test is named as skipped.
#[expect(clippy::print_stderr, reason = "a skipped test says so")]
pub fn available() -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let there = |name: &str| cfg!(unix) && std::env::split_paths(&path).any(|place| place.join(name).is_file());
    if ["Xvfb", "openbox", "xdotool"].into_iter().all(there) {
        return true;
    }
    assert!(
        !Path::new("/etc/debian_version").exists(),
        "Xvfb is not installed: these tests need it (tests/run.sh installs it: apt-get install xvfb openbox xdotool)"
    );
    let test = std::thread::current().name().unwrap_or("a test").to_owned();
    eprintln!("skipped: {test} (no Xvfb with openbox and xdotool on this system)");
    false
}

impl Screen {
    /// Starts one under a number that is free, and waits until it and its manager are there.
    pub fn start() -> Screen {
        // The server ends when standard input does: by the drop below, or with this process.
        let script = "Xvfb -displayfd 1 -screen 0 1400x900x24 -nolisten tcp 2>/dev/null & server=$!\n\
                      cat >/dev/null; kill \"$server\"; wait \"$server\"";
        let mut keeper = Command::new("sh");
        keeper.args(["-c", script]).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut keeper = keeper.spawn().expect("a shell");
        let mut number = String::new();
        BufReader::new(keeper.stdout.take().expect("piped")).read_line(&mut number).expect("read");
        let display = format!(":{}", number.trim());
        assert!(display.len() > 1, "Xvfb did not start");
        let home = tempfile::tempdir().expect("a home");
        let mut manager = Command::new("openbox");
        manager.args(["--startup", "echo up"]).env("HOME", home.path()).env("DISPLAY", &display);
        manager.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut manager = manager.spawn().expect("openbox");
        let mut words = BufReader::new(manager.stdout.take().expect("piped")).lines().map_while(Result::ok);
        assert!(words.any(|line| line == "up"), "openbox did not start");
        Screen { display, keeper, manager, _words: Box::new(words), home }
    }

    /// Puts a program's windows here. Nothing of this machine's own session reaches it.
    pub fn show(&self, command: &mut Command) {
        command.env("DISPLAY", &self.display).env("LIBGL_ALWAYS_SOFTWARE", "1").env("HOME", self.home.path());
        command.env_remove("WAYLAND_DISPLAY").env_remove("DBUS_SESSION_BUS_ADDRESS");
    }

    /// Waits for a window with this title and brings it to the front.
    pub fn focus(&self, title: &str) {
        let ending = ending(title);
        self.press(&["search", "--sync", "--onlyvisible", "--name", &ending, "windowactivate", "--sync"]);
    }

    /// What a person does with mouse and keys, as `xdotool` takes it.
    pub fn press(&self, what: &[&str]) {
        let mut command = Command::new("timeout");
        command.args(["60", "xdotool"]).args(what);
        self.show(&mut command);
        let output = command.ended();
        assert!(output.status.success(), "{what:?}: {}", String::from_utf8_lossy(&output.stderr));
    }
}

/// Finds a window by its title, whatever it says before it of what runs.
pub fn ending(title: &str) -> String {
    format!("(^| ){title}$")
}

impl Drop for Screen {
    fn drop(&mut self) {
        let _ = self.manager.kill();
        let _ = self.manager.wait();
        drop(self.keeper.stdin.take());
        let _ = self.keeper.wait();
    }
}
