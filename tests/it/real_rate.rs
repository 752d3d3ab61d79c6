//! The data rate in real time, between real servers, over as many seconds as `MAILFERRY_RATE_SECONDS` says; not run otherwise:
//! `MAILFERRY_RATE_SECONDS=60 cargo test --test it -- --nocapture real_rate` takes seven minutes.

use std::process::Stdio;
use std::time::{Duration, Instant};

use crate::support::dovecot::{self, Format, PASSWORD};
use crate::support::ends::Ends;
use crate::support::imap::{Imap, Message};
use crate::support::product::{PROJECT, Workspace, plain};
use crate::support::relay::PATIENCE;

/// Bytes of a message.
const SIZE: usize = 20_000;
/// Between two readings: other processes want the machine too.
const BETWEEN: Duration = Duration::from_millis(500);

fn fill(port: u16, user: &str, first: usize, messages: usize) {
    let line = "0123456789 abcdefghijklmnopqrstuvwxyz 0123456789 abcdefghijklmnopqrstu\r\n";
    let message = |number: usize| {
        let head = format!("Message-ID: <{number}@rate>\r\nDate: Sat, 1 Feb 2003 04:05:06 +0000\r\n\r\n");
        let body = line.repeat((SIZE - head.len()) / line.len());
        Message::plain(format!("{head}{body}"))
    };
    let all: Vec<Message> = (first..first + messages).map(message).collect();
    Imap::login(port, user, PASSWORD).append_all("INBOX", &all);
}

/// Bytes recorded by all items together.
fn recorded(workspace: &Workspace) -> u64 {
    workspace.status().iter().map(|item| item.number("bytes")).sum()
}

/// What comes in a second, over so many seconds.
fn measured(rate: u64, items: usize, seconds: u64) -> f64 {
    let (from, to) = (dovecot::shared(Format::Sdbox), dovecot::shared_twin(Format::Sdbox));
    let users: Vec<(String, String)> = (0..items).map(|_| (from.user("rate-from"), to.user("rate-to"))).collect();
    let each = usize::try_from(rate * (seconds + 20) / SIZE as u64).expect("fits") / items + 5;
    users.iter().enumerate().for_each(|(at, (user, _))| fill(from.plain_port, user, at * 100_000, each));
    let workspace = Workspace::new();
    workspace.project_new(&plain(from.plain_port), &plain(to.plain_port), &[]);
    workspace.import(&users);
    workspace.run(&["project", "set", PROJECT, &format!("rate={rate}")]).expect(0);
    let mut running = workspace.command(&["start", PROJECT]).stdout(Stdio::null()).spawn().expect("the program starts");
    let began = Instant::now();
    while recorded(&workspace) < rate {
        assert!(began.elapsed() < PATIENCE, "nothing comes");
    }
    let (begun, before) = (Instant::now(), recorded(&workspace));
    let mut last = (begun, before);
    while last.0.duration_since(begun) < Duration::from_secs(seconds) {
        std::thread::park_timeout(BETWEEN);
        // What comes is recorded by groups: only a reading that moved tells when.
        let now = (Instant::now(), recorded(&workspace));
        if now.1 > last.1 {
            last = now;
        }
    }
    running.kill().expect("killed");
    running.ends();
    (last.1 - before) as f64 / last.0.duration_since(begun).as_secs_f64()
}

#[test]
#[expect(clippy::print_stderr, reason = "the figures are asked for")]
fn f5_the_data_rate_holds_within_five_percent_with_one_and_eight_items() {
    let seconds = std::env::var("MAILFERRY_RATE_SECONDS").ok().and_then(|seconds| seconds.parse().ok());
    let Some(seconds) = seconds.filter(|_| dovecot::available()) else { return };
    for rate in [100_000, 500_000, 2_000_000] {
        for items in [1, 8] {
            let came = measured(rate, items, seconds);
            let off = (came / rate as f64 - 1.0) * 100.0;
            eprintln!("{rate} bytes a second, {items} items, {seconds} s: {came:.0} ({off:+.1} %)");
            assert!(off.abs() <= 5.0, "{rate} a second with {items} items: {came:.0}");
        }
    }
}
