//! The time of day, handed in so that what is decided by it can be tested without waiting (D16).

use super::time::Timestamp;

/// Tells the time.
pub trait Clock: Send + Sync {
    /// Now.
    fn now(&self) -> Timestamp;
}
