//! The page that shows where a pass would put every folder, before it runs: what is asked, what came, what is shown of it.

use std::collections::HashMap;

use tokio_util::sync::{CancellationToken, DropGuard};

use crate::domain::ids::{ItemId, ProjectId};
use crate::domain::preview::{FolderFate, Preview, PreviewFlag, PreviewLine};
use crate::domain::time::Timestamp;
use crate::domain::wording::count;
use crate::service::client::RequestId;
use crate::service::preview::{Unsaved, because, flag_text, skipped_text};
use crate::ui::model::forms::OptionsForm;
use crate::ui::model::words::counted;

/// Items that can be chosen among; the grid finds the others.
pub const CHOICES: usize = 200;

/// How far it is.
#[derive(Debug)]
pub enum Looking {
    /// Both mailboxes are being looked at: since when, under which request. Dropped, the question is cancelled.
    UnderWay(Timestamp, Option<RequestId>, DropGuard),
    /// A person gave it up.
    GivenUp,
    /// It did not work out, and why.
    Failed(String),
    /// What a pass would do, and when that was seen.
    Seen(Preview, Timestamp),
}

/// The page.
#[derive(Debug)]
pub struct PreviewPage {
    /// Whose items.
    pub project: ProjectId,
    /// The items among which one is shown.
    pub among: Vec<ItemId>,
    /// What the first of them are called: those that can be chosen.
    pub names: Vec<(ItemId, String)>,
    /// The one that is shown.
    pub item: ItemId,
    /// Only folders that need a look.
    pub only_flagged: bool,
    /// What counts here although it is not saved, and the dialog where it was typed.
    pub unsaved: Option<(Unsaved, Box<OptionsForm>)>,
    /// How far it is.
    pub looking: Looking,
}

impl PreviewPage {
    /// For these items, beginning with the first; none without one. `rows` are what they are called.
    pub fn new(project: ProjectId, among: Vec<ItemId>, rows: impl Iterator<Item = (ItemId, String)>) -> Option<Self> {
        let item = *among.first()?;
        let mut known: HashMap<ItemId, String> = rows.collect();
        let first = among.iter().take(CHOICES);
        let names = first.filter_map(|item| Some((*item, known.remove(item)?))).collect();
        let (unsaved, looking) = (None, Looking::GivenUp);
        Some(Self { project, among, names, item, only_flagged: false, unsaved, looking })
    }

    /// Whether an answer is under way.
    pub fn is_looking(&self) -> bool {
        matches!(self.looking, Looking::UnderWay(..))
    }

    /// An item is to be looked at from now on; what the question carries, to be cancelled by.
    pub fn begin(&mut self, item: ItemId, now: Timestamp) -> CancellationToken {
        let cancel = CancellationToken::new();
        (self.item, self.only_flagged) = (item, false);
        self.looking = Looking::UnderWay(now, None, cancel.clone().drop_guard());
        cancel
    }

    /// The question has this id.
    pub fn is_asked(&mut self, request: Option<RequestId>) {
        if let Looking::UnderWay(_, asked, _) = &mut self.looking {
            *asked = request;
        }
    }

    /// Whether it waits for this answer.
    pub fn waits_for(&self, request: Option<RequestId>) -> bool {
        matches!(&self.looking, Looking::UnderWay(_, asked, _) if *asked == request)
    }

    /// The lines that are shown.
    pub fn lines(&self) -> Vec<&PreviewLine> {
        let Looking::Seen(preview, _) = &self.looking else { return Vec::new() };
        preview.lines.iter().filter(|line| !self.only_flagged || !flags(line).is_empty()).collect()
    }

    /// How many folders need a look.
    pub fn needs_look(&self) -> usize {
        let Looking::Seen(preview, _) = &self.looking else { return 0 };
        preview.lines.iter().filter(|line| !flags(line).is_empty()).count()
    }
}

/// What a person should look at.
pub fn flags(line: &PreviewLine) -> &[PreviewFlag] {
    match &line.fate {
        FolderFate::Goes { flags, .. } => flags,
        FolderFate::LeftOut(_) => &[],
    }
}

/// What it comes to: "14 folders to copy, 3 of them new, 2 left out".
pub fn summary(preview: &Preview) -> String {
    let goes = |new: bool| {
        let all = preview.lines.iter();
        all.filter(|line| matches!(&line.fate, FolderFate::Goes { exists, .. } if !new || !exists)).count()
    };
    let left = preview.lines.len() - goes(false);
    let new = match goes(true) {
        0 => String::new(),
        new => format!(", {} not there yet", count(new as u64)),
    };
    format!("{} to copy{new}, {} left out", counted(goes(false), "folder"), count(left as u64))
}

/// What needs a look, counted by kind.
pub fn counts(preview: &Preview) -> Vec<String> {
    let with =
        |kind: fn(&PreviewFlag) -> bool| preview.lines.iter().filter(|line| flags(line).iter().any(kind)).count();
    let kinds = [
        (with(|flag| matches!(flag, PreviewFlag::Shared(_))), "with a shared destination"),
        (with(|flag| matches!(flag, PreviewFlag::DiffersInCase(_))), "with another that differs only in case"),
        (with(|flag| matches!(flag, PreviewFlag::NameChanged)), "with a changed name"),
        (with(|flag| matches!(flag, PreviewFlag::OfProvider(_))), "of which the provider is known for something"),
    ];
    kinds
        .into_iter()
        .filter(|(some, _)| *some > 0)
        .map(|(some, what)| format!("{} {what}", counted(some, "folder")))
        .collect()
}

/// A line in words: source folder, messages, where it goes, why.
pub fn cells(line: &PreviewLine) -> [String; 4] {
    let messages = line.messages.map_or_else(|| "?".to_owned(), count);
    let (to, mut why) = match &line.fate {
        FolderFate::LeftOut(reason) => (String::new(), vec![reason.word().to_owned()]),
        FolderFate::Goes { to, reason, exists, flags } => {
            let to = if *exists { to.to_string() } else { format!("(new) {to}") };
            (to, flags.iter().map(flag_text).chain([because(*reason).to_owned()]).collect())
        }
    };
    why.extend(skipped_text(line));
    [line.folder.to_string(), messages, to, why.join("; ")]
}

/// All that is shown, as a table to be pasted.
pub fn as_text(page: &PreviewPage) -> String {
    let head = "Folder\tMessages\tGoes to\tWhy".to_owned();
    let lines = page.lines().into_iter().map(|line| cells(line).map(|cell| cell.replace(['\t', '\n'], " ")).join("\t"));
    [head].into_iter().chain(lines).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_question_is_cancelled_when_another_item_is_looked_at_and_an_old_answer_is_not_taken() {
        assert!(PreviewPage::new(ProjectId(1), Vec::new(), std::iter::empty()).is_none());
        let mut page = PreviewPage::new(ProjectId(1), vec![ItemId(1), ItemId(2)], std::iter::empty()).unwrap();
        let at = Timestamp::from_millis;
        let first = page.begin(ItemId(1), at(1));
        page.is_asked(Some(7));
        assert!(page.is_looking() && page.waits_for(Some(7)) && !first.is_cancelled());
        let second = page.begin(ItemId(2), at(2));
        page.is_asked(Some(8));
        assert!(first.is_cancelled() && !second.is_cancelled() && !page.waits_for(Some(7)));
        drop(page);
        assert!(second.is_cancelled());
    }
}
