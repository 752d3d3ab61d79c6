//! What became of the demo, told in a sentence and as the closing table.

use super::Demo;
use super::samples::TOO_BIG;
use crate::cli::error::{CliError, Exit};
use crate::cli::status::{failure_text, item_error_line};
use crate::cli::table::{Table, clean};
use crate::domain::ids::ItemId;
use crate::domain::pass::PassKind;
use crate::domain::record::Counts;
use crate::domain::status::{Status, display};
use crate::domain::wording::size;
use crate::engine::desk::Ending;
use crate::store::{PassRow, Store, StoreError};

/// How the passes ended, all together.
#[derive(Default)]
struct Sum {
    items: usize,
    completed: usize,
    failed: usize,
    counts: Counts,
}

/// Against what was planned.
enum Verdict {
    AsPlanned,
    Stopped,
    Otherwise,
}

impl Sum {
    fn add(&mut self, status: Status, counts: &Counts) {
        self.items += 1;
        self.completed += usize::from(status == Status::Completed);
        self.failed += usize::from(status == Status::Failed);
        self.counts.add(counts);
    }

    fn verdict(&self) -> Verdict {
        match self.completed == self.items {
            true if self.counts.errors == TOO_BIG && self.counts.balanced() => Verdict::AsPlanned,
            false if self.failed == 0 => Verdict::Stopped,
            _ => Verdict::Otherwise,
        }
    }
}

/// What the window says when nothing runs any more.
pub fn ending(ends: &[(Status, Counts)]) -> Ending {
    let mut sum = Sum::default();
    ends.iter().for_each(|(status, counts)| sum.add(*status, counts));
    let Sum { items, completed, .. } = sum;
    match sum.verdict() {
        Verdict::AsPlanned => Ending {
            well: true,
            words: format!(
                "Demo ended: {items} mailboxes moved, {TOO_BIG} messages were too big, as planned. \
                 Look around, then close the window; nothing stays behind"
            ),
        },
        Verdict::Stopped => Ending {
            well: false,
            words: format!(
                "Demo stopped: {completed} of {items} mailboxes moved. Start goes on with the others; nothing stays behind \
                 when the window closes"
            ),
        },
        Verdict::Otherwise => Ending {
            well: false,
            words: format!(
                "Demo ended, but not as planned: {completed} of {items} mailboxes moved. Please report it with the table \
                 that the terminal shows when the window closes"
            ),
        },
    }
}

/// The closing table, the refused messages, and whether all went as planned.
pub async fn conclude(demo: &Demo) -> Result<Exit, CliError> {
    let Demo { opened, project, .. } = demo;
    let mut table = Table::new(&["From", "Into", "Status", ">Folders", ">Messages", ">Data", ">Errors"]);
    let (mut sum, mut folders, mut copied, mut bytes) = (Sum::default(), 0, 0, 0);
    let mut refused = Vec::new();
    for row in opened.store.items(project.id).await?.iter().filter(|row| demo.items.contains(&row.item.id)) {
        let source = &row.item.source.email;
        let passes = full_passes(&opened.store, row.item.id).await?;
        let status = passes.first().map_or(Status::NotSubmitted, |last| last.status);
        let progress = passes.first().map(|last| last.progress.clone()).unwrap_or_default();
        // A mailbox that was stopped and started again was moved by several passes; the last one knows what is missing.
        let moved = |what: fn(&Counts) -> u64| passes.iter().map(|pass| what(&pass.progress.counts)).sum::<u64>();
        let (messages, data, errors) = (moved(|it| it.copied), moved(|it| it.bytes), progress.counts.errors);
        table.row(vec![
            source.clone(),
            row.item.destination.email.clone(),
            display(status, Some(PassKind::Full), &progress.counts, None, opened.clock.now()),
            format!("{}/{}", progress.folders_done, progress.folders_total),
            messages.to_string(),
            size(data),
            errors.to_string(),
        ]);
        sum.add(status, &progress.counts);
        folders += progress.folders_done;
        copied += messages;
        bytes += data;
        let Some(last) = passes.first() else { continue };
        if let Some(ended) = &last.failure {
            let text = failure_text(project, row, ended.side, &ended.failure);
            warn!("{}: {}. {} {}", clean(source), text.headline, text.what, text.todo);
        }
        for error in opened.store.item_errors(last.id, u32::MAX, 0).await? {
            let line = item_error_line(project, row, &error.error);
            refused.push(format!("  {}: {}", clean(source), clean(&line)));
        }
    }
    let mailboxes = format!("{} mailboxes", sum.items);
    let mut cells = vec!["Total".into(), String::new(), mailboxes, folders.to_string(), copied.to_string()];
    cells.extend([size(bytes), sum.counts.errors.to_string()]);
    table.row(cells);
    say!("");
    table.print();
    if !refused.is_empty() {
        say!("\nNot moved, and still at the source:");
        refused.iter().for_each(|line| say!("{line}"));
    }
    say!("");
    let verdict = sum.verdict();
    match verdict {
        Verdict::AsPlanned => say!(
            "All as planned: {TOO_BIG} messages were too big for this destination. Nothing of the demo stays behind."
        ),
        Verdict::Stopped => say!("Stopped. Nothing of the demo stays behind."),
        Verdict::Otherwise => warn!("This did not go as planned: please report it with the lines above."),
    }
    Ok(if matches!(verdict, Verdict::AsPlanned) { Exit::Well } else { Exit::Items })
}

/// The Full passes of an item, newest first. A Verify that somebody started in the window moved nothing.
async fn full_passes(store: &Store, item: ItemId) -> Result<Vec<PassRow>, StoreError> {
    let mut passes = store.passes(item).await?;
    passes.retain(|pass| pass.kind == PassKind::Full);
    Ok(passes)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two mailboxes, of which the second ended like this.
    fn ends(status: Status, errors: u64) -> Ending {
        let moved = |source, errors| Counts { source, copied: source - errors, errors, ..Counts::default() };
        ending(&[(Status::Completed, moved(9, 0)), (status, moved(9, errors))])
    }

    #[test]
    fn the_window_says_how_it_ended() {
        let planned = ends(Status::Completed, TOO_BIG);
        assert!(planned.well && planned.words.starts_with("Demo ended: 2 mailboxes moved, 2 messages"), "{planned:?}");
        let stopped = ends(Status::Stopped, 0);
        assert!(!stopped.well && stopped.words.starts_with("Demo stopped: 1 of 2 mailboxes moved"), "{stopped:?}");
        for other in [ends(Status::Completed, 0), ends(Status::Completed, 3), ends(Status::Failed, TOO_BIG)] {
            assert!(!other.well && other.words.contains("not as planned"), "{other:?}");
        }
        let lost = ending(&[(Status::Completed, Counts { source: 9, errors: TOO_BIG, ..Counts::default() })]);
        assert!(!lost.well, "a sum that does not hold is no success");
    }
}
