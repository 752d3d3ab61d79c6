//! The window without a display: it is driven by visible labels, and a test stands where the engine would.
//!
//! Missing glyphs and unnamed controls fail every one of these tests by themselves.

mod asking;
mod blocking;
mod check;
mod client;
mod client_projects;
mod demo;
mod dialogs;
mod edits;
mod errors;
mod export;
mod flows;
mod habits;
mod held;
mod hybrid;
mod idle;
mod item_tabs;
mod licenses;
mod life;
mod look_around;
mod options;
mod preview;
mod projects;
mod random;
mod remedies;
mod remembered;
mod sign_in;
mod whole_project;

use mailferry::engine::snapshot::LatestPass;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};

use egui::Role;
use egui_kittest::Harness;
use egui_kittest::kittest::{NodeT, Queryable};
use mailferry::domain::failure::{Cause, Failure, Retry, Scope, Side};
use mailferry::domain::ids::{ItemId, PassId, PoolId, ProjectId};
use mailferry::domain::pass::PassKind;
use mailferry::domain::project::{Options, Project};
use mailferry::domain::server::Server;
use mailferry::domain::status::{HoldReason, Status};
use mailferry::domain::time::Timestamp;
use mailferry::engine::snapshot::{ItemRow, Snapshot};
use mailferry::platform::clock::FixedClock;
use mailferry::platform::picker::{FilePicker, Picked, Picking};
use mailferry::platform::program::{Demo, DemoError};
use mailferry::service::asking::StartMails;
use mailferry::service::client::{Client, Request, RequestId, Response, ServiceEnd};
use mailferry::service::items::{Details, ItemCredentials};
use mailferry::service::launch::AutoRun;
use mailferry::service::{VaultKind, WorkspaceInfo};
use mailferry::ui::app::{App, Services};

/// When everything happens: Saturday 22 November 2025, 08:26:40 UTC.
pub const NOW: Timestamp = Timestamp::from_millis(1_763_800_000_000);
/// The project of every test.
pub const PROJECT: ProjectId = ProjectId(1);

/// Always chooses the same file.
pub struct OneFile;

impl FilePicker for OneFile {
    fn pick(&self, _title: &str, waker: Arc<dyn Fn() + Send + Sync>) -> Picking {
        let (chosen, receiver) = sync_channel(1);
        chosen.send(Picked::File(PathBuf::from("/lists/items.csv"))).expect("there is room for one");
        waker();
        receiver
    }

    fn save(&self, _title: &str, name: &str, waker: Arc<dyn Fn() + Send + Sync>) -> Picking {
        let (chosen, receiver) = sync_channel(1);
        chosen.send(Picked::File(PathBuf::from("/letters").join(name))).expect("there is room for one");
        waker();
        receiver
    }
}

/// A demo that ends when the test says so.
struct FakeDemo(Sender<SyncSender<Result<(), DemoError>>>);

impl Demo for FakeDemo {
    fn start(&self, _waker: Arc<dyn Fn() + Send + Sync>) -> Receiver<Result<(), DemoError>> {
        let (end, ended) = sync_channel(1);
        self.0.send(end).expect("the test watches");
        ended
    }
}

/// A window and whoever answers it.
pub struct Stage {
    /// The window.
    pub window: Harness<'static, App>,
    /// The other end of its client.
    pub service: ServiceEnd,
    /// Its clock.
    pub clock: Arc<FixedClock>,
    /// The demos that were opened: where each tells how it ended.
    pub demo: Receiver<SyncSender<Result<(), DemoError>>>,
    /// Ctrl-C.
    pub ctrl_c: Sender<()>,
    /// Whose owners a Start asks by mail, and why it cannot: answered by itself.
    pub mails: (StartMails, Option<String>),
    pending: Vec<(RequestId, Request)>,
    revision: u64,
}

impl Stage {
    /// A window whose workspace is not open yet.
    pub fn closed() -> Stage {
        Stage::with_auto_run(None)
    }

    /// The same with something to do once it is.
    pub fn with_auto_run(auto_run: Option<AutoRun>) -> Stage {
        Stage::closed_with(Box::new(OneFile), auto_run)
    }

    /// The same where files are chosen otherwise.
    pub fn closed_with(picker: Box<dyn FilePicker>, auto_run: Option<AutoRun>) -> Stage {
        let (client, service) = Client::pair();
        let (demos, demo) = channel();
        let (ctrl_c, presses) = channel();
        let clock = Arc::new(FixedClock::at(NOW));
        let services = Services {
            title: "Mailferry",
            clock: Arc::clone(&clock) as _,
            zone: jiff::tz::TimeZone::UTC,
            picker,
            demo: Box::new(FakeDemo(demos)),
            waker: Arc::new(|| ()),
            auto_run,
            interrupts: Some(presses),
        };
        let window =
            Harness::builder().with_size([1280.0, 800.0]).build_eframe(|c| App::new(&c.egui_ctx, client, services));
        let mails = (StartMails::default(), None);
        Stage { window, service, clock, demo, ctrl_c, mails, pending: Vec::new(), revision: 0 }
    }

    /// A window with one project and these items.
    pub fn with(rows: Vec<ItemRow>) -> Stage {
        let mut stage = Stage::closed();
        stage.state(rows);
        stage.opened(WorkspaceInfo {
            projects: vec![project()],
            unlocked: true,
            vault: Some(VaultKind::File),
            ..WorkspaceInfo::default()
        });
        stage
    }

    /// Answers the opening.
    pub fn opened(&mut self, opened: WorkspaceInfo) {
        self.answer(0, Response::Opened(Box::new(opened)));
    }

    /// Gives an answer and lets the window see it.
    pub fn answer(&mut self, request: RequestId, answer: Response) {
        self.service.responses.try_send((request, answer)).expect("room for an answer");
        self.window.run();
    }

    /// The engine's state from now on.
    pub fn state(&mut self, rows: Vec<ItemRow>) {
        self.revision += 1;
        self.service.snapshots.send_replace(Arc::new(Snapshot::of(self.revision, rows)));
        self.window.run();
    }

    /// What the window asked since the last time.
    pub fn everything(&mut self) -> Vec<(RequestId, Request)> {
        self.settle();
        std::mem::take(&mut self.pending)
    }

    /// What the window asked since the last time, without what it wants remembered.
    pub fn asked(&mut self) -> Vec<(RequestId, Request)> {
        let all = self.everything().into_iter();
        all.filter(|(_, ask)| !matches!(ask, Request::Remember(..))).collect()
    }

    /// Takes in what the window asked; whose owners a Start asks is answered at once.
    fn settle(&mut self) {
        while let Ok((request, asked)) = self.service.requests.try_recv() {
            match asked {
                Request::StartMails(project, _) => {
                    let (mails, cannot) = self.mails.clone();
                    self.answer(request, Response::StartMails(project, Box::new(mails), cannot));
                }
                asked => self.pending.push((request, asked)),
            }
        }
    }

    /// The one thing it asked.
    pub fn only(&mut self) -> (RequestId, Request) {
        let mut asked = self.asked();
        assert_eq!(asked.len(), 1, "{asked:?}");
        asked.remove(0)
    }

    /// Clicks what has this label.
    pub fn click(&mut self, label: &str) {
        self.window.get_by_label(label).click();
        self.window.run();
        self.settle();
    }

    /// Types into the field with this label.
    pub fn type_into(&mut self, label: &str, text: &str) {
        let roles = [Role::TextInput, Role::PasswordInput, Role::MultilineTextInput];
        let of_field = |window: &Harness<'_, App>| {
            let all = window.query_all_by_label(label).map(|node| node.accesskit_node().role());
            all.into_iter().find(|role| roles.contains(role)).expect("a field")
        };
        let role = of_field(&self.window);
        self.window.get_by_role_and_label(role, label).focus();
        self.window.run();
        self.window.get_by_role_and_label(role, label).type_text(text);
        self.window.run();
    }

    /// Presses a key.
    pub fn press(&mut self, modifiers: egui::Modifiers, key: egui::Key) {
        self.window.key_press_modifiers(modifiers, key);
        self.window.run();
        self.settle();
    }

    /// What a button copies: it is told in the frame of the click only.
    pub fn copied(&mut self, button: &str) -> String {
        self.window.get_by_label(button).click();
        for _ in 0..4 {
            self.window.step();
            let commands = &self.window.output().platform_output.commands;
            let text = commands.iter().find_map(|command| match command {
                egui::OutputCommand::CopyText(text) => Some(text.clone()),
                _ => None,
            });
            if let Some(text) = text {
                return text;
            }
        }
        panic!("nothing was copied")
    }

    /// Whether anything has this label.
    pub fn shows(&self, label: &str) -> bool {
        self.window.query_all_by_label(label).next().is_some()
    }

    /// Whether any label holds this.
    pub fn says(&self, words: &str) -> bool {
        self.window.query_all_by_label_contains(words).next().is_some()
    }

    /// The items in the order of the grid, by source name.
    pub fn order(&self) -> Vec<String> {
        let cells = self.window.query_all_by_role(egui::Role::Cell);
        let mut cells: Vec<_> =
            cells.filter_map(|cell| Some((cell.rect().top(), cell.accesskit_node().label()?))).collect();
        cells.sort_by(|a, b| a.0.total_cmp(&b.0));
        cells.into_iter().map(|(_, name)| name.split('@').next().unwrap_or_default().to_owned()).collect()
    }
}

/// The project of every test.
pub fn project() -> Project {
    Project {
        id: PROJECT,
        name: "Contoso".into(),
        client: None,
        source: Server::parse_url("imaps://imap.contoso.example").expect("an address"),
        destination: Server::parse_url("imaps://imap.fabrikam.example").expect("an address"),
        options: Options::default(),
        starts: Default::default(),
        pool: PoolId::FIRST,
    }
}

/// An item that never ran.
/// What the page of the first item shows, of which nothing is known but this.
pub fn details(credentials: ItemCredentials) -> Details {
    Details {
        item: ItemId(1),
        passes: Vec::new(),
        folders: Vec::new(),
        errors: Vec::new(),
        notices: Vec::new(),
        own: Default::default(),
        credentials,
    }
}

pub fn item(id: i64, name: &str) -> ItemRow {
    ItemRow {
        item: ItemId(id),
        project: PROJECT,
        source: format!("{name}@contoso.example"),
        destination: format!("{name}@fabrikam.example"),
        star: None,
        status: Status::NotSubmitted,
        pass: None,
        note: None,
        earlier: Default::default(),
        earlier_results: Default::default(),
        progress: Default::default(),
        speed: 0,
        failure: None,
        mail: None,
    }
}

/// The same in another status, with a Full pass.
pub fn item_in(id: i64, name: &str, status: Status) -> ItemRow {
    let pass = LatestPass { started: Some(NOW), ..LatestPass::submitted(PassId(id), PassKind::Full, NOW) };
    let mut row = ItemRow { status, pass: Some(pass), ..item(id, name) };
    row.progress.updated = Some(NOW);
    row
}

/// The same, held for this reason.
pub fn held(id: i64, name: &str, reason: HoldReason) -> ItemRow {
    let mut row = item_in(id, name, Status::Held);
    row.pass = row.pass.map(|pass| LatestPass { hold: Some(reason), ..pass });
    row
}

/// A refused login.
pub fn refused_login() -> (Option<Side>, Failure) {
    let failure = Failure::new(Cause::LoginRefused, Scope::Mailbox, Retry::User, "signing in");
    (Some(Side::Source), failure.saying("[AUTHENTICATIONFAILED] no"))
}
