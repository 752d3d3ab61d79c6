//! A project: two servers and the options its items share.

use serde::{Deserialize, Serialize};

use super::failure::Side;
use super::ids::{PoolId, ProjectId};
use super::mapping::{FolderFilter, Mapping, Mappings, RuleError};
use super::plain_text::is_hidden;
use super::provider::{MailProvider, ProviderChoice};
use super::run_hours::RunHours;
use super::server::Server;
use super::time::Timestamp;

/// Lowest data rate, in bytes a second: below it servers hang up before a message has come.
const LOWEST_RATE: u64 = 10_000;

/// Options of a project. A worker reads them once, when it takes an item.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Options {
    /// Passes running at once.
    pub concurrent: u32,
    /// Connections per mailbox and side, 1 to 4.
    pub connections: u32,
    /// The most connections to one server, of all items and projects together.
    pub server_connections: u32,
    /// The most connections to one mailbox, of all items and projects together; none: what its provider is known to allow.
    pub mailbox_connections: Option<u32>,
    /// Whose server the source is.
    pub source_provider: ProviderChoice,
    /// Whose server the destination is.
    pub destination_provider: ProviderChoice,
    /// Item errors that end a pass as Failed.
    pub maximum_errors: u64,
    /// Tries in a row without a newly recorded message (D22).
    pub retry_limit: u32,
    /// The most bytes of messages a second, of all items together; none: no limit.
    pub rate: Option<u64>,
    /// When the source may be used; none: always.
    pub source_hours: Option<RunHours>,
    /// When the destination may be used; none: always.
    pub destination_hours: Option<RunHours>,
    /// Where its days begin and its hours are counted, by IANA name; none: where this machine is.
    pub zone: Option<String>,
    /// Folders to skip: a regular expression, case-insensitive, over the name with `/`.
    pub folder_filter: Option<String>,
    /// Folder mapping, first match wins.
    pub mapping: Vec<Mapping>,
    /// Match special-use folders by role.
    pub roles: bool,
    /// Subscribe at the destination what the source subscribes.
    pub subscribe: bool,
    /// Copy only messages with an INTERNALDATE at or after this.
    pub earliest: Option<Timestamp>,
    /// Copy only messages with an INTERNALDATE before this.
    pub latest: Option<Timestamp>,
    /// Skip messages larger than this many bytes.
    pub largest: Option<u64>,
    /// Search the destination for messages that arrived some other way.
    pub search_duplicates: bool,
    /// Carry flag changes of the source on later passes (D10).
    pub carry_flags: bool,
    /// Copy the newest messages of each folder first.
    pub newest_first: bool,
    /// Where folders are labels (Gmail): copy a message into the folder of each of its labels, not of one only.
    pub all_labels: bool,
    /// Of a message that the destination calls malformed, copy the cleaned form.
    pub clean_malformed: bool,
    /// Keep subjects of failed messages.
    pub log_subjects: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            concurrent: 8,
            connections: 2,
            server_connections: 100,
            mailbox_connections: None,
            source_provider: ProviderChoice::Known,
            destination_provider: ProviderChoice::Known,
            maximum_errors: 100,
            retry_limit: 8,
            rate: None,
            source_hours: None,
            destination_hours: None,
            zone: None,
            folder_filter: None,
            mapping: Vec::new(),
            roles: true,
            subscribe: true,
            earliest: None,
            latest: None,
            largest: None,
            search_duplicates: true,
            carry_flags: true,
            newest_first: false,
            all_labels: false,
            clean_malformed: false,
            log_subjects: true,
        }
    }
}

/// A project.
#[derive(Clone, Debug, PartialEq)]
pub struct Project {
    /// The row.
    pub id: ProjectId,
    /// Unique, ignoring case.
    pub name: String,
    /// Whose mailboxes it moves, if that was said.
    pub client: Option<String>,
    /// Where mail is read.
    pub source: Server,
    /// Where mail is written.
    pub destination: Server,
    /// Options.
    pub options: Options,
    /// What a person has said about starting its passes.
    pub starts: Starts,
    /// Where its items take their licenses.
    pub pool: PoolId,
}

/// What a project is made with besides its name and servers.
#[derive(Clone, Debug, PartialEq)]
pub struct ProjectTerms {
    /// Options that its items share.
    pub options: Options,
    /// Where they take their licenses.
    pub pool: PoolId,
    /// Whose mailboxes they are.
    pub client: Option<String>,
}

impl From<Options> for ProjectTerms {
    fn from(options: Options) -> Self {
        Self { options, pool: PoolId::FIRST, client: None }
    }
}

/// What a person has said about starting a project's passes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Starts {
    /// What is submitted waits for a word (Hold new starts).
    pub held: bool,
    /// From where to where mail is copied was confirmed.
    pub confirmed: bool,
    /// Its work is over: it is put away, and nothing starts.
    pub archived: bool,
}

impl Project {
    /// The server at one side.
    pub fn server(&self, side: Side) -> &Server {
        match side {
            Side::Source => &self.source,
            Side::Destination => &self.destination,
        }
    }

    /// The large provider whose server a side is, and why it is taken for that.
    pub fn provider(&self, side: Side) -> Option<(&'static MailProvider, String)> {
        let choice = match side {
            Side::Source => &self.options.source_provider,
            Side::Destination => &self.options.destination_provider,
        };
        MailProvider::chosen(choice, self.server(side).host())
    }
}

/// What is wrong with a project's name.
pub fn name_problem(name: &str) -> Option<&'static str> {
    let wrong = name.trim().is_empty() || name.chars().any(is_hidden) || name.chars().count() > 200;
    wrong.then_some("a project's name has 1 to 200 characters, none of them a control character or an invisible one")
}

/// Whose mailboxes a project moves, as it was typed: none if nothing was.
///
/// # Errors
/// What is wrong with it.
pub fn read_client(typed: &str) -> Result<Option<String>, &'static str> {
    let client = typed.trim();
    match client.chars().any(is_hidden) || client.chars().count() > 200 {
        true => Err("a client has at most 200 characters, none of them a control character or an invisible one"),
        false => Ok((!client.is_empty()).then(|| client.to_owned())),
    }
}

/// An option that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OptionError {
    /// A number outside its bounds.
    #[error("{name} must be {bounds}, not {value}")]
    Bounds {
        /// The option as the texts call it.
        name: &'static str,
        /// What it may be.
        bounds: &'static str,
        /// What it is.
        value: u64,
    },
    /// Nothing lies between the dates.
    #[error("the earliest date must be before the latest date: no message lies between them")]
    Dates,
    /// There is no time at which both servers may be used.
    #[error("the run hours of the source ({0}) and of the destination ({1}) never meet: no pass could run")]
    Hours(RunHours, RunHours),
    /// Mapping or filter.
    #[error(transparent)]
    Rule(#[from] RuleError),
}

impl Options {
    /// Whether a pass can run with these.
    ///
    /// # Errors
    /// The first option that cannot be used.
    pub fn validate(&self) -> Result<(), OptionError> {
        let within = |name, bounds, value: u64, fits: bool| match fits {
            true => Ok(()),
            false => Err(OptionError::Bounds { name, bounds, value }),
        };
        within("concurrent migrations", "at least 1", self.concurrent.into(), self.concurrent >= 1)?;
        let connections = self.connections;
        within("connections per mailbox and side", "1 to 4", connections.into(), (1..=4).contains(&connections))?;
        let all = self.server_connections;
        within("connections to one server", "1 to 1000", all.into(), (1..=1000).contains(&all))?;
        let most = self.mailbox_connections.unwrap_or(1);
        within("connections to one mailbox", "1 to 1000, or known", most.into(), (1..=1000).contains(&most))?;
        within("maximum errors", "at least 1", self.maximum_errors, self.maximum_errors >= 1)?;
        within("retry limit", "1 to 100", self.retry_limit.into(), (1..=100).contains(&self.retry_limit))?;
        let rate = self.rate.unwrap_or(LOWEST_RATE);
        within("data rate", "at least 10 KB a second, or none", rate, rate >= LOWEST_RATE)?;
        within("largest message", "at least 1 byte", self.largest.unwrap_or(1), self.largest != Some(0))?;
        if self.earliest.zip(self.latest).is_some_and(|(earliest, latest)| earliest >= latest) {
            return Err(OptionError::Dates);
        }
        if let Some((source, destination)) = self.source_hours.zip(self.destination_hours)
            && !source.meets(destination)
        {
            return Err(OptionError::Hours(source, destination));
        }
        Mappings::parse(&self.mapping)?;
        FolderFilter::parse(self.folder_filter.as_deref())?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const AT: Timestamp = Timestamp::from_millis(2);

    #[test]
    fn the_defaults_can_be_used() {
        assert_eq!(Options::default().validate(), Ok(()));
    }

    #[test]
    fn a_client_is_trimmed_and_nothing_typed_is_none() {
        assert_eq!(read_client("  Contoso Ltd "), Ok(Some("Contoso Ltd".into())));
        assert_eq!(read_client(" \t "), Ok(None));
        assert!(read_client(&"x".repeat(200)).is_ok() && read_client(&"ü".repeat(201)).is_err());
        assert!(read_client("Con\ntoso").is_err() && read_client("Con\u{202e}toso").is_err());
    }

    #[test]
    fn wrong_options_are_named() {
        let error = |change: fn(&mut Options)| {
            let mut options = Options::default();
            change(&mut options);
            options.validate().unwrap_err().to_string()
        };
        assert_eq!(error(|o| o.concurrent = 0), "concurrent migrations must be at least 1, not 0");
        assert_eq!(error(|o| o.connections = 5), "connections per mailbox and side must be 1 to 4, not 5");
        assert_eq!(error(|o| o.server_connections = 0), "connections to one server must be 1 to 1000, not 0");
        assert!(error(|o| o.maximum_errors = 0).starts_with("maximum errors"));
        assert!(error(|o| o.retry_limit = 0).starts_with("retry limit"));
        assert!(error(|o| o.largest = Some(0)).starts_with("largest message"));
        assert!(error(|o| (o.earliest, o.latest) = (Some(AT), Some(AT))).contains("earliest"));
        let hours = |text: &str| text.parse::<RunHours>().ok();
        let mut apart = Options {
            source_hours: hours("22:00-02:00"),
            destination_hours: hours("03:00-05:00"),
            ..Options::default()
        };
        assert!(
            apart
                .validate()
                .unwrap_err()
                .to_string()
                .contains("(22:00-02:00) and of the destination (03:00-05:00) never meet")
        );
        apart.destination_hours = hours("01:00-05:00");
        assert_eq!(apart.validate(), Ok(()));
        assert!(error(|o| o.mapping = vec![Mapping("x".into())]).contains("mapping rule 1"));
        assert!(error(|o| o.folder_filter = Some("(".into())).contains("folder filter"));
    }
}
