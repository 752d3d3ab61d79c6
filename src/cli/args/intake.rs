//! What can be written about asking owners.

use clap::Subcommand;

/// Asking owners of mailboxes.
#[derive(Debug, Subcommand)]
pub enum IntakeVerb {
    /// Ask who waits, keep the form open and run passes, until Ctrl-C; for a server without a display
    Serve,
    /// Whether owners can be asked: settings, and the public address leads to the form
    Check,
}
