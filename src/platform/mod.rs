//! What the operating system gives: the time.

pub mod clock;
