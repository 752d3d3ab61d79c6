//! Plain tables in a terminal. What is printed may come from a server or a file: control characters never reach the
//! terminal.

#![deny(clippy::indexing_slicing, clippy::string_slice, reason = "it reads what strangers wrote")]

use std::io::Write;

use crate::domain::plain_text::shown;

/// Columns aligned by blanks; numbers (columns named in `right`) to the right.
pub struct Table {
    head: Vec<&'static str>,
    right: Vec<bool>,
    rows: Vec<Vec<String>>,
}

/// Without hidden characters, so that no text can steer the terminal.
pub fn clean(text: &str) -> String {
    shown(text)
}

impl Table {
    /// A table with these headings; those that begin with `>` are right-aligned.
    pub fn new(head: &[&'static str]) -> Self {
        let right = head.iter().map(|h| h.starts_with('>')).collect();
        Self { head: head.iter().map(|h| h.trim_start_matches('>')).collect(), right, rows: Vec::new() }
    }

    /// Adds a row.
    pub fn row(&mut self, cells: Vec<String>) {
        self.rows.push(cells.iter().map(|cell| clean(cell)).collect());
    }

    /// Prints it.
    pub fn print(&self) {
        let width = |(at, head): (usize, &&str)| {
            let cells = self.rows.iter().filter_map(|row| row.get(at)).map(|cell| cell.chars().count());
            cells.chain([head.chars().count()]).max().unwrap_or(0)
        };
        let widths: Vec<usize> = self.head.iter().enumerate().map(width).collect();
        let line = |cells: &[String]| {
            let cell = |(at, text): (usize, &String)| {
                let fill = " ".repeat(widths.get(at).map_or(0, |width| width.saturating_sub(text.chars().count())));
                if self.right.get(at) == Some(&true) { format!("{fill}{text}") } else { format!("{text}{fill}") }
            };
            cells.iter().enumerate().map(cell).collect::<Vec<_>>().join("  ").trim_end().to_owned()
        };
        let head: Vec<String> = self.head.iter().map(|h| (*h).to_owned()).collect();
        let mut out = std::io::BufWriter::new(std::io::stdout().lock());
        for cells in std::iter::once(&head).chain(&self.rows) {
            // Whoever reads has seen enough.
            if writeln!(out, "{}", line(cells)).is_err() {
                return;
            }
        }
        out.flush().ok();
    }
}
