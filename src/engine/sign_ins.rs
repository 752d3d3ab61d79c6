//! Sign-ins by token (D35): one cache of tokens for each, shared by all passes and looks of this process, fed from the vault.

use std::any::Any;
use std::collections::HashMap;
use std::fs::File;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;

use crate::domain::failure::{Cause, Failure, Retry, Scope, Side};
use crate::domain::ids::{CredentialId, ProjectId};
use crate::domain::secret::Secret;
use crate::domain::sign_in::SignIn;
use crate::domain::token_claims::Purpose;
use crate::endpoint::Result;
use crate::endpoint::auth::{Attempt, AttemptVerdict, Authenticator, Bearer, Proof};
use crate::engine::workspace::Workspace;
use crate::signin::grants::{Keeper, Provider};
use crate::signin::http::Http;
use crate::signin::tokens::{Token, Tokens};
use crate::vault::{self, GO_ON, Vault};

/// What makes one sign-in another than the next. Another secret makes another one.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct SignInOf {
    /// Whose.
    pub project: ProjectId,
    /// Where.
    pub side: Side,
    /// How.
    pub sign_in: SignIn,
    /// Whose mailbox; empty where one token opens all.
    pub user: String,
    /// The project's secret.
    pub secret: Option<CredentialId>,
    /// What a person's sign-in left.
    pub kept: Option<CredentialId>,
}

/// One entry a side, and a mailbox where tokens are for one.
type Place = (ProjectId, Side, String);

type Known = HashMap<Place, (SignInOf, Arc<Tokens>)>;

/// More sign-ins than this are not remembered when nobody uses them.
const REMEMBERED: usize = 500;

/// The sign-ins of a workspace. Cheap to clone.
#[derive(Clone, Default)]
pub struct SignIns(Arc<Mutex<Known>>);

impl SignIns {
    /// Who logs in by this sign-in. The one that is known already, unless anything of it has changed.
    pub(super) fn authenticator(&self, of: SignInOf, workspace: &Workspace) -> Arc<dyn Authenticator> {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let place = (of.project, of.side, of.user.clone());
        let tokens = match known.get(&place) {
            Some((known, tokens)) if *known == of => Arc::clone(tokens),
            _ => {
                let keeper = VaultKeeper {
                    vault: Arc::clone(&workspace.vault),
                    locks: workspace.numbers.clone(),
                    side: of.side,
                    secret: of.secret,
                    kept: of.kept,
                };
                let provider = Provider {
                    sign_in: of.sign_in.clone(),
                    purpose: Purpose::Mail,
                    user: of.user.clone(),
                    keeper: Arc::new(keeper),
                    clock: Arc::clone(&workspace.clock),
                    http: Http::default(),
                };
                let tokens = Tokens::new(Arc::new(provider));
                if known.len() >= REMEMBERED {
                    known.retain(|_, (_, tokens)| Arc::strong_count(tokens) > 1 || tokens.is_refused());
                }
                known.insert(place, (of, Arc::clone(&tokens)));
                tokens
            }
        };
        Arc::new(TokenAccount(tokens))
    }

    /// A person gave the word: what was refused in this project is asked for again.
    pub(super) fn forget(&self, project: ProjectId) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.retain(|(of, ..), (_, tokens)| *of != project || !tokens.is_refused());
    }
}

/// The tokens of an application with this secret, for something else than mail. Whoever asks keeps them.
pub(super) fn tokens_for(
    sign_in: SignIn,
    purpose: Purpose,
    secret: CredentialId,
    workspace: &Workspace,
) -> Arc<Tokens> {
    let keeper = VaultKeeper {
        vault: Arc::clone(&workspace.vault),
        locks: workspace.numbers.clone(),
        side: Side::Destination,
        secret: Some(secret),
        kept: None,
    };
    let clock = Arc::clone(&workspace.clock);
    let (user, keeper, http) = (String::new(), Arc::new(keeper), Http::default());
    Tokens::new(Arc::new(Provider { sign_in, purpose, user, keeper, clock, http }))
}

/// A person's sign-in that is not kept yet: who logs in by it, and what is left of it, which the provider may replace
/// meanwhile.
pub(super) fn unkept(of: SignInOf, left: Secret, workspace: &Workspace) -> (Arc<dyn Authenticator>, Arc<LeftKeeper>) {
    let vault = VaultKeeper {
        vault: Arc::clone(&workspace.vault),
        locks: workspace.numbers.clone(),
        side: of.side,
        secret: of.secret,
        kept: None,
    };
    let keeper = Arc::new(LeftKeeper { vault, left: Mutex::new(left) });
    let provider = Provider {
        sign_in: of.sign_in,
        purpose: Purpose::Mail,
        user: of.user,
        keeper: Arc::clone(&keeper) as Arc<dyn Keeper>,
        clock: Arc::clone(&workspace.clock),
        http: Http::default(),
    };
    (Arc::new(TokenAccount(Tokens::new(Arc::new(provider)))), keeper)
}

/// Holds what a person's sign-in left in memory; the project's own secret is in the vault.
pub(super) struct LeftKeeper {
    vault: VaultKeeper,
    left: Mutex<Secret>,
}

impl LeftKeeper {
    /// What is left now.
    pub fn left(&self) -> Secret {
        self.left.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

#[async_trait]
impl Keeper for LeftKeeper {
    async fn secret(&self) -> Result<Option<Secret>> {
        self.vault.secret().await
    }

    async fn turn(&self) -> Result<Box<dyn Any + Send>> {
        Ok(Box::new(()))
    }

    async fn kept(&self) -> Result<Secret> {
        Ok(self.left())
    }

    async fn keep(&self, new: Secret) -> Result<()> {
        *self.left.lock().unwrap_or_else(PoisonError::into_inner) = new;
        Ok(())
    }
}

/// Logs in with tokens.
struct TokenAccount(Arc<Tokens>);

#[async_trait]
impl Authenticator for TokenAccount {
    async fn attempt(&self) -> Result<Attempt> {
        let Token { secret, retires, fresh } = self.0.token().await?;
        let told = Shown { tokens: Arc::clone(&self.0), token: secret.clone() };
        Ok(Attempt::new(Proof::Bearer(Bearer { token: secret, retires, fresh }), Some(Box::new(told))))
    }
}

/// A token that a server is shown.
struct Shown {
    tokens: Arc<Tokens>,
    token: Secret,
}

impl AttemptVerdict for Shown {
    fn accepted(self: Box<Self>) {}

    fn failed(self: Box<Self>, failure: &Failure) {
        if matches!(failure.cause, Cause::TokenRefused | Cause::SessionEnded) {
            self.tokens.refused(&self.token);
        }
    }

    fn decides(&self) -> bool {
        // Tokens lock no account: nobody need wait for the first try.
        false
    }
}

/// Reads and keeps what a sign-in takes, in the vault.
struct VaultKeeper {
    vault: Arc<dyn Vault>,
    /// Where files lie by which processes wait for each other.
    locks: PathBuf,
    side: Side,
    secret: Option<CredentialId>,
    kept: Option<CredentialId>,
}

impl VaultKeeper {
    fn failed(&self, doing: &str, text: &str) -> Failure {
        let doing = format!("{doing} of the {}", self.side.word());
        Failure::new(Cause::CredentialMissing, Scope::Mailbox, Retry::User, doing).saying(text)
    }
}

#[async_trait]
impl Keeper for VaultKeeper {
    async fn secret(&self) -> Result<Option<Secret>> {
        let Some(secret) = self.secret else { return Ok(None) };
        let read = vault::fetch(&self.vault, secret).await;
        read.map(Some).map_err(|error| self.failed("reading the sign-in's secret", &error.to_string()))
    }

    async fn turn(&self) -> Result<Box<dyn Any + Send>> {
        let Some(kept) = self.kept else { return Ok(Box::new(())) };
        let path = self.locks.join(format!("sign-in-{}.lock", kept.0));
        let locked = tokio::task::spawn_blocking(move || -> std::io::Result<File> {
            let file = File::options().create(true).truncate(false).write(true).open(path)?;
            file.lock()?;
            Ok(file)
        });
        let failed = |text: String| self.failed("waiting for another renewal", &text);
        let file = locked.await.map_err(|error| failed(error.to_string()))?;
        Ok(Box::new(file.map_err(|error| failed(error.to_string()))?))
    }

    async fn kept(&self) -> Result<Secret> {
        let ended = || {
            let failure = Failure::new(Cause::SignInEnded, Scope::Mailbox, Retry::User, "reading the sign-in");
            failure.saying("nobody has signed in yet")
        };
        let kept = self.kept.ok_or_else(ended)?;
        vault::fetch(&self.vault, kept).await.map_err(|error| self.failed("reading the sign-in", &error.to_string()))
    }

    async fn keep(&self, new: Secret) -> Result<()> {
        let Some(kept) = self.kept else { return Ok(()) };
        let failed = |text: &str| self.failed("keeping the renewed sign-in", text);
        let put = vault::put_many(&self.vault, vec![(kept, new.clone())], |_| GO_ON).await;
        put.map_err(|error| failed(&error.to_string()))?;
        match vault::fetch(&self.vault, kept).await {
            Ok(read) if read == new => Ok(()),
            Ok(_) => Err(failed("the vault gave back something else than was put into it")),
            Err(error) => Err(failed(&error.to_string())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::sign_in::SignInKind;
    use crate::vault::MemoryVault;

    /// A vault that takes everything and gives back what it had.
    struct Forgetful(MemoryVault);

    impl Vault for Forgetful {
        fn get(&self, id: CredentialId) -> std::result::Result<Secret, vault::VaultError> {
            self.0.get(id)
        }

        fn put_many(
            &self,
            _: Vec<(CredentialId, Secret)>,
            _: &vault::Progress<'_>,
        ) -> std::result::Result<(), vault::VaultError> {
            Ok(())
        }

        fn delete_many(&self, _: &[CredentialId], _: &dyn Fn(usize)) -> std::result::Result<(), vault::VaultError> {
            Ok(())
        }
    }

    fn keeper(vault: Arc<dyn Vault>) -> VaultKeeper {
        VaultKeeper {
            vault,
            locks: std::env::temp_dir(),
            side: Side::Source,
            secret: None,
            kept: Some(CredentialId(1)),
        }
    }

    #[tokio::test]
    async fn what_replaces_a_sign_in_is_read_back_before_it_counts() {
        let memory = || {
            let vault = MemoryVault::default();
            vault.put_many(vec![(CredentialId(1), Secret::new("old"))], &|_| GO_ON).unwrap();
            vault
        };
        let good = keeper(Arc::new(memory()));
        good.keep(Secret::new("new")).await.unwrap();
        assert_eq!(good.kept().await.unwrap(), Secret::new("new"));
        let bad = keeper(Arc::new(Forgetful(memory())));
        let failure = bad.keep(Secret::new("new")).await.unwrap_err();
        assert_eq!((failure.cause, failure.retry), (Cause::CredentialMissing, Retry::User));
        assert_eq!(bad.kept().await.unwrap(), Secret::new("old"));
    }

    #[tokio::test]
    async fn nobody_signed_in_is_said() {
        let keeper = VaultKeeper { kept: None, ..keeper(Arc::new(MemoryVault::default())) };
        assert_eq!(keeper.kept().await.unwrap_err().cause, Cause::SignInEnded);
        assert_eq!(keeper.secret().await.unwrap(), None);
    }

    #[test]
    fn one_sign_in_has_one_cache_until_anything_of_it_changes() {
        let folder = tempfile::tempdir().unwrap();
        let store = crate::store::Store::open(folder.path(), crate::domain::time::Timestamp::from_millis(1)).unwrap();
        let workspace = Workspace::bare(store, folder.path());
        let sign_ins = workspace.sign_ins.clone();
        let of = SignInOf {
            project: ProjectId(1),
            side: Side::Source,
            sign_in: SignIn::of(SignInKind::CustomApp),
            user: String::new(),
            secret: Some(CredentialId(1)),
            kept: None,
        };
        let caches = || {
            let known = sign_ins.0.lock().unwrap();
            known.values().map(|(_, tokens)| Arc::as_ptr(tokens)).collect::<Vec<_>>()
        };
        sign_ins.authenticator(of.clone(), &workspace);
        let first = caches();
        sign_ins.authenticator(of.clone(), &workspace);
        assert_eq!(caches(), first);
        sign_ins.authenticator(SignInOf { secret: Some(CredentialId(2)), ..of.clone() }, &workspace);
        assert!(caches().len() == 1 && caches() != first, "another secret");
        sign_ins.authenticator(SignInOf { user: "anna".into(), ..of }, &workspace);
        assert_eq!(caches().len(), 2);
        sign_ins.forget(ProjectId(1));
        assert_eq!(caches().len(), 2, "nothing was refused");
    }
}
