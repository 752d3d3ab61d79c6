//! Settings as domains publish them (draft-ietf-mailmaint-autoconfig): XML of a stranger.
//!
//! Pure. No document type is read, so that no entity can grow or lead elsewhere; nodes are counted.

#![deny(clippy::indexing_slicing, clippy::string_slice, reason = "it reads what strangers wrote")]

use roxmltree::{Document, Node, ParsingOptions};

use crate::domain::proposal::{Origin, Proposal, halves};
use crate::domain::server::{ImapServer, Security};

/// Nodes of a document, more than any settings have.
const MOST_NODES: u32 = 5_000;
/// Servers that are looked at.
const MOST_SERVERS: usize = 8;
/// Longest login name.
const LONGEST: usize = 320;

/// Why it is no settings.
#[derive(Debug, thiserror::Error)]
pub(super) enum NotRead {
    /// It is no XML, or more than is taken.
    #[error(transparent)]
    Xml(#[from] roxmltree::Error),
    /// XML of something else.
    #[error("no settings for mail")]
    Other,
}

/// The IMAP servers of it, in its order; those without protection are left out.
pub(super) fn read(text: &str, email: &str, origin: &Origin) -> Result<Vec<Proposal>, NotRead> {
    let options = ParsingOptions { allow_dtd: false, nodes_limit: MOST_NODES, ..ParsingOptions::default() };
    let document = Document::parse_with_options(text, options)?;
    let root = document.root_element();
    if !root.has_tag_name("clientConfig") {
        return Err(NotRead::Other);
    }
    let providers = root.children().filter(|node| node.has_tag_name("emailProvider"));
    let servers = providers.flat_map(|provider| provider.children()).filter(|node| node.has_tag_name("incomingServer"));
    let imap = servers.filter(|node| node.attribute("type").is_some_and(|kind| kind.eq_ignore_ascii_case("imap")));
    Ok(imap.take(MOST_SERVERS).filter_map(|node| proposal(node, email, origin)).collect())
}

fn words<'a>(node: Node<'a, '_>, name: &str) -> Option<&'a str> {
    let child = node.children().find(|child| child.has_tag_name(name))?;
    child.text().map(str::trim).filter(|text| !text.is_empty())
}

fn proposal(node: Node<'_, '_>, email: &str, origin: &Origin) -> Option<Proposal> {
    let (local, domain) = halves(email)?;
    let filled = |text: &str| {
        let text = text.replace("%EMAILADDRESS%", email);
        text.replace("%EMAILLOCALPART%", local).replace("%EMAILDOMAIN%", domain)
    };
    let security = match words(node, "socketType")?.to_ascii_uppercase().as_str() {
        "SSL" | "TLS" => Security::Tls,
        "STARTTLS" => Security::StartTls,
        _ => return None,
    };
    let (host, port) = (filled(words(node, "hostname")?), words(node, "port")?);
    let url = format!("{}://{host}:{port}", security.scheme());
    // Written by a stranger: only what is a host and a port to ourselves.
    let server = ImapServer::parse_url(&url).ok()?;
    let login = words(node, "username").map(filled);
    let bad = |login: &String| login.len() > LONGEST || login.chars().any(char::is_control);
    if login.as_ref().is_some_and(bad) {
        return None;
    }
    let ways: Vec<&str> = node
        .children()
        .filter(|child| child.has_tag_name("authentication"))
        .filter_map(|child| child.text().map(str::trim))
        .collect();
    let tokens_only = !ways.is_empty() && ways.iter().all(|way| way.eq_ignore_ascii_case("OAuth2"));
    let sign_in = tokens_only.then(|| "it takes no passwords, only sign-in by OAuth 2".to_owned());
    let login = login.filter(|login| !login.eq_ignore_ascii_case(email));
    Some(Proposal { server, login, sign_in, origin: origin.clone() })
}
