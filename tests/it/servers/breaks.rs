//! J.3: one folder that breaks the connection is left out, in every phase; all others are moved.

use super::Odds;
use crate::support::odd::MODERN;
use crate::support::relay::Said;

/// Where the connection breaks: at this command about the folder Bad.
fn broken(capabilities: &str, at_source: bool, verb: &'static str, errors: bool) {
    let odds = Odds::new(capabilities);
    odds.source.fill("Bad", 30..33);
    odds.source.fill("Zoo", 40..42);
    let side = if at_source { &odds.source } else { &odds.destination };
    side.bend(move |heard| match heard.verb == verb && heard.arguments.contains("\"Bad\"") {
        true => Said::Instead("* BYE went down".to_owned()),
        false => Said::Kept,
    });
    let (output, item) = odds.start(i32::from(errors));
    let told = format!("{capabilities} {verb} {at_source}: {}", output.stderr);
    for folder in ["INBOX", "Work", "Zoo"] {
        odds.is_copied(folder, &told);
    }
    assert_eq!(item.messages("errors") > 0, errors, "{told}");
    if !errors {
        odds.is_copied("Bad", &told);
    }
}

#[test]
fn p3_states_of_folders_are_done_without() {
    broken("LITERAL+ UIDPLUS", true, "STATUS", false);
    broken("LITERAL+ UIDPLUS", false, "STATUS", false);
}

#[test]
fn p3_a_folder_that_breaks_while_it_is_opened_is_an_error() {
    broken(MODERN, true, "EXAMINE", true);
    broken(MODERN, false, "SELECT", true);
}

#[test]
fn p3_a_folder_that_breaks_while_it_is_created_is_an_error() {
    broken(MODERN, false, "CREATE", true);
    broken(MODERN, false, "SUBSCRIBE", false);
}

#[test]
fn p3_a_list_with_states_that_breaks_is_asked_for_without() {
    let odds = Odds::modern();
    odds.source.bend(|heard| match heard.verb == "LIST" && heard.arguments.contains("STATUS") {
        true => Said::Instead("* BYE went down".to_owned()),
        false => Said::Kept,
    });
    odds.moves_all("LIST with STATUS");
}
