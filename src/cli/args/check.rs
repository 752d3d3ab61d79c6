//! What can be tested.

use clap::Args;

/// `check`.
#[derive(Debug, Args)]
pub struct CheckArgs {
    /// Name of the project
    pub project: String,
    /// Which items: an address, or SOURCE:DESTINATION; the first if none is named
    #[arg(long = "item", value_name = "EMAIL")]
    pub items: Vec<String>,
    /// As JSON
    #[arg(long)]
    pub json: bool,
}
