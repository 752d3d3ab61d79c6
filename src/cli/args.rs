//! What can be written on the command line.

pub mod check;
pub mod edit;
pub mod errors;
pub mod hybrid;
pub mod intake;
pub mod license;
pub mod mail;
pub mod options;
pub mod sign_in;
pub mod trust;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

use self::sign_in::SignInWords;
use self::trust::TrustWords;
use crate::domain::csv_import::ListEncoding;
use crate::domain::failure::Cause;
use crate::domain::pass::PassKind;
use crate::domain::star::Star;
use crate::service::VaultKind;

/// What a manual says at its end.
const AFTER: &str = "\
Without a verb the window opens.

Environment:
  MAILFERRY_PASSPHRASE            opens an encrypted file of passwords
  MAILFERRY_NEW_PASSPHRASE        opens it from now on (vault passphrase)
  MAILFERRY_SOURCE_PASSWORD       administrator of the source (project new)
  MAILFERRY_DESTINATION_PASSWORD  administrator of the destination (project new)
  MAILFERRY_SOURCE_SECRET         client secret to sign in to the source with (project new)
  MAILFERRY_DESTINATION_SECRET    client secret to sign in to the destination with (project new)
  MAILFERRY_TENANT_SECRET         client secret of a hybrid project's application (project new --kind hybrid)
  MAILFERRY_MAIL_PASSWORD         password of the mail server (mail password)
  MAILFERRY_LOG                   what is logged, such as mailferry=debug

Exit codes:
  0  all well
  1  an item failed, was stopped, was left alone, is held or has errors: 0 says that all that was asked for is done
  2  wrong use or bad input; nothing was changed
  3  it cannot run here";

/// Moves mailboxes between mail systems, visibly and without losing, doubling or altering a message.
#[derive(Debug, Parser)]
#[command(name = "mailferry", version, about, infer_subcommands = false, after_long_help = AFTER)]
pub struct Arguments {
    /// Folder that holds the workspace (default: this user's local data folder)
    #[arg(long, global = true, value_name = "DIR")]
    pub data: Option<PathBuf>,
    /// Where passwords are kept; chosen by the first verb that stores one (default: keyring), and stays
    #[arg(long, global = true, value_enum, value_name = "KIND")]
    pub vault: Option<VaultWord>,
    /// What to do
    #[command(subcommand)]
    pub verb: Option<Verb>,
}

/// `--vault`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum VaultWord {
    /// The operating system's keyring, one entry a password
    Keyring,
    /// An encrypted file, opened by a passphrase (MAILFERRY_PASSPHRASE or a prompt)
    File,
    /// An encrypted file, opened by a key in the operating system's keyring: quicker with thousands of passwords
    FileKeyring,
}

impl VaultWord {
    /// As it is written.
    pub fn word(self) -> &'static str {
        match self {
            Self::Keyring => "keyring",
            Self::File => "file",
            Self::FileKeyring => "file-keyring",
        }
    }
}

impl From<VaultWord> for VaultKind {
    fn from(word: VaultWord) -> Self {
        match word {
            VaultWord::Keyring => Self::Keyring,
            VaultWord::File => Self::File,
            VaultWord::FileKeyring => Self::FileKeyring,
        }
    }
}

/// A verb.
#[derive(Debug, Subcommand)]
pub enum Verb {
    /// In the person's workspace
    #[command(flatten)]
    Work(WorkVerb),
    /// Print what a shell needs to complete verbs and options
    Completions {
        /// The shell
        #[arg(value_enum)]
        shell: clap_complete::Shell,
    },
    /// Print the manual page (roff): `mailferry manual | man -l -`
    Manual,
    /// Find the server of an e-mail address: what is known of large providers, and what its domain says; asks the network
    Find {
        /// The address
        email: String,
    },
    /// Watch a move of sample mailboxes between two folders of this machine; nothing stays behind
    Demo {
        /// In the terminal, without a window
        #[arg(long)]
        headless: bool,
    },
}

/// What can be done with the vault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Subcommand)]
pub enum VaultVerb {
    /// Give the encrypted file another passphrase: MAILFERRY_PASSPHRASE, then MAILFERRY_NEW_PASSPHRASE, or prompts
    Passphrase {
        /// Accept one of fewer than eight letters
        #[arg(long)]
        short: bool,
    },
}

/// What is done in a workspace.
#[derive(Debug, Subcommand)]
pub enum WorkVerb {
    /// Projects: two servers and the options their items share
    #[command(subcommand)]
    Project(ProjectVerb),
    /// Items: one source mailbox and one destination mailbox each
    #[command(subcommand)]
    Item(ItemVerb),
    /// Run passes, and stay until they have ended (Ctrl-C stops, twice aborts)
    ///
    /// Items that are held when nothing runs any more are not waited for: their server cannot be reached, an administrator's login
    /// was refused, new starts are held. They stay submitted, are named with the reason, and make the exit code 1; `start`,
    /// `resume` or an open window lets them go on. An exit code of 0 says that all passes are complete and that nothing of them
    /// is left to do.
    Start(StartArgs),
    /// Let held and interrupted passes go on, and stay until they have ended
    Resume(ResumeArgs),
    /// Stop passes; what has begun is finished first
    Stop {
        /// Name of the project; none with --all: every project
        #[arg(required_unless_present = "all")]
        project: Option<String>,
        /// Only these items: an address, or SOURCE:DESTINATION
        #[arg(long = "item", value_name = "EMAIL", conflicts_with = "all")]
        items: Vec<String>,
        /// Everything: what is submitted and waits for a free place is taken back too
        #[arg(long)]
        all: bool,
        /// Drop the connections instead of letting what has begun end; what is under way is looked for at the next start
        #[arg(long, conflicts_with = "all")]
        at_once: bool,
    },
    /// Drop Mailferry's records of what was copied for items, which read Not Submitted then; no mail is touched
    Reset(edit::ChosenItems),
    /// Stored passwords of items
    #[command(subcommand)]
    Credentials(edit::CredentialsVerb),
    /// Hold new starts of a project, or let them go on; what runs is not touched
    #[command(subcommand)]
    Hold(HoldVerb),
    /// End the pauses between two tries, where no server named them; try a server again that could not be reached
    RetryNow {
        /// Name of the project
        project: String,
        /// Which items: an address, or SOURCE:DESTINATION; all if none is named
        #[arg(long = "item", value_name = "EMAIL")]
        items: Vec<String>,
    },
    /// Sign in for one mailbox, in the browser or with a code, where the project is signed in to by each person
    Signin(sign_in::SignInVerb),
    /// Show what the latest passes could not move, by cause; accept it, or save a message
    Errors(errors::Errors),
    /// Licenses: pools that projects take them from, and a ledger to bill from
    #[command(subcommand, long_about = license::ABOUT)]
    License(license::LicenseVerb),
    /// Show where every folder would go, what would be created, and what would be left out; changes nothing
    Preview {
        /// Name of the project
        project: String,
        /// Which items: an address, or SOURCE:DESTINATION; all if none is named
        #[arg(long = "item", value_name = "EMAIL")]
        items: Vec<String>,
        /// What it would be if the items had this option; it is not saved. As with `item set`
        #[arg(long = "set", value_name = "KEY=VALUE")]
        set: Vec<String>,
    },
    /// Test the connections, step by step: name, certificate, login, mailbox, capabilities, folders; changes nothing
    Check(check::CheckArgs),
    /// Show what happened to an item: its passes, how they ended, their errors
    Log {
        /// Name of the project
        project: String,
        /// The item: an address, or SOURCE:DESTINATION
        #[arg(long, value_name = "EMAIL")]
        item: String,
    },
    /// The vault, where passwords are kept
    #[command(subcommand)]
    Vault(VaultVerb),
    /// Show what holds for all projects, or change it: keep-awake=off; an empty value takes a setting back
    Settings {
        /// What is changed
        #[arg(value_name = "KEY=VALUE")]
        settings: Vec<String>,
    },
    /// Preview: users of an Exchange organisation move to Exchange Online in batches
    #[command(subcommand, long_about = hybrid::ABOUT)]
    Hybrid(hybrid::HybridVerb),
    /// Ask owners of mailboxes for their passwords: mails and a secured form
    #[command(subcommand)]
    Intake(intake::IntakeVerb),
    /// The mail server by which owners of mailboxes are asked for their passwords
    #[command(subcommand)]
    Mail(mail::MailVerb),
    /// Show where every item of a project stands
    Status {
        /// Name of the project
        project: String,
        /// As JSON
        #[arg(long)]
        json: bool,
    },
}

/// What can be done with projects.
#[derive(Debug, Subcommand)]
pub enum ProjectVerb {
    /// Make a project
    New(Box<NewProjectArgs>),
    /// List all projects but the archived ones
    List {
        /// The archived projects instead
        #[arg(long)]
        archived: bool,
    },
    /// Show one project
    Show {
        /// Name of the project
        name: String,
    },
    /// Change a project
    Edit(Box<edit::EditProject>),
    /// Set options of a project: KEY=VALUE …
    Set(options::SetProject),
    /// Make another project with the servers, logins and options of one; without passwords
    Duplicate {
        /// Name of the project
        name: String,
        /// Name of the new one
        new: String,
        /// With its items too
        #[arg(long)]
        items: bool,
    },
    /// Archive a project whose work is over: lists leave it out and nothing starts in it; nothing is deleted
    Archive {
        /// Name of the project
        name: String,
        /// Bring it back
        #[arg(long)]
        undo: bool,
    },
    /// Delete a project with its items and Mailferry's records of them; no mail is touched
    Delete {
        /// Name of the project
        name: String,
    },
}

/// `project new`. URLs: imaps://host[:port] (TLS), imap://host[:port] (STARTTLS required), imap+plain://host[:port].
/// Administrators' passwords come from MAILFERRY_SOURCE_PASSWORD and MAILFERRY_DESTINATION_PASSWORD, or a prompt.
#[derive(Debug, Args)]
pub struct NewProjectArgs {
    /// Name of the project, unique ignoring case
    pub name: String,
    /// Whose mailboxes it moves
    #[arg(long, value_name = "TEXT")]
    pub client: Option<String>,
    /// Where mail is read
    #[arg(long, value_name = "URL", required_unless_present = "kind")]
    pub source: Option<String>,
    /// Where mail is written
    #[arg(long, value_name = "URL", required_unless_present = "kind")]
    pub destination: Option<String>,
    /// The kind of project (default: mail)
    #[arg(long, value_enum, value_name = "KIND")]
    pub kind: Option<hybrid::ProjectKindWord>,
    /// The tenant of a hybrid project, and what its users get
    #[command(flatten)]
    pub hybrid: hybrid::HybridWords,
    /// Administrator of the source: a login name, or a template such as {user}*admin
    #[arg(long, value_name = "LOGIN")]
    pub source_admin: Option<String>,
    /// Administrator of the destination: a login name, or a template such as {user}*admin
    #[arg(long, value_name = "LOGIN")]
    pub destination_admin: Option<String>,
    /// The certificates that are believed
    #[command(flatten)]
    pub trust: TrustWords,
    /// How both sides are signed in to
    #[command(flatten)]
    pub sign_in: SignInWords,
    /// Map folders: a regular expression and its replacement, first match wins
    #[arg(long = "map", value_name = "^A->B", allow_hyphen_values = true)]
    pub maps: Vec<String>,
    /// Connections per mailbox and side, 1 to 4 (default 2)
    #[arg(long, value_name = "N")]
    pub connections: Option<u32>,
    /// Items migrating at once (default 8)
    #[arg(long, value_name = "N")]
    pub concurrent: Option<u32>,
    /// Pool that its items take their licenses from (default: the unlimited one)
    #[arg(long, value_name = "NAME")]
    pub license_pool: Option<String>,
}

/// A star's colour, or none.
pub type StarWord = Option<Star>;

fn star(word: &str) -> Result<StarWord, String> {
    let named = Star::ALL.into_iter().find(|star| star.word() == word);
    let known = || format!("no star is called so; known are {} and none", Star::ALL.map(Star::word).join(", "));
    if word == "none" { Ok(None) } else { named.map(Some).ok_or_else(known) }
}

fn list_encoding(name: &str) -> Result<ListEncoding, String> {
    let names = ListEncoding::OFFERED.join(", ");
    ListEncoding::named(name).ok_or_else(|| format!("no encoding of this name is known; known are {names} and others"))
}

/// What can be done with items.
#[derive(Debug, Subcommand)]
pub enum ItemVerb {
    /// Import items from a CSV file; importing again updates those with the same pair of addresses
    #[command(
        long_about = "Import items from a CSV file; importing again updates those with the same pair of addresses.\n\n\
        Header: Source Email, Source Login Name, Source Password, Destination Email, Destination Login Name, \
        Destination Password, Contact Email (where the owner is asked for a password, if not at the source address). \
        Only the two e-mails are compulsory; columns of other names are left out. Names in German and French, and lists for \
        imapsync (host1;user1;password1;…), are understood too."
    )]
    Import {
        /// Name of the project
        project: String,
        /// The CSV file
        file: PathBuf,
        /// Import the good rows even if others are bad
        #[arg(long)]
        skip_bad: bool,
        /// Encoding of the file, such as windows-1252, windows-1250, macintosh or Shift_JIS (default: UTF-8, or UTF-16 as it shows)
        #[arg(long, value_name = "NAME", value_parser = list_encoding)]
        encoding: Option<ListEncoding>,
        /// What becomes of the records of what was copied
        #[command(flatten)]
        records: edit::RecordsWord,
    },
    /// Change an item: addresses, login names, passwords, note
    Edit(Box<edit::EditItem>),
    /// Set options of items, instead of their project's: KEY=VALUE …
    Set(options::SetItem),
    /// Delete items with their statistics; no mail is touched
    Delete(edit::ChosenItems),
    /// Give items a star, or take it: red, orange, yellow, green, blue, purple or none
    Star {
        /// Name of the project
        project: String,
        /// The colour
        #[arg(value_name = "COLOUR", value_parser = star)]
        star: StarWord,
        /// Which items: an address, or SOURCE:DESTINATION
        #[arg(long = "item", value_name = "EMAIL", required = true)]
        items: Vec<String>,
    },
    /// List the items of a project
    List {
        /// Name of the project
        project: String,
    },
    /// Show one item: mailboxes, logins, status, and every option that is not the default
    Show {
        /// Name of the project
        project: String,
        /// The item: an address, or SOURCE:DESTINATION
        #[arg(long, value_name = "EMAIL")]
        item: String,
    },
}

/// `start`.
#[derive(Debug, Args)]
pub struct StartArgs {
    /// Name of the project
    pub project: String,
    /// Which pass
    #[arg(long, value_enum, default_value = "full")]
    pub pass: PassWord,
    /// With --pass prestage: copy only messages older than so many days, or than a date (2026-01-31)
    #[arg(long, value_name = "DAYS|DATE", required_if_eq("pass", "prestage"))]
    pub older_than: Option<String>,
    /// With --pass retry-errors: only errors of this cause, as `errors` calls it; the others stay errors
    #[arg(long, value_name = "CAUSE", value_parser = Cause::from_word)]
    pub only: Option<Cause>,
    /// Start at a time (22:00, 2026-12-01 22:00); without --watch this returns at once
    #[arg(long, value_name = "TIME")]
    pub at: Option<String>,
    /// Before all items that wait already
    #[arg(long)]
    pub next: bool,
    /// The largest mailboxes first, as far as their sizes are known
    #[arg(long)]
    pub largest_first: bool,
    /// Say that mail goes from this source into this destination; asked once in a project, before its first copy
    #[arg(long)]
    pub confirm_direction: bool,
    /// Ask no owner for a password by mail: items that lack one are left alone
    #[arg(long)]
    pub do_not_ask: bool,
    /// Show which mails this would send to owners, and start nothing
    #[arg(long, conflicts_with = "do_not_ask")]
    pub preview_mails: bool,
    /// Only these items: an address, or SOURCE:DESTINATION
    #[arg(long = "item", value_name = "EMAIL")]
    pub items: Vec<String>,
    /// Show progress
    #[arg(long)]
    pub watch: bool,
}

/// `resume`.
#[derive(Debug, Args)]
pub struct ResumeArgs {
    /// Name of the project
    pub project: String,
    /// Only these items: an address, or SOURCE:DESTINATION
    #[arg(long = "item", value_name = "EMAIL")]
    pub items: Vec<String>,
    /// Show progress
    #[arg(long)]
    pub watch: bool,
}

/// `hold`.
#[derive(Debug, Subcommand)]
pub enum HoldVerb {
    /// What is submitted waits, and can be stopped
    On {
        /// Name of the project
        project: String,
    },
    /// What was held by this goes on
    Off {
        /// Name of the project
        project: String,
    },
}

/// `--pass`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum PassWord {
    /// Copy everything that is missing
    Full,
    /// Log in on both sides; copy nothing
    Verify,
    /// Make all folders and copy at most 10 messages of each, 5 MB in all
    Trial,
    /// Copy what is older than --older-than
    Prestage,
    /// Try the messages again that the last pass could not copy
    RetryErrors,
}

impl From<PassWord> for PassKind {
    fn from(word: PassWord) -> Self {
        match word {
            PassWord::Full => Self::Full,
            PassWord::Verify => Self::Verify,
            PassWord::Trial => Self::Trial,
            PassWord::Prestage => Self::PreStage,
            PassWord::RetryErrors => Self::RetryErrors,
        }
    }
}
