//! CsvRecords of a delimited text (RFC 4180, read leniently), each with the physical line it begins on.
//!
//! A quotation mark opens a quoted field only at its beginning (elsewhere it is a character like any other); inside, two
//! mean one, and line breaks belong to the field. What follows a closing mark up to the delimiter is added as it is. A
//! record ends at LF, CRLF or CR.

#![deny(clippy::indexing_slicing, clippy::string_slice, reason = "it reads what strangers wrote")]

use std::borrow::Cow;

/// One record.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Record<'a> {
    /// The line it begins on.
    pub(crate) line: usize,
    /// Its fields; at least one.
    pub(crate) fields: Vec<Cow<'a, str>>,
    /// The line of a quotation mark that is never closed: the record then reaches to the end of the text.
    pub(crate) open_quote: Option<usize>,
}

impl Record<'_> {
    /// Whether every field is empty or blank.
    pub(crate) fn is_blank(&self) -> bool {
        self.open_quote.is_none() && self.fields.iter().all(|f| f.trim().is_empty())
    }
}

/// The records of a text.
pub(crate) struct CsvRecords<'a> {
    text: &'a str,
    delimiter: char,
    line: usize,
}

impl<'a> CsvRecords<'a> {
    /// Of a text whose first line has this number.
    pub(crate) fn new(text: &'a str, delimiter: char, line: usize) -> Self {
        Self { text, delimiter, line }
    }

    /// Takes up to the next delimiter or line break, which stay.
    fn plain(&mut self) -> &'a str {
        let end = self.text.find([self.delimiter, '\n', '\r']).unwrap_or(self.text.len());
        let (field, rest) = self.text.split_at(end);
        self.text = rest;
        field
    }

    /// Takes a quoted field whose opening mark is already taken; tells whether it was closed.
    fn quoted(&mut self) -> (Cow<'a, str>, bool) {
        let mut field: Cow<'a, str> = Cow::Borrowed("");
        loop {
            let Some((piece, rest)) = self.text.split_once('"') else {
                self.line += line_breaks(self.text);
                self.text = "";
                return (field, false);
            };
            self.line += line_breaks(piece);
            self.text = rest;
            join(&mut field, piece);
            match self.text.strip_prefix('"') {
                Some(rest) => {
                    self.text = rest;
                    field.to_mut().push('"');
                }
                None => break,
            }
        }
        let tail = self.plain();
        join(&mut field, tail);
        (field, true)
    }
}

fn join<'a>(field: &mut Cow<'a, str>, piece: &'a str) {
    if field.is_empty() {
        *field = Cow::Borrowed(piece);
    } else if !piece.is_empty() {
        field.to_mut().push_str(piece);
    }
}

/// LF, CRLF and CR each count once.
fn line_breaks(text: &str) -> usize {
    let bytes = text.as_bytes();
    memchr::memchr2_iter(b'\n', b'\r', bytes)
        .filter(|at| bytes.get(*at) == Some(&b'\n') || bytes.get(at + 1) != Some(&b'\n'))
        .count()
}

impl<'a> Iterator for CsvRecords<'a> {
    type Item = Record<'a>;

    fn next(&mut self) -> Option<Record<'a>> {
        if self.text.is_empty() {
            return None;
        }
        let mut record = Record { line: self.line, fields: Vec::with_capacity(6), open_quote: None };
        loop {
            let opened = self.line;
            match self.text.strip_prefix('"') {
                Some(rest) => {
                    self.text = rest;
                    let (field, closed) = self.quoted();
                    record.fields.push(field);
                    if !closed {
                        record.open_quote = Some(opened);
                        return Some(record);
                    }
                }
                None => {
                    let field = self.plain();
                    record.fields.push(Cow::Borrowed(field));
                }
            }
            match self.text.strip_prefix(self.delimiter) {
                Some(rest) => self.text = rest,
                None => {
                    let rest = self.text.strip_prefix("\r\n").or_else(|| self.text.strip_prefix(['\r', '\n']));
                    if let Some(rest) = rest {
                        self.text = rest;
                        self.line += 1;
                    }
                    return Some(record);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(text: &str) -> Vec<(usize, Vec<String>, Option<usize>)> {
        let plain = |r: Record<'_>| (r.line, r.fields.iter().map(|f| f.to_string()).collect(), r.open_quote);
        CsvRecords::new(text, ',', 1).map(plain).collect()
    }

    fn record(line: usize, fields: &[&str]) -> (usize, Vec<String>, Option<usize>) {
        (line, fields.iter().map(|f| (*f).to_owned()).collect(), None)
    }

    #[test]
    fn fields_quotes_and_lines() {
        assert_eq!(read(""), []);
        assert_eq!(
            read("a,b\r\n\r\nc\nd\re"),
            [record(1, &["a", "b"]), record(2, &[""]), record(3, &["c"]), record(4, &["d"]), record(5, &["e"]),]
        );
        assert_eq!(
            read("\"a\r\nb\",\"\"\"x\"\"\",\"\"\nz,"),
            [record(1, &["a\r\nb", "\"x\"", ""]), record(3, &["z", ""])]
        );
        assert_eq!(read("a\"b,\"c\"d"), [record(1, &["a\"b", "cd"])]);
        assert_eq!(read("x\n\"a\n\",\"b\nc"), [record(1, &["x"]), (2, vec!["a\n".into(), String::new()], Some(3))]);
    }

    proptest! {
        #[test]
        fn what_is_quoted_comes_back(rows in proptest::collection::vec(proptest::collection::vec("[a,\"\r\n;ü ]{0,6}", 1..4), 1..5)) {
            let quote = |f: &String| format!("\"{}\"", f.replace('"', "\"\""));
            let lines = rows.iter().map(|r| r.iter().map(quote).collect::<Vec<_>>().join(","));
            let text = lines.collect::<Vec<_>>().join("\n");
            let back: Vec<Vec<String>> = read(&text).into_iter().map(|(_, fields, _)| fields).collect();
            prop_assert_eq!(back, rows);
        }

        #[test]
        fn no_text_makes_it_fail(text in "[a,\"\r\nü]{0,40}") {
            for record in CsvRecords::new(&text, ',', 1) {
                prop_assert!(!record.fields.is_empty());
            }
        }
    }
}
