//! Finds settings for an address: what is known of large providers, what its domain publishes (autoconfig), who takes in its
//! mail (MX), and what its name servers say (RFC 6186).
//!
//! All answers are proposals of strangers. Only https is asked, without a step down to http; answers are bounded in size and
//! time, and what does not fit is left out. No password is known here.

mod autoconfig;
mod names;
mod web;

pub use names::Names;
pub use web::Web;

use crate::domain::proposal::{Origin, Proposal, halves};
use crate::domain::provider::MailProvider;
use crate::domain::server::ImapServer;

/// Proposals that are kept.
const MOST: usize = 8;
/// The public database.
const DATABASE: &str = "https://autoconfig.thunderbird.net/v1.1";

/// It is no address.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("\"{0}\" is no e-mail address")]
pub struct NoAddress(pub String);

/// Whom to ask.
pub struct Network {
    /// Name servers; none where this computer has no settings for them.
    pub names: Option<Names>,
    /// The web; none where this computer trusts nobody.
    pub web: Option<Web>,
}

impl Network {
    /// As this computer is set up.
    pub fn system() -> Self {
        Self { names: Names::system(), web: Web::system() }
    }
}

/// Settings that may fit this address, the likeliest first; none where nobody says anything.
///
/// # Errors
/// It is no address.
pub async fn find(network: impl FnOnce() -> Network, email: &str) -> Result<Vec<Proposal>, NoAddress> {
    let email = email.trim();
    let shown = || NoAddress(email.chars().filter(|c| !c.is_control()).take(80).collect());
    let domain = halves(email).ok_or_else(shown)?.1.to_ascii_lowercase();
    let known = MailProvider::of_domain(&domain).and_then(|own| Proposal::of(own, own.host, Origin::Known));
    Ok(match known {
        // Nobody else needs to hear of the address.
        Some(known) => vec![known],
        None => in_order(ask(&network(), email, &domain).await),
    })
}

async fn ask(network: &Network, email: &str, domain: &str) -> Vec<Proposal> {
    let first = format!("https://autoconfig.{domain}/mail/config-v1.1.xml?emailaddress={}", web::encoded(email));
    let second = format!("https://{domain}/.well-known/autoconfig/mail/config-v1.1.xml");
    let (first, second, services, exchangers) = tokio::join!(
        read(network, &first, email, Origin::Autoconfig),
        read(network, &second, email, Origin::Autoconfig),
        services(network, domain),
        mail_exchangers(network, domain),
    );
    let by_exchanger = exchangers.iter().filter_map(|host| {
        let provider = MailProvider::of_mail_exchanger(host)?;
        Proposal::of(provider, &provider.host_by(host), Origin::MailExchanger(host.clone()))
    });
    let found: Vec<Proposal> = [first, second, services].into_iter().flatten().chain(by_exchanger).collect();
    if !found.is_empty() {
        return found;
    }
    let of_domain = read(network, &format!("{DATABASE}/{domain}"), email, Origin::Database).await;
    match exchangers.first().and_then(|host| base(host)) {
        Some(base) if of_domain.is_empty() && base != domain => {
            read(network, &format!("{DATABASE}/{base}"), email, Origin::Database).await
        }
        _ => of_domain,
    }
}

async fn services(network: &Network, domain: &str) -> Vec<Proposal> {
    match &network.names {
        Some(names) => names.services(domain).await,
        None => Vec::new(),
    }
}

async fn mail_exchangers(network: &Network, domain: &str) -> Vec<String> {
    match &network.names {
        Some(names) => names.mail_exchangers(domain).await,
        None => Vec::new(),
    }
}

/// What is published at a place; nothing where that is no settings.
async fn read(network: &Network, place: &str, email: &str, origin: fn(String) -> Origin) -> Vec<Proposal> {
    let Some(web) = &network.web else { return Vec::new() };
    // What follows is the address.
    let shown = place.split_once('?').map_or(place, |(place, _)| place);
    let text = match web.get(place).await {
        Ok(text) => text,
        Err(why) => {
            tracing::debug!(place = shown, %why, "no settings there");
            return Vec::new();
        }
    };
    autoconfig::read(&text, email, &origin(shown.to_owned())).unwrap_or_else(|why| {
        tracing::info!(place = shown, %why, "settings not understood");
        Vec::new()
    })
}

/// `mx1.mail.contoso.example` → `contoso.example`: what settings for it may be called by.
fn base(host: &str) -> Option<String> {
    let (rest, top) = host.trim_end_matches('.').rsplit_once('.')?;
    let name = rest.rsplit('.').next()?;
    Some(format!("{name}.{top}"))
}

/// The same server is proposed once, by who said it first.
fn in_order(found: Vec<Proposal>) -> Vec<Proposal> {
    let mut kept: Vec<Proposal> = Vec::new();
    let same = |a: &ImapServer, b: &ImapServer| (&a.host, a.port) == (&b.host, b.port);
    for proposal in found {
        if kept.len() < MOST && !kept.iter().any(|one| same(&one.server, &proposal.server)) {
            kept.push(proposal.completed());
        }
    }
    kept
}
