//! When connections can be tested.

use super::rules::{ELSEWHERE, chosen};
use super::subject::{Items, Subject};
use super::user_action::{Targets, UserAction};
use super::{Ruling, Unavailable};

/// One item at a time.
pub(super) fn test_item(subject: &Subject<'_>) -> Ruling {
    let one = match (chosen(subject)?, subject) {
        (Targets::These(items), _) => items.first().copied(),
        (_, Subject::Items(Items { grid, .. })) if grid.selection.targets.len() == 1 => {
            grid.selection.targets.first().copied()
        }
        _ => None,
    };
    let many = "One item is tested at a time: select one, or start a Verify Credentials pass for many";
    one.map(UserAction::TestItem).ok_or_else(|| Unavailable::Refused(many.into()))
}

/// The servers as they are typed.
pub(super) fn test_servers(subject: &Subject<'_>) -> Ruling {
    let testable = match subject {
        Subject::NewProject(form) => form.testable(),
        Subject::EditProject(form) => form.testable(),
        _ => return Err(ELSEWHERE),
    };
    if testable.is_empty() {
        return Err(Unavailable::Nothing("Enter a server first"));
    }
    Ok(UserAction::TestServers)
}
