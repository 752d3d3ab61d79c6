//! What the item grid is asked to show: order, tab, search, problem, stars, statuses, marks.

use std::collections::BTreeSet;

use super::problems::GridProblem;
use super::search::Sought;
use super::{Column, GridAction, Mark, Sort, Tab};
use crate::domain::star::Star;
use crate::domain::status::{HoldReason, Status};
use crate::domain::time::Timestamp;
use crate::engine::snapshot::ItemRow;
use crate::ui::model::look;

/// Which rows are asked for, and in which order.
#[derive(Clone, Debug)]
pub struct Filter {
    /// The order.
    pub sort: Sort,
    /// The group of statuses.
    pub tab: Tab,
    /// The search as it was typed: a part of an address, or a list of addresses.
    pub search: String,
    sought: Sought,
    /// One problem among those of its tab; none shows all.
    pub problem: Option<GridProblem>,
    /// One reason among those for which items are held; none shows all.
    pub hold: Option<HoldReason>,
    /// The time it is.
    pub(super) now: Timestamp,
    /// Stars that are shown; empty shows all.
    pub stars: BTreeSet<Option<Star>>,
    /// Statuses that are shown; empty shows all.
    pub statuses: BTreeSet<Status>,
    /// What an item must have; all of these.
    pub marks: BTreeSet<Mark>,
}

/// A part of a filter that can be taken away alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// Only this star, and the others that are asked for.
    Star(Option<Star>),
    /// Only this status, and the others that are asked for.
    Status(Status),
    /// Only what has this.
    Mark(Mark),
    /// Only this problem.
    Problem(GridProblem),
    /// Only what is held for this reason.
    Hold(HoldReason),
    /// The search.
    Search,
}

impl Filter {
    pub(super) fn new(sort: Option<Sort>) -> Self {
        Self {
            sort: sort.unwrap_or(Sort { column: Column::Name, descending: false }),
            tab: Tab::All,
            search: String::new(),
            sought: Sought::default(),
            problem: None,
            hold: None,
            now: Timestamp::from_millis(0),
            stars: BTreeSet::new(),
            statuses: BTreeSet::new(),
            marks: BTreeSet::new(),
        }
    }

    /// Tab, stars, statuses and marks as they are remembered: `tab=problems star=red status=failed mark=noted`. What was searched
    /// is not.
    pub fn to_text(&self) -> String {
        let stars = self.stars.iter().map(|star| format!("star={}", star.map_or("none", Star::word)));
        let statuses = self.statuses.iter().map(|status| format!("status={}", status.ordinal()));
        let marks = self.marks.iter().map(|mark| format!("mark={}", mark.word()));
        let tab = std::iter::once(format!("tab={}", self.tab.word()));
        tab.chain(stars).chain(statuses).chain(marks).collect::<Vec<_>>().join(" ")
    }

    /// As they were remembered.
    pub fn restore(&mut self, text: &str) {
        for (what, word) in text.split(' ').filter_map(|part| part.split_once('=')) {
            match what {
                "tab" => self.tab = Tab::ALL.into_iter().find(|tab| tab.word() == word).unwrap_or_default(),
                "star" if word == "none" => drop(self.stars.insert(None)),
                "star" => self.stars.extend(Star::ALL.into_iter().find(|star| star.word() == word).map(Some)),
                "status" => {
                    let same = |status: &Status| status.ordinal().to_string() == word;
                    self.statuses.extend(Status::ALL.into_iter().find(same));
                }
                "mark" => self.marks.extend(Mark::ALL.into_iter().find(|mark| mark.word() == word)),
                _ => {}
            }
        }
    }

    /// Whether items are hidden.
    pub fn is_active(&self) -> bool {
        self.tab != Tab::All || self.parts().next().is_some()
    }

    /// What is asked for beside the tab.
    pub fn parts(&self) -> impl Iterator<Item = Part> {
        let search = (!self.search.is_empty()).then_some(Part::Search);
        let stars = self.stars.iter().copied().map(Part::Star);
        let statuses = self.statuses.iter().copied().map(Part::Status);
        let marks = self.marks.iter().copied().map(Part::Mark);
        let [problem, hold] = [self.problem.map(Part::Problem), self.hold.map(Part::Hold)];
        search.into_iter().chain(problem).chain(hold).chain(statuses).chain(stars).chain(marks)
    }

    /// Takes one part away.
    fn take_away(&mut self, part: Part) {
        match part {
            Part::Star(star) => drop(self.stars.remove(&star)),
            Part::Status(status) => drop(self.statuses.remove(&status)),
            Part::Mark(mark) => drop(self.marks.remove(&mark)),
            Part::Problem(_) => self.problem = None,
            Part::Hold(_) => self.hold = None,
            Part::Search => {
                self.search.clear();
                self.sought = Sought::default();
            }
        }
    }

    pub(super) fn shows(&self, row: &ItemRow) -> bool {
        self.tab.holds(row, self.now)
            && self.hold.is_none_or(|hold| look::hold(row) == Some(hold))
            && self.problem.is_none_or(|problem| GridProblem::of(row) == problem)
            && (self.stars.is_empty() || self.stars.contains(&row.star))
            && (self.statuses.is_empty() || self.statuses.contains(&row.status))
            && self.marks.iter().all(|mark| mark.is_on(row, self.now))
            && (self.search.is_empty() || self.sought.holds(&row.source) || self.sought.holds(&row.destination))
    }

    /// Does what a person did, if it is about the filter; tells whether it was.
    pub(super) fn apply(&mut self, action: &GridAction) -> bool {
        match action {
            GridAction::Sort(column) => {
                let again = self.sort.column == *column;
                self.sort = Sort { column: *column, descending: again && !self.sort.descending };
            }
            GridAction::SortAgain => {}
            GridAction::Tab(tab) => (self.tab, self.problem, self.hold) = (*tab, None, None),
            GridAction::Held(hold) => (self.tab, self.problem, self.hold) = (Tab::Held, None, *hold),
            GridAction::Problem(problem) => self.problem = *problem,
            GridAction::Search(text) => {
                self.sought = Sought::of(text);
                self.search.clone_from(text);
            }
            GridAction::StarFilter(star) => toggle(&mut self.stars, *star),
            GridAction::StatusFilter(status) => toggle(&mut self.statuses, *status),
            GridAction::MarkFilter(mark) => toggle(&mut self.marks, *mark),
            GridAction::Drop(part) => self.take_away(*part),
            GridAction::ClearFilters => {
                (self.tab, self.problem, self.hold) = (Tab::All, None, None);
                self.search.clear();
                self.stars.clear();
                self.statuses.clear();
                self.marks.clear();
            }
            GridAction::Toggle(_)
            | GridAction::Only(_)
            | GridAction::Range(_)
            | GridAction::SelectAll(_)
            | GridAction::Move(..)
            | GridAction::Column(_)
            | GridAction::Shift(..)
            | GridAction::NameWidth(_)
            | GridAction::Columns(_)
            | GridAction::Hover(_) => return false,
        }
        true
    }
}

fn toggle<T: Ord>(set: &mut BTreeSet<T>, value: T) {
    if !set.remove(&value) {
        set.insert(value);
    }
}
