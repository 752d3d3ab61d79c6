//! Administrators: one account that opens the mailboxes of others, and the names it logs in with. No passwords.

#![deny(clippy::indexing_slicing, clippy::string_slice, reason = "it reads what strangers wrote")]

use serde::{Deserialize, Serialize};

/// How the administrator's account opens the mailboxes of others.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AdminLogin {
    /// SASL PLAIN: the administrator authenticates, the item's login name is the authorization identity (RFC 4616).
    AuthorizationId {
        /// The administrator's own login name.
        login: String,
    },
    /// A login name made from a template with `{user}`, `{localpart}`, `{domain}`: `{user}*admin`.
    Template {
        /// The template.
        template: String,
    },
}

impl AdminLogin {
    /// What `--source-admin LOGIN` means: with `{` a template, else the administrator's login for PLAIN.
    pub fn parse(text: &str) -> Self {
        if text.contains('{') {
            Self::Template { template: text.to_owned() }
        } else {
            Self::AuthorizationId { login: text.to_owned() }
        }
    }
}

/// What to authenticate with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoginNames {
    /// Whose password is sent.
    pub login: String,
    /// The mailbox to open instead (SASL authorization identity); none when the login names it.
    pub authorization: Option<String>,
}

/// An administrator login that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AdminError {
    /// Nothing given.
    #[error("the administrator's login name is empty; write a login name or a template such as {{user}}*admin")]
    Empty,
    /// A brace without its partner, or something else between braces.
    #[error("the template \"{0}\" may hold {{user}}, {{localpart}} and {{domain}}, and no other braces")]
    Template(String),
    /// A template that is the same for every mailbox of a domain.
    #[error("the template \"{0}\" opens the same mailbox for everybody; it needs {{user}} or {{localpart}}")]
    SameForAll(String),
}

impl AdminLogin {
    /// Whether it can be used, told when it is typed in.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn validate(&self) -> Result<(), AdminError> {
        let (Self::AuthorizationId { login: text } | Self::Template { template: text }) = self;
        if text.trim().is_empty() {
            return Err(AdminError::Empty);
        }
        if let Self::Template { template } = self {
            let bare = template.replace("{user}", "").replace("{localpart}", "");
            if bare.replace("{domain}", "").contains(['{', '}']) {
                return Err(AdminError::Template(template.clone()));
            }
            if bare == *template {
                return Err(AdminError::SameForAll(template.clone()));
            }
        }
        Ok(())
    }

    /// The names that open this mailbox. `mailbox` is the item's login name; in templates `{user}` is all of it,
    /// `{localpart}` and `{domain}` are what stands before and behind its last `@` (without one: all, and nothing).
    pub fn names(&self, mailbox: &str) -> LoginNames {
        match self {
            Self::AuthorizationId { login } => {
                LoginNames { login: login.clone(), authorization: Some(mailbox.to_owned()) }
            }
            Self::Template { template } => LoginNames { login: expand(template, mailbox), authorization: None },
        }
    }
}

/// One pass over the template, so that braces inside a login name are left alone.
fn expand(template: &str, mailbox: &str) -> String {
    let (local, domain) = mailbox.rsplit_once('@').unwrap_or((mailbox, ""));
    let mut login = String::with_capacity(template.len() + mailbox.len());
    let mut rest = template;
    while let Some((before, words)) = rest.find('{').and_then(|at| rest.split_at_checked(at)) {
        login.push_str(before);
        let known = [("{user}", mailbox), ("{localpart}", local), ("{domain}", domain)];
        let known = known.into_iter().find_map(|(word, value)| Some((words.strip_prefix(word)?, value)));
        let (after, value) = known.or_else(|| Some((words.strip_prefix('{')?, "{"))).unwrap_or_default();
        login.push_str(value);
        rest = after;
    }
    login + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn administrator_logins_are_expanded() {
        let names = |text: &str| {
            let n = AdminLogin::parse(text).names("anna@x.example");
            (n.login, n.authorization)
        };
        assert_eq!(names("{user}*admin"), ("anna@x.example*admin".into(), None));
        assert_eq!(names("{domain}\\{localpart}"), ("x.example\\anna".into(), None));
        assert_eq!(names("root"), ("root".into(), Some("anna@x.example".into())));
        assert_eq!(AdminLogin::parse("{localpart}{user}").names("{domain}").login, "{domain}{domain}");
        for good in ["root", "{user}*admin", "{localpart}+{domain}"] {
            assert_eq!(AdminLogin::parse(good).validate(), Ok(()), "{good}");
        }
        assert_eq!(AdminLogin::parse(" ").validate(), Err(AdminError::Empty));
        for bad in ["{User}", "{user", "{user}}"] {
            assert!(matches!(AdminLogin::parse(bad).validate(), Err(AdminError::Template(_))), "{bad}");
        }
        assert!(matches!(AdminLogin::parse("admin@{domain}").validate(), Err(AdminError::SameForAll(_))));
        assert!(AdminError::Empty.to_string().contains("{user}*admin"));
    }
}
