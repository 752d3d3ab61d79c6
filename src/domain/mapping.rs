//! Folder mapping and folder filter (R16): the rules a consultant writes, read once before a pass.
//!
//! A mapping rule is `^Source->Destination`: a regular expression over the folder's name with `/` between components,
//! and what takes the place of the part it matched (`$1` names a group). The first rule that matches wins. Like the
//! filter it ignores case (`(?-i)` at its head makes it exact). An empty destination strips the matched part; a rule
//! that would leave nothing of a name does not apply to that folder. What becomes of the tree is [`super::tree`]'s.

#![deny(clippy::indexing_slicing, clippy::string_slice, reason = "it reads what strangers wrote")]

use regex::{Captures, Regex, RegexBuilder};
use serde::{Deserialize, Serialize};

use super::folder::FolderPath;

/// One mapping rule.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Mapping(pub String);

/// Stands for a `/` inside a component while a rule works on the joined name; no server allows it in a name.
const INNER_SLASH: char = '\0';
/// A name that no folder has.
const NOBODYS_NAME: &str = "\u{1}";
/// Names that have nothing in common: what matches them all matches every name.
const SOME_NAMES: [&str; 4] = [NOBODYS_NAME, "INBOX", "Ab/c 7", "日本"];

impl Mapping {
    /// A rule as people write it; MigrationWiz's `FolderMapping="^A->B"` is one too.
    pub fn written(text: &str) -> Self {
        let text = text.trim();
        let own = text.get(.."FolderMapping=".len()).filter(|head| head.eq_ignore_ascii_case("FolderMapping="));
        let rule = own.and_then(|head| text.strip_prefix(head)).map(|rest| rest.trim().trim_matches('"'));
        Self(rule.unwrap_or(text).to_owned())
    }
}

/// A rule or filter that cannot be used. The text names the rule, its place and the reason.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RuleError {
    /// A mapping rule without `->`.
    #[error("mapping rule {number} \"{rule}\" has no \"->\"; write ^Source->Destination")]
    NoArrow {
        /// Which rule, from 1.
        number: usize,
        /// Its text.
        rule: String,
    },
    /// A mapping rule with nothing to match before `->`.
    #[error("mapping rule {number} \"{rule}\" has nothing before \"->\"; write ^Source->Destination")]
    NoSource {
        /// Which rule, from 1.
        number: usize,
        /// Its text.
        rule: String,
    },
    /// The part before `->` is no regular expression.
    #[error("mapping rule {number} \"{rule}\" cannot be read: {reason}")]
    BadRule {
        /// Which rule, from 1.
        number: usize,
        /// Its text.
        rule: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A mapping rule whose destination no folder can have.
    #[error("mapping rule {number} \"{rule}\" names a folder with a control character")]
    BadTarget {
        /// Which rule, from 1.
        number: usize,
        /// Its text, with blanks for what cannot be shown.
        rule: String,
    },
    /// The folder filter matches whatever a folder is called.
    #[error("the folder filter \"{0}\" matches every folder: nothing would be copied")]
    FilterTakesAll(String),
    /// The folder filter is no regular expression.
    #[error("the folder filter \"{filter}\" cannot be read: {reason}")]
    BadFilter {
        /// Its text.
        filter: String,
        /// What is wrong with it.
        reason: String,
    },
}

/// Mapping rules, ready to use.
#[derive(Clone, Debug, Default)]
pub struct Mappings(Vec<(Regex, String)>);

impl Mappings {
    /// Reads the rules.
    ///
    /// # Errors
    /// The first rule that cannot be used.
    pub fn parse(rules: &[Mapping]) -> Result<Self, RuleError> {
        let read = |(at, Mapping(rule)): (usize, &Mapping)| {
            let (number, rule) = (at + 1, rule.clone());
            let Some((source, destination)) = rule.split_once("->") else {
                return Err(RuleError::NoArrow { number, rule });
            };
            if source.trim().is_empty() {
                return Err(RuleError::NoSource { number, rule });
            }
            if destination.chars().any(char::is_control) {
                return Err(RuleError::BadTarget { number, rule: rule.replace(char::is_control, " ") });
            }
            match expression(source) {
                Ok(source) => Ok((source, destination.to_owned())),
                Err(reason) => Err(RuleError::BadRule { number, rule, reason }),
            }
        };
        rules.iter().enumerate().map(read).collect::<Result<_, _>>().map(Self)
    }

    /// The name the first matching rule gives to a folder; none when no rule matches or nothing would be left of the
    /// name. A `/` inside a component outside the matched part stays inside its component.
    pub fn apply(&self, folder: &FolderPath) -> Option<FolderPath> {
        let name = folder.to_string();
        self.0.iter().find_map(|(source, destination)| {
            let found = source.captures(&name)?;
            replace(folder, &found, destination)
        })
    }

    /// Whether the rule for a folder is about this very folder: not one that fits whatever lies beside it, as rules that
    /// only move a whole tree do.
    pub fn asks_for(&self, folder: &FolderPath) -> bool {
        let mut beside = folder.components().to_vec();
        if let Some(leaf) = beside.last_mut() {
            *leaf = NOBODYS_NAME.into();
        }
        self.is_about(folder, &FolderPath::new(beside))
    }

    /// Whether the rule for a folder is about this folder or the tree it lies in: not one that fits every name.
    pub fn asks_for_tree_of(&self, folder: &FolderPath) -> bool {
        self.is_about(folder, &FolderPath::new([NOBODYS_NAME]))
    }

    fn is_about(&self, folder: &FolderPath, any_other: &FolderPath) -> bool {
        let name = folder.to_string();
        let rule = self.0.iter().find(|(source, destination)| {
            source.captures(&name).is_some_and(|found| replace(folder, &found, destination).is_some())
        });
        rule.is_some_and(|(source, _)| !source.is_match(&any_other.to_string()))
    }
}

fn replace(folder: &FolderPath, found: &Captures<'_>, destination: &str) -> Option<FolderPath> {
    let inner = |c: &String| c.replace('/', INNER_SLASH.encode_utf8(&mut [0; 4]));
    let masked = folder.components().iter().map(inner).collect::<Vec<_>>().join("/");
    let range = found.get(0)?.range();
    let mut name = masked.get(..range.start)?.to_owned();
    found.expand(destination, &mut name);
    name.push_str(masked.get(range.end..)?);
    let components: Vec<String> =
        name.split('/').filter(|c| !c.is_empty()).map(|c| c.replace(INNER_SLASH, "/")).collect();
    (!components.is_empty()).then(|| FolderPath::new(components))
}

/// The folder filter, ready to use: what it matches anywhere in the name is skipped.
#[derive(Clone, Debug, Default)]
pub struct FolderFilter(Option<Regex>);

impl FolderFilter {
    /// Reads the filter; none and an empty one match nothing.
    ///
    /// # Errors
    /// It is no regular expression, or matches every folder.
    pub fn parse(filter: Option<&str>) -> Result<Self, RuleError> {
        match filter.filter(|f| !f.is_empty()).map(|f| (f, expression(f))) {
            None => Ok(Self(None)),
            Some((f, Ok(regex))) if SOME_NAMES.iter().all(|name| regex.is_match(name)) => {
                Err(RuleError::FilterTakesAll(f.to_owned()))
            }
            Some((_, Ok(regex))) => Ok(Self(Some(regex))),
            Some((f, Err(reason))) => Err(RuleError::BadFilter { filter: f.to_owned(), reason }),
        }
    }

    /// Whether this folder is skipped.
    pub fn skips(&self, folder: &FolderPath) -> bool {
        self.0.as_ref().is_some_and(|regex| regex.is_match(&folder.to_string()))
    }
}

/// A case-insensitive expression, or one line saying what is wrong and where.
fn expression(text: &str) -> Result<Regex, String> {
    RegexBuilder::new(text).case_insensitive(true).size_limit(1 << 20).build().map_err(|error| {
        let long = error.to_string();
        // The regex crate points with a caret below the expression: tell the column instead.
        let column = long.lines().find(|l| l.trim_start().starts_with('^') && l.trim().chars().all(|c| c == '^'));
        let reason = long.lines().last().unwrap_or_default().trim_start_matches("error: ").to_owned();
        match column.and_then(|l| l.find('^')).and_then(|at| at.checked_sub(3)) {
            Some(at) => format!("{reason}, at character {}", at),
            None => reason,
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(name: &str) -> FolderPath {
        FolderPath::new(name.split('/'))
    }

    fn map(rules: &[&str], name: &str) -> Option<String> {
        let rules: Vec<_> = rules.iter().map(|r| Mapping((*r).into())).collect();
        Mappings::parse(&rules).unwrap().apply(&path(name)).map(|p| p.to_string())
    }

    #[test]
    fn r16_the_first_matching_rule_replaces_what_it_matched() {
        assert_eq!(map(&["^Files->Files-1"], "Files").unwrap(), "Files-1");
        assert_eq!(map(&["^files->Files-1"], "Files/2024").unwrap(), "Files-1/2024");
        assert_eq!(map(&["(?-i)^files->Files-1"], "Files"), None);
        assert_eq!(map(&["^A->B", "^A->C"], "A").unwrap(), "B");
        assert_eq!(map(&["^X->Y"], "A"), None);
        assert_eq!(map(&["^->Imported/"], "Sent").unwrap(), "Imported/Sent");
        assert_eq!(map(&["^Year (\\d+)$->Archive/$1"], "Year 2024").unwrap(), "Archive/2024");
    }

    #[test]
    fn migrationwizs_own_text_is_a_rule() {
        assert_eq!(Mapping::written(r#"FolderMapping="^A->B""#), Mapping("^A->B".into()));
        assert_eq!(Mapping::written(r#" foldermapping="^A->" "#), Mapping("^A->".into()));
        assert_eq!(Mapping::written("^Folder->B"), Mapping("^Folder->B".into()));
    }

    #[test]
    fn an_empty_destination_strips_the_prefix() {
        assert_eq!(map(&["^Old->"], "Old/Sub").unwrap(), "Sub");
        assert_eq!(map(&["^Old->"], "Old"), None, "nothing would be left");
        assert_eq!(map(&["^Old->", "^Old$->New"], "Old").unwrap(), "New");
    }

    #[test]
    fn slashes_inside_components_stay() {
        let rules = Mappings::parse(&[Mapping("^Work->Job/Old".into())]).unwrap();
        let folder = FolderPath::new(["Work", "In/Out", "x"]);
        assert_eq!(rules.apply(&folder).unwrap().components(), ["Job", "Old", "In/Out", "x"]);
    }

    #[test]
    fn errors_name_rule_and_place() {
        let error = |rules: &[&str]| {
            Mappings::parse(&rules.iter().map(|r| Mapping((*r).into())).collect::<Vec<_>>()).unwrap_err().to_string()
        };
        assert_eq!(
            error(&["^A->B", "nonsense"]),
            "mapping rule 2 \"nonsense\" has no \"->\"; write ^Source->Destination"
        );
        assert!(error(&["->B"]).contains("nothing before"));
        let bad = error(&["^A(->B"]);
        assert!(bad.contains("mapping rule 1 \"^A(->B\"") && bad.contains("unclosed group"), "{bad}");
        assert!(bad.contains("at character 3"), "{bad}");
        assert!(FolderFilter::parse(Some("[")).unwrap_err().to_string().contains("folder filter \"[\""));
    }

    #[test]
    fn the_filter_ignores_case_and_matches_anywhere() {
        let filter = FolderFilter::parse(Some("^junk(/|$)|/old$")).unwrap();
        assert!(filter.skips(&path("Junk")) && filter.skips(&path("JUNK/x")) && filter.skips(&path("Work/Old")));
        assert!(!filter.skips(&path("Junkyard")));
        assert!(!FolderFilter::parse(None).unwrap().skips(&path("x")));
        assert!(!FolderFilter::parse(Some("")).unwrap().skips(&path("x")));
        for all in [".", ".*", "^", "x*", "|junk", "(?s).+", r"\b|\B"] {
            assert_eq!(FolderFilter::parse(Some(all)).unwrap_err(), RuleError::FilterTakesAll(all.into()));
        }
        assert!(FolderFilter::parse(Some("[a-z]")).unwrap().skips(&path("INBOX")));
    }

    #[test]
    fn what_would_take_for_ever_elsewhere_is_quick_or_refused_here() {
        let began = std::time::Instant::now();
        let filter = FolderFilter::parse(Some("^(a+)+$")).unwrap();
        assert!(!filter.skips(&path(&format!("{}!", "a".repeat(50_000)))));
        let huge = FolderFilter::parse(Some("(a{1000}){1000}")).unwrap_err().to_string();
        assert!(huge.contains("folder filter") && huge.contains("size limit"), "{huge}");
        let huge = Mappings::parse(&[Mapping("((x{500}){500})->y".into())]).unwrap_err().to_string();
        assert!(huge.contains("mapping rule 1"), "{huge}");
        assert!(began.elapsed() < std::time::Duration::from_secs(5));
        let bell = Mappings::parse(&[Mapping("^A->B\u{7}".into())]).unwrap_err().to_string();
        assert_eq!(bell, "mapping rule 1 \"^A->B \" names a folder with a control character");
    }
}
