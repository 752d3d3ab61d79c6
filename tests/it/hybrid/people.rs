//! What a person does with batches, from Not Submitted to Completed (R28 to R36).

use mailferry::domain::license::EntryKind;
use mailferry::service::ServiceError;
use mailferry::service::hybrid::batches::{self, Started};
use mailferry::service::hybrid::{self, LeftOut, MoveRefusal, MoveStatus, PREVIEW, percent};

use super::{Stage, address};
use crate::support::oidc;
use crate::support::tenant::{Fault, HOUR, MINUTE};

#[tokio::test(flavor = "multi_thread")]
async fn r28_r29_users_join_until_the_batch_is_submitted_and_nobody_after() {
    if !oidc::available() {
        return;
    }
    let stage = Stage::new(4, |_| ()).await;
    let batch = stage.batch("wave 1", 0..2).await;
    assert_eq!((batch.status, batch.progress.users), (MoveStatus::NotSubmitted, 2));
    // From one batch into another, as long as neither was submitted.
    let other = stage.batch("wave 2", 1..3).await;
    assert_eq!((stage.line("wave 1").await.progress.users, other.progress.users), (1, 2));
    stage.start("wave 1").await;
    let late = stage.users(&[address(3)]).await;
    let refused = batches::move_in(&stage.workspace, &stage.project, batch.batch.id, &late).await.unwrap_err();
    assert!(refused.to_string().contains("nobody joins it after that"), "{refused}");
    let member = stage.users(&[address(0)]).await;
    let left = batches::move_in(&stage.workspace, &stage.project, other.batch.id, &member).await.unwrap();
    assert_eq!(left, [LeftOut { address: address(0), why: MoveRefusal::InSubmittedBatch }]);
    assert_eq!(stage.line("wave 1").await.progress.users, 1);
    // The database refuses it too.
    let database = rusqlite::Connection::open(stage.folder.path().join("workspace.db")).unwrap();
    let forced =
        database.execute("UPDATE hybrid_user SET batch = ?1 WHERE address = ?2", (batch.batch.id.0, address(3)));
    assert!(forced.unwrap_err().to_string().contains("nobody joins a batch that was submitted"));
    let again = batches::start(&stage.workspace, &stage.project, batch.batch.id, true).await.unwrap_err();
    assert!(again.to_string().contains("on its way already"), "{again}");
    let empty = batches::new(&stage.workspace, &stage.project, "wave 3").await.unwrap();
    let empty = batches::start(&stage.workspace, &stage.project, empty, true).await.unwrap_err();
    assert!(empty.to_string().contains("it has no users"), "{empty}");
}

#[tokio::test(flavor = "multi_thread")]
async fn r30_who_is_moved_out_is_gone_at_the_service_and_this_is_asked_first() {
    if !oidc::available() {
        return;
    }
    let stage = Stage::new(3, |_| ()).await;
    stage.batch("wave 1", 0..3).await;
    stage.tenant.world().people.get_mut(&address(1)).unwrap().leaves_move = true;
    assert_eq!(batches::move_out_question(&stage.users(&[address(0)]).await), None);
    stage.start("wave 1").await;
    stage.rounds(10, 60).await;
    let leaving = stage.users(&[address(0), address(1)]).await;
    assert_eq!(leaving[0].status, MoveStatus::Syncing);
    let question = batches::move_out_question(&leaving).expect("it is asked");
    assert!(question.starts_with("2 users are in a batch that was submitted: what was migrated for them is deleted"));
    stage.tenant.world().plan("Stop-MigrationUser", 0, Fault::LostAnswer);
    stage.tenant.world().plan("Remove-MigrationUser", 0, Fault::LostAnswer);
    assert_eq!(batches::move_out(&stage.workspace, &stage.project, &leaving).await.unwrap(), []);
    let twice = batches::move_out(&stage.workspace, &stage.project, &stage.users(&[address(0)]).await).await.unwrap();
    assert_eq!(twice[0].why, MoveRefusal::OrderOpen);
    stage.round().await;
    assert!(stage.user(0).await.batch.is_some(), "not before it is gone there");
    stage.rounds(2, 90).await;
    for number in [0, 1] {
        let user = stage.user(number).await;
        assert_eq!((user.batch, user.status, user.told.word), (None, MoveStatus::NotSubmitted, None), "{number}");
        assert!(!stage.tenant.world().movers.contains_key(&address(number)));
    }
    assert_eq!(stage.tenant.world().left.get(&address(1)), None, "the move that stayed behind was removed");
    assert_eq!(stage.tenant.world().count("Remove-MoveRequest"), 1);
    // Who is moved out can move in another batch.
    stage.batch("wave 2", 0..1).await;
    stage.start("wave 2").await;
    stage.until("wave 2", MoveStatus::PendingFinalization).await;
    stage.until("wave 1", MoveStatus::PendingFinalization).await;
    stage.tenant.assert_good();
}

#[tokio::test(flavor = "multi_thread")]
async fn r31_r32_it_syncs_to_95_per_cent_gets_its_license_and_goes_on_taking_changes() {
    if !oidc::available() {
        return;
    }
    let stage = Stage::new(3, |_| ()).await;
    stage.tenant.world().people.get_mut(&address(2)).unwrap().location = Some(("AT".into(), 0));
    stage.batch("wave 1", 0..3).await;
    stage.start("wave 1").await;
    let mut seen = 0;
    while stage.line("wave 1").await.status != MoveStatus::PendingFinalization {
        stage.round().await;
        for number in 0..3 {
            let user = stage.user(number).await;
            let shown = percent(user.status, user.told.percent);
            assert!(shown <= 95, "{user:?}");
            seen = seen.max(shown);
            let world = stage.tenant.world();
            let has_license = !world.people[&address(number)].skus.is_empty();
            assert!(!has_license || world.percent(&address(number)) >= 95, "a license comes at 95 %");
        }
        stage.now.step(10 * MINUTE);
        assert!(stage.now.get() < super::START + 72 * HOUR, "it takes too long");
    }
    assert!(seen > 10, "nothing was seen of the way: {seen}");
    stage.rounds(5, 30).await;
    {
        let world = stage.tenant.world();
        assert!(world.people.values().all(|person| person.skus.len() == 1), "{:?}", world.people);
        assert_eq!(world.people[&address(0)].location.as_ref().unwrap().0, "DE", "that of the project");
        assert_eq!(world.people[&address(2)].location.as_ref().unwrap().0, "AT", "its own stays");
    }
    // Days later it is still there: changes are synced by the service, nobody is finalized unasked.
    stage.rounds(60, 5 * 24 * 60).await;
    assert_eq!(stage.line("wave 1").await.status, MoveStatus::PendingFinalization);
    {
        let world = stage.tenant.world();
        let words: Vec<String> = (0..3).map(|number| world.word(&address(number))).collect();
        assert!(words.iter().all(|word| word.ends_with("Synced") || word == "IncrementalSyncing"), "{words:?}");
        assert_eq!(world.count("Set-MigrationBatch") + world.count("Set-MigrationUser"), 0);
    }
    stage.tenant.assert_good();
}

#[tokio::test(flavor = "multi_thread")]
async fn r33_r34_finalizing_syncs_the_rest_sets_the_attributes_and_switches() {
    if !oidc::available() {
        return;
    }
    let wanted = ["quota=50GB", "hidden=true", "forward-to=desk@contoso.example", "archive=true", "imap=false"];
    let stage = Stage::new(3, |settings| {
        wanted.iter().for_each(|attribute| settings.attributes.set(attribute).unwrap());
    })
    .await;
    stage.tenant.world().people.get_mut(&address(1)).unwrap().must_approve = true;
    stage.batch("wave 1", 0..3).await;
    stage.start("wave 1").await;
    let batch = stage.line("wave 1").await.batch.id;
    stage.rounds(10, 40).await;
    let early = batches::finalize(&stage.workspace, &stage.project, batch, None, None).await.unwrap_err();
    assert!(early.to_string().contains("95 %"), "{early}");
    stage.until("wave 1", MoveStatus::PendingFinalization).await;
    // One user first, the others at a time.
    let first = stage.users(&[address(0)]).await;
    batches::finalize(&stage.workspace, &stage.project, batch, Some(&first), None).await.unwrap();
    stage.rounds(5, 120).await;
    assert_eq!(stage.user(0).await.status, MoveStatus::Completed);
    assert_eq!(stage.user(2).await.status, MoveStatus::PendingFinalization);
    stage.rounds(5, 30).await;
    let at = mailferry::domain::time::Timestamp::from_millis(stage.now.get() + 10 * HOUR);
    assert_eq!(batches::finalize(&stage.workspace, &stage.project, batch, None, Some(at)).await.unwrap(), []);
    stage.rounds(30, 9 * 60).await;
    assert_eq!(stage.user(2).await.status, MoveStatus::PendingFinalization, "not before its time");
    assert_eq!(stage.line("wave 1").await.batch.finalize_at, Some(at));
    stage.rounds(5, 4 * 60).await;
    assert_eq!(stage.user(2).await.status, MoveStatus::Completed);
    assert_eq!(stage.user(1).await.status, MoveStatus::PendingFinalization, "what was left out waits for a word");
    batches::approve(&stage.workspace, &stage.project, &stage.users(&[address(1)]).await).await.unwrap();
    stage.until("wave 1", MoveStatus::Completed).await;
    {
        let world = stage.tenant.world();
        for person in world.people.values() {
            let told = |name: &str| person.properties.get(name).map(String::as_str);
            assert!(person.mailbox);
            assert_eq!(told("ProhibitSendReceiveQuota"), Some("50 GB (53,687,091,200 bytes)"));
            assert_eq!([told("HiddenFromAddressListsEnabled"), told("ImapEnabled")], [Some("True"), Some("False")]);
            assert_eq!(
                [told("ForwardingSmtpAddress"), told("ArchiveStatus")],
                [Some("smtp:desk@contoso.example"), Some("Active")]
            );
        }
    }
    let out = batches::move_out(&stage.workspace, &stage.project, &stage.users(&[address(0)]).await).await.unwrap();
    assert_eq!(out[0].why, MoveRefusal::Completed);
    // The consultant's own ledger has a license for each.
    let mut kinds = Vec::new();
    mailferry::service::licenses::each(&stage.workspace, None, |entry| kinds.push(entry.kind)).await.unwrap();
    let of = |kind| kinds.iter().filter(|one| **one == kind).count();
    assert_eq!((of(EntryKind::Reserve), of(EntryKind::Consume), of(EntryKind::Return)), (3, 3, 0));
    stage.tenant.assert_good();
}

#[tokio::test(flavor = "multi_thread")]
async fn r35_a_failure_reads_failed_with_its_reason_and_is_tried_again_by_a_word_only() {
    if !oidc::available() {
        return;
    }
    let stage = Stage::new(3, |_| ()).await;
    stage.tenant.world().people.get_mut(&address(0)).unwrap().fails_first = true;
    stage.batch("wave 1", 0..3).await;
    stage.start("wave 1").await;
    stage.rounds(30, 30 * 60).await;
    let failed = stage.user(0).await;
    assert_eq!(failed.status, MoveStatus::Failed);
    assert!(failed.note.as_deref().unwrap().contains("the mailbox on-premises could not be opened"), "{failed:?}");
    assert_eq!(stage.tenant.world().count("Start-MigrationBatch"), 1, "it is not tried again by itself");
    let mut kinds = Vec::new();
    mailferry::service::licenses::each(&stage.workspace, None, |entry| kinds.push(entry.kind)).await.unwrap();
    assert_eq!(kinds.iter().filter(|kind| **kind == EntryKind::Return).count(), 1, "its license is returned");
    let line = stage.line("wave 1").await;
    assert_eq!((line.status, line.progress.failed), (MoveStatus::PendingFinalization, 1));
    let refused = batches::finalize(&stage.workspace, &stage.project, line.batch.id, Some(&[failed]), None).await;
    assert!(refused.unwrap_err().to_string().contains("see its reason and start its batch again"));
    let again = batches::start(&stage.workspace, &stage.project, line.batch.id, true).await.unwrap();
    assert_eq!(again, Started::Submitted(Vec::new()));
    stage.rounds(10, 30 * 60).await;
    assert_eq!(stage.user(0).await.status, MoveStatus::PendingFinalization);
    assert_eq!(stage.tenant.world().count("New-MigrationBatch"), 1);
    // All failed: the batch reads Failed.
    stage.tenant.world().batches.clear();
    stage.tenant.world().movers.clear();
    stage.rounds(30, 4 * 60).await;
    let line = stage.line("wave 1").await;
    assert_eq!((line.status, line.progress.failed), (MoveStatus::Failed, 3));
    let why = stage.user(1).await.note.unwrap();
    assert!(why.contains("somebody has deleted the batch"), "{why}");
    // Started again it is made again.
    stage.start("wave 1").await;
    stage.until("wave 1", MoveStatus::PendingFinalization).await;
    assert_eq!(stage.tenant.world().count("New-MigrationBatch"), 2);
    stage.tenant.assert_good();
}

#[tokio::test(flavor = "multi_thread")]
async fn attributes_that_are_refused_make_it_failed_and_are_set_after_another_start() {
    if !oidc::available() {
        return;
    }
    let stage = Stage::new(1, |settings| settings.attributes.set("retention-policy=Forbidden").unwrap()).await;
    stage.batch("wave 1", 0..1).await;
    stage.start("wave 1").await;
    stage.until("wave 1", MoveStatus::PendingFinalization).await;
    stage.finalize("wave 1").await;
    stage.until("wave 1", MoveStatus::Failed).await;
    let user = stage.user(0).await;
    assert!(user.switched && user.note.as_deref().unwrap().contains("cannot be set to Forbidden"), "{user:?}");
    let out = batches::move_out(&stage.workspace, &stage.project, &[user]).await.unwrap();
    assert_eq!(out[0].why, MoveRefusal::Completed, "it works in Exchange Online already");
    let mut settings = stage.project().await.settings;
    settings.attributes.set("retention-policy=Default").unwrap();
    hybrid::change(&stage.workspace, &stage.project, settings).await.unwrap();
    let line = stage.line("wave 1").await;
    batches::start(&stage.workspace, &stage.project, line.batch.id, true).await.unwrap();
    stage.until("wave 1", MoveStatus::Completed).await;
    assert_eq!(stage.tenant.world().people[&address(0)].properties["RetentionPolicy"], "Default");
    assert_eq!(stage.tenant.world().count("Start-MigrationBatch"), 1, "nothing is moved again");
    stage.tenant.assert_good();
}

#[tokio::test(flavor = "multi_thread")]
async fn licenses_of_the_ledger_are_reserved_returned_and_missed() {
    if !oidc::available() {
        return;
    }
    let stage = Stage::new(3, |_| ()).await;
    let terms =
        mailferry::service::licenses::PoolTerms { name: "Hybrid".into(), kind: "Hybrid".into(), ..Default::default() };
    mailferry::service::licenses::new_pool(&stage.workspace, terms, Some(2)).await.unwrap();
    let database = rusqlite::Connection::open(stage.folder.path().join("workspace.db")).unwrap();
    database.execute("UPDATE hybrid_project SET pool = 2", []).unwrap();
    let batch = stage.batch("wave 1", 0..3).await;
    let short = batches::start(&stage.workspace, &stage.project, batch.batch.id, true).await.unwrap_err();
    assert!(matches!(short, ServiceError::Store(_)) && short.to_string().contains("1 license short"), "{short}");
    assert_eq!(stage.line("wave 1").await.status, MoveStatus::NotSubmitted);
    batches::move_out(&stage.workspace, &stage.project, &stage.users(&[address(2)]).await).await.unwrap();
    stage.start("wave 1").await;
    let account = || async { mailferry::service::licenses::named(&stage.workspace, "Hybrid").await.unwrap().balance };
    assert_eq!((account().await.reserved, account().await.free()), (2, 0));
    stage.rounds(5, 30).await;
    batches::move_out(&stage.workspace, &stage.project, &stage.users(&[address(1)]).await).await.unwrap();
    stage.rounds(5, 60).await;
    assert_eq!((account().await.reserved, account().await.free()), (1, 1));
    stage.tenant.assert_good();
}

#[test]
fn r36_hybrid_projects_say_that_they_are_a_preview() {
    assert!(PREVIEW.contains("not available everywhere yet"));
}
