//! What the dialog that starts passes knows of the mails that it sends.

use std::collections::{HashMap, HashSet};

use crate::domain::ids::ItemId;
use crate::domain::wording::{count, counted};
use crate::service::asking::{MailPreview, StartMails};

/// Items that are named one by one.
const FEW: usize = 3;
/// More names than this are not kept.
const NAMES: usize = 1000;

/// The mails of a Start.
#[derive(Clone, Debug, Default)]
pub struct StartMailsForm {
    /// It is yet to be heard whose owners get one.
    pub is_asked: bool,
    /// Nobody is to be asked: their items are left alone.
    pub do_not_ask: bool,
    /// The first mail is shown.
    pub shown: bool,
    owners: HashSet<ItemId>,
    names: HashMap<ItemId, String>,
    sample: Option<MailPreview>,
    cannot: Option<String>,
}

impl StartMailsForm {
    /// It was heard whose owners get one, and why they cannot be asked, if they cannot.
    pub fn answered(&mut self, mails: StartMails, cannot: Option<String>) {
        let StartMails { owners, sample } = mails;
        self.is_asked = false;
        (self.owners, self.sample, self.cannot) = (owners.into_iter().collect(), sample, cannot);
    }

    /// What mailboxes of these owners are called.
    pub fn call(&mut self, names: impl Iterator<Item = (ItemId, String)>) {
        self.names = names.filter(|(item, _)| self.owners.contains(item)).take(NAMES).collect();
    }

    /// Who of these lacks a password: "anna@…, bob@…, carl@… and 12 more".
    pub fn named(&self, items: &[ItemId]) -> String {
        let named: Vec<&str> =
            items.iter().filter_map(|item| self.names.get(item)).map(String::as_str).take(FEW).collect();
        match self.count(items).saturating_sub(named.len()) {
            0 => named.join(", "),
            more => format!("{} and {} more", named.join(", "), count(more as u64)),
        }
    }

    /// It cannot be heard.
    pub fn refused(&mut self, why: String) {
        (self.is_asked, self.cannot) = (false, Some(why));
    }

    /// How many of these get a mail, if they are asked.
    pub fn count(&self, items: &[ItemId]) -> usize {
        items.iter().filter(|item| self.owners.contains(item)).count()
    }

    /// The first mail.
    pub fn sample(&self) -> Option<&MailPreview> {
        self.sample.as_ref()
    }

    /// Why owners cannot be asked.
    pub fn cannot(&self) -> Option<&str> {
        self.cannot.as_deref()
    }

    /// Whether these can be started.
    ///
    /// # Errors
    /// Why not.
    pub fn ready(&self, items: &[ItemId]) -> Result<(), String> {
        if self.is_asked {
            return Err("Which owners get a mail is being looked up".into());
        }
        let count = self.count(items);
        match &self.cannot {
            _ if self.do_not_ask && count == items.len() && count > 0 => {
                Err("All of them lack a password, and their owners are not to be asked".into())
            }
            Some(why) if !self.do_not_ask && count > 0 => {
                Err(format!("{} cannot be asked: {why}", counted(count, "owner")))
            }
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_start_waits_for_the_count_and_is_refused_while_nobody_can_be_asked() {
        let (one, two) = (ItemId(1), ItemId(2));
        let mut form = StartMailsForm { is_asked: true, ..StartMailsForm::default() };
        assert!(form.ready(&[one]).unwrap_err().contains("being looked up"));
        let mails = StartMails { owners: vec![one], sample: None };
        form.answered(mails, Some("set mail-server first".into()));
        assert_eq!((form.count(&[one, two]), form.count(&[two])), (1, 0));
        assert_eq!(form.ready(&[one, two]), Err("1 owner cannot be asked: set mail-server first".into()));
        assert_eq!(form.ready(&[two]), Ok(()));
        form.do_not_ask = true;
        assert_eq!(form.ready(&[one, two]), Ok(()));
        assert!(form.ready(&[one]).is_err(), "nothing would start");
    }
}
