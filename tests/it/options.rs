//! Options that are set by name, for projects and items, and what `preview` says before a pass does it.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant, UNIX_EPOCH};

use crate::support::ends::Ends;
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
    /// Messages that a rule leaves out, by the rule's words.
    skipped: BTreeMap<String, usize>,
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
            let skip = |part: &str| {
                let (number, rule) = part.trim().strip_prefix("skips ")?.split_once(": ")?;
                Some((rule.to_owned(), number.split(' ').next()?.parse::<usize>().ok()?))
            };
            Line {
                folder: folder.trim().to_owned(),
                messages: messages.trim().parse().unwrap_or(0),
                to: Some(to.trim().to_owned()).filter(|to| !to.is_empty()),
                why: why.trim().to_owned(),
                skipped: why.split("; ").filter_map(skip).collect(),
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
fn options_that_are_not_saved_are_previewed_and_change_nothing() {
    let scene = Scene::new(&["anna".into(), "bob".into()]);
    for (user, number) in [("anna", 1), ("bob", 2)] {
        scene.put(user, "Files", number, (100, 2020));
    }
    let run = |arguments: &[&str]| scene.workspace.run(arguments);
    run(&["project", "set", PROJECT, "map=^Files->Saved"]).expect(0);
    let before = run(&["project", "show", PROJECT]).expect(0).stdout;
    let to = |arguments: &[&str]| {
        let shown = run(&[&["preview", PROJECT, "--item", "anna@old.example"], arguments].concat()).expect(0).stdout;
        let (_, table) = shown.split_once('\n').expect("a table");
        let lines = lines(table);
        let line = lines.iter().find(|line| line.folder == "Files").expect("a line");
        (line.to.clone(), line.why.clone())
    };
    assert_eq!(to(&[]).0.as_deref(), Some("Saved"));
    assert_eq!(to(&["--set", "map=^Files->Tried"]).0.as_deref(), Some("Tried"));
    assert_eq!(to(&["--set", "map=none", "--set", "filter=^Files$"]), (None, "skipped by the folder filter".into()));
    assert_eq!(to(&["--set", "map=project"]).0.as_deref(), Some("Saved"), "as the project has it");
    for (wrong, why) in
        [("filter=(", "filter"), ("big=1", "no option"), ("concurrent=2", "of the project, not of an item")]
    {
        let said = run(&["preview", PROJECT, "--set", wrong]).expect(2).stderr;
        assert!(said.contains(why), "{said}");
    }
    assert_eq!(run(&["project", "show", PROJECT]).expect(0).stdout, before, "nothing is saved");
    assert_eq!(to(&[]).0.as_deref(), Some("Saved"));
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
    start.ends();
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

/// A message of a generated mailbox: folder, number, bytes, year.
type Generated = (&'static str, usize, usize, u64);

/// What an item has of its own in that test.
struct Own {
    map: &'static str,
    filter: &'static str,
    largest: &'static str,
    days: &'static str,
}

impl Own {
    fn drawn(dice: &mut Dice) -> Own {
        let maps =
            ["map=^Work->Job", "map=^Projects/->", "map=^(Notes|Archive)$->All/$1", "map=^->Imported/", "map=none"];
        let filters = ["filter=^Junk$", "filter=old", "filter=/", "filter=none"];
        let days = ["earliest=2015-01-01", "latest=2018-01-01", "earliest=none"];
        Own {
            map: maps[dice.below(5)],
            filter: filters[dice.below(4)],
            largest: ["largest=2 KB", "largest=none"][dice.below(2)],
            days: days[dice.below(3)],
        }
    }

    /// Whether the filter skips a folder, as a person would say it.
    fn skips(&self, folder: &str) -> bool {
        match self.filter {
            "filter=^Junk$" => folder == "Junk",
            "filter=old" => folder.to_lowercase().contains("old"),
            "filter=/" => folder.contains('/'),
            _ => false,
        }
    }

    /// The rule that leaves a message out, dates first.
    fn rule(&self, (_, _, bytes, year): &Generated) -> Option<&'static str> {
        match (self.days, year) {
            ("earliest=2015-01-01", 2012) => Some("older than the earliest date"),
            ("latest=2018-01-01", 2021) => Some("newer than the latest date"),
            _ if self.largest == "largest=2 KB" && *bytes > 2000 => Some("larger than the largest size"),
            _ => None,
        }
    }
}

/// A mailbox of its own for each number.
fn generated(dice: &mut Dice, first: usize) -> Vec<Generated> {
    let names = ["INBOX", "Work", "Work/Old", "Archive", "Archive/2019", "Junk", "Notes", "Projects/A", "Projects/B"];
    let mut all = Vec::new();
    for folder in names {
        for _ in 0..dice.below(4) {
            all.push((folder, first + all.len(), [100, 5000][dice.below(2)], [2012, 2016, 2021][dice.below(3)]));
        }
    }
    all
}

/// The numbers of all messages below a Maildir, by folder.
fn numbers_there(home: &Path) -> BTreeMap<String, Vec<usize>> {
    let of = |folder: &Path| -> Vec<usize> {
        let files = ["cur", "new"].into_iter().flat_map(|part| fs::read_dir(folder.join(part)).into_iter().flatten());
        let texts = files.map(|file| fs::read_to_string(file.expect("a file").path()).expect("text"));
        let number = |text: String| text.split(['<', '@']).nth(1).and_then(|n| n.parse().ok()).expect("a number");
        let mut numbers: Vec<usize> = texts.map(number).collect();
        numbers.sort_unstable();
        numbers
    };
    let mut found = BTreeMap::from([("INBOX".to_owned(), of(home))]);
    for entry in fs::read_dir(home).expect("there").flatten().filter(|entry| entry.path().join("cur").is_dir()) {
        let name = entry.file_name().to_string_lossy().into_owned();
        if let Some(name) = name.strip_prefix('.') {
            found.insert(name.replace('.', "/"), of(&entry.path()));
        }
    }
    found.retain(|_, numbers| !numbers.is_empty());
    found
}

#[test]
fn r16_preview_and_pass_agree_on_forty_mailboxes() {
    let people: Vec<String> = (0..40).map(|n| format!("user{n}")).collect();
    let scene = Scene::new(&people);
    let mut dice = Dice(2026);
    let mut all = Vec::new();
    for (number, user) in people.iter().enumerate() {
        let (mail, own) = (generated(&mut dice, number * 1000), Own::drawn(&mut dice));
        mail.iter().for_each(|(folder, number, bytes, year)| scene.put(user, folder, *number, (*bytes, *year)));
        scene.set(user, &[own.map, own.filter, own.largest, own.days]).expect(0);
        all.push((user, mail, own));
    }
    let shown = scene.workspace.run(&["preview", PROJECT]).expect(0).stdout;
    scene.workspace.start().expect(0);
    let status = scene.workspace.status();
    for ((user, mail, own), item) in all.iter().zip(&status) {
        let (_, rest) = shown.split_once(&format!("{user}@old.example → ")).expect("its preview");
        let (_, table) = rest.split_once('\n').expect("a table");
        let mut expected: BTreeMap<String, Vec<usize>> = BTreeMap::new();
        let mut skipped = 0;
        for line in lines(table) {
            let here: Vec<&Generated> = mail.iter().filter(|(folder, ..)| *folder == line.folder).collect();
            assert_eq!(line.messages, here.len(), "{user}, {}:\n{table}", line.folder);
            // The preview names exactly the rules that a person would.
            let by_filter = line.why.contains("skipped by the folder filter");
            assert_eq!(
                (line.to.is_none(), by_filter),
                (own.skips(&line.folder), own.skips(&line.folder)),
                "{user}:\n{table}"
            );
            let mut rules: BTreeMap<String, usize> = BTreeMap::new();
            if line.to.is_some() {
                here.iter()
                    .filter_map(|mail| own.rule(mail))
                    .for_each(|rule| *rules.entry(rule.into()).or_default() += 1);
            }
            assert_eq!(line.skipped, rules, "{user}, {}:\n{table}", line.folder);
            skipped += rules.values().sum::<usize>();
            let Some(to) = line.to else { continue };
            let left = here.iter().filter(|mail| own.rule(mail).is_none()).map(|(_, number, ..)| *number);
            expected.entry(to).or_default().extend(left);
        }
        expected.retain(|_, numbers| !numbers.is_empty());
        expected.values_mut().for_each(|numbers| numbers.sort_unstable());
        // And the pass did exactly that, message by message.
        let there = numbers_there(&scene.folder.path().join("new").join(user));
        assert_eq!(there, expected, "{user}:\n{table}");
        let copied: usize = expected.values().map(Vec::len).sum();
        assert_eq!((item.messages("copied"), item.messages("skipped")), (copied as u64, skipped as u64), "{user}");
    }
}

#[test]
fn d32_item_show_names_what_is_not_the_default_and_where_it_comes_from() {
    let scene = Scene::new(&["anna".into(), "bob".into()]);
    let show = |user: &str| {
        let email = format!("{user}@old.example");
        scene.workspace.run(&["item", "show", PROJECT, "--item", &email]).expect(0).stdout
    };
    assert!(show("anna").contains("all as they are by default"), "{}", show("anna"));
    scene.workspace.run(&["project", "set", PROJECT, "latest=2026-01-01", "newest-first=on", "roles=off"]).expect(0);
    scene.set("bob", &["earliest=2020-01-31", "latest=2024-05-01", "roles=on", "source-hours=18:00-07:00"]).expect(0);
    let (anna, bob) = (show("anna"), show("bob"));
    for line in [
        "latest = 2026-01-01  (of the project)",
        "newest-first = on  (of the project)",
        "roles = off  (of the project)",
    ] {
        assert!(anna.contains(line), "{line} in {anna}");
    }
    for line in [
        "earliest = 2020-01-31  (of the item)",
        "latest = 2024-05-01  (of the item)",
        "roles = on  (of the item)",
        "source-hours = 18:00-07:00  (of the item)",
        "newest-first = on  (of the project)",
    ] {
        assert!(bob.contains(line), "{line} in {bob}");
    }
    assert!(
        bob.starts_with("From         bob@old.example bob (none needed)") && bob.contains("Status       Not Submitted"),
        "{bob}"
    );
    scene.set("bob", &["latest=2019-01-01"]).expect(2);
    assert_eq!(show("bob"), bob, "the earliest day would come after it: nothing was changed");
}

#[test]
fn rules_that_can_never_work_are_refused_by_name_and_nothing_is_changed() {
    let scene = Scene::new(&["anna".into()]);
    scene.workspace.run(&["project", "set", PROJECT, "destination-hours=03:00-05:00"]).expect(0);
    let before = scene.workspace.run(&["project", "show", PROJECT]).expect(0).stdout;
    let wrong = [
        ("filter=.*", "the folder filter \".*\" matches every folder: nothing would be copied"),
        ("filter=(a{1000}){1000}", "size limit"),
        ("map=((x{500}){500})->y", "mapping rule 1"),
        ("map=^A->B\u{7}", "names a folder with a control character"),
        ("source-hours=22:00-02:00", "never meet: no pass could run"),
        ("rate=1", "data rate must be at least 10 KB a second, or none, not 1"),
        ("rate=0", "data rate must be at least 10 KB a second, or none, not 0"),
    ];
    for (option, words) in wrong {
        for output in [scene.workspace.run(&["project", "set", PROJECT, option]), scene.set("anna", &[option])] {
            let output = output.expect(2);
            assert!(output.stderr.contains(words), "{option}: {}", output.stderr);
        }
    }
    assert_eq!(scene.workspace.run(&["project", "show", PROJECT]).expect(0).stdout, before);
    // What the project says must go with what an item has of its own, too.
    scene.set("anna", &["source-hours=04:00-08:00", "latest=2020-01-01"]).expect(0);
    for option in ["destination-hours=09:00-17:00", "earliest=2024-01-01"] {
        let output = scene.workspace.run(&["project", "set", PROJECT, option]).expect(2);
        assert!(
            output.stderr.contains("with the options that anna@old.example has of its own: the"),
            "{}",
            output.stderr
        );
    }
    scene.workspace.run(&["project", "set", PROJECT, "destination-hours=07:00-17:00"]).expect(0);
}

#[test]
fn two_folders_mapped_into_one_are_flagged_by_the_preview_and_keep_all_their_messages() {
    let scene = Scene::new(&["anna".into()]);
    for (folder, number) in [("Work", 1), ("Work", 2), ("Job", 3), ("Home", 4)] {
        scene.put("anna", folder, number, (100, 2020));
    }
    scene.workspace.run(&["project", "set", PROJECT, "map=^(Work|Home)$->Job"]).expect(0);
    let shown = scene.workspace.run(&["preview", PROJECT]).expect(0).stdout;
    assert!(shown.contains("! \"Job\" goes there too") && shown.contains("! \"Work\" goes there too"), "{shown}");
    scene.workspace.start().expect(0);
    assert_eq!(scene.arrived("anna", "Job"), 4);
    scene.workspace.start().expect(0);
    assert_eq!(scene.arrived("anna", "Job"), 4, "and none twice");
}

#[test]
fn f6_settings_are_shown_and_changed_and_a_wrong_one_is_named() {
    let workspace = Workspace::new();
    let shown = |arguments: &[&str]| workspace.run(&[&["settings"], arguments].concat()).expect(0).stdout;
    assert!(shown(&[]).contains("keep-awake = on   keep this computer awake while migrations run"), "{}", shown(&[]));
    assert!(shown(&["keep-awake=off"]).contains("keep-awake = off"));
    for (wrong, words) in
        [("keep-awake=maybe", "is on or off"), ("x=on", "there is no setting \"x\""), ("x", "no KEY=VALUE")]
    {
        let output = workspace.run(&["settings", "keep-awake=on", wrong]).expect(2);
        assert!(output.stderr.contains(words), "{}", output.stderr);
    }
    assert!(shown(&[]).contains("keep-awake = off"), "nothing of a wrong line was changed");
}
