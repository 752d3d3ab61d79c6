//! What a Start asks beforehand: which owners get a mail, what stands in it, and whether they could answer at all.

use std::collections::HashSet;
use std::sync::Arc;

use async_trait::async_trait;

use super::REACH;
use super::letters::{self, MailPreview};
use super::requests::is_asked;
use super::web::{NoForm, WebSettings};
use crate::domain::failure::Side;
use crate::domain::ids::{ItemId, ProjectId};
use crate::domain::readiness::lacking;
use crate::intake::form::{Answers, Asked, FormServer, Given, ReachKey, Unable, Verdict};
use crate::service::mail::{self, MailSettings, NoMail};
use crate::service::{OpenWorkspace, ServiceError};

/// The mails that a Start sends.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StartMails {
    /// Whose owners get one.
    pub owners: Vec<ItemId>,
    /// The mail to the first of them.
    pub sample: Option<MailPreview>,
}

/// Which owners a Start of these items asks by mail.
///
/// # Errors
/// The database.
pub async fn start_mails(
    workspace: &OpenWorkspace,
    project: ProjectId,
    items: &[ItemId],
) -> Result<StartMails, ServiceError> {
    let store = &workspace.store;
    let admins = store.project_credentials(project).await?;
    let admins = (admins.0.is_some(), admins.1.is_some());
    let (project, rows) = (store.project(project).await?, store.items(project).await?);
    let chosen: HashSet<ItemId> = items.iter().copied().collect();
    let lacks = |row: &&crate::store::ItemRow| {
        let sides = lacking(&project, admins, &row.item);
        chosen.contains(&row.item.id) && row.status().is_at_rest() && !sides.is_empty() && is_asked(&project, &sides)
    };
    let owners: Vec<_> = rows.iter().filter(lacks).collect();
    let sample = match owners.first() {
        Some(first) => Some(letters::preview(workspace, first).await?),
        None => None,
    };
    Ok(StartMails { owners: owners.iter().map(|row| row.item.id).collect(), sample })
}

/// Whether owners can be asked: by mail, and in a form that they reach. Where no other process has the workspace, the form is
/// opened for a moment to see that.
///
/// # Errors
/// They cannot, and why.
pub async fn can_ask(workspace: &OpenWorkspace) -> Result<(), ServiceError> {
    let settings = workspace.store.settings().await?;
    let mail = MailSettings::of(&settings)?;
    if mail.logs_in() && mail::password_id(workspace).await?.is_none() {
        return Err(NoMail::NoPassword.into());
    }
    let web = WebSettings::of(&settings)?;
    if workspace.is_held() {
        let Some(key) = settings.get(REACH).and_then(|text| ReachKey::read(text)) else {
            let why = "the process that runs the passes does not serve it; end it and run `mailferry intake serve`";
            return Err(NoForm::Closed(why.into()).into());
        };
        return Ok(web.reached(&key).await?);
    }
    let key = ReachKey::fresh().map_err(NoForm::Closed)?;
    let _server = FormServer::start(web.form(key), Arc::new(Nobody)).await.map_err(NoForm::from)?;
    Ok(web.reached(&key).await?)
}

/// Knows no link.
struct Nobody;

#[async_trait]
impl Answers for Nobody {
    async fn find(&self, _: &str) -> Result<Option<Asked>, Unable> {
        Ok(None)
    }

    async fn sign_in(&self, _: &str, _: Side) -> Result<(), Unable> {
        Ok(())
    }

    async fn came_back(&self, _: &str) -> bool {
        false
    }

    async fn used(&self, _: &str) -> Result<Option<Verdict>, Unable> {
        Ok(None)
    }

    async fn take(&self, _: &str, _: Vec<Given>) -> Result<Verdict, Unable> {
        Ok(Verdict::Gone)
    }
}
