//! Maildirs on this machine: one path for all items, and nobody logs in.

use serde::{Deserialize, Serialize};

use super::UrlError;
use crate::domain::item::Mailbox;
use crate::domain::maildir_path::MaildirPath;

/// The scheme of an address, without slashes behind it: a path follows.
const SCHEME: &str = "maildir:";

/// What may stand behind a path.
const LAYOUT: &str = "?layout=";

/// Maildirs on this machine.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MaildirServer {
    /// Where they lie, with the part that each item fills in.
    pub path: MaildirPath,
    /// How their folders lie; none: as is seen in each.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub layout: Option<MaildirLayout>,
}

/// How the folders of a Maildir lie on its disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum MaildirLayout {
    /// Beside one another in the inbox, with dots before and between their names (`.A.B`): Maildir++.
    #[serde(rename = "++")]
    PlusPlus,
    /// As folders in folders (`A/B`): what Dovecot calls `LAYOUT=fs`, and mutt, notmuch and mbsync make.
    #[serde(rename = "fs")]
    Fs,
}

impl MaildirLayout {
    /// Both.
    pub const ALL: [Self; 2] = [Self::PlusPlus, Self::Fs];

    /// As it stands in an address.
    pub fn word(self) -> &'static str {
        match self {
            Self::PlusPlus => "++",
            Self::Fs => "fs",
        }
    }
}

impl MaildirServer {
    /// Reads `maildir:/path/{email}`, with `?layout=fs` or `?layout=++` behind it or not; none if the address is one of another
    /// kind.
    pub(super) fn parse_url(url: &str) -> Option<Result<Self, UrlError>> {
        let (head, path) = url.trim().split_at_checked(SCHEME.len())?;
        if !head.eq_ignore_ascii_case(SCHEME) {
            return None;
        }
        // Some will write maildir:///path, as with file:.
        let path = path.strip_prefix("//").filter(|rest| rest.starts_with('/')).unwrap_or(path);
        let (path, layout) = match path.split_once(LAYOUT) {
            Some((path, word)) => match MaildirLayout::ALL.into_iter().find(|layout| layout.word() == word) {
                Some(layout) => (path, Some(layout)),
                None => return Some(Err(UrlError::MaildirLayout)),
            },
            None => (path, None),
        };
        Some(MaildirPath::parse(path).map(|path| Self { path, layout }).map_err(UrlError::from))
    }

    /// The path as it stands in an address, with the layout if one was named.
    pub fn written(&self) -> String {
        let layout = self.layout.map_or_else(String::new, |layout| format!("{LAYOUT}{}", layout.word()));
        format!("{}{layout}", self.path)
    }

    /// The mailbox, written so that equal texts are one Maildir; none for an address that cannot stand in a path.
    pub(super) fn identity(&self, mailbox: &Mailbox) -> Option<String> {
        self.path.root(mailbox).ok().map(|root| format!("maildir {}", root.to_ascii_lowercase()))
    }

    /// The Maildir, with the links on the way followed by `resolve`. Written so that equal texts are one Maildir, but for
    /// case ([`crate::domain::mailbox_key`]).
    pub fn places(&self, mailbox: &Mailbox, resolve: &dyn Fn(&str) -> String) -> [String; 2] {
        // An address that cannot stand in a path has no Maildir, and its item does not run.
        let root = self.path.root(mailbox).unwrap_or_else(|_| format!("{} {}", self.path, mailbox.email));
        let place = format!("maildir {}", resolve(&root));
        [place.clone(), place]
    }
}

/// The address as it is read.
impl std::fmt::Display for MaildirServer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{SCHEME}{}", self.written())
    }
}
