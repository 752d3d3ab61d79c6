//! Bad input and faults through the program: a clear message, the right exit code, nothing lost or half-written, and the
//! rest goes on.

mod changes;
mod folders;
mod lists;
mod many;
mod servers;
mod vaults;
mod verbs;
mod workspaces;

use std::io::Read;
use std::process::{Child, Stdio};

use crate::support::ends::Ends;
use crate::support::product::{Output, Workspace};

/// Exit code and essential words of what it said; never a panic, never silence.
pub fn says(output: Output, code: i32, words: &[&str]) -> Output {
    let output = output.expect(code);
    let said = format!("{}{}", output.stdout, output.stderr);
    assert!(!said.contains("panicked") && !said.contains("RUST_BACKTRACE"), "it panicked:\n{said}");
    for word in words {
        assert!(output.stderr.contains(word), "\"{word}\" is missing in:\n{}", output.stderr);
    }
    output
}

/// A process under way.
struct Running(Child);

impl Running {
    fn start(workspace: &Workspace, arguments: &[&str]) -> Running {
        let mut command = workspace.command(arguments);
        Running(command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the program starts"))
    }

    fn pid(&self) -> u32 {
        self.0.id()
    }

    /// Ctrl-C.
    fn interrupt(&self) {
        let sent = std::process::Command::new("kill").args(["-INT", &self.pid().to_string()]).status();
        assert!(sent.expect("kill").success());
    }

    /// Its end.
    fn end(mut self) -> Output {
        let mut stdout = String::new();
        self.0.stdout.take().expect("piped").read_to_string(&mut stdout).expect("text");
        let mut stderr = String::new();
        self.0.stderr.take().expect("piped").read_to_string(&mut stderr).expect("text");
        Output { code: self.0.ends().code().unwrap_or(-1), stdout, stderr }
    }
}

/// A file outside any workspace.
fn file(bytes: &[u8]) -> tempfile::NamedTempFile {
    let file = tempfile::NamedTempFile::new().expect("a file");
    std::fs::write(file.path(), bytes).expect("written");
    file
}

fn path(file: &tempfile::NamedTempFile) -> &str {
    file.path().to_str().expect("a plain path")
}
