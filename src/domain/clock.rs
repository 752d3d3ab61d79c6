//! The time of day, handed in so that what is decided by it can be tested without waiting (D16).

/// Tells the time.
pub trait Clock: Send + Sync {
    /// UTC epoch milliseconds.
    fn now(&self) -> i64;
}
