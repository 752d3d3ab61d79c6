//! `mailferry`: all verbs.

use std::process::ExitCode;

fn main() -> ExitCode {
    mailferry::cli::main()
}
