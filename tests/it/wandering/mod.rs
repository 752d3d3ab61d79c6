//! Random days in a mailbox's life between passes, on both sides: whatever its owners, its servers and its
//! administrators do, no message is lost, doubled, altered or brought back, and nobody else's mail is touched.
//!
//! Judged by [`model`]. The engine runs in this process. `WANDERING_SEEDS=100..2100 WANDERING_DAYS=15
//! WANDERING_THREADS=8 cargo test --release --test it wandering::lives` runs as many lives as are wanted; the log of
//! each that fails is printed with its seed; `WANDERING_INVENTORY=1`: with what is where after each pass.

mod here;
mod model;
mod there;
mod trouble;
mod world;

use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::support::bench::runtime;
use crate::support::dovecot;
use crate::support::scene::Scene;
use crate::support::seeds::{each, from_environment};
use world::World;

/// What servers may lack.
const LACKS: [&[&str]; 4] = [
    &[],
    &["UIDPLUS", "CONDSTORE", "QRESYNC", "MULTIAPPEND", "LITERAL+"],
    &["UIDPLUS"],
    &["CONDSTORE", "QRESYNC", "LIST-STATUS"],
];

/// One life.
async fn live(world: &mut World, days: usize) {
    for _ in 0..days {
        for _ in 0..1 + world.random.below(8) {
            world.act_here();
        }
        for _ in 0..world.random.below(4) {
            world.act_there();
        }
        let trouble = world.draw_trouble();
        world.pass(trouble).await;
    }
    world.pass(trouble::Trouble::None).await;
    world.rest().await;
}

/// Lives a life; what was wrong, with all that happened before.
fn life(seed: u64, days: usize) -> Result<(), String> {
    let lacks = LACKS[usize::try_from(seed % 4).expect("small")];
    let runtime = runtime();
    let mut world = runtime.block_on(World::new(seed, lacks));
    let lived = catch_unwind(AssertUnwindSafe(|| runtime.block_on(Box::pin(live(&mut world, days)))));
    lived.map_err(|panic| {
        let text = panic.downcast_ref::<String>().cloned();
        let text = text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned())).unwrap_or_default();
        format!("{}\n{text}", world.log.join("\n"))
    })
}

#[test]
#[expect(clippy::print_stderr, reason = "the counts are asked for")]
fn lives() {
    if !dovecot::available() {
        return;
    }
    let seeds = from_environment("WANDERING_SEEDS", 1..13);
    let days = usize::try_from(from_environment("WANDERING_DAYS", 10..11).start).expect("small");
    let threads = from_environment("WANDERING_THREADS", 2..3).start;
    // What the engine says of one life: `MAILFERRY_LOG=mailferry=debug WANDERING_THREADS=1`.
    if let Ok(wanted) = std::env::var("MAILFERRY_LOG") {
        tracing_subscriber::fmt().with_env_filter(wanted).with_ansi(false).with_writer(std::io::stderr).init();
    }
    let count = seeds.end - seeds.start;
    let failures = each(seeds, threads, |seed| life(seed, days));
    eprintln!("wandering: {count} lives of {days} days, {} went wrong", failures.len());
    assert!(failures.is_empty(), "seeds that went wrong: {failures:?}");
}

#[test]
fn r17_a_message_that_was_away_during_a_pass_is_not_copied_again() {
    if !dovecot::available() {
        return;
    }
    let scene = Scene::new();
    scene.fill("A", 0..10);
    scene.fill("B", 20..22);
    scene.pass();
    let mut here = scene.here();
    here.select("A");
    here.delete("4:6");
    assert_eq!(scene.pass().messages("copied"), 0);
    scene.idle_pass();
    scene.fill("B", 3..5);
    let back = scene.pass();
    assert_eq!((back.messages("copied"), back.messages("already_there")), (0, 11), "{:#}", back.0);
    here.select("B");
    here.store("3", "+FLAGS", "\\Seen");
    assert_eq!(scene.pass().number("flags_updated"), 1);
    assert_eq!(scene.read_there().folders["A"].messages[3].flags, ["\\Seen"]);
    assert_eq!(scene.count_there(&["A", "B"]), [10, 2]);
}
