//! What passes share of servers: the data rate of a project, and the connections to a server over all projects.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use crate::domain::failure::Side;
use crate::domain::ids::ProjectId;
use crate::domain::item::{Item, Mailbox};
use crate::domain::mailbox_key::MailboxKey;
use crate::domain::project::Project;
use crate::domain::server::Server;
use crate::pass::doors::{Approach, Doors, MailboxLimit};
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

    /// The way to the servers of an item.
    pub fn approach(&self, project: &Project, item: &Item) -> Approach {
        let host = |server: &Server| server.port().map(|port| format!("{}:{port}", server.name()));
        let hosts = [host(&project.source), host(&project.destination)];
        let limits = [(Side::Source, &item.source), (Side::Destination, &item.destination)];
        Approach::new(Arc::clone(&self.doors), hosts, project.options.server_connections)
            .limiting(limits.map(|(side, mailbox)| limit_at(project, side, mailbox)))
    }
}

/// The most connections to a mailbox: as the project says, else as its provider is known to allow.
fn limit_at(project: &Project, side: Side, mailbox: &Mailbox) -> Option<MailboxLimit> {
    let known = || project.provider(side).and_then(|(provider, _)| provider.connections);
    limit(project.server(side), mailbox, project.options.mailbox_connections.or_else(known)?)
}

fn limit(server: &Server, mailbox: &Mailbox, most: u32) -> Option<MailboxLimit> {
    let Server::Imap(imap) = server else { return None };
    let [by_login, _] = imap.places(mailbox);
    Some((MailboxKey::of(&by_login), most))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ids::PoolId;
    use crate::domain::project::Options;
    use crate::domain::provider::ProviderChoice;

    #[test]
    fn what_a_provider_is_known_to_allow_for_a_mailbox_counts_unless_the_project_says_otherwise() {
        let anna = Mailbox { email: "anna@contoso.example".into(), login: None, credential: None };
        let most = |url: &str, options: Options| {
            let (source, destination) =
                (Server::parse_url(url).unwrap(), Server::parse_url("maildir:/mail/{email}").unwrap());
            let (id, pool, starts) = (ProjectId(1), PoolId::FIRST, Default::default());
            let project = Project { id, name: "p".into(), client: None, source, destination, options, starts, pool };
            limit_at(&project, Side::Source, &anna).map(|(_, most)| most)
        };
        let known = Options::default;
        let set = || Options { mailbox_connections: Some(5), ..Options::default() };
        assert_eq!(most("imaps://imap.gmail.com", known()), Some(15));
        assert_eq!(most("imaps://outlook.office365.com", known()), Some(20));
        assert_eq!(most("imaps://imap.gmail.com", set()), Some(5));
        assert_eq!(most("imaps://imap.contoso.example", known()), None);
        assert_eq!(most("imaps://imap.contoso.example", set()), Some(5));
        assert_eq!(most("maildir:/mail/{email}", set()), None);
        let named = |source_provider| Options { source_provider, ..Options::default() };
        assert_eq!(most("imaps://imap.contoso.example", named(ProviderChoice::Named("Gmail".into()))), Some(15));
        assert_eq!(most("imaps://imap.gmail.com", named(ProviderChoice::Nobody)), None);
        let key = |name: &str| {
            let login = Some(name.to_owned());
            limit(&Server::parse_url("imaps://imap.gmail.com").unwrap(), &Mailbox { login, ..anna.clone() }, 15)
        };
        assert_eq!(key("ANNA@contoso.example").map(|(key, _)| key), key("anna@contoso.example").map(|(key, _)| key));
        assert_ne!(key("bob@contoso.example").map(|(key, _)| key), key("anna@contoso.example").map(|(key, _)| key));
    }
}
