//! Settings of a workspace: what holds for all its projects. They lie beside what a window remembers.

use std::collections::BTreeMap;

use super::{OpenWorkspace, ServiceError};

/// The name of "Keep this computer awake while migrations run".
pub const KEEP_AWAKE: &str = "keep-awake";

/// A setting with its name, what it is, and whether it is on.
pub type Setting = (&'static str, &'static str, bool);

/// Why a setting was not changed. Shown as it is.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SettingError {
    /// No `=`.
    #[error("\"{0}\" is no KEY=VALUE")]
    NoValue(String),
    /// There is no such setting.
    #[error("there is no setting \"{0}\"; there is {KEEP_AWAKE}")]
    Unknown(String),
    /// It is neither on nor off.
    #[error("{0} is on or off, not \"{1}\"")]
    Value(&'static str, String),
}

/// Whether the computer is kept awake while migrations run: unless a person said otherwise.
pub fn keeps_awake(settings: &BTreeMap<String, String>) -> bool {
    settings.get(KEEP_AWAKE).is_none_or(|value| value != "off")
}

/// How a switch is kept.
pub fn switch(on: bool) -> String {
    if on { "on" } else { "off" }.into()
}

/// All settings.
pub async fn all(workspace: &OpenWorkspace) -> Result<Vec<Setting>, ServiceError> {
    let settings = workspace.store.settings().await?;
    Ok(vec![(KEEP_AWAKE, "keep this computer awake while migrations run", keeps_awake(&settings))])
}

/// `KEY=VALUE`: the setting, and whether it is to be on.
///
/// # Errors
/// It is none.
pub fn assignment(text: &str) -> Result<(&'static str, bool), SettingError> {
    let (key, value) = text.split_once('=').ok_or_else(|| SettingError::NoValue(text.to_owned()))?;
    if !key.trim().eq_ignore_ascii_case(KEEP_AWAKE) {
        return Err(SettingError::Unknown(key.trim().to_owned()));
    }
    match value.trim().to_ascii_lowercase().as_str() {
        "on" | "yes" | "true" => Ok((KEEP_AWAKE, true)),
        "off" | "no" | "false" => Ok((KEEP_AWAKE, false)),
        _ => Err(SettingError::Value(KEEP_AWAKE, value.trim().to_owned())),
    }
}

/// Changes a setting. Whoever runs passes sees it within seconds.
pub async fn set(workspace: &OpenWorkspace, (key, on): (&'static str, bool)) -> Result<(), ServiceError> {
    Ok(workspace.store.set_setting(key.into(), switch(on)).await?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_are_read_as_they_are_written_and_what_is_none_is_named() {
        assert_eq!(assignment("Keep-Awake = OFF"), Ok((KEEP_AWAKE, false)));
        assert_eq!(assignment("keep-awake=yes"), Ok((KEEP_AWAKE, true)));
        let error = |text: &str| assignment(text).unwrap_err().to_string();
        assert_eq!(error("keep-awake"), "\"keep-awake\" is no KEY=VALUE");
        assert_eq!(error("awake=on"), "there is no setting \"awake\"; there is keep-awake");
        assert_eq!(error("keep-awake=maybe"), "keep-awake is on or off, not \"maybe\"");
        assert!(keeps_awake(&BTreeMap::new()));
        let said = |on| BTreeMap::from([(KEEP_AWAKE.to_owned(), switch(on))]);
        assert!(keeps_awake(&said(true)) && !keeps_awake(&said(false)));
    }
}
