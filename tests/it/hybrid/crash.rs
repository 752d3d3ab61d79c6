//! Ends of the program at every point around every order: at each half of each order's call, and at each write.

use std::sync::Arc;

use mailferry::service::hybrid::{self, MoveStatus, batches};

use super::{Stage, address};
use crate::support::oidc::{self, Oidc};
use crate::support::tenant::MINUTE;

/// Users whose mailboxes take two hours.
const FIRST: usize = 19;
const SECOND: usize = 28;

/// The moves of a person, each repeated until it is taken, with rounds in between; whatever breaks off is done again by the
/// next round of another runner.
struct Script<'a> {
    stage: &'a Stage,
    /// Whether the round that runs was ended.
    ended: bool,
}

impl Script<'_> {
    /// A round that may be ended in its middle: it learns nothing of it.
    async fn round(&mut self) {
        let stage = self.stage;
        let (workspace, project) = (stage.workspace.clone(), stage.project.id);
        #[expect(clippy::disallowed_methods, reason = "it is ended by the test")]
        let mut round = tokio::spawn(async move { hybrid::once(&workspace, project, None).await.map(drop) });
        let mut broke = false;
        let ended = tokio::select! {
            ended = &mut round => ended,
            () = stage.tenant.left_unanswered() => {
                broke = true;
                round.abort();
                round.await
            }
        };
        match ended {
            Ok(Ok(())) => {}
            // The disk broke off, as the test wanted.
            Ok(Err(error)) => {
                assert!(error.to_string().contains("crash"), "{error}");
                broke = true;
            }
            Err(error) => assert!(error.is_cancelled(), "{error}"),
        }
        if broke {
            stage.tenant.answers(None);
            self.broke_off();
        }
    }

    async fn until(&mut self, is: impl AsyncFn(&Stage) -> bool) {
        for _ in 0..400 {
            self.round().await;
            if is(self.stage).await {
                return;
            }
            self.stage.now.step(30 * MINUTE);
        }
        panic!("it never came to that: {:?}", self.stage.users(&[address(FIRST), address(SECOND)]).await);
    }

    async fn play(&mut self) {
        let stage = self.stage;
        let line = stage.line("wave 1").await;
        let (workspace, project, batch) = (&stage.workspace, &stage.project, line.batch.id);
        if batches::start(workspace, project, batch, true).await.is_err() {
            self.broke_off();
            batches::start(workspace, project, batch, true).await.expect("started");
        }
        let pending = async |stage: &Stage| {
            let users = stage.users(&[address(FIRST), address(SECOND)]).await;
            users.iter().all(|user| user.status == MoveStatus::PendingFinalization && user.open.is_empty())
        };
        self.until(pending).await;
        let (first, second) = (stage.users(&[address(FIRST)]).await, stage.users(&[address(SECOND)]).await);
        if batches::finalize(workspace, project, batch, Some(&first), None).await.is_err() {
            self.broke_off();
            batches::finalize(workspace, project, batch, Some(&first), None).await.expect("ordered");
        }
        if batches::move_out(workspace, project, &second).await.is_err() {
            self.broke_off();
            assert_eq!(batches::move_out(workspace, project, &second).await.expect("ordered"), []);
        }
        let done = async |stage: &Stage| {
            let first = stage.user(FIRST).await;
            first.status == MoveStatus::Completed && first.open.is_empty() && stage.user(SECOND).await.batch.is_none()
        };
        self.until(done).await;
        self.check();
    }

    fn broke_off(&mut self) {
        self.ended = true;
        free_the_disk(self.stage);
    }

    /// The tenant is as it was ordered, and nothing was ordered twice.
    fn check(&self) {
        let world = self.stage.tenant.world();
        for (cmdlet, times) in [
            ("New-MigrationBatch", 1),
            ("Start-MigrationBatch", 1),
            ("setLocation", 2),
            ("assignLicense", 2),
            ("Set-MigrationUser", 1),
            ("Stop-MigrationUser", 1),
            ("Remove-MigrationUser", 1),
        ] {
            assert_eq!(world.count(cmdlet), times, "{cmdlet}: {:?}", world.done);
        }
        assert!(world.people[&address(FIRST)].mailbox && !world.people[&address(SECOND)].mailbox);
        assert!(world.people[&address(FIRST)].properties.contains_key("ProhibitSendReceiveQuota"));
        assert!(!world.movers.contains_key(&address(SECOND)));
        drop(world);
        self.stage.tenant.assert_good();
    }
}

async fn stage(oidc: &Arc<Oidc>) -> Stage {
    let stage =
        Stage::over(Arc::clone(oidc), [FIRST, SECOND], |settings| settings.attributes.set("quota=50GB").unwrap()).await;
    stage.batch("wave 1", [FIRST, SECOND]).await;
    stage
}

fn database(stage: &Stage) -> rusqlite::Connection {
    let database = rusqlite::Connection::open(stage.folder.path().join("workspace.db")).expect("the database");
    database.busy_timeout(std::time::Duration::from_secs(10)).expect("set");
    database
}

/// Writes are refused from the so many-th row on.
fn limit_the_disk(stage: &Stage, rows: i64) {
    let mut sql = format!("CREATE TABLE crash (rows INTEGER NOT NULL); INSERT INTO crash VALUES ({rows});");
    for (number, event) in [
        "INSERT ON hybrid_order",
        "UPDATE ON hybrid_order",
        "UPDATE ON hybrid_user",
        "UPDATE ON hybrid_batch",
        "INSERT ON hybrid_event",
        "INSERT ON license_entry",
    ]
    .iter()
    .enumerate()
    {
        sql += &format!(
            "CREATE TRIGGER crash_{number} AFTER {event} BEGIN
                 UPDATE crash SET rows = rows - 1;
                 SELECT RAISE(ABORT, 'crash') FROM crash WHERE rows < 0;
             END;"
        );
    }
    database(stage).execute_batch(&sql).expect("limited");
}

fn free_the_disk(stage: &Stage) {
    let _ = database(stage).execute("UPDATE crash SET rows = 1000000000", []);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_end_at_either_half_of_any_order_loses_and_doubles_nothing() {
    if !oidc::available() {
        return;
    }
    let oidc = Arc::new(Oidc::start(3600));
    for half in 0..200 {
        let stage = stage(&oidc).await;
        stage.tenant.answers(Some(half));
        let mut script = Script { stage: &stage, ended: false };
        script.play().await;
        if !script.ended {
            assert!(half > 16, "there are more orders than that: {half}");
            return;
        }
    }
    panic!("there is no end of orders");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_end_after_any_write_loses_and_doubles_nothing() {
    if !oidc::available() {
        return;
    }
    let oidc = Arc::new(Oidc::start(3600));
    for rows in 0..600 {
        let stage = stage(&oidc).await;
        limit_the_disk(&stage, rows);
        let mut script = Script { stage: &stage, ended: false };
        script.play().await;
        if !script.ended {
            assert!(rows > 50, "there are more writes than that: {rows}");
            return;
        }
    }
    panic!("there is no end of writes");
}
