//! What is behind a link, and what an entry is worth: the server is asked with it, once. What was decided is carried out though
//! the visitor has gone.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::oneshot;
use tokio::task::JoinSet;

use super::signing::Signings;
use super::web::WebSettings;
use crate::domain::asking::{CredentialRequest, LinkState, refuses_owner};
use crate::domain::failure::{Failure, Side};
use crate::domain::ids::{CredentialId, CredentialRequestId, ItemId, ProjectId};
use crate::domain::item::Mailbox;
use crate::domain::secret::Secret;
use crate::domain::server::Server;
use crate::engine::Orders;
use crate::engine::command::{Command, CommandError};
use crate::engine::entry_check::{try_entry, try_sign_in};
use crate::intake::form::{Answers, Asked, AskedSide, Given, RETURN, Unable, Verdict, Way};
use crate::intake::token::{self, LinkKey};
use crate::service::import::{self, ImportError, Watch};
use crate::service::settings::value;
use crate::service::{OpenWorkspace, ServiceError, look, sign_in, times};
use crate::signin::came_back;
use crate::store::{GivenCredential, ItemRow};

/// How long a code is waited for.
const CODE: Duration = Duration::from_secs(20);

type Turns = HashMap<CredentialRequestId, Arc<tokio::sync::Mutex<()>>>;

/// Knows the links of a workspace.
pub(super) struct OwnersAnswers {
    keeper: Keeper,
    /// Entries that are being checked, whoever still waits for it.
    checks: Mutex<JoinSet<()>>,
}

#[derive(Clone)]
struct Keeper {
    workspace: OpenWorkspace,
    orders: Orders,
    key: Arc<LinkKey>,
    /// Of two entries through one link, one is checked after the other.
    turns: Arc<Mutex<Turns>>,
    signings: Signings,
}

impl OwnersAnswers {
    pub fn new(workspace: OpenWorkspace, orders: Orders, key: Arc<LinkKey>) -> Self {
        let keeper = Keeper { workspace, orders, key, turns: Arc::default(), signings: Signings::default() };
        Self { keeper, checks: Mutex::default() }
    }
}

impl OwnersAnswers {
    fn go_on(&self, work: impl Future<Output = ()> + Send + 'static) {
        let mut checks = self.checks.lock().unwrap_or_else(PoisonError::into_inner);
        while checks.try_join_next().is_some() {}
        checks.spawn(work);
    }
}

#[async_trait]
impl Answers for OwnersAnswers {
    async fn find(&self, token: &str) -> Result<Option<Asked>, Unable> {
        let found = async {
            let Some(request) = self.keeper.request(token).await? else { return Ok(None) };
            self.keeper.workspace.store.request_opened(request.id, self.keeper.workspace.now()).await?;
            self.keeper.asked(&request).await.map(Some)
        };
        found.await.map_err(|error: ServiceError| {
            tracing::error!(%error, "a link could not be looked up");
            Unable
        })
    }

    async fn sign_in(&self, token: &str, side: Side) -> Result<(), Unable> {
        let (tell, told) = oneshot::channel();
        let (keeper, token) = (self.keeper.clone(), Secret::new(token));
        self.go_on(async move { keeper.sign_in(token.expose(), side, tell).await });
        // The code has come, or there is none.
        drop(tokio::time::timeout(CODE, told).await);
        Ok(())
    }

    async fn came_back(&self, query: &str) -> bool {
        came_back::state(query).is_some_and(|state| self.keeper.signings.came_back(&state, query))
    }

    async fn used(&self, token: &str) -> Result<Option<Verdict>, Unable> {
        let used = self.keeper.used(token).await;
        used.map_err(|error| {
            tracing::error!(%error, "a link could not be looked up");
            Unable
        })
    }

    async fn take(&self, token: &str, given: Vec<Given>) -> Result<Verdict, Unable> {
        let (tell, told) = oneshot::channel();
        let (keeper, token) = (self.keeper.clone(), Secret::new(token));
        // Nobody listening any more is no reason to stop.
        self.go_on(async move { drop(tell.send(keeper.take(token.expose(), given).await)) });
        match told.await {
            Ok(Ok(verdict)) => Ok(verdict),
            Ok(Err(error)) => {
                tracing::error!(%error, "an entry could not be checked");
                Err(Unable)
            }
            Err(_) => Err(Unable),
        }
    }
}

impl Keeper {
    /// What a living link asks for.
    async fn request(&self, token: &str) -> Result<Option<CredentialRequest>, ServiceError> {
        let found = self.workspace.store.living_request(token::hash(token)).await?;
        Ok(found.filter(|request| self.key.fits(&request.nonce, token)))
    }

    async fn asked(&self, request: &CredentialRequest) -> Result<Asked, ServiceError> {
        let row = self.workspace.store.item(request.item).await?;
        let project = self.workspace.store.project(row.item.project).await?;
        let side = |side: &Side| {
            let mailbox = mailbox(&row, *side);
            let host = project.server(*side).name().to_owned();
            let way = match project.server(*side).sign_in() {
                None => Way::Password,
                Some(_) => Way::SignIn(self.signings.step((request.id, *side))),
            };
            AskedSide { side: *side, host, user: mailbox.login_name().to_owned(), way }
        };
        // Owners know the company, not what its consultant calls the work.
        let client = self.workspace.store.mail_client(project.id).await?;
        Ok(Asked {
            mailbox: row.item.source.email.clone(),
            project: client.unwrap_or_else(|| project.name.clone()),
            consultant: self.consultant().await?,
            sides: request.sides.iter().map(side).collect(),
        })
    }

    /// Whose project it is, as owners know it.
    async fn consultant(&self) -> Result<String, ServiceError> {
        let settings = self.workspace.store.settings().await?;
        let names = [value(&settings, "ask-name"), value(&settings, "mail-from")];
        Ok(names.into_iter().find(|name| !name.is_empty()).unwrap_or_default().to_owned())
    }

    /// Lets the owner sign in at a side; `tell` hears when a code is there, or that there is none. The server is asked with it
    /// at once; what is left of it is kept with all else that was asked for, or now if that is all.
    async fn sign_in(&self, token: &str, side: Side, tell: oneshot::Sender<()>) {
        let Ok(Some(request)) = self.request(token).await else { return };
        let of = (request.id, side);
        if !request.sides.contains(&side) || !self.signings.begin(of) {
            return;
        }
        let signed = self.signed_in(&request, side, tell).await;
        let left = signed.inspect_err(|error| tracing::info!(%error, "an owner did not sign in")).ok();
        let signed_in = left.is_some();
        self.signings.over(of, left);
        if !signed_in {
            return;
        }
        match self.take(token, Vec::new()).await {
            Ok(verdict @ (Verdict::Right(_) | Verdict::Wrong { .. })) => self.signings.ended(request.id, verdict),
            Ok(Verdict::NotChecked | Verdict::Gone) => {}
            Err(error) => tracing::error!(%error, "what an owner signed in with could not be kept"),
        }
    }

    async fn signed_in(
        &self,
        request: &CredentialRequest,
        side: Side,
        tell: oneshot::Sender<()>,
    ) -> Result<Secret, ServiceError> {
        let row = self.workspace.store.item(request.item).await?;
        let project = self.workspace.store.project(row.item.project).await?;
        let person = sign_in::person(&self.workspace, &project, side).await?;
        if person.sign_in.device_url().is_none() {
            let mailbox = mailbox(&row, side);
            let redirect = WebSettings::of(&self.workspace.store.settings().await?)?.link(RETURN);
            let (back, came) = oneshot::channel();
            let shown = |page: &str, state: &str| {
                self.signings.page((request.id, side), page, state, back);
                tell.send(()).ok();
            };
            return Ok(person.by_return((redirect, mailbox.login_name()), shown, came).await?);
        }
        let shown = |code: &sign_in::DeviceCode| {
            self.signings.code((request.id, side), &code.page, &code.user_code);
            // Who asked may have gone.
            tell.send(()).ok();
        };
        Ok(person.by_device(shown).await?)
    }

    /// What a sign-in was worth that has ended a link a moment ago.
    async fn used(&self, token: &str) -> Result<Option<Verdict>, ServiceError> {
        let found = self.workspace.store.request_of_token(token::hash(token)).await?;
        let ended = found.filter(|request| request.state != LinkState::Alive && self.key.fits(&request.nonce, token));
        Ok(ended.and_then(|request| self.signings.ended_with(request.id)))
    }

    async fn gone(&self, token: &str) -> Result<Verdict, ServiceError> {
        Ok(self.used(token).await?.unwrap_or(Verdict::Gone))
    }

    /// What sign-ins left, for the sides that are not among those given; none if one lacks, or was not tried.
    fn with_sign_ins(&self, request: &CredentialRequest, row: &ItemRow, given: &mut Vec<Given>) -> bool {
        for side in &request.sides {
            if given.iter().any(|given| given.side == *side) {
                continue;
            }
            let Some(password) = self.signings.right((request.id, *side)) else { return false };
            given.push(Given { side: *side, user: mailbox(row, *side).login_name().to_owned(), password });
        }
        true
    }

    async fn take(&self, token: &str, mut given: Vec<Given>) -> Result<Verdict, ServiceError> {
        let Some(request) = self.request(token).await? else { return self.gone(token).await };
        let turn = {
            let mut turns = self.turns.lock().unwrap_or_else(PoisonError::into_inner);
            turns.retain(|_, turn| Arc::strong_count(turn) > 1);
            Arc::clone(turns.entry(request.id).or_default())
        };
        let _turn = turn.lock().await;
        if !self.workspace.store.request_attempted(request.id).await? {
            return self.gone(token).await;
        }
        let row = self.workspace.store.item(request.item).await?;
        if let Some(verdict) = self.tried(&request, &row, &given).await? {
            return Ok(verdict);
        }
        if !self.with_sign_ins(&request, &row, &mut given) {
            return Ok(Verdict::NotChecked);
        }
        self.keep(&request, &row, given).await
    }

    /// Asks the servers with what was entered and with what was signed in with; none if nothing speaks against it.
    async fn tried(
        &self,
        request: &CredentialRequest,
        row: &ItemRow,
        given: &[Given],
    ) -> Result<Option<Verdict>, ServiceError> {
        let means = look::means(&self.workspace, self.workspace.folder())?;
        for Given { side, user, password } in given {
            let tried = try_entry(&means, (request.item, *side), (user, password.clone())).await?;
            if let Some(verdict) = self.worth((request.id, *side), row, tried).await? {
                return Ok(Some(verdict));
            }
        }
        for side in request.sides.iter().filter(|side| given.iter().all(|given| given.side != **side)) {
            let of = (request.id, *side);
            let Some(left) = self.signings.untried(of) else { continue };
            let user = mailbox(row, *side).login_name();
            let (tried, left) = try_sign_in(&means, (request.item, *side), (user, left)).await?;
            self.signings.tried(of, left, &tried);
            if let Some(verdict) = self.worth((request.id, *side), row, tried).await? {
                return Ok(Some(verdict));
            }
        }
        Ok(None)
    }

    /// What a try says; none if it was right. What could not be checked decides nothing.
    async fn worth(
        &self,
        (request, side): (CredentialRequestId, Side),
        row: &ItemRow,
        tried: Result<(), Failure>,
    ) -> Result<Option<Verdict>, ServiceError> {
        let Err(failure) = tried else { return Ok(None) };
        if !refuses_owner(&failure) {
            tracing::info!(item = %row.item.id, side = side.word(), %failure, "an entry could not be checked");
            self.workspace.store.request_unchecked(request, format!("{}: {failure}", side.word())).await?;
            return Ok(Some(Verdict::NotChecked));
        }
        let project = self.workspace.store.project(row.item.project).await?;
        let host = Server::name(project.server(side)).to_owned();
        let consultant = self.consultant().await?;
        let failed = self.refuse(project.id, row.item.id, (side, failure)).await?;
        self.signings.forget(request);
        Ok(Some(if failed { Verdict::Wrong { host, consultant } } else { Verdict::Gone }))
    }

    /// The item fails, and its link dies with that; not if it waits no more.
    async fn refuse(
        &self,
        project: ProjectId,
        item: ItemId,
        (side, failure): (Side, Failure),
    ) -> Result<bool, ServiceError> {
        let refused = Command::CredentialsRefused { project, item, side, failure };
        let outcome = self.orders.send(refused).await.await;
        Ok(!outcome.map_err(|_| ServiceError::Engine(CommandError::Ended))?.done.is_empty())
    }

    /// The vault first, then link and item in one transaction, then the pass goes on. What a crash leaves before the last step
    /// is found by whoever asks next.
    async fn keep(
        &self,
        request: &CredentialRequest,
        row: &ItemRow,
        given: Vec<Given>,
    ) -> Result<Verdict, ServiceError> {
        let workspace = &self.workspace;
        let secrets = given.iter().map(|given| given.password.clone()).collect();
        let ids = import::store_secrets(workspace, "owner", secrets, &Watch::nobody()).await?;
        let credentials = given.iter().zip(&ids).map(|(given, credential)| GivenCredential {
            side: given.side,
            login: own_login(row, given),
            credential: *credential,
        });
        let used = workspace.store.use_request(request.id, credentials.collect(), workspace.now()).await;
        let replaced = match used {
            Ok(Some(replaced)) => replaced,
            Ok(None) => {
                import::remove(workspace, ids, &Watch::nobody()).await?;
                return Ok(Verdict::Gone);
            }
            Err(error) => return Err(import::roll_back(workspace, ids, ImportError::from(error)).await.into()),
        };
        self.forget(replaced).await;
        self.signings.forget(request.id);
        let edited = Command::Edited { project: row.item.project, items: vec![request.item] };
        // If nobody is there to hear it, it is found when somebody is.
        drop(self.orders.send(edited).await.await);
        let schedule = row.latest.as_ref().and_then(|pass| pass.schedule.as_ref());
        let when = schedule.filter(|schedule| schedule.at > workspace.now());
        Ok(Verdict::Right(when.map(|schedule| times::told(schedule.at, &times::zone()))))
    }

    async fn forget(&self, replaced: Vec<CredentialId>) {
        if let Err(error) = import::remove(&self.workspace, replaced, &Watch::nobody()).await {
            tracing::warn!(%error, "the replaced password is still in the vault");
        }
    }
}

fn mailbox(row: &ItemRow, side: Side) -> &Mailbox {
    if side == Side::Source { &row.item.source } else { &row.item.destination }
}

/// The login name, where it is another one than the item has.
fn own_login(row: &ItemRow, given: &Given) -> Option<String> {
    (given.user != mailbox(row, given.side).login_name()).then(|| given.user.clone())
}
