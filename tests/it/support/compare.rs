//! Compares mailboxes: what was moved must be there once, unaltered, in order, and nothing else.
//!
//! Differences come as readable lines; the asserting functions print at most [`SHOWN`] of them.

use std::collections::BTreeMap;

use super::imap::{Imap, Stored};

/// More lines help nobody.
const SHOWN: usize = 40;

/// A folder as it was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Folder {
    /// Whether it is subscribed.
    pub subscribed: bool,
    /// Attributes as listed.
    pub attributes: Vec<String>,
    /// In UID order.
    pub messages: Vec<Stored>,
}

/// A mailbox as it was found: folders that hold messages, by their Unicode name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mailbox {
    /// The folders.
    pub folders: BTreeMap<String, Folder>,
}

impl Mailbox {
    /// Looks at everything a user has. Nothing is marked.
    pub fn read(imap: &mut Imap) -> Mailbox {
        let listing = imap.list();
        let folders = super::corpus::selectable(&listing).map(|folder| {
            let messages = imap.fetch_all(&folder.wire);
            (
                folder.name.clone(),
                Folder { subscribed: folder.subscribed, attributes: folder.attributes.clone(), messages },
            )
        });
        Mailbox { folders: folders.collect() }
    }

    /// Number of messages.
    pub fn count(&self) -> usize {
        self.folders.values().map(|folder| folder.messages.len()).sum()
    }
}

/// What differs, given which source folder is which destination folder.
pub fn differences(source: &Mailbox, destination: &Mailbox, names: &[(String, String)]) -> Vec<String> {
    let mut found = folder_differences(source, destination, names);
    for (from, to) in names {
        let (Some(from_folder), Some(to_folder)) = (source.folders.get(from), destination.folders.get(to)) else {
            continue;
        };
        if from_folder.subscribed != to_folder.subscribed {
            let (was, is) = (from_folder.subscribed, to_folder.subscribed);
            found.push(format!("{to:?}: subscribed is {is}, was {was}"));
        }
        let counts = count_differences(to, &from_folder.messages, &to_folder.messages);
        if !counts.is_empty() {
            found.extend(counts);
            continue;
        }
        for (position, (was, is)) in from_folder.messages.iter().zip(&to_folder.messages).enumerate() {
            let at = format!("{to:?} message {} ({})", position + 1, subject(was));
            if was.sha256 != is.sha256 {
                found.push(format!("{at}: other order, {} stands here", subject(is)));
                break;
            }
            if was.flags != is.flags {
                found.push(format!("{at}: flags are {:?}, were {:?}", is.flags, was.flags));
            }
            if was.instant != is.instant {
                found.push(format!("{at}: date is {:?}, was {:?}", is.date, was.date));
            }
        }
    }
    found
}

/// Whether messages were lost, doubled or altered, and nothing else.
pub fn losses(source: &Mailbox, destination: &Mailbox, names: &[(String, String)]) -> Vec<String> {
    let nothing = Vec::new();
    let of = |mailbox: &'_ Mailbox, name: &String| mailbox.folders.get(name).map(|folder| folder.messages.clone());
    names
        .iter()
        .flat_map(|(from, to)| {
            let was = of(source, from).unwrap_or_else(|| nothing.clone());
            count_differences(to, &was, &of(destination, to).unwrap_or_else(|| nothing.clone()))
        })
        .collect()
}

/// The two mailboxes are equal: folders, bytes, order, flags, keywords, dates, subscriptions.
pub fn assert_equal(source: &Mailbox, destination: &Mailbox, names: &[(String, String)]) {
    report(&differences(source, destination, names));
}

/// Every message of the source is at the destination as often as at the source.
pub fn assert_nothing_lost_or_doubled(source: &Mailbox, destination: &Mailbox, names: &[(String, String)]) {
    report(&losses(source, destination, names));
}

/// Nothing happened to a mailbox between two looks: the same messages under the same numbers.
pub fn assert_unchanged(before: &Mailbox, after: &Mailbox) {
    assert_equal(before, after, &same_names(before));
    for (name, folder) in &before.folders {
        assert_eq!(folder.messages, after.folders[name].messages, "{name}");
    }
}

/// Every folder under its own name: for two servers of one layout.
pub fn same_names(source: &Mailbox) -> Vec<(String, String)> {
    source.folders.keys().map(|name| (name.clone(), name.clone())).collect()
}

fn report(found: &[String]) {
    let shown = &found[..found.len().min(SHOWN)];
    assert!(found.is_empty(), "{} differences:\n  {}", found.len(), shown.join("\n  "));
}

fn folder_differences(source: &Mailbox, destination: &Mailbox, names: &[(String, String)]) -> Vec<String> {
    let mut found = Vec::new();
    for name in source.folders.keys().filter(|name| !names.iter().any(|(from, _)| from == *name)) {
        found.push(format!("{name:?} at the source is not in the table of names"));
    }
    for (_, to) in names.iter().filter(|(_, to)| !destination.folders.contains_key(to)) {
        found.push(format!("{to:?} is missing at the destination"));
    }
    for name in destination.folders.keys().filter(|name| !names.iter().any(|(_, to)| to == *name)) {
        found.push(format!("{name:?} at the destination was not expected"));
    }
    found
}

fn count_differences(folder: &str, was: &[Stored], is: &[Stored]) -> Vec<String> {
    let mut balance: BTreeMap<&str, (i64, &Stored)> = BTreeMap::new();
    for message in was {
        balance.entry(&message.sha256).or_insert((0, message)).0 -= 1;
    }
    for message in is {
        balance.entry(&message.sha256).or_insert((0, message)).0 += 1;
    }
    balance
        .values()
        .filter(|(surplus, _)| *surplus != 0)
        .map(|(surplus, message)| {
            let what = if *surplus < 0 { "missing" } else { "too many" };
            format!("{folder:?}: {} {what}: {}, {} bytes", surplus.abs(), subject(message), message.bytes.len())
        })
        .collect()
}

/// Something to recognise a message by.
fn subject(message: &Stored) -> String {
    let text = String::from_utf8_lossy(&message.bytes[..message.bytes.len().min(4000)]).into_owned();
    let line = text.lines().find(|line| line.starts_with("Subject:")).or_else(|| text.lines().next());
    line.unwrap_or_default().chars().take(60).collect()
}
