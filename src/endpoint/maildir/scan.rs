//! What is told of the messages of a folder: numbers, flags, sizes, dates, headers. Blocks, as all of a mailbox does.

use super::folder::{FileEntry, FileView};
use super::mailbox::{Mailbox, Tables};
use super::sight::{Lookup, MaildirSight};
use super::{read, trouble};
use crate::domain::failure::{Cause, Failure, Retry, Scope};
use crate::domain::ids::Uid;
use crate::domain::message::{MessageHeader, MessageMeta};
use crate::domain::time::Timestamp;
use crate::endpoint::dir::{Kind, Seen};
use crate::endpoint::{FolderRef, Result, Which, date};

impl Mailbox {
    pub fn scan(&self, folder: &FolderRef, which: &Which, dates: bool) -> Result<Vec<MessageMeta>> {
        let doing = format!("scanning folder \"{}\"", folder.path);
        let lookup = Lookup { folder, which, doing: &doing };
        // Flags are told, so they must be those of now, or of when the folder was opened.
        let sight = match which {
            Which::Range(..) => self.sight(lookup)?,
            Which::All | Which::From(_) | Which::Before(_) | Which::These(_) => {
                MaildirSight { view: self.look(folder, &doing)?, fresh: true }
            }
        };
        self.each(lookup, sight, |view, number, entry| {
            let seen = match view.folder.seen(entry) {
                Err(error) if trouble::is_gone(&error) => return Ok(None),
                looked => looked.map_err(|error| trouble::folder(&error, &doing))?,
            };
            let size = view.size(entry, seen.len);
            let date = if dates { of_file(&seen) } else { None };
            Ok(Some(MessageMeta { uid: Uid(i64::from(number)), flags: Some(view.flags(entry)), size, date }))
        })
    }

    /// Messages that are there and cannot be read are left out at a source: reading them tells why. At a destination
    /// nobody could tell then whether they are copies, so nothing may be written: the folder fails. What is no plain file
    /// is no copy of anything.
    pub fn headers(&self, folder: &FolderRef, which: &Which) -> Result<Vec<MessageHeader>> {
        let doing = format!("reading headers in folder \"{}\"", folder.path);
        let header = |view: &FileView, number: u32, entry: &FileEntry| {
            let uid = Uid(i64::from(number));
            match read::header(&view.folder, entry, &doing) {
                Ok(None) => Ok(None),
                Ok(Some((header, size))) => {
                    let size = view.size(entry, size);
                    Ok(Some(Some(MessageHeader { uid, size, header })))
                }
                Err(failure) if failure.scope > Scope::Message => Err(failure),
                Err(failure) => {
                    let plain = view.folder.seen(entry).is_ok_and(|seen| seen.kind == Kind::File);
                    if matches!(self.tables, Tables::Beside) && plain {
                        let (cause, scope) = (Cause::CommandRefused, Scope::Folder);
                        return Err(Failure { cause, scope, retry: Retry::User, ..failure });
                    }
                    Ok(Some(None))
                }
            }
        };
        let lookup = Lookup { folder, which, doing: &doing };
        let sight = self.sight(lookup)?;
        Ok(self.each(lookup, sight, header)?.into_iter().flatten().collect())
    }
}

/// A file's time as a message's date.
pub(super) fn of_file(seen: &Seen) -> Option<crate::domain::message::InternalDate> {
    let milliseconds = match seen.modified?.duration_since(std::time::UNIX_EPOCH) {
        Ok(since) => i64::try_from(since.as_millis()).ok()?,
        Err(before) => -i64::try_from(before.duration().as_millis()).ok()?,
    };
    date::of_instant(Timestamp::from_millis(milliseconds))
}
