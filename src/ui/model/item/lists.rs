//! The lists of an item's page: which folders are shown, errors and notices by what they say.

use std::collections::BTreeSet;

use jiff::tz::TimeZone;

use crate::domain::progress::FolderPhase;
use crate::domain::project::Project;
use crate::domain::time::Timestamp;
use crate::engine::snapshot::ItemRow;
use crate::service::items::{Details, FolderLine};
use crate::ui::model::errors::{self, ErrorGroup};
use crate::ui::model::notices::{self, NoticeGroup};

/// Which folders are shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Show {
    /// All.
    #[default]
    All,
    /// Those of which something is not at the destination.
    Differ,
    /// Those with errors.
    Errors,
}

impl Show {
    /// All, from left to right.
    pub const ALL: [Self; 3] = [Self::All, Self::Differ, Self::Errors];

    /// What people call it.
    pub fn label(self) -> &'static str {
        match self {
            Self::All => "All",
            Self::Differ => "Differ",
            Self::Errors => "Errors",
        }
    }

    fn holds(self, line: &FolderLine) -> bool {
        match self {
            Self::All => true,
            Self::Differ => line.folder.counts.left() > 0 || line.folder.counts.leaves_something(),
            Self::Errors => line.folder.counts.errors > 0 || line.folder.phase == FolderPhase::Failed,
        }
    }
}

/// What the lists show of the details, and how a person wants them.
#[derive(Clone, Debug, Default)]
pub struct Lists {
    /// The search for folders, in lower case.
    pub find: String,
    /// Which folders are shown.
    pub show: Show,
    /// Their places in the details.
    pub lines: Vec<usize>,
    /// How many folders each choice of [`Show::ALL`] has.
    pub choices: [usize; 3],
    /// The errors by reason.
    pub groups: Vec<ErrorGroup>,
    /// Groups of which all errors are shown.
    pub unfolded: BTreeSet<usize>,
    /// The notices by kind.
    pub notices: Vec<NoticeGroup>,
}

impl Lists {
    /// Works out what they show.
    pub(super) fn digest(&mut self, details: &Details, of: (&Project, &ItemRow), now: Timestamp, zone: &TimeZone) {
        self.choices = Show::ALL.map(|show| details.folders.iter().filter(|line| show.holds(line)).count());
        let found = |name: &str| name.to_lowercase().contains(&self.find);
        let shown = |line: &FolderLine| {
            self.show.holds(line) && (self.find.is_empty() || found(&line.source) || found(&line.destination))
        };
        self.lines =
            details.folders.iter().enumerate().filter(|(_, line)| shown(line)).map(|(place, _)| place).collect();
        self.groups = errors::groups(of, &details.errors, now, zone);
        self.notices = notices::groups(&details.notices);
    }
}
