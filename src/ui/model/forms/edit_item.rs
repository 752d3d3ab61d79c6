//! The dialog that changes an item.

use zeroize::Zeroizing;

use crate::domain::edit::{Change, ItemEdit, Records};
use crate::domain::failure::Side;
use crate::domain::item::Mailbox;
use crate::domain::secret::Secret;
use crate::domain::wording::capital;
use crate::service::client::RequestId;
use crate::service::edit::{ItemSettings, PasswordState};

/// One side of an item as it was typed.
#[derive(Clone)]
pub struct MailboxForm {
    /// What is known of its password.
    pub known: PasswordState,
    /// Its address.
    pub email: String,
    /// Its login name; empty for none of its own.
    pub login: String,
    /// A new password; empty leaves the one that is known.
    pub password: Zeroizing<String>,
    /// The one that is known goes.
    pub clear: bool,
}

impl MailboxForm {
    fn new(mailbox: &Mailbox, known: PasswordState) -> Self {
        let (email, login) = (mailbox.email.clone(), mailbox.login.clone().unwrap_or_default());
        Self { known, email, login, password: Zeroizing::default(), clear: false }
    }
}

/// The dialog that changes an item.
#[derive(Clone)]
pub struct EditItemForm {
    /// As it is.
    before: ItemSettings,
    /// The mailbox that is read.
    pub source: MailboxForm,
    /// The mailbox that is written.
    pub destination: MailboxForm,
    /// The note.
    pub note: String,
    /// Where its owner is reached; empty for the source address.
    pub contact: String,
    /// Of which sides it is asked whether they are still the mailboxes they were (D13).
    pub asks: Vec<Side>,
    /// The answer.
    pub records: Option<Records>,
    /// Its note is meant: the keyboard is there first.
    pub at_note: bool,
    /// It was painted once: its first field has had the focus.
    pub entered: bool,
    /// Why it was not changed.
    pub refused: Option<String>,
    /// The question under way.
    pub asked: Option<RequestId>,
}

impl EditItemForm {
    /// For an item as it is.
    pub fn new(before: ItemSettings) -> Self {
        let [at_source, at_destination] = before.passwords.clone();
        Self {
            source: MailboxForm::new(&before.item.source, at_source),
            destination: MailboxForm::new(&before.item.destination, at_destination),
            note: before.note.clone().unwrap_or_default(),
            contact: before.contact.clone().unwrap_or_default(),
            before,
            asks: Vec::new(),
            records: None,
            at_note: false,
            entered: false,
            refused: None,
            asked: None,
        }
    }

    /// Which item, as people call it.
    pub fn title(&self) -> String {
        format!("Edit {}", self.before.item.source.email)
    }

    /// Whether the vault has to be open for it.
    pub fn has_passwords(&self) -> bool {
        [&self.source, &self.destination].into_iter().any(|side| !side.password.is_empty() || side.clear)
    }

    /// What changes.
    pub fn edit(&self) -> ItemEdit<Secret> {
        let mut edit = ItemEdit { records: self.records, ..ItemEdit::of(self.before.item.id) };
        edit.note = changed(self.before.note.as_ref(), &self.note);
        edit.contact = changed(self.before.contact.as_ref(), &self.contact);
        for (side, form, before) in [
            (Side::Source, &self.source, &self.before.item.source),
            (Side::Destination, &self.destination, &self.before.item.destination),
        ] {
            let mailbox = edit.side(side);
            let email = form.email.trim();
            mailbox.email = (email != before.email).then(|| email.to_owned());
            mailbox.login = changed(before.login.as_ref(), &form.login);
            mailbox.password = match (form.password.is_empty(), form.clear) {
                (false, _) => Change::Set(Secret::new(form.password.as_str())),
                (true, true) => Change::Clear,
                (true, false) => Change::Leave,
            };
        }
        edit
    }

    /// What takes the change of the note back, if there is one.
    pub fn note_back(&self) -> Option<ItemEdit<Secret>> {
        let before = self.before.note.clone();
        let note = before.map_or(Change::Clear, Change::Set);
        let is_changed = !self.edit().note.is_leave();
        is_changed.then(|| ItemEdit { note, ..ItemEdit::of(self.before.item.id) })
    }

    /// What it asks, if it may be asked.
    ///
    /// # Errors
    /// Why not.
    pub fn ask(&self) -> Result<ItemEdit<Secret>, String> {
        let edit = self.edit();
        edit.validate().map_err(|error| capital(&error.to_string()))?;
        match (edit.is_empty(), self.asks.is_empty(), self.records) {
            (true, ..) => Err("Nothing was changed".into()),
            (false, false, None) => Err("Say whether it is the same mailbox".into()),
            _ => Ok(edit),
        }
    }
}

fn changed(before: Option<&String>, typed: &str) -> Change<String> {
    let typed = typed.trim();
    match before {
        Some(before) if before == typed => Change::Leave,
        None if typed.is_empty() => Change::Leave,
        Some(_) if typed.is_empty() => Change::Clear,
        _ => Change::Set(typed.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ids::{ItemId, ProjectId};
    use crate::domain::item::Item;

    #[test]
    fn only_what_was_changed_is_asked_for() {
        let mailbox = |email: &str| Mailbox { email: email.into(), login: Some("boss".into()), credential: None };
        let item = Item { id: ItemId(1), project: ProjectId(1), source: mailbox("a@x"), destination: mailbox("a@y") };
        let passwords = [PasswordState::Missing, PasswordState::Missing];
        let mut form = EditItemForm::new(ItemSettings { item, note: None, contact: None, passwords });
        assert_eq!(form.ask().unwrap_err(), "Nothing was changed");
        (form.source.email, form.destination.login) = (" b@x ".into(), String::new());
        let edit = form.ask().unwrap();
        assert_eq!((edit.source.email.as_deref(), &edit.destination.login), (Some("b@x"), &Change::Clear));
        assert!(edit.source.login.is_leave() && edit.note.is_leave() && !form.has_passwords());
        form.asks = vec![Side::Source];
        assert!(form.ask().is_err(), "the question is open");
        form.records = Some(Records::Keep);
        assert!(form.ask().is_ok());
        form.source.email = "nobody".into();
        assert!(form.ask().unwrap_err().contains("no @"));
    }
}
