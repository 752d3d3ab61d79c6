//! Folder names that a provider refuses, and what would do in their place.

use super::MailProvider;
use crate::domain::folder::FolderPath;

/// What of a name is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NameRule {
    /// This name at the top, in whatever case.
    Reserved(&'static str),
    /// Blanks at an end of a part, or two in a row.
    Blanks,
    /// Any of these characters.
    Characters(&'static str),
}

impl NameRule {
    /// The name with what is refused replaced; the same if nothing is.
    fn cured(self, path: &FolderPath) -> FolderPath {
        let part = |(at, part): (usize, &String)| match self {
            Self::Reserved(name) if at == 0 && part.eq_ignore_ascii_case(name) => format!("{part}-1"),
            Self::Reserved(_) => part.clone(),
            Self::Blanks => part.split(' ').filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" "),
            Self::Characters(all) => part.chars().map(|c| if all.contains(c) { '_' } else { c }).collect(),
        };
        let named = |part: String| if part.is_empty() { "_".to_owned() } else { part };
        FolderPath::new(path.components().iter().enumerate().map(part).map(named))
    }

    fn words(self) -> String {
        match self {
            Self::Reserved(name) => format!("a folder named {name}"),
            Self::Blanks => "names with blanks at an end or two in a row".to_owned(),
            Self::Characters(all) => {
                let each: Vec<String> = all.chars().map(String::from).collect();
                format!("names with {}", each.join(" or "))
            }
        }
    }
}

impl MailProvider {
    /// Why it would not make this folder, and a mapping rule for its source folder that gives it another name.
    pub fn refuses(&self, source: &FolderPath, folder: &FolderPath) -> Option<String> {
        let refusals: Vec<&NameRule> = self.refused.iter().filter(|rule| rule.cured(folder) != *folder).collect();
        let cured = refusals.iter().fold(folder.clone(), |name, rule| rule.cured(&name));
        let words = refusals.iter().map(|rule| rule.words()).collect::<Vec<_>>().join(" and ");
        let rule = format!("^{}->{cured}", regex::escape(&source.to_string()));
        (!refusals.is_empty()).then(|| format!("{} refuses {words}: map it, such as {rule}", self.name))
    }

    /// Why this folder of it holds no mail though it is listed, and what leaves it out.
    pub fn holds_no_mail(&self, folder: &FolderPath) -> Option<String> {
        let top = folder.components().first()?;
        let no_mail = self.no_mail.iter().any(|name| name.eq_ignore_ascii_case(top));
        no_mail.then(|| format!("{} keeps no mail in {top}: the filter ^{top}(/|$) leaves it out", self.name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::mapping::{FolderFilter, Mapping, Mappings};

    fn path(text: &str) -> FolderPath {
        FolderPath::new(text.split('/'))
    }

    #[test]
    fn a_refused_name_comes_with_a_rule_that_cures_it() {
        let (microsoft, gmail) = ("outlook.office365.com", "imap.gmail.com");
        for (host, name, cured) in [
            (microsoft, "files", "files-1"),
            (microsoft, "Files/2024", "Files-1/2024"),
            (gmail, "Work ", "Work"),
            (gmail, "a  b/ c", "a b/c"),
            (gmail, "1^2\\3\"4", "1_2_3_4"),
            (gmail, " ", "_"),
            (gmail, "^ x", "_ x"),
        ] {
            let provider = MailProvider::of_host(host).unwrap();
            let why = provider.refuses(&path(name), &path(name)).unwrap();
            let (_, rule) = why.split_once("such as ").unwrap();
            let rules = Mappings::parse(&[Mapping(rule.to_owned())]).unwrap();
            let mapped = rules.apply(&path(name)).unwrap();
            assert_eq!(mapped, path(cured), "{why}");
            assert_eq!(provider.refuses(&path(name), &mapped), None, "{why}");
        }
        for (host, name) in [(microsoft, "Archive/Files"), (microsoft, "a  b"), (gmail, "Files"), (gmail, "a b")] {
            assert_eq!(MailProvider::of_host(host).unwrap().refuses(&path(name), &path(name)), None, "{name}");
        }
    }

    #[test]
    fn a_listed_folder_without_mail_comes_with_a_filter_that_leaves_it_out() {
        let microsoft = MailProvider::of_host("outlook.office365.com").unwrap();
        for name in ["Calendar", "Calendar/Birthdays", "contacts"] {
            let why = microsoft.holds_no_mail(&path(name)).unwrap();
            let filter = why.split_whitespace().find(|word| word.starts_with('^')).unwrap();
            assert!(FolderFilter::parse(Some(filter)).unwrap().skips(&path(name)), "{why}");
            assert!(!FolderFilter::parse(Some(filter)).unwrap().skips(&path("Calendars")), "{why}");
        }
        assert_eq!(microsoft.holds_no_mail(&path("Projects/Calendar")), None);
    }
}
