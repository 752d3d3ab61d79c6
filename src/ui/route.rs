//! Which page is shown.

use crate::domain::ids::{ItemId, ProjectId};

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
}
