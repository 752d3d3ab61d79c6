//! What is said of several items for one reason: by name where they are few, else how many they are.

use std::collections::HashMap;

use crate::cli::status::NAMED;
use crate::cli::table::clean;
use crate::domain::ids::ItemId;
use crate::domain::wording::counted;
use crate::service::items::{StoredItem, key};

/// Reasons in the order in which they came, and the items of each.
#[derive(Default)]
pub struct Reasons<'a>(Vec<(String, Vec<&'a StoredItem>)>, HashMap<String, usize>);

impl<'a> Reasons<'a> {
    /// Of these items, each with its reason; of rows that are not `named` nothing is said.
    pub fn of(
        items: impl Iterator<Item = (ItemId, String)>,
        rows: &'a [StoredItem],
        named: impl Fn(&StoredItem) -> bool,
    ) -> Self {
        let rows: HashMap<ItemId, &StoredItem> = rows.iter().map(|row| (row.item.id, row)).collect();
        let mut reasons = Self::default();
        for (item, reason) in items {
            if let Some(row) = rows.get(&item).filter(|row| named(row)) {
                reasons.add(reason, row);
            }
        }
        reasons
    }

    /// This item has this reason.
    pub fn add(&mut self, reason: String, item: &'a StoredItem) {
        let Self(reasons, places) = self;
        let at = *places.entry(reason).or_insert_with_key(|reason| {
            reasons.push((reason.clone(), Vec::new()));
            reasons.len() - 1
        });
        if let Some((_, items)) = reasons.get_mut(at) {
            items.push(item);
        }
    }

    /// A line for each of a few items, one line for many.
    pub fn lines(&self) -> impl Iterator<Item = String> {
        self.0.iter().flat_map(|(reason, items)| match items.len() {
            many if many > NAMED as usize => vec![format!("{}: {reason}", counted(many, "item"))],
            _ => items.iter().map(|item| format!("{}: {reason}", clean(&key(item)))).collect(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ids::ProjectId;
    use crate::domain::item::{Item, Mailbox};

    fn row(id: i64) -> StoredItem {
        let mailbox = |side: &str| Mailbox { email: format!("u{id}@{side}"), login: None, credential: None };
        let item = Item { id: ItemId(id), project: ProjectId(1), source: mailbox("a"), destination: mailbox("b") };
        StoredItem { item, star: None, note: None, contact: None, latest: None }
    }

    #[test]
    fn few_items_are_named_and_many_are_counted() {
        let rows: Vec<StoredItem> = (1..=60).map(row).collect();
        let reason = |id| if id == 7 { "queued" } else { "submitted" };
        let all = || (1..=61).map(|id| (ItemId(id), reason(id).to_owned()));
        let lines: Vec<String> = Reasons::of(all(), &rows, |_| true).lines().collect();
        assert_eq!(lines, ["59 items: submitted", "u7@a:u7@b: queued"]);
        let some: Vec<String> = Reasons::of(all(), &rows, |row| row.item.id.0 < 3).lines().collect();
        assert_eq!(some, ["u1@a:u1@b: submitted", "u2@a:u2@b: submitted"]);
    }
}
