//! The end of a pass: what may be there twice, copies that were lost and whose messages left, and the audit (D27, D28).

use crate::domain::failure::Side;
use crate::domain::item_error::ItemError;
use crate::pass::lane::Lanes;
use crate::pass::places::Prepared;
use crate::pass::{OnSide, Pass, PassResult, PassStop};

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
        self.name_missing_folders().await?;
        self.name_doubts(lanes).await?;
        let Some(lane) = lanes.iter_mut().next() else { return Ok(()) };
        self.ask_doubts(lane, prepared).await?;
        self.name_homeless().await?;
        self.learn_sizes().await?;
        self.look_at_kept(lane).await?;
        self.audit(lane).await
    }

    /// Folders of the source may be missing from its list: nobody knows what they hold, so one message stands for them.
    async fn name_missing_folders(&self) -> PassResult<()> {
        let Some(failure) = self.pass.source.list_lacks() else { return Ok(()) };
        let Some(row) = self.pass.tally.any() else {
            return Err(failure).on(Side::Source).map_err(PassStop::Fatal);
        };
        let error = ItemError { side: Some(Side::Source), ..ItemError::about(failure) };
        let within = self.pass.not_moved(row, error).await;
        self.pass.recorder.flush().await;
        self.pass.tally.count(self.pass.clock.now(), row, |counts| counts.source += 1);
        within
    }
}
