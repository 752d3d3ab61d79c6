//! What a person changes: all of it or nothing, looked at while it is written.

use super::*;
use crate::domain::edit::{Change, EditRefusal, ItemEdit, ProjectEdit, Records};
use crate::domain::ids::CredentialId;
use crate::domain::status::Refusal;

impl Bench {
    fn edit(&self) -> ItemEdit<CredentialId> {
        ItemEdit::of(self.item)
    }

    async fn at(&self, status: Status) -> PassId {
        let pass = self.submit().await;
        self.store.set_status(StatusChange::new(pass, Status::Submitted, status), at(20)).await.unwrap();
        pass
    }
}

#[tokio::test]
async fn r13_r24_an_edit_is_written_whole_where_the_status_allows_it() {
    for status in Status::ALL {
        let bench = Bench::new().await;
        let ids = bench.store.new_credentials(2, at(5), "import").await.unwrap();
        let first = ItemEdit {
            source: crate::domain::edit::MailboxEdit { password: Change::Set(ids[0]), ..Default::default() },
            ..bench.edit()
        };
        assert_eq!(bench.store.edit_item(first, at(6)).await.unwrap(), []);
        if status != Status::NotSubmitted {
            bench.at(status).await;
        }
        let before = bench.store.item(bench.item).await.unwrap();
        let mut edit = bench.edit();
        (edit.source.login, edit.source.password) = (Change::Set("boss".into()), Change::Set(ids[1]));
        (edit.note, edit.records) = (Change::Set("VIP".into()), Some(Records::Keep));
        let edited = bench.store.edit_item(edit, at(30)).await;
        let after = bench.store.item(bench.item).await.unwrap();
        if matches!(status, Status::Queued | Status::WaitingForUser | Status::Stopping) {
            assert!(matches!(edited, Err(StoreError::Edit(EditRefusal::Status(_)))), "{status:?}");
            assert_eq!(after, before, "{status:?}");
        } else {
            assert_eq!(edited.unwrap(), ids[..1], "{status:?}");
            assert_eq!((after.item.source.credential, after.note.as_deref()), (Some(ids[1]), Some("VIP")));
            assert_eq!(after.item.source.login.as_deref(), Some("boss"));
        }
    }
}

#[tokio::test]
async fn d13_what_was_copied_stays_known_or_goes_as_it_was_said() {
    let bench = Bench::new().await;
    let pass = bench.submit().await;
    let one = bench.folder("one", 1, 1).await;
    let watermarks = vec![(one, mark(1, one, 1, 2, &[]))];
    bench.store.record(pass, Results { watermarks, ..Results::default() }).await.unwrap();
    let mut edit = bench.edit();
    edit.destination.email = Some("anne@b".into());
    let asked = bench.store.edit_item(edit.clone(), at(20)).await.unwrap_err();
    assert!(
        matches!(&asked, StoreError::Edit(EditRefusal::WhichMailbox(sides)) if *sides == [Side::Destination]),
        "{asked}"
    );
    edit.records = Some(Records::Reset);
    let waits = bench.store.edit_item(edit.clone(), at(20)).await.unwrap_err();
    assert!(matches!(waits, StoreError::Edit(EditRefusal::Status(Refusal::SubmittedFirst))), "{waits}");
    bench.store.set_status(StatusChange::new(pass, Status::Submitted, Status::Completed), at(20)).await.unwrap();
    let keep = ItemEdit { records: Some(Records::Keep), ..edit.clone() };
    bench.store.edit_item(keep, at(30)).await.unwrap();
    assert_eq!(bench.store.watermarks(one).await.unwrap().len(), 1);
    edit.destination.email = Some("other@b".into());
    bench.store.edit_item(edit, at(30)).await.unwrap();
    let row = bench.store.item(bench.item).await.unwrap();
    assert_eq!((row.status(), row.item.destination.email.as_str()), (Status::NotSubmitted, "other@b"));
    bench.purge().await;
    assert_eq!(bench.count("watermark"), 0);
}

#[tokio::test]
async fn a_project_changes_its_servers_at_rest_and_asks_for_the_direction_again() {
    let bench = Bench::new().await;
    let store = &bench.store;
    store.set_confirmed(bench.project, true).await.unwrap();
    let mut edit = ProjectEdit::of(bench.project);
    edit.options = Some(Options { concurrent: 3, ..Options::default() });
    let pass = bench.at(Status::Migrating).await;
    store.edit_project(edit.clone(), at(30)).await.unwrap();
    edit.source.server = Some(server("c"));
    let refused = store.edit_project(edit.clone(), at(30)).await.unwrap_err();
    assert!(refused.to_string().starts_with("1 item of the project is Queued, Migrating or Stopping"), "{refused}");
    let before = store.project(bench.project).await.unwrap();
    assert_eq!((before.options.concurrent, &before.source, before.starts.confirmed), (3, &server("a"), true));
    store.set_status(StatusChange::new(pass, Status::Migrating, Status::Stopped), at(31)).await.unwrap();
    store.edit_project(edit, at(32)).await.unwrap();
    let after = store.project(bench.project).await.unwrap();
    assert_eq!((after.source, after.starts.confirmed), (server("c"), false));
}

#[tokio::test]
async fn a_duplicate_has_the_items_and_no_passwords_and_nothing_that_was_copied() {
    let bench = Bench::new().await;
    let store = &bench.store;
    let ids = store.new_credentials(1, at(5), "import").await.unwrap();
    let item =
        NewItem { source_credential: Some(ids[0]), source_login: Some("boss".into()), ..new_item("ann@a", "ann@b") };
    store.import_items(bench.project, vec![item]).await.unwrap();
    store.set_confirmed(bench.project, true).await.unwrap();
    bench.at(Status::Completed).await;
    let taken = store.duplicate_project(bench.project, "contoso".into(), true).await;
    assert!(matches!(taken, Err(StoreError::NameTaken(_))));
    let copy = store.duplicate_project(bench.project, "Contoso 2".into(), true).await.unwrap();
    let (project, rows) = (store.project(copy).await.unwrap(), store.items(copy).await.unwrap());
    assert_eq!((project.source, project.starts.confirmed, rows.len()), (server("a"), false, 1));
    let row = &rows[0];
    assert_eq!((row.status(), row.item.source.credential), (Status::NotSubmitted, None));
    assert_eq!(row.item.source.login.as_deref(), Some("boss"));
    let empty = store.duplicate_project(bench.project, "Contoso 3".into(), false).await.unwrap();
    assert!(store.items(empty).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_project_is_archived_at_rest_only_and_nothing_starts_in_it_until_it_is_back() {
    for status in Status::ALL.into_iter().filter(|status| *status != Status::NotSubmitted) {
        let bench = Bench::new().await;
        bench.at(status).await;
        let done = bench.store.set_archived(bench.project, true).await;
        let archived = bench.store.project(bench.project).await.unwrap().starts.archived;
        assert_eq!((done.is_ok(), archived), (status.is_at_rest(), status.is_at_rest()), "{status:?}");
    }
    let bench = Bench::new().await;
    let store = &bench.store;
    store.set_archived(bench.project, true).await.unwrap();
    let submit = || {
        let order = Submission { kind: PassKind::Verify, wait: Wait::None, schedule: None, at: at(10) };
        store.submit(vec![(bench.item, PassPlan::FULL)], order)
    };
    let refused = submit().await.unwrap_err();
    assert!(matches!(&refused, StoreError::Archived(name) if name == "Contoso"), "{refused}");
    assert_eq!(store.item(bench.item).await.unwrap().status(), Status::NotSubmitted);
    let copy = store.duplicate_project(bench.project, "Contoso 2".into(), true).await.unwrap();
    assert!(!store.project(copy).await.unwrap().starts.archived, "a copy is there to be worked on");
    store.set_archived(bench.project, false).await.unwrap();
    assert_eq!(submit().await.unwrap().passes.len(), 1);
    assert!(matches!(store.set_archived(ProjectId(4711), true).await, Err(StoreError::Missing(_))));
}

/// A disk without room: nothing half-written, and said as what it is.
#[tokio::test]
async fn a_full_disk_leaves_what_was_to_be_reset_deleted_or_edited_as_it_was() {
    let bench = Bench::new().await;
    let store = &bench.store;
    let new = (0..3000).map(|n| new_item(&format!("user{n}@a"), &format!("user{n}@b"))).collect();
    let items: Vec<ItemId> = store.import_items(bench.project, new).await.unwrap().iter().map(|item| item.id).collect();
    let folder = bench.folder("one", 1, 1).await;
    bench
        .other()
        .execute_batch(
            "INSERT INTO folder SELECT NULL, i.id, f.source, f.source_wire, f.source_validity, f.mailbox_id, f.destination,
                 f.destination_wire, f.destination_validity, NULL, NULL, NULL, 0, 0, f.source_next, f.source_messages,
                 f.destination_next, f.destination_messages, f.destination_mailbox_id, f.strangers_next, f.destination_top
             FROM item AS i, folder AS f",
        )
        .unwrap();
    let before = (store.items(bench.project).await.unwrap(), store.folders(items[7]).await.unwrap());
    assert!(before.1.len() == 1 && store.watermarks(folder).await.unwrap().is_empty());
    let limit = |pages: i64| {
        store.inner.writer.run(move |writer| {
            Ok(writer.connection.pragma_update_and_check(None, "max_page_count", pages, |r| r.get::<_, i64>(0))?)
        })
    };
    bench.other().execute_batch("VACUUM").unwrap(); // no room inside the file
    limit(1).await.unwrap(); // no further growth
    let note = ItemEdit { note: Change::Set("x".repeat(100_000)), ..bench.edit() };
    assert!(matches!(store.edit_item(note, at(30)).await, Err(StoreError::Full)));
    assert!(matches!(store.reset(items.clone(), at(30)).await, Err(StoreError::Full)));
    // A deletion needs hardly any room: it is broken off in its middle.
    let breaks = format!(
        "CREATE TRIGGER full BEFORE UPDATE OF deleted ON item WHEN new.id = {} BEGIN SELECT RAISE(ABORT, 'no room'); END",
        items[2000].0
    );
    limit(1 << 30).await.unwrap();
    bench.other().execute_batch(&breaks).unwrap();
    assert!(store.delete_items(items.clone(), at(40)).await.is_err());
    assert_eq!((store.items(bench.project).await.unwrap(), store.folders(items[7]).await.unwrap()), before);
    bench.other().execute_batch("DROP TRIGGER full").unwrap();
    store.reset(items.clone(), at(31)).await.unwrap();
    assert!(store.folders(items[7]).await.unwrap().is_empty());
    store.delete_items(items, at(40)).await.unwrap();
    assert_eq!(store.items(bench.project).await.unwrap().len(), 1);
}
