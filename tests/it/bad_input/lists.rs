//! CSV files as they come from spreadsheets, good and bad.

use std::time::{Duration, Instant};

use super::{file, path, says};
use crate::support::ends::Ends;
use crate::support::product::{Output, PROJECT, Workspace};

const HEADER: &str =
    "Source Email,Source Login Name,Source Password,Destination Email,Destination Login Name,Destination Password\n";

fn workspace() -> Workspace {
    let workspace = Workspace::new();
    workspace.project_new("imaps://old.example", "imaps://new.example", &[]);
    workspace
}

fn import(workspace: &Workspace, bytes: &[u8], more: &[&str]) -> Output {
    let csv = file(bytes);
    workspace.run(&[&["item", "import", PROJECT, path(&csv)], more].concat())
}

fn items(workspace: &Workspace) -> String {
    workspace.run(&["item", "list", PROJECT]).expect(0).stdout
}

#[test]
fn bad_rows_are_named_by_line_and_column_and_nothing_is_imported() {
    let workspace = workspace();
    let csv = format!(
        "{HEADER}a@x,,pw,a@y,,pw\n\
         ,,hunter2,b@y,,\n\
         c at x,,,c@y,,\n\
         d@x,,,\n\
         \"e@x\",,\"two\nlines\",e@y,,\n\
         f@x,,,f@y,,,z\n\
         a@x,,,A@Y,,\n\
         \"h@x,,,h@y,,\n"
    );
    let words = [
        "line 3, Source Email: the e-mail address is missing",
        "line 4, Source Email: no @",
        "line 5, Destination Email: the e-mail address is missing",
        "line 6, Source Password: holds a control character",
        "line 8: 7 columns instead of 6",
        "line 9: the same source and destination as on line 2",
        "line 10: a quotation mark opens here and is never closed",
        "7 bad rows, 1 good row; nothing was imported",
        "--skip-bad",
    ];
    let refused = says(import(&workspace, csv.as_bytes(), &[]), 2, &words);
    assert!(!refused.stderr.contains("hunter2"), "a password was repeated");
    assert!(items(&workspace).starts_with("No items yet"));
    assert!(!workspace.path().join("vault.bin").exists(), "passwords of a refused file were kept");
    let skipped = says(import(&workspace, csv.as_bytes(), &["--skip-bad"]), 0, &["line 3"]);
    assert!(skipped.stdout.contains("1 item imported, 0 updated, 7 bad rows skipped"), "{}", skipped.stdout);
    assert_eq!(items(&workspace).lines().count(), 2);
}

#[test]
fn columns_of_another_name_are_left_out_and_said() {
    let workspace = workspace();
    let csv = format!("{},Flags,\na@x,,,a@y,,,7,\n", HEADER.trim_end());
    let taken = says(
        import(&workspace, csv.as_bytes(), &[]),
        0,
        &["note: ", "the name of column 7 is not known; the column is left out"],
    );
    assert!(taken.stdout.contains("1 item imported"), "{}", taken.stdout);
}

#[test]
fn headers_that_are_wrong_say_what_they_must_be() {
    let workspace = workspace();
    for (csv, words) in [
        ("", &["the file is empty", "nothing was imported"][..]),
        ("\n\n", &["the file is empty"]),
        (HEADER, &["no rows below its header"]),
        ("a@x,hunter2,b@y\n", &["line 1: the first line must name the columns: Source Email, Source Login Name"]),
        ("Source Email,Source Password\na@x,hunter2\n", &["line 1, Destination Email: this column is missing"]),
        (
            "Source Email,Source Email,Destination Email\n",
            &["line 1, Source Email: the header names this column twice"],
        ),
        ("Source Email,,Destination Email\n", &["column 2 of the header has no name"]),
    ] {
        let refused = says(import(&workspace, csv.as_bytes(), &["--skip-bad"]), 2, words);
        assert!(!refused.stderr.contains("hunter2"), "a password was repeated");
    }
    let png = [0x89, b'P', b'N', b'G', 0, 1, 2, 0xff, 0xfe, 0];
    says(import(&workspace, &png, &[]), 2, &["the first line must name the columns"]);
    says(workspace.run(&["item", "import", PROJECT, "/no/such/file.csv"]), 2, &["/no/such/file.csv", "No such file"]);
    says(workspace.run(&["item", "import", PROJECT, "/tmp"]), 2, &["/tmp", "directory"]);
    assert!(items(&workspace).starts_with("No items yet"));
}

#[test]
fn every_spreadsheets_dialect_is_read() {
    let text = "Destination Email;SOURCE  EMAIL;source login name\r\nbäcker@new.example;bäcker@old.example;Müller\r\n";
    let utf16 = |big: bool| -> Vec<u8> {
        let units = std::iter::once(0xfeff).chain(text.encode_utf16());
        units.flat_map(|unit| if big { unit.to_be_bytes() } else { unit.to_le_bytes() }).collect()
    };
    let windows: Vec<u8> = text.chars().map(|c| u8::try_from(u32::from(c)).expect("Latin letters")).collect();
    let marked = [b"\xef\xbb\xbf", text.as_bytes()].concat();
    for (name, bytes) in [
        ("UTF-8", text.as_bytes().to_vec()),
        ("UTF-8 with a mark", marked),
        ("UTF-16LE", utf16(false)),
        ("UTF-16BE", utf16(true)),
        ("Windows-1252", windows),
        ("commas", text.replace(';', ",").into_bytes()),
        ("tabs", text.replace(';', "\t").into_bytes()),
    ] {
        let workspace = workspace();
        if name == "Windows-1252" {
            // Nothing is guessed.
            says(import(&workspace, &bytes, &[]), 2, &["line 2, Source Email: letters that are no UTF-8", "encoding"]);
            says(
                import(&workspace, &bytes, &["--encoding", "latin-9000"]),
                2,
                &["no encoding of this name", "Shift_JIS"],
            );
            let read = says(import(&workspace, &bytes, &["--encoding", "windows-1252"]), 0, &[]);
            let sample = "Read as windows-1252:\n  line 2: bäcker@old.example → bäcker@new.example\n";
            assert!(read.stdout.contains(sample), "{}", read.stdout);
        } else {
            says(import(&workspace, &bytes, &[]), 0, &[]);
        }
        let listed = items(&workspace);
        let whole = ["bäcker@old.example", "bäcker@new.example", "Müller"].iter().all(|word| listed.contains(word));
        assert!(whole, "{name}: {listed}");
    }
}

#[test]
fn an_import_without_its_vault_imports_nothing() {
    let csv = format!("{HEADER}a@x,,pw,a@y,,pw\n");
    let mut workspace = workspace();
    workspace.environment.push(("MAILFERRY_PASSPHRASE".into(), "the right one".into()));
    says(import(&workspace, csv.as_bytes(), &[]), 0, &[]);
    workspace.environment.push(("MAILFERRY_PASSPHRASE".into(), "wrong".into()));
    let more = format!("{HEADER}b@x,,pw,b@y,,pw\n");
    says(import(&workspace, more.as_bytes(), &[]), 2, &["the passphrase does not open the vault"]);
    says(workspace.run(&["start", PROJECT]), 2, &["the passphrase does not open the vault"]);
    workspace.environment.push(("MAILFERRY_PASSPHRASE".into(), String::new()));
    says(import(&workspace, more.as_bytes(), &[]), 2, &["MAILFERRY_PASSPHRASE"]);
    assert!(!items(&workspace).contains("b@x"), "half an import");
    std::fs::write(workspace.path().join("vault.bin"), b"MFVAULT1 but then nothing").expect("written");
    workspace.environment.push(("MAILFERRY_PASSPHRASE".into(), "the right one".into()));
    says(import(&workspace, more.as_bytes(), &[]), 3, &["vault", "damaged", "backup"]);
    assert!(!items(&workspace).contains("b@x"), "half an import");
}

#[test]
fn a_hundred_thousand_rows_are_imported_listed_and_updated() {
    const ROWS: usize = 100_000;
    // Generous: an unoptimised build on a busy machine.
    const LIMIT: Duration = Duration::from_secs(120);
    let workspace = workspace();
    let row = |at: usize| format!("u{at}@old.example,u{at},pässword {at},u{at}@new.example,,\"pw,{at}\"\n");
    let csv = HEADER.to_owned() + &(0..ROWS).map(row).collect::<String>();
    for said in ["100000 items imported, 0 updated", "0 items imported, 100000 updated"] {
        let began = Instant::now();
        let imported = says(import(&workspace, csv.as_bytes(), &[]), 0, &[]);
        assert!(imported.stdout.contains(said) && began.elapsed() < LIMIT, "{} {:?}", imported.stdout, began.elapsed());
    }
    for arguments in [&["item", "list", PROJECT][..], &["status", PROJECT], &["status", PROJECT, "--json"]] {
        let began = Instant::now();
        let listed = says(workspace.run(arguments), 0, &[]);
        assert!(listed.stdout.contains("u99999@new.example") && began.elapsed() < LIMIT / 3, "{:?}", began.elapsed());
    }
    // A reader that has seen enough is no failure, and no panic.
    for verb in ["item list", "status", "status --json"] {
        let mut arguments: Vec<&str> = verb.split(' ').collect();
        arguments.insert(if verb.starts_with("item") { 2 } else { 1 }, PROJECT);
        let mut running = super::Running::start(&workspace, &arguments);
        drop(running.0.stdout.take());
        let ended = running.0.ends_with_output();
        let stderr = String::from_utf8_lossy(&ended.stderr);
        assert!(ended.status.code() == Some(0) && stderr.is_empty(), "{verb}: {:?} {stderr}", ended.status);
    }
}
