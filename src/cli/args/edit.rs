//! Verbs that change items and projects.

use clap::{Args, Subcommand};

use super::sign_in::SignInWords;
use super::trust::TrustWords;

/// `item edit`. Passwords come from MAILFERRY_SOURCE_PASSWORD and MAILFERRY_DESTINATION_PASSWORD, or a prompt.
#[derive(Debug, Args)]
pub struct EditItem {
    /// Name of the project
    pub project: String,
    /// Which item: an address, or SOURCE:DESTINATION
    #[arg(long, value_name = "EMAIL")]
    pub item: String,
    /// Another address at the source
    #[arg(long, value_name = "EMAIL")]
    pub source_email: Option<String>,
    /// Another login name at the source; "" for none of its own
    #[arg(long, value_name = "LOGIN")]
    pub source_login: Option<String>,
    /// Another address at the destination
    #[arg(long, value_name = "EMAIL")]
    pub destination_email: Option<String>,
    /// Another login name at the destination; "" for none of its own
    #[arg(long, value_name = "LOGIN")]
    pub destination_login: Option<String>,
    /// A note; "" for none
    #[arg(long, value_name = "TEXT")]
    pub note: Option<String>,
    /// Where the owner is reached by mail, if not at the source address; "" for none
    #[arg(long, value_name = "EMAIL")]
    pub contact: Option<String>,
    /// What becomes of passwords
    #[command(flatten)]
    pub passwords: Passwords,
    /// What becomes of the records of what was copied
    #[command(flatten)]
    pub records: RecordsWord,
}

/// What becomes of passwords.
#[derive(Clone, Copy, Debug, Args)]
pub struct Passwords {
    /// Another password at the source: from MAILFERRY_SOURCE_PASSWORD, or asked for
    #[arg(long, conflicts_with = "clear_source_password")]
    pub ask_source_password: bool,
    /// Another password at the destination: from MAILFERRY_DESTINATION_PASSWORD, or asked for
    #[arg(long, conflicts_with = "clear_destination_password")]
    pub ask_destination_password: bool,
    /// Forget the password at the source
    #[arg(long)]
    pub clear_source_password: bool,
    /// Forget the password at the destination
    #[arg(long)]
    pub clear_destination_password: bool,
}

/// The answer to what becomes of the records of what was copied.
#[derive(Clone, Copy, Debug, Args)]
pub struct RecordsWord {
    /// It is the same mailbox under a new address, login or server: what was copied stays known
    #[arg(long, conflicts_with = "reset")]
    pub same_mailbox: bool,
    /// It is another mailbox: Mailferry's records of what was copied are dropped, and everything is copied again
    #[arg(long)]
    pub reset: bool,
}

/// What can be done with stored passwords.
#[derive(Debug, Subcommand)]
pub enum CredentialsVerb {
    /// Remove items' own passwords from the vault; Start then asks for them. No mail is touched
    Clear {
        /// Name of the project
        project: String,
        /// Which items: an address, or SOURCE:DESTINATION
        #[arg(long = "item", value_name = "EMAIL", required = true)]
        items: Vec<String>,
        /// Those at the source
        #[arg(long, required_unless_present = "destination")]
        source: bool,
        /// Those at the destination
        #[arg(long)]
        destination: bool,
    },
    /// Ask owners who wait once more, by a mail with the same link
    Remind {
        /// Name of the project
        project: String,
        /// Which items: an address, or SOURCE:DESTINATION
        #[arg(long = "item", value_name = "EMAIL", required = true)]
        items: Vec<String>,
    },
    /// Ask an owner anew, with a new link: stops the item, clears what was asked for, and starts it again
    Again {
        /// Name of the project
        project: String,
        /// The item: an address, or SOURCE:DESTINATION
        #[arg(long, value_name = "EMAIL")]
        item: String,
    },
    /// Show the link by which an owner gives credentials, to pass it on in another way
    Link {
        /// Name of the project
        project: String,
        /// The item: an address, or SOURCE:DESTINATION
        #[arg(long, value_name = "EMAIL")]
        item: String,
    },
}

/// `item delete` and `reset`.
#[derive(Debug, Args)]
pub struct ChosenItems {
    /// Name of the project
    pub project: String,
    /// Which items: an address, or SOURCE:DESTINATION
    #[arg(long = "item", value_name = "EMAIL", required = true)]
    pub items: Vec<String>,
    /// Do not ask; for more than 20 items with their number
    #[arg(long, value_name = "N", num_args = 0..=1, default_missing_value = "0")]
    pub yes: Option<usize>,
}

/// `project edit`. Servers and administrators can be changed while no item is Queued, Migrating or Stopping; the rest always.
/// Administrators' passwords come from MAILFERRY_SOURCE_PASSWORD and MAILFERRY_DESTINATION_PASSWORD, or a prompt.
#[derive(Debug, Args)]
pub struct EditProject {
    /// Name of the project
    pub project: String,
    /// Another name
    #[arg(long, value_name = "NAME")]
    pub name: Option<String>,
    /// Whose mailboxes it moves; "" for nobody's
    #[arg(long, value_name = "TEXT")]
    pub client: Option<String>,
    /// Another address of the source; its administrator and what it trusts stay
    #[arg(long, value_name = "URL")]
    pub source: Option<String>,
    /// Another address of the destination; its administrator and what it trusts stay
    #[arg(long, value_name = "URL")]
    pub destination: Option<String>,
    /// Administrator of the source: a login name, or a template such as {user}*admin; "" for none
    #[arg(long, value_name = "LOGIN")]
    pub source_admin: Option<String>,
    /// Administrator of the destination: a login name, or a template such as {user}*admin; "" for none
    #[arg(long, value_name = "LOGIN")]
    pub destination_admin: Option<String>,
    /// The certificates that are believed
    #[command(flatten)]
    pub trust: TrustWords,
    /// How both sides are signed in to
    #[command(flatten)]
    pub sign_in: SignInWords,
    /// Another client secret at the source: from MAILFERRY_SOURCE_SECRET, or asked for
    #[arg(long)]
    pub ask_source_secret: bool,
    /// Another client secret at the destination: from MAILFERRY_DESTINATION_SECRET, or asked for
    #[arg(long)]
    pub ask_destination_secret: bool,
    /// The administrators' passwords
    #[command(flatten)]
    pub passwords: Passwords,
    /// Map folders: these rules instead of those that are there; "" for none
    #[arg(long = "map", value_name = "^A->B", allow_hyphen_values = true)]
    pub maps: Vec<String>,
    /// Connections per mailbox and side, 1 to 4
    #[arg(long, value_name = "N")]
    pub connections: Option<u32>,
    /// Items migrating at once; counts from now on
    #[arg(long, value_name = "N")]
    pub concurrent: Option<u32>,
    /// Pool that its items take their licenses from, from now on
    #[arg(long, value_name = "NAME")]
    pub license_pool: Option<String>,
    /// Item errors that end a pass
    #[arg(long, value_name = "N")]
    pub maximum_errors: Option<u64>,
    /// Tries in a row without a message
    #[arg(long, value_name = "N")]
    pub retry_limit: Option<u32>,
    /// What becomes of the records of what was copied
    #[command(flatten)]
    pub records: RecordsWord,
}
