//! Statuses on their way to the database. One that cannot be written now (a full disk) is kept and tried again, so that no
//! row goes on saying Migrating when its pass has ended.

use super::Dispatcher;
use crate::domain::status::Status;
use crate::engine::run_state::StatusMove;
use crate::engine::snapshot::{ItemRow, LatestPass};
use crate::store::{self, StatusChange};

impl Dispatcher {
    /// Writes what the run state decided and shows it.
    pub(super) async fn write(&mut self, changes: Vec<StatusMove>) {
        if changes.is_empty() {
            return;
        }
        let at = self.workspace.clock.now();
        let rows = changes.iter().map(|StatusMove { item, pass, from, to, failure, hold }| {
            tracing::info!(%item, %pass, ?from, ?to, "status");
            let failure = failure.clone().map(|(side, failure)| store::Ended { failure, side });
            StatusChange { pass: *pass, from: *from, to: *to, failure, hold: *hold }
        });
        self.write_down(rows.collect()).await;
        for StatusMove { item, to, failure, hold, .. } in changes {
            if let Some(row) = self.rows.get(item).cloned() {
                let pass = row.pass.map(|pass| {
                    let started = if to == Status::Queued { pass.started.or(Some(at)) } else { pass.started };
                    LatestPass { started, ended: to.is_at_rest().then_some(at), hold, since: at, ..pass }
                });
                self.rows.put(ItemRow { status: to, pass, failure, mail: None, ..row });
            }
        }
    }

    /// Writes statuses, and before them what could not be written earlier. The run goes on by what the run state knows; what
    /// is never written is recovered at the next start from what the row says.
    pub(super) async fn write_down(&mut self, new: Vec<StatusChange>) {
        let mut changes = std::mem::take(&mut self.unwritten);
        changes.extend(new);
        if changes.is_empty() {
            return;
        }
        match self.workspace.store.set_statuses(changes.clone(), self.workspace.clock.now()).await {
            Ok(refused) => {
                for (pass, error) in refused {
                    tracing::error!(%pass, %error, "status not written");
                }
            }
            Err(error) => {
                tracing::error!(statuses = changes.len(), %error, "statuses not written");
                self.unwritten = changes;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::domain::start_order::StartOrder;

    use crate::domain::pass::PassKind;
    use crate::domain::project::Options;
    use crate::domain::server::Server;
    use crate::domain::status::Status;
    use crate::domain::time::Timestamp;

    use crate::engine::command::Command;

    use crate::engine::{Engine, Workspace};

    use crate::store::{NewItem, Store};

    #[tokio::test(flavor = "multi_thread")]
    async fn an_end_that_could_not_be_written_is_written_when_there_is_room_again() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path(), Timestamp::from_millis(1)).unwrap();
        let server = || Server::parse_url("maildir:/nowhere/at/all/{email}").unwrap();
        let project =
            store.create_project("p".into(), [server(), server()], Options::default(), [None; 2]).await.unwrap();
        let new = NewItem {
            source_email: "a@a.example".into(),
            destination_email: "a@b.example".into(),
            ..NewItem::default()
        };
        let item = store.import_items(project, vec![new]).await.unwrap()[0].id;
        let database = rusqlite::Connection::open(store.path()).unwrap();
        let full = "CREATE TRIGGER full BEFORE UPDATE OF status ON pass WHEN new.status = 'failed'
                    BEGIN SELECT RAISE(ABORT, 'no room'); END";
        database.execute_batch(full).unwrap();
        let engine = Engine::start(Workspace::bare(store.clone(), folder.path()));
        let mut snapshots = engine.snapshots();
        let start =
            Command::Start { project, items: vec![item], lacking: Vec::new(), order: StartOrder::now(PassKind::Full) };
        assert_eq!(engine.command(start).await.done, [item]);
        let failed = |row: &std::sync::Arc<crate::engine::snapshot::ItemRow>| row.status == Status::Failed;
        snapshots.wait_for(|snapshot| snapshot.rows().any(failed)).await.unwrap();
        let row = store.item(item).await.unwrap();
        assert!(row.status().is_active() && row.latest.unwrap().failure.is_none(), "nothing could be written");
        let again = || Command::Start {
            project,
            items: vec![item],
            lacking: Vec::new(),
            order: StartOrder::now(PassKind::Full),
        };
        let refused = engine.command(again()).await;
        assert!(
            refused.done.is_empty() && refused.error.as_ref().is_some_and(|why| why.to_string().contains("make room")),
            "{refused:?}"
        );
        database.execute_batch("DROP TRIGGER full").unwrap();
        assert_eq!(engine.command(again()).await.done, [item], "without starting the program again");
        assert_eq!(store.passes(item).await.unwrap().len(), 2);
        snapshots.wait_for(|snapshot| snapshot.rows().any(failed)).await.unwrap();
        engine.close().await;
        let row = store.item(item).await.unwrap();
        assert_eq!(row.status(), Status::Failed);
        assert!(row.latest.unwrap().failure.is_some(), "with its reason");
    }
}
