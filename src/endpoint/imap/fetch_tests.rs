//! Answers to FETCH in pieces, without numbers, too late, or with attributes that make no sense, played by a scripted peer.

use std::time::Duration;

use super::script::{ScriptStep, drain, folder, hear, reading, reading_within, say};
use crate::domain::failure::{Cause, Scope};
use crate::domain::flags::Flags;
use crate::domain::ids::Uid;
use crate::domain::message::Body;
use crate::endpoint::{Destination, Fetched, MessageStream, Source, Which};

/// Everything a stream gives: `uid:text [flags] date`.
async fn whole(mut stream: MessageStream) -> Vec<String> {
    let mut all = Vec::new();
    while let Some(fetched) = stream.recv().await {
        all.push(match fetched {
            Fetched::Message(message) => {
                let text = match &message.body {
                    Body::Memory(bytes) => String::from_utf8_lossy(bytes).into_owned(),
                    Body::Spooled { len, .. } => format!("spooled {len}"),
                };
                let date = message.date.map_or("-".into(), |date| date.text);
                format!("{}:{text} [{}] {date}", message.uid, message.flags)
            }
            Fetched::Unreadable(uid, failure) => format!("{uid} {:?}", failure.cause),
            Fetched::Broken(failure) => format!("broken {:?}", failure.cause),
        });
    }
    all
}

/// What the stream of messages 1 to 5 gives when the FETCH is answered like this.
async fn fetched(answer: impl AsRef<[u8]>) -> Vec<String> {
    let (mut source, _peer) = reading("A4 UID FETCH 1:5 (UID FLAGS", vec![say(answer)]).await;
    let which = Which::These((1..=5).map(Uid).collect());
    whole(source.fetch(&folder("box"), &which).await.expect("asked")).await
}

/// Flags as they were told.
fn told(flags: &Option<Flags>) -> String {
    flags.as_ref().map_or("not told".into(), ToString::to_string)
}

/// What a scan of messages below 100 finds when it is answered like this: `uid size [flags] date`.
async fn scanned(more: Vec<ScriptStep>) -> Vec<String> {
    let (mut source, _peer) = reading("A4 UID FETCH 1:99 (UID FLAGS RFC822.SIZE INTERNALDATE)", more).await;
    let found = source.scan(&folder("box"), &Which::Before(Uid(100)), true).await.expect("scanned");
    let date = |date: Option<crate::domain::message::InternalDate>| date.map_or("-".into(), |date| date.text);
    found.into_iter().map(|m| format!("{} {} [{}] {}", m.uid, m.size, told(&m.flags), date(m.date))).collect()
}

const DATE: &str = "01-Feb-2024 03:04:05 +0100";

fn d(day: u32) -> String {
    format!("{day:02}-Feb-2024 03:04:05 +0100")
}

#[tokio::test]
async fn c6_parts_of_one_message_are_put_together_wherever_they_come() {
    let seen = format!("1:ab [\\Seen] {DATE}");
    for answer in [
        // Whole; the body first; the date first; each by itself; the second part known by its place only; the first.
        format!("* 1 FETCH (UID 1 FLAGS (\\Seen) INTERNALDATE \"{DATE}\" RFC822.SIZE 2 BODY[] {{2}}\r\nab)\r\n"),
        format!(
            "* 1 FETCH (UID 1 BODY[] {{2}}\r\nab)\r\n* 1 FETCH (UID 1 INTERNALDATE \"{DATE}\" FLAGS (\\Seen) RFC822.SIZE 2)\r\n"
        ),
        format!(
            "* 1 FETCH (UID 1 INTERNALDATE \"{DATE}\" FLAGS (\\Seen))\r\n* 1 FETCH (UID 1 BODY[] {{2}}\r\nab RFC822.SIZE 2)\r\n"
        ),
        format!(
            "* 1 FETCH (FLAGS (\\Seen))\r\n* 1 FETCH (UID 1)\r\n* 1 FETCH (INTERNALDATE \"{DATE}\")\r\n* 1 FETCH (RFC822.SIZE 2)\r\n* 1 FETCH (BODY[] {{2}}\r\nab)\r\n"
        ),
        format!(
            "* 1 FETCH (UID 1 BODY[] {{2}}\r\nab)\r\n* 1 FETCH (INTERNALDATE \"{DATE}\" FLAGS (\\Seen) RFC822.SIZE 2)\r\n"
        ),
        format!(
            "* 1 FETCH (INTERNALDATE \"{DATE}\" FLAGS (\\Seen) BODY[] {{2}}\r\nab)\r\n* 1 FETCH (UID 1 RFC822.SIZE 2)\r\n"
        ),
        // A date that cannot be read is not the last word; flags that changed meanwhile are.
        format!(
            "* 1 FETCH (UID 1 FLAGS () BODY[] {{2}}\r\nab)\r\n* 1 FETCH (UID 1 FLAGS (\\Seen))\r\n* 1 FETCH (UID 1 INTERNALDATE \"{DATE}\")\r\n"
        ),
    ] {
        assert_eq!(fetched(format!("{answer}A4 OK x\r\n")).await, std::slice::from_ref(&seen), "{answer}");
    }
}

#[tokio::test]
async fn c6_parts_of_many_messages_may_be_told_in_turns() {
    let bodies: String = (1..=5).map(|n| format!("* {n} FETCH (UID {n} BODY[] {{1}}\r\n{n})\r\n")).collect();
    let rest: String =
        (1..=5).rev().map(|n| format!("* {n} FETCH (FLAGS (k{n}) INTERNALDATE \"{}\")\r\n", d(n))).collect();
    let expected: Vec<String> = (1..=5).map(|n| format!("{n}:{n} [k{n}] {}", d(n))).collect();
    for answer in [format!("{bodies}{rest}"), format!("{rest}{bodies}")] {
        let mut got = fetched(format!("{answer}A4 OK x\r\n")).await;
        got.sort();
        assert_eq!(got, expected, "{answer}");
    }
    // Places move when a message goes: 2 has no body yet and is gone, 3 and 4 are at 2 and 3 from then on.
    let answer = format!(
        "* 2 FETCH (UID 2 FLAGS ())\r\n* 3 FETCH (UID 3 BODY[] {{1}}\r\n3)\r\n* 4 FETCH (UID 4 BODY[] {{1}}\r\n4)\r\n* 2 EXPUNGE\r\n\
         * 3 FETCH (FLAGS (four) INTERNALDATE \"{}\")\r\n* 2 FETCH (FLAGS (three) INTERNALDATE \"{}\")\r\nA4 OK x\r\n",
        d(4),
        d(3)
    );
    assert_eq!(fetched(answer).await, [format!("4:4 [four] {}", d(4)), format!("3:3 [three] {}", d(3))]);
}

#[tokio::test]
async fn c6_what_is_never_told_is_not_waited_for() {
    // At the end of the command, in their order, and whole ones at once.
    let answer = format!(
        "* 1 FETCH (UID 1 FLAGS () BODY[] {{1}}\r\n1)\r\n* 2 FETCH (UID 2 FLAGS () INTERNALDATE \"{DATE}\" BODY[] {{1}}\r\n2)\r\n\
         * 3 FETCH (UID 3 FLAGS () INTERNALDATE \"soon\" BODY[] {{1}}\r\n3)\r\n* 4 FETCH (UID 4 BODY[] {{1}}\r\n4)\r\nA4 OK x\r\n"
    );
    assert_eq!(
        fetched(answer).await,
        [format!("2:2 [] {DATE}"), "3:3 [] -".into(), "1:1 [] -".into(), "4:4 [] -".into()]
    );
}

#[tokio::test]
async fn c6_held_back_messages_are_bounded_and_leave_the_budget_alone() {
    // So many messages whose dates come late that the oldest go on without.
    let body = "x".repeat(700 * 1024);
    let large: String =
        (1..=3).map(|n| format!("* {n} FETCH (UID {n} BODY[] {{{}}}\r\n{body})\r\n", body.len())).collect();
    let small: String = (4..=99).map(|n| format!("* {n} FETCH (UID {n} BODY[] {{1}}\r\ny)\r\n")).collect();
    let dates: String =
        (1..=99).map(|n| format!("* {n} FETCH (UID {n} FLAGS () INTERNALDATE \"{DATE}\")\r\n")).collect();
    let answer = vec![say(format!("{large}{small}{dates}A4 OK x\r\n"))];
    let (mut source, _peer) = reading("A4 UID FETCH 1:99", answer).await;
    let got = whole(source.fetch(&folder("box"), &Which::Before(Uid(100))).await.expect("asked")).await;
    assert_eq!(got.len(), 99);
    let dated = got.iter().filter(|message| message.ends_with(DATE)).count();
    assert_eq!(dated, 64, "{got:?}");
    assert!(got[..2].iter().all(|message| message.contains("spooled 716800")), "waiting is done on the disk");

    // A budget with room for one body only: what waits for its date must not be what the next one waits for.
    let steps = vec![say(format!("{large}{dates}A4 OK x\r\n"))];
    let (mut source, _peer) = reading_within(1 << 20, "A4 UID FETCH 1:99", steps).await;
    let mut stream = source.fetch(&folder("box"), &Which::Before(Uid(100))).await.expect("asked");
    for _ in 0..3 {
        assert!(matches!(stream.recv().await, Some(Fetched::Message(message)) if message.date.is_some()));
    }
}

#[tokio::test]
async fn c12_messages_without_a_usable_uid_are_told() {
    for odd in ["", "UID 0 ", "UID NIL ", "UID 99999999999999999999 ", "UID -1 "] {
        let answer = format!(
            "* 1 FETCH ({odd}FLAGS () INTERNALDATE \"{DATE}\" BODY[] {{1}}\r\n1)\r\n\
             * 2 FETCH (UID 2 FLAGS () INTERNALDATE \"{DATE}\" BODY[] {{1}}\r\n2)\r\n* 3 FETCH (FLAGS (\\Seen))\r\nA4 OK x\r\n"
        );
        assert_eq!(fetched(answer).await, [format!("2:2 [] {DATE}"), "0 MessageUnreadable".into()], "{odd}");
    }
}

#[tokio::test]
async fn c12_a_scan_lists_every_message_however_it_is_told() {
    let answer = concat!(
        "* 1 FETCH (UID 1 FLAGS (\\Seen) INTERNALDATE \"01-Feb-2024 03:04:05 +0100\")\r\n",
        "* 2 FETCH (UID 2 FLAGS NIL RFC822.SIZE NIL INTERNALDATE NIL MODSEQ (NIL))\r\n",
        "* 3 FETCH (FLAGS (a) RFC822.SIZE 30)\r\n* 4 FETCH (UID 4 RFC822.SIZE -4 INTERNALDATE (1 2) FLAGS ())\r\n",
        "* 3 FETCH (UID 3 INTERNALDATE \"02-Feb-2024 03:04:05 +0100\")\r\n* 5 FETCH (RFC822.SIZE 50 FLAGS (\\Seen))\r\n",
        "* 6 FETCH (UID 0 RFC822.SIZE 50 FLAGS ())\r\n* 7 FETCH (UID 7 RFC822.SIZE \"70\" FLAGS (b))\r\n",
        "* 9 EXISTS\r\n* 2 EXPUNGE\r\n* 6 FETCH (FLAGS (c))\r\nA4 OK x\r\n",
    );
    let expected = [
        format!("1 0 [\\Seen] {}", d(1)),
        "2 0 [] -".into(),
        format!("3 30 [a] {}", d(2)),
        "4 0 [] -".into(),
        // At place 7 when it was listed, at 6 when its flags changed.
        "7 70 [c] -".into(),
    ];
    assert_eq!(scanned(vec![say(answer)]).await, expected);
    // Said to be gone: what lacks its size is.
    let answer =
        "* 1 FETCH (UID 1 FLAGS () RFC822.SIZE 1)\r\n* 2 FETCH (UID 2 FLAGS ())\r\nA4 NO [EXPUNGEISSUED] x\r\n";
    assert_eq!(scanned(vec![say(answer)]).await, ["1 1 [] -"]);
}

#[tokio::test]
async fn c12_flags_that_were_not_told_are_asked_for_again() {
    let steps = vec![
        say(
            "* 1 FETCH (UID 1 RFC822.SIZE 1)\r\n* 2 FETCH (UID 2 FLAGS () RFC822.SIZE 2)\r\n* 3 FETCH (UID 3 RFC822.SIZE 3)\r\nA4 OK x\r\n",
        ),
        hear("A5 UID FETCH 1,3 (UID FLAGS)"),
        say("* 1 FETCH (UID 1 FLAGS (\\Seen))\r\n* 3 FETCH (UID 3 FLAGS (k))\r\nA5 OK x\r\n"),
    ];
    assert_eq!(scanned(steps).await, ["1 1 [\\Seen] -", "2 2 [] -", "3 3 [k] -"]);
}

#[tokio::test]
async fn c12_data_after_the_end_of_their_command_belong_to_no_other_folder() {
    let late = "* 3 FETCH (UID 3 FLAGS (old) RFC822.SIZE 3 BODY[] {3}\r\nold)\r\n";
    let steps = vec![
        say("* 1 FETCH (UID 1 FLAGS () RFC822.SIZE 1)\r\nA4 OK x\r\n"),
        hear("A5 EXAMINE \"other\""),
        hear("A6 UID FETCH 1:99"),
        say(late),
        say(
            "* 3 EXISTS\r\n* OK [UIDVALIDITY 7] x\r\nA5 OK x\r\n* 3 FETCH (UID 3 FLAGS (new) RFC822.SIZE 4)\r\nA6 OK x\r\n",
        ),
        // From now on the end of a command is not taken for the end of its data.
        hear("A7 UID FETCH 1:9 (UID FLAGS INTERNALDATE"),
        hear("A8 NOOP"),
        say(format!("* 1 FETCH (UID 1 FLAGS () INTERNALDATE \"{DATE}\" BODY[] {{1}}\r\n1)\r\nA7 OK x\r\n")),
        say(format!("* 2 FETCH (UID 2 FLAGS () INTERNALDATE \"{DATE}\" BODY[] {{1}}\r\n2)\r\nA8 BAD what?\r\n")),
        hear("A9 UID FETCH 1:9 (UID FLAGS RFC822.SIZE)"),
        hear("A10 NOOP"),
        say("A9 OK x\r\n* 1 FETCH (UID 1 FLAGS () RFC822.SIZE 1)\r\nA10 OK x\r\n"),
    ];
    let (mut source, _peer) = reading("A4 UID FETCH 1:99 (UID FLAGS RFC822.SIZE)", steps).await;
    let which = Which::Before(Uid(100));
    assert_eq!(source.scan(&folder("box"), &which, false).await.expect("scanned").len(), 1);
    let other = source.scan(&folder("other"), &which, false).await.expect("scanned");
    assert_eq!(other.iter().map(|m| (m.uid, m.size, told(&m.flags))).collect::<Vec<_>>(), [(Uid(3), 4, "new".into())]);
    let stream = source.fetch(&folder("other"), &Which::Range(Uid(1), Uid(10))).await.expect("asked");
    assert_eq!(whole(stream).await, [format!("1:1 [] {DATE}"), format!("2:2 [] {DATE}")]);
    let found = source.scan(&folder("other"), &Which::Range(Uid(1), Uid(10)), false).await.expect("scanned");
    assert_eq!(found.len(), 1);
}

#[tokio::test]
async fn c1_windows_are_read_in_the_folder_as_it_was_opened() {
    let steps = vec![
        say("* 1 FETCH (UID 1 FLAGS () RFC822.SIZE 1)\r\n* 4 EXISTS\r\nA4 OK x\r\n"),
        hear("A5 UID FETCH 100:199 (UID RFC822.SIZE BODY.PEEK[HEADER])"),
        say(
            "* 2 FETCH (UID 100 RFC822.SIZE 1 BODY[HEADER] {2}\r\n\r\n)\r\n* 3 FETCH (UID 250 RFC822.SIZE 1)\r\nA5 OK x\r\n",
        ),
        hear("A6 NOOP"),
        say("A6 OK x\r\n"),
    ];
    let (mut source, _peer) = reading("A4 UID FETCH 1:99 (UID FLAGS RFC822.SIZE)", steps).await;
    let state = source.examine(&folder("box")).await.expect("open");
    assert_eq!((state.messages, state.uid_next), (3, Some(Uid(9))));
    assert_eq!(source.scan(&folder("box"), &Which::Range(Uid(1), Uid(100)), false).await.expect("scanned").len(), 1);
    let headers = source.headers(&folder("box"), &Which::Range(Uid(100), Uid(200))).await.expect("read");
    assert_eq!(headers.iter().map(|h| h.uid).collect::<Vec<_>>(), [Uid(100)]);
    assert!(source.scan(&folder("box"), &Which::Range(Uid(5), Uid(5)), false).await.expect("nothing").is_empty());
}

#[tokio::test]
async fn c5_the_state_of_a_folder_is_that_of_its_own_opening() {
    let steps = vec![
        say("A4 OK x\r\n* 4 EXISTS\r\n"),
        hear("A5 EXAMINE \"other\""),
        say(
            "* 9 EXISTS\r\n* 1 EXPUNGE\r\n* OK [UIDNEXT 99] x\r\n* OK [CLOSED] x\r\n* 6 EXISTS\r\n* OK [UIDVALIDITY 7] x\r\n",
        ),
        say("* 2 EXPUNGE\r\nA5 OK x\r\n* 8 EXISTS\r\n"),
        hear("A6 EXAMINE \"box\""),
        say("* 2 EXISTS\r\n* OK [UIDVALIDITY 8] x\r\nA6 OK x\r\n"),
        hear("A7 EXAMINE \"box\""),
        say("* OK [UIDVALIDITY 7] x\r\nA7 OK x\r\n"),
        hear("A8 SELECT \"box\""),
        say("* OK [UIDVALIDITY 7] x\r\nA8 OK x\r\n"),
    ];
    let (mut source, _peer) = reading("A4 UID FETCH 1:99", steps).await;
    source.scan(&folder("box"), &Which::Before(Uid(100)), false).await.expect("scanned");
    let state = source.examine(&folder("other")).await.expect("open");
    assert_eq!((state.messages, state.uid_next), (5, None));
    let changed = source.examine(&folder("box")).await.expect_err("another UIDVALIDITY");
    assert_eq!(changed.cause, Cause::FolderChanged);
    // Not told is not empty.
    let silent = source.examine(&folder("box")).await.expect_err("nothing told");
    assert_eq!((silent.cause, silent.scope), (Cause::FolderRefused, Scope::Folder));
    let opened = source.open(&[folder("box")]).await.expect("answers");
    assert_eq!(opened[0].as_ref().err().map(|failure| failure.cause), Some(Cause::FolderRefused));
}

#[tokio::test]
async fn whole_messages_are_handed_on_at_once() {
    let answer = format!("* 1 FETCH (UID 1 FLAGS () INTERNALDATE \"{DATE}\" BODY[] {{1}}\r\n1)\r\n");
    let (mut source, _peer) = reading("A4 UID FETCH 1:5", vec![say(answer), ScriptStep::Stall]).await;
    let mut stream = source.fetch(&folder("box"), &Which::Before(Uid(6))).await.expect("asked");
    assert!(matches!(stream.recv().await, Some(Fetched::Message(message)) if message.uid == Uid(1)));
    drop(source);
    assert_eq!(drain(stream).await, ["ConnectionLost Connection"]);
}

/// Messages 6 to 205, of so many bytes, come before the end of the command that asked for 1 to 5: a reader who takes one stream
/// after the other gets them all.
async fn goes_on_before_the_end(budget: usize, bytes: usize) {
    let one = |uid: u32| {
        let text = "x".repeat(bytes);
        format!(
            "* {uid} FETCH (UID {uid} FLAGS () INTERNALDATE \"{DATE}\" RFC822.SIZE {bytes} BODY[] {{{bytes}}}\r\n{text})\r\n"
        )
    };
    let all = |uids: std::ops::Range<u32>| uids.map(one).collect::<String>();
    let late = format!("{}A4 OK first\r\n{}A5 OK second\r\n", all(6..150), all(150..206));
    let steps = vec![say(all(1..6)), hear("A5 UID FETCH 6:205"), say(late)];
    let (mut source, _peer) = reading_within(budget, "A4 UID FETCH 1:5", steps).await;
    let mut streams = Vec::new();
    for which in [Which::Range(Uid(1), Uid(6)), Which::Range(Uid(6), Uid(206))] {
        streams.push(source.fetch(&folder("box"), &which).await.expect("asked"));
    }
    for (stream, many) in streams.into_iter().zip([5, 200]) {
        let all = tokio::time::timeout(Duration::from_secs(20), whole(stream)).await.expect("it goes on");
        assert_eq!(all.len(), many, "{:?}", all.last());
        assert!(all.iter().all(|message| message.ends_with(DATE)), "{:?}", all.last());
    }
}

#[tokio::test]
async fn a_server_may_go_on_before_it_tells_that_a_command_has_ended() {
    goes_on_before_the_end(64 << 20, 3).await;
}

#[tokio::test]
async fn also_when_what_it_goes_on_with_fills_the_memory_there_is() {
    goes_on_before_the_end(1 << 20, 100_000).await;
}

#[tokio::test]
async fn what_a_server_left_of_a_command_is_asked_for_again() {
    let one = |uid: u32| format!("* {uid} FETCH (UID {uid} FLAGS () RFC822.SIZE 2 INTERNALDATE \"{DATE}\")\r\n");
    let more = vec![
        say(format!("{}{}A4 OK [MESSAGELIMIT 50 90] too many\r\n", one(95), one(90))),
        hear("A5 UID FETCH 1:50 (UID FLAGS"),
        hear("A6 UID FETCH 51:89 (UID FLAGS"),
        say(format!("{}A5 OK done\r\n{}A6 NO [MESSAGELIMIT 50 60] too many\r\n", one(7), one(60))),
        hear("A7 UID FETCH 51:59 (UID FLAGS"),
        say(format!("{}A7 OK done\r\n", one(51))),
    ];
    let found: Vec<String> =
        scanned(more).await.iter().filter_map(|line| Some(line.split_once(' ')?.0.into())).collect();
    assert_eq!(found, ["7", "51", "60", "90", "95"]);
}

#[tokio::test]
async fn a_stream_of_which_the_server_left_something_is_not_whole() {
    let came = format!("* 5 FETCH (UID 5 FLAGS () INTERNALDATE \"{DATE}\" RFC822.SIZE 2 BODY[] {{2}}\r\nab)\r\n");
    for end in ["A4 OK [MESSAGELIMIT 1 5] too many\r\n", "A4 NO [MESSAGELIMIT 1 5] too many\r\n"] {
        let got = fetched(format!("{came}{end}")).await;
        assert_eq!(got, [format!("5:ab [] {DATE}"), "broken MessageUnreadable".into()], "{end}");
    }
}
