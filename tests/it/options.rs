//! Options that are set by name, for projects and items, and what `preview` says before a pass does it.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant, UNIX_EPOCH};

use crate::support::product::{Output, PROJECT, Workspace};
use crate::support::relay::PATIENCE;

/// People with Maildirs, and a project that copies them into others.
struct Scene {
    workspace: Workspace,
    folder: tempfile::TempDir,
}

impl Scene {
    fn new(people: &[String]) -> Scene {
        let folder = tempfile::tempdir().expect("a folder");
        let workspace = Workspace::new();
        let address = |side: &str| format!("maildir:{}/{side}/{{localpart}}", folder.path().display());
        workspace.project_new(&address("old"), &address("new"), &[]);
        let people: Vec<_> = people.iter().map(|user| (user.clone(), user.clone())).collect();
        people.iter().for_each(|(user, _)| mailbox(&folder.path().join("old").join(user)));
        workspace.import_with(&people, None);
        Scene { workspace, folder }
    }

    fn at(&self, side: &str, user: &str, folder: &str) -> PathBuf {
        let home = self.folder.path().join(side).join(user);
        if folder == "INBOX" { home } else { home.join(format!(".{}", folder.replace('/', "."))) }
    }

    /// A message of so many bytes, received in this year.
    fn put(&self, user: &str, folder: &str, number: usize, (bytes, year): (usize, u64)) {
        let home = self.at("old", user, folder);
        mailbox(&home);
        let file = home.join("cur").join(format!("{number}.host:2,S"));
        let text = format!("Message-ID: <{number}@{user}>\nSubject: {folder}\n\n{}\n", "x".repeat(bytes));
        fs::write(&file, text).expect("written");
        let received = UNIX_EPOCH + Duration::from_secs((year - 1970) * 31_556_952 + 86_400 * 30);
        File::options().write(true).open(&file).expect("opened").set_modified(received).expect("dated");
    }

    fn arrived(&self, user: &str, folder: &str) -> usize {
        let there = self.at("new", user, folder);
        ["cur", "new"].iter().map(|part| fs::read_dir(there.join(part)).map_or(0, Iterator::count)).sum()
    }

    fn set(&self, user: &str, options: &[&str]) -> Output {
        let email = format!("{user}@old.example");
        self.workspace.run(&[&["item", "set", PROJECT, "--item", &email], options].concat())
    }
}

fn mailbox(at: &Path) {
    for part in ["cur", "new", "tmp"] {
        fs::create_dir_all(at.join(part)).expect("made");
    }
}

/// A line of a preview.
#[derive(Debug)]
struct Line {
    folder: String,
    messages: usize,
    to: Option<String>,
    why: String,
    skipped: usize,
}

/// The lines of one item's preview.
fn lines(preview: &str) -> Vec<Line> {
    let mut rows = preview.lines();
    let head = rows.next().expect("a head");
    let (to, why) = (head.find("Goes to").expect("a column"), head.find("Why").expect("a column"));
    rows.take_while(|row| !row.contains(" left out. Nothing was changed."))
        .map(|row| {
            let (left, right) = row.split_at(to);
            let (folder, messages) = left.trim().rsplit_once("  ").expect("two columns");
            let (to, why) = right.split_at((why - to).min(right.len()));
            let number = |part: &str| part.split(' ').nth(1).and_then(|n| n.parse::<usize>().ok()).unwrap_or(0);
            let skips = why.split("; ").filter(|part| part.trim().starts_with("skips "));
            Line {
                folder: folder.trim().to_owned(),
                messages: messages.trim().parse().unwrap_or(0),
                to: Some(to.trim().to_owned()).filter(|to| !to.is_empty()),
                why: why.trim().to_owned(),
                skipped: skips.map(|part| number(part.trim())).sum(),
            }
        })
        .collect()
}

#[test]
fn r16_the_preview_names_every_folder_and_the_rule_that_skips_it() {
    let scene = Scene::new(&["anna".into()]);
    for (folder, number) in [("INBOX", 1), ("Files", 2), ("Files/2024", 3), ("Junk", 4), ("Work", 5)] {
        scene.put("anna", folder, number, (100, 2020));
    }
    scene.put("anna", "Work", 6, (4000, 2020));
    let run = |arguments: &[&str]| scene.workspace.run(arguments);
    let set = ["project", "set", PROJECT, r#"FolderMapping="^Files->Old Files""#, "filter=^Junk$", "largest=2 KB"];
    let said = run(&set).expect(0).stdout;
    assert!(said.contains("map = ^Files->Old Files") && said.contains("largest = 2.00 KB"), "{said}");
    let shown = run(&["preview", PROJECT]).expect(0).stdout;
    let (_, table) = shown.split_once('\n').expect("a table");
    let lines = lines(table);
    let of = |name: &str| lines.iter().find(|line| line.folder == name).expect("a line");
    assert_eq!(of("Files/2024").to.as_deref(), Some("Old Files/2024"), "{shown}");
    assert!(of("Files").why.contains("mapping; new folder") && of("INBOX").why.contains("same role"), "{shown}");
    assert_eq!((of("Junk").to.as_deref(), of("Junk").why.as_str()), (None, "skipped by the folder filter"));
    assert!(of("Work").why.contains("skips 1 message: larger than the largest size"), "{shown}");
    assert_eq!(scene.arrived("anna", "INBOX"), 0, "a preview changes nothing");
    scene.workspace.start().expect(0);
    assert_eq!(scene.arrived("anna", "Old Files/2024"), 1);
    assert_eq!((scene.arrived("anna", "Work"), scene.arrived("anna", "Junk")), (1, 0));
}

#[test]
fn d32_an_items_own_option_counts_instead_of_its_projects_and_is_shown_with_where_it_comes_from() {
    let scene = Scene::new(&["anna".into(), "bob".into()]);
    for user in ["anna", "bob"] {
        scene.put(user, "INBOX", 1, (100, 2020));
        scene.put(user, "INBOX", 2, (4000, 2020));
    }
    let run = |arguments: &[&str]| scene.workspace.run(arguments);
    assert!(run(&["project", "show", PROJECT]).expect(0).stdout.contains("all as they are by default"));
    run(&["project", "set", PROJECT, "largest=2 KB"]).expect(0);
    scene.set("bob", &["largest=none", "retry-limit=3"]).expect(0);
    let shown = run(&["project", "show", PROJECT]).expect(0).stdout;
    assert!(shown.contains("largest = 2.00 KB  (of the project)"), "{shown}");
    assert!(shown.contains("largest = none  (of item bob@old.example)"), "{shown}");
    scene.workspace.start().expect(0);
    assert_eq!((scene.arrived("anna", "INBOX"), scene.arrived("bob", "INBOX")), (1, 2));
    scene.set("bob", &["largest=project"]).expect(0);
    let shown = run(&["project", "show", PROJECT]).expect(0).stdout;
    assert!(!shown.contains("largest = none") && shown.contains("retry-limit = 3  (of item bob"), "{shown}");
}

/// A span of an hour that begins two hours from now.
fn later() -> String {
    let at = |hours: i64| {
        let zoned = jiff::Zoned::now().checked_add(jiff::Span::new().hours(hours)).expect("a time");
        zoned.strftime("%H:%M").to_string()
    };
    format!("source-hours={}-{}", at(2), at(3))
}

#[test]
fn a_pass_waits_outside_the_run_hours_says_so_and_counts_no_error() {
    let scene = Scene::new(&["anna".into()]);
    (0..5).for_each(|number| scene.put("anna", "INBOX", number, (100, 2020)));
    let run = |arguments: &[&str]| scene.workspace.run(arguments);
    run(&["project", "set", PROJECT, &later()]).expect(0);
    let mut start = scene.workspace.command(&["start", PROJECT]).stderr(Stdio::null()).spawn().expect("started");
    let deadline = Instant::now() + PATIENCE;
    while !run(&["status", PROJECT]).stdout.contains("Outside the run hours of the source: goes on in") {
        assert!(Instant::now() < deadline, "{}", run(&["status", PROJECT]).stdout);
    }
    run(&["stop", PROJECT]).expect(0);
    start.wait().expect("ended");
    assert_eq!((scene.workspace.only().status(), scene.arrived("anna", "INBOX")), ("stopped", 0));
    run(&["project", "set", PROJECT, "source-hours=any"]).expect(0);
    scene.workspace.start().expect(0);
    assert_eq!((scene.arrived("anna", "INBOX"), scene.workspace.errors().len()), (5, 0));
}

#[test]
fn what_cannot_be_set_is_refused_and_nothing_is_changed() {
    let scene = Scene::new(&["anna".into()]);
    let wrong = [
        ("map=^A(->B", "at character 3"),
        ("filter=[", "the folder filter \"[\" cannot be read"),
        ("big=1", "there is no option \"big\""),
        ("rate=1", "data rate must be at least 10 KB a second"),
        ("source-hours=25:00-07:00", "are no hours"),
        ("retry-limit=0", "retry limit must be 1 to 100"),
        ("largest", "is no KEY=VALUE"),
    ];
    for (option, words) in wrong {
        let output = scene.workspace.run(&["project", "set", PROJECT, "roles=off", option]).expect(2);
        assert!(output.stderr.contains(words), "{option}: {}", output.stderr);
        let output = scene.set("anna", &[option]).expect(2);
        assert!(output.stderr.contains(words), "{option}: {}", output.stderr);
    }
    let output = scene.set("anna", &["concurrent=4"]).expect(2);
    assert!(output.stderr.contains("an option of the project, not of an item"), "{}", output.stderr);
    let shown = scene.workspace.run(&["project", "show", PROJECT]).expect(0).stdout;
    assert!(shown.contains("all as they are by default"), "{shown}");
}

/// A small generator of its own: the mailboxes are the same in every run.
struct Dice(u64);

impl Dice {
    fn below(&mut self, n: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((self.0 >> 33) as usize) % n
    }
}

#[test]
fn r16_preview_and_pass_agree_on_forty_mailboxes() {
    let people: Vec<String> = (0..40).map(|n| format!("user{n}")).collect();
    let scene = Scene::new(&people);
    let mut dice = Dice(2026);
    let names = ["INBOX", "Work", "Work/Old", "Archive", "Archive/2019", "Junk", "Notes", "Projects/A", "Projects/B"];
    let rules = ["map=^Work->Job", "map=^Projects/->", "map=^(Notes|Archive)$->All/$1", "map=^->Imported/", "map=none"];
    let filters = ["filter=^Junk$", "filter=old", "filter=/", "filter=none"];
    let sizes = ["largest=2 KB", "largest=none"];
    let days = ["earliest=2015-01-01", "latest=2018-01-01", "earliest=none"];
    for user in &people {
        for folder in names {
            for _ in 0..dice.below(4) {
                let number = dice.below(1_000_000);
                scene.put(user, folder, number, ([100, 5000][dice.below(2)], [2012, 2016, 2021][dice.below(3)]));
            }
        }
        let own = [rules[dice.below(5)], filters[dice.below(4)], sizes[dice.below(2)], days[dice.below(3)]];
        scene.set(user, &own).expect(0);
    }
    let shown = scene.workspace.run(&["preview", PROJECT]).expect(0).stdout;
    scene.workspace.start().expect(0);
    for user in &people {
        let head = format!("{user}@old.example → ");
        let (_, rest) = shown.split_once(&head).expect("its preview");
        let (_, table) = rest.split_once('\n').expect("a table");
        let mut expected: BTreeMap<String, usize> = BTreeMap::new();
        for line in lines(table) {
            let Some(to) = line.to else { continue };
            *expected.entry(to).or_default() += line.messages - line.skipped;
        }
        let all: usize = expected.values().sum();
        for (folder, messages) in &expected {
            assert_eq!(scene.arrived(user, folder), *messages, "{user}, {folder}:\n{table}");
        }
        let home = scene.folder.path().join("new").join(user);
        let folders = fs::read_dir(&home).expect("there").flatten().map(|entry| entry.path());
        let of = |home: &Path| -> usize {
            ["cur", "new"].iter().map(|part| fs::read_dir(home.join(part)).map_or(0, Iterator::count)).sum()
        };
        let there: usize =
            folders.filter(|path| path.join("cur").is_dir()).map(|path| of(&path)).sum::<usize>() + of(&home);
        assert_eq!(there, all, "{user}: mail where the preview said none\n{table}");
    }
}
