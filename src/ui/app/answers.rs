//! What the application does with answers.

use egui::{Context, UserAttentionType, ViewportCommand};

use super::connection::Purpose;
use super::importing::ImportEnd;
use super::window::App;
use super::workspace::WorkspaceState;
use crate::domain::ids::{ItemId, ProjectId};
use crate::domain::project::Project;
use crate::domain::status::Status;
use crate::engine::command::Outcome;
use crate::service::client::{OPENING, Request, RequestId, Response};
use crate::service::items::Details;
use crate::service::{ServiceError, VaultKind};
use crate::ui::model::forms::ProjectForm;
use crate::ui::model::item::{ItemPage, Tab};
use crate::ui::model::messages::by_reason;
use crate::ui::model::words;
use crate::ui::route::Route;
use crate::ui::theme::Tone;

/// Items that are named one by one.
const FEW: usize = 3;

/// A window manager may refuse the focus; then the window asks for a look.
fn come_to_front(context: &Context) {
    context.send_viewport_cmd(ViewportCommand::Minimized(false));
    context.send_viewport_cmd(ViewportCommand::Focus);
    context.send_viewport_cmd(ViewportCommand::RequestUserAttention(UserAttentionType::Informational));
}

impl App {
    #[expect(clippy::too_many_lines, reason = "a table: an arm for each answer")]
    pub(super) fn answered(&mut self, context: &Context, (request, purpose): (RequestId, Purpose), answer: Response) {
        if let Response::Importing(work, done, of) = answer {
            return self.import_goes_on(work, done, of);
        }
        if request == OPENING || !self.workspace.is_open() {
            return self.opening_answered(context, answer);
        }
        match answer {
            Response::Refused(why) => match purpose {
                Purpose::Import => self.list_refused(context, &why),
                Purpose::EditItem | Purpose::EditProject | Purpose::Options => {
                    self.edit_refused(Some(request), &purpose, &why)
                }
                Purpose::PreviewItem => self.look_failed(Some(request), &why),
                purpose => self.refused(Some(request), purpose, why.to_string()),
            },
            Response::Projects(projects) => self.workspace.projects = projects,
            Response::Hybrid(told) => self.hybrid_told(request, &purpose, told),
            Response::HybridViews(views) => self.workspace.hybrid = views,
            Response::News(news) => self.news(news),
            Response::Front => come_to_front(context),
            Response::Licenses(ledger) => self.ledger(*ledger),
            Response::ProjectLicenses(project, licenses) => self.project_licenses(project, &licenses),
            Response::LicensesExported(entries, file) => self.licenses_exported(entries, &file),
            Response::Pools(pools) => self.pool_saved(pools),
            Response::ProjectDeleted(left) => self.project_deleted(left),
            Response::Made(id, projects) => self.made(request, &purpose, (id, projects)),
            Response::Previewed(preview) => self.looked(Some(request), Ok(preview)),
            Response::ItemPreview(preview) => self.seen(request, *preview),
            Response::Found(proposals) => self.settings_found(Some(request), &Ok(proposals)),
            Response::Checked(hold) => self.checked(Some(request), Ok(hold)),
            Response::SignedIn => self.signed_in(request),
            Response::ServiceNumber(project, side, number) => self.number_known((project, side), number),
            Response::ItemOptions(item, own) => self.item_options(&purpose, item, *own),
            Response::Imported(imported) => self.import_ended(context, ImportEnd::Imported(imported)),
            Response::Cancelled => self.import_ended(context, ImportEnd::Cancelled),
            Response::Started(report) => self.outcome(&purpose, &report.into_outcome()),
            Response::Done(outcome) => self.outcome(&purpose, &outcome),
            Response::ItemSettings(settings) => self.edit_begins(*settings, &purpose),
            Response::Edited => self.edited(&purpose),
            Response::ProjectEdited(projects) => self.project_edited(projects, &purpose),
            Response::Details(details) => self.details(*details),
            Response::Folders(pass, offset, lines) => {
                if let Some(page) = &mut self.pages.item {
                    page.more_folders(pass, offset, lines);
                }
            }
            Response::Errors(pass, offset, errors) => {
                if let Some(page) = &mut self.pages.item {
                    page.more_errors(pass, offset, errors);
                }
            }
            Response::ItemLog(item, lines) => {
                if let Some(page) = self.page_of(item) {
                    page.log_answered(lines);
                }
            }
            Response::ItemTrace(item, trace) => {
                if let Some(page) = self.page_of(item) {
                    page.speed_answered(trace);
                }
            }
            Response::Saved(bytes, file) => self.message_saved(bytes, &file),
            Response::StartMails(project, mails, cannot) => self.start_mails(project, *mails, cannot),
            Response::CredentialLink(link) => self.link_came(context, &link),
            Response::ProjectMail(project, mail) => self.project_mail(project, *mail),
            Response::Settings(settings) => self.settings_saved(settings),
            Response::MailPasswordKept => self.mail_password_kept(),
            Response::MailTested(answer) => self.mail_tested(&answer),
            Response::FormReached => self.form_reached(),
            Response::Asking(state) => self.asking_state(state),
            Response::Certificate(seen) => self.certificate_seen(seen),
            Response::Corrected(projects) => self.corrected(projects),
            Response::Unlocked(kind) => self.unlocked(context, kind),
            Response::Opened(_)
            | Response::InUse(_)
            | Response::NotOpened(_)
            | Response::Importing(..)
            | Response::Replaced => {}
        }
    }

    fn list_refused(&mut self, context: &Context, why: &ServiceError) {
        let asks = why.asks_which_mailbox().unwrap_or_default().to_vec();
        self.import_ended(context, ImportEnd::Refused(why.to_string(), asks));
    }

    /// A project was changed, and these are all of them.
    fn project_edited(&mut self, projects: Vec<Project>, purpose: &Purpose) {
        self.workspace.projects = projects;
        match purpose {
            Purpose::Archive(project, archived) => self.archived(*project, *archived),
            purpose => self.edited(purpose),
        }
    }

    /// The vault is open: what waited for it goes on.
    fn unlocked(&mut self, context: &Context, kind: VaultKind) {
        (self.workspace.vault.kind, self.workspace.vault.unlocked) = (Some(kind), true);
        if let Some(action) = self.dialogs.finish_vault() {
            self.act(context, action);
        }
    }

    /// A project was made, and these are all of them.
    fn made(&mut self, request: RequestId, purpose: &Purpose, (id, projects): (ProjectId, Vec<Project>)) {
        self.workspace.projects = projects;
        if matches!(purpose, Purpose::WholeProject) {
            self.duplicated(id);
        } else if self.pages.form.asked == Some(request) {
            // A form that was left meanwhile leads nowhere.
            self.pages.form = ProjectForm::default();
            self.go(Route::Project(id));
        }
    }

    fn opening_answered(&mut self, context: &Context, answer: Response) {
        match answer {
            Response::Opened(opened) => self.opened(context, *opened),
            Response::InUse(owner) => self.workspace.state = WorkspaceState::InUse(owner),
            Response::NotOpened(why) | Response::Refused(why) => {
                self.workspace.state = WorkspaceState::Broken(why.to_string())
            }
            _ => {}
        }
    }

    /// The details of an item came; what was read beyond them is read again.
    fn details(&mut self, details: Details) {
        let Some(page) = self.page_of(details.item) else { return };
        let pass = details.passes.first().map(|pass| pass.id);
        let (folders, errors) = page.answered(details);
        let Some(pass) = pass else { return };
        let more = folders.into_iter().map(|from| Request::Folders(pass, from));
        for ask in more.chain(errors.into_iter().map(|from| Request::Errors(pass, from))) {
            self.ask(ask, Purpose::Lists);
        }
    }

    fn page_of(&mut self, item: ItemId) -> Option<&mut ItemPage> {
        self.pages.item.as_mut().filter(|page| page.item == item)
    }

    /// Asks for the details of the item that is shown, and for its log or speed, when they may have changed.
    pub(super) fn follow_item(&mut self) {
        let (Route::Item(..), Some(page)) = (self.pages.route, &mut self.pages.item) else { return };
        let (now, snapshot, item) = (self.services.clock.now(), &self.connection.snapshot, page.item);
        let (details, tab) = (page.due(snapshot, now), page.tab_due(snapshot, now));
        if details {
            self.ask(Request::Details(item), Purpose::Details(item));
        }
        match tab {
            Some(tab @ Tab::Log) => drop(self.ask(Request::ItemLog(item), Purpose::ItemTab(item, tab))),
            Some(tab @ Tab::Speed) => drop(self.ask(Request::ItemTrace(item), Purpose::ItemTab(item, tab))),
            Some(Tab::Errors) | None => {}
        }
    }

    /// Whether the page of an item is shown that waits for its owner: what becomes of mails changes nothing in its row.
    pub(super) fn waits_for_owner(&mut self) -> bool {
        let (Route::Item(..), Some(page)) = (self.pages.route, &mut self.pages.item) else { return false };
        page.row(&self.connection.snapshot).is_some_and(|row| row.status == Status::WaitingForUser)
    }

    /// A question was refused, or not even taken: then it has no request. Whatever waits for its answer goes on.
    pub(super) fn refused(&mut self, request: Option<RequestId>, purpose: Purpose, why: String) {
        let form = &mut self.pages.form;
        match purpose {
            Purpose::NewProject if form.busy && form.asked == request => {
                (form.refused, form.busy) = (Some(why), false);
            }
            Purpose::Hybrid(_) => self.hybrid_refused(request, why),
            Purpose::Preview => self.looked(request, Err(why)),
            Purpose::Import => self.import_refused(why),
            Purpose::Options => self.options_refused(request, why),
            Purpose::PreviewItem => self.not_looked(why),
            Purpose::Check => self.checked(request, Err(why)),
            Purpose::Find => self.settings_found(request, &Err(why)),
            Purpose::SignIn => self.not_signed_in(request, why),
            Purpose::WholeProject => self.whole_project_refused(request, why),
            Purpose::Pool => self.pool_refused(request, why),
            Purpose::Settings => self.settings_refused(request, why),
            Purpose::StartMails => self.start_mails_refused(why),
            Purpose::ProjectMail => self.project_mail_refused(why),
            Purpose::Save => self.not_saved(why),
            Purpose::Unlock => match self.dialogs.vault_form() {
                // The passphrase is typed again without a click before.
                Some(form) => (form.refused, form.busy, form.entered) = (Some(why), false, false),
                None => self.say(Tone::Bad, why),
            },
            Purpose::Remedy => match self.dialogs.remedy() {
                Some(form) => (form.refused, form.busy) = (Some(why), false),
                None => self.say(Tone::Bad, why),
            },
            Purpose::Details(item) => {
                if let Some(page) = self.page_of(item) {
                    page.refused();
                }
                self.say(Tone::Bad, why);
            }
            Purpose::ItemTab(item, tab) => {
                if let Some(page) = self.page_of(item) {
                    page.tab_answered(tab);
                }
                self.say(Tone::Bad, why);
            }
            Purpose::Licenses => {
                self.pages.licenses.refused();
                self.say(Tone::Bad, why);
            }
            Purpose::NewProject
            | Purpose::Quiet
            | Purpose::OptionsNews
            | Purpose::Command(_)
            | Purpose::Lists
            | Purpose::EditItem
            | Purpose::EditProject
            | Purpose::Archive(..)
            | Purpose::EditNote
            | Purpose::AskOption(_) => self.say(Tone::Bad, why),
        }
    }

    /// The names of items behind what is said of them, where they are few.
    fn few(&self, items: impl Iterator<Item = ItemId>) -> String {
        let items: Vec<ItemId> = items.take(FEW + 1).collect();
        let rows = || self.connection.snapshot.rows();
        let name = |item: &ItemId| rows().find(|row| row.item == *item).map(|row| row.source.clone());
        match items.len() {
            0..=FEW => format!(" ({})", items.iter().filter_map(name).collect::<Vec<_>>().join(", ")),
            _ => String::new(),
        }
    }

    /// Names what was done, and by reason what was left alone.
    fn outcome(&mut self, purpose: &Purpose, outcome: &Outcome) {
        if let Some(error) = &outcome.error {
            self.say(Tone::Bad, error.to_string());
            return;
        }
        let Purpose::Command(word) = purpose else { return };
        let mut parts = Vec::new();
        if !outcome.done.is_empty() {
            parts.push(format!("{} {word}", words::counted(outcome.done.len(), "item")));
        }
        for (reason, count) in by_reason(outcome.left.iter().map(|(_, reason)| reason.to_string())) {
            let alone = outcome.left.iter().filter(|(_, why)| why.to_string() == reason).map(|(item, _)| *item);
            parts.push(format!("{} left alone: {reason}{}", words::count(count as u64), self.few(alone)));
        }
        let tone = if outcome.left.is_empty() { Tone::Good } else { Tone::Warning };
        if !parts.is_empty() {
            self.say(tone, parts.join(" · "));
        }
    }
}
