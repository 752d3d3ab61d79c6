use std::sync::Arc;

use super::*;
use crate::domain::ids::{ItemId, PassId, ProjectId};
use crate::domain::pass::PassKind;
use crate::domain::progress::PassProgress;
use crate::domain::star::Star;
use crate::domain::status::Status;
use crate::domain::time::Timestamp;
use crate::engine::snapshot::{ItemRow, LatestPass, Snapshot};

pub fn row(id: i64, source: &str) -> ItemRow {
    ItemRow {
        item: ItemId(id),
        project: ProjectId(1),
        source: source.into(),
        destination: format!("{source}.new"),
        star: None,
        status: Status::NotSubmitted,
        pass: None,
        note: None,
        earlier: Default::default(),
        earlier_results: Default::default(),
        progress: PassProgress::default(),
        speed: 0,
        failure: None,
        mail: None,
    }
}

fn snapshot(revision: u64, rows: Vec<ItemRow>) -> Arc<Snapshot> {
    Arc::new(Snapshot::of(revision, rows))
}

fn shown(grid: &Grid, snapshot: &Snapshot) -> Vec<i64> {
    grid.view.places.iter().map(|place| snapshot.row(*place).unwrap().item.0).collect()
}

/// The next state, in which rows with these places' ids are replaced; others are shared with the state before.
pub fn replaced(before: &Snapshot, revision: u64, rows: Vec<ItemRow>) -> Snapshot {
    let mut chunks = before.chunks.clone();
    for row in rows {
        let place = before.rows().position(|old| old.item == row.item).unwrap();
        let (mut at, mut chunk) = (place, 0);
        while at >= chunks[chunk].len() {
            at -= chunks[chunk].len();
            chunk += 1;
        }
        Arc::make_mut(&mut chunks[chunk])[at] = Arc::new(row);
    }
    Snapshot { revision, chunks, ..before.clone() }
}

fn three() -> Vec<ItemRow> {
    vec![row(1, "carl"), row(2, "Anna"), row(3, "bob")]
}

fn act(grid: &mut Grid, snapshot: &Snapshot, action: GridAction) {
    grid.apply(action, snapshot);
    grid.refresh(snapshot);
}

#[test]
fn rows_are_ordered_by_any_column_and_back() {
    let mut rows = three();
    rows[0].progress.counts.copied = 5;
    rows[1].progress.counts.copied = 1;
    rows[2].star = Some(Star::Red);
    let snapshot = snapshot(1, rows);
    let mut grid = Grid::new(ProjectId(1), None);
    grid.refresh(&snapshot);
    assert_eq!(shown(&grid, &snapshot), [2, 3, 1]);
    act(&mut grid, &snapshot, GridAction::Sort(Column::Name));
    assert_eq!(shown(&grid, &snapshot), [1, 3, 2]);
    act(&mut grid, &snapshot, GridAction::Sort(Column::Messages));
    assert_eq!(shown(&grid, &snapshot), [3, 2, 1]);
    act(&mut grid, &snapshot, GridAction::Sort(Column::Star));
    assert_eq!(shown(&grid, &snapshot), [3, 2, 1], "starred ones first");
    for column in Column::ALL {
        act(&mut grid, &snapshot, GridAction::Sort(column));
        assert_eq!(Sort::from_text(&grid.filter.sort.to_text()), Some(grid.filter.sort));
    }
}

#[test]
fn nothing_is_recomputed_while_nothing_changes() {
    let snapshot = snapshot(1, three());
    let mut grid = Grid::new(ProjectId(1), None);
    assert!(grid.refresh(&snapshot));
    assert!(!grid.refresh(&snapshot));
    grid.apply(GridAction::Tab(Tab::Done), &snapshot);
    assert!(grid.refresh(&snapshot) && grid.view.places.is_empty());
}

#[test]
fn the_order_stands_still_while_rows_are_selected() {
    let before = snapshot(1, three());
    let mut grid = Grid::new(ProjectId(1), Some(Sort { column: Column::Messages, descending: true }));
    grid.refresh(&before);
    act(&mut grid, &before, GridAction::Toggle(ItemId(3)));
    let order = shown(&grid, &before);
    let mut rows = three();
    rows[2].progress.counts.copied = 9;
    let after = snapshot(2, rows);
    grid.refresh(&after);
    assert!(grid.view.stale && shown(&grid, &after) == order);
    act(&mut grid, &after, GridAction::SortAgain);
    assert!(!grid.view.stale);
    assert_eq!(shown(&grid, &after)[0], 3);
}

#[test]
fn r57_stars_filter_and_unticking_restores_all() {
    let mut rows = three();
    (rows[0].star, rows[1].star) = (Some(Star::Red), Some(Star::Blue));
    let snapshot = snapshot(1, rows);
    let mut grid = Grid::new(ProjectId(1), None);
    let mut filter = |star| {
        act(&mut grid, &snapshot, GridAction::StarFilter(star));
        shown(&grid, &snapshot)
    };
    assert_eq!(filter(Some(Star::Red)), [1]);
    assert_eq!(filter(None), [3, 1], "and those without a star");
    filter(Some(Star::Red));
    assert_eq!(filter(None), [2, 3, 1]);
}

#[test]
fn r59_all_that_the_filter_shows_is_selected() {
    let snapshot = snapshot(1, three());
    let mut grid = Grid::new(ProjectId(1), None);
    grid.refresh(&snapshot);
    act(&mut grid, &snapshot, GridAction::SelectAll(true));
    assert_eq!(grid.selection.targets.len(), 3);
    act(&mut grid, &snapshot, GridAction::Search("ANNA".into()));
    assert_eq!(
        (grid.selection.targets.len(), grid.selection.selected.len()),
        (1, 3),
        "actions leave hidden ones alone"
    );
    act(&mut grid, &snapshot, GridAction::SelectAll(false));
    assert!(grid.selection.selected.is_empty());
}

#[test]
fn ranges_follow_the_order_shown() {
    let snapshot = snapshot(1, three());
    let mut grid = Grid::new(ProjectId(1), None);
    grid.refresh(&snapshot);
    act(&mut grid, &snapshot, GridAction::Only(ItemId(2)));
    act(&mut grid, &snapshot, GridAction::Range(ItemId(3)));
    assert_eq!(grid.selection.targets, [ItemId(2), ItemId(3)]);
    act(&mut grid, &snapshot, GridAction::Move(1, true));
    assert_eq!((grid.selection.targets.len(), grid.selection.cursor), (3, Some(ItemId(1))));
    act(&mut grid, &snapshot, GridAction::Move(-9, false));
    assert_eq!(
        (grid.selection.targets.len(), grid.selection.cursor),
        (3, Some(ItemId(2))),
        "moving alone changes no selection"
    );
}

#[test]
fn tabs_count_every_item_once_or_say_why_not() {
    let with = |id, status, kind, errors| {
        let mut row = ItemRow {
            status,
            pass: Some(LatestPass::submitted(PassId(id), kind, Timestamp::from_millis(0))),
            ..row(id, "x")
        };
        row.progress.counts.errors = errors;
        row
    };
    let rows = vec![
        row(1, "new"),
        with(2, Status::Migrating, PassKind::Full, 0),
        with(3, Status::Submitted, PassKind::Full, 0),
        with(4, Status::Completed, PassKind::Verify, 0),
        with(5, Status::Completed, PassKind::Full, 2),
        with(6, Status::Failed, PassKind::Full, 0),
        with(7, Status::Stopped, PassKind::Full, 0),
    ];
    let snapshot = snapshot(1, rows);
    let mut grid = Grid::new(ProjectId(1), None);
    grid.refresh(&snapshot);
    assert_eq!(
        grid.sums.totals.tabs,
        [7, 2, 0, 0, 1, 1, 0, 1, 1, 1, 1, 2],
        "a verification is not done; errors are a problem too"
    );
    assert_eq!(grid.sums.totals.done_with_errors, 1);
    act(&mut grid, &snapshot, GridAction::SelectAll(true));
    assert_eq!((grid.selection.startable.items, grid.selection.stoppable.items), (5, 1));
    act(&mut grid, &snapshot, GridAction::Tab(Tab::NeedsYou));
    assert_eq!(shown(&grid, &snapshot), [5, 6]);
}

#[test]
fn statuses_and_marks_are_asked_for_together_and_each_is_taken_away_alone() {
    let mut rows = three();
    rows[0].status = Status::Failed;
    rows[1].status = Status::Failed;
    rows[1].note = Some("call first".into());
    for row in &mut rows {
        row.destination = row.source.to_uppercase() + "@new";
    }
    rows[2].destination = "robert@new".into();
    let snapshot = snapshot(1, rows);
    let mut grid = Grid::new(ProjectId(1), None);
    grid.refresh(&snapshot);
    act(&mut grid, &snapshot, GridAction::StatusFilter(Status::Failed));
    assert_eq!(shown(&grid, &snapshot), [2, 1]);
    act(&mut grid, &snapshot, GridAction::MarkFilter(Mark::Noted));
    assert_eq!(shown(&grid, &snapshot), [2]);
    let kept = grid.filter.to_text();
    assert_eq!(grid.filter.parts().collect::<Vec<_>>(), [Part::Status(Status::Failed), Part::Mark(Mark::Noted)]);
    act(&mut grid, &snapshot, GridAction::Drop(Part::Status(Status::Failed)));
    act(&mut grid, &snapshot, GridAction::Drop(Part::Mark(Mark::Noted)));
    assert_eq!((shown(&grid, &snapshot).len(), grid.filter.is_active()), (3, false));
    grid.filter.restore(&kept);
    grid.filter.restore("tab=nothing star=pink status=99 mark=x");
    assert_eq!(grid.filter.to_text(), kept);
    act(&mut grid, &snapshot, GridAction::ClearFilters);
    act(&mut grid, &snapshot, GridAction::MarkFilter(Mark::Renamed));
    assert_eq!(shown(&grid, &snapshot), [3]);
}

#[test]
fn what_changed_lately_is_looked_at_anew_as_time_goes_but_not_from_under_the_pointer() {
    let hour = 3_600_000;
    let at = |hours: i64| Timestamp::from_millis(hours * hour);
    let changed = |id, hours| {
        let pass = Some(LatestPass::submitted(PassId(id), PassKind::Full, at(hours)));
        ItemRow { pass, status: Status::Completed, ..row(id, "x") }
    };
    let snapshot = snapshot(1, vec![changed(1, 100), changed(2, 110), row(3, "never")]);
    let mut grid = Grid::new(ProjectId(1), None);
    grid.filter.restore("tab=all mark=changed");
    grid.refresh(&snapshot);
    let look = |grid: &mut Grid, hours| {
        grid.tell_time(at(hours));
        grid.refresh(&snapshot);
        shown(grid, &snapshot)
    };
    assert_eq!(look(&mut grid, 130), [2], "also when it was remembered, before the time was known");
    grid.apply(GridAction::Hover(true), &snapshot);
    assert_eq!(look(&mut grid, 140), [2]);
    grid.apply(GridAction::Hover(false), &snapshot);
    assert_eq!(look(&mut grid, 141), [] as [i64; 0]);
}

#[test]
fn an_item_that_changes_status_comes_to_a_filtered_list_and_leaves_it() {
    let before = snapshot(1, three());
    let mut grid = Grid::new(ProjectId(1), None);
    grid.refresh(&before);
    act(&mut grid, &before, GridAction::StatusFilter(Status::Failed));
    assert!(shown(&grid, &before).is_empty());
    let failed = replaced(&before, 2, vec![ItemRow { status: Status::Failed, ..row(3, "bob") }]);
    grid.refresh(&failed);
    assert_eq!(shown(&grid, &failed), [3]);
    let again = replaced(&failed, 3, vec![row(3, "bob")]);
    grid.refresh(&again);
    assert!(shown(&grid, &again).is_empty());
}

#[test]
fn ten_thousand_items_are_ordered_within_a_frame() {
    let rows = (0..10_000).map(|id| row(id, &format!("user{:05}@contoso.example", (id * 7919) % 10_000))).collect();
    let snapshot = snapshot(1, rows);
    let mut grid = Grid::new(ProjectId(1), None);
    grid.refresh(&snapshot);
    assert_eq!(grid.view.places.len(), 10_000);
    let names: Vec<&str> = grid.view.places.iter().map(|place| snapshot.row(*place).unwrap().source.as_str()).collect();
    assert!(names.is_sorted());
    assert!(!grid.refresh(&snapshot), "the next frame costs nothing");
}

proptest::proptest! {
    /// Whatever changed from state to state, the grid shows what one that sees only the last state shows.
    #[test]
    fn a_grid_that_followed_shows_what_a_new_one_shows(
        steps in proptest::collection::vec((0i64..600, 0u64..4, 0usize..3, proptest::bool::ANY), 1..40),
        column in 0..Column::ALL.len(),
        descending: bool,
        tab in 0..Tab::ALL.len(),
    ) {
        let sort = Some(Sort { column: Column::ALL[column], descending });
        let mut state = Snapshot::of(1, (0..600).map(|id| row(id, &format!("user{}", id % 97))));
        let mut followed = Grid::new(ProjectId(1), sort);
        followed.refresh(&state);
        act(&mut followed, &state, GridAction::Tab(Tab::ALL[tab]));
        for (at, (id, copied, status, several)) in steps.into_iter().enumerate() {
            let changed = |id: i64| {
                let mut row = row(id, &format!("user{}", id % 97));
                (row.progress.counts.copied, row.progress.counts.errors) = (copied, copied / 3);
                row.status = [Status::NotSubmitted, Status::Migrating, Status::Failed][status];
                row
            };
            let ids = if several { vec![id, (id + 300) % 600] } else { vec![id] };
            state = replaced(&state, at as u64 + 2, ids.into_iter().map(changed).collect());
            followed.refresh(&state);
        }
        let mut new = Grid::new(ProjectId(1), sort);
        new.apply(GridAction::Tab(Tab::ALL[tab]), &state);
        new.refresh(&state);
        proptest::prop_assert_eq!(&followed.view.places, &new.view.places);
        proptest::prop_assert_eq!(&followed.sums.totals, &new.sums.totals);
        proptest::prop_assert_eq!(&followed.sums.problems, &new.sums.problems);
    }
}
