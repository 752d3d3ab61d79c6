//! Mailferry beside interimap and mbsync, on real servers, in one run: ratios, since an absolute time says little.
//!
//! `cargo bench --bench compare [-- NAME…]`, NAME one of first, distance, eight, bytes, memory. Two private Dovecots with
//! their stores in memory; only `start` is timed, not setting up. Every round copies into a fresh mailbox; the tools take
//! turns, and the median of the rounds counts. interimap and mbsync (Debian: isync) are used if they are installed.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::unreachable,
    clippy::let_underscore_must_use,
    clippy::too_many_arguments,
    clippy::too_many_lines,
    reason = "what goes wrong ends the measurement"
)]
#![expect(clippy::print_stdout, reason = "its whole purpose is to print")]
#![allow(dead_code, reason = "of the tests' toolbox only a few drawers are opened")]

#[path = "../tests/it/support/mod.rs"]
mod support;

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use mailferry::domain::secret::Secret;
use mailferry::vault::{FileVault, VaultState};
use support::corpus::{Corpus, plain};
use support::dovecot::{Dovecot, Options, PASSWORD};
use support::relay::{Relay, Rules};

const ROUNDS: usize = 5;

/// Where the two sides listen: servers, or relays in front of them.
#[derive(Clone, Copy)]
struct Ports {
    from: u16,
    into: u16,
}

/// A folder in memory if there is one, as the servers' stores are.
fn scratch() -> tempfile::TempDir {
    let shm = Path::new("/dev/shm");
    let base = if shm.is_dir() { shm.to_owned() } else { std::env::temp_dir() };
    tempfile::Builder::new().prefix("mailferry-bench").tempdir_in(base).expect("a folder")
}

const PASSPHRASE: &str = "four words of a bench";

/// What it takes to open an encrypted file of passwords, which no peer has: each process pays it once, on purpose.
fn opening() -> Duration {
    let folder = scratch();
    let open = |state| {
        let begun = Instant::now();
        let passphrase = Secret::new(PASSPHRASE);
        FileVault::open(&folder.path().join(FileVault::FILE), state, "bench", &passphrase).expect("opened");
        begun.elapsed()
    };
    open(VaultState::Unchosen);
    let mut times: Vec<_> = (0..5).map(|_| open(VaultState::Chosen)).collect();
    times.sort();
    times[2]
}

fn mailferry(workspace: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_mailferry"));
    command.arg("--data").arg(workspace.join("data")).args(["--vault", "file"]);
    command.env("MAILFERRY_PASSPHRASE", PASSPHRASE).stdout(Stdio::null()).stderr(Stdio::inherit());
    command
}

fn must(mut command: Command) {
    let status = command.status().expect("to be started");
    assert!(status.success(), "{command:?}: {status}");
}

/// A workspace with one project of these mailboxes, ready to start.
fn workspace(ports: Ports, users: &[(String, String)]) -> tempfile::TempDir {
    let folder = scratch();
    let url = |port: u16| format!("imap+plain://127.0.0.1:{port}");
    let mut new = mailferry(folder.path());
    new.args(["project", "new", "bench", "--source", &url(ports.from), "--destination", &url(ports.into)]);
    must(new);
    let csv = folder.path().join("items.csv");
    let mut file = std::fs::File::create(&csv).expect("a file");
    let head =
        "Source Email,Source Login Name,Source Password,Destination Email,Destination Login Name,Destination Password";
    writeln!(file, "{head}").expect("writing");
    for (from, into) in users {
        writeln!(file, "{from}@a.example,{from},{PASSWORD},{into}@b.example,{into},{PASSWORD}").expect("writing");
    }
    let mut import = mailferry(folder.path());
    import.args(["item", "import", "bench"]).arg(csv);
    must(import);
    folder
}

fn start(workspace: &Path) -> Command {
    let mut start = mailferry(workspace);
    start.args(["start", "bench", "--confirm-direction"]);
    start
}

fn interimap(folder: &Path, ports: Ports, from: &str, into: &str) -> Command {
    let config = folder.join(format!("interimap-{into}"));
    let side = |name: &str, port: u16, user: &str| {
        format!(
            "[{name}]\ntype = imap\nhost = 127.0.0.1\nport = {port}\nSTARTTLS = NO\nusername = {user}\npassword = {PASSWORD}\n"
        )
    };
    let database = folder.join(format!("{into}.db"));
    let text = format!(
        "database = {}\nlist-mailbox = \"*\"\n{}{}",
        database.display(),
        side("local", ports.from, from),
        side("remote", ports.into, into)
    );
    std::fs::write(&config, text).expect("writing");
    let mut command = Command::new("interimap");
    command.arg(format!("--config={}", config.display())).arg("--quiet").stdout(Stdio::null()).stderr(Stdio::null());
    command
}

fn mbsync(folder: &Path, ports: Ports, from: &str, into: &str) -> Command {
    let config = folder.join(format!("mbsync-{into}"));
    let state = folder.join(format!("state-{into}/"));
    std::fs::create_dir_all(&state).expect("a folder");
    let side = |name: &str, port: u16, user: &str| {
        format!(
            "IMAPAccount {name}\nHost 127.0.0.1\nPort {port}\nUser {user}\nPass {PASSWORD}\nSSLType None\nAuthMechs LOGIN\n\n\
             IMAPStore {name}\nAccount {name}\n\n"
        )
    };
    let text = format!(
        "{}{}Channel all\nFar :far:\nNear :near:\nPatterns *\nCreate Near\nSync Pull\nCopyArrivalDate yes\nSyncState {}\n",
        side("far", ports.from, from),
        side("near", ports.into, into),
        state.display()
    );
    std::fs::write(&config, text).expect("writing");
    let mut command = Command::new("mbsync");
    command.arg("-q").arg("-c").arg(config).arg("-a").stdout(Stdio::null()).stderr(Stdio::null());
    command
}

fn installed(tool: &str) -> bool {
    Command::new(tool).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok()
}

/// Runs commands side by side; the time until the last has ended, and the peak memory of the first in megabytes.
fn time(commands: Vec<Command>) -> (Duration, f64) {
    let begun = Instant::now();
    let mut children: Vec<_> = commands.into_iter().map(|mut c| c.spawn().expect("to be started")).collect();
    let status = PathBuf::from(format!("/proc/{}/status", children[0].id()));
    let watcher = std::thread::Builder::new().name("memory".into()).spawn(move || {
        let mut peak = 0.0_f64;
        // The high-water mark only rises, so the last look before the end tells.
        while let Ok(text) = std::fs::read_to_string(&status) {
            let Some(line) = text.lines().find(|line| line.starts_with("VmHWM:")) else { break };
            let kib: f64 = line.split_whitespace().nth(1).and_then(|n| n.parse().ok()).unwrap_or(0.0);
            peak = peak.max(kib / 1000.0);
            std::thread::sleep(Duration::from_millis(5));
        }
        peak
    });
    let watcher = watcher.expect("a thread");
    for child in &mut children {
        let ended = child.wait().expect("an end");
        assert!(ended.success(), "{ended}");
    }
    (begun.elapsed(), watcher.join().expect("a figure"))
}

fn median(mut times: Vec<Duration>) -> f64 {
    times.sort();
    times[times.len() / 2].as_secs_f64()
}

struct Bench {
    from: Dovecot,
    into: Dovecot,
    peers: Vec<&'static str>,
    /// Seconds, of each process.
    opening: f64,
}

impl Bench {
    fn direct(&self) -> Ports {
        Ports { from: self.from.plain_port, into: self.into.plain_port }
    }

    fn load(&self, corpus: &Corpus, user: &str) -> String {
        let user = self.from.user(user);
        corpus.load(&self.from, &user);
        println!("  loaded {} messages, {:.1} MB", corpus.count(), corpus.bytes() as f64 / 1e6);
        user
    }

    /// First pass of one mailbox, then the same again with nothing new.
    fn passes(&self, name: &str, ports: Ports, user: &str, rounds: usize, limits: (f64, f64)) {
        let mut first: Vec<Vec<Duration>> = vec![Vec::new(); 1 + self.peers.len()];
        let mut again = first.clone();
        for round in 0..rounds {
            let folder = scratch();
            let into = self.into.user("ferry");
            let place = workspace(ports, &[(user.to_owned(), into)]);
            first[0].push(time(vec![start(place.path())]).0);
            again[0].push(time(vec![start(place.path())]).0);
            for (at, peer) in self.peers.iter().enumerate() {
                // mbsync takes long at a distance; one round tells enough.
                if *peer == "mbsync" && round > 0 {
                    continue;
                }
                let into = self.into.user(peer);
                let run = |_| match *peer {
                    "interimap" => interimap(folder.path(), ports, user, &into),
                    _ => mbsync(folder.path(), ports, user, &into),
                };
                first[at + 1].push(time(vec![run(())]).0);
                again[at + 1].push(time(vec![run(())]).0);
            }
        }
        self.report(&format!("{name}: first pass"), first, limits.0);
        self.report(&format!("{name}: nothing new"), again, limits.1);
    }

    fn report(&self, what: &str, times: Vec<Vec<Duration>>, limit: f64) {
        let mut times = times.into_iter().filter(|t| !t.is_empty()).map(median);
        let own = times.next().unwrap_or(f64::NAN);
        println!("{what}: mailferry {own:.3} s, of which {:.3} s to open the passwords", self.opening);
        for (peer, theirs) in self.peers.iter().zip(times) {
            let aim = if *peer == "interimap" { format!(" (aim: at most {limit:.1})") } else { String::new() };
            let without = (own - self.opening) / theirs;
            println!("    {peer} {theirs:.3} s, ratio {:.2}, without opening {without:.2}{aim}", own / theirs);
        }
    }

    fn distance(&self, corpus: &Corpus) {
        let user = self.load(corpus, "distance");
        let rules = || Rules::delaying(Duration::from_millis(40));
        let (from, into) = (Relay::start(self.from.plain_port, rules()), Relay::start(self.into.plain_port, rules()));
        let ports = Ports { from: from.port, into: into.port };
        self.passes("40 ms round trip, 2,000 messages", ports, &user, 3, (0.7, 2.0));
    }

    fn eight(&self) {
        let corpus = plain(1500);
        let users: Vec<String> = (0..8).map(|n| self.load(&corpus, &format!("eight{n}"))).collect();
        let (mut own, mut theirs) = (Vec::new(), Vec::new());
        for _ in 0..ROUNDS {
            let folder = scratch();
            let pairs: Vec<_> = users.iter().map(|user| (user.clone(), self.into.user("ferry"))).collect();
            let place = workspace(self.direct(), &pairs);
            let (elapsed, peak) = time(vec![start(place.path())]);
            own.push(elapsed);
            println!("  eight at once: {:.2} s, peak {peak:.0} MB", elapsed.as_secs_f64());
            if self.peers.contains(&"interimap") {
                let run = |user: &String| interimap(folder.path(), self.direct(), user, &self.into.user("interimap"));
                theirs.push(time(users.iter().map(run).collect()).0);
            }
        }
        let mut times = vec![own];
        times.push(theirs);
        self.report("8 mailboxes of 1,500 at once", times, 1.0);
    }

    /// What a destination without UIDPLUS tells for each message in a first pass: the same however many there are.
    fn bytes(&self) {
        let into = Relay::start(self.into.plain_port, Rules::hiding(&["UIDPLUS"]));
        let ports = Ports { from: self.from.plain_port, into: into.port };
        for count in [2_500, 10_000, 40_000] {
            let user = self.load(&plain(count), &format!("bytes{count}"));
            let place = workspace(ports, &[(user, self.into.user("ferry"))]);
            let before = into.counters();
            time(vec![start(place.path())]);
            let after = into.counters();
            let each = |bytes: u64| bytes as f64 / f64::from(u32::try_from(count).expect("small"));
            let (told, sent) = (each(after.down - before.down), each(after.up - before.up));
            println!("{count} messages without UIDPLUS: {told:.0} bytes told and {sent:.0} sent for each");
        }
    }

    fn memory(&self) {
        let mut corpus = plain(24);
        for folder in &mut corpus.folders {
            folder.messages.truncate(1);
            let line = b"0123456789012345678901234567890123456789012345678901234567890123456789\r\n";
            folder.messages[0].bytes.extend(line.repeat(25_000_000 / line.len()));
        }
        corpus.folders.truncate(4);
        let users: Vec<String> = (0..8).map(|n| self.load(&corpus, &format!("large{n}"))).collect();
        let pairs: Vec<_> = users.iter().map(|user| (user.clone(), self.into.user("ferry"))).collect();
        let place = workspace(self.direct(), &pairs);
        let (elapsed, peak) = time(vec![start(place.path())]);
        println!("8 mailboxes of 25 MB messages: {:.2} s, peak {peak:.0} MB (aim: below 200)", elapsed.as_secs_f64());
    }
}

fn main() {
    let wanted: Vec<String> = std::env::args().skip(1).filter(|a| !a.starts_with("--")).collect();
    let runs = |name: &str| wanted.is_empty() || wanted.iter().any(|w| w == name);
    let peers = ["interimap", "mbsync"].into_iter().filter(|tool| installed(tool)).collect();
    let (from, into) = (Dovecot::start(Options::sdbox()), Dovecot::start(Options::sdbox()));
    let bench = Bench { from, into, peers, opening: opening().as_secs_f64() };
    println!("beside: {:?}", bench.peers);
    if runs("first") {
        let user = bench.load(&plain(10_000), "first");
        bench.passes("10,000 messages", bench.direct(), &user, ROUNDS, (1.0, 2.0));
    }
    if runs("distance") {
        bench.distance(&plain(2000));
    }
    if runs("eight") {
        bench.eight();
    }
    if runs("bytes") {
        bench.bytes();
    }
    if runs("memory") {
        bench.memory();
    }
}
