//! Tells by mail how passes end, where a project wants that: ends of the same minute go into one mail.

use std::collections::HashMap;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::mail::{self, MailSettings};
use super::settings::Settings;
use super::{OpenWorkspace, ServiceError};
use crate::domain::asking::{EndNotice, SendAttempt, SendOutcome, pause_after};
use crate::domain::ids::{CredentialId, ItemId};
use crate::domain::time::Timestamp;
use crate::domain::wording::{self, TextNames, counted, size};
use crate::intake::letter::Letter;
use crate::intake::send::{self, SendAnswer};
use crate::store::{EndNotices, ItemRow};

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
    let (subject, text) = match written(workspace, notices).await {
        Ok(written) => written,
        Err(error) => return failed(SendOutcome::Later, error.to_string()),
    };
    let now = workspace.now();
    let id = notices.ends.first().map_or(0, |end| end.id.0);
    let head = mail.head(&notices.recipient, format!("end-{id}-{}", now.millis()), now);
    let letter = match Letter::notice(&head, &subject, text) {
        Ok(letter) => letter,
        Err(error) => return failed(SendOutcome::Refused, error.to_string()),
    };
    match mail::server(workspace, mail).await {
        Ok(server) => send::send(&server, &letter).await,
        Err(error) => failed(SendOutcome::Later, error.to_string()),
    }
}

/// Subject and text.
async fn written(workspace: &OpenWorkspace, notices: &EndNotices) -> Result<(String, String), ServiceError> {
    let project = workspace.store.project(notices.project).await?.name;
    let rows = workspace.store.items_of(notices.ends.iter().map(|end| end.item).collect()).await?;
    let rows: HashMap<ItemId, &ItemRow> = rows.iter().map(|row| (row.item.id, row)).collect();
    let how = if notices.well { "ended well" } else { "failed" };
    let passes = counted(notices.ends.len(), "pass");
    let lines = notices.ends.iter().filter_map(|end| Some(line(end, rows.get(&end.item)?)));
    let text = format!("{passes} of {project} {how}:\n\n{}\n", lines.collect::<Vec<_>>().join("\n"));
    Ok((format!("Mailferry: {passes} of {project} {how}"), text))
}

fn line(end: &EndNotice, row: &ItemRow) -> String {
    let name = format!("{} to {}", row.item.source.email, row.item.destination.email);
    // A newer pass has other figures.
    let Some(pass) = row.latest.as_ref().filter(|pass| pass.id == end.pass) else { return name };
    let counts = &pass.progress.counts;
    let kind = pass.kind.word();
    match &pass.failure {
        Some(ended) => {
            let words = wording::text(&ended.failure, ended.side, &TextNames::default());
            format!("{name}: {kind}, {}", words.headline)
        }
        None => format!("{name}: {kind}, {} copied ({}), {} errors", counts.copied, size(counts.bytes), counts.errors),
    }
}
