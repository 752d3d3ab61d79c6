//! Names that a server repeats: a folder called "Later" or "Quota" says nothing of why a command was refused.
//!
//! Pure. Texts are read for words (`classify`) only without what the command itself had brought into them.

#![deny(clippy::indexing_slicing, clippy::string_slice, reason = "it reads what strangers wrote")]

/// What stands in the place of a name; no word of any server.
const NAME: &str = "…";

/// Names that a command carried.
#[derive(Clone, Default)]
pub(super) struct Echoes(Vec<String>);

impl Echoes {
    /// A folder's name as it was sent, and each part of it: servers repeat the last one, or use another separator.
    pub(super) fn folder(&mut self, name: &[u8]) {
        let name = String::from_utf8_lossy(name);
        let parts = name.split(['/', '.', '\\', ':']).filter(|part| part.chars().count() > 1);
        self.0.extend(parts.map(str::to_owned));
        self.word(&name);
    }

    /// A name that is repeated as a whole if at all, like that of a login.
    pub(super) fn word(&mut self, name: &str) {
        if !name.is_empty() {
            self.0.push(name.to_owned());
        }
        // The longest first: a name may be part of another.
        self.0.sort_by_key(|name| std::cmp::Reverse(name.len()));
    }

    /// The text without them, where they stand as words and letter by letter as they were sent: "Try again later" is
    /// not about a folder "Later".
    pub(super) fn taken_from(&self, text: &str) -> String {
        self.0.iter().fold(text.to_owned(), |text, name| without(&text, name))
    }
}

fn without(text: &str, name: &str) -> String {
    let (mut clean, mut rest) = (String::new(), text);
    while let Some((before, after)) = rest.split_once(name) {
        // What stood before an earlier one that was no word is in `clean` already.
        let left = before.chars().next_back().or_else(|| clean.chars().next_back());
        let stands_alone = !left.is_some_and(char::is_alphanumeric) && !after.starts_with(char::is_alphanumeric);
        clean.push_str(before);
        clean.push_str(if stands_alone { NAME } else { name });
        rest = after;
    }
    clean.push_str(rest);
    clean
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(folder: &str) -> Echoes {
        let mut echoes = Echoes::default();
        echoes.folder(folder.as_bytes());
        echoes
    }

    #[test]
    fn only_whole_names_as_they_were_sent_are_taken_out() {
        for (folder, text, left) in [
            ("Later", "Mailbox doesn't exist: Later", "Mailbox doesn't exist: …"),
            ("Later", "Try again later", "Try again later"),
            ("later", "Translater later later", "Translater … …"),
            ("A/Quota", "Mailbox \"A.Quota\" is no more: Quota", "Mailbox \"A.…\" is no more: …"),
            ("A/Quota", "A/Quota", "…"),
            ("", "nothing", "nothing"),
            ("ää", "ää äää", "… äää"),
        ] {
            assert_eq!(of(folder).taken_from(text), left, "{folder}");
        }
        let mut login = Echoes::default();
        login.word("later@x.example");
        assert_eq!(login.taken_from("no later@x.example here, try later"), "no … here, try later");
    }
}
