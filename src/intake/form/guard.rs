//! Counts who asks how often. Bounded: when too many are counted, those longest quiet are forgotten.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// Most that are counted at once.
const MOST: usize = 10_000;

/// So many in such a time, for each of many.
pub struct Counter<K> {
    most: u32,
    within: Duration,
    seen: Mutex<HashMap<K, (Instant, u32)>>,
}

impl<K: Hash + Eq + Clone> Counter<K> {
    /// None was seen yet.
    pub fn new(most: u32, within: Duration) -> Self {
        Self { most, within, seen: Mutex::default() }
    }

    /// Whether one more is allowed, which counts.
    pub fn allows(&self, who: &K) -> bool {
        let now = Instant::now();
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if seen.len() >= MOST && !seen.contains_key(who) {
            let within = self.within;
            seen.retain(|_, (since, _)| now.duration_since(*since) < within);
            if seen.len() >= MOST
                && let Some(oldest) = seen.iter().min_by_key(|(_, (since, _))| *since).map(|(key, _)| key.clone())
            {
                seen.remove(&oldest);
            }
        }
        let (since, count) = seen.entry(who.clone()).or_insert((now, 0));
        if now.duration_since(*since) >= self.within {
            (*since, *count) = (now, 0);
        }
        *count = count.saturating_add(1);
        *count <= self.most
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn each_has_so_many_in_a_time_and_the_memory_stays_bounded() {
        let counter = Counter::new(3, Duration::from_secs(60));
        let of = |who: u32| (0..5).filter(|_| counter.allows(&who)).count();
        assert_eq!((of(1), of(2), of(1)), (3, 3, 0));
        tokio::time::advance(Duration::from_secs(61)).await;
        assert_eq!(of(1), 3);
        for who in 0..MOST as u32 + 500 {
            counter.allows(&who);
        }
        assert!(counter.seen.lock().unwrap().len() <= MOST);
    }
}
