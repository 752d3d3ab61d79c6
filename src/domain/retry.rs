//! stub
use crate::domain::failure::Failure;
pub enum Decision { Wait { wait: std::time::Duration, attempt: u32, limit: u32 }, GiveUp }
pub struct RetryBudget;
impl RetryBudget { pub fn new(_: u32) -> Self { Self } pub fn progressed(&mut self) {} pub fn failed(&mut self, _: &Failure, _: f64) -> Decision { Decision::GiveUp } }
