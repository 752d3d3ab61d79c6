//! Reading files: messages in CRLF form (D15), never through a symbolic link, never from anything but a plain file.
//!
//! Blocks; bounded by what is asked for.

use std::fs::{File, Metadata};
use std::io::{self, Read, Write};
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;

use super::trouble;
use crate::domain::failure::Failure;
use crate::domain::identity::{HEADER_LIMIT, header_of};
use crate::domain::message::Body;
use crate::endpoint::{Resources, spool};

/// Largest file kept in memory (D20).
pub(super) const IN_MEMORY: u64 = 1024 * 1024;
const PIECE: usize = 64 * 1024;

/// Opens a plain file. What stands there instead (a link, a pipe, a device) is neither followed nor waited for.
pub(super) fn open_plain(path: &Path) -> io::Result<(File, Metadata)> {
    let refused = || io::Error::new(io::ErrorKind::InvalidInput, "not a plain file");
    if !path.symlink_metadata()?.is_file() {
        return Err(refused());
    }
    let mut options = File::options();
    options.read(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::custom_flags(&mut options, libc::O_NOFOLLOW | libc::O_NONBLOCK);
    let file = options.open(path)?;
    let metadata = file.metadata()?;
    if metadata.is_file() { Ok((file, metadata)) } else { Err(refused()) }
}

/// Turns lone LF into CRLF, piece by piece.
#[derive(Default)]
struct Canonical {
    after_cr: bool,
}

impl Canonical {
    fn push(&mut self, piece: &[u8], out: &mut Vec<u8>) {
        let mut start = 0;
        for at in memchr::memchr_iter(b'\n', piece) {
            let cr = if at == 0 { self.after_cr } else { piece[at - 1] == b'\r' };
            out.extend_from_slice(&piece[start..at]);
            if !cr {
                out.push(b'\r');
            }
            start = at;
        }
        out.extend_from_slice(&piece[start..]);
        if let Some(last) = piece.last() {
            self.after_cr = *last == b'\r';
        }
    }
}

fn canonical(bytes: Vec<u8>) -> Vec<u8> {
    let lone = memchr::memchr_iter(b'\n', &bytes).filter(|at| *at == 0 || bytes[at - 1] != b'\r').count();
    if lone == 0 {
        return bytes;
    }
    let mut out = Vec::with_capacity(bytes.len() + lone);
    Canonical::default().push(&bytes, &mut out);
    out
}

/// What became of reading a message.
pub(super) enum Found {
    /// Here it is.
    Body(Body),
    /// It is not under this name (any more).
    Gone,
}

/// Reads a message of up to `expected` bytes into memory, a larger one into the spool.
pub(super) fn body(path: &Path, expected: u64, resources: &Resources, doing: &str) -> Result<Found, Failure> {
    let (mut file, _) = match open_plain(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Found::Gone),
        opened => opened.map_err(|error| trouble::message(&error, doing))?,
    };
    if expected <= IN_MEMORY {
        let mut bytes = Vec::with_capacity(usize::try_from(expected).unwrap_or(0) + 1);
        (&mut file).take(expected + 1).read_to_end(&mut bytes).map_err(|error| trouble::message(&error, doing))?;
        if bytes.len() as u64 > expected {
            let grown = io::Error::other("the file grew while it was read");
            return Err(trouble::message(&grown, doing));
        }
        resources.meter.add(bytes.len() as u64);
        return Ok(Found::Body(Body::Memory(Bytes::from(canonical(bytes)))));
    }
    let failed = |error: io::Error| trouble::workspace(&error, "writing the spool");
    let mut spooled = spool::create(&resources.spool).map_err(failed)?;
    let (mut canonical, mut piece, mut out) = (Canonical::default(), vec![0; PIECE], Vec::with_capacity(2 * PIECE));
    let mut len = 0;
    loop {
        let n = file.read(&mut piece).map_err(|error| trouble::message(&error, doing))?;
        if n == 0 {
            return Ok(Found::Body(Body::Spooled { file: Arc::new(spooled), len }));
        }
        out.clear();
        canonical.push(&piece[..n], &mut out);
        spooled.write_all(&out).map_err(failed)?;
        len += out.len() as u64;
        resources.meter.add(n as u64);
    }
}

/// The header block of a message and its size; none if it is gone or cannot be read.
pub(super) fn header(path: &Path) -> Option<(Bytes, u64)> {
    let (file, metadata) = open_plain(path).ok()?;
    let mut bytes = Vec::new();
    file.take(HEADER_LIMIT as u64).read_to_end(&mut bytes).ok()?;
    let bytes = canonical(bytes);
    Some((Bytes::copy_from_slice(header_of(&bytes)), metadata.len()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn lone_line_feeds_become_line_ends() {
        for (raw, text) in
            [("a\nb\r\nc\n", "a\r\nb\r\nc\r\n"), ("\n\n", "\r\n\r\n"), ("a\rb", "a\rb"), ("", ""), ("\r\n", "\r\n")]
        {
            assert_eq!(canonical(raw.into()), text.as_bytes(), "{raw:?}");
        }
    }

    proptest! {
        #[test]
        fn pieces_make_no_difference(text in "[a\r\n]{0,40}", at in 0usize..40) {
            let (mut out, mut pieces) = (Vec::new(), Canonical::default());
            let (one, two) = text.as_bytes().split_at(at.min(text.len()));
            pieces.push(one, &mut out);
            pieces.push(two, &mut out);
            prop_assert_eq!(&out, &canonical(text.into_bytes()));
            prop_assert_eq!(&canonical(out.clone()), &out, "once is enough");
        }
    }
}
