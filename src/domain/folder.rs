//! Folder names and roles as both sides know them (D14).

use std::fmt;
use std::num::NonZeroU64;

use serde::{Deserialize, Serialize};

use super::ids::Uid;

/// A folder's name as a person reads it: a path of Unicode components, without any server's prefix or separator.
///
/// `INBOX` is the one name that ignores case (RFC 9051 §5.1): as the *first* component it is always spelled `INBOX`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct FolderPath(Vec<String>);

impl FolderPath {
    /// A path of these components; at least one.
    ///
    /// # Panics
    /// If there is none: a folder without a name is a programming error.
    pub fn new(components: impl IntoIterator<Item = impl Into<String>>) -> Self {
        let mut components: Vec<String> = components.into_iter().map(Into::into).collect();
        assert!(!components.is_empty(), "a folder path has at least one component");
        if components[0].eq_ignore_ascii_case("INBOX") {
            components[0] = "INBOX".into();
        }
        Self(components)
    }

    /// The components, outermost first.
    pub fn components(&self) -> &[String] {
        &self.0
    }

    /// The folder it is in; none at the top.
    pub fn parent(&self) -> Option<Self> {
        (self.0.len() > 1).then(|| Self(self.0[..self.0.len() - 1].to_vec()))
    }

    /// Whether this is the inbox itself.
    pub fn is_inbox(&self) -> bool {
        self.0.len() == 1 && self.0[0] == "INBOX"
    }
}

/// Components joined by `/`: the form people read and the folder filter matches. A `/` inside a component shows as is.
impl fmt::Display for FolderPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join("/"))
    }
}

/// What a folder is for (RFC 6154, RFC 8457).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// `\All`: everything, also what lies in no other folder; only that is copied from it (D14).
    All,
    /// `\Archive`
    Archive,
    /// `\Drafts`
    Drafts,
    /// `\Flagged`: a view; skipped by default.
    Flagged,
    /// `\Important`: a view; skipped by default.
    Important,
    /// `\Junk`
    Junk,
    /// `\Sent`
    Sent,
    /// `\Trash`
    Trash,
}

impl Role {
    /// Every role with its attribute name.
    pub const NAMES: [(Self, &'static str); 8] = [
        (Self::All, r"\All"),
        (Self::Archive, r"\Archive"),
        (Self::Drafts, r"\Drafts"),
        (Self::Flagged, r"\Flagged"),
        (Self::Important, r"\Important"),
        (Self::Junk, r"\Junk"),
        (Self::Sent, r"\Sent"),
        (Self::Trash, r"\Trash"),
    ];

    /// The role an attribute names, in any case.
    pub fn from_attribute(attribute: &str) -> Option<Self> {
        Self::NAMES.into_iter().find(|(_, name)| name.eq_ignore_ascii_case(attribute)).map(|(role, _)| role)
    }

    /// The attribute, `\Sent`.
    pub fn attribute(self) -> &'static str {
        Self::NAMES.into_iter().find(|(role, _)| *role == self).map_or("", |(_, name)| name)
    }

    /// A view of messages that live elsewhere: copying it would double mail.
    pub fn is_view(self) -> bool {
        matches!(self, Self::Flagged | Self::Important)
    }
}

/// The name a server uses on the wire, kept raw so that it can be opened whatever its encoding (D14).
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct WireName(pub Vec<u8>);

impl fmt::Debug for WireName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{}\"", self.0.escape_ascii())
    }
}

/// UIDVALIDITY (RFC 9051 §2.3.1.1): while it stays, the UIDs of a folder mean the same messages. Never 0; more
/// than the 32 bits of the RFC are met.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct UidValidity(NonZeroU64);

impl UidValidity {
    /// None for 0, by which servers say that they tell none.
    pub fn new(number: u64) -> Option<Self> {
        NonZeroU64::new(number).map(Self)
    }

    /// From a column of a database, whose numbers have a sign.
    pub fn from_stored(number: i64) -> Option<Self> {
        Self::new(number.cast_unsigned())
    }

    /// As it is stored; 0 for none.
    pub fn stored(of: Option<Self>) -> i64 {
        Self::number(of).cast_signed()
    }

    /// Its number; 0 for none.
    pub fn number(of: Option<Self>) -> u64 {
        of.map_or(0, |validity| validity.0.get())
    }
}

/// Where a folder stands: what tells whether anything in it changed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "StoredState", into = "StoredState")]
pub struct FolderState {
    /// UIDVALIDITY; none when the server does not tell.
    pub uid_validity: Option<UidValidity>,
    /// UIDNEXT, the next UID the server will give; none when it does not tell.
    pub uid_next: Option<Uid>,
    /// Number of messages.
    pub messages: u32,
    /// HIGHESTMODSEQ (RFC 7162); none without CONDSTORE.
    pub highest_modseq: Option<u64>,
}

/// The stored form of [`FolderState`]: 0 is none.
#[derive(Serialize, Deserialize)]
struct StoredState {
    uid_validity: u64,
    uid_next: i64,
    messages: u32,
    highest_modseq: Option<u64>,
}

impl From<StoredState> for FolderState {
    fn from(stored: StoredState) -> Self {
        let StoredState { uid_validity, uid_next, messages, highest_modseq } = stored;
        let uid_next = (uid_next > 0).then_some(Uid(uid_next));
        Self { uid_validity: UidValidity::new(uid_validity), uid_next, messages, highest_modseq }
    }
}

impl From<FolderState> for StoredState {
    fn from(state: FolderState) -> Self {
        let FolderState { uid_validity, uid_next, messages, highest_modseq } = state;
        let uid_next = uid_next.map_or(0, |uid| uid.0);
        Self { uid_validity: UidValidity::number(uid_validity), uid_next, messages, highest_modseq }
    }
}

/// A folder as a side lists it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListedFolder {
    /// The name for people and for mapping.
    pub path: FolderPath,
    /// The name for the server.
    pub wire: WireName,
    /// Whether it lies in a name space of other people or shared ones (RFC 2342): left out unless a mapping names it.
    pub foreign: bool,
    /// Its role, if the server tells one.
    pub role: Option<Role>,
    /// False for a pure parent (`\Noselect`, `\NonExistent`).
    pub selectable: bool,
    /// Whether the owner subscribes it.
    pub subscribed: bool,
    /// Its state, for selectable folders whose state came with the list; none when the server refused to tell.
    pub state: Option<FolderState>,
    /// Bytes of all its messages, if the server tells them with the list (RFC 8438).
    pub size: Option<u64>,
    /// MAILBOXID (RFC 8474), if offered.
    pub mailbox_id: Option<String>,
}

impl ListedFolder {
    /// Its UIDVALIDITY, if that came with the list.
    pub fn validity(&self) -> Option<UidValidity> {
        self.state.and_then(|state| state.uid_validity)
    }
}
