//! What passes share of servers: the data rate of a project, and the connections to a server over all projects.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use crate::domain::ids::ProjectId;
use crate::domain::item::{Item, Mailbox};
use crate::domain::mailbox_key::MailboxKey;
use crate::domain::project::Project;
use crate::domain::provider::MailProvider;
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
        let set = project.options.mailbox_connections;
        let mailboxes = [(&project.source, &item.source), (&project.destination, &item.destination)];
        Approach::new(Arc::clone(&self.doors), hosts, project.options.server_connections)
            .limiting(mailboxes.map(|(server, mailbox)| limit(server, mailbox, set)))
    }
}

/// The most connections to a mailbox: as the project says, else as its provider is known to allow.
fn limit(server: &Server, mailbox: &Mailbox, set: Option<u32>) -> Option<MailboxLimit> {
    let Server::Imap(imap) = server else { return None };
    let most = set.or_else(|| MailProvider::of_host(&imap.host)?.connections)?;
    let [by_login, _] = imap.places(mailbox);
    Some((MailboxKey::of(&by_login), most))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_provider_is_known_to_allow_for_a_mailbox_counts_unless_the_project_says_otherwise() {
        let anna = Mailbox { email: "anna@contoso.example".into(), login: None, credential: None };
        let most = |url: &str, set| limit(&Server::parse_url(url).unwrap(), &anna, set).map(|(_, most)| most);
        assert_eq!(most("imaps://imap.gmail.com", None), Some(15));
        assert_eq!(most("imaps://outlook.office365.com", None), Some(20));
        assert_eq!(most("imaps://imap.gmail.com", Some(5)), Some(5));
        assert_eq!(most("imaps://imap.contoso.example", None), None);
        assert_eq!(most("imaps://imap.contoso.example", Some(5)), Some(5));
        assert_eq!(most("maildir:/mail/{email}", Some(5)), None);
        let key = |name: &str| {
            let login = Some(name.to_owned());
            limit(&Server::parse_url("imaps://imap.gmail.com").unwrap(), &Mailbox { login, ..anna.clone() }, None)
        };
        assert_eq!(key("ANNA@contoso.example").map(|(key, _)| key), key("anna@contoso.example").map(|(key, _)| key));
        assert_ne!(key("bob@contoso.example").map(|(key, _)| key), key("anna@contoso.example").map(|(key, _)| key));
    }
}
