//! The dialog that deletes or resets items.

use crate::domain::action::Action;
use crate::domain::ids::{ItemId, ProjectId};
use crate::domain::license::lost_with;
use crate::domain::status::Status;
use crate::domain::wording::counted;
use crate::service::edit::{DELETE_TAKES, MANY, RESET_TAKES};
use crate::service::licenses::ProjectLicenses;
use crate::ui::model::messages::by_reason;

/// What is taken from items.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ItemRemoval {
    /// They are deleted.
    Delete,
    /// What was copied is forgotten.
    Reset,
}

impl ItemRemoval {
    /// The same as what a status allows or not.
    pub fn action(self) -> Action {
        match self {
            Self::Delete => Action::Delete,
            Self::Reset => Action::Reset,
        }
    }

    /// What it is called.
    pub fn word(self) -> &'static str {
        match self {
            Self::Delete => "Delete",
            Self::Reset => "Reset",
        }
    }

    /// What it takes and what stays.
    pub fn takes(self) -> &'static str {
        match self {
            Self::Delete => DELETE_TAKES,
            Self::Reset => RESET_TAKES,
        }
    }
}

/// The dialog that deletes or resets items.
#[derive(Clone, Debug)]
pub struct RemoveForm {
    /// Which of both.
    pub removal: ItemRemoval,
    /// Whose items.
    pub project: ProjectId,
    /// Those whose status allows it.
    pub items: Vec<ItemId>,
    /// Why others are left alone, and how many.
    pub left: Vec<(String, usize)>,
    /// The number that was typed.
    pub typed: String,
    /// It is yet to be heard what licenses would be lost.
    pub asks_licenses: bool,
    /// What is said of licenses that would be lost (R43).
    pub lost: Option<String>,
}

impl RemoveForm {
    /// For items that were chosen, in their statuses.
    pub fn new(removal: ItemRemoval, project: ProjectId, chosen: impl Iterator<Item = (ItemId, Status)>) -> Self {
        let (mut items, mut left) = (Vec::new(), Vec::new());
        for (item, status) in chosen {
            match removal.action().check(status, 0) {
                Ok(()) => items.push(item),
                Err(refusal) => left.push(refusal.to_string()),
            }
        }
        let (left, typed) = (by_reason(left.into_iter()), String::new());
        Self { removal, project, items, left, typed, asks_licenses: false, lost: None }
    }

    /// What the items hold of licenses.
    pub fn licenses_known(&mut self, licenses: &ProjectLicenses) {
        self.asks_licenses = false;
        self.lost = lost_with(licenses.lost_with(self.items.iter().copied()));
    }

    /// What it is about.
    pub fn title(&self) -> String {
        format!("{} {}", self.removal.word(), counted(self.items.len(), "item"))
    }

    /// Whether the number of items has to be typed.
    pub fn asks_number(&self) -> bool {
        self.items.len() > MANY
    }

    /// Whether it may be done.
    ///
    /// # Errors
    /// Why not.
    pub fn ready(&self) -> Result<(), &'static str> {
        match self.items.len() {
            _ if self.asks_licenses => Err("What licenses they have consumed is being looked up"),
            0 => Err("None of them may be: see the reasons above"),
            count if self.asks_number() && self.typed.trim() != count.to_string() => {
                Err("Type the number of items first")
            }
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn r42_many_are_deleted_only_when_their_number_was_typed() {
        let form = |count: i64, status| {
            RemoveForm::new(ItemRemoval::Delete, ProjectId(1), (0..count).map(|at| (ItemId(at), status)))
        };
        assert_eq!(form(20, Status::Stopped).ready(), Ok(()));
        let mut many = form(21, Status::Stopped);
        assert!(many.ready().is_err());
        many.typed = "21".into();
        assert_eq!(many.ready(), Ok(()));
        let waiting = form(3, Status::WaitingForUser);
        assert!(waiting.ready().is_err() && waiting.left[0].0.contains("stop it first"));
    }
}
