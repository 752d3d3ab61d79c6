//! Asks the owners of mailboxes while an engine runs here (D36): whoever waits for an owner is asked once, mails go out one by
//! one, and the form is open.
//!
//! What is to be done is read from the database each time, so that a crash between any two steps leaves nothing out and does
//! nothing twice. `requests` finds whom to ask, `letters` knows what is written, `outbox` sends, `answers` knows what is behind
//! a link, `told` says how it went. `before` is what a Start asks beforehand, `again` asks anew, `host` opens and closes the
//! form for a window.

mod again;
mod answers;
mod before;
mod host;
mod letters;
mod outbox;
mod requests;
mod signing;
mod told;
mod web;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use self::answers::OwnersAnswers;
use self::outbox::Outbox;
use self::web::WebSettings;
use super::import::{self, Watch};
use super::mail::{MailSettings, NoMail};
use super::{OpenWorkspace, ServiceError};
use crate::engine::Orders;
use crate::intake::form::{FormServer, ReachKey};
use crate::intake::letter::NotWritten;
use crate::intake::token::LinkKey;
use crate::vault::{self, VaultError};

pub use self::again::ask_again;
pub use self::before::{StartMails, can_ask, start_mails};
pub(super) use self::host::AskingHost;
pub use self::host::AskingState;
pub use self::letters::MailPreview;
pub(super) use self::letters::sample;
pub(super) use self::requests::is_asked;
pub use self::requests::{AskedOf, asked_of, go_on, link, remind};
pub use self::web::NoForm;

/// Between two looks at settings and at who waits.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// How long the last mail is waited for.
const LAST_MAIL: Duration = Duration::from_secs(60);
/// The name of the key among the workspace's secrets.
const KEY: &str = "link-key";
/// Under which is remembered by what the form that is open shows that it is reached.
const REACH: &str = "form.reach";

/// Owners are asked, and the form is open. Dropping it breaks off a mail that is being sent; [`Asking::end`] does not.
pub struct Asking {
    url: String,
    cancel: CancellationToken,
    tasks: JoinSet<()>,
    server: FormServer,
}

impl Asking {
    /// Opens the form and begins to ask, beside an engine of this process; the vault must be open. What the settings say of mail
    /// is read again and again, what they say of the form is read here.
    ///
    /// # Errors
    /// A setting lacks, or the form cannot be opened.
    pub async fn begin(workspace: &OpenWorkspace, orders: Orders) -> Result<Self, ServiceError> {
        let settings = workspace.store.settings().await?;
        MailSettings::of(&settings)?;
        let web = WebSettings::of(&settings)?;
        let key = Arc::new(link_key(workspace).await?);
        let answers = OwnersAnswers::new(workspace.clone(), orders.clone(), Arc::clone(&key));
        let reach = ReachKey::fresh().map_err(NoForm::Closed)?;
        let server = FormServer::start(web.form(reach), Arc::new(answers)).await.map_err(NoForm::from)?;
        workspace.store.set_settings(vec![(REACH.into(), reach.text())]).await?;
        workspace.store.recover_mails(workspace.now()).await?;
        let (cancel, mut tasks) = (CancellationToken::new(), JoinSet::new());
        tasks.spawn(Outbox::new(workspace.clone(), key, cancel.clone()).run(orders));
        Ok(Self { url: web.link(""), cancel, tasks, server })
    }

    /// Where the form is, for the owners, and where it listens.
    pub fn places(&self) -> (&str, SocketAddr) {
        (&self.url, self.server.address)
    }

    /// Closes the form and ends when the mail in hand is sent, or cannot be for a long time.
    pub async fn end(self) {
        let Self { cancel, mut tasks, server, .. } = self;
        drop(server);
        cancel.cancel();
        // What is left then may have been sent, and is told so.
        drop(timeout(LAST_MAIL, tasks.join_next()).await);
    }
}

/// The key that all links are made from; made when it is first needed.
async fn link_key(workspace: &OpenWorkspace) -> Result<LinkKey, ServiceError> {
    let store = &workspace.store;
    let id = match store.workspace_secret(KEY).await? {
        Some(id) => id,
        None => {
            let fresh = LinkKey::fresh().map_err(|error| NoMail::from(NotWritten::Mail(error.to_string())))?;
            let ids = import::store_secrets(workspace, "links", vec![fresh], &Watch::nobody()).await?;
            let Some(new) = ids.first().copied() else { return Err(ServiceError::Died("keeping the key of links")) };
            let first = store.first_workspace_secret(KEY, new).await?;
            if first != new {
                import::remove(workspace, vec![new], &Watch::nobody()).await?;
            }
            first
        }
    };
    let vault = workspace.vault.get_open().ok_or_else(|| VaultError::Locked("open it first".into()))?;
    let kept = vault::fetch(&vault, id).await?;
    LinkKey::read(&kept).ok_or_else(|| VaultError::Failed("the key of links is damaged".into()).into())
}

#[cfg(test)]
mod tests;
