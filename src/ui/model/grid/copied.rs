//! Rows of the item grid as a table that spreadsheets take, for the clipboard and as a file: no cell can become a formula.

use jiff::tz::TimeZone;

use crate::domain::csv_writing::{line, tabbed};
use crate::domain::project::Project;
use crate::domain::time::Timestamp;
use crate::engine::snapshot::ItemRow;
use crate::ui::model::look::{self, happening, look};

const HEADINGS: [&str; 9] =
    ["Source Email", "Destination Email", "Status", "What is happening", "Messages", "Bytes", "Errors", "Star", "Note"];

/// How a table is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// For the clipboard.
    Tabs,
    /// For a file.
    Csv,
}

/// These rows below their headings.
pub fn table<'a>(
    form: Form,
    rows: impl Iterator<Item = &'a ItemRow>,
    project: &Project,
    (now, zone): (Timestamp, &TimeZone),
) -> String {
    let written = |cells: Vec<&str>| match form {
        Form::Tabs => tabbed(cells),
        Form::Csv => line(cells),
    };
    let mut table = written(HEADINGS.to_vec());
    for row in rows {
        let words = [look(row, now).words, happening(row, project, zone).words];
        let figures = [row.moved().messages, look::bytes(row), row.progress.counts.errors].map(|it| it.to_string());
        let marks = [row.star.map_or("", |star| star.word()), row.note.as_deref().unwrap_or_default()];
        let addresses = [row.source.as_str(), row.destination.as_str()].into_iter();
        let cells = addresses.chain(words.iter().chain(&figures).map(String::as_str)).chain(marks);
        table += &written(cells.collect());
    }
    table
}
