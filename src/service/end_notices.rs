//! Tells by mail how passes end, where a project wants that: ends of the same minute go into one mail.

mod words;

use std::collections::HashMap;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::mail::{self, MailSettings};
use super::settings::Settings;
use super::{OpenWorkspace, ServiceError, project_mail};
use crate::domain::asking::{EndNotice, SendAttempt, SendOutcome, pause_after};
use crate::domain::ids::{CredentialId, ItemId};
use crate::domain::language::Language;
use crate::domain::time::Timestamp;
use crate::domain::wording::{self, TextNames, size};
use crate::intake::letter::Letter;
use crate::intake::send::SendAnswer;
use crate::store::{EndNotices, ItemRow};
use words::{Words, filled};

/// Between two looks.
const LOOK_EVERY: Duration = Duration::from_secs(5);
/// How far ahead the last look before the end goes: what has ended a moment ago is told too.
const LAST: Duration = Duration::from_secs(120);
/// How long telling may hold up the end.
const PATIENCE: Duration = Duration::from_secs(30);

/// Settings and password with which the mail server refused the login: it is not tried again until they are others (D24).
type Refused = Option<(Settings, Option<CredentialId>)>;

/// Tells again and again until it is over; then what has ended a moment ago, too.
pub(super) async fn keep(workspace: OpenWorkspace, over: CancellationToken) {
    let mut refused = None;
    if let Err(error) = workspace.store.recover_end_notices().await {
        tracing::warn!(%error, "ends of passes that were being told");
    }
    while !over.is_cancelled() {
        tell(&workspace, workspace.now(), &mut refused).await;
        tokio::select! {
            () = tokio::time::sleep(LOOK_EVERY) => {}
            () = over.cancelled() => {}
        }
    }
    let until = workspace.now().plus(LAST);
    if tokio::time::timeout(PATIENCE, tell(&workspace, until, &mut refused)).await.is_err() {
        tracing::warn!("the mail server does not answer; what was being told may have been told");
    }
}

async fn tell(workspace: &OpenWorkspace, until: Timestamp, refused: &mut Refused) {
    loop {
        match tell_some(workspace, until, refused).await {
            Ok(true) => {}
            Ok(false) => return,
            Err(error) => return tracing::warn!(%error, "ends of passes are not told"),
        }
    }
}

/// Sends one mail, if one is due; whether there may be more to tell now.
async fn tell_some(workspace: &OpenWorkspace, until: Timestamp, refused: &mut Refused) -> Result<bool, ServiceError> {
    let settings = workspace.store.settings().await?;
    let Ok(mail) = MailSettings::of(&settings) else { return Ok(false) };
    let with = (settings, mail::password_id(workspace).await?);
    if mail.logs_in() && (workspace.vault.get_open().is_none() || refused.as_ref() == Some(&with)) {
        return Ok(false);
    }
    let Some(notices) = workspace.store.take_end_notices(until).await? else { return Ok(false) };
    let answer = answer(workspace, &mail, &notices).await;
    let now = workspace.now();
    if answer.login_refused {
        *refused = Some(with);
    }
    let goes_on = answer.outcome == SendOutcome::Sent;
    let attempt = SendAttempt { at: now, outcome: answer.outcome, answer: answer.text };
    let (ids, next) = (notices.ends.iter().map(|end| end.id).collect(), now.plus(pause_after(notices.tries)));
    workspace.store.end_notices_tried(ids, attempt, next).await?;
    Ok(goes_on)
}

async fn answer(workspace: &OpenWorkspace, mail: &MailSettings, notices: &EndNotices) -> SendAnswer {
    let failed = |outcome, text: String| SendAnswer { outcome, text, login_refused: false };
    let (language, subject, text) = match written(workspace, notices).await {
        Ok(written) => written,
        Err(error) => return failed(SendOutcome::Later, error.to_string()),
    };
    let now = workspace.now();
    let id = notices.ends.first().map_or(0, |end| end.id.0);
    let head = mail.head(&notices.recipient, format!("end-{id}-{}", now.millis()), now);
    let letter = match Letter::notice(&head, language, &subject, text) {
        Ok(letter) => letter,
        Err(error) => return failed(SendOutcome::Refused, error.to_string()),
    };
    mail::deliver(workspace, mail, &letter).await
}

/// Subject and text, in the language of the project.
async fn written(workspace: &OpenWorkspace, notices: &EndNotices) -> Result<(Language, String, String), ServiceError> {
    let project = workspace.store.project(notices.project).await?.name;
    let settings = workspace.store.settings().await?;
    let language = project_mail::language(&settings, &workspace.store.project_mail(notices.project).await?);
    let words = words::of(language);
    let rows = workspace.store.items_of(notices.ends.iter().map(|end| end.item).collect()).await?;
    let rows: HashMap<ItemId, &ItemRow> = rows.iter().map(|row| (row.item.id, row)).collect();
    let ends = words.ends(notices.well, notices.ends.len(), &project);
    let lines = notices.ends.iter().filter_map(|end| Some(line(words, end, rows.get(&end.item)?)));
    let text = format!("{ends}:\n\n{}\n", lines.collect::<Vec<_>>().join("\n"));
    Ok((language, format!("Mailferry: {ends}"), text))
}

fn line(words: &Words, end: &EndNotice, row: &ItemRow) -> String {
    let name = filled(words.mailbox, &[&row.item.source.email, &row.item.destination.email]);
    // A newer pass has other figures.
    let Some(pass) = row.latest.as_ref().filter(|pass| pass.id == end.pass) else { return name };
    let counts = &pass.progress.counts;
    let kind = pass.kind.word();
    match &pass.failure {
        Some(ended) => {
            let words = wording::text(&ended.failure, ended.side, &TextNames::default());
            format!("{name}: {kind}, {}", words.headline)
        }
        None => {
            let [copied, errors] = [counts.copied, counts.errors].map(|count| count.to_string());
            format!("{name}: {kind}, {}", filled(words.counts, &[&copied, &size(counts.bytes), &errors]))
        }
    }
}
