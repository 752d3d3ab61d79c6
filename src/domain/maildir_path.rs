//! Where the Maildirs of a project lie: one path for all items, with a part that each item fills in.

#![deny(clippy::indexing_slicing, clippy::string_slice, reason = "it reads what strangers wrote")]

use serde::{Deserialize, Serialize};

use super::item::Mailbox;

/// Longest path taken.
const LONGEST: usize = 1000;
/// What an item fills in.
const WORDS: [&str; 4] = ["{email}", "{user}", "{localpart}", "{domain}"];

/// A path with `{email}` (the item's address), `{user}` (its login name), `{localpart}` and `{domain}` (the two parts of
/// the address).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct MaildirPath(String);

/// A path that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PathError {
    /// Not from the root on.
    #[error("the path \"{0}\" is not a whole one; write maildir:/srv/mail/{{email}}")]
    NotWhole(String),
    /// A brace without its partner, or something else between braces.
    #[error("the path \"{0}\" may hold {{email}}, {{user}}, {{localpart}} and {{domain}}, and no other braces")]
    Braces(String),
    /// The same for every item.
    #[error("the path \"{0}\" is the same for every item; it needs {{email}}, {{user}} or {{localpart}}")]
    SameForAll(String),
    /// `.` or `..` between slashes, a control character, or too long.
    #[error("the path \"{0}\" holds \".\" or \"..\" as a folder or a control character, or is too long")]
    Odd(String),
    /// An item's address or login that would lead elsewhere.
    #[error("\"{0}\" cannot be part of a path: it is empty, leads elsewhere or holds characters that no file name has")]
    Value(String),
}

fn shown(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(200).collect()
}

fn leads_elsewhere(path: &str) -> bool {
    path.split(['/', '\\']).any(|part| matches!(part, "." | ".."))
}

/// The two parts of an address; one without `@` has no domain.
fn parts(email: &str) -> (&str, &str) {
    email.rsplit_once('@').unwrap_or((email, ""))
}

impl MaildirPath {
    /// Reads a path; slashes at its end are forgiven.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(text: &str) -> Result<Self, PathError> {
        let path = text.trim_end_matches('/');
        let is_drive = |path: &str| {
            let bytes = path.as_bytes();
            matches!(bytes, [letter, b':', b'/' | b'\\', ..] if letter.is_ascii_alphabetic())
        };
        if !(path.starts_with('/') || path.starts_with("\\\\") || is_drive(path)) {
            return Err(PathError::NotWhole(shown(text)));
        }
        if path.chars().any(char::is_control) || path.len() > LONGEST || leads_elsewhere(path) {
            return Err(PathError::Odd(shown(text)));
        }
        let bare = WORDS.iter().fold(path.to_owned(), |path, word| path.replace(word, ""));
        if bare.contains(['{', '}']) {
            return Err(PathError::Braces(shown(text)));
        }
        if !["{email}", "{user}", "{localpart}"].iter().any(|word| path.contains(word)) {
            return Err(PathError::SameForAll(shown(text)));
        }
        Ok(Self(path.to_owned()))
    }

    /// What of the path is the same for every item, up to the last slash: whoever made the project said it, and nobody whose
    /// mailbox lies below can change it.
    pub fn trusted(&self) -> &str {
        let own = self.0.find('{').and_then(|at| self.0.get(..at)).unwrap_or(&self.0);
        match own.rfind(['/', '\\']).and_then(|slash| own.get(..=slash)) {
            Some(folder) => folder,
            None => own,
        }
    }

    /// The Maildir of one mailbox.
    ///
    /// # Errors
    /// Its address or login cannot stand in a path.
    pub fn root(&self, mailbox: &Mailbox) -> Result<String, PathError> {
        let (localpart, domain) = parts(&mailbox.email);
        let values = [mailbox.email.as_str(), mailbox.login_name(), localpart, domain];
        let mut root = String::new();
        let mut rest = self.0.as_str();
        // One pass, so that braces in an address are left alone.
        while let Some((before, words)) = rest.find('{').and_then(|at| rest.split_at_checked(at)) {
            root.push_str(before);
            let known = WORDS.iter().zip(values).find_map(|(word, value)| Some((words.strip_prefix(*word)?, value)));
            let Some((after, value)) = known else { return Err(PathError::Braces(shown(&self.0))) };
            let odd = |c: char| c.is_control() || matches!(c, '/' | '\\' | ':' | '*' | '?' | '"' | '<' | '>' | '|');
            if value.is_empty() || value.len() > 255 || value.contains(odd) {
                return Err(PathError::Value(shown(value)));
            }
            root.push_str(value);
            rest = after;
        }
        root.push_str(rest);
        if leads_elsewhere(&root) { Err(PathError::Value(shown(&mailbox.email))) } else { Ok(root) }
    }
}

impl std::fmt::Display for MaildirPath {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mailbox(email: &str, login: Option<&str>) -> Mailbox {
        Mailbox { email: email.into(), login: login.map(Into::into), credential: None }
    }

    #[test]
    fn items_fill_in_their_part() {
        let root = |path: &str| MaildirPath::parse(path).unwrap().root(&mailbox("anna@x.example", Some("a1")));
        assert_eq!(root("/mail/{domain}/{localpart}/Maildir/").unwrap(), "/mail/x.example/anna/Maildir");
        assert_eq!(root("/mail/{email}").unwrap(), "/mail/anna@x.example");
        assert_eq!(root("C:/mail/{user}").unwrap(), "C:/mail/a1");
        let odd = MaildirPath::parse("/mail/{localpart}").unwrap().root(&mailbox("{domain}@x", None));
        assert_eq!(odd.unwrap(), "/mail/{domain}");
    }

    #[test]
    fn what_all_items_share_ends_before_their_part() {
        for (path, trusted) in [
            ("/mail/{domain}/{localpart}/Maildir", "/mail/"),
            ("/{email}", "/"),
            ("/srv/box-{user}/Maildir", "/srv/"),
            ("C:\\mail\\{user}", "C:\\mail\\"),
        ] {
            assert_eq!(MaildirPath::parse(path).unwrap().trusted(), trusted);
        }
    }

    #[test]
    fn no_address_leads_elsewhere() {
        let path = MaildirPath::parse("/mail/{domain}/{localpart}").unwrap();
        for email in ["..@x", "a@..", "../../etc@x", "a/b@x", "a\\b@x", "a\0@x", "a\n@x", "@x", "a@", "a", "c:@x"] {
            assert!(path.root(&mailbox(email, None)).is_err(), "{email:?}");
        }
        let joined = MaildirPath::parse("/mail/{localpart}{domain}").unwrap();
        assert!(joined.root(&mailbox(".@.", None)).is_err());
        assert!(MaildirPath::parse("/mail/{user}").unwrap().root(&mailbox("a@x", Some("../x"))).is_err());
        assert_eq!(path.root(&mailbox("..a@x..y", None)).unwrap(), "/mail/x..y/..a");
    }

    #[test]
    fn wrong_paths_are_refused_with_the_reason() {
        for (path, word) in [
            ("mail/{email}", "not a whole one"),
            ("", "not a whole one"),
            ("/mail", "same for every item"),
            ("/mail/{domain}", "same for every item"),
            ("/mail/{mail}", "no other braces"),
            ("/mail/{email", "no other braces"),
            ("/mail/../{email}", "\"..\""),
            ("/mail/\n{email}", "control"),
        ] {
            let error = MaildirPath::parse(path).unwrap_err().to_string();
            assert!(error.contains(word), "{path}: {error}");
        }
    }
}
