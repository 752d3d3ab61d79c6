//! Item errors by reason: what happened and what to do is the same for many messages, and said once.

use jiff::tz::TimeZone;

use super::forms::ChosenErrors;
use super::words;
use crate::domain::folder::FolderPath;
use crate::domain::item_error::{ErrorCause, ItemError};
use crate::domain::overrides::OptionKey;
use crate::domain::project::Project;
use crate::domain::remedy::{Remedy, remedy};
use crate::domain::time::Timestamp;
use crate::domain::wording::{self, Text};
use crate::engine::snapshot::ItemRow;
use crate::service::errors::StoredError;

/// Errors of one reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ErrorGroup {
    /// Headline, what happened, what to do.
    pub words: Text,
    /// The server's own words, where all errors have the same.
    pub server: Option<String>,
    /// The folder that another name would cure.
    pub folder: Option<FolderPath>,
    /// The option that would cure it.
    pub option: Option<OptionKey>,
    /// What a pass is told that tries only these again, if it can be told: they are messages.
    pub cause: Option<ErrorCause>,
    /// Messages.
    pub messages: u64,
    /// Of these, accepted ones.
    pub accepted: u64,
    /// Bytes, as far as sizes are known.
    pub bytes: u64,
    /// Each of them.
    pub errors: Vec<ErrorLine>,
}

/// One error.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ErrorLine {
    /// Which message.
    pub which: String,
    /// The server's own words, where they differ among the errors of one reason.
    pub server: Option<String>,
    /// The error.
    pub error: StoredError,
}

impl ErrorGroup {
    /// Those that are accepted, or those that are not.
    pub fn chosen(&self, accepted: bool) -> Option<ChosenErrors> {
        let lines = self.errors.iter().filter(|line| line.error.error.accepted.is_some() == accepted);
        choose(lines, &self.words.headline)
    }
}

impl ErrorLine {
    /// This one alone.
    pub fn chosen(&self, words: &Text) -> Option<ChosenErrors> {
        choose(std::iter::once(self), &words.headline)
    }
}

fn choose<'a>(lines: impl Iterator<Item = &'a ErrorLine>, headline: &str) -> Option<ChosenErrors> {
    let lines: Vec<&ErrorLine> = lines.collect();
    let item = lines.first()?.error.item;
    let errors = lines.iter().map(|line| line.error.id).collect();
    let messages = lines.iter().map(|line| line.error.error.messages).sum();
    Some(ChosenErrors { item, errors, messages, headline: headline.to_owned() })
}

/// An item error in words.
fn error(project: &Project, row: &ItemRow, error: &ItemError) -> Text {
    let folder = error.folder.as_ref().map(ToString::to_string).unwrap_or_default();
    wording::told(project, (&row.source, &row.destination), &folder, error.side, &error.failure)
}

/// A failure as text to hand on to whoever runs the server.
pub fn as_text<'a>(words: &'a Text, server: Option<&'a str>, messages: impl IntoIterator<Item = &'a str>) -> String {
    let mut lines = vec![words.headline.as_str(), &words.what, &words.todo];
    lines.extend(server.map(|_| "Server text:"));
    lines.extend(server);
    lines.extend(messages);
    lines.retain(|line| !line.is_empty());
    lines.join("\n")
}

/// A server's words without the time that its work took, which differs from answer to answer: "(0.001 + 0.000 secs)."
fn gist(server: &str) -> &str {
    match server.rsplit_once(" (") {
        Some((words, tail)) if tail.trim_end_matches('.').ends_with("secs)") => words,
        _ => server,
    }
}

/// Errors by reason, the most frequent first; what is accepted stands last.
pub fn groups(
    (project, row): (&Project, &ItemRow),
    errors: &[StoredError],
    now: Timestamp,
    zone: &TimeZone,
) -> Vec<ErrorGroup> {
    let mut groups: Vec<ErrorGroup> = Vec::new();
    for stored in errors {
        let error = &stored.error;
        let words = self::error(project, row, error);
        let (which, server) = (which(error, now, zone), error.failure.server_text.clone());
        let at = groups.iter().position(|group| group.words == words).unwrap_or_else(|| {
            let cure = remedy(&error.failure, error.side, None);
            let folder = error.folder.clone().filter(|_| cure == Some(Remedy::MapFolder));
            let option = if let Some(Remedy::Option(key)) = cure { Some(key) } else { None };
            let (messages, accepted, bytes, errors) = (0, 0, 0, Vec::new());
            let cause = error.source.map(|_| ErrorCause::of(error));
            groups.push(ErrorGroup { words, server: None, folder, option, cause, messages, accepted, bytes, errors });
            groups.len() - 1
        });
        let group = &mut groups[at];
        group.messages += error.messages;
        group.accepted += if error.accepted.is_some() { error.messages } else { 0 };
        group.bytes += error.size.unwrap_or(0);
        group.errors.push(ErrorLine { which, server, error: stored.clone() });
    }
    for group in &mut groups {
        let first = group.errors.first().and_then(|line| line.server.clone());
        if group.errors.iter().all(|line| line.server.as_deref().map(gist) == first.as_deref().map(gist)) {
            group.server = first;
            group.errors.iter_mut().for_each(|line| line.server = None);
        }
    }
    groups.sort_by_key(|group| (group.messages == group.accepted, std::cmp::Reverse(group.messages)));
    groups
}

/// Which message an item error is about.
fn which(error: &ItemError, now: Timestamp, zone: &TimeZone) -> String {
    let mut parts = Vec::new();
    parts.extend(error.folder.as_ref().map(ToString::to_string));
    match (&error.subject, error.source) {
        (Some(subject), _) if !subject.is_empty() => parts.push(format!("\"{subject}\"")),
        (_, Some(uid)) => parts.push(format!("message {uid}")),
        _ if error.messages > 1 => parts.push(format!("{} messages", words::count(error.messages))),
        _ => {}
    }
    parts.extend(error.date.map(|date| words::moment(date, now, zone)));
    parts.extend(error.size.map(wording::size));
    if let Some(accepted) = &error.accepted {
        let note = accepted.note.as_ref().map(|note| format!(": {note}")).unwrap_or_default();
        parts.push(format!("accepted {}{note}", words::moment(accepted.at, now, zone)));
    }
    parts.join(" · ")
}
