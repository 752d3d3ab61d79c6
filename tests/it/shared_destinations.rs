//! Items that write into one mailbox (D30): never at once, named by the import, and nothing doubled or lost.

use std::collections::BTreeMap;

use crate::support::compare::Mailbox;
use crate::support::dovecot::{self, Dovecot, Format, PASSWORD};
use crate::support::imap::Imap;
use crate::support::product::{PROJECT, Workspace, plain};
use crate::support::relay::{Act, At, Relay, Rules, verb};
use crate::support::scene::message;

/// How often each message is in the inbox.
fn contents(server: &Dovecot, user: &str) -> BTreeMap<Vec<u8>, usize> {
    let mut all = BTreeMap::new();
    let mailbox = Mailbox::read(&mut Imap::login(server.plain_port, user, PASSWORD));
    for stored in &mailbox.folders["INBOX"].messages {
        *all.entry(stored.bytes.clone()).or_insert(0) += 1;
    }
    all
}

/// Each message as often as in the one that has it most often.
fn union(of: &[BTreeMap<Vec<u8>, usize>]) -> BTreeMap<Vec<u8>, usize> {
    let mut all = BTreeMap::new();
    for (bytes, count) in of.iter().flatten() {
        let most: &mut usize = all.entry(bytes.clone()).or_default();
        *most = (*most).max(*count);
    }
    all
}

#[test]
fn two_mailboxes_into_one_end_as_their_union_whoever_comes_first() {
    if !dovecot::available() {
        return;
    }
    let (old, new) = (dovecot::shared(Format::Sdbox), dovecot::shared_twin(Format::Sdbox));
    // Twins in the one, in the other, and mail that only one of them has.
    let lists: [Vec<u32>; 2] = [(0..40).chain([3, 3, 500]).collect(), (20..70).chain([25, 600]).collect()];
    for order in [[0, 1], [1, 0]] {
        let users = lists.clone().map(|list| {
            let user = old.user("half");
            let messages: Vec<_> = list.iter().map(|number| message(*number)).collect();
            Imap::login(old.plain_port, &user, PASSWORD).append_all("INBOX", &messages);
            user
        });
        let there = new.user("whole");
        let expected = union(&[0, 1].map(|at: usize| contents(old, &users[at])));
        let relay = Relay::start(new.plain_port, Rules::default());
        let workspace = Workspace::new();
        workspace.project_new(&plain(old.plain_port), &plain(relay.port), &[]);
        workspace.import(&order.map(|at: usize| (users[at].clone(), there.clone())));

        // Held at its first append, the one shows that the other does not begin.
        let hold = relay.plan(At::Command(verb("APPEND").nth(1)), Act::Hold);
        std::thread::scope(|threads| {
            let pass = threads.spawn(|| workspace.start());
            hold.wait();
            let mut statuses: Vec<String> = workspace.status().iter().map(|item| item.status().to_owned()).collect();
            assert_eq!(statuses, ["migrating", "submitted"], "in the order of the list");
            hold.go_on();
            pass.join().expect("the pass").expect(0);
            statuses = workspace.status().iter().map(|item| item.status().to_owned()).collect();
            assert_eq!(statuses, ["completed", "completed"]);
        });
        assert_eq!(contents(new, &there), expected);
        // Again: nothing to do for either.
        workspace.start().expect(0);
        assert!(workspace.status().iter().all(|item| item.messages("copied") == 0));
        assert_eq!(contents(new, &there), expected);
    }
}

#[test]
fn the_import_names_rows_that_share_a_destination_and_takes_them() {
    let workspace = Workspace::new();
    workspace.project_new("imaps://old.example", "imaps://new.example", &[]);
    let import = |rows: &str| {
        let file = workspace.path().join("items.csv");
        std::fs::write(&file, format!("Source Email,Destination Email\n{rows}")).expect("written");
        workspace.run(&["item", "import", PROJECT, file.to_str().expect("a plain path")]).expect(0)
    };
    let first = import("a@old.example,both@new.example\nb@old.example,b@new.example\nc@old.example,Both@new.example\n");
    assert!(first.stdout.contains("3 items imported"), "{}", first.stdout);
    let named = "line 4: writes into the same mailbox as line 2; they run one after the other";
    assert_eq!(first.stderr.lines().filter(|line| line.contains(named)).count(), 1, "{}", first.stderr);
    assert_eq!(first.stderr.lines().count(), 1, "{}", first.stderr);
    let second = import("d@old.example,b@new.example\n");
    let named = "line 2: writes into the same mailbox as the item b@old.example:b@new.example;";
    assert!(second.stderr.contains(named), "{}", second.stderr);
    assert_eq!(import("e@old.example,e@new.example\n").stderr, "");
}
