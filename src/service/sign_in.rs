//! Signing in by token: what a project needs for it, and a person who signs in for one mailbox.

use std::io::Read;
use std::path::Path;
use std::sync::Arc;

use tokio_util::sync::CancellationToken;

use super::orders::Commander;
use super::{OpenWorkspace, ServiceError, edit};
use crate::domain::action::Action;
use crate::domain::edit::{Change, EditRefusal, ItemEdit};
use crate::domain::failure::Side;
use crate::domain::ids::{ItemId, ProjectId};
use crate::domain::project::Project;
use crate::domain::secret::Secret;
use crate::domain::server::Server;
use crate::domain::sign_in::{SignInKind, SignInProblem};
pub use crate::signin::flow::DeviceCode;
use crate::signin::grants::Kept;
use crate::signin::http::Http;
pub use crate::signin::keys::KeyProblem;
use crate::signin::keys::{self, AppSecret};
use crate::signin::person::Person;
use crate::store::StoreError;
use crate::vault;

/// Longest file with a certificate or a key.
const LARGEST: u64 = 256 * 1024;

/// Why nobody signs in here.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoSignIn {
    /// It takes passwords, or an application opens it.
    #[error("nobody signs in to the {} for one mailbox: its project has {how}", .side.word())]
    NotByPerson {
        /// Which.
        side: Side,
        /// What the project has.
        how: &'static str,
    },
    /// A field of the sign-in.
    #[error("sign-in of the {}: {problem}", .side.word())]
    Field {
        /// Which.
        side: Side,
        /// What is wrong.
        problem: SignInProblem,
    },
    /// Its secret.
    #[error("sign-in of the {}: {problem}", .side.word())]
    Secret {
        /// Which.
        side: Side,
        /// What is wrong.
        problem: KeyProblem,
    },
    /// A password, where none is taken.
    #[error("the {} takes no passwords: its project has {how}", .side.word())]
    NoPasswords {
        /// Which.
        side: Side,
        /// What the project has.
        how: &'static str,
    },
    /// It was told nothing to sign in with.
    #[error("sign-in of the {}: the {what} is needed", .side.word())]
    Missing {
        /// Which.
        side: Side,
        /// What.
        what: &'static str,
    },
}

/// How a person signs in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// In this machine's browser.
    Browser,
    /// With a code at another device.
    Device,
}

/// What a person is shown.
pub enum Shown<'a> {
    /// The page to open.
    Page(&'a str),
    /// The code to type.
    Code(&'a DeviceCode),
}

/// Who waits for a person that signs in.
#[derive(Clone)]
pub struct Signing {
    /// Hears what the person is to be shown, once.
    pub tell: Arc<dyn Fn(Shown<'_>) + Send + Sync>,
    /// Gives it up. Once the person has signed in, it is kept all the same.
    pub cancel: CancellationToken,
}

impl std::fmt::Debug for Signing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Signing").field("cancelled", &self.cancel.is_cancelled()).finish_non_exhaustive()
    }
}

/// Whether a mailbox can be opened there with this secret of its own: where tokens are taken, only with what a sign-in left.
/// Another one would take its place, and open nothing.
///
/// # Errors
/// It cannot.
pub(super) fn takes(server: &Server, side: Side, secret: &Secret) -> Result<(), NoSignIn> {
    match server.sign_in() {
        Some(sign_in) if !Kept::is_one(secret) => Err(NoSignIn::NoPasswords { side, how: sign_in.kind.words() }),
        _ => Ok(()),
    }
}

/// Whether a server can be signed in to with this secret; none: it stays as it is.
///
/// # Errors
/// What is wrong with it.
pub fn check(side: Side, server: &Server, secret: Option<&Secret>) -> Result<(), NoSignIn> {
    let Some(sign_in) = server.sign_in() else { return Ok(()) };
    sign_in.validate().map_err(|problem| NoSignIn::Field { side, problem })?;
    let Some(secret) = secret else { return Ok(()) };
    AppSecret::read(sign_in.kind, secret).map(|_| ()).map_err(|problem| NoSignIn::Secret { side, problem })
}

/// Reads a certificate with its key, or the key of a service account, from a file that is not needed again. Blocks.
///
/// # Errors
/// It cannot be read, or is no text.
pub fn read_file(path: &Path) -> std::io::Result<Secret> {
    let mut text = zeroize::Zeroizing::new(String::new());
    std::fs::File::open(path)?.take(LARGEST).read_to_string(&mut text)?;
    Ok(Secret::new(text.as_str()))
}

/// Lets a person sign in for one mailbox; what is left of it goes into the vault, which must be open, before anything else is
/// done with it. Answers whether somebody signed in: nobody did if it was given up.
///
/// # Errors
/// Nobody signed in, or it could not be kept.
pub async fn sign_in(
    workspace: &OpenWorkspace,
    (item, side): (ItemId, Side),
    way: Way,
    signing: &Signing,
    engine: Commander<'_>,
) -> Result<bool, ServiceError> {
    let row = workspace.store.item(item).await?;
    // Said before the person has taken the trouble.
    Action::Edit.check(row.status(), 0).map_err(EditRefusal::from).map_err(StoreError::from)?;
    let project = workspace.store.project(row.item.project).await?;
    let person = person(workspace, &project, side).await?;
    let mailbox = match side {
        Side::Source => &row.item.source,
        Side::Destination => &row.item.destination,
    };
    let signs_in = async {
        match way {
            Way::Browser => person.by_browser(mailbox.login_name(), |page| (signing.tell)(Shown::Page(page))).await,
            Way::Device => person.by_device(|code| (signing.tell)(Shown::Code(code))).await,
        }
    };
    let kept = tokio::select! {
        kept = signs_in => kept?,
        () = signing.cancel.cancelled() => return Ok(false),
    };
    let mut edit = ItemEdit::of(item);
    edit.side(side).password = Change::Set(kept);
    edit::item(workspace, edit, engine).await.map(|()| true)
}

/// Refuses what no person signs in to.
///
/// # Errors
/// See there.
pub fn by_person(project: &Project, side: Side) -> Result<(), NoSignIn> {
    match project.server(side).sign_in() {
        Some(sign_in) if !sign_in.kind.is_app() => Ok(()),
        Some(sign_in) => Err(NoSignIn::NotByPerson { side, how: sign_in.kind.words() }),
        None => Err(NoSignIn::NotByPerson { side, how: "passwords" }),
    }
}

/// The number of the service account that a side signs in with, as its key tells it; none where there is no such key, or the
/// vault is closed.
///
/// # Errors
/// The key cannot be read.
pub async fn service_number(
    workspace: &OpenWorkspace,
    project: ProjectId,
    side: Side,
) -> Result<Option<String>, ServiceError> {
    let project = workspace.store.project(project).await?;
    let is_service = project.server(side).sign_in().is_some_and(|sign_in| sign_in.kind == SignInKind::GoogleService);
    let (source, destination) = workspace.store.project_credentials(project.id).await?;
    let key = if side == Side::Source { source } else { destination };
    match (workspace.vault.get_open(), key.filter(|_| is_service)) {
        (Some(vault), Some(id)) => Ok(keys::service_number(&vault::fetch(&vault, id).await?)),
        _ => Ok(None),
    }
}

/// Who signs in at a side.
///
/// # Errors
/// Nobody does there, or the project's own secret cannot be had.
pub(super) async fn person(workspace: &OpenWorkspace, project: &Project, side: Side) -> Result<Person, ServiceError> {
    by_person(project, side)?;
    let sign_in = project.server(side).sign_in().cloned().unwrap_or_default();
    let (source, destination) = workspace.store.project_credentials(project.id).await?;
    let secret = match if side == Side::Source { source } else { destination } {
        Some(id) => {
            let vault = workspace.vault.get_open().ok_or_else(|| vault::VaultError::Locked("open it first".into()))?;
            Some(vault::fetch(&vault, id).await?)
        }
        None => None,
    };
    if secret.is_none() && project.server(side).needs_secret() {
        return Err(NoSignIn::Missing { side, what: sign_in.kind.secret().0 }.into());
    }
    Ok(Person { sign_in, secret, http: Http::default(), clock: Arc::clone(&workspace.options.clock) })
}
