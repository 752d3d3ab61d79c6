//! How a hybrid project reaches its service, and what its users get. No secrets.

use serde::{Deserialize, Serialize};

use super::attributes::Attributes;
use crate::domain::sign_in::{SignIn, SignInKind, url_fault};

/// Longest name of an endpoint or a license.
const LONGEST: usize = 64;

/// The settings. Empty texts say nothing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct HybridSettings {
    /// How the tenant is signed in to: as an application, with the right Exchange.ManageAsApp.
    pub sign_in: SignIn,
    /// The tenant's migration endpoint.
    pub endpoint: String,
    /// The tenant's own domain, as `contoso.mail.onmicrosoft.com`.
    pub target_domain: String,
    /// The name of the Microsoft license that users get at 95 %, as `ENTERPRISEPACK`; none is assigned without it.
    pub sku: String,
    /// Where users work who have no location of their own: two letters.
    pub location: String,
    /// What is set on mailboxes when they are switched.
    pub attributes: Attributes,
    /// In place of Exchange Online's address.
    pub exchange_url: String,
    /// In place of the directory's address.
    pub graph_url: String,
}

impl Default for HybridSettings {
    fn default() -> Self {
        Self {
            sign_in: SignIn::of(SignInKind::MicrosoftApp),
            endpoint: String::new(),
            target_domain: String::new(),
            sku: String::new(),
            location: String::new(),
            attributes: Attributes::default(),
            exchange_url: String::new(),
            graph_url: String::new(),
        }
    }
}

/// A setting that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{setting}: {reason}")]
pub struct BadSetting {
    setting: &'static str,
    reason: String,
}

/// A location in the form that licenses ask: two capital letters (ISO 3166-1 alpha-2).
pub fn location(text: &str) -> Option<String> {
    let text = text.trim().to_ascii_uppercase();
    (text.len() == 2 && text.chars().all(|c| c.is_ascii_uppercase())).then_some(text)
}

impl HybridSettings {
    /// Exchange Online's address, without a slash at its end.
    pub fn exchange_url(&self) -> &str {
        let own = self.exchange_url.trim_end_matches('/');
        if own.is_empty() { self.sign_in.cloud.exchange() } else { own }
    }

    /// The directory's address, without a slash at its end.
    pub fn graph_url(&self) -> &str {
        let own = self.graph_url.trim_end_matches('/');
        if own.is_empty() { self.sign_in.cloud.graph() } else { own }
    }

    /// How tokens for the directory are asked for.
    pub fn graph_sign_in(&self) -> SignIn {
        SignIn { scope: format!("{}/.default", self.sign_in.cloud.graph()), ..self.sign_in.clone() }
    }

    /// Whether it can be used.
    ///
    /// # Errors
    /// The first setting that cannot.
    pub fn validate(&self) -> Result<(), BadSetting> {
        let bad = |setting, reason: &str| Err(BadSetting { setting, reason: reason.into() });
        if self.sign_in.kind != SignInKind::MicrosoftApp {
            return bad("sign-in", "a hybrid project signs in as an application of Microsoft's");
        }
        if let Err(problem) = self.sign_in.validate() {
            return bad("sign-in", &problem.to_string());
        }
        let plain = |text: &str| text.chars().count() <= LONGEST && !text.chars().any(char::is_control);
        if self.endpoint.is_empty() || !plain(&self.endpoint) {
            return bad(
                "endpoint",
                "name a migration endpoint of the tenant; `hybrid endpoints` lists those that exist",
            );
        }
        let domain = &self.target_domain;
        let is_domain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '.';
        if domain.len() > 253 || !domain.contains('.') || domain.starts_with('.') || !domain.chars().all(is_domain) {
            return bad("target domain", "no domain: write it as contoso.mail.onmicrosoft.com");
        }
        if !plain(&self.sku) {
            return bad("license", "the name of a license has 64 characters at most; write it as ENTERPRISEPACK");
        }
        if !self.location.is_empty() && location(&self.location).as_ref() != Some(&self.location) {
            return bad("location", "it has two letters, as DE");
        }
        for (setting, url) in [("Exchange address", &self.exchange_url), ("Graph address", &self.graph_url)] {
            if let Some(reason) = url_fault(url).filter(|_| !url.is_empty()) {
                return bad(setting, reason);
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn good() -> HybridSettings {
        let sign_in = SignIn {
            tenant: "contoso.onmicrosoft.com".into(),
            client_id: "11112222-3333-4444-5555-666677778888".into(),
            ..SignIn::of(SignInKind::MicrosoftApp)
        };
        let (endpoint, target_domain) = ("OnPrem".into(), "contoso.mail.onmicrosoft.com".into());
        HybridSettings { sign_in, endpoint, target_domain, ..HybridSettings::default() }
    }

    #[test]
    fn what_cannot_be_used_is_named() {
        assert_eq!(good().validate(), Ok(()));
        for (bad, setting) in [
            (HybridSettings { endpoint: String::new(), ..good() }, "endpoint"),
            (HybridSettings { target_domain: "contoso".into(), ..good() }, "target domain"),
            (HybridSettings { location: "Germany".into(), ..good() }, "location"),
            (HybridSettings { exchange_url: "http://exchange.example".into(), ..good() }, "Exchange address"),
            (HybridSettings { sign_in: SignIn::of(SignInKind::MicrosoftApp), ..good() }, "sign-in"),
        ] {
            let text = bad.validate().unwrap_err().to_string();
            assert!(text.starts_with(setting), "{text}");
        }
        assert_eq!((location(" de "), location("D1"), location("deu")), (Some("DE".into()), None, None));
    }
}
