//! One mailbox: its folders, and what is done in one of them. Everything here blocks.
//!
//! Bounded: the names of one folder (twice, while it is looked at again) and one table of numbers at a time.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use super::folder::FileView;
use super::layout::{Survey, survey};
use super::names::Style;
use super::quota::Quota;
use super::trouble::{self, Snag};
use super::{TABLE, deliver, names, subscriptions};
use crate::domain::failure::{Cause, Failure, Retry, Scope};
use crate::domain::flags::PermanentFlags;
use crate::domain::folder::{FolderPath, FolderState, ListedFolder, WireName};
use crate::domain::ids::Uid;
use crate::domain::message::NewMessage;
use crate::domain::server::MaildirLayout;
use crate::endpoint::dir::{Below, Dir};
use crate::endpoint::listed::tell_apart;
use crate::endpoint::uidlist::UidList;
use crate::endpoint::{Appended, FlagUpdate, FolderRef, Limits, NewFolder, Resources, Result};

/// Stands for "folders in folders, and no character is forbidden in a name": NUL can be in none, whatever its origin.
const SEPARATOR: char = '\0';

/// Where the numbers of messages are kept.
pub(super) enum Tables {
    /// In the folders themselves.
    Beside,
    /// In this folder, one file each.
    Apart(PathBuf),
}

/// The folder for the tables of a source mailbox.
pub(super) fn apart(numbers: &Path, root: &Path) -> PathBuf {
    numbers.join(digest(root.as_os_str().as_encoded_bytes()))
}

fn digest(name: &[u8]) -> String {
    blake3::hash(name).to_hex()[..32].to_owned()
}

/// What was said of mailboxes.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Rules {
    /// Most bytes of a message that is accepted.
    pub limit: Option<u64>,
    /// How folders lie; none: as they are seen to.
    pub layout: Option<MaildirLayout>,
}

/// A mailbox.
pub(super) struct Mailbox {
    root: Below,
    pub(super) tables: Tables,
    rules: Rules,
    pub resources: Resources,
    /// How its folders are called, as it was looked at last.
    style: Mutex<Arc<Style>>,
    /// The table used last.
    table: Mutex<Option<(WireName, UidList)>>,
    /// The last look at a folder.
    pub recent: Mutex<Option<(WireName, Arc<FileView>)>>,
    /// Nobody waits for answers any more.
    abandoned: AtomicBool,
}

impl Mailbox {
    /// Nothing is looked at yet.
    pub fn new(root: Below, tables: Tables, rules: Rules, resources: Resources) -> Self {
        Self {
            root,
            tables,
            rules,
            resources,
            style: Mutex::default(),
            table: Mutex::default(),
            recent: Mutex::default(),
            abandoned: AtomicBool::new(false),
        }
    }

    /// Whether anything has its name.
    pub fn is_there(&self) -> bool {
        !matches!(self.root.open(), Err(error) if error.kind() == io::ErrorKind::NotFound)
    }

    /// How its folders are called.
    pub fn style(&self) -> Arc<Style> {
        Arc::clone(&self.style.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// The folders there are, without a look into them.
    fn survey(&self, root: &Dir) -> io::Result<Vec<WireName>> {
        let Survey { style, wires } = survey(root, self.rules.layout)?;
        *self.style.lock().unwrap_or_else(PoisonError::into_inner) = Arc::new(style);
        Ok(wires)
    }

    /// Whether there is a mailbox to be read.
    pub fn check_source(&self) -> Result<()> {
        let doing = format!("opening the Maildir {}", self.root.path().display());
        let refused = |error: io::Error| trouble::mailbox(&doing, &error.to_string());
        let root = self.root.open().map_err(refused)?;
        if self.survey(&root).map_err(refused)?.is_empty() {
            return Err(trouble::mailbox(&doing, "there is no Maildir (neither cur nor new, nor folders with them)"));
        }
        if let Tables::Apart(folder) = &self.tables {
            let mut builder = fs::DirBuilder::new();
            #[cfg(unix)]
            std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
            let made = builder.recursive(true).create(folder);
            made.map_err(|error| trouble::workspace(&error, "making the folder for message numbers"))?;
        }
        Ok(())
    }

    /// Whether there is a mailbox, or a place where one can be made. Makes nothing.
    pub fn check_destination(&self) -> Result<()> {
        let doing = format!("opening the Maildir {}", self.root.path().display());
        match self.root.open().and_then(|root| self.survey(&root)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(trouble::mailbox(&doing, &error.to_string()));
            }
            _ => {}
        }
        let nearest = self.root.path().ancestors().find_map(|folder| Some((folder, folder.metadata().ok()?)));
        match nearest {
            Some((_, metadata)) if metadata.is_dir() && !metadata.permissions().readonly() => Ok(()),
            Some((folder, metadata)) => {
                let what = if metadata.is_dir() { "may not be written" } else { "is no folder" };
                Err(trouble::mailbox(&doing, &format!("{} {what}", folder.display())))
            }
            None => Err(trouble::mailbox(&doing, "there is no such place")),
        }
    }

    /// The session is gone. A delivery that has begun stops before its next message: whoever looks for what landed must
    /// not be followed by it.
    pub fn abandon(&self) {
        self.abandoned.store(true, Ordering::Relaxed);
    }

    pub fn limits(&self) -> Limits {
        Limits { message_bytes: self.rules.limit, tells_uids: true, batch: 1, separator: Some(SEPARATOR) }
    }

    /// Does something with a folder's place and table.
    pub fn at<T>(
        &self,
        wire: &WireName,
        doing: &str,
        act: impl FnOnce(Dir, &mut UidList) -> std::result::Result<T, Snag>,
    ) -> Result<T> {
        let refused = |error: io::Error| trouble::folder(&error, doing);
        let folder = self.folder(wire).map_err(refused)?;
        let beside = match &self.tables {
            Tables::Beside => (folder.clone(), TABLE.to_owned()),
            Tables::Apart(tables) => {
                let dir = Dir::trusted(tables);
                // No trouble of the mailbox: as one of its own it would read as if the folder were gone.
                let workspace = |error| trouble::workspace(&error, "numbering the messages of a Maildir");
                (dir.map_err(workspace)?, digest(&wire.0))
            }
        };
        let mut held = self.table.lock().unwrap_or_else(PoisonError::into_inner);
        if held.as_ref().is_none_or(|(of, _)| of != wire) {
            *held = Some((wire.clone(), UidList::new(beside.0.clone(), beside.1)));
        }
        match held.as_mut() {
            Some((_, table)) => {
                table.lies_in(beside.0);
                act(folder, table).map_err(|snag| match (snag, &self.tables) {
                    (Snag::Table(error), Tables::Apart(_)) => {
                        trouble::workspace(&error, "numbering the messages of a Maildir")
                    }
                    (Snag::Table(error) | Snag::Folder(error), _) => refused(error),
                })
            }
            None => Err(trouble::closed(doing)),
        }
    }

    /// Opens a folder, from the part of the path on that nobody but an administrator can change.
    fn folder(&self, wire: &WireName) -> io::Result<Dir> {
        names::steps(wire)?.iter().try_fold(self.root.open()?, |dir, step| dir.folder(step))
    }

    /// The folders there are, without a look into them; none where the mailbox is still to be made.
    pub fn wires(&self) -> Result<Vec<WireName>> {
        let refused = |error: io::Error| trouble::mailbox("listing folders", &error.to_string());
        match self.root.open() {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
            root => self.survey(&root.map_err(refused)?).map_err(refused),
        }
    }

    pub fn list(&self) -> Result<Vec<ListedFolder>> {
        let doing = "listing folders";
        let wires = self.wires()?;
        if wires.is_empty() {
            return Ok(vec![not_yet(&self.style())]);
        }
        let layout = self.style().layout;
        let subscribed = self.root.open().and_then(|root| subscriptions::read(&root, layout)).unwrap_or_else(|error| {
            tracing::warn!(%error, "subscriptions not read");
            BTreeSet::new()
        });
        let mut folders = Vec::with_capacity(wires.len());
        for wire in wires {
            // What cannot be looked at is listed without a state: opening it tells why.
            let looked = self.at(&wire, doing, FileView::look);
            let selectable = !matches!(&looked, Err(failure) if failure.cause == Cause::FolderGone);
            if let Err(failure) = &looked
                && failure.breaks_connection()
            {
                return Err(failure.clone());
            }
            folders.push(ListedFolder {
                path: names::path(&wire),
                foreign: false,
                role: None,
                selectable,
                subscribed: subscribed.contains(&wire),
                state: looked.ok().map(|view| view.state()),
                size: None,
                mailbox_id: None,
                wire,
            });
        }
        tell_apart(&mut folders);
        Ok(folders)
    }

    pub fn examine(&self, folder: &FolderRef) -> Result<FolderState> {
        Ok(self.look(folder, &format!("opening folder \"{}\"", folder.path))?.state())
    }

    pub fn create(&self, folders: &[NewFolder]) -> Result<Vec<Result<WireName>>> {
        let mut answers = Vec::with_capacity(folders.len());
        let style = self.style();
        for folder in folders {
            let wire = names::wire(&folder.path, &style);
            let made = if folder.plain_parent { Ok(()) } else { self.make(&wire, &folder.path.to_string()) };
            if let Err(failure) = &made
                && failure.breaks_connection()
            {
                return Err(failure.clone());
            }
            answers.push(made.map(|()| wire));
        }
        Ok(answers)
    }

    fn make(&self, wire: &WireName, shown: &str) -> Result<()> {
        let doing = format!("creating folder \"{shown}\"");
        let refused = |error: io::Error| match trouble::folder(&error, &doing) {
            failure if failure.scope == Scope::Folder => {
                Failure { cause: Cause::FolderRefused, retry: Retry::User, ..failure }
            }
            failure => failure,
        };
        let steps = names::steps(wire).map_err(refused)?;
        let root = match self.style().inbox.0.as_slice() {
            names::INBOX => deliver::make_inbox(&self.root),
            // The root holds folders only.
            _ => self.root.make(),
        };
        deliver::make(&root.map_err(refused)?, &steps, self.style().layout).map_err(refused)?;
        // From now on its UIDVALIDITY stands.
        self.at(wire, &doing, |_, table| Ok(table.assign(std::iter::empty(), |_| ())?))
    }

    pub fn open(&self, folders: &[FolderRef]) -> Result<Vec<Result<(FolderState, PermanentFlags)>>> {
        let open = |folder: &FolderRef| {
            if folder.path.is_inbox() {
                self.make(&folder.wire, "INBOX")?;
            }
            let view = self.look(folder, &format!("opening folder \"{}\"", folder.path))?;
            Ok((view.state(), view.keywords.permanent()))
        };
        let opened: Vec<Result<_>> = folders.iter().map(open).collect();
        match opened.iter().find_map(|one| one.as_ref().err().filter(|failure| failure.breaks_connection())) {
            Some(failure) => Err(failure.clone()),
            None => Ok(opened),
        }
    }

    /// Delivers messages to one folder, in order; one answer each.
    pub fn deliver(&self, folder: &FolderRef, messages: &[NewMessage], doing: &str) -> Vec<Result<Appended>> {
        let quota = self.root.open().map(|root| Quota::of(root, &folder.wire));
        let delivered = self.at(&folder.wire, doing, |dir, table| {
            if table.validity.is_none() {
                table.assign(std::iter::empty(), |_| ())?;
            }
            if folder.validity.is_some() && folder.validity != table.validity {
                return Ok(None);
            }
            let abandoned = || self.abandoned.load(Ordering::Relaxed);
            let placed = deliver::deliver(&dir, table, messages, quota?, abandoned)?;
            Ok(Some((table.validity, placed)))
        });
        match delivered {
            Ok(Some((validity, placed))) if folder.validity.is_none() || validity == folder.validity => {
                let answer = |one: io::Result<Uid>| match one {
                    Ok(uid) => Ok(Appended { at: validity.map(|validity| (validity, uid)) }),
                    Err(error) => Err(trouble::folder(&error, doing)),
                };
                placed.into_iter().map(answer).collect()
            }
            Ok(_) => messages.iter().map(|_| Err(trouble::changed(doing))).collect(),
            Err(failure) => messages.iter().map(|_| Err(failure.clone())).collect(),
        }
    }

    pub fn update_flags(&self, folder: &FolderRef, updates: &[FlagUpdate]) -> Result<()> {
        let doing = format!("changing flags in folder \"{}\"", folder.path);
        let view = self.look(folder, &doing)?;
        self.at(&folder.wire, &doing, |_, table| deliver::update(&view, table, updates))
    }

    /// Subscribes folders; one answer each.
    pub fn subscribe(&self, folders: &[WireName]) -> Vec<Result<()>> {
        if folders.is_empty() {
            return Vec::new();
        }
        let add = self.root.make().and_then(|root| subscriptions::add(&root, self.style().layout, folders));
        let done = add.map_err(|error| trouble::folder(&error, "subscribing a folder"));
        folders.iter().map(|_| done.clone()).collect()
    }
}

/// The inbox of a mailbox that will be made.
fn not_yet(style: &Style) -> ListedFolder {
    let path = FolderPath::new(["INBOX"]);
    let wire = names::wire(&path, style);
    let (foreign, role, selectable) = (false, None, true);
    ListedFolder { path, wire, foreign, role, selectable, subscribed: false, state: None, size: None, mailbox_id: None }
}
