//! Links that nobody can guess (D36): made from a key that is in the vault and a request's nonce, so that a reminder carries the
//! same one; the database keeps a hash. Pure but for randomness.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::{digest, hmac};

use crate::domain::secret::Secret;

/// What it is signed for: the same key is good for nothing else.
const PURPOSE: &[u8] = b"mailferry credential request 1";
/// Bytes of the key.
const KEY: usize = 32;
/// Longest text that is looked at as a token.
const LONGEST: usize = 64;

/// The key that all links of a workspace are made from.
pub struct LinkKey(hmac::Key);

/// The machine has no random numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("this machine gives no random numbers")]
pub struct NoRandomness;

impl LinkKey {
    /// A new one, as it is kept in the vault.
    ///
    /// # Errors
    /// No randomness.
    pub fn fresh() -> Result<Secret, NoRandomness> {
        let mut bytes = zeroize::Zeroizing::new([0; KEY]);
        getrandom::fill(&mut *bytes).map_err(|_| NoRandomness)?;
        Ok(Secret::new(URL_SAFE_NO_PAD.encode(*bytes)))
    }

    /// As it came out of the vault; none if that is no key.
    pub fn read(kept: &Secret) -> Option<Self> {
        let bytes = zeroize::Zeroizing::new(URL_SAFE_NO_PAD.decode(kept.expose()).ok()?);
        (bytes.len() == KEY).then(|| Self(hmac::Key::new(hmac::HMAC_SHA256, &bytes)))
    }

    /// What stands in the link of a request: 256 bits.
    pub fn token(&self, nonce: &[u8; 16]) -> Secret {
        Secret::new(URL_SAFE_NO_PAD.encode(hmac::sign(&self.0, &signed(nonce)).as_ref()))
    }

    /// Whether a token is that of a request; takes as long for one that is nearly right as for any other.
    pub fn fits(&self, nonce: &[u8; 16], token: &str) -> bool {
        let tag = if token.len() <= LONGEST { URL_SAFE_NO_PAD.decode(token) } else { Ok(Vec::new()) };
        tag.is_ok_and(|tag| hmac::verify(&self.0, &signed(nonce), &tag).is_ok())
    }
}

impl std::fmt::Debug for LinkKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("LinkKey(hidden)")
    }
}

fn signed(nonce: &[u8; 16]) -> Vec<u8> {
    [PURPOSE, nonce].concat()
}

/// What makes a request's link another one than all before.
///
/// # Errors
/// No randomness.
pub fn nonce() -> Result<[u8; 16], NoRandomness> {
    let mut nonce = [0; 16];
    getrandom::fill(&mut nonce).map_err(|_| NoRandomness)?;
    Ok(nonce)
}

/// What the database keeps of a token. Requests are found by it: the time that takes says nothing of the token.
pub fn hash(token: &str) -> [u8; 32] {
    let mut hash = [0; 32];
    hash.copy_from_slice(digest::digest(&digest::SHA256, token.as_bytes()).as_ref());
    hash
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn key() -> LinkKey {
        LinkKey::read(&LinkKey::fresh().unwrap()).unwrap()
    }

    #[test]
    fn a_link_is_the_same_whenever_it_is_made_and_another_one_for_every_request_and_key() {
        let kept = LinkKey::fresh().unwrap();
        let (key, again, other) = (LinkKey::read(&kept).unwrap(), LinkKey::read(&kept).unwrap(), key());
        let (one, two) = (nonce().unwrap(), nonce().unwrap());
        let token = key.token(&one);
        assert_eq!((token.expose().len(), token.expose()), (43, again.token(&one).expose()));
        assert!(token.expose().bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte)));
        assert!(token != key.token(&two) && token != other.token(&one));
        assert!(key.fits(&one, token.expose()) && again.fits(&one, token.expose()));
        assert!(!key.fits(&two, token.expose()) && !other.fits(&one, token.expose()));
        assert_ne!(hash(token.expose()), hash(key.token(&two).expose()));
        assert!(!format!("{key:?} {token:?}").contains(token.expose()));
    }

    #[test]
    fn what_is_no_key_of_ours_is_none() {
        for kept in ["", "short", "not base64!!", &URL_SAFE_NO_PAD.encode([7; 31]), &URL_SAFE_NO_PAD.encode([7; 33])] {
            assert!(LinkKey::read(&Secret::new(kept)).is_none(), "{kept}");
        }
    }

    proptest! {
        #[test]
        fn no_guess_fits(guess in ".{0,80}", at in 0usize..43, with in "[A-Za-z0-9_-]") {
            let (key, nonce) = (key(), nonce().unwrap());
            prop_assert!(!key.fits(&nonce, &guess));
            let token = key.token(&nonce);
            let mut near = token.expose().to_owned();
            near.replace_range(at..=at, &with);
            // The last character carries four bits: others of its kind are no base64.
            prop_assert_eq!(key.fits(&nonce, &near), near == token.expose());
        }
    }
}
