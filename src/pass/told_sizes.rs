//! Messages of which the source handed out less than it had said they have: their ends may be missing, and a yes to FETCH says
//! nothing of that (C.12). Many servers only guess sizes: one whose sizes are right nearly always is asked once more, and what
//! comes short again is copied and named. Bounded: the first numbers of each folder.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, PoisonError};

use crate::domain::failure::Side;
use crate::domain::folder::FolderPath;
use crate::domain::ids::{FolderId, Uid};
use crate::domain::message::SourceMessage;
use crate::domain::notice::{Notice, NoticeKind};
use crate::domain::record::Habit;
use crate::pass::closing::Finale;
use crate::pass::job::Job;
use crate::pass::{Pass, PassResult};

/// Of so many sizes one may be wrong at a server whose sizes are believed.
const RIGHT: u64 = 10;
/// Bytes by which a size may be wrong in any case: line ends, a header line.
const FEW: u64 = 64;
/// Messages that are asked for again.
const AGAIN: usize = 1_000;

/// What was seen of the source's sizes.
#[derive(Default)]
pub(super) struct ToldSizes(Mutex<State>);

#[derive(Default)]
struct State {
    /// By earlier passes.
    before: Habit,
    right: u64,
    wrong: u64,
    again: BTreeSet<(FolderId, Uid)>,
    short: BTreeMap<FolderId, Short>,
}

/// Messages of a folder that came short.
struct Short {
    path: FolderPath,
    messages: u64,
    numbers: Vec<Uid>,
    /// Of the first: bytes that came, and that were told.
    first: (u64, u64),
}

impl State {
    fn believed(&self) -> bool {
        let (right, wrong) = (self.before.kept + self.right, self.before.changed + self.wrong);
        right >= RIGHT && right / RIGHT >= wrong
    }
}

fn is_short(told: u64, len: u64) -> bool {
    told > len + FEW + len / 100
}

impl ToldSizes {
    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What earlier passes saw.
    pub fn begin(&self, before: Habit) {
        self.state().before = before;
    }

    /// A message came. Whether it is to be asked for again.
    pub fn came_short(&self, job: &Job, message: &SourceMessage) -> bool {
        let len = message.body.len();
        let Some(told) = message.told.filter(|told| *told > 0) else { return false };
        let mut state = self.state();
        if told == len {
            state.right += 1;
            return false;
        }
        let key = (job.id, message.uid);
        if is_short(told, len) && state.believed() && state.again.len() < AGAIN && state.again.insert(key) {
            tracing::info!(folder = %job.path, uid = %message.uid, told, len, "came short; it is asked for again");
            return true;
        }
        state.wrong += 1;
        if is_short(told, len) {
            let path = || Short { path: job.path.clone(), messages: 0, numbers: Vec::new(), first: (len, told) };
            let short = state.short.entry(job.id).or_insert_with(path);
            short.messages += 1;
            if short.numbers.len() < Notice::NUMBERS {
                short.numbers.push(message.uid);
            }
        }
        false
    }
}

impl Finale<'_> {
    /// Names what came short and is not named yet, and keeps what was seen of the source's sizes.
    pub(super) async fn learn_sizes(&self) -> PassResult<()> {
        let (folders, seen): (Vec<FolderId>, Habit) = {
            let state = self.pass.findings.told_sizes.state();
            let seen = Habit { kept: state.right, changed: state.wrong, ..Habit::default() };
            (state.short.keys().copied().collect(), seen)
        };
        for folder in folders {
            self.pass.name_short(folder).await;
        }
        if (seen.kept, seen.changed) != (0, 0) {
            self.pass.journal.learn(Side::Source, seen).await?;
        }
        Ok(())
    }
}

impl Pass {
    /// Names what came short of a folder, as far as the source's sizes are believed by now.
    pub(super) async fn name_short(&self, folder: FolderId) {
        let short = {
            let mut state = self.findings.told_sizes.state();
            if state.believed() { state.short.remove(&folder) } else { None }
        };
        if let Some(Short { path, messages, numbers, first: (came, told) }) = short {
            let notice = Notice::of(&path, NoticeKind::ShorterThanTold, Side::Source, &numbers);
            let notice = notice.saying(format!("{came} of {told} bytes"));
            self.tell(folder, Notice { messages, ..notice }).await;
        }
    }

    /// A message came short for the first time, from a source whose sizes are right: it is asked for again.
    pub(super) fn asks_again(&self, job: &Job, message: &SourceMessage) -> bool {
        self.findings.told_sizes.came_short(job, message)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_few_bytes_are_line_ends_and_much_is_an_end_that_is_missing() {
        assert!(!is_short(1_000, 1_000) && !is_short(1_064, 1_000) && !is_short(900, 1_000));
        assert!(is_short(1_200, 1_000) && is_short(20_000_000, 19_000_000));
        assert!(!is_short(19_100_000, 19_000_000));
    }

    #[test]
    fn sizes_are_believed_where_nine_of_ten_are_right() {
        let state = |right, wrong| State { right, wrong, ..State::default() };
        assert!(!state(9, 0).believed() && state(10, 1).believed() && !state(19, 2).believed());
        let before = Habit { kept: 5, changed: 3, ..Habit::default() };
        assert!(!State { before, ..state(20, 0) }.believed());
    }
}
