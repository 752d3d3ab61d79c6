//! The connection to the engine: questions go out with what they were for, answers and states are taken when they lie ready.

use std::collections::HashMap;
use std::sync::Arc;

use crate::domain::ids::{ItemId, ProjectId};
use crate::domain::overrides::OptionKey;
use crate::engine::snapshot::Snapshot;
use crate::service::client::{Client, ClientError, Request, RequestId, Response};
use crate::ui::model::item::Tab;

/// What a question was for.
#[derive(Clone, Debug)]
pub(super) enum Purpose {
    Quiet,
    /// Something about hybrid projects: what users are said to be when it was done.
    Hybrid(&'static str),
    NewProject,
    Preview,
    Import,
    /// A command: what its items are said to be when it was done.
    Command(&'static str),
    Details(ItemId),
    /// What a tab of an item's page shows.
    ItemTab(ItemId, Tab),
    Lists,
    Licenses,
    EditItem,
    /// Its note is meant.
    EditNote,
    EditProject,
    Options,
    /// This one of an item is to be shown.
    AskOption(OptionKey),
    /// What an item has of its own may have changed while its dialog is open.
    OptionsNews,
    PreviewItem,
    Check,
    Find,
    WholeProject,
    /// Archives a project, or brings it back.
    Archive(ProjectId, bool),
    Pool,
    Settings,
    StartMails,
    ProjectMail,
    Save,
    Unlock,
    Remedy,
    SignIn,
}

/// The window's end of the client, and what came from it.
pub(super) struct EngineLink {
    client: Option<Client>,
    purposes: HashMap<RequestId, Purpose>,
    /// The engine's last state.
    pub snapshot: Arc<Snapshot>,
    ended: bool,
}

impl EngineLink {
    pub fn new(client: Client) -> Self {
        Self { client: Some(client), purposes: HashMap::new(), snapshot: Arc::default(), ended: false }
    }

    /// Asks; nothing once the window has left. What was not taken comes back with what it was for.
    pub fn ask(&mut self, ask: Request, purpose: Purpose) -> Option<Result<RequestId, (Purpose, ClientError)>> {
        let asked = self.client.as_mut()?.send(ask);
        Some(asked.map_err(|error| (purpose.clone(), error)).inspect(|request| {
            self.purposes.insert(*request, purpose);
        }))
    }

    /// The next answer that lies ready. A question keeps its purpose until its last answer.
    pub fn answer(&mut self) -> Option<(RequestId, Purpose, Response)> {
        let (request, answer) = self.client.as_mut()?.receive()?;
        let purpose = match answer {
            Response::Importing(..) => self.purposes.get(&request).cloned(),
            _ => self.purposes.remove(&request),
        };
        Some((request, purpose.unwrap_or(Purpose::Quiet), answer))
    }

    /// Takes the engine's last state; tells whether the engine has ended since the last time.
    pub fn refresh(&mut self) -> bool {
        let Some(client) = &self.client else { return false };
        self.snapshot = client.snapshot();
        client.has_ended() && !std::mem::replace(&mut self.ended, true)
    }

    /// Nobody answers any more.
    pub fn has_ended(&self) -> bool {
        self.ended
    }

    /// The engine ends in order; the window is hidden by then.
    pub fn leave(&mut self) {
        self.client = None;
    }
}
