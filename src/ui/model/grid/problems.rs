//! Why items did not come through, counted: a hundred failed mailboxes have a handful of causes.

use std::collections::BTreeMap;

use crate::domain::asking::MailTrouble;
use crate::domain::failure::{Cause, Failure, Side};
use crate::domain::wording::{self, TextNames};
use crate::engine::snapshot::ItemRow;

/// What is wrong with an item: why its pass failed, or nothing but messages that were not copied.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum GridProblem {
    /// Its pass failed.
    Failed(Option<Side>, Cause),
    /// Its pass ended without some messages.
    Errors,
    /// Something differs, and nothing explains it.
    Differs,
    /// Some messages wait for another pass.
    Waits,
    /// Its owner was perhaps not asked.
    NotAsked(MailTrouble),
}

impl GridProblem {
    /// The problem of an item that has one.
    pub fn of(row: &ItemRow) -> Self {
        let counts = &row.progress.counts;
        if let Some(trouble) = row.mail {
            return Self::NotAsked(trouble);
        }
        match &row.failure {
            Some((side, failure)) => Self::Failed(*side, failure.cause),
            None if row.progress.open_errors() > 0 => Self::Errors,
            None if counts.differ > 0 => Self::Differs,
            None if counts.waiting > 0 => Self::Waits,
            None => Self::Errors,
        }
    }
}

/// A failure and on which side it happened.
type Known = (Option<Side>, Failure);

/// Problems with their number, gathered row by row.
#[derive(Debug, Default)]
pub struct Problems<'a>(BTreeMap<GridProblem, (usize, Option<&'a Known>)>);

impl<'a> Problems<'a> {
    /// Counts an item that has a problem.
    pub fn count(&mut self, row: &'a ItemRow) {
        self.0.entry(GridProblem::of(row)).or_insert((0, row.failure.as_ref())).0 += 1;
    }

    /// Each with its number and its words, the most frequent first.
    pub fn listed(self) -> Vec<(GridProblem, usize, String)> {
        let words = |problem: GridProblem, failure: Option<&Known>| match (failure, problem) {
            (_, GridProblem::NotAsked(trouble)) => trouble.words().to_owned(),
            (Some((side, failure)), _) => wording::text(failure, *side, &TextNames::default()).headline,
            (None, GridProblem::Failed(..) | GridProblem::Errors) => "Some messages not copied".to_owned(),
            (None, GridProblem::Differs) => "Something differs".to_owned(),
            (None, GridProblem::Waits) => "Some messages wait for another pass".to_owned(),
        };
        let mut all: Vec<_> =
            self.0.into_iter().map(|(problem, (count, failure))| (problem, count, words(problem, failure))).collect();
        all.sort_by_key(|(_, count, _)| std::cmp::Reverse(*count));
        all
    }
}
