//! Names that pass from one destination folder to another, whose owner alone did so: nothing was put back (C.10, C.1 c).
//!
//! The folder that has the name of a lost one now may be older than it: that is no sign of a restored backup, when it is known
//! which folder it is. What their owner deleted stays away, and nothing comes twice.

use super::{Pair, once};
use crate::support::odd::{MODERN, State};

/// Knows nothing but numbers.
const PLAIN: &str = "UIDPLUS LITERAL+ NAMESPACE";
/// Folders have ids of their own.
const NAMED: &str = "UIDPLUS LITERAL+ CONDSTORE LIST-EXTENDED LIST-STATUS NAMESPACE OBJECTID";

/// An older folder with five copies, of which the owner deleted one unnoticed; and a younger one with so many.
fn two_folders(capabilities: &str, younger: u32) -> Pair {
    let pair = Pair::new(capabilities, capabilities);
    pair.source.fill("INBOX", 0..2);
    pair.source.fill("Old", 10..15);
    pair.verdict().copies(7);
    pair.source.state().make("Young");
    pair.source.fill("Young", 20..20 + younger);
    pair.verdict().copies(younger.into());
    {
        let mut there = pair.destination.state();
        // The newest copy; mail of the owner's own makes up the count.
        let old = there.at("Old");
        old.add(crate::support::odd::letter(90));
        old.add(crate::support::odd::letter(91));
        old.remove(&[5]);
        // In the inbox, too.
        let inbox = there.at("INBOX");
        inbox.add(crate::support::odd::letter(92));
        inbox.remove(&[2]);
    }
    pair.source.fill("Old", 15..16);
    pair.verdict().copies(1);
    pair
}

/// What stays of it.
fn expected(young: impl IntoIterator<Item = u32>) -> std::collections::BTreeMap<String, usize> {
    once((0..1).chain(10..14).chain(15..17).chain(90..93).chain(young))
}

/// The owner acts; then a pass brings one message to the older folder, and finds nothing else to do.
fn nothing_comes_again(pair: &Pair, young: std::ops::Range<u32>, act: impl Fn(&mut State)) {
    act(&mut pair.destination.state());
    pair.source.fill("Old", 16..17);
    pair.verdict().copies(1);
    assert_eq!(pair.there(), expected(young.clone()));
    pair.source.fill("INBOX", 30..31);
    pair.verdict().copies(1);
    assert_eq!(pair.there(), expected(young.chain(30..31)));
}

fn rename(state: &mut State, from: &str, to: &str) {
    state.at(from).name = to.to_owned();
}

fn delete(state: &mut State, name: &str) {
    state.boxes.retain(|one| one.name != name);
}

#[test]
fn c10_an_older_folder_that_gets_the_name_of_an_empty_one_that_was_renamed_is_nothing_put_back() {
    for capabilities in [PLAIN, MODERN, NAMED] {
        let pair = two_folders(capabilities, 0);
        nothing_comes_again(&pair, 0..0, |there| {
            rename(there, "Young", "Later");
            rename(there, "Old", "Young");
        });
    }
}

#[test]
fn c10_nor_when_the_empty_one_had_been_renamed_before_an_earlier_pass() {
    for capabilities in [PLAIN, MODERN, NAMED] {
        let pair = two_folders(capabilities, 0);
        rename(&mut pair.destination.state(), "Young", "Later");
        pair.verdict().copies(0);
        nothing_comes_again(&pair, 0..0, |there| rename(there, "Old", "Young"));
    }
}

#[test]
fn c10_nor_when_the_younger_one_was_deleted_with_its_copies() {
    for capabilities in [PLAIN, MODERN, NAMED] {
        let pair = two_folders(capabilities, 3);
        nothing_comes_again(&pair, 0..0, |there| {
            delete(there, "Young");
            rename(there, "Old", "Young");
        });
    }
}

#[test]
fn c10_nor_when_another_folder_has_the_older_name_then() {
    for capabilities in [PLAIN, MODERN, NAMED] {
        let pair = two_folders(capabilities, 3);
        nothing_comes_again(&pair, 0..0, |there| {
            delete(there, "Young");
            rename(there, "Old", "Young");
            there.make("Old");
        });
    }
}

#[test]
fn c10_nor_when_both_passed_their_names_on_in_a_ring() {
    for capabilities in [PLAIN, MODERN, NAMED] {
        let pair = two_folders(capabilities, 3);
        nothing_comes_again(&pair, 20..23, |there| {
            rename(there, "Young", "Between");
            rename(there, "Old", "Young");
            rename(there, "Between", "Old");
        });
    }
}

#[test]
fn c10_nor_when_an_older_folder_of_the_owner_s_own_gets_the_name_of_an_empty_one() {
    for capabilities in [PLAIN, MODERN, NAMED] {
        let pair = Pair::new(capabilities, capabilities);
        pair.destination.state().make("Own");
        pair.source.fill("INBOX", 0..4);
        pair.source.state().make("Young");
        pair.verdict().copies(4);
        {
            let mut there = pair.destination.state();
            there.at("INBOX").add(crate::support::odd::letter(90));
            there.at("INBOX").remove(&[4]);
            delete(&mut there, "Young");
            rename(&mut there, "Own", "Young");
        }
        pair.source.fill("INBOX", 4..5);
        pair.verdict().copies(1);
        assert_eq!(pair.there(), once((0..3).chain(4..5).chain(90..91)));
    }
}
