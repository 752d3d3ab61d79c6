//! Options about signing in.

use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};

use crate::domain::failure::Side;
use crate::domain::sign_in::{Cloud, SignInKind};

/// `--source-signin`, `--destination-signin`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum SignInWord {
    /// By password: of each mailbox, or of an administrator
    Password,
    /// Microsoft 365, as an app with a client secret or a certificate
    MicrosoftApp,
    /// Google Workspace, as a service account with domain-wide delegation
    GoogleService,
    /// Another provider, as an app with a client secret or a certificate
    CustomApp,
    /// Microsoft 365, each person by `signin`
    Microsoft,
    /// Google, each person by `signin`
    Google,
    /// Another provider, each person by `signin`
    Custom,
}

impl SignInWord {
    /// The kind; none for passwords.
    pub fn kind(self) -> Option<SignInKind> {
        match self {
            Self::Password => None,
            Self::MicrosoftApp => Some(SignInKind::MicrosoftApp),
            Self::GoogleService => Some(SignInKind::GoogleService),
            Self::CustomApp => Some(SignInKind::CustomApp),
            Self::Microsoft => Some(SignInKind::Microsoft),
            Self::Google => Some(SignInKind::Google),
            Self::Custom => Some(SignInKind::Custom),
        }
    }
}

/// `--source-cloud`, `--destination-cloud`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum CloudWord {
    /// The one of nearly everybody
    Global,
    /// That of the government of the United States
    Us,
    /// That of China
    China,
}

impl From<CloudWord> for Cloud {
    fn from(word: CloudWord) -> Self {
        match word {
            CloudWord::Global => Self::Global,
            CloudWord::Us => Self::Us,
            CloudWord::China => Self::China,
        }
    }
}

/// How both sides are signed in to. Client secrets come from MAILFERRY_SOURCE_SECRET and MAILFERRY_DESTINATION_SECRET, or a
/// prompt.
#[derive(Debug, Default, Args)]
pub struct SignInWords {
    /// How the source is signed in to (default: password)
    #[arg(long, value_enum, value_name = "KIND")]
    pub source_signin: Option<SignInWord>,
    /// Which of Microsoft's clouds the source is in (default: global)
    #[arg(long, value_enum, value_name = "CLOUD")]
    pub source_cloud: Option<CloudWord>,
    /// Microsoft tenant of the source: its id or one of its domains
    #[arg(long, value_name = "ID")]
    pub source_tenant: Option<String>,
    /// Application (client) id of the registration for the source
    #[arg(long, value_name = "ID")]
    pub source_client_id: Option<String>,
    /// Certificate with its private key, to sign in to the source with instead of a client secret
    #[arg(long, conflicts_with = "source_service_key", value_name = "FILE.pem")]
    pub source_certificate: Option<PathBuf>,
    /// Key of a Google service account, to sign in to the source with
    #[arg(long, value_name = "FILE.json")]
    pub source_service_key: Option<PathBuf>,
    /// Where tokens for the source are handed out, for another provider
    #[arg(long, value_name = "URL")]
    pub source_token_url: Option<String>,
    /// Where a person signs in to the source, for another provider
    #[arg(long, value_name = "URL")]
    pub source_authorize_url: Option<String>,
    /// Where codes for other devices are handed out for the source, for another provider
    #[arg(long, value_name = "URL")]
    pub source_device_url: Option<String>,
    /// What is asked for at the source, for another provider
    #[arg(long, value_name = "SCOPE")]
    pub source_scope: Option<String>,
    /// How the destination is signed in to (default: password)
    #[arg(long, value_enum, value_name = "KIND")]
    pub destination_signin: Option<SignInWord>,
    /// Which of Microsoft's clouds the destination is in (default: global)
    #[arg(long, value_enum, value_name = "CLOUD")]
    pub destination_cloud: Option<CloudWord>,
    /// Microsoft tenant of the destination: its id or one of its domains
    #[arg(long, value_name = "ID")]
    pub destination_tenant: Option<String>,
    /// Application (client) id of the registration for the destination
    #[arg(long, value_name = "ID")]
    pub destination_client_id: Option<String>,
    /// Certificate with its private key, to sign in to the destination with instead of a client secret
    #[arg(long, conflicts_with = "destination_service_key", value_name = "FILE.pem")]
    pub destination_certificate: Option<PathBuf>,
    /// Key of a Google service account, to sign in to the destination with
    #[arg(long, value_name = "FILE.json")]
    pub destination_service_key: Option<PathBuf>,
    /// Where tokens for the destination are handed out, for another provider
    #[arg(long, value_name = "URL")]
    pub destination_token_url: Option<String>,
    /// Where a person signs in to the destination, for another provider
    #[arg(long, value_name = "URL")]
    pub destination_authorize_url: Option<String>,
    /// Where codes for other devices are handed out for the destination, for another provider
    #[arg(long, value_name = "URL")]
    pub destination_device_url: Option<String>,
    /// What is asked for at the destination, for another provider
    #[arg(long, value_name = "SCOPE")]
    pub destination_scope: Option<String>,
}

/// What was said of one side.
#[derive(Clone, Copy, Debug, Default)]
pub struct SideWords<'a> {
    pub kind: Option<SignInWord>,
    pub cloud: Option<CloudWord>,
    pub tenant: Option<&'a str>,
    pub client_id: Option<&'a str>,
    pub certificate: Option<&'a Path>,
    pub service_key: Option<&'a Path>,
    pub token_url: Option<&'a str>,
    pub authorize_url: Option<&'a str>,
    pub device_url: Option<&'a str>,
    pub scope: Option<&'a str>,
}

impl SideWords<'_> {
    /// Whether anything was said besides the kind.
    pub fn says_more(&self) -> bool {
        let texts = [self.tenant, self.client_id, self.token_url, self.authorize_url, self.device_url, self.scope];
        self.cloud.is_some() || self.certificate.or(self.service_key).is_some() || texts.iter().any(Option::is_some)
    }
}

/// `signin`: a person signs in for one mailbox.
#[derive(Debug, Args)]
pub struct SignInVerb {
    /// Name of the project
    pub project: String,
    /// Which item: an address, or SOURCE:DESTINATION
    #[arg(long, value_name = "EMAIL")]
    pub item: String,
    /// At which side
    #[arg(long, value_enum)]
    pub side: SideWord,
    /// With a code that is typed at another device, instead of this machine's browser
    #[arg(long)]
    pub device: bool,
}

/// `--side`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum SideWord {
    /// Where mail is read
    Source,
    /// Where mail is written
    Destination,
}

impl From<SideWord> for Side {
    fn from(word: SideWord) -> Self {
        match word {
            SideWord::Source => Self::Source,
            SideWord::Destination => Self::Destination,
        }
    }
}

impl SignInWords {
    /// What was said of this side.
    pub fn of(&self, side: Side) -> SideWords<'_> {
        match side {
            Side::Source => SideWords {
                kind: self.source_signin,
                cloud: self.source_cloud,
                tenant: self.source_tenant.as_deref(),
                client_id: self.source_client_id.as_deref(),
                certificate: self.source_certificate.as_deref(),
                service_key: self.source_service_key.as_deref(),
                token_url: self.source_token_url.as_deref(),
                authorize_url: self.source_authorize_url.as_deref(),
                device_url: self.source_device_url.as_deref(),
                scope: self.source_scope.as_deref(),
            },
            Side::Destination => SideWords {
                kind: self.destination_signin,
                cloud: self.destination_cloud,
                tenant: self.destination_tenant.as_deref(),
                client_id: self.destination_client_id.as_deref(),
                certificate: self.destination_certificate.as_deref(),
                service_key: self.destination_service_key.as_deref(),
                token_url: self.destination_token_url.as_deref(),
                authorize_url: self.destination_authorize_url.as_deref(),
                device_url: self.destination_device_url.as_deref(),
                scope: self.destination_scope.as_deref(),
            },
        }
    }
}
