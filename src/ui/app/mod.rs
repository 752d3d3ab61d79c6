//! The application: takes in the engine's news, shows a page, does what a person did. Paints nothing itself but what
//! puts the pages together. It never waits: questions go out by `try_send`, answers are taken when they lie ready.

mod acts;
mod answers;
mod errand;
mod importing;

use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::Receiver;
use std::time::Duration;

use egui::{CentralPanel, Context, Frame, Id, Margin, Modal, Ui, ViewportCommand};
use jiff::tz::TimeZone;

use crate::domain::clock::Clock;
use crate::domain::ids::{ItemId, ProjectId};
use crate::domain::project::Project;
use crate::engine::desk::{Ask, Desk, DeskError, Errand, Ticket, VaultKind, Waker};
use crate::engine::snapshot::Snapshot;
use crate::platform::lock::Owner;
use crate::platform::picker::FilePicker;
use crate::platform::program::Demo;
use crate::ui::action::UserAction;
use crate::ui::model::forms::{ImportForm, ProjectForm, StartForm, VaultForm};
use crate::ui::model::grid::Grid;
use crate::ui::model::item::ItemPage;
use crate::ui::model::projects::Projects;
use crate::ui::pages::frame::Notice;
use crate::ui::pages::{self, Actions, Sight};
use crate::ui::route::Route;
use crate::ui::theme::{self, DIALOG, Tone};

/// Ages are shown to the second while something runs.
const TICK: Duration = Duration::from_secs(1);
/// Messages that are kept.
const KEPT: usize = 100;
/// The setting with the window's size.
pub const SIZE: &str = "window.size";
/// The setting with the theme.
const THEME: &str = "window.theme";

/// What a window is made of besides the engine.
pub struct Surroundings {
    /// The clock.
    pub clock: Arc<dyn Clock>,
    /// The zone in which times are shown.
    pub zone: TimeZone,
    /// Chooses files.
    pub picker: Box<dyn FilePicker>,
    /// Opens the demo.
    pub demo: Box<dyn Demo>,
    /// Called when there is news from elsewhere.
    pub waker: Waker,
    /// What is to be done in a workspace that was prepared for this window.
    pub errand: Option<Errand>,
    /// Ctrl-C, if somebody listens for it.
    pub interrupts: Option<Receiver<()>>,
}

/// Whether the workspace is open.
#[derive(Clone, Debug)]
enum Door {
    Opening,
    Open,
    InUse(Option<Owner>),
    Broken(String),
}

/// What stands over the page.
enum Dialog {
    Import(ImportForm),
    Start(StartForm),
    Help,
}

/// Whether the window is about to close while passes run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Closing {
    No,
    /// The question stands over everything else.
    Asked,
    /// It closes when nothing runs any more.
    Stopping,
}

/// What a question was for.
#[derive(Clone, Debug)]
enum Purpose {
    Quiet,
    NewProject,
    Preview,
    Import,
    Command(&'static str),
    Details(ItemId),
    Lists,
    Unlock,
}

/// The window.
pub struct App {
    desk: Option<Desk>,
    around: Surroundings,
    snapshot: Arc<Snapshot>,
    door: Door,
    route: Route,
    projects: Vec<Project>,
    sums: Projects,
    settings: BTreeMap<String, String>,
    vault: (Option<VaultKind>, bool),
    /// The kind of vault that was asked for by name while none is chosen.
    proposed: Option<VaultKind>,
    grids: HashMap<ProjectId, Grid>,
    item: Option<ItemPage>,
    form: ProjectForm,
    dialog: Option<Dialog>,
    unlock: Option<VaultForm>,
    after_unlock: Option<UserAction>,
    picking: Option<Receiver<Option<PathBuf>>>,
    demo: Option<Receiver<Result<(), String>>>,
    underway: bool,
    purposes: HashMap<Ticket, Purpose>,
    notices: Vec<Notice>,
    fresh: bool,
    activity: bool,
    closing: Closing,
    /// It was to close, and what it waited for has ended.
    close_soon: bool,
    leaving: bool,
    ended: bool,
    size: Option<egui::Vec2>,
    painted: u64,
    recomputed: u64,
}

impl App {
    /// A window over a desk.
    pub fn new(context: &Context, desk: Desk, around: Surroundings) -> Self {
        theme::apply(context);
        Self {
            desk: Some(desk),
            around,
            snapshot: Arc::default(),
            door: Door::Opening,
            route: Route::Projects,
            projects: Vec::new(),
            sums: Projects::default(),
            settings: BTreeMap::new(),
            vault: (None, false),
            proposed: None,
            grids: HashMap::new(),
            item: None,
            form: ProjectForm::default(),
            dialog: None,
            unlock: None,
            after_unlock: None,
            picking: None,
            demo: None,
            underway: false,
            purposes: HashMap::new(),
            notices: Vec::new(),
            fresh: false,
            activity: false,
            closing: Closing::No,
            close_soon: false,
            leaving: false,
            ended: false,
            size: None,
            painted: 0,
            recomputed: 0,
        }
    }

    /// How many frames were painted so far.
    pub fn painted(&self) -> u64 {
        self.painted
    }

    /// How often a grid was computed anew because of news.
    pub fn recomputed(&self) -> u64 {
        self.recomputed
    }

    /// Whether the window is about to close.
    pub fn is_leaving(&self) -> bool {
        self.leaving
    }

    /// The page that is shown.
    pub fn route(&self) -> Route {
        self.route
    }

    /// Asks; no ticket if it was not taken, which whoever waits for an answer is told.
    fn ask(&mut self, ask: Ask, purpose: Purpose) -> Option<Ticket> {
        match self.desk.as_mut()?.ask(ask) {
            Ok(ticket) => {
                self.purposes.insert(ticket, purpose);
                Some(ticket)
            }
            Err(error) => {
                self.refused(None, purpose, error.to_string());
                None
            }
        }
    }

    fn say(&mut self, tone: Tone, words: impl Into<String>) {
        if self.notices.len() >= KEPT {
            self.notices.remove(0);
        }
        self.notices.push(Notice { at: self.around.clock.now(), tone, words: words.into() });
        self.fresh = true;
    }

    fn project(&self, id: ProjectId) -> Option<&Project> {
        self.projects.iter().find(|project| project.id == id)
    }

    /// Passes that a worker has; none once the engine has ended, whatever its last state says.
    fn running(&self) -> usize {
        if self.ended { 0 } else { self.sums.all.running }
    }

    fn remember(&mut self, name: &str, value: String) {
        if self.settings.get(name) != Some(&value) {
            self.settings.insert(name.to_owned(), value.clone());
            self.ask(Ask::Remember(name.to_owned(), value), Purpose::Quiet);
        }
    }

    /// Takes in what is new; also called while the window is hidden.
    fn take_in(&mut self, context: &Context) {
        while let Some((ticket, answer)) = self.desk.as_mut().and_then(Desk::answer) {
            self.answered(context, ticket, answer);
        }
        if let Some(desk) = &self.desk {
            self.snapshot = desk.snapshot();
            if desk.has_ended() && !self.ended {
                self.ended = true;
                self.say(Tone::Bad, DeskError::Closed.to_string());
            }
        }
        self.sums.refresh(&self.snapshot);
        if let Route::Project(id) | Route::Item(id, _) = self.route
            && let Some(grid) = self.grids.get_mut(&id)
        {
            self.recomputed += u64::from(grid.refresh(&self.snapshot));
        }
        let now = self.around.clock.now();
        if let (Route::Item(..), Some(page)) = (self.route, &mut self.item) {
            let item = page.item;
            if page.due(&self.snapshot, now) {
                self.ask(Ask::Details(item), Purpose::Details(item));
            }
        }
        self.follow_list();
        if self.running() > 0 {
            context.request_repaint_after(TICK);
        }
        self.follow_errand();
        self.follow_demo();
        self.follow_interrupts(context);
        self.close_or_ask(context);
    }

    fn close_or_ask(&mut self, context: &Context) {
        if self.closing == Closing::Stopping && self.running() == 0 && !self.leaving {
            self.leaving = true;
            context.send_viewport_cmd(ViewportCommand::Close);
        }
        if std::mem::take(&mut self.close_soon) {
            context.send_viewport_cmd(ViewportCommand::Close);
        }
        if !context.input(|input| input.viewport().close_requested()) {
            return;
        }
        let free = self.leaving || self.ended;
        // What an import stored is taken back first: passwords that nothing names must not stay in a keyring.
        if !free && self.cancel_import(true) {
            context.send_viewport_cmd(ViewportCommand::CancelClose);
        } else if !free && self.running() > 0 {
            context.send_viewport_cmd(ViewportCommand::CancelClose);
            if self.closing == Closing::No {
                self.closing = Closing::Asked;
            }
        } else {
            // Nobody shall look at a window that waits for the engine's last step.
            context.send_viewport_cmd(ViewportCommand::Visible(false));
        }
    }

    /// Paints the window and does what a person did.
    fn paint(&mut self, ui: &mut Ui) {
        self.painted += 1;
        tracing::trace!(target: "painted", frame = self.painted);
        let size = ui.ctx().content_rect().size();
        self.size = Some(size);
        let mut actions = Actions::new();
        if matches!(self.door, Door::Open) {
            actions = self.pages(ui);
        } else {
            CentralPanel::default().show(ui, |ui| match &self.door {
                Door::Opening | Door::Open => {
                    ui.centered_and_justified(|ui| ui.label("Opening the workspace…"));
                }
                Door::InUse(owner) => {
                    modal(ui, "in use", |ui| actions = pages::dialogs::in_use(ui, owner.as_ref()));
                }
                Door::Broken(why) => {
                    modal(ui, "broken", |ui| actions = pages::dialogs::broken(ui, why));
                }
            });
        }
        for action in actions {
            self.act(ui.ctx(), action);
        }
    }

    fn pages(&mut self, ui: &mut Ui) -> Actions {
        let mut actions = Actions::new();
        pages::frame::side(ui, self.route, &self.projects, &self.sums, &mut actions);
        pages::frame::messages(ui, &self.notices, self.fresh, self.activity, &self.around.zone, &mut actions);
        let snapshot = Arc::clone(&self.snapshot);
        let zone = self.around.zone.clone();
        let sight = Sight { snapshot: &snapshot, now: self.around.clock.now(), zone: &zone };
        let frame = Frame::new().fill(ui.visuals().panel_fill).inner_margin(Margin::symmetric(24, 16));
        CentralPanel::default().frame(frame).show(ui, |ui| actions.extend(self.page(ui, sight)));
        self.dialogs(ui, &mut actions);
        actions
    }

    fn page(&mut self, ui: &mut Ui, sight: Sight<'_>) -> Actions {
        match self.route {
            Route::Projects => pages::projects::show(ui, sight, &self.projects, &self.sums),
            Route::NewProject => pages::new_project::show(ui, &mut self.form),
            Route::Project(id) => match (self.project(id), self.grids.get(&id)) {
                (Some(project), Some(grid)) => pages::grid::show(ui, sight, project, grid, &self.sums.of(id)),
                _ => vec![UserAction::Go(Route::Projects)],
            },
            Route::Item(id, _) => {
                let mut page = self.item.take();
                let row = page.as_mut().and_then(|page| page.row(sight.snapshot));
                if let (Some(page), Some(project), Some(row)) = (&mut page, self.project(id), row) {
                    page.digest(project, row, sight.now, sight.zone);
                    page.find_neighbours(self.grids.get(&id).map_or(&[], |grid| &grid.view.places), sight.snapshot);
                }
                let actions = match (self.project(id), &page, row) {
                    (Some(project), Some(page), Some(row)) => pages::item::show(ui, sight, project, page, row),
                    _ => vec![UserAction::Go(Route::Project(id))],
                };
                self.item = page;
                actions
            }
        }
    }

    fn dialogs(&mut self, ui: &Ui, actions: &mut Actions) {
        let running = self.running();
        let mut dialog = self.dialog.take();
        let mut close = false;
        match &mut dialog {
            Some(Dialog::Import(form)) => {
                close = modal(ui, "import", |ui| actions.extend(pages::import::show(ui, form)))
            }
            Some(Dialog::Start(form)) => {
                if let Some(project) = self.project(form.project) {
                    close = modal(ui, "start", |ui| actions.extend(pages::dialogs::start(ui, form, project)));
                }
            }
            Some(Dialog::Help) => close = modal(ui, "help", |ui| actions.extend(pages::keys::help(ui))),
            None => {}
        }
        self.dialog = dialog;
        if let Some(form) = &mut self.unlock {
            close |= modal(ui, "vault", |ui| actions.extend(pages::dialogs::vault(ui, form)));
        }
        if self.closing != Closing::No {
            let stopping = self.closing == Closing::Stopping;
            modal(ui, "closing", |ui| actions.extend(pages::dialogs::closing(ui, running, stopping)));
        } else if close {
            actions.push(UserAction::CloseDialog);
        }
    }

    /// Remembers what the next window starts with.
    fn farewell(&mut self) {
        if let Some(size) = self.size.filter(|_| matches!(self.door, Door::Open)) {
            self.remember(SIZE, format!("{} {}", size.x.round(), size.y.round()));
        }
        // The engine ends in order; the window is hidden by then.
        self.desk = None;
    }
}

/// A dialog in the middle; answers whether a person wants it closed.
fn modal(ui: &Ui, name: &'static str, content: impl FnOnce(&mut Ui)) -> bool {
    let frame = Frame::popup(ui.style()).inner_margin(Margin::same(24));
    let modal = Modal::new(Id::unique(name)).frame(frame).show(ui.ctx(), |ui| {
        ui.set_width(DIALOG);
        content(ui);
    });
    modal.should_close()
}

impl eframe::App for App {
    fn logic(&mut self, context: &Context, _frame: &mut eframe::Frame) {
        self.take_in(context);
    }

    fn ui(&mut self, ui: &mut Ui, _frame: &mut eframe::Frame) {
        self.paint(ui);
    }

    fn on_exit(&mut self, _gl: Option<&eframe::glow::Context>) {
        self.farewell();
    }
}
