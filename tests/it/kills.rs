//! SIGKILL against the real program, at instants that the relay chooses and at random; after it comes back, every
//! message is at the destination once, in order, unaltered (D9).
//!
//! A kill counts only if it landed where it was meant to: the relay holds the wire, the process dies, the wire is cut.

#![cfg(unix)]

use std::process::{Child, Stdio};
use std::time::Duration;

use crate::support::compare::{self, Mailbox};
use crate::support::corpus::{self, Corpus, Random};
use crate::support::dovecot::{self, Dovecot, Format};
use crate::support::product::{PROJECT, Workspace, plain};
use crate::support::relay::{Act, At, Hit, Relay, Rules, verb};

/// A mailbox on its way, with the relay at its destination.
struct Move {
    workspace: Workspace,
    from: (&'static Dovecot, String),
    to: (&'static Dovecot, String),
    source: Relay,
    destination: Relay,
    kills: u64,
    copied: u64,
}

impl Move {
    fn new(corpus: &Corpus, rules: Rules) -> Move {
        let (server, twin) = (dovecot::shared(Format::Sdbox), dovecot::shared_twin(Format::Sdbox));
        let (from, to) = ((server, server.user("kill-from")), (twin, twin.user("kill-to")));
        corpus.load(from.0, &from.1);
        let source = Relay::start(from.0.plain_port, Rules::default());
        let destination = Relay::start(to.0.plain_port, rules);
        let workspace = Workspace::new();
        workspace.project_new(&plain(source.port), &plain(destination.port), &[]);
        workspace.import(&[(from.1.clone(), to.1.clone())]);
        Move { workspace, from, to, source, destination, kills: 0, copied: 0 }
    }

    fn start(&self) -> Child {
        let mut command = self.workspace.command(&["start", PROJECT]);
        command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("the program starts")
    }

    /// Starts the program and kills it when the hit happens; false: it came to its end before.
    fn kill_at(&mut self, hit: &Hit) -> bool {
        let mut child = self.start();
        let happened = loop {
            if hit.wait_for(Duration::from_millis(10)) {
                break true;
            }
            if child.try_wait().expect("its state").is_some() {
                break hit.count() > 0;
            }
        };
        // Rust's kill is SIGKILL.
        let _ = child.kill();
        let _ = child.wait();
        self.source.forget_plans();
        self.destination.forget_plans();
        hit.cut();
        if happened {
            self.kills += 1;
            self.figures();
        }
        happened
    }

    /// What was counted stays counted (D6), also when a pass ended before it was killed and the next one found nothing new.
    fn figures(&mut self) {
        let item = self.workspace.only();
        let copied = item.number("copied");
        assert!(copied >= self.copied, "{copied} copied after {}: {:#}", self.copied, item.0);
        self.copied = copied;
    }

    /// Comes back, ends, and compares; one more pass has nothing to do.
    fn finish(mut self) -> u64 {
        self.workspace.start().expect(0);
        let item = self.workspace.only();
        assert_eq!(item.status(), "completed", "{:#}", item.0);
        self.figures();
        let from = Mailbox::read(&mut self.from.0.login(&self.from.1));
        let to = Mailbox::read(&mut self.to.0.login(&self.to.1));
        let names = compare::same_names(&from);
        assert_eq!(item.messages("source"), from.count() as u64, "{:#}", item.0);
        compare::assert_equal(&from, &to, &names);
        self.destination.clear_record();
        self.workspace.start().expect(0);
        assert_eq!(self.destination.appends().len(), 0, "a pass with nothing to do");
        compare::assert_equal(&from, &Mailbox::read(&mut self.to.0.login(&self.to.1)), &names);
        self.source.assert_source_read_only();
        self.kills
    }
}

/// One mailbox's messages go in batches, the next one's singly.
fn in_turn(mailbox: u64) -> Rules {
    if mailbox.is_multiple_of(2) { Rules::default() } else { Rules::singly() }
}

/// Kills in one window, several on the same workspace one after the other, until there are `wanted`.
#[expect(clippy::print_stderr, reason = "the counts are asked for")]
fn window(name: &str, wanted: u64, rules: fn(u64) -> Rules, plan: impl Fn(&Move, u64) -> Hit) {
    if !dovecot::available() {
        return;
    }
    let (mut kills, mut mailboxes) = (0, 0);
    while kills < wanted {
        let mut moving = Move::new(&corpus::small(40 + kills), rules(mailboxes));
        mailboxes += 1;
        while kills + moving.kills < wanted && moving.kills < 6 {
            let hit = plan(&moving, moving.kills);
            if !moving.kill_at(&hit) {
                break;
            }
        }
        let attempts = moving.workspace.only().number("attempt");
        assert!(moving.kills == 0 || attempts >= moving.kills, "{attempts} attempts, {} kills", moving.kills);
        kills += moving.finish();
        assert!(mailboxes < 40, "the window is hardly ever met");
    }
    eprintln!("kills: {name}: {kills} kills in {mailboxes} mailboxes, nothing missing, nothing doubled");
}

#[test]
fn killed_before_create() {
    window("before CREATE", 20, in_turn, |moving, kills| {
        let nth = [1, 1, 2, 1][kills as usize % 4];
        moving.destination.plan(At::Command(verb("CREATE").nth(nth)), Act::Hold)
    });
}

#[test]
fn killed_with_half_a_literal_sent() {
    window("literal half sent", 20, in_turn, |moving, kills| {
        moving.destination.plan(At::HalfLiteral(verb("APPEND").nth(1 + kills % 3)), Act::Hold)
    });
}

#[test]
fn killed_before_the_answer_of_a_message_that_was_taken() {
    window("OK withheld", 20, in_turn, |moving, kills| {
        moving.destination.plan(At::Answer(verb("APPEND").nth(1 + kills % 3)), Act::Hold)
    });
}

#[test]
fn killed_before_the_answer_where_no_uids_are_told() {
    let rules = |mailbox| match mailbox % 2 {
        0 => Rules::hiding(&["UIDPLUS"]),
        _ => Rules::hiding(&["UIDPLUS", "MULTIAPPEND"]),
    };
    window("OK withheld, without UIDPLUS", 20, rules, |moving, kills| {
        moving.destination.plan(At::Answer(verb("APPEND").nth(1 + kills % 3)), Act::Hold)
    });
}

#[test]
fn killed_before_the_watermark_is_committed() {
    window("watermark not committed", 20, in_turn, |moving, kills| {
        moving.destination.plan(At::Answered(verb("APPEND").nth(1 + kills % 3)), Act::Hold)
    });
}

#[test]
#[expect(clippy::print_stderr, reason = "the counts are asked for")]
fn killed_at_random() {
    if !dovecot::available() {
        return;
    }
    let mut random = Random::new(100);
    let (mut kills, mut mailboxes) = (0, 0);
    while kills < 100 {
        let mut moving = Move::new(&corpus::small(100 + kills), in_turn(mailboxes));
        mailboxes += 1;
        for _ in 0..8 {
            let relay = if random.below(2) == 0 { &moving.source } else { &moving.destination };
            let hit = relay.plan(At::Bytes(1 + random.below(60_000) as u64), Act::Hold);
            if !moving.kill_at(&hit) || kills + moving.kills == 100 {
                break;
            }
        }
        kills += moving.finish();
    }
    eprintln!("kills: at random: {kills} kills in {mailboxes} mailboxes, nothing missing, nothing doubled");
}
