//! What passes share of servers: the data rate of a project, and the connections to a server over all projects.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use crate::domain::ids::ProjectId;
use crate::domain::project::Project;
use crate::domain::server::Server;
use crate::pass::doors::{Approach, Doors};
use crate::pass::throttle::Throttle;

/// The one owner of both.
#[derive(Default)]
pub(super) struct SharedLimits {
    rates: Mutex<HashMap<ProjectId, Arc<Throttle>>>,
    doors: Arc<Doors>,
}

impl SharedLimits {
    /// The data rate of an item for which this one counts; an item with one of its own shares it with nobody.
    pub fn rate(&self, project: &Project, effective: Option<u64>) -> Arc<Throttle> {
        if effective != project.options.rate {
            return Arc::new(Throttle::new(effective));
        }
        let mut rates = self.rates.lock().unwrap_or_else(PoisonError::into_inner);
        let shared = rates.entry(project.id).or_default();
        if shared.rate() != effective {
            *shared = Arc::new(Throttle::new(effective));
        }
        Arc::clone(shared)
    }

    /// The way to a project's servers.
    pub fn approach(&self, project: &Project) -> Approach {
        let host = |server: &Server| server.port().map(|port| format!("{}:{port}", server.name()));
        let hosts = [host(&project.source), host(&project.destination)];
        Approach::new(Arc::clone(&self.doors), hosts, project.options.server_connections)
    }
}
