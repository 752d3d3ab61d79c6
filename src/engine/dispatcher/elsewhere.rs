//! What other processes did in the workspace, and what they ask for (D1): looked at five times a second.

use std::collections::HashMap;
use std::time::Duration;

use super::Dispatcher;
use super::commands::limits;
use crate::domain::ids::ProjectId;
use crate::engine::command::{Command, CommandError, Outcome};
use crate::engine::run_state::Event;
use crate::store::{Census, StoreError};

/// How long answered commands of other processes are kept.
const KEEP_COMMANDS: Duration = Duration::from_secs(24 * 60 * 60);

impl Dispatcher {
    pub(super) fn forget(&mut self, project: ProjectId) {
        if self.state.forget(project) {
            self.rows.remove(project);
            self.census.remove(&project);
        }
    }

    /// Loads known projects again in which items came or went, and forgets those that were deleted.
    async fn look_elsewhere(&mut self) -> Result<(), StoreError> {
        let census = self.workspace.store.census().await?;
        let census: HashMap<ProjectId, Census> = census.into_iter().map(|of| (of.project, of)).collect();
        let known: Vec<ProjectId> = self.state.projects().collect();
        for project in self.workspace.store.projects().await? {
            let limits = limits(&project);
            if self.state.limits(project.id).is_some_and(|before| before != limits) {
                self.handle(Event::Limits(project.id, limits)).await;
            }
        }
        for project in known {
            match census.get(&project) {
                Some(now) if self.census.get(&project) == Some(now) => {}
                Some(now) => {
                    if self.census.get(&project).is_some_and(|before| now.items < before.items) {
                        self.forget(project);
                    }
                    if let Err(error) = self.load(project).await {
                        tracing::warn!(%project, %error, "items of another process not read");
                    }
                }
                None => self.forget(project),
            }
        }
        self.paint();
        self.doors.elsewhere.send_replace(());
        Ok(())
    }

    /// Does what other processes ask for through the database, and takes in what they changed there (D1).
    pub(super) async fn poll(&mut self) {
        self.write_down(Vec::new()).await;
        match self.workspace.store.changed_elsewhere().await {
            Ok(true) => {
                if let Err(error) = self.look_elsewhere().await {
                    tracing::warn!(%error, "changes of other processes not read");
                }
            }
            Ok(false) => {}
            Err(error) => tracing::warn!(%error, "changes of other processes not looked for"),
        }
        let now = self.workspace.clock.now();
        let commands = match self.workspace.store.take_commands(now).await {
            Ok(commands) => commands,
            Err(error) => {
                tracing::warn!(%error, "commands of other processes not read");
                return;
            }
        };
        for (id, payload) in commands {
            let outcome = match serde_json::from_str::<Command>(&payload) {
                Ok(command) => self.command(command).await,
                Err(error) => Outcome::failed(CommandError::Unknown(error.to_string())),
            };
            let outcome = serde_json::to_string(&outcome).unwrap_or_else(|_| "{}".into());
            if let Err(error) = self.workspace.store.answer_command(id, outcome).await {
                tracing::warn!(%error, "outcome not written");
            }
            if let Err(error) = self.workspace.store.purge_commands(now.minus(KEEP_COMMANDS)).await {
                tracing::debug!(%error, "old commands stay for now");
            }
        }
    }
}
