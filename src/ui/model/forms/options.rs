//! The dialog with the options of a project, or with those that an item has instead of them (D32). What was not touched is not
//! written: a size that is shown in MB stays what it is.

use jiff::tz::TimeZone;

use crate::domain::edit::ProjectEdit;
use crate::domain::failure::Side;
use crate::domain::ids::ItemId;
use crate::domain::mapping::Mapping;
use crate::domain::overrides::{OptionKey, Overrides};
use crate::domain::project::{Options, Project};
use crate::domain::provider::{MailProvider, ProviderChoice};
use crate::domain::wording::capital;
use crate::service::client::{Request, RequestId};
use crate::service::edit::ProjectChange;
use crate::service::options::{self, SetError};
use crate::service::preview::Unsaved;

/// The item whose options are shown, and what it has of its own.
#[derive(Clone, Debug, PartialEq)]
pub struct OwnOptions {
    /// Which.
    pub item: ItemId,
    /// Its address at the source.
    pub name: String,
    /// Its own.
    pub own: Overrides,
}

/// An option as it is typed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OptionField {
    /// Which.
    pub key: OptionKey,
    /// Its value, in the notation of the command line; mapping rules one a line.
    pub text: String,
    /// Whether the item has its own.
    pub own: bool,
    /// What is wrong with it.
    pub wrong: Option<String>,
    before: (String, bool),
}

impl OptionField {
    /// Whether it is on or off.
    pub fn is_switch(&self) -> bool {
        matches!(self.text.as_str(), "on" | "off")
    }

    fn is_changed(&self) -> bool {
        self.own != self.before.1 || self.own && self.text.trim() != self.before.0
    }

    /// What is to be set, as it would be written on the command line.
    fn written(&self) -> Vec<(OptionKey, String)> {
        let lines: Vec<&str> = self.text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
        match self.key {
            _ if !self.own => vec![(self.key, "project".into())],
            OptionKey::Map if lines.is_empty() => vec![(self.key, "none".into())],
            OptionKey::Map => lines.into_iter().map(|line| (self.key, line.to_owned())).collect(),
            _ => vec![(self.key, self.text.trim().to_owned())],
        }
    }
}

/// The dialog.
#[derive(Clone, Debug)]
pub struct OptionsForm {
    /// The project as it is.
    pub project: Project,
    /// The item, where its own are meant.
    pub of: Option<OwnOptions>,
    /// All options that it may have.
    pub fields: Vec<OptionField>,
    /// The option that is meant, if one is: the keyboard is there first.
    pub at: Option<OptionKey>,
    /// Faults are shown from the first try on.
    pub tried: bool,
    /// It was painted once: its first field has had the focus.
    pub entered: bool,
    /// Why it was not changed.
    pub refused: Option<String>,
    /// The question under way.
    pub asked: Option<RequestId>,
    zone: TimeZone,
}

impl OptionsForm {
    /// For a project, or for an item of it.
    pub fn new(project: Project, of: Option<OwnOptions>, zone: TimeZone) -> Self {
        let values = of.as_ref().map_or_else(|| project.options.clone(), |of| of.own.effective(&project.options));
        let keys = OptionKey::ALL.into_iter().map(|(key, ..)| key).filter(|key| of.is_none() || key.is_of_items());
        let field = |key| {
            let own = of.as_ref().is_none_or(|of| of.own.has(key));
            let text = shown(key, &values, &zone);
            OptionField { key, text: text.clone(), own, wrong: None, before: (text, own) }
        };
        let fields = keys.map(field).collect();
        let (tried, entered, refused, asked) = (false, false, None, None);
        Self { project, of, fields, at: None, tried, entered, refused, asked, zone }
    }

    /// Another process changed what is shown: fields that were not touched here follow it, and so does what all others are set
    /// against.
    pub fn follow(&mut self, project: Project, own: Option<Overrides>) {
        let of = self.of.take().map(|of| OwnOptions { own: own.unwrap_or_else(|| of.own.clone()), ..of });
        let now = Self::new(project, of, self.zone.clone());
        for (field, now) in self.fields.iter_mut().zip(now.fields) {
            if field.is_changed() {
                field.before = now.before;
            } else {
                *field = now;
            }
        }
        (self.project, self.of) = (now.project, now.of);
    }

    /// What it is about.
    pub fn title(&self) -> String {
        match &self.of {
            Some(of) => format!("Options of {}", of.name),
            None => "Options of the project".into(),
        }
    }

    /// Whether anything would be written.
    pub fn is_changed(&self) -> bool {
        self.fields.iter().any(OptionField::is_changed)
    }

    /// What counts where nothing else is said: the default, or for an item what its project says.
    pub fn otherwise(&self, key: OptionKey) -> String {
        match &self.of {
            Some(_) => options::text(key, &self.project.options, &self.zone),
            None => match key {
                OptionKey::SourceProvider => self.known_provider(Side::Source),
                OptionKey::DestinationProvider => self.known_provider(Side::Destination),
                _ => options::text(key, &Options::default(), &self.zone),
            },
        }
    }

    /// Whose server a side is known to be.
    fn known_provider(&self, side: Side) -> String {
        match MailProvider::chosen(&ProviderChoice::Known, self.project.server(side).host()) {
            Some((provider, why)) => format!("known: {}, {why}", provider.name),
            None => "known: no large provider".to_owned(),
        }
    }

    /// Looks for faults, and marks the fields that have one; tells whether there is none.
    pub fn check(&mut self) -> bool {
        for field in &mut self.fields {
            let alone = field.own.then(|| set(&mut Options::default(), &field.written(), &self.zone));
            field.wrong = alone.and_then(Result::err).map(|error| capital(&error.to_string()));
        }
        if self.fields.iter().any(|field| field.wrong.is_some()) {
            return false;
        }
        // Each can be used alone: what is left are dates with nothing between them.
        let together = self.values().err().map(|error| capital(&error.to_string()));
        let latest = self.fields.iter_mut().find(|field| field.key == OptionKey::Latest);
        let well = together.is_none();
        if let Some(latest) = latest {
            latest.wrong = together;
        }
        well
    }

    fn changes(&self) -> Vec<(OptionKey, String)> {
        self.fields.iter().filter(|field| field.is_changed()).flat_map(OptionField::written).collect()
    }

    /// Whether days would begin elsewhere: those that are written stay the same days.
    fn is_zone_changed(&self) -> bool {
        self.fields.iter().any(|field| field.key == OptionKey::Zone && field.is_changed())
    }

    /// What would count.
    fn values(&self) -> Result<Options, SetError> {
        let mut values = self.project.options.clone();
        let moves = |key| matches!(key, OptionKey::Earliest | OptionKey::Latest) && self.is_zone_changed();
        for field in self.fields.iter().filter(|field| field.own) {
            match &self.of {
                Some(of) if !field.is_changed() => {
                    field.key.copy(&of.own.effective(&self.project.options), &mut values)
                }
                None if !field.is_changed() && !moves(field.key) => {}
                _ => set_unchecked(&mut values, field, &self.zone)?,
            }
        }
        values.validate()?;
        Ok(values)
    }

    /// What would count if it were saved, to be looked at before.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn unsaved(&self) -> Result<Unsaved, String> {
        let values = self.values().map_err(|error| capital(&error.to_string()))?;
        Ok(match &self.of {
            _ if !self.is_changed() => Unsaved::Nothing,
            Some(_) => Unsaved::Item(self.changes()),
            None => Unsaved::Project(Box::new(values)),
        })
    }

    /// What it asks.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn request(&self) -> Result<Request, String> {
        if !self.is_changed() {
            return Err("Nothing was changed".into());
        }
        let values = self.values().map_err(|error| capital(&error.to_string()))?;
        Ok(match &self.of {
            Some(of) => Request::SetItemOptions(of.item, self.changes()),
            None => {
                let edit = ProjectEdit { options: Some(values), ..ProjectEdit::of(self.project.id) };
                Request::EditProject(Box::new(ProjectChange { edit, files: Default::default() }))
            }
        })
    }
}

/// An option as it stands in its field.
fn shown(key: OptionKey, options: &Options, zone: &TimeZone) -> String {
    let rules = || options.mapping.iter().map(|Mapping(rule)| rule.as_str()).collect::<Vec<_>>().join("\n");
    if key == OptionKey::Map { rules() } else { options::text(key, options, zone) }
}

fn set(values: &mut Options, written: &[(OptionKey, String)], zone: &TimeZone) -> Result<(), SetError> {
    let written: Vec<(OptionKey, &str)> = written.iter().map(|(key, text)| (*key, text.as_str())).collect();
    options::set_all(values, &written, zone)
}

/// Sets one field; whether it goes with the others is asked when all are set.
fn set_unchecked(values: &mut Options, field: &OptionField, zone: &TimeZone) -> Result<(), SetError> {
    // A day is one of the project's zone.
    let mut alone = Options { zone: values.zone.clone(), ..Options::default() };
    set(&mut alone, &field.written(), zone)?;
    field.key.copy(&alone, values);
    Ok(())
}

/// What an option is called in the window, and how it is written.
pub fn option_words(key: OptionKey) -> (String, &'static str) {
    let meaning = OptionKey::ALL.into_iter().find(|(other, ..)| *other == key).map_or("", |(_, _, meaning)| meaning);
    match (key, meaning.split_once(": ")) {
        (OptionKey::Map, _) => ("Folder mapping".into(), "^Source->Destination, one rule a line"),
        (_, Some((what, how))) => (capital(what), how),
        (_, None) => (capital(meaning), ""),
    }
}

/// What an item has of its own, in one line; none if it has nothing.
pub fn own_line(own: &Overrides, zone: &TimeZone) -> Option<String> {
    let values = own.effective(&Options::default());
    let keys = OptionKey::ALL.into_iter().filter(|(key, ..)| own.has(*key));
    let all: Vec<String> = keys.map(|(key, name, _)| format!("{name} {}", options::text(key, &values, zone))).collect();
    (!all.is_empty()).then(|| format!("Own options: {}", all.join(", ")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ids::{PoolId, ProjectId};
    use crate::domain::server::Server;
    use crate::domain::time::Timestamp;

    fn project(options: Options) -> Project {
        let [source, destination] =
            ["imaps://a.example", "imaps://b.example"].map(|url| Server::parse_url(url).unwrap());
        let (id, pool, starts) = (ProjectId(1), PoolId::FIRST, Default::default());
        Project { id, name: "p".into(), client: None, source, destination, options, starts, pool }
    }

    fn put(form: &mut OptionsForm, key: OptionKey, text: &str) {
        let field = form.fields.iter_mut().find(|field| field.key == key).unwrap();
        (field.text, field.own) = (text.into(), true);
    }

    fn wrong(form: &OptionsForm) -> Vec<(OptionKey, String)> {
        form.fields.iter().filter_map(|field| Some((field.key, field.wrong.clone()?))).collect()
    }

    #[test]
    fn d32_only_what_was_touched_is_written() {
        let mut form =
            OptionsForm::new(project(Options { largest: Some(1_234_567), ..Options::default() }), None, TimeZone::UTC);
        assert_eq!((form.fields.len(), form.request().map(|_| ()).unwrap_err().as_str()), (25, "Nothing was changed"));
        put(&mut form, OptionKey::Map, "^A->B\n\n ^C->D ");
        put(&mut form, OptionKey::Roles, "off");
        let Ok(Request::EditProject(change)) = form.request() else { panic!("a change") };
        let options = change.edit.options.unwrap();
        assert_eq!((options.largest, options.roles), (Some(1_234_567), false));
        assert_eq!(options.mapping, [Mapping("^A->B".into()), Mapping("^C->D".into())]);
    }

    #[test]
    fn whose_servers_they_are_is_said_with_why_and_can_be_chosen() {
        let source = Server::parse_url("imaps://imap.gmail.com").unwrap();
        let mut form = OptionsForm::new(Project { source, ..project(Options::default()) }, None, TimeZone::UTC);
        assert_eq!(form.otherwise(OptionKey::SourceProvider), "known: Gmail, by its host imap.gmail.com");
        assert_eq!(form.otherwise(OptionKey::DestinationProvider), "known: no large provider");
        put(&mut form, OptionKey::DestinationProvider, "googol");
        assert!(!form.check() && wrong(&form)[0].1.contains("microsoft-365, gmail"), "{:?}", wrong(&form));
        put(&mut form, OptionKey::DestinationProvider, "Microsoft 365");
        let Ok(Request::EditProject(change)) = form.request() else { panic!("a change") };
        let named = ProviderChoice::Named("Microsoft 365".into());
        assert_eq!(change.edit.options.unwrap().destination_provider, named);
    }

    #[test]
    fn d16_days_stay_the_days_that_were_written_in_another_zone() {
        let options = Options { earliest: Some(Timestamp::from_millis(1_769_817_600_000)), ..Options::default() };
        let mut form = OptionsForm::new(project(options), None, TimeZone::UTC);
        assert_eq!(form.fields.iter().find(|field| field.key == OptionKey::Earliest).unwrap().text, "2026-01-31");
        put(&mut form, OptionKey::Zone, "Europe/Vienna");
        let Ok(Request::EditProject(change)) = form.request() else { panic!("a change") };
        let options = change.edit.options.unwrap();
        assert_eq!(options.earliest, Some(Timestamp::from_millis(1_769_817_600_000 - 3_600_000)));
        assert_eq!(options::text(OptionKey::Earliest, &options, &TimeZone::UTC), "2026-01-31");
    }

    #[test]
    fn d32_what_an_item_has_of_its_own_can_be_left_to_the_project_again() {
        let mut own = Overrides::default();
        own.set(OptionKey::Largest, &Options { largest: Some(25_000_000), ..Options::default() });
        assert_eq!(own_line(&own, &TimeZone::UTC).as_deref(), Some("Own options: largest 25.00 MB"));
        assert_eq!(own_line(&Overrides::default(), &TimeZone::UTC), None);
        let of = OwnOptions { item: ItemId(3), name: "anna".into(), own };
        let mut form = OptionsForm::new(project(Options::default()), Some(of), TimeZone::UTC);
        assert_eq!((form.fields.len(), form.otherwise(OptionKey::Largest).as_str()), (19, "none"));
        form.fields.iter_mut().for_each(|field| field.own = false);
        put(&mut form, OptionKey::Roles, "off");
        let Ok(Request::SetItemOptions(ItemId(3), changes)) = form.request() else { panic!("a change") };
        assert_eq!(changes, [(OptionKey::Roles, "off".into()), (OptionKey::Largest, "project".into())]);
    }

    #[test]
    fn d32_what_another_process_changes_is_shown_and_what_is_typed_stays() {
        let text = |form: &OptionsForm, key| form.fields.iter().find(|field| field.key == key).unwrap().text.clone();
        let mut form = OptionsForm::new(project(Options::default()), None, TimeZone::UTC);
        put(&mut form, OptionKey::Roles, "off");
        form.follow(project(Options { retry_limit: 3, largest: Some(7_000), ..Options::default() }), None);
        assert_eq!((text(&form, OptionKey::RetryLimit).as_str(), text(&form, OptionKey::Roles).as_str()), ("3", "off"));
        let Ok(Request::EditProject(change)) = form.request() else { panic!("a change") };
        let options = change.edit.options.unwrap();
        assert_eq!((options.retry_limit, options.largest, options.roles), (3, Some(7_000), false), "nothing is undone");
        let of = OwnOptions { item: ItemId(3), name: "anna".into(), own: Overrides::default() };
        let mut form = OptionsForm::new(project(Options::default()), Some(of), TimeZone::UTC);
        put(&mut form, OptionKey::Roles, "off");
        let mut own = Overrides::default();
        own.set(OptionKey::Largest, &Options { largest: Some(25_000_000), ..Options::default() });
        form.follow(project(Options::default()), Some(own));
        assert_eq!(text(&form, OptionKey::Largest), "25.00 MB");
        let Ok(Request::SetItemOptions(_, changes)) = form.request() else { panic!("a change") };
        assert_eq!(changes, [(OptionKey::Roles, "off".into())]);
    }

    #[test]
    fn faults_stand_at_their_field() {
        let mut form = OptionsForm::new(project(Options::default()), None, TimeZone::UTC);
        put(&mut form, OptionKey::Largest, "25 apples");
        put(&mut form, OptionKey::Filter, "(");
        assert!(!form.check());
        let keys: Vec<OptionKey> = wrong(&form).into_iter().map(|(key, _)| key).collect();
        assert_eq!(keys, [OptionKey::Filter, OptionKey::Largest]);
        put(&mut form, OptionKey::Largest, "25 MB");
        put(&mut form, OptionKey::Filter, "^Junk$");
        put(&mut form, OptionKey::Earliest, "2026-02-01");
        put(&mut form, OptionKey::Latest, "2026-01-01");
        assert!(!form.check());
        assert!(matches!(wrong(&form).as_slice(), [(OptionKey::Latest, why)] if why.contains("earliest date")));
        put(&mut form, OptionKey::Latest, "none");
        assert!(form.check() && form.request().is_ok());
    }
}
