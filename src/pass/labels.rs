//! Where folders are labels (Gmail): a message lies in the folder of each of its labels, and is copied once, unless the options
//! want it in all of them. Its home is the folder in which it is known already, else that of its first label: its owner's own
//! ones by name, then the inbox, then the others.
//!
//! Which messages are one is told by the server's ids, read of every folder: what a folder merely seems to hold is no reason to
//! leave a message out elsewhere. A folder whose ids are not all told takes no part: what is in it is copied as if it were
//! alone. Bounded: some 50 bytes for each message of the mailbox, and one window of a listing.

use std::collections::{BTreeMap, HashMap};

use async_trait::async_trait;

use crate::domain::failure::{Scope, Side};
use crate::domain::folder::{FolderPath, Role};
use crate::domain::ids::{FolderId, Uid};
use crate::domain::message::MessageKey;
use crate::domain::notice::{Notice, NoticeKind};
use crate::endpoint::{Destination, FolderRef, Source};
use crate::pass::keys::each_window;
use crate::pass::lane::{Lane, Step};
use crate::pass::places::Prepared;
use crate::pass::recorder::ToRecord;
use crate::pass::{Pass, PassResult, PassStop};

/// A source folder that may be a label.
pub(super) struct LabelFolder {
    /// Its row.
    pub row: FolderId,
    /// How the source calls it.
    pub folder: FolderRef,
    /// The owner's own labels come first.
    pub rank: (u8, FolderPath),
}

/// Which labels come before others.
pub(super) fn rank(path: &FolderPath, role: Option<Role>) -> (u8, FolderPath) {
    let class = match role {
        _ if path.is_inbox() => 1,
        None => 0,
        Some(Role::Sent) => 2,
        Some(Role::Drafts) => 3,
        Some(_) => 4,
    };
    (class, path.clone())
}

/// Finds the home of each message; answers by folder, ascending, those that have theirs in another one.
struct Homes<'a> {
    /// In the order of their ranks.
    folders: &'a [&'a LabelFolder],
}

/// What lies in a folder without a watermark.
struct Unknown {
    row: FolderId,
    messages: Vec<(Uid, MessageKey)>,
}

#[async_trait]
impl Step for Homes<'_> {
    /// None where folders are folders.
    type Out = Option<BTreeMap<FolderId, Vec<Uid>>>;

    async fn run(&mut self, pass: &Pass, source: &mut dyn Source, _to: &mut dyn Destination) -> PassResult<Self::Out> {
        if !source.has_labels() {
            return Ok(None);
        }
        pass.recorder.flush().await;
        let (mut homes, mut unknown) = (HashMap::new(), Vec::new());
        for LabelFolder { row, folder, .. } in self.folders {
            let (mut known, mut messages) = (Vec::new(), Vec::new());
            let told = each_window(pass, source, (*row, folder), |told, marks| {
                let is_known = |uid: Uid| marks.binary_search_by_key(&uid, |mark| mark.source).is_ok();
                for (uid, key) in told {
                    if is_known(*uid) { known.push(*key) } else { messages.push((*uid, *key)) }
                }
            });
            match told.await {
                Ok(true) => {
                    for key in known {
                        homes.entry(key).or_insert(*row);
                    }
                    unknown.push(Unknown { row: *row, messages });
                }
                Ok(false) => tracing::info!(folder = %folder.path, "not all ids are told; it is taken as it is"),
                Err(PassStop::Fatal(trouble)) if trouble.failure.scope <= Scope::Folder => {}
                Err(halt) => return Err(halt),
            }
        }
        Ok(Some(unknown.into_iter().map(|folder| (folder.row, elsewhere(folder, &mut homes))).collect()))
    }
}

/// Those of a folder's unknown messages that are at home in another one; the others are at home here.
fn elsewhere(Unknown { row, messages }: Unknown, homes: &mut HashMap<MessageKey, FolderId>) -> Vec<Uid> {
    let mut elsewhere: Vec<Uid> =
        messages.into_iter().filter(|(_, key)| *homes.entry(*key).or_insert(row) != row).map(|(uid, _)| uid).collect();
    elsewhere.sort_unstable();
    elsewhere
}

/// Sorts out which of the new messages of each folder are copied in another one.
pub(super) async fn sort_out(pass: &Pass, lane: &mut Lane, prepared: &mut Prepared) -> PassResult<()> {
    if pass.order.options.all_labels || prepared.groups.iter().flatten().all(|job| job.plan.exists == 0) {
        return Ok(());
    }
    let out = |row: &FolderId| prepared.others.views.contains(row) || prepared.others.unread.contains(row);
    let mut folders: Vec<&LabelFolder> = prepared.labels.iter().filter(|label| !out(&label.row)).collect();
    folders.sort_by(|a, b| a.rank.cmp(&b.rank));
    let Some(mut elsewhere) = pass.run_with_retry(lane, &mut Homes { folders: &folders }).await? else { return Ok(()) };
    let mut messages = 0;
    for job in prepared.groups.iter_mut().flatten() {
        job.remaining.elsewhere = elsewhere.remove(&job.id).unwrap_or_default();
        messages += job.remaining.elsewhere.len() as u64;
    }
    if messages > 0 {
        let (kind, side) = (NoticeKind::OtherLabels, Some(Side::Source));
        let notice = Notice { folder: None, kind, side, messages, numbers: Vec::new(), detail: None };
        pass.recorder.add(ToRecord::notice(notice)).await;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_at_home_where_it_is_known_or_first_met_and_never_left_out_for_its_own_folder() {
        let key = |name: &str| MessageKey::of(name.as_bytes());
        let mut homes = HashMap::from([(key("known"), FolderId(3))]);
        let folder = |row, names: &[&str]| Unknown {
            row: FolderId(row),
            messages: names.iter().enumerate().map(|(at, name)| (Uid(at as i64 + 1), key(name))).collect(),
        };
        assert_eq!(elsewhere(folder(1, &["a", "known", "b", "b"]), &mut homes), [Uid(2)]);
        assert_eq!(elsewhere(folder(2, &["b", "c", "a", "b"]), &mut homes), [Uid(1), Uid(3), Uid(4)]);
        assert_eq!(elsewhere(folder(3, &["known", "c"]), &mut homes), [Uid(2)]);
    }

    #[test]
    fn the_owners_own_labels_come_before_the_inbox_and_that_before_the_others() {
        let path = |name: &str| FolderPath::new([name]);
        let mut all = [
            rank(&path("Spam"), Some(Role::Junk)),
            rank(&path("Sent"), Some(Role::Sent)),
            rank(&path("INBOX"), None),
            rank(&path("Work"), None),
            rank(&path("Drafts"), Some(Role::Drafts)),
            rank(&path("Clients"), None),
        ];
        all.sort();
        let names: Vec<String> = all.iter().map(|(_, path)| path.to_string()).collect();
        assert_eq!(names, ["Clients", "Work", "INBOX", "Sent", "Drafts", "Spam"]);
    }
}
