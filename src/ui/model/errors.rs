//! Item errors by reason: what happened and what to do is the same for many messages, and said once.

use jiff::tz::TimeZone;

use super::words;
use crate::domain::folder::FolderPath;
use crate::domain::project::Project;
use crate::domain::record::ItemError;
use crate::domain::remedy::{Remedy, remedy};
use crate::domain::time::Timestamp;
use crate::domain::wording::{self, Text};
use crate::engine::snapshot::ItemRow;

/// Errors of one reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ErrorGroup {
    /// Headline, what happened, what to do.
    pub words: Text,
    /// The server's own words, where all errors have the same.
    pub server: Option<String>,
    /// The folder that another name would cure.
    pub folder: Option<FolderPath>,
    /// Messages.
    pub messages: u64,
    /// Which message, and the server's own words where they differ.
    pub errors: Vec<(String, Option<String>)>,
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

/// Errors by reason, the most frequent first.
pub fn groups(
    (project, row): (&Project, &ItemRow),
    errors: &[ItemError],
    now: Timestamp,
    zone: &TimeZone,
) -> Vec<ErrorGroup> {
    let mut groups: Vec<ErrorGroup> = Vec::new();
    for error in errors {
        let words = self::error(project, row, error);
        let one = (which(error, now, zone), error.failure.server_text.clone());
        match groups.iter_mut().find(|group| group.words == words) {
            Some(group) => {
                group.messages += error.messages;
                group.errors.push(one);
            }
            None => {
                let cure = remedy(&error.failure, error.side);
                let folder = error.folder.clone().filter(|_| cure == Some(Remedy::MapFolder));
                groups.push(ErrorGroup { words, server: None, folder, messages: error.messages, errors: vec![one] });
            }
        }
    }
    for group in &mut groups {
        let first = group.errors.first().and_then(|error| error.1.clone());
        if group.errors.iter().all(|error| error.1.as_deref().map(gist) == first.as_deref().map(gist)) {
            group.server = first;
            group.errors.iter_mut().for_each(|error| error.1 = None);
        }
    }
    groups.sort_by_key(|group| std::cmp::Reverse(group.messages));
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
    parts.join(" · ")
}
