//! How rooms ask web servers: TLS by rustls on ring, trusting what the system trusts; redirects are not followed, no referrer is
//! told, connecting has an end; what is on this machine is never asked for through a proxy.

use std::net::IpAddr;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use reqwest::redirect::Policy;
use reqwest::{Client, ClientBuilder, Url};
use rustls::client::danger::ServerCertVerifier;
use rustls::crypto::ring::default_provider;
use rustls_platform_verifier::Verifier;

/// For the connection.
const CONNECT: Duration = Duration::from_secs(20);

/// Whom the system trusts.
///
/// # Errors
/// The system names nobody.
pub(crate) fn system() -> Result<Arc<dyn ServerCertVerifier>, rustls::Error> {
    Ok(Arc::new(Verifier::new(Arc::new(default_provider()))?))
}

/// A client of one's own, that trusts whom this verifier trusts.
///
/// # Errors
/// rustls has no protocol in common with itself.
pub(crate) fn builder(trust: Arc<dyn ServerCertVerifier>) -> Result<ClientBuilder, rustls::Error> {
    let config = rustls::ClientConfig::builder_with_provider(Arc::new(default_provider()))
        .with_safe_default_protocol_versions()?
        .dangerous()
        .with_custom_certificate_verifier(trust)
        .with_no_client_auth();
    Ok(ClientBuilder::new()
        .tls_backend_preconfigured(config)
        .redirect(Policy::none())
        .referer(false)
        .connect_timeout(CONNECT)
        .user_agent(concat!("Mailferry/", env!("CARGO_PKG_VERSION"))))
}

/// One of two clients for all: for what is on this machine, and for the rest.
///
/// # Errors
/// Why there is none.
pub(crate) fn client(near: bool) -> Result<Client, String> {
    static CLIENTS: [OnceLock<Client>; 2] = [OnceLock::new(), OnceLock::new()];
    let place = &CLIENTS[usize::from(near)];
    if let Some(client) = place.get() {
        return Ok(client.clone());
    }
    let builder = system().and_then(builder).map_err(|error| error.to_string())?;
    // Connections are not kept: they end with the runtime that made them.
    let builder = builder.pool_max_idle_per_host(0);
    let builder = if near { builder.no_proxy() } else { builder };
    let made = builder.build().map_err(|error| error.to_string())?;
    Ok(place.get_or_init(|| made).clone())
}

/// Whether an address is on this machine.
pub(crate) fn is_this_machine(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default().trim_start_matches('[').trim_end_matches(']');
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_machine_is_known_by_its_names() {
        for (url, near) in [
            ("http://127.0.0.1:1/", true),
            ("http://[::1]:1/", true),
            ("http://localhost/", true),
            ("http://127.0.0.1.example/", false),
            ("https://login.example/", false),
        ] {
            assert_eq!(is_this_machine(&Url::parse(url).unwrap()), near, "{url}");
        }
    }
}
