//! Asks the owners of mailboxes for credentials: mail out, a secured form in (D36). Decides nothing.
//!
//! [`token`] makes links that nobody can guess. Does not belong here: who is asked and when, what is right (service, engine),
//! rows (store), the vault.

pub mod token;
