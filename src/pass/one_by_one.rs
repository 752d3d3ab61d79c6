//! Folders that are asked about together until a connection breaks, and one by one after that: what was answered is kept, and
//! one at which connections break again and again is left out (D22).

use std::collections::{BTreeMap, BTreeSet};

use crate::pass::lane::blames_its_place;
use crate::pass::suspects::BLAME_LIMIT;
use crate::pass::{Pass, SideFailure};

/// The state of one such round, kept over its tries. Folders are named by their places in it.
#[derive(Debug, Default)]
pub(super) struct OneByOne {
    apart: bool,
    at: Option<usize>,
    answered: BTreeSet<usize>,
    /// How many were answered at the last break.
    before: usize,
    breaks: BTreeMap<usize, u32>,
}

impl OneByOne {
    /// Whether all are asked about together.
    pub fn together(&self) -> bool {
        !self.apart
    }

    /// Whether this one was answered, or is left out.
    pub fn is_done(&self, folder: usize) -> bool {
        self.answered.contains(&folder)
    }

    /// This one is asked about next, by itself.
    pub fn begins(&mut self, folder: usize) {
        self.at = Some(folder);
    }

    /// This one was answered.
    pub fn ends(&mut self, folder: usize) {
        self.at = None;
        self.answered.insert(folder);
    }

    /// A connection broke. Answers the folder that is left out from now on, if it is the one; whoever got further has used up no
    /// try.
    pub fn broke(&mut self, pass: &Pass, trouble: &SideFailure) -> Option<usize> {
        let at = self.at.take();
        if !blames_its_place(&trouble.failure) {
            return None;
        }
        self.apart = true;
        let guilty = at.filter(|at| {
            let breaks = self.breaks.entry(*at).or_default();
            *breaks += 1;
            *breaks >= BLAME_LIMIT
        });
        self.answered.extend(guilty);
        if self.answered.len() > self.before {
            self.before = self.answered.len();
            pass.recovery.left_out();
        }
        guilty
    }
}
