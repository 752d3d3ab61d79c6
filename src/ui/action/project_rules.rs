//! When something can be done with a project as a whole: where its items are shown, or in the list of all.

use super::rules::ELSEWHERE;
use super::subject::{Items, OneItem, OneProject, Subject};
use super::user_action::UserAction;
use super::{Ruling, Unavailable};
use crate::domain::ids::ProjectId;
use crate::domain::wording::counted;
use crate::ui::model::forms::WholeProject;

/// The project that is meant, whether it is archived, and how many of its items run or wait.
fn whole(subject: &Subject<'_>) -> Result<(ProjectId, bool, usize), Unavailable> {
    match subject {
        Subject::Items(Items { grid, archived, .. }) => Ok((grid.project, *archived, grid.sums.totals.not_at_rest)),
        Subject::Project(OneProject { project, sum }) => Ok((project.id, project.starts.archived, sum.not_at_rest)),
        _ => Err(ELSEWHERE),
    }
}

fn at_rest(items: usize, then: &str) -> Result<(), Unavailable> {
    match items {
        0 => Ok(()),
        some => {
            let words = counted(some, "item");
            Err(Unavailable::Refused(format!("{words} run or wait: stop them first, then the project can be {then}")))
        }
    }
}

/// Nothing starts in an archived project.
pub(super) fn not_archived(subject: &Subject<'_>) -> Result<(), Unavailable> {
    match subject {
        Subject::Items(Items { archived: true, .. }) => Err(archived()),
        Subject::Item(OneItem { project, .. }) if project.starts.archived => Err(archived()),
        _ => Ok(()),
    }
}

fn archived() -> Unavailable {
    Unavailable::Refused("The project is archived: bring it back first".into())
}

pub(super) fn duplicate(subject: &Subject<'_>) -> Ruling {
    let (project, ..) = whole(subject)?;
    Ok(UserAction::AskWhole(WholeProject::Duplicate, project))
}

/// A project with active, waiting or scheduled items is not deleted.
pub(super) fn delete(subject: &Subject<'_>) -> Ruling {
    let (project, _, active) = whole(subject)?;
    at_rest(active, "deleted")?;
    Ok(UserAction::AskWhole(WholeProject::Delete, project))
}

/// Nor is it archived.
pub(super) fn archive(subject: &Subject<'_>) -> Ruling {
    let (project, archived, active) = whole(subject)?;
    if archived {
        return Err(Unavailable::Nothing("It is archived already"));
    }
    at_rest(active, "archived")?;
    Ok(UserAction::Archive(project, true))
}

pub(super) fn bring_back(subject: &Subject<'_>) -> Ruling {
    match whole(subject)? {
        (project, true, _) => Ok(UserAction::Archive(project, false)),
        _ => Err(Unavailable::Nothing("It is not archived")),
    }
}
