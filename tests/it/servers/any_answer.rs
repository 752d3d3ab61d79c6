//! J, "seen to hold": whatever a server does to its answers (another order, in parts, in pieces, late, values missing or unreadable), a
//! pass ends in bounded time, and every message is copied or counted; when answers are as others give them again, nothing is
//! missing, doubled or altered.
//!
//! `ANSWER_SEEDS=0..3000 ANSWER_THREADS=4 cargo test --test it servers::any_answer -- --nocapture` runs as many as are wanted.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use mailferry::domain::retry::Settle;
use mailferry::pass::PassEnd;

use crate::support::bench::{Bench, Ran, runtime};
use crate::support::odd::{self, MODERN, Odd};
use crate::support::seeds::{each, from_environment};

/// No pass of a small mailbox takes longer, whatever is said: pauses are short here.
const BOUND: Duration = Duration::from_secs(60);

/// Numbers as if by chance, the same for a seed.
#[derive(Clone)]
struct Chance(Arc<AtomicU64>);

impl Chance {
    fn of(seed: u64) -> Chance {
        Chance(Arc::new(AtomicU64::new(seed.wrapping_mul(0x5851_f42d_4c95_7f2d))))
    }

    fn below(&self, end: usize) -> usize {
        let mut x = self.0.fetch_add(0x9e37_79b9_7f4a_7c15, Ordering::Relaxed);
        x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((x ^ (x >> 31)) % end.max(1) as u64).expect("small")
    }

    fn one_in(&self, many: usize) -> bool {
        self.below(many) == 0
    }

    fn one_of<'a>(&self, all: &[&'a str]) -> &'a str {
        all[self.below(all.len())]
    }

    fn shuffle<T>(&self, all: &mut [T]) {
        (1..all.len()).for_each(|at| all.swap(at, self.below(at + 1)));
    }
}

/// What stands in place of a value.
const VALUES: [&str; 9] = ["NIL", "-1", "99999999999999999999999", "(", "\"", "()", "{x", "what ever", "\u{7f}\u{1}"];
/// Lines that say nothing.
const NONSENSE: [&str; 8] = [
    "",
    "* what",
    "* OK [INPROGRESS] still here",
    "* 0 RECENT",
    "* SEARCH",
    "Notice: cache miss in mbox.c",
    "* 1 FETCH",
    "* FLAGS NIL",
];

/// Attributes of a FETCH: name and value, a literal with its value.
fn attributes(inside: &str) -> Vec<(String, String)> {
    let literal = ["BODY[", "RFC822.HEADER "].iter().filter_map(|name| inside.find(name)).min();
    let (head, body) = inside.split_at(literal.unwrap_or(inside.len()));
    let names = ["UID ", "FLAGS ", "INTERNALDATE ", "RFC822.SIZE ", "EMAILID "];
    let mut starts: Vec<usize> = names.iter().filter_map(|name| head.find(name)).collect();
    starts.sort_unstable();
    let ends = starts.iter().skip(1).copied().chain([head.len()]);
    let mut all: Vec<(String, String)> = starts
        .iter()
        .zip(ends)
        .filter_map(|(from, to)| head[*from..to].trim().split_once(' '))
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect();
    if let Some((name, value)) = body.split_once(' ') {
        all.push((name.to_owned(), value.to_owned()));
    }
    all
}

fn told(place: &str, all: &[(String, String)]) -> String {
    let all: Vec<String> = all.iter().map(|(name, value)| format!("{name} {value}")).collect();
    format!("* {place} FETCH ({})", all.join(" "))
}

/// A FETCH answer as this server tells it this time.
fn fetch(line: &str, chance: &Chance) -> Option<Vec<String>> {
    let (place, inside) = line.strip_prefix("* ")?.split_once(" FETCH (")?;
    let mut all = attributes(inside.strip_suffix(')')?);
    let at = chance.below(all.len());
    let is_text = all.get(at)?.0.starts_with("BODY") || all[at].0 == "RFC822.HEADER";
    match chance.below(9) {
        // An attribute is missing, or cannot be read.
        0 => drop(all.remove(at)),
        1 | 2 if !is_text => chance.one_of(&VALUES).clone_into(&mut all[at].1),
        1 => "NIL".clone_into(&mut all[at].1),
        3 | 4 => all.rotate_left(at),
        // In two answers, with or without the number in the second.
        5 | 6 => {
            let rest = all.split_off(at);
            let uid = all.iter().find(|(name, _)| name == "UID" && chance.one_in(2)).cloned();
            let rest: Vec<_> = uid.into_iter().chain(rest).collect();
            return Some(vec![told(place, &all), told(place, &rest)]);
        }
        // Twice.
        7 => return Some(vec![line.to_owned(), line.to_owned()]),
        _ => all.push(("X-ODD".to_owned(), chance.one_of(&["NIL", "(a (b \"c)\"))", "7"]).to_owned())),
    }
    Some(vec![told(place, &all)])
}

/// A value of a STATUS or of an opened folder that cannot be read this time.
fn state(line: &str, chance: &Chance) -> Option<Vec<String>> {
    let words = ["HIGHESTMODSEQ ", "UIDNEXT ", "UIDVALIDITY ", "MESSAGES ", "MAILBOXID (", "PERMANENTFLAGS ("];
    let there: Vec<&str> = words.into_iter().filter(|word| line.contains(*word)).collect();
    let word = *there.get(chance.below(there.len()))?;
    let at = line.find(word)? + word.len();
    let (before, rest) = line.split_at(at);
    let value = rest.split([' ', ')', ']']).next()?;
    Some(vec![format!("{before}{}{}", chance.one_of(&VALUES), &rest[value.len()..])])
}

/// A line of LIST with oddities around the name.
fn listed(line: &str, chance: &Chance) -> Option<Vec<String>> {
    let name = line.strip_prefix("* LIST ")?.rsplit_once(" \"/\" ")?.1;
    let attributes = chance.one_of(&["()", "NIL", "(\\HasNoChildren \"x)", "(\\Marked (a))", "(\\X-odd)"]);
    let name = if chance.one_in(3) { name.trim_matches('"') } else { name };
    let line = format!("* LIST {attributes} \"/\" {name}");
    Some(if chance.one_in(5) { vec![line.clone(), line] } else { vec![line] })
}

/// The end of a command, of which only the word counts.
fn end(line: &str, chance: &Chance) -> Option<String> {
    let (tag, rest) = line.split_once(' ')?;
    rest.starts_with("OK").then(|| match chance.below(5) {
        0 => format!("{tag} OK"),
        1 => format!("{tag} OK ["),
        2 => format!("{} ok {}", tag.to_lowercase(), rest.trim_start_matches("OK ")),
        3 => format!("{tag} OK [APPENDUID NIL -1] taken"),
        _ => format!("{tag} OK [APPENDUID 7] taken"),
    })
}

/// How a server tells its answers that tells one in so many oddly.
fn arranged(verb: &str, mut lines: Vec<String>, (chance, many): (&Chance, usize)) -> Vec<String> {
    let Some(mut last) = lines.pop() else { return lines };
    let mut told: Vec<String> = Vec::new();
    for line in lines {
        let odd = chance.one_in(many).then(|| {
            let found = fetch(&line, chance).or_else(|| listed(&line, chance)).or_else(|| state(&line, chance));
            found.or_else(|| {
                Some(vec![format!("* NAMESPACE {}", chance.one_of(&["NIL NIL NIL", "((", "NIL", ""]))])
                    .filter(|_| line.starts_with("* NAMESPACE"))
            })
        });
        told.extend(odd.flatten().unwrap_or_else(|| vec![line]));
        if chance.one_in(many * 3) {
            told.push(chance.one_of(&NONSENSE).to_owned());
        }
    }
    if chance.one_in(4) {
        chance.shuffle(&mut told);
    }
    if chance.one_in(many * 4) {
        std::thread::sleep(Duration::from_millis(5));
    }
    // Messages that come after the end of the command that asked for them.
    let late = if verb == "UID FETCH" && chance.one_in(many * 2) { told.pop() } else { None };
    if chance.one_in(many) {
        last = end(&last, chance).unwrap_or(last);
    }
    told.into_iter().chain([last]).chain(late).collect()
}

/// From now on it tells one answer in so many oddly.
fn bewitch(server: &Odd, chance: &Chance, many: usize) {
    let (here, there) = (chance.clone(), chance.clone());
    let mut state = server.state();
    state.arrange = Some(Arc::new(move |verb, lines| arranged(verb, lines, (&here, many))));
    state.pieces = Some(Arc::new(move |length| match there.one_in(many) {
        true => {
            let mut cuts: Vec<usize> = (0..there.below(3)).map(|_| there.below(length + 2)).collect();
            cuts.sort_unstable();
            cuts
        }
        false => Vec::new(),
    }));
}

/// A message whose text looks like answers.
fn letter(number: u32) -> String {
    let text = ["", "* 1 FETCH (UID 9 FLAGS ())\r\nA5 OK done\r\n", ")\r\n* BYE\r\n", "{5}\r\n+ go on\r\n"];
    format!("{}{}", odd::letter(number), text[number as usize % text.len()])
}

fn fill(server: &Odd, folder: &str, numbers: std::ops::Range<u32>) {
    let mut state = server.state();
    let folder = state.make(folder);
    for number in numbers {
        folder.add(letter(number));
    }
}

/// What a server holds: messages and how often.
fn held(server: &Odd) -> BTreeMap<String, usize> {
    let state = server.state();
    let mut held = BTreeMap::new();
    for letter in state.boxes.iter().flat_map(|folder| &folder.letters) {
        *held.entry(letter.bytes.clone()).or_insert(0) += 1;
    }
    held
}

/// What a pass may do wrong.
#[derive(Clone, Copy)]
struct Judge<'a> {
    servers: &'a [Odd; 2],
    /// What the destination held before: where it does not say that, what is there twice must be named. All else never is.
    before: &'a BTreeMap<String, usize>,
}

impl Judge<'_> {
    /// Messages of the destination's own that lie there more often than at the source.
    fn doubled(self) -> Result<u64, String> {
        let [here, there] = [0, 1].map(|side: usize| held(&self.servers[side]));
        let mut own = 0;
        for (bytes, count) in &there {
            let Some(of) = here.get(bytes) else { return Err(format!("altered: {bytes:?}")) };
            let more = count.saturating_sub(*of) as u64;
            match more > 0 && !self.before.contains_key(bytes) {
                true => return Err(format!("{more} twice: {:?}", odd::subject(bytes))),
                false => own += more,
            }
        }
        Ok(own)
    }

    fn missing(self) -> u64 {
        let [here, there] = [0, 1].map(|side: usize| held(&self.servers[side]));
        here.keys().filter(|bytes| !there.contains_key(*bytes)).count() as u64
    }

    /// Whether it left something behind without a word, or brought something twice. `before`: so many were named in earlier ones.
    fn pass(self, ran: &Ran, before: u64) -> Result<u64, String> {
        let named = match &ran.end {
            PassEnd::Completed { errors, differ } => errors + differ,
            PassEnd::Failed { .. } => u64::MAX / 4,
            PassEnd::Stopped(_) => return Err("stopped".into()),
        };
        let (missing, doubled) = (self.missing(), self.doubled()?);
        match missing > named || doubled > named + before {
            true => Err(format!("{missing} missing, {doubled} twice, {named} named: {:?}", ran.row.progress)),
            false => Ok(named),
        }
    }
}

/// Between two servers that tell their answers oddly, then between the same as others tell them.
async fn case(seed: u64, failed: &AtomicU64) -> Result<(), String> {
    let chance = Chance::of(seed);
    let more = ["OBJECTID", "LITERAL+ UIDPLUS NAMESPACE", "NAMESPACE", "UIDPLUS LITERAL+ MULTIAPPEND NAMESPACE ID", ""];
    let capabilities = || {
        let more = more[chance.below(more.len())];
        if more == "OBJECTID" { format!("{MODERN} {more}") } else { more.to_owned() }
    };
    let servers = [Odd::start(&capabilities()), Odd::start(&capabilities())];
    fill(&servers[0], "INBOX", 0..6);
    fill(&servers[0], "Work", 10..14);
    fill(&servers[0], "Deep/Er", 20..23);
    if chance.one_in(3) {
        fill(&servers[1], "INBOX", 0..2);
    }
    let mut bench = Bench::new((servers[0].port, "anna"), (servers[1].port, "bert")).await;
    bench.pace.settle = Settle::with_base(Duration::from_millis(30));
    bench.options.connections = if chance.one_in(4) { 2 } else { 1 };
    let many = [3, 8, 20][chance.below(3)];
    let odd = [[true, false], [false, true], [true, true]][chance.below(3)];
    for (at, server) in servers.iter().enumerate().filter(|(at, _)| odd[*at]) {
        // Of its own, so that a case is the same each time.
        bewitch(server, &Chance::of(seed * 2 + at as u64 + 1_000_000), many);
    }
    let (began, before) = (Instant::now(), held(&servers[1]));
    let judge = Judge { servers: &servers, before: &before };
    let mut named = 0;
    for pass in 0..2 {
        let ran = bench.run().await;
        failed.fetch_add(u64::from(matches!(ran.end, PassEnd::Failed { .. })), Ordering::Relaxed);
        named += judge.pass(&ran, named).map_err(|told| format!("pass {pass}: {told}"))?;
    }
    if began.elapsed() > BOUND {
        return Err(format!("took {:?}", began.elapsed()));
    }
    servers.iter().for_each(Odd::straighten);
    let (before, ran) = (judge.doubled()?, bench.run().await);
    let (missing, doubled) = (judge.missing(), judge.doubled()?);
    // What is there twice may be named once more.
    let good = matches!(ran.end, PassEnd::Completed { errors: 0, differ } if differ <= before);
    match good && missing == 0 && doubled <= before {
        true => Ok(()),
        false => Err(format!("in the end: {:?}, {missing} missing, {doubled} twice instead of {before}", ran.end)),
    }
}

#[test]
#[expect(clippy::print_stderr, reason = "the counts are asked for")]
fn any_answer_ends_with_every_message_copied_or_counted() {
    let seeds = from_environment("ANSWER_SEEDS", 0..24);
    let threads = from_environment("ANSWER_THREADS", 4..5).start;
    if let Ok(wanted) = std::env::var("MAILFERRY_LOG") {
        tracing_subscriber::fmt().with_env_filter(wanted).with_ansi(false).with_writer(std::io::stderr).init();
    }
    let (count, began) = (seeds.end - seeds.start, Instant::now());
    let failed = AtomicU64::new(0);
    let failures = each(seeds, threads, |seed| runtime().block_on(case(seed, &failed)));
    let (took, failed) = (began.elapsed(), failed.into_inner());
    eprintln!(
        "any answer: {count} cases in {took:?}, {failed} passes failed as a whole, {} went wrong",
        failures.len()
    );
    assert!(failures.is_empty(), "seeds that went wrong: {failures:?}");
}
