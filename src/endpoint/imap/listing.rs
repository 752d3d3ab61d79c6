//! The folders of a mailbox with their states, in one flight where the server can (RFC 5258, RFC 6154, RFC 5819).
//!
//! Asks for nothing the server did not advertise. A list is not believed to be empty, nor to lack the inbox, before that was
//! asked in another way. Bounded: [`WINDOW`] STATUS commands under way.

#![deny(clippy::indexing_slicing, clippy::string_slice, reason = "it reads what strangers wrote")]

use std::collections::{BTreeSet, HashMap, VecDeque};

use super::attributes::as_object_id;
use super::classify::Step;
use super::encode::ImapCommand;
use super::manners::Extra;
use super::pending::Ticket;
use super::response::{Listed, ServerResponse, StatusCounts};
use super::session::{ImapSession, Mode, WINDOW};
use crate::domain::failure::{Cause, Failure, Retry, Scope, Side};
use crate::domain::folder::{FolderPath, FolderState, ListedFolder, Role, UidValidity, WireName};
use crate::endpoint::listed::tell_apart;
use crate::endpoint::{FolderRef, Result};

const DOING: &str = "listing folders";
const INBOX: &[u8] = b"INBOX";
/// Most folders of a mailbox.
const MOST_FOLDERS: usize = 200_000;

/// Lists every folder, other people's included.
pub(super) async fn list(session: &mut ImapSession) -> Result<Vec<ListedFolder>> {
    let mut found =
        if session.understands("LIST-EXTENDED", Extra::ListReturn) { extended(session).await? } else { None };
    if found.as_ref().is_none_or(|found| found.listed.is_empty()) {
        found = Some(basic(session).await?);
    }
    let mut found = found.unwrap_or_default();
    let empty = found.listed.is_empty();
    believe_ids(session, &mut found).await?;
    if !found.listed.iter().any(|listed| listed.name == INBOX) {
        ask_for_inbox(session, &mut found).await?;
    }
    if found.listed.len() > MOST_FOLDERS {
        let text = format!("the server lists {} folders, and at most {MOST_FOLDERS} are taken", found.listed.len());
        return Err(Failure::new(Cause::Nonsense, Scope::Mailbox, Retry::User, DOING).saying(text));
    }
    session.connection.manners().kept_list().ends(empty);
    let mut folders = found.folders(session);
    tell_apart(&mut folders);
    Ok(folders)
}

/// What RFC 3501 lets one ask STATUS for.
const ITEMS: &str = "MESSAGES UIDNEXT UIDVALIDITY";

/// What to ask STATUS for.
fn items(session: &ImapSession) -> String {
    let understands = |capability| session.understands(capability, Extra::StatusItems);
    let mut items = ITEMS.to_owned();
    if understands("CONDSTORE") || understands("QRESYNC") {
        items.push_str(" HIGHESTMODSEQ");
    }
    if understands("OBJECTID") && !session.connection.manners().took_back(Extra::FolderIds) {
        items.push_str(" MAILBOXID");
    }
    items
}

/// Some servers tell ids of folders that are not theirs (Cyrus 3.6: other ones each time they are asked for a state, the right ones
/// when a folder is opened): the inbox is asked about once more and opened, and if its id is another one then, none is used.
async fn believe_ids(session: &mut ImapSession, found: &mut Found) -> Result<()> {
    let any = found.counts.values().any(|counts| counts.mailbox_id.is_some());
    if !any || session.connection.manners().took_back(Extra::FolderIds) {
        return Ok(());
    }
    let told = found.counts.get(INBOX).and_then(|counts| counts.mailbox_id.clone());
    let inbox = inbox();
    let status = ImapCommand::new("STATUS").folder(&inbox.wire)?.text(" (MAILBOXID)");
    let again = session.connection.ask(status, Step::Ask, DOING).await?;
    let opened = session.queue_open(&inbox, Mode::Read).await?;
    let mut ids = Vec::new();
    for ticket in [again, opened] {
        let answer = session.connection.answer(ticket).await?;
        match answer.failure {
            Some(failure) if !is_mere_refusal(&failure) => return Err(failure),
            Some(_) => {}
            None => ids.extend(answer.untagged.into_iter().filter_map(id_of_inbox)),
        }
    }
    if ids.iter().any(|id| *id != told) {
        session.connection.manners().takes_back(Extra::FolderIds);
        found.counts.values_mut().for_each(|counts| counts.mailbox_id = None);
    }
    Ok(())
}

/// The id that an answer tells of the inbox, by STATUS or as it is opened (RFC 8474 §4): whether it can be read or not in the first
/// case.
fn id_of_inbox(answer: ServerResponse) -> Option<Option<String>> {
    match answer {
        ServerResponse::Counts(name, counts) if canonical(name.clone()) == INBOX => Some(counts.mailbox_id),
        ServerResponse::Status(_, told) if told.code.name == "MAILBOXID" => {
            as_object_id(told.code.arguments.trim_matches(['(', ')'])).map(Some)
        }
        _ => None,
    }
}

fn inbox() -> FolderRef {
    FolderRef { path: FolderPath::new(["INBOX"]), wire: WireName(INBOX.to_vec()), validity: None }
}

/// The list with everything in it; none when the server takes back that it can.
async fn extended(session: &mut ImapSession) -> Result<Option<Found>> {
    let mut options = vec!["SUBSCRIBED".to_owned()];
    if session.can("SPECIAL-USE") {
        options.push("SPECIAL-USE".to_owned());
    }
    let with_status = session.understands("LIST-STATUS", Extra::ListStatus);
    if with_status {
        // A server that takes back that it tells sizes is asked again without (`basic`).
        let sizes = if session.side == Side::Source && session.can("STATUS=SIZE") { " SIZE" } else { "" };
        options.push(format!("STATUS ({}{sizes})", items(session)));
    }
    let command = ImapCommand::new(&format!("LIST \"\" \"*\" RETURN ({})", options.join(" ")));
    let ticket = session.connection.ask(command, Step::Ask, DOING).await?;
    let answer = match session.connection.answer(ticket).await {
        Ok(answer) => answer,
        Err(failure) => {
            // At one of the folders, maybe: they are asked about by themselves, and after that more plainly.
            let extra = if with_status { Extra::ListStatus } else { Extra::ListReturn };
            session.connection.manners().takes_back(extra);
            return Err(list_broke(session, failure));
        }
    };
    if let Some(failure) = answer.failure {
        if answer.told_bad {
            session.connection.manners().takes_back(Extra::ListReturn);
        }
        return if is_mere_refusal(&failure) { Ok(None) } else { Err(failure) };
    }
    let mut found = Found::default();
    found.take(answer.untagged);
    if !with_status {
        ask_states(session, &mut found).await?;
    }
    Ok(Some(found))
}

/// What a list had told when its connection broke is kept.
fn list_broke(session: &ImapSession, failure: Failure) -> Failure {
    let told = session.connection.half_told();
    session.connection.manners().kept_list().list_broke(told, &failure);
    failure
}

/// Where connections break in every list: the folders that were told, and those that are subscribed. That others may be missing is
/// named by whoever asks [`KeptList::lacks`](super::kept_list::KeptList::lacks).
async fn broken_off(session: &mut ImapSession, told: Vec<ServerResponse>) -> Result<Found> {
    let subscribed = session.connection.ask(ImapCommand::new("LSUB \"\" \"*\""), Step::Ask, DOING).await?;
    let subscribed = session.connection.answer(subscribed).await?.untagged;
    let mut found = Found::default();
    found.take(told);
    found.take(as_listed(&subscribed));
    found.take(subscribed);
    let mut seen = BTreeSet::new();
    found.listed.retain(|folder| seen.insert(folder.name.clone()));
    ask_states(session, &mut found).await?;
    Ok(found)
}

/// What is subscribed, as a list of folders.
fn as_listed(subscribed: &[ServerResponse]) -> Vec<ServerResponse> {
    let listed = |told: &ServerResponse| match told {
        ServerResponse::Lsub(folder) => Some(ServerResponse::List(folder.clone())),
        _ => None,
    };
    subscribed.iter().filter_map(listed).collect()
}

async fn basic(session: &mut ImapSession) -> Result<Found> {
    let instead = session.connection.manners().kept_list().instead_of_a_list();
    if let Some(told) = instead.filter(|_| session.side == Side::Source) {
        return broken_off(session, told).await;
    }
    let listed = session.connection.ask(ImapCommand::new("LIST \"\" \"*\""), Step::Ask, DOING).await?;
    let subscribed = session.connection.ask(ImapCommand::new("LSUB \"\" \"*\""), Step::Ask, DOING).await?;
    let mut found = Found::default();
    let listed = match session.connection.answer(listed).await {
        Ok(listed) => listed,
        Err(failure) => return Err(list_broke(session, failure)),
    };
    // A server without LSUB (RFC 9051 dropped it) merely tells no subscriptions.
    let subscribed = session.connection.answer(subscribed).await?.untagged;
    if let Some(failure) = listed.failure {
        // What is subscribed is a list too, where there is no other; the pass says if it lacks anything that was known.
        found.take(as_listed(&subscribed));
        if !is_mere_refusal(&failure) || found.listed.is_empty() {
            return Err(failure);
        }
    }
    found.take(listed.untagged);
    found.take(subscribed);
    if found.listed.is_empty() && !session.names.prefix().is_empty() {
        // Some servers list only below a prefix they are asked for.
        let command = ImapCommand::new("LIST \"\"").string(&[session.names.prefix(), b"*"].concat())?;
        found.take(session.connection.run(command, Step::Ask, DOING).await?.untagged);
    }
    ask_states(session, &mut found).await?;
    Ok(found)
}

/// Every mailbox has an inbox (RFC 9051 §5.1), listed or not. It is left out only if the server says that there is none;
/// one that merely cannot be opened is named, so that its messages do not go missing without a word.
async fn ask_for_inbox(session: &mut ImapSession, found: &mut Found) -> Result<()> {
    let inbox = inbox();
    let items = items(session);
    let status = ImapCommand::new("STATUS").folder(&inbox.wire)?.text(&format!(" ({items})"));
    let ticket = session.connection.ask(status, Step::Ask, DOING).await?;
    take_state(session, found, INBOX.to_vec(), ticket).await?;
    if !found.counts.contains_key(INBOX) {
        let ticket = session.queue_open(&inbox, Mode::Read).await?;
        let failure = session.connection.answer(ticket).await?.failure;
        match failure {
            Some(failure) if failure.breaks_connection() => return Err(failure),
            Some(failure) if failure.cause == Cause::FolderGone => return Ok(()),
            Some(_) | None => {}
        }
    }
    let separator = session.names.separator;
    found.listed.push(Listed { attributes: Vec::new(), separator, name: INBOX.to_vec() });
    Ok(())
}

/// STATUS of each selectable folder; one that is refused has no state. A server that does not understand what it is asked for
/// is asked once more, for what RFC 3501 knows.
async fn ask_states(session: &mut ImapSession, found: &mut Found) -> Result<()> {
    let items = items(session);
    ask_for(session, found, &items).await?;
    if items != ITEMS && session.connection.manners().took_back(Extra::StatusItems) {
        ask_for(session, found, ITEMS).await?;
    }
    Ok(())
}

async fn ask_for(session: &mut ImapSession, found: &mut Found, items: &str) -> Result<()> {
    let manners = session.connection.manners();
    let wanted = found.listed.iter().filter(|l| selectable(l) && session.names.is_own(&l.name)).map(|l| l.name.clone());
    let (mut names, mut suspects) = (Vec::new(), Vec::new());
    for name in wanted.collect::<Vec<_>>() {
        let kept = manners.kept_list();
        if let Some(told) = kept.told(&name) {
            found.counts.insert(name, told);
        } else if kept.suspects(&name) {
            suspects.push(name);
        } else {
            names.push(name);
        }
    }
    suspects.retain(|name| !manners.kept_list().leaves_out(name));
    ask_some(session, found, names, items).await?;
    for name in suspects {
        ask_some(session, found, vec![name], items).await?;
    }
    Ok(())
}

/// States of these, in one flight. What was answered when the connection breaks is kept for the next try.
async fn ask_some(session: &mut ImapSession, found: &mut Found, names: Vec<Vec<u8>>, items: &str) -> Result<()> {
    let mut under_way = VecDeque::new();
    for name in names {
        if under_way.len() >= WINDOW {
            take_oldest(session, found, &mut under_way).await?;
        }
        let Ok(command) = ImapCommand::new("STATUS").folder(&WireName(name.clone())) else { continue };
        let command = command.text(&format!(" ({items})"));
        match session.connection.ask(command, Step::Ask, DOING).await {
            Ok(ticket) => under_way.push_back((name, ticket)),
            // The answers that came before it broke are still to be taken.
            Err(failure) if under_way.is_empty() => return Err(failure),
            Err(_) => break,
        }
    }
    while !under_way.is_empty() {
        take_oldest(session, found, &mut under_way).await?;
    }
    Ok(())
}

async fn take_oldest(
    session: &mut ImapSession,
    found: &mut Found,
    under_way: &mut VecDeque<(Vec<u8>, Ticket)>,
) -> Result<()> {
    let Some((name, ticket)) = under_way.pop_front() else { return Ok(()) };
    let taken = take_state(session, found, name.clone(), ticket).await;
    if taken.is_err() {
        session.connection.manners().kept_list().broke(&name, &found.counts);
    }
    taken
}

async fn take_state(session: &mut ImapSession, found: &mut Found, name: Vec<u8>, ticket: Ticket) -> Result<()> {
    let answer = session.connection.answer(ticket).await?;
    if answer.told_bad {
        session.connection.manners().takes_back(Extra::StatusItems);
    }
    if let Some(failure) = answer.failure {
        // Busy with this one folder, maybe: opening it tells.
        let mere = is_mere_refusal(&failure) || failure.cause == Cause::ServerBusy;
        return if mere { Ok(()) } else { Err(failure) };
    }
    for response in answer.untagged {
        if let ServerResponse::Counts(told, counts) = response {
            let told = canonical(told);
            // A name in another spelling than in the list: the command tells which folder was meant.
            let name = if found.listed.iter().any(|l| l.name == told) { told } else { name.clone() };
            found.counts.insert(name, counts);
        }
    }
    Ok(())
}

fn is_mere_refusal(failure: &Failure) -> bool {
    failure.cause == Cause::CommandRefused || !failure.breaks_connection()
}

fn selectable(listed: &Listed) -> bool {
    !listed.attributes.iter().any(|a| a == r"\noselect" || a == r"\nonexistent")
}

#[derive(Default)]
struct Found {
    listed: Vec<Listed>,
    subscribed: BTreeSet<Vec<u8>>,
    counts: HashMap<Vec<u8>, StatusCounts>,
}

impl Found {
    fn take(&mut self, untagged: Vec<ServerResponse>) {
        for response in untagged {
            match response {
                ServerResponse::List(mut listed) => {
                    listed.name = canonical(listed.name);
                    self.listed.push(listed);
                }
                // In LSUB, \Noselect marks the parent of a subscribed folder (RFC 3501 §6.3.9).
                ServerResponse::Lsub(listed) if selectable(&listed) => {
                    self.subscribed.insert(canonical(listed.name));
                }
                ServerResponse::Counts(name, counts) => {
                    self.counts.insert(canonical(name), counts);
                }
                _ => {}
            }
        }
    }

    fn folders(mut self, session: &ImapSession) -> Vec<ListedFolder> {
        let mut seen = BTreeSet::new();
        let listed = std::mem::take(&mut self.listed);
        let named = listed.into_iter().filter(|l| {
            let shadow = !selectable(l) && session.names.shadows_inbox(&l.name);
            !l.name.is_empty() && !shadow && seen.insert(l.name.clone())
        });
        named.map(|l| self.folder(session, l)).collect()
    }

    fn folder(&mut self, session: &ImapSession, listed: Listed) -> ListedFolder {
        let selectable = selectable(&listed);
        let counts = self.counts.remove(&listed.name).filter(|_| selectable);
        let state = counts.as_ref().and_then(|c| {
            Some(FolderState {
                uid_validity: UidValidity::new(c.uid_validity?),
                uid_next: c.uid_next,
                messages: c.messages?,
                highest_modseq: c.highest_modseq,
            })
        });
        ListedFolder {
            path: session.names.path(&listed.name, listed.separator),
            foreign: !session.names.is_own(&listed.name),
            role: listed.attributes.iter().find_map(|a| Role::from_attribute(a)),
            selectable,
            subscribed: listed.attributes.iter().any(|a| a == r"\subscribed") || self.subscribed.contains(&listed.name),
            state,
            size: counts.as_ref().and_then(|c| c.size),
            mailbox_id: counts.and_then(|c| c.mailbox_id),
            wire: WireName(listed.name),
        }
    }
}

fn canonical(name: Vec<u8>) -> Vec<u8> {
    if name.eq_ignore_ascii_case(INBOX) { INBOX.to_vec() } else { name }
}
