//! Projects that go and credentials that are cleared, with the real engine and a real database behind the client.

use mailferry::domain::failure::Side;
use mailferry::service::client::{Request, Response};

use super::client::{Caller, with_two_items};

#[test]
fn r40_e4_cleared_credentials_are_gone_and_so_is_a_deleted_project() {
    let folder = tempfile::tempdir().expect("a folder");
    let (mut client, _) = Caller::open(folder.path());
    let project = with_two_items(&mut client);
    let Response::Projects(all) = client.ask(Request::Projects) else { panic!("projects") };
    assert_eq!(all.len(), 1);
    let rows = client.state(|snapshot| snapshot.rows().count() == 2);
    let items: Vec<_> = rows.rows().map(|row| row.item).collect();
    let Response::Done(cleared) = client.ask(Request::ClearCredentials(project, items.clone(), vec![Side::Source]))
    else {
        panic!("an outcome")
    };
    assert_eq!((cleared.done, cleared.left), (items, Vec::new()));
    let duplicate = Request::DuplicateProject(project, "again".into(), true);
    let Response::Made(copy, all) = client.ask(duplicate) else { panic!("a project") };
    assert_eq!(all.len(), 2);
    client.state(|snapshot| snapshot.rows().count() == 4);
    let Response::ProjectDeleted(left) = client.ask(Request::DeleteProject(project)) else { panic!("a deletion") };
    assert_eq!(left.into_iter().map(|project| project.id).collect::<Vec<_>>(), [copy]);
    let rows = client.state(|snapshot| snapshot.rows().all(|row| row.project == copy));
    assert_eq!(rows.rows().count(), 2);
}
