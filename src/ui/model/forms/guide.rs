//! The page that tells an administrator what to do, with the lines to copy.

use crate::domain::failure::Side;
use crate::domain::guide::{Block, Guide, GuideValues};
use crate::domain::ids::ProjectId;

/// The dialog.
#[derive(Clone, Debug)]
pub struct GuideForm {
    /// Which guide.
    pub guide: Guide,
    /// The side of the project that it is about; a hybrid project has none.
    pub of: Option<(ProjectId, Side)>,
    /// What is filled in.
    pub values: GuideValues,
}

impl GuideForm {
    /// The number of the service account is known: it is filled in, unless somebody was faster.
    pub fn fill_in(&mut self, of: (ProjectId, Side), number: String) {
        if self.of == Some(of) && self.values.client_id.trim().is_empty() {
            self.values.client_id = number;
        }
    }

    /// The parts as they are filled in now.
    pub fn blocks(&self) -> Vec<Block> {
        self.guide.blocks(&self.values)
    }
}
