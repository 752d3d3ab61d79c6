//! The form for a new project.

use super::server::ServerForm;
use crate::domain::failure::Side;
use crate::domain::ids::PoolId;
use crate::domain::project::{Options, name_problem, read_client};
use crate::service::client::RequestId;
use crate::service::projects::{NewProject, NewServer};

/// The form for a new project.
#[derive(Clone, Default)]
pub struct ProjectForm {
    /// Its name.
    pub name: String,
    /// Whose mailboxes it moves.
    pub client: String,
    /// Where mail is read.
    pub source: ServerForm,
    /// Where mail is written.
    pub destination: ServerForm,
    /// The pools that it may choose among; none while licenses are not worth a word.
    pub pools: Vec<(PoolId, String)>,
    /// The pool that was chosen.
    pub pool: Option<PoolId>,
    /// It was painted once: its first field has had the focus.
    pub entered: bool,
    /// Faults are shown from the first try on.
    pub tried: bool,
    /// What the workspace said.
    pub refused: Option<String>,
    /// The project is being made.
    pub busy: bool,
    /// The question that makes it.
    pub asked: Option<RequestId>,
}

impl ProjectForm {
    /// What is wrong with the name.
    pub fn name_fault(&self) -> Option<&'static str> {
        name_problem(self.name.trim()).map(|_| "A name has 1 to 200 characters")
    }

    /// What is wrong with the client.
    pub fn client_fault(&self) -> Option<&'static str> {
        read_client(&self.client).err().map(|_| "A client has at most 200 characters")
    }

    /// Whether passwords come with it.
    pub fn has_passwords(&self) -> bool {
        [&self.source, &self.destination].iter().any(|side| side.brings_secret())
    }

    /// The servers that can be tested as they are typed.
    pub fn testable(&self) -> Vec<(Side, NewServer)> {
        testable(&self.source, &self.destination)
    }

    /// The question it makes, if nothing is wrong.
    pub fn ask(&self) -> Option<NewProject> {
        if self.name_fault().is_some() {
            return None;
        }
        let (name, client) = (self.name.trim().to_owned(), read_client(&self.client).ok()?);
        let (source, destination) = (self.source.ask()?, self.destination.ask()?);
        Some(NewProject {
            name,
            client,
            source,
            destination,
            options: Options::default(),
            pool: self.pool.unwrap_or(PoolId::FIRST),
        })
    }
}

/// Those of two servers that can be tested as they are typed.
pub(super) fn testable(source: &ServerForm, destination: &ServerForm) -> Vec<(Side, NewServer)> {
    let sides = [(Side::Source, source), (Side::Destination, destination)];
    sides.into_iter().filter_map(|(side, form)| Some((side, form.server_alone()?))).collect()
}

#[cfg(test)]
mod tests {
    use super::super::Check;
    use super::*;
    use crate::domain::proposal::{Origin, Proposal};
    use crate::domain::server::{ImapServer, Kind, Security};
    use crate::domain::sign_in::SignInKind;

    #[test]
    fn a_project_is_asked_for_when_nothing_is_wrong() {
        let mut form = ProjectForm { name: " Contoso ".into(), ..ProjectForm::default() };
        assert!(form.ask().is_none(), "no servers yet");
        form.source.host = "imap.contoso.example".into();
        form.destination.host = "127.0.0.1:1143".into();
        form.destination.security = Security::Plain;
        let new = form.ask().unwrap();
        assert_eq!((new.name.as_str(), new.source.server.port(), new.client), ("Contoso", Some(993), None));
        form.client = "x".repeat(201);
        assert!(form.client_fault().is_some() && form.ask().is_none());
        form.client = " Contoso Ltd ".into();
        assert_eq!(form.ask().unwrap().client.as_deref(), Some("Contoso Ltd"));
        assert_eq!((new.destination.server.port(), new.destination.password), (Some(1143), None));
        form.source.administered = true;
        assert!(form.source.faults().admin.is_some() && form.source.faults().password.is_some());
        (form.source.admin, form.source.password) = ("{user}*admin".into(), "x".to_owned().into());
        assert!(form.ask().unwrap().source.password.is_some());
        (form.source.check, form.source.trust) = (Check::Fingerprint, "00".into());
        assert!(form.source.faults().trust.is_some() && form.ask().is_none());
    }

    #[test]
    fn a_server_that_takes_no_passwords_is_signed_in_to_by_an_app_unless_something_else_was_chosen() {
        let take = |form: &mut ServerForm, url: &str| {
            let server = ImapServer::parse_url(url).unwrap();
            form.take(&Proposal { server, login: None, sign_in: None, origin: Origin::Service("x".into()) });
            form.sign_in.kind
        };
        let mut form = ServerForm::default();
        assert_eq!(take(&mut form, "imaps://imap.gmail.com"), None, "it takes app passwords");
        assert_eq!(take(&mut form, "imaps://outlook.office365.com"), Some(SignInKind::MicrosoftApp));
        form.sign_in.kind = Some(SignInKind::Microsoft);
        assert_eq!(take(&mut form, "imaps://outlook.office365.com"), Some(SignInKind::Microsoft));
    }

    #[test]
    fn a_side_may_be_maildirs() {
        let mut form = ProjectForm { name: "Backup".into(), ..ProjectForm::default() };
        form.source.host = "imap.contoso.example".into();
        (form.destination.kind, form.destination.administered) = (Kind::Maildir, true);
        assert!(form.destination.faults().path.is_some() && form.ask().is_none(), "no path yet");
        form.destination.path = "/srv/mail/{email}/Maildir".into();
        let new = form.ask().unwrap();
        assert_eq!(new.destination.server.to_string(), "maildir:/srv/mail/{email}/Maildir");
        assert!(
            new.destination.password.is_none() && !form.has_passwords(),
            "what stands in hidden fields says nothing"
        );
        form.destination.path = "mail/{email}".into();
        assert!(form.destination.faults().path.is_some());
    }
}
