//! What others do, what is missing, what is never seen before: shown, waited for, nothing assumed.

use mailferry::service::hybrid::batches::{self, Started};
use mailferry::service::hybrid::{self, MoveStatus, check};

use super::{Stage, address};
use crate::support::oidc::{self, APP_SECRET, UNCONSENTED};
use crate::support::tenant::{Fault, HOUR, MINUTE};

async fn lines(stage: &Stage) -> String {
    let users = hybrid::users::all(&stage.workspace, &stage.project).await.unwrap();
    let project = stage.project().await;
    let lines = check::check(&stage.workspace, &project, &users).await.unwrap();
    lines.iter().map(|line| format!("{line}\n")).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_check_names_each_thing_that_is_wrong_with_its_remedy_and_a_start_refuses_what_blocks() {
    if !oidc::available() {
        return;
    }
    let stage = Stage::new(5, |settings| settings.location = String::new()).await;
    let good = lines(&stage).await;
    assert_eq!(good.matches("wrong ").count(), 1, "only locations are missing: {good}");
    assert!(good.contains("wrong    they have a usage location: not so for 5 users"), "{good}");
    {
        let mut world = stage.tenant.world();
        world.people.remove(&address(0));
        world.people.get_mut(&address(1)).unwrap().mailbox = true;
        world.people.get_mut(&address(2)).unwrap().guid = false;
        world.people.get_mut(&address(3)).unwrap().proxies.pop();
        world.skus[0].consumed = 999;
        world.endpoints.insert("OnPrem".into(), Some("MRSProxy is not enabled".into()));
    }
    stage.batch("wave 1", 0..5).await;
    let bad = lines(&stage).await;
    for line in [
        "wrong    the server behind OnPrem answers and lets the service in: MRSProxy is not enabled",
        "wrong    the users are known in the tenant: not so for 1 user: user0000@contoso.example",
        "wrong    none has a mailbox in the tenant already: not so for 1 user: user0001@contoso.example",
        "wrong    their mailboxes on-premises are known in the tenant (ExchangeGuid): not so for 1 user: user0002@",
        "wrong    they have an address @contoso.mail.onmicrosoft.com: not so for 1 user: user0003@contoso.example",
        "wrong    5 licenses of ENTERPRISEPACK free for them: 1 free",
    ] {
        assert!(bad.contains(line), "{line}\n{bad}");
    }
    let batch = stage.line("wave 1").await.batch.id;
    let refused = batches::start(&stage.workspace, &stage.project, batch, false).await.unwrap();
    assert!(matches!(refused, Started::NotReady(_)), "{refused:?}");
    assert_eq!(stage.line("wave 1").await.status, MoveStatus::NotSubmitted);
    assert!(stage.tenant.world().done.is_empty(), "nothing was ordered");
    stage.tenant.world().endpoints.clear();
    assert!(lines(&stage).await.contains("wrong    the migration endpoint OnPrem exists: there is none"));
    stage.tenant.world().withdrawn = true;
    let denied = lines(&stage).await;
    assert!(denied.contains("wrong    the application may order moves") && denied.contains("hybrid guide"), "{denied}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_application_without_rights_is_named_before_anything_is_asked_of_exchange() {
    if !oidc::available() {
        return;
    }
    let stage = Stage::new(1, |settings| settings.sign_in.client_id = UNCONSENTED.into()).await;
    let told = lines(&stage).await;
    assert!(told.contains("Exchange.ManageAsApp is not granted to the application"), "{told}");
    assert!(stage.tenant.world().calls.is_empty(), "no token went there");
    assert!(!told.contains(APP_SECRET));
}

#[tokio::test(flavor = "multi_thread")]
async fn rights_that_are_withdrawn_midway_hold_everything_say_so_and_it_goes_on_with_them() {
    if !oidc::available() {
        return;
    }
    let stage = Stage::new(2, |_| ()).await;
    stage.batch("wave 1", 0..2).await;
    stage.start("wave 1").await;
    stage.rounds(10, 40).await;
    stage.tenant.world().withdrawn = true;
    let end = stage.round().await;
    let trouble = end.trouble.expect("it is told");
    assert!(trouble.text.contains("a role of the application is missing"), "{trouble:?}");
    let calls = stage.tenant.world().calls.len();
    stage.rounds(1, 9).await;
    assert_eq!(stage.tenant.world().calls.len(), calls, "nobody asks again and again");
    stage.rounds(10, 24 * 60).await;
    assert_eq!(stage.line("wave 1").await.status, MoveStatus::Syncing);
    stage.tenant.world().withdrawn = false;
    stage.until("wave 1", MoveStatus::PendingFinalization).await;
    assert_eq!(stage.project().await.trouble, None);
    stage.tenant.assert_good();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_storm_of_429_is_waited_out_and_a_named_pause_obeyed() {
    if !oidc::available() {
        return;
    }
    let stage = Stage::new(1, |_| ()).await;
    stage.batch("wave 1", 0..1).await;
    for _ in 0..5 {
        stage.tenant.world().plan("New-MigrationBatch", 0, Fault::Throttled(Some(1800)));
    }
    stage.start("wave 1").await;
    let end = stage.round().await;
    assert!(
        end.trouble.as_ref().is_some_and(|trouble| trouble.until.millis() == stage.now.get() + 1800 * 1000),
        "{end:?}"
    );
    let asked = stage.tenant.world().calls.len();
    stage.rounds(1, 29).await;
    assert_eq!(stage.tenant.world().calls.len(), asked);
    stage.until("wave 1", MoveStatus::PendingFinalization).await;
    assert_eq!(stage.tenant.world().count("New-MigrationBatch"), 1);
    stage.tenant.assert_good();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_somebody_else_does_at_the_service_is_seen_and_not_ordered_again() {
    if !oidc::available() {
        return;
    }
    let stage = Stage::new(3, |_| ()).await;
    let line = stage.batch("wave 1", 0..3).await;
    stage.start("wave 1").await;
    stage.until("wave 1", MoveStatus::PendingFinalization).await;
    stage.rounds(10, 60).await;
    // One user is taken out there, the batch is completed there.
    {
        let now = stage.now.get();
        let mut world = stage.tenant.world();
        world.movers.remove(&address(2));
        world.batches.get_mut(&line.batch.remote_name).unwrap().complete_after = Some(now);
    }
    stage.rounds(10, 4 * 60).await;
    for number in [0, 1] {
        assert_eq!(stage.user(number).await.status, MoveStatus::Completed);
    }
    let gone = stage.user(2).await;
    assert_eq!(gone.status, MoveStatus::Failed);
    assert!(gone.note.as_deref().unwrap().contains("somebody has taken the user out"), "{gone:?}");
    assert_eq!(stage.tenant.world().count("Set-MigrationBatch"), 0);
    stage.tenant.assert_good();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_word_never_seen_before_is_shown_as_it_is_and_nothing_is_assumed() {
    if !oidc::available() {
        return;
    }
    let stage = Stage::new(1, |_| ()).await;
    stage.batch("wave 1", 0..1).await;
    stage.start("wave 1").await;
    stage.rounds(10, 60).await;
    stage.tenant.world().people.get_mut(&address(0)).unwrap().odd_word = Some("Hibernating\u{1b}[31m".into());
    stage.rounds(10, 30 * 60).await;
    let user = stage.user(0).await;
    assert_eq!((user.status, user.told.word.as_deref()), (MoveStatus::Syncing, Some("Hibernating [31m")));
    stage.tenant.world().people.get_mut(&address(0)).unwrap().odd_word = None;
    stage.until("wave 1", MoveStatus::PendingFinalization).await;
    stage.tenant.assert_good();
}

#[tokio::test(flavor = "multi_thread")]
async fn licenses_wait_for_a_free_unit_a_location_and_a_known_mailbox_and_come_by_themselves() {
    if !oidc::available() {
        return;
    }
    let stage = Stage::new(3, |settings| settings.location = String::new()).await;
    {
        let mut world = stage.tenant.world();
        world.skus[0].enabled = 1;
        for number in [0, 1] {
            world.people.get_mut(&address(number)).unwrap().location = Some(("DE".into(), 0));
        }
    }
    let line = stage.batch("wave 1", 0..3).await;
    batches::start(&stage.workspace, &stage.project, line.batch.id, true).await.unwrap();
    stage.until("wave 1", MoveStatus::PendingFinalization).await;
    stage.rounds(10, 120).await;
    let notes = || async {
        let orders = batches::orders(&stage.workspace, line.batch.id).await.unwrap();
        let mut notes: Vec<String> = orders.into_iter().filter_map(|order| order.note).collect();
        notes.sort();
        notes
    };
    let told = notes().await;
    assert_eq!(told.len(), 2, "{told:?}");
    assert!(told[0].contains("no license is free") && told[1].contains("no usage location"), "{told:?}");
    assert_eq!(stage.tenant.world().count("assignLicense"), 1);
    // Who waits for a license is finalized all the same when a person says so.
    let third = stage.users(&[address(2)]).await;
    batches::finalize(&stage.workspace, &stage.project, line.batch.id, Some(&third), None).await.unwrap();
    stage.rounds(10, 120).await;
    assert_eq!(stage.user(2).await.status, MoveStatus::Completed);
    {
        let mut world = stage.tenant.world();
        world.skus[0].enabled = 3;
        world.people.get_mut(&address(2)).unwrap().location = Some(("AT".into(), 0));
    }
    stage.rounds(10, 120).await;
    let assigned = stage.tenant.world().count("assignLicense");
    assert_eq!((assigned, notes().await), (3, Vec::new()));
    stage.tenant.assert_good();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_user_that_is_in_another_batch_of_the_tenant_fails_the_batch_with_the_services_words() {
    if !oidc::available() {
        return;
    }
    let stage = Stage::new(2, |_| ()).await;
    stage.batch("wave 1", 0..2).await;
    stage.start("wave 1").await;
    let mover = crate::support::tenant::Mover {
        batch: "theirs".into(),
        created: 0,
        state: crate::support::tenant::State::Syncing,
        since: stage.now.get(),
        complete_after: None,
        approved: false,
        tries: 1,
        error: None,
    };
    stage.tenant.world().movers.insert(address(1), mover);
    stage.round().await;
    let user = stage.user(0).await;
    assert_eq!(user.status, MoveStatus::Failed);
    assert!(user.note.as_deref().unwrap().contains("already included in migration batch theirs"), "{user:?}");
    // It is corrected there, and the batch started again: it is made then.
    stage.tenant.world().movers.remove(&address(1));
    stage.start("wave 1").await;
    stage.until("wave 1", MoveStatus::PendingFinalization).await;
    stage.tenant.assert_good();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_that_takes_bytes_as_numbers_only_gets_them_so() {
    if !oidc::available() {
        return;
    }
    let stage = Stage::new(1, |_| ()).await;
    stage.tenant.world().numbers_only = true;
    stage.batch("wave 1", 0..1).await;
    stage.start("wave 1").await;
    stage.rounds(10, 40).await;
    assert_eq!(stage.tenant.world().count("New-MigrationBatch"), 1);
    assert_eq!(stage.user(0).await.status, MoveStatus::Syncing);
    stage.tenant.assert_good();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_report_comes_on_demand_and_is_kept_and_a_project_that_moves_is_not_deleted() {
    if !oidc::available() {
        return;
    }
    let stage = Stage::new(1, |_| ()).await;
    stage.batch("wave 1", 0..1).await;
    stage.start("wave 1").await;
    stage.rounds(10, 3 * 60).await;
    assert_eq!(stage.tenant.world().count("report"), 0);
    let (_, text) = hybrid::report(&stage.workspace, &stage.project, &stage.user(0).await).await.unwrap();
    assert_eq!(text, "Stage: CopyingMessages.\nNothing odd.");
    let refused = hybrid::remove(&stage.workspace, &stage.project).await.unwrap_err();
    assert!(refused.to_string().contains("stop them first"), "{refused}");
    stage.now.step(HOUR + MINUTE);
    stage.until("wave 1", MoveStatus::PendingFinalization).await;
    stage.finalize("wave 1").await;
    stage.until("wave 1", MoveStatus::Completed).await;
    stage.rounds(5, 15).await;
    hybrid::remove(&stage.workspace, &stage.project).await.unwrap();
    assert!(hybrid::all(&stage.workspace).await.unwrap().is_empty());
    let mut last = None;
    mailferry::service::licenses::each(&stage.workspace, None, |entry| last = Some(entry)).await.unwrap();
    let last = last.expect("entries");
    assert_eq!((last.kind, last.of.unwrap().source), (mailferry::domain::license::EntryKind::Loss, address(0)));
}
