use std::time::Duration;

use super::*;
use crate::domain::counts::Counts;
use crate::domain::failure::{Cause, Failure, Retry, Scope, Side};
use crate::domain::figures::Moved;
use crate::domain::ids::ProjectId;
use crate::domain::item_error::{Acceptance, ItemError};
use crate::domain::notice::NoticeKind;
use crate::domain::pass::PassKind;
use crate::domain::pass_plan::PassPlan;
use crate::domain::progress::{PassProgress, Phase, RetryState};
use crate::domain::project::Options;
use crate::domain::server::Server;
use crate::domain::status::Wait;
use crate::service::OpenOptions;
use crate::store::{Ended, NewItem, Submission};

fn at(second: u64) -> Timestamp {
    Timestamp::from_millis(1_763_800_000_000).plus(Duration::from_secs(second))
}

fn failure(words: &str) -> Failure {
    Failure::new(Cause::TooBig, Scope::Message, Retry::Never, "appending").saying(words)
}

fn pass(id: i64, submitted: u64, ended: Option<u64>) -> StoredPass {
    StoredPass {
        id: PassId(id),
        item: ItemId(1),
        kind: PassKind::Full,
        status: if ended.is_some() { Status::Failed } else { Status::Migrating },
        attempt: 1,
        plan: None,
        schedule: None,
        hold: None,
        since: at(ended.unwrap_or(submitted + 1)),
        submitted: at(submitted),
        started: Some(at(submitted + 1)),
        ended: ended.map(at),
        failure: None,
        earlier: Moved::default(),
        earlier_results: Default::default(),
        progress: PassProgress { updated: Some(at(submitted + 40)), ..PassProgress::default() },
    }
}

/// A workspace with an item that was never started.
async fn bench(folder: &std::path::Path) -> (OpenWorkspace, Project, StoredItem) {
    let workspace = OpenWorkspace::open(OpenOptions::new(folder.to_owned())).unwrap();
    let server = || Server::parse_url("maildir:/nowhere/{email}").unwrap();
    let store = &workspace.store;
    let project: ProjectId =
        store.create_project("p".into(), [server(), server()], Options::default(), [None; 2]).await.unwrap();
    let (source_email, destination_email) = ("anna@a.example".into(), "anna@b.example".into());
    let new = NewItem { source_email, destination_email, ..NewItem::default() };
    let item = store.import_items(project, vec![new]).await.unwrap()[0].id;
    let (project, row) = (store.project(project).await.unwrap(), store.item(item).await.unwrap());
    (workspace, project, row)
}

fn kinds(lines: &[LogLine]) -> Vec<LogKind> {
    lines.iter().map(|line| line.kind).collect()
}

#[tokio::test]
async fn r26_what_went_wrong_is_told_with_the_servers_words_and_nothing_in_them_steers() {
    let folder = tempfile::tempdir().unwrap();
    let (_workspace, project, row) = bench(folder.path()).await;
    let mut failed = pass(7, 0, Some(60));
    failed.progress.counts = Counts { copied: 3, errors: 3, ..Counts::default() };
    failed.failure = Some(Ended { side: Some(Side::Destination), failure: failure("NO \u{1b}]0;x\u{7}full\u{202e}") });
    let error = |accepted: bool| StoredError {
        id: 1,
        item: ItemId(1),
        error: ItemError {
            accepted: accepted.then(|| Acceptance { at: at(99), note: None }),
            ..ItemError::about(failure("no\r\nroom"))
        },
    };
    let notice = Notice {
        folder: None,
        kind: NoticeKind::Cleaned,
        side: Some(Side::Destination),
        messages: 1,
        numbers: Vec::new(),
        detail: None,
    };
    let lines = told((&project, &row), (3, &failed), (&[error(false), error(true)], &[notice]), 2);
    let expected = [
        LogKind::Standing,
        LogKind::Failure,
        LogKind::ServerText,
        LogKind::Error,
        LogKind::Error,
        LogKind::More,
        LogKind::Notice,
    ];
    assert_eq!(kinds(&lines), expected);
    assert!(lines[0].text.starts_with("Failed: 3 copied") && lines[0].at == Some(at(60)), "{lines:?}");
    assert_eq!(lines[2].text, "server text: NO  ]0;x full");
    assert!(lines[3].text.ends_with("no  room") && lines[4].text.ends_with("no  room [accepted]"), "{lines:?}");
    assert!(lines.iter().all(|line| line.pass == Some(3)));
}

#[tokio::test]
async fn what_happened_is_in_the_order_of_its_times_and_errors_stand_before_the_end() {
    let folder = tempfile::tempdir().unwrap();
    let (_workspace, project, row) = bench(folder.path()).await;
    let pass = StoredPass { attempt: 2, ..pass(7, 0, Some(60)) };
    let error = StoredError { id: 1, item: ItemId(1), error: ItemError::about(failure("no")) };
    let lines = told((&project, &row), (1, &pass), (&[error], &[]), 20);
    let mut trace = PassTrace::new(PassId(7), at(2), &PassProgress::default());
    let retry = RetryState { side: Some(Side::Source), failure: failure("wait"), attempt: 1, limit: 8, until: at(30) };
    trace.look(at(3), &PassProgress { phase: Phase::Copying, ..PassProgress::default() }, 0);
    let paused = PassProgress { phase: Phase::Copying, retry: Some(retry), ..PassProgress::default() };
    trace.look(at(10), &paused, 0);
    trace.look(at(40), &PassProgress { phase: Phase::Copying, ..PassProgress::default() }, 0);
    trace.look(at(50), &paused, 0);
    trace.end(at(60), &paused, 0);
    let log = |pass| PassLog { number: 1, pass, lines: lines.clone() };
    let told: Vec<LogLine> = {
        let mut all = of_pass(log(pass.clone()), Some(&trace));
        all.sort_by_key(|(at, _)| *at);
        all.into_iter().map(|(_, line)| line).collect()
    };
    let texts: Vec<&str> = told.iter().map(|line| line.text.as_str()).collect();
    assert_eq!(
        texts[..4],
        ["Full: submitted", "Started", "Interrupted 1 time; it goes on from what is recorded", "Copying"]
    );
    assert!(texts[4].starts_with("Pauses: source: ") && texts[4].ends_with(" · try 1 of 8"), "{texts:?}");
    assert_eq!(texts[5], "Goes on after 30 seconds");
    assert!(texts[6].starts_with("Pauses: "), "it did not go on after this one: {texts:?}");
    assert!(texts[7].contains("Too big") && told[7].at.is_none() && texts[8].starts_with("Failed: "), "{texts:?}");
    assert_eq!(told.len(), 9);
    let mut other = trace;
    other.pass = PassId(8);
    assert_eq!(of_pass(log(pass), Some(&other)).len(), 5, "what was seen of another pass is not told");
}

#[tokio::test]
async fn an_item_tells_its_passes_from_the_database_and_of_many_the_newest() {
    let folder = tempfile::tempdir().unwrap();
    let (workspace, project, row) = bench(folder.path()).await;
    let item = row.item.id;
    assert_eq!(of_item(&workspace, item, None).await.unwrap(), []);
    let submission = Submission { kind: PassKind::Full, wait: Wait::None, schedule: None, at: at(0) };
    workspace.store.submit(vec![(item, PassPlan::FULL)], submission).await.unwrap();
    let lines = of_item(&workspace, item, None).await.unwrap();
    assert_eq!(lines.len(), 1, "what it waits for is said once: {lines:?}");
    assert_eq!((lines[0].text.as_str(), lines[0].at, lines[0].pass), ("Full: submitted", Some(at(0)), Some(1)));
    let database = rusqlite::Connection::open(workspace.store.path()).unwrap();
    database
        .execute_batch(
            "UPDATE pass SET status = 'completed', ended = submitted + 5000, since = submitted + 5000;
             WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 60)
             INSERT INTO pass (item, kind, status, attempt, submitted, since, ended)
             SELECT p.item, p.kind, 'completed', 1, p.submitted + i * 10000, p.since + i * 10000, p.ended + i * 10000
             FROM pass AS p, n",
        )
        .unwrap();
    let lines = of_item(&workspace, item, None).await.unwrap();
    assert_eq!(lines[0].text, "… and before this 11 passes: `mailferry log` names them");
    assert_eq!((lines.len(), lines[1].pass), (1 + 2 * PASSES, Some(12)));
    assert!(lines.is_sorted_by_key(|line| line.at));
    let all = passes(&workspace, &project, &row, 20).await.unwrap();
    assert_eq!((all.len(), all[0].number, kinds(&all[0].lines)), (61, 1, vec![LogKind::Standing]));
}
