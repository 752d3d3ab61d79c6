//! Three batches of two hundred users over simulated weeks, with every kind of fault and a restart at every round.

use std::collections::BTreeSet;

use mailferry::domain::time::Timestamp;
use mailferry::service::hybrid::MoveStatus;
use mailferry::service::hybrid::batches;

use super::{START, Stage, address};
use crate::support::oidc;
use crate::support::tenant::{Fault, HOUR, MINUTE, World};

const DAY: i64 = 24 * HOUR;

/// Every kind of fault, at orders and at questions.
fn plan(world: &mut World) {
    let plans = [
        ("New-MigrationBatch", 0, Fault::LostAnswer),
        ("New-MigrationBatch", 0, Fault::Throttled(Some(300))),
        ("New-MigrationBatch", 0, Fault::BadGateway),
        ("Start-MigrationBatch", 0, Fault::LostAnswer),
        ("Start-MigrationBatch", 0, Fault::Transient),
        ("Start-MigrationBatch", 0, Fault::LostBefore),
        ("Set-MigrationBatch", 0, Fault::LostAnswer),
        ("Set-MigrationBatch", 0, Fault::Throttled(None)),
        ("Set-MigrationUser", 2, Fault::LostAnswer),
        ("Set-MigrationUser", 5, Fault::BadGateway),
        ("Stop-MigrationUser", 0, Fault::LostAnswer),
        ("Stop-MigrationUser", 1, Fault::Transient),
        ("Remove-MigrationUser", 0, Fault::LostAnswer),
        ("Remove-MigrationUser", 1, Fault::LostBefore),
        ("assignLicense", 3, Fault::LostAnswer),
        ("assignLicense", 10, Fault::Throttled(Some(60))),
        ("assignLicense", 20, Fault::BadGateway),
        ("assignLicense", 30, Fault::LostBefore),
        ("setLocation", 2, Fault::LostAnswer),
        ("setLocation", 4, Fault::Throttled(None)),
        ("Set-Mailbox", 5, Fault::LostAnswer),
        ("Set-Mailbox", 9, Fault::Transient),
        ("Get-MigrationBatch", 5, Fault::BadGateway),
        ("Get-MigrationBatch", 9, Fault::LostBefore),
        ("Get-MigrationUser", 10, Fault::EmptyPage),
        ("Get-MigrationUser", 20, Fault::Transient),
        ("Get-MigrationUser", 30, Fault::LostAnswer),
        ("Get-MigrationUser", 40, Fault::Forbidden),
        ("subscribedSkus", 1, Fault::BadGateway),
        ("Get-MigrationUserStatistics", 7, Fault::Transient),
    ];
    plans.into_iter().for_each(|(call, after, fault)| world.plan(call, after, fault));
    for _ in 0..12 {
        world.plan("Get-MigrationUser", 60, Fault::Throttled(Some(30)));
    }
}

/// Days since the beginning, as a round number of hours.
fn hours(stage: &Stage) -> i64 {
    (stage.now.get() - START) / HOUR
}

async fn again(stage: &Stage, name: &str) {
    let line = stage.line(name).await;
    if line.progress.failed > 0 {
        batches::start(&stage.workspace, &stage.project, line.batch.id, true).await.expect("started again");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn three_batches_of_two_hundred_users_end_as_they_were_ordered_whatever_goes_wrong() {
    if !oidc::available() {
        return;
    }
    // Two hundred in a batch take minutes.
    let each: usize = std::env::var("HYBRID_EACH").map_or(40, |each| each.parse().expect("a number"));
    // Licenses, until more are bought; and who leaves.
    let (free, leaving) = (9 * each / 4, [3 * each / 2, 3 * each / 2 + 1, 3 * each / 2 + 2]);
    let away: Vec<String> = leaving.map(address).to_vec();
    let stage = Stage::new(3 * each, |settings| settings.attributes.set("quota=50GB").unwrap()).await;
    let mut ordered: BTreeSet<String> = BTreeSet::new();
    {
        let mut world = stage.tenant.world();
        plan(&mut world);
        world.skus[0].enabled = free as u64;
        for number in (0..3 * each).step_by(37) {
            world.people.get_mut(&address(number)).unwrap().fails_first = true;
        }
        for number in (5..3 * each).step_by(83) {
            world.people.get_mut(&address(number)).unwrap().must_approve = true;
        }
        world.people.get_mut(&address(leaving[1])).unwrap().leaves_move = true;
    }
    for (name, members) in [("wave 1", 0..each), ("wave 2", each..2 * each), ("wave 3", 2 * each..3 * each)] {
        stage.batch(name, members).await;
    }
    let mut scheduled = false;
    while stage.now.get() < START + 17 * DAY {
        match hours(&stage) {
            0 if stage.line("wave 1").await.batch.submitted.is_none() => stage.start("wave 1").await,
            24 if stage.line("wave 2").await.batch.submitted.is_none() => stage.start("wave 2").await,
            30 if stage.user(leaving[0]).await.batch.is_some() => {
                let members = stage.users(&away).await;
                batches::move_out(&stage.workspace, &stage.project, &members).await.unwrap();
            }
            48 if stage.line("wave 3").await.batch.submitted.is_none() => stage.start("wave 3").await,
            60 => stage.tenant.world().people.get_mut(&address(free)).unwrap().odd_word = Some("Hibernating".into()),
            70 => stage.tenant.world().people.get_mut(&address(free)).unwrap().odd_word = None,
            75 => stage.tenant.world().withdrawn = true,
            80 => stage.tenant.world().withdrawn = false,
            90 | 130 if stage.now.get() % (2 * HOUR) == START % (2 * HOUR) => {
                for name in ["wave 1", "wave 2", "wave 3"] {
                    again(&stage, name).await;
                }
            }
            168 => {
                let mut world = stage.tenant.world();
                assert_eq!(world.skus[0].consumed, free as u64, "all that there are");
                world.skus[0].enabled = 3 * each as u64 + 100;
            }
            180 if stage.line("wave 1").await.status == MoveStatus::PendingFinalization => {
                ordered.extend((0..each).map(address));
                stage.finalize("wave 1").await;
            }
            190 if !scheduled => {
                scheduled = true;
                let at = Timestamp::from_millis(START + 10 * DAY);
                let line = stage.line("wave 2").await;
                batches::finalize(&stage.workspace, &stage.project, line.batch.id, None, Some(at)).await.unwrap();
                ordered.extend((each..2 * each).map(address).filter(|address| !away.contains(address)));
            }
            260 => {
                // Of the third batch a part first.
                let line = stage.line("wave 3").await;
                let some = stage.users(&(2 * each..free).map(address).collect::<Vec<_>>()).await;
                let ready =
                    some.iter().any(|user| user.status == MoveStatus::PendingFinalization && user.open.is_empty());
                if ready {
                    ordered.extend((2 * each..free).map(address));
                    batches::finalize(&stage.workspace, &stage.project, line.batch.id, Some(&some), None)
                        .await
                        .unwrap();
                }
            }
            300 => {
                let waiting: Vec<String> = (5..3 * each).step_by(83).map(address).collect();
                let waiting = stage.users(&waiting).await;
                batches::approve(&stage.workspace, &stage.project, &waiting).await.unwrap();
            }
            320 => {
                let line = stage.line("wave 3").await;
                let left = stage.users(&(free..3 * each).map(address).collect::<Vec<_>>()).await;
                if left.iter().any(|user| user.status == MoveStatus::PendingFinalization && user.open.is_empty()) {
                    ordered.extend((free..3 * each).map(address));
                    batches::finalize(&stage.workspace, &stage.project, line.batch.id, Some(&left), None)
                        .await
                        .unwrap();
                }
            }
            _ => {}
        }
        stage.round().await;
        // Whatever is told: nobody is finalized unasked, and nothing shows more than it may.
        let world = stage.tenant.world();
        let switched = world.people.iter().filter(|(_, person)| person.mailbox).map(|(address, _)| address);
        let unasked: Vec<_> = switched.filter(|address| !ordered.contains(*address)).collect();
        assert!(unasked.is_empty(), "finalized unasked: {unasked:?}");
        drop(world);
        stage.now.step(if hours(&stage) < 12 { 10 * MINUTE } else { 60 * MINUTE });
    }
    stage.rounds(10, 120).await;
    for name in ["wave 1", "wave 2", "wave 3"] {
        let line = stage.line(name).await;
        assert_eq!((line.status, line.progress.failed), (MoveStatus::Completed, 0), "{name}: {line:?}");
    }
    {
        let world = stage.tenant.world();
        for number in 0..3 * each {
            let (address, person) = (address(number), &world.people[&address(number)]);
            let left = away.contains(&address);
            assert_eq!(person.mailbox, !left, "{address}");
            assert_eq!(world.movers.contains_key(&address), !left, "{address}");
            let quota = person.properties.get("ProhibitSendReceiveQuota").is_some_and(|told| told.starts_with("50 GB"));
            assert_eq!(quota, !left, "{address}");
            assert!(left || person.skus.len() == 1, "{address} has no license");
        }
        assert_eq!(world.left.get(&address(leaving[1])), None, "nothing of it is left");
        assert_eq!((world.count("New-MigrationBatch"), world.batches.len()), (3, 3));
        assert_eq!(world.count("report"), 0, "reports come on demand only");
    }
    assert_eq!(stage.user(leaving[0]).await.batch, None);
    stage.tenant.assert_good();
}
