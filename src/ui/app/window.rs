//! The window: the parts it is made of, and what happens in each frame before it is painted.

use std::time::Duration;

use egui::{Context, Ui, Vec2, ViewportCommand};

use super::auto_run::AutoRunProgress;
use super::connection::{EngineLink, Purpose};
use super::demo::DemoWindow;
use super::dialogs::{Dialog, Dialogs};
use super::open_pages::OpenPages;
use super::services::Services;
use super::undo::Undo;
use super::workspace::{SIZE, Workspace, ZOOM};
use crate::domain::ids::ProjectId;
use crate::service::client::{Client, ClientError, Request, RequestId};
use crate::ui::model::closing::{CloseEffect, CloseEvent, Closing, Situation};
use crate::ui::model::grid::Grid;
use crate::ui::model::messages::{Messages, UserMessage};
use crate::ui::model::preview::PreviewPage;
use crate::ui::route::Route;
use crate::ui::theme::{self, Tone};

/// Ages are shown to the second while something runs.
const TICK: Duration = Duration::from_secs(1);
/// Between two frames while something waits for its time only.
const MINUTE_TICK: Duration = Duration::from_secs(20);

/// Between two looks at what became of mails to the owner of the item that is shown.
const OWNER_TICK: Duration = Duration::from_secs(3);

/// What was painted so far.
#[derive(Default)]
pub(super) struct Frames {
    pub painted: u64,
    /// How often a grid was computed anew because of news.
    recomputed: u64,
    /// The size of the last one.
    pub size: Option<Vec2>,
}

/// The window.
pub struct App {
    pub(super) services: Services,
    pub(super) connection: EngineLink,
    pub(super) workspace: Workspace,
    pub(super) pages: OpenPages,
    pub(super) dialogs: Dialogs,
    pub(super) messages: Messages,
    pub(super) auto_run: Option<AutoRunProgress>,
    pub(super) demo: DemoWindow,
    pub(super) closing: Closing,
    pub(super) frames: Frames,
    /// What can be taken back, the last one at the end.
    pub(super) undo: Vec<Undo>,
    /// The title of the window.
    pub(super) title: String,
}

impl App {
    /// A window over a client.
    pub fn new(context: &Context, client: Client, mut services: Services) -> Self {
        theme::apply(context);
        Self {
            auto_run: services.auto_run.take().map(AutoRunProgress::new),
            services,
            connection: EngineLink::new(client),
            workspace: Workspace::default(),
            pages: OpenPages::default(),
            dialogs: Dialogs::default(),
            messages: Messages::default(),
            demo: DemoWindow::default(),
            closing: Closing::default(),
            frames: Frames::default(),
            undo: Vec::new(),
            title: String::new(),
        }
    }

    /// How many frames were painted so far.
    pub fn painted(&self) -> u64 {
        self.frames.painted
    }

    /// How often a grid was computed anew because of news.
    pub fn recomputed(&self) -> u64 {
        self.frames.recomputed
    }

    /// Whether the window is about to close.
    pub fn is_leaving(&self) -> bool {
        self.closing == Closing::Leaving
    }

    /// The page that is shown.
    pub fn route(&self) -> Route {
        self.pages.route
    }

    /// The grid of a project, if it was shown.
    pub fn grid(&self, project: ProjectId) -> Option<&Grid> {
        self.pages.grid(project)
    }

    /// Asks; no request if it was not taken, which whoever waits for an answer is told.
    pub(super) fn ask(&mut self, ask: Request, purpose: Purpose) -> Option<RequestId> {
        match self.connection.ask(ask, purpose)? {
            Ok(request) => Some(request),
            Err((purpose, error)) => {
                self.refused(None, purpose, error.to_string());
                None
            }
        }
    }

    pub(super) fn say(&mut self, tone: Tone, words: impl Into<String>) {
        self.messages.say(UserMessage::new(self.services.clock.now(), tone, words.into()));
    }

    pub(super) fn remember(&mut self, name: &str, value: String) {
        if self.workspace.settings.get(name) != Some(&value) {
            self.workspace.settings.insert(name.to_owned(), value.clone());
            self.ask(Request::Remember(name.to_owned(), value), Purpose::Quiet);
        }
    }

    pub(super) fn go(&mut self, route: Route) {
        let typed = self.pages.preview.take_if(|_| !matches!(route, Route::Preview(_)));
        match (typed.and_then(|page| page.unsaved), route) {
            // What was typed is not lost by looking at what it does.
            (Some((_, form)), Route::Project(id) | Route::Item(id, _)) if form.project.id == id => {
                self.dialogs.open(Dialog::Options(form));
            }
            (Some(_), _) => self.say(Tone::Warning, "The options that were typed are not saved"),
            (None, _) => {}
        }
        let before = self.pages.route;
        if (route.project(), route.hybrid()) != (before.project(), before.hybrid()) {
            self.messages.move_on();
        }
        self.pages.go(route, &self.workspace.settings, &self.connection.snapshot);
    }

    /// Passes that a worker has; none once the engine has ended, whatever its last state says.
    pub(super) fn running(&self) -> usize {
        if self.connection.has_ended() { 0 } else { self.pages.sums.all.running }
    }

    /// Takes in what is new; also called while the window is hidden.
    fn take_in(&mut self, context: &Context) {
        while let Some((request, purpose, answer)) = self.connection.answer() {
            self.answered(context, (request, purpose), answer);
        }
        if self.connection.refresh() {
            self.say(Tone::Bad, ClientError::Closed.to_string());
        }
        self.frames.recomputed += u64::from(self.pages.refresh(&self.connection.snapshot, self.services.clock.now()));
        self.follow_runs(context);
        self.follow_item();
        self.follow_list();
        self.follow_save();
        self.follow_licenses();
        self.follow_hybrid();
        if self.waits_for_owner() {
            context.request_repaint_after(OWNER_TICK);
        }
        if self.pages.preview.as_ref().is_some_and(PreviewPage::is_looking) {
            context.request_repaint_after(TICK);
        }
        if self.running() > 0 {
            context.request_repaint_after(TICK);
        } else if self.pages.sums.all.scheduled > 0 {
            // "will start in 5 minutes" counts down (R3).
            context.request_repaint_after(MINUTE_TICK);
        }
        self.follow_auto_run();
        if let Some(why) = self.demo.follow() {
            self.say(Tone::Bad, format!("The demo could not be opened: {why}"));
        }
        while self.services.interrupts.as_ref().is_some_and(|presses| presses.try_recv().is_ok()) {
            self.close(context, CloseEvent::Interrupted);
        }
        self.close(context, CloseEvent::Looked);
        if context.input(|input| input.viewport().close_requested()) {
            self.close(context, CloseEvent::Requested);
        }
    }

    /// How things stand for a window that may close.
    pub(super) fn situation(&self) -> Situation {
        let (importing, ended) = (self.dialogs.importing().is_some(), self.connection.has_ended());
        Situation { importing, running: self.running() > 0, ended }
    }

    /// Goes on with closing, or back.
    pub(super) fn close(&mut self, context: &Context, event: CloseEvent) {
        let (closing, steps) = self.closing.next(event, self.situation());
        self.closing = closing;
        for step in steps {
            match step {
                CloseEffect::Stay => context.send_viewport_cmd(ViewportCommand::CancelClose),
                CloseEffect::Hide => context.send_viewport_cmd(ViewportCommand::Visible(false)),
                CloseEffect::Close => context.send_viewport_cmd(ViewportCommand::Close),
                CloseEffect::CancelImport => self.cancel_import(),
                CloseEffect::StopAll => drop(self.ask(Request::StopAll, Purpose::Quiet)),
                CloseEffect::AbortAll => self.abort_all(),
            }
        }
    }

    /// Remembers what the next window starts with, and leaves.
    fn save_state(&mut self) {
        if let Some(size) = self.frames.size.filter(|_| self.workspace.is_open()) {
            self.remember(SIZE, format!("{} {}", size.x.round(), size.y.round()));
        }
        self.connection.leave();
    }

    /// Remembers the zoom, however it was changed.
    pub(super) fn follow_zoom(&mut self, context: &Context) {
        let zoom = context.zoom_factor();
        let known = self.workspace.settings.get(ZOOM).map_or(1.0, |known| known.parse().unwrap_or(1.0));
        if self.workspace.is_open() && (zoom - known).abs() > 0.001 {
            self.remember(ZOOM, zoom.to_string());
        }
    }
}

impl eframe::App for App {
    fn logic(&mut self, context: &Context, _frame: &mut eframe::Frame) {
        self.take_in(context);
    }

    fn ui(&mut self, ui: &mut Ui, _frame: &mut eframe::Frame) {
        self.paint(ui);
    }

    fn on_exit(&mut self, _gl: Option<&eframe::glow::Context>) {
        self.save_state();
    }
}
