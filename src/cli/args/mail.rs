//! What can be written about mail.

use std::path::PathBuf;

use clap::{Args, Subcommand};

/// What can be done with the mail server by which owners of mailboxes are asked.
#[derive(Debug, Subcommand)]
pub enum MailVerb {
    /// Send a test with the settings as they are (see `settings`)
    Test {
        /// To whom
        to: String,
    },
    /// Keep the password of the mail server, or the secret of the application that signs in there (mail-sign-in):
    /// MAILFERRY_MAIL_PASSWORD, or a prompt
    Password {
        /// File with certificate and key (PEM), or with the key of a service account (JSON); not needed again
        #[arg(long, value_name = "FILE")]
        file: Option<PathBuf>,
    },
    /// Show how a project writes mail, or change that: language, the text that asks owners, who is told how passes end
    Project(ProjectMailArgs),
}

/// `mail project`. An empty value takes back what was said.
#[derive(Debug, Args)]
pub struct ProjectMailArgs {
    /// Name of the project
    pub project: String,
    /// Language of its mails: en, de, fr or es
    #[arg(long, value_name = "CODE")]
    pub language: Option<String>,
    /// File with the text that asks. {address}, {consultant}, {client}, {phone}, {contact} and {link} are filled in; a
    /// line that begins with ?client, ?phone or ?contact is there only if there is one
    #[arg(long, value_name = "FILE")]
    pub text: Option<String>,
    /// Whose mailboxes they are, as their owners know it: the company's name in mails and in the form, if it is not the
    /// project's client; "" for that one
    #[arg(long, value_name = "NAME")]
    pub client: Option<String>,
    /// Whom to tell of passes that end well
    #[arg(long, value_name = "EMAIL")]
    pub on_success: Option<String>,
    /// Whom to tell of passes that fail
    #[arg(long, value_name = "EMAIL")]
    pub on_failure: Option<String>,
}
