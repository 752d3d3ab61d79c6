//! The workspace as verbs open it: its folder and log, its database, its vault with a person at the prompt.

use std::path::PathBuf;

use crate::cli::args::{VaultVerb, VaultWord};
use crate::cli::error::{CliError, Exit};
use crate::cli::prompt;
use crate::domain::ids::ItemId;
use crate::service::items::StoredItem;
use crate::service::vault::{self, NewPassphrase, Passphrase, VaultNeeds};
use crate::service::{DataFolder, OpenOptions, OpenWorkspace, VaultKind};

/// Opens or makes the workspace. The folder is to be kept until the workspace is closed.
pub fn open(data: Option<PathBuf>, vault: Option<VaultWord>) -> Result<(DataFolder, OpenWorkspace), CliError> {
    let folder = DataFolder::prepare(data)?;
    let options = OpenOptions { vault: vault.map(VaultKind::from), ..OpenOptions::new(folder.path.clone()) };
    let workspace = OpenWorkspace::open(options)?;
    Ok((folder, workspace))
}

/// Opens the vault, if it is not open yet. Its kind is chosen by the first verb that needs it, and stays.
pub async fn unlock(workspace: &OpenWorkspace) -> Result<(), CliError> {
    if vault::is_open(workspace) {
        return Ok(());
    }
    let VaultNeeds { kind, passphrase } = vault::needs(workspace).await?;
    let passphrase = match passphrase {
        Passphrase::NotNeeded => None,
        Passphrase::Known => Some(prompt::secret(prompt::PASSPHRASE, "passphrase of the vault")?),
        Passphrase::New => Some(prompt::new_secret(prompt::PASSPHRASE, "new passphrase for the vault")?),
    };
    Ok(vault::unlock(workspace, kind, passphrase).await?)
}

/// `vault`
pub async fn vault(workspace: &OpenWorkspace, verb: VaultVerb) -> Result<Exit, CliError> {
    let VaultVerb::Passphrase { short } = verb;
    let old = prompt::secret(prompt::PASSPHRASE, "passphrase of the vault")?;
    let new = prompt::new_secret("MAILFERRY_NEW_PASSPHRASE", "new passphrase for the vault")?;
    vault::change_passphrase(workspace, NewPassphrase { old, new, short }).await?;
    say!("The vault opens by the new passphrase. Copies of its file in backups still open by the old one");
    Ok(Exit::Well)
}

/// The ids of rows.
pub fn ids(rows: &[StoredItem]) -> Vec<ItemId> {
    rows.iter().map(|row| row.item.id).collect()
}
