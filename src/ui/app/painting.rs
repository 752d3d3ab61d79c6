//! What puts the pages together: the page that is shown, dialogs over it, the question about closing over all.

use egui::{CentralPanel, Frame, Id, Margin, Modal, ScrollArea, Ui};

use super::dialogs::Dialog;
use super::window::App;
use super::workspace::WorkspaceState;
use crate::service::settings::keeps_awake;
use crate::ui::action::UserAction;
use crate::ui::pages::{self, Actions, PageContext};
use crate::ui::route::Route;
use crate::ui::theme::{DIALOG, WIDE_DIALOG};

impl App {
    /// Paints the window and does what a person did.
    pub(super) fn paint(&mut self, ui: &mut Ui) {
        self.frames.painted += 1;
        tracing::trace!(target: "painted", frame = self.frames.painted);
        self.frames.size = Some(ui.ctx().content_rect().size());
        self.follow_sign_in(ui.ctx());
        self.follow_zoom(ui.ctx());
        let actions = if self.workspace.is_open() { self.paint_pages(ui) } else { self.paint_unopened(ui) };
        for action in actions {
            self.act(ui.ctx(), action);
        }
    }

    /// No workspace, and why.
    fn paint_unopened(&self, ui: &mut Ui) -> Actions {
        let mut actions = Actions::new();
        CentralPanel::default().show(ui, |ui| match &self.workspace.state {
            WorkspaceState::Opening | WorkspaceState::Open => {
                ui.centered_and_justified(|ui| ui.label("Opening the workspace…"));
            }
            WorkspaceState::InUse(owner) => {
                modal(ui, "in use", |ui| actions = pages::unopened::in_use(ui, owner.as_ref()));
            }
            WorkspaceState::Broken(why) => {
                modal(ui, "broken", |ui| actions = pages::unopened::broken(ui, why));
            }
        });
        actions
    }

    fn paint_pages(&mut self, ui: &mut Ui) -> Actions {
        let mut actions = Actions::new();
        pages::palette::ask(ui.ctx(), self.dialogs.has_palette());
        let (route, licenses) = (self.pages.route, self.workspace.shows_licenses());
        let projects = (self.workspace.projects.as_slice(), self.workspace.hybrid.as_slice());
        pages::frame::side(ui, (route, licenses), projects, &self.pages.sums, &mut actions);
        let time = (self.services.clock.now(), &self.services.zone);
        pages::frame::messages(ui, &mut self.messages, time, &mut actions);
        let frame = Frame::new().fill(ui.visuals().panel_fill).inner_margin(Margin::symmetric(24, 16));
        CentralPanel::default().frame(frame).show(ui, |ui| actions.extend(self.paint_page(ui)));
        self.paint_dialogs(ui, &mut actions);
        actions
    }

    fn paint_page(&mut self, ui: &mut Ui) -> Actions {
        let Self { services, connection, workspace, pages, .. } = self;
        let page = PageContext { snapshot: &connection.snapshot, now: services.clock.now(), zone: &services.zone };
        match pages.route {
            Route::Projects => {
                let all = (workspace.projects.as_slice(), workspace.hybrid.as_slice());
                pages::projects::show(ui, page, all, (&pages.sums, &pages.list))
            }
            Route::Licenses => pages::licenses::show(ui, page, &pages.licenses),
            Route::Settings => {
                let awake = keeps_awake(&workspace.settings);
                pages::settings::show(ui, &mut pages.settings, awake, workspace.shows_licenses())
            }
            Route::NewProject => pages::new_project::show(ui, &mut pages.form),
            Route::NewHybrid => pages::hybrid::new::show(ui, &mut pages.hybrid_form),
            Route::Hybrid(_) | Route::HybridUser(..) | Route::HybridBatch(..) => self.paint_hybrid(ui),
            Route::Project(id) => match (workspace.project(id), pages.grid(id)) {
                (Some(project), Some(grid)) => pages::grid::show(ui, page, project, grid, &pages.sums.of(id)),
                _ => vec![UserAction::Go(Route::Projects)],
            },
            Route::Preview(id) => match (workspace.project(id), &pages.preview) {
                (Some(project), Some(preview)) => pages::preview::show(ui, page, project, preview),
                _ => vec![UserAction::Go(Route::Project(id))],
            },
            Route::Item(id, _) => {
                let back = vec![UserAction::Go(Route::Project(id))];
                let (Some(project), Some((item, grid))) = (workspace.project(id), pages.item_and_grid(id)) else {
                    return back;
                };
                let Some(row) = item.row(page.snapshot) else { return back };
                item.digest(project, row, page.now, page.zone);
                item.find_neighbours(grid.map_or(&[], |grid| &grid.view.places), page.snapshot);
                item.others_waiting = page.snapshot.others_waiting(row);
                pages::item::show(ui, page, project, item, row)
            }
        }
    }

    fn paint_hybrid(&mut self, ui: &mut Ui) -> Actions {
        let gone = vec![UserAction::Go(Route::Projects)];
        let Some(view) = self.hybrid_here() else { return gone };
        let Self { services, connection, workspace, pages, .. } = self;
        let context = PageContext { snapshot: &connection.snapshot, now: services.clock.now(), zone: &services.zone };
        let back = vec![UserAction::Go(Route::Hybrid(view.project.id))];
        // Beside the grid, which is of the same pages.
        let (route, details) = (pages.route, pages.details.take());
        let Some(users) = pages.users_here() else { return gone };
        users.refresh(&view);
        let actions = match (route, &details) {
            (Route::HybridUser(_, id), Some(details)) => match view.user(id) {
                Some(user) => pages::hybrid::user::show(ui, context, (&view, user), (users, details)),
                None => back,
            },
            (Route::HybridBatch(_, id), Some(details)) => match view.batch(id) {
                Some(line) => pages::hybrid::batch::show(ui, context, (&view, line), details),
                None => back,
            },
            _ => {
                let locked = workspace.vault.kind.is_some() && !workspace.vault.unlocked;
                pages::hybrid::project::show(ui, context, &view, users, locked)
            }
        };
        pages.details = details;
        actions
    }

    #[expect(clippy::too_many_lines, reason = "a table: an arm for each dialog")]
    fn paint_dialogs(&mut self, ui: &Ui, actions: &mut Actions) {
        let situation = self.situation();
        let Self { services, connection, dialogs, workspace, closing, .. } = self;
        let page = PageContext { snapshot: &connection.snapshot, now: services.clock.now(), zone: &services.zone };
        let mut close = false;
        for dialog in dialogs.iter_mut() {
            close |= match dialog {
                Dialog::Import(import) => {
                    let leaving = closing.is_under_way();
                    modal(ui, "import", |ui| actions.extend(pages::import::show(ui, &mut import.form, leaving)))
                }
                Dialog::Accept(form) => modal(ui, "accept", |ui| actions.extend(pages::errors::accept(ui, form))),
                Dialog::Save(save) => modal(ui, "save", |ui| actions.extend(pages::errors::save(ui, &mut save.form))),
                Dialog::Start(form) => workspace.project(form.project).is_some_and(|project| {
                    modal(ui, "start", |ui| actions.extend(pages::start::show(ui, page, form, project)))
                }),
                Dialog::EditItem(form) => {
                    modal(ui, "edit item", |ui| actions.extend(pages::edit_item::show(ui, page, form)))
                }
                Dialog::EditProject(form) => modal(ui, "edit project", |ui| {
                    ui.set_width(room(ui, WIDE_DIALOG));
                    actions.extend(pages::edit_project::show(ui, page, form));
                }),
                Dialog::Options(form) => modal(ui, "options", |ui| {
                    ui.set_width(room(ui, WIDE_DIALOG));
                    actions.extend(pages::options::show(ui, form));
                }),
                Dialog::Check(form) => modal(ui, "check", |ui| {
                    ui.set_width(room(ui, WIDE_DIALOG));
                    actions.extend(pages::check::show(ui, form));
                }),
                Dialog::Guide(form) => modal(ui, "guide", |ui| {
                    ui.set_width(room(ui, WIDE_DIALOG));
                    actions.extend(pages::guide::show(ui, form));
                }),
                Dialog::WholeProject(form) => {
                    modal(ui, "whole project", |ui| actions.extend(pages::whole_project::show(ui, form)))
                }
                Dialog::ProjectMail(form) => modal(ui, "project mail", |ui| {
                    ui.set_width(room(ui, WIDE_DIALOG));
                    actions.extend(pages::project_mail::show(ui, form));
                }),
                Dialog::Pool(form) => modal(ui, "pool", |ui| actions.extend(pages::pool::show(ui, form))),
                Dialog::Remove(form) => modal(ui, "remove", |ui| actions.extend(pages::remove::show(ui, form))),
                Dialog::Remedy(form) => modal(ui, "remedy", |ui| actions.extend(pages::remedy::show(ui, form))),
                Dialog::SignIn(form) => modal(ui, "sign in", |ui| actions.extend(pages::sign_in::show(ui, form))),
                Dialog::Hybrid(dialog) => modal(ui, "hybrid", |ui| {
                    actions.extend(pages::hybrid::dialog::show(ui, page, dialog));
                }),
                Dialog::Palette(form) => modal(ui, "palette", |ui| {
                    actions.extend(pages::palette::show(ui, form, &workspace.projects));
                }),
                Dialog::Help => modal(ui, "help", |ui| {
                    ui.set_width(room(ui, WIDE_DIALOG));
                    actions.extend(pages::keys::help(ui));
                }),
                Dialog::Vault(vault) => {
                    modal(ui, "vault", |ui| actions.extend(pages::dialogs::vault(ui, &mut vault.form)))
                }
            };
        }
        if closing.is_shown(situation) {
            let running = self.running();
            let stopping = self.closing.is_under_way();
            modal(ui, "closing", |ui| actions.extend(pages::dialogs::closing(ui, running, stopping)));
        } else if close {
            actions.push(UserAction::CloseDialog);
        }
    }
}

/// What a dialog leaves of the window, with its own margins.
const EDGE: f32 = 80.0;

/// As wide as this, or as the window lets it be.
fn room(ui: &Ui, wide: f32) -> f32 {
    wide.min(ui.ctx().content_rect().width() - EDGE)
}

/// Whether this is what was kept under a name.
fn is_kept<T: Clone + PartialEq + Send + Sync + 'static>(ui: &Ui, id: Id, value: &T) -> bool {
    ui.ctx().data(|data| data.get_temp::<T>(id)).is_some_and(|kept| kept == *value)
}

/// Keeps something for the next frame, which is painted at once if it is another one.
fn keep<T: Clone + PartialEq + Send + Sync + 'static>(ui: &Ui, id: Id, value: T) {
    if !is_kept(ui, id, &value) {
        ui.ctx().data_mut(|data| data.insert_temp(id, value));
        ui.ctx().request_repaint();
    }
}

/// A dialog in the middle; answers whether a person wants it closed. A click beside it is none: what was typed would be lost by
/// a slip of the hand.
fn modal(ui: &Ui, name: &'static str, content: impl FnOnce(&mut Ui)) -> bool {
    let frame = Frame::popup(ui.style()).inner_margin(Margin::same(24));
    let (id, high) = (Id::unique(name), (ui.ctx().content_rect().height() - EDGE).max(120.0));
    // In a small or enlarged window it is scrolled.
    let scrolled = is_kept(ui, id.with("scrolled"), &true);
    let modal = Modal::new(id).frame(frame).show(ui.ctx(), |ui| {
        let paint = |ui: &mut Ui| {
            ui.set_width(room(ui, DIALOG));
            content(ui);
            ui.min_rect().height() > high
        };
        match scrolled {
            true => ScrollArea::vertical().max_height(high).min_scrolled_height(high).show(ui, paint).inner,
            false => paint(ui),
        }
    });
    keep(ui, id.with("scrolled"), modal.inner);
    // One that has grown or shrunk stands in the middle from the next frame on.
    keep(ui, id.with("size"), modal.response.rect.size());
    !modal.backdrop_response.clicked() && modal.should_close()
}
