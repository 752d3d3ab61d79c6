//! Which messages of a view of everything lie in other folders too, where the server gives each message an id that it keeps
//! wherever it lies (X-GM-MSGID, EMAILID). They are counted: some servers give equal messages one id.
//!
//! A message that left its folder after that was listed lies nowhere else any more, and has its watermark there: its name tells.
//! Bounded: some 40 bytes for each message of the view that has no watermark, and one window of a listing.

use std::collections::BTreeMap;

use async_trait::async_trait;

use crate::domain::failure::{Scope, Side};
use crate::domain::ids::{FolderId, Uid};
use crate::domain::message::MessageKey;
use crate::domain::record::{Held, Watermark};
use crate::endpoint::{Destination, FolderRef, Source, Which};
use crate::pass::job::Job;
use crate::pass::lane::{Lane, Step};
use crate::pass::late::LateRound;
use crate::pass::places::Prepared;
use crate::pass::same_folder::place;
use crate::pass::{OnSide, Pass, PassResult, PassStop};

/// Numbers in one window of a listing.
const WINDOW: i64 = 20_000;
/// Windows of one listing; where numbers lie far apart, windows are wider.
const WINDOWS: i64 = 200;

/// What ids told of a view's messages.
#[derive(Default)]
pub(super) struct ByKey {
    /// They lie in other folders too.
    pub others: Vec<Uid>,
    /// Watermarks of messages that left their folders since these were listed.
    pub departed: Vec<Held>,
}

/// Asks for the ids of a view's messages, and of all messages in other folders.
struct Keys<'a> {
    view: &'a FolderRef,
    /// Ascending.
    late: &'a [Uid],
    folders: &'a [(FolderId, FolderRef)],
}

#[async_trait]
impl Step for Keys<'_> {
    /// None where the server does not tell, or not of all.
    type Out = Option<ByKey>;

    async fn run(&mut self, pass: &Pass, source: &mut dyn Source, _to: &mut dyn Destination) -> PassResult<Self::Out> {
        match self.look(pass, source).await {
            Err(PassStop::Fatal(trouble)) if trouble.failure.scope <= Scope::Folder => Ok(None),
            looked => looked,
        }
    }
}

impl Keys<'_> {
    async fn look(&self, pass: &Pass, source: &mut dyn Source) -> PassResult<Option<ByKey>> {
        let mut shown: BTreeMap<MessageKey, Vec<Uid>> = BTreeMap::new();
        for some in self.late.chunks(WINDOW.unsigned_abs() as usize) {
            let told = source.keys(self.view, &Which::These(some.to_vec())).await;
            match told.on(Side::Source).map_err(PassStop::Fatal)? {
                Some(told) if told.len() == some.len() => {
                    told.into_iter().for_each(|(uid, key)| shown.entry(key).or_default().push(uid));
                }
                Some(_) | None => return Ok(None),
            }
        }
        let mut found = ByKey::default();
        for (row, folder) in self.folders {
            if !self.look_into(pass, source, (*row, folder), (&mut shown, &mut found)).await? {
                tracing::info!(folder = %folder.path, "not all ids are told; names tell what lies elsewhere");
                return Ok(None);
            }
        }
        Ok(Some(found))
    }

    /// Whether the ids of all messages in this folder were told.
    async fn look_into(
        &self,
        pass: &Pass,
        source: &mut dyn Source,
        (row, folder): (FolderId, &FolderRef),
        (shown, found): (&mut BTreeMap<MessageKey, Vec<Uid>>, &mut ByKey),
    ) -> PassResult<bool> {
        each_window(pass, source, (row, folder), |told, marks| {
            for (_, key) in told {
                found.others.extend(shown.get_mut(key).and_then(Vec::pop));
            }
            let is_there = |uid: Uid| told.binary_search_by_key(&uid, |(uid, _)| *uid).is_ok();
            let departed = marks.iter().filter(|mark| !mark.is_lost() && !is_there(mark.source));
            found.departed.extend(departed.map(|m| Held { identity: m.identity, content: m.content, folder: row }));
        })
        .await
    }
}

/// Reads the ids of all messages of a folder, window by window, each with the watermarks of the same numbers. Whether all were
/// told.
pub(super) async fn each_window(
    pass: &Pass,
    source: &mut dyn Source,
    (row, folder): (FolderId, &FolderRef),
    mut take: impl FnMut(&[(Uid, MessageKey)], &[Watermark]) + Send,
) -> PassResult<bool> {
    let state = source.examine(folder).await.on(Side::Source).map_err(PassStop::Fatal)?;
    let (mut from, end, mut left) = (1, state.uid_next.map_or(0, |next| next.0), u64::from(state.messages));
    let width = WINDOW.max(end / WINDOWS);
    loop {
        let last = from + width >= end;
        let which = if last { Which::From(Uid(from)) } else { Which::Range(Uid(from), Uid(from + width)) };
        let told = match state.messages {
            0 => Some(Vec::new()),
            _ => source.keys(folder, &which).await.on(Side::Source).map_err(PassStop::Fatal)?,
        };
        let Some(told) = told else { return Ok(false) };
        left = left.saturating_sub(told.len() as u64);
        let until = if last { Uid(i64::MAX) } else { Uid(from + width) };
        take(&told, &pass.journal.some_watermarks(row, Uid(from), until, usize::MAX).await?);
        if last {
            return Ok(left == 0);
        }
        from += width;
    }
}

impl LateRound<'_> {
    /// What ids tell of a view's messages, where the server tells them.
    pub(super) async fn known_by_key(
        &self,
        lane: &mut Lane,
        prepared: &Prepared,
        job: &Job,
    ) -> PassResult<Option<ByKey>> {
        let others = &prepared.others;
        if !others.unread.is_empty() {
            return Ok(None);
        }
        let shown = |row: &FolderId| !others.lost.contains(row) && !others.views.contains(row) && *row != job.id;
        let records = self.pass.journal.folders().await?;
        let folders = records.iter().filter(|r| !r.retired && shown(&r.id));
        let folders: Vec<_> = folders.map(|r| (r.id, place(&r.source, &r.source_wire, None))).collect();
        let mut late = job.remaining.late.clone();
        late.sort_unstable();
        self.pass.run_with_retry(lane, &mut Keys { view: &job.plan.source, late: &late, folders: &folders }).await
    }
}
