//! When options can be changed and passes be looked at beforehand.

use super::rules::{BUSY, ELSEWHERE, chosen};
use super::subject::{Items, Subject};
use super::user_action::{Targets, UserAction};
use super::{Ruling, Unavailable};
use crate::ui::route::Route;

/// Options of one item at a time.
pub(super) fn item_options(subject: &Subject<'_>) -> Ruling {
    match chosen(subject)? {
        Targets::These(items) => Ok(UserAction::AskOptions(items.first().copied())),
        _ => match subject {
            Subject::Items(Items { grid, .. }) if grid.selection.targets.len() == 1 => {
                Ok(UserAction::AskOptions(grid.selection.targets.first().copied()))
            }
            _ => Err(Unavailable::Refused("Options are changed of one item at a time: select one".into())),
        },
    }
}

pub(super) fn save_options(subject: &Subject<'_>) -> Ruling {
    match subject {
        Subject::Options(form) if form.asked.is_some() => Err(BUSY),
        Subject::Options(_) => Ok(UserAction::SaveOptions),
        _ => Err(ELSEWHERE),
    }
}

/// What was typed is looked at as if it were saved.
pub(super) fn preview_options(subject: &Subject<'_>) -> Ruling {
    match subject {
        Subject::Options(form) if form.asked.is_some() => Err(BUSY),
        Subject::Options(_) => Ok(UserAction::PreviewOptions),
        _ => Err(ELSEWHERE),
    }
}

pub(super) fn preview_start(subject: &Subject<'_>) -> Ruling {
    let Subject::Start(form) = subject else { return Err(ELSEWHERE) };
    match form.shares().items.as_slice() {
        [] => Err(Unavailable::Nothing("None of the items can be started")),
        items => Ok(UserAction::Preview(Targets::These(items.to_vec()))),
    }
}

/// Of the items that are meant, else of all that the filters show.
pub(super) fn preview(subject: &Subject<'_>) -> Ruling {
    match (chosen(subject), subject) {
        (Err(_), Subject::Items(Items { grid, .. })) if !grid.view.places.is_empty() => {
            Ok(UserAction::Preview(Targets::Shown))
        }
        (targets, _) => targets.map(UserAction::Preview),
    }
}

pub(super) fn leave_preview(subject: &Subject<'_>) -> Ruling {
    let Subject::Preview(page) = subject else { return Err(ELSEWHERE) };
    Ok(UserAction::Go(Route::Project(page.project)))
}

pub(super) fn look_again(subject: &Subject<'_>) -> Ruling {
    match subject {
        Subject::Preview(page) if page.is_looking() => Err(BUSY),
        Subject::Preview(page) => Ok(UserAction::Look(page.item)),
        _ => Err(ELSEWHERE),
    }
}

pub(super) fn stop_looking(subject: &Subject<'_>) -> Ruling {
    match subject {
        Subject::Preview(page) if page.is_looking() => Ok(UserAction::StopLooking),
        _ => Err(Unavailable::Nothing("Nothing is looked at")),
    }
}

pub(super) fn only_flagged(subject: &Subject<'_>, only: bool) -> Ruling {
    match subject {
        Subject::Preview(page) if only && page.needs_look() == 0 => Err(Unavailable::Nothing("No folder needs a look")),
        Subject::Preview(_) => Ok(UserAction::OnlyFlagged(only)),
        _ => Err(ELSEWHERE),
    }
}

pub(super) fn start_previewed(subject: &Subject<'_>) -> Ruling {
    let Subject::Preview(page) = subject else { return Err(ELSEWHERE) };
    if page.unsaved.is_some() {
        let why = "A pass goes by what is saved: go back, and save the options first";
        return Err(Unavailable::Refused(why.into()));
    }
    Ok(UserAction::AskStart(Targets::These(page.among.clone())))
}
