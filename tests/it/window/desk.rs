//! The desk with the real engine and a real database behind it.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, sync_channel};
use std::time::Duration;

use mailferry::domain::ids::ProjectId;
use mailferry::domain::secret::Secret;
use mailferry::domain::server::Server;
use mailferry::domain::star::Star;
use mailferry::engine::desk::{
    Answer, Ask, Command, Desk, ImportFrom, NewProject, NewServer, Opened, Opening, VaultKind, Waker,
};
use mailferry::engine::endpoints::RealEndpoints;
use mailferry::engine::snapshot::Snapshot;
use mailferry::platform::clock::SystemClock;
use tokio_util::sync::CancellationToken;

/// Longer than anything here may take.
const PATIENCE: Duration = Duration::from_secs(60);

struct Client {
    desk: Desk,
    news: Receiver<()>,
}

impl Client {
    fn open(folder: &std::path::Path) -> (Client, Answer) {
        let (wake, news) = sync_channel(1);
        // A wake-up that waits already is enough.
        let waker: Waker = Arc::new(move || {
            let _ = wake.try_send(());
        });
        let opening = Opening {
            folder: folder.to_owned(),
            vault: Some(VaultKind::File),
            passphrase: Some(Secret::new("open sesame")),
            clock: Arc::new(SystemClock),
            endpoints: Arc::new(RealEndpoints),
        };
        let mut client = Client { desk: Desk::open(opening, waker).expect("threads"), news };
        let answer = client.wait(|desk| desk.answer()).1;
        (client, answer)
    }

    fn wait<T>(&mut self, mut look: impl FnMut(&mut Desk) -> Option<T>) -> T {
        loop {
            if let Some(found) = look(&mut self.desk) {
                return found;
            }
            self.news.recv_timeout(PATIENCE).expect("news");
        }
    }

    fn ask(&mut self, ask: Ask) -> Answer {
        let ticket = self.desk.ask(ask).expect("taken");
        self.wait(|desk| desk.answer().filter(|(answered, _)| *answered == ticket)).1
    }

    fn state(&mut self, fits: impl Fn(&Snapshot) -> bool) -> Arc<Snapshot> {
        self.wait(|desk| Some(desk.snapshot()).filter(|snapshot| fits(snapshot)))
    }
}

fn opened(answer: Answer) -> Opened {
    let Answer::Opened(opened) = answer else { panic!("{answer:?}") };
    *opened
}

fn server(url: &str) -> NewServer {
    NewServer { server: Server::parse_url(url).expect("an address"), authorities: None, password: None }
}

fn with_two_items(client: &mut Client) -> ProjectId {
    let (source, destination) = (server("imap+plain://127.0.0.1:1"), server("imap+plain://127.0.0.1:2"));
    let made = client.ask(Ask::NewProject(Box::new(NewProject { name: "Contoso".into(), source, destination })));
    let Answer::Made(project, projects) = made else { panic!("{made:?}") };
    assert_eq!(projects.len(), 1);
    let from = ImportFrom::Text(Secret::new("anna@a.example\tanna@b.example\nbob@a.example\tbob@b.example\n"));
    let Answer::Previewed(preview) = client.ask(Ask::Preview(from.clone())) else { panic!("a preview") };
    assert_eq!((preview.good, preview.bad, preview.passwords), (2, 0, false));
    let cancel = CancellationToken::new();
    let imported = client.ask(Ask::Import { project, from, skip_bad: false, cancel });
    assert!(matches!(imported, Answer::Imported(ref done) if done.created == 2), "{imported:?}");
    project
}

#[test]
fn r60_stars_settings_and_items_survive_the_window() {
    let folder = tempfile::tempdir().expect("a folder");
    let (mut client, answer) = Client::open(folder.path());
    assert!(opened(answer).unlocked, "the passphrase was given");
    let project = with_two_items(&mut client);
    let rows = client.state(|snapshot| snapshot.rows().count() == 2);
    let bob = rows.row(1).expect("two rows").item;
    let starred = client.ask(Ask::Do(Command::Star { project, items: vec![bob], star: Some(Star::Purple) }));
    assert!(matches!(starred, Answer::Done(outcome) if outcome.done == [bob]));
    client.state(|snapshot| snapshot.rows().any(|row| row.star == Some(Star::Purple)));
    client.ask(Ask::Remember("window.size".into(), "1300 820".into()));
    drop(client);

    let (mut client, answer) = Client::open(folder.path());
    let opened = opened(answer);
    assert_eq!(opened.settings["window.size"], "1300 820");
    assert_eq!((opened.projects.len(), opened.held, opened.resumed), (1, 0, 0));
    let rows = client.state(|snapshot| snapshot.rows().count() == 2);
    let stars: Vec<_> = rows.rows().map(|row| row.star).collect();
    assert_eq!(stars, [None, Some(Star::Purple)]);
}

#[test]
fn items_without_a_credential_are_left_alone_by_name_of_the_reason() {
    let folder = tempfile::tempdir().expect("a folder");
    let (mut client, _) = Client::open(folder.path());
    let project = with_two_items(&mut client);
    let items = client.state(|snapshot| snapshot.rows().count() == 2).rows().map(|row| row.item).collect();
    let kind = mailferry::domain::pass::PassKind::Full;
    let Answer::Done(outcome) = client.ask(Ask::Start { project, items, kind }) else { panic!("an outcome") };
    assert!(outcome.done.is_empty() && outcome.error.is_none());
    assert_eq!(outcome.left.len(), 2);
    assert!(outcome.left[0].1.starts_with("no credential for the source and the destination"), "{outcome:?}");
}

#[test]
fn a_second_window_is_told_who_has_the_workspace() {
    let folder = tempfile::tempdir().expect("a folder");
    let (first, answer) = Client::open(folder.path());
    opened(answer);
    let (mut second, answer) = Client::open(folder.path());
    assert!(matches!(answer, Answer::InUse(Some(owner)) if owner.pid == std::process::id()));
    drop(first);
    opened(second.ask(Ask::Reopen));
}

#[test]
fn a_question_never_waits() {
    let (mut desk, office) = Desk::pair();
    let taken = (0..1000).take_while(|_| desk.ask(Ask::Projects).is_ok()).count();
    assert_eq!(taken, 64, "the channel is bounded, and full is an error at once");
    drop(office);
    assert!(desk.ask(Ask::Projects).is_err());
}
