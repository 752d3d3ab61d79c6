//! The dialog that makes a pool of licenses, or adds some to one.

use crate::domain::ids::PoolId;
use crate::domain::license::{PoolTerms, checked_number, checked_text};
use crate::service::client::{Request, RequestId};
use crate::service::licenses::Account;

/// The dialog.
#[derive(Clone, Debug, Default)]
pub struct PoolForm {
    /// The pool that gets more, and its name; none: one is made.
    pub of: Option<(PoolId, String)>,
    /// Name, kind and client of the new one.
    pub terms: PoolTerms,
    /// How many licenses.
    pub number: String,
    /// The new one has as many as are asked for.
    pub unlimited: bool,
    /// What is written with the entry.
    pub note: String,
    /// It was painted once: its first field has had the focus.
    pub entered: bool,
    /// Why it was not done.
    pub refused: Option<String>,
    /// The question under way.
    pub asked: Option<RequestId>,
}

impl PoolForm {
    /// A new pool, or more licenses for this one.
    pub fn new(of: Option<&Account>) -> Self {
        let of = of.map(|account| (account.pool.id, account.pool.terms.name.clone()));
        Self { of, ..Self::default() }
    }

    /// What it is about.
    pub fn title(&self) -> String {
        match &self.of {
            Some((_, name)) => format!("Add licenses to {name}"),
            None => "New pool of licenses".into(),
        }
    }

    /// What it asks.
    ///
    /// # Errors
    /// What is missing or wrong.
    pub fn request(&self) -> Result<Request, String> {
        if self.of.is_none() && self.terms.name.trim().is_empty() {
            return Err("Enter a name".into());
        }
        let number = self.counted()?;
        match (&self.of, number) {
            (Some((pool, _)), Some(number)) => {
                checked_text("a note", &self.note).map_err(|error| error.to_string())?;
                Ok(Request::AddLicenses(*pool, number, self.note.trim().to_owned()))
            }
            (Some(_), None) => Err("Enter how many licenses are added".into()),
            (None, number) => {
                let terms = self.terms.clone().checked().map_err(|error| error.to_string())?;
                Ok(Request::NewPool(terms, number))
            }
        }
    }

    /// How many licenses; none: no limit.
    fn counted(&self) -> Result<Option<i64>, String> {
        if self.of.is_none() && self.unlimited {
            return Ok(None);
        }
        let typed = self.number.trim();
        let number = typed.parse().map_err(|_| "Enter how many licenses: a number".to_owned())?;
        checked_number(number).map_err(|error| error.to_string())?;
        Ok(Some(number))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::license::{Balance, Pool};

    #[test]
    fn what_is_missing_is_named_and_what_is_whole_is_asked() {
        let mut form = PoolForm::new(None);
        let why = |form: &PoolForm| form.request().unwrap_err();
        assert_eq!(why(&form), "Enter a name");
        form.terms.name = " Spring ".into();
        assert_eq!(why(&form), "Enter how many licenses: a number");
        form.number = "-3".into();
        assert!(why(&form).contains("1 to 10000000"));
        form.number = "60".into();
        let Ok(Request::NewPool(terms, Some(60))) = form.request() else { panic!("a pool") };
        assert_eq!(terms.name, "Spring");
        form.unlimited = true;
        assert!(matches!(form.request(), Ok(Request::NewPool(_, None))));
        let terms = PoolTerms { name: "Spring".into(), ..PoolTerms::default() };
        let pool = Pool { id: PoolId(2), terms, unlimited: false };
        let mut form = PoolForm::new(Some(&Account { pool, balance: Balance::default() }));
        assert_eq!((form.title().as_str(), why(&form).contains("a number")), ("Add licenses to Spring", true));
        (form.number, form.note) = ("5".into(), "invoice 7".into());
        let Ok(Request::AddLicenses(PoolId(2), 5, note)) = form.request() else { panic!("more") };
        assert_eq!(note, "invoice 7");
    }
}
