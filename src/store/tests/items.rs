//! Projects and items: made, found again, deleted; credentials by number.

use super::*;
use crate::domain::edit::{ItemEdit, ProjectEdit};
use crate::domain::pass_plan::PassPlan;
use crate::domain::status::Wait;

#[tokio::test]
async fn a_deleted_project_frees_its_name_and_is_purged_whole() {
    let bench = Bench::new().await;
    let store = &bench.store;
    let taken = store.create_project("CONTOSO".into(), [server("a"), server("b")], Options::default(), [None; 2]).await;
    assert!(matches!(taken, Err(StoreError::NameTaken(_))));
    let ids = store.new_credentials(2, at(5), "admin").await.unwrap();
    let item = NewItem { destination_credential: Some(ids[0]), ..new_item("ann@a", "ann@b") };
    store.import_items(bench.project, vec![item]).await.unwrap();
    let with = [Some(ids[1]), None];
    let other =
        store.create_project("Other".into(), [server("a"), server("b")], Options::default(), with).await.unwrap();
    assert_eq!(store.project_credentials(other).await.unwrap(), (Some(ids[1]), None));
    assert_eq!(store.delete_project(other, at(40)).await.unwrap(), ids[1..]);
    let pass = bench.submit().await;
    let one = bench.folder("one", 1, 1).await;
    let watermarks = vec![(one, mark(1, one, 1, 2, &[]))];
    store.record(pass, Results { watermarks, errors: vec![error(1)], ..Results::default() }).await.unwrap();
    let line = PassFolder { folder: one, phase: FolderPhase::Done, counts: Counts::default() };
    store.progress(pass, PassProgress::default(), vec![line]).await.unwrap();
    store.set_status(StatusChange::new(pass, Status::Submitted, Status::Completed), at(20)).await.unwrap();
    assert_eq!(store.delete_project(bench.project, at(40)).await.unwrap(), ids[..1]);
    assert!(store.project_named("contoso").await.unwrap().is_none());
    store.create_project("contoso".into(), [server("a"), server("b")], Options::default(), [None; 2]).await.unwrap();
    bench.purge().await;
    for table in ["item", "pass", "folder", "watermark", "pass_folder", "item_error"] {
        assert_eq!(bench.count(table), 0, "{table}");
    }
    assert_eq!(store.unused_credentials(at(6)).await.unwrap(), ids, "known until they are gone from the vault");
    store.forget_credentials(ids).await.unwrap();
    assert_eq!(bench.count("credential"), 0);
    let project = store.project_named("Contoso").await.unwrap().unwrap();
    assert!(project.id > bench.project, "ids are never used twice");
    let edit = ProjectEdit { name: Some("Fabrikam".into()), ..ProjectEdit::of(project.id) };
    assert_eq!(store.edit_project(edit, at(30)).await.unwrap(), []);
    let renamed = crate::domain::project::Project { name: "Fabrikam".into(), ..project.clone() };
    assert_eq!(store.projects().await.unwrap(), vec![renamed]);
}

#[tokio::test]
async fn import_finds_items_by_key_ignoring_case() {
    let bench = Bench::new().await;
    let store = &bench.store;
    let mut again = new_item("ANN@A", "ann@B");
    again.source_login = Some("ann1".into());
    let list = vec![again, new_item("bob@a", "bob@b"), new_item("ann@a", "other@b"), new_item("Bob@a", "bob@b")];
    let imported = store.import_items(bench.project, list).await.unwrap();
    let updated = Became::Updated { replaced: [None; 2] };
    let became: Vec<Became> = imported.iter().map(|i| i.became).collect();
    assert_eq!(became, [updated, Became::Created, Became::Created, Became::Unchanged]);
    assert_eq!((imported[0].id, imported[3].id), (bench.item, imported[1].id));
    store.import_items(bench.project, vec![new_item("ann@a", "ann@b")]).await.unwrap();
    let ann = store.item(bench.item).await.unwrap();
    assert_eq!((ann.item.source.login.as_deref(), ann.item.source.email.as_str()), (Some("ann1"), "ann@a"));
    assert_eq!(store.items_with_address(bench.project, "ANN@a").await.unwrap().len(), 2);
    assert_eq!(store.items_with_address(bench.project, "bob@B").await.unwrap().len(), 1);
    store.set_star(vec![bench.item], Some(Star::Red)).await.unwrap();
    store.set_note(bench.item, Some("call first".into())).await.unwrap();
    let ann = &store.items(bench.project).await.unwrap()[0];
    assert_eq!((ann.star, ann.note.as_deref()), (Some(Star::Red), Some("call first")));
    let mut clash = ItemEdit::of(bench.item);
    clash.destination.email = Some("Other@b".into());
    let taken = store.edit_item(clash, at(30)).await.unwrap_err();
    assert_eq!(taken.to_string(), "the name \"ann@a:Other@b\" is taken: choose another one");
    store.delete_items(vec![bench.item], at(40)).await.unwrap();
    let back = store.import_items(bench.project, vec![new_item("ann@a", "ann@b")]).await.unwrap()[0];
    assert!(back.became == Became::Created && back.id > bench.item);
}

#[tokio::test]
async fn a_hundred_thousand_items_come_in_and_out() {
    let bench = Bench::new().await;
    let list = (0..100_000).map(|n| new_item(&format!("user{n}@a"), &format!("user{n}@b"))).collect();
    let items: Vec<ItemId> =
        bench.store.import_items(bench.project, list).await.unwrap().iter().map(|i| i.id).collect();
    let order = Submission { kind: PassKind::Full, wait: Wait::None, schedule: None, at: at(10) };
    bench.store.submit(items.into_iter().map(|item| (item, PassPlan::FULL)).collect(), order).await.unwrap();
    let rows = bench.store.items(bench.project).await.unwrap();
    assert_eq!(rows.iter().filter(|row| row.status() == Status::Submitted).count(), 100_000);
}

#[tokio::test]
async fn credentials_are_numbers_never_given_twice() {
    let bench = Bench::new().await;
    let store = &bench.store;
    let ids = store.new_credentials(2, at(5), "import").await.unwrap();
    let give = |source_credential, destination_credential| {
        store.import_items(
            bench.project,
            vec![NewItem { source_credential, destination_credential, ..new_item("ann@a", "ann@b") }],
        )
    };
    let replaced = |replaced| Became::Updated { replaced };
    assert_eq!(give(Some(ids[0]), Some(ids[1])).await.unwrap()[0].became, replaced([None; 2]));
    assert_eq!(store.credential(ids[1]).await.unwrap(), Some((at(5), "import".into())));
    assert_eq!(give(Some(ids[0]), None).await.unwrap()[0].became, replaced([None; 2]), "what is not given stays");
    let other = store.new_credentials(1, at(5), "import").await.unwrap()[0];
    assert_eq!(give(None, Some(other)).await.unwrap()[0].became, replaced([None, Some(ids[1])]));
    let (source, destination) = {
        let item = store.item(bench.item).await.unwrap().item;
        (item.source.credential, item.destination.credential)
    };
    assert_eq!((source, destination), (Some(ids[0]), Some(other)));
    assert_eq!(store.unused_credentials(at(6)).await.unwrap(), ids[1..], "it is known until it is gone from the vault");
    store.forget_credentials(ids[1..].to_vec()).await.unwrap();
    let later = store.new_credentials(1, at(6), "form").await.unwrap();
    assert!(later[0] > other);
    assert!(store.unused_credentials(at(6)).await.unwrap().is_empty());
    assert_eq!(store.unused_credentials(at(7)).await.unwrap(), later);
    store.forget_credentials(later).await.unwrap();
    assert!(store.unused_credentials(at(7)).await.unwrap().is_empty());
    store.choose_vault("file").await.unwrap();
    store.choose_vault("file").await.unwrap();
    assert!(matches!(store.choose_vault("memory").await, Err(StoreError::OtherVault(kind)) if kind == "file"));
    let workspace = store.workspace().await.unwrap();
    assert_eq!((workspace.uuid.len(), workspace.created, workspace.vault.as_deref()), (36, at(1), Some("file")));
}

#[tokio::test]
async fn items_that_look_alike_find_each_other_until_another_mailbox_may_be_meant() {
    use crate::domain::likeness::Likeness;
    let bench = Bench::new().await;
    let store = &bench.store;
    let imported =
        store.import_items(bench.project, vec![new_item("bob@a", "bob@b"), new_item("eve@a", "BOB@b")]).await;
    let [bob, eve] = imported.unwrap()[..] else { panic!("two items") };
    let seen = |source: u8, destination: u8| [source, destination].map(|byte| Some(Likeness([byte; 16])));
    store.keep_likenesses(bench.item, seen(1, 2)).await.unwrap();
    store.keep_likenesses(bob.id, seen(1, 3)).await.unwrap();
    let ann = Some(("ann@a".to_owned(), "ann@b".to_owned()));
    assert_eq!(store.looks_like(bob.id, Side::Source).await.unwrap(), ann);
    assert_eq!(store.looks_like(bob.id, Side::Destination).await.unwrap(), None);
    store.keep_likenesses(eve.id, [None, None]).await.unwrap();
    assert_eq!(store.looks_like(eve.id, Side::Source).await.unwrap(), None, "empty ones are no evidence");

    let bobs = Some(("bob@a".to_owned(), "bob@b".to_owned()));
    assert_eq!(store.shares_destination(eve.id).await.unwrap(), bobs, "by address, whatever its case");
    assert_eq!(store.shares_destination(bench.item).await.unwrap(), None);
    let login = NewItem { destination_login: Some("Bob@b".into()), ..new_item("ann@a", "ann@b") };
    store.import_items(bench.project, vec![login]).await.unwrap();
    assert_eq!(store.shares_destination(bob.id).await.unwrap(), Some(("eve@a".into(), "BOB@b".into())));
    assert!(store.shares_destination(bench.item).await.unwrap().is_some(), "by login");
    // Ann's login is another one now: what was seen of her is forgotten.
    assert_eq!(store.looks_like(bob.id, Side::Source).await.unwrap(), None);

    store.keep_likenesses(bench.item, seen(1, 2)).await.unwrap();
    let mut edit = ProjectEdit::of(bench.project);
    edit.name = Some("Fabrikam".into());
    store.edit_project(edit.clone(), at(30)).await.unwrap();
    assert!(store.looks_like(bob.id, Side::Source).await.unwrap().is_some(), "the same servers");
    edit.source.server = Some(server("elsewhere"));
    store.edit_project(edit, at(31)).await.unwrap();
    assert_eq!(store.looks_like(bob.id, Side::Source).await.unwrap(), None);
}

#[tokio::test]
async fn r10_the_census_differs_when_items_come_go_or_mean_other_mailboxes() {
    let bench = Bench::new().await;
    let store = &bench.store;
    let census = async || store.census().await.unwrap()[0];
    let mut before = census().await;
    let mut differs = async |expected: bool, why: &str| {
        let now = census().await;
        assert_eq!(std::mem::replace(&mut before, now) != now, expected, "{why}");
    };
    let bob = store.import_items(bench.project, vec![new_item("bob@a", "bob@b")]).await.unwrap()[0].id;
    differs(true, "one came").await;
    let login = NewItem { destination_login: Some("boss".into()), ..new_item("bob@a", "bob@b") };
    store.import_items(bench.project, vec![login]).await.unwrap();
    differs(true, "another login").await;
    let mut edit = ProjectEdit::of(bench.project);
    edit.source.server = Some(server("elsewhere"));
    store.edit_project(edit, at(31)).await.unwrap();
    differs(true, "another server").await;
    store.set_note(bob, Some("calls on Monday".into())).await.unwrap();
    let pass = bench.submit().await;
    differs(false, "neither a note nor a pass").await;
    store.delete_items(vec![bob], at(32)).await.unwrap();
    differs(true, "one went").await;
    store.reset(vec![bench.item], at(33)).await.unwrap_err();
    differs(false, "what waits is not reset").await;
    store.set_status(StatusChange::new(pass, Status::Submitted, Status::Stopped), at(33)).await.unwrap();
    differs(false, "nor the end of a pass").await;
    store.reset(vec![bench.item], at(34)).await.unwrap();
    differs(true, "records were dropped").await;
}

#[tokio::test]
async fn a_credential_is_replaced_where_the_status_allows_it() {
    let bench = Bench::new().await;
    let store = &bench.store;
    let ids = store.new_credentials(3, at(5), "window").await.unwrap();
    let set = |id| store.set_item_credential(bench.item, Side::Source, id);
    assert_eq!((set(ids[0]).await.unwrap(), set(ids[1]).await.unwrap()), (None, Some(ids[0])));
    assert_eq!(store.set_project_credential(bench.project, Side::Destination, ids[2]).await.unwrap(), None);
    assert_eq!(store.project_credentials(bench.project).await.unwrap(), (None, Some(ids[2])));
    let pass = bench.submit().await;
    store.set_status(StatusChange::new(pass, Status::Submitted, Status::Queued), at(20)).await.unwrap();
    assert!(matches!(set(ids[0]).await, Err(StoreError::Active(1))), "a worker is about to read it");
    assert_eq!(store.item(bench.item).await.unwrap().item.source.credential, Some(ids[1]));
}
