//! The dialog with a project's mails: language, the text that asks, who is told how passes end.

use crate::domain::ids::ProjectId;
use crate::domain::language::Language;
use crate::domain::project::Project;
use crate::domain::wording::capital;
use crate::service::client::RequestId;
use crate::service::project_mail::{self, ProjectMail, usual_text};
use crate::service::settings::Settings;

/// The mailbox of the sample.
const SAMPLE: &str = "anna@contoso.example";

/// The dialog.
#[derive(Clone, Debug)]
pub struct ProjectMailForm {
    /// Whose mails.
    pub project: ProjectId,
    /// What it is called.
    pub name: String,
    /// Whose mailboxes they are where its mails have no other name for it.
    pub client_of_project: Option<String>,
    /// The language; none: that of the settings.
    pub language: Option<Language>,
    /// The text that asks, as it was typed.
    pub template: String,
    /// Whose mailboxes they are.
    pub client: String,
    /// Who is told of passes that end well.
    pub success: String,
    /// Who is told of passes that fail.
    pub failure: String,
    /// Why it was not kept.
    pub refused: Option<String>,
    /// The question under way.
    pub asked: Option<RequestId>,
    settings: Settings,
}

impl ProjectMailForm {
    /// For a project as it is.
    pub fn new(project: &Project, mail: ProjectMail, settings: Settings) -> Self {
        let template = mail.template.clone().unwrap_or_else(|| usual_text(project_mail::language(&settings, &mail)));
        Self {
            project: project.id,
            name: project.name.clone(),
            client_of_project: project.client.clone(),
            language: mail.language,
            template,
            client: mail.client.unwrap_or_default(),
            success: mail.success.unwrap_or_default(),
            failure: mail.failure.unwrap_or_default(),
            refused: None,
            asked: None,
            settings,
        }
    }

    fn written(&self) -> ProjectMail {
        let some = |text: &str| Some(text.to_owned()).filter(|text| !text.trim().is_empty());
        let [template, client, success, failure] =
            [&self.template, &self.client, &self.success, &self.failure].map(|text| some(text));
        ProjectMail { language: self.language, template, client, success, failure }
    }

    /// The language that its mails have.
    pub fn speaks(&self, language: Option<Language>) -> Language {
        project_mail::language(&self.settings, &ProjectMail { language, ..ProjectMail::default() })
    }

    /// Another language; a text that is a language's own follows it.
    pub fn speak(&mut self, language: Option<Language>) {
        if Language::ALL.into_iter().any(|known| usual_text(known) == self.template.trim()) {
            self.template = usual_text(self.speaks(language));
        }
        self.language = language;
    }

    /// The language's own text again.
    pub fn reset(&mut self) {
        self.template = usual_text(self.speaks(self.language));
    }

    /// What is kept.
    ///
    /// # Errors
    /// What cannot be used.
    pub fn mail(&self) -> Result<ProjectMail, String> {
        project_mail::read(self.written()).map_err(|error| capital(&error.to_string()))
    }

    /// The text as an owner reads it.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn sample(&self) -> Result<String, String> {
        let written = self.written();
        let client = written.client.clone().or_else(|| self.client_of_project.clone());
        let sample = project_mail::sample(&self.settings, &ProjectMail { client, ..written }, SAMPLE);
        sample.map_err(|error| capital(&error.to_string()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ids::PoolId;
    use crate::domain::project::{Options, Starts};
    use crate::domain::server::Server;

    #[test]
    fn a_text_of_its_own_stays_and_a_usual_one_follows_the_language() {
        let settings = Settings::from([("mail-language".to_owned(), "de".to_owned())]);
        let server = |url| Server::parse_url(url).unwrap();
        let project = Project {
            id: ProjectId(1),
            name: "p".into(),
            client: Some("Contoso Ltd".into()),
            source: server("imaps://a"),
            destination: server("imaps://b"),
            options: Options::default(),
            starts: Starts::default(),
            pool: PoolId::FIRST,
        };
        let mut form = ProjectMailForm::new(&project, ProjectMail::default(), settings);
        assert!(form.sample().unwrap().starts_with("Guten Tag") || form.sample().unwrap().contains(SAMPLE));
        assert!(form.sample().unwrap().contains("Contoso Ltd"), "the project's client");
        form.client = "Fabrikam".into();
        assert!(form.sample().unwrap().contains("Fabrikam") && !form.sample().unwrap().contains("Contoso Ltd"));
        form.client.clear();
        assert_eq!(form.mail().unwrap(), ProjectMail::default(), "nothing of its own");
        form.speak(Some(Language::French));
        assert_eq!(form.template, usual_text(Language::French));
        form.template = "Hi {address}".into();
        assert_eq!(form.mail().unwrap_err(), "The text needs {link}, once");
        form.template = "Hi {address}: {link}".into();
        form.speak(None);
        assert_eq!(form.mail().unwrap().template.as_deref(), Some("Hi {address}: {link}"));
        form.failure = "nobody".into();
        assert!(form.mail().unwrap_err().contains("is no mail address"));
    }
}
