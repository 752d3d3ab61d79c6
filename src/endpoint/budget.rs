//! The process-wide budget for message bytes in memory (D20).

use std::sync::Arc;

use tokio::sync::Semaphore;

use crate::domain::message::Hold;

/// Bytes of one permit: small enough to waste little, large enough to keep the numbers in `u32`.
const UNIT: usize = 1024;

/// A number of bytes that messages in memory may take together. A message takes its share in one step, so that two
/// half-served messages never wait for each other.
pub struct Budget {
    permits: Arc<Semaphore>,
    units: usize,
}

impl Budget {
    /// A budget of this many bytes.
    pub fn new(bytes: usize) -> Arc<Self> {
        let units = bytes.div_ceil(UNIT);
        Arc::new(Self { permits: Arc::new(Semaphore::new(units)), units })
    }

    fn units(&self, bytes: usize) -> u32 {
        bytes.div_ceil(UNIT).clamp(1, self.units) as u32
    }

    /// Takes a share if there is room for it now.
    pub fn take_now(&self, bytes: usize) -> Option<Hold> {
        let permit = Arc::clone(&self.permits).try_acquire_many_owned(self.units(bytes)).ok()?;
        Some(Arc::new(permit))
    }

    /// Takes a share and returns what keeps it taken. More than the whole budget takes the whole.
    pub async fn take(&self, bytes: usize) -> Hold {
        let units = self.units(bytes);
        match Arc::clone(&self.permits).acquire_many_owned(units).await {
            Ok(permit) => Arc::new(permit),
            // Nobody closes the semaphore; if somebody did, nothing would be counted any more.
            Err(_) => Arc::new(()),
        }
    }
}
