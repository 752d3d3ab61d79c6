//! The page that is shown, and what is kept for pages that come back.

use std::collections::{BTreeMap, HashMap};

use super::workspace::{columns_setting, filter_setting, sort_setting};
use crate::domain::ids::{HybridProjectId, ProjectId};
use crate::domain::time::Timestamp;
use crate::engine::snapshot::Snapshot;
use crate::service::hybrid::HybridOf;
use crate::ui::model::forms::ProjectForm;
use crate::ui::model::grid::{Columns, Grid, Sort};
use crate::ui::model::hybrid::{DetailsPage, HybridForm, UsersPage};
use crate::ui::model::item::{ItemPage, Tab};
use crate::ui::model::licenses::LicensePage;
use crate::ui::model::preview::PreviewPage;
use crate::ui::model::project_list::ProjectList;
use crate::ui::model::projects::Projects;
use crate::ui::model::settings_page::SettingsPage;
use crate::ui::route::Route;

/// View-models by page.
#[derive(Default)]
pub(super) struct OpenPages {
    /// The page that is shown.
    pub route: Route,
    /// Sums over all projects.
    pub sums: Projects,
    /// Which projects are listed, and in which order.
    pub list: ProjectList,
    grids: HashMap<ProjectId, Grid>,
    users: HashMap<HybridProjectId, UsersPage>,
    /// What of a hybrid user or batch was asked for by itself.
    pub details: Option<DetailsPage>,
    pub hybrid_form: HybridForm,
    pub item: Option<ItemPage>,
    pub licenses: LicensePage,
    pub preview: Option<PreviewPage>,
    pub form: ProjectForm,
    pub settings: SettingsPage,
}

impl OpenPages {
    /// Shows another page. `settings` know in which order the items of a project were left.
    pub fn go(&mut self, route: Route, settings: &BTreeMap<String, String>, snapshot: &Snapshot) {
        // Back from an item, also one that was reached by the arrows, the cursor stands on it.
        if let (Route::Item(_, item), Route::Project(id)) = (self.route, route)
            && let Some(grid) = self.grids.get_mut(&id)
        {
            grid.selection.stand_on(item);
        }
        if let (Route::HybridUser(_, user), Route::Hybrid(id)) = (self.route, route)
            && let Some(page) = self.users.get_mut(&id)
        {
            page.stand_on(user);
        }
        // From an item to the one beside it, what is looked at stays.
        let tab = match (self.route, &self.item) {
            (Route::Item(..), Some(page)) => page.tab,
            _ => Tab::default(),
        };
        self.route = route;
        self.show_details();
        self.licenses.forget();
        if !matches!(route, Route::Preview(_)) {
            // What is being looked at is given up.
            self.preview = None;
        }
        if let Some(project) = self.project() {
            let sort = settings.get(&sort_setting(project)).and_then(|text| Sort::from_text(text));
            let columns = settings.get(&columns_setting(project)).map(|text| Columns::from_text(text));
            let new = || {
                let mut grid = Grid::new(project, sort);
                grid.columns = columns.unwrap_or_default();
                if let Some(text) = settings.get(&filter_setting(project)) {
                    grid.filter.restore(text);
                }
                grid
            };
            self.grids.entry(project).or_insert_with(new).refresh(snapshot);
        }
        if let Route::Item(_, item) = route
            && self.item.as_ref().is_none_or(|page| page.item != item)
        {
            self.item = Some(ItemPage::with_tab(item, tab));
        }
    }

    /// The project whose page is shown, or the page of one of whose items.
    pub fn project(&self) -> Option<ProjectId> {
        self.route.project()
    }

    /// The users of the hybrid project whose page is shown, or the page of one of whose users or batches.
    pub fn users_here(&mut self) -> Option<&mut UsersPage> {
        let project = self.route.hybrid()?;
        Some(self.users.entry(project).or_insert_with(|| UsersPage::new(project)))
    }

    /// Begins with what the page of a hybrid user or batch shows.
    fn show_details(&mut self) {
        let of = match self.route {
            Route::HybridUser(_, user) => Some(HybridOf::User(user)),
            Route::HybridBatch(_, batch) => Some(HybridOf::Batch(batch)),
            _ => None,
        };
        if self.details.as_ref().map(|page| page.of) != of {
            self.details = of.map(DetailsPage::new);
        }
    }

    pub fn grid(&self, project: ProjectId) -> Option<&Grid> {
        self.grids.get(&project)
    }

    /// The grid of the project whose page is shown.
    pub fn grid_here(&mut self) -> Option<&mut Grid> {
        let project = self.project()?;
        self.grids.get_mut(&project)
    }

    /// Brings what is shown up to date; tells whether a grid was computed anew.
    pub fn refresh(&mut self, snapshot: &Snapshot, now: Timestamp) -> bool {
        self.sums.refresh(snapshot, now);
        self.grid_here().is_some_and(|grid| {
            grid.tell_time(now);
            grid.refresh(snapshot)
        })
    }

    /// The page of the item that is shown, and the grid it was opened from.
    pub fn item_and_grid(&mut self, project: ProjectId) -> Option<(&mut ItemPage, Option<&Grid>)> {
        Some((self.item.as_mut()?, self.grids.get(&project)))
    }
}
