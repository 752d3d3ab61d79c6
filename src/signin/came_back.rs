//! What a provider sends a person's browser back with: a code, or its refusal. Pure.

use super::answers::Refused;
use crate::domain::secret::Secret;

/// What came back: a code, or the provider's refusal.
pub type CameBack = std::result::Result<Secret, Box<Refused>>;

/// What an answer is known by.
pub struct Expected {
    state: String,
    origin: Option<String>,
}

/// Scheme, host and port of an address.
fn origin(address: &str) -> Option<String> {
    let (scheme, rest) = address.split_once("://")?;
    let authority = rest.split(['/', '?', '#']).next()?.to_ascii_lowercase();
    let usual = if scheme == "https" { ":443" } else { ":80" };
    Some(format!("{scheme}://{}", authority.strip_suffix(usual).unwrap_or(&authority)))
}

impl Expected {
    /// An answer with this state. `page` is where the person signs in: an answer that names another provider (RFC 9207) is none
    /// of this one.
    pub fn new(state: &str, page: &str) -> Self {
        Self { state: state.to_owned(), origin: origin(page) }
    }

    /// The answer in a query, if it is the one that is waited for.
    pub fn read(&self, query: &str) -> Option<CameBack> {
        if state(query)? != self.state {
            return None;
        }
        if query.split('&').any(|pair| pair.starts_with("iss=")) {
            let issuer = value(query, "iss")?;
            if origin(&issuer) != self.origin {
                let told = format!("the answer is of another provider than the page that was opened: {issuer}");
                return Some(Err(Refused::sent_back("invalid_issuer", &told)));
            }
        }
        if let Some(error) = value(query, "error") {
            return Some(Err(Refused::sent_back(&error, &value(query, "error_description").unwrap_or_default())));
        }
        let code = value(query, "code").filter(|code| !code.is_empty())?;
        Some(Ok(Secret::new(code)))
    }
}

/// Which sign-in a query is about.
pub fn state(query: &str) -> Option<String> {
    value(query, "state")
}

/// The value of a name that stands there once.
fn value(query: &str, name: &str) -> Option<String> {
    let mut values = query.split('&').filter_map(|pair| pair.split_once('=')).filter(|(key, _)| *key == name);
    let (_, value) = values.next()?;
    values.next().is_none().then(|| decoded(value)).flatten()
}

fn decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'+' => b' ',
            b'%' => {
                let mut digit = || char::from(rest.next()?).to_digit(16);
                u8::try_from(digit()? * 16 + digit()?).ok()?
            }
            other => other,
        });
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_that_names_another_provider_is_a_refusal() {
        let expected = Expected::new("s", "https://login.example/authorize?x=y");
        let of = |issuer: &str| expected.read(&format!("code=c&state=s{issuer}"));
        for own in ["", "&iss=https://login.example", "&iss=https%3A%2F%2Flogin.example%2Fcontoso%2Fv2.0"] {
            assert_eq!(of(own), Some(Ok(Secret::new("c"))), "{own}");
        }
        for other in [
            "&iss=https://evil.example",
            "&iss=http://login.example",
            "&iss=https://login.example:8443",
            "&iss=https://login.example.evil.example",
            "&iss=https://evil.example/https://login.example",
            "&iss=login.example",
            "&iss=",
        ] {
            assert!(matches!(of(other), Some(Err(_))), "{other}");
        }
    }
}
