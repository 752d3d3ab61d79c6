//! The dialog that deletes or resets items, or clears their credentials.

use crate::domain::action::Action;
use crate::domain::failure::Side;
use crate::domain::ids::{ItemId, ProjectId};
use crate::domain::license::lost_with;
use crate::domain::status::Status;
use crate::domain::wording::counted;
use crate::service::edit::{CLEAR_TAKES, DELETE_TAKES, MANY, RESET_TAKES};
use crate::service::licenses::ProjectLicenses;
use crate::ui::model::messages::by_reason;

/// What is taken from items.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ItemRemoval {
    /// They are deleted.
    Delete,
    /// What was copied is forgotten.
    Reset,
    /// Their stored passwords are.
    ClearCredentials,
}

impl ItemRemoval {
    /// The same as what a status allows or not.
    pub fn action(self) -> Action {
        match self {
            Self::Delete => Action::Delete,
            Self::Reset => Action::Reset,
            Self::ClearCredentials => Action::ClearCredentials,
        }
    }

    /// What it is called.
    pub fn word(self) -> &'static str {
        match self {
            Self::Delete => "Delete",
            Self::Reset => "Reset",
            Self::ClearCredentials => "Clear credentials of",
        }
    }

    /// What it takes and what stays.
    pub fn takes(self) -> &'static str {
        match self {
            Self::Delete => DELETE_TAKES,
            Self::Reset => RESET_TAKES,
            Self::ClearCredentials => CLEAR_TAKES,
        }
    }
}

/// The dialog that deletes or resets items, or clears their credentials.
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
    /// Whose credentials are cleared: at the source, at the destination.
    pub sides: [bool; 2],
    /// It was painted once: its first field has had the focus.
    pub entered: bool,
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
        Self {
            removal,
            project,
            items,
            left: by_reason(left.into_iter()),
            sides: [false; 2],
            entered: false,
            typed: String::new(),
            asks_licenses: false,
            lost: None,
        }
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

    /// The sides that are ticked.
    pub fn ticked(&self) -> Vec<Side> {
        let sides = [Side::Source, Side::Destination].into_iter().zip(self.sides);
        sides.filter_map(|(side, ticked)| ticked.then_some(side)).collect()
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
            _ if self.removal == ItemRemoval::ClearCredentials && self.ticked().is_empty() => {
                Err("Tick what is to be cleared first")
            }
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
