//! Feeds mutations of the corpus to the targets, with a stable compiler and without looking at coverage:
//! `cargo run --release --features fuzzing --example fuzz -- SECONDS [TARGET]…`. Ends with 1 and leaves the bytes in
//! `fuzz/artifacts/` when a target panicked.

#![expect(clippy::expect_used, reason = "a corpus that cannot be read, or bytes that cannot be kept, end the run")]

use std::panic::catch_unwind;
use std::path::Path;
use std::time::{Duration, Instant};
use std::{env, fs, process};

use mailferry::fuzzing::{Target, targets};

/// Longest input.
const LONGEST: usize = 4096;
/// Words that parsers look for.
const WORDS: [&[u8]; 36] = [
    b"{3}\r\n",
    b"~{0+}\r\n",
    b"{99999999999999999999}\r\n",
    b"\r\n",
    b"* ",
    b"A1 OK ",
    b"* OK [",
    b"* LIST (",
    b"* 1 FETCH (",
    b"BODY[]",
    b" NIL ",
    b"((((",
    b"))))",
    b"\"",
    b"\\",
    b"APPENDUID 1 1:4294967295",
    b"0",
    b"4294967296",
    b"-1",
    b"&",
    b"&-",
    b"&AGE-",
    b"Source Email,Destination Email\n",
    b"@",
    b"\t",
    b":2,",
    b"source-user=",
    b"&source-password=",
    b"%0d%0a",
    b"&show=yes",
    b"{link}",
    b"?phone ",
    b"<script>",
    b"Bcc: ",
    b".",
    "\u{fc}\u{1f600}".as_bytes(),
];

fn main() {
    let mut arguments = env::args().skip(1);
    let seconds = arguments.next().and_then(|seconds| seconds.parse().ok()).unwrap_or(10);
    let names: Vec<String> = arguments.collect();
    let chosen = targets().filter(|(name, _)| names.is_empty() || names.iter().any(|chosen| chosen == name));
    let found: Vec<&str> =
        chosen.filter(|target| !holds(*target, Duration::from_secs(seconds))).map(|target| target.0).collect();
    if !found.is_empty() {
        process::exit(1);
    }
}

/// Runs a target for so long; whether it held.
fn holds((name, target): Target, time: Duration) -> bool {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz");
    let entries = fs::read_dir(root.join("corpus").join(name)).expect("a corpus");
    let mut corpus: Vec<_> = entries.map(|entry| entry.expect("an entry").path()).collect();
    corpus.sort();
    let corpus: Vec<Vec<u8>> = corpus.iter().map(|file| fs::read(file).expect("readable")).collect();
    let began = Instant::now();
    let mut random = Random(began.elapsed().as_nanos() as u64 ^ u64::from(process::id()) << 20 | 1);
    let mut runs = 0_u64;
    while began.elapsed() < time {
        let data = mutated(&corpus, &mut random);
        runs += 1;
        if catch_unwind(|| target(&data)).is_err() {
            let file = root.join("artifacts").join(format!("{name}-{runs}"));
            fs::create_dir_all(root.join("artifacts")).expect("a folder");
            fs::write(&file, &data).expect("written");
            say(&format!("{name}: panicked in run {runs}; its bytes are in {}", file.display()));
            return false;
        }
    }
    say(&format!("{name}: {runs} runs in {} s, nothing found", began.elapsed().as_secs()));
    true
}

#[expect(clippy::print_stdout, reason = "what this program is for")]
fn say(line: &str) {
    println!("{line}");
}

/// One of the corpus, changed in one place or several.
fn mutated(corpus: &[Vec<u8>], random: &mut Random) -> Vec<u8> {
    let mut data = corpus[random.below(corpus.len())].clone();
    for _ in 0..=random.below(6) {
        let at = random.below(data.len() + 1);
        match random.below(7) {
            0 if at < data.len() => data[at] ^= 1 << random.below(8),
            1 if at < data.len() => data[at] = random.next() as u8,
            2 => data.insert(at, random.next() as u8),
            3 => {
                let end = (at + random.below(16)).min(data.len());
                data.drain(at..end);
            }
            4 => drop(data.splice(at..at, WORDS[random.below(WORDS.len())].iter().copied())),
            5 => {
                let other = &corpus[random.below(corpus.len())];
                let from = random.below(other.len() + 1);
                data.truncate(at);
                data.extend_from_slice(&other[from..]);
            }
            _ => {
                let end = (at + random.below(64)).min(data.len());
                let again = data[at..end].to_vec();
                data.splice(at..at, again);
            }
        }
    }
    data.truncate(LONGEST);
    data
}

/// Random enough (xorshift).
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, end: usize) -> usize {
        (self.next() % end.max(1) as u64) as usize
    }
}
