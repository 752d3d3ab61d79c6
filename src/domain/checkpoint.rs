//! How far a folder was at some moment (D9). Pure.
//!
//! The only place that knows by which of a folder's figures this is told.

use super::folder::{FolderState, UidValidity};
use super::ids::Uid;

/// How far a folder was at some moment, so that what came later can be told from what was there. What it is made of is its
/// own affair: it is made from a folder's state, asked, and stored as it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    validity: Option<UidValidity>,
    first: Uid,
}

impl Checkpoint {
    /// Of a folder in this state.
    pub fn of(state: &FolderState) -> Self {
        Self { validity: state.uid_validity, first: state.uid_next.unwrap_or(Uid(1)) }
    }

    /// From its stored form.
    pub fn from_stored((validity, first): (i64, Uid)) -> Self {
        Self { validity: UidValidity::from_stored(validity), first }
    }

    /// As it is stored. Of two whose first part is equal, the one with the lower second part is the earlier one.
    pub fn stored(self) -> (i64, Uid) {
        (UidValidity::stored(self.validity), self.first)
    }

    /// Whether it says anything of a folder with this numbering.
    pub fn holds_in(self, validity: Option<UidValidity>) -> bool {
        self.validity == validity
    }

    /// The first number of what may have come later.
    pub fn floor(self) -> Uid {
        self.first
    }

    /// Whether it is an earlier moment of the same folder.
    pub fn is_before(self, other: Self) -> bool {
        self.validity == other.validity && self.first < other.first
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_came_later_is_told_from_what_was_there() {
        let at = |uid_validity, uid_next| {
            let (uid_validity, uid_next) = (UidValidity::new(uid_validity), (uid_next > 0).then_some(Uid(uid_next)));
            Checkpoint::of(&FolderState { uid_validity, uid_next, messages: 3, highest_modseq: None })
        };
        assert_eq!(at(7, 12).floor(), Uid(12));
        assert_eq!(at(7, 0).floor(), Uid(1), "a server that does not tell: anything may have come later");
        assert!(at(7, 12).holds_in(UidValidity::new(7)) && !at(7, 12).holds_in(UidValidity::new(8)));
        assert!(at(7, 12).is_before(at(7, 13)) && !at(7, 12).is_before(at(7, 12)) && !at(6, 1).is_before(at(7, 12)));
        assert_eq!(Checkpoint::from_stored(at(7, 12).stored()), at(7, 12));
    }
}
