//! What an engine would have, for one look at a mailbox outside any pass.

use std::path::Path;
use std::sync::Arc;

use super::{OpenWorkspace, ServiceError};
use crate::endpoint::budget::Budget;
use crate::engine::{MESSAGE_MEMORY, Takes, Workspace};
use crate::platform::lock;
use crate::vault::Vault;

/// What a look takes. What does not fit into memory waits in this folder, without a name.
pub(super) fn means(workspace: &OpenWorkspace, home: &Path) -> Result<Workspace, ServiceError> {
    Ok(Workspace {
        store: workspace.store.clone(),
        vault: Arc::clone(&workspace.vault) as Arc<dyn Vault>,
        sign_ins: workspace.sign_ins.clone(),
        spool: home.to_owned(),
        numbers: lock::numbers_in(workspace.folder())?,
        budget: Budget::new(MESSAGE_MEMORY),
        clock: Arc::clone(&workspace.options.clock),
        endpoints: Arc::clone(&workspace.options.endpoints),
        takes: Takes::Given,
    })
}
