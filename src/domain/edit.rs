//! What a person changes of an item or a project, when that may be (R13, R24), and what it means for what was copied already
//! (D13). Pure: what is checked here is looked up by the store within the transaction that writes it.
//!
//! `C` is what stands for a password: the secret on its way into the vault, its number from there on.

use super::action::Action;
use super::csv_import::{CsvColumn, wrong};
use super::failure::Side;
use super::ids::{ItemId, PoolId, ProjectId};
use super::item::{Item, Mailbox};
use super::project::{OptionError, Options, Project, name_problem, read_client};
use super::server::{Server, Unfit};
use super::status::{Refusal, Status};
use super::wording::counted;

/// Longest note, in characters.
pub const NOTE_LIMIT: usize = 1000;

/// What becomes of Mailferry's records of what was copied when a mailbox has another address, login or server (D13).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Records {
    /// It is the same mailbox under a new address: they stay.
    Keep,
    /// It is another mailbox: they are dropped.
    Reset,
}

/// What becomes of something that may be missing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Change<T> {
    /// It stays.
    #[default]
    Leave,
    /// It goes.
    Clear,
    /// This instead.
    Set(T),
}

impl<T: Clone> Change<T> {
    /// What was, changed.
    pub fn applied(&self, before: Option<&T>) -> Option<T> {
        match self {
            Self::Leave => before.cloned(),
            Self::Clear => None,
            Self::Set(new) => Some(new.clone()),
        }
    }
}

impl<T> Change<T> {
    /// The same with another thing to be set.
    pub fn map<U>(self, with: impl FnOnce(T) -> U) -> Change<U> {
        match self {
            Self::Leave => Change::Leave,
            Self::Clear => Change::Clear,
            Self::Set(new) => Change::Set(with(new)),
        }
    }

    /// Whether it stays.
    pub fn is_leave(&self) -> bool {
        matches!(self, Self::Leave)
    }
}

/// What changes of one side of an item.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MailboxEdit<C> {
    /// Another address.
    pub email: Option<String>,
    /// The login name.
    pub login: Change<String>,
    /// Its own password.
    pub password: Change<C>,
}

impl<C> Default for MailboxEdit<C> {
    fn default() -> Self {
        Self { email: None, login: Change::Leave, password: Change::Leave }
    }
}

impl<C> MailboxEdit<C> {
    /// The mailbox with its new address and login name.
    fn applied(&self, before: &Mailbox) -> Mailbox {
        Mailbox {
            email: self.email.clone().unwrap_or_else(|| before.email.clone()),
            login: self.login.applied(before.login.as_ref()),
            credential: before.credential,
        }
    }

    /// Whether it may be another mailbox afterwards. Servers do not tell names apart by case.
    fn moves(&self, before: &Mailbox) -> bool {
        let after = self.applied(before);
        !after.email.eq_ignore_ascii_case(&before.email)
            || !after.login_name().eq_ignore_ascii_case(before.login_name())
    }

    fn clears(&self, before: &Mailbox) -> bool {
        matches!(self.password, Change::Clear) && before.credential.is_some()
    }

    fn is_empty(&self) -> bool {
        self.email.is_none() && self.login.is_leave() && self.password.is_leave()
    }
}

/// What changes of an item.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ItemEdit<C> {
    /// Which.
    pub item: ItemId,
    /// The mailbox that is read.
    pub source: MailboxEdit<C>,
    /// The mailbox that is written.
    pub destination: MailboxEdit<C>,
    /// The note.
    pub note: Change<String>,
    /// Where its owner is reached, if not at its source address.
    pub contact: Change<String>,
    /// The answer to D13's question, if it was asked.
    pub records: Option<Records>,
}

/// Why an item or a project stays as it is: the reason and the way out. Shown as it is.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EditRefusal {
    /// The item's status.
    #[error(transparent)]
    Status(#[from] Refusal),
    /// Mail was copied already, and nobody has said whether this is still the mailbox it was.
    #[error(
        "mail was copied already, and the {} changes: say whether it is the same mailbox under a new address, so that what \
         was copied stays known, or another mailbox, so that everything is copied again", sides(.0)
    )]
    WhichMailbox(Vec<Side>),
    /// The same of a list that is imported.
    #[error(
        "mail was copied already for {} whose login at the {} the list changes, such as {first}: say whether these are the \
         same mailboxes, so that what was copied stays known, or other ones, so that everything is copied again. Nothing was \
         imported", counted(*items, "item"), sides(.at)
    )]
    WhichMailboxes {
        /// How many items.
        items: usize,
        /// The first of them.
        first: String,
        /// At which sides.
        at: Vec<Side>,
    },
    /// Servers do not change under a pass.
    #[error(
        "{} of the project {} Queued, Migrating or Stopping: servers and administrators can be changed when none is; stop \
         them first, or wait. Name, client, options and the number at once can be changed at any time",
        counted(usize::try_from(*.0).unwrap_or(usize::MAX), "item"), if *.0 == 1 { "is" } else { "are" }
    )]
    Running(u64),
    /// What was copied is not forgotten under a pass.
    #[error("{} of the project wait or run: stop them first, then the records can be reset", counted(usize::try_from(*.0).unwrap_or(usize::MAX), "item"))]
    NotAtRest(u64),
    /// Something that was typed.
    #[error("{what}: {reason}")]
    Bad {
        /// Which field.
        what: &'static str,
        /// What is wrong with it.
        reason: String,
    },
    /// An option.
    #[error(transparent)]
    Option(#[from] OptionError),
    /// A server that cannot be on its side.
    #[error(transparent)]
    Unfit(#[from] Unfit),
}

fn sides(sides: &[Side]) -> String {
    sides.iter().map(|side| side.word()).collect::<Vec<_>>().join(" and the ")
}

impl<C> ItemEdit<C> {
    /// Nothing of this item.
    pub fn of(item: ItemId) -> Self {
        let (source, destination) = (MailboxEdit::default(), MailboxEdit::default());
        Self { item, source, destination, note: Change::Leave, contact: Change::Leave, records: None }
    }

    /// What changes at one side.
    pub fn side(&mut self, side: Side) -> &mut MailboxEdit<C> {
        match side {
            Side::Source => &mut self.source,
            Side::Destination => &mut self.destination,
        }
    }

    /// Whether nothing changes.
    pub fn is_empty(&self) -> bool {
        self.source.is_empty() && self.destination.is_empty() && self.note.is_leave() && self.contact.is_leave()
    }

    /// Whether what was typed can be used.
    ///
    /// # Errors
    /// The first field that cannot.
    pub fn validate(&self) -> Result<(), EditRefusal> {
        let columns = [
            (&self.source, CsvColumn::SourceEmail, CsvColumn::SourceLogin),
            (&self.destination, CsvColumn::DestinationEmail, CsvColumn::DestinationLogin),
        ];
        for (edit, email, login) in columns {
            let set = match &edit.login {
                Change::Set(login) => Some(login),
                Change::Leave | Change::Clear => None,
            };
            for (column, text) in [(email, &edit.email), (login, &set.cloned())] {
                if let Some(reason) = text.as_deref().and_then(|text| wrong(column, text)) {
                    return Err(EditRefusal::Bad { what: column.name(), reason });
                }
            }
        }
        if let Change::Set(contact) = &self.contact
            && let Some(reason) = wrong(CsvColumn::ContactEmail, contact)
        {
            return Err(EditRefusal::Bad { what: CsvColumn::ContactEmail.name(), reason });
        }
        match &self.note {
            Change::Set(note) if note.chars().count() > NOTE_LIMIT => {
                Err(EditRefusal::Bad { what: "Note", reason: format!("longer than {NOTE_LIMIT} characters") })
            }
            _ => Ok(()),
        }
    }

    /// The item with its new addresses and login names.
    pub fn applied(&self, before: &Item) -> Item {
        let (source, destination) =
            (self.source.applied(&before.source), self.destination.applied(&before.destination));
        Item { source, destination, ..before.clone() }
    }

    /// What becomes of the item's records. `has_records` tells whether there are any; a pass that runs may be making them.
    ///
    /// # Errors
    /// Why nothing changes.
    pub fn check(&self, before: &Item, status: Status, has_records: bool) -> Result<Records, EditRefusal> {
        Action::Edit.check(status, 0)?;
        if self.source.clears(&before.source) || self.destination.clears(&before.destination) {
            Action::ClearCredentials.check(status, 0)?;
        }
        let moves = [
            (Side::Source, self.source.moves(&before.source)),
            (Side::Destination, self.destination.moves(&before.destination)),
        ];
        let moved: Vec<Side> = moves.into_iter().filter(|(_, moves)| *moves).map(|(side, _)| side).collect();
        match self.records {
            _ if moved.is_empty() || !(has_records || status.is_active()) => Ok(Records::Keep),
            None => Err(EditRefusal::WhichMailbox(moved)),
            Some(Records::Keep) => Ok(Records::Keep),
            Some(Records::Reset) => {
                Action::Reset.check(status, 0)?;
                Ok(Records::Reset)
            }
        }
    }
}

/// What changes of one side of a project.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerEdit<C> {
    /// Another server, or the same one reached otherwise.
    pub server: Option<Server>,
    /// The administrator's password.
    pub password: Change<C>,
}

impl<C> Default for ServerEdit<C> {
    fn default() -> Self {
        Self { server: None, password: Change::Leave }
    }
}

impl<C> ServerEdit<C> {
    fn is_empty(&self) -> bool {
        self.server.is_none() && self.password.is_leave()
    }
}

/// What changes of a project.
#[derive(Clone, Debug, PartialEq)]
pub struct ProjectEdit<C> {
    /// Which.
    pub project: ProjectId,
    /// Another name.
    pub name: Option<String>,
    /// Whose mailboxes it moves.
    pub client: Change<String>,
    /// Where mail is read.
    pub source: ServerEdit<C>,
    /// Where mail is written.
    pub destination: ServerEdit<C>,
    /// Other options, all of them.
    pub options: Option<Options>,
    /// Where its items take their licenses from now on; those that they hold stay where they are.
    pub pool: Option<PoolId>,
    /// The answer to D13's question, if it was asked.
    pub records: Option<Records>,
}

/// How a project's items are, as far as an edit of it asks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ItemsAt {
    /// Queued, Migrating or Stopping.
    pub active: u64,
    /// These, and those that wait or are scheduled.
    pub not_at_rest: u64,
    /// Whether any of the project's items has records.
    pub have_records: bool,
}

/// What an edit of a project does besides writing what was changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProjectEffects {
    /// What becomes of its items' records.
    pub records: Records,
    /// Whether mail would go elsewhere, so that the direction is to be confirmed again.
    pub asks_direction: bool,
}

impl<C> ProjectEdit<C> {
    /// Nothing of this project.
    pub fn of(project: ProjectId) -> Self {
        let (source, destination) = (ServerEdit::default(), ServerEdit::default());
        let client = Change::Leave;
        Self { project, name: None, client, source, destination, options: None, pool: None, records: None }
    }

    /// What changes at one side.
    pub fn side(&mut self, side: Side) -> &mut ServerEdit<C> {
        match side {
            Side::Source => &mut self.source,
            Side::Destination => &mut self.destination,
        }
    }

    /// Whether nothing changes.
    pub fn is_empty(&self) -> bool {
        let Self { name, client, options, pool, .. } = self;
        name.is_none() && client.is_leave() && options.is_none() && pool.is_none() && !self.is_of_servers()
    }

    /// Whether a server or an administrator changes.
    pub fn is_of_servers(&self) -> bool {
        !self.source.is_empty() || !self.destination.is_empty()
    }

    /// Whether what was typed can be used.
    ///
    /// # Errors
    /// The first field that cannot.
    pub fn validate(&self) -> Result<(), EditRefusal> {
        if let Some(reason) = self.name.as_deref().and_then(name_problem) {
            return Err(EditRefusal::Bad { what: "Name", reason: reason.into() });
        }
        if let Change::Set(client) = &self.client
            && let Err(reason) = read_client(client)
        {
            return Err(EditRefusal::Bad { what: "Client", reason: reason.into() });
        }
        for (side, edit) in [(Side::Source, &self.source), (Side::Destination, &self.destination)] {
            if let Some(server) = &edit.server {
                server.fits(side)?;
            }
        }
        Ok(self.options.as_ref().map_or(Ok(()), Options::validate)?)
    }

    /// The project with what changes.
    pub fn applied(&self, before: &Project) -> Project {
        Project {
            name: self.name.clone().unwrap_or_else(|| before.name.clone()),
            client: self.client.applied(before.client.as_ref()),
            source: self.source.server.clone().unwrap_or_else(|| before.source.clone()),
            destination: self.destination.server.clone().unwrap_or_else(|| before.destination.clone()),
            options: self.options.clone().unwrap_or_else(|| before.options.clone()),
            pool: self.pool.unwrap_or(before.pool),
            ..before.clone()
        }
    }

    /// What it does besides. `items` tells how the project's items are.
    ///
    /// # Errors
    /// Why nothing changes.
    pub fn check(&self, before: &Project, items: ItemsAt) -> Result<ProjectEffects, EditRefusal> {
        if self.is_of_servers() && items.active > 0 {
            return Err(EditRefusal::Running(items.active));
        }
        let after = self.applied(before);
        let moved: Vec<Side> = [Side::Source, Side::Destination]
            .into_iter()
            .filter(|side| !after.server(*side).is_same_place(before.server(*side)))
            .collect();
        let records = match self.records {
            _ if moved.is_empty() || !items.have_records => Records::Keep,
            None => return Err(EditRefusal::WhichMailbox(moved)),
            Some(Records::Reset) if items.not_at_rest > 0 => return Err(EditRefusal::NotAtRest(items.not_at_rest)),
            Some(records) => records,
        };
        Ok(ProjectEffects { records, asks_direction: !moved.is_empty() })
    }
}

#[cfg(test)]
mod tests;
