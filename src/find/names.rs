//! What name servers say: service records (RFC 6186) and who takes in mail. Unsigned words of strangers: hosts are read as such
//! and nothing else.

use std::net::SocketAddr;
use std::time::Duration;

use hickory_resolver::TokioResolver;
use hickory_resolver::config::{ConnectionConfig, NameServerConfig, ResolverConfig, ResolverOpts};
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::proto::rr::{Name, RData, RecordType};
use tokio::time::timeout;

use crate::domain::proposal::{Origin, Proposal};
use crate::domain::server::{ImapServer, Security};

/// For one question to one server, of which there is one more.
const PATIENCE: Duration = Duration::from_secs(3);
/// For one question, whomever it is put to.
const LONGEST: Duration = Duration::from_secs(8);
/// Records of one kind that are looked at.
const MOST: usize = 20;

/// Asks name servers.
pub struct Names(TokioResolver);

impl Names {
    /// Those of this computer; none where that cannot be found out.
    pub fn system() -> Option<Self> {
        let mut builder = TokioResolver::builder_tokio().inspect_err(unset).ok()?;
        bounds(builder.options_mut());
        builder.build().inspect_err(unset).ok().map(Self)
    }

    /// This one only.
    pub fn at(server: SocketAddr) -> Option<Self> {
        let mut connection = ConnectionConfig::udp();
        connection.port = server.port();
        let mut of = NameServerConfig::udp(server.ip());
        of.connections = vec![connection];
        let config = ResolverConfig::from_parts(None, Vec::new(), vec![of]);
        let mut builder = TokioResolver::builder_with_config(config, TokioRuntimeProvider::default());
        bounds(builder.options_mut());
        builder.build().ok().map(Self)
    }

    /// The servers that a domain names for reading mail, in the order in which it wants them asked.
    pub(super) async fn services(&self, domain: &str) -> Vec<Proposal> {
        let mut found = Vec::new();
        for (service, security) in [("_imaps._tcp", Security::Tls), ("_imap._tcp", Security::StartTls)] {
            let name = format!("{service}.{domain}");
            let mut records: Vec<_> =
                self.ask(&name, RecordType::SRV).await.into_iter().filter_map(service_of).collect();
            records.sort_by_key(|(priority, weight, ..)| (*priority, std::cmp::Reverse(*weight)));
            let url = |host: &str, port: u16| format!("{}://{host}:{port}", security.scheme());
            let servers = records.iter().filter_map(|(_, _, port, host)| ImapServer::parse_url(&url(host, *port)).ok());
            let origin = || Origin::Service(name.clone());
            found.extend(servers.map(|server| Proposal { server, login: None, sign_in: None, origin: origin() }));
        }
        found
    }

    /// Who takes in the mail of a domain, the first choice first.
    pub(super) async fn mail_exchangers(&self, domain: &str) -> Vec<String> {
        let records = self.ask(domain, RecordType::MX).await.into_iter();
        let mut hosts: Vec<(u16, String)> = records
            .filter_map(|data| match data {
                RData::MX(mx) => Some((mx.preference, host(&mx.exchange)?)),
                _ => None,
            })
            .collect();
        hosts.sort();
        hosts.into_iter().map(|(_, host)| host).collect()
    }

    async fn ask(&self, name: &str, kind: RecordType) -> Vec<RData> {
        // Whole: the domains that this computer searches have no say.
        match timeout(LONGEST, self.0.lookup(format!("{name}."), kind)).await {
            Ok(Ok(answer)) => answer.answers().iter().take(MOST).map(|record| record.data.clone()).collect(),
            Ok(Err(why)) => {
                tracing::debug!(name, %why, "no records");
                Vec::new()
            }
            Err(_) => Vec::new(),
        }
    }
}

fn unset(why: &hickory_resolver::net::NetError) {
    tracing::warn!(%why, "the name servers of this computer are not known");
}

fn bounds(options: &mut ResolverOpts) {
    (options.timeout, options.attempts) = (PATIENCE, 1);
}

/// Priority, weight, port, host; none where a dot says that there is no such service.
fn service_of(data: RData) -> Option<(u16, u16, u16, String)> {
    match data {
        RData::SRV(service) => Some((service.priority, service.weight, service.port, host(&service.target)?)),
        _ => None,
    }
}

/// Letters, digits and hyphens, without the last dot; none for what is no host.
fn host(name: &Name) -> Option<String> {
    let text = name.to_ascii().trim_end_matches('.').to_ascii_lowercase();
    ImapServer::parse_url(&format!("imaps://{text}")).is_ok_and(|server| server.host == text).then_some(text)
}
