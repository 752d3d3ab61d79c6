//! Verbs that are told something wrong: nothing happens but a message.

use super::{file, path, says};
use crate::support::ends::Ended;
use crate::support::product::{PROJECT, Workspace};

const SERVERS: [&str; 4] = ["--source", "imaps://old.example", "--destination", "imaps://new.example"];

fn import(workspace: &Workspace, csv: &str) {
    let csv = file(csv.as_bytes());
    workspace.run(&["item", "import", PROJECT, path(&csv)]).expect(0);
}

#[test]
fn wrong_addresses_rules_numbers_and_files() {
    let workspace = Workspace::new();
    let no_ca = file(b"hello");
    for (more, words) in [
        (
            &["--source", "old.example", SERVERS[2], SERVERS[3]][..],
            &["--source: the address names no protocol", "imaps://HOST"][..],
        ),
        (&["--source", "https://old.example", SERVERS[2], SERVERS[3]], &["\"https://\" is not known"]),
        (&["--source", "imaps://old.example:99999", SERVERS[2], SERVERS[3]], &["the port \"99999\""]),
        (&["--source", "imaps://old.example/INBOX", SERVERS[2], SERVERS[3]], &["goes on behind the host"]),
        (&["--source", "imaps://", SERVERS[2], SERVERS[3]], &["names no host"]),
        (&[SERVERS[0], SERVERS[1], "--destination", "imaps://a b"], &["--destination: \"a b\" is no host name"]),
        (&[SERVERS[0], SERVERS[1]], &["--destination"]),
        (&["--map", "^(->x"], &["mapping rule 1"]),
        (&["--map", "no arrow"], &["mapping rule 1", "->"]),
        (&["--connections", "0"], &["connections per mailbox and side must be 1 to 4, not 0"]),
        (&["--connections", "5"], &["1 to 4, not 5"]),
        (&["--connections", "many"], &["--connections", "many"]),
        (&["--concurrent", "0"], &["concurrent migrations must be at least 1, not 0"]),
        (&["--source-cert-sha256", "abc"], &["--source-cert-sha256 must be 64 hexadecimal digits"]),
        (&["--source-ca", "/no/such.pem"], &["--source-ca /no/such.pem", "No such file"]),
        (&["--destination-ca", path(&no_ca)], &["--destination-ca", "holds no certificate"]),
        (&["--source-ca", path(&no_ca), "--source-cert-sha256", "00"], &["cannot be used with"]),
        (&["--source-admin", ""], &["--source-admin", "empty"]),
        (&["--source-admin", "{usr}*admin"], &["--source-admin", "no other braces"]),
        (&["--destination-admin", "admin@{domain}"], &["opens the same mailbox for everybody"]),
        (&["--colour", "red"], &["--colour"]),
    ] {
        let servers = if more.iter().any(|word| SERVERS.contains(word) || ["--source", "--destination"].contains(word))
        {
            &[][..]
        } else {
            &SERVERS
        };
        says(workspace.run(&[&["project", "new", "p"], servers, more].concat()), 2, words);
    }
    for name in ["", "   ", "a\nb", "x".repeat(201).as_str()] {
        says(workspace.run(&[&["project", "new", name][..], &SERVERS].concat()), 2, &["name has 1 to 200 characters"]);
    }
    assert!(workspace.run(&["project", "list"]).expect(0).stdout.starts_with("No projects yet"));
    workspace.run(&[&["project", "new", "Move"][..], &SERVERS].concat()).expect(0);
    says(workspace.run(&[&["project", "new", "MOVE"][..], &SERVERS].concat()), 2, &["\"MOVE\" is taken"]);
}

#[test]
fn verbs_without_their_project_or_items() {
    let workspace = Workspace::new();
    let csv = file(b"Source Email,Destination Email\na@x,a@y\n");
    let verbs: [&[&str]; 7] = [
        &["project", "show", "nobody"],
        &["project", "delete", "nobody"],
        &["item", "list", "nobody"],
        &["item", "import", "nobody", path(&csv)],
        &["start", "nobody"],
        &["stop", "nobody"],
        &["status", "nobody"],
    ];
    for verb in verbs {
        says(workspace.run(verb), 2, &["there is no project \"nobody\"", "mailferry project list"]);
    }
    says(workspace.run(&["frobnicate"]), 2, &["frobnicate", "--help"]);
    says(workspace.run(&[]), 3, &["no display for a window", "--help"]);
    workspace.project_new(SERVERS[1], SERVERS[3], &[]);
    says(workspace.run(&["start", PROJECT]), 2, &["has no items", "import"]);
    says(workspace.run(&["start", PROJECT, "--item", "a@x"]), 2, &["has no item \"a@x\""]);
    says(workspace.run(&["start", PROJECT, "--pass", "half"]), 2, &["half"]);
    says(workspace.run(&["status", PROJECT]), 0, &[]);
    says(workspace.run(&["stop", PROJECT]), 0, &[]);
}

#[test]
fn r11_items_without_credentials_wait_for_their_owner_and_one_mailbox_on_both_sides_does_not_start() {
    let workspace = Workspace::new();
    let server = "imap+plain://127.0.0.1:1";
    workspace.project_new(server, server, &[]);
    import(
        &workspace,
        "Source Email,Source Login Name,Source Password,Destination Email,Destination Login Name,Destination Password\n\
         none@x,,,none@y,,\nfrom@x,,,from@y,,pw\nto@x,,pw,to@y,,\nsame@x,Anna,pw,same@y,anna,pw\n",
    );
    let words = [
        "none@x:none@y: waits for its owner's password",
        "from@x:from@y: waits for its owner's password",
        "to@x:to@y: waits for its owner's password",
        "same@x:same@y: not started: source and destination are the same mailbox",
    ];
    workspace.owners_can_be_asked();
    says(workspace.run(&["start", PROJECT]), 1, &words);
    let statuses: Vec<_> = workspace.status().iter().map(|item| item.status().to_owned()).collect();
    assert_eq!(statuses, ["waiting_for_user", "waiting_for_user", "waiting_for_user", "not_submitted"]);
    // R14: it lasts until it is stopped.
    says(workspace.run(&["start", PROJECT, "--item", "none@x"]), 1, &["waits for credentials from its owner; stop it"]);
    let stopped = workspace.run(&["stop", PROJECT, "--item", "none@x"]).expect(0);
    assert!(stopped.stdout.contains("1 item told to stop"), "{stopped:?}");
    assert_eq!(workspace.status()[0].status(), "stopped");
}

#[test]
fn a_name_that_fits_two_items_is_refused_naming_both() {
    let workspace = Workspace::new();
    workspace.project_new(SERVERS[1], SERVERS[3], &[]);
    import(&workspace, "Source Email,Destination Email\na@x,one@y\na@x,two@y\nb@x,one@y\n");
    for (name, both) in [("a@x", ["a@x:one@y", "a@x:two@y"]), ("ONE@y", ["a@x:one@y", "b@x:one@y"])] {
        for verb in ["start", "stop"] {
            let words = [&format!("\"{name}\" fits 2 items"), both[0], both[1], "SOURCE:DESTINATION"];
            says(workspace.run(&[verb, PROJECT, "--item", name]), 2, &words);
        }
    }
    workspace.owners_can_be_asked();
    says(workspace.run(&["start", PROJECT, "--item", "A@x:two@Y"]), 1, &["a@x:two@y: waits for"]);
}

#[test]
fn a_project_is_not_deleted_without_the_key_to_its_passwords() {
    let mut workspace = Workspace::new();
    workspace.project_new(SERVERS[1], SERVERS[3], &[]);
    import(&workspace, "Source Email,Source Password,Destination Email\na@x,pw,a@y\n");
    let vault = std::fs::metadata(workspace.path().join("vault.bin")).expect("a vault").len();
    workspace.environment.push(("MAILFERRY_PASSPHRASE".into(), "wrong".into()));
    says(workspace.run(&["project", "delete", PROJECT]), 2, &["the passphrase does not open the vault"]);
    assert_eq!(workspace.status().len(), 1, "it was deleted all the same");
    workspace.environment.clear();
    says(workspace.run(&["project", "delete", PROJECT]), 0, &[]);
    says(workspace.run(&["status", PROJECT]), 2, &["there is no project"]);
    let left = std::fs::metadata(workspace.path().join("vault.bin")).expect("a vault").len();
    assert!(left < vault, "its password is still in the vault");
}

#[test]
fn the_vault_is_chosen_once() {
    let workspace = Workspace::new();
    let bare = |arguments: &[&str]| {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_mailferry"));
        command.arg("--data").arg(workspace.path()).args(arguments).stdin(std::process::Stdio::null());
        command.env("MAILFERRY_PASSPHRASE", "open sesame").env("MAILFERRY_SOURCE_PASSWORD", "pw");
        // The keyring of whoever runs the tests stays out of it.
        command.env("DBUS_SESSION_BUS_ADDRESS", "unix:path=/nowhere/bus");
        let output = command.ended();
        crate::support::product::Output {
            code: output.status.code().unwrap_or(-1),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    };
    let new = [&["project", "new", PROJECT, "--source-admin", "chief"][..], &SERVERS].concat();
    let no_keyring = [&[][..], &["--vault", "keyring"], &["--vault", "file-keyring"]];
    // Elsewhere the keyring needs no bus: there is one.
    for keyring in no_keyring.into_iter().filter(|_| cfg!(target_os = "linux")) {
        let words = ["this machine has no keyring that can be reached", "--vault file"];
        says(bare(&[&new[..], keyring].concat()), 3, &words);
    }
    assert!(bare(&["project", "list"]).expect(0).stdout.starts_with("No projects yet"), "half a project");
    says(bare(&[&new[..], &["--vault", "paper"]].concat()), 2, &["paper", "keyring, file, file-keyring"]);
    says(bare(&[&new[..], &["--vault", "file"]].concat()), 0, &[]);
    let other = [&["project", "new", "other", "--source-admin", "chief", "--vault", "keyring"][..], &SERVERS].concat();
    says(bare(&other), 2, &["keeps its passwords in the file vault"]);
    let stored = [&["project", "new", "third", "--source-admin", "chief"][..], &SERVERS].concat();
    says(bare(&stored), 0, &[]);
}
