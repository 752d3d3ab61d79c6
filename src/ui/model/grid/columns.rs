//! Which columns the item grid shows beside name, status and what is happening, in which order, and how wide the name is.

use std::collections::BTreeSet;

use super::Column;

/// Which columns are shown, from left to right.
#[derive(Clone, Debug, PartialEq)]
pub struct Columns {
    order: Vec<Column>,
    hidden: BTreeSet<Column>,
    /// How wide a person made the name, in points; none while it takes what it needs.
    pub name_width: Option<f32>,
}

impl Default for Columns {
    fn default() -> Self {
        Self { order: Column::OPTIONAL.to_vec(), hidden: BTreeSet::new(), name_width: None }
    }
}

impl Columns {
    /// All that there may be, in their order, and whether they are shown.
    pub fn all(&self) -> impl Iterator<Item = (Column, bool)> {
        self.order.iter().map(|column| (*column, !self.hidden.contains(column)))
    }

    /// Those that are shown, in their order.
    pub fn shown(&self) -> impl Iterator<Item = Column> {
        self.all().filter(|(_, shown)| *shown).map(|(column, _)| column)
    }

    pub(super) fn toggle(&mut self, column: Column) {
        if !self.hidden.remove(&column) {
            self.hidden.insert(column);
        }
    }

    /// One place further to the left or to the right; at the edge it stays.
    pub(super) fn shift(&mut self, column: Column, left: bool) {
        let Some(at) = self.order.iter().position(|other| *other == column) else { return };
        let to = if left { at.checked_sub(1) } else { Some(at + 1) };
        if let Some(to) = to.filter(|to| *to < self.order.len()) {
            self.order.swap(at, to);
        }
    }

    /// As they are remembered: `messages -data errors`, a hidden one with a minus, `name=240`.
    pub fn to_text(&self) -> String {
        let word = |(column, shown): (Column, bool)| format!("{}{}", if shown { "" } else { "-" }, column.word());
        let name = self.name_width.map(|wide| format!("name={wide:.0}"));
        self.all().map(word).chain(name).collect::<Vec<_>>().join(" ")
    }

    /// As they were remembered; what is not among them stands behind them, and is shown.
    pub fn from_text(text: &str) -> Self {
        let mut columns = Self { order: Vec::new(), ..Self::default() };
        for word in text.split(' ') {
            if let Some(wide) = word.strip_prefix("name=") {
                columns.name_width = wide.parse().ok().filter(|wide| (60.0..=2000.0).contains(wide));
                continue;
            }
            let name = word.strip_prefix('-');
            let found = Column::OPTIONAL.into_iter().find(|column| column.word() == name.unwrap_or(word));
            let Some(column) = found.filter(|column| !columns.order.contains(column)) else { continue };
            columns.order.push(column);
            if name.is_some() {
                columns.hidden.insert(column);
            }
        }
        let new = Column::OPTIONAL.into_iter().filter(|column| !columns.order.contains(column));
        let new: Vec<Column> = new.collect();
        columns.order.extend(new);
        columns
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_hidden_moved_or_widened_is_remembered() {
        let mut columns = Columns::default();
        columns.toggle(Column::Data);
        columns.shift(Column::Since, true);
        columns.shift(Column::Messages, true);
        columns.name_width = Some(240.0);
        assert_eq!(columns.to_text(), "messages -data errors since passes name=240");
        assert_eq!(Columns::from_text(&columns.to_text()), columns);
        let shown: Vec<Column> = columns.shown().collect();
        assert_eq!(shown, [Column::Messages, Column::Errors, Column::Since, Column::Passes]);
    }

    #[test]
    fn what_is_not_known_is_passed_over_and_what_is_new_is_shown_behind() {
        let columns = Columns::from_text("4 5 since since -errors name=wide nonsense -status");
        assert_eq!(columns.to_text(), "since -errors messages data passes");
        assert_eq!(Columns::from_text(""), Columns::default());
    }
}
