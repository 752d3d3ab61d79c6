//! The mail server by which owners are asked: what the settings say of it, its password, and a test.

use std::path::{Path, PathBuf};

use super::import::{self, Watch};
use super::mail_token::{self, TokenUse};
use super::settings::{Settings, value};
use super::{OpenWorkspace, ServiceError, sign_in};
use crate::domain::asking::SendOutcome;
use crate::domain::failure::Retry;
use crate::domain::ids::CredentialId;
use crate::domain::language::Language;
use crate::domain::secret::Secret;
use crate::domain::sign_in::{SignIn, SignInProblem};
use crate::domain::time::Timestamp;
use crate::intake::letter::{Head, Letter, NotWritten};
use crate::intake::send::{self, MailProof, MailSecurity, MailServer, SendAnswer};
use crate::signin::keys::{AppSecret, KeyProblem};
use crate::vault::{self, VaultError};

/// The name of the mail server's password among the workspace's secrets.
const PASSWORD: &str = "mail-password";
/// Longest file of authorities.
const LARGEST: u64 = 1024 * 1024;

/// Why no mail can be sent.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoMail {
    /// A setting lacks.
    #[error("no mail can be sent yet: set {0} first, in the settings")]
    Unset(&'static str),
    /// The login has no password.
    #[error("the password of the mail server is not known: enter it (mail password)")]
    NoPassword,
    /// How the application signs in.
    #[error("sign-in of the mail server: {0}")]
    SignIn(SignInProblem),
    /// What the application signs in with.
    #[error("sign-in of the mail server: {0}")]
    Key(KeyProblem),
    /// The file of authorities.
    #[error("mail-authorities: {0}")]
    Authorities(String),
    /// The mail itself.
    #[error(transparent)]
    NotWritten(#[from] NotWritten),
    /// The server did not take it, in its words.
    #[error("the mail was not sent: {0}")]
    NotTaken(String),
    /// Nobody knows.
    #[error("the mail may have been sent: {0}")]
    Unsure(String),
}

/// What proves the login at the mail server: the password, or what the application signs in with.
#[derive(Clone, Debug)]
pub enum MailSecret {
    /// As it was typed.
    Typed(Secret),
    /// A file with certificate and key, or with the key of a service account; it is not needed again.
    File(PathBuf),
}

impl MailSecret {
    async fn read(self) -> Result<Secret, ServiceError> {
        let file = match self {
            Self::Typed(secret) => return Ok(secret),
            Self::File(file) => file,
        };
        let named = file.clone();
        let read = tokio::task::spawn_blocking(move || sign_in::read_file(&named)).await;
        let read = read.map_err(|_| ServiceError::Died("reading the key"))?;
        read.map_err(|error| ServiceError::KeyFile { file, error })
    }
}

/// What the settings say of sending mail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct MailSettings {
    host: String,
    port: u16,
    security: &'static str,
    authorities: String,
    login: String,
    sign_in: Option<SignIn>,
    pub from: String,
    pub reply_to: Option<String>,
    /// Mails a minute at most.
    pub rate: u32,
}

impl MailSettings {
    /// # Errors
    /// What lacks.
    pub fn of(settings: &Settings) -> Result<Self, NoMail> {
        let of = |name: &str| value(settings, name).to_owned();
        for needed in ["mail-server", "mail-from"] {
            if of(needed).is_empty() {
                return Err(NoMail::Unset(needed));
            }
        }
        let (security, usual) = match of("mail-security").as_str() {
            "starttls" => ("starttls", 587),
            "plain" => ("plain", 25),
            _ => ("tls", 465),
        };
        Ok(Self {
            host: of("mail-server"),
            port: of("mail-port").parse().unwrap_or(usual),
            security,
            authorities: of("mail-authorities"),
            login: of("mail-login"),
            sign_in: mail_token::sign_in(settings)?,
            from: of("mail-from"),
            reply_to: Some(of("mail-reply-to")).filter(|reply_to| !reply_to.is_empty()),
            rate: of("mail-rate").parse().unwrap_or(1),
        })
    }

    /// The language of mails, where a project has none of its own.
    pub fn language(settings: &Settings) -> Language {
        Language::parse(value(settings, "mail-language")).unwrap_or_default()
    }

    /// Whether sending takes a login.
    pub fn logs_in(&self) -> bool {
        !self.login.is_empty()
    }

    /// The head of a mail; `id` is its own.
    pub fn head(&self, to: &str, id: String, at: Timestamp) -> Head {
        Head { from: self.from.clone(), reply_to: self.reply_to.clone(), to: to.to_owned(), id, at }
    }
}

/// The server with its login.
///
/// # Errors
/// Its password, a token or its authorities cannot be had.
async fn server(workspace: &OpenWorkspace, mail: &MailSettings) -> Result<MailServer, ServiceError> {
    let security = match mail.security {
        "starttls" => MailSecurity::StartTls,
        "plain" => MailSecurity::Plain,
        _ => MailSecurity::Tls,
    };
    let authorities = match mail.authorities.as_str() {
        "" => None,
        file => Some(read(Path::new(file)).await?),
    };
    let login = if mail.login.is_empty() { None } else { Some((mail.login.clone(), proof(workspace, mail).await?)) };
    Ok(MailServer { host: mail.host.clone(), port: mail.port, security, authorities, login })
}

/// Sends a letter; what is needed for that and cannot be had leaves it to be sent later.
pub(super) async fn deliver(workspace: &OpenWorkspace, mail: &MailSettings, letter: &Letter) -> SendAnswer {
    let server = match server(workspace, mail).await {
        Ok(server) => server,
        Err(error) => {
            // A provider that refused for good is not asked again with each mail (D24).
            let login_refused = matches!(&error, ServiceError::Server(failure) if failure.retry == Retry::User);
            return SendAnswer { outcome: SendOutcome::Later, text: error.to_string(), login_refused };
        }
    };
    let mut answer = send::send(&server, letter).await;
    if let Some((_, MailProof::Token(token))) = &server.login {
        // One that has ended is followed by another.
        answer.login_refused = answer.login_refused && !workspace.mail_tokens.refused(token);
    }
    answer
}

async fn read(file: &Path) -> Result<String, NoMail> {
    let wrong = |error: &dyn std::fmt::Display| NoMail::Authorities(format!("{}: {error}", file.display()));
    let size = tokio::fs::metadata(file).await.map_err(|error| wrong(&error))?.len();
    if size > LARGEST {
        return Err(wrong(&"it is too large for a file of certificates"));
    }
    tokio::fs::read_to_string(file).await.map_err(|error| wrong(&error))
}

/// The number of the password, which is another one when it was entered anew.
///
/// # Errors
/// The database.
pub(super) async fn password_id(workspace: &OpenWorkspace) -> Result<Option<CredentialId>, ServiceError> {
    Ok(workspace.store.workspace_secret(PASSWORD).await?)
}

async fn proof(workspace: &OpenWorkspace, mail: &MailSettings) -> Result<MailProof, ServiceError> {
    let Some(id) = workspace.store.workspace_secret(PASSWORD).await? else { return Err(NoMail::NoPassword.into()) };
    let vault = workspace.vault.get_open().ok_or_else(|| VaultError::Locked("open it first".into()))?;
    let Some(sign_in) = mail.sign_in.clone() else { return Ok(MailProof::Password(vault::fetch(&vault, id).await?)) };
    let wanted = TokenUse { sign_in, login: mail.login.clone(), secret: id };
    let token = workspace.mail_tokens.of(workspace, wanted).token().await?;
    Ok(MailProof::Token(token.secret))
}

/// Whether sending takes a password, for which the vault must be open.
///
/// # Errors
/// The database.
pub async fn needs_vault(workspace: &OpenWorkspace) -> Result<bool, ServiceError> {
    Ok(!value(&workspace.store.settings().await?, "mail-login").is_empty())
}

/// Keeps the password of the mail server, or the secret of the application that signs in there, in the vault, which must be
/// open, in place of an earlier one.
///
/// # Errors
/// It cannot be read, is none that the application can sign in with, or the earlier one is still in use.
pub async fn set_secret(workspace: &OpenWorkspace, secret: MailSecret) -> Result<(), ServiceError> {
    let password = secret.read().await?;
    if let Some(sign_in) = mail_token::sign_in(&workspace.store.settings().await?)? {
        AppSecret::read(sign_in.kind, &password).map_err(NoMail::Key)?;
    }
    let ids = import::store_secrets(workspace, "settings", vec![password], &Watch::nobody()).await?;
    let Some(new) = ids.first().copied() else { return Err(ServiceError::Died("keeping the password")) };
    match workspace.store.set_workspace_secret(PASSWORD, new).await {
        Ok(Some(old)) => {
            if let Err(error) = import::remove(workspace, vec![old], &Watch::nobody()).await {
                // Its number is known: an import a day later removes it.
                tracing::warn!(%error, "the replaced password is still in the vault");
            }
            Ok(())
        }
        Ok(None) => Ok(()),
        Err(error) => Err(import::roll_back(workspace, ids, error.into()).await.into()),
    }
}

/// Sends a mail that shows whether mails can be sent; answers what the server said.
///
/// # Errors
/// It was not sent, or may have been.
pub async fn test(workspace: &OpenWorkspace, to: &str) -> Result<String, ServiceError> {
    let mail = MailSettings::of(&workspace.store.settings().await?)?;
    let now = workspace.now();
    let letter = Letter::test(&mail.head(to, format!("test-{}", now.millis()), now)).map_err(NoMail::from)?;
    let SendAnswer { outcome, text, .. } = deliver(workspace, &mail, &letter).await;
    match outcome {
        SendOutcome::Sent => Ok(text),
        SendOutcome::Later | SendOutcome::Refused => Err(NoMail::NotTaken(text).into()),
        SendOutcome::Unsure => Err(NoMail::Unsure(text).into()),
    }
}
