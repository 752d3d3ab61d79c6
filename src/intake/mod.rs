//! Asks the owners of mailboxes for credentials: mail out, a secured form in (D36). Decides nothing.
//!
//! [`token`] makes links that nobody can guess, [`letter`] writes the mail that carries one, [`send`] hands it to a mail server over a `wire`,
//! [`form`] is where the link leads.
//! Does not belong here: who is asked and when, what is right (service, engine), rows (store), the vault.

pub mod form;
pub mod letter;
pub mod send;
#[cfg(test)]
pub(crate) mod smtp_peer;
pub mod token;
mod wire;
