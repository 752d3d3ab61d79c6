//! What a pass has to say that is no error of a message.

use serde::{Deserialize, Serialize};

use super::failure::Side;
use super::folder::FolderPath;
use super::ids::Uid;

/// What a pass has to say that is no error of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NoticeKind {
    /// The source says it holds more or fewer messages than were accounted for.
    SourceDiffers,
    /// Copies that should be at the destination are not.
    MissingThere,
    /// Messages may be at the destination twice.
    MaybeTwice,
    /// The source handed out fewer bytes of messages than it says that they have.
    ShorterThanTold,
    /// A date could not be read, so the destination gave its own.
    DateNotKept,
    /// A date could not be read, so that of the message's own heading was taken.
    DateOfHeading,
    /// Flags or keywords that the destination does not take.
    FlagsNotKept,
    /// Numbers meant other messages than before; the folder was matched by what its messages are.
    Renumbered,
    /// Copies that were lost with the destination's numbering (a restored backup) were copied again.
    CopiedAgain,
    /// The destination holds copies that this workspace should know: it may be an old copy of the workspace.
    OldWorkspace,
    /// Messages wait for the next pass, because a folder they may have come from could not be read.
    Waiting,
    /// Folders or messages left out by default (views, other people's folders).
    LeftOut,
    /// Messages with several labels: each is brought once, into the folder of one of them.
    OtherLabels,
    /// The destination changed a message while storing it.
    Altered,
    /// The destination called messages malformed, and holds their cleaned form.
    Cleaned,
    /// What a server said to people: an alert, or a quota that is nearly used up.
    ServerSays,
}

impl NoticeKind {
    /// Whether it is a difference that nothing explains, so that the item is not done (D27).
    pub fn differs(self) -> bool {
        match self {
            Self::SourceDiffers | Self::MissingThere | Self::MaybeTwice | Self::ShorterThanTold => true,
            Self::DateNotKept
            | Self::DateOfHeading
            | Self::FlagsNotKept
            | Self::Renumbered
            | Self::CopiedAgain
            | Self::OldWorkspace
            | Self::Waiting
            | Self::LeftOut
            | Self::OtherLabels
            | Self::Altered
            | Self::Cleaned
            | Self::ServerSays => false,
        }
    }
}

/// One notice of a pass.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notice {
    /// The folder at the source; none when it is about the mailbox.
    pub folder: Option<FolderPath>,
    /// What it is.
    pub kind: NoticeKind,
    /// The side that `numbers` belong to.
    pub side: Option<Side>,
    /// How many messages it is about; 0 when it is about a folder.
    pub messages: u64,
    /// The first of their numbers, at most [`Notice::NUMBERS`].
    pub numbers: Vec<Uid>,
    /// More words: figures, names.
    pub detail: Option<String>,
}

impl Notice {
    /// Numbers kept in one notice.
    pub const NUMBERS: usize = 200;

    /// About messages of a folder with these numbers at this side; one that is not known (0 or less) counts too.
    pub fn of(folder: &FolderPath, kind: NoticeKind, side: Side, messages: &[Uid]) -> Self {
        Self {
            folder: Some(folder.clone()),
            kind,
            side: Some(side),
            messages: messages.len() as u64,
            numbers: messages.iter().copied().filter(|uid| uid.0 > 0).take(Self::NUMBERS).collect(),
            detail: None,
        }
    }

    /// With these words more.
    #[must_use]
    pub fn saying(self, detail: impl Into<String>) -> Self {
        Self { detail: Some(detail.into()), ..self }
    }
}
