//! What servers say to people in passing (IMAP's ALERT), kept for whoever watches. Bounded.

use std::sync::{Mutex, PoisonError};

use crate::domain::plain_text::shown;

/// Different texts that are kept.
const MOST: usize = 20;
/// Characters of one.
const LONGEST: usize = 500;

/// See the module.
#[derive(Debug, Default)]
pub struct Sayings(Mutex<Vec<String>>);

impl Sayings {
    /// Keeps a text, without control characters, unless it was said before.
    pub fn add(&self, text: &str) {
        let clean: String = shown(text).chars().take(LONGEST).collect();
        let mut said = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if said.len() < MOST && !said.contains(&clean) {
            said.push(clean);
        }
    }

    /// All that was said so far.
    pub fn take(&self) -> Vec<String> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_said_again_and_again_is_kept_once_and_never_without_end() {
        let said = Sayings::default();
        (0..1000).for_each(|n| said.add(&format!("{}\r\n{}", n / 10, "x".repeat(1000))));
        let all = said.take();
        assert_eq!((all.len(), all[1].chars().count()), (MOST, LONGEST));
        assert!(all[1].starts_with("1  x") && said.take().is_empty());
    }
}
