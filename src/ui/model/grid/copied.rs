//! Rows of the item grid as a table that spreadsheets take: columns are parted by tabs, and no cell can become a formula.

use jiff::tz::TimeZone;

use crate::domain::csv_writing::tabbed;
use crate::domain::project::Project;
use crate::domain::time::Timestamp;
use crate::engine::snapshot::ItemRow;
use crate::ui::model::look::{self, happening, look};

const HEADINGS: [&str; 9] =
    ["Source", "Destination", "Status", "What is happening", "Messages", "Bytes", "Errors", "Star", "Note"];

/// These rows below their headings.
pub fn table<'a>(
    rows: impl Iterator<Item = &'a ItemRow>,
    project: &Project,
    (now, zone): (Timestamp, &TimeZone),
) -> String {
    let mut table = tabbed(HEADINGS);
    for row in rows {
        let words = [look(row, now).words, happening(row, project, zone).words];
        let figures = [row.moved().messages, look::bytes(row), row.progress.counts.errors].map(|it| it.to_string());
        let marks = [row.star.map_or("", |star| star.word()), row.note.as_deref().unwrap_or_default()];
        let addresses = [row.source.as_str(), row.destination.as_str()].into_iter();
        table += &tabbed(addresses.chain(words.iter().chain(&figures).map(String::as_str)).chain(marks));
    }
    table
}
