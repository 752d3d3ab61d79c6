//! Starting passes: the dialog's, and those of a workspace that was prepared for this window.

use std::collections::HashSet;

use super::connection::Purpose;
use super::dialogs::Dialog;
use super::window::App;
use crate::domain::ids::ItemId;
use crate::domain::pass::PassKind;
use crate::domain::start_order::StartOrder;
use crate::service::client::Request;
use crate::service::launch::Verdict;
use crate::service::start::StartRequest;
use crate::service::times::zone_of;
use crate::ui::action::{Targets, UserAction};
use crate::ui::model::forms::{StartCandidate, StartForm, domains};
use crate::ui::model::messages::{Offer, UserMessage};
use crate::ui::theme::Tone;

impl App {
    /// Asks which pass to start for items.
    pub(super) fn ask_start(&mut self, targets: &Targets) {
        let Some((project, items)) = self.items(targets) else { return };
        if self.workspace.is_locked(project) {
            return self.unlock_first(UserAction::AskStart(Targets::These(items)));
        }
        let chosen: HashSet<ItemId> = items.into_iter().collect();
        let rows = || self.connection.snapshot.rows().filter(|row| chosen.contains(&row.item));
        let domains =
            (domains(rows().map(|row| row.source.as_str())), domains(rows().map(|row| row.destination.as_str())));
        let candidates = rows().map(|row| StartCandidate {
            item: row.item,
            status: row.status,
            errors: row.retryable(),
            fresh: row.pass.is_none(),
        });
        let candidates = candidates.collect();
        let of = self.workspace.project(project);
        let known = of.is_some_and(|project| project.starts.confirmed);
        let machine = self.services.zone.clone();
        let zone = of.map_or(machine.clone(), |project| zone_of(&project.options, &machine));
        let time = (self.services.clock.now(), zone);
        let mut form = StartForm::new(project, candidates, known, time);
        form.domains = domains;
        form.mails.is_asked = self.ask_start_mails(project, chosen.into_iter().collect());
        self.dialogs.open(Dialog::Start(Box::new(form)));
        self.ask_licenses(project);
    }

    /// Starts what the dialog shows.
    pub(super) fn start(&mut self) {
        let asks = self.dialogs.start_form().is_some_and(|form| form.owners() > 0);
        if asks && !self.workspace.vault.unlocked {
            // Links are made with a key that is kept there.
            return self.unlock_first(UserAction::Start);
        }
        let Some((form, order)) = self.dialogs.finish_start() else { return };
        let (project, items) = (form.project, form.shares().items.clone());
        self.submit(StartRequest { project, items, order, confirms: form.asks, asks: !form.mails.do_not_ask });
    }

    fn submit(&mut self, request: StartRequest) {
        if request.confirms && request.order.kind.moves_mail() {
            self.workspace.confirmed(request.project);
        }
        self.ask(Request::Start(Box::new(request)), Purpose::Command("submitted"));
    }

    /// The workspace is open: submits what it was made for.
    pub(super) fn begin_auto_run(&mut self) {
        if let Some(run) = &self.auto_run {
            let (project, items) = run.items();
            let order = StartOrder::now(PassKind::Full);
            self.submit(StartRequest { project, items, order, confirms: true, asks: true });
        }
    }

    /// Says how that ended; what ended well is told once.
    pub(super) fn follow_auto_run(&mut self) {
        let running = self.running() > 0;
        let Some(run) = &mut self.auto_run else { return };
        let Some(summary) = run.follow(running, &self.connection.snapshot) else { return };
        let (project, _) = run.items();
        let well = summary.verdict == Verdict::AsPlanned;
        if well {
            self.auto_run = None;
        }
        let tone = if well { Tone::Good } else { Tone::Warning };
        let message = UserMessage::new(self.services.clock.now(), tone, summary.words);
        self.messages.say(message.offering(Offer::See(project, false)));
    }
}
