//! Signing in by token: what providers answer, a real provider with a server that verifies its tokens, and tokens that end.

mod answers;
mod at_once;
mod check;
mod expiry;
mod faults;
mod kills;
pub mod real;
