//! What is asked about the owners of mailboxes: who gets a mail, whether they can be asked, and what was asked so far.

use super::answers::Answers;
use super::{Request, Response};
use crate::engine::command::{LeftAlone, Outcome};
use crate::service::asking::{self, AskingState};
use crate::service::orders::Commander;
use crate::service::{ServiceError, mail, project_mail, settings};

impl Answers {
    pub(super) async fn about_owners(&self, request: Request) -> Result<Response, ServiceError> {
        let (workspace, engine) = (&self.workspace, Commander::Orders(&self.orders));
        Ok(match request {
            Request::StartMails(project, items) => {
                let mails = asking::start_mails(workspace, project, &items).await?;
                let cannot = match mails.owners.is_empty() {
                    true => None,
                    false => self.can_ask().await.err().map(|why| why.to_string()),
                };
                Response::StartMails(project, Box::new(mails), cannot)
            }
            Request::Remind(items) => {
                let left = asking::remind(workspace, &items).await?;
                let done = items.into_iter().filter(|item| !left.contains(item)).collect();
                let left = left.into_iter().map(|item| (item, LeftAlone::NotAsked)).collect();
                Response::Done(Outcome { done, left, ..Outcome::default() })
            }
            Request::CredentialLink(item) => Response::CredentialLink(asking::link(workspace, item).await?),
            Request::AskAgain(project, item) => {
                self.can_ask().await?;
                Response::Done(asking::ask_again(workspace, (project, item), engine).await?)
            }
            Request::ProjectMail(project) => {
                Response::ProjectMail(project, Box::new(project_mail::of(workspace, project).await?))
            }
            Request::SetProjectMail(project, mail) => {
                project_mail::set(workspace, project, *mail).await?;
                Response::Edited
            }
            _ => return Err(ServiceError::NotAQuestion),
        })
    }

    /// Settings, and whether what they say works.
    pub(super) async fn settings(&self, request: Request) -> Result<Response, ServiceError> {
        let workspace = &self.workspace;
        Ok(match request {
            Request::SaveSettings(values) => {
                settings::set_all(workspace, &values).await?;
                self.asking.look().await;
                let all = settings::all(workspace).await?;
                Response::Settings(all.into_iter().map(|(setting, value)| (setting.name, value)).collect())
            }
            Request::MailPassword(secret) => {
                mail::set_secret(workspace, secret).await?;
                Response::MailPasswordKept
            }
            Request::Remember(name, value) => {
                workspace.store.set_setting(name, value).await?;
                Response::Done(Outcome::default())
            }
            Request::TestMail(to) => Response::MailTested(mail::test(workspace, &to).await?),
            Request::CheckForm => {
                self.can_ask().await?;
                Response::FormReached
            }
            _ => return Err(ServiceError::NotAQuestion),
        })
    }

    /// Whether owners can be asked from here.
    ///
    /// # Errors
    /// They cannot, and why.
    async fn can_ask(&self) -> Result<(), ServiceError> {
        match self.asking.look().await {
            // It says better what is amiss than the web does.
            AskingState::Off(why) => Err(asking::NoForm::Closed(why).into()),
            AskingState::Locked => {
                Err(asking::NoForm::Closed("the passwords are locked; unlock them first".into()).into())
            }
            AskingState::Open { .. } => asking::can_ask(&self.workspace).await,
        }
    }
}
