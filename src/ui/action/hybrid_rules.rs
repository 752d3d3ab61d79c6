//! When something can be done in a hybrid project: of one user its status says so; of several, those that may not are left
//! alone by name of the reason.

use super::hybrid_act::{Asked, HybridAct};
use super::rules::{BUSY, ELSEWHERE};
use super::subject::{HybridUsers, OneBatch, OneUser, Subject};
use super::user_action::UserAction;
use super::{Ruling, Unavailable};
use crate::domain::star::Star;
use crate::domain::wording::counted;
use crate::service::hybrid::batches::BatchLine;
use crate::service::hybrid::{HybridUser, HybridView, MoveAction, MoveRefusal, MoveStatus};
use crate::ui::model::grid::{Column, GridAction};
use crate::ui::model::hybrid::{Place, UserColumn, UsersAction, WhichUsers};
use crate::ui::route::Route;

const NO_USERS: Unavailable = Unavailable::Nothing("Select users first");
const NO_BATCH: Unavailable = Unavailable::Nothing("Choose a batch at the left first");

fn refused(why: MoveRefusal) -> Unavailable {
    Unavailable::Refused(why.to_string())
}

fn act(act: HybridAct) -> Ruling {
    Ok(UserAction::Hybrid(act))
}

/// The users that are meant, if one of them may; else why the first of them may not.
fn users(subject: &Subject<'_>, action: MoveAction) -> Result<WhichUsers, Unavailable> {
    let (meant, one) = match subject {
        Subject::Hybrid(HybridUsers { view, page, .. }) if !page.targets.is_empty() => {
            let mut first = None;
            let may = |user: &HybridUser| user.may(action).map_err(|why| *first.get_or_insert(why)).is_ok();
            let any = page.chosen(view).any(may);
            let why = first.map_or(NO_USERS, refused);
            return if any { Ok(WhichUsers::Selected) } else { Err(why) };
        }
        Subject::Hybrid(HybridUsers { cursor: Some(user), .. }) => (WhichUsers::This(user.id), *user),
        Subject::Hybrid(_) => return Err(NO_USERS),
        Subject::HybridUser(OneUser { user, .. }) => (WhichUsers::This(user.id), *user),
        _ => return Err(ELSEWHERE),
    };
    one.may(action).map(|()| meant).map_err(refused)
}

/// The batch that is chosen, or shown.
fn batch<'a>(subject: &Subject<'a>) -> Result<(&'a HybridView, &'a BatchLine), Unavailable> {
    match subject {
        Subject::Hybrid(HybridUsers { view, page, .. }) => match page.place {
            Place::Batch(id) => view.batch(id).map(|line| (*view, line)).ok_or(NO_BATCH),
            Place::All | Place::Unbatched => Err(NO_BATCH),
        },
        Subject::HybridBatch(OneBatch { view, line }) => Ok((*view, *line)),
        _ => Err(ELSEWHERE),
    }
}

/// The batch, if one of its users may.
fn batch_that(subject: &Subject<'_>, action: MoveAction) -> Result<crate::domain::ids::HybridBatchId, Unavailable> {
    let (view, line) = batch(subject)?;
    let id = line.batch.id;
    let mut own = view.users.iter().filter(|user| user.batch == Some(id)).peekable();
    if own.peek().is_none() {
        return Err(refused(MoveRefusal::Empty));
    }
    match own.any(|user| user.may(action).is_ok()) {
        true => Ok(id),
        false => Err(refused(line.status.allows(action).err().unwrap_or(MoveRefusal::OrderOpen))),
    }
}

pub(super) fn ask(subject: &Subject<'_>, asked: Asked) -> Ruling {
    match subject {
        Subject::Hybrid(_) => act(HybridAct::Ask(asked)),
        _ => Err(ELSEWHERE),
    }
}

pub(super) fn check(subject: &Subject<'_>) -> Ruling {
    let Subject::Hybrid(HybridUsers { page, .. }) = subject else { return Err(ELSEWHERE) };
    act(HybridAct::Ask(Asked::Check(match page.place {
        Place::Batch(batch) => Some(batch),
        Place::All | Place::Unbatched => None,
    })))
}

/// A project whose users are moving is not deleted.
pub(super) fn delete(subject: &Subject<'_>) -> Ruling {
    let Subject::Hybrid(HybridUsers { view, .. }) = subject else { return Err(ELSEWHERE) };
    let moves = |user: &&HybridUser| {
        !user.open.is_empty()
            || matches!(user.status, MoveStatus::Syncing | MoveStatus::PendingFinalization | MoveStatus::Finalizing)
    };
    match view.users.iter().filter(moves).count() {
        0 => act(HybridAct::Ask(Asked::Delete)),
        some => Err(Unavailable::Refused(format!(
            "{} on the move: finalize them or move them out first, then the project can be deleted",
            counted(some, "user")
        ))),
    }
}

pub(super) fn try_now(subject: &Subject<'_>) -> Ruling {
    match subject {
        Subject::Hybrid(HybridUsers { view, .. }) if view.project.trouble.is_some() => act(HybridAct::TryNow),
        Subject::Hybrid(_) => Err(Unavailable::Nothing("The service is asked as usual")),
        _ => Err(ELSEWHERE),
    }
}

pub(super) fn start(subject: &Subject<'_>) -> Ruling {
    act(HybridAct::Ask(Asked::Start(batch_that(subject, MoveAction::Start)?)))
}

pub(super) fn finalize(subject: &Subject<'_>) -> Ruling {
    act(HybridAct::Ask(Asked::Finalize(batch_that(subject, MoveAction::Finalize)?)))
}

pub(super) fn show_batch(subject: &Subject<'_>) -> Ruling {
    let (view, line) = batch(subject)?;
    Ok(UserAction::Go(Route::HybridBatch(view.project.id, line.batch.id)))
}

pub(super) fn move_in(subject: &Subject<'_>) -> Ruling {
    act(HybridAct::Ask(Asked::MoveIn(Some(users(subject, MoveAction::MoveIn)?))))
}

pub(super) fn move_out(subject: &Subject<'_>) -> Ruling {
    act(HybridAct::Ask(Asked::MoveOut(users(subject, MoveAction::MoveOut)?)))
}

/// Users of one batch at a time: finalization is ordered of a batch.
pub(super) fn finalize_users(subject: &Subject<'_>) -> Ruling {
    let meant = users(subject, MoveAction::Finalize)?;
    if let (Subject::Hybrid(HybridUsers { view, page, .. }), WhichUsers::Selected) = (subject, &meant) {
        let mut ready = page.chosen(view).filter(|user| user.may(MoveAction::Finalize).is_ok());
        let first = ready.next().and_then(|user| user.batch);
        if ready.any(|user| user.batch != first) {
            return Err(Unavailable::Refused("They are in several batches: choose users of one of them".into()));
        }
    }
    act(HybridAct::Ask(Asked::FinalizeUsers(meant)))
}

pub(super) fn approve(subject: &Subject<'_>) -> Ruling {
    act(HybridAct::Approve(users(subject, MoveAction::Approve)?))
}

pub(super) fn star(subject: &Subject<'_>, star: Option<Star>) -> Ruling {
    let meant = match subject {
        Subject::Hybrid(HybridUsers { page, .. }) if !page.targets.is_empty() => WhichUsers::Selected,
        Subject::Hybrid(HybridUsers { cursor: Some(user), .. }) => WhichUsers::This(user.id),
        Subject::HybridUser(OneUser { user, .. }) => WhichUsers::This(user.id),
        Subject::Hybrid(_) => return Err(NO_USERS),
        _ => return Err(ELSEWHERE),
    };
    act(HybridAct::Star(meant, star))
}

/// What is done in the item grid, done among users.
pub(super) fn grid(action: &GridAction) -> Ruling {
    act(HybridAct::Users(match action {
        GridAction::Move(rows, select) => UsersAction::Move(*rows, *select),
        GridAction::SelectAll(on) => UsersAction::SelectAll(*on),
        GridAction::SortAgain => UsersAction::SortAgain,
        GridAction::Sort(Column::Star) => UsersAction::Sort(UserColumn::Star),
        GridAction::ClearFilters => UsersAction::ClearFilters,
        _ => return Err(ELSEWHERE),
    }))
}

pub(super) fn toggle(subject: &Subject<'_>) -> Ruling {
    let Subject::Hybrid(HybridUsers { cursor: Some(user), .. }) = subject else { return Err(NO_USERS) };
    act(HybridAct::Users(UsersAction::Toggle(user.id)))
}

pub(super) fn open(subject: &Subject<'_>) -> Ruling {
    let Subject::Hybrid(HybridUsers { cursor: Some(user), view, .. }) = subject else { return Err(NO_USERS) };
    Ok(UserAction::Go(Route::HybridUser(view.project.id, user.id)))
}

pub(super) fn beside(subject: &Subject<'_>, next: bool) -> Ruling {
    let Subject::HybridUser(OneUser { view, beside, .. }) = subject else { return Err(ELSEWHERE) };
    let (user, none) = match next {
        true => (beside.1, "There is none after it"),
        false => (beside.0, "There is none before it"),
    };
    let user = user.ok_or(Unavailable::Nothing(none))?;
    Ok(UserAction::Go(Route::HybridUser(view.project.id, user)))
}

pub(super) fn back(subject: &Subject<'_>) -> Ruling {
    match subject {
        Subject::HybridUser(OneUser { view, .. }) | Subject::HybridBatch(OneBatch { view, .. }) => {
            Ok(UserAction::Go(Route::Hybrid(view.project.id)))
        }
        _ => Err(ELSEWHERE),
    }
}

pub(super) fn report(subject: &Subject<'_>) -> Ruling {
    match subject {
        Subject::HybridUser(OneUser { reporting: true, .. }) => Err(BUSY),
        Subject::HybridUser(OneUser { user, .. }) if user.told.word.is_none() => {
            Err(Unavailable::Nothing("The service does not move it yet"))
        }
        Subject::HybridUser(OneUser { user, .. }) => act(HybridAct::Report(user.id)),
        _ => Err(ELSEWHERE),
    }
}

pub(super) fn create(subject: &Subject<'_>) -> Ruling {
    match subject {
        Subject::NewHybrid(form) if form.asked.is_some() => Err(BUSY),
        Subject::NewHybrid(_) => act(HybridAct::Create),
        _ => Err(ELSEWHERE),
    }
}

pub(super) fn go_on(subject: &Subject<'_>) -> Ruling {
    match subject {
        Subject::HybridDialog(dialog) if dialog.asked.is_some() => Err(BUSY),
        Subject::HybridDialog(dialog) => {
            dialog.request().map(|_| UserAction::Hybrid(HybridAct::Do)).map_err(Unavailable::Refused)
        }
        _ => Err(ELSEWHERE),
    }
}
