//! What is written to the owner of a mailbox: by the settings, in the words and the language of the project.

use crate::domain::project_mail::ProjectMail;
use crate::domain::secret::Secret;
use crate::intake::letter::{AskWords, SUBJECT};
use crate::service::mail::MailSettings;
use crate::service::settings::{Settings, value};
use crate::service::{OpenWorkspace, ServiceError, project_mail};
use crate::store::ItemRow;

/// Stands where the link will be.
const NO_LINK: &str = "https://…";

/// A mail as it would be sent, but for its link.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MailPreview {
    /// To whom.
    pub to: String,
    /// Its subject.
    pub subject: String,
    /// Its text.
    pub text: String,
}

/// To whom mails about an item go.
pub(super) fn recipient(row: &ItemRow) -> String {
    row.contact.clone().unwrap_or_else(|| row.item.source.email.clone())
}

/// What stands in a mail about a mailbox.
pub(super) fn words(settings: &Settings, project: ProjectMail, address: &str, link: Secret) -> AskWords {
    let of = |name: &str| value(settings, name).to_owned();
    let consultant = match of("ask-name") {
        name if name.is_empty() => of("mail-from"),
        name => name,
    };
    AskWords {
        language: project.language(MailSettings::language(settings)),
        template: project.template,
        address: address.to_owned(),
        consultant,
        client: project.client.unwrap_or_default(),
        phone: of("ask-phone"),
        contact: of("ask-contact"),
        link,
    }
}

/// The text that would ask the owner of a mailbox.
pub(in crate::service) fn sample(settings: &Settings, project: ProjectMail, address: &str) -> String {
    words(settings, project, address, Secret::new(NO_LINK)).text()
}

/// The mail that would ask the owner of an item.
///
/// # Errors
/// The database.
pub(super) async fn preview(workspace: &OpenWorkspace, row: &ItemRow) -> Result<MailPreview, ServiceError> {
    let settings = workspace.store.settings().await?;
    let project = project_mail::as_written(workspace, row.item.project).await?;
    let text = sample(&settings, project, &row.item.source.email);
    Ok(MailPreview { to: recipient(row), subject: SUBJECT.into(), text })
}
