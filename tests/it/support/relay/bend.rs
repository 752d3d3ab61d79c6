//! Words put into the server's mouth: a test leaves out or changes single answers on their way to the product.
//!
//! A literal that belongs to an answer that is left out goes with it; one that belongs to a changed answer stays.

use std::sync::Arc;

use super::record::Command;
use super::server::text;
use super::wire::Wire;
use super::{Relay, Shared, lock};

/// The first line of an answer of the server.
pub struct Heard<'a> {
    /// The command the server is working on, in capitals; empty when there is none.
    pub verb: &'a str,
    /// What it was asked, as the record has it.
    pub arguments: &'a str,
    /// The folder that is open, or is being opened, on this connection.
    pub folder: &'a str,
    /// The line without its end.
    pub line: &'a str,
}

impl Heard<'_> {
    /// Whether it is an answer of this kind about messages: `EXISTS`, `FETCH`, `EXPUNGE`.
    pub fn is(&self, kind: &str) -> bool {
        self.line.strip_prefix("* ").and_then(|rest| rest.split(' ').nth(1)) == Some(kind)
    }

    /// Whether it is this answer, LIST or STATUS, about this folder.
    pub fn about(&self, kind: &str, folder: &str) -> bool {
        let rest = self.line.strip_prefix("* ").and_then(|rest| rest.strip_prefix(kind));
        let Some(rest) = rest.and_then(|rest| rest.strip_prefix(' ')) else { return false };
        // The name stands last in LIST, first in STATUS.
        let name = match kind {
            "STATUS" => rest.rsplit_once(" (").map_or(rest, |(name, _)| name),
            _ => rest.rsplit_once("\" ").or_else(|| rest.rsplit_once(' ')).map_or(rest, |(_, name)| name),
        };
        name.trim_matches('"') == folder
    }

    /// The number that follows this word, e.g. `UID`.
    pub fn number(&self, word: &str) -> Option<u64> {
        let (_, after) = self.line.split_once(&format!("{word} "))?;
        let end = after.find(|c: char| !c.is_ascii_digit()).unwrap_or(after.len());
        after[..end].parse().ok()
    }

    /// The line with the number after this word replaced.
    pub fn with(&self, word: &str, number: u64) -> Said {
        match (self.number(word), self.line.split_once(&format!("{word} "))) {
            (Some(was), Some((before, after))) => {
                Said::Instead(format!("{before}{word} {number}{}", &after[was.to_string().len()..]))
            }
            _ => Said::Kept,
        }
    }
}

/// What becomes of an answer.
pub enum Said {
    /// It goes on as it is.
    Kept,
    /// The product never gets it.
    Nothing,
    /// The product gets this instead.
    Instead(String),
}

pub(super) type Bend = Arc<dyn Fn(&Heard<'_>) -> Said + Send + Sync>;

impl Relay {
    /// From now on this decides what the product hears. It is asked about each answer, untagged and tagged.
    pub fn bend(&self, bend: impl Fn(&Heard<'_>) -> Said + Send + Sync + 'static) {
        *lock(&self.shared.bend) = Some(Arc::new(bend));
    }

    /// The product hears the server again.
    pub fn straighten(&self) {
        *lock(&self.shared.bend) = None;
    }
}

impl Shared {
    /// The folder that this connection opened last before (and including) the command at this place.
    fn folder(commands: &[Command], place: usize) -> String {
        let id = commands[place].connection;
        let opens = |c: &&Command| c.connection == id && (c.verb == "EXAMINE" || c.verb == "SELECT");
        let opened = commands[..=place].iter().rev().find(opens);
        opened.map_or_else(String::new, |command| command.arguments.trim_matches('"').to_owned())
    }
}

impl Wire {
    /// What the product gets of this line; `place` is that of the command if the line is its tagged answer.
    pub(super) fn bent(&self, line: Vec<u8>, place: Option<usize>) -> Option<Vec<u8>> {
        let Some(bend) = lock(&self.shared.bend).clone() else { return Some(line) };
        // Answers come in the order of the commands.
        let place = place.or_else(|| lock(&self.state).waiting.values().map(|waiting| waiting.place).min());
        let (command, folder) = match place {
            Some(place) => {
                let record = lock(&self.shared.record);
                (Some(record.commands[place].clone()), Shared::folder(&record.commands, place))
            }
            None => (None, String::new()),
        };
        let shown = text(&line).trim_end_matches(['\r', '\n']).to_owned();
        let (verb, arguments) = command.as_ref().map_or(("", ""), |command| (&command.verb, &command.arguments));
        match bend(&Heard { verb, arguments, folder: &folder, line: &shown }) {
            Said::Kept => Some(line),
            Said::Nothing => None,
            Said::Instead(other) => Some(format!("{other}\r\n").into_bytes()),
        }
    }
}
