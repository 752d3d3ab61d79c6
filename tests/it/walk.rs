//! What a consultant does on a first day, by mouse and keys in a real window: from an empty workspace to mail that is moved, each
//! failure corrected where it is shown. Real servers; what came of it is read by another process and from the mailboxes.

use crate::support::dovecot::{self, Format, PASSWORD};
use crate::support::hand::Hand;
use crate::support::product::PROJECT;
use crate::support::relay::{Act, At, Relay, Rules, verb};
use crate::support::scene::message;
use crate::support::screen::{self, Screen};

/// Starts a pass of the item that is shown.
fn start(hand: &Hand<'_>, pass: &str, button: &str) {
    hand.press_for("s", pass);
    hand.tick(pass, "RadioButton");
    if hand.sees("The direction is right") {
        hand.tick("The direction is right", "CheckBox");
    }
    hand.click(button);
    hand.gone(button);
}

#[test]
fn e6_by_mouse_and_keys_from_an_empty_workspace_every_failure_is_corrected_where_it_shows() {
    if !screen::available() || !dovecot::available() {
        return;
    }
    let (from, into) = (dovecot::shared(Format::Sdbox), dovecot::shared_twin(Format::Sdbox));
    let relay = Relay::start(into.plain_port, Rules::singly());
    let names = ["anna", "bob", "carl", "dora"];
    let users = names.map(|name| (from.user(name), into.user(name)));
    for (user, _) in &users {
        from.login(user).append_all("INBOX", &[message(1), message(2)]);
    }
    let screen = Screen::start();
    let hand = Hand::open(&screen);

    // A project whose source is at the wrong port.
    hand.click("New project…");
    hand.fill("Name", PROJECT);
    hand.fill("Host of the source", "localhost:1");
    hand.fill("Host of the destination", &format!("localhost:{}", relay.port));
    hand.click("Protection of the destination");
    hand.click("No protection");
    hand.picture("walk-01-new-project");
    hand.click("Create project");

    // Items, of whom one has a wrong password.
    hand.click("Import the first items…");
    let head =
        "Source Email,Source Login Name,Source Password,Destination Email,Destination Login Name,Destination Password";
    let row = |(name, (from, into)): (&str, &(String, String))| {
        let own = if name == "bob" { "wrong" } else { PASSWORD };
        format!("{name}@old.example,{from},{own},{name}@new.example,{into},{PASSWORD}")
    };
    let rows: Vec<String> = names.into_iter().zip(&users).map(row).collect();
    hand.fill("Or paste the list, also just two columns of addresses", &format!("{head}\n{}\n", rows.join("\n")));
    hand.picture("walk-02-import");
    hand.click("Import 4 items");
    hand.until_status("dora", "not_submitted");

    // The host is corrected from the failure.
    hand.click("Not Submitted: open anna@old.example");
    start(&hand, "Full", "Start 1");
    hand.until_status("anna", "failed");
    hand.picture("walk-03-unreachable");
    hand.click("Edit host…");
    hand.fill("Host of the source", &format!("localhost:{}", from.tls_port));
    hand.picture("walk-04-edit-host");
    hand.press("Return");
    hand.gone("Save");

    // The certificate is pinned.
    start(&hand, "Full", "Start 1");
    let refused = |item: &serde_json::Value| item["error"]["failure"]["cause"] == "certificate_not_trusted";
    hand.until("anna", "refused by its certificate", refused);
    hand.click("Pin this certificate…");
    hand.picture("walk-05-certificate");
    hand.click("Trust exactly this one");
    hand.gone("Trust exactly this one");
    start(&hand, "Full", "Start 1");
    hand.until_status("anna", "completed");
    assert_eq!(into.login(&users[0].1).fetch_all("INBOX").len(), 2);

    // The wrong password is corrected.
    hand.press_for("Right", "Star of bob@old.example: none");
    start(&hand, "Full", "Start 1");
    hand.until_status("bob", "failed");
    hand.picture("walk-06-login-refused");
    hand.click("Correct login…");
    hand.fill("New password", PASSWORD);
    hand.press("Return");
    hand.gone("New password");
    start(&hand, "Full", "Start 1");
    hand.until_status("bob", "completed");
    assert_eq!(into.login(&users[1].1).fetch_all("INBOX").len(), 2);

    // Errors are accepted, and then tried again all the same.
    hand.press_for("Right", "Star of carl@old.example: none");
    relay.plan(At::Command(verb("APPEND").every()), Act::Answer("NO [CANNOT] not this one".into()));
    start(&hand, "Full", "Start 1");
    let errors = |count: u64| move |item: &serde_json::Value| item["messages"]["errors"] == count;
    hand.until("carl", "left with errors", errors(2));
    hand.until_status("carl", "completed");
    hand.picture("walk-07-errors");
    hand.click("Accept all 2…");
    hand.fill("Note", "as agreed");
    hand.click_a("Accept", &["Button"]);
    hand.until("carl", "accepted", |item| item["messages"]["accepted"] == 2);
    hand.click("Do not accept any");
    hand.until("carl", "not accepted", |item| item["messages"]["accepted"] == 0);
    relay.forget_plans();
    hand.click("Retry errors");
    hand.until("carl", "retried", errors(0));
    assert_eq!(into.login(&users[2].1).fetch_all("INBOX").len(), 2);

    // One is scheduled, stopped, and deleted.
    hand.press_for("Right", "Star of dora@old.example: none");
    hand.press_for("s", "Full");
    hand.tick("Full", "RadioButton");
    hand.click("At a time");
    hand.fill("Start at", "2040-01-31 10:00");
    hand.picture("walk-08-schedule");
    hand.click("Schedule 1");
    hand.gone("Schedule 1");
    hand.until_status("dora", "scheduled");
    hand.press("x");
    hand.until_status("dora", "stopped");
    hand.click("More…");
    hand.click("Delete…");
    hand.picture("walk-09-delete");
    hand.click("Delete 1 item");
    hand.until("dora", "gone", serde_json::Value::is_null);

    // One is reset: its mail stays, and is known again.
    hand.click("Completed: open anna@old.example");
    hand.click("More…");
    hand.click("Reset…");
    hand.click("Reset 1 item");
    hand.gone("Reset 1 item");
    hand.until_status("anna", "not_submitted");
    start(&hand, "Full", "Start 1");
    let anna = hand.until_status("anna", "completed");
    assert_eq!((&anna["messages"]["copied"], &anna["messages"]["already_there"]), (&0.into(), &2.into()), "{anna:#}");
    assert_eq!(into.login(&users[0].1).fetch_all("INBOX").len(), 2, "nothing is doubled");
    assert_eq!(into.login(&users[3].1).fetch_all("INBOX").len(), 0, "dora was never started");
    hand.picture("walk-10-end");
}
