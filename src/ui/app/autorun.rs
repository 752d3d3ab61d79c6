//! What the window does besides what a person asks for: the passes of a prepared workspace, and the demo next to it.

use std::sync::Arc;
use std::sync::mpsc::TryRecvError;

use egui::Context;

use super::{App, Closing, Purpose};
use crate::domain::ids::ItemId;
use crate::domain::pass::PassKind;
use crate::engine::command::Command;
use crate::platform::program::DemoError;
use crate::service::client::Request;
use crate::service::launch::Verdict;
use crate::ui::action::UserAction;
use crate::ui::theme::Tone;

impl App {
    /// The workspace is open: submits what it was made for.
    pub(super) fn begin_autorun(&mut self) {
        if let Some(autorun) = &self.around.autorun {
            let (project, items) = (autorun.project, autorun.items.clone());
            self.confirm_direction(project);
            self.ask(
                Request::Command(Command::Start { project, items, kind: PassKind::Full }),
                Purpose::Command("submitted"),
            );
        }
    }

    /// Says how the autorun ended; again if it was stopped and goes on to its end after all.
    pub(super) fn follow_autorun(&mut self) {
        let Some(autorun) = &self.around.autorun else { return };
        if self.running() > 0 {
            self.underway = true;
        }
        if !self.underway {
            return;
        }
        let ours = |item: &ItemId| autorun.items.contains(item);
        let rows = self.snapshot.rows().filter(|row| ours(&row.item));
        let ends: Vec<_> = rows.map(|row| (row.status, row.progress.counts)).collect();
        if ends.iter().all(|(status, _)| status.is_at_rest()) {
            let ending = (autorun.summary)(&ends);
            self.underway = false;
            let well = ending.verdict == Verdict::AsPlanned;
            if well {
                self.around.autorun = None;
            }
            self.say(if well { Tone::Good } else { Tone::Warning }, ending.words);
        }
    }

    /// Ctrl-C in the terminal: stop and quit, and stop at once if it comes again.
    pub(super) fn follow_interrupts(&mut self, context: &Context) {
        while self.around.interrupts.as_ref().is_some_and(|presses| presses.try_recv().is_ok()) {
            let stopping = self.closing == Closing::Stopping;
            self.act(context, if stopping { UserAction::StopAtOnce } else { UserAction::StopAndQuit });
        }
    }

    /// Opens the demo, once at a time.
    pub(super) fn open_demo(&mut self) {
        if self.demo.is_some() {
            return self.say(Tone::Quiet, "The demo is open already, in a window of its own");
        }
        self.demo = Some(self.around.demo.start(Arc::clone(&self.around.waker)));
        self.say(Tone::Quiet, "The demo opens in a window of its own");
    }

    pub(super) fn follow_demo(&mut self) {
        let ended = match self.demo.as_ref().map(|demo| demo.try_recv()) {
            Some(Ok(ended)) => ended,
            Some(Err(TryRecvError::Disconnected)) => Err(DemoError::NoThread),
            Some(Err(TryRecvError::Empty)) | None => return,
        };
        self.demo = None;
        if let Err(why) = ended {
            self.say(Tone::Bad, format!("The demo could not be opened: {why}"));
        }
    }
}
