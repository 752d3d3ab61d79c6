//! Newest first: the newest hundred of a folder arrives before the hundred before it, also after breaks and stops, and later
//! passes copy nothing twice.

use crate::support::compare;
use crate::support::dovecot::{self, Format};
use crate::support::product::PROJECT;
use crate::support::relay::{Act, At, Rules, verb};
use crate::support::scene::Scene;

/// The numbers of the messages in the destination's inbox, in the order in which they lie there.
fn order(scene: &Scene) -> Vec<u32> {
    let there = scene.read_there();
    let number = |bytes: &[u8]| {
        let text = String::from_utf8_lossy(bytes).into_owned();
        text.split("Subject: number ").nth(1).and_then(|rest| rest.split('\r').next()?.parse().ok())
    };
    there.folders["INBOX"].messages.iter().map(|message| number(&message.bytes).expect("a number")).collect()
}

/// From 0 on, as they arrive by hundreds.
fn by_hundreds(all: u32) -> Vec<u32> {
    let numbers: Vec<u32> = (0..all).collect();
    numbers.rchunks(100).flatten().copied().collect()
}

fn nothing_lost_or_doubled(scene: &Scene) {
    let here = scene.read_here();
    compare::assert_nothing_lost_or_doubled(&here, &scene.read_there(), &compare::same_names(&here));
}

#[test]
fn the_newest_messages_arrive_first_and_later_passes_copy_only_what_is_new() {
    if !dovecot::available() {
        return;
    }
    let scene = Scene::new();
    scene.fill("INBOX", 0..250);
    scene.workspace.run(&["project", "set", PROJECT, "newest-first=on"]).expect(0);
    scene.pass();
    assert_eq!(order(&scene), by_hundreds(250));
    scene.idle_pass();
    scene.fill("INBOX", 250..253);
    assert_eq!(scene.pass().messages("copied"), 3);
    assert_eq!(order(&scene)[250..], [250, 251, 252]);
    scene.workspace.run(&["project", "set", PROJECT, "newest-first=off"]).expect(0);
    scene.idle_pass();
    nothing_lost_or_doubled(&scene);
}

#[test]
fn after_breaks_on_either_side_the_newest_of_the_rest_come_first_and_nothing_is_doubled() {
    if !dovecot::available() {
        return;
    }
    let (from, to) = (dovecot::shared(Format::Sdbox), dovecot::shared_twin(Format::Sdbox));
    for rules in [Rules::singly(), Rules::default(), Rules::bare()] {
        let scene = Scene::between(from, to, Rules::default(), rules);
        scene.fill("INBOX", 0..230);
        scene.workspace.options(|options| (options.newest_first, options.connections) = (true, 1));
        scene.destination.plan(At::Command(verb("APPEND").nth(3)), Act::Reset);
        scene.source.plan(At::Answer(verb("UID FETCH").nth(4)), Act::Close);
        scene.start(0);
        nothing_lost_or_doubled(&scene);
        assert!(order(&scene).iter().position(|n| *n == 229) < order(&scene).iter().position(|n| *n == 0));
        scene.destination.forget_plans();
        scene.source.forget_plans();
        assert_eq!(scene.pass().messages("copied"), 0);
    }
}
