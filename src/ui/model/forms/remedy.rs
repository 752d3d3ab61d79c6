//! The dialog that carries out the advice of a failure: another password, trust in one certificate, another name for a folder.

use zeroize::Zeroizing;

use crate::domain::certificate::SeenCertificate;
use crate::domain::failure::Side;
use crate::domain::folder::FolderPath;
use crate::domain::ids::ProjectId;
use crate::domain::mapping::{Mapping, Mappings};
use crate::domain::secret::Secret;
use crate::service::client::Request;
use crate::service::remedies::AccountOf;

/// What is corrected.
#[derive(Clone)]
pub enum Correction {
    /// A password.
    Password {
        /// Whose.
        account: AccountOf,
        /// The same for people.
        whose: String,
        /// The new one.
        password: Zeroizing<String>,
    },
    /// Whom the certificate of a side is checked against.
    Pin {
        /// Which side.
        side: Side,
        /// Its server.
        host: String,
        /// The certificate that it shows; none before it was looked at.
        seen: Option<SeenCertificate>,
    },
    /// The name of a folder at the destination.
    Map {
        /// Its name at the source.
        folder: FolderPath,
        /// The rule.
        rule: String,
    },
}

/// The dialog.
#[derive(Clone)]
pub struct RemedyForm {
    /// Whose project.
    pub project: ProjectId,
    /// What is corrected.
    pub what: Correction,
    /// It was painted once: its first field has had the focus.
    pub entered: bool,
    /// Why it was not done.
    pub refused: Option<String>,
    /// An answer is under way.
    pub busy: bool,
}

impl RemedyForm {
    /// As it opens.
    pub fn new(project: ProjectId, what: Correction) -> Self {
        Self { project, what, entered: false, refused: None, busy: false }
    }

    /// Gives a folder the name that its rule proposes, to be changed.
    pub fn map(project: ProjectId, folder: FolderPath) -> Self {
        let name = folder.to_string();
        let rule = format!("^{}->{name}-1", regex::escape(&name));
        Self::new(project, Correction::Map { folder, rule })
    }

    /// What to do with it, or why nothing can be done yet.
    pub fn request(&self) -> Result<Request, String> {
        match &self.what {
            Correction::Password { password, .. } if password.is_empty() => Err("Enter the password".into()),
            Correction::Password { account, password, .. } => {
                Ok(Request::SetPassword(*account, Secret::new(password.as_str())))
            }
            Correction::Pin { side, seen, .. } => match seen {
                Some(seen) => Ok(Request::Pin(self.project, *side, seen.fingerprint)),
                None => Err("The certificate has not been seen yet".into()),
            },
            Correction::Map { folder, rule } => {
                mapped(folder, rule).map(|_| Request::AddMapping(self.project, Mapping(rule.clone())))
            }
        }
    }

    /// What is said when it was done.
    pub fn done(&self) -> &'static str {
        match &self.what {
            Correction::Password { account, .. } if account.item.is_some() => {
                "The new password is kept. Start tries it"
            }
            Correction::Password { .. } => "The new password is kept. Held items go on; Start tries the others again",
            Correction::Pin { .. } => "This certificate is trusted from now on. Start tries again",
            Correction::Map { .. } => "The rule is added to the project. Start a Full pass to bring what waits",
        }
    }
}

/// The name that a rule gives to a folder, or why it gives none.
pub fn mapped(folder: &FolderPath, rule: &str) -> Result<FolderPath, String> {
    let rules = Mappings::parse(&[Mapping(rule.to_owned())]).map_err(|error| error.to_string())?;
    rules.apply(folder).ok_or_else(|| format!("This rule does not fit the folder \"{folder}\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn e8_a_proposed_rule_renames_its_folder_and_a_wrong_one_says_why() {
        let folder = FolderPath::new(["Work", "a+b"]);
        let mut form = RemedyForm::map(ProjectId(1), folder.clone());
        let Correction::Map { rule, .. } = &form.what else { panic!("a rule") };
        assert_eq!(mapped(&folder, rule).unwrap().to_string(), "Work/a+b-1");
        assert!(matches!(form.request(), Ok(Request::AddMapping(..))));
        for wrong in ["^Other->x", "no arrow", "^(->x"] {
            form.what = Correction::Map { folder: folder.clone(), rule: wrong.into() };
            assert!(form.request().is_err(), "{wrong}");
        }
    }

    #[test]
    fn e8_nothing_is_asked_for_before_there_is_something_to_ask_for() {
        let account = AccountOf { project: ProjectId(1), item: None, side: Side::Source };
        let password =
            |text: &str| Correction::Password { account, whose: "chief".into(), password: text.to_owned().into() };
        assert!(RemedyForm::new(ProjectId(1), password("")).request().is_err());
        assert!(matches!(RemedyForm::new(ProjectId(1), password("x")).request(), Ok(Request::SetPassword(..))));
        let pin = |seen| Correction::Pin { side: Side::Source, host: "a".into(), seen };
        assert!(RemedyForm::new(ProjectId(1), pin(None)).request().is_err());
        let seen = SeenCertificate::read(&[], [7; 32]);
        let asked = RemedyForm::new(ProjectId(1), pin(Some(seen))).request();
        assert!(matches!(asked, Ok(Request::Pin(_, Side::Source, [7, ..]))));
    }
}
