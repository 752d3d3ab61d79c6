//! What a person is told who does not look: that the passes of a project have ended, and in the window's title what runs.

use egui::{Context, UserAttentionType, ViewportCommand};

use super::window::App;
use crate::ui::model::messages::{Offer, UserMessage};
use crate::ui::model::words;

impl App {
    /// Tells of projects whose last pass has ended, and keeps the title.
    pub(super) fn follow_runs(&mut self, context: &Context) {
        let now = self.services.clock.now();
        let ended = self.pages.sums.take_ended();
        // What a window was opened for is told by its plan.
        for (project, end) in ended.into_iter().filter(|_| self.auto_run.is_none()) {
            let Some(name) = self.workspace.project(project).map(|project| project.name.clone()) else { continue };
            let words = format!("{name}: {}", end.words());
            let message = UserMessage::new(now, end.tone(), words);
            self.messages.say(message.offering(Offer::See(project, end.has_problems())));
            if !context.input(|input| input.focused) {
                context.send_viewport_cmd(ViewportCommand::RequestUserAttention(UserAttentionType::Informational));
            }
        }
        if let Some(left) = self.messages.fades_in(now) {
            context.request_repaint_after(left);
        }
        let title = self.title_now();
        if title != self.title {
            context.send_viewport_cmd(ViewportCommand::Title(title.clone()));
            self.title = title;
        }
    }

    /// "8 migrating, 40 submitted · Mailferry".
    fn title_now(&self) -> String {
        let all = &self.pages.sums.all;
        let running = self.running();
        let mut parts = Vec::new();
        if running > 0 {
            parts.push(format!("{} migrating", words::count(running as u64)));
            if all.waiting > 0 {
                parts.push(format!("{} submitted", words::count(all.waiting as u64)));
            }
        }
        match parts.is_empty() {
            true => self.services.title.to_owned(),
            false => format!("{} · {}", parts.join(", "), self.services.title),
        }
    }
}
