//! Items from a spreadsheet: bytes in, rows and problems out. Nothing is stored here, and no text made here ever holds a
//! cell but of a column of e-mail addresses: another one may hold a password.
//!
//! The first line that is not blank names the columns: Source Email, Source Login Name, Source Password, Destination
//! Email, Destination Login Name, Destination Password, Contact Email; in any order and case, also in other words and
//! languages (`heading`), only the first e-mails compulsory. Columns of another name (MigrationWiz's `Flags`) are left out and
//! named by their number. `sep=;` and `#TYPE` above it are passed over. Lists of imapsync are read too. The file is UTF-8 or
//! UTF-16, or has the encoding that a person says; its delimiter is a comma, semicolon, tab or bar. Addresses are taken out of
//! what stands around them, login names are trimmed, passwords are kept as they are; cells that a row lacks at its end are
//! empty. Lines are counted as an editor counts them, also inside quotes, which is why the records are read in `csv_records`
//! and not by a library: it would not tell an open quote.

#![deny(clippy::indexing_slicing, clippy::string_slice, reason = "it reads what strangers wrote")]

mod address;
mod encoding;
mod heading;

use std::collections::HashMap;

use zeroize::Zeroizing;

pub use encoding::ListEncoding;

use heading::Foreign;

use super::csv_records::{CsvRecords, Record};
use super::plain_text::is_invisible;
use super::secret::Secret;

/// Longest field, in characters.
pub const FIELD_LIMIT: usize = 1000;

/// The columns a file may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum CsvColumn {
    /// `Source Email`, compulsory.
    SourceEmail,
    /// `Source Login Name`
    SourceLogin,
    /// `Source Password`
    SourcePassword,
    /// `Destination Email`, compulsory.
    DestinationEmail,
    /// `Destination Login Name`
    DestinationLogin,
    /// `Destination Password`
    DestinationPassword,
    /// `Contact Email`: where the owner of the mailbox is reached, if not there.
    ContactEmail,
}

impl CsvColumn {
    /// Every column, in the order of the template.
    pub const ALL: [Self; 7] = [
        Self::SourceEmail,
        Self::SourceLogin,
        Self::SourcePassword,
        Self::DestinationEmail,
        Self::DestinationLogin,
        Self::DestinationPassword,
        Self::ContactEmail,
    ];

    /// Its name in the header.
    pub fn name(self) -> &'static str {
        match self {
            Self::SourceEmail => "Source Email",
            Self::SourceLogin => "Source Login Name",
            Self::SourcePassword => "Source Password",
            Self::DestinationEmail => "Destination Email",
            Self::DestinationLogin => "Destination Login Name",
            Self::DestinationPassword => "Destination Password",
            Self::ContactEmail => "Contact Email",
        }
    }

    fn is_email(self) -> bool {
        self.is_compulsory() || self == Self::ContactEmail
    }

    fn is_compulsory(self) -> bool {
        matches!(self, Self::SourceEmail | Self::DestinationEmail)
    }

    fn is_password(self) -> bool {
        matches!(self, Self::SourcePassword | Self::DestinationPassword)
    }
}

/// One item of the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// The line it begins on, from 1.
    pub line: usize,
    /// Source address.
    pub source_email: String,
    /// Source login name, if given.
    pub source_login: Option<String>,
    /// Source password, if given.
    pub source_password: Option<Secret>,
    /// Destination address.
    pub destination_email: String,
    /// Destination login name, if given.
    pub destination_login: Option<String>,
    /// Destination password, if given.
    pub destination_password: Option<Secret>,
    /// Where the owner is reached, if given.
    pub contact: Option<String>,
}

/// Something wrong with the file. Never holds a password.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The line, from 1.
    pub line: usize,
    /// The column's name; none when the whole line or file is meant.
    pub column: Option<&'static str>,
    /// What is wrong, a lower-case fragment.
    pub reason: String,
}

impl std::fmt::Display for Problem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.column {
            Some(column) => write!(f, "line {}, {column}: {}", self.line, self.reason),
            None => write!(f, "line {}: {}", self.line, self.reason),
        }
    }
}

/// What a file held.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParsedList {
    /// The good rows, in the order of the file. None when the header is wrong.
    pub rows: Vec<Row>,
    /// Why other lines are no rows, in the order of the file.
    pub problems: Vec<Problem>,
    /// Oddities of good rows that are worth a look: an address that was taken out of its cell, a password with blanks.
    pub notes: Vec<Problem>,
    /// How the bytes were read.
    pub encoding: ListEncoding,
    /// What separates the columns.
    pub delimiter: char,
}

impl ParsedList {
    /// The addresses of up to three rows, by which a person sees whether the encoding is right: those with letters beyond ASCII
    /// before others.
    pub fn samples(&self) -> Vec<String> {
        let is_plain = |row: &&Row| row.source_email.is_ascii() && row.destination_email.is_ascii();
        let (plain, telling): (Vec<&Row>, Vec<&Row>) = self.rows.iter().partition(is_plain);
        let rows = telling.into_iter().chain(plain).take(3);
        rows.map(|row| format!("line {}: {} → {}", row.line, row.source_email, row.destination_email)).collect()
    }
}

/// Reads a pasted list, which may lack its header: two addresses in a row, as copied from a spreadsheet or with blanks between
/// them, or the columns of the template in its order.
pub fn parse_pasted(text: &str) -> ParsedList {
    let utf8 = encoding::decode(b"", None).1;
    let first = text.lines().find(|line| !line.trim().is_empty()).unwrap_or_default();
    let delimiter = ['\t', ';', ',', '|'].into_iter().find(|delimiter| first.contains(*delimiter));
    let cells: Vec<&str> = match delimiter {
        Some(delimiter) => first.split(delimiter).map(str::trim).collect(),
        None => first.split_whitespace().collect(),
    };
    if !first.contains('@') || Foreign::of(&cells).is_some() || cells.iter().any(|cell| heading::column(cell).is_some())
    {
        return parse_text(text, utf8, 1);
    }
    let has_address = |at: usize| cells.get(at).is_some_and(|cell| cell.contains('@'));
    let names = match has_address(0) && !has_address(1) && has_address(3) {
        true => CsvColumn::ALL.map(CsvColumn::name).to_vec(),
        false => vec![CsvColumn::SourceEmail.name(), CsvColumn::DestinationEmail.name()],
    };
    let text = Zeroizing::new(match delimiter {
        Some(delimiter) => format!("{}\n{text}", names.join(&delimiter.to_string())),
        // Blanks between them, in any number.
        None => {
            let rows = text.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join("\t") + "\n");
            format!("{}\n{}", names.join("\t"), rows.collect::<String>())
        }
    });
    // Lines are counted as they were pasted: the header stands above the first.
    parse_text(&text, utf8, 0)
}

/// Reads a file; `chosen` is the encoding that a person said it has.
pub fn parse(bytes: &[u8], chosen: Option<ListEncoding>) -> ParsedList {
    let (text, encoding) = encoding::decode(bytes, chosen);
    match encoding::foreign(bytes) {
        Some(what) => {
            let mut parsed = ParsedList::empty(encoding);
            parsed.problem(1, None, what);
            parsed
        }
        None => parse_text(&text, encoding, 1),
    }
}

/// Reads a text whose first line has this number.
fn parse_text(text: &str, encoding: ListEncoding, first: usize) -> ParsedList {
    let Preamble { rest, line, delimiter } = Preamble::of(text, first);
    let delimiter = delimiter.unwrap_or_else(|| delimiter_of(rest));
    let mut parsed = ParsedList { delimiter, ..ParsedList::empty(encoding) };
    let mut records = CsvRecords::new(rest, delimiter, line);
    let Some(heading) = records.find(|r| !r.is_blank()) else {
        parsed.problem(1, None, "the file is empty");
        return parsed;
    };
    let Some(header) = parsed.header(&heading) else { return parsed };
    let first = header.headless.then_some(heading);
    let (mut twins, mut hosts) = (Twins::default(), None);
    for record in first.into_iter().chain(records.filter(|r| !r.is_blank())) {
        if header.imapsync && !has_same_hosts(&mut hosts, &record) {
            let reason = "other hosts than in the rows above: such rows belong into a project of their own";
            parsed.problem(record.line, None, reason);
        } else if let Some(row) = parsed.row(&header, &record) {
            twins.add(&mut parsed, row);
        }
    }
    parsed
}

/// Whether a row of imapsync's names the hosts of the first one.
fn has_same_hosts(hosts: &mut Option<[String; 2]>, record: &Record<'_>) -> bool {
    let host = |at: usize| record.fields.get(at).map_or("", |field| field.trim()).to_lowercase();
    let these = [host(0), host(3)];
    *hosts.get_or_insert_with(|| these.clone()) == these
}

/// What stands above the header.
struct Preamble<'a> {
    rest: &'a str,
    line: usize,
    delimiter: Option<char>,
}

impl<'a> Preamble<'a> {
    /// Passes over blank lines, remarks such as PowerShell's `#TYPE`, and Excel's `sep=;`.
    fn of(text: &'a str, first: usize) -> Self {
        let mut found = Self { rest: text, line: first, delimiter: None };
        while let Some(end) = found.rest.find(['\n', '\r']) {
            let (line, rest) = found.rest.split_at(end);
            let plain = line.trim().trim_matches('"');
            let named = plain.get(..4).is_some_and(|begin| begin.eq_ignore_ascii_case("sep="));
            let delimiter = plain.chars().nth(4).or(line.ends_with('\t').then_some('\t'));
            match delimiter.filter(|_| named) {
                Some(delimiter @ (',' | ';' | '\t' | '|')) => found.delimiter = Some(delimiter),
                _ if plain.is_empty() || (plain.starts_with('#') && !plain.contains('@')) => {}
                _ => break,
            }
            found.rest = rest.strip_prefix("\r\n").or_else(|| rest.strip_prefix(['\n', '\r'])).unwrap_or(rest);
            found.line += 1;
        }
        found
    }
}

/// The delimiter the header uses most; a comma when in doubt.
fn delimiter_of(text: &str) -> char {
    let header = text.lines().find(|l| !l.trim().is_empty()).unwrap_or_default();
    let mut best = (',', 0);
    for delimiter in [',', ';', '\t', '|'] {
        let count = header.matches(delimiter).count();
        if count > best.1 {
            best = (delimiter, count);
        }
    }
    best.0
}

/// Which rows have an address in common.
#[derive(Default)]
struct Twins {
    pairs: HashMap<(String, String), usize>,
    sources: HashMap<String, usize>,
    destinations: HashMap<String, (usize, String)>,
}

impl Twins {
    /// Takes a row, unless there is one of both its addresses; one address in common is worth a look.
    fn add(&mut self, parsed: &mut ParsedList, row: Row) {
        let pair = (address::key(&row.source_email), address::key(&row.destination_email));
        if let Some(first) = self.pairs.get(&pair) {
            return parsed.problem(row.line, None, format!("the same source and destination as on line {first}"));
        }
        if let Some(first) = self.sources.get(&pair.0) {
            parsed.note(row.line, CsvColumn::SourceEmail, format!("the same source as on line {first}"));
        }
        // What is spelled alike is compared with what items write into, too (service).
        let twin = self.destinations.get(&pair.1);
        if let Some((first, _)) = twin.filter(|(_, other)| !other.eq_ignore_ascii_case(&row.destination_email)) {
            let reason = format!("the same destination as on line {first}, spelled otherwise");
            parsed.note(row.line, CsvColumn::DestinationEmail, reason);
        }
        self.sources.entry(pair.0.clone()).or_insert(row.line);
        let spelled = || (row.line, row.destination_email.clone());
        self.destinations.entry(pair.1.clone()).or_insert_with(spelled);
        self.pairs.insert(pair, row.line);
        parsed.rows.push(row);
    }
}

/// The columns a header names, none for those that are left out; nothing stands behind them.
struct Header {
    columns: Vec<Option<CsvColumn>>,
    /// The line is a row itself.
    headless: bool,
    /// A list for imapsync, where options may stand behind them.
    imapsync: bool,
}

impl ParsedList {
    fn empty(encoding: ListEncoding) -> Self {
        Self { rows: Vec::new(), problems: Vec::new(), notes: Vec::new(), encoding, delimiter: ',' }
    }

    fn problem(&mut self, line: usize, column: Option<CsvColumn>, reason: impl Into<String>) {
        self.problems.push(Problem { line, column: column.map(CsvColumn::name), reason: reason.into() });
    }

    fn note(&mut self, line: usize, column: CsvColumn, reason: impl Into<String>) {
        self.notes.push(Problem { line, column: Some(column.name()), reason: reason.into() });
    }

    /// What the header says, or none and the reasons.
    fn header(&mut self, record: &Record<'_>) -> Option<Header> {
        let (line, open) = (record.line, record.open_quote.is_some());
        let cells: Vec<&str> = record.fields.iter().map(|field| field.trim()).collect();
        let known = cells.iter().any(|cell| heading::column(cell).is_some());
        let foreign = if known || open { None } else { Foreign::of(&cells) };
        if let Some(Foreign::Imapsync { headless }) = foreign {
            let reason = "a list for imapsync: its hosts and options are left out, the project has its own".to_owned();
            self.notes.push(Problem { line, column: None, reason });
            return Some(Header { columns: Foreign::IMAPSYNC.to_vec(), headless, imapsync: true });
        }
        if let Some(advice) = foreign.and_then(Foreign::advice) {
            self.problem(line, None, advice);
            return None;
        }
        if open || !known || cells.iter().any(|cell| cell.contains('@')) {
            // Possibly a file without header, or without the end of its line: cells may be passwords and are not repeated.
            let names = CsvColumn::ALL.map(CsvColumn::name).join(", ");
            self.problem(line, None, format!("the first line must name the columns: {names}"));
            return None;
        }
        let before = self.problems.len();
        let columns = self.columns(line, &cells);
        for column in CsvColumn::ALL.into_iter().filter(|c| c.is_compulsory() && !columns.contains(&Some(*c))) {
            self.problem(line, Some(column), "this column is missing");
        }
        (self.problems.len() == before).then_some(Header { columns, headless: false, imapsync: false })
    }

    /// The columns of these names, up to the last one that has any.
    fn columns(&mut self, line: usize, cells: &[&str]) -> Vec<Option<CsvColumn>> {
        let named = cells.iter().rposition(|cell| !cell.is_empty()).map_or(0, |last| last + 1);
        let mut columns = Vec::with_capacity(named);
        for (cell, at) in cells.iter().take(named).zip(1..) {
            let column = heading::column(cell);
            match column {
                Some((twice, _)) if columns.contains(&Some(twice)) => {
                    self.problem(line, Some(twice), "the header names this column twice");
                }
                Some((_, true)) => {}
                Some((column, false)) => self.note(line, column, format!("column {at} is taken for this one")),
                None if cell.is_empty() => self.problem(line, None, format!("column {at} of the header has no name")),
                None => {
                    let reason = format!("the name of column {at} is not known; the column is left out");
                    self.notes.push(Problem { line, column: None, reason });
                }
            }
            columns.push(column.map(|(column, _)| column));
        }
        columns
    }

    fn row(&mut self, header: &Header, record: &Record<'_>) -> Option<Row> {
        let (line, columns) = (record.line, &header.columns);
        if let Some(quote) = record.open_quote {
            self.problem(quote, None, "a quotation mark opens here and is never closed");
            return None;
        }
        if !header.imapsync && record.fields.iter().skip(columns.len()).any(|field| !field.trim().is_empty()) {
            self.problem(line, None, format!("{} columns instead of {}", record.fields.len(), columns.len()));
            return None;
        }
        // What a row lacks at its end is empty.
        let raw = CsvColumn::ALL.map(|c| {
            let at = columns.iter().position(|column| *column == Some(c));
            at.and_then(|at| record.fields.get(at)).map_or("", |field| &**field)
        });
        let cells = CsvColumn::ALL.into_iter().zip(raw);
        let taken: Vec<(CsvColumn, &str, &str)> =
            cells.map(|(c, raw)| (c, raw, if c.is_email() { address::cleaned(raw) } else { raw })).collect();
        let before = self.problems.len();
        for (column, raw, text) in &taken {
            if let Some(reason) = self.unreadable(raw).or_else(|| wrong(*column, text)) {
                self.problem(line, Some(*column), reason);
            }
        }
        if self.problems.len() > before {
            return None;
        }
        for (column, raw, text) in &taken {
            if column.is_password() && raw.trim() != *raw {
                self.note(line, *column, "the password begins or ends with a blank; it is kept");
            } else if column.is_email() && *text != raw.trim() {
                self.note(line, *column, format!("read as {text}"));
            }
        }
        let of = |c: CsvColumn| taken.iter().find(|(column, ..)| *column == c).map_or("", |(.., text)| *text);
        let text = |c: CsvColumn| Some(of(c).trim()).filter(|t| !t.is_empty()).map(str::to_owned);
        let secret = |c: CsvColumn| Some(of(c)).filter(|t| !t.is_empty()).map(Secret::new);
        Some(Row {
            line,
            source_email: of(CsvColumn::SourceEmail).to_owned(),
            source_login: text(CsvColumn::SourceLogin),
            source_password: secret(CsvColumn::SourcePassword),
            destination_email: of(CsvColumn::DestinationEmail).to_owned(),
            destination_login: text(CsvColumn::DestinationLogin),
            destination_password: secret(CsvColumn::DestinationPassword),
            contact: text(CsvColumn::ContactEmail),
        })
    }

    /// Why a cell cannot be read.
    fn unreadable(&self, cell: &str) -> Option<String> {
        let reason = |_| {
            format!("letters that are no {}: choose the file's encoding, or save it as CSV UTF-8", self.encoding.name())
        };
        cell.find(char::REPLACEMENT_CHARACTER).map(reason)
    }
}

/// What is wrong with a field, whoever typed it.
pub fn wrong(column: CsvColumn, field: &str) -> Option<String> {
    if field.len() > FIELD_LIMIT && field.chars().count() > FIELD_LIMIT {
        return Some(format!("longer than {FIELD_LIMIT} characters"));
    }
    let text = if column.is_password() { field } else { field.trim() };
    if text.chars().any(char::is_control) {
        return Some("holds a control character, such as a tab or a line break".into());
    }
    if !column.is_password() && !column.is_email() && !text.is_ascii() && text.chars().any(is_invisible) {
        return Some("holds an invisible character".into());
    }
    if !column.is_email() || (text.is_empty() && !column.is_compulsory()) {
        return None;
    }
    address::wrong(text)
}

#[cfg(test)]
mod tests;
