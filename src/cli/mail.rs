//! `mailferry mail`: the mail server by which owners of mailboxes are asked.

use crate::cli::args::mail::MailVerb;
use crate::cli::error::{CliError, Exit};
use crate::cli::prompt;
use crate::cli::table::clean;
use crate::cli::workspace::unlock;
use crate::service::{OpenWorkspace, mail};

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
        MailVerb::Password => {
            let password = prompt::secret(PASSWORD, "Password of the mail server")?;
            unlock(workspace).await?;
            mail::set_password(workspace, password).await?;
            say!("The password of the mail server is kept. `mail test ADDRESS` shows whether it works");
        }
    }
    Ok(Exit::Well)
}
