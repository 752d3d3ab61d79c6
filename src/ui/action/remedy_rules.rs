//! When what a failure's text advises can be done by a button.

use super::rules::{BUSY, ELSEWHERE};
use super::subject::{Items, OneItem, Subject};
use super::user_action::{Targets, UserAction};
use super::{Ruling, Unavailable};
use crate::domain::overrides::OptionKey;
use crate::domain::remedy::{Remedy, host_in_doubt, remedy};
use crate::engine::snapshot::ItemRow;

/// What cures the failure that is shown.
pub(super) fn cure(subject: &Subject<'_>) -> Option<Remedy> {
    match subject {
        Subject::Item(OneItem { project, row, .. }) => {
            let (side, failure) = row.failure.as_ref()?;
            let sign_in = side.and_then(|side| project.server(side).sign_in());
            remedy(failure, *side, sign_in.map(|sign_in| sign_in.kind))
        }
        Subject::Items(Items { grid, .. }) => {
            let totals = &grid.sums.totals;
            totals.refused.map(Remedy::CorrectLogin).or(totals.sign_in_refused.map(Remedy::CorrectSignIn))
        }
        _ => None,
    }
}

pub(super) fn try_now(subject: &Subject<'_>) -> Ruling {
    match (subject, cure(subject)) {
        (Subject::Item(OneItem { row, .. }), Some(Remedy::TryNow)) if row.status.is_at_rest() => {
            Ok(UserAction::AskStart(Targets::These(vec![row.item])))
        }
        (Subject::Items(_), _) | (_, Some(Remedy::TryNow)) => Ok(UserAction::TryNow),
        _ => Err(Unavailable::Nothing("Every server was reached")),
    }
}

pub(super) fn retry_now(subject: &Subject<'_>) -> Ruling {
    let Subject::Item(OneItem { row, .. }) = subject else { return Err(ELSEWHERE) };
    match &row.progress.retry {
        Some(retry) if retry.failure.retry.may_be_hurried() => Ok(UserAction::RetryNow(Targets::These(vec![row.item]))),
        Some(_) => Err(Unavailable::Nothing("The server or the run hours name this pause")),
        None => Err(Unavailable::Nothing("It does not wait to try again")),
    }
}

pub(super) fn correct_login(subject: &Subject<'_>) -> Ruling {
    let Some(Remedy::CorrectLogin(side)) = cure(subject) else {
        return Err(Unavailable::Nothing("No login was refused"));
    };
    let item = if let Subject::Item(OneItem { row, .. }) = subject { Some(row.item) } else { None };
    Ok(UserAction::AskLogin(item, side))
}

pub(super) fn edit_host(subject: &Subject<'_>) -> Ruling {
    let side = match subject {
        Subject::Item(OneItem { row, .. }) => {
            row.failure.as_ref().and_then(|(side, failure)| host_in_doubt(failure, *side))
        }
        Subject::Items(Items { grid, .. }) => grid.sums.totals.unreached,
        _ => None,
    };
    side.map(UserAction::AskEditHost).ok_or(Unavailable::Nothing("Every server was reached"))
}

pub(super) fn pin_certificate(subject: &Subject<'_>) -> Ruling {
    match cure(subject) {
        Some(Remedy::PinCertificate(side)) => Ok(UserAction::AskPin(side)),
        _ => Err(Unavailable::Nothing("No certificate was refused")),
    }
}

/// The certificate that a test did not trust.
pub(super) fn pin_tested(subject: &Subject<'_>) -> Ruling {
    let Subject::Check(form) = subject else { return Err(ELSEWHERE) };
    form.distrusted().map(UserAction::AskPin).ok_or(Unavailable::Nothing("No certificate was refused"))
}

pub(super) fn correct(subject: &Subject<'_>) -> Ruling {
    match subject {
        Subject::Remedy(form) if form.busy => Err(BUSY),
        Subject::Remedy(form) => form.request().map(|_| UserAction::Correct).map_err(Unavailable::Refused),
        _ => Err(ELSEWHERE),
    }
}

/// Of the project whose items are shown; of an item only where they cure its failure, with the keyboard at the place of the side.
pub(super) fn edit_project(subject: &Subject<'_>) -> Ruling {
    match (subject, cure(subject)) {
        (Subject::Items(_), _) => Ok(UserAction::AskEditProject),
        (Subject::Item(OneItem { row, .. }), Some(Remedy::ProjectSettings)) => {
            let side = row.failure.as_ref().and_then(|(side, _)| *side);
            Ok(side.map_or(UserAction::AskEditProject, UserAction::AskEditHost))
        }
        (Subject::Item(_), _) => Err(Unavailable::Nothing("The settings of its project cure nothing here")),
        _ => Err(ELSEWHERE),
    }
}

/// The option that cures the failure that is shown, or ends the pause.
pub(super) fn correct_option(subject: &Subject<'_>) -> Ruling {
    let Subject::Item(OneItem { row, .. }) = subject else { return Err(ELSEWHERE) };
    let failed = match cure(subject) {
        Some(Remedy::Option(key)) => Some(key),
        _ => None,
    };
    let key = failed.or_else(|| option_of_pause(row));
    key.map(|key| UserAction::AskOption(row.item, key)).ok_or(Unavailable::Nothing("No option cures this"))
}

fn option_of_pause(row: &ItemRow) -> Option<OptionKey> {
    let retry = row.progress.retry.as_ref().filter(|_| row.status.is_active())?;
    match remedy(&retry.failure, retry.side, None)? {
        Remedy::Option(key) => Some(key),
        _ => None,
    }
}
