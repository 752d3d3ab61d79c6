//! The log of an item and the speed of its pass, on its page.

use std::time::Duration;

use egui::Role;
use egui_kittest::kittest::{NodeT, Queryable};
use mailferry::domain::counts::Counts;
use mailferry::domain::failure::{Cause, Failure, Retry, Scope, Side};
use mailferry::domain::ids::{ItemId, PassId, PoolId};
use mailferry::domain::pass::PassKind;
use mailferry::domain::progress::{PassProgress, Phase, RetryState};
use mailferry::domain::project::Options;
use mailferry::domain::secret::Secret;
use mailferry::domain::server::Server;
use mailferry::domain::start_order::StartOrder;
use mailferry::domain::status::Status;
use mailferry::domain::trace::PassTrace;
use mailferry::engine::snapshot::ItemRow;
use mailferry::service::ServiceError;
use mailferry::service::client::{Request, RequestId, Response};
use mailferry::service::import::ImportFrom;
use mailferry::service::items::ItemCredentials;
use mailferry::service::log::{LogKind, LogLine};
use mailferry::service::projects::{NewProject, NewServer};
use mailferry::service::start::StartRequest;
use tokio_util::sync::CancellationToken;

use super::client::Caller;
use super::look_around::opened;
use super::{NOW, PROJECT, Stage, details, item, item_in};

fn open_tab(stage: &mut Stage, label: &str) {
    stage.window.get_by_role_and_label(Role::Button, label).click();
    stage.window.run();
}

/// The page of an item that migrates, with this tab open, and what was asked for it.
fn migrating(tab: &str) -> (Stage, ItemRow, RequestId, Request) {
    let row = item_in(1, "anna", Status::Migrating);
    let mut stage = Stage::with(vec![row.clone()]);
    stage.click("Migrating: open anna@contoso.example");
    let (request, Request::Details(_)) = stage.only() else { panic!("its details") };
    stage.answer(request, Response::Details(Box::new(details(ItemCredentials::default()))));
    open_tab(&mut stage, tab);
    let (request, asked) = stage.only();
    (stage, row, request, asked)
}

fn line(second: u64, kind: LogKind, text: &str) -> LogLine {
    LogLine { at: Some(NOW.plus(Duration::from_secs(second))), pass: Some(2), kind, text: text.into() }
}

/// What an engine might tell.
pub(super) fn lines() -> Vec<LogLine> {
    vec![
        line(0, LogKind::Course, "Full: submitted"),
        line(1, LogKind::Course, "Started"),
        LogLine { at: None, ..line(0, LogKind::Error, "folder \"Sent\", message 7: Too big for the destination") },
        line(61, LogKind::Standing, "Failed: 3 copied"),
        line(61, LogKind::ServerText, "server text: NO quota"),
    ]
}

#[test]
fn the_log_is_read_filtered_and_copied() {
    let mut stage = opened(vec![], 1);
    assert!(stage.shows("None in the latest pass"));
    open_tab(&mut stage, "Log");
    assert!(!stage.shows("None in the latest pass") && stage.shows("Reading…"));
    let (request, Request::ItemLog(ItemId(1))) = stage.only() else { panic!("its log") };
    stage.answer(request, Response::ItemLog(ItemId(1), lines()));
    assert!(stage.shows("5 lines") && stage.shows("2025-11-22 08:26:41") && stage.shows("Failed: 3 copied"));
    let top = |stage: &Stage, label: &str| stage.window.get_by_label(label).rect().top();
    assert!(top(&stage, "Full: submitted") < top(&stage, "Failed: 3 copied"), "the newest at the bottom");

    assert_eq!(stage.copied("Copy line: Failed: 3 copied"), "2025-11-22 08:27:41  pass 2  Failed: 3 copied");
    stage.type_into("Filter the log", "BIG sent");
    assert!(stage.shows("1 of 5 lines") && !stage.shows("Full: submitted"));
    let all = "                     pass 2  folder \"Sent\", message 7: Too big for the destination\n";
    assert_eq!(stage.copied("Copy all shown"), all);
    stage.type_into("Filter the log", " nowhere");
    assert!(stage.says("No line holds") && !stage.shows("Copy all shown"));
    assert!(stage.asked().is_empty(), "a filter asks nobody");
}

#[test]
fn the_log_of_a_running_pass_is_brought_up_to_date_and_not_with_each_frame() {
    let (mut stage, mut row, request, asked) = migrating("Log");
    assert!(matches!(asked, Request::ItemLog(ItemId(1))));
    stage.answer(request, Response::ItemLog(ItemId(1), lines()));
    for copied in 1..5 {
        row.progress.counts.copied = copied;
        stage.state(vec![row.clone()]);
    }
    let log = |asked: &(RequestId, Request)| matches!(asked.1, Request::ItemLog(_));
    assert!(!stage.asked().iter().any(log), "the clock stands still");
    stage.clock.advance(Duration::from_secs(2));
    stage.window.step();
    let asked = stage.asked();
    let request = asked.iter().find(|asked| log(asked)).expect("its log").0;
    stage.clock.advance(Duration::from_secs(9));
    stage.window.step();
    assert!(!stage.asked().iter().any(log), "one question at a time");
    stage.answer(request, Response::Refused(ServiceError::NotOpen));
    assert!(stage.shows("Full: submitted"), "what was read stays");
    stage.clock.advance(Duration::from_secs(2));
    stage.window.step();
    assert!(stage.asked().iter().any(log), "it is asked for again");

    // It ends: the last lines are asked for once, and then there is peace.
    stage.state(vec![ItemRow { status: Status::Completed, ..row }]);
    stage.asked();
    stage.clock.advance(Duration::from_secs(60));
    stage.window.run();
    assert!(!stage.asked().iter().any(log));
}

#[test]
fn an_empty_log_and_a_speed_that_nobody_saw_say_why() {
    let mut stage = Stage::with(vec![item(1, "anna")]);
    stage.click("Not Submitted: open anna@contoso.example");
    let (request, _) = stage.only();
    stage.answer(request, Response::Details(Box::new(details(ItemCredentials::default()))));
    open_tab(&mut stage, "Log");
    let (request, _) = stage.only();
    stage.answer(request, Response::ItemLog(ItemId(1), Vec::new()));
    assert!(stage.shows("Nothing yet: no pass was started"));
    open_tab(&mut stage, "Speed");
    let (request, Request::ItemTrace(ItemId(1))) = stage.only() else { panic!("its speed") };
    stage.answer(request, Response::ItemTrace(ItemId(1), None));
    assert!(stage.says("No pass has run yet"));

    let mut stage = opened(vec![], 1);
    open_tab(&mut stage, "Speed");
    let (request, _) = stage.only();
    stage.answer(request, Response::ItemTrace(ItemId(1), None));
    assert!(stage.says("Speed is recorded while this program runs; this pass ran before"));
}

/// 20 seconds of copying, 30 of waiting for the source, 10 more of copying.
pub(super) fn seen() -> PassTrace {
    let at = |second: u64| NOW.plus(Duration::from_secs(second));
    let figures = |copied: u64, retry| PassProgress {
        phase: Phase::Copying,
        counts: Counts { copied, bytes: copied * 1_000_000, ..Counts::default() },
        retry,
        ..PassProgress::default()
    };
    let failure = Failure::new(Cause::Throttled, Scope::Connection, Retry::Backoff, "reading");
    let failure = failure.about("imap.contoso.example:993").saying("[THROTTLED] slow\u{202e} down");
    let retry = RetryState { side: Some(Side::Source), failure, attempt: 1, limit: 8, until: at(50) };
    let mut trace = PassTrace::new(PassId(1), NOW, &PassProgress::default());
    (1..=20).for_each(|second| trace.look(at(second), &figures(second, None), second * 1_000_000));
    (21..=50).for_each(|second| trace.look(at(second), &figures(20, Some(retry.clone())), 20_000_000));
    (51..=60).for_each(|second| trace.look(at(second), &figures(second - 30, None), (second - 30) * 1_000_000));
    trace
}

#[test]
fn the_speed_is_a_chart_and_the_same_in_figures() {
    let (mut stage, _, request, asked) = migrating("Speed");
    assert!(matches!(asked, Request::ItemTrace(ItemId(1))));
    stage.answer(request, Response::ItemTrace(ItemId(1), Some(Box::new(seen()))));
    assert!(stage.says("Runs for 1 minute, 30 seconds of it waiting · On average 500.00 KB/s · 0.5 messages/s"));
    assert!(stage.says("Fastest 10 seconds 1.00 MB/s · 1.0 messages/s"));
    assert!(stage.shows("Destination, recorded") && stage.shows("1.80 GB") && stage.shows("1,800"));
    assert!(stage.shows("Pauses") && stage.says("08:27:01 to 08:27:31 · source imap.contoso.example:993: "));
    let charts: Vec<_> =
        stage.window.query_all_by_role(Role::Image).filter_map(|n| n.accesskit_node().label()).collect();
    let chart = |name: &str, most: &str| charts.iter().any(|chart| chart.starts_with(name) && chart.contains(most));
    assert!(chart("Chart of MB/s", "at most 1.00 MB/s, 1 pause"), "{charts:?}");
    assert!(chart("Chart of Messages/s", "at most 1.0 messages/s"), "{charts:?}");
    // Under the pointer, a pause says its reason.
    let label = charts.iter().find(|chart| chart.starts_with("Chart of MB/s")).expect("a chart").clone();
    let place = stage.window.get_by_label(&label).rect().center();
    stage.window.hover_at(place);
    stage.window.run();
    assert!(painted(&stage, "Pause 08:27:01 to 08:27:31"), "the middle of the pass is within the pause");
    assert!(!stage.says("\u{202e}"), "nothing turns the words round");
}

/// Whether a text that is painted, and is no widget, holds this.
fn painted(stage: &Stage, words: &str) -> bool {
    stage.window.output().shapes.iter().any(|clipped| match &clipped.shape {
        egui::Shape::Text(text) => text.galley.text().contains(words),
        _ => false,
    })
}

#[test]
fn the_speed_fits_small_windows_and_large_ones_in_both_themes() {
    let (mut stage, _, request, _) = migrating("Speed");
    stage.answer(request, Response::ItemTrace(ItemId(1), Some(Box::new(seen()))));
    for theme in [egui::Theme::Light, egui::Theme::Dark] {
        stage.window.ctx.set_theme(theme);
        for (wide, high) in [(960.0, 560.0), (1280.0, 800.0), (1920.0, 1080.0)] {
            stage.window.set_size(egui::vec2(wide, high));
            stage.window.run();
            let chart = stage.window.get_by_label_contains("Chart of MB/s").rect();
            assert!(chart.left() >= 0.0 && chart.right() <= wide && chart.width() > 200.0, "{chart}");
            let figure = stage.window.get_by_label("1,800").rect();
            assert!(figure.right() <= wide, "{figure} of {wide}");
        }
    }
}

fn maildir(url: String) -> NewServer {
    let server = Server::parse_url(&url).expect("an address");
    NewServer { server, authorities: None, password: None, key_file: None }
}

#[test]
fn of_a_pass_that_ran_here_the_log_and_the_speed_are_known_and_after_a_restart_the_log() {
    let folder = tempfile::tempdir().expect("a folder");
    let mailbox = folder.path().join("old/anna@a.example");
    for of in [&mailbox, &folder.path().join("new/anna@b.example")] {
        ["cur", "new", "tmp"].iter().for_each(|name| std::fs::create_dir_all(of.join(name)).expect("a folder"));
    }
    std::fs::write(mailbox.join("cur/1.a.b:2,S"), "Message-ID: <1@a.example>\r\nSubject: plan\r\n\r\nthe plan\r\n")
        .expect("a mail");
    let (workspace, root) = (tempfile::tempdir().expect("a folder"), folder.path().display());
    let (mut client, answer) = Caller::open(workspace.path());
    assert!(matches!(answer, Response::Opened(_)), "{answer:?}");
    let (source, destination) =
        (maildir(format!("maildir:{root}/old/{{email}}")), maildir(format!("maildir:{root}/new/{{email}}")));
    let (options, pool) = (Options::default(), PoolId::FIRST);
    let new = NewProject { name: "Contoso".into(), client: None, source, destination, options, pool };
    let made = client.ask(Request::NewProject(Box::new(new)));
    let Response::Made(project, _) = made else { panic!("{made:?}") };
    let (from, cancel) = (ImportFrom::Text(Secret::new("anna@a.example\tanna@b.example\n")), CancellationToken::new());
    client.ask(Request::Import { project, from, skip_bad: false, records: None, cancel });
    let item = client.state(|snapshot| snapshot.rows().count() == 1).row(0).expect("a row").item;
    let log = |client: &mut Caller| match client.ask(Request::ItemLog(item)) {
        Response::ItemLog(of, lines) if of == item => lines,
        other => panic!("{other:?}"),
    };
    let trace = |client: &mut Caller| match client.ask(Request::ItemTrace(item)) {
        Response::ItemTrace(of, trace) if of == item => trace,
        other => panic!("{other:?}"),
    };
    assert_eq!((log(&mut client), trace(&mut client)), (Vec::new(), None), "nothing has happened yet");
    let order = StartOrder::now(PassKind::Full);
    let start = StartRequest { project, items: vec![item], order, confirms: true, asks: true };
    let Response::Started(report) = client.ask(Request::Start(Box::new(start))) else { panic!("an outcome") };
    assert_eq!(report.outcome.done, [item]);
    client.state(|snapshot| snapshot.rows().all(|row| row.status == Status::Completed));
    let seen = trace(&mut client).expect("it ran here");
    assert!(seen.ended.is_some() && seen.speed.moved().messages == 1 && seen.speed.read() > 0, "{seen:?}");
    assert!(seen.phases.iter().any(|(_, phase)| *phase > Phase::Loading), "{seen:?}");
    let lines = log(&mut client);
    let texts: Vec<&str> = lines.iter().map(|line| line.text.as_str()).collect();
    assert_eq!(texts[..2], ["Full: submitted", "Started"]);
    assert!(texts.last().is_some_and(|last| last.starts_with("Completed: 1 copied")), "{texts:?}");
    let here = lines.len();
    drop(client);

    let (mut client, _) = Caller::open(workspace.path());
    assert_eq!(trace(&mut client), None, "that was another process");
    let lines = log(&mut client);
    assert!(lines.len() >= 3 && lines.len() < here, "the phases are no longer known: {lines:?}");
}

#[test]
fn from_an_item_to_the_next_the_log_stays_open() {
    let mut stage = Stage::with(vec![item(1, "anna"), item(2, "bob")]);
    stage.click("Not Submitted: open anna@contoso.example");
    let (request, _) = stage.only();
    stage.answer(request, Response::Details(Box::new(details(ItemCredentials::default()))));
    open_tab(&mut stage, "Log");
    stage.asked();
    stage.click("Next item (→)");
    assert_eq!(stage.window.state().route(), mailferry::ui::route::Route::Item(PROJECT, ItemId(2)));
    let asked = stage.asked();
    assert!(asked.iter().any(|(_, asked)| matches!(asked, Request::ItemLog(ItemId(2)))), "{asked:?}");
    stage.window.get_by_role_and_label(Role::Link, "Contoso").click();
    stage.window.run();
    stage.click("Not Submitted: open anna@contoso.example");
    let asked = stage.asked();
    assert!(!asked.iter().any(|(_, asked)| matches!(asked, Request::ItemLog(_))), "from the list, errors come first");
}
