//! The dialog with a project's settings.

use super::project::testable;
use super::server::ServerForm;
use crate::domain::edit::{Change, ProjectEdit, Records, ServerEdit};
use crate::domain::failure::Side;
use crate::domain::ids::PoolId;
use crate::domain::project::{Options, Project};
use crate::domain::secret::Secret;
use crate::domain::wording::capital;
use crate::service::client::RequestId;
use crate::service::edit::{ProjectChange, SideFiles};
use crate::service::projects::NewServer;

/// The dialog with a project's settings.
#[derive(Clone)]
pub struct EditProjectForm {
    /// As it is.
    pub before: Project,
    /// Its name.
    pub name: String,
    /// Whose mailboxes it moves.
    pub client: String,
    /// Items migrating at once.
    pub concurrent: String,
    /// Connections per mailbox and side.
    pub connections: String,
    /// The pools that it may choose among; none while licenses are not worth a word.
    pub pools: Vec<(PoolId, String)>,
    /// Where its items take their licenses.
    pub pool: PoolId,
    /// Where mail is read.
    pub source: ServerForm,
    /// Where mail is written.
    pub destination: ServerForm,
    /// Of which sides it is asked whether their mailboxes are still the ones they were (D13).
    pub asks: Vec<Side>,
    /// The answer.
    pub records: Option<Records>,
    /// Of which side another host is to be named: that field has the focus first.
    pub host_of: Option<Side>,
    /// It was painted once: its first field has had the focus.
    pub entered: bool,
    /// Faults are shown from the first try on.
    pub tried: bool,
    /// Why it was not changed.
    pub refused: Option<String>,
    /// The question under way.
    pub asked: Option<RequestId>,
}

impl EditProjectForm {
    /// For a project as it is.
    pub fn new(before: Project) -> Self {
        Self {
            name: before.name.clone(),
            client: before.client.clone().unwrap_or_default(),
            concurrent: before.options.concurrent.to_string(),
            connections: before.options.connections.to_string(),
            pools: Vec::new(),
            pool: before.pool,
            source: ServerForm::of(&before.source),
            destination: ServerForm::of(&before.destination),
            before,
            asks: Vec::new(),
            records: None,
            host_of: None,
            entered: false,
            tried: false,
            refused: None,
            asked: None,
        }
    }

    /// The servers that can be tested as they are typed.
    pub fn testable(&self) -> Vec<(Side, NewServer)> {
        testable(&self.source, &self.destination)
    }

    /// Whether the vault has to be open for it.
    pub fn has_passwords(&self) -> bool {
        let loses = |form: &ServerForm, side| {
            let before = self.before.server(side);
            before.has_secret() && form.ask().is_some_and(|now| !now.server.keeps_secret_of(before))
        };
        [&self.source, &self.destination].into_iter().any(ServerForm::brings_secret)
            || loses(&self.source, Side::Source)
            || loses(&self.destination, Side::Destination)
    }

    /// What it asks.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn ask(&self) -> Result<ProjectChange, String> {
        let project = self.before.id;
        let number = |text: &str, what: &str| {
            text.trim().parse::<u32>().map_err(|_| format!("{what}: \"{}\" is no number", text.trim()))
        };
        let mut options = self.before.options.clone();
        options.concurrent = number(&self.concurrent, "Items at once")?;
        options.connections = number(&self.connections, "Connections")?;
        let mend = || "Mend what is marked first".to_owned();
        let (source, files_of_source) = side(self.source.ask().ok_or_else(mend)?, &self.before, Side::Source);
        let (destination, files_of_destination) =
            side(self.destination.ask().ok_or_else(mend)?, &self.before, Side::Destination);
        let name = self.name.trim();
        let client = match self.client.trim() {
            client if client == self.before.client.as_deref().unwrap_or_default() => Change::Leave,
            "" => Change::Clear,
            client => Change::Set(client.to_owned()),
        };
        let edit = ProjectEdit {
            project,
            name: (name != self.before.name).then(|| name.to_owned()),
            client,
            source,
            destination,
            options: Some(options).filter(|options: &Options| *options != self.before.options),
            pool: Some(self.pool).filter(|pool| *pool != self.before.pool),
            records: self.records,
        };
        let files = [files_of_source, files_of_destination];
        edit.validate().map_err(|error| capital(&error.to_string()))?;
        let unchanged = edit.is_empty() && files.iter().all(|files| *files == SideFiles::default());
        match (unchanged, self.asks.is_empty(), self.records) {
            (true, ..) => Err("Nothing was changed".into()),
            (false, false, None) => Err("Say whether the mailboxes are the same".into()),
            _ => Ok(ProjectChange { edit, files }),
        }
    }
}

/// What changes of one side, and the files that are read for it.
fn side(new: NewServer, before: &Project, side: Side) -> (ServerEdit<Secret>, SideFiles) {
    let NewServer { server, authorities, password, key_file } = new;
    let password = password.map_or(Change::Leave, Change::Set);
    let edit = ServerEdit { server: (server != *before.server(side)).then_some(server), password };
    (edit, SideFiles { authorities, key: key_file })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ids::{PoolId, ProjectId};
    use crate::domain::project::Starts;
    use crate::domain::server::{AdminLogin, Server, Trust};

    #[test]
    fn what_was_not_touched_stays() {
        let mut source = Server::parse_url("imaps://a.example:1993").unwrap();
        source.set_administrator(AdminLogin::parse("boss")).unwrap();
        source.set_trust(Trust::Authorities("PEM".into())).unwrap();
        let destination = Server::parse_url("maildir:/mail/{email}").unwrap();
        let (options, starts) = (Options::default(), Starts::default());
        let before = Project {
            id: ProjectId(1),
            name: "p".into(),
            client: None,
            source,
            destination,
            options,
            starts,
            pool: PoolId::FIRST,
        };
        let mut form = EditProjectForm::new(before.clone());
        assert_eq!(form.ask().map(|_| ()).unwrap_err(), "Nothing was changed");
        (form.name, form.concurrent) = ("q".into(), "3".into());
        let edit = form.ask().unwrap().edit;
        assert_eq!((edit.name.as_deref(), edit.options.map(|options| options.concurrent)), (Some("q"), Some(3)));
        assert!(edit.source.server.is_none() && edit.source.password.is_leave() && !form.has_passwords());
        assert_eq!(edit.client, Change::Leave);
        form.client = " Contoso Ltd ".into();
        assert_eq!(form.ask().unwrap().edit.client, Change::Set("Contoso Ltd".into()));
        form.client = "x".repeat(201);
        assert!(form.ask().map(|_| ()).unwrap_err().starts_with("Client: a client has at most 200"), "it is named");
        form.client = String::new();
        form.concurrent = "many".into();
        assert!(form.ask().is_err());
        form.concurrent = "3".into();
        form.source.host = "b.example:1993".into();
        let server = form.ask().unwrap().edit.source.server.unwrap();
        assert_eq!((server.name(), server.administrator()), ("b.example", before.source.administrator()));
        form.source.admin = "chief".into();
        assert!(form.ask().is_err(), "another administrator brings a password");
        form.source.administered = false;
        assert!(form.ask().unwrap().edit.source.server.unwrap().administrator().is_none() && form.has_passwords());
    }
}
