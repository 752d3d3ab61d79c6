//! What an import may change, and what nothing refers to any more.

use super::*;
use crate::domain::edit::Records;
use crate::domain::ids::CredentialId;

fn with(credential: CredentialId) -> NewItem {
    NewItem { source_credential: Some(credential), ..new_item("ann@a", "ann@b") }
}

impl Bench {
    /// Whether what was written last is on the disk for good.
    async fn durable(&self) -> bool {
        self.store.inner.writer.run(|writer| Ok(writer.durable)).await.unwrap()
    }

    async fn import(&self, item: NewItem) -> Became {
        let same = Some((Records::Keep, at(5)));
        self.store.import_list(self.project, vec![item], same).await.unwrap()[0].became
    }
}

#[tokio::test]
async fn an_item_that_may_not_be_edited_is_left_alone() {
    for status in Status::ALL {
        let bench = Bench::new().await;
        let ids = bench.store.new_credentials(2, at(5), "import").await.unwrap();
        bench.import(with(ids[0])).await;
        if status != Status::NotSubmitted {
            let pass = bench.submit().await;
            bench.store.set_status(StatusChange::new(pass, Status::Submitted, status), at(20)).await.unwrap();
        }
        let became = bench.import(NewItem { source_login: Some("ann1".into()), ..with(ids[1]) }).await;
        let item = bench.store.item(bench.item).await.unwrap().item;
        let now = (item.source.credential, item.source.login.as_deref());
        if matches!(status, Status::Queued | Status::WaitingForUser | Status::Stopping) {
            assert_eq!((became, now), (Became::LeftAlone(status), (Some(ids[0]), None)), "{status:?}");
        } else {
            let updated = Became::Updated { replaced: [Some(ids[0]), None] };
            assert_eq!((became, now), (updated, (Some(ids[1]), Some("ann1"))), "{status:?}");
        }
    }
}

#[tokio::test]
async fn only_what_differs_counts_as_updated() {
    let bench = Bench::new().await;
    let named = |name: &str| NewItem { source_login: Some(name.into()), ..new_item("ann@a", "ann@b") };
    let updated = Became::Updated { replaced: [None; 2] };
    assert_eq!(bench.import(new_item("ann@a", "ann@b")).await, Became::Unchanged);
    assert_eq!(bench.import(named("ann1")).await, updated);
    assert_eq!(bench.import(named("ann1")).await, Became::Unchanged);
    assert_eq!(bench.import(new_item("ann@a", "ann@b")).await, Became::Unchanged);
    assert_eq!(bench.import(named("ann2")).await, updated);
}

#[tokio::test]
async fn d13_another_login_asks_where_mail_was_copied_and_nothing_is_imported_before_it_is_said() {
    let bench = Bench::new().await;
    bench.folder("INBOX", 1, 1).await;
    let list = || {
        vec![new_item("bob@a", "bob@b"), NewItem { source_login: Some("ann1".into()), ..new_item("ann@a", "ann@b") }]
    };
    let asked = bench.store.import_items(bench.project, list()).await.unwrap_err();
    assert!(
        asked.to_string().contains("1 item whose login at the source the list changes, such as ann@a:ann@b"),
        "{asked}"
    );
    assert_eq!(bench.store.items(bench.project).await.unwrap().len(), 1);
    let said = async |records| bench.store.import_list(bench.project, list(), Some((records, at(5)))).await.unwrap();
    let kept = said(Records::Keep).await;
    assert_eq!(
        (kept[0].became, kept[1].reset, bench.store.folders(bench.item).await.unwrap().len()),
        (Became::Created, false, 1)
    );
    let other = NewItem { source_login: Some("ann2".into()), ..new_item("ann@a", "ann@b") };
    let reset = bench.store.import_list(bench.project, vec![other], Some((Records::Reset, at(6)))).await.unwrap();
    assert!(reset[0].reset && bench.store.folders(bench.item).await.unwrap().is_empty());
}

#[tokio::test]
async fn what_costs_a_secret_is_on_the_disk_for_good() {
    let bench = Bench::new().await;
    let shaky = async || bench.store.set_note(bench.item, None).await;
    bench.import(new_item("ann@a", "ann@b")).await;
    assert!(bench.durable().await, "an import replaces passwords");
    shaky().await.unwrap();
    assert!(!bench.durable().await);
    bench.store.delete_items(vec![bench.item], at(40)).await.unwrap();
    assert!(bench.durable().await, "passwords of deleted items are removed");
    bench.store.set_setting("a".into(), "b".into()).await.unwrap();
    assert!(!bench.durable().await);
    bench.store.delete_project(bench.project, at(40)).await.unwrap();
    assert!(bench.durable().await, "passwords of a deleted project are removed");
}

#[tokio::test]
async fn what_is_deleted_refers_to_no_credential_before_it_is_purged() {
    let bench = Bench::new().await;
    let store = &bench.store;
    let ids = store.new_credentials(4, at(5), "import").await.unwrap();
    bench.import(with(ids[0])).await;
    store.import_items(bench.project, vec![new_item("bob@a", "bob@b")]).await.unwrap();
    let both = [Some(ids[1]), Some(ids[2])];
    let other =
        store.create_project("Other".into(), [server("a"), server("b")], Options::default(), both).await.unwrap();
    let item = NewItem { destination_credential: Some(ids[3]), ..new_item("ann@a", "ann@b") };
    store.import_items(other, vec![item]).await.unwrap();
    assert!(store.unused_credentials(at(6)).await.unwrap().is_empty());
    store.delete_items(vec![bench.item], at(40)).await.unwrap();
    assert_eq!(store.unused_credentials(at(6)).await.unwrap(), ids[..1]);
    store.delete_project(other, at(40)).await.unwrap();
    assert_eq!(store.unused_credentials(at(6)).await.unwrap(), ids);
}
