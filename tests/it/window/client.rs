//! The client with the real engine and a real database behind it.

use mailferry::domain::pass_plan::PassPlan;
use mailferry::domain::start_order::StartOrder;
use mailferry::service::start::StartRequest;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, sync_channel};
use std::time::Duration;

use mailferry::domain::failure::{Cause, Side};
use mailferry::domain::ids::{PoolId, ProjectId};
use mailferry::domain::mapping::Mapping;
use mailferry::domain::project::Options;
use mailferry::domain::readiness::NotReady;
use mailferry::domain::secret::Secret;
use mailferry::domain::server::Server;
use mailferry::domain::star::Star;
use mailferry::domain::time::Timestamp;
use mailferry::engine::command::Command;
use mailferry::engine::snapshot::{ItemRow, Snapshot};
use mailferry::platform::clock::SystemClock;
use mailferry::service::client::{Client, NEWS, News, Request, Response, Waker};
use mailferry::service::import::ImportFrom;
use mailferry::service::projects::{NewProject, NewServer};
use mailferry::service::remedies::AccountOf;
use mailferry::service::{OpenOptions, ServiceError, VaultKind, WorkspaceInfo};
use tokio_util::sync::CancellationToken;

use crate::support::dovecot::{self, Format, PASSWORD};
use crate::support::product::{plain, tls};

/// Longer than anything here may take.
const PATIENCE: Duration = Duration::from_secs(60);

pub(super) struct Caller {
    end: Client,
    news: Receiver<()>,
}

impl Caller {
    pub fn open(folder: &std::path::Path) -> (Caller, Response) {
        let mut client = Caller::begin(folder);
        let answer = client.wait(|client| client.receive()).1;
        (client, answer)
    }

    /// Begins to open it.
    fn begin(folder: &std::path::Path) -> Caller {
        let (wake, news) = sync_channel(1);
        // A wake-up that waits already is enough.
        let waker: Waker = Arc::new(move || {
            let _ = wake.try_send(());
        });
        let options = OpenOptions {
            vault: Some(VaultKind::File),
            passphrase: Some(Secret::new("open sesame")),
            ..OpenOptions::new(folder.to_owned())
        };
        Caller { end: Client::open(options, waker).expect("threads"), news }
    }

    fn wait<T>(&mut self, mut look: impl FnMut(&mut Client) -> Option<T>) -> T {
        loop {
            if let Some(found) = look(&mut self.end) {
                return found;
            }
            self.news.recv_timeout(PATIENCE).expect("news");
        }
    }

    pub fn ask(&mut self, request: Request) -> Response {
        let id = self.end.send(request).expect("taken");
        // One wake-up may stand for several answers.
        self.wait(|client| std::iter::from_fn(|| client.receive()).find(|(answered, _)| *answered == id)).1
    }

    pub fn state(&mut self, fits: impl Fn(&Snapshot) -> bool) -> Arc<Snapshot> {
        self.wait(|client| Some(client.snapshot()).filter(|snapshot| fits(snapshot)))
    }
}

fn opened(answer: Response) -> WorkspaceInfo {
    let Response::Opened(opened) = answer else { panic!("{answer:?}") };
    *opened
}

fn server(url: &str) -> NewServer {
    NewServer { server: Server::parse_url(url).expect("an address"), authorities: None, password: None, key_file: None }
}

pub(super) fn with_two_items(client: &mut Caller) -> ProjectId {
    let (source, destination) = (server("imap+plain://127.0.0.1:1"), server("imap+plain://127.0.0.1:2"));
    let made = client.ask(Request::NewProject(Box::new(NewProject {
        name: "Contoso".into(),
        client: None,
        source,
        destination,
        options: Options::default(),
        pool: PoolId::FIRST,
    })));
    let Response::Made(project, projects) = made else { panic!("{made:?}") };
    assert_eq!(projects.len(), 1);
    let from = ImportFrom::Text(Secret::new("anna@a.example\tanna@b.example\nbob@a.example\tbob@b.example\n"));
    let Response::Previewed(preview) = client.ask(Request::Preview(project, from.clone())) else { panic!("a preview") };
    assert_eq!((preview.good, preview.bad, preview.passwords), (2, 0, false));
    assert_eq!(preview.notes, [] as [&str; 0]);
    let both = ImportFrom::Text(Secret::new("anna@a.example\tboth@b.example\nbob@a.example\tboth@b.example\n"));
    let Response::Previewed(preview) = client.ask(Request::Preview(project, both)) else { panic!("a preview") };
    assert_eq!(preview.notes, ["line 2: writes into the same mailbox as line 1; they run one after the other"]);
    let cancel = CancellationToken::new();
    let imported = client.ask(Request::Import { project, from, skip_bad: false, records: None, cancel });
    assert!(matches!(imported, Response::Imported(ref done) if done.created == 2), "{imported:?}");
    project
}

#[test]
fn r60_stars_settings_and_items_survive_the_window() {
    let folder = tempfile::tempdir().expect("a folder");
    let (mut client, answer) = Caller::open(folder.path());
    assert!(opened(answer).unlocked, "the passphrase was given");
    let project = with_two_items(&mut client);
    let rows = client.state(|snapshot| snapshot.rows().count() == 2);
    let bob = rows.row(1).expect("two rows").item;
    let starred = client.ask(Request::Command(Command::Star { project, items: vec![bob], star: Some(Star::Purple) }));
    assert!(matches!(starred, Response::Done(outcome) if outcome.done == [bob]));
    client.state(|snapshot| snapshot.rows().any(|row| row.star == Some(Star::Purple)));
    client.ask(Request::Remember("window.size".into(), "1300 820".into()));
    drop(client);

    let (mut client, answer) = Caller::open(folder.path());
    let opened = opened(answer);
    assert_eq!(opened.settings["window.size"], "1300 820");
    assert_eq!((opened.projects.len(), opened.held, opened.resumed), (1, 0, 0));
    let rows = client.state(|snapshot| snapshot.rows().count() == 2);
    let stars: Vec<_> = rows.rows().map(|row| row.star).collect();
    assert_eq!(stars, [None, Some(Star::Purple)]);
}

#[test]
fn r11_items_without_a_credential_wait_for_their_owner() {
    let folder = tempfile::tempdir().expect("a folder");
    let (mut client, _) = Caller::open(folder.path());
    let project = with_two_items(&mut client);
    let state = client.state(|snapshot| snapshot.rows().count() == 2);
    let items: Vec<_> = state.rows().map(|row| row.item).collect();
    let order = StartOrder::now(mailferry::domain::pass::PassKind::Full);
    let start = StartRequest { project, items: items.clone(), order, confirms: true, asks: true };
    let Response::Refused(why) = client.ask(Request::Start(Box::new(start.clone()))) else { panic!("a refusal") };
    assert!(
        why.to_string().starts_with("2 owners would be asked for a password by mail, but no mail can be sent"),
        "{why}"
    );
    let alone = StartRequest { asks: false, ..start.clone() };
    let Response::Started(report) = client.ask(Request::Start(Box::new(alone))) else { panic!("an outcome") };
    assert_eq!(report.into_outcome().left.len(), 2);

    let port = std::net::TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("an address").port();
    let settings = vec![
        ("mail-server", "127.0.0.1".to_owned()),
        ("mail-port", "1".into()),
        ("mail-from", "kim@b.example".into()),
        ("form-listen", format!("127.0.0.1:{port}")),
        ("form-url", format!("http://localhost:{port}")),
    ];
    assert!(matches!(client.ask(Request::SaveSettings(settings)), Response::Settings(_)));
    assert!(matches!(client.ask(Request::CheckForm), Response::FormReached));
    let Response::StartMails(_, mails, None) = client.ask(Request::StartMails(project, items.clone())) else {
        panic!("whose owners are asked")
    };
    assert_eq!(mails.owners, items);
    let Response::Started(report) = client.ask(Request::Start(Box::new(start))) else { panic!("an outcome") };
    assert_eq!(report.into_outcome().done, items);
    let waits = |row: &std::sync::Arc<ItemRow>| row.status == mailferry::domain::status::Status::WaitingForUser;
    client.state(|snapshot| snapshot.rows().filter(|row| waits(row)).count() == 2);
}

#[test]
fn a_second_window_is_told_who_has_the_workspace() {
    let folder = tempfile::tempdir().expect("a folder");
    let (first, answer) = Caller::open(folder.path());
    opened(answer);
    let (mut second, answer) = Caller::open(folder.path());
    assert!(matches!(answer, Response::InUse(Some(owner)) if owner.pid == std::process::id()));
    drop(first);
    opened(second.ask(Request::Reopen));
}

#[test]
fn a_second_start_brings_the_window_to_the_front() {
    let folder = tempfile::tempdir().expect("a folder");
    let options = || OpenOptions::new(folder.path().to_owned());
    assert!(!mailferry::service::front::raise(&options()), "nobody has it");
    let (mut first, answer) = Caller::open(folder.path());
    opened(answer);
    assert!(mailferry::service::front::raise(&options()));
    first.wait(|client| {
        let answers = std::iter::from_fn(|| client.receive());
        answers.into_iter().find(|(request, answer)| *request == NEWS && matches!(answer, Response::Front))
    });
}

#[test]
fn items_that_were_deleted_meanwhile_are_named() {
    let folder = tempfile::tempdir().expect("a folder");
    let (mut client, _) = Caller::open(folder.path());
    let project = with_two_items(&mut client);
    let gone = mailferry::domain::ids::ItemId(4711);
    let order = StartOrder::now(mailferry::domain::pass::PassKind::Full);
    let start =
        Request::Start(Box::new(StartRequest { project, items: vec![gone], order, confirms: true, asks: true }));
    let Response::Started(report) = client.ask(start) else { panic!("an outcome") };
    assert_eq!(report.into_outcome().left, [(gone, NotReady::Deleted.into())]);
}

#[test]
fn items_are_there_when_the_window_hears_of_their_project() {
    let folder = tempfile::tempdir().expect("a folder");
    let (mut client, _) = Caller::open(folder.path());
    with_two_items(&mut client);
    drop(client);
    let (client, answer) = Caller::open(folder.path());
    assert_eq!(opened(answer).projects.len(), 1);
    assert_eq!(client.end.snapshot().rows().count(), 2);
}

#[test]
fn what_another_process_does_reaches_an_open_window() {
    let folder = tempfile::tempdir().expect("a folder");
    let (mut client, _) = Caller::open(folder.path());
    let project = with_two_items(&mut client);
    let other = mailferry::store::Store::open(folder.path(), Timestamp::from_millis(1)).expect("another process");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let one = |name: &str| mailferry::store::NewItem {
        source_email: format!("{name}@a.example"),
        destination_email: format!("{name}@b.example"),
        ..Default::default()
    };
    runtime.block_on(other.import_items(project, vec![one("carol")])).expect("imported");
    client.state(|snapshot| snapshot.rows().count() == 3);

    let address = || Server::parse_url("imaps://imap.example").expect("an address");
    let made = other.create_project("Fabrikam".into(), [address(), address()], Options::default(), [None; 2]);
    let second = runtime.block_on(made).expect("made");
    runtime.block_on(other.import_items(second, vec![one("dora")])).expect("imported");
    let told = |client: &mut Caller, count: usize| {
        client.wait(|client| {
            let answers = std::iter::from_fn(|| client.receive());
            answers.filter(|(request, _)| *request == NEWS).find_map(|(_, answer)| match answer {
                Response::News(news) => (news.projects.len() == count).then_some(news.projects),
                Response::Asking(_) => None,
                other => panic!("{other:?}"),
            })
        })
    };
    assert_eq!(told(&mut client, 2)[1].name, "Fabrikam");
    client.state(|snapshot| snapshot.rows().any(|row| row.source == "dora@a.example"));

    runtime.block_on(other.delete_project(project, Timestamp::from_millis(40))).expect("deleted");
    assert_eq!(told(&mut client, 1)[0].name, "Fabrikam");
    let rows = client.state(|snapshot| snapshot.rows().count() == 1);
    assert_eq!(rows.row(0).expect("a row").source, "dora@a.example");

    runtime.block_on(other.set_setting("keep-awake".into(), "off".into())).expect("set");
    client.wait(|client| {
        let answers = std::iter::from_fn(|| client.receive());
        let off = |news: &News| news.settings.iter().any(|(name, value)| *name == "keep-awake" && value == "off");
        answers.into_iter().find(|(_, answer)| matches!(answer, Response::News(news) if off(news)))
    });
}

const HOUR: Duration = Duration::from_secs(60 * 60);

/// A workspace whose one pass ran an hour ago when its figures stood still, and whose owner died this long ago.
fn crashed(ago: Duration) -> tempfile::TempDir {
    let now = mailferry::domain::clock::Clock::now(&SystemClock);
    let folder = tempfile::tempdir().expect("a folder");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let (mut client, _) = Caller::open(folder.path());
    with_two_items(&mut client);
    let state = client.state(|snapshot| snapshot.rows().count() == 2);
    let items = state.rows().map(|row| (row.item, PassPlan::FULL)).collect();
    drop(client);
    runtime.block_on(async {
        use mailferry::domain::status::{Status, Wait};
        let store = mailferry::store::Store::open(folder.path(), now).expect("the store");
        let (kind, at) = (mailferry::domain::pass::PassKind::Full, now.minus(HOUR));
        let order = mailferry::store::Submission { kind, wait: Wait::None, schedule: None, at };
        let submitted = store.submit(items, order).await.expect("submitted");
        store
            .set_status(
                mailferry::store::StatusChange::new(submitted.passes[0].1, Status::Submitted, Status::Queued),
                at,
            )
            .await
            .expect("taken");
    });
    let (host, user) = (String::new(), String::new());
    let owner =
        mailferry::platform::lock::Owner { pid: 1, host, user, since: now.minus(2 * HOUR), seen: Some(now.minus(ago)) };
    let file = std::fs::File::create(folder.path().join("owner.json")).expect("a file");
    serde_json::to_writer(file, &owner).expect("written");
    folder
}

#[test]
fn d3_passes_go_on_after_a_crash_a_moment_ago_even_if_their_figures_stood_still() {
    let folder = crashed(Duration::from_secs(60));
    let (_client, answer) = Caller::open(folder.path());
    let opened = opened(answer);
    assert_eq!((opened.resumed, opened.held, opened.trouble), (2, 0, Vec::new()));
}

#[test]
fn d3_passes_of_a_crash_long_ago_are_held() {
    let folder = crashed(HOUR / 2);
    let (client, answer) = Caller::open(folder.path());
    let opened = opened(answer);
    assert_eq!((opened.resumed, opened.held), (0, 2));
    let held = |row: &std::sync::Arc<_>| {
        let row: &mailferry::engine::snapshot::ItemRow = row;
        row.status == mailferry::domain::status::Status::Held
    };
    assert!(client.end.snapshot().rows().all(held));
}

/// A pipe that nobody ever writes: whoever opens it hangs.
#[cfg(unix)]
fn pipe(folder: &std::path::Path, name: &str) -> std::path::PathBuf {
    let path = folder.join(name);
    assert!(std::process::Command::new("mkfifo").arg(&path).status().expect("mkfifo").success());
    path
}

/// As long as this is held, nothing comes into the vault: as with a keyring whose question nobody answers.
fn shut_vault(folder: &std::path::Path) -> std::fs::File {
    let path = folder.join(mailferry::vault::FileVault::FILE).with_extension("lock");
    let lock = std::fs::File::options().write(true).open(path).expect("the vault's lock file");
    lock.lock().expect("the vault's lock");
    lock
}

/// A question that waits for the vault.
fn with_password() -> Request {
    let source = NewServer { password: Some(Secret::new("x")), ..server("imap+plain://127.0.0.1:1") };
    let destination = server("imap+plain://127.0.0.1:2");
    Request::NewProject(Box::new(NewProject {
        name: "Hung".into(),
        client: None,
        source,
        destination,
        options: Options::default(),
        pool: PoolId::FIRST,
    }))
}

#[test]
fn questions_that_hang_leave_stars_and_stops_to_be_taken() {
    let folder = tempfile::tempdir().expect("a folder");
    let (mut client, _) = Caller::open(folder.path());
    let project = with_two_items(&mut client);
    let items: Vec<_> = client.state(|snapshot| snapshot.rows().count() == 2).rows().map(|row| row.item).collect();
    let list = folder.path().join("items.csv");
    std::fs::write(&list, "Source Email,Destination Email\na@a.example,a@b.example\n").expect("a list");
    let _shut = shut_vault(folder.path());
    for _ in 0..20 {
        client.end.send(with_password()).expect("taken");
    }
    let star = Request::Command(Command::Star { project, items: items.clone(), star: Some(Star::Green) });
    assert!(matches!(client.ask(star), Response::Done(outcome) if outcome.done == items));
    // Every keystroke asks for a preview; the channel never fills up.
    for _ in 0..20 {
        for _ in 0..20 {
            client.end.send(Request::Preview(project, ImportFrom::File(list.clone(), None))).expect("taken");
        }
        let stop = Request::Command(Command::Stop { project, items: items.clone() });
        assert!(matches!(client.ask(stop), Response::Done(outcome) if outcome.left.len() == 2));
    }
    for _ in 0..3 {
        for _ in 0..20 {
            client.end.send(with_password()).expect("taken");
        }
        let stopped = client.ask(Request::Remember("a".into(), "b".into()));
        assert!(matches!(stopped, Response::Done(_)), "{stopped:?}");
    }
    let refused = client.ask(with_password());
    assert!(matches!(&refused, Response::Refused(ServiceError::TooMany)), "{refused:?}");
    let stopped = client.ask(Request::StopAll);
    assert!(matches!(&stopped, Response::Done(outcome) if outcome.error.is_none()), "{stopped:?}");
}

#[test]
fn closing_while_a_question_hangs_gives_the_workspace_back_in_order() {
    let folder = tempfile::tempdir().expect("a folder");
    let (mut client, _) = Caller::open(folder.path());
    with_two_items(&mut client);
    let shut = shut_vault(folder.path());
    client.end.send(with_password()).expect("taken");
    client.ask(Request::Remember("said".into(), "before".into()));
    client.end.send(Request::Remember("said".into(), "at last".into())).expect("taken");
    drop(client);
    assert_eq!(mailferry::platform::lock::owner(folder.path()), None, "no crash");
    drop(shut);
    let (_client, answer) = Caller::open(folder.path());
    assert_eq!(opened(answer).settings["said"], "at last");
}

#[cfg(unix)]
#[test]
fn closing_while_the_vault_is_waited_for_gives_the_workspace_back() {
    let folder = tempfile::tempdir().expect("a folder");
    let vault = pipe(folder.path(), mailferry::vault::FileVault::FILE);
    let client = Caller::begin(folder.path());
    // Opening it to be written waits for whoever reads it.
    let _silent = std::fs::File::options().write(true).open(vault).expect("the vault is being opened");
    drop(client);
    assert_eq!(mailferry::platform::lock::owner(folder.path()), None, "no crash");
}

#[test]
fn a_question_never_waits() {
    let (mut client, service) = Client::pair();
    let taken = (0..1000).take_while(|_| client.send(Request::Projects).is_ok()).count();
    assert_eq!(taken, 64, "the channel is bounded, and full is an error at once");
    drop(service);
    assert!(client.send(Request::Projects).is_err());
}

/// The only item after a Verify pass.
fn verified(client: &mut Caller, project: ProjectId) -> Arc<ItemRow> {
    let only = |snapshot: &Snapshot| snapshot.rows().next().cloned();
    let before = only(&client.state(|snapshot| snapshot.rows().count() == 1)).expect("an item");
    let order = StartOrder::now(mailferry::domain::pass::PassKind::Verify);
    let start = StartRequest { project, items: vec![before.item], order, confirms: false, asks: true };
    let Response::Started(report) = client.ask(Request::Start(Box::new(start))) else { panic!("an outcome") };
    assert_eq!(report.into_outcome().done, [before.item]);
    let ended =
        |row: &ItemRow| row.pass.map(|pass| pass.id) != before.pass.map(|pass| pass.id) && row.status.is_at_rest();
    only(&client.state(|snapshot| snapshot.rows().all(|row| ended(row)))).expect("an item")
}

#[test]
fn e8_an_unknown_certificate_and_a_wrong_password_are_corrected_from_the_failure() {
    if !dovecot::available() {
        return;
    }
    let (old, new) = (dovecot::shared(Format::Sdbox), dovecot::shared_twin(Format::Sdbox));
    let folder = tempfile::tempdir().expect("a folder");
    let (mut client, _) = Caller::open(folder.path());
    let made = client.ask(Request::NewProject(Box::new(NewProject {
        name: "Contoso".into(),
        client: None,
        source: server(&tls(old)),
        destination: server(&plain(new.plain_port)),
        options: Options::default(),
        pool: PoolId::FIRST,
    })));
    let Response::Made(project, _) = made else { panic!("{made:?}") };
    let (from, into) = (old.user("cured"), new.user("cured"));
    let list = format!(
        "Source Email,Source Login Name,Source Password,Destination Email,Destination Login Name,Destination Password\n\
         a@a.example,{from},wrong,a@b.example,{into},{PASSWORD}\n"
    );
    let from = ImportFrom::Text(Secret::new(list));
    client.ask(Request::Import { project, from, skip_bad: false, records: None, cancel: CancellationToken::new() });

    let cause = |row: &ItemRow| row.failure.as_ref().map(|(side, failure)| (*side, failure.cause));
    let row = verified(&mut client, project);
    assert_eq!(cause(&row), Some((Some(Side::Source), Cause::CertificateNotTrusted)));
    let seen = client.ask(Request::Certificate(project, Side::Source));
    let Response::Certificate(seen) = seen else { panic!("{seen:?}") };
    assert_eq!(seen.fingerprint_text().replace(':', ""), old.certificates.leaf_sha256);
    assert_eq!((seen.subject.as_str(), seen.issuer.as_str()), ("localhost", "Mailferry test authority"));
    let none = client.ask(Request::Certificate(project, Side::Destination));
    assert!(matches!(none, Response::Refused(_)), "a server without TLS shows none: {none:?}");
    let pinned = client.ask(Request::Pin(project, Side::Source, seen.fingerprint));
    assert!(matches!(pinned, Response::Corrected(_)), "{pinned:?}");

    let row = verified(&mut client, project);
    assert_eq!(cause(&row), Some((Some(Side::Source), Cause::LoginRefused)));
    let account = AccountOf { project, item: Some(row.item), side: Side::Source };
    let kept = client.ask(Request::SetPassword(account, Secret::new(PASSWORD)));
    assert!(matches!(kept, Response::Corrected(_)), "{kept:?}");
    let row = verified(&mut client, project);
    assert_eq!((row.status, cause(&row)), (mailferry::domain::status::Status::Completed, None));

    let wrong = client.ask(Request::AddMapping(project, Mapping("no arrow".into())));
    assert!(matches!(wrong, Response::Refused(ServiceError::Rule(_))), "{wrong:?}");
    let mapped = client.ask(Request::AddMapping(project, Mapping("^Files->Files-1".into())));
    assert!(matches!(mapped, Response::Corrected(ref all) if all[0].options.mapping.len() == 1), "{mapped:?}");
}
