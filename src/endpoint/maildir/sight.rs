//! Finding messages by their numbers in a folder in which other programs rename files.
//!
//! Blocks. Bounded: the names of one folder, twice while it is looked at again.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError};

use super::folder::{FileEntry, FileView};
use super::mailbox::Mailbox;
use super::trouble;
use crate::domain::folder::WireName;
use crate::domain::ids::Uid;
use crate::endpoint::{FolderRef, Result, Which};

/// How often a message that is listed and not found under its name is looked for: other programs rename what they flag.
pub(super) const LOOKS: usize = 5;

/// Which messages are asked for, and in the course of what.
#[derive(Clone, Copy)]
pub(super) struct Lookup<'a> {
    pub folder: &'a FolderRef,
    pub which: &'a Which,
    pub doing: &'a str,
}

/// A look at a folder, to find messages by.
pub(super) struct MaildirSight {
    pub view: Arc<FileView>,
    /// Whether a message that is not in it is gone.
    pub fresh: bool,
}

impl MaildirSight {
    /// The numbers to look for, ascending.
    pub fn wanted(&self, which: &Which) -> Vec<u32> {
        match which {
            Which::These(uids) => uids.iter().filter_map(|uid| u32::try_from(uid.0).ok()).collect(),
            Which::Range(first, end) => {
                let number = |uid: &Uid| u32::try_from(uid.0.max(0)).unwrap_or(u32::MAX);
                let (first, end) = (number(first), number(end));
                let window = self.view.messages.range(first..end.max(first));
                window.map(|(number, _)| *number).collect()
            }
            which => {
                let all = self.view.messages.keys().copied();
                all.filter(|number| which.includes(Uid(i64::from(*number)))).collect()
            }
        }
    }
}

impl Mailbox {
    /// A folder as it is now.
    pub fn look(&self, folder: &FolderRef, doing: &str) -> Result<Arc<FileView>> {
        let view = Arc::new(self.at(&folder.wire, doing, FileView::look)?);
        if folder.validity.is_some() && folder.validity != view.validity {
            return Err(trouble::changed(doing));
        }
        let mut recent = self.recent.lock().unwrap_or_else(PoisonError::into_inner);
        *recent = Some((folder.wire.clone(), Arc::clone(&view)));
        Ok(view)
    }

    /// Where to look for messages first. For messages that are named and for windows of a folder that is open the last look
    /// at it will do: listing a large folder for every few of them takes longer than reading them. A miss then asks for a
    /// fresh look.
    pub fn sight(&self, lookup: Lookup<'_>) -> Result<MaildirSight> {
        let Lookup { folder, which, doing } = lookup;
        let recent = self.recent.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let usable = |(wire, view): &(WireName, Arc<FileView>)| {
            *wire == folder.wire && (folder.validity.is_none() || folder.validity == view.validity)
        };
        match recent.filter(usable) {
            Some((_, view)) if matches!(which, Which::These(_) | Which::Range(..)) => {
                Ok(MaildirSight { view, fresh: false })
            }
            _ => Ok(MaildirSight { view: self.look(folder, doing)?, fresh: true }),
        }
    }

    /// Does something with the file of each of these messages, in their order. `act` answers none for a file that is not
    /// under its name: the folder is looked at again, until the message is found or no longer there.
    pub fn each<T>(
        &self,
        lookup: Lookup<'_>,
        mut sight: MaildirSight,
        mut act: impl FnMut(&FileView, u32, &FileEntry) -> Result<Option<T>>,
    ) -> Result<Vec<T>> {
        let Lookup { folder, which, doing } = lookup;
        let mut left = sight.wanted(which);
        let mut found = BTreeMap::new();
        for _ in 0..LOOKS {
            let mut missed = Vec::new();
            for number in left {
                let done = match sight.view.messages.get(&number) {
                    Some(entry) => act(&sight.view, number, entry)?,
                    None if sight.fresh => continue,
                    None => None,
                };
                match done {
                    Some(done) => drop(found.insert(number, done)),
                    None => missed.push(number),
                }
            }
            if missed.is_empty() {
                return Ok(found.into_values().collect());
            }
            left = missed;
            sight = MaildirSight { view: self.look(folder, doing)?, fresh: true };
        }
        match left.iter().any(|number| sight.view.messages.contains_key(number)) {
            true => Err(trouble::restless(doing)),
            false => Ok(found.into_values().collect()),
        }
    }
}
