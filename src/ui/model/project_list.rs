//! The list of projects: which of them it shows, and in which order.

use super::project_order::ProjectOrder;
use super::projects::{Projects, Summary};
use crate::domain::project::Project;

/// A list of more than these is searched.
const FEW: usize = 8;

/// The list of projects, as a person left it.
#[derive(Clone, Debug, Default)]
pub struct ProjectList {
    /// Its order.
    pub order: ProjectOrder,
    /// Words of names and clients that are sought.
    pub search: String,
    /// Archived ones too.
    pub archived: bool,
}

impl ProjectList {
    /// Whether a list of so many is searched.
    pub fn is_long(&self, projects: usize) -> bool {
        projects > FEW || !self.search.is_empty()
    }

    /// Whether all words that are sought are in one of these texts.
    pub fn finds(&self, name: &str, client: Option<&str>) -> bool {
        let texts = [name, client.unwrap_or_default()].map(str::to_lowercase);
        let search = self.search.to_lowercase();
        search.split_whitespace().all(|word| texts.iter().any(|text| text.contains(word)))
    }

    /// The projects that it shows, with their sums.
    pub fn lines<'a>(&self, projects: &'a [Project], sums: &Projects) -> Vec<(&'a Project, Summary)> {
        let mut lines = self.order.sorted(projects, sums);
        let shows = |project: &Project| self.archived || !project.starts.archived;
        lines.retain(|(project, _)| shows(project) && self.finds(&project.name, project.client.as_deref()));
        lines
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_is_sought_in_the_name_or_the_client() {
        let list = |search: &str| ProjectList { search: search.into(), ..ProjectList::default() };
        let finds = |search: &str| list(search).finds("Contoso to Fabrikam", Some("Müller AG"));
        assert!(finds("") && finds("FABRI") && finds("müller contoso") && finds("  ag  "));
        assert!(!finds("adatum") && !finds("contoso adatum"));
        assert!(!list("müller").finds("Contoso", None));
        assert!(!list("").is_long(8) && list("").is_long(9) && list("x").is_long(1));
    }
}
