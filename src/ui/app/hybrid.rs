//! Hybrid projects: what a person does in them, and what the service answers.

use std::sync::Arc;

use egui::Context;

use super::connection::Purpose;
use super::dialogs::Dialog;
use super::window::App;
use crate::domain::guide::GuideValues;
use crate::domain::ids::{HybridBatchId, HybridProjectId};
use crate::platform::picker::{self, NO_DIALOG, Picked};
use crate::service::client::{HybridAsk, HybridTold, OfHybrid, Request, RequestId};
use crate::service::hybrid::batches::Started;
use crate::service::hybrid::users::UsersIn;
use crate::service::hybrid::{HybridDetails, HybridUser, HybridView, LeftOut};
use crate::ui::action::{HybridAct, UserAction};
use crate::ui::model::forms::GuideForm;
use crate::ui::model::hybrid::{HybridForm, Place, Question, UsersAction, WhichUsers};
use crate::ui::model::messages::by_reason;
use crate::ui::model::words;
use crate::ui::route::Route;
use crate::ui::theme::Tone;

impl App {
    pub(super) fn act_in_hybrid(&mut self, context: &Context, act: HybridAct) {
        match act {
            HybridAct::Users(action) => {
                if let (Some(view), Some(page)) = (self.hybrid_here(), self.pages.users_here()) {
                    page.apply(action);
                    page.refresh(&view);
                }
                context.request_repaint();
            }
            HybridAct::Star(which, star) => {
                let users = self.meant(&which).iter().map(|user| user.id).collect();
                self.ask_of_hybrid(OfHybrid::Star(users, star), "");
            }
            HybridAct::Approve(which) => {
                let users = self.meant(&which).iter().map(|user| user.id).collect();
                self.ask_of_hybrid(OfHybrid::Approve(users), "to be approved");
            }
            HybridAct::Ask(asked) => self.ask_in_hybrid(&asked),
            HybridAct::Guide => self.guide_for_hybrid(),
            HybridAct::TryNow => drop(self.ask_of_hybrid(OfHybrid::TryNow, "")),
            HybridAct::Report(_) if !self.workspace.vault.unlocked => self.unlock_first(UserAction::Hybrid(act)),
            HybridAct::Report(user) => {
                let asked = self.ask_of_hybrid(OfHybrid::Report(user), "");
                if let Some(page) = &mut self.pages.details {
                    page.reporting = asked.is_some();
                }
            }
            HybridAct::Create => self.create_hybrid(),
            HybridAct::Do => self.go_on_in_hybrid(),
            HybridAct::Browse => self.browse_users(),
            HybridAct::Unlock => self.dialogs.open_vault(self.workspace.vault.form(), None),
        }
    }

    /// The hybrid project whose page is shown.
    pub(super) fn hybrid_here(&self) -> Option<Arc<HybridView>> {
        self.workspace.hybrid(self.pages.route.hybrid()?).map(Arc::clone)
    }

    /// The users that are meant.
    pub(super) fn meant(&mut self, which: &WhichUsers) -> Vec<HybridUser> {
        let Some(view) = self.hybrid_here() else { return Vec::new() };
        match which {
            WhichUsers::This(user) => view.user(*user).cloned().into_iter().collect(),
            WhichUsers::Selected => {
                self.pages.users_here().map(|page| page.chosen(&view).cloned().collect()).unwrap_or_default()
            }
        }
    }

    pub(super) fn ask_of_hybrid(&mut self, what: OfHybrid, done: &'static str) -> Option<RequestId> {
        let project = self.pages.route.hybrid()?;
        self.ask(Request::Hybrid(HybridAsk::Of(project, what)), Purpose::Hybrid(done))
    }

    fn guide_for_hybrid(&mut self) {
        let Some(view) = self.hybrid_here() else { return };
        let form = GuideForm::of_hybrid(GuideValues::of_hybrid(&view.project));
        self.dialogs.open(Dialog::Guide(Box::new(form)));
    }

    fn create_hybrid(&mut self) {
        let new = match self.pages.hybrid_form.ask() {
            Ok(new) => new,
            Err(why) => return self.pages.hybrid_form.refused = Some(why),
        };
        if !self.workspace.vault.unlocked {
            return self.unlock_first(UserAction::Hybrid(HybridAct::Create));
        }
        self.pages.hybrid_form.refused = None;
        let asked = self.ask(Request::Hybrid(HybridAsk::New(Box::new(new))), Purpose::Hybrid(""));
        self.pages.hybrid_form.asked = asked;
    }

    /// Brings the grid up to date, asks for what the page of a user or batch shows, and takes a chosen file.
    pub(super) fn follow_hybrid(&mut self) {
        if let Some(dialog) = self.dialogs.hybrid() {
            match (picker::take(&mut dialog.picking), &mut dialog.question) {
                (Some(Picked::File(file)), Question::Import { path, .. }) => *path = file.display().to_string(),
                (Some(Picked::NoDialog), _) => dialog.refused = Some(NO_DIALOG.into()),
                _ => {}
            }
        }
        let Some(view) = self.hybrid_here() else { return };
        if let Some(page) = self.pages.users_here() {
            page.refresh(&view);
        }
        let Some(page) = &mut self.pages.details else { return };
        if page.due(&view) {
            let of = page.of;
            self.ask(Request::Hybrid(HybridAsk::Details(of)), Purpose::Hybrid(""));
        }
    }

    pub(super) fn hybrid_told(&mut self, request: RequestId, purpose: &Purpose, told: HybridTold) {
        match told {
            HybridTold::Made(id, views) => {
                self.workspace.hybrid = views;
                self.hybrid_made(request, id);
            }
            HybridTold::Changed => self.hybrid_done(request, (Tone::Good, CHANGED.into())),
            HybridTold::Deleted(views) => {
                self.workspace.hybrid = views;
                self.go(Route::Projects);
                self.hybrid_done(request, (Tone::Good, "Project deleted. Nothing was changed in the tenant".into()));
            }
            HybridTold::Imported(came) => self.hybrid_done(request, (Tone::Good, imported(came))),
            HybridTold::BatchMade(batch, users, left) => self.batch_made(request, batch, users, &left),
            HybridTold::Done(done, left) => {
                let word = if let Purpose::Hybrid(word) = purpose { *word } else { "" };
                self.hybrid_done(request, outcome(done, word, &left));
            }
            HybridTold::Started(started) => self.batch_started(request, started),
            HybridTold::Checked(lines) => {
                if let Some(dialog) = self.dialogs.hybrid().filter(|dialog| dialog.asked == Some(request)) {
                    dialog.asked = None;
                    if let Question::Check { lines: found, .. } = &mut dialog.question {
                        *found = Some(lines);
                    }
                }
            }
            HybridTold::Details(details) => self.hybrid_details(*details),
            HybridTold::Report(user, at, text) => {
                let page = self.pages.details.as_mut().filter(|page| page.is_of(user));
                if let Some(page) = page {
                    page.reported(at, text);
                }
            }
            HybridTold::Quiet => {}
        }
    }

    fn hybrid_details(&mut self, details: HybridDetails) {
        if let Some(page) = self.pages.details.as_mut().filter(|page| page.of == details.of) {
            page.answered(details);
        }
    }

    fn hybrid_made(&mut self, request: RequestId, id: HybridProjectId) {
        // A form that was left meanwhile leads nowhere.
        if self.pages.hybrid_form.asked == Some(request) {
            self.pages.hybrid_form = HybridForm::default();
            self.go(Route::Hybrid(id));
        }
    }

    /// What the dialog asked for is done.
    fn hybrid_done(&mut self, request: RequestId, (tone, words): (Tone, String)) {
        if self.dialogs.hybrid().is_some_and(|dialog| dialog.asked == Some(request)) {
            self.dialogs.close_hybrid();
        }
        if !words.is_empty() {
            self.say(tone, words);
        }
    }

    fn batch_made(&mut self, request: RequestId, batch: HybridBatchId, users: usize, left: &[LeftOut]) {
        if let Some(page) = self.pages.users_here() {
            page.apply(UsersAction::Place(Place::Batch(batch)));
        }
        let (tone, words) = outcome(users.saturating_sub(left.len()), "moved in", left);
        let words = if words.is_empty() { "Batch made".into() } else { format!("Batch made · {words}") };
        self.hybrid_done(request, (tone, words));
    }

    /// A batch is submitted, or its dialog shows why not.
    fn batch_started(&mut self, request: RequestId, started: Started) {
        let dialog = self.dialogs.hybrid().filter(|dialog| dialog.asked == Some(request));
        match (started, dialog) {
            (Started::NotReady(lines), Some(dialog)) => {
                dialog.asked = None;
                if let Question::Start(start) = &mut dialog.question {
                    start.lines = Some(lines);
                }
            }
            (Started::NotReady(_), None) => self.say(Tone::Bad, "Not started: the tenant is not ready"),
            (Started::Submitted(lines), _) if lines.is_empty() => {
                self.hybrid_done(request, (Tone::Good, "The batch is submitted".into()));
            }
            (Started::Submitted(lines), _) => {
                let later: Vec<&str> = lines.iter().map(|line| line.what.as_str()).collect();
                let words = format!("The batch is submitted. Needed later and not right yet: {}", later.join("; "));
                self.hybrid_done(request, (Tone::Warning, words));
            }
        }
    }

    /// A question was refused, or not even taken: then it has no request.
    pub(super) fn hybrid_refused(&mut self, request: Option<RequestId>, why: String) {
        if let Some(page) = &mut self.pages.details {
            page.refused();
        }
        if request.is_some() && self.pages.hybrid_form.asked == request {
            (self.pages.hybrid_form.asked, self.pages.hybrid_form.refused) = (None, Some(why));
        } else if let Some(dialog) = self.dialogs.hybrid().filter(|dialog| dialog.asked == request) {
            (dialog.asked, dialog.refused) = (None, Some(why));
        } else {
            self.say(Tone::Bad, why);
        }
    }
}

const CHANGED: &str = "Changed. What is set on mailboxes is read when they are finalized";

fn imported(UsersIn { new, changed, named }: UsersIn) -> String {
    let named = words::counted(usize::try_from(named).unwrap_or(usize::MAX), "user");
    format!("{named}: {} new, {} with another location", words::count(new), words::count(changed))
}

/// What was done, and by reason who was left alone.
fn outcome(done: usize, word: &str, left: &[LeftOut]) -> (Tone, String) {
    let mut parts = Vec::new();
    if done > 0 && !word.is_empty() {
        parts.push(format!("{} {word}", words::counted(done, "user")));
    }
    for (reason, count) in by_reason(left.iter().map(|left| left.why.to_string())) {
        let named: Vec<&str> =
            left.iter().filter(|left| left.why.to_string() == reason).map(|l| l.address.as_str()).collect();
        let names = if named.len() <= FEW { format!(" ({})", named.join(", ")) } else { String::new() };
        parts.push(format!("{} left alone: {reason}{names}", words::count(count as u64)));
    }
    (if left.is_empty() { Tone::Good } else { Tone::Warning }, parts.join(" · "))
}

/// Users that are named one by one.
const FEW: usize = 3;
