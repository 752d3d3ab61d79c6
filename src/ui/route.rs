//! Which page is shown.

use crate::domain::ids::{HybridBatchId, HybridProjectId, HybridUserId, ItemId, ProjectId};

/// A page.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Route {
    /// All projects.
    #[default]
    Projects,
    /// Pools of licenses and their history.
    Licenses,
    /// What holds for all projects.
    Settings,
    /// The form for a new project.
    NewProject,
    /// The items of a project.
    Project(ProjectId),
    /// What a pass over an item of a project would do.
    Preview(ProjectId),
    /// One item of a project.
    Item(ProjectId, ItemId),
    /// The form for a new hybrid project.
    NewHybrid,
    /// The users of a hybrid project.
    Hybrid(HybridProjectId),
    /// One user of it.
    HybridUser(HybridProjectId, HybridUserId),
    /// One batch of it.
    HybridBatch(HybridProjectId, HybridBatchId),
}

impl Route {
    /// The project whose page is shown, or the page of one of whose items.
    pub fn project(self) -> Option<ProjectId> {
        match self {
            Self::Project(id) | Self::Item(id, _) | Self::Preview(id) => Some(id),
            Self::Projects | Self::Licenses | Self::Settings | Self::NewProject | Self::NewHybrid => None,
            Self::Hybrid(_) | Self::HybridUser(..) | Self::HybridBatch(..) => None,
        }
    }

    /// The hybrid project whose page is shown, or the page of one of its users or batches.
    pub fn hybrid(self) -> Option<HybridProjectId> {
        match self {
            Self::Hybrid(id) | Self::HybridUser(id, _) | Self::HybridBatch(id, _) => Some(id),
            Self::Projects
            | Self::Licenses
            | Self::Settings
            | Self::NewProject
            | Self::NewHybrid
            | Self::Project(_)
            | Self::Preview(_)
            | Self::Item(..) => None,
        }
    }
}
