//! The data rate: how many bytes of messages may come in a second, for all who share the limit.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// What was not used may be caught up with for so long.
const BURST: Duration = Duration::from_millis(250);

/// A limit of bytes a second. Whoever has read a message waits until its bytes were due, so that the sum keeps to the rate
/// whatever the sizes are.
#[derive(Debug, Default)]
pub struct Throttle {
    rate: Option<u64>,
    due: Mutex<Option<Instant>>,
}

impl Throttle {
    /// Of so many bytes a second; none: no limit.
    pub fn new(rate: Option<u64>) -> Self {
        Self { rate: rate.filter(|rate| *rate > 0), due: Mutex::new(None) }
    }

    /// The limit.
    pub fn rate(&self) -> Option<u64> {
        self.rate
    }

    /// Waits until so many more bytes may have come.
    pub async fn take(&self, bytes: u64) {
        let Some(rate) = self.rate else { return };
        let share = Duration::try_from_secs_f64(bytes as f64 / rate as f64).unwrap_or(Duration::MAX);
        let due = {
            let mut due = self.due.lock().unwrap_or_else(PoisonError::into_inner);
            let now = Instant::now();
            let earliest = now.checked_sub(BURST).unwrap_or(now);
            let from = due.map_or(earliest, |due| due.max(earliest));
            *due.insert(from.checked_add(share).unwrap_or(now))
        };
        tokio::time::sleep_until(due).await;
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU64, Ordering};

    use super::*;

    /// What so many readers get in a minute.
    async fn in_a_minute(rate: u64, readers: u64, sizes: [u64; 3]) -> u64 {
        let throttle = Arc::new(Throttle::new(Some(rate)));
        let sum: Arc<AtomicU64> = Arc::default();
        let mut tasks = tokio::task::JoinSet::new();
        for reader in 0..readers {
            let (throttle, sum) = (Arc::clone(&throttle), Arc::clone(&sum));
            tasks.spawn(async move {
                for at in reader.. {
                    let size = sizes[(at % 3) as usize];
                    throttle.take(size).await;
                    sum.fetch_add(size, Ordering::Relaxed);
                }
            });
        }
        tokio::time::sleep(Duration::from_secs(60)).await;
        tasks.abort_all();
        sum.load(Ordering::Relaxed)
    }

    #[tokio::test(start_paused = true)]
    async fn the_rate_holds_within_five_percent_with_one_and_eight_readers() {
        for rate in [50_000, 1_000_000, 20_000_000] {
            for readers in [1, 8] {
                let came = in_a_minute(rate, readers, [rate / 100, rate / 7, rate / 2]).await;
                let (least, most) = (rate * 57, rate * 63);
                assert!((least..=most).contains(&came), "{rate} a second, {readers} readers: {came} in a minute");
            }
        }
    }

    #[tokio::test(start_paused = true)]
    async fn without_a_limit_nobody_waits_and_rest_is_not_saved_up() {
        let began = Instant::now();
        Throttle::default().take(u64::MAX).await;
        assert_eq!(began.elapsed(), Duration::ZERO);
        let throttle = Throttle::new(Some(1000));
        tokio::time::sleep(Duration::from_secs(600)).await;
        let began = Instant::now();
        throttle.take(10_000).await;
        assert!(began.elapsed() >= Duration::from_secs(9));
    }
}
