//! The dialog that starts passes.

use crate::domain::time::Timestamp;
use jiff::tz::TimeZone;

use crate::domain::action::Action;
use crate::domain::ids::{ItemId, ProjectId};
use crate::domain::pass::PassKind;
use crate::domain::start_order::{Schedule, Sequence, StartOrder, Turn};
use crate::domain::status::{Refusal, Status};
use crate::domain::wording::counted;
use crate::service::licenses::{ProjectLicenses, Taking};
use crate::service::times::{self, TimeError};
use crate::ui::model::forms::StartMailsForm;
use crate::ui::model::messages::by_reason;

/// An item that was chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StartCandidate {
    /// The item.
    pub item: ItemId,
    /// Its status.
    pub status: Status,
    /// Errors of its latest pass.
    pub errors: u64,
    /// It was never verified or migrated.
    pub fresh: bool,
}

/// How old messages of a Pre-Stage pass are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Age {
    /// At least so many days.
    Days(u32),
    /// As it is typed.
    Typed,
}

/// What was chosen, by what becomes of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Shares {
    /// Those that can be started.
    pub items: Vec<ItemId>,
    /// Why others are left alone, and how many.
    pub left: Vec<(String, usize)>,
    /// Of those that can be started, the ones that were never verified or migrated.
    pub fresh: usize,
}

/// Domains of addresses in a few words, the most frequent first: "contoso.example and 2 other domains".
pub fn domains<'a>(addresses: impl Iterator<Item = &'a str>) -> String {
    let of = addresses.filter_map(|address| address.rsplit_once('@')).map(|(_, domain)| domain.to_lowercase());
    match by_reason(of).as_slice() {
        [] => String::new(),
        [(only, _)] => only.clone(),
        [(first, _), others @ ..] => format!("{first} and {}", counted(others.len(), "other domain")),
    }
}

/// The dialog that starts passes.
#[derive(Clone, Debug)]
pub struct StartForm {
    /// Whose items.
    pub project: ProjectId,
    /// Those that were chosen.
    candidates: Vec<StartCandidate>,
    /// What becomes of them with this pass.
    shares: Shares,
    kind: PassKind,
    /// How old messages must be.
    pub age: Age,
    /// The same as text.
    pub older_than: String,
    /// Starts later.
    pub later: bool,
    /// When, as text.
    pub at: String,
    /// Before all that wait.
    pub next: bool,
    /// Largest mailboxes first.
    pub largest_first: bool,
    /// The direction was confirmed, now or before.
    pub confirmed: bool,
    /// It has to be confirmed here.
    pub asks: bool,
    /// What the project's items hold of licenses, where these are worth a word.
    pub licenses: Option<ProjectLicenses>,
    /// The domains of what was chosen, at the source and at the destination.
    pub domains: (String, String),
    /// The mails that it sends.
    pub mails: StartMailsForm,
    /// The time it is.
    pub now: Timestamp,
    /// Where times are understood.
    pub zone: TimeZone,
}

impl StartForm {
    /// For these items. `confirmed` tells whether the direction was confirmed before.
    pub fn new(
        project: ProjectId,
        candidates: Vec<StartCandidate>,
        confirmed: bool,
        (now, zone): (Timestamp, TimeZone),
    ) -> Self {
        let mut form = Self {
            project,
            candidates,
            shares: Shares::default(),
            kind: PassKind::Full,
            age: Age::Days(30),
            older_than: String::new(),
            later: false,
            at: String::new(),
            next: false,
            largest_first: false,
            confirmed,
            asks: !confirmed,
            licenses: None,
            domains: Default::default(),
            mails: StartMailsForm::default(),
            now,
            zone,
        };
        form.choose(PassKind::Full);
        form
    }

    /// How many items were chosen.
    pub fn chosen(&self) -> usize {
        self.candidates.len()
    }

    /// Which pass.
    pub fn kind(&self) -> PassKind {
        self.kind
    }

    /// What becomes of the items.
    pub fn shares(&self) -> &Shares {
        &self.shares
    }

    /// Whether any of the items has errors to be tried again.
    pub fn has_errors(&self) -> bool {
        self.candidates.iter().any(|it| Action::RetryErrors.check(it.status, it.errors).is_ok())
    }

    /// What it takes of the project's licenses.
    pub fn taking(&self) -> Option<Taking> {
        self.licenses.as_ref()?.taking(self.kind, self.shares.items.iter().copied())
    }

    /// Another pass.
    pub fn choose(&mut self, kind: PassKind) {
        self.kind = kind;
        let action = if kind == PassKind::RetryErrors { Action::RetryErrors } else { Action::Start };
        let mut shares = Shares::default();
        let mut left: Vec<Refusal> = Vec::new();
        for candidate in &self.candidates {
            match action.check(candidate.status, candidate.errors) {
                Ok(()) => {
                    shares.items.push(candidate.item);
                    shares.fresh += usize::from(candidate.fresh);
                }
                Err(refusal) => left.push(refusal),
            }
        }
        shares.left = by_reason(left.iter().map(ToString::to_string));
        self.shares = shares;
    }

    /// How many owners are asked by mail.
    pub fn owners(&self) -> usize {
        if self.mails.do_not_ask { 0 } else { self.mails.count(&self.shares.items) }
    }

    /// When it starts, if later.
    pub fn schedule(&self) -> Option<Result<Schedule, TimeError>> {
        self.later.then(|| times::start(&self.at, self.now, &self.zone))
    }

    /// The border of a Pre-Stage pass.
    pub fn border(&self) -> Option<Result<Timestamp, TimeError>> {
        let text = match self.age {
            Age::Days(days) => days.to_string(),
            Age::Typed => self.older_than.clone(),
        };
        (self.kind == PassKind::PreStage).then(|| times::border(&text, self.now, &self.zone))
    }

    /// What is asked for.
    ///
    /// # Errors
    /// Why it cannot be started as it stands.
    pub fn order(&self) -> Result<StartOrder, String> {
        if self.shares.items.is_empty() {
            return Err("None of the items can be started".into());
        }
        let empty = |text: &str| text.trim().is_empty();
        if self.later && empty(&self.at) {
            return Err("Enter when it starts".into());
        }
        if self.kind == PassKind::PreStage && self.age == Age::Typed && empty(&self.older_than) {
            return Err("Enter how old messages must be".into());
        }
        let before = self.border().transpose().map_err(|error| error.to_string())?;
        let schedule = self.schedule().transpose().map_err(|error| error.to_string())?;
        if self.kind.moves_mail() && !self.confirmed {
            return Err("Confirm the direction first".into());
        }
        self.mails.ready(&self.shares.items)?;
        let turn = if self.next { Turn::Next } else { Turn::Last };
        let sequence = if self.largest_first { Sequence::LargestFirst } else { Sequence::Listed };
        Ok(StartOrder { kind: self.kind, before, only: None, schedule, turn, sequence })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn form(candidates: Vec<StartCandidate>, confirmed: bool) -> StartForm {
        StartForm::new(ProjectId(1), candidates, confirmed, (Timestamp::from_millis(1_764_147_600_000), TimeZone::UTC))
    }

    fn candidate(id: i64, status: Status, errors: u64) -> StartCandidate {
        StartCandidate { item: ItemId(id), status, errors, fresh: status == Status::NotSubmitted }
    }

    #[test]
    fn a_start_needs_its_direction_but_a_verification_does_not() {
        let mut form = form(vec![candidate(1, Status::NotSubmitted, 0)], false);
        assert_eq!(form.order(), Err("Confirm the direction first".into()));
        form.choose(PassKind::Verify);
        assert_eq!(form.order(), Ok(StartOrder::now(PassKind::Verify)));
        form.choose(PassKind::Full);
        form.confirmed = true;
        assert_eq!(form.order(), Ok(StartOrder::now(PassKind::Full)));
        assert_eq!((form.shares().fresh, form.chosen()), (1, 1));
    }

    #[test]
    fn domains_are_said_in_a_few_words() {
        assert_eq!(domains(["anna", "bob@B.example"].into_iter()), "b.example");
        assert_eq!(domains(["a@a.example", "b@b.example", "c@b.example"].into_iter()), "b.example and 1 other domain");
        assert_eq!(domains(std::iter::empty()), "");
    }

    #[test]
    fn errors_are_tried_again_only_where_there_are_some() {
        use Status::{Completed, Failed, Migrating};
        let of = [
            candidate(1, Completed, 2),
            candidate(2, Completed, 0),
            candidate(3, Failed, 1),
            candidate(4, Migrating, 0),
        ];
        let mut form = form(of.to_vec(), true);
        assert_eq!((form.shares().items.len(), form.has_errors()), (3, true));
        form.choose(PassKind::RetryErrors);
        assert_eq!(form.shares().items, [ItemId(1)]);
        assert_eq!(form.shares().left.iter().map(|(_, count)| count).sum::<usize>(), 3);
        form.choose(PassKind::Trial);
        assert_eq!(form.shares().items.len(), 3);
    }

    #[test]
    fn r3_times_are_said_before_anything_starts() {
        let mut form = form(vec![candidate(1, Status::NotSubmitted, 0)], true);
        form.later = true;
        assert_eq!(form.order(), Err("Enter when it starts".into()));
        form.at = "yesterday".into();
        assert!(form.order().unwrap_err().contains("is no time"));
        form.at = "22:00".into();
        assert!(form.order().unwrap().schedule.is_some());
        form.choose(PassKind::PreStage);
        let days = |form: &StartForm| form.now.since(form.order().unwrap().before.unwrap()).as_secs() / (24 * 60 * 60);
        assert_eq!(days(&form), 30);
        form.age = Age::Typed;
        assert!(form.order().is_err());
        form.older_than = "90".into();
        assert_eq!(days(&form), 90);
        (form.next, form.largest_first) = (true, true);
        let order = form.order().unwrap();
        assert_eq!((order.turn, order.sequence), (Turn::Next, Sequence::LargestFirst));
    }
}
