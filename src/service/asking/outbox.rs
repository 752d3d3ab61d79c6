//! Sends mails one after the other, at the rate that is set. Each is written when it is sent; that it is being sent is on the
//! disk before.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

use super::requests::Asker;
use super::web::WebSettings;
use super::{LOOK_EVERY, letters};
use crate::domain::asking::{CredentialRequest, MailKind, OutgoingMail, SendAttempt, SendOutcome, pause_after};
use crate::domain::ids::CredentialId;
use crate::domain::secret::Secret;
use crate::engine::Orders;
use crate::engine::command::Command;
use crate::intake::letter::Letter;
use crate::intake::send::SendAnswer;
use crate::intake::token::{self, LinkKey};
use crate::service::mail::{self, MailSettings};
use crate::service::settings::Settings;
use crate::service::{OpenWorkspace, ServiceError, project_mail};
use crate::store::LOGIN_REFUSED;

/// What is needed to ask.
struct Means {
    settings: Settings,
    mail: MailSettings,
    web: WebSettings,
    key: Arc<LinkKey>,
}

/// The mails of a workspace on their way.
pub(super) struct Outbox {
    workspace: OpenWorkspace,
    cancel: CancellationToken,
    key: Arc<LinkKey>,
    asker: Asker,
    /// The settings with which the login was refused: it is not tried again until they are others (D24).
    refused: Option<(Settings, Option<CredentialId>)>,
}

impl Outbox {
    pub fn new(workspace: OpenWorkspace, key: Arc<LinkKey>, cancel: CancellationToken) -> Self {
        Self { workspace, cancel, key, asker: Asker::default(), refused: None }
    }

    /// Asks and sends until it is cancelled; a mail in hand is finished first.
    pub async fn run(mut self, orders: Orders) {
        // What an earlier process was refused is tried anew, and what it left unsure is shown.
        if let Err(error) = self.tell_refused(&orders, "").await {
            tracing::warn!(%error, "an earlier refusal of the mail server is still shown");
        }
        while !self.cancel.is_cancelled() {
            let began = Instant::now();
            let pause = match self.turn(&orders).await {
                Ok(pause) => pause,
                Err(error) => {
                    tracing::warn!(%error, "owners are not asked");
                    LOOK_EVERY
                }
            };
            tokio::select! {
                () = sleep_until(began + pause) => {}
                () = self.cancel.cancelled() => {}
            }
        }
    }

    /// Asks who waits, and sends a mail that is due; how long after its beginning the next turn comes.
    async fn turn(&mut self, orders: &Orders) -> Result<Duration, ServiceError> {
        let Some(means) = self.means().await? else { return Ok(LOOK_EVERY) };
        self.asker.ask(&self.workspace, orders, &means.key).await?;
        if self.is_refused(&means).await? {
            return Ok(LOOK_EVERY);
        }
        if self.refused.take().is_some() {
            self.tell_refused(orders, "").await?;
        }
        let (store, now) = (&self.workspace.store, self.workspace.now());
        if store.next_mail_due().await?.is_none_or(|due| due > now) {
            return Ok(LOOK_EVERY);
        }
        let Some(mail) = store.take_mail(now).await? else { return Ok(LOOK_EVERY) };
        self.send(&means, &mail, orders).await?;
        Ok(Duration::from_secs(60) / means.mail.rate.max(1))
    }

    /// None while the settings say too little.
    async fn means(&self) -> Result<Option<Means>, ServiceError> {
        let mut settings = self.workspace.store.settings().await?;
        settings.remove(LOGIN_REFUSED);
        let (Ok(mail), Ok(web)) = (MailSettings::of(&settings), WebSettings::of(&settings)) else { return Ok(None) };
        Ok(Some(Means { settings, mail, web, key: Arc::clone(&self.key) }))
    }

    async fn is_refused(&self, means: &Means) -> Result<bool, ServiceError> {
        let Some((settings, password)) = &self.refused else { return Ok(false) };
        Ok(*settings == means.settings && *password == mail::password_id(&self.workspace).await?)
    }

    /// Sends a mail, keeps how that went, and has it shown.
    async fn send(&mut self, means: &Means, mail: &OutgoingMail, orders: &Orders) -> Result<(), ServiceError> {
        let with = (means.settings.clone(), mail::password_id(&self.workspace).await?);
        let answer = self.answer(means, mail).await;
        let now = self.workspace.now();
        let attempt = SendAttempt { at: now, outcome: answer.outcome, answer: answer.text.clone() };
        // Read before: the item may be stopped meanwhile.
        let request = self.workspace.store.request_of_mail(mail.id).await?;
        self.workspace.store.mail_tried(mail.id, attempt, now.plus(pause_after(mail.tries))).await?;
        if answer.login_refused {
            self.refused = Some(with);
            return self.tell_refused(orders, &answer.text).await;
        }
        // What goes well at once, and what still waits to be tried again, changes nothing of what is shown.
        let first = mail.tries <= 1 && mail.kind == MailKind::Ask;
        let same = if first { SendOutcome::Sent } else { SendOutcome::Later };
        if let Some(request) = request.filter(|_| answer.outcome != same) {
            let project = self.workspace.store.item(request.item).await?.item.project;
            drop(orders.send(Command::Asked { project, item: Some(request.item) }).await);
        }
        Ok(())
    }

    /// Keeps why no mail goes out (empty: mails do), and has it shown at all who wait.
    async fn tell_refused(&self, orders: &Orders, text: &str) -> Result<(), ServiceError> {
        let store = &self.workspace.store;
        store.set_settings(vec![(LOGIN_REFUSED.into(), text.to_owned())]).await?;
        for project in store.projects().await? {
            drop(orders.send(Command::Asked { project: project.id, item: None }).await);
        }
        Ok(())
    }

    async fn answer(&self, means: &Means, mail: &OutgoingMail) -> SendAnswer {
        let later = |text: String| SendAnswer { outcome: SendOutcome::Later, text, login_refused: false };
        let request = match self.workspace.store.request_of_mail(mail.id).await {
            Ok(Some(request)) => request,
            Ok(None) => return later("its link lives no more".into()),
            Err(error) => return later(error.to_string()),
        };
        let letter = match letter(&self.workspace, means, mail, &request).await {
            Err(error) => return later(error.to_string()),
            Ok(Ok(letter)) => letter,
            Ok(Err(text)) => return SendAnswer { outcome: SendOutcome::Refused, text, login_refused: false },
        };
        mail::deliver(&self.workspace, &means.mail, &letter).await
    }
}

/// Writes a mail; inside, why it cannot be written.
async fn letter(
    workspace: &OpenWorkspace,
    means: &Means,
    mail: &OutgoingMail,
    request: &CredentialRequest,
) -> Result<Result<Letter, String>, ServiceError> {
    let token = means.key.token(&request.nonce);
    if token::hash(token.expose()) != request.token_hash {
        return Ok(Err("the key of its link is another one now; stop the item and start it again".into()));
    }
    let row = workspace.store.item(request.item).await?;
    let project = project_mail::as_written(workspace, row.item.project).await?;
    let words =
        letters::words(&means.settings, project, &row.item.source.email, Secret::new(means.web.link(token.expose())));
    let nonce: String = request.nonce.iter().map(|byte| format!("{byte:02x}")).collect();
    let head = means.mail.head(&mail.recipient, format!("{}.{nonce}", mail.id), workspace.now());
    Ok(Letter::asking(&head, &words).map_err(|error| error.to_string()))
}
