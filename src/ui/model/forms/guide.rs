//! The page that tells an administrator what to do, with the lines to copy.

use crate::domain::guide::{Block, Guide, GuideValues};

/// The dialog.
#[derive(Clone, Debug)]
pub struct GuideForm {
    /// Which guide.
    pub guide: Guide,
    /// What is filled in.
    pub values: GuideValues,
}

impl GuideForm {
    /// The parts as they are filled in now.
    pub fn blocks(&self) -> Vec<Block> {
        self.guide.blocks(&self.values)
    }
}
