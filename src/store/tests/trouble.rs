//! A full disk, a lock of somebody else, a request that panics: named, and nothing half written.

use super::*;

#[tokio::test]
async fn a_full_disk_is_named_and_leaves_no_half_group() {
    let bench = Bench::new().await;
    let (one, pass) = (bench.folder("one", 1, 1).await, bench.submit().await);
    let limit = |pages: i64| {
        bench.store.inner.writer.run(move |writer| {
            let pages = if pages == 0 { 1 << 30 } else { pages };
            Ok(writer.connection.pragma_update_and_check(None, "max_page_count", pages, |r| r.get::<_, i64>(0))?)
        })
    };
    limit(1).await.unwrap(); // no further growth
    let group = || Results {
        watermarks: (1..=500).map(|n| (one, mark(n, one, n, 2, &["$New"]))).collect(),
        ..Results::default()
    };
    assert!(matches!(bench.store.record(pass, group()).await, Err(StoreError::Full)));
    assert_eq!(bench.count("watermark"), 0);
    limit(0).await.unwrap();
    bench.store.record(pass, group()).await.unwrap();
    let read = bench.store.watermarks(one).await.unwrap();
    assert_eq!(
        (read.len(), read[0].flags.to_string().as_str()),
        (500, "$New"),
        "no flag set remembered from the failure"
    );
}

#[tokio::test]
async fn a_locked_database_is_busy() {
    let bench = Bench::new().await;
    bench
        .store
        .inner
        .writer
        .run(|writer| Ok(writer.connection.busy_timeout(std::time::Duration::ZERO)?))
        .await
        .unwrap();
    let other = bench.other();
    other.execute_batch("BEGIN EXCLUSIVE").unwrap();
    assert!(matches!(bench.store.set_note(bench.item, None).await, Err(StoreError::Busy)));
    assert!(bench.store.item(bench.item).await.is_ok(), "reading goes on");
    other.execute_batch("COMMIT").unwrap();
    bench.store.set_note(bench.item, None).await.unwrap();
}

#[tokio::test]
async fn readers_cannot_write_and_readonly_is_named() {
    let bench = Bench::new().await;
    let tried = bench.store.read(|connection| Ok(connection.execute("DELETE FROM item", [])?)).await;
    assert!(matches!(tried, Err(StoreError::ReadOnly)));
    let folder = bench.store.path().parent().unwrap().join("not-writable");
    std::fs::create_dir(&folder).unwrap();
    let mut permissions = std::fs::metadata(&folder).unwrap().permissions();
    permissions.set_readonly(true);
    std::fs::set_permissions(&folder, permissions).unwrap();
    if std::fs::write(folder.join("probe"), "").is_err() {
        let refused = Store::open(&folder, at(1)).unwrap_err();
        assert!(matches!(refused, StoreError::ReadOnly | StoreError::CannotOpen(_)), "{refused}");
    } // else permissions do not bind this user (root)
}

#[tokio::test]
async fn a_panicking_request_fails_alone() {
    let bench = Bench::new().await;
    let item = bench.item;
    let panicked = bench.store.write(move |transaction, _| -> Result<()> {
        transaction.execute("UPDATE item SET note = 'half' WHERE id = ?1", [item])?;
        panic!("on purpose")
    });
    assert!(matches!(panicked.await, Err(StoreError::Closed)));
    assert_eq!(bench.store.item(item).await.unwrap().note, None);
}
