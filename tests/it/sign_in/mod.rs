//! Signing in by token: what providers answer, a real provider with a server that verifies its tokens, and tokens that end.

mod answers;
mod expiry;
mod kills;
pub mod real;
