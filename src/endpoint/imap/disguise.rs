//! What a text may have said before somebody encoded it, and where a secret stands in it: as it is, percent-encoded, with
//! escapes of JSON or HTML, quoted-printable, in modified UTF-7, in another encoding, decomposed, in other case, or cut.
//!
//! Pure. Liberal: what is perhaps a secret counts as one.

#![deny(clippy::indexing_slicing, clippy::string_slice, reason = "it reads what strangers wrote")]

use std::collections::HashMap;
use std::ops::Range;

use icu_normalizer::DecomposingNormalizerBorrowed;
use zeroize::Zeroizing;

use crate::domain::secret::Secret;
use crate::endpoint::utf7;

/// So many letters in a row of a secret are one.
const LEAST: usize = 8;
/// Letters that must be read for sure where others are unreadable.
const SURE: usize = 3;
/// Encodings within encodings that are undone.
const DEEP: usize = 3;
/// Longest run of modified UTF-7 that is read.
const LONGEST_RUN: usize = 4000;

/// A letter that a text says, and the bytes by which it says it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Letter {
    c: char,
    start: usize,
    end: usize,
}

/// Letters that the first of these say in an encoding, and how many they are.
type Decoder = fn(&[Letter]) -> Option<(Vec<char>, usize)>;

const DECODERS: [Decoder; 5] = [percent, quoted_printable, backslash, entity, modified_utf7];

fn decode(said: &[Letter], decoder: Decoder) -> Vec<Letter> {
    let (mut out, mut rest) = (Vec::with_capacity(said.len()), said);
    while let Some((first, after)) = rest.split_first() {
        let decoded = decoder(rest).and_then(|(chars, len)| Some((chars, rest.split_at_checked(len)?)));
        match decoded {
            Some((chars, (run, behind))) if !run.is_empty() => {
                let end = run.last().map_or(first.end, |last| last.end);
                out.extend(chars.into_iter().map(|c| Letter { c, start: first.start, end }));
                rest = behind;
            }
            _ => {
                out.push(*first);
                rest = after;
            }
        }
    }
    out
}

/// All that the text may say.
fn readings(text: &str) -> Vec<Vec<Letter>> {
    let plain: Vec<Letter> =
        text.char_indices().map(|(start, c)| Letter { c, start, end: start + c.len_utf8() }).collect();
    let mut all = Vec::new();
    for decoder in DECODERS {
        let mut said = plain.clone();
        for _ in 1..DEEP {
            let next = decode(&said, decoder);
            if next == said {
                break;
            }
            said = next;
            all.push(said.clone());
        }
    }
    // One within another.
    let mut said = plain.clone();
    for _ in 0..DEEP {
        said = DECODERS.into_iter().fold(said, |said, decoder| decode(&said, decoder));
    }
    if said != plain {
        all.push(said);
    }
    all.push(plain);
    all
}

fn at(said: &[Letter], at: usize) -> Option<char> {
    said.get(at).map(|letter| letter.c)
}

fn hex(said: &[Letter], from: usize, digits: usize) -> Option<u32> {
    (from..from + digits).try_fold(0, |number, place| Some(number * 16 + at(said, place)?.to_digit(16)?))
}

/// A byte behind each of these marks; the character that the first ones make.
fn marked(said: &[Letter], mark: char) -> Option<(Vec<char>, usize)> {
    let byte = |place: usize| {
        let here = at(said, place * 3).filter(|c| *c == mark);
        here.and_then(|_| u8::try_from(hex(said, place * 3 + 1, 2)?).ok())
    };
    let bytes: Vec<u8> = (0..4).map_while(byte).collect();
    let (_, bytes_of_one) = (bytes.first()?, 1..=bytes.len());
    let one = bytes_of_one.into_iter().find_map(|len| {
        let c = std::str::from_utf8(bytes.get(..len)?).ok()?.chars().next()?;
        Some((vec![c], len * 3))
    });
    Some(one.unwrap_or((vec![char::REPLACEMENT_CHARACTER], 3)))
}

fn percent(said: &[Letter]) -> Option<(Vec<char>, usize)> {
    marked(said, '%')
}

fn quoted_printable(said: &[Letter]) -> Option<(Vec<char>, usize)> {
    marked(said, '=')
}

/// As in JSON, in quoted strings, in C.
fn backslash(said: &[Letter]) -> Option<(Vec<char>, usize)> {
    if at(said, 0)? != '\\' {
        return None;
    }
    let unit = |from: usize| u16::try_from(hex(said, from, 4)?).ok();
    match at(said, 1)? {
        c @ ('"' | '\'' | '\\' | '/') => Some((vec![c], 2)),
        'x' => Some((vec![char::from_u32(hex(said, 2, 2)?)?], 4)),
        'u' => {
            let first = unit(2)?;
            let second = (at(said, 6) == Some('\\') && at(said, 7) == Some('u')).then(|| unit(8)).flatten();
            let pair = second.and_then(|second| char::decode_utf16([first, second]).next()?.ok());
            match pair.filter(|c| c.len_utf16() == 2) {
                Some(c) => Some((vec![c], 12)),
                None => Some((vec![char::from_u32(first.into()).unwrap_or(char::REPLACEMENT_CHARACTER)], 6)),
            }
        }
        _ => None,
    }
}

/// As in HTML. A letter with an accent is told by its letter: accents do not count here.
fn entity(said: &[Letter]) -> Option<(Vec<char>, usize)> {
    if at(said, 0)? != '&' {
        return None;
    }
    let end = (1..12).find(|place| at(said, *place) == Some(';'))?;
    let name: String = said.get(1..end)?.iter().map(|letter| letter.c).collect();
    let number = match name.strip_prefix('#').map(|number| number.strip_prefix(['x', 'X']).ok_or(number)) {
        Some(Ok(number)) => u32::from_str_radix(number, 16).ok(),
        Some(Err(number)) => number.parse().ok(),
        None => None,
    };
    let c = match (name.as_str(), number) {
        (_, Some(number)) => char::from_u32(number)?,
        ("amp", _) => '&',
        ("lt", _) => '<',
        ("gt", _) => '>',
        ("quot", _) => '"',
        ("apos", _) => '\'',
        ("nbsp", _) => ' ',
        ("szlig", _) => 'ß',
        (name, _) => {
            let (letter, accent) = name.split_at_checked(1)?;
            let known = ["uml", "acute", "grave", "circ", "tilde", "cedil", "ring", "slash", "caron"].contains(&accent);
            letter.chars().next().filter(|_| known)?
        }
    };
    Some((vec![c], end + 1))
}

/// As in names of folders (RFC 3501 §5.1.3).
fn modified_utf7(said: &[Letter]) -> Option<(Vec<char>, usize)> {
    if at(said, 0)? != '&' {
        return None;
    }
    let end = (1..LONGEST_RUN).take_while(|place| at(said, *place).is_some_and(|c| c.is_ascii_graphic()));
    let end = end.into_iter().find(|place| at(said, *place) == Some('-'))?;
    let run: String = said.get(..=end)?.iter().map(|letter| letter.c).collect();
    Some((utf7::strictly(&run)?.chars().collect(), end + 1))
}

/// A letter by which letters are compared, and whether an encoding that was read wrongly may have lost it.
#[derive(Clone, Copy)]
struct Folded {
    c: char,
    wide: bool,
}

/// Without case and accents, however it was composed.
fn fold(c: char, into: &mut Vec<Folded>) {
    let wide = !c.is_ascii();
    let mut push = |c: char| into.push(Folded { c, wide });
    match c {
        'ß' | 'ẞ' => "ss".chars().for_each(push),
        // As forms of the web write a blank.
        '+' => push(' '),
        c if c.is_ascii() => push(c.to_ascii_lowercase()),
        c => {
            let parts = DecomposingNormalizerBorrowed::new_nfd().normalize_iter(std::iter::once(c));
            let letters = parts.filter(|c| !matches!(c, '\u{300}'..='\u{36f}'));
            letters.flat_map(char::to_lowercase).for_each(push);
        }
    }
}

/// A secret as it is looked for.
pub(super) struct Wanted {
    letters: Zeroizing<Vec<char>>,
    wide: Vec<bool>,
    starts: HashMap<char, Vec<usize>>,
}

impl Wanted {
    /// This secret, and what becomes of it when its UTF-8 is read as Latin-1.
    pub(super) fn both(secret: &Secret) -> Vec<Self> {
        let text = secret.expose();
        let misread = Zeroizing::new(text.bytes().map(char::from).collect::<String>());
        let mut all = vec![Self::of(text)];
        if !text.is_ascii() {
            all.push(Self::of(&misread));
        }
        all.retain(|wanted| !wanted.letters.is_empty());
        all
    }

    fn of(text: &str) -> Self {
        // As many as there can be: a vector that grows leaves what it held behind.
        let mut folded = Vec::with_capacity(4 * text.len());
        text.chars().for_each(|c| fold(c, &mut folded));
        let mut starts: HashMap<char, Vec<usize>> = HashMap::new();
        for (place, letter) in folded.iter().enumerate() {
            starts.entry(letter.c).or_default().push(place);
            if letter.wide {
                starts.entry(char::REPLACEMENT_CHARACTER).or_default().push(place);
            }
        }
        let mut letters = Zeroizing::new(Vec::with_capacity(folded.len()));
        letters.extend(folded.iter().map(|letter| letter.c));
        let wide = folded.iter().map(|letter| letter.wide).collect();
        folded.fill(Folded { c: '\0', wide: false });
        Self { letters, wide, starts }
    }

    /// How many letters it has.
    pub(super) fn len(&self) -> usize {
        self.letters.len()
    }

    /// How many letters here are those of the secret from this place on, if they are enough.
    fn matches(&self, said: &[(char, usize)], from: usize) -> Option<usize> {
        let (mut len, mut sure) = (0, 0);
        let places = self.letters.iter().zip(&self.wide).skip(from);
        for ((said, _), (wanted, wide)) in said.iter().zip(places) {
            if said == wanted {
                sure += 1;
            } else if !(*wide && *said == char::REPLACEMENT_CHARACTER) {
                break;
            }
            len += 1;
        }
        (len >= LEAST.min(self.len()) && (sure == len || sure >= SURE)).then_some(len)
    }

    /// Where it stands among these letters.
    fn find(&self, said: &[Letter], found: &mut Vec<Range<usize>>) {
        let (mut folded, mut letters) = (Vec::new(), Vec::with_capacity(said.len()));
        for (place, letter) in said.iter().enumerate() {
            folded.clear();
            fold(letter.c, &mut folded);
            letters.extend(folded.iter().map(|folded| (folded.c, place)));
        }
        let mut rest = letters.as_slice();
        while let Some((first, after)) = rest.split_first() {
            let starts = self.starts.get(&first.0).map_or(&[][..], Vec::as_slice);
            let longest = starts.iter().filter_map(|start| self.matches(rest, *start)).max();
            let Some((run, behind)) = longest.and_then(|len| rest.split_at_checked(len)) else {
                rest = after;
                continue;
            };
            let last = run.last().unwrap_or(first);
            if let (Some(from), Some(to)) = (said.get(first.1), said.get(last.1)) {
                found.push(from.start..to.end);
            }
            rest = behind;
        }
    }
}

/// Where any of these secrets stands in a text, in order; what overlaps is one.
pub(super) fn find<'a>(text: &str, wanted: impl Iterator<Item = &'a Wanted> + Clone) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    for said in readings(text) {
        wanted.clone().for_each(|wanted| wanted.find(&said, &mut found));
    }
    found.sort_by_key(|range| (range.start, range.end));
    let mut merged: Vec<Range<usize>> = Vec::with_capacity(found.len());
    for range in found {
        match merged.last_mut() {
            Some(last) if range.start < last.end => last.end = last.end.max(range.end),
            _ => merged.push(range),
        }
    }
    merged
}
