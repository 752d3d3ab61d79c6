//! Makes the services of a project: its tokens, its driver.

use std::sync::Arc;

use async_trait::async_trait;

use super::{HybridError, Services};
use crate::domain::failure::{Failure, Retry};
use crate::domain::hybrid::HybridProject;
use crate::domain::hybrid::settings::HybridSettings;
use crate::domain::ids::{CredentialId, HybridProjectId};
use crate::domain::secret::Secret;
use crate::domain::token_claims::Purpose;
use crate::engine::sign_ins::tokens_for;
use crate::engine::workspace::Workspace;
use crate::hybrid::exchange::ExchangeOnline;
use crate::hybrid::graph::Directory;
use crate::hybrid::http::Speaker;
use crate::hybrid::record::Recorder;
use crate::hybrid::{RemoteError, TokenSource};
use crate::signin::tokens::Tokens;

/// Services, and what they were made from.
pub(super) type Known = (HybridProjectId, HybridSettings, CredentialId, Arc<Services>);

/// The services of a project: those that are known already, unless anything of it has changed.
pub(super) fn services(
    known: &mut Vec<Known>,
    project: &HybridProject,
    credential: Option<CredentialId>,
    (workspace, recorder): (&Workspace, Option<&Arc<Recorder>>),
) -> Result<Arc<Services>, HybridError> {
    let missing = || RemoteError::Denied("the application's secret is not stored; give it by `hybrid secret`".into());
    let credential = credential.ok_or_else(missing)?;
    let (id, settings) = (project.id, &project.settings);
    if let Some((.., services)) = known.iter().find(|one| one.0 == id && one.1 == *settings && one.2 == credential) {
        return Ok(Arc::clone(services));
    }
    let speaker = |sign_in, purpose| {
        let tokens = AppTokens(tokens_for(sign_in, purpose, credential, workspace));
        Speaker::new(Arc::new(tokens), recorder.cloned())
    };
    let exchange = speaker(settings.sign_in.clone(), Purpose::ExchangeAdministration);
    let graph = speaker(settings.graph_sign_in(), Purpose::Licenses);
    let services = Arc::new(Services {
        batches: Box::new(ExchangeOnline::new(settings, exchange)),
        licenses: Box::new(Directory::new(settings.graph_url(), graph)),
    });
    known.retain(|one| one.0 != id);
    known.push((id, settings.clone(), credential, Arc::clone(&services)));
    Ok(services)
}

/// Tokens of an application.
struct AppTokens(Arc<Tokens>);

#[async_trait]
impl TokenSource for AppTokens {
    async fn token(&self) -> Result<Secret, RemoteError> {
        self.0.token().await.map(|token| token.secret).map_err(|failure| no_token(&failure))
    }

    fn refused(&self, token: &Secret) {
        self.0.refused(token);
    }
}

/// Nothing was sent in either case.
fn no_token(failure: &Failure) -> RemoteError {
    let text = failure.server_text.clone().unwrap_or_else(|| failure.to_string());
    match failure.retry {
        Retry::User | Retry::Never => RemoteError::Denied(format!("no token for the application: {text}")),
        Retry::After(pause) => RemoteError::Busy { pause: Some(pause), text },
        Retry::Backoff | Retry::Later => RemoteError::Busy { pause: None, text },
    }
}
