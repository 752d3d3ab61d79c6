//! Licenses by Microsoft Graph v1.0: subscribedSkus, users, assignLicense (Graph reference).

use std::time::Duration;

use async_trait::async_trait;
use reqwest::Method;
use serde_json::{Value, json};

use super::http::{Answer, Call, Pages, Speaker, told};
use super::reading::{number, text};
use super::{LicenseService, RemoteError, Result};
use crate::domain::hybrid::remote::{Licensee, Sku};

/// For an answer.
const PATIENCE: Duration = Duration::from_secs(60);
/// What is asked of users.
const SELECT: &str = "$select=id,usageLocation,assignedLicenses";

/// The directory of one tenant.
pub struct Directory {
    speaker: Speaker,
    base: String,
}

impl Directory {
    /// At this address, without a slash at its end.
    pub fn new(base: &str, speaker: Speaker) -> Self {
        Self { speaker, base: base.to_owned() }
    }

    async fn ask(&self, method: Method, url: &str, body: Option<&Value>) -> Result<Answer> {
        let answer = self.speaker.call(&Call { method, url, headers: &[], body, patience: PATIENCE }).await?;
        let text = told(&answer.body);
        match answer.status {
            200..=299 => Ok(answer),
            403 => Err(RemoteError::Denied(format!("the directory refuses the application: {text}"))),
            // Right after the location was set the directory may not know it yet (replication).
            400 if text.contains("usage location") => Err(RemoteError::Busy { pause: None, text }),
            404 => Err(RemoteError::Refused { kind: "NotFound".into(), text }),
            400..=499 => {
                let kind = answer.body.pointer("/error/code").and_then(Value::as_str).unwrap_or_default();
                Err(RemoteError::Refused { kind: kind.chars().take(80).collect(), text })
            }
            status => Err(RemoteError::Unsure(format!("HTTP {status}, {text}"))),
        }
    }

    async fn all(&self, path: &str) -> Result<Vec<Value>> {
        let mut pages = Pages::from(format!("{}{path}", self.base));
        while let Some(url) = pages.next() {
            pages.take(&self.ask(Method::GET, &url, None).await?)?;
        }
        Ok(pages.rows())
    }

    fn user(&self, object: &str, rest: &str) -> Result<String> {
        // A number of the directory; anything else would be another path.
        let plain = object.len() <= 64 && object.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
        let refused = || RemoteError::Refused { kind: String::new(), text: "no number of the directory".into() };
        plain.then(|| format!("{}/v1.0/users/{object}{rest}", self.base)).ok_or_else(refused)
    }
}

fn sku(row: &Value) -> Option<Sku> {
    let enabled = row.get("prepaidUnits").and_then(|units| number(units, "enabled")).unwrap_or(0);
    let plans = row.get("servicePlans").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let mailbox =
        plans.iter().any(|plan| text(plan, "servicePlanName").is_some_and(|name| name.starts_with("EXCHANGE_S_")));
    let active = matches!(text(row, "capabilityStatus").as_deref(), Some("Enabled" | "Warning"));
    let for_users = text(row, "appliesTo").as_deref() == Some("User");
    Some(Sku {
        id: text(row, "skuId")?,
        name: text(row, "skuPartNumber")?,
        fits: mailbox && active && for_users,
        free: enabled.saturating_sub(number(row, "consumedUnits").unwrap_or(enabled)),
    })
}

fn licensee(row: &Value) -> Option<Licensee> {
    let licenses = row.get("assignedLicenses").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    Some(Licensee {
        object: text(row, "id")?,
        location: text(row, "usageLocation"),
        skus: licenses.iter().filter_map(|license| text(license, "skuId")).collect(),
    })
}

#[async_trait]
impl LicenseService for Directory {
    async fn skus(&self) -> Result<Vec<Sku>> {
        Ok(self.all("/v1.0/subscribedSkus").await?.iter().filter_map(sku).collect())
    }

    async fn licensees(&self) -> Result<Vec<Licensee>> {
        Ok(self.all(&format!("/v1.0/users?$top=999&{SELECT}")).await?.iter().filter_map(licensee).collect())
    }

    async fn licensee(&self, object: &str) -> Result<Option<Licensee>> {
        match self.ask(Method::GET, &self.user(object, &format!("?{SELECT}"))?, None).await {
            Ok(answer) => Ok(licensee(&answer.body)),
            Err(RemoteError::Refused { kind, .. }) if kind == "NotFound" => Ok(None),
            Err(error) => Err(error),
        }
    }

    async fn set_location(&self, object: &str, location: &str) -> Result<()> {
        let body = json!({"usageLocation": location});
        self.ask(Method::PATCH, &self.user(object, "")?, Some(&body)).await.map(drop)
    }

    async fn assign(&self, object: &str, sku: &str) -> Result<()> {
        let body = json!({"addLicenses": [{"skuId": sku, "disabledPlans": []}], "removeLicenses": []});
        self.ask(Method::POST, &self.user(object, "/assignLicense")?, Some(&body)).await.map(drop)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn free_units_and_what_holds_a_mailbox_are_told_from_a_license() {
        let row = |status: &str, applies: &str, plan: &str| {
            json!({"skuId": "1", "skuPartNumber": "E3", "capabilityStatus": status, "appliesTo": applies, "consumedUnits": 3,
                "prepaidUnits": {"enabled": 5}, "servicePlans": [{"servicePlanName": plan}]})
        };
        let good = sku(&row("Enabled", "User", "EXCHANGE_S_ENTERPRISE")).unwrap();
        assert_eq!((good.fits, good.free), (true, 2));
        for bad in [
            row("Suspended", "User", "EXCHANGE_S_X"),
            row("Enabled", "Company", "EXCHANGE_S_X"),
            row("Enabled", "User", "TEAMS1"),
        ] {
            assert!(!sku(&bad).unwrap().fits);
        }
        let unknown = json!({"skuId": "1", "skuPartNumber": "E3", "prepaidUnits": {"enabled": 5}});
        assert_eq!(sku(&unknown).unwrap().free, 0, "what is not told is not free");
    }
}
