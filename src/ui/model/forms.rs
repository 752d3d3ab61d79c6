//! Forms: what was typed, whether it can be used, and the question that follows from it.
//!
//! Forms that hold passwords have no `Debug`, and wipe them on drop.

use std::path::PathBuf;

use tokio_util::sync::CancellationToken;
use zeroize::Zeroizing;

use crate::domain::ids::{ItemId, ProjectId};
use crate::domain::pass::PassKind;
use crate::domain::project::Options;
use crate::domain::secret::Secret;
use crate::domain::server::{AdminLogin, Security, Server, Trust, parse_fingerprint};
use crate::domain::wording::capital;
use crate::service::VaultKind;
use crate::service::client::{Preview, RequestId};
use crate::service::import::{ImportFrom, Work};
use crate::service::projects::{NewProject, NewServer};

/// How a certificate is checked, as the form offers it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Check {
    /// By the system.
    #[default]
    System,
    /// By a file of certificates.
    File,
    /// By its fingerprint.
    Fingerprint,
}

/// What kind of mailboxes a side has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Kind {
    /// On a server.
    #[default]
    Imap,
    /// In folders of this computer.
    Maildir,
}

/// One side of a new project as it was typed.
#[derive(Clone)]
pub struct ServerForm {
    /// What kind of mailboxes; the fields of the other kind keep what was typed and count for nothing.
    pub kind: Kind,
    /// Where Maildirs lie, with `{email}` or the like.
    pub path: String,
    /// Host, or host and port.
    pub host: String,
    /// How the connection is protected.
    pub security: Security,
    /// How the certificate is checked.
    pub check: Check,
    /// The file or the fingerprint.
    pub trust: String,
    /// Whether one administrator opens all mailboxes.
    pub administered: bool,
    /// Its login name or template.
    pub admin: String,
    /// Its password.
    pub password: Zeroizing<String>,
}

impl Default for ServerForm {
    fn default() -> Self {
        Self {
            kind: Kind::Imap,
            path: String::new(),
            host: String::new(),
            security: Security::Tls,
            check: Check::System,
            trust: String::new(),
            administered: false,
            admin: String::new(),
            password: Zeroizing::default(),
        }
    }
}

/// What is wrong with a field; no entry, no fault.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ServerFaults {
    /// With the path of Maildirs.
    pub path: Option<String>,
    /// With the host.
    pub host: Option<String>,
    /// With file or fingerprint.
    pub trust: Option<String>,
    /// With the administrator's login.
    pub admin: Option<String>,
    /// With its password.
    pub password: Option<String>,
}

impl ServerForm {
    fn server(&self) -> Result<Server, String> {
        let url = match self.kind {
            Kind::Imap => format!("{}://{}", self.security.scheme(), self.host.trim()),
            Kind::Maildir => format!("maildir:{}", self.path.trim()),
        };
        Server::parse_url(&url).map_err(|error| error.to_string())
    }

    /// The field takes a host, not an address with its scheme, whatever people have at hand.
    fn host_fault(&self) -> Option<String> {
        if self.host.trim().is_empty() {
            return Some("Enter a host, such as imap.example.com".into());
        }
        if self.host.contains("://") {
            return Some("Enter only the host: how it is protected is chosen below".into());
        }
        self.server().err().map(|error| capital(&error.to_string()))
    }

    /// What is wrong with it.
    pub fn faults(&self) -> ServerFaults {
        if self.kind == Kind::Maildir {
            return ServerFaults {
                path: self.server().err().map(|error| capital(&error.to_string())),
                ..ServerFaults::default()
            };
        }
        let trust = match self.check {
            _ if self.security == Security::Plain => None,
            Check::System => None,
            Check::File => self.trust.trim().is_empty().then(|| "Name a file of certificates (PEM)".into()),
            Check::Fingerprint => parse_fingerprint(&self.trust)
                .is_none()
                .then(|| "64 hexadecimal digits of a SHA-256 fingerprint".into()),
        };
        let admin = || AdminLogin::parse(self.admin.trim()).validate().err().map(|error| capital(&error.to_string()));
        let password = || self.password.is_empty().then(|| "Enter the administrator's password".into());
        ServerFaults {
            path: None,
            host: self.host_fault(),
            trust,
            admin: self.administered.then(admin).flatten(),
            password: self.administered.then(password).flatten(),
        }
    }

    fn ask(&self) -> Option<NewServer> {
        if self.faults() != ServerFaults::default() {
            return None;
        }
        let mut server = self.server().ok()?;
        let mut authorities = None;
        if self.kind == Kind::Maildir {
            return Some(NewServer { server, authorities, password: None });
        }
        match self.check {
            _ if self.security == Security::Plain => {}
            Check::System => {}
            Check::File => authorities = Some(PathBuf::from(self.trust.trim())),
            Check::Fingerprint => server.trust = Trust::Pinned(parse_fingerprint(&self.trust)?),
        }
        server.admin = self.administered.then(|| AdminLogin::parse(self.admin.trim()));
        let password = self.administered.then(|| Secret::new(self.password.as_str()));
        Some(NewServer { server, authorities, password })
    }
}

/// The form for a new project.
#[derive(Clone, Default)]
pub struct ProjectForm {
    /// Its name.
    pub name: String,
    /// Where mail is read.
    pub source: ServerForm,
    /// Where mail is written.
    pub destination: ServerForm,
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
        let name = self.name.trim();
        let wrong = name.is_empty() || name.chars().any(char::is_control) || name.chars().count() > 200;
        wrong.then_some("A name has 1 to 200 characters")
    }

    /// Whether passwords come with it.
    pub fn has_passwords(&self) -> bool {
        [&self.source, &self.destination].iter().any(|side| side.kind == Kind::Imap && side.administered)
    }

    /// The question it makes, if nothing is wrong.
    pub fn ask(&self) -> Option<NewProject> {
        if self.name_fault().is_some() {
            return None;
        }
        let name = self.name.trim().to_owned();
        let (source, destination) = (self.source.ask()?, self.destination.ask()?);
        Some(NewProject { name, source, destination, options: Options::default() })
    }
}

/// The dialog that imports items.
#[derive(Clone)]
pub struct ImportForm {
    /// Into which project.
    pub project: ProjectId,
    /// The path of a file.
    pub path: String,
    /// Or a pasted list.
    pub pasted: Zeroizing<String>,
    /// What it would bring in.
    pub preview: Option<Preview>,
    /// For which input that was asked.
    pub previewed: Option<(String, Zeroizing<String>)>,
    /// The last look at the list, while it is under way.
    pub looking: Option<RequestId>,
    /// What the workspace said.
    pub refused: Option<String>,
    /// The import that runs.
    pub running: Option<Importing>,
}

/// An import that runs.
#[derive(Clone, Default)]
pub struct Importing {
    /// Cancels it.
    pub cancel: CancellationToken,
    /// What it does, how many are done, of how many.
    pub progress: Option<(Work, usize, usize)>,
    /// The window closes when it has ended.
    pub leaving: bool,
}

impl ImportForm {
    /// An empty one.
    pub fn new(project: ProjectId) -> Self {
        let (path, pasted) = (String::new(), Zeroizing::default());
        Self { project, path, pasted, preview: None, previewed: None, looking: None, refused: None, running: None }
    }

    /// Where the items come from; a pasted list counts before a file.
    pub fn from(&self) -> Option<ImportFrom> {
        if !self.pasted.trim().is_empty() {
            return Some(ImportFrom::Text(Secret::new(self.pasted.as_str())));
        }
        let path = self.path.trim();
        (!path.is_empty()).then(|| ImportFrom::File(PathBuf::from(path)))
    }

    /// Whether what would come in has to be looked at (again); remembers that it was asked.
    pub fn due(&mut self) -> Option<ImportFrom> {
        let known = self.previewed.as_ref();
        if known.is_some_and(|(path, pasted)| *path == self.path && *pasted == self.pasted) {
            return None;
        }
        (self.preview, self.refused) = (None, None);
        self.previewed = Some((self.path.clone(), self.pasted.clone()));
        self.from()
    }
}

/// The dialog that starts passes.
#[derive(Clone, Debug)]
pub struct StartForm {
    /// Whose items.
    pub project: ProjectId,
    /// Those that can be started.
    pub items: Vec<ItemId>,
    /// How many were chosen.
    pub chosen: usize,
    /// Why others are left alone, and how many.
    pub left: Vec<(String, usize)>,
    /// Items that were never verified or migrated.
    pub fresh: usize,
    /// Which pass.
    pub kind: PassKind,
    /// The direction was confirmed, now or before.
    pub confirmed: bool,
    /// It has to be confirmed here.
    pub asks: bool,
}

impl StartForm {
    /// Whether it can be started as it stands.
    pub fn ready(&self) -> bool {
        !self.items.is_empty() && (self.confirmed || self.kind == PassKind::Verify)
    }
}

/// The dialog that opens the vault, or makes it.
#[derive(Clone)]
pub struct VaultForm {
    /// It does not exist yet.
    pub new: bool,
    /// Which kind.
    pub kind: VaultKind,
    /// The passphrase.
    pub passphrase: Zeroizing<String>,
    /// The same again, for a new one.
    pub again: Zeroizing<String>,
    /// It was painted once: its first field has had the focus.
    pub entered: bool,
    /// Why it did not open.
    pub refused: Option<String>,
    /// An answer is under way.
    pub busy: bool,
}

impl VaultForm {
    /// For the vault that was chosen, or for a choice: what was asked for by name is proposed, else the system's keyring
    /// (D17).
    pub fn new(chosen: Option<VaultKind>, asked: Option<VaultKind>) -> Self {
        Self {
            new: chosen.is_none(),
            kind: chosen.or(asked).unwrap_or(VaultKind::Keyring),
            passphrase: Zeroizing::default(),
            again: Zeroizing::default(),
            entered: false,
            refused: None,
            busy: false,
        }
    }

    /// What is wrong with the passphrase.
    pub fn fault(&self) -> Option<&'static str> {
        match self.kind {
            VaultKind::Keyring | VaultKind::FileKeyring | VaultKind::Memory => None,
            VaultKind::File if self.passphrase.is_empty() => Some("Enter the passphrase"),
            VaultKind::File if self.new && self.passphrase != self.again => Some("The two passphrases differ"),
            VaultKind::File => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_project_is_asked_for_when_nothing_is_wrong() {
        let mut form = ProjectForm { name: " Contoso ".into(), ..ProjectForm::default() };
        assert!(form.ask().is_none(), "no servers yet");
        form.source.host = "imap.contoso.example".into();
        form.destination =
            ServerForm { host: "127.0.0.1:1143".into(), security: Security::Plain, ..Default::default() };
        let new = form.ask().unwrap();
        assert_eq!((new.name.as_str(), new.source.server.port), ("Contoso", 993));
        assert_eq!((new.destination.server.port, new.destination.password), (1143, None));
        form.source.administered = true;
        assert!(form.source.faults().admin.is_some() && form.source.faults().password.is_some());
        (form.source.admin, form.source.password) = ("{user}*admin".into(), "x".to_owned().into());
        assert!(form.ask().unwrap().source.password.is_some());
        (form.source.check, form.source.trust) = (Check::Fingerprint, "00".into());
        assert!(form.source.faults().trust.is_some() && form.ask().is_none());
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

    #[test]
    fn a_start_needs_its_direction_but_a_verification_does_not() {
        let mut form = StartForm {
            project: ProjectId(1),
            items: vec![ItemId(1)],
            chosen: 1,
            left: Vec::new(),
            fresh: 1,
            kind: PassKind::Full,
            confirmed: false,
            asks: true,
        };
        assert!(!form.ready());
        form.kind = PassKind::Verify;
        assert!(form.ready());
        (form.kind, form.confirmed) = (PassKind::Full, true);
        assert!(form.ready());
    }

    #[test]
    fn an_import_is_looked_at_once() {
        let mut form = ImportForm::new(ProjectId(1));
        assert!(form.due().is_none());
        form.path = "items.csv".into();
        assert!(matches!(form.due(), Some(ImportFrom::File(_))));
        assert!(form.due().is_none());
        form.pasted = "a@x\tb@y".to_owned().into();
        assert!(matches!(form.due(), Some(ImportFrom::Text(_))));
    }

    #[test]
    fn a_new_passphrase_is_typed_twice() {
        let mut form = VaultForm::new(None, None);
        assert_eq!((form.kind, form.fault()), (VaultKind::Keyring, None));
        form.kind = VaultKind::File;
        assert!(form.fault().is_some());
        form.passphrase = "open sesame".to_owned().into();
        assert_eq!(form.fault(), Some("The two passphrases differ"));
        form.again = "open sesame".to_owned().into();
        assert_eq!(form.fault(), None);
        assert_eq!(
            VaultForm { passphrase: "x".to_owned().into(), ..VaultForm::new(Some(VaultKind::File), None) }.fault(),
            None
        );
    }
}
