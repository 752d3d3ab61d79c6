//! Opening the workspace: data folder, log, database, vault.

use std::path::PathBuf;
use std::sync::Arc;

use crate::cli::args::VaultWord;
use crate::cli::error::CliError;
use crate::cli::prompt;
use crate::domain::clock::Clock;
use crate::domain::ids::ItemId;
use crate::domain::project::Project;
use crate::platform::clock::SystemClock;
use crate::platform::{folder, logging};
use crate::store::{ItemRow, Store, StoreError};
use crate::vault::{self, Standing, Vault, VaultKind};

/// An open workspace.
pub struct Opened {
    pub folder: PathBuf,
    pub store: Store,
    pub clock: Arc<dyn Clock>,
    vault: Option<VaultKind>,
    _log: Box<dyn std::any::Any>,
}

impl Opened {
    /// Opens or makes the workspace.
    pub fn open(data: Option<PathBuf>, vault: Option<VaultWord>) -> Result<Self, CliError> {
        let folder = folder::data_dir(data)?;
        let log = logging::init(&folder, tracing::Level::INFO)?;
        let clock = SystemClock;
        let store = Store::open(&folder, clock.now())?;
        Ok(Self { folder, store, clock: Arc::new(clock), vault: vault.map(VaultKind::from), _log: Box::new(log) })
    }

    /// The vault of this workspace. Its kind is chosen by the first verb that needs it, and stays.
    pub async fn vault(&self) -> Result<Arc<dyn Vault>, CliError> {
        let workspace = self.store.workspace().await?;
        let chosen = workspace.vault.as_deref().and_then(VaultKind::parse);
        let (kind, standing) = match (chosen, self.vault) {
            (Some(chosen), Some(asked)) if chosen != asked => {
                return Err(StoreError::OtherVault(chosen.word().into()).into());
            }
            (Some(chosen), _) => (chosen, Standing::Chosen),
            (None, asked) => (asked.unwrap_or(VaultKind::Keyring), Standing::Unchosen),
        };
        if standing == Standing::Chosen {
            // Before anybody is asked for its passphrase.
            vault::not_lost(kind, &self.folder)?;
        }
        let passphrase = match kind {
            VaultKind::File if standing == Standing::Chosen => {
                Some(prompt::secret("MAILFERRY_PASSPHRASE", "passphrase of the vault")?)
            }
            VaultKind::File => Some(prompt::new_secret("MAILFERRY_PASSPHRASE", "new passphrase for the vault")?),
            VaultKind::Keyring | VaultKind::FileKeyring | VaultKind::Memory => None,
        };
        let folder = self.folder.clone();
        let open = move || vault::open(kind, standing, &folder, &workspace.uuid, passphrase.as_ref());
        let opened =
            tokio::task::spawn_blocking(open).await.map_err(|_| CliError::cannot("opening the vault failed"))??;
        if chosen.is_none() {
            self.store.choose_vault(kind.word()).await?;
        }
        Ok(opened)
    }

    /// A project by its name.
    pub async fn project(&self, name: &str) -> Result<Project, CliError> {
        let found = self.store.project_named(name).await?;
        found.ok_or_else(|| {
            CliError::usage(format!("there is no project \"{name}\": `mailferry project list` shows all"))
        })
    }

    /// The items of a project: all, or those that `--item` names. A name that fits two is refused, naming both (D5).
    pub async fn select(&self, project: &Project, names: &[String]) -> Result<Vec<ItemRow>, CliError> {
        let rows = self.store.items(project.id).await?;
        if names.is_empty() {
            return Ok(rows);
        }
        let mut chosen: Vec<ItemRow> = Vec::new();
        for name in names {
            let fits = rows.iter().filter(|row| fits(row, name)).collect::<Vec<_>>();
            match fits.as_slice() {
                [] => return Err(CliError::usage(format!("project \"{}\" has no item \"{name}\"", project.name))),
                [one] => {
                    if !chosen.iter().any(|row| row.item.id == one.item.id) {
                        chosen.push((*one).clone());
                    }
                }
                several => {
                    let keys: Vec<String> = several.iter().map(|row| format!("  {}", key(row))).collect();
                    return Err(CliError::usage(format!(
                        "\"{name}\" fits {} items; name one as SOURCE:DESTINATION:\n{}",
                        several.len(),
                        keys.join("\n")
                    )));
                }
            }
        }
        Ok(chosen)
    }
}

fn fits(row: &ItemRow, name: &str) -> bool {
    let (source, destination) = (&row.item.source.email, &row.item.destination.email);
    source.eq_ignore_ascii_case(name)
        || destination.eq_ignore_ascii_case(name)
        || name
            .split_once(':')
            .is_some_and(|(from, to)| source.eq_ignore_ascii_case(from) && destination.eq_ignore_ascii_case(to))
}

/// `source:destination`, as `--item` takes it.
pub fn key(row: &ItemRow) -> String {
    format!("{}:{}", row.item.source.email, row.item.destination.email)
}

/// The ids of rows.
pub fn ids(rows: &[ItemRow]) -> Vec<ItemId> {
    rows.iter().map(|row| row.item.id).collect()
}
