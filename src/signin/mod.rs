//! Signing in where servers take no passwords (OAuth 2.0): asking a provider for tokens, keeping them fresh, and letting a
//! person sign in.
//!
//! `flow` makes requests and reads answers, and does neither read nor write; `answers` says what a refusal means;
//! `assertion` signs what proves an application, with the `keys` that its administrator brought; `http` is the one file
//! that knows HTTP. `grants` puts these together, `tokens` keeps one token for all who need it, `person` waits for
//! somebody at the browser (`loopback`; what it comes back with reads `came_back`) or at another device. Secrets stay in [`crate::domain::secret::Secret`]; where they
//! are kept is the caller's ([`grants::Keeper`]).

pub mod answers;
mod assertion;
pub mod came_back;
pub mod flow;
pub mod grants;
pub mod http;
pub mod keys;
pub mod loopback;
pub mod person;
pub mod tokens;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::domain::failure::Failure;

/// Result of anything asked of a provider.
pub type Result<T> = std::result::Result<T, Failure>;

/// Base64 as it stands in addresses and in JSON web tokens.
fn base64url(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// Random bytes in that form: nobody guesses them.
fn random() -> Result<String> {
    use crate::domain::failure::{Cause, Retry, Scope};
    let mut bytes = [0; 32];
    let failed = |error: getrandom::Error| {
        let failure = Failure::new(Cause::Internal, Scope::Mailbox, Retry::User, "preparing a sign-in");
        failure.saying(error.to_string())
    };
    getrandom::fill(&mut bytes).map_err(failed)?;
    Ok(base64url(&bytes))
}
