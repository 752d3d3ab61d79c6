//! The page that tells an administrator what to do, with the lines to copy.

use crate::domain::failure::Side;
use crate::domain::guide::{Block, Guide, GuideValues};
use crate::domain::ids::ProjectId;

/// What a guide says about one side.
#[derive(Clone, Debug, Default)]
pub struct GuideSide {
    /// The guide that fits it.
    pub fits: Option<Guide>,
    /// Its server, as people know it.
    pub server: String,
    /// What is filled in.
    pub values: GuideValues,
}

/// The dialog.
#[derive(Clone, Debug)]
pub struct GuideForm {
    /// Which guide.
    pub guide: Guide,
    /// The side of the project that it is about; a hybrid project has none.
    of: Option<(ProjectId, Side)>,
    /// Source and destination; a hybrid project has the first only.
    sides: [GuideSide; 2],
}

fn place(side: Side) -> usize {
    usize::from(side == Side::Destination)
}

impl GuideForm {
    /// For a project's two sides: about the first one that a guide fits.
    pub fn of_sides(project: ProjectId, sides: [GuideSide; 2]) -> Self {
        let side = if sides[0].fits.is_none() && sides[1].fits.is_some() { Side::Destination } else { Side::Source };
        let guide = sides[place(side)].fits.unwrap_or(Guide::Microsoft365);
        Self { guide, of: Some((project, side)), sides }
    }

    /// For a hybrid project.
    pub fn of_hybrid(values: GuideValues) -> Self {
        let side = GuideSide { values, ..GuideSide::default() };
        Self { guide: Guide::HybridExchange, of: None, sides: [side, GuideSide::default()] }
    }

    fn at(&self) -> usize {
        self.of.map_or(0, |(_, side)| place(side))
    }

    /// What is filled in for the side that is shown.
    pub fn values(&mut self) -> &mut GuideValues {
        &mut self.sides[self.at()].values
    }

    /// The side that is shown; none of a hybrid project.
    pub fn side(&self) -> Option<Side> {
        self.of.map(|(_, side)| side)
    }

    /// What people read of a side.
    pub fn label(&self, side: Side) -> String {
        format!("For the {} ({})", side.word(), self.sides[place(side)].server)
    }

    /// Shows another side, with the guide that fits it.
    pub fn choose(&mut self, side: Side) {
        if let Some((project, _)) = self.of.filter(|(_, shown)| *shown != side) {
            self.of = Some((project, side));
            self.guide = self.sides[place(side)].fits.unwrap_or(self.guide);
        }
    }

    /// Shows another guide: of the other side, if it fits that one and not this.
    pub fn read(&mut self, guide: Guide) {
        let fits = |side: Side| self.sides[place(side)].fits == Some(guide);
        if let Some((project, side)) = self.of.filter(|(_, side)| !fits(*side)) {
            let other = if side == Side::Source { Side::Destination } else { Side::Source };
            self.of = Some((project, if fits(other) { other } else { side }));
        }
        self.guide = guide;
    }

    /// The number of the service account is known: it is filled in, unless somebody was faster.
    pub fn fill_in(&mut self, (project, side): (ProjectId, Side), number: String) {
        let values = &mut self.sides[place(side)].values;
        if self.of.is_some_and(|(of, _)| of == project) && values.client_id.trim().is_empty() {
            values.client_id = number;
        }
    }

    /// The parts as they are filled in now.
    pub fn blocks(&self) -> Vec<Block> {
        self.guide.blocks(&self.sides[self.at()].values)
    }
}
