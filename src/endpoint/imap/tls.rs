//! TLS with rustls on ring, and whom to trust: the system, given authorities, or exactly one certificate.
//!
//! Signatures of the handshake are verified in every case. Waits for the handshake; its time-out is the caller's.

use std::sync::{Arc, OnceLock};

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{CertificateError, ClientConfig, DigitallySignedStruct, OtherError, RootCertStore, SignatureScheme};
use tokio_rustls::TlsConnector;

use super::framer::Io;
use super::untrusted::words;
use crate::domain::certificate::{SeenCertificate, is_its_own_issuer};
use crate::domain::failure::{Cause, Failure, Retry, Scope};
use crate::domain::server::Trust;
use crate::domain::time::Timestamp;
use crate::endpoint::Result;

/// A stream that is secured, and the certificate that was accepted for it.
pub(super) struct Secured {
    pub io: Box<dyn Io>,
    pub seen: SeenCertificate,
}

/// Secures a stream.
pub(super) async fn secure(io: impl Io + 'static, host: &str, trust: &Trust) -> Result<Secured> {
    let config = config(trust).map_err(|text| broken(Cause::CertificateNotTrusted, &text))?;
    let host = host.trim_start_matches('[').trim_end_matches(']').to_owned();
    let name = ServerName::try_from(host).map_err(|e| broken(Cause::TlsFailed, &e.to_string()))?;
    match TlsConnector::from(config).connect(name, io).await {
        Ok(stream) => {
            let shown = stream.get_ref().1.peer_certificates().and_then(<[_]>::first);
            let leaf = shown.map_or::<&[u8], _>(&[], |leaf| leaf.as_ref());
            Ok(Secured { seen: SeenCertificate::read(leaf, fingerprint(leaf)), io: Box::new(stream) })
        }
        Err(error) => {
            let inner = error.get_ref().and_then(|e| e.downcast_ref::<rustls::Error>());
            Err(match inner {
                Some(inner @ (rustls::Error::InvalidCertificate(_) | rustls::Error::NoCertificatesPresented)) => {
                    // A machine that stands beside this one under the same name may show a better one.
                    Failure { retry: Retry::Backoff, ..broken(refusal(inner), &words(inner)) }
                }
                Some(rustls::Error::InvalidMessage(_)) => broken(Cause::NotTls, "what was said there is no TLS"),
                Some(_) => broken(Cause::TlsFailed, &error.to_string()),
                // The peer hung up or reset in the middle.
                None => {
                    Failure::new(Cause::TlsFailed, Scope::Endpoint, Retry::Backoff, DOING).saying(error.to_string())
                }
            })
        }
    }
}

const DOING: &str = "securing the connection";

/// The certificate that a server shows. The handshake breaks off at it, so that nothing is said to whoever that is.
pub(super) async fn look(io: impl Io + 'static, host: &str) -> Result<SeenCertificate> {
    let provider = Arc::new(ring::default_provider());
    let verifier = Arc::new(Onlooker { seen: OnceLock::new(), provider: Arc::clone(&provider) });
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| broken(Cause::TlsFailed, &error.to_string()))?
        .dangerous()
        .with_custom_certificate_verifier(Arc::<Onlooker>::clone(&verifier))
        .with_no_client_auth();
    let host = host.trim_start_matches('[').trim_end_matches(']').to_owned();
    let name = ServerName::try_from(host).map_err(|error| broken(Cause::TlsFailed, &error.to_string()))?;
    let ended = TlsConnector::from(Arc::new(config)).connect(name, io).await.err();
    match verifier.seen.get() {
        Some(seen) => Ok(seen.clone()),
        None => {
            let text = ended.map_or_else(|| "no certificate was shown".to_owned(), |error| error.to_string());
            Err(broken(Cause::TlsFailed, &text))
        }
    }
}

/// Keeps the certificate that it is shown, and accepts none.
#[derive(Debug)]
struct Onlooker {
    seen: OnceLock<SeenCertificate>,
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for Onlooker {
    fn verify_server_cert(
        &self,
        leaf: &CertificateDer<'_>,
        _chain: &[CertificateDer<'_>],
        _name: &ServerName<'_>,
        _ocsp: &[u8],
        _now: UnixTime,
    ) -> std::result::Result<ServerCertVerified, rustls::Error> {
        drop(self.seen.set(SeenCertificate::read(leaf, fingerprint(leaf))));
        Err(only_looked())
    }

    fn verify_tls12_signature(
        &self,
        _message: &[u8],
        _certificate: &CertificateDer<'_>,
        _signature: &DigitallySignedStruct,
    ) -> std::result::Result<HandshakeSignatureValid, rustls::Error> {
        Err(only_looked())
    }

    fn verify_tls13_signature(
        &self,
        _message: &[u8],
        _certificate: &CertificateDer<'_>,
        _signature: &DigitallySignedStruct,
    ) -> std::result::Result<HandshakeSignatureValid, rustls::Error> {
        Err(only_looked())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

/// Ends the handshake of who looks, whatever the certificate is worth.
fn only_looked() -> rustls::Error {
    rustls::Error::General("it was only looked at".into())
}

fn broken(cause: Cause, text: &str) -> Failure {
    Failure::new(cause, Scope::Endpoint, Retry::User, DOING).saying(text)
}

fn config(trust: &Trust) -> std::result::Result<Arc<ClientConfig>, String> {
    static SYSTEM: OnceLock<Arc<ClientConfig>> = OnceLock::new();
    if let (Trust::System, Some(config)) = (trust, SYSTEM.get()) {
        return Ok(Arc::clone(config));
    }
    let provider = Arc::new(ring::default_provider());
    let verifier = Arc::new(Verifier::new(trust, &provider)?);
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|e| e.to_string())?
        .dangerous()
        .with_custom_certificate_verifier(verifier)
        .with_no_client_auth();
    let config = Arc::new(config);
    if *trust == Trust::System {
        return Ok(Arc::clone(SYSTEM.get_or_init(|| config)));
    }
    Ok(config)
}

/// SHA-256 of a certificate: what a person compares and pins.
pub fn fingerprint(certificate: &[u8]) -> [u8; 32] {
    let mut out = [0; 32];
    for suite in [ring::cipher_suite::TLS13_AES_128_GCM_SHA256, ring::cipher_suite::TLS13_CHACHA20_POLY1305_SHA256] {
        if let Some(suite) = suite.tls13() {
            out.copy_from_slice(&suite.common.hash_provider.hash(certificate).as_ref()[..32]);
            break;
        }
    }
    out
}

/// Accepts the pins first, then whatever the chain verifier accepts.
#[derive(Debug)]
struct Verifier {
    /// Certificates that a person compared.
    pins: Vec<[u8; 32]>,
    /// Certificates in a file of authorities that vouch for themselves: no chain leads to them, name and date must be right.
    own: Vec<[u8; 32]>,
    chains: Option<Arc<dyn ServerCertVerifier>>,
    provider: Arc<CryptoProvider>,
}

impl Verifier {
    fn new(trust: &Trust, provider: &Arc<CryptoProvider>) -> std::result::Result<Self, String> {
        let (mut pins, mut own, mut any) = (Vec::new(), Vec::new(), false);
        let chains: Option<Arc<dyn ServerCertVerifier>> = match trust {
            Trust::System => {
                let system =
                    rustls_platform_verifier::Verifier::new(Arc::clone(provider)).map_err(|e| e.to_string())?;
                Some(Arc::new(system))
            }
            Trust::Pinned(pin) => {
                pins.push(*pin);
                None
            }
            Trust::Authorities(pem) => {
                let mut roots = RootCertStore::empty();
                for certificate in CertificateDer::pem_slice_iter(pem.as_bytes()) {
                    let certificate =
                        certificate.map_err(|e| format!("the file of authorities cannot be read: {e}"))?;
                    any = true;
                    if is_its_own_issuer(&certificate) {
                        own.push(fingerprint(&certificate));
                    }
                    // One that cannot be an authority vouches for itself, or for nothing.
                    drop(roots.add(certificate));
                }
                if !any {
                    return Err("the file of authorities holds no certificate".into());
                }
                let builder = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), Arc::clone(provider));
                builder.build().ok().map(|v| v as Arc<dyn ServerCertVerifier>)
            }
        };
        Ok(Self { pins, own, chains, provider: Arc::clone(provider) })
    }
}

/// Whether a certificate that is trusted as it is was made for this server, and has not ended.
fn vouches_for_itself(
    leaf: &CertificateDer<'_>,
    name: &ServerName<'_>,
    now: UnixTime,
) -> std::result::Result<ServerCertVerified, rustls::Error> {
    rustls::client::verify_server_name(&ParsedCertificate::try_from(leaf)?, name)?;
    let now = Timestamp::from_millis(i64::try_from(now.as_secs()).unwrap_or(i64::MAX).saturating_mul(1000));
    match SeenCertificate::read(leaf, fingerprint(leaf)).days_left(now) {
        Some(0..) => Ok(ServerCertVerified::assertion()),
        Some(_) | None => Err(rustls::Error::InvalidCertificate(CertificateError::Expired)),
    }
}

/// What is wrong with a certificate that was refused.
fn refusal(error: &rustls::Error) -> Cause {
    use CertificateError as Reason;
    let rustls::Error::InvalidCertificate(reason) = error else { return Cause::CertificateNotTrusted };
    match reason {
        Reason::Other(OtherError(inner)) => {
            inner.downcast_ref::<NotTrusted>().map_or(Cause::CertificateNotTrusted, |refused| refused.cause)
        }
        Reason::Expired | Reason::ExpiredContext { .. } => Cause::CertificateOutOfDate,
        Reason::NotValidYet | Reason::NotValidYetContext { .. } => Cause::CertificateOutOfDate,
        Reason::NotValidForName | Reason::NotValidForNameContext { .. } => Cause::CertificateOfAnother,
        _ => Cause::CertificateNotTrusted,
    }
}

/// A refusal that names the certificate seen, so that a person can compare and pin it.
#[derive(Debug, thiserror::Error)]
#[error("{why}; SHA-256 fingerprint of the certificate: {seen}")]
struct NotTrusted {
    cause: Cause,
    why: String,
    seen: String,
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        leaf: &CertificateDer<'_>,
        chain: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> std::result::Result<ServerCertVerified, rustls::Error> {
        let seen = fingerprint(leaf);
        if self.pins.contains(&seen) {
            return Ok(ServerCertVerified::assertion());
        }
        let verified = match &self.chains {
            Some(_) if self.own.contains(&seen) => vouches_for_itself(leaf, name, now),
            Some(chains) => chains.verify_server_cert(leaf, chain, name, ocsp, now),
            None => Err(rustls::Error::General("it is not the pinned certificate".into())),
        };
        verified.map_err(|error| {
            let seen = seen.iter().map(|b| format!("{b:02x}")).collect::<Vec<_>>().join(":");
            let why = NotTrusted { cause: refusal(&error), why: words(&error), seen };
            rustls::Error::InvalidCertificate(CertificateError::Other(OtherError(Arc::new(why))))
        })
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> std::result::Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        rustls::crypto::verify_tls12_signature(message, certificate, signature, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> std::result::Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        rustls::crypto::verify_tls13_signature(message, certificate, signature, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

#[cfg(test)]
mod tests {
    use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair, date_time_ymd};

    use super::*;

    /// What a refused certificate is refused for.
    fn refused(trust: &Trust, leaf: &CertificateDer<'_>, name: &str) -> Option<Cause> {
        let verifier = Verifier::new(trust, &Arc::new(ring::default_provider())).unwrap();
        let name = ServerName::try_from(name.to_owned()).unwrap();
        verifier.verify_server_cert(leaf, &[], &name, &[], UnixTime::now()).err().map(|error| refusal(&error))
    }

    fn accepts(trust: &Trust, leaf: &CertificateDer<'_>, name: &str) -> std::result::Result<(), String> {
        let verifier = Verifier::new(trust, &Arc::new(ring::default_provider()))?;
        let name = ServerName::try_from(name.to_owned()).unwrap();
        let verified = verifier.verify_server_cert(leaf, &[], &name, &[], UnixTime::now());
        verified.map(drop).map_err(|error| words(&error))
    }

    #[test]
    fn k8_a_certificate_in_a_file_of_authorities_counts_only_if_it_vouches_for_itself_and_fits() {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(vec!["mail.example".into()]).unwrap();
        let own = params.self_signed(&key).unwrap();
        let own_trust = Trust::Authorities(own.pem());
        assert_eq!(accepts(&own_trust, own.der(), "mail.example"), Ok(()));
        assert_eq!(refused(&own_trust, own.der(), "other.example"), Some(Cause::CertificateOfAnother));
        assert_eq!(accepts(&Trust::Pinned(fingerprint(own.der())), own.der(), "other.example"), Ok(()), "compared");
        (params.not_before, params.not_after) = (date_time_ymd(2020, 1, 1), date_time_ymd(2021, 1, 1));
        let old = params.self_signed(&key).unwrap();
        assert_eq!(
            refused(&Trust::Authorities(old.pem()), old.der(), "mail.example"),
            Some(Cause::CertificateOutOfDate)
        );
        // One that an authority signed, without that authority.
        let authority_key = KeyPair::generate().unwrap();
        let mut authority = CertificateParams::new(Vec::new()).unwrap();
        authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        authority.distinguished_name.push(rcgen::DnType::CommonName, "An authority");
        let issuer = Issuer::new(authority, authority_key);
        let leaf = CertificateParams::new(vec!["mail.example".into()]).unwrap().signed_by(&key, &issuer).unwrap();
        for name in ["mail.example", "other.example"] {
            let trust = Trust::Authorities(leaf.pem());
            assert_eq!(refused(&trust, leaf.der(), name), Some(Cause::CertificateNotTrusted), "{name}");
        }
    }
}
