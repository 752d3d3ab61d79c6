//! The dialog that starts passes.

use crate::domain::ids::{ItemId, ProjectId};
use crate::domain::pass::PassKind;

/// The dialog that starts passes.
#[derive(Clone, Debug)]
pub struct StartForm {
    /// Whose items.
    pub project: ProjectId,
    /// Those that can be started.
    pub items: Vec<ItemId>,
    /// How many were chosen.
    pub chosen: usize,
    /// Why others are left alone, and how many.
    pub left: Vec<(String, usize)>,
    /// Items that were never verified or migrated.
    pub fresh: usize,
    /// Which pass.
    pub kind: PassKind,
    /// The direction was confirmed, now or before.
    pub confirmed: bool,
    /// It has to be confirmed here.
    pub asks: bool,
}

impl StartForm {
    /// Whether it can be started as it stands.
    pub fn ready(&self) -> bool {
        !self.items.is_empty() && (self.confirmed || self.kind == PassKind::Verify)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_start_needs_its_direction_but_a_verification_does_not() {
        let mut form = StartForm {
            project: ProjectId(1),
            items: vec![ItemId(1)],
            chosen: 1,
            left: Vec::new(),
            fresh: 1,
            kind: PassKind::Full,
            confirmed: false,
            asks: true,
        };
        assert!(!form.ready());
        form.kind = PassKind::Verify;
        assert!(form.ready());
        (form.kind, form.confirmed) = (PassKind::Full, true);
        assert!(form.ready());
    }
}
