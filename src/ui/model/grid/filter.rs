//! What the item grid is asked to show: order, tab, search, problem, stars.

use std::collections::BTreeSet;

use super::problems::GridProblem;
use super::search::Sought;
use super::{Column, GridAction, Sort, Tab};
use crate::domain::star::Star;
use crate::domain::status::HoldReason;
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
        }
    }

    /// Tab and stars as they are remembered: "8 1 3", the uncoloured star as 0. What was searched is not.
    pub fn to_text(&self) -> String {
        let stars = self.stars.iter().map(|star| star.map_or(0, |star| star as usize + 1).to_string());
        [(self.tab as usize).to_string()].into_iter().chain(stars).collect::<Vec<_>>().join(" ")
    }

    /// As they were remembered.
    pub fn restore(&mut self, text: &str) {
        let mut numbers = text.split(' ').filter_map(|number| number.parse::<usize>().ok());
        self.tab = numbers.next().and_then(|at| Tab::ALL.get(at).copied()).unwrap_or_default();
        let star = |number: usize| match number {
            0 => Some(None),
            number => Star::ALL.get(number - 1).copied().map(Some),
        };
        self.stars = numbers.filter_map(star).collect();
    }

    /// Whether items are hidden.
    pub fn is_active(&self) -> bool {
        self.tab != Tab::All || !self.search.is_empty() || !self.stars.is_empty()
    }

    pub(super) fn shows(&self, row: &ItemRow) -> bool {
        self.tab.holds(row, self.now)
            && self.hold.is_none_or(|hold| look::hold(row) == Some(hold))
            && self.problem.is_none_or(|problem| GridProblem::of(row) == problem)
            && (self.stars.is_empty() || self.stars.contains(&row.star))
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
            GridAction::StarFilter(star) => {
                if !self.stars.remove(star) {
                    self.stars.insert(*star);
                }
            }
            GridAction::ClearFilters => {
                (self.tab, self.problem, self.hold) = (Tab::All, None, None);
                self.search.clear();
                self.stars.clear();
            }
            GridAction::Toggle(_)
            | GridAction::Only(_)
            | GridAction::Range(_)
            | GridAction::SelectAll(_)
            | GridAction::Move(..)
            | GridAction::Column(_)
            | GridAction::Hover(_) => return false,
        }
        true
    }
}
