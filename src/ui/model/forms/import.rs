//! The dialog that imports items.

use std::path::PathBuf;

use tokio_util::sync::CancellationToken;
use zeroize::Zeroizing;

use crate::domain::csv_import::ListEncoding;
use crate::domain::edit::Records;
use crate::domain::failure::Side;
use crate::domain::ids::ProjectId;
use crate::domain::secret::Secret;
use crate::service::client::{Preview, RequestId};
use crate::service::import::{ImportFrom, Work};

/// The dialog that imports items.
#[derive(Clone)]
pub struct ImportForm {
    /// Into which project.
    pub project: ProjectId,
    /// The path of a file.
    pub path: String,
    /// The encoding that a person said it has.
    pub encoding: Option<ListEncoding>,
    /// Or a pasted list.
    pub pasted: Zeroizing<String>,
    /// It was painted once: its first field has had the focus.
    pub entered: bool,
    /// What it would bring in.
    pub preview: Option<Preview>,
    /// For which input that was asked.
    pub previewed: Option<(String, Option<ListEncoding>, Zeroizing<String>)>,
    /// The last look at the list, while it is under way.
    pub looking: Option<RequestId>,
    /// What the workspace said.
    pub refused: Option<String>,
    /// Of which sides it is asked whether mailboxes with another login are the ones they were (D13).
    pub asks: Vec<Side>,
    /// The answer.
    pub records: Option<Records>,
    /// The import that runs.
    pub running: Option<Importing>,
}

/// An import that runs.
#[derive(Clone, Default)]
pub struct Importing {
    /// Cancels it.
    pub cancel: CancellationToken,
    /// What it does, how many are done, of how many.
    pub progress: Option<(Work, usize, usize)>,
}

impl ImportForm {
    /// An empty one.
    pub fn new(project: ProjectId) -> Self {
        let (path, pasted) = (String::new(), Zeroizing::default());
        Self {
            project,
            path,
            encoding: None,
            pasted,
            entered: false,
            preview: None,
            previewed: None,
            looking: None,
            refused: None,
            asks: Vec::new(),
            records: None,
            running: None,
        }
    }

    /// Where the items come from; a pasted list counts before a file.
    pub fn from(&self) -> Option<ImportFrom> {
        if !self.pasted.trim().is_empty() {
            return Some(ImportFrom::Text(Secret::new(self.pasted.as_str())));
        }
        let path = self.path.trim();
        (!path.is_empty()).then(|| ImportFrom::File(PathBuf::from(path), self.encoding))
    }

    /// Whether what would come in has to be looked at (again); remembers that it was asked.
    pub fn due(&mut self) -> Option<ImportFrom> {
        let known = self.previewed.as_ref();
        let same = |(path, encoding, pasted): &(String, Option<ListEncoding>, Zeroizing<String>)| {
            *path == self.path && *encoding == self.encoding && *pasted == self.pasted
        };
        if known.is_some_and(same) {
            return None;
        }
        if known.is_some_and(|(path, ..)| *path != self.path) {
            self.encoding = None;
        }
        (self.preview, self.refused) = (None, None);
        (self.asks, self.records) = (Vec::new(), None);
        self.previewed = Some((self.path.clone(), self.encoding, self.pasted.clone()));
        self.from()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_import_is_looked_at_once() {
        let mut form = ImportForm::new(ProjectId(1));
        assert!(form.due().is_none());
        form.path = "items.csv".into();
        assert!(matches!(form.due(), Some(ImportFrom::File(..))));
        assert!(form.due().is_none());
        form.pasted = "a@x\tb@y".to_owned().into();
        assert!(matches!(form.due(), Some(ImportFrom::Text(_))));
    }
}
