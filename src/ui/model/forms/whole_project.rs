//! The dialogs about a project as a whole: another one like it, and its end.

use crate::domain::ids::ProjectId;
use crate::domain::project::{Project, name_problem};
use crate::service::client::{Request, RequestId};

/// What becomes of a project.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WholeProject {
    /// Another one like it is made.
    Duplicate,
    /// It is deleted.
    Delete,
}

/// The dialog.
#[derive(Clone, Debug)]
pub struct WholeProjectForm {
    /// What becomes of it.
    pub what: WholeProject,
    /// Which project.
    pub project: ProjectId,
    /// What it is called.
    pub name: String,
    /// Its items.
    pub items: usize,
    /// Whether some of them have statistics: then its name is typed before it goes.
    pub statistics: bool,
    /// The name that was typed.
    pub typed: String,
    /// Whether the other one has the same items.
    pub with_items: bool,
    /// It was painted once: its first field has had the focus.
    pub entered: bool,
    /// Why it was not done.
    pub refused: Option<String>,
    /// The question under way.
    pub asked: Option<RequestId>,
}

impl WholeProjectForm {
    /// For a project with so many items, of which some may have statistics.
    pub fn new(what: WholeProject, project: &Project, items: usize, statistics: bool) -> Self {
        let typed = match what {
            WholeProject::Duplicate => format!("{} (2)", project.name),
            WholeProject::Delete => String::new(),
        };
        let (name, project) = (project.name.clone(), project.id);
        let (with_items, entered, refused, asked) = (false, false, None, None);
        Self { what, project, name, items, statistics, typed, with_items, entered, refused, asked }
    }

    /// What it is about.
    pub fn title(&self) -> String {
        match self.what {
            WholeProject::Duplicate => format!("Duplicate \"{}\"", self.name),
            WholeProject::Delete => format!("Delete \"{}\"?", self.name),
        }
    }

    /// What it asks.
    ///
    /// # Errors
    /// What is missing.
    pub fn request(&self) -> Result<Request, &'static str> {
        let typed = self.typed.trim();
        match self.what {
            WholeProject::Duplicate if name_problem(typed).is_some() => Err("A name has 1 to 200 characters"),
            WholeProject::Duplicate => Ok(Request::DuplicateProject(self.project, typed.to_owned(), self.with_items)),
            WholeProject::Delete if self.statistics && typed != self.name => Err("Type the project's name first"),
            WholeProject::Delete => Ok(Request::DeleteProject(self.project)),
        }
    }
}
