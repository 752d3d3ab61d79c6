//! How a project writes mail: to the owners of its mailboxes, and to whom it tells how its passes end. Pure.

use super::language::Language;

/// What a project has of its own.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ProjectMail {
    /// The language of its mails; none: that of the settings.
    pub language: Option<Language>,
    /// The text that asks, with its values in braces; none: that of the language.
    pub template: Option<String>,
    /// Whose mailboxes they are, as their owners know it: a company's name; none: the project's client.
    pub client: Option<String>,
    /// Who is told of passes that end well.
    pub success: Option<String>,
    /// Who is told of passes that fail.
    pub failure: Option<String>,
}

impl ProjectMail {
    /// The language of its mails.
    pub fn language(&self, usual: Language) -> Language {
        self.language.unwrap_or(usual)
    }
}
