//! Maildirs on this machine: one path for all items, and nobody logs in.

use serde::{Deserialize, Serialize};

use super::UrlError;
use crate::domain::item::Mailbox;
use crate::domain::maildir_path::MaildirPath;

/// The scheme of an address, without slashes behind it: a path follows.
const SCHEME: &str = "maildir:";

/// Maildirs on this machine.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MaildirServer {
    /// Where they lie, with the part that each item fills in.
    pub path: MaildirPath,
}

impl MaildirServer {
    /// Reads `maildir:/path/{email}`; none if the address is one of another kind.
    pub(super) fn parse_url(url: &str) -> Option<Result<Self, UrlError>> {
        let (head, path) = url.trim().split_at_checked(SCHEME.len())?;
        if !head.eq_ignore_ascii_case(SCHEME) {
            return None;
        }
        // Some will write maildir:///path, as with file:.
        let path = path.strip_prefix("//").filter(|rest| rest.starts_with('/')).unwrap_or(path);
        Some(MaildirPath::parse(path).map(|path| Self { path }).map_err(UrlError::from))
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
        write!(f, "{SCHEME}{}", self.path)
    }
}
