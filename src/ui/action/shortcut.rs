//! A key with its modifiers, and whom it must not be taken from.

use egui::{Key, Modifiers};

/// Whom a key is not taken from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// From no control that has the keyboard.
    Free,
    /// It is for those who type into a field.
    Fields,
    /// From none but buttons and the like: those who type into a field mean it too.
    FreeOrFields,
    /// It acts whatever has the keyboard.
    Everything,
}

/// A key that does something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shortcut {
    /// Those that must be held.
    pub modifiers: Modifiers,
    /// The key.
    pub key: Key,
    /// Whom it is not taken from.
    pub reach: Reach,
}

/// A key alone.
pub(super) const fn key(key: Key) -> Shortcut {
    Shortcut { modifiers: Modifiers::NONE, key, reach: Reach::Free }
}

/// With Shift.
pub(super) const fn shift(key: Key) -> Shortcut {
    Shortcut { modifiers: Modifiers::SHIFT, key, reach: Reach::Free }
}

/// With Ctrl, or ⌘.
pub(super) const fn command(key: Key) -> Shortcut {
    Shortcut { modifiers: Modifiers::COMMAND, key, reach: Reach::Free }
}

impl Shortcut {
    pub(super) const fn reaching(self, reach: Reach) -> Self {
        Self { reach, ..self }
    }

    /// What people call it.
    pub fn name(&self) -> String {
        let key = match self.key {
            Key::ArrowUp => "↑",
            Key::ArrowDown => "↓",
            Key::ArrowLeft => "←",
            Key::ArrowRight => "→",
            Key::PageUp => "Page up",
            Key::PageDown => "Page down",
            Key::Escape => "Esc",
            Key::Slash => "/",
            Key::Questionmark => "?",
            other => other.name(),
        };
        match self.modifiers {
            Modifiers::SHIFT => format!("Shift {key}"),
            Modifiers::COMMAND => format!("Ctrl {key}"),
            _ => key.to_owned(),
        }
    }
}
