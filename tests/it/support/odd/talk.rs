//! What the odd server understands and answers.

use std::collections::BTreeSet;
use std::sync::Mutex;

use super::super::peer::Line;
use super::super::relay::{Heard, Said};
use super::{Box, Letter, State, lock};

/// A command with its literals.
struct Command {
    tag: String,
    verb: String,
    arguments: String,
    literals: Vec<String>,
}

/// Plays one connection to its end.
pub(super) fn talk(line: Line, state: &Mutex<State>) {
    let full = {
        let mut state = lock(state);
        state.open += 1;
        state.most_open = state.most_open.max(state.open.min(state.allowed));
        state.open > state.allowed
    };
    let counted = if full {
        refuse(line);
        true
    } else {
        welcome(line, state)
    };
    if counted {
        lock(state).open -= 1;
    }
}

/// As a server does that counts.
fn refuse(mut line: Line) {
    line.say("* BYE Too many connections");
    line.close();
}

/// Whether it counts as open still: one that says goodbye does not, before it is answered, so that the next may come at once.
fn welcome(mut line: Line, state: &Mutex<State>) -> bool {
    let greeting = "* OK [CAPABILITY IMAP4rev1] an odd server";
    let bend = lock(state).bend.clone();
    let heard = Heard { verb: "GREETING", arguments: "", folder: "", line: greeting };
    match bend.map_or(Said::Kept, |bend| bend(&heard)) {
        Said::Kept => line.say(greeting),
        Said::Nothing => {}
        Said::Instead(other) => {
            line.say(&other);
            if other.contains("* BYE") {
                line.close();
                return true;
            }
        }
    }
    let mut open = String::new();
    let mut counted = true;
    while let Some(command) = read(&mut line) {
        let mut state = lock(state);
        let unasked = command.arguments.contains("+}") && !state.can("LITERAL+");
        assert!(!unasked, "not advertised: {}", command.arguments);
        state.heard.push(format!("{} {}", command.verb, command.arguments));
        if command.verb == "SELECT" || command.verb == "EXAMINE" {
            open = first(&command.arguments).0;
        }
        let denied = state.deny.clone().and_then(|deny| deny(&command.verb, &command.arguments));
        let (mut lines, result) = match denied {
            Some(result) => (Vec::new(), result),
            None => answer(&mut state, &command, &open),
        };
        lines.push(format!("{} {result}", command.tag));
        if command.verb == "LOGOUT" && std::mem::take(&mut counted) {
            state.open -= 1;
        }
        let (bend, arrange, pieces) = (state.bend.clone(), state.arrange.clone(), state.pieces.clone());
        drop(state);
        if let Some(arrange) = arrange {
            lines = arrange(&command.verb, lines);
        }
        for answer in lines {
            let heard = Heard { verb: &command.verb, arguments: &command.arguments, folder: &open, line: &answer };
            match bend.as_ref().map_or(Said::Kept, |bend| bend(&heard)) {
                Said::Kept => line.say_in_pieces(&answer, &pieces.as_ref().map_or(vec![], |cuts| cuts(answer.len()))),
                Said::Nothing => {}
                Said::Instead(other) => {
                    line.say(&other);
                    if other.contains("* BYE") {
                        line.close();
                        return counted;
                    }
                }
            }
        }
        if command.verb == "LOGOUT" {
            line.close();
            break;
        }
    }
    counted
}

fn read(line: &mut Line) -> Option<Command> {
    let mut text = line.read()?;
    let mut literals = Vec::new();
    while let Some((_, inside)) = text.strip_suffix('}').and_then(|text| text.rsplit_once('{')) {
        let length = inside.trim_end_matches('+').parse().ok()?;
        if !inside.ends_with('+') {
            line.say("+ go on");
        }
        literals.push(line.bytes(length)?);
        // What follows stands apart, so that the literal's length is not at the end again.
        text.push(' ');
        text.push_str(&line.read()?);
    }
    let (tag, rest) = text.split_once(' ')?;
    let (verb, arguments) = rest.split_once(' ').unwrap_or((rest, ""));
    let (mut verb, mut arguments) = (verb.to_uppercase(), arguments.to_owned());
    if verb == "UID" {
        let (second, rest) = arguments.split_once(' ')?;
        verb = format!("UID {}", second.to_uppercase());
        arguments = rest.to_owned();
    }
    Some(Command { tag: tag.to_owned(), verb, arguments, literals })
}

/// The first string and what follows it.
fn first(arguments: &str) -> (String, &str) {
    match arguments.strip_prefix('"') {
        Some(rest) => rest.split_once('"').map_or((rest.to_owned(), ""), |(name, rest)| (name.to_owned(), rest.trim())),
        None => arguments.split_once(' ').map_or((arguments.to_owned(), ""), |(name, rest)| (name.to_owned(), rest)),
    }
}

fn answer(state: &mut State, command: &Command, open: &str) -> (Vec<String>, String) {
    let done = |lines| (lines, "OK done".to_owned());
    if state.plain_only && is_beyond(command) {
        return (Vec::new(), "BAD what is that?".into());
    }
    match command.verb.as_str() {
        "LOGIN" | "CAPABILITY" => done(vec![format!("* CAPABILITY IMAP4rev1 {}", state.capabilities)]),
        "NAMESPACE" => done(vec!["* NAMESPACE ((\"\" \"/\")) NIL NIL".into()]),
        "ID" => done(vec!["* ID NIL".into()]),
        "LIST" => done(list(state, &command.arguments)),
        "LSUB" | "NOOP" | "ENABLE" | "SUBSCRIBE" | "UNSELECT" => done(Vec::new()),
        "LOGOUT" => done(vec!["* BYE bye".into()]),
        "STATUS" => {
            let (name, items) = first(&command.arguments);
            match state.boxes.iter().find(|one| one.name == name) {
                Some(found) => done(vec![status(found, items)]),
                None => (Vec::new(), "NO [NONEXISTENT] no such folder".into()),
            }
        }
        "SELECT" | "EXAMINE" => select(state, open),
        "CREATE" => create(state, &first(&command.arguments).0),
        "APPEND" => append(state, command),
        "UID FETCH" => {
            let (set, items) = command.arguments.split_once(' ').unwrap_or((&command.arguments, ""));
            let set = &narrowed(set, state.narrow);
            let most = state.most;
            let found = opened(state, open);
            let (numbers, result) = limited(most, found, numbers(found, set));
            (numbers.into_iter().map(|at| fetch(found, at, items)).collect(), result)
        }
        "FETCH" => {
            let (place, items) = command.arguments.split_once(' ').unwrap_or((&command.arguments, ""));
            let (found, place) = (opened(state, open), place.parse::<usize>().expect("one place"));
            done(found.letters.get(place - 1).map(|_| fetch(found, place - 1, items)).into_iter().collect())
        }
        "UID STORE" => {
            let most = state.most;
            (Vec::new(), store(most, opened(state, open), &command.arguments))
        }
        other => (Vec::new(), format!("BAD {other} is not known here")),
    }
}

/// Whether a command has a form that RFC 3501 does not know, or that is rarely met.
fn is_beyond(command: &Command) -> bool {
    let forms: &[&str] = match command.verb.as_str() {
        "LIST" => &["RETURN"],
        "STATUS" => &["HIGHESTMODSEQ", "MAILBOXID"],
        "UID FETCH" => &["EMAILID", "BODY.PEEK[HEADER]"],
        "APPEND" => &["+}"],
        _ => &[],
    };
    forms.iter().any(|form| command.arguments.contains(form))
}

fn opened<'a>(state: &'a mut State, open: &str) -> &'a mut Box {
    state.boxes.iter_mut().find(|one| one.name == open).expect("an open folder")
}

fn list(state: &State, arguments: &str) -> Vec<String> {
    let items = arguments.split_once("STATUS ").map(|(_, items)| items);
    let mut lines = Vec::new();
    for one in &state.boxes {
        lines.push(format!("* LIST ({}) \"/\" \"{}\"", one.attributes, one.name));
        if let Some(items) = items.filter(|_| !one.attributes.to_lowercase().contains("\\noselect")) {
            lines.push(status(one, items));
        }
    }
    lines
}

fn status(one: &Box, items: &str) -> String {
    let told = items.trim_matches(['(', ')']).split(' ').filter_map(|item| match item.trim_matches(')') {
        "MESSAGES" => Some(format!("MESSAGES {}", one.letters.len())),
        "UIDNEXT" => Some(format!("UIDNEXT {}", one.next)),
        "UIDVALIDITY" => Some(format!("UIDVALIDITY {}", one.validity)),
        "HIGHESTMODSEQ" => Some(format!("HIGHESTMODSEQ {}", one.modseq)),
        "MAILBOXID" => Some(format!("MAILBOXID ({})", one.id)),
        "SIZE" => Some(format!("SIZE {}", one.letters.iter().map(|letter| letter.bytes.len()).sum::<usize>())),
        _ => None,
    });
    format!("* STATUS \"{}\" ({})", one.name, told.collect::<Vec<_>>().join(" "))
}

fn select(state: &State, open: &str) -> (Vec<String>, String) {
    let Some(one) = state.boxes.iter().find(|one| one.name == open) else {
        return (Vec::new(), "NO [NONEXISTENT] no such folder".into());
    };
    let mut lines = vec![
        "* FLAGS (\\Answered \\Flagged \\Deleted \\Seen \\Draft)".into(),
        format!("* {} EXISTS", one.letters.len()),
        "* 0 RECENT".into(),
        format!("* OK [UIDVALIDITY {}] the numbers", one.validity),
        format!("* OK [UIDNEXT {}] the next", one.next),
        "* OK [PERMANENTFLAGS (\\Answered \\Flagged \\Deleted \\Seen \\Draft \\*)] kept".into(),
    ];
    if state.can("CONDSTORE") {
        lines.push(format!("* OK [HIGHESTMODSEQ {}] the changes", one.modseq));
    }
    if state.can("OBJECTID") {
        lines.push(format!("* OK [MAILBOXID ({})] the folder", one.id));
    }
    (lines, "OK opened".into())
}

fn create(state: &mut State, name: &str) -> (Vec<String>, String) {
    if state.boxes.iter().any(|one| one.name == name) {
        return (Vec::new(), "NO [ALREADYEXISTS] it is there".into());
    }
    state.make(name);
    (Vec::new(), "OK made".into())
}

fn append(state: &mut State, command: &Command) -> (Vec<String>, String) {
    let (name, rest) = first(&command.arguments);
    assert!(command.literals.len() < 2 || state.can("MULTIAPPEND"), "not advertised: {}", command.arguments);
    if let Some(most) = state.most.filter(|most| command.literals.len() > *most) {
        return (Vec::new(), format!("NO [MESSAGELIMIT {most}] that is too many"));
    }
    if let Some((refusal, meanwhile)) = state.refuse.clone().and_then(|refuse| refuse(&command.literals)) {
        meanwhile.into_iter().for_each(|bytes| drop(append_one(state, &name, "", bytes)));
        return (Vec::new(), refusal);
    }
    let mut answer = (Vec::new(), "BAD no message".to_owned());
    // What stands before each literal.
    let heads = rest.split('}').collect::<Vec<_>>();
    for (head, bytes) in heads.into_iter().zip(command.literals.clone()) {
        answer = append_one(state, &name, head, bytes);
    }
    answer
}

fn append_one(state: &mut State, name: &str, rest: &str, bytes: String) -> (Vec<String>, String) {
    let flags: BTreeSet<String> = match rest.split_once('(').and_then(|(_, rest)| rest.split_once(')')) {
        Some((flags, _)) => flags.split_whitespace().map(str::to_owned).collect(),
        None => BTreeSet::new(),
    };
    let kept = |flag: &String| state.keep.as_ref().is_none_or(|keep| keep(name, flag));
    let flags = flags.into_iter().filter(kept).collect();
    let told = rest.split('"').nth(1).unwrap_or("02-Jan-2020 00:00:00 +0000").to_owned();
    let date = state.own_date.clone().unwrap_or(told);
    let bytes = match state.receive.clone() {
        Some(receive) => receive(name, bytes),
        None => Some(bytes),
    };
    let (tells, found) = (state.can("UIDPLUS"), state.boxes.iter_mut().find(|one| one.name == name));
    match (found, bytes) {
        (None, _) => (Vec::new(), "NO [TRYCREATE] no such folder".into()),
        (Some(_), None) => (Vec::new(), "OK taken".into()),
        (Some(one), Some(bytes)) => {
            let uid = one.deliver(bytes, flags, date);
            let told = if tells { format!("[APPENDUID {} {uid}] ", one.validity) } else { String::new() };
            (Vec::new(), format!("OK {told}taken"))
        }
    }
}

/// A set of numbers, each lower by so much.
fn narrowed(set: &str, by: Option<u64>) -> String {
    let Some(by) = by else { return set.to_owned() };
    let number = |text: &str| text.parse::<u64>().map_or(text.to_owned(), |wide| wide.saturating_sub(by).to_string());
    let part = |part: &str| part.split(':').map(number).collect::<Vec<_>>().join(":");
    set.split(',').map(part).collect::<Vec<_>>().join(",")
}

/// Positions of the messages that a set of numbers names.
fn numbers(one: &Box, set: &str) -> Vec<usize> {
    let last = one.letters.last().map_or(0, |letter| letter.uid);
    let number = |text: &str| if text == "*" { last } else { text.parse().unwrap_or(0) };
    let ranges: Vec<(u32, u32)> = set
        .split(',')
        .map(|part| {
            let (from, to) = part.split_once(':').unwrap_or((part, part));
            let (from, to) = (number(from), number(to));
            (from.min(to), from.max(to))
        })
        .collect();
    let named = |letter: &Letter| ranges.iter().any(|(from, to)| (*from..=*to).contains(&letter.uid));
    one.letters.iter().enumerate().filter(|(_, letter)| named(letter)).map(|(at, _)| at).collect()
}

/// What is done of it: the newest, if it is more than so many.
fn limited(most: Option<usize>, one: &Box, mut numbers: Vec<usize>) -> (Vec<usize>, String) {
    match most.filter(|most| numbers.len() > *most) {
        None => (numbers, "OK done".to_owned()),
        Some(most) => {
            numbers.drain(..numbers.len() - most);
            numbers.reverse();
            let last = numbers.last().map_or(0, |at| one.letters[*at].uid);
            (numbers, format!("OK [MESSAGELIMIT {most} {last}] that is too many"))
        }
    }
}

fn fetch(one: &Box, at: usize, items: &str) -> String {
    let letter = &one.letters[at];
    let mut told = Vec::new();
    let header = || {
        let end = letter.bytes.find("\r\n\r\n").map_or(letter.bytes.len(), |end| end + 4);
        letter.bytes[..end].to_owned()
    };
    for item in items.trim_matches(['(', ')']).split(' ') {
        told.push(match item {
            "UID" => format!("UID {}", letter.uid),
            "FLAGS" => format!("FLAGS ({})", letter.flags.iter().cloned().collect::<Vec<_>>().join(" ")),
            "RFC822.SIZE" => format!("RFC822.SIZE {}", letter.bytes.len()),
            "INTERNALDATE" => format!("INTERNALDATE \"{}\"", letter.date),
            "MODSEQ" => format!("MODSEQ ({})", one.modseq),
            "EMAILID" => format!("EMAILID (E{})", letter.id),
            "X-GM-MSGID" => format!("X-GM-MSGID {}", letter.id),
            "BODY.PEEK[]" => format!("BODY[] {{{}}}\r\n{}", letter.bytes.len(), letter.bytes),
            "RFC822.HEADER" => format!("RFC822.HEADER {{{}}}\r\n{}", header().len(), header()),
            "BODY.PEEK[HEADER]" => format!("BODY[HEADER] {{{}}}\r\n{}", header().len(), header()),
            other => panic!("an item that the odd server does not know: {other}"),
        });
    }
    format!("* {} FETCH ({})", at + 1, told.join(" "))
}

fn store(most: Option<usize>, one: &mut Box, arguments: &str) -> String {
    let mut words = arguments.splitn(3, ' ');
    let (set, how, flags) = (words.next().unwrap_or(""), words.next().unwrap_or(""), words.next().unwrap_or(""));
    let flags: Vec<String> = flags.trim_matches(['(', ')']).split_whitespace().map(str::to_owned).collect();
    let (numbers, result) = limited(most, one, numbers(one, set));
    for at in numbers {
        let kept = &mut one.letters[at].flags;
        match how.as_bytes().first() {
            Some(b'+') => kept.extend(flags.iter().cloned()),
            Some(b'-') => kept.retain(|flag| !flags.contains(flag)),
            _ => *kept = flags.iter().cloned().collect(),
        }
    }
    one.modseq += 1;
    result
}
