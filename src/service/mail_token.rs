//! Sending mail where the server takes no passwords: an application signs in, and what it gets logs in for the sender (XOAUTH2).

use std::any::Any;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;

use super::OpenWorkspace;
use super::mail::NoMail;
use super::settings::{Settings, value};
use crate::domain::failure::{Cause, Failure, Retry, Scope};
use crate::domain::ids::CredentialId;
use crate::domain::secret::Secret;
use crate::domain::sign_in::{Cloud, SignIn, SignInKind};
use crate::domain::token_claims::Purpose;
use crate::signin::grants::{Keeper, Provider};
use crate::signin::http::Http;
use crate::signin::tokens::Tokens;
use crate::vault;

/// What Google lets an application send with.
const GOOGLE_SCOPE: &str = "https://mail.google.com/";

/// How the mail server is signed in to; none: by password, or not at all.
///
/// # Errors
/// A setting that lacks, or cannot be used.
pub(super) fn sign_in(settings: &Settings) -> Result<Option<SignIn>, NoMail> {
    let asked = value(settings, "mail-sign-in");
    let Some(kind) = SignInKind::ALL.into_iter().find(|kind| kind.is_app() && kind.word() == asked) else {
        return Ok(None);
    };
    let of = |name: &str| value(settings, name).to_owned();
    let scope = match (of("mail-scope"), kind) {
        (scope, SignInKind::GoogleService) if scope.is_empty() => GOOGLE_SCOPE.into(),
        (scope, _) => scope,
    };
    let (tenant, client_id, token_url) = (of("mail-tenant"), of("mail-client-id"), of("mail-token-url"));
    let asked = value(settings, "mail-cloud");
    let cloud = Cloud::ALL.into_iter().find(|cloud| cloud.word() == asked).unwrap_or_default();
    let sign_in = SignIn { tenant, cloud, client_id, token_url, scope, ..SignIn::of(kind) };
    sign_in.validate().map_err(NoMail::SignIn)?;
    if of("mail-login").is_empty() {
        return Err(NoMail::Unset("mail-login"));
    }
    Ok(Some(sign_in))
}

/// Who asks for a token, as whom, and with which secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct TokenUse {
    pub sign_in: SignIn,
    pub login: String,
    pub secret: CredentialId,
}

type Held = Option<(TokenUse, Arc<Tokens>)>;

/// The token of the mail server, for all mails of a workspace.
#[derive(Clone, Default)]
pub(super) struct MailTokens(Arc<Mutex<Held>>);

impl MailTokens {
    /// Those for this use: others, once the settings or the secret are others.
    pub fn of(&self, workspace: &OpenWorkspace, wanted: TokenUse) -> Arc<Tokens> {
        let mut held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, tokens)) = held.as_ref().filter(|(held, _)| *held == wanted) {
            return Arc::clone(tokens);
        }
        let tokens = Tokens::new(Arc::new(Provider {
            sign_in: wanted.sign_in.clone(),
            purpose: Purpose::SendMail,
            user: wanted.login.clone(),
            keeper: Arc::new(MailKeeper { workspace: workspace.clone(), secret: wanted.secret }),
            clock: Arc::clone(&workspace.options.clock),
            http: Http::default(),
        }));
        *held = Some((wanted, Arc::clone(&tokens)));
        tokens
    }

    /// A server did not take this token. Whether another one may be taken: this one was not new.
    pub fn refused(&self, token: &Secret) -> bool {
        let held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        held.as_ref().is_some_and(|(_, tokens)| tokens.refused(token))
    }
}

/// Reads the application's secret; nothing else is kept.
struct MailKeeper {
    workspace: OpenWorkspace,
    secret: CredentialId,
}

fn not_kept() -> Failure {
    let failure = Failure::new(Cause::CredentialMissing, Scope::Endpoint, Retry::User, "signing in to send mail");
    failure
        .saying("the secret of the mail server's application cannot be read: unlock the passwords, or enter it again")
}

#[async_trait]
impl Keeper for MailKeeper {
    async fn secret(&self) -> crate::signin::Result<Option<Secret>> {
        let vault = self.workspace.vault.get_open().ok_or_else(not_kept)?;
        vault::fetch(&vault, self.secret).await.map(Some).map_err(|_| not_kept())
    }

    async fn turn(&self) -> crate::signin::Result<Box<dyn Any + Send>> {
        Ok(Box::new(()))
    }

    async fn kept(&self) -> crate::signin::Result<Secret> {
        Err(not_kept())
    }

    async fn keep(&self, _: Secret) -> crate::signin::Result<()> {
        Err(not_kept())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_application_asks_for_tokens_in_its_own_cloud() {
        let with = |cloud: &str| {
            let words = [
                ("mail-sign-in", "microsoft-app"),
                ("mail-tenant", "contoso.example"),
                ("mail-client-id", "11112222-3333-4444-5555-666677778888"),
                ("mail-login", "kim@contoso.example"),
                ("mail-cloud", cloud),
            ];
            let settings = words.map(|(name, value)| (name.to_owned(), value.to_owned())).into_iter().collect();
            let sign_in = sign_in(&settings).expect("settings").expect("an application");
            (sign_in.token_url(), sign_in.scope())
        };
        let (global, us, china) = (with(""), with("us"), with("china"));
        assert!(global.0.starts_with("https://login.microsoftonline.com/contoso.example/"), "{global:?}");
        assert!(
            us.0.starts_with("https://login.microsoftonline.us/") && us.1 == "https://outlook.office365.us/.default"
        );
        assert!(china.0.starts_with("https://login.partner.microsoftonline.cn/"), "{china:?}");
    }
}
