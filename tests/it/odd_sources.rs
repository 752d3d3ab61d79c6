//! Sources that answer in odd ways: nothing of what they hold is left behind, altered or passed over without a word.

use mailferry::domain::notice::{Notice, NoticeKind};

use crate::support::dovecot::{self, Dovecot, Format};
use crate::support::imap::Stored;
use crate::support::peculiar::{Mail, Odd, Running, tell_whole};
use crate::support::product::{PROJECT, Workspace, plain};

/// A project from an odd server to a real one, and the mailbox there.
struct Scene {
    workspace: Workspace,
    source: Running,
    to: (&'static Dovecot, String),
}

impl Scene {
    fn new(odd: Odd) -> Scene {
        let to = dovecot::shared(Format::Sdbox);
        let (workspace, source, user) = (Workspace::new(), odd.start(), to.user("odd"));
        workspace.project_new(&plain(source.port()), &plain(to.plain_port), &[]);
        workspace.import(&[("anna".into(), user.clone())]);
        workspace.options(|options| options.retry_limit = 2);
        Scene { workspace, source, to: (to, user) }
    }

    fn there(&self, folder: &str) -> Vec<Stored> {
        self.to.0.login(&self.to.1).fetch_all(folder)
    }

    /// A Full pass that must end well with everything of these UIDs at the destination, as it was.
    fn moves(&self, uids: &[u32]) {
        self.workspace.start().expect(0);
        let there = self.there("INBOX");
        let mut told: Vec<(Vec<u8>, i64, Vec<String>)> =
            there.into_iter().map(|m| (m.bytes, m.instant, m.flags)).collect();
        told.sort();
        // 1 February 2021, 03:04:05 +0100, and days from there on.
        let instant = |uid: u32| 1_612_145_045 + i64::from(uid % 28) * 86_400;
        let mut expected: Vec<_> =
            uids.iter().map(|uid| (Mail::new(*uid).body.into_bytes(), instant(*uid), vec![r"\Seen".into()])).collect();
        expected.sort();
        assert_eq!(told, expected);
    }

    fn left_out(&self) -> Vec<(String, u64)> {
        let notices = self.workspace.notices().into_iter().filter(|notice| notice.kind == NoticeKind::LeftOut);
        let named = |notice: Notice| (notice.folder.map_or_else(String::new, |f| f.to_string()), notice.messages);
        notices.map(named).collect()
    }
}

#[test]
fn c6_a_fetch_answer_in_pieces_keeps_dates_and_flags() {
    if !dovecot::available() {
        return;
    }
    for tell in [
        // The body first, the rest behind it, known by its place only.
        |place, mail: &Mail, wanted: &[&str]| {
            let (body, rest): (Vec<&str>, Vec<&str>) = wanted.iter().partition(|name| name.starts_with("BODY"));
            let rest = mail.told(&rest).replace(&format!("UID {} ", mail.uid), "");
            let body = mail.told(&[&["UID"], &body[..]].concat());
            format!("* {place} FETCH ({body})\r\n* {place} FETCH ({rest})\r\n")
        },
        // Every attribute by itself.
        |place, mail: &Mail, wanted: &[&str]| {
            let parts = wanted.iter().filter(|name| **name != "UID").rev();
            parts.map(|name| format!("* {place} FETCH ({})\r\n", mail.told(&["UID", name]))).collect()
        },
    ] {
        let scene = Scene::new(Odd { tell, ..Odd::new(1..=30) });
        scene.moves(&(1..=30).collect::<Vec<_>>());
    }
}

#[test]
fn c12_an_inbox_that_is_not_listed_is_moved() {
    if !dovecot::available() {
        return;
    }
    let mut odd = Odd { list: vec!["() \"/\" Work"], ..Odd::new(1..=3) };
    odd.folders.push(("Work", vec![Mail::new(9)]));
    Scene::new(odd).moves(&[1, 2, 3]);
}

#[test]
fn c12_a_source_without_any_folder_fails() {
    if !dovecot::available() {
        return;
    }
    for list in [vec![], vec![r#"(\Noselect) "/" Work"#]] {
        let scene = Scene::new(Odd { list, folders: Vec::new(), ..Odd::new([]) });
        for arguments in [&["start", PROJECT, "--pass", "verify"][..], &["start", PROJECT][..]] {
            let ended = scene.workspace.run(arguments).expect(1);
            assert!(format!("{}{}", ended.stdout, ended.stderr).contains("The source shows no folders"), "{ended:?}");
            assert_eq!(scene.workspace.only().status(), "failed");
        }
    }
}

#[test]
fn c12_a_list_with_nothing_in_it_is_named_though_the_inbox_opens() {
    if !dovecot::available() {
        return;
    }
    let scene = Scene::new(Odd { list: vec![], ..Odd::new([1, 2, 3]) });
    for pass in ["verify", "full"] {
        let ended = scene.workspace.run(&["start", PROJECT, "--pass", pass]).expect(1);
        let said = format!("{}{}", ended.stdout, ended.stderr);
        assert!(said.contains("The source lists no folders") && !said.contains("1 messages:"), "{said}");
    }
    assert_eq!(scene.workspace.only().messages("copied"), 3);
}

#[test]
fn c12_data_after_the_end_of_their_command_are_not_lost() {
    if !dovecot::available() {
        return;
    }
    let scene = Scene::new(Odd { late: true, ..Odd::new(1..=20) });
    scene.moves(&(1..=20).collect::<Vec<_>>());
    assert!(scene.source.heard().iter().any(|command| command == "NOOP"), "the end is waited for behind the end");
}

#[test]
fn c12_messages_without_size_are_moved() {
    if !dovecot::available() {
        return;
    }
    let tell = |place, mail: &Mail, wanted: &[&str]| {
        let told: Vec<&str> = wanted.iter().copied().filter(|name| *name != "RFC822.SIZE").collect();
        tell_whole(place, mail, &told)
    };
    let scene = Scene::new(Odd { tell, ..Odd::new(1..=5) });
    scene.moves(&[1, 2, 3, 4, 5]);
    scene.workspace.options(|options| options.largest = Some(1_000_000));
    scene.moves(&[1, 2, 3, 4, 5]);
}

#[test]
fn c12_a_message_without_a_usable_uid_is_an_error_and_the_others_are_moved() {
    if !dovecot::available() {
        return;
    }
    for tell in [
        |place, mail: &Mail, wanted: &[&str]| {
            tell_whole(place, mail, wanted).replace("UID 3 ", if mail.uid == 3 { "" } else { "UID 3 " })
        },
        |place, mail: &Mail, wanted: &[&str]| tell_whole(place, mail, wanted).replace("UID 3 ", "UID 0 "),
    ] {
        let scene = Scene::new(Odd { tell, ..Odd::new(1..=5) });
        scene.workspace.start().expect(1);
        assert_eq!(scene.there("INBOX").len(), 4);
        assert!(scene.workspace.only().messages("errors") > 0);
    }
}

#[test]
fn c12_what_is_left_out_by_default_is_named() {
    if !dovecot::available() {
        return;
    }
    let scene = Scene::new(Odd {
        namespace: r#"(("" "/")) (("user/" "/")) NIL"#,
        list: vec![r#"() "/" INBOX"#, r#"(\Flagged) "/" Starred"#, r#"() "/" user/bob"#, r#"(\Noselect) "/" user"#],
        folders: vec![
            ("INBOX", vec![Mail::new(1)]),
            ("Starred", vec![Mail::new(1), Mail::new(2)]),
            ("user/bob", vec![Mail::new(7)]),
        ],
        ..Odd::new([])
    });
    let expected = [("Starred".to_owned(), 2), ("user/bob".to_owned(), 0)];
    scene.workspace.run(&["start", PROJECT, "--pass", "verify"]).expect(0);
    assert_eq!(scene.left_out(), expected);
    scene.moves(&[1]);
    assert_eq!(scene.left_out(), expected);
    let item = scene.workspace.only();
    assert_eq!((item.messages("source"), item.messages("skipped")), (3, 2));
    // A mapping asks for them.
    scene.workspace.options(|options| {
        let rule = |text: &str| mailferry::domain::mapping::Mapping(text.into());
        options.mapping = vec![rule("^Starred$->Stars"), rule("^user/->Others/")];
    });
    scene.workspace.start().expect(0);
    assert_eq!((scene.there("Stars").len(), scene.there("Others/bob").len()), (2, 1));
    assert!(scene.left_out().is_empty());
}

#[test]
fn c12_what_lies_only_in_the_folder_of_everything_goes_to_the_archive_once() {
    if !dovecot::available() {
        return;
    }
    let everything = (1..=6).map(|n| Mail { uid: 10 + n, ..Mail::new(n) }).collect();
    let scene = Scene::new(Odd {
        list: vec![r#"() "/" INBOX"#, r#"(\All) "/" "[Gmail]/All Mail""#, r#"() "/" Work"#],
        folders: vec![
            ("INBOX", (1..=3).map(Mail::new).collect()),
            ("[Gmail]/All Mail", everything),
            ("Work", vec![Mail::new(4)]),
        ],
        ..Odd::new([])
    });
    for _ in 0..3 {
        scene.moves(&[1, 2, 3]);
        let mut archived: Vec<String> =
            scene.there("Archive").iter().map(|m| String::from_utf8_lossy(&m.bytes).into_owned()).collect();
        archived.sort();
        assert_eq!(archived, [5, 6].map(|n| Mail::new(n).body));
        assert_eq!(scene.there("Work").len(), 1);
        assert!(scene.left_out().is_empty());
    }
}

#[test]
fn c12_a_uid_that_two_messages_have_is_never_passed_over() {
    if !dovecot::available() {
        return;
    }
    let tell = |place, mail: &Mail, wanted: &[&str]| tell_whole(place, mail, wanted).replace("UID 3 ", "UID 2 ");
    let scene = Scene::new(Odd { tell, ..Odd::new(1..=5) });
    for _ in 0..2 {
        scene.workspace.start().expect(1);
        assert!(scene.workspace.only().messages("errors") > 0);
    }
    let subjects: Vec<bool> = [1, 2, 4, 5]
        .iter()
        .map(|n| scene.there("INBOX").iter().any(|m| m.bytes == Mail::new(*n).body.as_bytes()))
        .collect();
    assert_eq!(subjects, [true; 4]);
}

#[test]
fn c12_a_folder_that_is_opened_without_a_word_about_its_messages_is_an_error() {
    if !dovecot::available() {
        return;
    }
    let mut odd = Odd { silent: Some("Work"), list: vec![r#"() "/" INBOX"#, r#"() "/" Work"#], ..Odd::new(1..=2) };
    odd.folders.push(("Work", (5..=9).map(Mail::new).collect()));
    let scene = Scene::new(odd);
    for _ in 0..2 {
        scene.workspace.start().expect(1);
        assert!(scene.workspace.only().messages("errors") > 0);
        assert_eq!(scene.there("INBOX").len(), 2);
    }
}
