//! Servers that say nothing, or nothing welcome, played by a scripted peer.

use tokio::time::Instant;

use super::Timeouts;
use super::script::{EXAMINED, ScriptStep, folder, hear, say, session, welcome};
use crate::domain::failure::{Cause, Scope};
use crate::endpoint::{Source, Waits};

#[tokio::test(start_paused = true)]
async fn silence_is_a_time_out_only_while_something_is_awaited() {
    let mut steps = welcome("");
    steps.extend([hear("A3 EXAMINE"), say(EXAMINED), hear("A4 EXAMINE"), say("* 1 EXI"), ScriptStep::Stall]);
    let (opened, _peer) = session(steps).await;
    let mut source = opened.expect("logged in");
    source.examine(&folder("box")).await.expect("open");
    tokio::time::sleep(std::time::Duration::from_secs(100_000)).await;
    let began = tokio::time::Instant::now();
    let failure = source.examine(&folder("box")).await.expect_err("no answer");
    assert_eq!((failure.cause, failure.scope), (Cause::TimedOut, Scope::Connection));
    assert_eq!(began.elapsed().as_secs(), 300);
}

#[tokio::test(start_paused = true)]
async fn greetings_that_do_not_welcome() {
    for (greeting, cause) in [
        ("* BYE Too many connections\r\n", Cause::TooManyConnections),
        ("* BYE closing\r\n", Cause::ConnectionLost),
        ("* PREAUTH hello\r\n", Cause::MailboxNotOpened),
        ("220 smtp.example.com ESMTP\r\n", Cause::NoImap),
        ("\r\n\r\n* BYE Intrusion prevention active\r\n", Cause::TurnedAway),
        ("", Cause::ClosedUngreeted),
    ] {
        let (opened, _peer) = session(vec![say(greeting)]).await;
        assert_eq!(opened.err().map(|f| f.cause), Some(cause), "{greeting}");
    }
    let (opened, _peer) = session(vec![say("* OK half a li"), ScriptStep::Stall]).await;
    assert_eq!(opened.err().map(|f| f.cause), Some(Cause::NoGreeting));
}

/// How a login ends that is never answered, and after how many seconds.
async fn login(steps: Vec<ScriptStep>) -> (Option<Cause>, u64) {
    let began = Instant::now();
    let (opened, _peer) = session(steps.into_iter().chain([ScriptStep::Stall]).collect()).await;
    (opened.err().map(|failure| failure.cause), began.elapsed().as_secs())
}

#[tokio::test(start_paused = true)]
async fn p4_a_server_that_greets_and_then_is_silent_is_given_up_in_a_minute() {
    let greeted = || vec![say("* OK hello\r\n"), hear("A1 CAPABILITY")];
    // 30 seconds for what it can do, 30 for the login.
    assert_eq!(login(greeted()).await, (Some(Cause::TimedOut), 60));
    // One that has said something is given more time for the login.
    let talks = || greeted().into_iter().chain([say("* CAPABILITY IMAP4rev1\r\nA1 OK x\r\n")]);
    assert_eq!(login(talks().collect()).await, (Some(Cause::TimedOut), 60));
    let told = "* OK [CAPABILITY IMAP4rev1 AUTH=PLAIN] hello\r\n";
    assert_eq!(login(vec![say(told), hear("A1 AUTHENTICATE"), say("+ \r\n")]).await, (Some(Cause::TimedOut), 60));
    assert_eq!(login(vec![]).await, (Some(Cause::NoGreeting), 30));
}

#[test]
fn p4_who_looks_on_waits_no_longer_than_a_minute_for_a_silent_server() {
    assert_eq!(Timeouts::of(Waits::Person).silence.as_secs(), 60);
    assert_eq!(Timeouts::of(Waits::Pass).silence.as_secs(), 300);
}
