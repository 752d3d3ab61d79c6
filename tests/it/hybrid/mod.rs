//! Hybrid Exchange against a tenant that is a double: its state is asserted at the end, and what a good client never does.

mod crash;
mod people;
mod recorded;
mod troubles;
mod verbs;
mod weeks;
mod window;

use std::path::Path;
use std::sync::Arc;

use mailferry::domain::clock::Clock;
use mailferry::domain::ids::PoolId;
use mailferry::domain::secret::Secret;
use mailferry::domain::sign_in::{SignIn, SignInKind};
use mailferry::domain::time::Timestamp;
use mailferry::service::hybrid::batches::{self, BatchLine, Started};
use mailferry::service::hybrid::{
    self, HybridProject, HybridSettings, HybridUser, MoveStatus, NewHybrid, Once, RoundEnd, users,
};
use mailferry::service::{OpenOptions, OpenWorkspace, VaultKind, vault};

use crate::support::oidc::{APP_SECRET, HYBRID, Oidc, TENANT};
use crate::support::tenant::http::Tenant;
use crate::support::tenant::{MINUTE, Now};

/// Monday, 4 January 2027, 08:00 UTC.
pub const START: i64 = 1_799_049_600_000;

/// The workspace's clock is the tenant's.
struct TenantsClock(Now);

impl Clock for TenantsClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.0.get())
    }
}

/// A provider, a tenant, a workspace with one project.
pub struct Stage {
    pub oidc: Arc<Oidc>,
    pub tenant: Tenant,
    pub now: Now,
    pub workspace: OpenWorkspace,
    pub project: HybridProject,
    pub folder: tempfile::TempDir,
}

/// The settings of a project for a tenant of the test's.
pub fn settings(oidc: &Oidc, tenant: &Tenant) -> HybridSettings {
    HybridSettings {
        sign_in: SignIn {
            tenant: TENANT.into(),
            client_id: HYBRID.into(),
            token_url: oidc.url("token"),
            ..SignIn::of(SignInKind::MicrosoftApp)
        },
        endpoint: "OnPrem".into(),
        target_domain: "contoso.mail.onmicrosoft.com".into(),
        sku: "ENTERPRISEPACK".into(),
        location: "DE".into(),
        exchange_url: tenant.url(),
        graph_url: tenant.url(),
        ..HybridSettings::default()
    }
}

/// The same people, whenever asked.
pub fn address(number: usize) -> String {
    format!("user{number:04}@contoso.example")
}

impl Stage {
    /// With so many users, all of them on-premises and known here.
    pub async fn new(count: usize, change: impl FnOnce(&mut HybridSettings)) -> Stage {
        Stage::over(Arc::new(Oidc::start(3600)), 0..count, change).await
    }

    /// The same with the tokens of a provider that runs.
    pub async fn over(
        oidc: Arc<Oidc>,
        numbers: impl IntoIterator<Item = usize>,
        change: impl FnOnce(&mut HybridSettings),
    ) -> Stage {
        let now = Now::at(START);
        let tenant = Tenant::start(&oidc.key(), now.clone());
        let folder = tempfile::tempdir().expect("a folder");
        let mut settings = settings(&oidc, &tenant);
        change(&mut settings);
        let options =
            OpenOptions { clock: Arc::new(TenantsClock(now.clone())), ..OpenOptions::new(folder.path().to_owned()) };
        let workspace = OpenWorkspace::open(options).expect("a workspace");
        vault::unlock(&workspace, VaultKind::Memory, None).await.expect("a vault");
        let (pool, secret) = (PoolId::FIRST, Some(Secret::new(APP_SECRET)));
        let new = NewHybrid { name: "Contoso".into(), settings, pool, secret, key_file: None };
        hybrid::create(&workspace, new).await.expect("a project");
        let project = hybrid::named(&workspace, "contoso").await.expect("the project");
        let mut csv = String::from("Email Address,Usage Location\n");
        let mut count = 0;
        for number in numbers {
            count += 1;
            tenant.world().add(&address(number));
            csv.push_str(&format!("{},\n", address(number)));
        }
        let file = folder.path().join("users.csv");
        std::fs::write(&file, csv).expect("written");
        if count > 0 {
            users::import(&workspace, &project, file).await.expect("users");
        }
        Stage { oidc, tenant, now, workspace, project, folder }
    }

    /// The project as it is now.
    pub async fn project(&self) -> HybridProject {
        hybrid::named(&self.workspace, "Contoso").await.expect("the project")
    }

    /// Makes a batch of these users.
    pub async fn batch(&self, name: &str, members: impl IntoIterator<Item = usize>) -> BatchLine {
        let id = batches::new(&self.workspace, &self.project, name).await.expect("a batch");
        let members = self.users(&members.into_iter().map(address).collect::<Vec<_>>()).await;
        let left = batches::move_in(&self.workspace, &self.project, id, &members).await.expect("moved in");
        assert_eq!(left, []);
        self.line(name).await
    }

    pub async fn line(&self, name: &str) -> BatchLine {
        batches::named(&self.workspace, &self.project, name).await.expect("the batch")
    }

    pub async fn users(&self, addresses: &[String]) -> Vec<HybridUser> {
        users::select(&self.workspace, &self.project, addresses).await.expect("the users")
    }

    pub async fn user(&self, number: usize) -> HybridUser {
        self.users(&[address(number)]).await.remove(0)
    }

    /// Submits a batch, which must be ready.
    pub async fn start(&self, name: &str) {
        let line = self.line(name).await;
        let started = batches::start(&self.workspace, &self.project, line.batch.id, false).await.expect("started");
        assert!(matches!(started, Started::Submitted(_)), "{started:?}");
    }

    /// One round by a runner that knows nothing but the database: as after a restart.
    pub async fn round(&self) -> RoundEnd {
        self.recorded_round(None).await
    }

    /// The same, written into a new file.
    pub async fn recorded_round(&self, file: Option<&Path>) -> RoundEnd {
        loop {
            match hybrid::once(&self.workspace, self.project.id, file).await.expect("a round") {
                Once::Done(end) => return end,
                // A process that another test starts holds this one's lock for the instant before it becomes its program.
                Once::Elsewhere => self.lock_is_free().await,
            }
        }
    }

    /// Waits until nobody has the workspace.
    async fn lock_is_free(&self) {
        let lock = std::fs::File::open(self.folder.path().join("workspace.lock")).expect("the lock");
        tokio::task::spawn_blocking(move || lock.lock().expect("had")).await.expect("a thread");
    }

    /// Rounds every so many minutes for so long.
    pub async fn rounds(&self, every: i64, minutes: i64) {
        for _ in 0..minutes / every {
            self.round().await;
            self.now.step(every * MINUTE);
        }
    }

    /// Rounds every ten minutes until a batch stands so; at most for a week.
    pub async fn until(&self, name: &str, status: MoveStatus) {
        for _ in 0..6 * 24 * 7 {
            self.round().await;
            if self.line(name).await.status == status {
                return;
            }
            self.now.step(10 * MINUTE);
        }
        panic!("{name} never came to {status:?}: {:?}", self.line(name).await);
    }

    /// Orders the finalization of a whole batch, now.
    pub async fn finalize(&self, name: &str) {
        let line = self.line(name).await;
        let left = batches::finalize(&self.workspace, &self.project, line.batch.id, None, None).await.expect("ordered");
        assert_eq!(left, []);
    }
}
