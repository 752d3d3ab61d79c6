//! What the application does when a person acts.

use std::collections::HashSet;

use egui::{Context, Theme, ThemePreference};

use super::connection::Purpose;
use super::dialogs::{Dialog, ImportDialog};
use super::undo::Undo;
use super::window::App;
use super::workspace::{PROJECTS, THEME, WorkspaceState, columns_setting, filter_setting, sort_setting};
use crate::domain::ids::{ItemId, PassId, ProjectId};
use crate::domain::secret::Secret;
use crate::domain::status::Status;
use crate::engine::command::{Command, ErrorVerdict};
use crate::service::VaultKind;
use crate::service::client::Request;
use crate::service::items::Details;
use crate::service::settings::{KEEP_AWAKE, switch};
use crate::ui::action::{Targets, UserAction};
use crate::ui::model::forms::{AcceptForm, ImportForm, PaletteForm, ProjectForm, SavedThing};
use crate::ui::model::grid::{Grid, GridAction, Tab, copied};
use crate::ui::model::hybrid::HybridForm;
use crate::ui::model::look;
use crate::ui::model::words;
use crate::ui::pages;
use crate::ui::route::Route;
use crate::ui::theme::Tone;

impl App {
    #[expect(clippy::too_many_lines, reason = "a table: an arm for each action")]
    pub(super) fn act(&mut self, context: &Context, action: UserAction) {
        match action {
            UserAction::Go(route) => self.visit(route),
            UserAction::Grid(action) => self.act_on_grid(context, action),
            UserAction::Hybrid(act) => self.act_in_hybrid(context, act),
            UserAction::SortProjects(order) => {
                self.pages.list.order = order;
                self.remember(PROJECTS, order.to_text());
            }
            UserAction::ShowArchived(on) => self.pages.list.archived = on,
            UserAction::SearchProjects(words) => self.pages.list.search = words,
            UserAction::Search => pages::grid_filters::focus_search(context),
            UserAction::Item(action) => {
                if let Some(page) = &mut self.pages.item {
                    page.apply(action);
                }
                context.request_repaint();
            }
            UserAction::CopyRows(targets) => self.copy_rows(context, &targets),
            UserAction::ExportRows(targets) => self.export_rows(&targets),
            UserAction::Star(targets, star) => self.star(&targets, star),
            UserAction::Undo => self.undo(context),
            UserAction::SeeProject(project, problems) => self.see_project(context, project, problems),
            UserAction::AskStart(targets) => self.ask_start(&targets),
            UserAction::Start => self.start(),
            UserAction::AskEdit(item) => self.ask_edit(item, Purpose::Quiet),
            UserAction::AskNote(item) => self.ask_edit(item, Purpose::EditNote),
            UserAction::SaveItem => self.save_item(),
            UserAction::AskEditProject => self.ask_edit_project(None),
            UserAction::AskEditHost(side) => self.ask_edit_project(Some(side)),
            UserAction::AskOptions(item) => self.ask_options(item),
            UserAction::AskOption(item, key) => {
                self.ask(Request::ItemOptions(item), Purpose::AskOption(key));
            }
            UserAction::SaveOptions => self.save_options(),
            UserAction::PreviewOptions => self.preview_options(),
            UserAction::Preview(targets) => self.preview(&targets, None),
            UserAction::TestItem(item) => self.test_item(item),
            UserAction::AskGuide => self.ask_guide(),
            UserAction::FindSettings(side) => self.find_settings(side),
            UserAction::TestServers => self.test_servers(),
            UserAction::Look(item) => self.look(item),
            UserAction::StopLooking => self.stop_looking(),
            UserAction::OnlyFlagged(only) => {
                if let Some(page) = &mut self.pages.preview {
                    page.only_flagged = only;
                }
            }
            UserAction::AskWhole(what, project) => self.ask_whole(what, project),
            UserAction::Archive(project, archived) => self.archive(project, archived),
            UserAction::DoWithProject => self.do_with_project(),
            UserAction::AtOnce(number) => self.at_once(number),
            UserAction::SaveProject => self.save_project(),
            UserAction::AskRemove(removal, targets) => self.ask_remove(removal, &targets),
            UserAction::Remove => self.remove(),
            UserAction::Stop(targets) => {
                let purpose = Purpose::Command("told to stop");
                self.command(&targets, purpose, |project, items| Command::Stop { project, items });
            }
            UserAction::StopAtOnce(targets) => {
                self.command(&targets, Purpose::Command("told to stop at once"), |project, items| Command::Abort {
                    project,
                    items,
                });
            }
            UserAction::StopAll => {
                let all = Targets::All;
                self.command(&all, Purpose::Command("told to stop"), |project, items| Command::Withdraw {
                    project,
                    items,
                });
            }
            UserAction::Next(targets) => {
                self.command(&targets, Purpose::Command("moved to the head of the queue"), |project, items| {
                    Command::Next { project, items }
                });
            }
            UserAction::Hold(held) => self.hold(held),
            UserAction::TryNow => {
                if let Some(project) = self.pages.project() {
                    self.ask(Request::Command(Command::TryNow { project }), Purpose::Quiet);
                }
            }
            UserAction::RetryNow(targets) => {
                self.command(&targets, Purpose::Command("told to try again now"), |project, items| Command::RetryNow {
                    project,
                    items,
                });
            }
            UserAction::Resume(targets) => self.resume(&targets),
            UserAction::OpenDemo => self.open_demo(),
            UserAction::LeaveForm => {
                self.pages.form = ProjectForm::default();
                self.go(Route::Projects);
            }
            UserAction::CreateProject => self.create_project(),
            UserAction::AskImport => self.ask_import(),
            UserAction::Import => self.import(),
            UserAction::Browse => self.browse(),
            UserAction::AskLogin(item, side) => self.ask_login(item, side),
            UserAction::AskSignIn(item, side) => self.ask_sign_in(item, side),
            UserAction::SignIn(way) => self.sign_in(way),
            UserAction::AskPin(side) => self.ask_pin(side),
            UserAction::AskMap(folder) => self.ask_map(folder),
            UserAction::Correct => self.correct(),
            UserAction::Unlock => self.unlock(),
            UserAction::CloseDialog => self.dialogs.close_top(),
            UserAction::AskAccept(chosen) => {
                self.dialogs.open(Dialog::Accept(Box::new(AcceptForm::new(chosen))));
            }
            UserAction::AcceptErrors => self.accept_errors(),
            UserAction::TakeBack(chosen) => self.judge(chosen, ErrorVerdict::Open),
            UserAction::RetryErrors(item, only) => self.retry_errors(item, only),
            UserAction::AskSave(error) => self.ask_save(*error),
            UserAction::BrowseSave => self.browse_save(),
            UserAction::SaveMessage => self.save_message(),
            UserAction::MoreFolders => self.more(|pass, details| Request::Folders(pass, details.folders.len() as u32)),
            UserAction::MoreErrors => self.more(|pass, details| Request::Errors(pass, details.errors.len() as u32)),
            UserAction::ShowPool(pool) => self.show_pool(pool),
            UserAction::AskPool(pool) => self.ask_pool(pool),
            UserAction::SavePool => self.save_pool(),
            UserAction::KeepAwake(on) => self.remember(KEEP_AWAKE, switch(on)),
            UserAction::OpenSettings => self.open_settings(),
            UserAction::SaveSettings => self.save_settings(),
            UserAction::UndoSettings => self.pages.settings.undo(),
            UserAction::TestMail => self.test_mail(),
            UserAction::CheckForm => self.check_form(),
            UserAction::Remind(targets) => self.remind(&targets),
            UserAction::CopyLink(item) => self.ask_link(item),
            UserAction::AskAgain(item) => self.ask_again(item),
            UserAction::AskProjectMail => self.ask_project_mail(),
            UserAction::SaveProjectMail => self.save_project_mail(),
            UserAction::ExportLicenses => self.export_licenses(),
            UserAction::Activity => self.messages.open = !self.messages.open,
            UserAction::Dismiss => self.messages.dismiss(self.services.clock.now()),
            UserAction::Explain(why) => self.say(Tone::Warning, why),
            UserAction::Help => self.dialogs.open(Dialog::Help),
            UserAction::Palette => self.dialogs.open(Dialog::Palette(PaletteForm::default())),
            UserAction::Theme => self.change_theme(context),
            UserAction::Appearance(preference) => self.dress_as(context, preference),
            UserAction::Zoom(percent) => context.set_zoom_factor(percent as f32 / 100.0),
            UserAction::Reopen => {
                self.workspace.state = WorkspaceState::Opening;
                self.ask(Request::Reopen, Purpose::Quiet);
            }
            UserAction::Closing(event) => self.close(context, event),
        }
    }

    pub(super) fn visit(&mut self, route: Route) {
        if route == Route::NewProject {
            // What was typed is still there, also when another page was looked at meanwhile.
            let form = &mut self.pages.form;
            if form.busy {
                *form = ProjectForm::default();
            }
            (form.pools, form.entered) = (self.workspace.pool_names(), false);
        }
        if route == Route::NewHybrid {
            let name = std::mem::take(&mut self.pages.form.name);
            self.pages.hybrid_form = HybridForm { name, pools: self.workspace.pool_names(), ..HybridForm::default() };
        }
        self.go(route);
        if route == Route::Settings {
            self.settings_known();
        }
    }

    pub(super) fn act_on_grid(&mut self, context: &Context, action: GridAction) {
        let Some(grid) = self.pages.grid_here() else { return };
        let project = grid.project;
        let layout = |grid: &Grid| {
            let (sort, filter) = (grid.filter.sort.to_text(), grid.filter.to_text());
            [
                (sort_setting(project), sort),
                (filter_setting(project), filter),
                (columns_setting(project), grid.columns.to_text()),
            ]
        };
        let (before, columns) = (layout(grid), grid.columns.clone());
        grid.apply(action, &self.connection.snapshot);
        grid.refresh(&self.connection.snapshot);
        let changed = layout(grid).into_iter().zip(before).filter(|(now, before)| now != before);
        let changed: Vec<_> = changed.map(|(now, _)| now).collect();
        if grid.columns != columns {
            self.remember_undo(Undo::Columns(project, columns));
        }
        for (name, value) in changed {
            self.remember(&name, value);
        }
        context.request_repaint();
    }

    /// The items that are meant, and whose they are.
    pub(super) fn items(&mut self, targets: &Targets) -> Option<(ProjectId, Vec<ItemId>)> {
        let project = self.pages.project()?;
        let snapshot = &self.connection.snapshot;
        let items = match targets {
            Targets::These(items) => items.clone(),
            Targets::Selected => self.pages.grid_here()?.selection.targets.clone(),
            Targets::Shown => self.pages.grid_here()?.view.rows(snapshot).map(|row| row.item).collect(),
            Targets::All => snapshot.rows().filter(|row| row.project == project).map(|row| row.item).collect(),
            Targets::Held(reason) => {
                let held = snapshot.rows().filter(|row| row.project == project && row.status == Status::Held);
                held.filter(|row| look::hold(row) == *reason).map(|row| row.item).collect()
            }
        };
        Some((project, items))
    }

    /// The rows of items as a table, in the order shown; how many, and of which project.
    fn table(&mut self, form: copied::Form, targets: &Targets) -> Option<(String, usize, String)> {
        let (project, items) = self.items(targets)?;
        let project = self.workspace.project(project)?;
        let chosen: HashSet<ItemId> = items.iter().copied().collect();
        let snapshot = &self.connection.snapshot;
        let shown = self.pages.grid(project.id).map(|grid| &grid.view);
        let rows = shown.into_iter().flat_map(|view| view.rows(snapshot)).filter(|row| chosen.contains(&row.item));
        let rows: Vec<_> = rows.collect();
        let (number, time) = (rows.len(), (self.services.clock.now(), &self.services.zone));
        Some((copied::table(form, rows.into_iter(), project, time), number, project.name.clone()))
    }

    /// Copies the rows of items as a table.
    fn copy_rows(&mut self, context: &Context, targets: &Targets) {
        let Some((table, rows, _)) = self.table(copied::Form::Tabs, targets) else { return };
        context.copy_text(table);
        self.say(Tone::Quiet, format!("{} copied, with headings", words::counted(rows, "row")));
    }

    /// Asks where the rows of items are saved.
    fn export_rows(&mut self, targets: &Targets) {
        let Some((table, rows, project)) = self.table(copied::Form::Csv, targets) else { return };
        self.open_save(SavedThing::Table { project, rows, text: table.into() });
    }

    /// Shows the items of a project, or those of them with problems.
    fn see_project(&mut self, context: &Context, project: ProjectId, problems: bool) {
        self.visit(Route::Project(project));
        let tab = if problems { Tab::Problems } else { Tab::All };
        self.act_on_grid(context, GridAction::ClearFilters);
        self.act_on_grid(context, GridAction::Tab(tab));
        self.messages.dismiss(self.services.clock.now());
    }

    fn command(&mut self, targets: &Targets, purpose: Purpose, of: impl FnOnce(ProjectId, Vec<ItemId>) -> Command) {
        if let Some((project, items)) = self.items(targets) {
            self.ask(Request::Command(of(project, items)), purpose);
        }
    }

    fn resume(&mut self, targets: &Targets) {
        let Some((project, items)) = self.items(targets) else { return };
        if self.workspace.is_locked(project) {
            return self.unlock_first(UserAction::Resume(Targets::These(items)));
        }
        self.ask(Request::Command(Command::Resume { project, items }), Purpose::Command("resumed"));
    }

    /// Holds new starts of the project that is shown, or lets them go on.
    fn hold(&mut self, held: bool) {
        let Some(project) = self.pages.project() else { return };
        self.workspace.hold(project, held);
        self.ask(Request::Command(Command::Hold { project, held }), Purpose::Quiet);
    }

    fn open_demo(&mut self) {
        let words = match self.demo.open(&self.services) {
            true => "The demo opens in a window of its own",
            false => "The demo is open already, in a window of its own",
        };
        self.say(Tone::Quiet, words);
    }

    fn create_project(&mut self) {
        let form = &mut self.pages.form;
        form.tried = true;
        let Some(new) = form.ask() else { return };
        if form.has_passwords() && !self.workspace.vault.unlocked {
            return self.unlock_first(UserAction::CreateProject);
        }
        (form.busy, form.refused, form.asked) = (true, None, None);
        self.pages.form.asked = self.ask(Request::NewProject(Box::new(new)), Purpose::NewProject);
    }

    fn ask_import(&mut self) {
        if let Some(project) = self.pages.project() {
            let import = ImportDialog { form: ImportForm::new(project), picking: None };
            self.dialogs.open(Dialog::Import(Box::new(import)));
        }
    }

    /// Opens the vault, or makes it, as the dialog says.
    fn unlock(&mut self) {
        let Some(form) = self.dialogs.vault_form() else { return };
        (form.busy, form.refused) = (true, None);
        let passphrase = (form.kind == VaultKind::File).then(|| Secret::new(form.passphrase.as_str()));
        let kind = form.kind;
        self.ask(Request::Unlock(kind, passphrase), Purpose::Unlock);
    }

    /// The vault has to be open for this.
    pub(super) fn unlock_first(&mut self, then: UserAction) {
        self.dialogs.open_vault(self.workspace.vault.form(), Some(then));
    }

    fn more(&mut self, ask: impl FnOnce(PassId, &Details) -> Request) {
        let asked = self.pages.item.as_ref().and_then(|page| page.details.as_ref()).and_then(|details| {
            let pass = details.passes.first()?.id;
            Some(ask(pass, details))
        });
        if let Some(asked) = asked {
            self.ask(asked, Purpose::Lists);
        }
    }

    fn change_theme(&mut self, context: &Context) {
        let other = if context.theme() == Theme::Dark { ThemePreference::Light } else { ThemePreference::Dark };
        self.dress_as(context, other);
    }

    fn dress_as(&mut self, context: &Context, preference: ThemePreference) {
        context.set_theme(preference);
        let word = match preference {
            ThemePreference::Dark => "dark",
            ThemePreference::Light => "light",
            ThemePreference::System => "system",
        };
        self.remember(THEME, word.into());
    }

    /// Drops the connections of all passes that run.
    pub(super) fn abort_all(&mut self) {
        let ids: Vec<ProjectId> = self.workspace.projects.iter().map(|project| project.id).collect();
        for project in ids {
            let rows = self.connection.snapshot.rows();
            let active = rows.filter(|row| row.project == project && row.status.is_active());
            let items: Vec<ItemId> = active.map(|row| row.item).collect();
            if !items.is_empty() {
                self.ask(Request::Command(Command::Abort { project, items }), Purpose::Quiet);
            }
        }
    }
}
