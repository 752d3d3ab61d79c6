//! Connections that are cut, stall, are reset or refused, and servers that refuse one message or ask for a slower pace:
//! the pass goes on, and nothing is missing or doubled (D22).
//!
//! The engine runs in this process with pauses of milliseconds between tries and short time-outs.

use std::time::{Duration, Instant};

use mailferry::domain::failure::Cause;
use mailferry::pass::{PassEnd, Stops};

use crate::support::bench::{Bench, Ran, runtime};
use crate::support::compare::{self, Mailbox};
use crate::support::corpus::{self, Corpus, dated};
use crate::support::dovecot::{self, Dovecot, Format, Options};
use crate::support::relay::{self, Act, At, Break, Chaos, Relay, Rules, verb};

/// A mailbox to move through two relays.
pub struct Way {
    pub from: (&'static Dovecot, String),
    pub to: (&'static Dovecot, String),
    pub source: Relay,
    pub destination: Relay,
    pub bench: Bench,
}

impl Way {
    pub async fn new(corpus: &Corpus, source: Rules, destination: Rules) -> Way {
        Way::between(corpus, source, destination, dovecot::shared_twin(Format::Sdbox)).await
    }

    pub async fn between(corpus: &Corpus, source: Rules, destination: Rules, twin: &'static Dovecot) -> Way {
        let server = dovecot::shared(Format::Sdbox);
        let (from, to) = ((server, server.user("fault-from")), (twin, twin.user("fault-to")));
        corpus.load(from.0, &from.1);
        let source = Relay::start(from.0.plain_port, source);
        let destination = Relay::start(to.0.plain_port, destination);
        let mut bench = Bench::new((source.port, &from.1), (destination.port, &to.1)).await;
        let short = Duration::from_millis(700);
        (bench.timeouts.silence, bench.timeouts.greeting, bench.timeouts.write) = (short, short, short);
        Way { from, to, source, destination, bench }
    }

    pub fn both(&self) -> (Mailbox, Mailbox) {
        let read = |(server, user): &(&'static Dovecot, String)| Mailbox::read(&mut server.login(user));
        (read(&self.from), read(&self.to))
    }

    /// Waits until the relay has delivered what it held back and every connection is closed.
    pub async fn expect_silence(&self) {
        let silent = async {
            while self.destination.counters().open > 0 {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(relay::PATIENCE, silent).await.expect("the connections end");
    }

    /// Everything is there once.
    pub fn expect_all(&self) {
        let (from, to) = self.both();
        compare::assert_nothing_lost_or_doubled(&from, &to, &compare::same_names(&from));
        self.source.assert_source_read_only();
        self.destination.assert_only_advertised();
    }

    /// These messages (by subject) are missing and nothing else.
    pub fn expect_all_but(&self, subjects: &[&str]) {
        let (from, to) = self.both();
        let lost = compare::losses(&from, &to, &compare::same_names(&from));
        assert_eq!(lost.len(), subjects.len(), "{lost:#?}");
        for subject in subjects {
            assert!(lost.iter().any(|line| line.contains("1 missing") && line.contains(subject)), "{lost:#?}");
        }
    }

    /// A pass after the fault brings the rest; another one has nothing to do.
    pub async fn expect_next_pass_completes(&self) {
        self.source.forget_plans();
        self.destination.forget_plans();
        self.bench.run().await.expect_clean();
        self.expect_all();
        self.destination.clear_record();
        self.bench.run().await.expect_clean();
        assert_eq!(self.destination.appends().len(), 0);
    }
}

pub fn errors_of(ran: &Ran) -> u64 {
    match &ran.end {
        PassEnd::Completed { errors, .. } => *errors,
        end => panic!("{end:?}"),
    }
}

fn chaos(seed: u64, kinds: &[Break], limit: u64) -> Rules {
    Rules { chaos: Some(Chaos { seed, after: (300, 40_000), kinds: kinds.to_vec(), limit }), ..Rules::default() }
}

#[test]
#[expect(clippy::print_stderr, reason = "the counts are asked for")]
fn faults_at_random_below_the_limit_end_completed() {
    if !dovecot::available() {
        return;
    }
    let every = [Break::Reset, Break::Close, Break::Stall, Break::Refuse];
    runtime().block_on(async {
        let (mut broken, mut errors) = (0, 0);
        for seed in 1..=12 {
            let (source, destination) = match seed % 3 {
                0 => (chaos(seed, &every, 4), Rules::default()),
                1 => (Rules::default(), chaos(seed, &every, 4)),
                _ => (chaos(seed, &every, 2), chaos(seed + 100, &every, 2)),
            };
            let mut way = Way::new(&corpus::small(200 + seed), source, destination).await;
            way.bench.options.connections = 1 + u32::try_from(seed % 2).expect("small");
            let ran = way.bench.run().await;
            // Three breaks at one place make an item error, whatever broke: the next pass brings it.
            errors += errors_of(&ran);
            let counts = ran.row.progress.counts;
            assert!(counts.balanced(), "seed {seed}: {counts:?}");
            if counts.errors == 0 {
                way.expect_all();
            }
            way.expect_next_pass_completes().await;
            broken += way.source.counters().broken + way.destination.counters().broken;
        }
        eprintln!("faults: {broken} connections broken at random in 12 passes, {errors} item errors, nothing doubled");
        assert!(broken >= 36, "only {broken}");
    });
}

#[test]
fn r53_a_server_that_cannot_be_reached_fails_the_pass_and_the_next_one_completes() {
    if !dovecot::available() {
        return;
    }
    runtime().block_on(async {
        // Every connection ends within its greeting.
        let mut way = Way::new(&corpus::small(3), Rules::default(), Rules::default()).await;
        let chaos = Chaos { seed: 5, after: (10, 20), kinds: vec![Break::Close], limit: 4 };
        way.destination = Relay::start(way.to.0.plain_port, Rules { chaos: Some(chaos), ..Rules::default() });
        way.bench = Bench::new((way.source.port, &way.from.1), (way.destination.port, &way.to.1)).await;
        let ran = way.bench.run().await;
        let PassEnd::Failed { side: Some(side), failure } = &ran.end else { panic!("{:?}", ran.end) };
        assert_eq!((side.word(), failure.cause), ("destination", Cause::ClosedUngreeted), "{failure:?}");
        // At once, then three more: it was never reached.
        assert_eq!(way.destination.counters().broken, 4);
        way.expect_next_pass_completes().await;
    });
}

#[test]
fn a_port_where_nobody_listens_is_given_up_after_three_tries() {
    if !dovecot::available() {
        return;
    }
    runtime().block_on(async {
        let mut way = Way::new(&corpus::small(3), Rules::default(), Rules::default()).await;
        let free = std::net::TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("its number").port();
        way.bench = Bench::new((way.source.port, &way.from.1), (free, &way.to.1)).await;
        let ran = way.bench.run().await;
        let PassEnd::Failed { side: Some(side), failure } = &ran.end else { panic!("{:?}", ran.end) };
        assert_eq!((side.word(), failure.cause), ("destination", Cause::PortClosed), "{failure:?}");
        let logins =
            way.source.commands().iter().filter(|c| ["LOGIN", "AUTHENTICATE"].contains(&c.verb.as_str())).count();
        assert!((1..=4).contains(&logins), "{logins} logins");
    });
}

#[test]
fn a_server_that_goes_away_while_folders_are_searched_fails_the_pass_not_the_folders() {
    if !dovecot::available() {
        return;
    }
    runtime().block_on(async {
        let way = Way::new(&corpus::small(4), Rules::default(), Rules::default()).await;
        way.bench.run().await.expect_clean();
        let mut imap = way.from.0.login(&way.from.1);
        imap.append("INBOX", &dated("Subject: late\r\n\r\nlate\r\n"));
        // The first search is cut, and from then on nobody gets in.
        let search = way.source.plan(At::Command(verb("UID FETCH")), Act::Hold);
        let away = async {
            search.wait_async().await;
            way.source.plan(At::Command(verb("*").every()), Act::Reset);
            search.cut();
        };
        let (ran, ()) = tokio::join!(way.bench.run(), away);
        assert!(matches!(&ran.end, PassEnd::Failed { .. }), "{:?}", ran.end);
        assert_eq!(way.bench.errors(&ran).await, [], "no folder is blamed");
        way.expect_next_pass_completes().await;
    });
}

#[test]
fn a_message_at_which_the_destination_hangs_up_is_left_out() {
    hangs_up_at(&["small 2"], &[]);
}

#[test]
fn three_adjacent_messages_at_which_the_destination_hangs_up_are_left_out() {
    hangs_up_at(&["small 0", "small 2", "small 1"], &[]);
}

#[test]
fn a_large_message_at_which_the_destination_hangs_up_is_left_out() {
    let large = [b"Subject: the large one\r\n\r\n".to_vec(), b"0123456789abcde\r\n".repeat(1_500_000)].concat();
    hangs_up_at(&["the large one"], &[large]);
}

/// Every APPEND whose message has one of these subjects ends the connection.
fn hangs_up_at(subjects: &[&str], more: &[Vec<u8>]) {
    if !dovecot::available() {
        return;
    }
    runtime().block_on(async {
        let mut corpus = corpus::small(5);
        for (at, bytes) in more.iter().enumerate() {
            corpus.folders[0].messages.insert(at + 2, dated(bytes.clone()));
        }
        let way = Way::new(&corpus, Rules::default(), Rules::default()).await;
        let hits: Vec<_> = subjects
            .iter()
            .map(|subject| {
                let text = format!("Subject: {subject}\r\n").into_bytes();
                way.destination.plan(At::LiteralContains(text), Act::Reset)
            })
            .collect();
        let ran = way.bench.run().await;
        assert_eq!(errors_of(&ran), subjects.len() as u64, "{:?}", way.bench.errors(&ran).await);
        for (_, uid, cause) in way.bench.errors(&ran).await {
            assert_eq!((uid.is_some(), cause.as_str()), (true, "HangsUpAtMessage"));
        }
        assert!(
            hits.iter().all(|hit| (3..=6).contains(&hit.count())),
            "{:?}",
            hits.iter().map(|h| h.count()).collect::<Vec<_>>()
        );
        assert!(ran.row.progress.counts.balanced(), "{:?}", ran.row.progress.counts);
        way.expect_all_but(subjects);
        way.expect_next_pass_completes().await;
    });
}

#[test]
fn a_message_at_which_the_source_hangs_up_is_left_out() {
    source_hangs_up_at(&["small 2"], &Act::Close);
}

#[test]
fn three_adjacent_messages_at_which_the_source_hangs_up_are_left_out() {
    source_hangs_up_at(&["small 3", "small 4", "small 5"], &Act::Close);
}

#[test]
fn a_message_at_which_the_source_stalls_is_left_out() {
    source_hangs_up_at(&["small 2"], &Act::Stall);
}

#[test]
fn a_message_at_which_the_source_resets_is_left_out_and_no_other() {
    // A reset takes with it what was on the way.
    source_hangs_up_at(&["small 0", "small 5", "small 14"], &Act::Reset);
}

/// The source breaks off wherever one of these messages would come, known by its size.
fn source_hangs_up_at(subjects: &[&str], act: &Act) {
    if !dovecot::available() {
        return;
    }
    runtime().block_on(async {
        let corpus = corpus::small(6);
        let way = Way::new(&corpus, Rules::default(), Rules::default()).await;
        let plan = |subject: &&str| {
            let line = format!("Subject: {subject}\r\n");
            let messages = || corpus.folders.iter().flat_map(|folder| &folder.messages);
            let holds = |bytes: &[u8]| bytes.windows(line.len()).any(|part| part == line.as_bytes());
            let size = messages().find(|message| holds(&message.bytes)).expect("the message").bytes.len();
            assert_eq!(messages().filter(|message| message.bytes.len() == size).count(), 1, "another seed is needed");
            way.source.plan(At::Said(format!("RFC822.SIZE {size} BODY[] ").into_bytes()), act.clone())
        };
        let hits: Vec<_> = subjects.iter().map(plan).collect();
        let ran = way.bench.run().await;
        let errors = way.bench.errors(&ran).await;
        assert_eq!(errors_of(&ran), subjects.len() as u64, "{errors:?}");
        assert!(errors.iter().all(|(_, uid, cause)| uid.is_some() && cause == "HangsUpAtMessage"), "{errors:?}");
        let counts: Vec<u64> = hits.iter().map(|hit| hit.count()).collect();
        assert!(counts.iter().all(|count| *count >= 3), "{counts:?}");
        assert!(ran.row.progress.counts.balanced(), "{:?}", ran.row.progress.counts);
        way.expect_all_but(subjects);
        way.expect_next_pass_completes().await;
    });
}

#[test]
fn a_named_pause_is_obeyed_and_nothing_is_lost() {
    if !dovecot::available() {
        return;
    }
    runtime().block_on(async {
        for (answer, least) in [
            ("NO [THROTTLED] slow down", 0),
            ("NO Request is throttled. Suggested Backoff Time: 400 milliseconds", 400),
            ("BAD Request is throttled. Suggested Backoff Time: 400 milliseconds", 400),
        ] {
            let way = Way::new(&corpus::small(8), Rules::default(), Rules::singly()).await;
            let hit = way.destination.plan(At::Command(verb("APPEND").nth(3)), Act::Answer(answer.into()));
            let began = Instant::now();
            way.bench.run().await.expect_clean();
            assert_eq!(hit.count(), 1);
            assert!(began.elapsed() >= Duration::from_millis(least), "{answer}: {:?}", began.elapsed());
            way.expect_all();
            assert_eq!(way.destination.appends().len(), 41, "{answer}: only the refused one is sent again");
            way.expect_next_pass_completes().await;
        }
    });
}

#[test]
fn more_throttling_than_tries_does_not_fail_the_pass() {
    if !dovecot::available() {
        return;
    }
    runtime().block_on(async {
        let way = Way::new(&corpus::small(9), Rules::default(), Rules::default()).await;
        let answer = "NO Request is throttled. Suggested Backoff Time: 20 milliseconds";
        for nth in 1..=12 {
            way.destination.plan(At::Command(verb("APPEND").nth(nth)), Act::Answer(answer.into()));
        }
        way.bench.run().await.expect_clean();
        way.expect_all();
        way.expect_next_pass_completes().await;
    });
}

#[test]
fn a_refused_second_connection_means_going_on_with_one() {
    if !dovecot::available() {
        return;
    }
    let twin: &'static Dovecot =
        Box::leak(Box::new(Dovecot::start(Options { connections: Some(1), ..Options::sdbox() })));
    runtime().block_on(async {
        let way = Way::between(&corpus::small(10), Rules::default(), Rules::default(), twin).await;
        way.bench.run().await.expect_clean();
        way.expect_all();
        way.expect_next_pass_completes().await;
    });
}

#[test]
fn appends_that_land_after_the_connection_was_lost_are_not_doubled() {
    if !dovecot::available() {
        return;
    }
    runtime().block_on(async {
        for rules in [Rules::singly(), Rules::hiding(&["UIDPLUS", "MULTIAPPEND"])] {
            let way = Way::new(&corpus::small(12), Rules::default(), rules).await;
            // A slow server with a full pipeline: it goes on working on what it has after the product lost sight of it.
            way.destination.plan(At::Command(verb("APPEND").nth(2)), Act::Lag(Duration::from_millis(250)));
            let hit = way.destination.plan(At::Command(verb("APPEND").nth(9)), Act::HangUp);
            way.bench.run().await.expect_clean();
            assert_eq!(hit.count(), 1);
            way.expect_silence().await;
            way.expect_all();
            way.expect_next_pass_completes().await;
        }
    });
}

#[test]
fn appends_that_land_after_the_process_died_are_not_doubled() {
    if !dovecot::available() {
        return;
    }
    runtime().block_on(async {
        let way = Way::new(&corpus::small(13), Rules::default(), Rules::singly()).await;
        way.destination.plan(At::Command(verb("APPEND").nth(2)), Act::Lag(Duration::from_millis(250)));
        let hit = way.destination.plan(At::Command(verb("APPEND").nth(9)), Act::HangUp);
        // Folder rows and intents are written; the process dies when it wants to record its first results.
        let died = way.bench.run_cut(2, &Stops::default()).await;
        assert_eq!((died.cut, hit.count()), (true, 1));
        way.bench.run().await.expect_clean();
        way.expect_silence().await;
        way.expect_all();
        way.expect_next_pass_completes().await;
    });
}

#[test]
fn an_item_error_before_a_break_counts_once() {
    if !dovecot::available() {
        return;
    }
    runtime().block_on(async {
        let mut way = Way::new(&corpus::small(11), Rules::default(), Rules::singly()).await;
        way.bench.options.connections = 1;
        let refused =
            way.destination.plan(At::Command(verb("APPEND").nth(2)), Act::Answer("NO contains a virus".into()));
        let again = way.destination.plan(At::Command(verb("APPEND").nth(8)), Act::Reset);
        let ran = way.bench.run().await;
        assert_eq!((refused.count(), again.count()), (1, 1));
        assert_eq!(errors_of(&ran), 1, "{:?}", way.bench.errors(&ran).await);
        assert_eq!(way.bench.errors(&ran).await.len(), 1);
        let counts = ran.row.progress.counts;
        assert_eq!((counts.source, counts.copied, counts.errors), (40, 39, 1), "{counts:?}");
        way.expect_next_pass_completes().await;
    });
}
