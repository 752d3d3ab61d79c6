//! A lost connection is not a finished server, a busy server is not a bad message, and a yes is not a message (D28, D22):
//! what was on its way when a connection broke, what a server refused and stored, accepted and dropped, or numbered wrongly.

use std::collections::BTreeMap;
use std::time::Duration;

use mailferry::domain::failure::{Cause, Side};
use mailferry::domain::notice::NoticeKind;
use mailferry::domain::retry::Settle;
use mailferry::pass::{PassEnd, Stops};

use crate::faults::{Way, errors_of};
use crate::support::bench::{Ran, runtime};
use crate::support::compare::{self, Mailbox};
use crate::support::corpus::{self, Corpus, dated};
use crate::support::dovecot::{self, Dovecot, Options};
use crate::support::imap::Message;
use crate::support::relay::{Act, At, PATIENCE, Relay, Rules, verb};

/// Copies beyond those that the source has, over all folders; with the number of each at the destination.
fn doubled(from: &Mailbox, to: &Mailbox) -> BTreeMap<String, Vec<Vec<u32>>> {
    let count = |mailbox: &Mailbox| {
        let mut found: BTreeMap<(String, Vec<u8>), Vec<u32>> = BTreeMap::new();
        for (name, folder) in &mailbox.folders {
            for message in &folder.messages {
                found.entry((name.clone(), message.bytes.clone())).or_default().push(message.uid);
            }
        }
        found
    };
    let here = count(from);
    let mut twice: BTreeMap<String, Vec<Vec<u32>>> = BTreeMap::new();
    for ((folder, bytes), uids) in count(to) {
        let there = here.get(&(folder.clone(), bytes)).map_or(0, Vec::len);
        if uids.len() > there {
            twice.entry(folder).or_default().push(uids);
        }
    }
    twice
}

fn signal(name: &str, pids: &[String]) {
    let sent = std::process::Command::new("kill").arg(format!("-{name}")).args(pids).status().expect("kill");
    assert!(sent.success(), "{name} to {pids:?}");
}

/// Returns when the product has looked at its destination so often since the record was cleared.
async fn looked(relay: &Relay, times: usize) {
    let looks = async {
        while relay.commands_of("UID FETCH").len() < times {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, looks).await.expect("it looks again and again");
}

fn numbers(corpus: usize) -> Corpus {
    let mut made = corpus::tiny(corpus);
    made.folders.truncate(1);
    made
}

#[test]
fn c2_a_stopped_server_with_unanswered_appends_is_waited_for() {
    if !dovecot::available() {
        return;
    }
    let twin: &'static Dovecot = Box::leak(Box::new(Dovecot::start(Options::sdbox())));
    if let Ok(wanted) = std::env::var("MAILFERRY_LOG") {
        tracing_subscriber::fmt().with_env_filter(wanted).with_ansi(false).with_writer(std::io::stderr).init();
    }
    runtime().block_on(async {
        let old = Rules::hiding(&["UIDPLUS", "MULTIAPPEND"]);
        for (rules, cut_at) in [(Rules::singly(), 60), (Rules::default(), 3), (old, 60)] {
            let mut way = Way::between(&numbers(300), Rules::default(), rules, twin).await;
            way.bench.options.connections = 1;
            way.bench.pace.settle = Settle { base: Duration::from_secs(5), ..Settle::default() };
            let held = way.destination.plan(At::Command(verb("APPEND").nth(1)), Act::Hold);
            let cut = way.destination.plan(At::Command(verb("APPEND").nth(cut_at)), Act::HangUp);
            let stop = async {
                held.wait_async().await;
                let pids = twin.serving();
                assert!(!pids.is_empty(), "nobody serves {}", way.to.1);
                signal("STOP", &pids);
                held.go_on();
                cut.wait_async().await;
                way.destination.clear_record();
                // It lies still for many times the half a second that once was thought enough.
                looked(&way.destination, 6).await;
                signal("CONT", &pids);
            };
            let (ran, ()) = tokio::join!(way.bench.run(), stop);
            ran.expect_clean();
            way.expect_silence().await;
            way.expect_all();
            way.expect_next_pass_completes().await;
        }
    });
}

#[test]
fn c2_what_lands_after_the_wait_is_named_with_its_numbers() {
    if !dovecot::available() {
        return;
    }
    runtime().block_on(async {
        let mut way = Way::new(&numbers(60), Rules::default(), Rules::singly()).await;
        way.bench.options.connections = 1;
        way.bench.pace.settle = Settle::with_base(Duration::from_millis(20));
        way.bench.timeouts.silence = PATIENCE;
        way.destination.plan(At::Command(verb("APPEND").nth(2)), Act::Lag(Duration::from_millis(900)));
        let cut = way.destination.plan(At::Command(verb("APPEND").nth(20)), Act::HangUp);
        // The second try is held until all of the first has landed.
        let hold = way.destination.plan(At::Command(verb("APPEND").nth(50)), Act::Hold);
        let landed = async {
            hold.wait_async().await;
            let silent = async {
                while way.destination.counters().open > 1 {
                    tokio::task::yield_now().await;
                }
            };
            tokio::time::timeout(PATIENCE, silent).await.expect("the first connection ends");
            hold.go_on();
        };
        let (ran, ()) = tokio::join!(way.bench.run(), landed);
        assert_eq!(cut.count(), 1);
        expect_named(&way, &ran).await;
        // The doubt stays open for the next pass, which names them again; after that it is settled.
        way.destination.forget_plans();
        let next = way.bench.run().await;
        expect_named(&way, &next).await;
        way.destination.clear_record();
        let last = way.bench.run().await;
        assert_eq!(last.row.progress.counts.differ, 0);
        assert_eq!(way.destination.appends().len(), 0);
    });
}

/// Everything is there, and exactly what is there too often is named.
async fn expect_named(way: &Way, ran: &Ran) {
    assert_eq!(errors_of(ran), 0);
    let (from, to) = way.both();
    let twice = doubled(&from, &to);
    let expected: usize = twice.values().flatten().count();
    assert!(expected > 0, "nothing was doubled: the scenario does not do what it says");
    let lost = compare::losses(&from, &to, &compare::same_names(&from));
    assert!(lost.iter().all(|line| line.contains("too many")), "{lost:#?}");
    let notices = way.bench.notices(ran).await;
    let named: Vec<_> = notices.iter().filter(|notice| notice.kind == NoticeKind::MaybeTwice).collect();
    let sum: u64 = named.iter().map(|notice| notice.messages).sum();
    assert_eq!((sum, ran.row.progress.counts.differ), (expected as u64, expected as u64), "{notices:#?}");
    for notice in named {
        let groups = &twice[&notice.folder.as_ref().expect("a folder").to_string()];
        for number in &notice.numbers {
            let number = u32::try_from(number.0).expect("a number");
            assert!(groups.iter().any(|uids| uids.contains(&number)), "{number} is not there twice");
        }
    }
}

#[test]
fn c2_where_nothing_was_on_the_wire_nothing_is_waited_for() {
    if !dovecot::available() {
        return;
    }
    runtime().block_on(async {
        let mut way = Way::new(&corpus::small(31), Rules::default(), Rules::default()).await;
        way.bench.pace.settle = Settle::with_base(Duration::from_secs(3600));
        // The source breaks: every append is answered. Then the destination breaks while it is only looked at.
        let source = way.source.plan(At::Bytes(12_000), Act::Reset);
        let ran = tokio::time::timeout(PATIENCE, way.bench.run()).await.expect("no wait");
        assert_eq!(source.count(), 1);
        ran.expect_clean();
        way.expect_all();
    });
}

#[test]
fn c2_a_stop_ends_the_wait_at_once() {
    if !dovecot::available() {
        return;
    }
    runtime().block_on(async {
        let mut way = Way::new(&numbers(60), Rules::default(), Rules::singly()).await;
        way.bench.options.connections = 1;
        way.bench.pace.settle =
            Settle { look: Duration::from_millis(20), ..Settle::with_base(Duration::from_secs(3600)) };
        let cut = way.destination.plan(At::Command(verb("APPEND").nth(20)), Act::HangUp);
        let stops = Stops::default();
        let stop = async {
            cut.wait_async().await;
            way.destination.clear_record();
            looked(&way.destination, 3).await;
            stops.stop.cancel();
        };
        let run = async { tokio::time::timeout(PATIENCE, way.bench.run_cut(u64::MAX, &stops)).await.expect("it ends") };
        let (ran, ()) = tokio::join!(run, stop);
        assert!(matches!(ran.end, PassEnd::Stopped(_)), "{:?}", ran.end);
        way.bench.pace.settle = Settle::with_base(Duration::from_millis(300));
        way.expect_next_pass_completes().await;
    });
}

#[test]
fn c2_a_batch_that_was_refused_and_stored_all_the_same_is_not_sent_again() {
    if !dovecot::available() {
        return;
    }
    runtime().block_on(async {
        for rules in [Rules::default(), Rules::hiding(&["UIDPLUS"])] {
            let way = Way::new(&corpus::small(32), Rules::default(), rules).await;
            let hit =
                way.destination.plan(At::Answer(verb("APPEND").nth(1)), Act::Answer("NO something failed".into()));
            way.bench.run().await.expect_clean();
            assert_eq!(hit.count(), 1);
            way.expect_all();
            assert_eq!(way.destination.appends().len(), 40, "all of it was there");
            way.expect_next_pass_completes().await;
        }
    });
}

#[test]
fn c7_a_server_that_is_busy_for_a_while_gives_no_item_errors() {
    if !dovecot::available() {
        return;
    }
    let busy = [
        Act::Answer("NO [UNAVAILABLE] come back later".into()),
        Act::Answer("NO [INUSE] mailbox is locked".into()),
        Act::SayAndClose("* BYE too busy".into()),
        Act::Reset,
    ];
    runtime().block_on(async {
        for act in busy {
            for rules in [Rules::default(), Rules::singly()] {
                let mut way = Way::new(&corpus::small(33), Rules::default(), rules).await;
                way.bench.options.connections = 1;
                let hits: Vec<_> = (1..=6)
                    .map(|nth| way.destination.plan(At::Command(verb("APPEND").nth(nth)), act.clone()))
                    .collect();
                let ran = way.bench.run().await;
                assert_eq!(way.bench.errors(&ran).await, [], "{act:?}");
                ran.expect_clean();
                assert!(hits.iter().all(|hit| hit.count() == 1), "{act:?}");
                way.expect_all();
            }
        }
    });
}

#[test]
fn c7_a_source_that_is_busy_for_a_while_gives_no_item_errors() {
    if !dovecot::available() {
        return;
    }
    runtime().block_on(async {
        let unavailable = Act::Answer("NO [UNAVAILABLE] come back later".into());
        for (after, act) in [(true, unavailable), (false, Act::SayAndClose("* BYE busy".into())), (false, Act::Reset)] {
            let mut way = Way::new(&corpus::small(34), Rules::default(), Rules::default()).await;
            way.bench.options.connections = 1;
            for nth in 1..=6 {
                let whole = verb("UID FETCH").with("BODY.PEEK[]").nth(nth);
                way.source.plan(if after { At::Answer(whole) } else { At::Command(whole) }, act.clone());
            }
            let ran = way.bench.run().await;
            assert_eq!(way.bench.errors(&ran).await, [], "{act:?}");
            ran.expect_clean();
            way.expect_all();
        }
    });
}

#[test]
fn c7_a_server_that_refuses_everything_fails_the_pass_and_blames_no_message() {
    if !dovecot::available() {
        return;
    }
    runtime().block_on(async {
        let unavailable = "NO [UNAVAILABLE] come back later";
        for (act, cause) in [(Act::Answer(unavailable.into()), Cause::ServerBusy), (Act::Reset, Cause::ConnectionLost)]
        {
            let way = Way::new(&corpus::small(35), Rules::default(), Rules::default()).await;
            way.destination.plan(At::Command(verb("APPEND").every()), act);
            let ran = way.bench.run().await;
            let PassEnd::Failed { failure, .. } = &ran.end else { panic!("{:?}", ran.end) };
            assert_eq!(failure.cause, cause, "{failure:?}");
            assert_eq!(way.bench.errors(&ran).await, []);
            way.expect_next_pass_completes().await;
        }
    });
}

#[test]
fn c12_an_append_that_was_accepted_and_not_stored_is_an_item_error() {
    if !dovecot::available() {
        return;
    }
    runtime().block_on(async {
        // With UIDPLUS advertised too: the answer tells no number.
        for (rules, lost) in
            [(Rules::hiding(&["UIDPLUS", "MULTIAPPEND"]), 1), (Rules::singly(), 1), (Rules::hiding(&["UIDPLUS"]), 10)]
        {
            let way = Way::new(&corpus::small(36), Rules::default(), rules).await;
            way.destination.plan(At::Command(verb("APPEND").nth(2)), Act::Answer("OK done".into()));
            let ran = way.bench.run().await;
            let errors = way.bench.errors(&ran).await;
            assert_eq!((errors_of(&ran), errors.len()), (lost, lost as usize), "{errors:?}");
            assert!(errors.iter().all(|(_, uid, cause)| uid.is_some() && cause == "NotStored"), "{errors:?}");
            let (from, to) = way.both();
            assert_eq!(to.count() as u64, from.count() as u64 - lost);
            way.expect_next_pass_completes().await;
        }
    });
}

#[test]
fn c1_numbers_that_cannot_be_are_not_believed() {
    if !dovecot::available() {
        return;
    }
    runtime().block_on(async {
        let way = Way::new(&numbers(20), Rules::default(), Rules::singly()).await;
        let mut owner = way.to.0.login(&way.to.1);
        owner.append("INBOX", &dated("Message-ID: <own@x>\r\nSubject: the owner's\r\n\r\nmine\r\n"));
        let (validity, _) = owner.select("INBOX");
        // Below the floor; one that an earlier message got; another numbering.
        for (nth, told) in [(3, (validity, 1)), (5, (validity, 2)), (7, (validity + 1, 8))] {
            let answer = format!("OK [APPENDUID {} {}] done", told.0, told.1);
            way.destination.plan(At::Answer(verb("APPEND").nth(nth)), Act::Answer(answer));
        }
        way.bench.run().await.expect_clean();
        let mut marks = way.bench.watermarks().await;
        marks.sort_unstable_by_key(|mark| mark.1);
        let there = way.both().1;
        let by_number: BTreeMap<i64, Vec<u8>> =
            there.folders["INBOX"].messages.iter().map(|m| (i64::from(m.uid), m.bytes.clone())).collect();
        let here = way.both().0;
        assert_eq!(marks.len(), 20);
        for (_, source, destination) in marks {
            let sent = here.folders["INBOX"].messages.iter().find(|m| i64::from(m.uid) == source).expect("it");
            assert_eq!(by_number.get(&destination), Some(&sent.bytes), "source {source}, destination {destination}");
        }
    });
}

#[test]
fn c8_without_told_numbers_the_destination_is_read_once() {
    if !dovecot::available() {
        return;
    }
    runtime().block_on(async {
        let mut bytes = Vec::new();
        for count in [1500, 3000] {
            let mut way = Way::new(&numbers(count), Rules::default(), Rules::hiding(&["UIDPLUS"])).await;
            way.bench.options.connections = 1;
            let before = way.destination.counters().down;
            way.bench.run().await.expect_clean();
            bytes.push(way.destination.counters().down - before);
            way.expect_all();
        }
        assert!(bytes[1] < bytes[0] * 5 / 2, "{bytes:?}");
    });
}

#[test]
fn c2_a_server_that_does_not_answer_gets_no_more() {
    if !dovecot::available() {
        return;
    }
    runtime().block_on(async {
        let mut way = Way::new(&numbers(200), Rules::default(), Rules::singly()).await;
        way.bench.options.connections = 1;
        way.bench.pace.settle.stalled = Duration::ZERO;
        let held = way.destination.plan(At::Answer(verb("APPEND").nth(5)), Act::Hold);
        let watch = async {
            held.wait_async().await;
            let more = async {
                while way.destination.commands_of("APPEND").len() < 8 {
                    tokio::task::yield_now().await;
                }
            };
            let more = tokio::time::timeout(Duration::from_millis(400), more).await;
            held.go_on();
            assert!(more.is_err(), "{} appends", way.destination.commands_of("APPEND").len());
        };
        let (ran, ()) = tokio::join!(way.bench.run(), watch);
        ran.expect_clean();
        way.expect_all();
    });
}

#[test]
fn what_a_destination_does_to_sizes_is_learned() {
    if !dovecot::available() {
        return;
    }
    runtime().block_on(async {
        for rules in [Rules::default(), Rules::hiding(&["UIDPLUS"])] {
            let way = Way::new(&corpus::small(37), Rules::default(), rules).await;
            way.bench.run().await.expect_clean();
            let habit = way.bench.habit().await;
            assert!(habit.kept >= 5 && habit.keeps_bytes(), "{habit:?}");
        }
    });
}

#[test]
fn c5_messages_that_have_neither_a_watermark_nor_a_reason_are_named() {
    if !dovecot::available() {
        return;
    }
    runtime().block_on(async {
        let mut way = Way::new(&numbers(6), Rules::default(), Rules::default()).await;
        way.bench.forgets = 2;
        let ran = way.bench.run().await;
        assert!(matches!(ran.end, PassEnd::Completed { errors: 0, differ: 2 }), "{:?}", ran.end);
        let notices = way.bench.notices(&ran).await;
        let named: Vec<_> = notices.iter().map(|n| (n.kind, n.side, n.messages, n.detail.as_deref())).collect();
        let words = "6 messages, 4 at the destination, 0 left out for a reason";
        assert_eq!(named, [(NoticeKind::SourceDiffers, Some(Side::Source), 2, Some(words))]);
    });
}

#[test]
fn flags_that_are_not_kept_are_named() {
    if !dovecot::available() {
        return;
    }
    runtime().block_on(async {
        let way = Way::new(&numbers(3), Rules::default(), Rules::default()).await;
        let labelled =
            Message { flags: vec!["$Label1".into(), r"\Seen".into()], ..dated("Subject: labelled\r\n\r\nx\r\n") };
        way.from.0.login(&way.from.1).append("INBOX", &labelled);
        // A destination that takes no keywords.
        let few = r"* OK [PERMANENTFLAGS (\Seen \Deleted)] few".to_owned();
        way.destination.plan(At::Said(b"[UIDNEXT ".to_vec()), Act::Say(few));
        let ran = way.bench.run().await.expect_clean();
        let notices = way.bench.notices(&ran).await;
        let named: Vec<_> =
            notices.iter().map(|n| (n.kind, n.messages, n.detail.as_deref(), n.kind.differs())).collect();
        assert_eq!(named, [(NoticeKind::FlagsNotKept, 1, Some("$Label1"), false)]);
        assert_eq!(notices[0].numbers.iter().map(|uid| uid.0).collect::<Vec<_>>(), [4]);
    });
}
