//! How a project writes mail: the language and the text that asks owners, and who is told how its passes end.

use super::settings::Settings;
use super::{OpenWorkspace, ServiceError, asking};
use crate::domain::ids::ProjectId;
use crate::domain::language::Language;
pub use crate::domain::project_mail::ProjectMail;
use crate::intake::letter::{self, check_address};

use super::mail::NoMail;

/// What a project has of its own.
///
/// # Errors
/// The database.
pub async fn of(workspace: &OpenWorkspace, project: ProjectId) -> Result<ProjectMail, ServiceError> {
    Ok(workspace.store.project_mail(project).await?)
}

/// The same, with the project's client where its mails have no other name for it.
///
/// # Errors
/// The database.
pub async fn as_written(workspace: &OpenWorkspace, project: ProjectId) -> Result<ProjectMail, ServiceError> {
    let client = workspace.store.mail_client(project).await?;
    Ok(ProjectMail { client, ..of(workspace, project).await? })
}

/// What can be kept of what a person wrote: texts are trimmed, and what is empty or the language's own text is none.
///
/// # Errors
/// A text or an address that cannot be used.
pub fn read(written: ProjectMail) -> Result<ProjectMail, ServiceError> {
    let ProjectMail { language, template, client, success, failure } = written;
    let template = template.filter(|text| !text.trim().is_empty());
    let template = template.map(|text| letter::read_template(&text)).transpose()?;
    let own = |text: &String| Language::ALL.into_iter().all(|language| *text != usual_text(language));
    let address = |written: Option<String>| {
        let written = written.map(|text| text.trim().to_owned()).filter(|text| !text.is_empty());
        written.map(|text| check_address(&text).map(|()| text)).transpose().map_err(NoMail::from)
    };
    let template = template.filter(own);
    let client = client.map(|name| letter::in_one_line(&name)).filter(|name| !name.is_empty());
    Ok(ProjectMail { language, template, client, success: address(success)?, failure: address(failure)? })
}

/// Keeps what a project has of its own.
///
/// # Errors
/// As [`read`], or the database.
pub async fn set(workspace: &OpenWorkspace, project: ProjectId, written: ProjectMail) -> Result<(), ServiceError> {
    Ok(workspace.store.set_project_mail(project, read(written)?).await?)
}

/// The text that asks in a language, with its values in braces.
pub fn usual_text(language: Language) -> String {
    letter::template(language).trim().to_owned()
}

/// What can stand in braces in a text.
pub fn values() -> String {
    letter::VALUES.map(|name| format!("{{{name}}}")).join(", ")
}

/// The text as an owner would read it.
///
/// # Errors
/// What is wrong with it.
pub fn sample(settings: &Settings, written: &ProjectMail, address: &str) -> Result<String, ServiceError> {
    Ok(asking::sample(settings, read(written.clone())?, address))
}

/// The language of a project's mails.
pub fn language(settings: &Settings, mail: &ProjectMail) -> Language {
    mail.language(super::mail::MailSettings::language(settings))
}
