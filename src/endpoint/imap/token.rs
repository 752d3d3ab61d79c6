//! A tolerant cursor over the text of one response: atoms, numbers, strings, lists.
//!
//! Decides nothing about meaning and never panics on what a server sent: whatever does not fit is an [`Odd`]. Bounded by
//! the framer (text length) and by [`DEEPEST`] (nesting). Does not wait.

#![deny(clippy::indexing_slicing, clippy::string_slice, reason = "it reads what strangers wrote")]

use std::borrow::Cow;

use bytes::Bytes;

use crate::domain::message::{Body, Hold};

/// Deepest nesting of parentheses that is followed.
const DEEPEST: usize = 64;

/// The text does not fit the grammar.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Odd;

/// Result of taking something from a response.
pub(super) type Parsed<T> = Result<T, Odd>;

/// A literal taken out of a response.
pub(super) struct Literal {
    /// Its bytes.
    pub(super) body: Body,
    /// Its share of the memory budget.
    pub(super) hold: Option<Hold>,
}

impl Literal {
    /// A literal that fits in memory anyway.
    pub(super) fn small(bytes: impl Into<Bytes>) -> Self {
        Self { body: Body::Memory(bytes.into()), hold: None }
    }
}

/// One response as the reader put it together: text in which `{n}` and a line end stand for the next literal.
pub(super) struct Raw {
    /// All text, including the last line end.
    pub(super) text: Vec<u8>,
    /// The literals in order.
    pub(super) literals: Vec<Literal>,
}

/// A string in a response.
pub(super) enum RespText<'a> {
    /// `NIL`
    Nil,
    /// Atom or quoted, unescaped.
    Inline(Cow<'a, [u8]>),
    /// A literal.
    Literal(Literal),
}

/// Walks over a [`Raw`].
pub(super) struct Cursor<'a> {
    text: &'a [u8],
    at: usize,
    literals: std::vec::IntoIter<Literal>,
    /// Literals that were walked over.
    past: usize,
}

/// A place in a text, to come back to.
#[derive(Clone, Copy)]
pub(super) struct Mark {
    at: usize,
    past: usize,
}

impl<'a> Cursor<'a> {
    /// At the beginning of a text.
    pub(super) fn new(text: &'a [u8], literals: Vec<Literal>) -> Self {
        let end = text.strip_suffix(b"\n").map_or(text, |t| t.strip_suffix(b"\r").unwrap_or(t));
        Self { text: end, at: 0, literals: literals.into_iter(), past: 0 }
    }

    /// What was not walked over yet.
    pub(super) fn rest(&self) -> &'a [u8] {
        self.text.get(self.at..).unwrap_or_default()
    }

    /// Whether nothing is left but blanks.
    pub(super) fn at_end(&mut self) -> bool {
        self.blanks();
        self.at >= self.text.len()
    }

    /// Whether a literal was walked over: what does not fit behind one may be its own end, and then nobody knows where the
    /// next line begins.
    pub(super) fn is_behind_a_literal(&self) -> bool {
        self.past > 0
    }

    /// Where it is.
    pub(super) fn mark(&self) -> Mark {
        Mark { at: self.at, past: self.past }
    }

    /// Whether a value ended here, and no literal of it is missing.
    fn ends_value(&self) -> bool {
        matches!(self.peek(), None | Some(b' ' | b')'))
    }

    /// Reads one value. If it does not fit it is passed over, up to the next word that `names` what follows, or to the end: what
    /// cannot be read is unknown, and all else stays what it is.
    pub(super) fn value<T>(
        &mut self,
        names: impl Fn(&[u8]) -> bool,
        read: impl FnOnce(&mut Self) -> Parsed<T>,
    ) -> Parsed<Option<T>> {
        let before = self.mark();
        if names(self.next_word()) {
            // There is none.
            return Ok(None);
        }
        if let Ok(value) = read(self)
            && self.ends_value()
        {
            return Ok(Some(value));
        }
        if self.past > before.past {
            return Err(Odd);
        }
        self.at = before.at;
        while !self.at_end() {
            let passed = self.rest().split(|b| *b == b' ').next().unwrap_or_default();
            if passed.contains(&b'\n') {
                return Err(Odd);
            }
            self.at += passed.len();
            if names(self.next_word()) {
                return Ok(None);
            }
        }
        Ok(None)
    }

    fn next_word(&self) -> &'a [u8] {
        self.rest().trim_ascii_start().split(|b| matches!(b, b' ' | b'(')).next().unwrap_or_default()
    }

    /// The byte in front.
    pub(super) fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    /// Passes over blanks; servers send none, one or two.
    pub(super) fn blanks(&mut self) {
        while self.peek() == Some(b' ') {
            self.at += 1;
        }
    }

    /// Passes over blanks; whether a list is in front.
    pub(super) fn opens_list(&mut self) -> bool {
        self.blanks();
        self.peek() == Some(b'(')
    }

    /// Passes over this byte if it is in front.
    pub(super) fn accept(&mut self, byte: u8) -> bool {
        let there = self.peek() == Some(byte);
        self.at += usize::from(there);
        there
    }

    /// Passes over blanks and this byte, which must be there.
    pub(super) fn expect(&mut self, byte: u8) -> Parsed<()> {
        self.blanks();
        if self.accept(byte) { Ok(()) } else { Err(Odd) }
    }

    /// A word up to a blank, parenthesis or the end; never empty.
    pub(super) fn word(&mut self) -> Parsed<&'a [u8]> {
        self.blanks();
        let rest = self.rest();
        let n = rest.iter().position(|b| matches!(b, b' ' | b'(' | b')' | b'\r' | b'\n')).unwrap_or(rest.len());
        self.at += n;
        rest.get(..n).filter(|word| !word.is_empty()).ok_or(Odd)
    }

    /// A name of a FETCH attribute: a word in which brackets may hold blanks and parentheses.
    pub(super) fn attribute(&mut self) -> Parsed<&'a [u8]> {
        self.blanks();
        let rest = self.rest();
        let mut inside = false;
        let n = rest.iter().position(|b| match b {
            b'[' => {
                inside = true;
                false
            }
            b']' => {
                inside = false;
                false
            }
            b' ' | b'(' | b')' => !inside,
            _ => false,
        });
        let n = n.unwrap_or(rest.len());
        self.at += n;
        rest.get(..n).filter(|word| !word.is_empty()).ok_or(Odd)
    }

    /// A number, quoted or not. Whatever else stands in its place is passed over: it tells nothing.
    pub(super) fn number_if_any(&mut self) -> Parsed<Option<u64>> {
        if self.opens_list() {
            return self.skip(0).map(|()| None);
        }
        Ok(self.bytes()?.and_then(|text| std::str::from_utf8(&text).ok()?.parse().ok()))
    }

    /// `NIL`, an atom, a quoted string or a literal.
    pub(super) fn string(&mut self) -> Parsed<RespText<'a>> {
        self.blanks();
        match self.peek() {
            Some(b'"') => self.quoted().map(RespText::Inline),
            Some(b'{') if self.is_literal(0) => self.literal().map(RespText::Literal),
            Some(b'~') if self.is_literal(1) => {
                self.at += 1;
                self.literal().map(RespText::Literal)
            }
            _ => {
                let word = self.word()?;
                if word.eq_ignore_ascii_case(b"NIL") { Ok(RespText::Nil) } else { Ok(RespText::Inline(word.into())) }
            }
        }
    }

    /// A string as bytes; `None` for `NIL` and for a literal too large for memory.
    pub(super) fn bytes(&mut self) -> Parsed<Option<Vec<u8>>> {
        Ok(match self.string()? {
            RespText::Inline(bytes) => Some(bytes.into_owned()),
            RespText::Literal(Literal { body: Body::Memory(bytes), .. }) => Some(bytes.to_vec()),
            RespText::Nil | RespText::Literal(_) => None,
        })
    }

    /// Whether a quotation is in front that ends within its list.
    fn has_quotation(&mut self) -> bool {
        let before = self.at;
        let whole = self.quoted().is_ok_and(|quoted| !quoted.contains(&b')'));
        self.at = before;
        whole
    }

    fn quoted(&mut self) -> Parsed<Cow<'a, [u8]>> {
        self.at += 1;
        let rest = self.rest();
        let mut owned: Option<Vec<u8>> = None;
        let mut i = 0;
        while let Some(&byte) = rest.get(i) {
            match byte {
                b'"' => {
                    self.at += i + 1;
                    let plain = rest.get(..i).unwrap_or_default();
                    return Ok(owned.map_or(Cow::Borrowed(plain), Cow::Owned));
                }
                b'\\' if let Some(escaped @ (b'"' | b'\\')) = rest.get(i + 1) => {
                    owned.get_or_insert_with(|| rest.get(..i).unwrap_or_default().to_vec()).push(*escaped);
                    i += 1;
                }
                _ => {
                    if let Some(owned) = &mut owned {
                        owned.push(byte);
                    }
                }
            }
            i += 1;
        }
        Err(Odd)
    }

    /// Whether `{n}` and a line end stand so far from here: else a brace is a letter like others.
    fn is_literal(&self, from: usize) -> bool {
        let inside = self.rest().get(from..).and_then(|rest| rest.strip_prefix(b"{"));
        let line = inside.and_then(|rest| rest.split(|b| *b == b'\n').next().filter(|line| line.len() < rest.len()));
        line.is_some_and(|line| {
            let digits = line.trim_ascii_end().strip_suffix(b"}").map(|line| line.strip_suffix(b"+").unwrap_or(line));
            digits.is_some_and(|digits| !digits.is_empty() && digits.iter().all(u8::is_ascii_digit))
        })
    }

    fn literal(&mut self) -> Parsed<Literal> {
        let end = self.rest().iter().position(|b| *b == b'\n').ok_or(Odd)?;
        self.at += end + 1;
        self.past += 1;
        self.literals.next().ok_or(Odd)
    }

    /// A list of words, as in `(\Seen $Label)`; strings and literals count as words. Nested lists are passed over, and so is a
    /// quotation without an end.
    pub(super) fn words(&mut self) -> Parsed<Vec<Cow<'a, [u8]>>> {
        self.expect(b'(')?;
        let mut words = Vec::new();
        loop {
            self.blanks();
            match self.peek() {
                Some(b')') => {
                    self.at += 1;
                    return Ok(words);
                }
                Some(b'(') => self.skip(0)?,
                None => return Err(Odd),
                Some(b'"') if !self.has_quotation() => drop(self.word()?),
                _ => match self.string()? {
                    RespText::Inline(word) => words.push(word),
                    RespText::Literal(Literal { body: Body::Memory(bytes), .. }) => words.push(bytes.to_vec().into()),
                    RespText::Nil | RespText::Literal(_) => {}
                },
            }
        }
    }

    /// Passes over one value of any kind.
    pub(super) fn skip(&mut self, depth: usize) -> Parsed<()> {
        self.blanks();
        if depth > DEEPEST {
            return Err(Odd);
        }
        if !self.accept(b'(') {
            return self.string().map(drop);
        }
        loop {
            self.blanks();
            if self.accept(b')') {
                return Ok(());
            }
            if self.peek().is_none() {
                return Err(Odd);
            }
            self.skip(depth + 1)?;
        }
    }
}
