//! The folders of a mailbox with their states, in one flight where the server can (RFC 5258, RFC 6154, RFC 5819).
//!
//! Asks for nothing the server did not advertise. Bounded: [`WINDOW`] STATUS commands under way.

use std::collections::{BTreeSet, HashMap, VecDeque};

use super::classify::Step;
use super::encode::Command;
use super::pending::Ticket;
use super::response::{Counts, Listed, Response};
use super::session::{Session, WINDOW};
use crate::domain::failure::Cause;
use crate::domain::folder::{FolderState, ListedFolder, Role, WireName};
use crate::endpoint::Result;
use crate::endpoint::listed::tell_apart;

const DOING: &str = "listing folders";

/// Lists every folder of the owner.
pub(super) async fn list(session: &mut Session) -> Result<Vec<ListedFolder>> {
    let mut folders = if session.can("LIST-EXTENDED") { extended(session).await? } else { basic(session).await? };
    tell_apart(&mut folders);
    Ok(folders)
}

/// What to ask STATUS for.
fn items(session: &Session) -> String {
    let mut items = "(MESSAGES UIDNEXT UIDVALIDITY".to_owned();
    if session.can("CONDSTORE") || session.can("QRESYNC") {
        items.push_str(" HIGHESTMODSEQ");
    }
    if session.can("OBJECTID") {
        items.push_str(" MAILBOXID");
    }
    items.push(')');
    items
}

async fn extended(session: &mut Session) -> Result<Vec<ListedFolder>> {
    let mut options = vec!["SUBSCRIBED".to_owned()];
    if session.can("SPECIAL-USE") {
        options.push("SPECIAL-USE".to_owned());
    }
    let with_status = session.can("LIST-STATUS");
    if with_status {
        options.push(format!("STATUS {}", items(session)));
    }
    let command = Command::new(&format!("LIST \"\" \"*\" RETURN ({})", options.join(" ")));
    let answer = session.connection.run(command, Step::Ask, DOING).await?;
    let mut found = Found::default();
    found.take(answer.untagged);
    if !with_status {
        ask_states(session, &mut found).await?;
    }
    Ok(found.folders(session))
}

async fn basic(session: &mut Session) -> Result<Vec<ListedFolder>> {
    let listed = session.connection.ask(Command::new("LIST \"\" \"*\""), Step::Ask, DOING).await?;
    let subscribed = session.connection.ask(Command::new("LSUB \"\" \"*\""), Step::Ask, DOING).await?;
    let mut found = Found::default();
    found.take(session.connection.answer(listed).await?.good()?.untagged);
    // A server without LSUB (RFC 9051 dropped it) merely tells no subscriptions.
    found.take(session.connection.answer(subscribed).await?.untagged);
    ask_states(session, &mut found).await?;
    Ok(found.folders(session))
}

/// STATUS of each selectable folder; one that is refused has no state.
async fn ask_states(session: &mut Session, found: &mut Found) -> Result<()> {
    let items = items(session);
    let names: Vec<Vec<u8>> = found
        .listed
        .iter()
        .filter(|l| selectable(l) && session.names.is_own(&l.name))
        .map(|l| l.name.clone())
        .collect();
    let mut under_way = VecDeque::new();
    for name in names {
        if under_way.len() >= WINDOW
            && let Some((name, ticket)) = under_way.pop_front()
        {
            take_state(session, found, name, ticket).await?;
        }
        let Ok(command) = Command::new("STATUS").folder(&WireName(name.clone())) else { continue };
        let command = command.text(&format!(" {items}"));
        under_way.push_back((name, session.connection.ask(command, Step::Ask, DOING).await?));
    }
    for (name, ticket) in under_way {
        take_state(session, found, name, ticket).await?;
    }
    Ok(())
}

async fn take_state(session: &mut Session, found: &mut Found, name: Vec<u8>, ticket: Ticket) -> Result<()> {
    let answer = session.connection.answer(ticket).await?;
    if let Some(failure) = answer.failure {
        let mere_refusal = failure.cause == Cause::CommandRefused || !failure.breaks_connection();
        return if mere_refusal { Ok(()) } else { Err(failure) };
    }
    for response in answer.untagged {
        if let Response::Counts(told, counts) = response {
            let told = canonical(told);
            // A name in another spelling than in the list: the command tells which folder was meant.
            let name = if found.listed.iter().any(|l| l.name == told) { told } else { name.clone() };
            found.counts.insert(name, counts);
        }
    }
    Ok(())
}

fn selectable(listed: &Listed) -> bool {
    !listed.attributes.iter().any(|a| a == r"\noselect" || a == r"\nonexistent")
}

#[derive(Default)]
struct Found {
    listed: Vec<Listed>,
    subscribed: BTreeSet<Vec<u8>>,
    counts: HashMap<Vec<u8>, Counts>,
}

impl Found {
    fn take(&mut self, untagged: Vec<Response>) {
        for response in untagged {
            match response {
                Response::List(mut listed) => {
                    if listed.name.eq_ignore_ascii_case(b"INBOX") {
                        listed.name = b"INBOX".to_vec();
                    }
                    self.listed.push(listed);
                }
                // In LSUB, \Noselect marks the parent of a subscribed folder (RFC 3501 §6.3.9).
                Response::Lsub(listed) if selectable(&listed) => {
                    self.subscribed.insert(canonical(listed.name));
                }
                Response::Counts(name, counts) => {
                    self.counts.insert(canonical(name), counts);
                }
                _ => {}
            }
        }
    }

    fn folders(mut self, session: &Session) -> Vec<ListedFolder> {
        let mut seen = BTreeSet::new();
        let listed = std::mem::take(&mut self.listed);
        let own = listed.into_iter().filter(|l| {
            let shadow = !selectable(l) && session.names.shadows_inbox(&l.name);
            !l.name.is_empty() && !shadow && session.names.is_own(&l.name) && seen.insert(l.name.clone())
        });
        own.map(|l| self.folder(session, l)).collect()
    }

    fn folder(&mut self, session: &Session, listed: Listed) -> ListedFolder {
        let selectable = selectable(&listed);
        let counts = self.counts.remove(&listed.name).filter(|_| selectable);
        let state = counts.as_ref().and_then(|c| {
            Some(FolderState {
                uid_validity: c.uid_validity?,
                uid_next: c.uid_next.unwrap_or(0),
                messages: c.messages?,
                highest_modseq: c.highest_modseq,
            })
        });
        ListedFolder {
            path: session.names.path(&listed.name, listed.separator),
            role: listed.attributes.iter().find_map(|a| Role::from_attribute(a)),
            selectable,
            subscribed: listed.attributes.iter().any(|a| a == r"\subscribed") || self.subscribed.contains(&listed.name),
            state,
            mailbox_id: counts.and_then(|c| c.mailbox_id),
            wire: WireName(listed.name),
        }
    }
}

fn canonical(name: Vec<u8>) -> Vec<u8> {
    if name.eq_ignore_ascii_case(b"INBOX") { b"INBOX".to_vec() } else { name }
}
