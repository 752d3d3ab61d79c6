//! `mailferry demo` as a newcomer runs it: it ends by itself with the table, and nothing stays behind.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};

use crate::support::ends::{Ended, Ends};

fn demo(temporary: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_mailferry"));
    command.args(["demo", "--headless"]).env("TMPDIR", temporary).env("TMP", temporary).env("TEMP", temporary);
    command.stdin(Stdio::null());
    command
}

fn is_empty(folder: &Path) -> bool {
    std::fs::read_dir(folder).expect("a folder").next().is_none()
}

#[test]
fn the_demo_ends_with_its_table_two_refusals_and_exit_code_0() {
    let temporary = tempfile::tempdir().expect("a folder");
    let output = demo(temporary.path()).ended();
    let (text, errors) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert_eq!(output.status.code(), Some(0), "{text}\n{errors}");
    let total = text.lines().find(|line| line.starts_with("Total")).expect("a total");
    let cells: Vec<&str> = total.split("  ").map(str::trim).filter(|cell| !cell.is_empty()).collect();
    assert_eq!(cells[1], "12 mailboxes");
    assert!(cells[3].parse::<u32>().expect("messages") > 2000, "{total}");
    assert_eq!(cells[5], "2", "{total}");
    assert_eq!(text.matches("Too big for the destination").count(), 2, "{text}");
    assert!(text.contains("14/14") && errors.is_empty(), "{errors}");
    assert!(is_empty(temporary.path()), "something stayed behind");
}

#[cfg(unix)]
#[test]
fn ctrl_c_ends_the_demo_and_nothing_stays_behind() {
    let temporary = tempfile::tempdir().expect("a folder");
    let errors = stopped_while_copying(&mut demo(temporary.path()), "-INT");
    assert!(errors.starts_with("Stopping: ") && errors.lines().count() == 1, "{errors}");
    assert!(is_empty(temporary.path()), "something stayed behind");
}

#[cfg(unix)]
#[test]
fn without_a_window_to_be_had_the_demo_runs_in_the_terminal_and_says_why() {
    for (display, why) in [("", "there is no display for a window here"), (":64999", "the window could not be opened")]
    {
        let temporary = tempfile::tempdir().expect("a folder");
        let mut command = Command::new(env!("CARGO_BIN_EXE_mailferry"));
        command.arg("demo").env("TMPDIR", temporary.path()).stdin(Stdio::null());
        command.env("DISPLAY", display).env_remove("WAYLAND_DISPLAY");
        let errors = stopped_while_copying(&mut command, "-TERM");
        let first = errors.lines().next().expect("a reason");
        assert!(first.contains(why) && first.ends_with("; the demo goes on in the terminal"), "{errors}");
        assert_eq!(errors.lines().count(), 2, "the reason, and that it stops: {errors}");
        assert!(is_empty(temporary.path()), "something stayed behind");
    }
}

/// Runs a demo in the terminal until it copies, stops it by a signal, and gives back what it said on standard error.
#[cfg(unix)]
fn stopped_while_copying(command: &mut Command, signal: &str) -> String {
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it starts");
    let mut lines = BufReader::new(child.stdout.take().expect("its output")).lines().map_while(Result::ok);
    lines.find(|line| line.contains("Copying")).expect("it copies");
    assert!(Command::new("kill").args([signal, &child.id().to_string()]).status().expect("kill").success());
    let rest: Vec<String> = lines.collect();
    let output = child.ends_with_output();
    assert_eq!(output.status.code(), Some(1));
    assert!(rest.iter().any(|line| line.starts_with("Stopped.")), "{rest:#?}");
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn the_demo_has_a_workspace_of_its_own() {
    let temporary = tempfile::tempdir().expect("a folder");
    let output = demo(temporary.path()).arg("--data").arg(temporary.path()).ended();
    assert_eq!(output.status.code(), Some(2));
    assert!(is_empty(temporary.path()));
}
