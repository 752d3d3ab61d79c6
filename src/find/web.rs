//! One question to the web: https only, also after a redirection; bounded in size, steps and time.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::redirect::Policy;
use reqwest::{Client, ClientBuilder, StatusCode};
use rustls::RootCertStore;
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::ServerCertVerifier;
use rustls::crypto::ring::default_provider;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;

use crate::https;

/// Largest answer that is read.
const LARGEST: usize = 256 * 1024;
/// For one question.
const PATIENCE: Duration = Duration::from_secs(8);
/// Redirections that are followed.
const STEPS: usize = 3;

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub(super) enum NoAnswer {
    /// The connection, the certificate, a redirection that is not followed.
    #[error("{}", causes(.0))]
    Web(#[from] reqwest::Error),
    /// It says so.
    #[error("the answer is {0}")]
    Status(StatusCode),
    /// It goes on and on.
    #[error("the answer is too large")]
    TooLarge,
    /// Bytes that are no text.
    #[error("the answer is no text")]
    NoText,
}

fn causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut inner = error.source();
    while let Some(cause) = inner {
        text = format!("{text}: {cause}");
        inner = cause.source();
    }
    text
}

/// Asks the web.
pub struct Web(Client);

impl Web {
    /// As this computer trusts and resolves; none where it trusts nobody.
    pub fn system() -> Option<Self> {
        let builder = https::system().and_then(client).inspect_err(|why| unusable(why)).ok()?;
        builder.build().inspect_err(|why| unusable(why)).ok().map(Self)
    }

    /// Trusts these authorities only (PEM), and finds every host at this address; none for what is no certificate.
    pub fn of(authorities: &str, address: SocketAddr) -> Option<Self> {
        let mut roots = RootCertStore::empty();
        for certificate in CertificateDer::pem_slice_iter(authorities.as_bytes()) {
            roots.add(certificate.ok()?).ok()?;
        }
        let verifier = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), Arc::new(default_provider()));
        let builder = client(verifier.build().ok()?).ok()?;
        builder.no_proxy().dns_resolver(Everywhere(address)).build().ok().map(Self)
    }

    pub(super) async fn get(&self, place: &str) -> Result<String, NoAnswer> {
        let mut answer = self.0.get(place).send().await?;
        if answer.status() != StatusCode::OK {
            return Err(NoAnswer::Status(answer.status()));
        }
        let mut bytes = Vec::new();
        while let Some(piece) = answer.chunk().await? {
            if bytes.len() + piece.len() > LARGEST {
                return Err(NoAnswer::TooLarge);
            }
            bytes.extend_from_slice(&piece);
        }
        String::from_utf8(bytes).map_err(|_| NoAnswer::NoText)
    }
}

fn unusable(why: &dyn std::fmt::Display) {
    tracing::warn!(%why, "the web cannot be asked");
}

fn client(trust: Arc<dyn ServerCertVerifier>) -> Result<ClientBuilder, rustls::Error> {
    let builder = https::builder(trust)?.https_only(true).redirect(Policy::limited(STEPS));
    Ok(builder.connect_timeout(PATIENCE).timeout(PATIENCE))
}

/// Finds every host at one address.
struct Everywhere(SocketAddr);

impl Resolve for Everywhere {
    fn resolve(&self, _: Name) -> Resolving {
        let found: Addrs = Box::new(std::iter::once(self.0));
        Box::pin(std::future::ready(Ok(found)))
    }
}

/// An address as it stands behind a question mark.
pub(super) fn encoded(text: &str) -> String {
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"-._~@".contains(byte);
    text.bytes().map(|byte| if plain(&byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") }).collect()
}
