//! Secrets from the environment or from a person at a terminal; never from the command line, which others can read.

use std::io::IsTerminal;

use crate::cli::error::CliError;
use crate::domain::failure::Side;
use crate::domain::secret::Secret;

/// The value of `variable`, or what a person types at the prompt.
///
/// # Errors
/// The variable is not set and nobody is there to be asked.
pub fn secret(variable: &str, what: &str) -> Result<Secret, CliError> {
    match std::env::var(variable) {
        Ok(value) if !value.is_empty() => return Ok(Secret::new(value)),
        Err(std::env::VarError::NotUnicode(_)) => {
            return Err(CliError::usage(format!("{variable} holds something that is no text")));
        }
        _ => {}
    }
    if !std::io::stdin().is_terminal() {
        return Err(CliError::usage(format!("{what} is needed: set {variable}, or run this at a terminal")));
    }
    let typed = rpassword::prompt_password(format!("{what}: "))
        .map_err(|error| CliError::cannot(format!("reading {what}: {error}")))?;
    if typed.is_empty() {
        return Err(CliError::usage(format!("{what} is needed; nothing was typed")));
    }
    Ok(Secret::new(typed))
}

/// A new secret: typed twice at a terminal.
pub fn new_secret(variable: &str, what: &str) -> Result<Secret, CliError> {
    let asked = std::env::var_os(variable).is_none();
    let first = secret(variable, what)?;
    if asked && secret(variable, &format!("{what} again"))? != first {
        return Err(CliError::usage("the two entries differ; nothing was changed"));
    }
    Ok(first)
}

/// Whether a person at a terminal says yes; no without one, so that the caller can name the flag that says it.
pub fn yes(question: &str) -> Result<bool, CliError> {
    if !std::io::stdin().is_terminal() {
        return Ok(false);
    }
    Ok(matches!(line(&format!("{question} [y/N]"))?.to_ascii_lowercase().as_str(), "y" | "yes"))
}

/// What a person at the terminal types.
pub fn line(question: &str) -> Result<String, CliError> {
    warn!("{question}");
    let mut typed = String::new();
    std::io::stdin().read_line(&mut typed).map_err(|error| CliError::cannot(format!("reading the answer: {error}")))?;
    Ok(typed.trim().to_owned())
}

/// The variable with a password at this side.
pub fn variable(side: Side) -> &'static str {
    match side {
        Side::Source => "MAILFERRY_SOURCE_PASSWORD",
        Side::Destination => "MAILFERRY_DESTINATION_PASSWORD",
    }
}

/// The variable with the passphrase of a file vault.
pub const PASSPHRASE: &str = "MAILFERRY_PASSPHRASE";

/// The value of `variable`, if it is set.
pub fn from_environment(variable: &str) -> Option<Secret> {
    std::env::var(variable).ok().filter(|value| !value.is_empty()).map(Secret::new)
}
