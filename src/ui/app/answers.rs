//! What the application does with answers.

use egui::{Context, Theme, ViewportCommand};

use super::importing::Ended;
use super::{App, Door, Purpose, SIZE, THEME};
use crate::engine::desk::{Answer, Ask, OPENING, Opened, Outcome, Ticket};
use crate::ui::action::UserAction;
use crate::ui::model::forms::{ProjectForm, VaultForm};
use crate::ui::model::words;
use crate::ui::route::Route;
use crate::ui::theme::Tone;

impl App {
    pub(super) fn answered(&mut self, context: &Context, ticket: Ticket, answer: Answer) {
        if let Answer::Importing(work, done, of) = answer {
            return self.import_goes_on(work, done, of);
        }
        let purpose = self.purposes.remove(&ticket).unwrap_or(Purpose::Quiet);
        if ticket == OPENING || !matches!(self.door, Door::Open) {
            match answer {
                Answer::Opened(opened) => self.opened(context, *opened),
                Answer::InUse(owner) => self.door = Door::InUse(owner),
                Answer::NotOpened(why) | Answer::Refused(why) => self.door = Door::Broken(why),
                _ => {}
            }
            return;
        }
        match answer {
            Answer::Refused(why) => self.refused(Some(ticket), purpose, why),
            Answer::Projects(projects) => self.projects = projects,
            Answer::Made(id, projects) => {
                self.projects = projects;
                // A form that was left meanwhile leads nowhere.
                if self.form.asked == Some(ticket) {
                    self.form = ProjectForm::default();
                    self.go(Route::Project(id));
                }
            }
            Answer::Previewed(preview) => self.looked(Some(ticket), Ok(preview)),
            Answer::Imported(imported) => self.import_ended(Ended::Imported(imported)),
            Answer::Cancelled => self.import_ended(Ended::Cancelled),
            Answer::Done(outcome) => self.outcome(&purpose, &outcome),
            Answer::Details(details) => {
                let Some(page) = self.item.as_mut().filter(|page| page.item == details.item) else { return };
                let Some(pass) = details.passes.first().map(|pass| pass.id) else {
                    page.answered(*details);
                    return;
                };
                let (folders, errors) = page.answered(*details);
                let more = folders.into_iter().map(|from| Ask::Folders(pass, from));
                for ask in more.chain(errors.into_iter().map(|from| Ask::Errors(pass, from))) {
                    self.ask(ask, Purpose::Lists);
                }
            }
            Answer::Folders(pass, offset, lines) => {
                if let Some(page) = &mut self.item {
                    page.more_folders(pass, offset, lines);
                }
            }
            Answer::Errors(pass, offset, errors) => {
                if let Some(page) = &mut self.item {
                    page.more_errors(pass, offset, errors);
                }
            }
            Answer::Unlocked(kind) => {
                (self.vault, self.unlock) = ((Some(kind), true), None);
                if let Some(action) = self.after_unlock.take() {
                    self.act(context, action);
                }
            }
            Answer::Opened(_) | Answer::InUse(_) | Answer::NotOpened(_) | Answer::Importing(..) | Answer::Replaced => {}
        }
    }

    fn opened(&mut self, context: &Context, opened: Opened) {
        self.door = Door::Open;
        (self.projects, self.settings) = (opened.projects, opened.settings);
        (self.vault, self.proposed) = ((opened.vault, opened.unlocked), opened.proposed);
        match self.settings.get(THEME).map(String::as_str) {
            Some("dark") => context.set_theme(Theme::Dark),
            Some("light") => context.set_theme(Theme::Light),
            _ => {}
        }
        let size = self.settings.get(SIZE).and_then(|size| {
            let (x, y) = size.split_once(' ')?;
            Some(egui::vec2(x.parse().ok()?, y.parse().ok()?))
        });
        if let Some(size) = size {
            // The screen may have been a larger one then.
            let screen = context.input(|input| input.viewport().monitor_size).unwrap_or(egui::Vec2::INFINITY);
            context.send_viewport_cmd(ViewportCommand::InnerSize(size.min(screen)));
        }
        if opened.resumed > 0 {
            let passes = words::counted(opened.resumed, "interrupted pass");
            self.say(Tone::Warning, format!("{passes} resumed: the program had ended unexpectedly a moment ago"));
        }
        if opened.held > 0 {
            let passes = words::counted(opened.held, "pass");
            let wait = if opened.held == 1 { "waits" } else { "wait" };
            self.say(
                Tone::Warning,
                format!("{passes} did not come to an end last time and {wait} for your word: Resume or Stop"),
            );
        }
        for why in opened.trouble {
            self.say(Tone::Bad, why);
        }
        if opened.vault.or(opened.proposed).is_some() && !opened.unlocked {
            let form = VaultForm::new(opened.vault, opened.proposed);
            self.unlock = Some(VaultForm { refused: opened.vault_error, ..form });
        }
        if let [only] = self.projects.as_slice() {
            self.go(Route::Project(only.id));
        }
        self.set_out();
    }

    /// A question was refused, or not even taken: then it has no ticket. Whatever waits for its answer goes on.
    pub(super) fn refused(&mut self, ticket: Option<Ticket>, purpose: Purpose, why: String) {
        match purpose {
            Purpose::NewProject if self.form.busy && self.form.asked == ticket => {
                (self.form.refused, self.form.busy) = (Some(why), false);
            }
            Purpose::Preview => self.looked(ticket, Err(why)),
            Purpose::Import => self.import_ended(Ended::Refused(why)),
            Purpose::Unlock if self.unlock.is_some() => {
                if let Some(form) = &mut self.unlock {
                    (form.refused, form.busy) = (Some(why), false);
                }
            }
            Purpose::Details(item) => {
                if let Some(page) = self.item.as_mut().filter(|page| page.item == item) {
                    page.refused();
                }
                self.say(Tone::Bad, why);
            }
            _ => self.say(Tone::Bad, why),
        }
    }

    /// Names what was done, and by reason what was left alone.
    fn outcome(&mut self, purpose: &Purpose, outcome: &Outcome) {
        if let Some(error) = &outcome.error {
            self.say(Tone::Bad, error.clone());
            return;
        }
        let Purpose::Command(word) = purpose else { return };
        let mut parts = Vec::new();
        if !outcome.done.is_empty() {
            parts.push(format!("{} {word}", words::counted(outcome.done.len(), "item")));
        }
        for (reason, count) in by_reason(outcome.left.iter().map(|(_, reason)| reason.clone())) {
            parts.push(format!("{} left alone: {reason}", words::count(count as u64)));
        }
        let tone = if outcome.left.is_empty() { Tone::Good } else { Tone::Warning };
        if !parts.is_empty() {
            self.say(tone, parts.join(" · "));
        }
    }

    /// Shows another page.
    pub(super) fn go(&mut self, route: Route) {
        // Back from an item, also one that was reached by the arrows, the cursor stands on it.
        if let (Route::Item(_, item), Route::Project(id)) = (self.route, route)
            && let Some(grid) = self.grids.get_mut(&id)
        {
            grid.selection.stand_on(item);
        }
        self.route = route;
        match route {
            Route::Project(id) => self.open_grid(id),
            Route::Item(id, item) => {
                self.open_grid(id);
                if self.item.as_ref().is_none_or(|page| page.item != item) {
                    self.item = Some(crate::ui::model::item::ItemPage::new(item));
                }
            }
            Route::Projects | Route::NewProject => {}
        }
    }

    fn open_grid(&mut self, id: crate::domain::ids::ProjectId) {
        use crate::ui::model::grid::{Grid, Sort};
        let sort = self.settings.get(&super::acts::sort_setting(id)).and_then(|text| Sort::from_text(text));
        self.grids.entry(id).or_insert_with(|| Grid::new(id, sort)).refresh(&self.snapshot);
    }

    pub(super) fn unlock_first(&mut self, then: UserAction) {
        self.after_unlock = Some(then);
        self.unlock = Some(VaultForm::new(self.vault.0, self.proposed));
    }
}

/// Reasons with their number, the most frequent first.
pub(super) fn by_reason(reasons: impl Iterator<Item = String>) -> Vec<(String, usize)> {
    let mut counted: Vec<(String, usize)> = Vec::new();
    for reason in reasons {
        match counted.iter_mut().find(|(known, _)| *known == reason) {
            Some((_, count)) => *count += 1,
            None => counted.push((reason, 1)),
        }
    }
    counted.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    counted
}
