//! Whatever happens to watermarks and folders, the store holds what a model of it holds.

use super::*;

/// One step of a property run.
#[derive(Clone, Debug)]
enum Step {
    Record(usize, i64),
    Rekey(usize, i64, usize, i64),
    Retire(usize),
    Rename(usize, usize),
}

/// A row whose source folder may be renamed while its destination stays, as the engine keeps it.
fn at_home(row: FolderId, home: usize, name: &str, validity: u32) -> FolderUpdate {
    let place = update(None, ["a", "b", "c"][home], validity, 1);
    FolderUpdate {
        destination: place.destination,
        destination_wire: place.destination_wire,
        ..update(Some(row), name, validity, 1)
    }
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        (0..3usize, 1..12i64).prop_map(|(f, n)| Step::Record(f, n)),
        (0..3usize, 1..12i64, 0..3usize, 1..12i64).prop_map(|(a, n, b, m)| Step::Rekey(a, n, b, m)),
        (0..3usize).prop_map(Step::Retire),
        (0..3usize, 0..3usize).prop_map(|(a, b)| Step::Rename(a, b)),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    /// Whatever is recorded, moved, retired or renamed: each pair of identity and destination stays once.
    #[test]
    fn no_watermark_is_lost_or_doubled(steps in proptest::collection::vec(step(), 1..30)) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let bench = Bench::new().await;
            let pass = bench.submit().await;
            let mut names = ["a".to_owned(), "b".to_owned(), "c".to_owned()];
            let mut validity = [1u32, 1, 1];
            let mut rows = Vec::new();
            for name in &names {
                rows.push(bench.folder(name, 1, 1).await);
            }
            // (folder, source) → (identity, destination folder, destination), for live rows.
            let mut live: BTreeMap<(usize, i64), (u8, usize, i64)> = BTreeMap::new();
            let mut retired: Vec<(u8, i64)> = Vec::new();
            let mut next = 0u8;
            for step in steps {
                match step {
                    Step::Record(folder, source) if !live.contains_key(&(folder, source)) => {
                        next += 1;
                        let watermark = mark(source, rows[folder], i64::from(next), next, &["x"]);
                        live.insert((folder, source), (next, folder, i64::from(next)));
                        let watermarks = vec![(rows[folder], watermark)];
                        bench.store.record(pass, Results { watermarks, ..Results::default() }).await.unwrap();
                    }
                    Step::Rekey(a, n, b, m) => {
                        let free = (a, n) == (b, m) || !live.contains_key(&(b, m));
                        let (from, to) = (Uid(n), Uid(m));
                        let rekeys = vec![Rekey { from_folder: rows[a], from, to_folder: rows[b], to }];
                        let result = bench.store.record(pass, Results { rekeys, ..Results::default() }).await;
                        assert_eq!(result.is_ok(), free && live.contains_key(&(a, n)));
                        if result.is_ok() {
                            let moved = live.remove(&(a, n)).unwrap();
                            live.insert((b, m), moved);
                        }
                    }
                    Step::Retire(folder) => {
                        validity[folder] += 1;
                        let update = at_home(rows[folder], folder, &names[folder], validity[folder]);
                        bench.store.update_folders(bench.item, vec![update]).await.unwrap();
                        let gone = live.extract_if(.., |(f, _), _| *f == folder);
                        retired.extend(gone.map(|(_, (identity, _, destination))| (identity, destination)));
                    }
                    Step::Rename(a, b) if a != b => {
                        names.swap(a, b);
                        let updates = [a, b].map(|f| at_home(rows[f], f, &names[f], validity[f])).to_vec();
                        bench.store.update_folders(bench.item, updates).await.unwrap();
                    }
                    Step::Record(..) | Step::Rename(..) => {}
                }
            }
            let mut found = Vec::new();
            for row in bench.store.folders(bench.item).await.unwrap() {
                let watermarks = bench.store.watermarks(row.id).await.unwrap();
                assert!(watermarks.is_sorted_by_key(|w| w.source));
                for w in watermarks {
                    if let Some(index) = rows.iter().position(|id| *id == row.id) {
                        let (identity, destination_folder, destination) = live[&(index, w.source.0)];
                        // A pointer to a row that was retired meanwhile stays with the live row: same destination folder.
                        assert_eq!(
                            (w.identity, w.destination_folder, w.destination),
                            (Identity([identity; 16]), rows[destination_folder], Uid(destination))
                        );
                    }
                    found.push((w.identity.0[0], w.destination.0));
                }
            }
            let mut expected: Vec<_> = live.values().map(|(identity, _, number)| (*identity, *number)).collect();
            expected.extend(retired);
            expected.sort_unstable();
            found.sort_unstable();
            assert_eq!(found, expected);
        });
    }
}
