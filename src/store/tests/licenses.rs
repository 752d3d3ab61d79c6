//! The ledger: an entry for every change of status it belongs to, balances that are their sum, and entries that stay.

use std::collections::BTreeSet;

use super::*;
use crate::domain::ids::PoolId;
use crate::domain::license::{Account, BadPool, Balance, Entry, EntryKind, Holder, ItemLicense, PoolTerms};
use crate::domain::project::ProjectTerms;

impl Bench {
    /// A pool of so many licenses, and a project that takes them there.
    async fn limited(&self, number: u64, items: usize) -> (PoolId, ProjectId, Vec<ItemId>) {
        let terms = PoolTerms { name: "Contoso".into(), ..PoolTerms::default() };
        let pool = self.store.add_pool(terms, Some(number), at(2)).await.unwrap();
        let terms = ProjectTerms { options: Options::default(), pool, client: None };
        let servers = [server("a"), server("b")];
        let project = self.store.create_project("limited".into(), servers, terms, [None; 2]).await.unwrap();
        let new = (0..items).map(|n| new_item(&format!("u{n}@a"), &format!("u{n}@b"))).collect();
        let imported = self.store.import_items(project, new).await.unwrap();
        (pool, project, imported.iter().map(|item| item.id).collect())
    }

    async fn start(&self, items: &[ItemId], kind: PassKind) -> Result<Submitted> {
        let order = Submission { kind, wait: Wait::None, schedule: None, at: at(10) };
        self.store.submit(items.iter().map(|item| (*item, PassPlan::FULL)).collect(), order).await
    }

    /// Brings an item's latest pass to another status.
    async fn to(&self, item: ItemId, status: Status) {
        let latest = self.store.item(item).await.unwrap().latest.unwrap();
        self.store.set_status(StatusChange::new(latest.id, latest.status, status), at(20)).await.unwrap();
    }

    async fn account(&self, pool: PoolId) -> Account {
        let accounts = self.store.license_accounts().await.unwrap();
        accounts.into_iter().find(|account| account.pool.id == pool).unwrap()
    }

    async fn kinds(&self, item: ItemId) -> Vec<EntryKind> {
        let entries = self.store.license_entries(None, 0, 1_000).await.unwrap();
        let of = |entry: &&Entry| entry.of.as_ref().is_some_and(|of| of.holder == Holder::Item(item));
        entries.iter().filter(of).map(|entry| entry.kind).collect()
    }
}

#[tokio::test]
async fn what_waits_is_taken_back_in_one_transaction_and_its_licenses_with_it() {
    let bench = Bench::new().await;
    let (pool, project, items) = bench.limited(9, 6).await;
    let waits = [Wait::None, Wait::Until(at(900)), Wait::Word(HoldReason::Unreachable), Wait::Credentials, Wait::None];
    for (item, wait) in items.iter().zip(waits) {
        let order = Submission { kind: PassKind::Full, wait, schedule: None, at: at(10) };
        assert_eq!(bench.store.submit(vec![(*item, PassPlan::FULL)], order).await.unwrap().passes.len(), 1);
    }
    // One has ended, one was never started, and one belongs to another project.
    bench.to(items[4], Status::Queued).await;
    bench.to(items[4], Status::Failed).await;
    bench.submit().await;
    assert_eq!(bench.account(pool).await.free(), Some(5));
    assert_eq!(bench.store.withdraw(project, at(30)).await.unwrap(), items[..4]);
    let rows = bench.store.items(project).await.unwrap();
    let statuses: Vec<Status> = rows.iter().map(ItemRow::status).collect();
    let stopped = Status::Stopped;
    assert_eq!(statuses, [stopped, stopped, stopped, stopped, Status::Failed, Status::NotSubmitted]);
    assert!(rows[..4].iter().all(|row| row.latest.as_ref().is_some_and(|pass| pass.ended == Some(at(30)))));
    assert_eq!(bench.account(pool).await.free(), Some(9));
    for item in &items[..4] {
        assert_eq!(bench.kinds(*item).await, [EntryKind::Reserve, EntryKind::Return]);
    }
    assert_eq!(bench.store.item(bench.item).await.unwrap().status(), Status::Submitted);
    assert_eq!(bench.store.withdraw(project, at(40)).await.unwrap(), [], "nothing waits any more");
}

#[tokio::test]
async fn r22_r27_the_license_is_back_when_the_status_says_stopped_or_failed() {
    use EntryKind::*;
    let bench = Bench::new().await;
    let (pool, project, items) = bench.limited(1, 2).await;
    for ends in [&[Status::Migrating, Status::Stopping, Status::Stopped][..], &[Status::Migrating, Status::Failed]] {
        assert_eq!(bench.start(&items[..1], PassKind::Full).await.unwrap().passes.len(), 1);
        for status in ends {
            assert_eq!(bench.account(pool).await.free(), Some(0), "while it runs");
            bench.to(items[0], *status).await;
        }
        assert_eq!(bench.account(pool).await.free(), Some(1));
    }
    assert_eq!(bench.kinds(items[0]).await, [Reserve, Return, Reserve, Return]);
    // A crash while it was Stopping: the next process says Stopped, and returns it with that.
    bench.start(&items[..1], PassKind::PreStage).await.unwrap();
    bench.to(items[0], Status::Stopping).await;
    bench.store.recover(at(30)).await.unwrap();
    assert_eq!((bench.account(pool).await.free(), bench.kinds(items[0]).await.len()), (Some(1), 6));
    assert!(bench.store.item_licenses(project).await.unwrap().is_empty());
}

#[tokio::test]
async fn an_item_that_has_consumed_one_takes_no_second_also_after_a_reset_and_in_another_pool() {
    use EntryKind::*;
    let bench = Bench::new().await;
    let (pool, project, items) = bench.limited(1, 2).await;
    for kind in [PassKind::Verify, PassKind::Trial] {
        bench.start(&items[..1], kind).await.unwrap();
        bench.to(items[0], Status::Completed).await;
    }
    assert_eq!(bench.account(pool).await.free(), Some(1), "these take none");
    bench.start(&items[..1], PassKind::PreStage).await.unwrap();
    bench.to(items[0], Status::Completed).await;
    bench.store.reset(vec![items[0]], at(21)).await.unwrap();
    bench.start(&items[..1], PassKind::Full).await.unwrap();
    bench.to(items[0], Status::Failed).await;
    assert_eq!(bench.kinds(items[0]).await, [Reserve, Consume], "a failed later pass returns nothing");
    assert_eq!(
        bench.start(&items, PassKind::Full).await.unwrap().short,
        [items[1]],
        "its own goes on, the other waits"
    );
    bench.to(items[0], Status::Completed).await;

    let edit =
        crate::domain::edit::ProjectEdit { pool: Some(PoolId::FIRST), ..crate::domain::edit::ProjectEdit::of(project) };
    bench.store.edit_project(edit, at(22)).await.unwrap();
    assert_eq!(bench.start(&items, PassKind::Full).await.unwrap().short, []);
    assert_eq!(bench.kinds(items[0]).await, [Reserve, Consume]);
    assert_eq!(bench.store.item_licenses(project).await.unwrap()[&items[1]], ItemLicense::Reserved(PoolId::FIRST));
}

#[tokio::test]
async fn r43_the_license_of_a_deleted_item_is_lost_and_the_entry_outlives_the_item() {
    let bench = Bench::new().await;
    let (pool, project, items) = bench.limited(3, 3).await;
    bench.start(&items, PassKind::Full).await.unwrap();
    for (item, status) in items.iter().zip([Status::Completed, Status::Completed, Status::Failed]) {
        bench.to(*item, status).await;
    }
    bench.store.delete_items(vec![items[0], items[2]], at(30)).await.unwrap();
    assert_eq!(bench.account(pool).await.balance, Balance { added: 3, reserved: 0, consumed: 1, lost: 1 });
    bench.store.delete_project(project, at(31)).await.unwrap();
    bench.purge().await;
    assert_eq!(bench.account(pool).await.balance, Balance { added: 3, reserved: 0, consumed: 0, lost: 2 });
    let last = bench.store.newest_license_entries(Some(pool), 1).await.unwrap().remove(0);
    let of = last.of.unwrap();
    assert_eq!(
        (last.kind, last.at, of.project.as_str(), of.source.as_str()),
        (EntryKind::Loss, at(31), "limited", "u1@a")
    );
}

#[tokio::test]
async fn of_200_items_of_which_3_lack_a_license_197_start() {
    let bench = Bench::new().await;
    let (pool, _, items) = bench.limited(197, 200).await;
    let started = bench.start(&items, PassKind::Full).await.unwrap();
    assert_eq!((started.passes.len(), started.short.as_slice()), (197, &items[197..]));
    assert!(bench.store.item(items[199]).await.unwrap().latest.is_none(), "nothing of it was changed");
    assert_eq!(bench.account(pool).await.free(), Some(0));
    bench.store.add_licenses(pool, 3, "invoice 7".into(), at(40)).await.unwrap();
    assert_eq!(bench.start(&items[197..], PassKind::Full).await.unwrap().passes.len(), 3);
}

#[test]
fn of_the_last_license_asked_for_twice_at_once_exactly_one_gets_it() {
    let runtime = || tokio::runtime::Builder::new_current_thread().build().unwrap();
    let bench = runtime().block_on(Bench::new());
    let (pool, _, items) = runtime().block_on(bench.limited(1, 2));
    for round in 0..20 {
        // Two stores: what two processes would have.
        let gate = std::sync::Barrier::new(2);
        let got: Vec<Submitted> = std::thread::scope(|scope| {
            let asks = items.iter().map(|item| {
                let (gate, folder) = (&gate, bench.store.path().parent().unwrap());
                scope.spawn(move || {
                    let store = Store::open(folder, at(2)).unwrap();
                    let order = Submission { kind: PassKind::Full, wait: Wait::None, schedule: None, at: at(10) };
                    gate.wait();
                    runtime().block_on(store.submit(vec![(*item, PassPlan::FULL)], order)).unwrap()
                })
            });
            asks.collect::<Vec<_>>().into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        let passes: Vec<ItemId> = got.iter().flat_map(|got| &got.passes).map(|(item, _)| *item).collect();
        assert_eq!((passes.len(), got.iter().map(|got| got.short.len()).sum::<usize>()), (1, 1), "round {round}");
        runtime().block_on(bench.to(passes[0], Status::Failed));
        assert_eq!(runtime().block_on(bench.account(pool)).free(), Some(1));
    }
}

#[tokio::test]
async fn entries_of_the_ledger_are_only_ever_added() {
    let bench = Bench::new().await;
    bench.submit().await;
    let other = bench.other();
    for sql in [
        "UPDATE license_entry SET number = 5",
        "DELETE FROM license_entry",
        "INSERT OR REPLACE INTO license_entry (id, at, pool, kind, number) VALUES (1, 1, 1, 'add', 9)",
        "INSERT INTO license_entry (at, pool, kind, number) VALUES (1, 1, 'add', 0)",
        "INSERT INTO license_entry (at, pool, kind, number) VALUES (1, 1, 'reserve', 1)",
    ] {
        other.execute_batch(sql).unwrap_err();
    }
    assert_eq!(bench.count("license_entry"), 1);
}

#[tokio::test]
async fn pools_have_names_of_their_own_and_what_is_unlimited_stays_so() {
    let bench = Bench::new().await;
    let terms = |name: &str| PoolTerms { name: name.into(), kind: "Mailbox".into(), client: "Contoso Ltd".into() };
    let pool = bench.store.add_pool(terms("Spring"), Some(5), at(2)).await.unwrap();
    let taken = bench.store.add_pool(terms("SPRING"), None, at(3)).await.unwrap_err();
    assert!(matches!(taken, StoreError::NameTaken(_)), "{taken}");
    let came_to = bench.store.add_licenses(pool, 2, "invoice 7".into(), at(4)).await.unwrap();
    assert_eq!((came_to.free(), &came_to.pool.terms), (Some(7), &terms("Spring")));
    let no = bench.store.add_licenses(PoolId::FIRST, 2, String::new(), at(4)).await.unwrap_err();
    assert!(matches!(no, StoreError::Pool(BadPool::Unlimited(_))), "{no}");
    let history = bench.store.license_entries(Some(pool), 0, 10).await.unwrap();
    assert_eq!(
        history.iter().map(|entry| (entry.number, entry.note.as_str())).collect::<Vec<_>>(),
        [(5, ""), (2, "invoice 7")]
    );
    assert_eq!(bench.store.license_entries(Some(pool), history[0].id, 10).await.unwrap(), history[1..]);
}

/// One step of a property run.
#[derive(Clone, Debug)]
enum Step {
    Start(BTreeSet<usize>, PassKind, Wait),
    End(usize, Status),
    Reset(usize),
    Delete(usize),
    Move(PoolId),
    Crash,
}

fn step() -> impl Strategy<Value = Step> {
    let kind = proptest::sample::select(PassKind::ALL.to_vec());
    let wait = proptest::sample::select(vec![Wait::None, Wait::Credentials, Wait::Until(at(99))]);
    let ends =
        vec![Status::Queued, Status::Migrating, Status::Stopping, Status::Stopped, Status::Failed, Status::Completed];
    prop_oneof![
        3 => (proptest::collection::btree_set(0..5usize, 1..5), kind, wait).prop_map(|(items, kind, wait)| Step::Start(items, kind, wait)),
        6 => (0..5usize, proptest::sample::select(ends)).prop_map(|(item, status)| Step::End(item, status)),
        1 => (0..5usize).prop_map(Step::Reset),
        1 => (0..5usize).prop_map(Step::Delete),
        1 => (1..3i64).prop_map(|pool| Step::Move(PoolId(pool))),
        1 => Just(Step::Crash),
    ]
}

/// What an item is, by the rules as people read them.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Simple {
    deleted: bool,
    status: Option<Status>,
    /// Where its license is reserved, or consumed.
    reserved: Option<PoolId>,
    consumed: Option<PoolId>,
}

#[derive(Debug, Default)]
struct Model {
    items: [Simple; 5],
    pool: Option<PoolId>,
    lost: BTreeMap<PoolId, u64>,
}

const LIMIT: u64 = 2;

impl Model {
    fn balance(&self, pool: PoolId) -> Balance {
        let count = |of: fn(&Simple) -> Option<PoolId>| {
            self.items.iter().filter(|item| !item.deleted && of(item) == Some(pool)).count() as u64
        };
        let added = if pool == PoolId::FIRST { 0 } else { LIMIT };
        let lost = self.lost.get(&pool).copied().unwrap_or(0);
        Balance { added, reserved: count(|item| item.reserved), consumed: count(|item| item.consumed), lost }
    }

    /// Those that start.
    fn start(&mut self, items: &BTreeSet<usize>, kind: PassKind, wait: Wait) -> Vec<usize> {
        let pool = self.pool.unwrap_or(PoolId::FIRST);
        let mut started = Vec::new();
        for at in items {
            let needs = matches!(kind, PassKind::Full | PassKind::PreStage) && self.items[*at].consumed.is_none();
            if needs && pool != PoolId::FIRST {
                let Balance { reserved, consumed, lost, .. } = self.balance(pool);
                if reserved + consumed + lost >= LIMIT {
                    continue;
                }
            }
            let item = &mut self.items[*at];
            item.status = Some(Status::of_submission(wait));
            item.reserved = needs.then_some(pool);
            started.push(*at);
        }
        started
    }

    fn end(&mut self, at: usize, status: Status) {
        let item = &mut self.items[at];
        item.status = Some(status);
        match status {
            Status::Completed => item.consumed = item.consumed.or(item.reserved.take()),
            Status::Stopped | Status::Failed => item.reserved = None,
            _ => {}
        }
    }

    fn at_rest(&self, at: usize) -> bool {
        self.items[at].status.is_none_or(Status::is_at_rest)
    }
}

async fn take(bench: &mut Bench, project: ProjectId, items: &[ItemId], model: &mut Model, step: Step) {
    match step {
        Step::Start(chosen, kind, wait) => {
            let rests = |at: &usize| !model.items[*at].deleted && model.at_rest(*at);
            let chosen: BTreeSet<usize> = chosen.into_iter().filter(rests).collect();
            let order = Submission { kind, wait, schedule: None, at: at(10) };
            let asked = chosen.iter().map(|at| (items[*at], PassPlan::FULL)).collect();
            let submitted = bench.store.submit(asked, order).await.unwrap();
            let started = model.start(&chosen, kind, wait);
            let passes: Vec<ItemId> = submitted.passes.iter().map(|(item, _)| *item).collect();
            assert_eq!(passes, started.iter().map(|at| items[*at]).collect::<Vec<_>>());
            assert_eq!(submitted.short.len(), chosen.len() - started.len());
        }
        Step::End(at, status) if !model.items[at].deleted && !model.at_rest(at) => {
            bench.to(items[at], status).await;
            model.end(at, status);
        }
        Step::Reset(at) if !model.items[at].deleted && model.at_rest(at) => {
            bench.store.reset(vec![items[at]], super::at(30)).await.unwrap();
            model.items[at].status = None;
        }
        Step::Delete(at) if !model.items[at].deleted && model.at_rest(at) => {
            bench.store.delete_items(vec![items[at]], super::at(31)).await.unwrap();
            bench.purge().await;
            model.items[at].deleted = true;
            if let Some(pool) = model.items[at].consumed {
                *model.lost.entry(pool).or_default() += 1;
            }
        }
        Step::Move(pool) => {
            let edit =
                crate::domain::edit::ProjectEdit { pool: Some(pool), ..crate::domain::edit::ProjectEdit::of(project) };
            bench.store.edit_project(edit, super::at(32)).await.unwrap();
            model.pool = Some(pool);
        }
        Step::Crash => {
            let folder = bench.store.path().parent().unwrap().to_owned();
            bench.store = Store::open(&folder, super::at(33)).unwrap();
            bench.store.recover(super::at(33)).await.unwrap();
            for at in 0..items.len() {
                match model.items[at].status {
                    Some(Status::Queued | Status::Migrating) => model.items[at].status = Some(Status::Submitted),
                    Some(Status::Stopping) => model.end(at, Status::Stopped),
                    _ => {}
                }
            }
        }
        Step::End(..) | Step::Reset(_) | Step::Delete(_) => {}
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    /// Whatever is started, stopped, completed, failed, deleted, reset, by whichever of two processes, and after whichever write
    /// it crashes: balances are what the items are by the rules, and what the entries come to one after the other; no pool gives
    /// more than it has.
    #[test]
    fn d33_balances_equal_the_fold_of_the_entries(
        steps in proptest::collection::vec((step(), proptest::bool::ANY, proptest::bool::weighted(0.4)), 1..40)
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let mut bench = Bench::new().await;
            let (limited, project, items) = bench.limited(LIMIT, 5).await;
            let mut model = Model { pool: Some(limited), ..Model::default() };
            let mut other = Store::open(bench.store.path().parent().unwrap(), super::at(2)).unwrap();
            for (step, elsewhere, crashes) in steps {
                if elsewhere {
                    std::mem::swap(&mut bench.store, &mut other);
                }
                take(&mut bench, project, &items, &mut model, step).await;
                if crashes {
                    take(&mut bench, project, &items, &mut model, Step::Crash).await;
                }
                let entries = bench.store.license_entries(None, 0, 10_000).await.unwrap();
                for account in bench.store.license_accounts().await.unwrap() {
                    let of = entries.iter().filter(|entry| entry.pool == account.pool.id);
                    let fold = of.fold(Balance::default(), |balance, entry| balance.after(entry.kind, entry.number));
                    assert_eq!(account.balance, fold);
                    assert_eq!(account.balance, model.balance(account.pool.id), "{model:?}");
                    let Balance { added, reserved, consumed, lost } = fold;
                    assert!(account.pool.unlimited || reserved + consumed + lost <= added);
                }
            }
        });
    }
}
