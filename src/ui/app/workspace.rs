//! The workspace as the window knows it.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::domain::ids::{HybridProjectId, PoolId, ProjectId};
use crate::domain::license::{Account, are_shown};
use crate::domain::project::Project;
use crate::platform::lock::Owner;
use crate::service::VaultKind;
use crate::service::hybrid::{HybridView, HybridViews};
use crate::ui::model::forms::VaultForm;

/// The setting with the window's size.
pub const SIZE: &str = "window.size";
/// The setting with the order of projects.
pub(super) const PROJECTS: &str = "projects.sort";
/// The setting with the zoom, 1 for none.
pub(super) const ZOOM: &str = "window.zoom";
/// The setting with the theme.
pub(super) const THEME: &str = "window.theme";

/// The setting with the order of a project's items.
pub(super) fn sort_setting(project: ProjectId) -> String {
    format!("grid.sort.{project}")
}

/// The setting with the filter over a project's items.
pub(super) fn filter_setting(project: ProjectId) -> String {
    format!("grid.filter.{project}")
}

/// The setting with the columns of a project's items that are hidden.
pub(super) fn columns_setting(project: ProjectId) -> String {
    format!("grid.hidden.{project}")
}

/// What was remembered, by name.
pub(super) type Settings = BTreeMap<String, String>;

/// Whether the workspace is open.
#[derive(Clone, Debug, Default)]
pub(super) enum WorkspaceState {
    #[default]
    Opening,
    Open,
    /// Another process has it.
    InUse(Option<Owner>),
    Broken(String),
}

/// Where its passwords are.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct VaultInfo {
    /// The kind of vault, once chosen.
    pub kind: Option<VaultKind>,
    /// The kind that was asked for by name while none is chosen.
    pub proposed: Option<VaultKind>,
    pub unlocked: bool,
}

impl VaultInfo {
    /// The form that opens it, or makes it.
    pub fn form(&self) -> VaultForm {
        VaultForm::new(self.kind, self.proposed)
    }
}

/// What is known of the workspace besides its items.
#[derive(Default)]
pub(super) struct Workspace {
    pub state: WorkspaceState,
    /// By name.
    pub projects: Vec<Project>,
    /// All hybrid projects, by name.
    pub hybrid: HybridViews,
    /// All pools of licenses.
    pub pools: Vec<Account>,
    /// What was remembered.
    pub settings: Settings,
    pub vault: VaultInfo,
}

impl Workspace {
    pub fn is_open(&self) -> bool {
        matches!(self.state, WorkspaceState::Open)
    }

    /// It is open, and this is what was found in it.
    pub fn open(&mut self, (projects, pools): (Vec<Project>, Vec<Account>), settings: Settings, vault: VaultInfo) {
        let hybrid = std::mem::take(&mut self.hybrid);
        *self = Self { state: WorkspaceState::Open, projects, hybrid, pools, settings, vault };
    }

    /// A hybrid project.
    pub fn hybrid(&self, id: HybridProjectId) -> Option<&Arc<HybridView>> {
        self.hybrid.iter().find(|view| view.project.id == id)
    }

    /// Whether licenses are worth a word.
    pub fn shows_licenses(&self) -> bool {
        are_shown(&self.pools)
    }

    /// The pools that a project may choose among; none while licenses are not worth a word.
    pub fn pool_names(&self) -> Vec<(PoolId, String)> {
        let pools = self.pools.iter().filter(|_| self.shows_licenses());
        pools.map(|account| (account.pool.id, account.pool.terms.name.clone())).collect()
    }

    /// The projects that are not archived.
    pub fn current(&self) -> impl Iterator<Item = &Project> {
        self.projects.iter().filter(|project| !project.starts.archived)
    }

    pub fn project(&self, id: ProjectId) -> Option<&Project> {
        self.projects.iter().find(|project| project.id == id)
    }

    /// A person confirmed from where to where a project's mail goes.
    pub fn confirmed(&mut self, id: ProjectId) {
        if let Some(project) = self.projects.iter_mut().find(|project| project.id == id) {
            project.starts.confirmed = true;
        }
    }

    /// New starts of a project are held, or not.
    pub fn hold(&mut self, id: ProjectId, held: bool) {
        if let Some(project) = self.projects.iter_mut().find(|project| project.id == id) {
            project.starts.held = held;
        }
    }

    /// Whether a pass of this project needs passwords that are locked.
    pub fn is_locked(&self, project: ProjectId) -> bool {
        let needs = |project: &Project| project.source.needs_login() || project.destination.needs_login();
        self.vault.kind.is_some() && !self.vault.unlocked && self.project(project).is_some_and(needs)
    }
}
