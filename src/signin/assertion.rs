//! Signed assertions (JSON web tokens, RFC 7523) by which an application proves who it is without sending a secret.

use ring::digest::{SHA256, digest};
use ring::rand::SystemRandom;
use ring::rsa::KeyPair;
use ring::signature::{RSA_PKCS1_SHA256, RSA_PSS_SHA256, RsaEncoding};
use serde_json::{Value, json};

use super::keys::ServiceKey;
use super::{Result, base64url, random};
use crate::domain::failure::{Cause, Failure, Retry, Scope};
use crate::domain::secret::Secret;
use crate::domain::time::Timestamp;

/// How long an assertion holds, in seconds. Google allows an hour at most.
const HOLDS: i64 = 600;
/// It holds from a moment before, in seconds: clocks differ a little.
const BEFORE: i64 = 10;

/// By a certificate: PS256, and its fingerprint in `x5t#S256`, as Microsoft asks for.
pub(super) fn by_certificate(
    client: &str,
    audience: &str,
    (certificate, pair): (&[u8], &KeyPair),
    now: Timestamp,
) -> Result<Secret> {
    let seconds = now.millis() / 1000;
    let header = json!({ "alg": "PS256", "typ": "JWT", "x5t#S256": base64url(digest(&SHA256, certificate).as_ref()) });
    let claims = json!({
        "aud": audience, "iss": client, "sub": client, "jti": random()?,
        "nbf": seconds - BEFORE, "iat": seconds - BEFORE, "exp": seconds + HOLDS,
    });
    signed(&header, &claims, pair, &RSA_PSS_SHA256)
}

/// By a service account, for one mailbox: RS256.
pub(super) fn by_service(key: &ServiceKey, user: &str, scope: &str, audience: &str, now: Timestamp) -> Result<Secret> {
    let seconds = now.millis() / 1000;
    let header = json!({ "alg": "RS256", "typ": "JWT", "kid": key.id });
    let claims = json!({
        "iss": key.email, "sub": user, "scope": scope, "aud": audience,
        "iat": seconds - BEFORE, "exp": seconds + HOLDS,
    });
    signed(&header, &claims, &key.pair, &RSA_PKCS1_SHA256)
}

fn signed(header: &Value, claims: &Value, pair: &KeyPair, how: &'static dyn RsaEncoding) -> Result<Secret> {
    let message = format!("{}.{}", base64url(header.to_string().as_bytes()), base64url(claims.to_string().as_bytes()));
    let mut signature = vec![0; pair.public().modulus_len()];
    let failed = |_| {
        let failure = Failure::new(Cause::Internal, Scope::Endpoint, Retry::User, "signing an assertion");
        failure.saying("the private key could not be used")
    };
    pair.sign(how, &SystemRandom::new(), message.as_bytes(), &mut signature).map_err(failed)?;
    Ok(Secret::new(format!("{message}.{}", base64url(&signature))))
}

#[cfg(test)]
mod tests {
    use base64::Engine;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    use ring::signature::{
        RSA_PKCS1_2048_8192_SHA256, RSA_PSS_2048_8192_SHA256, UnparsedPublicKey, VerificationAlgorithm,
    };

    use super::*;
    use crate::domain::sign_in::SignInKind;
    use crate::signin::keys::AppSecret;
    use crate::signin::keys::tests::{PEM, service_json};

    const NOW: Timestamp = Timestamp::from_millis(1_700_000_000_500);

    fn read(kind: SignInKind, text: &str) -> AppSecret {
        AppSecret::read(kind, &Secret::new(text)).unwrap()
    }

    /// Header and claims, the signature verified.
    fn verified(token: &Secret, pair: &KeyPair, how: &'static dyn VerificationAlgorithm) -> (Value, Value) {
        let (message, signature) = token.expose().rsplit_once('.').unwrap();
        let bytes = |part: &str| URL_SAFE_NO_PAD.decode(part).unwrap();
        UnparsedPublicKey::new(how, pair.public()).verify(message.as_bytes(), &bytes(signature)).unwrap();
        let (header, claims) = message.split_once('.').unwrap();
        let json = |part: &str| serde_json::from_slice(&bytes(part)).unwrap();
        (json(header), json(claims))
    }

    #[test]
    fn a_certificate_signs_as_microsoft_asks_for() {
        let AppSecret::Certificate(certificate, pair) = read(SignInKind::MicrosoftApp, PEM) else { panic!("no key") };
        let token = by_certificate("client", "https://x/token", (&certificate, &pair), NOW).unwrap();
        let (header, claims) = verified(&token, &pair, &RSA_PSS_2048_8192_SHA256);
        // As `openssl x509 -fingerprint -sha256` says.
        let fingerprint = "FF01B231DA8B513E3056771C7033D71F277FFF09A278D2836F6BB23FC10537EE";
        let of_header = URL_SAFE_NO_PAD.decode(header["x5t#S256"].as_str().unwrap()).unwrap();
        let hex: String = of_header.iter().map(|byte| format!("{byte:02X}")).collect();
        assert_eq!((hex.as_str(), header["alg"].as_str()), (fingerprint, Some("PS256")));
        assert_eq!((claims["aud"].as_str(), claims["iss"].as_str()), (Some("https://x/token"), Some("client")));
        assert_eq!((claims["sub"].as_str(), claims["exp"].as_i64()), (Some("client"), Some(1_700_000_600)));
        let again = by_certificate("client", "https://x/token", (&certificate, &pair), NOW).unwrap();
        assert_ne!(token, again, "each is used once");
    }

    #[test]
    fn a_service_account_signs_for_one_mailbox() {
        let AppSecret::Service(key) = read(SignInKind::GoogleService, &service_json()) else { panic!("no key") };
        let token = by_service(&key, "anna@x", "scope", "https://x/token", NOW).unwrap();
        let (header, claims) = verified(&token, &key.pair, &RSA_PKCS1_2048_8192_SHA256);
        assert_eq!((header["alg"].as_str(), header["kid"].as_str()), (Some("RS256"), Some("k1")));
        assert_eq!(
            (claims["sub"].as_str(), claims["iss"].as_str()),
            (Some("anna@x"), Some("svc@p.iam.gserviceaccount.com"))
        );
        assert!(claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap() <= 3600);
    }
}
