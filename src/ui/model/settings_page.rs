//! The page of settings: what was typed, and what came of trying it.

use std::collections::BTreeMap;

use zeroize::Zeroizing;

use crate::domain::secret::Secret;
use crate::service::asking::AskingState;
use crate::service::client::RequestId;
use crate::service::mail::MailSecret;
use crate::service::settings::{SETTINGS, Setting};

/// How the form's connections are protected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FormProtection {
    /// Only this machine reaches it.
    Loopback,
    /// By a certificate of its own.
    Files,
    /// By a proxy in front of it.
    Proxy,
}

impl FormProtection {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Files, Self::Proxy, Self::Loopback];
}

fn all(of: impl Fn(&Setting) -> String) -> BTreeMap<&'static str, String> {
    SETTINGS.iter().map(|setting| (setting.name, of(setting))).collect()
}

/// What a try said, and whether that is good.
pub type Said = Option<(bool, String)>;

/// The page of settings.
#[derive(Default)]
pub struct SettingsPage {
    /// As they are kept; empty for what nobody has set.
    kept: BTreeMap<&'static str, String>,
    /// As they were typed.
    typed: BTreeMap<&'static str, String>,
    /// A new password of the mail server; empty leaves the one that is known.
    pub password: Zeroizing<String>,
    /// A file with what an application signs in with there, in place of a password.
    pub key_file: String,
    /// Who gets a test.
    pub test_to: String,
    /// What came of the test.
    pub tested: Said,
    /// What came of the check of the form.
    pub checked: Said,
    /// What came of saving.
    pub saved: Said,
    /// The questions under way: saving, the password, a test, the check.
    pub asked: [Option<RequestId>; 4],
    /// How the form is protected, as it was chosen.
    pub protection: Option<FormProtection>,
    /// Whether owners are asked.
    pub state: AskingState,
}

impl SettingsPage {
    /// These are kept now; what was typed and not saved stays.
    pub fn known(&mut self, of: impl Fn(&Setting) -> String) {
        match self.changes().is_empty() {
            true => self.kept_now(of),
            false => self.kept = all(of),
        }
    }

    /// These are kept now, and nothing else was typed.
    pub fn kept_now(&mut self, of: impl Fn(&Setting) -> String) {
        self.kept = all(of);
        self.typed.clone_from(&self.kept);
        self.protection = None;
    }

    /// What was typed is forgotten.
    pub fn undo(&mut self) {
        self.typed.clone_from(&self.kept);
        (self.protection, self.saved) = (None, None);
        self.forget_secret();
    }

    /// What is typed for a setting.
    pub fn field(&mut self, name: &'static str) -> &mut String {
        self.typed.entry(name).or_default()
    }

    fn text(&self, name: &str) -> &str {
        self.typed.get(name).map_or("", String::as_str)
    }

    /// Whether something was typed that is not kept.
    pub fn is_edited(&self) -> bool {
        self.new_secret().is_some() || !self.changes().is_empty()
    }

    /// How the form is protected.
    pub fn protected_by(&self) -> FormProtection {
        let files = !self.text("form-certificate").is_empty() || !self.text("form-key").is_empty();
        self.protection.unwrap_or(match (self.text("form-proxy"), files) {
            ("on", _) => FormProtection::Proxy,
            (_, true) => FormProtection::Files,
            (_, false) => FormProtection::Loopback,
        })
    }

    /// Another protection: what belongs to the others is emptied.
    pub fn protect_by(&mut self, protection: FormProtection) {
        self.protection = Some(protection);
        *self.field("form-proxy") = if protection == FormProtection::Proxy { "on" } else { "off" }.into();
        if protection != FormProtection::Files {
            (*self.field("form-certificate"), *self.field("form-key")) = (String::new(), String::new());
        }
    }

    /// What is to be saved.
    pub fn changes(&self) -> Vec<(&'static str, String)> {
        let changed = self.typed.iter().filter(|(name, typed)| {
            let kept = self.kept.get(*name).map_or("", String::as_str);
            typed.trim() != kept.trim()
        });
        changed.map(|(name, typed)| (*name, typed.trim().to_owned())).collect()
    }

    /// What is wrong with a field, said where it stands.
    pub fn wrong(&self, name: &'static str) -> Option<String> {
        let setting = Setting::named(name)?;
        setting.read(self.text(name)).err().map(|error| error.to_string())
    }

    /// Whether it can be saved.
    ///
    /// # Errors
    /// Why not.
    pub fn ready(&self) -> Result<(), String> {
        if self.asked[0].or(self.asked[1]).is_some() {
            return Err("An answer is under way".into());
        }
        if !self.is_edited() {
            return Err("Nothing was changed".into());
        }
        match SETTINGS.iter().find_map(|setting| self.wrong(setting.name)) {
            Some(wrong) => Err(wrong),
            None => Ok(()),
        }
    }

    /// Whether what is kept can be tried.
    ///
    /// # Errors
    /// Why not.
    pub fn can_try(&self, question: usize) -> Result<(), &'static str> {
        match self.asked.get(question) {
            Some(Some(_)) => Err("An answer is under way"),
            _ if self.is_edited() => Err("Save first: what is saved is tried"),
            _ => Ok(()),
        }
    }

    /// What proves the login at the mail server from now on, if that was typed or named.
    pub fn new_secret(&self) -> Option<MailSecret> {
        let file = Some(self.key_file.trim()).filter(|file| !file.is_empty());
        let typed = Some(&self.password).filter(|password| !password.is_empty());
        let typed = typed.map(|password| MailSecret::Typed(Secret::new(password.as_str())));
        file.map(|file| MailSecret::File(file.into())).or(typed)
    }

    /// It is kept, or not wanted.
    pub fn forget_secret(&mut self) {
        (self.password, self.key_file) = (Zeroizing::default(), String::new());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_typed_stays_until_it_is_saved_or_undone() {
        let mut page = SettingsPage::default();
        page.known(|setting| setting.default.to_owned());
        assert_eq!(page.ready(), Err("Nothing was changed".into()));
        *page.field("mail-server") = " smtp.a.example ".into();
        assert_eq!(page.changes(), [("mail-server", "smtp.a.example".to_owned())]);
        assert!(page.can_try(2).is_err(), "only what is saved is tried");
        page.known(|setting| if setting.name == "ask-name" { "Kim".into() } else { setting.default.to_owned() });
        assert_eq!(page.field("mail-server"), " smtp.a.example ", "news from elsewhere take nothing away");
        *page.field("mail-port") = "0".into();
        assert!(page.ready().unwrap_err().contains("a number from 1"));
        page.undo();
        assert!(!page.is_edited() && page.field("ask-name") == "Kim");
    }

    #[test]
    fn one_protection_takes_the_place_of_another() {
        let mut page = SettingsPage::default();
        page.known(|setting| if setting.name == "form-key" { "k.pem".into() } else { String::new() });
        assert_eq!(page.protected_by(), FormProtection::Files);
        page.protect_by(FormProtection::Proxy);
        assert_eq!(page.protected_by(), FormProtection::Proxy);
        assert_eq!(page.changes(), [("form-key", String::new()), ("form-proxy", "on".into())]);
        page.protect_by(FormProtection::Loopback);
        assert_eq!(page.field("form-proxy"), "off");
    }
}
