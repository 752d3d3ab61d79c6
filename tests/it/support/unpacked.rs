//! Programs whose packages exclude others: `tests/run.sh` unpacks them beside.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// Where this one lies.
pub fn root(name: &str) -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join(name)
}

/// Whether it is here; on Debian and its kin it must be.
#[expect(clippy::print_stderr, reason = "a skipped test says so")]
pub fn available(name: &str, program: &str) -> bool {
    let found = root(name).join(program).is_file();
    assert!(
        found || !Path::new("/etc/debian_version").exists(),
        "{name} is not unpacked: this test needs it (tests/run.sh does it)"
    );
    if !found {
        eprintln!("skipped: {name} is not on this system");
    }
    found
}

/// Where the libraries lie that were unpacked with it.
pub fn libraries(name: &str) -> OsString {
    let lib = root(name).join("usr/lib");
    let own = std::fs::read_dir(&lib).expect("its libraries").flatten().map(|entry| entry.path());
    let own: Vec<PathBuf> = own.filter(|path| path.is_dir()).chain([lib.clone()]).collect();
    std::env::join_paths(own).expect("paths")
}
