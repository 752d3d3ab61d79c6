//! What every kind of endpoint keeps, whatever it stands for: one suite, run against IMAP servers of two layouts and
//! against Maildir folders, also as the demo makes them. Where a kind cannot, its exception is declared by name in `kinds`.

pub mod kinds;

use std::collections::BTreeMap;

use mailferry::domain::failure::{Cause, Scope};
use mailferry::domain::flags::{FlagChange, Flags};
use mailferry::domain::folder::FolderPath;
use mailferry::domain::ids::Uid;
use mailferry::domain::message::{Body, InternalDate, NewMessage, SourceMessage};
use mailferry::domain::time::Timestamp;
use mailferry::endpoint::{Destination, Fetched, FlagUpdate, FolderRef, MessageStream, NewFolder, Source, Which};

use kinds::{Exception, every_kind};

fn text(number: usize) -> Vec<u8> {
    format!("Message-ID: <{number}@contract>\r\nSubject: number {number}\r\n\r\nBody of {number}\r\n").into_bytes()
}

fn message(bytes: Vec<u8>, flags: &[&str]) -> NewMessage {
    let date =
        InternalDate { text: " 1-Feb-2003 04:05:06 +0530".into(), instant: Timestamp::from_millis(1_044_052_506_000) };
    let flags = Flags::from_names(flags.iter().copied());
    NewMessage { flags, date: Some(date), body: Body::Memory(bytes.into()), hold: None, plainly: false }
}

fn bytes(body: &Body) -> Vec<u8> {
    use std::io::{Read, Seek};
    match body {
        Body::Memory(bytes) => bytes.to_vec(),
        Body::Spooled { file, len } => {
            let (mut file, mut bytes) = (&**file, Vec::new());
            file.rewind().expect("a spool file");
            file.read_to_end(&mut bytes).expect("its bytes");
            assert_eq!(bytes.len() as u64, *len);
            bytes
        }
    }
}

/// Makes folders and opens them.
async fn make(to: &mut dyn Destination, paths: &[FolderPath]) -> Vec<FolderRef> {
    let new = |path: &FolderPath| {
        let path = path.clone();
        NewFolder { path, role: None, plain_parent: false }
    };
    let made = to.create(&paths.iter().map(new).collect::<Vec<_>>()).await.expect("made");
    let names: Vec<_> = made.iter().map(|wire| wire.clone().expect("a folder")).collect();
    to.subscribe(&names).await.expect("subscribed");
    let mut folders = Vec::new();
    for (path, wire) in paths.iter().zip(made) {
        let wire = wire.expect("a folder");
        assert_eq!(wire, to.wire_name(path));
        folders.push(FolderRef { path: path.clone(), wire, validity: None });
    }
    for (folder, opened) in folders.clone().iter().zip(to.open(&folders).await.expect("opened")) {
        let validity = opened.expect("a folder").0.uid_validity;
        assert_ne!(validity, None);
        folders.iter_mut().filter(|f| f.path == folder.path).for_each(|f| f.validity = validity);
    }
    folders
}

async fn make_one(to: &mut dyn Destination, name: &str) -> FolderRef {
    make(to, &[FolderPath::new([name])]).await.remove(0)
}

/// Appends all before any answer is waited for; the numbers they got.
async fn append(to: &mut dyn Destination, folder: &FolderRef, messages: Vec<NewMessage>) -> Vec<Uid> {
    let mut answers = Vec::new();
    for message in messages {
        answers.push(to.append(folder, vec![message]).await.expect("on its way"));
    }
    let mut uids = Vec::new();
    for answer in answers {
        let appended = answer.await.expect("an answer").expect("appended");
        let (validity, uid) = appended[0].at.expect("a number");
        assert_eq!(Some(validity), folder.validity);
        uids.push(uid);
    }
    assert!(uids.is_sorted_by(|a, b| a < b), "{uids:?}");
    uids
}

async fn take(mut stream: MessageStream) -> Vec<SourceMessage> {
    let mut messages = Vec::new();
    while let Some(fetched) = stream.recv().await {
        match fetched {
            Fetched::Message(message) => messages.push(message),
            Fetched::Unreadable(uid, failure) => panic!("{uid}: {failure}"),
            Fetched::Broken(failure) => panic!("{failure}"),
        }
    }
    messages
}

async fn fetch(from: &mut (impl Source + ?Sized), folder: &FolderRef, which: &Which) -> Vec<SourceMessage> {
    take(from.fetch(folder, which).await.expect("a stream")).await
}

fn numbers<T>(all: &[T], uid: impl Fn(&T) -> Uid) -> Vec<Uid> {
    all.iter().map(uid).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn folders_are_made_listed_and_subscribed_under_any_name() {
    for kind in every_kind() {
        let mut to = kind.destination.open_destination().await.expect(kind.name);
        let names: Vec<Vec<&str>> = vec![
            vec!["INBOX"],
            vec!["Archive"],
            vec!["Archive", "2019"],
            vec!["Lonely", "Deep", "Child"],
            vec!["Entwürfe für später"],
            vec!["日本語", "受信トレイ"],
            vec!["Post 📮"],
            vec!["R&D"],
            vec!["&"],
            vec![" blanks "],
            vec!["say \"hello\"", "back\\slash"],
            vec!["100% *stars*"],
        ];
        let mut paths: Vec<FolderPath> = names.into_iter().map(FolderPath::new).collect();
        if kind.can(Exception::SeparatorInNames) {
            paths.extend([FolderPath::new(["v1.2", "in/out"]), FolderPath::new([".", "..x"])]);
        }
        make(&mut *to, &paths).await;
        make(&mut *to, &paths).await; // Again: that is no failure.
        to.close().await;
        let mut from = kind.source.open_source().await.expect(kind.name);
        let listed: BTreeMap<_, _> =
            from.list().await.expect("a list").into_iter().map(|f| (f.path.clone(), f)).collect();
        for path in &paths {
            let folder = listed.get(path).unwrap_or_else(|| panic!("{}: no {path} in {listed:#?}", kind.name));
            assert!(folder.selectable && folder.subscribed, "{}: {folder:?}", kind.name);
            let state = folder.state.expect("a state");
            assert_eq!((state.messages, state.uid_next), (0, Some(Uid(1))), "{}: {path}", kind.name);
        }
        let selectable = listed.values().filter(|folder| folder.selectable).count();
        assert_eq!(selectable, paths.len() + kind.folders_of_its_own(), "{}: {listed:#?}", kind.name);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_come_back_as_they_went() {
    for kind in every_kind() {
        let mut to = kind.destination.open_destination().await.expect(kind.name);
        let folder = make_one(&mut *to, "Mail").await;
        let flags: [&[&str]; 5] =
            [&[], &["\\Seen"], &["\\Deleted", "\\Draft"], &["$Forwarded", "odd/word", "\\Flagged"], &["\\Answered"]];
        let sent: Vec<NewMessage> = flags.iter().enumerate().map(|(at, flags)| message(text(at), flags)).collect();
        let uids = append(&mut *to, &folder, sent.clone()).await;
        let (state, permanent) = to.open(std::slice::from_ref(&folder)).await.expect("opened").remove(0).expect("open");
        assert_eq!(state.messages, 5);
        assert!(state.uid_next > Some(uids[4]) && permanent.new_keywords);

        for side in ["destination", "source"] {
            let mut from: Box<dyn Source> = match side {
                "source" => kind.source.open_source().await.expect(kind.name),
                _ => kind.destination.open_destination().await.expect(kind.name),
            };
            let listed = from.list().await.expect("a list").into_iter().find(|f| f.path == folder.path).expect("it");
            let validity = listed.state.expect("a state").uid_validity;
            let folder = FolderRef { validity, ..folder.clone() };
            assert_eq!(from.examine(&folder).await.expect("a state").messages, 5);
            let scanned = from.scan(&folder, &Which::All, true).await.expect("a scan");
            let fetched = fetch(&mut *from, &folder, &Which::All).await;
            let headers = from.headers(&folder, &Which::All).await.expect("headers");
            assert_eq!((scanned.len(), fetched.len(), headers.len()), (5, 5, 5), "{} {side}", kind.name);
            for at in 0..5 {
                let (scanned, fetched, header, sent) = (&scanned[at], &fetched[at], &headers[at], &sent[at]);
                assert_eq!((scanned.uid, header.uid), (fetched.uid, fetched.uid));
                assert_eq!(bytes(&fetched.body), bytes(&sent.body), "{} {side}", kind.name);
                assert!(bytes(&sent.body).starts_with(&header.header) && header.header.ends_with(b"\r\n\r\n"));
                assert_eq!(
                    (&scanned.flags, &fetched.flags),
                    (&Some(sent.flags.clone()), &sent.flags),
                    "{} {side}",
                    kind.name
                );
                assert_eq!(u64::from(scanned.size), sent.body.len());
                let date = sent.date.clone().expect("a date");
                for back in [&scanned.date, &fetched.date] {
                    let back = back.as_ref().expect("a date");
                    assert_eq!(back.instant, date.instant);
                }
            }
            if side == "destination" {
                assert_eq!(numbers(&fetched, |m| m.uid), uids);
            }
            from.close().await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn many_appends_are_under_way_and_every_selection_is_exact() {
    for kind in every_kind() {
        let mut to = kind.destination.open_destination().await.expect(kind.name);
        let folder = make_one(&mut *to, "Many").await;
        let uids = append(&mut *to, &folder, (0..150).map(|at| message(text(at), &[])).collect()).await;
        let gone = Uid(uids[149].0 + 100);
        for (which, expected) in [
            (Which::All, &uids[..]),
            (Which::From(uids[100]), &uids[100..]),
            (Which::From(gone), &[]),
            (Which::Before(uids[3]), &uids[..3]),
            (Which::Before(uids[0]), &[]),
            (Which::Range(uids[3], uids[7]), &uids[3..7]),
            (Which::Range(uids[149], Uid(i64::MAX)), &uids[149..]),
            (Which::Range(uids[7], uids[7]), &[]),
            (Which::These(vec![uids[7]]), &uids[7..8]),
            (Which::These(Vec::new()), &[]),
            (Which::These(vec![uids[148], uids[149], gone]), &uids[148..]),
        ] {
            let scanned = to.scan(&folder, &which, false).await.expect("a scan");
            assert_eq!(numbers(&scanned, |m| m.uid), expected, "{} {which:?}", kind.name);
            let headers = to.headers(&folder, &which).await.expect("headers");
            assert_eq!(numbers(&headers, |m| m.uid), expected, "{} {which:?}", kind.name);
            let fetched = fetch(&mut *to, &folder, &which).await;
            assert_eq!(numbers(&fetched, |m| m.uid), expected, "{} {which:?}", kind.name);
        }
        // The second queues behind the first, which nobody has looked at yet.
        let first = to.fetch(&folder, &Which::All).await.expect("a stream");
        let second = to.fetch(&folder, &Which::From(uids[149])).await.expect("a stream");
        let first = take(first).await;
        let expected: Vec<Vec<u8>> = (0..150).map(text).collect();
        assert_eq!(first.iter().map(|m| bytes(&m.body)).collect::<Vec<_>>(), expected, "in order");
        assert_eq!(numbers(&take(second).await, |m| m.uid), uids[149..], "{}", kind.name);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn large_messages_and_headers_without_end_are_bounded() {
    for kind in every_kind() {
        let mut to = kind.destination.open_destination().await.expect(kind.name);
        let folder = make_one(&mut *to, "Large").await;
        let large = [b"Subject: large\r\n\r\n".to_vec(), b"0123456789abcdef\r\n".repeat(200_000)].concat();
        let endless = b"X-Line: again and again\r\n".repeat(20_000);
        let sent = [large.clone(), text(1), endless.clone(), large.clone()];
        append(&mut *to, &folder, sent.iter().map(|bytes| message(bytes.clone(), &[])).collect()).await;
        let fetched = fetch(&mut *to, &folder, &Which::All).await;
        assert!(matches!(fetched[0].body, Body::Spooled { .. }) && matches!(fetched[1].body, Body::Memory(_)));
        for (fetched, sent) in fetched.iter().zip(&sent) {
            assert!(bytes(&fetched.body) == *sent, "{}: altered", kind.name);
        }
        let headers = to.headers(&folder, &Which::All).await.expect("headers");
        assert_eq!(headers[0].header, &b"Subject: large\r\n\r\n"[..]);
        assert!(headers[2].header.len() >= 200 * 1024 && headers[2].header.len() <= 256 * 1024, "{}", kind.name);
        assert!(endless.starts_with(&headers[2].header[..headers[2].header.len() - 2]));
        // A spooled message goes on as well as one in memory.
        let again = NewMessage { body: fetched[0].body.clone(), ..message(Vec::new(), &[]) };
        let uid = append(&mut *to, &folder, vec![again]).await.remove(0);
        assert!(bytes(&fetch(&mut *to, &folder, &Which::From(uid)).await[0].body) == large);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn flags_change_and_messages_that_went_are_left_out() {
    for kind in every_kind() {
        let mut to = kind.destination.open_destination().await.expect(kind.name);
        let folder = make_one(&mut *to, "Flags").await;
        let uids = append(&mut *to, &folder, (0..4).map(|at| message(text(at), &["\\Seen", "old"])).collect()).await;
        kind.behind.delete(&folder.path, 1);
        let change = |add: &[&str], remove: &[&str]| FlagChange {
            add: Flags::from_names(add.iter().copied()),
            remove: Flags::from_names(remove.iter().copied()),
        };
        let updates = [
            FlagUpdate { uids: uids.clone(), change: change(&["\\Flagged", "$New"], &["old"]) },
            FlagUpdate { uids: vec![uids[0]], change: change(&[], &["\\Seen", "\\Flagged", "$New"]) },
        ];
        to.update_flags(&folder, &updates).await.expect("changed");
        let left = [uids[0], uids[2], uids[3]];
        let scanned = to.scan(&folder, &Which::These(uids.clone()), false).await.expect("a scan");
        assert_eq!(numbers(&scanned, |m| m.uid), left, "{}", kind.name);
        assert_eq!(scanned[0].flags, Some(Flags::none()), "{}", kind.name);
        assert_eq!(scanned[1].flags, Some(Flags::from_names(["\\Seen", "\\Flagged", "$New"])), "{}", kind.name);
        let headers = to.headers(&folder, &Which::These(uids.clone())).await.expect("headers");
        assert_eq!(numbers(&headers, |m| m.uid), left);
        assert_eq!(numbers(&fetch(&mut *to, &folder, &Which::These(uids.clone())).await, |m| m.uid), left);
        let later = append(&mut *to, &folder, vec![message(text(9), &[])]).await;
        assert!(later[0] > uids[3], "no number is given twice");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn some_messages_of_many_folders_are_looked_at_together_and_a_missing_folder_hinders_none() {
    for kind in every_kind() {
        let mut to = kind.destination.open_destination().await.expect(kind.name);
        let paths: Vec<FolderPath> = (0..5).map(|at| FolderPath::new([format!("Many {at}")])).collect();
        let mut folders = make(&mut *to, &paths).await;
        let mut asked = Vec::new();
        for (at, folder) in folders.iter().enumerate() {
            let messages = (0..at).map(|number| message(text(number), &["\\Seen"])).collect();
            let uids = append(&mut *to, folder, messages).await;
            asked.push(Which::These(uids.into_iter().skip(1).collect()));
        }
        kind.behind.delete(&folders[4].path, 2);
        let missing = FolderPath::new(["Nowhere"]);
        folders.insert(2, FolderRef { wire: to.wire_name(&missing), path: missing, validity: None });
        asked.insert(2, Which::These(vec![Uid(1)]));
        let asked: Vec<(FolderRef, Which)> = folders.into_iter().zip(asked).collect();
        let all = to.scan_all(&asked).await.expect("answers");
        assert_eq!(all.len(), asked.len(), "{}", kind.name);
        for (scanned, (folder, which)) in all.into_iter().zip(&asked) {
            match to.scan(folder, which, true).await {
                Ok(alone) => assert_eq!(scanned.expect("a folder"), alone, "{}: {}", kind.name, folder.path),
                Err(failure) => {
                    assert_eq!(folder.path.to_string(), "Nowhere");
                    assert_eq!(scanned.expect_err("missing").scope, failure.scope, "{}", kind.name);
                }
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_made_anew_is_another_one_and_a_missing_one_is_named() {
    for kind in every_kind() {
        let mut to = kind.destination.open_destination().await.expect(kind.name);
        let folder = make_one(&mut *to, "Anew").await;
        append(&mut *to, &folder, vec![message(text(1), &[])]).await;
        kind.behind.make_anew(&folder.path);
        to.close().await;
        let mut to = kind.destination.open_destination().await.expect(kind.name);
        let opened = to.open(std::slice::from_ref(&folder)).await.expect("answers").remove(0).expect_err("another one");
        assert_eq!((opened.cause, opened.scope), (Cause::FolderChanged, Scope::Folder), "{}", kind.name);
        let examined = to.examine(&folder).await.expect_err("another one");
        assert_eq!(examined.cause, Cause::FolderChanged, "{}", kind.name);
        let scanned = to.scan(&folder, &Which::All, false).await.expect_err("another one");
        assert_eq!(scanned.cause, Cause::FolderChanged, "{}", kind.name);
        let mut stream = to.fetch(&folder, &Which::All).await.expect("a stream");
        let Some(Fetched::Broken(failure)) = stream.recv().await else { panic!("{}: a message", kind.name) };
        assert_eq!(failure.cause, Cause::FolderChanged, "{}", kind.name);

        let missing = FolderPath::new(["Missing"]);
        let missing = FolderRef { wire: to.wire_name(&missing), path: missing, validity: None };
        let failure = to.examine(&missing).await.expect_err("missing");
        assert_eq!(failure.scope, Scope::Folder, "{}: {failure:?}", kind.name);
        let failure = to.append(&missing, vec![message(text(1), &[])]).await.expect("sent").await.expect("an answer");
        assert!(failure.expect_err("missing").failure.scope <= Scope::Folder, "{}", kind.name);
        // The session goes on.
        let anew = FolderRef { validity: None, ..folder };
        assert_eq!(to.examine(&anew).await.expect("a state").messages, 0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_too_big_is_refused_before_it_is_sent() {
    for kind in every_kind().into_iter().filter(|kind| !kind.can(Exception::NoLimit)) {
        let mut to = kind.destination.open_destination().await.expect(kind.name);
        let folder = make_one(&mut *to, "Limit").await;
        let limit = to.limits().message_bytes.expect("a limit");
        let sized = |bytes: u64| message(vec![b'x'; usize::try_from(bytes).expect("small")], &[]);
        let failure = to.append(&folder, vec![sized(limit + 1)]).await.expect_err("too big");
        assert_eq!((failure.cause, failure.scope), (Cause::TooBig, Scope::Message));
        append(&mut *to, &folder, vec![sized(limit)]).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_that_is_dropped_leaves_nobody_waiting() {
    for kind in every_kind() {
        let mut to = kind.destination.open_destination().await.expect(kind.name);
        let folder = make_one(&mut *to, "Dropped").await;
        append(&mut *to, &folder, (0..200).map(|at| message(text(at), &[])).collect()).await;
        let mut stream = to.fetch(&folder, &Which::All).await.expect("a stream");
        assert!(matches!(stream.recv().await, Some(Fetched::Message(_))));
        let answer = to.append(&folder, vec![message(text(1000), &[])]).await.expect("on its way");
        drop(to);
        // Stored or lost, but told.
        drop(answer.await.expect("an answer"));
        goes_on_or_is_cut(stream, kind.name).await;
        let mut from = kind.source.open_source().await.expect(kind.name);
        // A source may number the same messages in its own way.
        let any = FolderRef { validity: None, ..folder };
        let mut stream = from.fetch(&any, &Which::All).await.expect("a stream");
        assert!(matches!(stream.recv().await, Some(Fetched::Message(_))));
        drop(from);
        goes_on_or_is_cut(stream, kind.name).await;
    }
}

/// What comes after the first of 200 messages when the session is gone. The reader may have been quicker than its end: then
/// all came.
async fn goes_on_or_is_cut(mut stream: MessageStream, kind: &str) {
    let (mut came, mut broken) = (1, false);
    while let Some(fetched) = stream.recv().await {
        match fetched {
            Fetched::Broken(_) => broken = true,
            Fetched::Message(_) => came += 1,
            Fetched::Unreadable(..) => panic!("{kind}: all can be read"),
        }
    }
    assert!(broken || came >= 200, "{kind}: a cut stream must not look complete: {came}");
}

#[tokio::test(flavor = "multi_thread")]
async fn reading_a_source_changes_nothing() {
    for kind in every_kind() {
        let mut to = kind.destination.open_destination().await.expect(kind.name);
        let folder = make_one(&mut *to, "Still").await;
        append(&mut *to, &folder, (0..3).map(|at| message(text(at), &[])).collect()).await;
        to.close().await;
        let before = kind.behind.everything();
        for _ in 0..2 {
            let mut from = kind.source.open_source().await.expect(kind.name);
            for listed in from.list().await.expect("a list").into_iter().filter(|f| f.selectable) {
                let folder = FolderRef { path: listed.path, wire: listed.wire, validity: None };
                from.examine(&folder).await.expect("a state");
                from.scan(&folder, &Which::All, true).await.expect("a scan");
                from.headers(&folder, &Which::All).await.expect("headers");
                fetch(&mut *from, &folder, &Which::All).await;
            }
            from.close().await;
        }
        assert_eq!(kind.behind.everything(), before, "{}", kind.name);
    }
}
