//! Advanced Options: what is set on a mailbox when it was switched (R33). A table of attribute, cmdlet, parameter, check.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Longest value.
const LONGEST: usize = 400;

/// What a value is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ValueKind {
    /// A text.
    Text,
    /// An e-mail address.
    Address,
    /// `true` or `false`.
    Flag,
    /// A size as `50GB`, or `unlimited`.
    Size,
    /// Only `true`: it is switched on.
    On,
}

/// A row of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Attribute {
    /// What people call it.
    pub key: &'static str,
    /// What sets it.
    pub cmdlet: &'static str,
    /// By which parameter.
    pub parameter: &'static str,
    /// What tells it.
    pub check: &'static str,
    /// In which property.
    pub property: &'static str,
    /// What it takes.
    pub kind: ValueKind,
}

const fn of_mailbox(key: &'static str, parameter: &'static str, kind: ValueKind) -> Attribute {
    Attribute { key, cmdlet: "Set-Mailbox", parameter, check: "Get-Mailbox", property: parameter, kind }
}

const fn of_access(key: &'static str, parameter: &'static str) -> Attribute {
    let kind = ValueKind::Flag;
    Attribute { key, cmdlet: "Set-CASMailbox", parameter, check: "Get-CASMailbox", property: parameter, kind }
}

/// All attributes. Names of cmdlets and parameters: Exchange PowerShell reference (Set-Mailbox, Set-CASMailbox, Enable-Mailbox).
pub const TABLE: [Attribute; 17] = [
    of_mailbox("retention-policy", "RetentionPolicy", ValueKind::Text),
    of_mailbox("forward-to", "ForwardingSmtpAddress", ValueKind::Address),
    of_mailbox("deliver-and-forward", "DeliverToMailboxAndForward", ValueKind::Flag),
    of_mailbox("hidden", "HiddenFromAddressListsEnabled", ValueKind::Flag),
    of_mailbox("warning-quota", "IssueWarningQuota", ValueKind::Size),
    of_mailbox("send-quota", "ProhibitSendQuota", ValueKind::Size),
    of_mailbox("quota", "ProhibitSendReceiveQuota", ValueKind::Size),
    of_mailbox("max-send-size", "MaxSendSize", ValueKind::Size),
    of_mailbox("max-receive-size", "MaxReceiveSize", ValueKind::Size),
    of_mailbox("mail-tip", "MailTip", ValueKind::Text),
    of_mailbox("litigation-hold", "LitigationHoldEnabled", ValueKind::Flag),
    of_mailbox("single-item-recovery", "SingleItemRecoveryEnabled", ValueKind::Flag),
    of_access("imap", "ImapEnabled"),
    of_access("pop", "PopEnabled"),
    of_access("outlook-web", "OWAEnabled"),
    of_access("activesync", "ActiveSyncEnabled"),
    Attribute {
        key: "archive",
        cmdlet: "Enable-Mailbox",
        parameter: "Archive",
        check: "Get-Mailbox",
        property: "ArchiveStatus",
        kind: ValueKind::On,
    },
];

/// Values for some of them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Attributes(BTreeMap<String, String>);

/// Why an attribute cannot be set.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("attribute {key}: {reason}")]
pub struct BadAttribute {
    key: String,
    reason: String,
}

impl Attributes {
    /// Sets one, as `key=value`; an empty value takes it back.
    ///
    /// # Errors
    /// There is no such attribute, or it takes no such value.
    pub fn set(&mut self, text: &str) -> Result<(), BadAttribute> {
        let (key, value) = text.split_once('=').unwrap_or((text, ""));
        let (key, value) = (key.trim().to_ascii_lowercase(), value.trim());
        let bad = |reason: String| BadAttribute { key: key.chars().take(60).collect(), reason };
        let Some(row) = TABLE.iter().find(|row| row.key == key) else {
            let all: Vec<&str> = TABLE.iter().map(|row| row.key).collect();
            return Err(bad(format!("there is none of this name; there are {}", all.join(", "))));
        };
        if value.is_empty() {
            self.0.remove(row.key);
            return Ok(());
        }
        if let Some(reason) = row.kind.fault(value) {
            return Err(bad(reason.into()));
        }
        self.0.insert(row.key.into(), value.into());
        Ok(())
    }

    /// Those that are set.
    pub fn rows(&self) -> impl Iterator<Item = (&'static Attribute, &str)> {
        TABLE.iter().filter_map(|row| Some((row, self.0.get(row.key)?.as_str())))
    }

    /// Whether none is set.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl ValueKind {
    fn fault(self, value: &str) -> Option<&'static str> {
        let flag = |value: &str| matches!(value.to_ascii_lowercase().as_str(), "true" | "false");
        let fault = match self {
            _ if value.len() > LONGEST || value.chars().any(char::is_control) => {
                "its value is too long, or holds control characters"
            }
            Self::Flag if !flag(value) => "it takes true or false",
            Self::On if !value.eq_ignore_ascii_case("true") => "it takes true only: it is never switched off",
            Self::Size if bytes(value).is_none() => "it takes a size, as 50GB or 35MB, or unlimited",
            Self::Address if !is_address(value) => "it takes an e-mail address",
            _ => return None,
        };
        Some(fault)
    }
}

/// Whether a text can be an e-mail address.
pub fn is_address(text: &str) -> bool {
    let plain = |c: char| !c.is_whitespace() && !c.is_control() && !"<>,;:\"()[]\\".contains(c);
    let parts = text.split_once('@');
    text.len() <= 254
        && text.chars().all(plain)
        && parts.is_some_and(|(user, domain)| {
            !user.is_empty() && !domain.contains('@') && domain.contains('.') && !domain.starts_with('.')
        })
}

/// Bytes of a size: `50GB`, `35 MB (36,700,160 bytes)`; unlimited is the largest number.
fn bytes(text: &str) -> Option<u64> {
    let text = text.trim();
    if text.eq_ignore_ascii_case("unlimited") {
        return Some(u64::MAX);
    }
    if let Some((_, inner)) = text.split_once('(') {
        let digits: String = inner.chars().filter(char::is_ascii_digit).collect();
        return digits.parse().ok();
    }
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(end);
    let factor = match unit.trim().to_ascii_uppercase().as_str() {
        "KB" => 1 << 10,
        "MB" => 1 << 20,
        "GB" => 1 << 30,
        "TB" => 1_u64 << 40,
        _ => return None,
    };
    number.parse::<u64>().ok()?.checked_mul(factor)
}

impl Attribute {
    /// Whether what is told is what was asked for.
    pub fn holds(&self, wanted: &str, told: Option<&str>) -> bool {
        let Some(told) = told else { return false };
        match self.kind {
            ValueKind::Text => told == wanted,
            ValueKind::Flag => told.eq_ignore_ascii_case(wanted),
            ValueKind::Address => {
                let plain =
                    told.get(..5).filter(|head| head.eq_ignore_ascii_case("smtp:")).map_or(told, |_| &told[5..]);
                plain.eq_ignore_ascii_case(wanted)
            }
            ValueKind::Size => bytes(told).is_some() && bytes(told) == bytes(wanted),
            ValueKind::On => {
                !told.is_empty() && !told.eq_ignore_ascii_case("none") && !told.eq_ignore_ascii_case("false")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(key: &str) -> &'static Attribute {
        TABLE.iter().find(|row| row.key == key).unwrap()
    }

    #[test]
    fn r33_attributes_are_checked_before_they_are_kept() {
        let mut attributes = Attributes::default();
        for good in ["hidden=true", "quota=50GB", "forward-to=a@b.example", "archive=true", "mail-tip=back soon"] {
            attributes.set(good).unwrap();
        }
        assert_eq!(attributes.rows().count(), 5);
        attributes.set("hidden=").unwrap();
        assert_eq!(attributes.rows().count(), 4);
        for bad in ["hidden=yes", "quota=much", "forward-to=ab", "archive=false", "mail-tip=a\nb", "colour=red", "x"] {
            let text = attributes.set(bad).unwrap_err().to_string();
            assert!(text.starts_with("attribute "), "{text}");
        }
    }

    #[test]
    fn r33_what_is_told_is_compared_by_what_it_means() {
        assert!(row("quota").holds("50GB", Some("50 GB (53,687,091,200 bytes)")));
        assert!(!row("quota").holds("50GB", Some("49 GB (52,613,349,376 bytes)")) && !row("quota").holds("50GB", None));
        assert!(row("quota").holds("unlimited", Some("Unlimited")));
        assert!(row("forward-to").holds("a@b.example", Some("smtp:A@b.example")));
        assert!(row("hidden").holds("true", Some("True")) && !row("hidden").holds("true", Some("False")));
        assert!(row("archive").holds("true", Some("Active")) && !row("archive").holds("true", Some("None")));
    }
}
