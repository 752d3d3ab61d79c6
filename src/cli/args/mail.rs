//! What can be written about mail.

use clap::Subcommand;

/// What can be done with the mail server by which owners of mailboxes are asked.
#[derive(Debug, Subcommand)]
pub enum MailVerb {
    /// Send a test with the settings as they are (see `settings`)
    Test {
        /// To whom
        to: String,
    },
    /// Keep the password of the mail server: MAILFERRY_MAIL_PASSWORD, or a prompt
    Password,
}
