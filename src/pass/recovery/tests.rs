//! When a pass pauses, for how long, and what a try costs; in paused time.

use super::*;
use crate::domain::clock::Clock;
use crate::domain::failure::Scope;

struct Still;

impl Clock for Still {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(0)
    }
}

/// Moved on by hand.
#[derive(Default)]
struct Bedside(Mutex<i64>);

impl Clock for Bedside {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(*self.0.lock().unwrap())
    }
}

/// One try, on a computer that has just slept ten minutes.
fn after_a_sleep() -> (Recovery, Arc<PassStats>, Arc<Bedside>, Arc<OwnNetwork>) {
    let (tally, clock) = (PassStats::new(Arc::default()), Arc::<Bedside>::default());
    let network = OwnNetwork::new(clock.clone());
    let quit = CancellationToken::new();
    let recovery = Recovery::new(1, Pace::default(), Arc::clone(&tally), clock.clone(), quit);
    network.sleeps();
    *clock.0.lock().unwrap() += 600_000;
    (recovery.knowing(Arc::clone(&network)), tally, clock, network)
}

#[tokio::test(start_paused = true)]
async fn f6_after_a_sleep_no_try_is_used_up_until_the_network_had_time_to_come_back() {
    let (recovery, tally, ..) = after_a_sleep();
    let began = Instant::now();
    recovery.pause(trouble(Cause::OwnNetwork, Retry::Backoff)).await.unwrap();
    assert_eq!(began.elapsed(), Duration::ZERO, "connected anew at once");
    for _ in 0..23 {
        recovery.pause(trouble(Cause::Unreachable, Retry::Backoff)).await.unwrap();
        let retry = tally.progress().retry.expect("it is said");
        assert_eq!((retry.failure.cause, retry.attempt), (Cause::OwnNetwork, 0));
    }
    assert_eq!(began.elapsed(), Duration::from_secs(115));
    tokio::time::advance(Duration::from_secs(6)).await;
    recovery.pause(trouble(Cause::Unreachable, Retry::Backoff)).await.expect("the only try");
    recovery.pause(trouble(Cause::Unreachable, Retry::Backoff)).await.expect_err("and no more");
}

#[tokio::test(start_paused = true)]
async fn f6_a_pause_that_the_server_named_is_kept_by_all_lanes_after_a_sleep() {
    let (recovery, _, _, network) = after_a_sleep();
    let named = trouble(Cause::Throttled, Retry::After(Duration::from_secs(100)));
    let began = Instant::now();
    tokio::select! {
        never = network.watch() => match never {},
        ended = async { tokio::join!(recovery.pause(named), recovery.pause(trouble(Cause::OwnNetwork, Retry::Backoff))) } => {
            assert!(ended.0.is_ok() && ended.1.is_ok());
        }
    }
    assert_eq!(began.elapsed(), Duration::from_secs(110));
}

#[tokio::test(start_paused = true)]
async fn f6_what_the_server_itself_says_uses_up_tries_after_a_sleep_too() {
    let (recovery, ..) = after_a_sleep();
    recovery.pause(trouble(Cause::ServerBusy, Retry::Backoff)).await.unwrap();
    recovery.pause(trouble(Cause::ServerBusy, Retry::Backoff)).await.expect_err("the limit is one");
}

#[tokio::test(start_paused = true)]
async fn f6_a_pause_ends_by_the_time_of_day_when_the_computer_slept_through_its_end() {
    let (recovery, _, clock, network) = after_a_sleep();
    let named = Retry::After(Duration::from_secs(1800));
    let began = Instant::now();
    let night = async {
        tokio::time::sleep(Duration::from_secs(60)).await;
        *clock.0.lock().unwrap() += 60_000 + 1_000_000;
        std::future::pending::<()>().await;
    };
    tokio::select! {
        ended = recovery.pause(trouble(Cause::Throttled, named)) => ended.unwrap(),
        never = network.watch() => match never {},
        () = night => {}
    }
    // 33 minutes were to go (10 % are added); 17 and a minute have passed by the clock that moved.
    let took = began.elapsed().as_secs();
    assert!((975..=985).contains(&took), "{took}");
}

/// How long two pauses in a row last for which a person says now and then that they are to end.
async fn hurried(retry: Retry) -> Duration {
    let (tally, hurry) = (PassStats::new(Arc::default()), Arc::new(Notify::new()));
    let quit = CancellationToken::new();
    let recovery = Recovery::new(8, Pace::default(), tally, Arc::new(Still), quit).hurried_by(Arc::clone(&hurry));
    let failure = Failure::new(Cause::ServerBusy, Scope::Connection, retry, "doing");
    let began = Instant::now();
    let pauses = async {
        for _ in 0..2 {
            recovery.pause(SideFailure { side: Side::Source, failure: failure.clone() }).await.unwrap();
        }
    };
    let person = async {
        loop {
            tokio::time::sleep(Duration::from_millis(100)).await;
            hurry.notify_waiters();
        }
    };
    tokio::select! {
        () = pauses => began.elapsed(),
        () = person => unreachable!(),
    }
}

fn trouble(cause: Cause, retry: Retry) -> SideFailure {
    let failure = Failure::new(cause, Scope::Mailbox, retry, "doing");
    SideFailure { side: Side::Destination, failure }
}

fn recovery() -> (Recovery, Arc<PassStats>) {
    let tally = PassStats::new(Arc::default());
    let quit = CancellationToken::new();
    (Recovery::new(8, Pace::default(), Arc::clone(&tally), Arc::new(Still), quit), tally)
}

const NAMED: Retry = Retry::After(Duration::from_secs(600));

#[tokio::test(start_paused = true)]
async fn a_pause_that_a_server_names_is_kept_though_another_pause_lasts() {
    let (recovery, tally) = recovery();
    let began = Instant::now();
    let lost = || trouble(Cause::ConnectionLost, Retry::Backoff);
    recovery.pause(lost()).await.unwrap();
    let named = async {
        tokio::time::sleep(Duration::from_secs(1)).await;
        recovery.pause(trouble(Cause::Throttled, NAMED)).await.unwrap();
    };
    // The second pause of a row: some seconds, which are over before the named ones.
    let (both, ()) = tokio::join!(recovery.pause(lost()), named);
    both.unwrap();
    assert_eq!(began.elapsed().as_secs(), 661, "all lanes keep it");
    let shown = tally.progress().retry.expect("a pause");
    assert_eq!((shown.failure.cause, shown.side, shown.attempt), (Cause::Throttled, Some(Side::Destination), 0));
    assert_eq!(shown.failure.other.as_deref(), Some("destination"), "which server it is");
}

#[tokio::test(start_paused = true)]
async fn what_waiting_does_not_cure_ends_the_pass_though_a_pause_lasts() {
    let (recovery, _) = recovery();
    recovery.begins(&trouble(Cause::Throttled, NAMED)).unwrap();
    for retry in [Retry::User, Retry::Never] {
        // Another try would be one more refused login at the server.
        let refused = recovery.pause(trouble(Cause::LoginRefused, retry)).await;
        assert!(matches!(refused, Err(PassStop::Fatal(_))), "{retry:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_named_pause_holds_all_lanes_and_is_joined_by_those_it_held() {
    let (recovery, _) = recovery();
    recovery.begins(&trouble(Cause::ProviderLimit, Retry::Later)).unwrap();
    let began = Instant::now();
    let held = recovery.held().expect("nothing is asked");
    recovery.pause(held).await.unwrap();
    assert_eq!(began.elapsed().as_secs(), 3600, "the hour is not counted twice");
    assert!(recovery.held().is_none());
}

#[tokio::test(start_paused = true)]
async fn after_a_server_asked_for_a_slower_pace_lanes_come_back_one_by_one() {
    let (recovery, _) = recovery();
    assert!((0..4).all(|lane| recovery.joins_at(lane).is_none()));
    recovery.pause(trouble(Cause::Throttled, NAMED)).await.unwrap();
    let now = Instant::now();
    let minutes = |lane| recovery.joins_at(lane).map(|at| (at - now).as_secs() / 60);
    assert_eq!([0, 1, 2, 3].map(minutes), [None, Some(5), Some(10), Some(15)]);
    tokio::time::advance(GROWS).await;
    assert_eq!([0, 1, 2, 3].map(minutes), [None, None, Some(10), Some(15)]);
    recovery.begins(&trouble(Cause::Throttled, Retry::Backoff)).unwrap();
    assert!(recovery.joins_at(1).is_some(), "it asked again");
}

#[tokio::test(start_paused = true)]
async fn a_person_ends_a_pause_unless_the_server_named_it() {
    assert!(hurried(Retry::Backoff).await <= Duration::from_millis(300));
    assert!(hurried(Retry::Later).await <= Duration::from_millis(300));
    assert!(hurried(Retry::After(Duration::from_secs(60))).await >= Duration::from_secs(60));
}

/// After how many failures of this kind a pass gives up, and how long that took.
async fn given_up(recovery: &Recovery, cause: Cause) -> (u32, u64) {
    let (began, mut failures) = (Instant::now(), 1);
    while recovery.pause(trouble(cause, Retry::Backoff)).await.is_ok() {
        failures += 1;
    }
    (failures, began.elapsed().as_secs())
}

#[tokio::test(start_paused = true)]
async fn p4_a_server_that_was_never_reached_is_given_up_soon_and_the_tries_are_told_as_they_are() {
    for (cause, most) in [
        (Cause::Unreachable, 3),
        (Cause::PortClosed, 3),
        (Cause::NameUnknown, 3),
        (Cause::ClosedUngreeted, 3),
        // Each of these took half a minute or more.
        (Cause::NoGreeting, 1),
        (Cause::TimedOut, 1),
        (Cause::ConnectionLost, 8),
        (Cause::ServerBusy, 8),
    ] {
        let (recovery, tally) = recovery();
        let began = Instant::now();
        assert_eq!(given_up(&recovery, cause).await.0, most + 1, "{cause:?}");
        assert!(most > 3 || began.elapsed() <= Duration::from_secs(15), "{cause:?}");
        let shown = tally.progress().retry;
        assert!(shown.is_none_or(|shown| (shown.attempt, shown.limit) == (most, most)), "{cause:?}");
        let reached = self::recovery().0;
        reached.reached(Side::Destination);
        assert_eq!(given_up(&reached, cause).await.0, 9, "{cause:?}: it was there before");
    }
}

#[tokio::test(start_paused = true)]
async fn p4_where_a_person_waits_for_the_end_it_comes_soon() {
    for (cause, failures) in [
        (Cause::ServerBusy, 4),
        (Cause::ConnectionLost, 4),
        (Cause::MailboxNotOpened, 4),
        (Cause::Unreachable, 4),
        (Cause::LoginRefused, 2),
        (Cause::NoGreeting, 1),
        (Cause::TimedOut, 1),
    ] {
        let recovery = recovery().0.looked_on();
        let (met, took) = given_up(&recovery, cause).await;
        assert_eq!(met, failures, "{cause:?}");
        assert!(took <= 15, "{cause:?}: {took} seconds");
    }
}

#[tokio::test(start_paused = true)]
async fn p4_a_stop_in_a_pause_knows_what_was_waited_for() {
    let (recovery, _) = recovery();
    assert_eq!(recovery.waited_after(), None);
    recovery.pause(trouble(Cause::ServerBusy, Retry::Backoff)).await.unwrap();
    assert_eq!(recovery.waited_after(), None, "the first try follows at once");
    recovery.begins(&trouble(Cause::ServerBusy, Retry::Backoff)).unwrap();
    assert_eq!(recovery.waited_after().map(|why| why.failure.cause), Some(Cause::ServerBusy));
    let named = self::recovery().0;
    named.begins(&trouble(Cause::Throttled, NAMED)).unwrap();
    assert_eq!(named.waited_after(), None, "no trouble");
}
