//! `mailferry-window`: for a double-click on Windows, where it opens no console. Without a verb both binaries are the
//! window.
#![cfg_attr(windows, windows_subsystem = "windows")]

use std::process::ExitCode;

fn main() -> ExitCode {
    mailferry::platform::memory::keep_to_itself();
    mailferry::cli::main(mailferry::ui::main, mailferry::demo::prepare)
}
