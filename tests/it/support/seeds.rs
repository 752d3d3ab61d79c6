//! Cases by number, some of them side by side; each that goes wrong is told with its number.

use std::collections::BTreeSet;
use std::ops::Range;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

/// A number or a range of numbers from the environment.
pub fn from_environment(name: &str, default: Range<u64>) -> Range<u64> {
    let Ok(text) = std::env::var(name) else { return default };
    let number = |text: &str| text.parse().unwrap_or_else(|_| panic!("{name}={text} is no number"));
    text.split_once("..").map_or_else(|| number(&text)..number(&text) + 1, |(from, to)| number(from)..number(to))
}

/// The numbers of those that went wrong.
#[expect(clippy::print_stderr, reason = "the stories are asked for")]
pub fn each(seeds: Range<u64>, threads: u64, case: impl Fn(u64) -> Result<(), String> + Sync) -> BTreeSet<u64> {
    let (next, failures) = (AtomicU64::new(seeds.start), Mutex::new(BTreeSet::new()));
    std::thread::scope(|scope| {
        for _ in 0..threads {
            let thread = std::thread::Builder::new().name("case".into());
            let cases = || {
                loop {
                    let seed = next.fetch_add(1, Ordering::SeqCst);
                    if seed >= seeds.end {
                        return;
                    }
                    if let Err(story) = case(seed) {
                        eprintln!("== went wrong: {story}\n== end of seed {seed}");
                        failures.lock().expect("no panic").insert(seed);
                    }
                }
            };
            thread.spawn_scoped(scope, cases).expect("a thread");
        }
    });
    failures.into_inner().expect("no panic")
}
