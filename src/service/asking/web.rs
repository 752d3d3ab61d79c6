//! Where the form is, as the settings say.

use std::net::SocketAddr;

use crate::intake::form::{FormOptions, Limits, NotReached, NotServed, Protection, ReachKey};
use crate::service::settings::{Settings, value};

/// Why the form is not open. Shown as it is.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoForm {
    /// A setting lacks.
    #[error("owners cannot be asked yet: set {0} first, in the settings")]
    Unset(&'static str),
    /// It would be reachable unprotected.
    #[error("the public address must begin with https:// unless it is this machine's own: {0}")]
    Unprotected(String),
    /// It cannot be opened.
    #[error(transparent)]
    NotServed(#[from] NotServed),
    /// Its public address leads somewhere else, or nowhere.
    #[error("owners would not reach the form: {url} does not lead to it ({why})")]
    NotReached {
        /// Its public address.
        url: String,
        /// What is there instead.
        why: NotReached,
    },
    /// Nobody serves it.
    #[error("the form is not open: {0}")]
    Closed(String),
    /// The item has no living link.
    #[error("its owner was not asked: there is no link that could be used")]
    NoLink,
}

/// What the settings say of the form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WebSettings {
    listen: SocketAddr,
    url: String,
    host: String,
    protection: Protection,
}

impl WebSettings {
    /// # Errors
    /// What lacks.
    pub fn of(settings: &Settings) -> Result<Self, NoForm> {
        let of = |name: &str| value(settings, name).to_owned();
        let (listen, url) = (of("form-listen"), of("form-url"));
        let listen: SocketAddr = listen.parse().map_err(|_| NoForm::Unset("form-listen"))?;
        let parsed = reqwest::Url::parse(&url).map_err(|_| NoForm::Unset("form-url"))?;
        let name = parsed.host_str().unwrap_or_default().to_owned();
        let host = parsed.port().map_or_else(|| name.clone(), |port| format!("{name}:{port}"));
        let near = ["localhost", "127.0.0.1", "[::1]"].contains(&name.as_str());
        if parsed.scheme() != "https" && !near {
            return Err(NoForm::Unprotected(url));
        }
        let (certificate, key) = (of("form-certificate"), of("form-key"));
        let protection = match (of("form-proxy").as_str(), certificate.as_str(), key.as_str()) {
            ("on", ..) => Protection::BehindProxy,
            (_, "", "") => Protection::Loopback,
            (_, "", _) => return Err(NoForm::Unset("form-certificate")),
            (_, _, "") => return Err(NoForm::Unset("form-key")),
            _ => Protection::Files { certificate: certificate.into(), key: key.into() },
        };
        Ok(Self { listen, url, host, protection })
    }

    /// The form, which shows by this key that it is reached.
    pub fn form(&self, reach: ReachKey) -> FormOptions {
        let Self { listen, host, protection, .. } = self.clone();
        FormOptions { listen, protection, host, reach, limits: Limits::default() }
    }

    /// Whether its public address leads to the form with this key.
    ///
    /// # Errors
    /// It does not.
    pub async fn reached(&self, key: &ReachKey) -> Result<(), NoForm> {
        let reached = key.reaches(&self.url).await;
        reached.map_err(|why| NoForm::NotReached { url: self.url.clone(), why })
    }

    /// Where a token leads.
    pub fn link(&self, token: &str) -> String {
        format!("{}/{token}", self.url)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(pairs: &[(&str, &str)]) -> Result<WebSettings, NoForm> {
        WebSettings::of(&pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect())
    }

    #[test]
    fn the_form_is_reached_by_https_or_from_this_machine_only() {
        let listen = ("form-listen", "127.0.0.1:8443");
        assert_eq!(of(&[listen]).unwrap_err(), NoForm::Unset("form-url"));
        let far = of(&[listen, ("form-url", "http://move.example")]).unwrap_err();
        assert_eq!(far, NoForm::Unprotected("http://move.example".into()));
        let near = of(&[listen, ("form-url", "http://localhost:8443")]).unwrap();
        assert_eq!((near.host.as_str(), near.link("t").as_str()), ("localhost:8443", "http://localhost:8443/t"));
        assert_eq!(near.protection, Protection::Loopback);
        let url = ("form-url", "https://move.example/in");
        let half = of(&[listen, url, ("form-key", "k.pem")]).unwrap_err();
        assert_eq!(half, NoForm::Unset("form-certificate"));
        let proxied = of(&[listen, url, ("form-proxy", "on")]).unwrap();
        assert_eq!((proxied.host.as_str(), &proxied.protection), ("move.example", &Protection::BehindProxy));
        assert_eq!(proxied.link("t"), "https://move.example/in/t");
    }
}
