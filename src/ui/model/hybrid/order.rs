//! The order of users: by any column, and back.

use std::cmp::Ordering;

use super::look::user_percent;
use crate::service::hybrid::{HybridUser, HybridView};

/// A column that orders.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UserColumn {
    /// The star.
    Star,
    /// The address.
    User,
    /// The batch.
    Batch,
    /// The status.
    Status,
    /// Per cent.
    Percent,
    /// Items that are there.
    Items,
    /// Items that were left out.
    Skipped,
    /// When it was synced last.
    LastSync,
    /// What it waits for.
    Remark,
}

impl UserColumn {
    /// Its heading.
    pub fn label(self) -> &'static str {
        match self {
            Self::Star => "Star",
            Self::User => "User",
            Self::Batch => "Batch",
            Self::Status => "Status",
            Self::Percent => "Synced",
            Self::Items => "Items",
            Self::Skipped => "Skipped",
            Self::LastSync => "Last sync",
            Self::Remark => "What it waits for",
        }
    }
}

/// An order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UserSort {
    /// By this column.
    pub column: UserColumn,
    /// Greatest first.
    pub descending: bool,
}

/// Which of two users comes first; equal ones are ordered by address.
pub fn compare(view: &HybridView, sort: UserSort, a: &HybridUser, b: &HybridUser) -> Ordering {
    let star = |user: &HybridUser| user.star.map_or(u8::MAX, |star| star as u8);
    let order = match sort.column {
        UserColumn::Star => star(a).cmp(&star(b)),
        UserColumn::User => Ordering::Equal,
        UserColumn::Batch => a.batch.cmp(&b.batch).then_with(|| view.batch_name(a).cmp(view.batch_name(b))),
        UserColumn::Status => a.status.cmp(&b.status),
        UserColumn::Percent => user_percent(a).cmp(&user_percent(b)),
        UserColumn::Items => a.told.synced.cmp(&b.told.synced),
        UserColumn::Skipped => a.told.skipped.cmp(&b.told.skipped),
        UserColumn::LastSync => a.told.last_sync.cmp(&b.told.last_sync),
        UserColumn::Remark => a.remark().cmp(&b.remark()),
    };
    let by_address = || a.address.to_lowercase().cmp(&b.address.to_lowercase());
    match (sort.column, sort.descending) {
        (UserColumn::User, true) => by_address().reverse(),
        (_, true) => order.reverse().then_with(by_address),
        (_, false) => order.then_with(by_address),
    }
}
