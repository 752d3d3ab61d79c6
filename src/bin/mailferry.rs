//! `mailferry`: all verbs; without one, the window.

use std::process::ExitCode;

fn main() -> ExitCode {
    mailferry::cli::main(mailferry::ui::main, mailferry::demo::prepare)
}
