//! Line ends: mail has CR LF, files of a Maildir have LF, as all who write such files do it. What is read has CR LF (D15).
//!
//! Pure. Each way goes piece by piece. A lone CR stays what it is both ways; a lone LF in a message is read back as CR LF, for in
//! a file it is a line end like any other. A message with CR CR LF is written as it came: as CR LF it would be read back as
//! another line end.

#![deny(clippy::indexing_slicing, clippy::string_slice, reason = "it reads what strangers wrote")]

/// Turns lone LF into CR LF.
#[derive(Default)]
pub(super) struct Canonical {
    after_cr: bool,
}

impl Canonical {
    /// Adds a piece to what goes out.
    pub fn push(&mut self, piece: &[u8], out: &mut Vec<u8>) {
        let (mut done, mut rest) = (0, piece);
        for lf in lone(piece, self.after_cr) {
            if let Some((line, after)) = rest.split_at_checked(lf - done) {
                out.extend_from_slice(line);
                out.push(b'\r');
                (done, rest) = (lf, after);
            }
        }
        out.extend_from_slice(rest);
        self.after_cr = ends_with_cr(piece, self.after_cr);
    }
}

/// Where in a piece an LF has no CR before it.
fn lone(piece: &[u8], after_cr: bool) -> impl Iterator<Item = usize> {
    let before = move |lf: usize| lf.checked_sub(1).map_or(after_cr, |before| piece.get(before) == Some(&b'\r'));
    memchr::memchr_iter(b'\n', piece).filter(move |lf| !before(*lf))
}

fn ends_with_cr(piece: &[u8], before: bool) -> bool {
    piece.last().map_or(before, |last| *last == b'\r')
}

/// All of a message at once.
pub(super) fn canonical(bytes: Vec<u8>) -> Vec<u8> {
    let lone = lone(&bytes, false).count();
    if lone == 0 {
        return bytes;
    }
    let mut out = Vec::with_capacity(bytes.len() + lone);
    Canonical::default().push(&bytes, &mut out);
    out
}

/// Looks for CR CR LF.
#[derive(Default)]
pub(super) struct OddEnds {
    /// How many CR came last.
    run: usize,
    found: bool,
}

impl OddEnds {
    /// Looks at a piece.
    pub fn push(&mut self, piece: &[u8]) {
        let odd = |lf: usize| {
            let (before, _) = piece.split_at_checked(lf).unwrap_or_default();
            let run = before.iter().rev().take(2).take_while(|b| **b == b'\r').count();
            run + if run == before.len() { self.run } else { 0 } >= 2
        };
        self.found |= memchr::memchr_iter(b'\n', piece).any(odd);
        let run = piece.iter().rev().take_while(|b| **b == b'\r').count();
        self.run = if run == piece.len() { self.run.saturating_add(run) } else { run };
    }
}

/// Turns CR LF into LF, if that can be turned back.
pub(super) struct Unix {
    as_it_is: bool,
    /// A CR that came last and waits for what follows it.
    held: bool,
}

impl Unix {
    /// For a message of which all was looked at.
    pub fn after(looked: &OddEnds) -> Self {
        Self { as_it_is: looked.found, held: false }
    }

    /// Adds a piece to what goes out.
    pub fn push(&mut self, piece: &[u8], out: &mut Vec<u8>) {
        if self.as_it_is || piece.is_empty() {
            out.extend_from_slice(piece);
            return;
        }
        if std::mem::take(&mut self.held) && !piece.starts_with(b"\n") {
            out.push(b'\r');
        }
        self.held = ends_with_cr(piece, false);
        let mut rest = piece.strip_suffix(b"\r").unwrap_or(piece);
        while let Some(at) = memchr::memmem::find(rest, b"\r\n")
            && let Some((line, after)) = rest.split_at_checked(at)
        {
            out.extend_from_slice(line);
            rest = after.strip_prefix(b"\r").unwrap_or(after);
            if let Some((lf, after)) = rest.split_at_checked(1) {
                out.extend_from_slice(lf);
                rest = after;
            }
        }
        out.extend_from_slice(rest);
    }

    /// Adds what still waits.
    pub fn end(self, out: &mut Vec<u8>) {
        if self.held {
            out.push(b'\r');
        }
    }
}

/// How many bytes were written.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Sizes {
    /// Of the file.
    pub file: u64,
    /// Of the message that is read from it.
    pub message: u64,
    after_cr: bool,
}

impl Sizes {
    /// Counts a piece.
    pub fn count(&mut self, piece: &[u8]) {
        let len = piece.len() as u64;
        self.file += len;
        self.message += len + lone(piece, self.after_cr).count() as u64;
        self.after_cr = ends_with_cr(piece, self.after_cr);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn written(pieces: &[&[u8]]) -> (Vec<u8>, Sizes) {
        let mut looked = OddEnds::default();
        pieces.iter().for_each(|piece| looked.push(piece));
        let (mut out, mut lines, mut sizes) = (Vec::new(), Unix::after(&looked), Sizes::default());
        for piece in pieces {
            let mut more = Vec::new();
            lines.push(piece, &mut more);
            sizes.count(&more);
            out.extend(more);
        }
        let mut more = Vec::new();
        lines.end(&mut more);
        sizes.count(&more);
        out.extend(more);
        (out, sizes)
    }

    #[test]
    fn lone_line_feeds_become_line_ends() {
        for (raw, text) in
            [("a\nb\r\nc\n", "a\r\nb\r\nc\r\n"), ("\n\n", "\r\n\r\n"), ("a\rb", "a\rb"), ("", ""), ("\r\n", "\r\n")]
        {
            assert_eq!(canonical(raw.into()), text.as_bytes(), "{raw:?}");
        }
    }

    #[test]
    fn files_have_the_line_ends_of_a_maildir() {
        for (mail, file) in [
            ("a\r\nb\r\n", "a\nb\n"),
            ("a\rb\r\n\r\n\r", "a\rb\n\n\r"),
            ("a\nb\r\n", "a\nb\n"),
            ("a\r\r\nb\r\n", "a\r\r\nb\r\n"),
            ("", ""),
        ] {
            assert_eq!(written(&[mail.as_bytes()]).0, file.as_bytes(), "{mail:?}");
        }
    }

    proptest! {
        #[test]
        fn pieces_make_no_difference(text in "[a\r\n]{0,40}", at in 0usize..40) {
            let (mut out, mut pieces) = (Vec::new(), Canonical::default());
            let (one, two) = text.as_bytes().split_at(at.min(text.len()));
            pieces.push(one, &mut out);
            pieces.push(two, &mut out);
            prop_assert_eq!(&out, &canonical(text.clone().into_bytes()));
            prop_assert_eq!(&canonical(out.clone()), &out, "once is enough");
            prop_assert_eq!(written(&[one, two]), written(&[text.as_bytes()]));
        }

        #[test]
        fn what_is_written_is_read_back_but_for_a_lone_line_feed(text in "([a\r]|\r\n|\n){0,40}") {
            let (file, sizes) = written(&[text.as_bytes()]);
            let back = canonical(file.clone());
            prop_assert_eq!(&back, &canonical(text.clone().into_bytes()));
            prop_assert_eq!((sizes.file, sizes.message), (file.len() as u64, back.len() as u64));
            if !text.contains("\r\r\n") {
                prop_assert!(!file.windows(2).any(|pair| pair == b"\r\n"), "{:?}", file);
            }
        }
    }
}
