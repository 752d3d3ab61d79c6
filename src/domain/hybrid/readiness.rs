//! Whether a hybrid project can begin: a line for each thing that must be right, with what to do where it is not.

/// How a thing was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// As it must be.
    Right,
    /// Not so: what was found, and what to do.
    Wrong {
        /// What was found.
        found: String,
        /// What to do.
        remedy: String,
    },
    /// It could not be looked at.
    Unknown(String),
}

/// A line of the check.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CheckLine {
    /// What must be right.
    pub what: String,
    /// How it was found.
    pub verdict: Verdict,
    /// Nothing can begin unless it is right.
    pub blocks: bool,
}

impl CheckLine {
    /// Right.
    pub fn right(what: impl Into<String>) -> Self {
        Self { what: what.into(), verdict: Verdict::Right, blocks: false }
    }

    /// Wrong, with what to do.
    pub fn wrong(what: impl Into<String>, found: impl Into<String>, remedy: impl Into<String>) -> Self {
        let verdict = Verdict::Wrong { found: found.into(), remedy: remedy.into() };
        Self { what: what.into(), verdict, blocks: true }
    }

    /// Nobody knows.
    pub fn unknown(what: impl Into<String>, why: impl Into<String>) -> Self {
        Self { what: what.into(), verdict: Verdict::Unknown(why.into()), blocks: true }
    }

    /// The same, but what is to begin can begin all the same: it is needed later.
    #[must_use]
    pub fn for_later(self) -> Self {
        Self { blocks: false, ..self }
    }

    /// Whether it is right.
    pub fn is_right(&self) -> bool {
        self.verdict == Verdict::Right
    }
}

impl std::fmt::Display for CheckLine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.verdict {
            Verdict::Right => write!(f, "right    {}", self.what),
            Verdict::Wrong { found, remedy } => write!(f, "wrong    {}: {found}\n         {remedy}", self.what),
            Verdict::Unknown(why) => write!(f, "unknown  {}: {why}", self.what),
        }
    }
}
