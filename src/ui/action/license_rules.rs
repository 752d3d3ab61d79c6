//! When pools of licenses can be made and filled.

use super::rules::{BUSY, ELSEWHERE};
use super::subject::Subject;
use super::user_action::UserAction;
use super::{Ruling, Unavailable};

pub(super) fn add_licenses(subject: &Subject<'_>) -> Ruling {
    let Subject::Licenses(page) = subject else { return Err(ELSEWHERE) };
    match page.chosen() {
        None => Err(Unavailable::Refused("Choose the pool first: click its name".into())),
        Some(account) if account.pool.unlimited => Err(Unavailable::Refused("This pool is unlimited".into())),
        Some(account) => Ok(UserAction::AskPool(Some(account.pool.id))),
    }
}

pub(super) fn save_pool(subject: &Subject<'_>) -> Ruling {
    match subject {
        Subject::Pool(form) if form.asked.is_some() => Err(BUSY),
        Subject::Pool(form) => form.request().map(|_| UserAction::SavePool).map_err(Unavailable::Refused),
        _ => Err(ELSEWHERE),
    }
}
