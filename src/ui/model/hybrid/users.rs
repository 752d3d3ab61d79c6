//! The users of a hybrid project as a grid: which batch, filters, order, selection. Its habits are those of the item grid.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use super::order::{UserColumn, UserSort, compare};
use crate::domain::ids::{HybridBatchId, HybridProjectId, HybridUserId};
use crate::domain::star::Star;
use crate::service::hybrid::{HybridUser, HybridView, MoveStatus};
use crate::ui::model::grid::Sought;

/// Whose users are shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Place {
    /// All of the project.
    #[default]
    All,
    /// Those in no batch.
    Unbatched,
    /// Those of a batch.
    Batch(HybridBatchId),
}

impl Place {
    fn holds(self, user: &HybridUser) -> bool {
        match self {
            Self::All => true,
            Self::Unbatched => user.batch.is_none(),
            Self::Batch(batch) => user.batch == Some(batch),
        }
    }
}

/// What a person does with the grid.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UsersAction {
    /// Show the users of another batch.
    Place(Place),
    /// Only those of a status, or all.
    Tab(Option<MoveStatus>),
    /// Order by a column; once more turns it round.
    Sort(UserColumn),
    /// Order again.
    SortAgain,
    /// Only users whose addresses hold this.
    Search(String),
    /// Show or hide users with this star.
    StarFilter(Option<Star>),
    /// Show everything again.
    ClearFilters,
    /// Select or deselect one, and go there.
    Toggle(HybridUserId),
    /// Select only this one, and go there.
    Only(HybridUserId),
    /// Select everything from the last one to this one.
    Range(HybridUserId),
    /// Select everything the filter shows, or nothing.
    SelectAll(bool),
    /// Go some rows down or up, selecting on the way or not.
    Move(i64, bool),
    /// The pointer came into the table or left it.
    Hover(bool),
}

/// The users of one project.
#[derive(Clone, Debug)]
pub struct UsersPage {
    /// Whose they are.
    pub project: HybridProjectId,
    /// Those of which batch.
    pub place: Place,
    /// Only those of this status.
    pub tab: Option<MoveStatus>,
    /// The search as it was typed.
    pub search: String,
    sought: Sought,
    /// Stars that are shown; empty shows all.
    pub stars: BTreeSet<Option<Star>>,
    /// The order.
    pub sort: UserSort,
    /// Selected users, also those that the filter hides.
    pub selected: HashSet<HybridUserId>,
    /// The row that keys act on.
    pub cursor: Option<HybridUserId>,
    anchor: Option<HybridUserId>,
    /// Places among the project's users, in the order shown.
    pub rows: Vec<usize>,
    /// Selected users that are shown: what actions act on.
    pub targets: Vec<HybridUserId>,
    /// The order shown is not the order asked for.
    pub stale: bool,
    /// Users of the place, and of these by status.
    pub counts: (usize, [usize; 6]),
    hovered: bool,
    resort: bool,
    touched: bool,
    seen: Option<Arc<HybridView>>,
}

impl UsersPage {
    /// No users yet.
    pub fn new(project: HybridProjectId) -> Self {
        Self {
            project,
            place: Place::All,
            tab: None,
            search: String::new(),
            sought: Sought::default(),
            stars: BTreeSet::new(),
            sort: UserSort { column: UserColumn::User, descending: false },
            selected: HashSet::new(),
            cursor: None,
            anchor: None,
            rows: Vec::new(),
            targets: Vec::new(),
            stale: false,
            counts: (0, [0; 6]),
            hovered: false,
            resort: true,
            touched: true,
            seen: None,
        }
    }

    /// Whether users of the place are hidden.
    pub fn is_filtered(&self) -> bool {
        self.tab.is_some() || !self.search.is_empty() || !self.stars.is_empty()
    }

    /// Whether the pointer is in the table.
    pub fn is_hovered(&self) -> bool {
        self.hovered
    }

    /// Brings it up to date, if there is anything to do.
    pub fn refresh(&mut self, view: &Arc<HybridView>) {
        if !self.touched && self.seen.as_ref().is_some_and(|seen| Arc::ptr_eq(seen, view)) {
            return;
        }
        self.count(view);
        let before: Vec<HybridUserId> = self.shown().collect();
        let shown = |user: &HybridUser| self.shows(user);
        let mut asked: Vec<usize> = (0..view.users.len()).filter(|at| shown(&view.users[*at])).collect();
        asked.sort_by(|a, b| compare(view, self.sort, &view.users[*a], &view.users[*b]));
        // The order stands still under the pointer and while something is selected.
        let still = (self.hovered || !self.selected.is_empty()) && !self.resort;
        self.rows = if still { held(&before, &asked, view) } else { asked.clone() };
        self.stale = self.rows != asked;
        (self.resort, self.touched) = (false, false);
        let there: HashSet<HybridUserId> = view.users.iter().map(|user| user.id).collect();
        self.selected.retain(|user| there.contains(user));
        self.seen = Some(Arc::clone(view));
        self.targets = self.shown().filter(|user| self.selected.contains(user)).collect();
    }

    fn count(&mut self, view: &HybridView) {
        self.counts = (0, [0; 6]);
        for user in view.users.iter().filter(|user| self.place.holds(user)) {
            self.counts.0 += 1;
            let at = MoveStatus::ALL.iter().position(|status| *status == user.status).unwrap_or_default();
            self.counts.1[at] += 1;
        }
    }

    fn shows(&self, user: &HybridUser) -> bool {
        self.place.holds(user)
            && self.tab.is_none_or(|tab| user.status == tab)
            && (self.stars.is_empty() || self.stars.contains(&user.star))
            && (self.search.is_empty() || self.sought.holds(&user.address))
    }

    /// The users shown, in their order.
    fn shown(&self) -> impl Iterator<Item = HybridUserId> {
        let users = self.seen.as_ref().map(|view| view.users.as_slice()).unwrap_or_default();
        self.rows.iter().filter_map(|at| Some(users.get(*at)?.id))
    }

    /// The selected users that are shown.
    pub fn chosen<'a>(&'a self, view: &'a HybridView) -> impl Iterator<Item = &'a HybridUser> {
        let shown = self.rows.iter().filter_map(|at| view.users.get(*at));
        shown.filter(|user| self.selected.contains(&user.id))
    }

    /// Where a user stands among those shown.
    pub fn row_of(&self, user: HybridUserId) -> Option<usize> {
        self.shown().position(|shown| shown == user)
    }

    /// The user in a row.
    pub fn at(&self, row: usize) -> Option<HybridUserId> {
        self.shown().nth(row)
    }

    /// Where the cursor would stand some rows further down or up.
    pub fn row_from_cursor(&self, rows: i64) -> usize {
        let last = self.rows.len().saturating_sub(1);
        let cursor = self.cursor.and_then(|cursor| self.row_of(cursor));
        cursor.map_or(0, |at| at.saturating_add_signed(isize::try_from(rows).unwrap_or(0)).min(last))
    }

    /// Puts the cursor on a user.
    pub fn stand_on(&mut self, user: HybridUserId) {
        (self.cursor, self.anchor) = (Some(user), Some(user));
    }

    /// Does what a person did.
    pub fn apply(&mut self, action: UsersAction) {
        self.touched = true;
        match action {
            UsersAction::Hover(hovered) => self.hovered = hovered,
            UsersAction::Toggle(user) => {
                if !self.selected.remove(&user) {
                    self.selected.insert(user);
                }
                self.stand_on(user);
            }
            UsersAction::Only(user) => {
                self.selected = HashSet::from([user]);
                self.stand_on(user);
            }
            UsersAction::Range(user) => self.range_to(user),
            UsersAction::SelectAll(true) => self.selected = self.shown().collect(),
            UsersAction::SelectAll(false) => self.selected.clear(),
            UsersAction::Move(rows, select) => {
                let Some(user) = self.at(self.row_from_cursor(rows)) else { return };
                if select {
                    self.range_to(user);
                } else {
                    self.stand_on(user);
                }
            }
            filter => self.filter(filter),
        }
    }

    /// What changes which users are asked for, or their order.
    fn filter(&mut self, action: UsersAction) {
        self.resort = true;
        match action {
            UsersAction::Place(place) => {
                // What is selected elsewhere is not acted on unseen.
                (self.place, self.tab) = (place, None);
                self.selected.clear();
            }
            UsersAction::Tab(tab) => self.tab = tab,
            UsersAction::Sort(column) => {
                let again = self.sort.column == column;
                self.sort = UserSort { column, descending: again && !self.sort.descending };
            }
            UsersAction::Search(text) => {
                self.sought = Sought::of(&text);
                self.search = text;
            }
            UsersAction::StarFilter(star) => toggle(&mut self.stars, star),
            UsersAction::ClearFilters => {
                self.tab = None;
                self.search.clear();
                self.stars.clear();
            }
            _ => {}
        }
    }

    /// Selects everything from where the range begins to this one, and goes there.
    fn range_to(&mut self, user: HybridUserId) {
        let anchor = self.anchor.or(self.cursor).filter(|anchor| self.row_of(*anchor).is_some()).unwrap_or(user);
        if let (Some(a), Some(b)) = (self.row_of(anchor), self.row_of(user)) {
            self.selected = self.shown().skip(a.min(b)).take(a.abs_diff(b) + 1).collect();
        }
        (self.anchor, self.cursor) = (Some(anchor), Some(user));
    }
}

/// Those that were shown stay where they were; what is new comes last.
fn held(before: &[HybridUserId], asked: &[usize], view: &HybridView) -> Vec<usize> {
    let mut places: HashMap<HybridUserId, usize> = asked.iter().map(|at| (view.users[*at].id, *at)).collect();
    let mut rows: Vec<usize> = before.iter().filter_map(|user| places.remove(user)).collect();
    rows.extend(asked.iter().filter(|at| places.contains_key(&view.users[**at].id)));
    rows
}

/// Shows what is hidden, and the other way round.
fn toggle(stars: &mut BTreeSet<Option<Star>>, star: Option<Star>) {
    if !stars.remove(&star) {
        stars.insert(star);
    }
}
