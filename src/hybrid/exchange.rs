//! Exchange Online's cmdlets over REST (InvokeCommand), as its own PowerShell module sends them. Not documented as an interface:
//! envelope, headers and encodings are those of the module (ExchangeOnlineManagement 3), parameters those of the Exchange
//! PowerShell reference. Whatever is undocumented stays in this file.

mod cmdlets;

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};

use super::http::{Answer, Call, Pages, Speaker, told};
use super::reading::clean;
use super::{RemoteError, Result};
use crate::domain::hybrid::settings::HybridSettings;

/// For an answer; a cmdlet may take fifteen minutes at the service.
const PATIENCE: Duration = Duration::from_secs(180);
/// For a report, which may take longer than twenty minutes.
const REPORT_PATIENCE: Duration = Duration::from_secs(40 * 60);
/// Rows of a page.
const PAGE: u32 = 1000;
/// Words in an error that say that nobody knows whether it was done (the module tries these again).
const PASSING: [&str; 6] = [
    "CmdletProxyNotAvailableFailure",
    "ServerBusyException",
    "TransientException",
    "BackendCommunicationException",
    "TimeoutException",
    "ServiceUnavailable",
];
/// The name of an error that says that there is no such thing.
const NOT_FOUND: &str = "ManagementObjectNotFoundException";
/// The mailbox by which calls of an application find a server.
const ANCHOR: &str = "APP:SystemMailbox{bb558c35-97f1-4cb9-8ff7-d53741dc928c}";

/// Exchange Online of one tenant.
pub struct ExchangeOnline {
    speaker: Speaker,
    base: String,
    tenant: String,
    /// The service wants bytes as numbers, not as base64.
    numbers: Arc<AtomicBool>,
}

impl ExchangeOnline {
    /// Of this project.
    pub fn new(settings: &HybridSettings, speaker: Speaker) -> Self {
        let (base, tenant) = (settings.exchange_url().to_owned(), settings.sign_in.tenant.clone());
        Self { speaker, base, tenant, numbers: Arc::default() }
    }

    /// Runs a cmdlet, once, and brings back its rows from all pages.
    async fn invoke(&self, cmdlet: &str, parameters: Value) -> Result<Vec<Value>> {
        self.invoke_for(cmdlet, parameters, PATIENCE).await
    }

    async fn invoke_for(&self, cmdlet: &str, parameters: Value, patience: Duration) -> Result<Vec<Value>> {
        let body = json!({"CmdletInput": {"CmdletName": cmdlet, "Parameters": parameters}});
        let headers = [
            ("X-ResponseFormat", "json".to_owned()),
            ("X-CmdletName", cmdlet.to_owned()),
            ("X-AnchorMailbox", format!("{ANCHOR}@{}", self.tenant)),
            ("Prefer", format!("odata.maxpagesize={PAGE}")),
        ];
        let mut pages = Pages::from(format!("{}/adminapi/beta/{}/InvokeCommand", self.base, self.tenant));
        while let Some(url) = pages.next() {
            let call = Call { method: Method::POST, url: &url, headers: &headers, body: Some(&body), patience };
            pages.take(&checked(cmdlet, self.speaker.call(&call).await?)?)?;
        }
        Ok(pages.rows())
    }

    /// One row of a question about one thing; none: there is no such thing.
    async fn find(&self, cmdlet: &str, parameters: Value) -> Result<Option<Value>> {
        match self.invoke(cmdlet, parameters).await {
            Ok(rows) => Ok(rows.into_iter().next()),
            Err(RemoteError::Refused { kind, .. }) if kind.contains(NOT_FOUND) => Ok(None),
            Err(error) => Err(error),
        }
    }
}

/// What an answer says went wrong. The exception's name decides, as the same thing comes under several statuses.
fn checked(cmdlet: &str, answer: Answer) -> Result<Answer> {
    let Answer { status, ref body, .. } = answer;
    if (200..300).contains(&status) && !body.is_object() {
        return Err(RemoteError::Unsure(format!("the answer to {cmdlet} cannot be read")));
    }
    if (200..300).contains(&status) {
        return match body.get("@adminapi.confirmationmessage").and_then(Value::as_str) {
            Some(question) if !question.is_empty() => {
                Err(RemoteError::Refused { kind: "Confirmation".into(), text: clean(question) })
            }
            _ => Ok(answer),
        };
    }
    let (kind, text) = exception(body);
    let everything = body.to_string();
    let passing = PASSING.iter().any(|name| everything.contains(name));
    match status {
        403 if kind.is_empty() => Err(RemoteError::Denied(format!(
            "{cmdlet} may not be run: a role of the application is missing in Exchange or Entra"
        ))),
        _ if passing => Err(RemoteError::Unsure(text)),
        403 => Err(RemoteError::Denied(text)),
        400..=499 => Err(RemoteError::Refused { kind, text }),
        500 if !kind.is_empty() => Err(RemoteError::Refused { kind, text }),
        _ => Err(RemoteError::Unsure(format!("{cmdlet}: HTTP {status}, {text}"))),
    }
}

/// Name and text of an exception: `id|type|text` in the first detail, else the message, else what lies inside.
fn exception(body: &Value) -> (String, String) {
    let detail = body.pointer("/error/details/0/message").and_then(Value::as_str).unwrap_or_default();
    let mut parts = detail.splitn(3, '|');
    if let (Some(_), Some(kind), Some(text)) = (parts.next(), parts.next(), parts.next()) {
        return (clean(kind), clean(text));
    }
    let inner = body.pointer("/error/innererror/internalexception");
    let told_inside = |key: &str| inner.and_then(|inner| inner.get(key)).and_then(Value::as_str).map(clean);
    (told_inside("type").unwrap_or_default(), told_inside("message").unwrap_or_else(|| told(body)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(status: u16, body: Value) -> Answer {
        Answer { status, pause: None, body }
    }

    #[test]
    fn refusals_passing_troubles_and_missing_roles_are_told_apart_whatever_the_status() {
        let detail = |text: &str| json!({"error": {"code": "x", "message": "Error executing cmdlet", "details": [{"message": text}]}});
        let of = |status, body| checked("Get-X", answer(status, body)).err();
        for status in [400, 404, 500] {
            let gone = of(
                status,
                detail("Ex6F9304|Microsoft.Exchange.Configuration.Tasks.ManagementObjectNotFoundException|no such"),
            );
            assert!(
                matches!(gone, Some(RemoteError::Refused { ref kind, ref text }) if kind.contains(NOT_FOUND) && text == "no such")
            );
        }
        for body in [
            detail("1|Microsoft.Exchange.Data.Storage.TransientException|later"),
            json!({"error": {"message": "ServerBusyException"}}),
        ] {
            assert!(matches!(of(400, body), Some(RemoteError::Unsure(_))));
        }
        assert!(matches!(of(403, Value::Null), Some(RemoteError::Denied(text)) if text.contains("role")));
        for status in [502, 503, 504] {
            assert!(matches!(of(status, Value::Null), Some(RemoteError::Unsure(_))));
        }
        assert!(matches!(of(200, Value::Null), Some(RemoteError::Unsure(_))));
        assert!(matches!(
            of(200, json!({"@adminapi.confirmationmessage": "sure?"})),
            Some(RemoteError::Refused { .. })
        ));
        assert!(of(200, json!({"value": []})).is_none());
    }
}
