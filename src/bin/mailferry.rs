//! `mailferry`: all verbs; without one, the window.

use std::process::ExitCode;

fn main() -> ExitCode {
    mailferry::platform::memory::keep_to_itself();
    mailferry::cli::main(mailferry::ui::main, mailferry::demo::prepare)
}
