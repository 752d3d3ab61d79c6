//! What could not be moved: shown, accepted, saved.

use std::path::PathBuf;

use clap::{Args, Subcommand};

/// `errors`.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub struct Errors {
    /// What to do with errors, if not to show them
    #[command(subcommand)]
    pub verb: Option<ErrorsVerb>,
    /// Name of the project
    #[arg(required = true)]
    pub project: Option<String>,
    /// Only this item: an address, or SOURCE:DESTINATION
    #[arg(long, value_name = "EMAIL")]
    pub item: Option<String>,
    /// As a table for a spreadsheet, every error with all that is known of it
    #[arg(long)]
    pub csv: bool,
}

/// What can be done with errors.
#[derive(Debug, Subcommand)]
pub enum ErrorsVerb {
    /// Say that messages stay behind: they no longer count as something left to do
    Accept(AcceptErrors),
    /// Read a message from the source and save it as a file
    Save(SaveError),
}

/// `errors accept`.
#[derive(Debug, Args)]
pub struct AcceptErrors {
    /// Name of the project
    pub project: String,
    /// The item: an address, or SOURCE:DESTINATION
    #[arg(long, value_name = "EMAIL")]
    pub item: String,
    /// The folder of the message at the source
    #[arg(long, value_name = "NAME", requires = "uid", required_unless_present = "all")]
    pub folder: Option<String>,
    /// The number of the message in it
    #[arg(long, value_name = "N", requires = "folder")]
    pub uid: Option<i64>,
    /// All errors of the item's latest pass
    #[arg(long, conflicts_with_all = ["folder", "uid"])]
    pub all: bool,
    /// Why, for whoever reads it later
    #[arg(long, value_name = "TEXT", conflicts_with = "undo")]
    pub note: Option<String>,
    /// Take it back: they are left to do again
    #[arg(long)]
    pub undo: bool,
}

/// `errors save`.
#[derive(Debug, Args)]
pub struct SaveError {
    /// Name of the project
    pub project: String,
    /// The item: an address, or SOURCE:DESTINATION
    #[arg(long, value_name = "EMAIL")]
    pub item: String,
    /// The folder of the message at the source
    #[arg(long, value_name = "NAME")]
    pub folder: String,
    /// The number of the message in it
    #[arg(long, value_name = "N")]
    pub uid: i64,
    /// Where to save it: a new file, readable by you only
    #[arg(value_name = "FILE.eml")]
    pub file: PathBuf,
    /// Write over a file that exists
    #[arg(long)]
    pub force: bool,
}
