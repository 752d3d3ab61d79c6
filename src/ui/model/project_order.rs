//! The order of the list of projects.

use std::cmp::Ordering;

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
    /// Whose mailboxes they are.
    Client,
}

impl ProjectColumn {
    /// All, by the numbers under which orders are remembered: new ones come last.
    const ALL: [Self; 8] =
        [Self::Name, Self::Servers, Self::Items, Self::Done, Self::Status, Self::Data, Self::Last, Self::Client];

    /// Those that show, from left to right: clients where there are some, the last activity where there is room.
    pub fn shown(clients: bool, narrow: bool) -> Vec<Self> {
        let all =
            [Self::Name, Self::Client, Self::Servers, Self::Items, Self::Done, Self::Status, Self::Data, Self::Last];
        let shows = |column: &Self| (clients || *column != Self::Client) && !(narrow && *column == Self::Last);
        all.into_iter().filter(shows).collect()
    }

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
            Self::Client => "Client",
        }
    }

    /// Whether what is greatest is looked for first.
    fn is_figure(self) -> bool {
        !matches!(self, Self::Name | Self::Servers | Self::Client)
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
                ProjectColumn::Client => by_client(a, b),
            };
            if self.descending { order.reverse() } else { order }
        });
        all
    }
}

/// By client; those that have none come last.
fn by_client(a: &Project, b: &Project) -> Ordering {
    let key =
        |project: &Project| (project.client.is_none(), project.client.as_ref().map(|client| client.to_lowercase()));
    key(a).cmp(&key(b))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_order_that_was_remembered_before_there_were_clients_is_the_same() {
        let order = |column, descending| Some(ProjectOrder { column, descending });
        assert_eq!(ProjectOrder::from_text("1 up"), order(ProjectColumn::Servers, false));
        assert_eq!(ProjectOrder::from_text("6 down"), order(ProjectColumn::Last, true));
        for column in ProjectColumn::ALL {
            let order = ProjectOrder::default().by(column);
            assert_eq!(ProjectOrder::from_text(&order.to_text()), Some(order), "{}", column.label());
        }
        assert_eq!(ProjectOrder::from_text("8 up"), None);
    }
}
