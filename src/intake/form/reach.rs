//! Whether a web address leads to this form: a question goes there that nobody else can answer.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use reqwest::{Client, StatusCode, Url};
use ring::hmac;

use crate::https;

/// Before the question, where a link has its token.
const CHECK: &str = "check-";
/// For the whole answer.
const PATIENCE: Duration = Duration::from_secs(10);
/// Longest answer that is read.
const LARGEST: usize = 1024;

/// What a form answers with. It opens nothing: whoever knows it can only pretend to be this form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReachKey([u8; 32]);

/// Why an address does not lead to the form. Shown as it is.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotReached {
    /// No answer.
    #[error("{0}")]
    NoAnswer(String),
    /// Something else answers there.
    #[error("something else answers there ({0})")]
    Another(StatusCode),
}

impl ReachKey {
    /// A new one.
    ///
    /// # Errors
    /// The machine has no randomness.
    pub fn fresh() -> Result<Self, String> {
        random().map(Self)
    }

    /// As it is kept.
    pub fn text(&self) -> String {
        URL_SAFE_NO_PAD.encode(self.0)
    }

    /// From how it is kept.
    pub fn read(text: &str) -> Option<Self> {
        URL_SAFE_NO_PAD.decode(text).ok()?.try_into().ok().map(Self)
    }

    /// What the form answers to what stands where a link has its token; none if that is no question.
    pub(super) fn answer(&self, token: &str) -> Option<String> {
        let question = token.strip_prefix(CHECK)?;
        let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, &self.0), question.as_bytes());
        Some(URL_SAFE_NO_PAD.encode(tag.as_ref()))
    }

    /// Whether the form with this key is reached at an address.
    ///
    /// # Errors
    /// It is not, and why.
    pub async fn reaches(&self, url: &str) -> Result<(), NotReached> {
        let failed = |why: String| NotReached::NoAnswer(why);
        let question = format!("{CHECK}{}", URL_SAFE_NO_PAD.encode(random().map_err(failed)?));
        let place = Url::parse(&format!("{url}/{question}")).map_err(|error| failed(error.to_string()))?;
        let mut answer = client(&place)?.get(place).send().await.map_err(|error| failed(causes(&error)))?;
        let status = answer.status();
        let mut text = Vec::new();
        while let Some(piece) = answer.chunk().await.map_err(|error| failed(causes(&error)))? {
            text.extend_from_slice(&piece);
            if text.len() > LARGEST {
                return Err(NotReached::Another(status));
            }
        }
        let expected = self.answer(&question).unwrap_or_default();
        if status == StatusCode::OK && text == expected.as_bytes() { Ok(()) } else { Err(NotReached::Another(status)) }
    }
}

fn random() -> Result<[u8; 32], String> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes).map_err(|error| error.to_string())?;
    Ok(bytes)
}

/// An error with all that is behind it, without the address that was asked.
fn causes(error: &reqwest::Error) -> String {
    let mut causes = Vec::new();
    let mut inner = std::error::Error::source(error);
    while let Some(cause) = inner {
        causes.push(cause.to_string());
        inner = cause.source();
    }
    match causes.last() {
        _ if error.is_timeout() => "no answer in time".into(),
        Some(last) => last.clone(),
        None => "no answer".into(),
    }
}

/// Trusts whom the system trusts; what is on this machine is not asked for through a proxy, and may vouch for itself: nothing is
/// told there but the question.
fn client(place: &Url) -> Result<Client, NotReached> {
    let failed = |why: &dyn std::fmt::Display| NotReached::NoAnswer(why.to_string());
    let near = https::is_this_machine(place);
    let trust = if near { trust::anyone() } else { https::system().map_err(|error| failed(&error))? };
    let builder = https::builder(trust).map_err(|error| failed(&error))?.https_only(!near).timeout(PATIENCE);
    let builder = if near { builder.no_proxy() } else { builder };
    builder.build().map_err(|error| failed(&causes(&error)))
}

mod trust {
    //! Whom a question to this machine itself trusts.

    use std::sync::Arc;

    use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
    use rustls::crypto::ring::default_provider;
    use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
    use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
    use rustls::{DigitallySignedStruct, Error, SignatureScheme};

    /// Anyone, who only has to have the key of the certificate.
    pub fn anyone() -> Arc<dyn ServerCertVerifier> {
        Arc::new(Anyone(default_provider()))
    }

    #[derive(Debug)]
    struct Anyone(CryptoProvider);

    impl ServerCertVerifier for Anyone {
        fn verify_server_cert(
            &self,
            _: &CertificateDer<'_>,
            _: &[CertificateDer<'_>],
            _: &ServerName<'_>,
            _: &[u8],
            _: UnixTime,
        ) -> Result<ServerCertVerified, Error> {
            Ok(ServerCertVerified::assertion())
        }

        fn verify_tls12_signature(
            &self,
            message: &[u8],
            certificate: &CertificateDer<'_>,
            signed: &DigitallySignedStruct,
        ) -> Result<HandshakeSignatureValid, Error> {
            verify_tls12_signature(message, certificate, signed, &self.0.signature_verification_algorithms)
        }

        fn verify_tls13_signature(
            &self,
            message: &[u8],
            certificate: &CertificateDer<'_>,
            signed: &DigitallySignedStruct,
        ) -> Result<HandshakeSignatureValid, Error> {
            verify_tls13_signature(message, certificate, signed, &self.0.signature_verification_algorithms)
        }

        fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
            self.0.signature_verification_algorithms.supported_schemes()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_question_is_answered_and_each_key_answers_otherwise() {
        let (one, other) = (ReachKey::fresh().unwrap(), ReachKey::fresh().unwrap());
        assert_eq!(ReachKey::read(&one.text()), Some(one));
        assert_eq!((ReachKey::read(""), ReachKey::read("abc")), (None, None));
        assert_eq!(one.answer("token"), None);
        assert_ne!(one.answer("check-1"), other.answer("check-1"));
        assert_ne!(one.answer("check-1"), one.answer("check-2"));
    }

    #[tokio::test]
    async fn nobody_and_somebody_else_are_told_from_the_form() {
        use tokio::io::{AsyncReadExt, AsyncWriteExt};

        let key = ReachKey::fresh().unwrap();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://127.0.0.1:{}", listener.local_addr().unwrap().port());
        let mut others = tokio::task::JoinSet::new();
        others.spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            assert!(stream.read(&mut [0; 512]).await.unwrap() > 0);
            stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nhi").await.unwrap();
        });
        assert_eq!(key.reaches(&url).await, Err(NotReached::Another(StatusCode::OK)));
        others.join_next().await.unwrap().unwrap();
        assert!(matches!(key.reaches(&url).await, Err(NotReached::NoAnswer(_))));
        let far = key.reaches("http://move.invalid").await;
        assert!(matches!(far, Err(NotReached::NoAnswer(_))), "not without protection");
    }
}
