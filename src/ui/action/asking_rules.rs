//! When what is about owners who are asked can be done.

use super::rules::{BUSY, ELSEWHERE, chosen};
use super::subject::{OneItem, Subject};
use super::user_action::UserAction;
use super::{Ruling, Unavailable};
use crate::domain::asking::owner_to_ask;
use crate::domain::status::Status;
use crate::ui::model::settings_page::SettingsPage;

const NOT_ASKED: Unavailable = Unavailable::Nothing("Its owner was not asked, or does not have to be any more");

pub(super) fn remind(subject: &Subject<'_>) -> Ruling {
    match subject {
        Subject::Item(OneItem { row, .. }) if row.status != Status::WaitingForUser => Err(NOT_ASKED),
        _ => chosen(subject).map(UserAction::Remind),
    }
}

pub(super) fn copy_link(subject: &Subject<'_>) -> Ruling {
    let Subject::Item(OneItem { row, .. }) = subject else { return Err(ELSEWHERE) };
    if row.status == Status::WaitingForUser { Ok(UserAction::CopyLink(row.item)) } else { Err(NOT_ASKED) }
}

/// Also where what an owner gave was refused or has ended (R46).
pub(super) fn ask_again(subject: &Subject<'_>) -> Ruling {
    let Subject::Item(OneItem { row, project, .. }) = subject else { return Err(ELSEWHERE) };
    let theirs = row.failure.as_ref().and_then(|(side, failure)| owner_to_ask(project, *side, failure));
    match row.status {
        Status::WaitingForUser => Ok(UserAction::AskAgain(row.item)),
        Status::Failed if theirs.is_some() => Ok(UserAction::AskAgain(row.item)),
        _ => Err(NOT_ASKED),
    }
}

fn settings<'a>(subject: &Subject<'a>) -> Result<&'a SettingsPage, Unavailable> {
    if let Subject::Settings(page) = subject { Ok(*page) } else { Err(ELSEWHERE) }
}

pub(super) fn save_settings(subject: &Subject<'_>) -> Ruling {
    settings(subject)?.ready().map(|()| UserAction::SaveSettings).map_err(Unavailable::Refused)
}

pub(super) fn undo_settings(subject: &Subject<'_>) -> Ruling {
    match settings(subject)?.is_edited() {
        true => Ok(UserAction::UndoSettings),
        false => Err(Unavailable::Nothing("Nothing was changed")),
    }
}

pub(super) fn test_mail(subject: &Subject<'_>) -> Ruling {
    let page = settings(subject)?;
    if page.test_to.trim().is_empty() {
        return Err(Unavailable::Nothing("Enter who gets it"));
    }
    page.can_try(2).map(|()| UserAction::TestMail).map_err(Unavailable::Nothing)
}

pub(super) fn check_form(subject: &Subject<'_>) -> Ruling {
    settings(subject)?.can_try(3).map(|()| UserAction::CheckForm).map_err(Unavailable::Nothing)
}

pub(super) fn open_settings(subject: &Subject<'_>) -> Ruling {
    match subject {
        Subject::Start(_) => Ok(UserAction::OpenSettings),
        _ => Err(ELSEWHERE),
    }
}

pub(super) fn save_project_mail(subject: &Subject<'_>) -> Ruling {
    match subject {
        Subject::ProjectMail(form) if form.asked.is_some() => Err(BUSY),
        Subject::ProjectMail(form) => form.mail().map(|_| UserAction::SaveProjectMail).map_err(Unavailable::Refused),
        _ => Err(ELSEWHERE),
    }
}
