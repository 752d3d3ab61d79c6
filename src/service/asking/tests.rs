//! Asking with a real engine, database and form, a mail server that says what a test wants, and a clock that a test moves.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use super::*;
use crate::domain::asking::{LinkState, MailState, MailTrouble, SendOutcome};
use crate::domain::ids::{ItemId, ProjectId};
use crate::domain::pass::PassKind;
use crate::domain::project::Options;
use crate::domain::secret::Secret;
use crate::domain::server::Server;
use crate::domain::start_order::StartOrder;
use crate::domain::time::Timestamp;
use crate::engine::command::Command;
use crate::intake::smtp_peer::{Answers, SmtpPeer};
use crate::platform::clock::FixedClock;
use crate::service::mail::MailSecret;
use crate::service::start::take;
use crate::service::{OpenOptions, RunningEngine, Takes, VaultKind, mail, vault};
use crate::store::NewItem;

/// What lasts longer hangs.
const PATIENCE: Duration = Duration::from_secs(60);

struct Bench {
    workspace: OpenWorkspace,
    clock: Arc<FixedClock>,
    peer: SmtpPeer,
    engine: RunningEngine,
    project: ProjectId,
    items: Vec<ItemId>,
    _folder: tempfile::TempDir,
}

impl Bench {
    /// So many items wait for their owners; the source does not answer.
    async fn new(items: usize, answers: Answers) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let clock = Arc::new(FixedClock::at(Timestamp::from_millis(1_000_000)));
        let options = OpenOptions { clock: Arc::clone(&clock) as Arc<_>, ..OpenOptions::new(folder.path().to_owned()) };
        let workspace = OpenWorkspace::open(options).unwrap();
        vault::unlock(&workspace, VaultKind::Memory, None).await.unwrap();
        let peer = SmtpPeer::start(answers).await;
        let port = peer.port.to_string();
        for (name, value) in [
            ("mail-server", "127.0.0.1"),
            ("mail-port", &port),
            ("mail-security", "plain"),
            ("mail-login", "kim"),
            ("mail-from", "kim@b.example"),
            ("mail-rate", "10000"),
            ("form-listen", "127.0.0.1:0"),
            ("form-url", "http://localhost:1"),
        ] {
            workspace.store.set_setting(name.into(), value.into()).await.unwrap();
        }
        mail::set_secret(&workspace, MailSecret::Typed(Secret::new("hunter2"))).await.unwrap();
        let server = |url: &str| Server::parse_url(url).unwrap();
        let sides = [server("imap+plain://127.0.0.1:1"), server("maildir:/nowhere/{email}")];
        let project = workspace.store.create_project("p".into(), sides, Options::default(), [None; 2]).await.unwrap();
        let new = |at: usize| NewItem {
            source_email: format!("u{at}@a.example"),
            destination_email: format!("u{at}@b.example"),
            ..NewItem::default()
        };
        let imported = workspace.store.import_items(project, (0..items).map(new).collect()).await.unwrap();
        let items = imported.into_iter().map(|imported| imported.id).collect();
        let lock = take(&workspace).await.unwrap();
        let engine = RunningEngine::start(&workspace, lock, Takes::All).unwrap();
        let bench = Self { workspace, clock, peer, engine, project, items, _folder: folder };
        bench.start().await;
        bench
    }

    async fn start(&self) {
        let (items, order) = (self.items.clone(), StartOrder::now(PassKind::Full));
        let start = Command::Start { project: self.project, lacking: items.clone(), items, order };
        assert_eq!(self.engine.command(start).await.done, self.items);
    }

    async fn asking(&self) -> Asking {
        Asking::begin(&self.workspace, self.engine.orders()).await.unwrap()
    }

    /// Looks again and again until this holds.
    async fn until(&self, what: &str, holds: impl AsyncFn(&Self) -> bool) {
        let mut looks = tokio::time::interval(Duration::from_millis(20));
        let waits = async {
            while !holds(self).await {
                looks.tick().await;
            }
        };
        tokio::time::timeout(PATIENCE, waits).await.unwrap_or_else(|_| panic!("{what} did not come"));
    }

    /// Waits until the mail server took so many mails; says how many they are by then.
    async fn took(&self, mails: usize) -> usize {
        tokio::time::timeout(PATIENCE, self.peer.took(mails)).await.unwrap_or_else(|_| panic!("no {mails} mails came"))
    }

    /// What the grid shows of the mails to owners, item by item.
    fn shown(&self) -> Vec<Option<MailTrouble>> {
        self.engine.snapshots().borrow().rows().map(|row| row.mail).collect()
    }

    async fn states(&self, item: ItemId) -> Vec<MailState> {
        self.workspace.store.mails(item).await.unwrap().into_iter().map(|(mail, _)| mail.state).collect()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn h4_a_mail_that_is_put_off_says_so_and_goes_out_later_by_itself() {
    let bench = Bench::new(1, &[("RCPT", "450 4.2.0 greylisted\r\n")]).await;
    let asking = bench.asking().await;
    let item = bench.items[0];
    bench.until("a try", async |bench| bench.peer.heard("RCPT").len() == 1).await;
    bench.until("its end", async |bench| bench.states(item).await == [MailState::Queued]).await;
    bench.peer.says(&[]);
    let (mail, tries) = bench.workspace.store.mails(item).await.unwrap().remove(0);
    assert_eq!((tries.len(), tries[0].outcome), (1, SendOutcome::Later));
    assert!(tries[0].answer.contains("4.2.0 greylisted"), "{tries:?}");
    assert_eq!(mail.next_try, tries[0].at.plus(Duration::from_secs(60)));
    bench.clock.set(mail.next_try);
    bench.until("the mail", async |bench| bench.states(item).await == [MailState::Sent]).await;
    assert_eq!(bench.peer.heard("RCPT").len(), 2);
    let asked = asked_of(&bench.workspace, item).await.unwrap();
    assert_eq!((asked.requests.len(), asked.requests[0].state), (1, LinkState::Alive));
    asking.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn h4_d24_a_refused_login_is_tried_once_for_all_mails_until_it_is_another_one() {
    let bench = Bench::new(3, &[("AUTH", "535 5.7.8 wrong\r\n")]).await;
    let asking = bench.asking().await;
    bench.until("a try", async |bench| bench.peer.heard("AUTH").len() == 1).await;
    let stopped = [Some(MailTrouble::LoginRefused); 3];
    bench.until("all who wait to say so", async |bench| bench.shown() == stopped).await;
    let told = bench.workspace.store.settings().await.unwrap();
    assert!(told[crate::store::LOGIN_REFUSED].contains("5.7.8 wrong"), "{told:?}");
    // All are due, also the one that was tried.
    bench.clock.set(Timestamp::from_millis(10_000_000));
    let before = bench.peer.heard("EHLO").len();
    bench.peer.says(&[]);
    mail::set_secret(&bench.workspace, MailSecret::Typed(Secret::new("another"))).await.unwrap();
    for item in &bench.items {
        bench.until("a mail", async |bench| bench.states(*item).await == [MailState::Sent]).await;
    }
    assert_eq!((before, bench.peer.heard("AUTH").len()), (1, 4));
    bench.until("nothing to be said", async |bench| bench.shown() == [None; 3]).await;
    asking.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn h4_a_refused_mail_is_shown_at_its_item_until_a_reminder_went_out_or_nobody_waits() {
    let bench = Bench::new(2, &[("RCPT", "550 5.1.1 no such mailbox\r\n")]).await;
    let asking = bench.asking().await;
    bench.until("both refusals", async |bench| bench.shown() == [Some(MailTrouble::Refused); 2]).await;
    let lines = asked_of(&bench.workspace, bench.items[0]).await.unwrap().lines(|_| "now".into());
    assert!(lines[1].contains("refused by the mail server (now: ") && lines[1].contains("550"), "{lines:?}");
    bench.peer.says(&[]);
    remind(&bench.workspace, &bench.items[..1]).await.unwrap();
    bench.until("the reminder", async |bench| bench.shown() == [None, Some(MailTrouble::Refused)]).await;
    // Who comes later to the workspace is shown the same.
    assert_eq!(bench.workspace.store.mail_troubles(None).await.unwrap().len(), 1);
    let stop = Command::Stop { project: bench.project, items: bench.items.clone() };
    bench.engine.command(stop).await;
    bench.until("the end", async |bench| bench.shown() == [None, None]).await;
    asking.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn h5_many_who_wait_get_one_mail_each_with_a_link_of_their_own() {
    let bench = Bench::new(40, &[]).await;
    let asking = bench.asking().await;
    bench.took(40).await;
    let recipients: BTreeSet<String> = bench.peer.heard("RCPT").into_iter().collect();
    let links: BTreeSet<String> = bench.peer.heard("http://localhost:1/").into_iter().collect();
    assert_eq!((recipients.len(), links.len()), (40, 40));
    for item in &bench.items {
        bench.until("each one's end", async |bench| bench.states(*item).await == [MailState::Sent]).await;
    }
    asking.end().await;
    let asking = bench.asking().await;
    bench.until("nothing left", async |bench| bench.workspace.store.next_mail_due().await.unwrap().is_none()).await;
    asking.end().await;
    assert_eq!(bench.peer.heard("RCPT").len(), 40);
    let mut stopped = bench.engine.command(Command::Stop { project: bench.project, items: bench.items.clone() }).await;
    stopped.done.sort_unstable();
    assert_eq!(stopped.done, bench.items);
    let dead = asked_of(&bench.workspace, bench.items[7]).await.unwrap();
    assert_eq!(dead.requests[0].state, LinkState::Dead);
    assert!(link(&bench.workspace, bench.items[7]).await.is_err());
    assert_eq!(remind(&bench.workspace, &bench.items[..2]).await.unwrap(), bench.items[..2]);
}

#[tokio::test(flavor = "multi_thread")]
async fn h5_a_thousand_who_wait_are_asked_at_the_rate_that_is_set_while_the_engine_answers() {
    // 10,000 a minute, as the bench sets it: 167 a second.
    const EACH: Duration = Duration::from_millis(6);
    let bench = Bench::new(1_000, &[]).await;
    let began = std::time::Instant::now();
    let asking = bench.asking().await;
    let mut slowest = Duration::ZERO;
    let mut taken = 0;
    while taken < 1_000 {
        taken = bench.took(taken + 1).await;
        let sent = u32::try_from(taken).unwrap();
        assert!(began.elapsed() + EACH >= EACH * sent.saturating_sub(1), "{sent} mails in {:?}", began.elapsed());
        assert!(began.elapsed() < 6 * PATIENCE, "only {sent} mails");
        let asked = std::time::Instant::now();
        let star = Some(crate::domain::star::Star::Red);
        let items = vec![bench.items[taken % 1_000]];
        let starred = bench.engine.command(Command::Star { project: bench.project, items, star }).await;
        assert_eq!((starred.done.len(), starred.error), (1, None));
        slowest = slowest.max(asked.elapsed());
    }
    assert!(slowest < Duration::from_secs(2), "the engine was deaf for {slowest:?}");
    let recipients: BTreeSet<String> = bench.peer.heard("RCPT").into_iter().collect();
    let links: BTreeSet<String> = bench.peer.heard("http://localhost:1/").into_iter().collect();
    assert_eq!((recipients.len(), links.len(), bench.peer.heard("RCPT").len()), (1_000, 1_000, 1_000));
    let snapshot = bench.engine.snapshots().borrow().clone();
    let waiting = snapshot.rows().filter(|row| row.status == crate::domain::status::Status::WaitingForUser);
    assert_eq!(waiting.count(), 1_000);
    asking.end().await;
}
