//! Verbs that set options.

use clap::Args;

use crate::domain::overrides::OptionKey;

/// `project set`. They count from each item's next pass on; `concurrent` at once.
#[derive(Debug, Args)]
#[command(after_help = keys(|_| true))]
pub struct SetProject {
    /// Name of the project
    pub project: String,
    /// What is set, as largest="25 MB"
    #[arg(value_name = "KEY=VALUE", required = true)]
    pub options: Vec<String>,
}

/// `item set`. They count from the item's next pass on.
#[derive(Debug, Args)]
#[command(after_help = keys(OptionKey::is_of_items) + "\n\nKEY=project leaves an option to the project again.")]
pub struct SetItem {
    /// Name of the project
    pub project: String,
    /// Which items: an address, or SOURCE:DESTINATION
    #[arg(long = "item", value_name = "EMAIL", required = true)]
    pub items: Vec<String>,
    /// What is set, as largest="25 MB"; project leaves it to the project again
    #[arg(value_name = "KEY=VALUE", required = true)]
    pub options: Vec<String>,
}

/// What can be set, for the manual.
fn keys(of: fn(OptionKey) -> bool) -> String {
    let shown = OptionKey::ALL.into_iter().filter(|(key, ..)| of(*key));
    let lines: Vec<String> = shown.map(|(_, name, what)| format!("  {name:<18} {what}")).collect();
    format!("Options:\n{}", lines.join("\n"))
}
