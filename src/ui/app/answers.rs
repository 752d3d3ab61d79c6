//! What the application does with answers.

use egui::{Context, Theme, ViewportCommand};

use super::{App, Dialog, Door, Purpose, SIZE, THEME};
use crate::engine::desk::{Answer, OPENING, Opened, Outcome, Ticket};
use crate::ui::action::UserAction;
use crate::ui::model::forms::{ImportForm, ProjectForm, VaultForm};
use crate::ui::model::words;
use crate::ui::route::Route;
use crate::ui::theme::Tone;

impl App {
    pub(super) fn answered(&mut self, context: &Context, ticket: Ticket, answer: Answer) {
        if let Answer::Importing(work, done, of) = answer {
            // The last answer to this question is still to come.
            if let Some(Dialog::Import(ImportForm { running: Some(running), .. })) = &mut self.dialog {
                running.progress = Some((work, done, of));
            }
            return;
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
            Answer::Refused(why) if matches!(purpose, Purpose::Import) => self.import_ended(context, Some(why)),
            Answer::Refused(why) => self.refused(purpose, why),
            Answer::Projects(projects) => self.projects = projects,
            Answer::Made(id, projects) => {
                self.projects = projects;
                self.form = ProjectForm::default();
                self.go(Route::Project(id));
            }
            Answer::Previewed(preview) => {
                if let Some(Dialog::Import(form)) = &mut self.dialog {
                    form.preview = Some(preview);
                }
            }
            Answer::Imported(new, known, bad, trouble) => {
                self.import_ended(context, None);
                let mut line = format!("{} imported", words::counted(new, "item"));
                if known > 0 {
                    line += &format!(", {} updated", words::count(known as u64));
                }
                if bad > 0 {
                    line += &format!(", {} left out", words::counted(bad, "bad row"));
                }
                self.say(if bad > 0 { Tone::Warning } else { Tone::Good }, line);
                if let Some(trouble) = trouble {
                    self.say(Tone::Bad, trouble);
                }
            }
            Answer::Done(outcome) => self.outcome(&purpose, &outcome),
            Answer::Details(details) => {
                if let Some(page) = self.item.as_mut().filter(|page| page.item == details.item) {
                    page.waiting = false;
                    page.details = Some(*details);
                }
            }
            Answer::Folders(pass, offset, lines) => {
                if let Some(details) = self.item.as_mut().and_then(|page| page.details.as_mut())
                    && details.passes.first().is_some_and(|latest| latest.id == pass)
                    && details.folders.len() == offset as usize
                {
                    details.folders.extend(lines);
                }
            }
            Answer::Errors(pass, offset, errors) => {
                if let Some(details) = self.item.as_mut().and_then(|page| page.details.as_mut())
                    && details.passes.first().is_some_and(|latest| latest.id == pass)
                    && details.errors.len() == offset as usize
                {
                    details.errors.extend(errors);
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
        self.vault = (opened.vault, opened.unlocked);
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
            context.send_viewport_cmd(ViewportCommand::InnerSize(size));
        }
        if opened.resumed > 0 {
            let passes = words::counted(opened.resumed, "interrupted pass");
            self.say(Tone::Warning, format!("{passes} resumed: the program had ended unexpectedly a moment ago"));
        }
        if opened.held > 0 {
            let passes = words::counted(opened.held, "pass");
            self.say(
                Tone::Warning,
                format!("{passes} did not come to an end last time and wait for your word: Resume or Stop"),
            );
        }
        for why in opened.trouble {
            self.say(Tone::Bad, why);
        }
        if opened.vault.is_some() && !opened.unlocked {
            self.unlock = Some(VaultForm { refused: opened.vault_error, ..VaultForm::new(opened.vault) });
        }
        if let [only] = self.projects.as_slice() {
            self.go(Route::Project(only.id));
        }
        self.set_out();
    }

    fn refused(&mut self, purpose: Purpose, why: String) {
        match (purpose, &mut self.dialog) {
            (Purpose::NewProject, _) => (self.form.refused, self.form.busy) = (Some(why), false),
            (Purpose::Preview, Some(Dialog::Import(form))) => form.refused = Some(why),
            (Purpose::Unlock, _) if self.unlock.is_some() => {
                if let Some(form) = &mut self.unlock {
                    (form.refused, form.busy) = (Some(why), false);
                }
            }
            (Purpose::Details(item), _) => {
                if let Some(page) = self.item.as_mut().filter(|page| page.item == item) {
                    page.waiting = false;
                }
                self.say(Tone::Bad, why);
            }
            _ => self.say(Tone::Bad, why),
        }
    }

    /// Closes the dialog, and the window if it waited for this; or shows why nothing was imported.
    fn import_ended(&mut self, context: &Context, refused: Option<String>) {
        let ended = match &mut self.dialog {
            Some(Dialog::Import(form)) => form.running.take(),
            _ => None,
        };
        if ended.is_some_and(|import| import.leaving) {
            self.dialog = None;
            context.send_viewport_cmd(ViewportCommand::Close);
        } else if let Some(Dialog::Import(form)) = &mut self.dialog {
            match refused {
                Some(why) => form.refused = Some(why),
                None => self.dialog = None,
            }
        } else if let Some(why) = refused {
            self.say(Tone::Bad, why);
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
        self.unlock = Some(VaultForm::new(self.vault.0));
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
