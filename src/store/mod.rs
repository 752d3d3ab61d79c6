//! To be written.

/// Why the workspace could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {}
