//! When a person can sign in.

use super::remedy_rules::cure;
use super::rules::{BUSY, ELSEWHERE};
use super::{OneItem, Ruling, Subject, Unavailable, UserAction};
use crate::domain::action::Action;
use crate::domain::failure::Side;
use crate::domain::remedy::Remedy;
use crate::service::sign_in::Way;

/// At this side of the item that is shown, if each person signs in there.
pub(super) fn at(subject: &Subject<'_>, side: Side) -> Ruling {
    let Subject::Item(OneItem { project, row, .. }) = subject else { return Err(ELSEWHERE) };
    if !project.server(side).signs_in_by_person() {
        return Err(Unavailable::Nothing("Nobody signs in there for one mailbox"));
    }
    let checked = Action::Edit.check(row.status, 0);
    checked.map_err(|refusal| Unavailable::Refused(refusal.to_string()))?;
    Ok(UserAction::AskSignIn(row.item, side))
}

/// Where the failure that is shown is cured by it.
pub(super) fn again(subject: &Subject<'_>) -> Ruling {
    match cure(subject) {
        Some(Remedy::SignIn(side)) => at(subject, side),
        _ => Err(Unavailable::Nothing("No sign-in has ended")),
    }
}

/// Where the project's own sign-in was refused: its settings say it anew.
pub(super) fn correct(subject: &Subject<'_>) -> Ruling {
    match cure(subject) {
        Some(Remedy::CorrectSignIn(_)) => Ok(UserAction::AskEditProject),
        _ => Err(Unavailable::Nothing("No application was refused")),
    }
}

/// In the dialog.
pub(super) fn begin(subject: &Subject<'_>, way: Way) -> Ruling {
    match subject {
        Subject::SignIn(form) if form.is_under_way() => Err(BUSY),
        Subject::SignIn(form) if way == Way::Device && !form.by_device => {
            Err(Unavailable::Nothing("This provider has no codes for other devices"))
        }
        Subject::SignIn(_) => Ok(UserAction::SignIn(way)),
        _ => Err(ELSEWHERE),
    }
}
