//! Keeps the computer awake while passes run, unless a person does not want that.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{MissedTickBehavior, interval};

use super::OpenWorkspace;
use super::settings::keeps_awake;
use crate::engine::snapshot::Snapshot;
use crate::platform::awake::StaysAwake;

/// Between two looks at what runs and what is wanted.
const LOOK_EVERY: Duration = Duration::from_secs(5);

/// Looks again and again until the engine has ended.
pub async fn keep(workspace: OpenWorkspace, snapshots: watch::Receiver<Arc<Snapshot>>) {
    let mut looks = interval(LOOK_EVERY);
    looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut keeper = Keeper { workspace, asked: None };
    while snapshots.has_changed().is_ok() {
        looks.tick().await;
        let snapshot = Arc::clone(&snapshots.borrow());
        keeper.look(snapshot.rows().any(|row| row.status.is_active())).await;
    }
}

struct Keeper {
    workspace: OpenWorkspace,
    /// What the system answered, also where that was no: it is not asked again for the same passes.
    asked: Option<Option<Box<dyn Send>>>,
}

impl Keeper {
    async fn look(&mut self, runs: bool) {
        // A workspace that cannot be read says so elsewhere.
        let wanted = runs && self.workspace.store.settings().await.is_ok_and(|settings| keeps_awake(&settings));
        match (wanted, self.asked.is_some()) {
            (true, false) => self.asked = Some(ask(Arc::clone(&self.workspace.options.awake)).await),
            (false, true) => self.asked = None,
            (true, true) | (false, false) => {}
        }
    }
}

async fn ask(system: Arc<dyn StaysAwake>) -> Option<Box<dyn Send>> {
    let stays = tokio::task::spawn_blocking(move || system.stay()).await;
    match stays.unwrap_or_else(|panicked| Err(panicked.to_string())) {
        Ok(stays) => {
            tracing::info!("this computer is kept awake");
            Some(stays)
        }
        Err(why) => {
            tracing::info!(why, "this computer cannot be kept awake");
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicI64, Ordering};

    use super::*;
    use crate::service::OpenOptions;
    use crate::service::settings::{self, KEEP_AWAKE};

    /// Counts who wants it awake, and how often it was asked; or refuses.
    #[derive(Default)]
    struct Bed {
        holders: Arc<AtomicI64>,
        asked: AtomicI64,
        refuses: bool,
    }

    struct Holder(Arc<AtomicI64>);

    impl Drop for Holder {
        fn drop(&mut self) {
            self.0.fetch_sub(1, Ordering::SeqCst);
        }
    }

    impl StaysAwake for Bed {
        fn stay(&self) -> Result<Box<dyn Send>, String> {
            self.asked.fetch_add(1, Ordering::SeqCst);
            if self.refuses {
                return Err("no bus".into());
            }
            self.holders.fetch_add(1, Ordering::SeqCst);
            Ok(Box::new(Holder(Arc::clone(&self.holders))))
        }
    }

    /// How many hold it, and how often it was asked: for each of these, whether passes run and whether it is wanted.
    async fn over(refuses: bool, times: [(bool, bool); 6]) -> Vec<(i64, i64)> {
        let folder = tempfile::tempdir().unwrap();
        let bed = Arc::new(Bed { refuses, ..Bed::default() });
        let options = OpenOptions { awake: bed.clone(), ..OpenOptions::new(folder.path().to_owned()) };
        let workspace = OpenWorkspace::open(options).unwrap();
        let setting = settings::Setting::named(KEEP_AWAKE).unwrap();
        let mut keeper = Keeper { workspace: workspace.clone(), asked: None };
        let mut seen = Vec::new();
        for (runs, wanted) in times {
            settings::set(&workspace, (setting, settings::switch(wanted))).await.unwrap();
            keeper.look(runs).await;
            seen.push((bed.holders.load(Ordering::SeqCst), bed.asked.load(Ordering::SeqCst)));
        }
        drop(keeper);
        assert_eq!(bed.holders.load(Ordering::SeqCst), 0, "nothing is held at the end");
        seen
    }

    const TIMES: [(bool, bool); 6] =
        [(false, true), (true, true), (true, true), (true, false), (true, true), (false, true)];

    #[tokio::test]
    async fn f6_the_computer_is_kept_awake_while_passes_run_and_it_is_wanted() {
        assert_eq!(over(false, TIMES).await, [(0, 0), (1, 1), (1, 1), (0, 1), (1, 2), (0, 2)]);
    }

    #[tokio::test]
    async fn f6_a_system_that_cannot_be_asked_is_no_error_and_not_asked_over_and_over() {
        assert_eq!(over(true, TIMES).await, [(0, 0), (0, 1), (0, 1), (0, 1), (0, 2), (0, 2)]);
    }
}
