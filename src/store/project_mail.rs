//! How projects write mail.

use rusqlite::OptionalExtension;

use super::Store;
use super::error::Result;
use crate::domain::ids::ProjectId;
use crate::domain::language::Language;
use crate::domain::project_mail::ProjectMail;

impl Store {
    /// What a project has of its own.
    pub async fn project_mail(&self, project: ProjectId) -> Result<ProjectMail> {
        self.read(move |connection| {
            let mut statement = connection.prepare_cached(
                "SELECT language, template, success, failure, client FROM project_mail WHERE project = ?1",
            )?;
            let found = statement.query_row([project], |row| {
                let language: Option<String> = row.get(0)?;
                Ok(ProjectMail {
                    language: language.as_deref().and_then(Language::parse),
                    template: row.get(1)?,
                    success: row.get(2)?,
                    failure: row.get(3)?,
                    client: row.get(4)?,
                })
            });
            Ok(found.optional()?.unwrap_or_default())
        })
        .await
    }

    /// Whose mailboxes a project moves, as its mails name them: as they have it of their own, or as the project has it.
    pub async fn mail_client(&self, project: ProjectId) -> Result<Option<String>> {
        self.read(move |connection| {
            let sql =
                "SELECT coalesce(m.client, p.client) FROM project AS p LEFT JOIN project_mail AS m ON m.project = p.id
                       WHERE p.id = ?1";
            Ok(connection.prepare_cached(sql)?.query_row([project], |row| row.get(0)).optional()?.flatten())
        })
        .await
    }

    /// Writes that.
    pub async fn set_project_mail(&self, project: ProjectId, mail: ProjectMail) -> Result<()> {
        self.write(move |transaction, _| {
            let ProjectMail { language, template, client, success, failure } = mail;
            transaction
                .prepare_cached(
                    "INSERT INTO project_mail (project, language, template, success, failure, client)
                     VALUES (?1, ?2, ?3, ?4, ?5, ?6)
                     ON CONFLICT (project) DO UPDATE SET language = excluded.language, template = excluded.template,
                         success = excluded.success, failure = excluded.failure, client = excluded.client",
                )?
                .execute((project, language.map(Language::code), template, success, failure, client))?;
            Ok(())
        })
        .await
    }
}
