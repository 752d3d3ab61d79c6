//! Writing: a message is written to `tmp`, made durable, numbered, and then renamed into place; nobody ever sees a half one.
//!
//! Nothing is deleted or overwritten. Blocks; what is delivered together is made durable together.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, UNIX_EPOCH};

use super::folder::{FileEntry, FileView, is_real_folder};
use super::keywords::Keywords;
use super::names::{self, INFO};
use super::owner::{make_folder, make_folders};
use super::sight::LOOKS;
use super::trouble::{Snag, is_gone};
use crate::domain::ids::Uid;
use crate::domain::message::{Body, NewMessage};
use crate::endpoint::files::{give, sync_folder};
use crate::endpoint::uidlist::UidList;
use crate::endpoint::{FlagUpdate, spool};

const PIECE: usize = 64 * 1024;
const PARTS: [&str; 3] = ["tmp", "new", "cur"];

/// Makes the directories of a folder, and those above it.
pub(super) fn make(folder: &Path, inbox: bool) -> io::Result<()> {
    if inbox {
        make_folders(folder)?
    } else {
        make_folder(folder)?
    }
    for part in PARTS {
        make_folder(&folder.join(part))?;
    }
    if !inbox {
        // Marks a folder inside a Maildir for programs that deliver mail.
        match File::options().create_new(true).write(true).open(folder.join("maildirfolder")) {
            Ok(file) => give(&file, folder),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
        if let Some(root) = folder.parent() {
            sync_folder(root)?;
        }
    }
    sync_folder(folder)
}

/// A message on its way into a folder: written to `tmp`, to be renamed. Removed again if it does not get there.
struct Arriving {
    file: tempfile::TempPath,
    key: String,
    target: PathBuf,
}

/// Delivers messages in order. The outer failure is one of the folder, with nothing delivered; the inner ones are those of
/// single messages. Each answer is the message's number. Nothing more is placed once it is abandoned.
pub(super) fn deliver(
    folder: &Path,
    table: &mut UidList,
    messages: &[NewMessage],
    abandoned: impl Fn() -> bool,
) -> Result<Vec<io::Result<Uid>>, Snag> {
    let wanted = || match abandoned() {
        true => Err(io::Error::new(io::ErrorKind::BrokenPipe, "the session was closed")),
        false => Ok(()),
    };
    if !PARTS.iter().all(|part| is_real_folder(&folder.join(part))) {
        let text = "tmp, new and cur are not all there as folders";
        return Err(io::Error::new(io::ErrorKind::NotADirectory, text).into());
    }
    let keywords = learn(folder, table, messages)?;
    let arriving: Vec<io::Result<Arriving>> =
        messages.iter().map(|message| wanted().and_then(|()| write(folder, &keywords, message))).collect();
    let keys = || arriving.iter().flatten().map(|one| one.key.as_bytes());
    table.assign(keys(), |_| ())?;
    let numbers: Vec<u32> = keys().map(|key| table.get(key).unwrap_or(0)).collect();
    let mut numbers = numbers.into_iter();
    let place = |one: io::Result<Arriving>| {
        let one = one?;
        let number = numbers.next().unwrap_or(0);
        wanted()?;
        one.file.persist_noclobber(&one.target).map_err(|error| error.error)?;
        Ok(Uid(i64::from(number)))
    };
    let placed = arriving.into_iter().map(place).collect();
    sync_folder(&folder.join("new"))?;
    sync_folder(&folder.join("cur"))?;
    Ok(placed)
}

/// The folder's keywords, with those of these messages.
fn learn(folder: &Path, table: &UidList, messages: &[NewMessage]) -> Result<Keywords, Snag> {
    let _lock = table.lock()?;
    Ok(Keywords::taught(folder, messages.iter().map(|message| &message.flags))?)
}

fn write(folder: &Path, keywords: &Keywords, message: &NewMessage) -> io::Result<Arriving> {
    let key = names::unique(message.body.len());
    let path = folder.join("tmp").join(&key);
    let mut options = File::options();
    options.create_new(true).write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(&path)?;
    let path = tempfile::TempPath::try_from_path(path)?;
    give(&file, folder);
    match &message.body {
        Body::Memory(bytes) => file.write_all(bytes)?,
        Body::Spooled { file: from, len } => copy(from, *len, &mut file)?,
    }
    if let Some(date) = &message.date {
        let since = Duration::from_millis(date.instant.millis().unsigned_abs());
        let instant =
            if date.instant.millis() < 0 { UNIX_EPOCH.checked_sub(since) } else { UNIX_EPOCH.checked_add(since) };
        if let Some(instant) = instant {
            file.set_modified(instant)?;
        }
    }
    file.sync_all()?;
    // What nobody has looked at waits in `new`.
    let target = match message.flags.is_empty() {
        true => folder.join("new").join(&key),
        false => folder.join("cur").join(format!("{key}{INFO}{}", keywords.letters(&message.flags, b""))),
    };
    Ok(Arriving { file: path, key, target })
}

fn copy(from: &File, len: u64, to: &mut File) -> io::Result<()> {
    let (mut piece, mut at) = (vec![0; PIECE], 0);
    while at < len {
        let room = piece.len().min(usize::try_from(len - at).unwrap_or(PIECE));
        let n = spool::read_at(from, &mut piece[..room], at)?;
        to.write_all(&piece[..n])?;
        at += n as u64;
    }
    Ok(())
}

/// Changes flags by renaming; messages that are gone are passed over. Succeeds only if every other change was made.
pub(super) fn update(view: &FileView, table: &mut UidList, updates: &[FlagUpdate]) -> Result<(), Snag> {
    let folder = &view.folder;
    let keywords = {
        let _lock = table.lock()?;
        Keywords::taught(folder, updates.iter().map(|update| &update.change.add))?
    };
    let mut files = view.messages.clone();
    for update in updates {
        for uid in update.uids.iter().filter_map(|uid| u32::try_from(uid.0).ok()) {
            let mut looks = 0;
            while let Some(entry) = files.get(&uid) {
                let now = changed(&keywords, entry, update);
                if now == *entry || rename(folder, entry, &now)? {
                    files.insert(uid, now);
                    break;
                }
                if looks == LOOKS {
                    let text = "another program keeps renaming this message";
                    return Err(io::Error::new(io::ErrorKind::WouldBlock, text).into());
                }
                looks += 1;
                files = FileView::look(folder.clone(), table)?.messages;
            }
        }
    }
    Ok(sync_folder(&folder.join("cur"))?)
}

fn changed(keywords: &Keywords, entry: &FileEntry, update: &FlagUpdate) -> FileEntry {
    let before = entry.letters();
    let mut flags = crate::domain::flags::Flags::none();
    let now = keywords.flags(before);
    let removed = &update.change.remove;
    let kept = now.names().filter(|name| !removed.names().any(|gone| gone.eq_ignore_ascii_case(name)));
    for name in kept.chain(update.change.add.names()) {
        flags.add(name);
    }
    if entry.new && flags.is_empty() {
        return entry.clone();
    }
    let key = names::parts(entry.name.as_encoded_bytes()).0;
    let name = names::file_name([key, INFO.as_bytes(), keywords.letters(&flags, before).as_bytes()].concat());
    FileEntry { name, new: false }
}

/// False if the file is not where it was.
fn rename(folder: &Path, entry: &FileEntry, now: &FileEntry) -> io::Result<bool> {
    let (from, to) = (entry.path(folder), now.path(folder));
    if to.symlink_metadata().is_ok() {
        // Another program was quicker, or there are two files of one name: neither may take the other's place.
        return match from.symlink_metadata() {
            Err(error) if is_gone(&error) => Ok(false),
            _ => {
                Err(io::Error::new(io::ErrorKind::AlreadyExists, "two files of one name: their flags are not changed"))
            }
        };
    }
    match fs::rename(from, to) {
        Ok(()) => Ok(true),
        Err(error) if is_gone(&error) => Ok(false),
        Err(error) => Err(error),
    }
}
