//! Mail programs of others that tests run.

use std::path::Path;

/// Whether a program is here; on Debian and its kin it must be.
#[expect(clippy::print_stderr, reason = "a skipped test says so")]
pub fn available(program: &str, package: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found = std::env::split_paths(&path).any(|place| place.join(program).is_file());
    assert!(
        found || !Path::new("/etc/debian_version").exists(),
        "{program} is not installed: this test needs it (tests/run.sh installs it: apt-get install {package})"
    );
    if !found {
        eprintln!("skipped: {program} is not on this system");
    }
    found
}
