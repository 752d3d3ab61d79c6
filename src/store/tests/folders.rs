//! Rows of folders and the watermarks in them.

use super::*;

#[tokio::test]
async fn watermarks_come_back_as_they_were_put() {
    let bench = Bench::new().await;
    let (one, two) = (bench.folder("one", 1, 1).await, bench.folder("two", 1, 1).await);
    let pass = bench.submit().await;
    let marks =
        vec![mark(2, two, 0, 1, &[r"\Seen", "$Work"]), mark(7, one, 9, 2, &[]), mark(1 << 40, one, 3, 4, &["x"])];
    let put = |marks: &[Watermark]| Results {
        watermarks: marks.iter().rev().map(|m| (one, m.clone())).collect(),
        ..Results::default()
    };
    bench.store.record(pass, put(&marks)).await.unwrap();
    assert_eq!(bench.store.watermarks(one).await.unwrap(), marks);
    let replaced = vec![mark(7, two, 11, 6, &[r"\Seen"])];
    bench.store.record(pass, put(&replaced)).await.unwrap();
    bench
        .store
        .record(pass, Results { flags: vec![(one, Uid(2), Flags::none().into())], ..Results::default() })
        .await
        .unwrap();
    let now = bench.store.watermarks(one).await.unwrap();
    assert_eq!(now, vec![mark(2, two, 0, 1, &[]), replaced[0].clone(), marks[2].clone()]);
    assert_eq!(bench.store.known_at_destination(one).await.unwrap(), vec![Uid(3)]);
    assert_eq!(bench.store.known_at_destination(two).await.unwrap(), vec![Uid(11)]);
}

#[tokio::test]
async fn rekeys_of_a_group_happen_at_once_and_keep_the_destination() {
    let bench = Bench::new().await;
    let (one, two) = (bench.folder("one", 1, 1).await, bench.folder("two", 1, 1).await);
    let pass = bench.submit().await;
    let watermarks =
        vec![(one, mark(1, one, 5, 1, &[])), (two, mark(1, two, 6, 2, &[])), (two, mark(2, two, 7, 3, &[]))];
    bench.store.record(pass, Results { watermarks, ..Results::default() }).await.unwrap();
    let key = |from_folder, from, to_folder, to| Rekey { from_folder, from: Uid(from), to_folder, to: Uid(to) };
    let swap = vec![key(one, 1, two, 1), key(two, 1, one, 1)];
    bench.store.record(pass, Results { rekeys: swap.clone(), ..Results::default() }).await.unwrap();
    assert_eq!(bench.store.watermarks(one).await.unwrap(), vec![mark(1, two, 6, 2, &[])]);
    assert_eq!(bench.store.watermarks(two).await.unwrap()[0], mark(1, one, 5, 1, &[]));
    assert_eq!(bench.store.known_at_destination(one).await.unwrap(), vec![Uid(5)]);
    bench.store.record(pass, Results { rekeys: swap, ..Results::default() }).await.unwrap();
    assert_eq!(bench.store.watermarks(one).await.unwrap(), vec![mark(1, one, 5, 1, &[])]);
    let elsewhere = "watermark WHERE destination_folder <> 0";
    assert_eq!(bench.count(elsewhere), 0, "back home it is stored as its own again");
    for bad in [vec![key(one, 9, two, 9)], vec![key(two, 1, two, 3), key(one, 1, two, 2)]] {
        let refused =
            bench.store.record(pass, Results { rekeys: bad, errors: vec![error(1)], ..Results::default() }).await;
        assert!(matches!(refused, Err(StoreError::Contradiction(_))));
    }
    assert_eq!((bench.count("watermark"), bench.count("item_error")), (3, 0), "no half group");
}

#[tokio::test]
async fn a_new_source_numbering_retires_the_old_one() {
    let bench = Bench::new().await;
    let one = bench.folder("one", 1, 1).await;
    let pass = bench.submit().await;
    let old = mark(1, one, 5, 1, &[]);
    bench.store.record(pass, Results { watermarks: vec![(one, old.clone())], ..Results::default() }).await.unwrap();
    let state = FolderState {
        uid_validity: UidValidity::new(1),
        uid_next: Some(Uid(2)),
        messages: 1,
        highest_modseq: Some(u64::MAX),
    };
    let marker = Some(Marker { state, options: u64::MAX, size: Some(7) });
    bench.store.end_folder(one, FolderEnd { marker, ..FolderEnd::default() }).await.unwrap();
    assert_eq!(bench.folder("one", 0, 0).await, one);
    let rows = bench.store.folders(bench.item).await.unwrap();
    assert_eq!(
        (rows.len(), rows[0].source_validity, rows[0].marker),
        (1, UidValidity::new(1), marker),
        "unknown changes nothing"
    );
    assert_eq!(bench.folder("one", 2, 1).await, one);
    let rows = bench.store.folders(bench.item).await.unwrap();
    assert_eq!(
        (rows[0].id, rows[0].source_validity, rows[0].marker, rows[0].retired),
        (one, UidValidity::new(2), None, false)
    );
    assert_eq!((rows[1].source_validity, rows[1].retired), (UidValidity::new(1), true));
    assert!(bench.store.watermarks(one).await.unwrap().is_empty());
    let retired = rows[1].id;
    assert_eq!(bench.store.watermarks(retired).await.unwrap(), vec![Watermark { destination_folder: retired, ..old }]);
    assert_eq!(bench.store.known_at_destination(one).await.unwrap(), vec![Uid(5)]);
    bench.store.renumber_destination(one, UidValidity::new(8)).await.unwrap();
    assert!(bench.store.known_at_destination(one).await.unwrap().is_empty());
    let rows = bench.store.folders(bench.item).await.unwrap();
    assert!(rows.iter().all(|row| row.destination_validity == UidValidity::new(8)));
    assert_eq!(bench.store.watermarks(retired).await.unwrap()[0].destination, Uid(0));
}

#[tokio::test]
async fn watermarks_of_messages_that_went_are_set_aside_in_one_row() {
    let bench = Bench::new().await;
    let one = bench.folder("one", 1, 1).await;
    let pass = bench.submit().await;
    let watermarks = (1..5).map(|n| (one, mark(n, one, 10 + n, n as u8, &[]))).collect();
    bench.store.record(pass, Results { watermarks, ..Results::default() }).await.unwrap();
    let aside = bench.store.retire(one, vec![Uid(1), Uid(3)]).await.unwrap();
    assert_eq!(bench.store.retire(one, vec![Uid(4)]).await.unwrap(), aside);
    let sources = |marks: Vec<Watermark>| marks.iter().map(|m| m.source.0).collect::<Vec<_>>();
    assert_eq!(sources(bench.store.watermarks(one).await.unwrap()), [2]);
    assert_eq!(sources(bench.store.watermarks(aside).await.unwrap()), [1, 3, 4]);
    assert_eq!(bench.store.known_at_destination(one).await.unwrap().len(), 4, "they are still where they are");
    let rows = bench.store.folders(bench.item).await.unwrap();
    assert!(rows.iter().any(|row| row.id == aside && row.retired));
}

#[tokio::test]
async fn what_was_set_aside_stays_when_its_number_is_set_aside_again() {
    let bench = Bench::new().await;
    let one = bench.folder("one", 1, 1).await;
    let pass = bench.submit().await;
    let mut aside = Vec::new();
    for round in 0..3 {
        let watermarks =
            (1..3).map(|n| (one, mark(n, one, 10 * (round + 1) + n, (10 * round + n) as u8, &[]))).collect();
        bench.store.record(pass, Results { watermarks, ..Results::default() }).await.unwrap();
        let row = bench.store.retire(one, vec![Uid(1), Uid(2)]).await.unwrap();
        aside.extend(bench.store.watermarks(row).await.unwrap().iter().map(|mark| mark.destination.0));
    }
    assert_eq!(aside, [11, 12, 21, 22, 31, 32], "each message has its copy");
    assert_eq!(bench.store.known_at_destination(one).await.unwrap().len(), 6);
}

#[tokio::test]
async fn a_new_mapping_leaves_what_was_copied_where_it_is() {
    let bench = Bench::new().await;
    let (one, two) = (bench.folder("one", 1, 1).await, bench.folder("two", 1, 1).await);
    let pass = bench.submit().await;
    let watermarks =
        vec![(one, mark(1, one, 5, 1, &[])), (two, mark(1, one, 6, 2, &[])), (two, mark(2, two, 7, 3, &[]))];
    bench.store.record(pass, Results { watermarks, ..Results::default() }).await.unwrap();
    let elsewhere = FolderUpdate { destination: FolderPath::new(["elsewhere"]), ..update(Some(one), "one", 1, 9) };
    bench.store.update_folders(bench.item, vec![elsewhere]).await.unwrap();
    let rows = bench.store.folders(bench.item).await.unwrap();
    let place = rows.iter().find(|row| row.retired).expect("a row that holds the old place").id;
    let kept = bench.store.watermarks(one).await.unwrap().remove(0);
    assert_eq!((kept.destination_folder, kept.destination), (place, Uid(5)), "its flags can still be carried");
    let of_two: Vec<_> = bench.store.watermarks(two).await.unwrap().iter().map(|m| m.destination_folder).collect();
    assert_eq!(of_two, [place, two]);
    assert!(bench.store.known_at_destination(one).await.unwrap().is_empty(), "nothing of ours is in the new folder");
}

#[tokio::test]
async fn renamed_folders_keep_their_rows() {
    let bench = Bench::new().await;
    let (a, b, c) = (bench.folder("a", 1, 1).await, bench.folder("b", 2, 2).await, bench.folder("c", 3, 3).await);
    let updates = vec![
        update(None, "c", 4, 4), // a new "c" in the place of the one renamed below
        update(Some(a), "b", 1, 1),
        update(Some(b), "a", 2, 2),
        update(Some(c), "d", 3, 3),
    ];
    let ids = bench.store.update_folders(bench.item, updates).await.unwrap();
    assert_eq!(ids[1..], [a, b, c]);
    assert!(![a, b, c].contains(&ids[0]));
    // "d" was deleted and "a" took its name: the old "d" stays for its identities only.
    bench.store.update_folders(bench.item, vec![update(Some(b), "d", 2, 2)]).await.unwrap();
    let rows = bench.store.folders(bench.item).await.unwrap();
    let live: Vec<_> = rows.iter().filter(|r| !r.retired).map(|r| (r.id, r.source.to_string())).collect();
    assert_eq!(live, vec![(a, "b".into()), (b, "d".into()), (ids[0], "c".into())]);
}

#[tokio::test]
async fn an_open_intent_keeps_its_lower_floor() {
    let bench = Bench::new().await;
    let one = bench.folder("one", 1, 1).await;
    for (begin, kept) in [((5, 10), (5, 10)), ((5, 20), (5, 10)), ((5, 4), (5, 4)), ((6, 30), (6, 30))] {
        let intent = |(validity, floor)| Intent { since: Checkpoint::from_stored((validity, Uid(floor))) };
        bench.store.begin(vec![(one, intent(begin))]).await.unwrap();
        assert_eq!(bench.store.folders(bench.item).await.unwrap()[0].intent, Some(intent(kept)));
    }
    bench.store.end_folder(one, FolderEnd::default()).await.unwrap();
    assert!(bench.store.folders(bench.item).await.unwrap()[0].intent.is_some());
    bench.store.end_folder(one, FolderEnd { close_intent: true, ..FolderEnd::default() }).await.unwrap();
    assert!(bench.store.folders(bench.item).await.unwrap()[0].intent.is_none());
    let unknown = Intent { since: Checkpoint::from_stored((1, Uid(1))) };
    let refused = bench.store.begin(vec![(one, unknown), (FolderId(999), unknown)]).await;
    assert!(matches!(refused, Err(StoreError::Missing(_))));
    assert!(bench.store.folders(bench.item).await.unwrap()[0].intent.is_none(), "all or nothing");
}

#[tokio::test]
async fn lost_copies_are_told_until_they_are_found_in_a_folder() {
    let bench = Bench::new().await;
    let (one, two) = (bench.folder("one", 1, 1).await, bench.folder("two", 1, 1).await);
    let pass = bench.submit().await;
    let watermarks = vec![(one, mark(1, one, 5, 1, &[])), (one, mark(2, one, 6, 2, &[]))];
    bench.store.record(pass, Results { watermarks, ..Results::default() }).await.unwrap();
    bench.store.keep_strangers(two, vec![(Uid(9), mark(1, one, 5, 1, &[]).identity)], Uid(10)).await.unwrap();
    assert!(bench.store.lost_copies(bench.item).await.unwrap().is_empty());
    bench.store.lose(one, vec![Uid(1)]).await.unwrap();
    let lost = bench.store.lost_copies(bench.item).await.unwrap();
    assert_eq!(lost, vec![(one, Watermark { destination: Watermark::LOST, ..mark(1, one, 5, 1, &[]) })]);
    bench.store.found_at(two, vec![(one, Uid(1), Uid(9))]).await.unwrap();
    assert!(bench.store.lost_copies(bench.item).await.unwrap().is_empty());
    assert_eq!(bench.store.known_at_destination(two).await.unwrap(), vec![Uid(9)]);
    assert_eq!(bench.store.strangers_kept(two).await.unwrap(), 0, "it is no stranger any more");
    bench.store.found_at(one, vec![(one, Uid(1), Uid(7))]).await.unwrap();
    assert_eq!(bench.count("watermark WHERE destination_folder <> 0"), 0, "back home it is stored as its own again");
}
