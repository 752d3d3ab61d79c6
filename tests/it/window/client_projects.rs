//! Projects that go and credentials that are cleared, with the real engine and a real database behind the client.

use mailferry::domain::failure::Side;
use mailferry::domain::ids::PoolId;
use mailferry::domain::project::Options;
use mailferry::domain::server::Server;
use mailferry::domain::sign_in::{SignIn, SignInKind};
use mailferry::service::client::{Request, Response};
use mailferry::service::licenses::PoolTerms;
use mailferry::service::projects::{NewProject, NewServer};

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

#[test]
fn pools_of_licenses_are_made_and_filled_and_a_name_is_taken_once() {
    let folder = tempfile::tempdir().expect("a folder");
    let (mut client, _) = Caller::open(folder.path());
    let terms = || PoolTerms { name: "Spring".into(), client: "Contoso Ltd".into(), ..PoolTerms::default() };
    let Response::Pools(pools) = client.ask(Request::NewPool(terms(), Some(60))) else { panic!("a pool") };
    let spring = &pools[1];
    assert_eq!((pools.len(), spring.free(), &spring.pool.terms), (2, Some(60), &terms()));
    let taken = client.ask(Request::NewPool(terms(), None));
    assert!(matches!(&taken, Response::Refused(why) if why.to_string().contains("taken")), "{taken:?}");
    let more = client.ask(Request::AddLicenses(spring.pool.id, 5, "invoice 7".into()));
    assert!(matches!(&more, Response::Pools(pools) if pools[1].free() == Some(65)), "{more:?}");
    let none = client.ask(Request::AddLicenses(PoolId::FIRST, 5, String::new()));
    assert!(matches!(&none, Response::Refused(why) if why.to_string().contains("unlimited")), "{none:?}");
}

#[test]
fn the_number_of_a_service_account_comes_from_the_key_in_the_vault_and_nothing_else_of_it() {
    let folder = tempfile::tempdir().expect("a folder");
    let (mut client, _) = Caller::open(folder.path());
    let pem = include_str!("../../oauth/app.pem");
    let key = pem.split_inclusive("-----END PRIVATE KEY-----\n").next().expect("a key");
    let file = folder.path().join("key.json");
    let json = serde_json::json!({
        "type": "service_account", "client_email": "svc@p.iam.gserviceaccount.com", "client_id": "104729583710293847561",
        "private_key_id": "k1", "private_key": key,
    });
    std::fs::write(&file, json.to_string()).expect("written");
    let server = |kind| {
        let mut server = Server::parse_url("imap+plain://127.0.0.1:1").expect("an address");
        server.set_sign_in(kind).expect("a server");
        NewServer { server, authorities: None, password: None, key_file: None }
    };
    let new = NewProject {
        name: "Contoso".into(),
        client: None,
        source: NewServer { key_file: Some(file), ..server(Some(SignIn::of(SignInKind::GoogleService))) },
        destination: server(None),
        options: Options::default(),
        pool: PoolId::FIRST,
    };
    let made = client.ask(Request::NewProject(Box::new(new)));
    let Response::Made(project, _) = made else { panic!("{made:?}") };
    let mut number = |side| match client.ask(Request::ServiceNumber(project, side)) {
        Response::ServiceNumber(of, at, number) if (of, at) == (project, side) => number,
        other => panic!("{other:?}"),
    };
    assert_eq!(number(Side::Source).as_deref(), Some("104729583710293847561"));
    assert_eq!(number(Side::Destination), None);
}
