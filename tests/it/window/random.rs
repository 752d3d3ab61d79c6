//! Somebody who clicks and types at random, over all pages, while an engine that is made up tells anything: nothing panics, no
//! control is without a name, no letter without a glyph (the harness fails on these by itself).
//!
//! A run is told again by its seed. `MAILFERRY_RANDOM_ACTIONS` and `MAILFERRY_RANDOM_SEED` make a longer or another one.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use egui::{Event, Key, Modifiers, PointerButton, Pos2, Rect, Role, pos2, vec2};
use egui_kittest::kittest::{NodeT, Queryable};
use mailferry::domain::counts::Counts;
use mailferry::domain::folder::FolderPath;
use mailferry::domain::ids::{FolderId, ItemId, PassId};
use mailferry::domain::pass::PassKind;
use mailferry::domain::progress::{FolderPhase, PassFolder, Phase, RetryState};
use mailferry::domain::star::Star;
use mailferry::domain::status::Status;
use mailferry::engine::command::Outcome;
use mailferry::engine::snapshot::{ItemRow, LatestPass};
use mailferry::service::client::{Preview, Request, RequestId, Response};
use mailferry::service::items::{Details, FolderLine, PassLine};
use mailferry::service::{ServiceError, VaultKind, WorkspaceInfo};
use mailferry::ui::action::ACTIONS;
use mailferry::ui::route::Route;

use super::{NOW, Stage, hybrid, item, licenses, project, refused_login};

/// In a usual run: some seconds.
const ACTIONS_DONE: u64 = 600;
/// So often somebody goes to another page on purpose, so that all are seen.
const STROLL: u64 = 30;
/// So often it is looked whether every control has a name.
const LOOK: u64 = 4;
/// What is typed: text that means something elsewhere, and much of it.
const TYPED: [&str; 8] = [
    "anna@contoso.example",
    "'; DROP TABLE item; --",
    "<b>&amp;\u{202e}gnp.exe",
    "=1+1\t-2",
    "Zoë Grüße žluťoučký",
    "99999999999999999999",
    "^(.*)->\\1(",
    "a b,c;d\"e",
];
/// Sizes and zooms that people have.
const SIZES: [(f32, f32); 5] = [(1280.0, 800.0), (960.0, 560.0), (1920.0, 1080.0), (738.0, 430.0), (640.0, 400.0)];

/// Numbers that look random and are the same for the same seed (Marsaglia's xorshift).
struct Dice(u64);

impl Dice {
    fn throw(&mut self, sides: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % sides
    }

    fn one_of<T: Copy>(&mut self, all: &[T]) -> T {
        all[self.throw(all.len() as u64) as usize]
    }

    fn often(&mut self, in_hundred: u64) -> bool {
        self.throw(100) < in_hundred
    }
}

/// Items of which anything may be true.
fn anything(dice: &mut Dice) -> Vec<ItemRow> {
    let statuses = [
        Status::NotSubmitted,
        Status::Submitted,
        Status::Scheduled,
        Status::Held,
        Status::Queued,
        Status::WaitingForUser,
        Status::Migrating,
        Status::Stopping,
        Status::Stopped,
        Status::Failed,
        Status::Completed,
    ];
    let kinds = [PassKind::Verify, PassKind::Trial, PassKind::PreStage, PassKind::Full, PassKind::RetryErrors];
    let row = |id: i64, dice: &mut Dice| {
        let status = dice.one_of(&statuses);
        let mut row = item(id, &format!("user{id:02}"));
        row.star = dice.one_of(&[None, Some(Star::Red), Some(Star::Purple)]);
        row.note = dice.often(20).then(|| "call before\u{202e} cut-over\nsecond line".to_owned());
        if status == Status::NotSubmitted {
            return row;
        }
        let mut pass = LatestPass::submitted(PassId(id), dice.one_of(&kinds), NOW);
        (pass.started, pass.until) = (Some(NOW), Some(NOW.plus(Duration::from_secs(dice.throw(9_000)))));
        (row.status, row.pass) = (status, Some(pass));
        let progress = &mut row.progress;
        progress.counts = Counts {
            source: dice.throw(90_000),
            copied: dice.throw(60_000),
            bytes: dice.throw(1 << 40),
            errors: dice.throw(3),
            differ: dice.throw(2),
            waiting: dice.throw(2),
            ..Counts::default()
        };
        (progress.folders_done, progress.folders_total) = (dice.throw(9) as u32, dice.throw(40) as u32);
        progress.current = Some(FolderPath::new(["INBOX", "a\u{202e}b\u{7}", &"long ".repeat(40)]));
        progress.phase = dice.one_of(&[Phase::Copying, Phase::default()]);
        progress.updated = Some(NOW);
        let (side, failure) = refused_login();
        if dice.often(30) {
            let until = NOW.plus(Duration::from_secs(600));
            progress.retry = Some(RetryState { side, failure: failure.clone(), attempt: 3, limit: 8, until });
        }
        if matches!(status, Status::Failed | Status::Held) {
            row.failure = Some((side, failure));
        }
        row.speed = dice.throw(1 << 24);
        row
    };
    (0..40).map(|id| row(id, dice)).collect()
}

fn details(of: ItemId, dice: &mut Dice) -> Details {
    let phases = [FolderPhase::Waiting, FolderPhase::Working, FolderPhase::Done, FolderPhase::Failed];
    let folder = |id: i64, dice: &mut Dice| {
        let counts =
            Counts { source: dice.throw(900), copied: dice.throw(900), errors: dice.throw(2), ..Counts::default() };
        let name = format!("Archive/{}/\u{202e}exe.{id}", "a long name ".repeat(dice.throw(12) as usize));
        let folder = PassFolder { folder: FolderId(id), phase: dice.one_of(&phases), counts };
        FolderLine { destination: if dice.often(50) { name.clone() } else { "Sent".into() }, source: name, folder }
    };
    let pass = |id: i64, dice: &mut Dice| PassLine {
        id: PassId(id),
        kind: PassKind::Full,
        status: dice.one_of(&[Status::Completed, Status::Failed, Status::Migrating]),
        submitted: NOW,
        started: Some(NOW),
        ended: dice.often(50).then_some(NOW),
        counts: Counts::default(),
        leaves_something: dice.often(50),
        failure: Some(refused_login()),
    };
    Details {
        item: of,
        passes: (0..3).map(|id| pass(id, dice)).collect(),
        folders: (0..dice.throw(30) as i64).map(|id| folder(id, dice)).collect(),
        errors: Vec::new(),
        notices: Vec::new(),
        own: Default::default(),
        credentials: Default::default(),
    }
}

fn new_stage(dice: &mut Dice) -> Stage {
    let mut stage = Stage::closed();
    stage.state(anything(dice));
    stage.opened(WorkspaceInfo {
        projects: vec![project()],
        hybrid: vec![hybrid::busy()],
        pools: licenses::pools(3),
        vault: Some(VaultKind::File),
        unlocked: true,
        ..WorkspaceInfo::default()
    });
    stage
}

/// What an engine might say; some questions it never answers.
fn answer(dice: &mut Dice, asked: Request) -> Option<Response> {
    let refused = || Response::Refused(ServiceError::NotOpen);
    let outcome = |dice: &mut Dice| {
        let done = (0..dice.throw(4) as i64).map(ItemId).collect();
        Response::Done(Outcome { done, ..Outcome::default() })
    };
    Some(match asked {
        Request::Details(item) => Response::Details(Box::new(details(item, dice))),
        Request::Command(_) | Request::Start(_) | Request::StopAll => outcome(dice),
        Request::Unlock(kind, _) if dice.often(70) => Response::Unlocked(kind),
        Request::Preview(..) => {
            Response::Previewed(Preview { good: dice.throw(900) as usize, bad: 3, ..Preview::default() })
        }
        Request::ItemLog(item) => Response::ItemLog(item, super::item_tabs::lines()),
        Request::ItemTrace(item) => {
            Response::ItemTrace(item, dice.often(70).then(|| Box::new(super::item_tabs::seen())))
        }
        Request::ItemSettings(_) => Response::ItemSettings(Box::new(super::edits::settings())),
        Request::ItemOptions(item) => Response::ItemOptions(item, Box::default()),
        Request::Remember(..) => return None,
        _ if dice.often(20) => return None,
        _ => refused(),
    })
}

/// What can be clicked now, and where.
fn controls(stage: &Stage) -> Vec<Rect> {
    let roles =
        [Role::Button, Role::CheckBox, Role::RadioButton, Role::Link, Role::ComboBox, Role::Cell, Role::TextInput];
    let window = stage.window.ctx.content_rect();
    let all = stage.window.root().children_recursive();
    let all = all.filter(|node| {
        let node = node.accesskit_node();
        (roles.contains(&node.role()) || node.role() == Role::MultilineTextInput) && !node.is_disabled()
    });
    all.map(|node| node.rect()).filter(|rect| rect.is_positive() && window.contains(rect.center())).collect()
}

/// Lets the window see all of it in one frame.
fn send(stage: &mut Stage, modifiers: Modifiers, events: impl IntoIterator<Item = Event>) {
    let events = [Event::ModifiersChanged(modifiers)].into_iter().chain(events);
    stage.window.input_mut().events.extend(events);
}

fn click_with(stage: &mut Stage, pos: Pos2, button: PointerButton, modifiers: Modifiers) {
    let press = |pressed| Event::PointerButton { pos, button, pressed, modifiers };
    send(stage, modifiers, [Event::PointerMoved(pos), press(true), press(false)]);
}

fn click(stage: &mut Stage, dice: &mut Dice, at: Pos2) {
    let button = if dice.often(12) { PointerButton::Secondary } else { PointerButton::Primary };
    let modifiers = dice.one_of(&[Modifiers::NONE, Modifiers::NONE, Modifiers::SHIFT, Modifiers::COMMAND]);
    click_with(stage, at, button, modifiers);
}

fn press(stage: &mut Stage, modifiers: Modifiers, key: Key) {
    let event = |pressed| Event::Key { key, physical_key: None, pressed, repeat: false, modifiers };
    send(stage, modifiers, [event(true), event(false)]);
}

fn key(stage: &mut Stage, dice: &mut Dice) {
    let known: Vec<(Modifiers, Key)> =
        ACTIONS.iter().flat_map(|entry| entry.keys).map(|shortcut| (shortcut.modifiers, shortcut.key)).collect();
    let (modifiers, key) = match dice.throw(3) {
        0 => (Modifiers::NONE, dice.one_of(&[Key::Tab, Key::Enter, Key::Escape, Key::ArrowDown, Key::Space])),
        _ => dice.one_of(&known),
    };
    press(stage, modifiers, key);
}

/// Leaves what is open and goes to the page behind one of the entries at the left.
fn stroll(stage: &mut Stage, dice: &mut Dice) {
    for _ in 0..4 {
        press(stage, Modifiers::NONE, Key::Escape);
        stage.window.step();
    }
    let entry = dice.one_of(&["All projects", "Licenses", "Settings", "Contoso", "Contoso (preview)"]);
    go(stage, entry);
    if entry == "All projects" && dice.often(60) {
        // It is done after one frame, and seen after another.
        stage.window.run_steps(2);
        go(stage, "New project…");
    }
}

/// Clicks what is called so, if it is there.
fn go(stage: &mut Stage, label: &str) {
    let at = stage.window.query_all_by_label(label).next().map(|node| node.rect().center());
    if let Some(pos) = at {
        click_with(stage, pos, PointerButton::Primary, Modifiers::NONE);
    }
}

/// Does one thing.
fn act(stage: &mut Stage, dice: &mut Dice) {
    match dice.throw(100) {
        0..60 => {
            let all = controls(stage);
            if !all.is_empty() {
                let rect = dice.one_of(&all);
                click(stage, dice, rect.center());
            }
        }
        60..80 => key(stage, dice),
        80..88 => send(stage, Modifiers::NONE, [Event::Text(dice.one_of(&TYPED).into())]),
        88..91 => send(stage, Modifiers::NONE, [Event::Paste(dice.one_of(&TYPED).repeat(40))]),
        91..94 => {
            let at = pos2(dice.throw(1280) as f32, dice.throw(800) as f32);
            click(stage, dice, at);
        }
        94..96 => {
            let (wide, high) = dice.one_of(&SIZES);
            stage.window.set_size(vec2(wide, high));
        }
        96..98 => stage.clock.advance(Duration::from_secs(dice.throw(4_000))),
        _ => {
            let rows = anything(dice);
            stage.revision += 1;
            let snapshot = mailferry::engine::snapshot::Snapshot::of(stage.revision, rows);
            stage.service.snapshots.send_replace(std::sync::Arc::new(snapshot));
        }
    }
}

fn page(route: Route) -> &'static str {
    match route {
        Route::Projects => "projects",
        Route::Licenses => "licenses",
        Route::Settings => "settings",
        Route::NewProject => "new project",
        Route::Project(_) => "items",
        Route::Preview(_) => "preview",
        Route::Item(..) => "item",
        Route::NewHybrid => "new hybrid project",
        Route::Hybrid(_) => "users",
        Route::HybridUser(..) => "user",
        Route::HybridBatch(..) => "batch",
    }
}

#[test]
fn nothing_breaks_when_somebody_clicks_and_types_at_random() {
    let number = |name: &str, usual: u64| std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(usual);
    let (actions, seed) = (number("MAILFERRY_RANDOM_ACTIONS", ACTIONS_DONE), number("MAILFERRY_RANDOM_SEED", 16));
    let mut dice = Dice(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1);
    let mut stage = new_stage(&mut dice);
    let mut seen: BTreeMap<&str, u64> = BTreeMap::new();
    for done in 0..actions {
        if done % STROLL == 0 {
            stroll(&mut stage, &mut dice);
        } else {
            act(&mut stage, &mut dice);
        }
        stage.window.step();
        *seen.entry(page(stage.window.state().route())).or_default() += 1;
        let questions: Vec<(RequestId, Request)> = stage.everything();
        for (request, asked) in questions {
            if let Some(answer) = answer(&mut dice, asked) {
                stage.service.responses.try_send((request, answer)).expect("room for an answer");
            }
        }
        if done % LOOK == 0 {
            let unnamed = stage.window.unnamed_widgets();
            assert!(unnamed.is_empty(), "after {done} actions of seed {seed}: {unnamed:?}");
        }
        if stage.window.state().is_leaving() {
            stage = new_stage(&mut dice);
        }
    }
    let pages: BTreeSet<&str> = seen.keys().copied().collect();
    let all = ["projects", "licenses", "settings", "new project", "items", "item", "users"];
    assert!(all.iter().all(|page| pages.contains(page)), "all pages are to be seen, not only {seen:?}");
}
