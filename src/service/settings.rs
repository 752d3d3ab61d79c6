//! Settings of a workspace: what holds for all its projects. They lie beside what a window remembers, each under its name.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use super::{OpenWorkspace, ServiceError};
use crate::intake::letter::check_address;

/// The name of "Keep this computer awake while migrations run".
pub const KEEP_AWAKE: &str = "keep-awake";

/// What a setting can be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SettingKind {
    /// On or off.
    Switch,
    /// One of these words.
    Choice(&'static [&'static str]),
    /// A whole number from 1 up to this one.
    Number(u32),
    /// One line.
    Line,
    /// A mail address, with or without a name.
    Address,
    /// An IP address with a port.
    Listen,
    /// A web address.
    Url,
}

/// A setting as it is known before anybody has set it.
#[derive(Clone, Copy, Debug)]
pub struct Setting {
    /// Its name.
    pub name: &'static str,
    /// What it is for.
    pub what: &'static str,
    /// What it can be.
    pub kind: SettingKind,
    /// What it is while nobody has set it; empty for nothing.
    pub default: &'static str,
}

const fn setting(name: &'static str, kind: SettingKind, default: &'static str, what: &'static str) -> Setting {
    Setting { name, what, kind, default }
}

/// Every setting.
pub const SETTINGS: [Setting; 24] = [
    setting(KEEP_AWAKE, SettingKind::Switch, "on", "keep this computer awake while migrations run"),
    setting("mail-server", SettingKind::Line, "", "host that sends the mails to mailbox owners"),
    setting("mail-port", SettingKind::Number(65_535), "", "its port, if not the usual one (465, with starttls 587)"),
    setting("mail-security", SettingKind::Choice(&["tls", "starttls", "plain"]), "tls", "how it is protected"),
    setting("mail-authorities", SettingKind::Line, "", "file (PEM) of who vouches for it, if the system does not"),
    setting("mail-login", SettingKind::Line, "", "login name there; its password: mail password"),
    setting(
        "mail-sign-in",
        SettingKind::Choice(&["password", "microsoft-app", "google-service", "custom-app"]),
        "password",
        "how the login is proved: by password, or by an application of yours (its secret: mail password)",
    ),
    setting("mail-tenant", SettingKind::Line, "", "Microsoft's tenant of that application: contoso.onmicrosoft.com"),
    setting(
        "mail-cloud",
        SettingKind::Choice(&["global", "us", "china"]),
        "global",
        "Microsoft's cloud of that tenant",
    ),
    setting("mail-client-id", SettingKind::Line, "", "its client id"),
    setting(
        "mail-token-url",
        SettingKind::Url,
        "",
        "where another provider hands out tokens: https://login.example/token",
    ),
    setting("mail-scope", SettingKind::Line, "", "what is asked for, if not the provider's usual"),
    setting("mail-from", SettingKind::Address, "", "sender: Kim Doe <kim@example.com>"),
    setting("mail-reply-to", SettingKind::Address, "", "where answers go, if elsewhere"),
    setting("mail-rate", SettingKind::Number(10_000), "30", "mails a minute at most"),
    setting("mail-language", SettingKind::Choice(&["en", "de", "fr", "es"]), "en", "language of the mails"),
    setting("ask-name", SettingKind::Line, "", "who you are, for owners who are asked; else the sender's name"),
    setting("ask-phone", SettingKind::Line, "", "where owners reach you by phone"),
    setting("ask-contact", SettingKind::Line, "", "whom owners ask whether a mail is genuine: name and phone"),
    setting("form-listen", SettingKind::Listen, "", "where the form for owners listens: 127.0.0.1:8443"),
    setting("form-url", SettingKind::Url, "", "its public address: https://move.example"),
    setting("form-certificate", SettingKind::Line, "", "file (PEM) with its certificate"),
    setting("form-key", SettingKind::Line, "", "file (PEM) with the key of that"),
    setting("form-proxy", SettingKind::Switch, "off", "a proxy in front of it protects the connections"),
];

/// Settings as they are.
pub type Settings = BTreeMap<String, String>;

/// Why a setting was not changed. Shown as it is.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SettingError {
    /// No `=`.
    #[error("\"{0}\" is no KEY=VALUE")]
    NoValue(String),
    /// There is no such setting.
    #[error("there is no setting \"{_0}\"; there are {}", names())]
    Unknown(String),
    /// It cannot be that.
    #[error("{0} is {1}, not \"{2}\"")]
    Value(&'static str, String, String),
}

fn names() -> String {
    SETTINGS.map(|setting| setting.name).join(", ")
}

impl Setting {
    /// The one of this name.
    pub fn named(name: &str) -> Option<&'static Setting> {
        SETTINGS.iter().find(|setting| setting.name.eq_ignore_ascii_case(name))
    }

    /// What it is.
    pub fn value<'a>(&self, settings: &'a Settings) -> &'a str {
        settings.get(self.name).filter(|value| !value.is_empty()).map_or(self.default, String::as_str)
    }

    /// How a value of it is kept; an empty one is as if nobody had set it.
    ///
    /// # Errors
    /// It cannot be that.
    pub fn read(&self, written: &str) -> Result<String, SettingError> {
        let value = written.trim();
        let wrong = |expected: &str| SettingError::Value(self.name, expected.to_owned(), value.to_owned());
        if value.is_empty() {
            return Ok(String::new());
        }
        match self.kind {
            SettingKind::Switch => match value.to_ascii_lowercase().as_str() {
                "on" | "yes" | "true" => Ok(switch(true)),
                "off" | "no" | "false" => Ok(switch(false)),
                _ => Err(wrong("on or off")),
            },
            SettingKind::Choice(words) => {
                let known = words.iter().find(|word| word.eq_ignore_ascii_case(value));
                known.map(|word| (*word).to_owned()).ok_or_else(|| wrong(&format!("one of {}", words.join(", "))))
            }
            SettingKind::Number(most) => match value.parse::<u32>() {
                Ok(number) if (1..=most).contains(&number) => Ok(number.to_string()),
                _ => Err(wrong(&format!("a number from 1 to {most}"))),
            },
            SettingKind::Line if value.chars().any(char::is_control) => Err(wrong("one line")),
            SettingKind::Line => Ok(value.to_owned()),
            SettingKind::Address => {
                check_address(value).map(|()| value.to_owned()).map_err(|_| wrong("a mail address"))
            }
            SettingKind::Listen => match value.parse::<SocketAddr>() {
                Ok(address) => Ok(address.to_string()),
                Err(_) => Err(wrong("an IP address with a port, such as 127.0.0.1:8443")),
            },
            SettingKind::Url => match reqwest::Url::parse(value) {
                Ok(url) if url.has_host() && matches!(url.scheme(), "https" | "http") => {
                    Ok(value.trim_end_matches('/').to_owned())
                }
                _ => Err(wrong("a web address, such as https://move.example")),
            },
        }
    }
}

/// What a setting of this name is; empty if there is none.
pub fn value<'a>(settings: &'a Settings, name: &str) -> &'a str {
    Setting::named(name).map_or("", |setting| setting.value(settings))
}

/// Whether the computer is kept awake while migrations run: unless a person said otherwise.
pub fn keeps_awake(settings: &Settings) -> bool {
    value(settings, KEEP_AWAKE) != "off"
}

/// How a switch is kept.
pub fn switch(on: bool) -> String {
    if on { "on" } else { "off" }.into()
}

/// What is kept of settings, by name.
///
/// # Errors
/// The database.
pub async fn values(workspace: &OpenWorkspace) -> Result<Settings, ServiceError> {
    Ok(workspace.store.settings().await?)
}

/// All settings with what they are.
pub async fn all(workspace: &OpenWorkspace) -> Result<Vec<(&'static Setting, String)>, ServiceError> {
    let settings = workspace.store.settings().await?;
    Ok(SETTINGS.iter().map(|setting| (setting, setting.value(&settings).to_owned())).collect())
}

/// `KEY=VALUE`: the setting, and what it is to be.
///
/// # Errors
/// It is none.
pub fn assignment(text: &str) -> Result<(&'static Setting, String), SettingError> {
    let (key, value) = text.split_once('=').ok_or_else(|| SettingError::NoValue(text.to_owned()))?;
    let setting = Setting::named(key.trim()).ok_or_else(|| SettingError::Unknown(key.trim().to_owned()))?;
    Ok((setting, setting.read(value)?))
}

/// Changes several settings, all or none.
///
/// # Errors
/// One cannot be that; nothing is changed.
pub async fn set_all(workspace: &OpenWorkspace, written: &[(&'static str, String)]) -> Result<(), ServiceError> {
    let read = written.iter().map(|(name, value)| {
        let setting = Setting::named(name).ok_or_else(|| SettingError::Unknown((*name).to_owned()))?;
        Ok((setting.name.to_owned(), setting.read(value)?))
    });
    let values = read.collect::<Result<Vec<_>, SettingError>>()?;
    Ok(workspace.store.set_settings(values).await?)
}

/// Changes a setting. Whoever runs passes sees it within seconds.
pub async fn set(workspace: &OpenWorkspace, (setting, value): (&Setting, String)) -> Result<(), ServiceError> {
    Ok(workspace.store.set_setting(setting.name.into(), value).await?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<(&'static str, String), String> {
        let read = assignment(text).map_err(|error| error.to_string())?;
        Ok((read.0.name, read.1))
    }

    #[test]
    fn settings_are_read_as_they_are_written_and_what_is_none_is_named() {
        assert_eq!(read("Keep-Awake = OFF"), Ok((KEEP_AWAKE, "off".into())));
        assert_eq!(read("keep-awake=yes"), Ok((KEEP_AWAKE, "on".into())));
        assert_eq!(read("keep-awake").unwrap_err(), "\"keep-awake\" is no KEY=VALUE");
        let unknown = read("awake=on").unwrap_err();
        assert!(unknown.starts_with("there is no setting \"awake\"; there are keep-awake, mail-server, "), "{unknown}");
        assert_eq!(read("keep-awake=maybe").unwrap_err(), "keep-awake is on or off, not \"maybe\"");
        assert!(keeps_awake(&BTreeMap::new()));
        let said = |on| BTreeMap::from([(KEEP_AWAKE.to_owned(), switch(on))]);
        assert!(keeps_awake(&said(true)) && !keeps_awake(&said(false)));
    }

    #[test]
    fn each_kind_takes_what_it_can_be() {
        for (written, kept) in [
            ("mail-port=0587", "587"),
            ("mail-security=STARTTLS", "starttls"),
            ("mail-from=Kim <kim@a.example>", "Kim <kim@a.example>"),
            ("mail-rate=", ""),
        ] {
            assert_eq!(read(written).unwrap().1, kept, "{written}");
        }
        for (wrong, why) in [
            ("mail-port=0", "mail-port is a number from 1 to 65535, not \"0\""),
            ("mail-security=ssl", "mail-security is one of tls, starttls, plain, not \"ssl\""),
            ("mail-from=kim", "mail-from is a mail address, not \"kim\""),
            ("ask-name=a\nb", "ask-name is one line, not \"a\nb\""),
        ] {
            assert_eq!(read(wrong).unwrap_err(), why);
        }
        assert!(SETTINGS.iter().all(|setting| setting.read(setting.default).as_deref() == Ok(setting.default)));
        let set = Settings::from([("mail-rate".to_owned(), String::new())]);
        assert_eq!((value(&set, "mail-rate"), value(&set, "mail-login"), value(&set, "none")), ("30", "", ""));
    }
}
