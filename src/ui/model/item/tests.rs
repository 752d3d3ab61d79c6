use super::*;
use crate::domain::counts::Counts;
use crate::domain::ids::{FolderId, ProjectId};
use crate::domain::pass::PassKind;
use crate::domain::progress::FolderPhase;
use crate::domain::progress::{PassFolder, PassProgress};
use crate::domain::status::Status;
use crate::service::items::PassLine;

fn row(id: i64) -> ItemRow {
    ItemRow {
        item: ItemId(id),
        project: ProjectId(1),
        source: format!("user{id}"),
        destination: String::new(),
        star: None,
        status: Status::Migrating,
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

fn lines(from: i64, to: i64, copied: u64) -> Vec<FolderLine> {
    let line = |id: i64| FolderLine {
        source: format!("f{id}"),
        destination: format!("f{id}"),
        folder: PassFolder {
            folder: FolderId(id),
            phase: FolderPhase::Working,
            counts: Counts { source: 9, copied, ..Counts::default() },
        },
    };
    (from..to).map(line).collect()
}

fn details(pass: i64, folders: Vec<FolderLine>) -> Details {
    let pass = PassLine {
        id: PassId(pass),
        kind: PassKind::Full,
        status: Status::Migrating,
        submitted: Timestamp::from_millis(0),
        started: None,
        ended: None,
        counts: Counts::default(),
        leaves_something: false,
        failure: None,
    };
    Details {
        item: ItemId(1),
        passes: vec![pass],
        folders,
        errors: Vec::new(),
        notices: Vec::new(),
        own: Default::default(),
        credentials: Default::default(),
    }
}

#[test]
fn a_long_list_does_not_jump_back_while_its_pass_runs() {
    let mut page = ItemPage::new(ItemId(1));
    let whole = i64::from(PAGE);
    assert_eq!(page.answered(details(7, lines(0, whole, 1))), (vec![], vec![]));
    assert!(page.more.0, "there may be more");
    page.more_folders(PassId(7), PAGE, lines(whole, whole + 40, 1));
    page.more_folders(PassId(6), PAGE, lines(whole, whole + 40, 1));
    let folders = |page: &ItemPage| page.details.as_ref().map(|details| details.folders.len());
    assert_eq!(folders(&page), Some(540), "only once, and only of this pass");
    assert!(!page.more.0, "there are no more");
    assert_eq!(page.answered(details(7, lines(0, whole, 2))), (vec![PAGE], vec![]), "the rest is read again");
    page.more_folders(PassId(7), PAGE, lines(whole, whole + 40, 2));
    assert_eq!(folders(&page), Some(540));
    let newer = |line: &FolderLine| line.folder.counts.copied == 2;
    assert!(page.details.as_ref().unwrap().folders.iter().all(newer), "the newer figures");
    page.answered(details(8, lines(0, 3, 0)));
    assert_eq!((folders(&page), page.more.0), (Some(3), false), "another pass, another list");
}

#[test]
fn neighbours_follow_the_order_of_the_grid() {
    let snapshot = Snapshot::of(1, (0..4).map(row));
    let mut page = ItemPage::new(ItemId(2));
    assert!(page.row(&snapshot).is_some());
    page.find_neighbours(&[3, 2, 0], &snapshot);
    let expected = Neighbours { at: Some((2, 3)), previous: Some(ItemId(3)), next: Some(ItemId(0)) };
    assert_eq!(page.neighbours, expected);
    page.find_neighbours(&[2, 3, 0], &snapshot);
    assert_eq!((page.neighbours.at, page.neighbours.previous), (Some((1, 3)), None), "the order changed");
    page.find_neighbours(&[3, 0], &snapshot);
    assert_eq!(page.neighbours, Neighbours::default(), "the filter hides it");
}
