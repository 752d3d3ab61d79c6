//! The order of the item grid: by any column, and back.

use std::cmp::Ordering;

use crate::engine::snapshot::ItemRow;
use crate::ui::model::look;

/// A column that orders.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Column {
    /// The star.
    Star,
    /// Source address, then destination.
    Name,
    /// The status.
    Status,
    /// Folders done of all.
    Folders,
    /// Messages copied, over all passes.
    Messages,
    /// Bytes copied.
    Data,
    /// Item errors.
    Errors,
    /// Since when.
    Since,
    /// How the last pass of each kind ended.
    Passes,
}

impl Column {
    /// All, in the order by which they are remembered.
    pub const ALL: [Self; 9] = [
        Self::Star,
        Self::Name,
        Self::Status,
        Self::Folders,
        Self::Messages,
        Self::Data,
        Self::Errors,
        Self::Since,
        Self::Passes,
    ];

    /// Those that can be hidden and moved, from left to right.
    pub const OPTIONAL: [Self; 5] = [Self::Messages, Self::Data, Self::Errors, Self::Passes, Self::Since];

    /// By which it is remembered.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Star => "star",
            Self::Name => "name",
            Self::Status => "status",
            Self::Folders => "folders",
            Self::Messages => "messages",
            Self::Data => "data",
            Self::Errors => "errors",
            Self::Since => "since",
            Self::Passes => "passes",
        }
    }

    /// Its heading.
    pub fn label(self) -> &'static str {
        match self {
            Self::Star => "Star",
            Self::Name => "Source → destination",
            Self::Status => "Status",
            Self::Folders => "What is happening",
            Self::Messages => "Messages",
            Self::Data => "Data",
            Self::Errors => "Errors",
            Self::Since => "Since",
            Self::Passes => "V T P F",
        }
    }
}

/// An order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sort {
    /// By this column.
    pub column: Column,
    /// Greatest first.
    pub descending: bool,
}

impl Sort {
    /// As it is remembered.
    pub fn to_text(self) -> String {
        let at = Column::ALL.iter().position(|column| *column == self.column).unwrap_or_default();
        format!("{at} {}", if self.descending { "down" } else { "up" })
    }

    /// As it was remembered.
    pub fn from_text(text: &str) -> Option<Self> {
        let (at, way) = text.split_once(' ')?;
        Some(Self { column: *Column::ALL.get(at.parse::<usize>().ok()?)?, descending: way == "down" })
    }
}

/// Which of two rows comes first; equal ones are ordered by name.
pub fn compare(a: &ItemRow, b: &ItemRow, sort: Sort) -> Ordering {
    let by_name = || ignoring_case(&a.source, &b.source).then_with(|| ignoring_case(&a.destination, &b.destination));
    let order = match sort.column {
        // Coloured ones first.
        Column::Star => a.star.map_or(u8::MAX, |star| star as u8).cmp(&b.star.map_or(u8::MAX, |star| star as u8)),
        Column::Name => by_name(),
        Column::Status => a.status.ordinal().cmp(&b.status.ordinal()),
        Column::Folders => a.progress.folders_done.cmp(&b.progress.folders_done),
        Column::Messages => a.moved().messages.cmp(&b.moved().messages),
        Column::Data => look::bytes(a).cmp(&look::bytes(b)),
        Column::Errors => a.progress.counts.errors.cmp(&b.progress.counts.errors),
        Column::Since => look::since(a).cmp(&look::since(b)),
        Column::Passes => a.results().cmp(&b.results()),
    };
    let order = if sort.descending { order.reverse() } else { order };
    order.then_with(by_name)
}

fn ignoring_case(a: &str, b: &str) -> Ordering {
    a.bytes().map(|byte| byte.to_ascii_lowercase()).cmp(b.bytes().map(|byte| byte.to_ascii_lowercase()))
}
