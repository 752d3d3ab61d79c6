//! `mailferry start`: runs passes in this process and stays until they have ended (D3).

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use crate::cli::args::{PassWord, ResumeArgs, StartArgs};
use crate::cli::called::of_project;
use crate::cli::error::{CliError, Exit};
use crate::cli::follow::{Run, follow};
use crate::cli::reasons::Reasons;
use crate::cli::status::{NAMED, bounded, by_item, failure_text, item_error_line, starts_at};
use crate::cli::stop::{done, say_left};
use crate::cli::table::clean;
use crate::cli::workspace::{ids, unlock};
use crate::cli::{prompt, remedies};
use crate::domain::failure::Cause;
use crate::domain::figures::closing;
use crate::domain::ids::{ItemId, ProjectId};
use crate::domain::item_error::ErrorCause;
use crate::domain::license::Taking;
use crate::domain::pass::PassKind;
use crate::domain::progress::PassProgress;
use crate::domain::project::Project;
use crate::domain::start_order::{Sequence, StartOrder, Turn};
use crate::domain::status::{HoldReason, Refusal, Status};
use crate::domain::time::Timestamp;
use crate::domain::wording::{counted, notice_line};
use crate::engine::command::{Command, LeftAlone, Outcome};
use crate::engine::snapshot::{ItemRow, Snapshot};
use crate::platform::PlatformError;
use crate::platform::interrupts::Interrupts;
use crate::service::asking::{StartMails, start_mails};
use crate::service::errors;
use crate::service::items::{self, StoredItem, StoredNotice, key};
use crate::service::orders::{Commander, give};
use crate::service::start::{Readiness, StartRequest, WaitingRule, admit, readiness, refuse_archived, run, take};
use crate::service::{OpenWorkspace, RunningEngine, ServiceError, Takes, projects, times};

/// `start`
pub async fn start(workspace: &OpenWorkspace, start: StartArgs) -> Result<Exit, CliError> {
    let project = projects::named(workspace, &start.project).await?;
    refuse_archived(&project)?;
    let rows = items::select(workspace, &project, &start.items).await?;
    if rows.is_empty() {
        return Err(CliError::usage(format!("project \"{}\" has no items: import some first", project.name)));
    }
    only_one_cause(workspace, &project, &start).await?;
    let order = order(workspace, &project, &start)?;
    let confirms = start.confirm_direction || confirmed_at_the_terminal(&project, &order)?;
    let scheduled = order.until().filter(|_| !start.watch);
    let asks = !start.do_not_ask;
    let request = StartRequest { project: project.id, items: ids(&rows), order, confirms, asks };
    let readiness = readiness(workspace, &request, WaitingRule::GoesOn).await.map_err(with_the_flag)?;
    let mut exit = Exit::Well;
    if !readiness.not_ready.is_empty() {
        exit = Exit::Items;
        let reasons = readiness.not_ready.iter().map(|(item, reason)| (*item, format!("not started: {reason}")));
        Reasons::of(reasons, &rows, |_| true).lines().for_each(|line| warn!("{line}"));
    }
    say_taking(readiness.taking.as_ref());
    if start.preview_mails {
        return preview_mails(workspace, project.id, &readiness.mails).await;
    }
    admit(workspace, &readiness).await.map_err(with_the_flag)?;
    say_mails(&readiness.mails, &rows);
    if readiness.ready.is_empty() {
        return Err(CliError::usage("nothing was started"));
    }
    if let Some(at) = scheduled {
        return schedule(workspace, &request, readiness, at, &rows).await.map(|scheduled| scheduled.max(exit));
    }
    let run = Passes { project: &project, readiness, order: Some(request.order), watch: start.watch };
    run_passes(workspace, run, &rows).await.map(|ran| ran.max(exit))
}

/// `resume`
pub async fn resume(workspace: &OpenWorkspace, resume: ResumeArgs) -> Result<Exit, CliError> {
    let project = projects::named(workspace, &resume.project).await?;
    let rows = items::select(workspace, &project, &resume.items).await?;
    let now = workspace.now();
    // Who stays keeps the times of those that start later; what has missed its time is let go on by the word alone.
    let comes = |at: Option<Timestamp>| resume.watch || at.is_none_or(|at| at <= now);
    let waits = |row: &&StoredItem| match row.status() {
        Status::Submitted | Status::Held => true,
        Status::Scheduled => comes(starts_at(row)),
        _ => false,
    };
    let ready: Vec<ItemId> = rows.iter().filter(waits).map(|row| row.item.id).collect();
    if ready.is_empty() {
        return Err(CliError::usage(match rows.iter().filter(|row| row.status() == Status::Scheduled).count() {
            0 => "nothing is held, and nothing was interrupted; use `mailferry start`".to_owned(),
            1 => "1 item starts later: with --watch this stays and starts it at its time".to_owned(),
            n => format!("{n} items start later: with --watch this stays and starts them at their time"),
        }));
    }
    let readiness = Readiness { ready, ..Readiness::default() };
    run_passes(workspace, Passes { project: &project, readiness, order: None, watch: resume.watch }, &rows).await
}

/// How many licenses a Start takes, and how many are missing.
fn say_taking(taking: Option<&Taking>) {
    let Some(taking) = taking else { return };
    say!("Start {}", clean(&taking.words()));
    if let Some(short) = taking.shortage() {
        warn!("{short}. Add licenses (`mailferry license add`), or start fewer items");
    }
}

/// Which owners a Start asks by mail.
fn say_mails(mails: &[ItemId], rows: &[StoredItem]) {
    if mails.is_empty() {
        return;
    }
    let asked: HashSet<ItemId> = mails.iter().copied().collect();
    let names = rows.iter().filter(|row| asked.contains(&row.item.id)).map(|row| {
        let source = &row.item.source.email;
        row.contact.as_ref().map_or_else(|| source.clone(), |contact| format!("{source} at {contact}"))
    });
    say!("Start asks {} for a password by mail:", counted(mails.len(), "owner"));
    bounded(names, mails.len() as u64).iter().for_each(|name| say!("  {}", clean(name)));
}

/// Shows the first mail and how many there are; nothing is started.
async fn preview_mails(workspace: &OpenWorkspace, project: ProjectId, mails: &[ItemId]) -> Result<Exit, CliError> {
    let StartMails { owners, sample } = start_mails(workspace, project, mails).await?;
    let Some(mail) = sample else {
        say!("This Start asks nobody by mail");
        return Ok(Exit::Well);
    };
    say!("This Start asks {} by mail; nothing was started. The first mail:", counted(owners.len(), "owner"));
    say!("");
    say!("To: {}", clean(&mail.to));
    say!("Subject: {}", clean(&mail.subject));
    say!("");
    mail.text.lines().for_each(|line| say!("{}", clean(line)));
    Ok(Exit::Well)
}

/// What the arguments ask for.
fn order(workspace: &OpenWorkspace, project: &Project, start: &StartArgs) -> Result<StartOrder, ServiceError> {
    let (now, zone) = (workspace.now(), times::zone_of(&project.options, &times::zone()));
    let before = start.older_than.as_deref().map(|text| times::border(text, now, &zone)).transpose()?;
    let schedule = start.at.as_deref().map(|text| times::start(text, now, &zone)).transpose()?;
    let turn = if start.next { Turn::Next } else { Turn::Last };
    let sequence = if start.largest_first { Sequence::LargestFirst } else { Sequence::Listed };
    let only = start.only.map(|cause| ErrorCause { side: None, cause });
    Ok(StartOrder { kind: start.pass.into(), before, only, schedule, turn, sequence })
}

/// Refuses one cause where it means nothing: another pass, or no error of it.
async fn only_one_cause(workspace: &OpenWorkspace, project: &Project, start: &StartArgs) -> Result<(), CliError> {
    let Some(cause) = start.only else { return Ok(()) };
    if start.pass != PassWord::RetryErrors {
        return Err(CliError::usage("--only goes with --pass retry-errors"));
    }
    let mut causes = BTreeSet::new();
    errors::each(workspace, project.id, None, |row| {
        causes.insert(row.error.failure.cause);
    })
    .await?;
    if causes.contains(&cause) {
        return Ok(());
    }
    let there: Vec<String> = causes.into_iter().map(Cause::word).collect();
    let there = if there.is_empty() { "there is no error".into() } else { format!("there are: {}", there.join(", ")) };
    Err(CliError::usage(format!("no error has the cause {}; {there}", cause.word())))
}

/// Asks a person at a terminal whether mail goes the right way, before a project's first copy.
fn confirmed_at_the_terminal(project: &Project, order: &StartOrder) -> Result<bool, CliError> {
    if project.starts.confirmed || !order.kind.moves_mail() {
        return Ok(false);
    }
    prompt::yes(&format!(
        "Copy FROM {} INTO {}?",
        clean(&project.source.to_string()),
        clean(&project.destination.to_string())
    ))
}

fn with_the_flag(error: ServiceError) -> CliError {
    match error {
        ServiceError::DirectionNotConfirmed { .. } => {
            CliError::usage(format!("{error}. If that is right, start with --confirm-direction"))
        }
        ServiceError::CannotAsk { .. } => {
            CliError::usage(format!("{error}. To leave these items alone, start with --do-not-ask"))
        }
        other => other.into(),
    }
}

/// Submits passes that begin later, and says who will run them.
async fn schedule(
    workspace: &OpenWorkspace,
    request: &StartRequest,
    readiness: Readiness,
    at: Timestamp,
    rows: &[StoredItem],
) -> Result<Exit, CliError> {
    let Readiness { ready, lacking, .. } = readiness;
    let (project, order) = (request.project, request.order.clone());
    let zone = order.schedule.as_ref().map_or_else(times::zone, |schedule| times::zone_named(&schedule.zone));
    let outcome = done(give(workspace, Command::Start { project, items: ready, lacking, order }).await?)?;
    say!(
        "{} will start at {}, if Mailferry runs then: keep its window open, or run `mailferry resume` with --watch",
        counted(outcome.done.len(), "item"),
        times::told(at, &zone)
    );
    say_left(&outcome, rows, |_| true);
    Ok(if outcome.left.is_empty() { Exit::Well } else { Exit::Items })
}

/// Passes to run and to stay with.
struct Passes<'a> {
    project: &'a Project,
    readiness: Readiness,
    /// None: those that wait go on, and nothing is submitted.
    order: Option<StartOrder>,
    watch: bool,
}

/// Runs passes here, or has the process run them that has the workspace, until they have ended.
async fn run_passes(workspace: &OpenWorkspace, passes: Passes<'_>, rows: &[StoredItem]) -> Result<Exit, CliError> {
    let Passes { project, readiness, order, watch } = passes;
    let presses = || Interrupts::listen().map_err(|error| CliError::cannot(format!("listening for Ctrl-C: {error}")));
    let lock = match take(workspace).await {
        Ok(lock) => Some(lock),
        Err(ServiceError::Platform(PlatformError::InUse(_))) => None,
        Err(other) => return Err(other.into()),
    };
    // Maildirs need no password, so none may ever have been stored. Who has the workspace has opened its vault.
    let logs_in = project.source.needs_login() || project.destination.needs_login();
    if lock.is_some() && logs_in && readiness.ready.len() > readiness.lacking.len() {
        unlock(workspace).await?;
    }
    let presses = presses()?;
    // What a crash left of the other items waits for a word from now on: this process ends in order.
    let engine = lock.map(|lock| RunningEngine::start(workspace, lock, Takes::Given)).transpose()?;
    let commander = engine.as_ref().map_or(Commander::Owner(workspace), Commander::Own);
    let given = match order.clone() {
        Some(order) => run(commander, project.id, &readiness, order).await,
        None => commander.command(Command::Resume { project: project.id, items: readiness.ready.clone() }).await,
    };
    if engine.is_none() && matches!(given, Err(ServiceError::OwnerSilent)) && !workspace.is_held() {
        // Who had the workspace ended in the meantime, and took nothing.
        let again = Passes { project, readiness, order, watch };
        return Box::pin(run_passes(workspace, again, rows)).await;
    }
    let mut outcome = done(given?)?;
    if order.is_some_and(|order| order.turn == Turn::Next && order.schedule.is_none()) {
        step_forward(commander, project.id, &mut outcome).await?;
    }
    say_left(&outcome, rows, |_| true);
    let chosen: Vec<ItemId> = outcome.done;
    let followed = Run { passes: engine.as_ref(), project: project.id, items: &chosen };
    let snapshot = follow(workspace, &followed, presses, watch).await?;
    let exit = conclude(workspace, project, &chosen.iter().copied().collect(), &snapshot, watch).await?;
    if let Some(engine) = engine {
        let taken_away = engine.was_taken_away();
        engine.close().await;
        if taken_away {
            warn!(
                "workspace.lock was removed or replaced while passes ran: all of them were stopped, so that no other \
                 Mailferry runs them too. Start again when none is running; the file need never be removed"
            );
            return Ok(exit.max(Exit::Items));
        }
    }
    Ok(if outcome.left.is_empty() { exit } else { exit.max(Exit::Items) })
}

/// Items that wait already and are to be the next go before all others, which is what a Start of them asks for.
async fn step_forward(commander: Commander<'_>, project: ProjectId, outcome: &mut Outcome) -> Result<(), CliError> {
    let waits = LeftAlone::from(Refusal::AlreadySubmitted);
    let items: Vec<ItemId> = outcome.left.iter().filter(|(_, why)| *why == waits).map(|(item, _)| *item).collect();
    if items.is_empty() {
        return Ok(());
    }
    let moved = done(commander.command(Command::Next { project, items }).await?)?.done;
    if !moved.is_empty() {
        say!("{} before all others that wait now", counted(moved.len(), "item"));
    }
    let moved: HashSet<ItemId> = moved.into_iter().collect();
    outcome.left.retain(|(item, _)| !moved.contains(item));
    outcome.done.extend(moved);
    Ok(())
}

/// How an item ended, in one line: what was counted where nothing was to be copied.
fn result(row: &ItemRow) -> String {
    let verified = row.pass.filter(|pass| pass.kind == PassKind::Verify && row.status == Status::Completed);
    match verified.and(row.progress.at_source) {
        Some(at) => format!("{}: {}", row.status.word(), at.words()),
        None => closing(row.status, &row.progress, row.earlier),
    }
}

/// Says how it ended and chooses the exit code.
async fn conclude(
    workspace: &OpenWorkspace,
    project: &Project,
    items: &HashSet<ItemId>,
    snapshot: &Snapshot,
    watch: bool,
) -> Result<Exit, CliError> {
    let mut exit = Exit::Well;
    let stored = items::all(workspace, project.id).await?;
    let stored: HashMap<ItemId, StoredItem> = stored.into_iter().map(|row| (row.item.id, row)).collect();
    let notices = items::notices(workspace, project.id, NAMED).await?;
    let notices = by_item(&notices);
    let (mut held, mut asked) = (BTreeMap::<_, Vec<_>>::new(), Reasons::default());
    let all = snapshot.rows().filter(|row| items.contains(&row.item)).count();
    let (mut told, mut left_behind, most) = (0, false, if watch { all } else { NAMED as usize });
    for row in snapshot.rows().filter(|row| items.contains(&row.item)) {
        let Some(stored) = stored.get(&row.item) else { continue };
        let name = clean(&key(stored));
        if told < most {
            say!("{name}: {}", result(row));
        }
        told += 1;
        if row.status == Status::WaitingForUser {
            asked.add(
                "waits for its owner's password: `mailferry intake serve` asks for it by mail; or stop it and enter it"
                    .into(),
                stored,
            );
        }
        match row.pass.and_then(|pass| pass.hold).filter(|_| row.status == Status::Held) {
            Some(hold) => held.entry(hold).or_default().push((stored, row.as_ref())),
            None => say_failure(project, stored, row, &name),
        }
        if row.status == Status::Stopped {
            warn!("{name}: Stopped; `{}` goes on where it stopped", of_project("start", project));
        }
        // Of a Verify nothing is tried again.
        let moves = row.pass.is_some_and(|pass| pass.kind.moves_mail());
        left_behind |= moves && row.progress.counts.errors > row.progress.accepted;
        say_what_is_left(row, notices.get(&row.item).copied().unwrap_or_default(), &name);
        say_errors(workspace, project, stored, row).await?;
        if !ended_well(row.status, &row.progress) {
            exit = Exit::Items;
        }
    }
    if told > most {
        say!("… and {} more: `{}` names them", told - most, of_project("status", project));
    }
    if left_behind {
        let (errors, again) = (of_project("errors", project), of_project("start", project));
        warn!(
            "`{errors}` says what to do about each; `{again} --pass retry-errors` tries what was left behind once more"
        );
    }
    asked.lines().for_each(|line| warn!("{line}"));
    held.iter().for_each(|(hold, items)| say_held(project, *hold, items));
    Ok(exit)
}

fn say_failure(project: &Project, stored: &StoredItem, row: &ItemRow, name: &str) {
    let Some((side, failure)) = &row.failure else { return };
    let text = failure_text(project, stored, *side, failure);
    warn!("{name}: {}. {} {}", text.headline, text.what, text.todo);
    if let Some(words) = &failure.server_text {
        warn!("  {}: {}", failure.cause.words_of(), clean(words));
    }
    if let Some(verb) = remedies::verb(project, &key(stored), *side, failure) {
        warn!("  to correct it: `{verb}`");
    }
}

/// Why items have not run at all: once, however many wait for the same word or server.
fn say_held(project: &Project, hold: HoldReason, items: &[(&StoredItem, &ItemRow)]) {
    let Some((stored, row)) = items.first() else { return };
    let name = match items.len() {
        1 => clean(&key(stored)),
        many => counted(many, "item"),
    };
    say_failure(project, stored, row, &name);
    warn!("{name}: Submitted, held: {}", hold.word());
    let resume = of_project("resume", project);
    match hold {
        HoldReason::Switch => warn!("  `{}` and `{resume}` let it go on", of_project("hold off", project)),
        HoldReason::LoginRefused => warn!("  once that login is corrected, `{resume}` lets it go on"),
        HoldReason::Unreachable | HoldReason::Interrupted | HoldReason::Missed => warn!("  `{resume}` lets it go on"),
    }
}

/// Messages that could not be moved and that nobody has accepted.
async fn say_errors(
    workspace: &OpenWorkspace,
    project: &Project,
    stored: &StoredItem,
    row: &ItemRow,
) -> Result<(), ServiceError> {
    // 100,000 items that met none are not asked one by one.
    let Some(pass) = row.pass.filter(|_| row.progress.counts.errors > 0) else { return Ok(()) };
    let errors = items::errors(workspace, pass.id, NAMED, 0).await?;
    for row in errors.iter().filter(|row| row.error.accepted.is_none()) {
        warn!("  {}", clean(&item_error_line(project, stored, &row.error)));
    }
    Ok(())
}

/// Messages that were not moved or wait for the next pass, and what was noticed.
fn say_what_is_left(row: &ItemRow, notices: &[StoredNotice], name: &str) {
    let counts = &row.progress.counts;
    let verify = row.pass.is_some_and(|pass| pass.kind == PassKind::Verify);
    let done = if verify { "read" } else { "moved" };
    match (counts.errors, row.progress.accepted) {
        (0, _) => {}
        (errors, 0) => warn!("{name}: {} could not be {done}", counted(errors as usize, "message")),
        (errors, accepted) => {
            warn!("{name}: {} could not be {done}, {accepted} of them accepted", counted(errors as usize, "message"))
        }
    }
    if counts.waiting > 0 {
        warn!("{name}: {} wait for the next pass", counted(counts.waiting as usize, "message"));
    }
    if counts.arrived > 0 {
        let words = counted(counts.arrived as usize, "message");
        warn!("{name}: {words} arrived during the pass; start again to bring them");
    }
    let all = notices.first().map_or(0, |first| first.of);
    for line in bounded(notices.iter().map(|row| notice_line(&row.notice)), all) {
        warn!("  {}", clean(&line));
    }
}

/// Whether an item ended as it should: what arrived meanwhile is for the next pass, what differs or waits is not well.
fn ended_well(status: Status, progress: &PassProgress) -> bool {
    status == Status::Completed && !progress.leaves_something()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::counts::Counts;
    use crate::domain::figures::Moved;

    #[test]
    fn d27_what_differs_or_waits_is_not_well_and_is_named_in_the_closing_line() {
        let of = |counts| PassProgress { counts, ..PassProgress::default() };
        let (first, none) = (Moved::default(), Counts { source: 9, copied: 9, ..Counts::default() });
        assert!(ended_well(Status::Completed, &of(none)) && !ended_well(Status::Stopped, &of(none)));
        assert!(ended_well(Status::Completed, &of(Counts { arrived: 3, ..none })), "said, and no failure");
        for bad in [Counts { errors: 1, ..none }, Counts { waiting: 1, ..none }, Counts { differ: 1, ..none }] {
            assert!(!ended_well(Status::Completed, &of(bad)), "{bad:?}");
        }
        let accepted = PassProgress { accepted: 1, ..of(Counts { errors: 1, ..none }) };
        assert!(ended_well(Status::Completed, &accepted), "r26: somebody has said that it stays behind");
        let line = closing(Status::Completed, &of(none), first);
        assert_eq!(line, "Completed: 9 copied (0 bytes), 0 already there, 0 errors");
        let later = closing(Status::Completed, &of(none), Moved { messages: 100, bytes: 1_000 });
        assert_eq!(later, "Completed: +9 new, 109 copied in all (1.00 KB), 0 already there, 0 errors");
        let all = Counts { waiting: 1, arrived: 2, differ: 3, ..none };
        let line = "Completed: 9 copied (0 bytes), 0 already there, 0 errors, 3 differ, 1 waiting, 2 arrived meanwhile";
        assert_eq!(closing(Status::Completed, &of(all), first), line);
    }
}
