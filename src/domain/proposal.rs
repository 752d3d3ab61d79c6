//! Settings that may fit an address, with where they come from. Proposals: nothing was tried with them.

use super::provider::MailProvider;
use super::server::ImapServer;

/// Where settings come from.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Origin {
    /// The table of large providers.
    Known,
    /// What the domain itself publishes, at this address.
    Autoconfig(String),
    /// A public database of settings, at this address.
    Database(String),
    /// Who takes in the domain's mail.
    MailExchanger(String),
    /// A service record of the domain's name servers, of this name.
    Service(String),
}

/// Settings that may fit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proposal {
    /// The server; its certificate is to be checked by the system.
    pub server: ImapServer,
    /// The login name, if it is said and is not the address.
    pub login: Option<String>,
    /// What is said of signing in.
    pub sign_in: Option<String>,
    /// Where it comes from.
    pub origin: Origin,
}

impl Origin {
    /// For people.
    pub fn words(&self) -> String {
        match self {
            Self::Known => "known by Mailferry".to_owned(),
            Self::Autoconfig(place) => format!("published by the domain: {place}"),
            Self::Database(place) => format!("from a public database: {place}"),
            Self::MailExchanger(host) => format!("its mail goes to {host}"),
            Self::Service(name) => format!("named by its name servers: {name}"),
        }
    }
}

impl Proposal {
    /// The server of a provider.
    pub fn of(provider: &MailProvider, host: &str, origin: Origin) -> Option<Self> {
        let server = ImapServer::parse_url(&format!("imaps://{host}")).ok()?;
        Some(Self { server, login: None, sign_in: provider.sign_in.map(str::to_owned), origin })
    }

    /// With what is known of its provider, if that is one of the large ones.
    #[must_use]
    pub fn completed(mut self) -> Self {
        if self.sign_in.is_none() {
            self.sign_in =
                MailProvider::of_host(&self.server.host).and_then(|provider| provider.sign_in).map(str::to_owned);
        }
        self
    }
}

/// The two halves of an address; none if it is none.
pub fn halves(email: &str) -> Option<(&str, &str)> {
    let (local, domain) = email.trim().rsplit_once('@')?;
    let fits = |text: &str| {
        !text.is_empty() && text.len() <= 253 && !text.chars().any(|c| c.is_control() || c.is_whitespace())
    };
    let is_host = ImapServer::parse_url(&format!("imaps://{domain}"))
        .is_ok_and(|server| server.host == domain.to_ascii_lowercase());
    (fits(local) && is_host && domain.contains('.')).then_some((local, domain))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_two_halves_or_is_none() {
        assert_eq!(halves(" anna@Contoso.example "), Some(("anna", "Contoso.example")));
        for wrong in [
            "anna",
            "@x.example",
            "anna@",
            "anna@x",
            "a b@x.example",
            "a@x.example:99",
            "a@x.example/p",
            "a@x\u{7}.example",
            "a@[::1]",
        ] {
            assert_eq!(halves(wrong), None, "{wrong:?}");
        }
    }
}
