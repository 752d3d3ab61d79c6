//! One window for a workspace: a second start asks the one that is open to come to the front, by rows of the database, and goes.
//!
//! Only a window answers; an engine of the command line does not, so whoever asks waits for a moment at most.

use std::time::Duration;

use super::{OpenOptions, OpenWorkspace, ServiceError};
use crate::platform::lock::is_held;

const ASKED: &str = "window.front";
const DONE: &str = "window.front.done";
/// Between two looks for the answer.
const LOOK_EVERY: Duration = Duration::from_millis(50);
/// A window looks at the database five times a second.
const PATIENCE: Duration = Duration::from_secs(3);

/// Asks the window that has this workspace to come to the front; tells whether one does. Blocks, for some seconds at most.
pub fn raise(options: &OpenOptions) -> bool {
    if !is_held(&options.folder) {
        return false;
    }
    let asked = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(|error| error.to_string());
    let asked = asked.and_then(|runtime| runtime.block_on(ask(options)).map_err(|error| error.to_string()));
    asked.unwrap_or_else(|error| {
        tracing::warn!(%error, "the window that is open was not asked to come to the front");
        false
    })
}

async fn ask(options: &OpenOptions) -> Result<bool, ServiceError> {
    let workspace = OpenWorkspace::open(options.clone())?;
    let store = &workspace.store;
    let token = format!("{} {}", std::process::id(), workspace.now().millis());
    store.set_setting(ASKED.into(), token.clone()).await?;
    let answered = tokio::time::timeout(PATIENCE, async {
        while store.settings().await?.get(DONE) != Some(&token) {
            tokio::time::sleep(LOOK_EVERY).await;
        }
        Ok::<_, ServiceError>(())
    });
    match answered.await {
        Ok(answered) => answered.map(|()| true),
        Err(_) => {
            // Taken back: a window that opens later has nothing to do with it.
            store.set_setting(DONE.into(), token).await?;
            Ok(false)
        }
    }
}

/// Whether somebody asked the window of this workspace to come to the front; answered with that.
pub(super) async fn is_asked(workspace: &OpenWorkspace) -> Result<bool, ServiceError> {
    let settings = workspace.store.settings().await?;
    match settings.get(ASKED) {
        Some(token) if settings.get(DONE) != Some(token) => {
            workspace.store.set_setting(DONE.into(), token.clone()).await?;
            Ok(true)
        }
        _ => Ok(false),
    }
}
