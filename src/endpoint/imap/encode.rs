//! Commands as they go out: strings as quoted or literal, sequence sets, and the refusal of anything that could smuggle a
//! second command in.
//!
//! Pure. Which literal form is used (synchronising or not) is the connection's choice.

#![deny(clippy::indexing_slicing, clippy::string_slice, reason = "it reads what strangers wrote")]

use super::echo::Echoes;
use crate::domain::failure::{Cause, Failure, Retry, Scope};
use crate::domain::folder::WireName;
use crate::domain::ids::Uid;
use crate::domain::message::Body;
use crate::endpoint::Which;

/// Longest command line written.
const LONGEST: usize = 8000;
/// Windows of numbers in one flight.
const WINDOWS: i64 = 4000;
/// The greatest UID of RFC 9051. Greater ones are met; of what reaches further the end is not named.
const LAST: i64 = u32::MAX as i64;

/// A part of a command.
pub(super) enum Piece {
    /// RespText of the command line.
    Text(Vec<u8>),
    /// A string that cannot be quoted.
    Literal(Vec<u8>),
    /// A message.
    Body(Body),
    /// A line of its own, sent when the server asked for it with `+`.
    Reply(Vec<u8>),
}

/// A command without its tag.
#[derive(Default)]
pub(super) struct ImapCommand {
    /// Its parts in order.
    pub(super) pieces: Vec<Piece>,
    /// Holds a password: no log shows more than its first word.
    pub(super) secret: bool,
    /// No literal of it goes out before the server asked for it.
    pub(super) asking: bool,
    /// The folders that it names.
    pub(super) names: Echoes,
}

impl ImapCommand {
    /// A command that begins with this text.
    pub(super) fn new(text: &str) -> Self {
        Self { pieces: vec![Piece::Text(text.as_bytes().to_vec())], ..Self::default() }
    }

    /// Adds text.
    #[must_use]
    pub(super) fn text(mut self, text: &str) -> Self {
        self.push(text.as_bytes());
        self
    }

    fn push(&mut self, text: &[u8]) {
        match self.pieces.last_mut() {
            Some(Piece::Text(last)) => last.extend_from_slice(text),
            _ => self.pieces.push(Piece::Text(text.to_vec())),
        }
    }

    /// Adds a blank and a string, quoted if it can be (RFC 9051 `quoted`), else as a literal. CR, LF and NUL are refused.
    pub(super) fn string(mut self, value: &[u8]) -> Result<Self, Failure> {
        if value.iter().any(|b| matches!(b, b'\r' | b'\n' | 0)) {
            return Err(unsendable("a name or word with a line break or NUL in it"));
        }
        self.push(b" ");
        if value.is_ascii() && value.len() < 1000 {
            let mut quoted = Vec::with_capacity(value.len() + 2);
            quoted.push(b'"');
            for byte in value {
                if matches!(byte, b'"' | b'\\') {
                    quoted.push(b'\\');
                }
                quoted.push(*byte);
            }
            quoted.push(b'"');
            self.push(&quoted);
        } else {
            self.pieces.push(Piece::Literal(value.to_vec()));
        }
        Ok(self)
    }

    /// Adds a folder name.
    pub(super) fn folder(mut self, name: &WireName) -> Result<Self, Failure> {
        self.names.folder(&name.0);
        self.string(&name.0)
    }
}

fn unsendable(what: &str) -> Failure {
    Failure::new(Cause::CommandRefused, Scope::Folder, Retry::Never, "writing a command")
        .saying(format!("not sent: {what}"))
}

/// Messages that one command asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Portion {
    /// As they are named in it.
    pub(super) set: String,
    /// The same.
    pub(super) which: Which,
}

/// What names these messages, each short enough for one command and about no more messages than a server lets one be about;
/// none for no messages.
pub(super) fn portions(which: &Which, most: Option<u32>) -> Vec<Portion> {
    let range = |set: String| vec![Portion { set, which: which.clone() }];
    match which {
        Which::All => range("1:*".into()),
        // Nobody needs a number that RFC 9051 does not have: `n:*` names the last message anyway.
        Which::From(uid) if uid.0 == LAST + 1 => range(format!("{LAST}:*")),
        Which::From(uid) => range(format!("{}:*", uid.0.max(1))),
        Which::Before(end) => between(1, end.0, most),
        Which::Range(first, end) => between(first.0.max(1), end.0, most),
        Which::These(uids) => portions_of(uids, most),
    }
}

/// The messages from the first on and below the end. Where a command may be about so many only, in windows of as many numbers,
/// unless these are very many: then the server says how far it came.
fn between(first: i64, end: i64, most: Option<u32>) -> Vec<Portion> {
    let last = end.saturating_sub(1);
    if first > last {
        return Vec::new();
    }
    if last > LAST {
        return vec![Portion { set: format!("{first}:*"), which: Which::Range(Uid(first), Uid(end)) }];
    }
    let all = last - first + 1;
    let width = most.map(i64::from).filter(|most| *most > 0 && all / most < WINDOWS).unwrap_or(all);
    let starts = (0..).map(|n| first + n * width).take_while(|from| *from <= last);
    let window = |from: i64| {
        let to = (from + width - 1).min(last);
        Portion { set: format!("{from}:{to}"), which: Which::Range(Uid(from), Uid(to + 1)) }
    };
    starts.map(window).collect()
}

/// As [`portions`], for a list of messages.
pub(super) fn portions_of(uids: &[Uid], most: Option<u32>) -> Vec<Portion> {
    let mut numbers: Vec<i64> = uids.iter().map(|uid| uid.0).filter(|number| *number > 0).collect();
    numbers.sort_unstable();
    numbers.dedup();
    let most = most.and_then(|most| usize::try_from(most).ok()).filter(|most| *most > 0);
    numbers.chunks(most.unwrap_or(numbers.len()).max(1)).flat_map(in_lines).collect()
}

/// In sets that fit into a line.
fn in_lines(numbers: &[i64]) -> Vec<Portion> {
    let mut portions = Vec::new();
    let (mut set, mut named) = (String::new(), Vec::new());
    let mut portion = |set: &mut String, named: &mut Vec<Uid>| {
        let which = Which::These(std::mem::take(named));
        portions.push(Portion { set: std::mem::take(set), which });
    };
    for run in numbers.chunk_by(|a, b| a.checked_add(1) == Some(*b)) {
        let (Some(first), Some(last)) = (run.first(), run.last()) else { continue };
        if set.len() > LONGEST - 200 {
            portion(&mut set, &mut named);
        }
        if !set.is_empty() {
            set.push(',');
        }
        set.push_str(&first.to_string());
        if last > first {
            set.push(':');
            set.push_str(&last.to_string());
        }
        named.extend(run.iter().copied().map(Uid));
    }
    if !set.is_empty() {
        portion(&mut set, &mut named);
    }
    portions
}

/// Whether `which` names this message.
pub(super) fn names(which: &Which, uid: Uid) -> bool {
    which.includes(uid)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn sets(which: &Which) -> Vec<String> {
        portions(which, None).into_iter().map(|portion| portion.set).collect()
    }

    fn uids(set: &str) -> Vec<i64> {
        let range = |part: &str| {
            let (a, b) = part.split_once(':').unwrap_or((part, part));
            a.parse::<i64>().expect("number")..=b.parse().expect("number")
        };
        set.split(',').flat_map(range).collect()
    }

    #[test]
    fn sets_are_short_and_exact() {
        let these = |uids: &[i64]| sets(&Which::These(uids.iter().copied().map(Uid).collect()));
        assert_eq!(these(&[]), Vec::<String>::new());
        assert_eq!(these(&[1, 2, 3, 5, 7, 8, 4_294_967_295]), ["1:3,5,7:8,4294967295"]);
        assert_eq!(these(&[0, -4]), Vec::<String>::new());
        assert_eq!(these(&[7, 4_294_967_296, i64::MAX]), ["7,4294967296,9223372036854775807"], "wider than RFC 9051");
        let odd: Vec<i64> = (1..20_000).map(|n| 4_000_000_000 + n * 2).collect();
        let sets = these(&odd);
        assert!(sets.len() > 20 && sets.iter().all(|s| s.len() <= LONGEST));
        assert_eq!(sets.iter().flat_map(|s| uids(s)).collect::<Vec<_>>(), odd);
    }

    #[test]
    fn windows_stay_within_what_numbers_there_are() {
        let range = |first: i64, end: i64| sets(&Which::Range(Uid(first), Uid(end)));
        assert_eq!((range(1, 1001), range(-5, 2)), (vec!["1:1000".to_owned()], vec!["1:1".to_owned()]));
        assert_eq!(range(4_294_967_290, 4_294_967_296), ["4294967290:4294967295"]);
        assert_eq!(range(4_294_967_290, i64::MAX), ["4294967290:*"]);
        assert_eq!(sets(&Which::Before(Uid(i64::MAX))), ["1:*"]);
        for none in [range(5, 5), range(7, 3), range(0, 1), range(i64::MIN, i64::MIN)] {
            assert!(none.is_empty(), "{none:?}");
        }
        assert_eq!(sets(&Which::From(Uid(4_294_967_296))), ["4294967295:*"], "no number that RFC 9051 does not have");
        assert_eq!(sets(&Which::From(Uid(4_294_967_300))), ["4294967300:*"]);
        assert!(sets(&Which::Before(Uid(1))).is_empty());
    }

    #[test]
    fn a_command_is_about_no_more_messages_than_the_server_lets_it_be() {
        let cut = |which: &Which, most| -> Vec<String> {
            portions(which, Some(most)).into_iter().map(|portion| portion.set).collect()
        };
        assert_eq!(cut(&Which::Before(Uid(8)), 3), ["1:3", "4:6", "7:7"]);
        assert_eq!(cut(&Which::Range(Uid(5), Uid(7)), 3), ["5:6"]);
        assert_eq!(cut(&Which::These([1, 2, 3, 9, 11].map(Uid).to_vec()), 2), ["1:2", "3,9", "11"]);
        assert_eq!(cut(&Which::From(Uid(5)), 3), ["5:*"], "nobody knows how many these are");
        assert_eq!(cut(&Which::Before(Uid(1_000_000)), 3), ["1:999999"], "too many windows");
        assert_eq!(cut(&Which::Before(Uid(4)), 0), ["1:3"], "no limit at all");
        let asked = portions(&Which::Before(Uid(8)), Some(3));
        assert!(asked.iter().all(|portion| portions(&portion.which, None)[0].set == portion.set));
    }

    #[test]
    fn what_could_smuggle_a_command_is_refused() {
        for bad in ["a\r\nA1 DELETE x", "a\n", "\r", "a\0b"] {
            assert!(ImapCommand::new("SELECT").string(bad.as_bytes()).is_err());
        }
    }

    proptest! {
        #[test]
        fn sets_name_what_was_asked(mut numbers in proptest::collection::btree_set(1i64..500, 1..200)) {
            let all = Which::These(numbers.iter().copied().map(Uid).collect());
            let sets = sets(&all);
            prop_assert_eq!(sets.len(), 1);
            prop_assert!(uids(&sets[0]).into_iter().all(|uid| numbers.remove(&uid)));
            prop_assert!(numbers.is_empty());
        }

        #[test]
        fn the_oracle_reads_our_strings(name in "[^\r\n\0]{0,40}") {
            use imap_codec::CommandCodec;
            use imap_codec::decode::Decoder;
            let command = ImapCommand::new("LOGIN").string(name.as_bytes()).expect("sendable").string(b"x").expect("sendable");
            let mut line = b"A1 ".to_vec();
            for piece in command.pieces {
                match piece {
                    Piece::Text(text) => line.extend(text),
                    Piece::Literal(bytes) => {
                        line.extend(format!("{{{}+}}\r\n", bytes.len()).bytes());
                        line.extend(bytes);
                    }
                    Piece::Body(_) | Piece::Reply(_) => prop_assert!(false),
                }
            }
            line.extend(b"\r\n");
            let (rest, read) = CommandCodec::default().decode(&line).expect("the oracle reads it");
            prop_assert!(rest.is_empty());
            let imap_codec::imap_types::command::CommandBody::Login { username, .. } = read.body else {
                return Err(TestCaseError::fail("another command"));
            };
            prop_assert_eq!(username.as_ref(), name.as_bytes());
        }
    }
}
