//! Items from a spreadsheet: bytes in, rows and problems out. Nothing is stored here, and no text made here ever holds a
//! password.
//!
//! The first line that is not blank names the columns: Source Email, Source Login Name, Source Password, Destination
//! Email, Destination Login Name, Destination Password, Contact Email; in any order and case, only the two e-mails compulsory. Columns of
//! another name (MigrationWiz's `Flags`) are left out and named; those without one are forgiven at the end. The file
//! is UTF-8, UTF-16 with its mark, or else Windows-1252; its delimiter is a comma, semicolon or tab. Addresses and login
//! names are trimmed, passwords are kept as they are. Lines are counted as an editor counts them, also inside quotes,
//! which is why the records are read in `csv_records` and not by a library: it would not tell an open quote.

#![deny(clippy::indexing_slicing, clippy::string_slice, reason = "it reads what strangers wrote")]

use std::collections::HashMap;

use zeroize::Zeroizing;

use super::csv_records::{CsvRecords, Record};
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
    /// Oddities of good rows that are worth a look: passwords with blanks at an edge.
    pub notes: Vec<Problem>,
    /// How the bytes were read: `UTF-8`, `UTF-16LE`, `UTF-16BE` or `windows-1252`.
    pub encoding: &'static str,
    /// What separates the columns.
    pub delimiter: char,
}

/// Reads a pasted list, which may lack its header: two columns of addresses, as copied from a spreadsheet, get one.
pub fn parse_pasted(text: &str) -> ParsedList {
    let first = text.lines().find(|line| !line.trim().is_empty()).unwrap_or_default();
    if !first.contains('@') {
        return parse(text.as_bytes());
    }
    let delimiter = ['\t', ';', ','].into_iter().find(|delimiter| first.contains(*delimiter)).unwrap_or(',');
    let columns = [CsvColumn::SourceEmail, CsvColumn::DestinationEmail].map(CsvColumn::name);
    let text = Zeroizing::new(format!("{}{delimiter}{}\n{text}", columns[0], columns[1]));
    // Lines are counted as they were pasted: the header stands above the first.
    parse_text(&text, encoding_rs::UTF_8.name(), 0)
}

/// Reads a file.
pub fn parse(bytes: &[u8]) -> ParsedList {
    let (text, encoding) = decode(bytes);
    parse_text(&text, encoding, 1)
}

/// Reads a text whose first line has this number.
fn parse_text(text: &str, encoding: &'static str, first: usize) -> ParsedList {
    let delimiter = delimiter_of(text);
    let mut parsed = ParsedList { rows: Vec::new(), problems: Vec::new(), notes: Vec::new(), encoding, delimiter };
    let mut records = CsvRecords::new(text, delimiter, first);
    let Some(header) = records.find(|r| !r.is_blank()) else {
        parsed.problem(1, None, "the file is empty");
        return parsed;
    };
    let Some(header) = parsed.header(&header) else { return parsed };
    let mut keys: HashMap<(String, String), usize> = HashMap::new();
    for record in records.filter(|r| !r.is_blank()) {
        let Some(row) = parsed.row(&header, &record) else { continue };
        let key = (row.source_email.to_lowercase(), row.destination_email.to_lowercase());
        match keys.get(&key) {
            Some(first) => {
                let reason = format!("the same source and destination as on line {first}");
                parsed.problem(row.line, None, reason);
            }
            None => {
                keys.insert(key, row.line);
                parsed.rows.push(row);
            }
        }
    }
    parsed
}

fn decode(bytes: &[u8]) -> (Zeroizing<String>, &'static str) {
    if let Some((encoding, mark)) = encoding_rs::Encoding::for_bom(bytes) {
        let text = encoding.decode_without_bom_handling(bytes.get(mark..).unwrap_or_default()).0;
        return (Zeroizing::new(text.into_owned()), encoding.name());
    }
    match std::str::from_utf8(bytes) {
        Ok(text) => (Zeroizing::new(text.to_owned()), encoding_rs::UTF_8.name()),
        Err(_) => {
            let text = encoding_rs::WINDOWS_1252.decode_without_bom_handling(bytes).0;
            (Zeroizing::new(text.into_owned()), encoding_rs::WINDOWS_1252.name())
        }
    }
}

/// The delimiter the header uses most; a comma when in doubt.
fn delimiter_of(text: &str) -> char {
    let header = text.lines().find(|l| !l.trim().is_empty()).unwrap_or_default();
    let mut best = (',', 0);
    for delimiter in [',', ';', '\t'] {
        let count = header.matches(delimiter).count();
        if count > best.1 {
            best = (delimiter, count);
        }
    }
    best.0
}

/// The columns a header names, none for those that are left out, and how many it has with those at its end that have no
/// name: nothing stands below them.
struct Header {
    columns: Vec<Option<CsvColumn>>,
    width: usize,
}

impl ParsedList {
    fn problem(&mut self, line: usize, column: Option<CsvColumn>, reason: impl Into<String>) {
        self.problems.push(Problem { line, column: column.map(CsvColumn::name), reason: reason.into() });
    }

    /// What the header says, or none and the reasons.
    fn header(&mut self, record: &Record<'_>) -> Option<Header> {
        let before = self.problems.len();
        let cells: Vec<String> =
            record.fields.iter().map(|f| f.split_whitespace().collect::<Vec<_>>().join(" ")).collect();
        let known = |cell: &String| CsvColumn::ALL.into_iter().find(|c| c.name().eq_ignore_ascii_case(cell));
        if record.open_quote.is_some() || !cells.iter().any(|c| known(c).is_some()) {
            // Possibly a file without header: its cells may be passwords and are not repeated.
            let names = CsvColumn::ALL.map(CsvColumn::name).join(", ");
            self.problem(record.line, None, format!("the first line must name the columns: {names}"));
            return None;
        }
        let named = cells.iter().rposition(|cell| !cell.is_empty()).map_or(0, |last| last + 1);
        let mut columns = Vec::with_capacity(named);
        for (at, cell) in cells.iter().take(named).enumerate() {
            let column = known(cell);
            match column {
                Some(twice) if columns.contains(&column) => {
                    self.problem(record.line, Some(twice), "the header names this column twice");
                }
                Some(_) => {}
                None if cell.is_empty() => {
                    self.problem(record.line, None, format!("column {} of the header has no name", at + 1));
                }
                None => {
                    let cell: String = cell.chars().filter(|c| !c.is_control()).take(40).collect();
                    let reason = format!("the column \"{cell}\" is not known and is left out");
                    self.notes.push(Problem { line: record.line, column: None, reason });
                }
            }
            columns.push(column);
        }
        for column in CsvColumn::ALL.into_iter().filter(|c| c.is_compulsory() && !columns.contains(&Some(*c))) {
            self.problem(record.line, Some(column), "this column is missing");
        }
        (self.problems.len() == before).then_some(Header { columns, width: cells.len() })
    }

    fn row(&mut self, Header { columns, width }: &Header, record: &Record<'_>) -> Option<Row> {
        let line = record.line;
        if let Some(quote) = record.open_quote {
            self.problem(quote, None, "a quotation mark opens here and is never closed");
            return None;
        }
        let mut nameless = record.fields.iter().skip(columns.len());
        if !(columns.len()..=*width).contains(&record.fields.len()) || nameless.any(|field| !field.trim().is_empty()) {
            let reason = format!("{} columns instead of {}", record.fields.len(), columns.len());
            self.problem(line, None, reason);
            return None;
        }
        let mut good = true;
        for (column, field) in columns.iter().zip(&record.fields) {
            if let Some((column, reason)) = column.and_then(|column| Some((column, wrong(column, field)?))) {
                self.problem(line, Some(column), reason);
                good = false;
            }
        }
        if !good {
            return None;
        }
        let field = |c: CsvColumn| {
            columns.iter().position(|x| *x == Some(c)).and_then(|at| record.fields.get(at)).map_or("", |field| &**field)
        };
        let text = |c: CsvColumn| Some(field(c).trim()).filter(|t| !t.is_empty()).map(str::to_owned);
        let secret = |c: CsvColumn| Some(field(c)).filter(|t| !t.is_empty()).map(Secret::new);
        for column in CsvColumn::ALL.into_iter().filter(|c| c.is_password()) {
            if field(column).trim() != field(column) {
                let reason = "the password begins or ends with a blank; it is kept".to_owned();
                self.notes.push(Problem { line, column: Some(column.name()), reason });
            }
        }
        Some(Row {
            line,
            source_email: field(CsvColumn::SourceEmail).trim().to_owned(),
            source_login: text(CsvColumn::SourceLogin),
            source_password: secret(CsvColumn::SourcePassword),
            destination_email: field(CsvColumn::DestinationEmail).trim().to_owned(),
            destination_login: text(CsvColumn::DestinationLogin),
            destination_password: secret(CsvColumn::DestinationPassword),
            contact: text(CsvColumn::ContactEmail),
        })
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
    if !column.is_email() || (text.is_empty() && !column.is_compulsory()) {
        return None;
    }
    if text.is_empty() {
        return Some("the e-mail address is missing".into());
    }
    match text.rsplit_once('@') {
        None => Some("no @ in the e-mail address".into()),
        Some(("", _) | (_, "")) => Some("nothing before or behind the @ of the e-mail address".into()),
        Some(_) if text.contains(char::is_whitespace) => Some("a blank inside the e-mail address".into()),
        Some(_) => None,
    }
}

#[cfg(test)]
mod tests;
