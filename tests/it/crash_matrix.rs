//! A pass that dies after every single write to its journal, in several situations: coming back must end where an
//! undisturbed pass ends, nothing missing, doubled or altered (D9).

use mailferry::domain::ids::PassId;
use mailferry::domain::pass::PassKind;
use mailferry::domain::pass_plan::{Parameters, PassPlan, Select, Writes};
use mailferry::domain::time::Timestamp;
use mailferry::pass::Stops;

use crate::support::bench::{Bench, failed, runtime};
use crate::support::compare::{self, Mailbox, same_names};
use crate::support::corpus;
use crate::support::dovecot::{self, Dovecot, Format};
use crate::support::relay::{Relay, Rules};

/// What is different about a situation.
struct Situation {
    name: &'static str,
    rules: fn() -> Rules,
    /// The destination holds some of the mail already, and some of its own.
    preloaded: bool,
    /// A first pass went well, then the source changed.
    second: bool,
    /// The destination is searched for what is there: without it, only intents tell what an interrupted pass did.
    search: bool,
    /// What the passes do that die.
    plan: PassPlan,
}

struct Side {
    server: &'static Dovecot,
    user: String,
}

impl Side {
    fn mailbox(&self) -> Mailbox {
        Mailbox::read(&mut self.server.login(&self.user))
    }
}

fn preload(to: &Side) {
    let mut imap = to.server.login(&to.user);
    let corpus = corpus::small(7);
    imap.append("INBOX", &corpus::dated("Subject: here before\r\n\r\nkept\r\n"));
    // A twin, a half twin and others; not in the order of the source.
    for at in [9, 3, 2, 5] {
        imap.append("INBOX", &corpus.folders[0].messages[at]);
    }
}

/// New mail, a move, a deletion, flags.
fn change(from: &Side) {
    let mut imap = from.server.login(&from.user);
    imap.append("INBOX", &corpus::dated("Subject: new\r\nMessage-ID: <new@example.org>\r\n\r\nnew\r\n"));
    imap.append("INBOX", &corpus::dated("Message-ID: <twin@example.org>\r\nSubject: twin\r\n\r\nequal\r\n"));
    imap.append("Work", &corpus::dated("Subject: nobody new\r\n\r\nno id\r\n"));
    imap.select("INBOX");
    imap.store("1", "+FLAGS", "\\Answered $label1");
    imap.store("3", "FLAGS", "");
    imap.move_to("5,6", "Work/Old");
    imap.delete("7");
    imap.select("Sent");
    imap.store("1:*", "+FLAGS", "\\Flagged");
    imap.move_to("2", "INBOX");
}

async fn prepare(situation: &Situation) -> (Side, Side, Relay, Bench) {
    let server = dovecot::shared(Format::Sdbox);
    let from = Side { server, user: server.user("matrix-from") };
    let server = dovecot::shared_twin(Format::Sdbox);
    let to = Side { server, user: server.user("matrix-to") };
    corpus::small(7).load(from.server, &from.user);
    if situation.preloaded {
        preload(&to);
    }
    let relay = Relay::start(to.server.plain_port, (situation.rules)());
    let mut bench = Bench::new((from.server.plain_port, &from.user), (relay.port, &to.user)).await;
    bench.options.search_duplicates = situation.search;
    if situation.second {
        bench.run().await.expect_clean();
        change(&from);
    }
    bench.plan = situation.plan;
    if matches!(situation.plan.select, Select::FailedOf(_)) {
        bench.failed = failed(&[2, 4, 5]);
    }
    (from, to, relay, bench)
}

/// Whether something was in flight when the process died is for the kill tests; here every write is the last one once.
#[expect(clippy::print_stderr, reason = "the counts are asked for")]
async fn every_write_is_the_last_one_once(situation: Situation) {
    let (from, to, _relay, bench) = prepare(&situation).await;
    let undisturbed = bench.run().await.expect_clean();
    let expected = to.mailbox();
    if !situation.second && situation.plan == PassPlan::FULL {
        let lost = compare::losses(&from.mailbox(), &expected, &same_names(&from.mailbox()));
        // Its own message; and what is not looked for is copied again.
        let own = if situation.preloaded && !situation.search { 5 } else { usize::from(situation.preloaded) };
        assert_eq!(lost.len(), own, "{lost:#?}");
    }
    let mut cuts = 0;
    loop {
        let (_from, to, relay, bench) = prepare(&situation).await;
        let died = bench.run_cut(cuts, &Stops::default()).await;
        if !died.cut {
            assert_eq!(died.end, undisturbed.end);
            break;
        }
        let before = died.row.progress.counts;
        let back = bench.run().await.expect_clean();
        assert_eq!((back.row.id, back.row.attempt), (died.row.id, 2), "the same pass goes on");
        let after = back.row.progress.counts;
        assert!(after.copied >= before.copied && after.bytes >= before.bytes, "{before:?} {after:?}");
        assert_eq!(after.source, undisturbed.row.progress.counts.source, "after {cuts} writes");
        let found = to.mailbox();
        let differences = compare::differences(&expected, &found, &same_names(&expected));
        assert!(differences.is_empty(), "{}, dead after {cuts} writes:\n{differences:#?}", situation.name);
        relay.clear_record();
        let idle = bench.run().await.expect_clean();
        assert_eq!((relay.appends().len(), idle.results), (0, 0), "a third run has nothing to do ({cuts} writes)");
        relay.assert_only_advertised();
        cuts += 1;
    }
    let least = if situation.plan.writes == Writes::Nothing { 1 } else { 6 };
    assert!(cuts >= least, "only {cuts} writes in the whole pass");
    eprintln!("crash matrix: {}: died after each of {cuts} writes", situation.name);
}

fn matrix(situation: Situation) {
    if dovecot::available() {
        runtime().block_on(every_write_is_the_last_one_once(situation));
    }
}

#[test]
fn dies_in_a_first_pass() {
    matrix(Situation {
        name: "first pass",
        rules: Rules::default,
        preloaded: false,
        second: false,
        search: true,
        plan: PassPlan::FULL,
    });
}

#[test]
fn dies_in_a_second_pass_with_new_mail_moves_and_flags() {
    matrix(Situation {
        name: "second pass",
        rules: Rules::default,
        preloaded: false,
        second: true,
        search: true,
        plan: PassPlan::FULL,
    });
}

#[test]
fn dies_where_the_destination_tells_no_uids() {
    let rules = || Rules::hiding(&["UIDPLUS"]);
    matrix(Situation {
        name: "without UIDPLUS",
        rules,
        preloaded: false,
        second: false,
        search: true,
        plan: PassPlan::FULL,
    });
}

#[test]
fn dies_at_a_bare_destination_in_a_second_pass() {
    matrix(Situation {
        name: "bare server, second pass",
        rules: Rules::bare,
        preloaded: false,
        second: true,
        search: true,
        plan: PassPlan::FULL,
    });
}

#[test]
fn dies_where_the_destination_holds_some_already() {
    matrix(Situation {
        name: "preloaded destination",
        rules: Rules::default,
        preloaded: true,
        second: false,
        search: true,
        plan: PassPlan::FULL,
    });
}

#[test]
fn dies_where_the_destination_holds_some_and_tells_no_uids() {
    let rules = || Rules::hiding(&["UIDPLUS"]);
    matrix(Situation {
        name: "preloaded, without UIDPLUS",
        rules,
        preloaded: true,
        second: false,
        search: true,
        plan: PassPlan::FULL,
    });
}

#[test]
fn dies_where_only_intents_tell() {
    let name = "first pass, no search";
    matrix(Situation {
        name,
        rules: Rules::default,
        preloaded: false,
        second: false,
        search: false,
        plan: PassPlan::FULL,
    });
}

#[test]
fn dies_where_only_intents_tell_and_no_uids_are_told() {
    let (name, rules) = ("second pass, bare, no search", Rules::bare);
    matrix(Situation { name, rules, preloaded: false, second: true, search: false, plan: PassPlan::FULL });
}

#[test]
fn dies_where_only_intents_tell_and_others_mail_is_there() {
    let name = "preloaded, no search";
    matrix(Situation {
        name,
        rules: Rules::default,
        preloaded: true,
        second: false,
        search: false,
        plan: PassPlan::FULL,
    });
}

fn of_kind(name: &'static str, kind: PassKind, parameters: Parameters) {
    let plan = PassPlan::new(kind, parameters).expect("a plan");
    matrix(Situation { name, rules: Rules::default, preloaded: false, second: false, search: true, plan });
}

#[test]
fn dies_in_a_verify_pass() {
    of_kind("verify", PassKind::Verify, Parameters::default());
}

#[test]
fn dies_in_a_trial_pass() {
    of_kind("trial", PassKind::Trial, Parameters::default());
}

#[test]
fn dies_in_a_pre_stage_pass() {
    // Half of the corpus is older.
    let before = Some(Timestamp::from_millis(1_000_000_000_000));
    of_kind("pre-stage", PassKind::PreStage, Parameters { before, ..Parameters::default() });
}

#[test]
fn dies_in_a_pass_that_tries_errors_again() {
    of_kind("retry errors", PassKind::RetryErrors, Parameters { failed_of: Some(PassId(1)), ..Parameters::default() });
}
