//! Verbs about licenses.

use clap::{Args, Subcommand};

/// What the manual says of them.
pub const ABOUT: &str = "\
Licenses: pools that projects take them from, and a ledger to bill from.

The first Pre-Stage or Full pass of an item reserves a license when it is started; Completed consumes it, Stopped and Failed
return it. An item that has consumed one takes no second. Deleting the item afterwards deletes its license too. A workspace
begins with one unlimited pool, and says nothing of licenses while that is the only one.";

/// What can be done with licenses.
#[derive(Debug, Subcommand)]
pub enum LicenseVerb {
    /// List the pools: what was added, is reserved, was consumed or lost, and is free
    List {
        /// As a table for a spreadsheet
        #[arg(long)]
        csv: bool,
    },
    /// Add licenses to a pool, or make a pool
    Add(AddLicenses),
    /// Show every entry of the ledger, oldest first: what a bill is made of
    History(LicenseHistory),
}

/// `license add`. Entries are never changed or removed.
#[derive(Debug, Args)]
pub struct AddLicenses {
    /// Name of the pool
    pub pool: String,
    /// So many licenses
    #[arg(long, value_name = "N", allow_negative_numbers = true, conflicts_with = "unlimited")]
    pub number: Option<i64>,
    /// Make the pool; its name must be free, ignoring case
    #[arg(long)]
    pub new: bool,
    /// With --new: it has as many as are asked for
    #[arg(long, requires = "new")]
    pub unlimited: bool,
    /// With --new: what one license is good for, such as Mailbox
    #[arg(long, value_name = "TEXT", requires = "new")]
    pub kind: Option<String>,
    /// With --new: for whom
    #[arg(long, value_name = "NAME", requires = "new")]
    pub client: Option<String>,
    /// A note to the entry, such as the number of an invoice
    #[arg(long, value_name = "TEXT", conflicts_with = "new")]
    pub note: Option<String>,
}

/// `license history`.
#[derive(Debug, Args)]
pub struct LicenseHistory {
    /// Name of the pool (default: all of them)
    pub pool: Option<String>,
    /// As a table for a spreadsheet, every entry with all that is known of it
    #[arg(long)]
    pub csv: bool,
}
