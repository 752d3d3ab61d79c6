//! What is read off a message's bytes: its header block, who it is, what it holds.
//!
//! Spooled messages are read from their file in pieces; that is short, local and rare enough to do in place.

#![deny(clippy::indexing_slicing, clippy::string_slice, reason = "it reads what strangers wrote")]

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};

use crate::domain::content::{ContentHash, ContentHasher};
use crate::domain::content::{Shape, Shaper};
use crate::domain::header::{HEADER_LIMIT, fields, header_of};
use crate::domain::identity::{BytesIdentity, FromHeader, Identity, Names, id_of, names_of};
use crate::domain::instant::of_date;
use crate::domain::message::{Body, InternalDate};
use crate::domain::time::Timestamp;
use crate::endpoint::date;

const PIECE: usize = 64 * 1024;

fn each(body: &Body, mut each: impl FnMut(&[u8])) -> io::Result<()> {
    let mut file: &File = match body {
        Body::Memory(bytes) => {
            each(bytes);
            return Ok(());
        }
        Body::Spooled { file, .. } => file,
    };
    file.seek(SeekFrom::Start(0))?;
    let mut piece = vec![0; PIECE];
    loop {
        match file.read(&mut piece)? {
            0 => return Ok(()),
            #[expect(clippy::indexing_slicing, reason = "no more was read than there was room for")]
            n => each(&piece[..n]),
        }
    }
}

/// Header blocks held at once.
pub(super) const HEADERS_AT_ONCE: usize = 1000;

/// The header block, at most 256 KiB of it; empty if the spool file cannot be read.
pub(super) fn header(body: &Body) -> Vec<u8> {
    match body {
        Body::Memory(bytes) => header_of(bytes).to_vec(),
        Body::Spooled { file, .. } => {
            let mut start = Vec::new();
            let mut from: &File = file;
            let read =
                from.seek(SeekFrom::Start(0)).and_then(|_| from.take(HEADER_LIMIT as u64).read_to_end(&mut start));
            if read.is_err() {
                return Vec::new();
            }
            header_of(&start).to_vec()
        }
    }
}

/// The instant that a message's own heading names: of `Date`, else of the last server that took it in (the first `Received`).
pub(super) fn date_of_heading(body: &Body) -> Option<InternalDate> {
    let [date, received] = instants_of_heading(&header(body));
    date::of_instant(date.or(received)?)
}

/// The instants that a header block names: of `Date`, and of the last server that took the message in (the first `Received`).
pub(super) fn instants_of_heading(header: &[u8]) -> [Option<Timestamp>; 2] {
    let first = |name: &str| fields(header).find(|(field, _)| field.eq_ignore_ascii_case(name.as_bytes()));
    let received = || {
        let (_, value) = first("Received")?;
        of_date(value.rsplit(|byte| *byte == b';').next()?)
    };
    let date = first("Date").and_then(|(_, value)| of_date(value));
    [date, received()].map(|seconds| Some(Timestamp::from_millis(seconds?.checked_mul(1000)?)))
}

/// Who a message is (D8).
///
/// # Errors
/// The spool file cannot be read.
pub(super) fn identity(body: &Body) -> io::Result<Identity> {
    names(body).map(|names| names.now)
}

/// Who a message is, to this version and to older ones.
///
/// # Errors
/// The spool file cannot be read.
pub(super) fn names(body: &Body) -> io::Result<Names> {
    let from_header = match body {
        Body::Memory(bytes) => names_of(header_of(bytes)),
        Body::Spooled { .. } => names_of(&header(body)),
    };
    if let FromHeader::Known(names) = from_header {
        return Ok(names);
    }
    let mut whole = BytesIdentity::new();
    each(body, |piece| whole.update(piece))?;
    Ok(whole.finish())
}

/// What is left of a message at a server that altered it beyond recognition: its Message-ID, or the bytes behind its
/// header.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Traces {
    id: Option<Identity>,
    /// None: there is nothing behind the header.
    body: Option<Identity>,
}

impl Traces {
    /// Whether both may be of one message.
    pub fn meet(&self, other: &Self) -> bool {
        (self.id.is_some() && self.id == other.id) || self.same_body(other)
    }

    /// Whether the bytes behind the header are the same.
    pub fn same_body(&self, other: &Self) -> bool {
        self.body.is_some() && self.body == other.body
    }
}

/// The traces of a message.
///
/// # Errors
/// The spool file cannot be read.
pub(super) fn traces(body: &Body) -> io::Result<Traces> {
    let header = header(body);
    let mut whole = BytesIdentity::new();
    each(body, |piece| whole.update(piece))?;
    let says_something = body.len() > header.len() as u64;
    Ok(Traces { id: id_of(&header), body: says_something.then(|| whole.finish().now) })
}

/// What a message holds, to tell twins apart (D9).
///
/// # Errors
/// The spool file cannot be read.
pub(super) fn content(body: &Body) -> io::Result<ContentHash> {
    let mut whole = ContentHasher::new();
    each(body, |piece| whole.update(piece))?;
    Ok(whole.finish())
}

/// What a message holds, to be compared with a copy of it (D8).
///
/// # Errors
/// The spool file cannot be read.
pub(super) fn shape(body: &Body) -> io::Result<Shape> {
    let mut whole = Shaper::new();
    each(body, |piece| whole.update(piece))?;
    Ok(whole.finish())
}
