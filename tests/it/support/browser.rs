//! A real browser without a screen, driven by a script: the person at the secured form.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::ends::Ended;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/browser")
}

/// Whether there is one. On Debian and its kin it is a requirement.
#[expect(clippy::print_stderr, reason = "a skipped test says so")]
pub fn available() -> bool {
    let runs = |program: &str| {
        let mut command = Command::new(program);
        command.arg("--version").stdout(Stdio::null()).stderr(Stdio::null());
        command.status().is_ok_and(|status| status.success())
    };
    if runs("node") && runs("chromium") && folder().join("node_modules/playwright-core").is_dir() {
        return true;
    }
    let needed = "node, chromium or tests/browser/node_modules is missing: tests/run.sh installs them";
    assert!(!Path::new("/etc/debian_version").exists(), "{needed}");
    eprintln!("skipped: {} ({needed})", std::thread::current().name().unwrap_or("a test"));
    false
}

/// Has a person do something at a page; what the script says then.
pub fn person(page: &str, does: &[&str]) -> String {
    let mut node = Command::new("node");
    let output = node.arg(folder().join("form.mjs")).arg(page).args(does).ended();
    let said = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    assert!(output.status.success(), "{said}\n{}", String::from_utf8_lossy(&output.stderr));
    said
}

/// Where pictures go: a folder that a person named, else one that goes with the test.
pub fn pictures(temporary: &Path) -> PathBuf {
    std::env::var_os("MAILFERRY_TEST_PICTURES").map_or_else(|| temporary.to_owned(), PathBuf::from)
}
