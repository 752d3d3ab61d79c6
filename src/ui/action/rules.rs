//! When an action can be done, and what it is then: decided from what there is to act on.

use std::time::Duration;

use super::hybrid_rules;
use super::project_rules::not_archived;
use super::subject::{HybridUsers, Items, OneItem, Subject};
use super::user_action::{Targets, UserAction};
use super::{Ruling, Unavailable};
use crate::domain::action::Action;
use crate::domain::ids::ItemId;
use crate::domain::star::Star;
use crate::domain::status::Status;
use crate::domain::time::Timestamp;
use crate::domain::wording::counted;
use crate::ui::model::closing::CloseEvent;
use crate::ui::model::forms::{ItemRemoval, VaultForm};
use crate::ui::model::grid::{Allowed, GridAction};
use crate::ui::route::Route;

/// After so long a stop is slow.
const SLOW_STOP: Duration = Duration::from_secs(30);

pub(super) const ELSEWHERE: Unavailable = Unavailable::Nothing("This belongs to another page");
const NO_ITEMS: Unavailable = Unavailable::Nothing("Select items first");
pub(super) const BUSY: Unavailable = Unavailable::Nothing("An answer is under way");

/// The items that are meant: those selected, else the one at the cursor, else the one shown.
pub(super) fn chosen(subject: &Subject<'_>) -> Result<Targets, Unavailable> {
    match subject {
        Subject::Items(Items { grid, .. }) if !grid.selection.targets.is_empty() => Ok(Targets::Selected),
        Subject::Items(Items { cursor: Some(item), .. }) => Ok(Targets::These(vec![*item])),
        Subject::Items(_) => Err(NO_ITEMS),
        Subject::Item(item) => Ok(Targets::These(vec![item.row.item])),
        _ => Err(ELSEWHERE),
    }
}

/// Of one item its status says whether it may; of several, those that may not are left alone by name of the reason. Where none
/// may, the first reason is said.
fn allowed(subject: &Subject<'_>, action: Action) -> Result<Targets, Unavailable> {
    match subject {
        Subject::Item(OneItem { row, .. }) => {
            let checked = action.check(row.status, row.retryable());
            checked.map_err(|refusal| Unavailable::Refused(refusal.to_string()))?;
        }
        Subject::Items(Items { grid, .. }) => {
            let selection = &grid.selection;
            let of = match action {
                Action::Start => selection.startable,
                Action::Stop => selection.stoppable,
                _ => return chosen(subject),
            };
            if let Allowed { items: 0, refusal: Some(refusal) } = of {
                let words = match selection.targets.len() {
                    1 => refusal.to_string(),
                    more => format!("None of the {} selected: {refusal}", counted(more, "item")),
                };
                return Err(Unavailable::Refused(words));
            }
        }
        _ => {}
    }
    chosen(subject)
}

pub(super) fn start(subject: &Subject<'_>) -> Ruling {
    not_archived(subject)?;
    allowed(subject, Action::Start).map(UserAction::AskStart)
}

pub(super) fn stop(subject: &Subject<'_>) -> Ruling {
    allowed(subject, Action::Stop).map(UserAction::Stop)
}

/// Offered when a stop takes long: it costs what is under way a second copy of its way. Of several items, those are meant that
/// are stopping for long.
pub(super) fn stop_at_once(subject: &Subject<'_>) -> Ruling {
    let slow: Vec<ItemId> = match subject {
        Subject::Item(OneItem { row, now, .. }) => {
            let since = row.pass.filter(|_| row.status == Status::Stopping).map(|pass| pass.since);
            since.filter(|since| is_slow(*since, *now)).map(|_| row.item).into_iter().collect()
        }
        Subject::Items(Items { grid, now, .. }) => {
            chosen(subject)?;
            let stopping = grid.selection.stopping.iter();
            stopping.filter(|(_, since)| is_slow(*since, *now)).map(|(item, _)| *item).collect()
        }
        _ => return Err(ELSEWHERE),
    };
    match slow.is_empty() {
        true => Err(Unavailable::Nothing("Nothing is stopping for long: it is offered after 30 seconds")),
        false => Ok(UserAction::StopAtOnce(Targets::These(slow))),
    }
}

fn is_slow(since: Timestamp, now: Timestamp) -> bool {
    now.since(since) >= SLOW_STOP
}

pub(super) fn start_next(subject: &Subject<'_>) -> Ruling {
    match subject {
        Subject::Item(OneItem { row, .. }) if row.status != Status::Submitted => {
            Err(Unavailable::Nothing("It does not wait for a free place"))
        }
        _ => chosen(subject).map(UserAction::Next),
    }
}

pub(super) fn stop_all(subject: &Subject<'_>) -> Ruling {
    match subject {
        Subject::Items(Items { grid, .. }) if grid.sums.totals.items > 0 => Ok(UserAction::StopAll),
        Subject::Items(_) => Err(Unavailable::Nothing("There are no items")),
        _ => Err(ELSEWHERE),
    }
}

/// Holds new starts, or lets them go on, whichever is not so.
pub(super) fn hold(subject: &Subject<'_>, hold: bool) -> Ruling {
    match subject {
        Subject::Items(Items { starts_held, .. }) if *starts_held != hold => Ok(UserAction::Hold(hold)),
        Subject::Items(_) if hold => Err(Unavailable::Nothing("New starts are held already")),
        Subject::Items(_) => Err(Unavailable::Nothing("New starts are not held")),
        _ => Err(ELSEWHERE),
    }
}

pub(super) fn start_shown(subject: &Subject<'_>) -> Ruling {
    let Subject::Items(Items { grid, .. }) = subject else { return Err(ELSEWHERE) };
    not_archived(subject)?;
    match (grid.view.places.len(), grid.sums.totals.shown.0) {
        (0, _) => Err(Unavailable::Nothing("No items are shown")),
        (_, 0) => Err(Unavailable::Nothing("All items shown are submitted or running")),
        _ => Ok(UserAction::AskStart(Targets::Shown)),
    }
}

pub(super) fn resume(subject: &Subject<'_>) -> Ruling {
    match subject {
        Subject::Item(OneItem { row, .. }) if row.status == Status::Held => {
            Ok(UserAction::Resume(Targets::These(vec![row.item])))
        }
        _ => held(subject).map(UserAction::Resume),
    }
}

pub(super) fn stop_held(subject: &Subject<'_>) -> Ruling {
    held(subject).map(UserAction::Stop)
}

fn held(subject: &Subject<'_>) -> Result<Targets, Unavailable> {
    match subject {
        Subject::Items(Items { held: Some(line), .. }) => Ok(Targets::Held(line.reason)),
        _ => Err(Unavailable::Nothing("Nothing is held")),
    }
}

/// Rows as a table.
pub(super) fn copy(subject: &Subject<'_>) -> Ruling {
    chosen(subject).map(UserAction::CopyRows)
}

/// Rows as a file: those that are selected, else all that the filters show.
pub(super) fn export(subject: &Subject<'_>) -> Ruling {
    match (chosen(subject), subject) {
        (_, Subject::Items(Items { grid, .. })) if !grid.selection.targets.is_empty() => {
            Ok(UserAction::ExportRows(Targets::Selected))
        }
        (_, Subject::Items(Items { grid, .. })) if !grid.view.places.is_empty() => {
            Ok(UserAction::ExportRows(Targets::Shown))
        }
        (targets, _) => targets.map(UserAction::ExportRows),
    }
}

/// One item is changed at a time.
pub(super) fn edit(subject: &Subject<'_>) -> Ruling {
    match subject {
        Subject::Items(Items { grid, .. }) if grid.selection.targets.len() > 1 => {
            Err(Unavailable::Refused("One item is edited at a time: select one".into()))
        }
        Subject::Items(Items { grid, cursor, .. }) => {
            let item = grid.selection.targets.first().copied().or(*cursor);
            item.map(UserAction::AskEdit).ok_or(NO_ITEMS)
        }
        Subject::Item(OneItem { row, .. }) => {
            let checked = Action::Edit.check(row.status, 0);
            checked.map_err(|refusal| Unavailable::Refused(refusal.to_string()))?;
            Ok(UserAction::AskEdit(row.item))
        }
        _ => Err(ELSEWHERE),
    }
}

/// The note is a part of what is edited.
pub(super) fn note(subject: &Subject<'_>) -> Ruling {
    edit(subject).map(|action| match action {
        UserAction::AskEdit(item) => UserAction::AskNote(item),
        other => other,
    })
}

pub(super) fn ask_remove(subject: &Subject<'_>, removal: ItemRemoval) -> Ruling {
    allowed(subject, removal.action()).map(|targets| UserAction::AskRemove(removal, targets))
}

pub(super) fn save_item(subject: &Subject<'_>) -> Ruling {
    match subject {
        Subject::EditItem(form) if form.asked.is_some() => Err(BUSY),
        Subject::EditItem(form) => form.ask().map(|_| UserAction::SaveItem).map_err(Unavailable::Refused),
        _ => Err(ELSEWHERE),
    }
}

pub(super) fn save_project(subject: &Subject<'_>) -> Ruling {
    match subject {
        Subject::EditProject(form) if form.asked.is_some() => Err(BUSY),
        Subject::EditProject(_) => Ok(UserAction::SaveProject),
        _ => Err(ELSEWHERE),
    }
}

pub(super) fn at_once(subject: &Subject<'_>, more: i32) -> Ruling {
    let Subject::Items(Items { at_once, .. }) = subject else { return Err(ELSEWHERE) };
    match at_once.checked_add_signed(more) {
        Some(number @ 1..) => Ok(UserAction::AtOnce(number)),
        _ => Err(Unavailable::Nothing("At least one item migrates at a time; Hold new starts starts none")),
    }
}

pub(super) fn do_with_project(subject: &Subject<'_>) -> Ruling {
    match subject {
        Subject::WholeProject(form) if form.asked.is_some() => Err(BUSY),
        Subject::WholeProject(form) => match form.request() {
            Ok(_) => Ok(UserAction::DoWithProject),
            Err(why) => Err(Unavailable::Refused(why.into())),
        },
        _ => Err(ELSEWHERE),
    }
}

pub(super) fn remove(subject: &Subject<'_>) -> Ruling {
    let Subject::Remove(form) = subject else { return Err(ELSEWHERE) };
    form.ready().map(|()| UserAction::Remove).map_err(Unavailable::Nothing)
}

pub(super) fn star(subject: &Subject<'_>, star: Option<Star>) -> Ruling {
    match subject {
        Subject::Hybrid(_) | Subject::HybridUser(_) => hybrid_rules::star(subject, star),
        _ => chosen(subject).map(|targets| UserAction::Star(targets, star)),
    }
}

/// Something in the grid.
pub(super) fn grid(subject: &Subject<'_>, action: GridAction) -> Ruling {
    match subject {
        Subject::Items(_) => Ok(UserAction::Grid(action)),
        Subject::Hybrid(_) => hybrid_rules::grid(&action),
        _ => Err(ELSEWHERE),
    }
}

/// So many pages down or up: what was the last row seen becomes the first one.
pub(super) fn page(subject: &Subject<'_>, pages: i64, select: bool) -> Ruling {
    let seen = match subject {
        Subject::Items(Items { rows_seen, .. }) | Subject::Hybrid(HybridUsers { rows_seen, .. }) => *rows_seen,
        _ => return Err(ELSEWHERE),
    };
    let rows = i64::try_from(seen.saturating_sub(1).max(1)).unwrap_or(1);
    grid(subject, GridAction::Move(pages * rows, select))
}

pub(super) fn sort_again(subject: &Subject<'_>) -> Ruling {
    grid(subject, GridAction::SortAgain)
}

pub(super) fn toggle(subject: &Subject<'_>) -> Ruling {
    match subject {
        Subject::Items(Items { cursor: Some(item), .. }) => Ok(UserAction::Grid(GridAction::Toggle(*item))),
        Subject::Hybrid(_) => hybrid_rules::toggle(subject),
        _ => Err(NO_ITEMS),
    }
}

pub(super) fn open(subject: &Subject<'_>) -> Ruling {
    let Subject::Items(Items { cursor: Some(item), grid, .. }) = subject else { return Err(NO_ITEMS) };
    Ok(UserAction::Go(Route::Item(grid.project, *item)))
}

pub(super) fn clear_filters(subject: &Subject<'_>) -> Ruling {
    match subject {
        Subject::Items(Items { grid, .. }) if !grid.filter.is_active() => {
            Err(Unavailable::Nothing("Nothing is filtered"))
        }
        Subject::Hybrid(HybridUsers { page, .. }) if !page.is_filtered() => {
            Err(Unavailable::Nothing("Nothing is filtered"))
        }
        subject => grid(subject, GridAction::ClearFilters),
    }
}

pub(super) fn previous(subject: &Subject<'_>) -> Ruling {
    let Subject::Item(OneItem { project, neighbours, .. }) = subject else { return Err(ELSEWHERE) };
    let item = neighbours.previous.ok_or(Unavailable::Nothing("There is none before it"))?;
    Ok(UserAction::Go(Route::Item(project.id, item)))
}

pub(super) fn next(subject: &Subject<'_>) -> Ruling {
    let Subject::Item(OneItem { project, neighbours, .. }) = subject else { return Err(ELSEWHERE) };
    let item = neighbours.next.ok_or(Unavailable::Nothing("There is none after it"))?;
    Ok(UserAction::Go(Route::Item(project.id, item)))
}

pub(super) fn back(subject: &Subject<'_>) -> Ruling {
    let Subject::Item(OneItem { project, .. }) = subject else { return Err(ELSEWHERE) };
    Ok(UserAction::Go(Route::Project(project.id)))
}

pub(super) fn create_project(subject: &Subject<'_>) -> Ruling {
    match subject {
        Subject::NewProject(form) if form.busy => Err(BUSY),
        Subject::NewProject(_) => Ok(UserAction::CreateProject),
        _ => Err(ELSEWHERE),
    }
}

pub(super) fn start_now(subject: &Subject<'_>) -> Ruling {
    let Subject::Start(form) = subject else { return Err(ELSEWHERE) };
    form.order().map(|_| UserAction::Start).map_err(Unavailable::Refused)
}

pub(super) fn unlock(subject: &Subject<'_>) -> Ruling {
    match subject {
        Subject::Vault(VaultForm { busy: true, .. }) => Err(BUSY),
        Subject::Vault(form) => form.fault().map_or(Ok(UserAction::Unlock), |fault| Err(Unavailable::Nothing(fault))),
        _ => Err(ELSEWHERE),
    }
}

pub(super) fn import(subject: &Subject<'_>) -> Ruling {
    let Subject::Import(form) = subject else { return Err(ELSEWHERE) };
    match &form.preview {
        _ if form.running.is_some() => Err(BUSY),
        _ if !form.asks.is_empty() && form.records.is_none() => {
            Err(Unavailable::Nothing("Say whether they are the same mailboxes"))
        }
        Some(preview) if preview.good > 0 => Ok(UserAction::Import),
        _ => Err(Unavailable::Nothing("There is nothing to import yet")),
    }
}

pub(super) fn retry_errors(subject: &Subject<'_>) -> Ruling {
    let Subject::Item(OneItem { row, .. }) = subject else { return Err(ELSEWHERE) };
    not_archived(subject)?;
    allowed(subject, Action::RetryErrors).map(|_| UserAction::RetryErrors(row.item, None))
}

pub(super) fn browse_save(subject: &Subject<'_>) -> Ruling {
    match subject {
        Subject::Save(form) if form.running.is_some() => Err(BUSY),
        _ => Ok(UserAction::BrowseSave),
    }
}

pub(super) fn save_message(subject: &Subject<'_>) -> Ruling {
    match subject {
        Subject::Save(form) if form.running.is_some() => Err(BUSY),
        Subject::Save(form) if form.to().is_none() => Err(Unavailable::Nothing("Choose a file")),
        Subject::Save(_) => Ok(UserAction::SaveMessage),
        _ => Err(ELSEWHERE),
    }
}

pub(super) fn close_dialog(subject: &Subject<'_>) -> Ruling {
    match subject {
        Subject::Import(form) if form.running.as_ref().is_some_and(|running| running.cancel.is_cancelled()) => {
            Err(Unavailable::Nothing("What was stored is being taken back"))
        }
        _ => Ok(UserAction::CloseDialog),
    }
}

/// What can be chosen before passes are being stopped.
pub(super) fn before_stopping(subject: &Subject<'_>, event: CloseEvent) -> Ruling {
    match subject {
        Subject::Closing(false) => Ok(UserAction::Closing(event)),
        Subject::Closing(true) => Err(Unavailable::Nothing("Passes are being stopped")),
        _ => Err(ELSEWHERE),
    }
}
