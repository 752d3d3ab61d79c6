//! Killed between each two steps of asking, sending, opening, posting, checking: there are never two links that live, nothing
//! that an owner gave is lost, and no mail goes out twice by itself.
//!
//! A step is held up by a trigger that refuses its write; there the program is killed. What the disk holds then is what it holds
//! when the program dies before that write.

use std::time::Instant;

use super::{PASSWORD, PATIENCE, Scene, available};

/// A write at which the program dies.
struct Step {
    name: &'static str,
    /// What the trigger waits for.
    write: &'static str,
    /// How far an owner is by then.
    owner: Owner,
}

/// What the owner does so that the step is come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Owner {
    /// Nothing: it is a step of asking.
    Nothing,
    Opens,
    EntersRight,
    EntersWrong,
}

const STEPS: [Step; 9] = [
    Step { name: "asked", write: "INSERT ON credential_request", owner: Owner::Nothing },
    Step {
        name: "taken to be sent",
        write: "UPDATE OF state ON outgoing_mail WHEN NEW.state = 'sending'",
        owner: Owner::Nothing,
    },
    Step { name: "sent", write: "UPDATE OF state ON outgoing_mail WHEN NEW.state = 'sent'", owner: Owner::Nothing },
    Step { name: "opened", write: "UPDATE OF opened ON credential_request", owner: Owner::Opens },
    Step { name: "entered", write: "UPDATE OF attempts ON credential_request", owner: Owner::EntersRight },
    Step { name: "into the vault", write: "INSERT ON credential", owner: Owner::EntersRight },
    Step {
        name: "used",
        write: "UPDATE OF state ON credential_request WHEN NEW.state = 'used'",
        owner: Owner::EntersRight,
    },
    Step {
        name: "goes on",
        write: "UPDATE OF status ON pass WHEN OLD.status = 'waiting_for_user'",
        owner: Owner::EntersRight,
    },
    Step {
        name: "refused",
        write: "UPDATE OF status ON pass WHEN OLD.status = 'waiting_for_user'",
        owner: Owner::EntersWrong,
    },
];

impl Scene {
    fn database(&self) -> rusqlite::Connection {
        let database = rusqlite::Connection::open(self.workspace.path().join("workspace.db")).unwrap();
        database.busy_timeout(PATIENCE).unwrap();
        database
    }

    fn hold_up(&self, write: &str) {
        let sql = format!("CREATE TRIGGER held_up BEFORE {write} BEGIN SELECT RAISE(ABORT, 'held up'); END");
        self.database().execute_batch(&sql).unwrap();
    }

    fn let_go(&self) {
        self.database().execute_batch("DROP TRIGGER held_up").unwrap();
    }

    fn logs(&self, words: &str) {
        let since = Instant::now();
        while !self.workspace.log().contains(words) {
            assert!(since.elapsed() < PATIENCE, "{words}: {}", self.workspace.log());
        }
    }

    /// How many links can be used.
    pub(super) fn count_alive(&self) -> i64 {
        self.count("credential_request WHERE state = 'alive'")
    }

    fn count(&self, of: &str) -> i64 {
        self.database().query_row(&format!("SELECT count(*) FROM {of}"), [], |row| row.get(0)).unwrap()
    }
}

fn dies_at(step: &Step) {
    let Step { name, write, owner } = step;
    let mut scene = Scene::new();
    scene.start();
    if *owner == Owner::Nothing {
        scene.hold_up(write);
        scene.serve();
    } else {
        scene.serve();
        scene.links(1);
        scene.shows("mail to ");
        scene.shows(": sent (");
        scene.hold_up(write);
        let link = scene.links(1).remove(0);
        let answer = match owner {
            Owner::Opens => scene.get(&link),
            Owner::EntersRight => scene.enter(&link, PASSWORD),
            Owner::Nothing | Owner::EntersWrong => scene.enter(&link, "hunter2"),
        };
        let after = *name == "goes on";
        assert_eq!(answer.contains("Thank you, it works"), after, "{name}: {answer}");
        assert!(!answer.contains("hunter2") && !answer.contains("held up"), "{name}: {answer}");
    }
    if *name != "goes on" {
        scene.logs("held up");
    }
    scene.kill();
    scene.let_go();
    assert!(scene.count_alive() <= 1, "{name}");
    scene.serve();
    if *name != "goes on" {
        let link = scene.links(1).remove(0);
        let right = scene.enter(&link, PASSWORD);
        assert!(right.contains("Thank you, it works"), "{name}: the link lives on: {right}\n{}", scene.workspace.log());
    }
    scene.becomes("completed");
    assert_eq!(scene.end(), 0, "{name}");
    assert_eq!(scene.links(1).len(), 1, "{name}: one mail in all");
    assert_eq!(scene.count("credential_request"), 1, "{name}: one link in all");
    let held = scene.count("credential") - scene.count("workspace_secret");
    assert_eq!(held, 1, "{name}: one password of the owner, no other is left behind");
}

#[test]
fn h4_killed_between_each_two_steps_there_is_one_link_one_mail_and_no_lost_credential() {
    if !available() {
        return;
    }
    STEPS.iter().for_each(dies_at);
}
