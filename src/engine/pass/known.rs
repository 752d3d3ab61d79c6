//! Which row of earlier passes each source folder belongs to: by its name or, renamed, by what it is (D12).

use std::collections::{BTreeMap, BTreeSet};

use async_trait::async_trait;

use crate::domain::failure::{Scope, Side};
use crate::domain::folder::{FolderPath, ListedFolder};
use crate::domain::identity::{FromHeader, of_header};
use crate::domain::ids::{FolderId, Uid};
use crate::domain::record::{FolderRecord, Watermark};
use crate::endpoint::{Destination, FolderRef, Source, Which};
use crate::engine::pass::lane::{Lane, Step};
use crate::engine::pass::resolve::HEADERS_AT_ONCE;
use crate::engine::pass::{Flow, Halt, On, Pass};

/// Earlier rows by the names that the source has now.
pub(super) struct Known<'a> {
    pub rows: BTreeMap<FolderPath, &'a FolderRecord>,
    /// Where they went, for the tree.
    pub destinations: BTreeMap<FolderPath, FolderPath>,
}

impl<'a> Known<'a> {
    /// A folder is known by its name; `renamed` tells the rows of those that had another one.
    pub fn new(records: &'a [FolderRecord], source: &[ListedFolder], renamed: &BTreeMap<FolderPath, FolderId>) -> Self {
        let live = || records.iter().filter(|r| !r.retired);
        let mut rows: BTreeMap<FolderPath, &FolderRecord> = live().map(|r| (r.source.clone(), r)).collect();
        for folder in source {
            if let Some(record) = renamed.get(&folder.path).and_then(|id| live().find(|r| r.id == *id)) {
                rows.remove(&record.source);
                rows.insert(folder.path.clone(), record);
            }
        }
        let gone_to = |(path, r): (&FolderPath, &&FolderRecord)| {
            (r.destination_validity != 0).then(|| (path.clone(), r.destination.clone()))
        };
        let destinations = rows.iter().filter_map(gone_to).collect();
        Self { rows, destinations }
    }
}

/// Whether a folder holds the messages of these watermarks under the same numbers.
struct SameMessages<'a> {
    folder: FolderRef,
    watermarks: &'a [Watermark],
}

#[async_trait]
impl Step for SameMessages<'_> {
    type Out = bool;

    async fn run(&mut self, _pass: &Pass, source: &mut dyn Source, _to: &mut dyn Destination) -> Flow<bool> {
        let mut compared = 0;
        for some in self.watermarks.chunks(HEADERS_AT_ONCE) {
            let which = Which::These(some.iter().map(|w| w.source).collect::<Vec<Uid>>());
            let headers = match source.headers(&self.folder, &which).await {
                Ok(headers) => headers,
                Err(failure) if failure.scope <= Scope::Folder => return Ok(false),
                Err(failure) => return Err(failure).on(Side::Source).map_err(Halt::Fatal),
            };
            for header in headers {
                let (FromHeader::Known(identity), Ok(at)) =
                    (of_header(&header.header), some.binary_search_by_key(&header.uid, |w| w.source))
                else {
                    continue;
                };
                if some[at].identity != identity {
                    return Ok(false);
                }
                compared += 1;
            }
        }
        Ok(compared > 0)
    }
}

impl Pass {
    /// New names of folders that earlier passes know under another one: by MAILBOXID (RFC 8474), or by UIDVALIDITY and
    /// the same messages under the same UIDs. UIDVALIDITY alone says little: some servers give all folders the same.
    pub(super) async fn renamed(
        &self,
        lane: &mut Lane,
        records: &[FolderRecord],
        source: &[ListedFolder],
    ) -> Flow<BTreeMap<FolderPath, FolderId>> {
        let listed: BTreeSet<&FolderPath> = source.iter().map(|f| &f.path).collect();
        let live = || records.iter().filter(|r| !r.retired);
        let named: BTreeSet<&FolderPath> = live().map(|r| &r.source).collect();
        let mut lost: Vec<&FolderRecord> = live().filter(|r| !listed.contains(&r.source)).collect();
        let mut renamed = BTreeMap::new();
        for folder in source.iter().filter(|f| !named.contains(&f.path)) {
            let Some(state) = folder.state else { continue };
            let alike: Vec<&FolderRecord> = lost
                .iter()
                .filter(|r| r.source_validity == state.uid_validity && r.mailbox_id == folder.mailbox_id)
                .copied()
                .collect();
            for record in alike {
                let same = folder.mailbox_id.is_some() || {
                    let watermarks = self.journal.watermarks(record.id).await?;
                    let folder = FolderRef {
                        path: folder.path.clone(),
                        wire: folder.wire.clone(),
                        validity: state.uid_validity,
                    };
                    self.persist(lane, &mut SameMessages { folder, watermarks: &watermarks }).await?
                };
                if same {
                    lost.retain(|r| r.id != record.id);
                    renamed.insert(folder.path.clone(), record.id);
                    break;
                }
            }
        }
        Ok(renamed)
    }
}
