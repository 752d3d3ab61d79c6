//! The service as a window has it, over a tenant: what is ordered there is carried out while the window is open.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, sync_channel};
use std::time::Duration;

use mailferry::domain::ids::{HybridBatchId, HybridProjectId, PoolId};
use mailferry::domain::secret::Secret;
use mailferry::domain::star::Star;
use mailferry::service::client::{
    Client, HybridAsk, HybridTold, NEWS, OPENING, OfHybrid, Request, RequestId, Response, Waker,
};
use mailferry::service::hybrid::batches::Started;
use mailferry::service::hybrid::{HybridOf, HybridView, HybridViews, MoveStatus, NewHybrid};
use mailferry::service::{OpenOptions, VaultKind};

use super::{START, TenantsClock, address, settings};
use crate::support::oidc::{self, APP_SECRET, Oidc};
use crate::support::tenant::http::Tenant;
use crate::support::tenant::{MINUTE, Now};

/// Longer than anything here may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// After so long without news a round had none.
const MOMENT: Duration = Duration::from_millis(500);

/// A window's end, and what it knows of hybrid projects.
struct Caller {
    end: Client,
    woken: Receiver<()>,
    views: HybridViews,
}

impl Caller {
    fn open(folder: &std::path::Path, now: &Now) -> Caller {
        let (wake, woken) = sync_channel(1);
        // A wake-up that waits already is enough.
        let waker: Waker = Arc::new(move || {
            let _ = wake.try_send(());
        });
        let options = OpenOptions {
            vault: Some(VaultKind::File),
            passphrase: Some(Secret::new("open sesame")),
            clock: Arc::new(TenantsClock(now.clone())),
            ..OpenOptions::new(folder.to_owned())
        };
        let end = Client::open(options, waker).expect("threads");
        let mut caller = Caller { end, woken, views: Vec::new() };
        let opened = caller.wait(|id, _| id == OPENING);
        let Response::Opened(opened) = opened else { panic!("{opened:?}") };
        caller.views = opened.hybrid;
        caller
    }

    /// The next response that fits; states are taken in on the way.
    fn wait(&mut self, fits: impl Fn(RequestId, &HybridViews) -> bool) -> Response {
        loop {
            while let Some((id, response)) = self.end.receive() {
                if let Response::HybridViews(views) = &response {
                    self.views.clone_from(views);
                }
                if fits(id, &self.views) {
                    return response;
                }
            }
            self.woken.recv_timeout(PATIENCE).expect("news");
        }
    }

    fn ask(&mut self, ask: HybridAsk) -> HybridTold {
        let request = self.end.send(Request::Hybrid(ask)).expect("taken");
        match self.wait(|id, _| id == request) {
            Response::Hybrid(told) => told,
            other => panic!("{other:?}"),
        }
    }

    fn of(&mut self, project: HybridProjectId, what: OfHybrid) -> HybridTold {
        self.ask(HybridAsk::Of(project, what))
    }

    /// Until the project looks so.
    fn until(&mut self, fits: impl Fn(&HybridView) -> bool) -> Arc<HybridView> {
        if !self.views.iter().any(|view| fits(view)) {
            self.wait(|id, views| id == NEWS && views.iter().any(|view| fits(view)));
        }
        Arc::clone(self.views.iter().find(|view| fits(view)).expect("it was found"))
    }

    /// What comes, until the project looks so, or nothing comes for a moment: not every round has news.
    fn hear(&mut self, fits: impl Fn(&HybridView) -> bool) {
        while !self.views.iter().any(|view| fits(view)) {
            while let Some((_, response)) = self.end.receive() {
                if let Response::HybridViews(views) = response {
                    self.views = views;
                }
            }
            if self.woken.recv_timeout(MOMENT).is_err() {
                return;
            }
        }
    }

    /// Time goes on until the batch stands so; after every step it is heard what comes of it.
    fn go_on(&mut self, (project, batch): (HybridProjectId, HybridBatchId), now: &Now, status: MoveStatus) {
        for _ in 0..6 * 24 * 7 {
            let stands = |view: &HybridView| view.batch(batch).is_some_and(|line| line.status == status);
            if self.views.iter().any(|view| stands(view)) {
                return;
            }
            now.step(31 * MINUTE);
            let at = now.get();
            assert_eq!(self.of(project, OfHybrid::TryNow), HybridTold::Quiet);
            self.hear(|view| {
                let polled = view.batch(batch).and_then(|line| line.batch.polled);
                stands(view) || polled.is_some_and(|polled| polled.millis() >= at)
            });
        }
        panic!("it never came to {status:?}: {:?}", self.views);
    }
}

#[test]
fn r28_r31_r33_r34_a_window_carries_out_what_is_ordered_in_it() {
    if !oidc::available() {
        return;
    }
    let oidc = Oidc::start(3600);
    let now = Now::at(START);
    let tenant = Tenant::start(&oidc.key(), now.clone());
    let folder = tempfile::tempdir().expect("a folder");
    let mut settings = settings(&oidc, &tenant);
    settings.attributes.set("quota=50GB").expect("an attribute");
    let csv: String = (0..3).map(|number| format!("{}\n", address(number))).collect();
    for number in 0..3 {
        tenant.world().add(&address(number));
    }
    let file = folder.path().join("users.csv");
    std::fs::write(&file, format!("Email Address\n{csv}")).expect("written");

    let workspace = tempfile::tempdir().expect("a folder");
    let mut window = Caller::open(workspace.path(), &now);
    let (pool, secret) = (PoolId::FIRST, Some(Secret::new(APP_SECRET)));
    let new = NewHybrid { name: "Contoso".into(), settings, pool, secret, key_file: None };
    let HybridTold::Made(project, views) = window.ask(HybridAsk::New(Box::new(new))) else { panic!("a project") };
    assert_eq!(views.len(), 1);
    let HybridTold::Checked(lines) = window.of(project, OfHybrid::Check(None)) else { panic!("a check") };
    assert!(lines.iter().all(|line| line.is_right()), "{lines:?}");
    let HybridTold::Imported(came) = window.of(project, OfHybrid::Import(file)) else { panic!("an import") };
    assert_eq!((came.new, came.named), (3, 3));
    let view = window.until(|view| view.users.len() == 3);
    let users: Vec<_> = view.users.iter().map(|user| user.id).collect();
    assert_eq!(window.of(project, OfHybrid::Star(users[..1].to_vec(), Some(Star::Green))), HybridTold::Quiet);
    let HybridTold::BatchMade(batch, 3, left) = window.of(project, OfHybrid::NewBatch("Wave 1".into(), users.clone()))
    else {
        panic!("a batch")
    };
    assert_eq!(left, []);
    let started = window.of(project, OfHybrid::Start(batch, false));
    assert_eq!(started, HybridTold::Started(Started::Submitted(Vec::new())));
    window.go_on((project, batch), &now, MoveStatus::PendingFinalization);
    assert!(window.views[0].users.iter().all(|user| user.status == MoveStatus::PendingFinalization));
    drop(window);

    // Another window goes on where that one was.
    let mut window = Caller::open(workspace.path(), &now);
    assert_eq!(window.views[0].user(users[0]).and_then(|user| user.star), Some(Star::Green));
    assert_eq!(window.of(project, OfHybrid::Finalize(batch, None, None)), HybridTold::Done(3, Vec::new()));
    window.go_on((project, batch), &now, MoveStatus::Completed);
    let HybridTold::Details(details) = window.ask(HybridAsk::Details(HybridOf::User(users[2]))) else {
        panic!("details")
    };
    assert!(details.events.iter().any(|event| event.text == "Completed"), "{details:?}");
    let HybridTold::Report(_, _, report) = window.of(project, OfHybrid::Report(users[2])) else { panic!("a report") };
    assert!(!report.is_empty());
    {
        let world = tenant.world();
        assert!((0..3).all(|number| world.people[&address(number)].skus.len() == 1), "each has its license");
        assert!((0..3).all(|number| world.people[&address(number)].mailbox), "each is switched");
        assert_eq!(world.count("New-MigrationBatch"), 1);
    }
    tenant.assert_good();
}
