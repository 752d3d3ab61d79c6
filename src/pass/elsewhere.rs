//! Which messages of a view of everything lie in other folders too, and are moved there (D14).
//!
//! A name says so where it is the only one of its kind in the view and a message in a folder has it. Two messages of one
//! name may be two messages, such as the copy of a mailing list and the one that came directly, and one of them may lie
//! nowhere else; a name without Message-ID or Date says little; and what lies in a folder that views leave out (Trash, Junk)
//! need not be what the view shows. There the content decides, as often as it is held. Bounded: some bytes for every
//! watermark with a name of the view's; contents of [`HEADERS_AT_ONCE`] messages at once.

use std::collections::{BTreeMap, BTreeSet};

use async_trait::async_trait;

use crate::domain::content::ContentHash;
use crate::domain::failure::Side;
use crate::domain::identity::{Identity, Names};
use crate::domain::ids::{FolderId, Uid};
use crate::domain::matching::AwayMarks;
use crate::domain::record::Held;
use crate::endpoint::{Destination, Source};
use crate::pass::bytes::HEADERS_AT_ONCE;
use crate::pass::contents::shapes;
use crate::pass::job::{Chosen, Job};
use crate::pass::lane::{Lane, Step};
use crate::pass::late::LateRound;
use crate::pass::places::Prepared;
use crate::pass::scan::Looked;
use crate::pass::{OnSide, Pass, PassResult, PassStop, SideFailure};

/// What other folders hold, by name.
struct Elsewhere {
    /// Ascending by identity.
    held: Vec<Held>,
    /// Rows of folders that views leave out.
    aside: BTreeSet<FolderId>,
}

/// How messages stand by their names.
#[derive(Debug, Default, PartialEq, Eq)]
struct ByName {
    /// They lie nowhere else.
    wanted: BTreeSet<Uid>,
    /// They lie elsewhere.
    others: Vec<Uid>,
    /// Their contents tell.
    open: Vec<Uid>,
}

impl Elsewhere {
    fn new(mut held: Vec<Held>, aside: BTreeSet<FolderId>) -> Self {
        held.sort_unstable_by_key(|one| one.identity);
        Self { held, aside }
    }

    fn of(&self, identity: Identity) -> &[Held] {
        let from = self.held.partition_point(|one| one.identity < identity);
        let to = self.held.partition_point(|one| one.identity <= identity);
        &self.held[from..to]
    }

    /// Those that have a name of this message, in the form that goes with each.
    fn holders(&self, names: &Names) -> impl Iterator<Item = &Held> {
        let now = self.of(names.now).iter().filter(|one| one.content.is_some());
        now.chain(self.of(names.before).iter().filter(|one| one.content.is_none()))
    }

    fn by_name(&self, names: &BTreeMap<Uid, Names>) -> ByName {
        let mut alike: BTreeMap<Identity, u32> = BTreeMap::new();
        for names in names.values() {
            let both = BTreeSet::from([names.now, names.before]);
            both.into_iter().for_each(|identity| *alike.entry(identity).or_default() += 1);
        }
        let count = |identity| alike.get(&identity).copied().unwrap_or(0);
        let mut sorted = ByName::default();
        for (uid, names) in names {
            let sole = !names.weak && count(names.now) == 1 && count(names.before) == 1;
            if self.holders(names).next().is_none() {
                sorted.wanted.insert(*uid);
            } else if sole && self.holders(names).any(|one| !self.aside.contains(&one.folder)) {
                sorted.others.push(*uid);
            } else {
                sorted.open.push(*uid);
            }
        }
        sorted
    }

    /// Those that are held, as often as they are held, and the others.
    fn by_content(&self, open: &[(Uid, Names, ContentHash)]) -> (Vec<Uid>, Vec<Uid>) {
        let mut marks = AwayMarks::default();
        let names: BTreeSet<Identity> = open.iter().flat_map(|(_, names, _)| [names.now, names.before]).collect();
        for one in names.into_iter().flat_map(|identity| self.of(identity)) {
            marks.add(one.identity, one.content);
        }
        let uids = open.iter().map(|(uid, names, content)| (*uid, marks.take(names, *content)));
        let (held, not): (Vec<_>, Vec<_>) = uids.partition(|(_, held)| *held);
        (held.into_iter().map(|(uid, _)| uid).collect(), not.into_iter().map(|(uid, _)| uid).collect())
    }
}

/// Reads what some messages of a folder hold, as far as they come.
struct Contents<'a> {
    job: &'a mut Job,
    wanted: Vec<Uid>,
    found: BTreeMap<Uid, ContentHash>,
}

#[async_trait]
impl Step for Contents<'_> {
    type Out = Looked;

    async fn run(&mut self, _pass: &Pass, source: &mut dyn Source, _to: &mut dyn Destination) -> PassResult<Looked> {
        let left: Vec<Uid> = self.wanted.iter().copied().filter(|uid| !self.found.contains_key(uid)).collect();
        for some in left.chunks(HEADERS_AT_ONCE) {
            let shapes = shapes(source, &self.job.plan.source, some.to_vec()).await;
            let shapes = shapes.on(Side::Source).map_err(PassStop::Fatal)?;
            self.found.extend(shapes.into_iter().map(|(uid, shape)| (uid, shape.content)));
        }
        Ok(Looked::Done)
    }

    fn broke(&mut self, pass: &Pass, trouble: &SideFailure) -> Option<Looked> {
        pass.blame_folder(self.job, &trouble.failure).then(|| Looked::Failed(trouble.clone()))
    }
}

impl LateRound<'_> {
    async fn held_elsewhere(
        &self,
        prepared: &Prepared,
        job: &Job,
        names: &BTreeMap<Uid, Names>,
    ) -> PassResult<Vec<Held>> {
        let asked = names.values().flat_map(|names| [names.now, names.before]).collect();
        let mut held = self.pass.journal.held_elsewhere(job.id, asked).await?;
        let lost: BTreeSet<FolderId> = prepared.others.lost.iter().copied().collect();
        held.retain(|one| !lost.contains(&one.folder));
        Ok(held)
    }

    /// Decides which of a view's messages are copied. Those that moved into it from a folder are wanted here: they are known
    /// by their content when all that is new is looked for. None if the view cannot be read.
    pub(super) async fn lie_elsewhere(
        &self,
        lane: &mut Lane,
        (prepared, departed): (&Prepared, Option<Vec<Held>>),
        job: &mut Job,
        names: BTreeMap<Uid, Names>,
    ) -> PassResult<Option<Chosen>> {
        let held = match departed {
            // Ids told of the others.
            Some(departed) => departed,
            None => self.held_elsewhere(prepared, job, &names).await?,
        };
        let elsewhere = Elsewhere::new(held, prepared.others.aside.clone());
        let ByName { mut wanted, mut others, open } = elsewhere.by_name(&names);
        let mut step = Contents { job, wanted: open, found: BTreeMap::new() };
        if !step.wanted.is_empty()
            && let Looked::Failed(SideFailure { side, failure }) = self.pass.run_with_retry(lane, &mut step).await?
        {
            self.pass.folder_failed(step.job, side, failure).await?;
            return Ok(None);
        }
        let Contents { wanted: open, found, .. } = step;
        let known = |uid: &Uid| Some((*uid, *names.get(uid)?, *found.get(uid)?));
        let (held, not) = elsewhere.by_content(&open.iter().filter_map(known).collect::<Vec<_>>());
        // What did not come may be one of those that are held.
        let unseen: BTreeSet<Uid> = open.into_iter().filter(|uid| !found.contains_key(uid)).collect();
        wanted.extend(not.into_iter().chain(unseen.iter().copied()));
        others.extend(held);
        others.sort_unstable();
        Ok(Some(Chosen { wanted, others, unseen }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::identity::of_message;

    const VIEWED: FolderId = FolderId(1);
    const TRASH: FolderId = FolderId(2);

    fn names(id: &str) -> Names {
        let identity = of_message(format!("Message-ID: <{id}@x>\r\n\r\n").as_bytes());
        Names { now: identity, before: identity, weak: false }
    }

    fn held(id: &str, content: &str, folder: FolderId) -> Held {
        let content = (!content.is_empty()).then(|| ContentHash::of(content.as_bytes()));
        Held { identity: names(id).now, content, folder }
    }

    fn view(messages: &[(i64, Names)]) -> BTreeMap<Uid, Names> {
        messages.iter().map(|(uid, names)| (Uid(*uid), *names)).collect()
    }

    fn uids(uids: impl IntoIterator<Item = i64>) -> Vec<Uid> {
        uids.into_iter().map(Uid).collect()
    }

    #[test]
    fn a_name_decides_only_where_it_is_the_only_one_and_held_by_what_the_view_shows() {
        let weak = Names { weak: true, ..names("weak") };
        let all = [("sole", VIEWED), ("twice", VIEWED), ("twice", VIEWED), ("trash", TRASH), ("weak", VIEWED)];
        let all = all.into_iter().map(|(id, folder)| held(id, "x", folder));
        let elsewhere = Elsewhere::new(all.collect(), BTreeSet::from([TRASH]));
        let shown = view(&[
            (1, names("nowhere")),
            (2, names("sole")),
            (3, names("twice")),
            (4, names("twice")),
            (5, names("trash")),
            (6, weak),
        ]);
        let sorted = elsewhere.by_name(&shown);
        let expected = ByName { wanted: BTreeSet::from([Uid(1)]), others: uids([2]), open: uids([3, 4, 5, 6]) };
        assert_eq!(sorted, expected);
    }

    #[test]
    fn a_content_answers_for_as_many_as_hold_it_and_a_mark_without_one_for_any() {
        let marks = vec![held("a", "list", VIEWED), held("a", "list", VIEWED), held("b", "", VIEWED)];
        let elsewhere = Elsewhere::new(marks, BTreeSet::new());
        let open = |uid, id, content: &str| (Uid(uid), names(id), ContentHash::of(content.as_bytes()));
        let (others, wanted) = elsewhere.by_content(&[
            open(1, "a", "direct"),
            open(2, "a", "list"),
            open(3, "b", "any"),
            open(4, "b", "any"),
            open(5, "a", "list"),
            open(6, "a", "list"),
        ]);
        assert_eq!((others, wanted), (uids([2, 3, 5]), uids([1, 4, 6])));
    }
}
