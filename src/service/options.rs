//! Options as people write and read them: `KEY=VALUE`. Dates are days of the project's zone.

use jiff::civil::Date;
use jiff::tz::TimeZone;

use super::times::zone_of;
use super::{OpenWorkspace, ServiceError};
use crate::domain::ids::{ItemId, ProjectId};
use crate::domain::mapping::Mapping;
use crate::domain::overrides::{OptionKey, Overrides};
use crate::domain::project::{OptionError, Options};
use crate::domain::provider::{MailProvider, ProviderChoice};
use crate::domain::run_hours::HoursError;
use crate::domain::time::Timestamp;
use crate::domain::wording::size;

/// Why an option was not set. Shown as it is.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SetError {
    /// No `=`.
    #[error("\"{0}\" is no KEY=VALUE")]
    NoValue(String),
    /// There is no such option.
    #[error("there is no option \"{0}\"; there are {1}")]
    Unknown(String, String),
    /// Items have none of their own.
    #[error("{0} is an option of the project, not of an item")]
    NotOfItems(&'static str),
    /// It is no value of this option.
    #[error("{0} is {1}, not \"{2}\"")]
    Value(&'static str, &'static str, String),
    /// No provider is called so.
    #[error("{0} is known, none, or one of {names}, not \"{1}\"", names = MailProvider::names())]
    Provider(&'static str, String),
    /// Hours.
    #[error("{0}: {1}")]
    Hours(&'static str, HoursError),
    /// It cannot be used.
    #[error(transparent)]
    Option(#[from] OptionError),
    /// It cannot be used together with what this item has of its own.
    #[error("with the options that {0} has of its own: {1}")]
    WithItem(String, OptionError),
}

/// `KEY=VALUE` in two.
///
/// # Errors
/// It is none, or the option is not known.
pub fn assignment(text: &str) -> Result<(OptionKey, &str), SetError> {
    let (key, value) = text.split_once('=').ok_or_else(|| SetError::NoValue(text.to_owned()))?;
    // MigrationWiz writes a mapping so.
    if key.trim().eq_ignore_ascii_case("FolderMapping") {
        return Ok((OptionKey::Map, text));
    }
    let known = || OptionKey::ALL.map(|(_, name, _)| name).join(", ");
    let key = OptionKey::from_name(key.trim()).ok_or_else(|| SetError::Unknown(key.trim().to_owned(), known()))?;
    Ok((key, value.trim()))
}

/// Sets options in the order in which they were written. Of several mapping rules the first replaces those before.
///
/// # Errors
/// The first that cannot be set.
pub fn set_all(options: &mut Options, written: &[(OptionKey, &str)], zone: &TimeZone) -> Result<(), SetError> {
    let mut maps = 0;
    // Days are those of the zone, wherever it was written.
    let (zones, others): (Vec<_>, Vec<_>) = written.iter().copied().partition(|(key, _)| *key == OptionKey::Zone);
    for (key, value) in zones.into_iter().chain(others) {
        match key {
            OptionKey::Map if is_none(value) => options.mapping.clear(),
            OptionKey::Map => {
                if maps == 0 {
                    options.mapping.clear();
                }
                maps += 1;
                options.mapping.push(Mapping::written(value));
            }
            _ => set(options, key, value, zone)?,
        }
    }
    Ok(options.validate()?)
}

fn is_none(value: &str) -> bool {
    ["", "none", "any", "unlimited"].iter().any(|none| value.trim().eq_ignore_ascii_case(none))
}

fn set(options: &mut Options, key: OptionKey, value: &str, zone: &TimeZone) -> Result<(), SetError> {
    let wrong = |what: &'static str| SetError::Value(key.name(), what, value.to_owned());
    let number = || value.parse::<u32>().map_err(|_| wrong("a number"));
    let switch = || match value.to_ascii_lowercase().as_str() {
        "on" | "yes" | "true" => Ok(true),
        "off" | "no" | "false" => Ok(false),
        _ => Err(wrong("on or off")),
    };
    let day =
        || day(value, &zone_of(options, zone)).map(Some).ok_or_else(|| wrong("a day, such as 2026-01-31, or none"));
    let bytes = || bytes(value).map(Some).ok_or_else(|| wrong("a size, such as 25 MB, or none"));
    let hours = || value.parse().map(Some).map_err(|error| SetError::Hours(key.name(), error));
    let provider = || ProviderChoice::parse(value).ok_or_else(|| SetError::Provider(key.name(), value.to_owned()));
    let none = is_none(value);
    match key {
        OptionKey::Concurrent => options.concurrent = number()?,
        OptionKey::Connections => options.connections = number()?,
        OptionKey::ServerConnections => options.server_connections = number()?,
        OptionKey::MailboxConnections => {
            let known = value.trim().eq_ignore_ascii_case("known");
            options.mailbox_connections = if known || none { None } else { Some(number()?) };
        }
        OptionKey::SourceProvider => options.source_provider = provider()?,
        OptionKey::DestinationProvider => options.destination_provider = provider()?,
        OptionKey::MaximumErrors => options.maximum_errors = number()?.into(),
        OptionKey::RetryLimit => options.retry_limit = number()?,
        OptionKey::Rate => options.rate = if none { None } else { bytes()? },
        OptionKey::SourceHours => options.source_hours = if none { None } else { hours()? },
        OptionKey::DestinationHours => options.destination_hours = if none { None } else { hours()? },
        OptionKey::Zone => {
            let days = [OptionKey::Earliest, OptionKey::Latest].map(|key| (key, text(key, options, zone)));
            let known = || TimeZone::get(value).ok()?.iana_name().map(str::to_owned);
            options.zone = if none { None } else { Some(known().ok_or_else(|| wrong(NO_ZONE))?) };
            // A day stays the day that was written.
            days.iter().try_for_each(|(key, day)| set(options, *key, day, zone))?;
        }
        OptionKey::Filter => options.folder_filter = (!none).then(|| value.to_owned()),
        OptionKey::Map => options.mapping = vec![Mapping::written(value)],
        OptionKey::Roles => options.roles = switch()?,
        OptionKey::Subscribe => options.subscribe = switch()?,
        OptionKey::Earliest => options.earliest = if none { None } else { day()? },
        OptionKey::Latest => options.latest = if none { None } else { day()? },
        OptionKey::Largest => options.largest = if none { None } else { bytes()? },
        OptionKey::SearchDuplicates => options.search_duplicates = switch()?,
        OptionKey::CarryFlags => options.carry_flags = switch()?,
        OptionKey::NewestFirst => options.newest_first = switch()?,
        OptionKey::AllLabels => options.all_labels = switch()?,
        OptionKey::CleanMalformed => options.clean_malformed = switch()?,
        OptionKey::LogSubjects => options.log_subjects = switch()?,
    }
    Ok(())
}

const NO_ZONE: &str = "a zone by its name, such as Europe/Vienna, or none";

/// The beginning of a day.
fn day(text: &str, zone: &TimeZone) -> Option<Timestamp> {
    let day = text.trim().parse::<Date>().ok()?.to_zoned(zone.clone()).ok()?.start_of_day().ok()?;
    Some(Timestamp::from_millis(day.timestamp().as_millisecond()))
}

/// Bytes: `25 MB`, `1.5GB`, `500`; decimal, with `/s` or without.
fn bytes(text: &str) -> Option<u64> {
    let text = text.trim().trim_end_matches("/s").trim().to_ascii_uppercase();
    let digits = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, unit) = text.split_at_checked(digits)?;
    let factor = match unit.trim().trim_end_matches('B') {
        "" => 1.0,
        "K" => 1e3,
        "M" => 1e6,
        "G" => 1e9,
        "T" => 1e12,
        _ => return None,
    };
    let bytes = number.parse::<f64>().ok()? * factor;
    (bytes.is_finite() && bytes <= 1e15).then_some(bytes.round() as u64)
}

/// An option as people read it, and as it can be written again.
pub fn text(key: OptionKey, options: &Options, zone: &TimeZone) -> String {
    let switch = |on: bool| if on { "on" } else { "off" }.to_owned();
    let or_none = |text: Option<String>| text.unwrap_or_else(|| "none".to_owned());
    let or_any = |hours: Option<crate::domain::run_hours::RunHours>| match hours {
        Some(hours) => hours.to_string(),
        None => "any".to_owned(),
    };
    let day = |at: Option<Timestamp>| {
        let day = |at: Timestamp| jiff::Timestamp::from_millisecond(at.millis()).unwrap_or_default();
        or_none(at.map(|at| day(at).to_zoned(zone_of(options, zone)).date().to_string()))
    };
    match key {
        OptionKey::Concurrent => options.concurrent.to_string(),
        OptionKey::Connections => options.connections.to_string(),
        OptionKey::ServerConnections => options.server_connections.to_string(),
        OptionKey::MailboxConnections => {
            options.mailbox_connections.map_or_else(|| "known".to_owned(), |most| most.to_string())
        }
        OptionKey::SourceProvider => options.source_provider.word(),
        OptionKey::DestinationProvider => options.destination_provider.word(),
        OptionKey::MaximumErrors => options.maximum_errors.to_string(),
        OptionKey::RetryLimit => options.retry_limit.to_string(),
        OptionKey::Rate => or_none(options.rate.map(|rate| format!("{}/s", size(rate)))),
        OptionKey::SourceHours => or_any(options.source_hours),
        OptionKey::DestinationHours => or_any(options.destination_hours),
        OptionKey::Zone => or_none(options.zone.clone()),
        OptionKey::Filter => or_none(options.folder_filter.clone()),
        OptionKey::Map => match options.mapping.as_slice() {
            [] => "none".to_owned(),
            rules => rules.iter().map(|rule| rule.0.as_str()).collect::<Vec<_>>().join("  "),
        },
        OptionKey::Roles => switch(options.roles),
        OptionKey::Subscribe => switch(options.subscribe),
        OptionKey::Earliest => day(options.earliest),
        OptionKey::Latest => day(options.latest),
        OptionKey::Largest => or_none(options.largest.map(size)),
        OptionKey::SearchDuplicates => switch(options.search_duplicates),
        OptionKey::CarryFlags => switch(options.carry_flags),
        OptionKey::NewestFirst => switch(options.newest_first),
        OptionKey::AllLabels => switch(options.all_labels),
        OptionKey::CleanMalformed => switch(options.clean_malformed),
        OptionKey::LogSubjects => switch(options.log_subjects),
    }
}

/// What an item has of its own.
pub async fn of_item(workspace: &OpenWorkspace, item: ItemId) -> Result<Overrides, ServiceError> {
    Ok(workspace.store.item_options(item).await?)
}

/// Whether items with options of their own can run with these of their project.
///
/// # Errors
/// The first that cannot, and why.
pub async fn fit_items(workspace: &OpenWorkspace, project: ProjectId, of: &Options) -> Result<(), ServiceError> {
    for (item, own) in own(workspace, project).await? {
        if let Err(why) = own.effective(of).validate() {
            let named = workspace.store.item(item).await?.item.source.email;
            return Err(SetError::WithItem(named, why).into());
        }
    }
    Ok(())
}

/// The items of a project that have options of their own.
pub async fn own(workspace: &OpenWorkspace, project: ProjectId) -> Result<Vec<(ItemId, Overrides)>, ServiceError> {
    Ok(workspace.store.own_options(project).await?)
}

/// Sets options of an item; `project` as a value leaves one to the project. They count from the item's next pass on: a worker
/// reads them when it takes the item.
///
/// # Errors
/// The first that cannot be set; nothing is changed then.
pub async fn set_of_item(
    workspace: &OpenWorkspace,
    item: ItemId,
    written: &[(OptionKey, &str)],
    zone: &TimeZone,
) -> Result<Overrides, ServiceError> {
    let row = workspace.store.item(item).await?;
    let project = workspace.store.project(row.item.project).await?.options;
    let own = changed(workspace.store.item_options(item).await?, &project, written, zone)?;
    workspace.store.set_item_options(item, own.clone()).await?;
    Ok(own)
}

/// What an item would have of its own with these options set.
///
/// # Errors
/// The first that cannot be set.
pub fn changed(
    mut own: Overrides,
    project: &Options,
    written: &[(OptionKey, &str)],
    zone: &TimeZone,
) -> Result<Overrides, SetError> {
    if let Some((key, _)) = written.iter().find(|(key, _)| !key.is_of_items()) {
        return Err(SetError::NotOfItems(key.name()));
    }
    let left = |value: &str| value.eq_ignore_ascii_case("project");
    let set: Vec<(OptionKey, &str)> = written.iter().filter(|(_, value)| !left(value)).copied().collect();
    for (key, _) in written.iter().filter(|(_, value)| left(value)) {
        own.clear(*key);
    }
    let mut values = own.effective(project);
    set_all(&mut values, &set, zone)?;
    set.iter().for_each(|(key, _)| own.set(*key, &values));
    Ok(own)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set_to(written: &[&str]) -> Result<Options, SetError> {
        let mut options = Options::default();
        let written = written.iter().map(|text| assignment(text)).collect::<Result<Vec<_>, _>>()?;
        set_all(&mut options, &written, &TimeZone::get("Europe/Vienna").unwrap())?;
        Ok(options)
    }

    #[test]
    fn what_is_shown_can_be_written_again() {
        let zone = TimeZone::get("Europe/Vienna").unwrap();
        let options = set_to(&[
            "rate=500 KB",
            "source-hours=18:00-07:00",
            "filter=^Junk$",
            "map=^A->B",
            "Map=^C->",
            "earliest=2020-01-31",
            "largest=1.5GB",
            "roles=OFF",
            "carry-flags=off",
            "newest-first=on",
            "clean-malformed=on",
            "mailbox-connections=5",
            "source-provider=Microsoft 365",
            "destination-provider=none",
            "all-labels=on",
            "retry-limit=3",
            "maximum-errors=7",
            "concurrent=4",
        ])
        .unwrap();
        assert_eq!((options.rate, options.largest), (Some(500_000), Some(1_500_000_000)));
        assert_eq!(options.mapping, [Mapping("^A->B".into()), Mapping("^C->".into())]);
        let mut again = Options::default();
        for (key, ..) in OptionKey::ALL {
            for part in text(key, &options, &zone).split("  ") {
                let written = (key, part);
                match key {
                    OptionKey::Map => again.mapping.push(Mapping::written(part)),
                    _ => set_all(&mut again, &[written], &zone).unwrap(),
                }
            }
        }
        assert_eq!(again, options);
        assert_eq!(
            set_to(&["largest=none", "mailbox-connections=known", "rate=unlimited", "source-hours=any", "map=none"])
                .unwrap(),
            Options::default()
        );
    }

    #[test]
    fn what_cannot_be_set_is_named_with_what_can() {
        let error = |text: &str| set_to(&[text]).unwrap_err().to_string();
        assert_eq!(error("largest"), "\"largest\" is no KEY=VALUE");
        assert!(error("big=1").starts_with("there is no option \"big\"; there are concurrent, connections"));
        assert_eq!(error("roles=maybe"), "roles is on or off, not \"maybe\"");
        assert_eq!(error("earliest=31.1.2026"), "earliest is a day, such as 2026-01-31, or none, not \"31.1.2026\"");
        assert_eq!(error("largest=25 apples"), "largest is a size, such as 25 MB, or none, not \"25 apples\"");
        assert_eq!(error("rate=1"), "data rate must be at least 10 KB a second, or none, not 1");
        assert!(error("source-hours=7").starts_with("source-hours: \"7\" are no hours"));
        assert!(error("map=^A(->B").contains("at character 3"));
        assert!(error("filter=(").contains("folder filter"));
        assert_eq!(error("concurrent=-1"), "concurrent is a number, not \"-1\"");
        assert_eq!(set_to(&[r#"FolderMapping="^A->B""#]).unwrap().mapping, [Mapping("^A->B".into())]);
    }
}
