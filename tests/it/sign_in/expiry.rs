//! Tokens that end while a pass runs: no message is lost, doubled or blamed, and no try is used up.

use crate::sign_in::real::Site;
use crate::support::dovecot::{self, Format};
use crate::support::oidc::{self, APP};
use crate::support::product::PROJECT;
use crate::support::relay::{Act, At, Relay, Rules, verb};
use crate::support::scene::Scene;
use crate::support::{compare, corpus};

/// Where a token ends, for the n-th time.
type Place = fn(u64) -> At;

/// Runs a pass with a single try, which any two breaks in a row that count would use up.
fn passes_through(scene: &Scene, relay: &Relay, place: Place, act: &Act) {
    scene.workspace.options(|options| options.retry_limit = 1);
    let hits = [1, 2, 3].map(|number| relay.plan(place(number), act.clone()));
    let item = scene.pass();
    assert!(hits[0].count() > 0, "{act:?} was met");
    assert_eq!((item.messages("errors"), item.messages("differ")), (0, 0), "{:#}", item.0);
    relay.forget_plans();
    // What was in doubt is asked about once more, and nothing comes twice.
    assert_eq!(scene.pass().messages("copied"), 0);
    match act {
        // What was sent behind a refused message was stored before it.
        Act::Answer(_) => {
            let here = scene.read_here();
            compare::assert_nothing_lost_or_doubled(&here, &scene.read_there(), &compare::same_names(&here));
        }
        _ => scene.assert_equal(),
    }
}

fn scene(writing: Rules) -> Scene {
    let (source, destination) = (dovecot::shared(Format::Sdbox), dovecot::shared_twin(Format::Sdbox));
    let scene = Scene::between(source, destination, Rules::default(), writing);
    scene.fill("INBOX", 0..30);
    scene.fill("Work", 30..60);
    scene
}

fn acts() -> [Act; 3] {
    let [bye, no, bad] = ["* BYE", "NO", "BAD"].map(|word| format!("{word} Session invalidated - AccessTokenExpired"));
    [Act::SayAndClose(bye), Act::Answer(no), Act::Answer(bad)]
}

#[test]
fn a_token_that_ends_at_the_source_is_no_trouble_of_a_message() {
    if !dovecot::available() {
        return;
    }
    let places: [Place; 2] = [|n| At::Command(verb("EXAMINE").nth(n)), |n| At::Command(verb("UID FETCH").nth(n))];
    for (place, act) in places.into_iter().flat_map(|place| acts().map(|act| (place, act))) {
        let scene = scene(Rules::default());
        passes_through(&scene, &scene.source, place, &act);
    }
}

#[test]
fn a_token_that_ends_at_the_destination_is_no_trouble_of_a_message() {
    if !dovecot::available() {
        return;
    }
    let places: [Place; 3] = [
        |n| At::Command(verb("SELECT").nth(n)),
        |n| At::Command(verb("APPEND").nth(n)),
        |n| At::Answer(verb("APPEND").nth(3 * n)),
    ];
    for (place, act) in places.into_iter().flat_map(|place| acts().map(|act| (place, act))) {
        let scene = scene(Rules::singly());
        passes_through(&scene, &scene.destination, place, &act);
    }
}

#[test]
fn a_token_that_ends_within_a_message_is_no_trouble_of_that_message() {
    if !dovecot::available() {
        return;
    }
    let [bye, ..] = acts();
    for rules in [Rules::singly(), Rules::default(), Rules::bare()] {
        let scene = scene(rules);
        passes_through(&scene, &scene.destination, |n| At::HalfLiteral(verb("APPEND").nth(n)), &bye);
    }
}

/// How long the pass below lasts; MAILFERRY_TEST_LONG makes it a minute.
fn seconds() -> usize {
    if std::env::var_os("MAILFERRY_TEST_LONG").is_some() { 60 } else { 12 }
}

#[test]
fn tokens_of_three_seconds_carry_a_pass_that_lasts_much_longer() {
    if !oidc::available() {
        return;
    }
    let site = Site::new(3);
    let token = site.provider.url("token");
    let words = ["--SIDE-signin", "microsoft-app", "--SIDE-tenant", "contoso", "--SIDE-client-id", APP];
    site.project(&[&words[..], &["--SIDE-token-url", &token]].concat()).expect(0);
    corpus::small(11).load(&site.server, &site.from);
    let body = "x".repeat(998) + "\r\n";
    let mail = |number: usize| {
        let head = format!("Subject: long {number}\r\nMessage-ID: <long-{number}@x>\r\n\r\n");
        crate::support::imap::Message::plain(head + &body.repeat(5))
    };
    let mail: Vec<_> = (0..seconds() * 2).map(mail).collect();
    site.server.login(&site.from).append_all("INBOX", &mail);
    site.import();
    site.workspace.run(&["project", "set", PROJECT, "rate=10 KB"]).expect(0);
    site.workspace.options(|options| options.retry_limit = 1);
    let since = std::time::Instant::now();
    site.workspace.start().expect(0);
    assert!(since.elapsed().as_secs() as usize >= seconds() - 2, "it lasted {:?}", since.elapsed());
    let item = site.workspace.only();
    assert_eq!((item.messages("errors"), item.messages("differ")), (0, 0), "{:#}", item.0);
    site.expect_equal();
    let renewed = site.provider.asked() as usize;
    assert!(renewed >= seconds() / 3, "{renewed} tokens");
    let log = site.workspace.log();
    assert!(!log.contains("AccessTokenExpired"), "connections end before their tokens do");
}
