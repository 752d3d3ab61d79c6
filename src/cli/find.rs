//! `mailferry find`: settings for an address, proposed.

use crate::cli::error::{CliError, Exit};
use crate::cli::table::clean;
use crate::domain::proposal::Proposal;
use crate::service::find::settings;

/// `find`
pub async fn find(email: &str) -> Result<Exit, CliError> {
    let found = settings(email).await?;
    found.iter().for_each(print);
    if found.is_empty() {
        say!("Nobody says where the mail of {} is read: ask who runs its server.", clean(email.trim()));
        return Ok(Exit::Items);
    }
    say!("Proposals: nothing was tried. `mailferry check` tests a project that uses one.");
    Ok(Exit::Well)
}

fn print(proposal: &Proposal) {
    say!("{}", proposal.server);
    say!("  {}", clean(&proposal.origin.words()));
    if let Some(login) = &proposal.login {
        say!("  login name {}", clean(login));
    }
    if let Some(sign_in) = &proposal.sign_in {
        say!("  {}", clean(sign_in));
    }
}
