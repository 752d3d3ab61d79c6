//! The connection to the engine: questions go out with what they were for, answers and states are taken when they lie ready.

use std::collections::HashMap;
use std::sync::Arc;

use crate::domain::ids::ItemId;
use crate::engine::desk::{Answer, Ask, Desk, DeskError, Ticket};
use crate::engine::snapshot::Snapshot;

/// What a question was for.
#[derive(Clone, Debug)]
pub(super) enum Purpose {
    Quiet,
    NewProject,
    Preview,
    Import,
    /// A command: what its items are said to be when it was done.
    Command(&'static str),
    Details(ItemId),
    Lists,
    Unlock,
}

/// The window's end of the desk, and what came from it.
pub(super) struct Connection {
    desk: Option<Desk>,
    purposes: HashMap<Ticket, Purpose>,
    /// The engine's last state.
    pub snapshot: Arc<Snapshot>,
    ended: bool,
}

impl Connection {
    pub fn new(desk: Desk) -> Self {
        Self { desk: Some(desk), purposes: HashMap::new(), snapshot: Arc::default(), ended: false }
    }

    /// Asks; nothing once the window has left. What was not taken comes back with what it was for.
    pub fn ask(&mut self, ask: Ask, purpose: Purpose) -> Option<Result<Ticket, (Purpose, DeskError)>> {
        let asked = self.desk.as_mut()?.ask(ask);
        Some(asked.map_err(|error| (purpose.clone(), error)).inspect(|ticket| {
            self.purposes.insert(*ticket, purpose);
        }))
    }

    /// The next answer that lies ready. A question keeps its purpose until its last answer.
    pub fn answer(&mut self) -> Option<(Ticket, Purpose, Answer)> {
        let (ticket, answer) = self.desk.as_mut()?.answer()?;
        let purpose = match answer {
            Answer::Importing(..) => self.purposes.get(&ticket).cloned(),
            _ => self.purposes.remove(&ticket),
        };
        Some((ticket, purpose.unwrap_or(Purpose::Quiet), answer))
    }

    /// Takes the engine's last state; tells whether the engine has ended since the last time.
    pub fn refresh(&mut self) -> bool {
        let Some(desk) = &self.desk else { return false };
        self.snapshot = desk.snapshot();
        desk.has_ended() && !std::mem::replace(&mut self.ended, true)
    }

    /// Nobody answers any more.
    pub fn has_ended(&self) -> bool {
        self.ended
    }

    /// The engine ends in order; the window is hidden by then.
    pub fn leave(&mut self) {
        self.desk = None;
    }
}
