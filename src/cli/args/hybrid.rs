//! What can be written about hybrid projects.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

use super::sign_in::CloudWord;

/// What the manual says of them.
pub const ABOUT: &str = "\
Hybrid Exchange (preview: not available everywhere yet, and tried against a double only): users of an Exchange organisation move \
to Exchange Online in batches.

Exchange moves the mailboxes; Mailferry orders and watches the moves, assigns Microsoft licenses at 95 %, and sets mailbox \
attributes at the end. A project is made by `project new NAME --kind hybrid`. What is ordered is carried out by `hybrid watch`, \
which stays and watches; verbs that order make a first round themselves unless another process has the workspace.";

/// `--kind`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ProjectKindWord {
    /// Mail is copied between two servers
    Mail,
    /// Preview: users of an Exchange organisation move to Exchange Online in batches
    Hybrid,
}

/// What `project new --kind hybrid` takes. The application's secret comes from MAILFERRY_TENANT_SECRET, or a prompt.
#[derive(Debug, Default, Args)]
pub struct HybridWords {
    /// With --kind hybrid: the tenant, by its id or one of its domains
    #[arg(long, value_name = "TENANT", requires = "kind")]
    pub tenant: Option<String>,
    /// With --kind hybrid: the number of the application that is signed in as
    #[arg(long, value_name = "ID", requires = "kind")]
    pub client_id: Option<String>,
    /// With --kind hybrid: a file with the application's certificate and key, in place of a secret
    #[arg(long, value_name = "FILE", requires = "kind")]
    pub certificate: Option<PathBuf>,
    /// With --kind hybrid: which of Microsoft's clouds (default: global)
    #[arg(long, value_enum, value_name = "CLOUD", requires = "kind")]
    pub cloud: Option<CloudWord>,
    /// With --kind hybrid: the migration endpoint, by its name in the tenant
    #[arg(long, value_name = "NAME", requires = "kind")]
    pub endpoint: Option<String>,
    /// With --kind hybrid: the tenant's own domain, as contoso.mail.onmicrosoft.com
    #[arg(long, value_name = "DOMAIN", requires = "kind")]
    pub target_domain: Option<String>,
    /// With --kind hybrid: the Microsoft license that users get at 95 %, as ENTERPRISEPACK; none is assigned without it
    #[arg(long = "license", value_name = "NAME", requires = "kind")]
    pub sku: Option<String>,
    /// With --kind hybrid: where users work who have no location of their own: two letters
    #[arg(long, value_name = "XX", requires = "kind")]
    pub location: Option<String>,
    /// With --kind hybrid: an attribute that is set on mailboxes at finalization, as quota=50GB; may be repeated
    #[arg(long = "attribute", value_name = "KEY=VALUE", requires = "kind")]
    pub attributes: Vec<String>,
    /// With --kind hybrid: where tokens are handed out, in place of Microsoft's own address
    #[arg(long, value_name = "URL", requires = "kind")]
    pub token_url: Option<String>,
    /// With --kind hybrid: in place of Exchange Online's own address
    #[arg(long, value_name = "URL", requires = "kind")]
    pub exchange_url: Option<String>,
    /// With --kind hybrid: in place of Microsoft Graph's own address
    #[arg(long, value_name = "URL", requires = "kind")]
    pub graph_url: Option<String>,
}

/// What can be done with hybrid projects.
#[derive(Debug, Subcommand)]
pub enum HybridVerb {
    /// List hybrid projects
    List,
    /// Change a project: license=ENTERPRISEPACK, location=DE, endpoint=NAME, or an attribute as quota=50GB; empty takes it back
    Set {
        /// Name of the project
        project: String,
        /// What is changed
        #[arg(value_name = "KEY=VALUE", required = true)]
        settings: Vec<String>,
    },
    /// Delete a project with Mailferry's records of it; nothing is changed in the tenant
    Delete {
        /// Name of the project
        project: String,
        /// Say that its records are to go
        #[arg(long)]
        confirm: bool,
    },
    /// Show what the administrator has to prepare, with the project's values filled in
    Guide {
        /// Name of the project; none: with placeholders
        project: Option<String>,
    },
    /// Look whether the tenant is ready: each line is right, or says what to do; changes nothing
    Check {
        /// Name of the project
        project: String,
        /// For the users of this batch only
        #[arg(long, value_name = "NAME")]
        batch: Option<String>,
    },
    /// List the migration endpoints of the tenant
    Endpoints {
        /// Name of the project
        project: String,
    },
    /// Users: who can move
    #[command(subcommand)]
    Users(UsersVerb),
    /// Batches: users that move together
    #[command(subcommand)]
    Batch(BatchVerb),
    /// Carry out what was ordered and watch the moves, until Ctrl-C
    Watch {
        /// Only this project
        #[arg(required_if_eq("once", "true"))]
        project: Option<String>,
        /// Make one round and end
        #[arg(long)]
        once: bool,
        /// Write what is said to the service and what it answers into this new file, one exchange a line; addresses, numbers and
        /// names are masked
        #[arg(long, value_name = "FILE")]
        record: Option<PathBuf>,
    },
}

/// What can be done with users.
#[derive(Debug, Subcommand)]
pub enum UsersVerb {
    /// Bring users in from a CSV file (Email Address, Usage Location), or everybody in the tenant who can move
    Import {
        /// Name of the project
        project: String,
        /// The CSV file
        #[arg(required_unless_present = "directory")]
        file: Option<PathBuf>,
        /// From the directory
        #[arg(long, conflicts_with = "file")]
        directory: bool,
    },
    /// List users and where they stand
    List {
        /// Name of the project
        project: String,
        /// Only those of this batch
        #[arg(long, value_name = "NAME")]
        batch: Option<String>,
        /// Only those who are in no batch
        #[arg(long, conflicts_with = "batch")]
        unbatched: bool,
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// Show one user: status, sizes, what happened; and the service's own report
    Show {
        /// Name of the project
        project: String,
        /// Its address
        user: String,
        /// Ask the service for its report; it may take half an hour
        #[arg(long)]
        report: bool,
    },
}

/// Users of a batch.
#[derive(Debug, Args)]
pub struct BatchUsers {
    /// Name of the project
    pub project: String,
    /// Name of the batch
    pub batch: String,
    /// Which users
    #[arg(long = "user", value_name = "EMAIL", required = true)]
    pub users: Vec<String>,
}

/// What can be done with batches.
#[derive(Debug, Subcommand)]
pub enum BatchVerb {
    /// Make a batch
    New {
        /// Name of the project
        project: String,
        /// Name of the batch
        batch: String,
        /// Move these users into it
        #[arg(long = "user", value_name = "EMAIL")]
        users: Vec<String>,
    },
    /// Move users into a batch that was not submitted
    Add(BatchUsers),
    /// Move users out of their batch; once it was submitted, what was migrated for them is deleted
    MoveOut {
        /// Name of the project
        project: String,
        /// Which users
        #[arg(long = "user", value_name = "EMAIL", required = true)]
        users: Vec<String>,
        /// Say that what was migrated for them is to be deleted
        #[arg(long)]
        confirm: bool,
    },
    /// Submit a batch; once more, what failed of it
    Start {
        /// Name of the project
        project: String,
        /// Name of the batch
        batch: String,
        /// Do not look at the tenant before
        #[arg(long)]
        unchecked: bool,
    },
    /// Finalize a batch, or some users of it: the rest is synced, attributes are set, users are switched
    Finalize {
        /// Name of the project
        project: String,
        /// Name of the batch
        batch: String,
        /// Only these users
        #[arg(long = "user", value_name = "EMAIL")]
        users: Vec<String>,
        /// At a time (22:00, 2026-12-01 22:00), not now
        #[arg(long, value_name = "TIME")]
        at: Option<String>,
    },
    /// Approve the items that were left out of users, so that they can be finalized
    Approve(BatchUsers),
    /// Show where batches stand, and what is on its way
    Status {
        /// Name of the project
        project: String,
        /// Only this batch, with its orders
        batch: Option<String>,
        /// As JSON
        #[arg(long)]
        json: bool,
    },
}
