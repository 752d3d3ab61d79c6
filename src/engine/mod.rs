//! Orders, waits, retries and cancels: the dispatcher that owns run state, and the workers that each run one pass.

pub mod journal;
pub mod pass;
