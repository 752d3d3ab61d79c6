//! Lists that leave something out, played by a scripted peer.

use super::script::{ScriptStep, hear, say, session, welcome};
use crate::domain::folder::{ListedFolder, Role};
use crate::endpoint::Source;

const STATUS: &str = "(MESSAGES UIDNEXT UIDVALIDITY)";

/// What is listed by a server with these capabilities that plays this after the login.
async fn listed(capabilities: &str, more: Vec<ScriptStep>) -> Vec<ListedFolder> {
    let mut steps = welcome(capabilities);
    steps.extend(more);
    let (opened, _peer) = session(steps).await;
    opened.expect("logged in").list().await.expect("listed")
}

fn shown(folders: &[ListedFolder]) -> Vec<String> {
    let state = |f: &ListedFolder| f.state.map_or("?".to_owned(), |s| s.messages.to_string());
    folders.iter().map(|f| format!("{} {}{}", f.path, state(f), if f.foreign { " foreign" } else { "" })).collect()
}

/// LIST and LSUB with these answers.
fn plain(first: u32, list: &str) -> Vec<ScriptStep> {
    let (list_at, lsub_at) = (format!("A{first} OK x\r\n"), format!("A{} OK x\r\n", first + 1));
    vec![hear(leak(format!("A{first} LIST \"\" \"*\""))), hear("A"), say(format!("{list}{list_at}{lsub_at}"))]
}

fn leak(text: String) -> &'static str {
    Box::leak(text.into_boxed_str())
}

#[tokio::test]
async fn c12_an_inbox_that_is_not_listed_is_asked_for() {
    // Beside others, alone, and where only EXAMINE says that it is there.
    let mut steps = plain(3, "* LIST () \"/\" Work\r\n");
    steps.extend([hear(leak(format!("A5 STATUS \"Work\" {STATUS}"))), say("A5 NO not now\r\n")]);
    steps.extend([hear(leak(format!("A6 STATUS \"INBOX\" {STATUS}")))]);
    steps.push(say("* STATUS INBOX (MESSAGES 4 UIDNEXT 9 UIDVALIDITY 2)\r\nA6 OK x\r\n"));
    assert_eq!(shown(&listed("", steps).await), ["Work ?", "INBOX 4"]);

    let mut steps = plain(3, "");
    steps.extend([hear("A5 STATUS"), say("A5 NO [SERVERBUG] what?\r\n"), hear("A6 EXAMINE \"INBOX\"")]);
    steps.push(say("* 3 EXISTS\r\n* OK [UIDVALIDITY 2] x\r\nA6 OK open\r\n"));
    assert_eq!(shown(&listed("", steps).await), ["INBOX ?"]);

    let mut steps = plain(3, "");
    steps.extend([hear("A5 STATUS"), say("A5 NO no\r\n"), hear("A6 EXAMINE"), say("A6 NO [NOPERM] not yours\r\n")]);
    assert_eq!(shown(&listed("", steps).await), ["INBOX ?"], "that it cannot be opened must be told");
}

#[tokio::test]
async fn c12_no_folder_at_all_is_an_empty_list() {
    for gone in ["A6 NO [NONEXISTENT] none\r\n", "A6 NO Mailbox doesn't exist: INBOX\r\n"] {
        let mut steps = plain(3, "");
        steps.extend([hear("A5 STATUS"), say("A5 NO no such mailbox\r\n"), hear("A6 EXAMINE"), say(gone)]);
        assert!(listed("", steps).await.is_empty(), "{gone}");
    }
}

#[tokio::test]
async fn c12_an_extended_list_that_tells_nothing_is_asked_for_plainly() {
    for answer in ["A3 OK nothing\r\n", "A3 BAD what?\r\n", "A3 NO [CANNOT] not today\r\n"] {
        let mut steps = vec![hear("A3 LIST \"\" \"*\" RETURN (SUBSCRIBED STATUS"), say(answer)];
        steps.extend(plain(4, "* LIST () \"/\" INBOX\r\n* LIST (\\Archive) \"/\" Old\r\n"));
        steps.extend([hear("A6 STATUS"), hear("A7 STATUS")]);
        steps.push(say("* STATUS INBOX (MESSAGES 1 UIDVALIDITY 1)\r\nA6 OK x\r\n"));
        steps.push(say("* STATUS Old (MESSAGES 2 UIDVALIDITY 1)\r\nA7 OK x\r\n"));
        let folders = listed("LIST-EXTENDED LIST-STATUS", steps).await;
        assert_eq!(shown(&folders), ["INBOX 1", "Old 2"], "{answer}");
        assert_eq!(folders[1].role, Some(Role::Archive));
    }
}

#[tokio::test]
async fn sizes_come_with_the_list_where_the_server_tells_them() {
    let asked = hear("A3 LIST \"\" \"*\" RETURN (SUBSCRIBED STATUS (MESSAGES UIDNEXT UIDVALIDITY SIZE))");
    let told = "* LIST () \"/\" INBOX\r\n* STATUS INBOX (MESSAGES 2 UIDVALIDITY 1 SIZE 5000000000)\r\nA3 OK x\r\n";
    let folders = listed("LIST-EXTENDED LIST-STATUS STATUS=SIZE", vec![asked, say(told)]).await;
    assert_eq!(folders[0].size, Some(5_000_000_000));
    // Whoever takes it back is asked again without.
    let asked = hear("A3 LIST \"\" \"*\" RETURN (SUBSCRIBED STATUS (MESSAGES UIDNEXT UIDVALIDITY SIZE))");
    let mut steps = vec![asked, say("A3 BAD what?\r\n")];
    steps.extend(plain(4, "* LIST () \"/\" INBOX\r\n"));
    steps.push(hear("A6 STATUS \"INBOX\" (MESSAGES UIDNEXT UIDVALIDITY)"));
    steps.push(say("* STATUS INBOX (MESSAGES 1 UIDVALIDITY 1)\r\nA6 OK x\r\n"));
    let folders = listed("LIST-EXTENDED LIST-STATUS STATUS=SIZE", steps).await;
    assert_eq!((shown(&folders), folders[0].size), (vec!["INBOX 1".to_owned()], None));
}

#[tokio::test]
async fn c12_a_list_below_a_prefix_is_asked_for_there() {
    let mut steps = welcome("");
    steps.truncate(4);
    steps.push(say("* NAMESPACE ((\"INBOX.\" \".\")) NIL NIL\r\nA2 OK done\r\n"));
    steps.extend(plain(3, ""));
    steps.extend([hear("A5 LIST \"\" \"INBOX.*\""), say("* LIST () \".\" INBOX.Work\r\nA5 OK x\r\n")]);
    steps.extend([hear("A6 STATUS"), say("* STATUS INBOX.Work (MESSAGES 2 UIDVALIDITY 1)\r\nA6 OK x\r\n")]);
    steps.extend([hear("A7 STATUS"), say("* STATUS INBOX (MESSAGES 5 UIDVALIDITY 1)\r\nA7 OK x\r\n")]);
    let (opened, _peer) = session(steps).await;
    let folders = opened.expect("logged in").list().await.expect("listed");
    assert_eq!(shown(&folders), ["Work 2", "INBOX 5"]);
}

#[tokio::test]
async fn c12_other_peoples_folders_are_listed_as_such() {
    let mut steps = welcome("");
    steps.truncate(4);
    steps.push(say("* NAMESPACE ((\"\" \"/\")) ((\"user/\" \"/\")) ((\"shared/\" \"/\"))\r\nA2 OK done\r\n"));
    let list = "* LIST () \"/\" INBOX\r\n* LIST (\\Noselect) \"/\" user\r\n* LIST () \"/\" user/bob\r\n* LIST () \"/\" shared/a\r\n";
    steps.extend(plain(3, list));
    // Nobody asks how much they hold: there may be thousands of them.
    steps.extend([hear("A5 STATUS \"INBOX\""), say("* STATUS INBOX (MESSAGES 5 UIDVALIDITY 1)\r\nA5 OK x\r\n")]);
    let (opened, _peer) = session(steps).await;
    let folders = opened.expect("logged in").list().await.expect("listed");
    assert_eq!(shown(&folders), ["INBOX 5", "user ? foreign", "user/bob ? foreign", "shared/a ? foreign"]);
}

#[tokio::test]
async fn states_that_make_no_sense_are_not_told() {
    for odd in ["MESSAGES NIL", "MESSAGES -1", "MESSAGES 99999999999", "UIDVALIDITY 99999999999999999999999"] {
        let mut steps = plain(3, "* LIST () \"/\" INBOX\r\n");
        steps.extend([hear("A5 STATUS"), say(format!("* STATUS INBOX (UIDNEXT 4 {odd})\r\nA5 OK x\r\n"))]);
        assert_eq!(shown(&listed("", steps).await), ["INBOX ?"], "{odd}");
    }
}

/// Ids of the inbox and another folder, as they are used of a server that tells the inbox's so when it is asked again, and this
/// when the inbox is opened.
async fn ids(again: &str, opened: &str) -> Vec<Option<String>> {
    let list = "* LIST () \"/\" INBOX\r\n* STATUS INBOX (MESSAGES 1 UIDVALIDITY 1 MAILBOXID (M1))\r\n* LIST () \"/\" Work\r\n\
                * STATUS Work (MESSAGES 2 UIDVALIDITY 1 MAILBOXID (M2))\r\nA3 OK x\r\n";
    let mut steps =
        vec![hear("A3 LIST"), say(list), hear("A4 STATUS \"INBOX\" (MAILBOXID)"), hear("A5 EXAMINE \"INBOX\"")];
    steps.push(say(format!("* STATUS INBOX (MAILBOXID ({again}))\r\nA4 OK x\r\n* 1 EXISTS\r\n{opened}\r\n")));
    let folders = listed("LIST-EXTENDED LIST-STATUS OBJECTID", steps).await;
    folders.into_iter().map(|folder| folder.mailbox_id).collect()
}

#[tokio::test]
async fn p5a_ids_of_folders_are_used_where_lists_and_opened_folders_tell_the_same() {
    let used = [Some("M1".to_owned()), Some("M2".to_owned())];
    for opened in ["* OK [MAILBOXID (M1)] x\r\nA5 OK open", "A5 OK open", "A5 NO not now"] {
        assert_eq!(ids("M1", opened).await, used, "{opened}");
    }
    for (again, opened) in
        [("M1", "* OK [MAILBOXID (M9)] x\r\nA5 OK open"), ("M9", "A5 OK open"), ("\u{1}(", "A5 OK open")]
    {
        assert_eq!(ids(again, opened).await, [None, None], "{again} {opened}");
    }
}

#[tokio::test(start_paused = true)]
async fn p4_a_refusal_that_names_no_command_is_shown() {
    let mut steps = welcome("");
    steps.extend([hear("A3 EXAMINE"), say("* NO that folder is locked away\r\n"), ScriptStep::Stall]);
    let (opened, _peer) = session(steps).await;
    let folder = crate::endpoint::FolderRef { validity: None, ..super::script::folder("box") };
    let failure = opened.expect("logged in").examine(&folder).await.expect_err("refused");
    let told = (failure.cause, failure.server_text.as_deref());
    assert_eq!(told, (crate::domain::failure::Cause::FolderRefused, Some("that folder is locked away")));
}
