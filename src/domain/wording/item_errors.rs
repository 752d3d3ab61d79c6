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
    let mut line = if folder.is_empty() { String::new() } else { format!("folder \"{folder}\", ") };
    line += &match (error.source, &error.subject) {
        (Some(uid), Some(subject)) => format!("message {uid} \"{subject}\": "),
        (Some(uid), None) => format!("message {uid}: "),
        (None, _) => format!("{} messages: ", error.messages),
    };
    line += &error_text(project, mailboxes, error).headline;
    if let Some(server) = &error.failure.server_text {
        line += &format!(" · {server}");
    }
    line
}
