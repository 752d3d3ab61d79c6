//! A test of a connection, step by step: what was found at each step, and how people read it. Pure.

use serde::Serialize;

use super::certificate::SeenCertificate;
use super::failure::{Cause, Failure, Side};
use super::provider::MailProvider;
use super::time::Timestamp;
use super::token_claims::TokenClaims;
use super::wording::{TextNames, capital, count, counted, duration, size, text};

/// A step of a test, in the order in which they are done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum CheckStep {
    /// A folder of this machine.
    Place,
    /// The addresses of a host.
    Name,
    /// Connected.
    Connection,
    /// What protects the connection.
    Certificate,
    /// The server says that it speaks the protocol.
    Greeting,
    /// A token came, where servers take tokens.
    Token,
    /// For whom it is, and what it allows.
    Rights,
    /// Logged in.
    Login,
    /// The mailbox opens.
    Mailbox,
    /// What the server can do.
    Capabilities,
    /// Its folders.
    Folders,
    /// How full it is.
    Quota,
}

impl CheckStep {
    /// What people call it.
    pub fn words(self) -> &'static str {
        match self {
            Self::Place => "Folder on this computer",
            Self::Name => "Name resolved",
            Self::Connection => "Connected",
            Self::Certificate => "Certificate",
            Self::Greeting => "Greeting",
            Self::Token => "Token got",
            Self::Rights => "Tenant and rights",
            Self::Login => "Login accepted",
            Self::Mailbox => "Mailbox opened",
            Self::Capabilities => "Capabilities",
            Self::Folders => "Folders",
            Self::Quota => "Quota",
        }
    }
}

/// Capabilities that matter to whoever moves mail, in the order in which they are told.
const MATTER: [&str; 14] = [
    "UIDPLUS",
    "CONDSTORE",
    "QRESYNC",
    "MOVE",
    "LITERAL+",
    "MULTIAPPEND",
    "NAMESPACE",
    "SPECIAL-USE",
    "LIST-STATUS",
    "OBJECTID",
    "COMPRESS=DEFLATE",
    "APPENDLIMIT",
    "QUOTA",
    "X-GM-EXT-1",
];
/// Those of which nobody misses one that is not there.
const UNMISSED: [&str; 1] = ["X-GM-EXT-1"];
/// Addresses of a host that are named.
const ADDRESSES: usize = 4;

/// What a step found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Finding {
    /// Where the folder is, and whether it is there already.
    Place {
        /// Its path.
        path: String,
        /// Whether there is one.
        exists: bool,
    },
    /// What a name leads to.
    Addresses(Vec<String>),
    /// The address and port that answered.
    Connected(String),
    /// A certificate that is trusted, or the one that was refused.
    Certificate {
        /// What it says.
        seen: SeenCertificate,
        /// Exactly this one is trusted, whoever issued it.
        pinned: bool,
    },
    /// Nothing protects the connection, as was asked for.
    Unprotected,
    /// The server greets.
    Greeted,
    /// A token, and when it ends, if it says so.
    Token(Option<Timestamp>),
    /// For whom the token is, and what it allows.
    Rights(TokenClaims),
    /// Who logged in.
    LoggedIn {
        /// The login name of the mailbox.
        name: String,
        /// An administrator opened it.
        administrator: bool,
    },
    /// The inbox is open, and holds so many messages.
    Opened(u64),
    /// The folder can be used as this side.
    Usable(Side),
    /// What the server can do: all its words, in capitals.
    Capabilities(Vec<String>),
    /// Folders.
    Folders {
        /// Of the mailbox's owner.
        own: usize,
        /// Of others, which are left out unless a mapping names them.
        foreign: usize,
    },
    /// Bytes that are used, and that may be.
    Quota {
        /// Used.
        used: u64,
        /// At most.
        limit: u64,
    },
}

impl Finding {
    /// The step that finds it.
    pub fn step(&self) -> CheckStep {
        match self {
            Self::Place { .. } => CheckStep::Place,
            Self::Addresses(_) => CheckStep::Name,
            Self::Connected(_) => CheckStep::Connection,
            Self::Certificate { .. } | Self::Unprotected => CheckStep::Certificate,
            Self::Greeted => CheckStep::Greeting,
            Self::Token(_) => CheckStep::Token,
            Self::Rights(_) => CheckStep::Rights,
            Self::LoggedIn { .. } => CheckStep::Login,
            Self::Opened(_) | Self::Usable(_) => CheckStep::Mailbox,
            Self::Capabilities(_) => CheckStep::Capabilities,
            Self::Folders { .. } => CheckStep::Folders,
            Self::Quota { .. } => CheckStep::Quota,
        }
    }

    /// As people read it, at this time.
    pub fn words(&self, now: Timestamp) -> String {
        match self {
            Self::Place { path, exists: true } => path.clone(),
            Self::Place { path, exists: false } => format!("{path} is not there yet: the first copy makes it"),
            Self::Addresses(all) => addresses(all),
            Self::Connected(to) => to.clone(),
            Self::Certificate { seen, pinned } => certificate(seen, *pinned, now),
            Self::Unprotected => "no encryption: passwords and mail travel in the clear".to_owned(),
            Self::Greeted => "an IMAP server answers".to_owned(),
            Self::Token(None) => "the provider granted one".to_owned(),
            Self::Token(Some(ends)) => format!("the provider granted one, good for {}", duration(ends.since(now))),
            Self::Rights(claims) => claims.words(),
            Self::LoggedIn { name, administrator: false } => name.clone(),
            Self::LoggedIn { name, administrator: true } => format!("{name}, opened by the administrator"),
            Self::Opened(messages) => format!("the inbox holds {} messages", count(*messages)),
            Self::Usable(Side::Source) => "it can be read".to_owned(),
            Self::Usable(Side::Destination) => "it can be written".to_owned(),
            Self::Capabilities(all) => capabilities(all),
            Self::Folders { own, foreign: 0 } => counted(*own, "folder"),
            Self::Folders { own, foreign } => format!("{}, and {foreign} of other people", counted(*own, "folder")),
            Self::Quota { used, limit } => {
                format!("{} of {} used, {} free", size(*used), size(*limit), size(limit.saturating_sub(*used)))
            }
        }
    }
}

fn addresses(all: &[String]) -> String {
    let named = all.iter().take(ADDRESSES).cloned().collect::<Vec<_>>().join(", ");
    if all.len() > ADDRESSES { format!("{named} and {} more", all.len() - ADDRESSES) } else { named }
}

fn certificate(seen: &SeenCertificate, pinned: bool, now: Timestamp) -> String {
    let known = |words: &str| if words.is_empty() { "(not readable)".to_owned() } else { words.to_owned() };
    let left = match seen.days_left(now) {
        Some(1) => "1 day left".to_owned(),
        Some(days @ 0..) => format!("{days} days left"),
        Some(-1) => "ended 1 day ago".to_owned(),
        Some(days) => format!("ended {} days ago", days.unsigned_abs()),
        None => "end not readable".to_owned(),
    };
    format!(
        "for {}, issued by {}, valid until {} ({left}){} · SHA-256 {}",
        known(&seen.subject),
        known(&seen.issuer),
        known(&seen.expires),
        if pinned { ", pinned" } else { "" },
        seen.fingerprint_text()
    )
}

/// Those that matter, and those that are missing among them.
fn capabilities(all: &[String]) -> String {
    let limit = all.iter().find_map(|word| word.strip_prefix("APPENDLIMIT=")?.parse::<u64>().ok());
    let offers = |word: &str| all.iter().any(|told| told == word) || (word == "APPENDLIMIT" && limit.is_some());
    let shown = |word: &str| match limit {
        Some(bytes) if word == "APPENDLIMIT" => format!("APPENDLIMIT (messages up to {})", size(bytes)),
        _ => word.to_owned(),
    };
    let offered: Vec<String> = MATTER.into_iter().filter(|word| offers(word)).map(shown).collect();
    let missing: Vec<&str> = MATTER.into_iter().filter(|word| !offers(word) && !UNMISSED.contains(word)).collect();
    let told = |whose: &MailProvider| {
        format!(
            "; this is {}: the option source-provider or destination-provider says so where the host does not",
            whose.name
        )
    };
    let whose = MailProvider::of_capabilities(all).map_or(String::new(), told);
    let offered = if offered.is_empty() { "none of those that matter".to_owned() } else { offered.join(", ") };
    if missing.is_empty() { offered + &whose } else { format!("{offered}{whose}; not offered: {}", missing.join(", ")) }
}

/// How a step ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StepOutcome {
    /// It holds.
    Well(Finding),
    /// It does not, and what was seen of it all the same. Nothing is tried after it.
    Failed(Box<Failure>, Option<Finding>),
    /// It could not be tried, and why.
    NotTried(&'static str),
}

/// How a step ended, in a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum StepResult {
    /// It holds.
    Well,
    /// It does not.
    Failed,
    /// It was not tried.
    NotTried,
}

/// A step as people read it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CheckLine {
    /// Of which side.
    pub side: Side,
    /// Which.
    pub step: CheckStep,
    /// How it ended.
    pub result: StepResult,
    /// What was found, or what happened.
    pub found: String,
    /// What to do about it.
    pub todo: Option<String>,
    /// The server's or the system's own words.
    pub server_text: Option<String>,
    /// What kind of failure it was.
    pub cause: Option<Cause>,
}

impl CheckLine {
    /// A step of this side; `names` are the server and the mailbox.
    pub fn new(side: Side, step: CheckStep, outcome: &StepOutcome, names: &TextNames<'_>, now: Timestamp) -> Self {
        let line = |result, found| Self { side, step, result, found, todo: None, server_text: None, cause: None };
        match outcome {
            StepOutcome::Well(finding) => line(StepResult::Well, finding.words(now)),
            StepOutcome::NotTried(why) => line(StepResult::NotTried, (*why).to_owned()),
            StepOutcome::Failed(failure, seen) => {
                let (mut found, todo) = failed(side, failure, names);
                if let Some(seen) = seen {
                    found = format!("{found} Seen: {}", seen.words(now));
                }
                let (server_text, cause) = (failure.server_text.clone(), Some(failure.cause));
                Self { todo: Some(todo), server_text, cause, ..line(StepResult::Failed, found) }
            }
        }
    }

    /// In lines of plain text.
    pub fn as_text(&self) -> String {
        let mark = match self.result {
            StepResult::Well => "ok    ",
            StepResult::Failed => "FAILED",
            StepResult::NotTried => "-     ",
        };
        let mut lines = vec![format!("{mark}  {}: {}", self.step.words(), self.found)];
        lines.extend(self.todo.iter().map(|todo| format!("        {todo}")));
        let whose = self.cause.map_or("server text", Cause::words_of);
        lines.extend(self.server_text.iter().map(|told| format!("        {whose}: {told}")));
        lines.join("\n")
    }
}

/// What happened, and what to do.
fn failed(side: Side, failure: &Failure, names: &TextNames<'_>) -> (String, String) {
    let text = text(failure, Some(side), names);
    (format!("{}. {}", text.headline, text.what), text.todo)
}

/// All steps of a test in plain text, under the side that each group is of.
pub fn as_text(lines: &[CheckLine]) -> String {
    let mut text = Vec::new();
    let mut of = None;
    for line in lines {
        if of.replace(line.side) != Some(line.side) {
            text.push(capital(line.side.word()));
        }
        text.push(line.as_text());
    }
    text.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::failure::{Retry, Scope};

    const NAMES: TextNames<'static> = TextNames {
        host: "imap.x.example",
        port: 993,
        mailbox: "anna@x.example",
        across: "",
        folder: "",
        provider: None,
    };
    /// 22 November 2025.
    const NOW: Timestamp = Timestamp::from_millis(1_763_800_000_000);

    fn line(step: CheckStep, outcome: &StepOutcome) -> CheckLine {
        CheckLine::new(Side::Source, step, outcome, &NAMES, NOW)
    }

    #[test]
    fn a_certificate_says_how_long_it_lasts() {
        let words = |expires: &str, pinned| {
            let seen =
                SeenCertificate { subject: "x".into(), expires: expires.into(), ..SeenCertificate::read(&[], [1; 32]) };
            Finding::Certificate { seen, pinned }.words(NOW)
        };
        assert!(
            words("2025-11-22", false)
                .contains("for x, issued by (not readable), valid until 2025-11-22 (0 days left) ·")
        );
        assert!(words("2026-11-23", true).contains("(366 days left), pinned · SHA-256 01:01:"));
        assert!(
            words("2025-11-21", false).contains("(ended 1 day ago)") && words("", false).contains("(end not readable)")
        );
    }

    #[test]
    fn capabilities_that_matter_are_told_with_those_that_are_missing() {
        let words =
            |all: &[&str]| Finding::Capabilities(all.iter().map(|word| (*word).to_owned()).collect()).words(NOW);
        let some = words(&["UIDPLUS", "APPENDLIMIT=36700160", "X-SOMETHING", "IDLE"]);
        assert!(some.starts_with("UIDPLUS, APPENDLIMIT (messages up to 36.70 MB); not offered: CONDSTORE, "), "{some}");
        assert!(!some.contains("X-GM-EXT-1") && !some.contains("IDLE"));
        assert!(words(&[]).starts_with("none of those that matter; not offered: UIDPLUS"));
        assert!(words(&MATTER).contains("QUOTA, X-GM-EXT-1; this is Gmail: the option source-provider"));
    }

    #[test]
    fn each_failing_step_names_its_remedy_and_the_servers_text() {
        let failed = |cause| {
            let failure = Failure::new(cause, Scope::Endpoint, Retry::User, "doing").saying("no\u{7}");
            StepOutcome::Failed(Box::new(failure), None)
        };
        let name = line(CheckStep::Name, &failed(Cause::NameUnknown));
        assert!(name.found.contains("imap.x.example leads to no address") && name.todo.is_some());
        let connection = line(CheckStep::Connection, &failed(Cause::Unreachable));
        assert_eq!(
            connection.found,
            "imap.x.example cannot be reached. There was no answer from the source server on port 993."
        );
        assert_eq!(connection.server_text.as_deref(), Some("no"));
        assert!(connection.as_text().ends_with("details: no"), "the server said nothing");
        let login = line(CheckStep::Login, &failed(Cause::LoginRefused));
        let text = login.as_text();
        assert!(text.starts_with("FAILED  Login accepted: Failed while checking source credentials."), "{text}");
        assert!(text.ends_with("server text: no") && text.contains("Check name and password"), "{text}");
        let all = as_text(&[line(CheckStep::Greeting, &StepOutcome::Well(Finding::Greeted)), login]);
        assert!(all.starts_with("Source\nok      Greeting: an IMAP server answers\nFAILED"), "{all}");
    }

    #[test]
    fn many_addresses_are_counted() {
        let all =
            |number: usize| Finding::Addresses((0..number).map(|at| format!("192.0.2.{at}")).collect()).words(NOW);
        assert_eq!(all(1), "192.0.2.0");
        assert!(all(9).ends_with("192.0.2.3 and 5 more"));
    }
}
