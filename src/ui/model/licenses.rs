//! The page of licenses: what it shows, and when to ask for it again.

use std::time::Duration;

use crate::domain::ids::PoolId;
use crate::domain::time::Timestamp;
use crate::engine::snapshot::Snapshot;
use crate::platform::picker::Picking;
use crate::service::licenses::{Account, Ledger};
use crate::ui::model::words;

/// Between two questions while something goes on.
const AGAIN: Duration = Duration::from_secs(1);

/// The page of licenses.
#[derive(Default)]
pub struct LicensePage {
    /// The pool whose history is shown; none: that of all.
    pub pool: Option<PoolId>,
    /// What was answered last; stays while the next answer is under way.
    pub ledger: Option<Ledger>,
    /// The file that a person is choosing.
    pub picking: Option<Picking>,
    /// An answer is under way.
    waiting: bool,
    /// When it was last asked for which pool, and what the engine's state was then.
    asked: Option<(Timestamp, Option<PoolId>, u64)>,
}

impl LicensePage {
    /// Whether to ask now: another pool is shown, or something may have changed.
    pub fn due(&mut self, snapshot: &Snapshot, now: Timestamp) -> bool {
        let due = match self.asked {
            _ if self.waiting => false,
            None => true,
            Some((_, pool, _)) if pool != self.pool => true,
            Some((at, _, revision)) => revision != snapshot.revision && now.since(at) >= AGAIN,
        };
        if due {
            (self.waiting, self.asked) = (true, Some((now, self.pool, snapshot.revision)));
        }
        due
    }

    /// The answer came.
    pub fn answered(&mut self, ledger: Ledger) {
        (self.waiting, self.ledger) = (false, Some(ledger));
    }

    /// There is none; it is asked for again when something changes.
    pub fn refused(&mut self) {
        self.waiting = false;
    }

    /// It is asked for again at once.
    pub fn forget(&mut self) {
        self.asked = None;
    }

    /// The pool whose history is shown.
    pub fn chosen(&self) -> Option<&Account> {
        self.ledger.iter().flat_map(|ledger| &ledger.accounts).find(|it| Some(it.pool.id) == self.pool)
    }

    /// What a table of the history is called.
    pub fn proposed(&self) -> String {
        let name = self.chosen().map(|account| account.pool.terms.name.as_str()).unwrap_or_default();
        let plain: String = name.chars().map(|c| if c.is_alphanumeric() { c } else { '-' }).collect();
        if plain.is_empty() { "licenses.csv".into() } else { format!("licenses-{plain}.csv") }
    }
}

/// The figures of a pool: added, reserved, consumed, lost, free.
pub fn figures(account: &Account) -> [String; 5] {
    let balance = account.balance;
    let limited = |number: Option<u64>| number.map_or_else(|| "unlimited".to_owned(), words::count);
    let added = limited((!account.pool.unlimited).then_some(balance.added));
    let [reserved, consumed, lost] = [balance.reserved, balance.consumed, balance.lost].map(words::count_or_dash);
    [added, reserved, consumed, lost, limited(account.free())]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_asks_when_something_may_have_changed_and_once_a_second_at_most() {
        let (mut page, at) = (LicensePage::default(), Timestamp::from_millis);
        let state = |revision| Snapshot::of(revision, []);
        assert!(page.due(&state(1), at(0)) && !page.due(&state(2), at(5_000)), "an answer is under way");
        page.answered(Ledger::default());
        assert!(!page.due(&state(1), at(9_000)), "nothing has changed");
        assert!(!page.due(&state(2), at(900)) && page.due(&state(2), at(1_000)));
        page.refused();
        page.pool = Some(PoolId(2));
        assert!(page.due(&state(2), at(1_001)), "another pool");
    }

    #[test]
    fn a_table_is_named_after_its_pool() {
        use crate::domain::license::{Balance, Pool, PoolTerms};
        let terms = PoolTerms { name: "../Spring 26".into(), ..PoolTerms::default() };
        let pool = Pool { id: PoolId(2), terms, unlimited: false };
        let balance = Balance { added: 60, reserved: 1, consumed: 9, lost: 0 };
        let account = Account { pool, balance };
        assert_eq!(figures(&account), ["60", "1", "9", "–", "50"]);
        let ledger = Ledger { accounts: vec![account], newest: Vec::new() };
        let mut page = LicensePage { ledger: Some(ledger), ..LicensePage::default() };
        assert_eq!(page.proposed(), "licenses.csv");
        page.pool = Some(PoolId(2));
        assert_eq!(page.proposed(), "licenses----Spring-26.csv");
    }
}
