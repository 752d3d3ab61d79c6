//! Item errors as people read them.

use super::{Text, told};
use crate::domain::item_error::ItemError;
use crate::domain::project::Project;

/// What happened with an item error, and what to do. `mailboxes`: at the source, at the destination.
pub fn error_text(project: &Project, mailboxes: (&str, &str), error: &ItemError) -> Text {
    let folder = error.folder.as_ref().map(ToString::to_string).unwrap_or_default();
    told(project, mailboxes, &folder, error.side, &error.failure)
}

/// An item error in one line: where, which message, why.
pub fn error_line(project: &Project, mailboxes: (&str, &str), error: &ItemError) -> String {
    let folder = error.folder.as_ref().map(ToString::to_string).unwrap_or_default();
    let what = match (error.source, &error.subject) {
        (Some(uid), Some(subject)) => format!("message {uid} \"{subject}\""),
        (Some(uid), None) => format!("message {uid}"),
        // One stands for as many as nobody knows.
        (None, _) if error.messages <= 1 => String::new(),
        (None, _) => format!("{} messages", error.messages),
    };
    let folder = if folder.is_empty() { folder } else { format!("folder \"{folder}\"") };
    let place = [folder, what].into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(", ");
    let mut line = if place.is_empty() { place } else { format!("{place}: ") };
    line += &error_text(project, mailboxes, error).headline;
    if let Some(server) = &error.failure.server_text {
        line += &format!(" · {server}");
    }
    line
}
