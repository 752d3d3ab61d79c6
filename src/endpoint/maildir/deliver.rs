//! Writing: a message is written to `tmp`, made durable, numbered, and then renamed into place; nobody ever sees a half one.
//!
//! Nothing is deleted or overwritten. Blocks; what is delivered together is made durable together.

use std::ffi::{OsStr, OsString};
use std::io::{self, Write};
use std::time::{Duration, UNIX_EPOCH};

use super::folder::{FileEntry, FileView, Folder};
use super::keywords::Keywords;
use super::lines::{OddEnds, Sizes, Unix};
use super::names::{self, INFO, PARTS};
use super::quota::Quota;
use super::sight::LOOKS;
use super::trouble::{Snag, is_gone};
use crate::domain::ids::Uid;
use crate::domain::message::{Body, NewMessage};
use crate::domain::server::MaildirLayout;
use crate::endpoint::dir::{Below, Dir, NewFile};
use crate::endpoint::uidlist::UidList;
use crate::endpoint::{FlagUpdate, spool};

const PIECE: usize = 64 * 1024;
/// Makes the inbox, and the folders above it.
pub(super) fn make_inbox(root: &Below) -> io::Result<Dir> {
    let dir = root.make()?;
    make_parts(&dir)?;
    Ok(dir)
}

/// Makes the folder that these steps lead to; none lead to the inbox, which is there.
pub(super) fn make(root: &Dir, steps: &[OsString], layout: MaildirLayout) -> io::Result<()> {
    let Some((name, above)) = steps.split_last() else { return Ok(()) };
    let above = above.iter().try_fold(root.clone(), |dir, step| dir.make_folder(step))?;
    let dir = above.make_folder(name)?;
    make_parts(&dir)?;
    if layout == MaildirLayout::PlusPlus {
        // Marks a folder inside a Maildir for programs that deliver mail.
        let mark = OsStr::new("maildirfolder");
        if dir.look(mark).is_err() {
            dir.create(mark)?.keep();
        }
    }
    above.sync()?;
    dir.sync()
}

fn make_parts(dir: &Dir) -> io::Result<()> {
    for part in PARTS {
        dir.make_folder(OsStr::new(part))?;
    }
    dir.sync()
}

/// A message on its way into a folder: written to `tmp`, to be renamed.
struct Arriving<'a> {
    file: NewFile,
    /// Bytes of it.
    len: u64,
    key: String,
    to: &'a Dir,
    name: OsString,
}

/// The three directories of a folder that messages are delivered to.
struct Parts {
    tmp: Dir,
    new: Dir,
    cur: Dir,
}

impl Parts {
    fn open(dir: &Dir) -> io::Result<Self> {
        let part = |name: &str| {
            dir.folder(OsStr::new(name)).map_err(|error| match error.kind() {
                io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => {
                    let text = "tmp, new and cur are not all there as folders";
                    io::Error::new(io::ErrorKind::NotADirectory, text)
                }
                _ => error,
            })
        };
        Ok(Self { tmp: part("tmp")?, new: part("new")?, cur: part("cur")? })
    }
}

/// Delivers messages in order. The outer failure is one of the folder, with nothing delivered; the inner ones are those of
/// single messages. Each answer is the message's number. Nothing more is placed once it is abandoned.
pub(super) fn deliver(
    folder: &Dir,
    table: &mut UidList,
    messages: &[NewMessage],
    mut quota: Quota,
    abandoned: impl Fn() -> bool,
) -> Result<Vec<io::Result<Uid>>, Snag> {
    let wanted = || match abandoned() {
        true => Err(io::Error::new(io::ErrorKind::BrokenPipe, "the session was closed")),
        false => Ok(()),
    };
    let parts = Parts::open(folder)?;
    let keywords = learn(folder, table, messages)?;
    let mut arrive = |message| {
        wanted()?;
        let arriving = write(&parts, &keywords, message)?;
        quota.take(arriving.len).map(|()| arriving)
    };
    let arriving: Vec<io::Result<Arriving<'_>>> = messages.iter().map(&mut arrive).collect();
    let keys = || arriving.iter().flatten().map(|one| one.key.as_bytes());
    table.assign(keys(), |_| ())?;
    let numbers: Vec<u32> = keys().map(|key| table.get(key).unwrap_or(0)).collect();
    let mut numbers = numbers.into_iter();
    let place = |one: io::Result<Arriving<'_>>| {
        let one = one?;
        let number = numbers.next().unwrap_or(0);
        wanted()?;
        one.file.place(one.to, &one.name)?;
        Ok(Uid(i64::from(number)))
    };
    let placed = arriving.into_iter().map(place).collect();
    parts.new.sync()?;
    parts.cur.sync()?;
    quota.write();
    Ok(placed)
}

/// The folder's keywords, with those of these messages.
fn learn(folder: &Dir, table: &UidList, messages: &[NewMessage]) -> Result<Keywords, Snag> {
    let _lock = table.lock()?;
    Ok(Keywords::taught(folder, messages.iter().map(|message| &message.flags))?)
}

fn write<'a>(parts: &'a Parts, keywords: &Keywords, message: &NewMessage) -> io::Result<Arriving<'a>> {
    let unique = names::unique();
    let mut new = parts.tmp.create(OsStr::new(&unique))?;
    let file = new.file();
    let mut looked = OddEnds::default();
    each(&message.body, |piece| {
        looked.push(piece);
        Ok(())
    })?;
    let (mut lines, mut sizes) = (Unix::after(&looked), Sizes::default());
    let mut out = Vec::with_capacity(PIECE + 1);
    each(&message.body, |piece| {
        out.clear();
        lines.push(piece, &mut out);
        sizes.count(&out);
        file.write_all(&out)
    })?;
    out.clear();
    lines.end(&mut out);
    sizes.count(&out);
    file.write_all(&out)?;
    let key = names::sized(&unique, sizes.file, sizes.message);
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
    let (to, name) = match message.flags.is_empty() {
        true => (&parts.new, key.clone()),
        false => (&parts.cur, format!("{key}{INFO}{}", keywords.letters(&message.flags, b""))),
    };
    Ok(Arriving { file: new, len: sizes.file, key, to, name: name.into() })
}

/// Hands out a body piece by piece.
fn each(body: &Body, mut take: impl FnMut(&[u8]) -> io::Result<()>) -> io::Result<()> {
    let (from, len) = match body {
        Body::Memory(bytes) => return bytes.chunks(PIECE).try_for_each(take),
        Body::Spooled { file, len } => (file, *len),
    };
    let (mut piece, mut at) = (vec![0; PIECE], 0);
    while at < len {
        let room = piece.len().min(usize::try_from(len - at).unwrap_or(PIECE));
        let n = spool::read_at(from, &mut piece[..room], at)?;
        take(&piece[..n])?;
        at += n as u64;
    }
    Ok(())
}

/// Changes flags by renaming; messages that are gone are passed over. Succeeds only if every other change was made.
pub(super) fn update(view: &FileView, table: &mut UidList, updates: &[FlagUpdate]) -> Result<(), Snag> {
    let keywords = {
        let _lock = table.lock()?;
        Keywords::taught(&view.folder.dir, updates.iter().map(|update| &update.change.add))?
    };
    let (mut folder, mut files) = (view.folder.clone(), view.messages.clone());
    for update in updates {
        for uid in update.uids.iter().filter_map(|uid| u32::try_from(uid.0).ok()) {
            let mut looks = 0;
            while let Some(entry) = files.get(&uid) {
                let now = changed(&keywords, entry, update);
                if now == *entry || rename(&folder, entry, &now)? {
                    files.insert(uid, now);
                    break;
                }
                if looks == LOOKS {
                    let text = "another program keeps renaming this message";
                    return Err(io::Error::new(io::ErrorKind::WouldBlock, text).into());
                }
                looks += 1;
                let again = FileView::look(folder.dir, table)?;
                (folder, files) = (again.folder, again.messages);
            }
        }
    }
    Ok(folder.sync_cur()?)
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
fn rename(folder: &Folder, entry: &FileEntry, now: &FileEntry) -> io::Result<bool> {
    match folder.of(entry)?.rename(&entry.name, folder.of(now)?, &now.name) {
        Ok(()) => Ok(true),
        // Another program was quicker, or there are two files of one name: neither may take the other's place.
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => match folder.seen(entry) {
            Err(error) if is_gone(&error) => Ok(false),
            _ => {
                Err(io::Error::new(io::ErrorKind::AlreadyExists, "two files of one name: their flags are not changed"))
            }
        },
        Err(error) if is_gone(&error) => Ok(false),
        Err(error) => Err(error),
    }
}
