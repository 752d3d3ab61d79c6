//! `mailferry mail`: the mail server by which owners of mailboxes are asked.

use crate::cli::args::mail::{MailVerb, ProjectMailArgs};
use crate::cli::error::{CliError, Exit};
use crate::cli::prompt;
use crate::cli::table::clean;
use crate::cli::workspace::unlock;
use crate::domain::language::Language;
use crate::service::mail::MailSecret;
use crate::service::project_mail::{self, ProjectMail};
use crate::service::{OpenWorkspace, ServiceError, mail, projects, settings};

/// The variable with the mail server's password.
const PASSWORD: &str = "MAILFERRY_MAIL_PASSWORD";

/// `mail`
pub async fn mail(workspace: &OpenWorkspace, verb: MailVerb) -> Result<Exit, CliError> {
    match verb {
        MailVerb::Test { to } => {
            if mail::needs_vault(workspace).await? {
                unlock(workspace).await?;
            }
            let answer = mail::test(workspace, &to).await?;
            say!("A test is on its way to {}. The mail server said: {}", clean(&to), clean(&answer));
        }
        MailVerb::Project(asked) => return project(workspace, asked).await,
        MailVerb::Password { file: Some(file) } => {
            unlock(workspace).await?;
            mail::set_secret(workspace, MailSecret::File(file)).await?;
            say!("The key is kept, and its file not needed again. `mail test ADDRESS` shows whether it works");
        }
        MailVerb::Password { file: None } => {
            let password = prompt::secret(PASSWORD, "Password of the mail server")?;
            unlock(workspace).await?;
            mail::set_secret(workspace, MailSecret::Typed(password)).await?;
            say!("The password of the mail server is kept. `mail test ADDRESS` shows whether it works");
        }
    }
    Ok(Exit::Well)
}

/// Longest file with a text that asks.
const LARGEST: u64 = 64 * 1024;

/// `mail project`
async fn project(workspace: &OpenWorkspace, asked: ProjectMailArgs) -> Result<Exit, CliError> {
    let project = projects::named(workspace, &asked.project).await?;
    let before = project_mail::of(workspace, project.id).await?;
    let after = changed(before.clone(), &asked)?;
    if after != before {
        project_mail::set(workspace, project.id, after).await?;
    }
    let mail = project_mail::as_written(workspace, project.id).await?;
    let all = settings::values(workspace).await?;
    let language = project_mail::language(&all, &mail);
    let own = if mail.language.is_some() { "" } else { " (as in the settings)" };
    say!("Language: {}{own}", language.code());
    say!("For: {}", clean(mail.client.as_deref().unwrap_or("nobody named")));
    say!("Told of passes that end well: {}", clean(mail.success.as_deref().unwrap_or("nobody")));
    say!("Told of passes that fail: {}", clean(mail.failure.as_deref().unwrap_or("nobody")));
    say!("The {} that asks:", if mail.template.is_some() { "text of its own" } else { "usual text" });
    say!("");
    let sample = project_mail::sample(&all, &mail, "anna@example.com")?;
    sample.lines().for_each(|line| say!("  {}", clean(line)));
    Ok(Exit::Well)
}

/// What a project has of its own, as it is asked for.
fn changed(mut mail: ProjectMail, asked: &ProjectMailArgs) -> Result<ProjectMail, CliError> {
    if let Some(code) = &asked.language {
        mail.language = match code.trim() {
            "" => None,
            code => {
                let wrong = || CliError::usage(format!("--language is one of en, de, fr, es, not \"{}\"", clean(code)));
                Some(Language::parse(code).ok_or_else(wrong)?)
            }
        };
    }
    if let Some(file) = &asked.text {
        mail.template = if file.trim().is_empty() { None } else { Some(text_of(file)?) };
    }
    let own = [
        (&asked.client, &mut mail.client),
        (&asked.on_success, &mut mail.success),
        (&asked.on_failure, &mut mail.failure),
    ];
    for (asked, kept) in own {
        if let Some(asked) = asked {
            *kept = Some(asked.trim().to_owned()).filter(|text| !text.is_empty());
        }
    }
    project_mail::read(mail).map_err(|error| match error {
        ServiceError::Template(why) => {
            CliError::usage(format!("--text {}: {why}", asked.text.as_deref().unwrap_or_default()))
        }
        other => other.into(),
    })
}

fn text_of(file: &str) -> Result<String, CliError> {
    let wrong = |error: &dyn std::fmt::Display| CliError::usage(format!("--text {file}: {error}"));
    let size = std::fs::metadata(file).map_err(|error| wrong(&error))?.len();
    if size > LARGEST {
        return Err(wrong(&"it is too large for a mail"));
    }
    std::fs::read_to_string(file).map_err(|error| wrong(&error))
}
