//! Reading files: messages in CRLF form (D15), never through a symbolic link, never from anything but a plain file.
//!
//! Blocks; bounded by what is asked for.

#![deny(clippy::indexing_slicing, clippy::string_slice, reason = "it reads what strangers wrote")]

use std::fs::File;
use std::io::{self, Read, Write};
use std::sync::Arc;

use bytes::Bytes;

use super::folder::{FileEntry, Folder};
use super::lines::{Canonical, canonical};
use super::sealed::{LONGEST, is_sealed};
use super::trouble;
use crate::domain::failure::Failure;
use crate::domain::header::{HEADER_LIMIT, header_of};
use crate::domain::message::Body;
use crate::endpoint::dir::Seen;
use crate::endpoint::{Resources, spool};

/// Largest file kept in memory (D20).
pub(super) const IN_MEMORY: u64 = 1024 * 1024;
const PIECE: usize = 64 * 1024;

/// Opens a message's file; none if it is not under its name (any more).
pub(super) fn open(folder: &Folder, entry: &FileEntry, doing: &str) -> Result<Option<(File, Seen)>, Failure> {
    unless_gone(folder.of(entry).and_then(|dir| dir.open_plain(&entry.name)), doing)
}

/// None for a file that is not under its name (any more): renamed, or gone.
pub(super) fn unless_gone<T>(result: io::Result<T>, doing: &str) -> Result<Option<T>, Failure> {
    match result {
        Ok(found) => Ok(Some(found)),
        Err(error) if trouble::is_gone(&error) => Ok(None),
        Err(error) => Err(trouble::message(&error, doing)),
    }
}

/// Refuses what only the server that stored it can read.
fn unsealed(start: &[u8], doing: &str) -> Result<(), Failure> {
    if !is_sealed(start) {
        return Ok(());
    }
    let text = "stored compressed or encrypted; move it over IMAP";
    Err(trouble::message(&io::Error::new(io::ErrorKind::InvalidData, text), doing))
}

fn grown() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, "the file grew while it was read")
}

/// Largest message: no server takes more than IMAP can say (RFC 9051 §9, number).
const LARGEST: u64 = u32::MAX as u64;

/// Reads a message of up to `expected` bytes into memory, a larger one into the spool. None if it is not there.
pub(super) fn body(mut file: File, expected: u64, resources: &Resources, doing: &str) -> Result<Option<Body>, Failure> {
    if expected > LARGEST {
        let text = format!("the file has {expected} bytes, more than a message can have");
        return Err(trouble::message(&io::Error::new(io::ErrorKind::InvalidData, text), doing));
    }
    if expected <= IN_MEMORY {
        let mut bytes = Vec::with_capacity(usize::try_from(expected).unwrap_or(0) + 1);
        let read = (&mut file).take(expected + 1).read_to_end(&mut bytes);
        if unless_gone(read, doing)?.is_none() {
            return Ok(None);
        }
        if bytes.len() as u64 > expected {
            return Err(trouble::message(&grown(), doing));
        }
        unsealed(&bytes, doing)?;
        resources.meter.add(bytes.len() as u64);
        return Ok(Some(Body::Memory(Bytes::from(canonical(bytes)))));
    }
    let mut start = Vec::with_capacity(LONGEST);
    if unless_gone((&mut file).take(LONGEST as u64).read_to_end(&mut start), doing)?.is_none() {
        return Ok(None);
    }
    unsealed(&start, doing)?;
    let mut file = start.as_slice().chain(file);
    let failed = |error: io::Error| trouble::workspace(&error, "writing the spool");
    let mut spooled = spool::create(&resources.spool).map_err(failed)?;
    let (mut canonical, mut piece, mut out) = (Canonical::default(), vec![0; PIECE], Vec::with_capacity(2 * PIECE));
    let (mut len, mut read) = (0, 0);
    loop {
        let Some(n) = unless_gone(file.read(&mut piece), doing)? else { return Ok(None) };
        read += n as u64;
        if read > expected {
            return Err(trouble::message(&grown(), doing));
        }
        if n == 0 {
            return Ok(Some(Body::Spooled { file: Arc::new(spooled), len }));
        }
        out.clear();
        #[expect(clippy::indexing_slicing, reason = "no more was read than there was room for")]
        canonical.push(&piece[..n], &mut out);
        spooled.write_all(&out).map_err(failed)?;
        len += out.len() as u64;
        resources.meter.add(n as u64);
    }
}

/// The header block of a message and its size; none if it is not there.
pub(super) fn header(folder: &Folder, entry: &FileEntry, doing: &str) -> Result<Option<(Bytes, u64)>, Failure> {
    let Some((file, seen)) = open(folder, entry, doing)? else { return Ok(None) };
    let mut bytes = Vec::new();
    if unless_gone(file.take(HEADER_LIMIT as u64).read_to_end(&mut bytes), doing)?.is_none() {
        return Ok(None);
    }
    unsealed(&bytes, doing)?;
    let bytes = canonical(bytes);
    Ok(Some((Bytes::copy_from_slice(header_of(&bytes)), seen.len)))
}
