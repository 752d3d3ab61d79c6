//! The order of the list of projects.

use super::projects::{Projects, Summary};
use crate::domain::project::Project;

/// A column that orders projects.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ProjectColumn {
    /// The name.
    #[default]
    Name,
    /// The servers.
    Servers,
    /// Items.
    Items,
    /// Migrated ones.
    Done,
    /// How much of it failed, then how far it is.
    Status,
    /// Bytes moved.
    Data,
    /// The last activity.
    Last,
}

impl ProjectColumn {
    /// All, from left to right.
    pub const ALL: [Self; 7] =
        [Self::Name, Self::Servers, Self::Items, Self::Done, Self::Status, Self::Data, Self::Last];

    /// Its heading.
    pub fn label(self) -> &'static str {
        match self {
            Self::Name => "Name",
            Self::Servers => "Source → destination",
            Self::Items => "Items",
            Self::Done => "Done",
            Self::Status => "Status",
            Self::Data => "Data",
            Self::Last => "Last activity",
        }
    }

    /// Whether what is greatest is looked for first.
    fn is_figure(self) -> bool {
        !matches!(self, Self::Name | Self::Servers)
    }
}

/// An order of projects.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ProjectOrder {
    /// By this column.
    pub column: ProjectColumn,
    /// Greatest first.
    pub descending: bool,
}

impl ProjectOrder {
    /// By a column; once more turns it round.
    pub fn by(self, column: ProjectColumn) -> Self {
        let again = self.column == column;
        Self { column, descending: if again { !self.descending } else { column.is_figure() } }
    }

    /// As it is remembered.
    pub fn to_text(self) -> String {
        format!("{} {}", self.column as usize, if self.descending { "down" } else { "up" })
    }

    /// As it was remembered.
    pub fn from_text(text: &str) -> Option<Self> {
        let (at, way) = text.split_once(' ')?;
        Some(Self { column: *ProjectColumn::ALL.get(at.parse::<usize>().ok()?)?, descending: way == "down" })
    }

    /// Projects in this order; equal ones as they were.
    pub fn sorted<'a>(self, projects: &'a [Project], sums: &Projects) -> Vec<(&'a Project, Summary)> {
        let mut all: Vec<_> = projects.iter().map(|project| (project, sums.of(project.id))).collect();
        let place = |project: &Project| format!("{} {}", project.source.place(), project.destination.place());
        all.sort_by(|(a, of_a), (b, of_b)| {
            let order = match self.column {
                ProjectColumn::Name => a.name.to_lowercase().cmp(&b.name.to_lowercase()),
                ProjectColumn::Servers => place(a).cmp(&place(b)),
                ProjectColumn::Items => of_a.items.cmp(&of_b.items),
                ProjectColumn::Done => of_a.done.cmp(&of_b.done),
                ProjectColumn::Status => (of_a.failed, of_a.done).cmp(&(of_b.failed, of_b.done)),
                ProjectColumn::Data => of_a.bytes.cmp(&of_b.bytes),
                ProjectColumn::Last => of_a.last.cmp(&of_b.last),
            };
            if self.descending { order.reverse() } else { order }
        });
        all
    }
}
