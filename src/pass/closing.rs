//! The end of a pass: what may be there twice, copies that were lost and whose messages left, and the audit (D27, D28).

use crate::pass::lane::Lanes;
use crate::pass::places::Prepared;
use crate::pass::{Pass, PassResult};

/// What is asked and named when everything is copied.
pub(super) struct Finale<'a> {
    pub(super) pass: &'a Pass,
}

impl<'a> Finale<'a> {
    /// Of this pass.
    pub fn of(pass: &'a Pass) -> Self {
        Self { pass }
    }

    /// Asks and names all of it.
    pub async fn run(&self, lanes: &mut Lanes, prepared: &Prepared) -> PassResult<()> {
        self.name_doubts(lanes).await?;
        let Some(lane) = lanes.iter_mut().next() else { return Ok(()) };
        self.ask_doubts(lane, prepared).await?;
        self.name_homeless().await?;
        self.audit(lane).await
    }
}
