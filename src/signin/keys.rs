//! What proves an application, as its administrator brings it: a client secret, a certificate with its private key (PEM), or
//! the key of a service account (JSON). Nothing here repeats what it read.

use ring::rsa::KeyPair;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use serde::Deserialize;

use crate::domain::secret::Secret;
use crate::domain::sign_in::SignInKind;

/// A secret that cannot be one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyProblem {
    /// Not even text of it.
    #[error("the client secret is empty, or holds more than one line")]
    NoSecret,
    /// No certificate.
    #[error("the file holds no certificate: it must be a PEM file with the certificate and its private key")]
    NoCertificate,
    /// No private key.
    #[error(
        "the file holds no private key: it must be a PEM file with the certificate and its private key, unencrypted"
    )]
    NoKey,
    /// Elliptic curves and the like.
    #[error("the private key is not an RSA key of 2048 bits or more, which this sign-in needs")]
    OtherKey,
    /// The key of another certificate.
    #[error("the private key is not the one of the certificate in the same file")]
    KeyOfAnother,
    /// JSON of another kind, or none.
    #[error(
        "the file is no key of a Google service account: it must be the JSON file that Google Cloud made, with \"type\": \
         \"service_account\""
    )]
    NoServiceKey,
}

/// What proves an application.
pub enum AppSecret {
    /// A client secret.
    Client(Secret),
    /// A certificate (DER) and its key.
    Certificate(Vec<u8>, Box<KeyPair>),
    /// The key of a service account.
    Service(ServiceKey),
}

/// The key of a Google service account.
pub struct ServiceKey {
    /// Who it is.
    pub email: String,
    /// The name of the key.
    pub id: String,
    /// The key.
    pub pair: Box<KeyPair>,
}

/// Nothing of it is shown.
impl std::fmt::Debug for AppSecret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("AppSecret(hidden)")
    }
}

impl AppSecret {
    /// Reads what is kept for a way of signing in.
    ///
    /// # Errors
    /// It is nothing that this way can be proved with.
    pub fn read(kind: SignInKind, secret: &Secret) -> Result<Self, KeyProblem> {
        match kind {
            SignInKind::GoogleService => service(secret.expose()).map(Self::Service),
            SignInKind::MicrosoftApp | SignInKind::CustomApp if secret.expose().contains("-----BEGIN ") => {
                certificate(secret.expose())
            }
            _ => client(secret.expose()),
        }
    }
}

fn client(text: &str) -> Result<AppSecret, KeyProblem> {
    let text = text.trim();
    if text.is_empty() || text.chars().any(char::is_control) {
        return Err(KeyProblem::NoSecret);
    }
    Ok(AppSecret::Client(Secret::new(text)))
}

fn certificate(pem: &str) -> Result<AppSecret, KeyProblem> {
    let certificate = CertificateDer::from_pem_slice(pem.as_bytes()).map_err(|_| KeyProblem::NoCertificate)?;
    let pair = key(pem)?;
    // The certificate holds its public key as it is: modulus and exponent, after each other.
    if !holds(&certificate, pair.public().as_ref()) {
        return Err(KeyProblem::KeyOfAnother);
    }
    Ok(AppSecret::Certificate(certificate.to_vec(), Box::new(pair)))
}

fn holds(certificate: &[u8], key: &[u8]) -> bool {
    certificate.windows(key.len()).any(|part| part == key)
}

fn key(pem: &str) -> Result<KeyPair, KeyProblem> {
    match PrivateKeyDer::from_pem_slice(pem.as_bytes()).map_err(|_| KeyProblem::NoKey)? {
        PrivateKeyDer::Pkcs1(key) => KeyPair::from_der(key.secret_pkcs1_der()),
        PrivateKeyDer::Pkcs8(key) => KeyPair::from_pkcs8(key.secret_pkcs8_der()),
        _ => return Err(KeyProblem::OtherKey),
    }
    .map_err(|_| KeyProblem::OtherKey)
}

#[derive(Deserialize)]
struct ServiceFile {
    #[serde(rename = "type")]
    kind: String,
    client_email: String,
    private_key_id: String,
    private_key: zeroize::Zeroizing<String>,
}

/// What of a service account's key is not secret.
#[derive(Deserialize)]
struct ServiceNumber {
    client_id: String,
}

/// The number of the service account whose key this is, by which rights are delegated to it; none where the key does not say.
pub fn service_number(key: &Secret) -> Option<String> {
    let ServiceNumber { client_id } = serde_json::from_str(key.expose()).ok()?;
    let is_number = (1..=64).contains(&client_id.len()) && client_id.chars().all(|c| c.is_ascii_digit());
    is_number.then_some(client_id)
}

fn service(json: &str) -> Result<ServiceKey, KeyProblem> {
    let file: ServiceFile = serde_json::from_str(json).map_err(|_| KeyProblem::NoServiceKey)?;
    if file.kind != "service_account" || !file.client_email.contains('@') {
        return Err(KeyProblem::NoServiceKey);
    }
    let pair = Box::new(key(&file.private_key)?);
    Ok(ServiceKey { email: file.client_email, id: file.private_key_id, pair })
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// A self-signed certificate with its RSA key, made by openssl for these tests.
    pub const PEM: &str = include_str!("../../tests/oauth/app.pem");

    fn read(kind: SignInKind, text: &str) -> Result<AppSecret, KeyProblem> {
        AppSecret::read(kind, &Secret::new(text))
    }

    /// A service account with that key.
    pub fn service_json() -> String {
        let key = PEM.split_inclusive("-----END PRIVATE KEY-----\n").next().unwrap();
        serde_json::json!({ "type": "service_account", "client_email": "svc@p.iam.gserviceaccount.com",
            "private_key_id": "k1", "private_key": key })
        .to_string()
    }

    #[test]
    fn each_way_is_proved_by_what_belongs_to_it() {
        use SignInKind::{Google, GoogleService, MicrosoftApp};
        assert!(matches!(read(MicrosoftApp, PEM), Ok(AppSecret::Certificate(..))));
        assert!(
            matches!(read(MicrosoftApp, " s3cret\n"), Ok(AppSecret::Client(secret)) if secret.expose() == "s3cret")
        );
        assert!(matches!(read(GoogleService, &service_json()), Ok(AppSecret::Service(key)) if key.id == "k1"));
        assert!(matches!(read(Google, "GOCSPX-x"), Ok(AppSecret::Client(_))));
        assert_eq!(format!("{:?}", read(Google, "GOCSPX-x").unwrap()), "AppSecret(hidden)");
    }

    #[test]
    fn the_number_of_a_service_account_is_read_from_its_key_and_nothing_else() {
        let number = |client_id: serde_json::Value| {
            let mut file: serde_json::Value = serde_json::from_str(&service_json()).unwrap();
            file["client_id"] = client_id;
            service_number(&Secret::new(file.to_string()))
        };
        assert_eq!(number("104729583710293847561".into()).as_deref(), Some("104729583710293847561"));
        for odd in ["", "12a", "1 2", "<b>1</b>", &"1".repeat(65)] {
            assert_eq!(number(odd.into()), None, "{odd}");
        }
        assert_eq!(number(7.into()), None);
        assert_eq!(service_number(&Secret::new(PEM)), None);
    }

    #[test]
    fn what_proves_nothing_is_named() {
        let problem = |kind, text: &str| read(kind, text).err();
        let app = |text: &str| problem(SignInKind::MicrosoftApp, text);
        let (key, certificate) = PEM.split_at(PEM.find("-----BEGIN CERTIFICATE").unwrap());
        assert_eq!(app(key), Some(KeyProblem::NoCertificate));
        assert_eq!(app(certificate), Some(KeyProblem::NoKey));
        let other = rcgen::generate_simple_self_signed(vec!["x".into()]).unwrap();
        let (other_certificate, other_key) = (other.cert.pem(), other.signing_key.serialize_pem());
        assert_eq!(app(&format!("{other_key}{other_certificate}")), Some(KeyProblem::OtherKey));
        assert_eq!(app(&format!("{key}{other_certificate}")), Some(KeyProblem::KeyOfAnother));
        assert_eq!(app("-----BEGIN CERTIFICATE-----\nnonsense"), Some(KeyProblem::NoCertificate));
        assert_eq!(app(" "), Some(KeyProblem::NoSecret));
        assert_eq!(app("two\nlines"), Some(KeyProblem::NoSecret));
        let service = |text: &str| problem(SignInKind::GoogleService, text);
        for other in ["", "{}", "[1]", PEM, r#"{"type":"authorized_user","client_id":"x"}"#] {
            assert_eq!(service(other), Some(KeyProblem::NoServiceKey), "{other}");
        }
        assert_eq!(service(&service_json().replace("service_account", "user")), Some(KeyProblem::NoServiceKey));
        assert_eq!(service(&service_json().replace("PRIVATE KEY", "PUBLIC KEY")), Some(KeyProblem::NoKey));
    }
}
