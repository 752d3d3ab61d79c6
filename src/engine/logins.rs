//! Who logs in to the mailboxes of a project: their owners or an administrator by password, an application or their owners by
//! tokens.

use std::sync::Arc;

use crate::domain::failure::{Failure, Side};
use crate::domain::ids::CredentialId;
use crate::domain::item::Mailbox;
use crate::domain::project::Project;
use crate::domain::sign_in::SignIn;
use crate::endpoint::auth::Authenticator;
use crate::engine::authenticators::{Account, Authenticators, SharedAccount};
use crate::engine::sign_ins::SignInOf;
use crate::engine::workspace::Workspace;

/// The logins of a project.
pub(super) struct Logins<'a> {
    /// Secrets and tokens.
    pub workspace: &'a Workspace,
    /// Administrators that passes share; none for one look, which has its own.
    pub administrators: Option<&'a Authenticators>,
    /// The project.
    pub project: &'a Project,
}

impl Logins<'_> {
    /// Who opens this mailbox; `secret` is the project's own at this side. Passwords are read here, so that a keyring asks
    /// before anything begins.
    ///
    /// # Errors
    /// The password cannot be had.
    pub async fn at(
        &self,
        side: Side,
        mailbox: &Mailbox,
        secret: Option<CredentialId>,
    ) -> Result<Arc<dyn Authenticator>, Failure> {
        let server = self.project.server(side);
        if let Some(sign_in) = server.sign_in() {
            return Ok(self.by_token(side, sign_in, mailbox, secret));
        }
        let account = self.account(side, mailbox, secret);
        if server.needs_login() {
            account.proof().await?;
        }
        Ok(Arc::new(SharedAccount(account)))
    }

    /// The same, of whom nothing is asked before the login.
    pub fn unread(&self, side: Side, mailbox: &Mailbox, secret: Option<CredentialId>) -> Arc<dyn Authenticator> {
        match self.project.server(side).sign_in() {
            Some(sign_in) => self.by_token(side, sign_in, mailbox, secret),
            None => Arc::new(SharedAccount(self.account(side, mailbox, secret))),
        }
    }

    fn by_token(
        &self,
        side: Side,
        sign_in: &SignIn,
        mailbox: &Mailbox,
        secret: Option<CredentialId>,
    ) -> Arc<dyn Authenticator> {
        let kind = sign_in.kind;
        let for_one = !kind.is_app() || kind.names_the_mailbox();
        let of = SignInOf {
            project: self.project.id,
            side,
            sign_in: sign_in.clone(),
            user: if for_one { mailbox.login_name().to_owned() } else { String::new() },
            secret,
            kept: mailbox.credential.filter(|_| !kind.is_app()),
        };
        self.workspace.sign_ins.authenticator(of, self.workspace)
    }

    /// The account that opens this mailbox by password: the project's administrator, or its owner.
    fn account(&self, side: Side, mailbox: &Mailbox, secret: Option<CredentialId>) -> Arc<Account> {
        let server = self.project.server(side);
        let shared = server.administrator().is_some();
        let credential = if shared { secret } else { mailbox.credential };
        let account = Account::new(Arc::clone(&self.workspace.vault), side, credential);
        match self.administrators.filter(|_| shared) {
            Some(administrators) => administrators.administrator(self.project.id, server, account),
            None => account,
        }
    }
}
