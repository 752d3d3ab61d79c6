//! Asks the owners of mailboxes for as long as a window is open: from when the settings say enough and the vault is open, with
//! the form where the settings say.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::sync::{Mutex, watch};
use tokio::time::Instant;

use super::web::WebSettings;
use super::{Asking, LOOK_EVERY};
use crate::engine::Orders;
use crate::service::mail::MailSettings;
use crate::service::{OpenWorkspace, ServiceError};
use crate::store::LOGIN_REFUSED;

/// When a form that could not be opened is tried again while the settings are the same.
const AGAIN: Duration = Duration::from_secs(15);

/// Whether owners are asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AskingState {
    /// Nobody is: the settings say too little, or the form cannot be opened; for people.
    Off(String),
    /// Nobody is before the vault is open.
    Locked,
    /// They are.
    Open {
        /// Where the form is, for them.
        url: String,
        /// Where it listens.
        address: SocketAddr,
        /// Why no mail goes out to them, in the words of the mail server that refuses the login.
        refused: Option<String>,
    },
}

impl Default for AskingState {
    fn default() -> Self {
        Self::Off(String::new())
    }
}

#[derive(Default)]
enum Stand {
    #[default]
    Closed,
    Open(WebSettings, Asking),
    Failed(WebSettings, Instant, String),
}

/// Opens and closes the form beside an engine of this process.
pub(in crate::service) struct AskingHost {
    workspace: OpenWorkspace,
    orders: Orders,
    stand: Mutex<Stand>,
    state: watch::Sender<AskingState>,
}

impl AskingHost {
    pub fn new(workspace: OpenWorkspace, orders: Orders) -> Self {
        Self { workspace, orders, stand: Mutex::default(), state: watch::Sender::default() }
    }

    /// News of whether owners are asked.
    pub fn states(&self) -> watch::Receiver<AskingState> {
        self.state.subscribe()
    }

    /// Looks again and again, until it is dropped.
    pub async fn run(&self) {
        loop {
            self.look().await;
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    /// Does what the settings say now.
    pub async fn look(&self) -> AskingState {
        let mut stand = self.stand.lock().await;
        let state = self.settle(&mut stand).await.unwrap_or_else(|why| AskingState::Off(why.to_string()));
        self.state.send_if_modified(|told| {
            let new = *told != state;
            told.clone_from(&state);
            new
        });
        state
    }

    /// Closes the form; a mail in hand is finished first.
    pub async fn end(&self) {
        close(&mut *self.stand.lock().await).await;
    }

    async fn settle(&self, stand: &mut Stand) -> Result<AskingState, ServiceError> {
        let settings = self.workspace.store.settings().await?;
        let web =
            match MailSettings::of(&settings).map_err(ServiceError::from).and_then(|_| Ok(WebSettings::of(&settings)?))
            {
                Ok(web) => web,
                Err(why) => {
                    close(stand).await;
                    return Err(why);
                }
            };
        match stand {
            Stand::Open(with, asking) if *with == web => {
                let (url, address) = asking.places();
                let refused = settings.get(LOGIN_REFUSED).filter(|text| !text.is_empty()).cloned();
                return Ok(AskingState::Open { url: url.to_owned(), address, refused });
            }
            Stand::Failed(with, at, why) if *with == web && at.elapsed() < AGAIN => {
                return Ok(AskingState::Off(why.clone()));
            }
            _ => close(stand).await,
        }
        if self.workspace.vault.get_open().is_none() {
            return Ok(AskingState::Locked);
        }
        match Asking::begin(&self.workspace, self.orders.clone()).await {
            Ok(asking) => {
                let (url, address) = asking.places();
                let state = AskingState::Open { url: url.to_owned(), address, refused: None };
                *stand = Stand::Open(web, asking);
                Ok(state)
            }
            Err(why) => {
                *stand = Stand::Failed(web, Instant::now(), why.to_string());
                Err(why)
            }
        }
    }
}

async fn close(stand: &mut Stand) {
    if let Stand::Open(_, asking) = std::mem::take(stand) {
        asking.end().await;
    }
}
