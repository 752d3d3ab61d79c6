//! The cmdlets that move mailboxes: parameters in, rows out. Sources: Exchange PowerShell reference for names and parameters.

use std::sync::atomic::Ordering;

use async_trait::async_trait;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};

use super::{ExchangeOnline, NOT_FOUND, REPORT_PATIENCE};
use crate::domain::hybrid::attributes::{Attribute, ValueKind};
use crate::domain::hybrid::remote::{
    MigrationEndpoint, Recipient, RecipientKind, RemoteBatch, RemoteMove, RemoteStatistics, RemoteUser,
};
use crate::domain::time::Timestamp;
use crate::hybrid::reading::{number, text, texts, time, told};
use crate::hybrid::{BatchService, NewBatch, RemoteError, Result, Target};

/// A mailbox without a number.
const NO_GUID: &str = "00000000-0000-0000-0000-000000000000";
/// Longest report that is kept.
const REPORT: usize = 64 * 1024;

fn batch(row: &Value) -> Option<RemoteBatch> {
    let name = text(row, "Identity").or_else(|| text(row, "Name"))?;
    Some(RemoteBatch {
        name,
        word: text(row, "Status").unwrap_or_default(),
        complete_after: time(row, "CompleteAfter"),
    })
}

fn user(row: &Value) -> Option<RemoteUser> {
    let address = text(row, "Identity").or_else(|| text(row, "EmailAddress"))?;
    Some(RemoteUser {
        address,
        word: text(row, "Status").unwrap_or_default(),
        error: text(row, "ErrorSummary").or_else(|| text(row, "Error")),
        synced: number(row, "SyncedItemCount"),
        skipped: number(row, "SkippedItemCount"),
        last_sync: time(row, "LastSuccessfulSyncTime"),
    })
}

fn recipient(row: &Value, kind: RecipientKind) -> Option<Recipient> {
    let plain = |address: String| match address.split_once(':') {
        Some((scheme, address)) => scheme.eq_ignore_ascii_case("smtp").then(|| address.to_owned()),
        None => Some(address),
    };
    Some(Recipient {
        address: text(row, "PrimarySmtpAddress")?,
        proxies: texts(row, "EmailAddresses").into_iter().filter_map(plain).collect(),
        kind,
        has_guid: text(row, "ExchangeGuid").is_some_and(|guid| guid != NO_GUID),
        object: text(row, "ExternalDirectoryObjectId"),
    })
}

/// The CSV of a batch: a head, then an address a line (CRLF, UTF-8 without a mark).
fn csv(addresses: &[String]) -> String {
    let lines = std::iter::once("EmailAddress").chain(addresses.iter().map(String::as_str));
    lines.map(|line| format!("{line}\r\n")).collect()
}

/// As the module sends values: flags as flags, everything else as text.
fn value(attribute: &Attribute, wanted: &str) -> Value {
    match attribute.kind {
        ValueKind::Flag | ValueKind::On => Value::Bool(wanted.eq_ignore_ascii_case("true")),
        ValueKind::Text | ValueKind::Address | ValueKind::Size => Value::String(wanted.to_owned()),
    }
}

impl ExchangeOnline {
    async fn order(&self, cmdlet: &str, parameters: Value) -> Result<()> {
        let mut parameters = parameters;
        if let Value::Object(fields) = &mut parameters {
            // Without it the service waits for a person to say yes.
            fields.insert("Confirm".into(), Value::Bool(false));
        }
        self.invoke(cmdlet, parameters).await.map(drop)
    }

    /// Which form of bytes the service reads is not documented: base64 first, then numbers. One that cannot be read is refused
    /// before anything is done.
    async fn create_with(&self, new: &NewBatch, numbers: bool) -> Result<()> {
        let csv = csv(&new.addresses);
        let data = if numbers { json!(csv.as_bytes()) } else { json!(STANDARD.encode(&csv)) };
        let parameters = json!({
            "Name": new.name, "SourceEndpoint": new.endpoint, "TargetDeliveryDomain": new.target_domain,
            "CSVData": {"@odata.type": "#Exchange.ByteArrayType", "Data": data},
        });
        self.order("New-MigrationBatch", parameters).await
    }
}

#[async_trait]
impl BatchService for ExchangeOnline {
    async fn endpoints(&self) -> Result<Vec<MigrationEndpoint>> {
        let rows = self.invoke("Get-MigrationEndpoint", json!({})).await?;
        let endpoint = |row: &Value| {
            let name = text(row, "Identity")?;
            let (kind, server) = (text(row, "EndpointType").unwrap_or_default(), text(row, "RemoteServer"));
            Some(MigrationEndpoint { name, kind, server: server.unwrap_or_default() })
        };
        Ok(rows.iter().filter_map(endpoint).collect())
    }

    async fn validate(&self, endpoint: &str) -> Result<Option<String>> {
        let rows = self.invoke("Test-MigrationServerAvailability", json!({"Endpoint": endpoint})).await?;
        match rows.first().map(|row| (text(row, "Result"), text(row, "Message").or_else(|| text(row, "ErrorDetail")))) {
            Some((Some(result), _)) if result == "Success" => Ok(None),
            Some((_, why)) => Ok(Some(why.unwrap_or_else(|| "no reason is given".into()))),
            None => Err(RemoteError::Unsure("the test of the endpoint said nothing".into())),
        }
    }

    async fn recipients(&self) -> Result<Vec<Recipient>> {
        let mut all = Vec::new();
        for (cmdlet, kind) in [("Get-MailUser", RecipientKind::MailUser), ("Get-Mailbox", RecipientKind::Mailbox)] {
            let rows = self.invoke(cmdlet, json!({"ResultSize": "Unlimited"})).await?;
            all.extend(rows.iter().filter_map(|row| recipient(row, kind.clone())));
        }
        Ok(all)
    }

    async fn recipient(&self, address: &str) -> Result<Option<Recipient>> {
        for (cmdlet, kind) in [("Get-MailUser", RecipientKind::MailUser), ("Get-Mailbox", RecipientKind::Mailbox)] {
            if let Some(row) = self.find(cmdlet, json!({"Identity": address})).await? {
                return Ok(recipient(&row, kind));
            }
        }
        Ok(None)
    }

    async fn batch(&self, name: &str) -> Result<Option<RemoteBatch>> {
        Ok(self.find("Get-MigrationBatch", json!({"Identity": name})).await?.as_ref().and_then(batch))
    }

    async fn users(&self, batch: &str) -> Result<Vec<RemoteUser>> {
        let asked = json!({"BatchId": batch, "ResultSize": "Unlimited"});
        match self.invoke("Get-MigrationUser", asked).await {
            Ok(rows) => Ok(rows.iter().filter_map(user).collect()),
            Err(RemoteError::Refused { kind, .. }) if kind.contains(NOT_FOUND) => Ok(Vec::new()),
            Err(error) => Err(error),
        }
    }

    async fn user(&self, address: &str) -> Result<Option<RemoteUser>> {
        Ok(self.find("Get-MigrationUser", json!({"Identity": address})).await?.as_ref().and_then(user))
    }

    async fn moved(&self, address: &str) -> Result<Option<RemoteMove>> {
        let row = self.find("Get-MoveRequestStatistics", json!({"Identity": address})).await?;
        Ok(row.map(|row| RemoteMove {
            word: text(&row, "Status").unwrap_or_default(),
            complete_after: time(&row, "CompleteAfter"),
        }))
    }

    async fn statistics(&self, address: &str, report: bool) -> Result<RemoteStatistics> {
        let mut asked = json!({"Identity": address});
        let patience = if report { REPORT_PATIENCE } else { super::PATIENCE };
        if report {
            asked = json!({"Identity": address, "IncludeReport": true, "IncludeSkippedItems": true});
        }
        let rows = self.invoke_for("Get-MigrationUserStatistics", asked, patience).await?;
        let row = rows.first().ok_or_else(|| RemoteError::Unsure("there are no statistics of this user".into()))?;
        let long = |text: &str| -> String {
            text.chars().map(|c| if c.is_control() && c != '\n' { ' ' } else { c }).take(REPORT).collect()
        };
        Ok(RemoteStatistics {
            percent: number(row, "PercentageComplete").and_then(|percent| u8::try_from(percent).ok()),
            bytes: number(row, "BytesTransferred"),
            synced: number(row, "SyncedItemCount"),
            skipped: number(row, "SkippedItemCount"),
            report: row.get("Report").and_then(Value::as_str).map(long),
        })
    }

    async fn attributes(&self, address: &str, rows: &[&'static Attribute]) -> Result<Option<Vec<Option<String>>>> {
        let Some(mailbox) = self.find("Get-Mailbox", json!({"Identity": address})).await? else { return Ok(None) };
        let mut access = None;
        let mut values = Vec::new();
        for row in rows {
            let told = if row.check == "Get-Mailbox" {
                &mailbox
            } else {
                if access.is_none() {
                    access = self.find(row.check, json!({"Identity": address})).await?;
                }
                access.as_ref().unwrap_or(&Value::Null)
            };
            values.push(text(told, row.property));
        }
        Ok(Some(values))
    }

    async fn create(&self, new: &NewBatch) -> Result<()> {
        let numbers = self.numbers.load(Ordering::Relaxed);
        match self.create_with(new, numbers).await {
            Err(RemoteError::Refused { kind, text }) if !numbers && speaks_of_bytes(&kind, &text) => {
                let again = self.create_with(new, true).await;
                self.numbers.store(again.is_ok(), Ordering::Relaxed);
                again
            }
            other => other,
        }
    }

    async fn start(&self, name: &str) -> Result<()> {
        self.order("Start-MigrationBatch", json!({"Identity": name})).await
    }

    async fn complete(&self, target: Target<'_>, after: Timestamp) -> Result<()> {
        let (cmdlet, identity) = match target {
            Target::Batch(name) => ("Set-MigrationBatch", name),
            Target::User(address) => ("Set-MigrationUser", address),
        };
        self.order(cmdlet, json!({"Identity": identity, "CompleteAfter": told(after)})).await
    }

    async fn approve(&self, address: &str) -> Result<()> {
        self.order("Set-MigrationUser", json!({"Identity": address, "ApproveSkippedItems": true})).await
    }

    async fn stop_user(&self, address: &str) -> Result<()> {
        self.order("Stop-MigrationUser", json!({"Identity": address})).await
    }

    async fn remove_user(&self, address: &str) -> Result<()> {
        self.order("Remove-MigrationUser", json!({"Identity": address, "Force": true})).await
    }

    async fn remove_move(&self, address: &str) -> Result<()> {
        self.order("Remove-MoveRequest", json!({"Identity": address})).await
    }

    async fn set_attributes(&self, address: &str, values: &[(&'static Attribute, &str)]) -> Result<()> {
        let mut cmdlets: Vec<&str> = values.iter().map(|(row, _)| row.cmdlet).collect();
        cmdlets.dedup();
        for cmdlet in cmdlets {
            let mut parameters = Map::from_iter([("Identity".to_owned(), Value::String(address.to_owned()))]);
            let own = values.iter().filter(|(row, _)| row.cmdlet == cmdlet);
            parameters.extend(own.map(|(row, wanted)| (row.parameter.to_owned(), value(row, wanted))));
            self.order(cmdlet, Value::Object(parameters)).await?;
        }
        Ok(())
    }
}

fn speaks_of_bytes(kind: &str, text: &str) -> bool {
    [kind, text].iter().any(|told| told.contains("ByteArray") || told.contains("eserializ") || told.contains("Base64"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_csv_of_a_batch_is_a_head_and_an_address_a_line() {
        assert_eq!(
            csv(&["a@b.example".into(), "c@b.example".into()]),
            "EmailAddress\r\na@b.example\r\nc@b.example\r\n"
        );
    }
}
