//! Users of a hybrid project from a list: `Email Address`, and `Usage Location` if licenses need one.

#![deny(clippy::indexing_slicing, clippy::string_slice, reason = "it reads what strangers wrote")]

use std::collections::HashMap;

use super::attributes::is_address;
use super::settings::location;
use crate::domain::csv_records::CsvRecords;

/// Most users of a list.
const MOST: usize = 50_000;
/// Faults that are named.
const NAMED: usize = 20;

/// A user to come in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewUser {
    /// Its address.
    pub address: String,
    /// Where it works.
    pub location: Option<String>,
}

/// A row that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}, {column}: {reason}")]
pub struct BadUser {
    /// The line it begins on.
    pub line: usize,
    /// The column.
    pub column: &'static str,
    /// What is amiss, and what would do.
    pub reason: String,
}

/// Why a list was not read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadUsers {
    /// No column with addresses.
    #[error("the first line names no column \"Email Address\"; write: Email Address,Usage Location")]
    NoColumn,
    /// No row.
    #[error("the list has no users below its first line")]
    Empty,
    /// Too many.
    #[error("the list has more than {MOST} users; split it")]
    TooMany,
    /// Rows that cannot be used; the first of them, and how many there are.
    #[error("{}{}", named(.0), more(.0.len(), *.1))]
    Rows(Vec<BadUser>, usize),
}

fn named(rows: &[BadUser]) -> String {
    rows.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}

fn more(named: usize, all: usize) -> String {
    if all > named { format!("\nand {} more", all - named) } else { String::new() }
}

/// Reads a list; commas, semicolons or tabs part its columns.
///
/// # Errors
/// Nothing of it is used.
pub fn read(text: &str) -> Result<Vec<NewUser>, BadUsers> {
    let text = text.trim_start_matches('\u{feff}');
    let head = text.lines().next().unwrap_or_default();
    let count = |delimiter: char| head.matches(delimiter).count();
    let delimiter = [',', ';', '\t'].into_iter().max_by_key(|delimiter| count(*delimiter)).unwrap_or(',');
    let mut records = CsvRecords::new(text, delimiter, 1);
    let columns: Vec<String> =
        records.next().map(|head| head.fields.iter().map(|f| plain(f)).collect()).unwrap_or_default();
    let column = |names: &[&str]| columns.iter().position(|column| names.contains(&column.as_str()));
    let address = column(&["emailaddress", "email", "primarysmtpaddress", "sourceemail"]).ok_or(BadUsers::NoColumn)?;
    let place = column(&["usagelocation", "location"]);
    let (mut users, mut bad, mut seen) = (Vec::new(), Vec::new(), HashMap::new());
    for record in records.filter(|record| !record.is_blank()) {
        let line = record.line;
        if users.len() + bad.len() >= MOST {
            return Err(BadUsers::TooMany);
        }
        let field = |at: usize| record.fields.get(at).map_or("", |field| field.trim());
        match user(field(address), place.map_or("", field), record.open_quote) {
            Ok(user) => match seen.insert(user.address.to_lowercase(), line) {
                None => users.push(user),
                Some(first) => {
                    bad.push(BadUser {
                        line,
                        column: "Email Address",
                        reason: format!("it stands in line {first} too"),
                    });
                }
            },
            Err((column, reason)) => bad.push(BadUser { line, column, reason: reason.into() }),
        }
    }
    match (bad.len(), users.is_empty()) {
        (0, true) => Err(BadUsers::Empty),
        (0, false) => Ok(users),
        (all, _) => {
            bad.truncate(NAMED);
            Err(BadUsers::Rows(bad, all))
        }
    }
}

fn plain(name: &str) -> String {
    name.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

fn user(address: &str, place: &str, open_quote: Option<usize>) -> Result<NewUser, (&'static str, &'static str)> {
    if open_quote.is_some() {
        return Err(("Email Address", "a quotation mark is never closed"));
    }
    if !is_address(address) {
        return Err(("Email Address", "no e-mail address; write it as anna@contoso.example"));
    }
    let location = match place {
        "" => None,
        place => Some(location(place).ok_or(("Usage Location", "it has two letters, as DE"))?),
    };
    Ok(NewUser { address: address.to_owned(), location })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn users_are_read_and_what_is_wrong_is_named_by_line_and_column() {
        let users =
            read("\u{feff}Email Address;Usage Location\r\nanna@c.example;de\r\n\r\nbob@c.example;\r\n").unwrap();
        let of = |address: &str, location: Option<&str>| NewUser {
            address: address.into(),
            location: location.map(str::to_owned),
        };
        assert_eq!(users, [of("anna@c.example", Some("DE")), of("bob@c.example", None)]);
        let text =
            read("EmailAddress,x\nanna,1\nb@c.example,2\nB@c.example,3\n\"d@c.example,4\n").unwrap_err().to_string();
        assert_eq!(
            text,
            "line 2, Email Address: no e-mail address; write it as anna@contoso.example\n\
             line 4, Email Address: it stands in line 3 too\n\
             line 5, Email Address: a quotation mark is never closed"
        );
        assert_eq!(read("Name\nanna"), Err(BadUsers::NoColumn));
        assert_eq!((read("Email\n"), read("")), (Err(BadUsers::Empty), Err(BadUsers::NoColumn)));
        let many: String = (0..30).map(|_| "x\n").collect();
        assert!(read(&format!("Email\n{many}")).unwrap_err().to_string().ends_with("and 10 more"));
        assert!(read("Email,Location\na@b.example,Deutschland").unwrap_err().to_string().contains("two letters"));
    }
}
