//! Options by name, and what an item has instead of its project's (D32). Pure.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::project::Options;

/// An option.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OptionKey {
    /// [`Options::concurrent`]
    Concurrent,
    /// [`Options::connections`]
    Connections,
    /// [`Options::server_connections`]
    ServerConnections,
    /// [`Options::mailbox_connections`]
    MailboxConnections,
    /// [`Options::source_provider`]
    SourceProvider,
    /// [`Options::destination_provider`]
    DestinationProvider,
    /// [`Options::maximum_errors`]
    MaximumErrors,
    /// [`Options::retry_limit`]
    RetryLimit,
    /// [`Options::rate`]
    Rate,
    /// [`Options::source_hours`]
    SourceHours,
    /// [`Options::destination_hours`]
    DestinationHours,
    /// [`Options::zone`]
    Zone,
    /// [`Options::folder_filter`]
    Filter,
    /// [`Options::mapping`]
    Map,
    /// [`Options::roles`]
    Roles,
    /// [`Options::subscribe`]
    Subscribe,
    /// [`Options::earliest`]
    Earliest,
    /// [`Options::latest`]
    Latest,
    /// [`Options::largest`]
    Largest,
    /// [`Options::search_duplicates`]
    SearchDuplicates,
    /// [`Options::carry_flags`]
    CarryFlags,
    /// [`Options::newest_first`]
    NewestFirst,
    /// [`Options::all_labels`]
    AllLabels,
    /// [`Options::clean_malformed`]
    CleanMalformed,
    /// [`Options::log_subjects`]
    LogSubjects,
}

impl OptionKey {
    /// Every option with its name on the command line and what it is, in the order in which they are shown.
    pub const ALL: [(Self, &'static str, &'static str); 25] = [
        (Self::Concurrent, "concurrent", "items migrating at once"),
        (Self::Connections, "connections", "connections per mailbox and side, 1 to 4"),
        (Self::ServerConnections, "server-connections", "connections to one server, of all items together"),
        (
            Self::MailboxConnections,
            "mailbox-connections",
            "connections to one mailbox, of all items together: a number; known, as its provider is known to allow",
        ),
        (
            Self::SourceProvider,
            "source-provider",
            "provider of the source, whose limits and habits count: known, as its host says; gmail, microsoft-365 …; none",
        ),
        (
            Self::DestinationProvider,
            "destination-provider",
            "provider of the destination, whose limits and habits count: known, as its host says; gmail, microsoft-365 …; none",
        ),
        (Self::MaximumErrors, "maximum-errors", "item errors that end a pass as Failed"),
        (Self::RetryLimit, "retry-limit", "tries in a row without a message, 1 to 100"),
        (Self::Rate, "rate", "the most data a second: 500 KB, 2 MB; none for no limit"),
        (Self::SourceHours, "source-hours", "when the source may be used: 18:00-07:00; any"),
        (Self::DestinationHours, "destination-hours", "when the destination may be used: 18:00-07:00; any"),
        (Self::Zone, "zone", "where days begin and hours are counted: Europe/Vienna; none for this computer's"),
        (Self::Filter, "filter", "folders to skip: a regular expression over the name with /; none"),
        (Self::Map, "map", "folder mapping ^Source->Destination, once for each rule; none"),
        (Self::Roles, "roles", "match special-use folders by role: on, off"),
        (Self::Subscribe, "subscribe", "subscribe what the source subscribes: on, off"),
        (Self::Earliest, "earliest", "only messages received on this day or later: 2026-01-31; none"),
        (Self::Latest, "latest", "only messages received before this day: 2026-01-31; none"),
        (Self::Largest, "largest", "skip messages larger than this: 25 MB; none"),
        (Self::SearchDuplicates, "search-duplicates", "search the destination for what is there already: on, off"),
        (Self::CarryFlags, "carry-flags", "carry flag changes on later passes: on, off"),
        (
            Self::NewestFirst,
            "newest-first",
            "copy the newest messages of each folder first, a hundred at a time: on, off",
        ),
        (
            Self::AllLabels,
            "all-labels",
            "copy a Gmail message into the folder of each of its labels, not of one only: on, off",
        ),
        (
            Self::CleanMalformed,
            "clean-malformed",
            "copy the cleaned form of messages that the destination calls malformed: on, off",
        ),
        (Self::LogSubjects, "log-subjects", "keep subjects of failed messages, on this machine: on, off"),
    ];

    /// The option of this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|(_, own, _)| own.eq_ignore_ascii_case(name)).map(|(key, ..)| key)
    }

    /// Its name on the command line.
    pub fn name(self) -> &'static str {
        Self::ALL.into_iter().find(|(key, ..)| *key == self).map_or("", |(_, name, _)| name)
    }

    /// Whether an item may have its own: how many items run at once and connect to a server, whose servers they are, and where
    /// days begin, is no item's affair.
    pub fn is_of_items(self) -> bool {
        !matches!(
            self,
            Self::Concurrent
                | Self::ServerConnections
                | Self::MailboxConnections
                | Self::SourceProvider
                | Self::DestinationProvider
                | Self::Zone
        )
    }

    /// Takes this option over.
    pub fn copy(self, from: &Options, to: &mut Options) {
        match self {
            Self::Concurrent => to.concurrent = from.concurrent,
            Self::Connections => to.connections = from.connections,
            Self::ServerConnections => to.server_connections = from.server_connections,
            Self::MailboxConnections => to.mailbox_connections = from.mailbox_connections,
            Self::SourceProvider => to.source_provider.clone_from(&from.source_provider),
            Self::DestinationProvider => to.destination_provider.clone_from(&from.destination_provider),
            Self::MaximumErrors => to.maximum_errors = from.maximum_errors,
            Self::RetryLimit => to.retry_limit = from.retry_limit,
            Self::Rate => to.rate = from.rate,
            Self::SourceHours => to.source_hours = from.source_hours,
            Self::DestinationHours => to.destination_hours = from.destination_hours,
            Self::Zone => to.zone.clone_from(&from.zone),
            Self::Filter => to.folder_filter.clone_from(&from.folder_filter),
            Self::Map => to.mapping.clone_from(&from.mapping),
            Self::Roles => to.roles = from.roles,
            Self::Subscribe => to.subscribe = from.subscribe,
            Self::Earliest => to.earliest = from.earliest,
            Self::Latest => to.latest = from.latest,
            Self::Largest => to.largest = from.largest,
            Self::SearchDuplicates => to.search_duplicates = from.search_duplicates,
            Self::CarryFlags => to.carry_flags = from.carry_flags,
            Self::NewestFirst => to.newest_first = from.newest_first,
            Self::AllLabels => to.all_labels = from.all_labels,
            Self::CleanMalformed => to.clean_malformed = from.clean_malformed,
            Self::LogSubjects => to.log_subjects = from.log_subjects,
        }
    }

    /// Whether two sets of options say the same of it.
    pub fn is_same(self, a: &Options, b: &Options) -> bool {
        let mut copied = a.clone();
        self.copy(b, &mut copied);
        copied == *a
    }
}

/// What an item has instead of its project's options.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Overrides {
    keys: BTreeSet<OptionKey>,
    values: Options,
}

impl Overrides {
    /// Takes this option over from these; it is the item's own then.
    pub fn set(&mut self, key: OptionKey, from: &Options) {
        self.keys.insert(key);
        key.copy(from, &mut self.values);
    }

    /// The project's counts again.
    pub fn clear(&mut self, key: OptionKey) {
        self.keys.remove(&key);
        key.copy(&Options::default(), &mut self.values);
    }

    /// Whether the item has its own.
    pub fn has(&self, key: OptionKey) -> bool {
        self.keys.contains(&key)
    }

    /// Whether it has none.
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// What counts for the item.
    pub fn effective(&self, project: &Options) -> Options {
        let mut effective = project.clone();
        for key in &self.keys {
            key.copy(&self.values, &mut effective);
        }
        effective
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn d32_what_an_item_has_of_its_own_counts_and_all_else_is_its_projects() {
        let project = Options { largest: Some(5), roles: false, ..Options::default() };
        let mut own = Overrides::default();
        own.set(OptionKey::Largest, &Options { largest: None, ..Options::default() });
        own.set(OptionKey::RetryLimit, &Options { retry_limit: 3, ..Options::default() });
        let effective = own.effective(&project);
        assert_eq!((effective.largest, effective.retry_limit, effective.roles), (None, 3, false));
        own.clear(OptionKey::Largest);
        assert_eq!(own.effective(&project).largest, Some(5));
        assert!(own.has(OptionKey::RetryLimit) && !own.has(OptionKey::Largest) && !own.is_empty());
        let stored = serde_json::to_string(&own).unwrap();
        assert_eq!(serde_json::from_str::<Overrides>(&stored).unwrap(), own);
    }

    #[test]
    fn every_option_has_one_name_and_copying_all_of_them_copies_everything() {
        let names: BTreeSet<_> = OptionKey::ALL.iter().map(|(_, name, _)| name).collect();
        assert_eq!(names.len(), OptionKey::ALL.len());
        let mut all = serde_json::to_value(Options::default()).unwrap();
        for value in all.as_object_mut().unwrap().values_mut() {
            if let Some(on) = value.as_bool() {
                *value = (!on).into();
            } else if value.is_number() {
                *value = 7.into();
            }
        }
        all["zone"] = "Europe/Vienna".into();
        let from: Options = serde_json::from_value(all).unwrap();
        let mut to = Options::default();
        OptionKey::ALL.iter().for_each(|(key, ..)| key.copy(&from, &mut to));
        assert_eq!(to, from);
    }
}
