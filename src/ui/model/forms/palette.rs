//! The command palette.

/// The command palette.
#[derive(Clone, Debug, Default)]
pub struct PaletteForm {
    /// Words of what is sought.
    pub search: String,
    /// Which of the lines Enter means.
    pub at: usize,
    /// It was painted once: its field has had the focus.
    pub entered: bool,
}
