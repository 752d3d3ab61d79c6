//! The accounts that passes log in with, each with one owner (D24, D35): its proof is read once for all, the first try decides
//! whether others may follow, and what was refused stays refused until a person gives the word.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use tokio::sync::OwnedMutexGuard;

use crate::domain::failure::{Cause, Failure, Retry, Scope, Side};
use crate::domain::ids::{CredentialId, ProjectId};
use crate::domain::secret::Secret;
use crate::domain::server::Server;
use crate::endpoint::Result;
use crate::endpoint::auth::{Attempt, AttemptVerdict, Authenticator, Proof};
use crate::signin::grants::Kept;
use crate::vault::{self, Vault};

/// What is known of an account.
#[derive(Clone, Debug)]
enum AccountStanding {
    Untried,
    Accepted,
    Refused(Failure),
}

/// An account whose password is in the vault.
pub(super) struct Account {
    vault: Arc<dyn Vault>,
    side: Side,
    credential: Option<CredentialId>,
    proof: tokio::sync::Mutex<Option<Secret>>,
    standing: Mutex<AccountStanding>,
    /// Held by whoever tries it for the first time.
    first: Arc<tokio::sync::Mutex<()>>,
}

impl Account {
    /// Not tried yet.
    pub fn new(vault: Arc<dyn Vault>, side: Side, credential: Option<CredentialId>) -> Arc<Self> {
        Arc::new(Self {
            vault,
            side,
            credential,
            proof: tokio::sync::Mutex::default(),
            standing: Mutex::new(AccountStanding::Untried),
            first: Arc::default(),
        })
    }

    /// Reads the password, unless that was done. Waits for a vault that asks a person.
    pub async fn proof(&self) -> Result<Secret> {
        let mut proof = self.proof.lock().await;
        if let Some(secret) = &*proof {
            return Ok(secret.clone());
        }
        let missing = |text: &str| {
            let doing = format!("reading the {} credential", self.side.word());
            Failure::new(Cause::CredentialMissing, Scope::Mailbox, Retry::User, doing).saying(text)
        };
        let credential = self.credential.ok_or_else(|| missing("none is stored"))?;
        let secret = vault::fetch(&self.vault, credential).await.map_err(|error| missing(&error.to_string()))?;
        if Kept::is_one(&secret) {
            return Err(missing("what is stored is a sign-in by token, and no password"));
        }
        *proof = Some(secret.clone());
        Ok(secret)
    }

    fn standing(&self) -> MutexGuard<'_, AccountStanding> {
        self.standing.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// An account as everybody holds it who logs in with it.
#[derive(Clone)]
pub(super) struct SharedAccount(pub Arc<Account>);

#[async_trait]
impl Authenticator for SharedAccount {
    async fn attempt(&self) -> Result<Attempt> {
        let account = &self.0;
        let secret = account.proof().await?;
        loop {
            let standing = account.standing().clone();
            let turn = match standing {
                AccountStanding::Refused(failure) => {
                    return Err(match failure.cause {
                        Cause::AdministratorLoginRefused => Failure { cause: Cause::AdministratorLoginHeld, ..failure },
                        _ => failure,
                    });
                }
                AccountStanding::Accepted => None,
                AccountStanding::Untried => {
                    let turn = Arc::clone(&account.first).lock_owned().await;
                    if !matches!(*account.standing(), AccountStanding::Untried) {
                        // Somebody's try was answered while this one waited.
                        continue;
                    }
                    Some(turn)
                }
            };
            let told = TryOutcome { account: Arc::clone(account), turn };
            return Ok(Attempt::new(Proof::Password(secret), Some(Box::new(told))));
        }
    }
}

struct TryOutcome {
    account: Arc<Account>,
    /// Held while others wait for the outcome.
    turn: Option<OwnedMutexGuard<()>>,
}

impl AttemptVerdict for TryOutcome {
    fn accepted(self: Box<Self>) {
        let mut standing = self.account.standing();
        if matches!(*standing, AccountStanding::Untried) {
            *standing = AccountStanding::Accepted;
        }
    }

    fn failed(self: Box<Self>, failure: &Failure) {
        let refused = matches!(failure.cause, Cause::AdministratorLoginRefused | Cause::LoginRefused);
        // A server that cannot say why may be asked once more.
        if refused && failure.retry == Retry::User {
            *self.account.standing() = AccountStanding::Refused(failure.clone());
        }
    }

    fn decides(&self) -> bool {
        self.turn.is_some()
    }
}

type Administrators = HashMap<(ProjectId, Side), (Arc<Account>, Server)>;

/// The accounts that items share: a project's administrators. An own login belongs to one pass.
#[derive(Clone, Default)]
pub(super) struct Authenticators(Arc<Mutex<Administrators>>);

impl Authenticators {
    /// A project's administrator at this side: `new`, unless the same one is known already. Another server, login or password
    /// makes another one.
    pub fn administrator(&self, project: ProjectId, server: &Server, new: Arc<Account>) -> Arc<Account> {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (account, of) = known.entry((project, new.side)).or_insert_with(|| (Arc::clone(&new), server.clone()));
        if of != server || account.credential != new.credential {
            (*account, *of) = (new, server.clone());
        }
        Arc::clone(account)
    }

    /// A person gave the word: administrators of a project that were refused are tried again, with the passwords that they have
    /// then. A first try that is under way goes on to decide for all.
    pub fn forget(&self, project: ProjectId) {
        let refused = |account: &Account| matches!(*account.standing(), AccountStanding::Refused(_));
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.retain(|(of, _), (account, _)| *of != project || !refused(account));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::item::Mailbox;
    use crate::domain::pass::PassKind;
    use crate::domain::project::Options;
    use crate::domain::server::AdminLogin;
    use crate::domain::start_order::StartOrder;
    use crate::domain::status::Status;
    use crate::domain::time::Timestamp;
    use crate::endpoint::budget::Budget;
    use crate::endpoint::registry::Endpoints;
    use crate::endpoint::{Destination, DestinationEndpoint, Resources, Source, SourceEndpoint};
    use crate::engine::command::Command;
    use crate::engine::{Engine, MESSAGE_MEMORY, Workspace};
    use crate::platform::clock::SystemClock;
    use crate::store::{NewItem, Store};
    use crate::vault::MemoryVault;

    fn refused() -> Failure {
        Failure::new(Cause::AdministratorLoginRefused, Scope::Endpoint, Retry::User, "logging in")
    }

    fn account() -> SharedAccount {
        let vault = MemoryVault::default();
        let credential = CredentialId(1);
        vault.put_many(vec![(credential, Secret::new("pw"))], &|_| vault::GO_ON).unwrap();
        SharedAccount(Account::new(Arc::new(vault), Side::Source, Some(credential)))
    }

    #[tokio::test(start_paused = true)]
    async fn d24_all_wait_for_the_first_try_and_none_follows_a_refusal() {
        let account = account();
        let first = account.attempt().await.unwrap();
        let mut others: Vec<_> = (0..3).map(|_| Box::pin(account.attempt())).collect();
        for other in &mut others {
            assert!(futures_util::poll!(other.as_mut()).is_pending(), "waits for the first");
        }
        first.ended::<()>(Err(refused())).unwrap_err();
        for other in others {
            let cause = other.await.err().expect("refused").cause;
            assert_eq!(cause, Cause::AdministratorLoginHeld, "nobody else tried");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn d24_a_first_try_is_heard_out_when_its_pass_was_stopped() {
        let account = account();
        let (answer, waits) = tokio::sync::oneshot::channel::<()>();
        let first = account.attempt().await.unwrap();
        let mut login = Box::pin(first.by::<()>(async move {
            waits.await.ok();
            Err(refused())
        }));
        assert!(futures_util::poll!(login.as_mut()).is_pending(), "on its way");
        drop(login);
        let mut second = Box::pin(account.attempt());
        assert!(futures_util::poll!(second.as_mut()).is_pending(), "waits for its answer");
        answer.send(()).unwrap();
        assert_eq!(second.await.err().expect("refused").cause, Cause::AdministratorLoginHeld);
    }

    #[tokio::test(start_paused = true)]
    async fn a_first_try_that_nobody_answers_is_heard_out_for_a_while() {
        let account = account();
        let first = account.attempt().await.unwrap();
        let mut login = Box::pin(first.by(std::future::pending::<Result<()>>()));
        assert!(futures_util::poll!(login.as_mut()).is_pending());
        drop(login);
        let second = tokio::time::timeout(std::time::Duration::from_secs(60), account.attempt()).await;
        assert!(second.expect("its turn comes").is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn a_first_try_that_was_given_up_leaves_its_turn_to_the_next() {
        let account = account();
        let first = account.attempt().await.unwrap();
        let mut second = Box::pin(account.attempt());
        assert!(futures_util::poll!(second.as_mut()).is_pending());
        drop(first);
        let second = second.await.unwrap();
        second.ended(Ok(())).unwrap();
        let (third, fourth) = (account.attempt().await.unwrap(), account.attempt().await.unwrap());
        third.ended(Ok(())).unwrap();
        let lost = Failure::new(Cause::ConnectionLost, Scope::Connection, Retry::Backoff, "logging in");
        fourth.ended::<()>(Err(lost)).unwrap_err();
        assert!(account.attempt().await.is_ok(), "a lost connection says nothing about the password");
    }

    /// A source that refuses the administrator, and a destination that does not answer.
    struct Refusing(Arc<std::sync::atomic::AtomicUsize>);

    struct RefusingSource(Arc<std::sync::atomic::AtomicUsize>, Arc<dyn Authenticator>);

    #[async_trait]
    impl SourceEndpoint for RefusingSource {
        async fn open_source(&self) -> Result<Box<dyn Source>> {
            let attempt = self.1.attempt().await?;
            self.0.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
            attempt.ended(Err(refused()))
        }
    }

    struct Silent;

    #[async_trait]
    impl DestinationEndpoint for Silent {
        async fn open_destination(&self) -> Result<Box<dyn Destination>> {
            std::future::pending().await
        }
    }

    impl Endpoints for Refusing {
        fn source(
            &self,
            _: &Server,
            _: &Mailbox,
            auth: Arc<dyn Authenticator>,
            _: Resources,
        ) -> Result<Arc<dyn SourceEndpoint>> {
            Ok(Arc::new(RefusingSource(Arc::clone(&self.0), auth)))
        }

        fn destination(
            &self,
            _: &Server,
            _: &Mailbox,
            _: Arc<dyn Authenticator>,
            _: Resources,
        ) -> Result<Arc<dyn DestinationEndpoint>> {
            Ok(Arc::new(Silent))
        }
    }

    async fn until(engine: &Engine, status: Status) {
        let all = |row: &Arc<crate::engine::snapshot::ItemRow>| row.status == status;
        engine.snapshots().wait_for(|snapshot| snapshot.rows().any(all)).await.unwrap();
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn d24_a_pass_that_is_stopped_after_a_refusal_leaves_nothing_refused_at_the_next_start() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path(), Timestamp::from_millis(1)).unwrap();
        let mut source = Server::parse_url("imaps://imap.example").unwrap();
        source.set_administrator(AdminLogin::parse("chief")).unwrap();
        let destination = Server::parse_url("maildir:/nowhere/{email}").unwrap();
        let credential = store.new_credentials(1, Timestamp::from_millis(1), "test").await.unwrap()[0];
        let credentials = [Some(credential), None];
        let project =
            store.create_project("p".into(), [source, destination], Options::default(), credentials).await.unwrap();
        let new = NewItem {
            source_email: "a@a.example".into(),
            destination_email: "a@b.example".into(),
            ..NewItem::default()
        };
        let item = store.import_items(project, vec![new]).await.unwrap()[0].id;
        let vault = MemoryVault::default();
        vault.put_many(vec![(credential, Secret::new("pw"))], &|_| vault::GO_ON).unwrap();
        let tries = Arc::default();
        let engine = Engine::start(Workspace {
            store,
            vault: Arc::new(vault),
            sign_ins: crate::engine::SignIns::default(),
            spool: folder.path().to_owned(),
            numbers: folder.path().to_owned(),
            budget: Budget::new(MESSAGE_MEMORY),
            clock: Arc::new(SystemClock),
            endpoints: Arc::new(Refusing(Arc::clone(&tries))),
            takes: crate::engine::Takes::All,
        });
        let start = || Command::Start {
            project,
            items: vec![item],
            lacking: Vec::new(),
            order: StartOrder::now(PassKind::Full),
        };
        for times in 1..=3 {
            assert_eq!(engine.command(start()).await.done, [item]);
            until(&engine, Status::Migrating).await;
            // Refused at the source, while the destination keeps the pass waiting.
            while tries.load(std::sync::atomic::Ordering::SeqCst) < times {
                tokio::task::yield_now().await;
            }
            assert_eq!(engine.command(Command::Stop { project, items: vec![item] }).await.done, [item]);
            until(&engine, Status::Stopped).await;
        }
        engine.close().await;
    }

    #[tokio::test]
    async fn without_a_credential_nothing_is_tried() {
        let account = SharedAccount(Account::new(Arc::new(MemoryVault::default()), Side::Destination, None));
        let failure = account.attempt().await.err().expect("nothing to show");
        assert_eq!(
            (failure.cause, failure.doing.as_str()),
            (Cause::CredentialMissing, "reading the destination credential")
        );
    }
}
