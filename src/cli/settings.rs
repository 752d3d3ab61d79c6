//! `mailferry settings`: shows or changes what holds for the whole workspace.

use crate::cli::error::{CliError, Exit};
use crate::cli::table::clean;
use crate::service::OpenWorkspace;
use crate::service::settings;

/// `settings`
pub async fn settings(workspace: &OpenWorkspace, written: &[String]) -> Result<Exit, CliError> {
    let wanted: Vec<_> = written
        .iter()
        .map(|text| settings::assignment(text))
        .collect::<Result<_, _>>()
        .map_err(|error| CliError::usage(error.to_string()))?;
    for setting in wanted {
        settings::set(workspace, setting).await?;
    }
    for (setting, value) in settings::all(workspace).await? {
        say!("{} = {:<4} {}", setting.name, clean(&value), setting.what);
    }
    Ok(Exit::Well)
}
