//! What the documents say is tried: the five commands of the README, its command line, its exit codes' verbs.

use std::process::{Command, Stdio};

use crate::support::compare::{self, Mailbox};
use crate::support::dovecot::{self, Format, PASSWORD};
use crate::support::ends::Ended;
use crate::support::imap::Message;
use crate::support::keyring::{self, Keyring, Service};
use crate::support::product::plain;

const README: &str = include_str!("../../README.md");

fn block(after: &str, kind: &str) -> &'static str {
    let rest = &README[README.find(after).expect("the chapter")..];
    let rest = &rest[rest.find(&format!("```{kind}\n")).expect("a block") + 4 + kind.len()..];
    &rest[..rest.find("```").expect("its end")]
}

#[test]
fn the_five_commands_of_the_readme_move_a_mailbox() {
    if !dovecot::available() || !keyring::available() {
        return;
    }
    let session = Keyring::start(Service::Unlocked);
    let (old, new) = (dovecot::shared(Format::Sdbox), dovecot::shared_twin(Format::Sdbox));
    let message = Message::plain("Subject: hello\r\nMessage-ID: <1@x>\r\n\r\nx\r\n");
    let (from, into) = ("anna@contoso.example", "anna@fabrikam.example");
    old.login(from).append("INBOX", &message);
    let folder = tempfile::tempdir().expect("a folder");
    let csv = block("## Move one mailbox", "");
    let csv = csv.replace("old password", PASSWORD).replace("new password", PASSWORD);
    std::fs::write(folder.path().join("items.csv"), csv).expect("written");
    let commands: Vec<&str> = block("## Move one mailbox", "sh").lines().collect();
    assert_eq!(commands.len(), 5);
    let mut last = String::new();
    for line in commands {
        let line = line.split('#').next().unwrap_or_default();
        let line = line.replace("imaps://imap.contoso.example", &plain(old.plain_port));
        let line = line.replace("imaps://imap.fabrikam.example", &plain(new.plain_port));
        let mut words = line.split_whitespace();
        assert_eq!(words.next(), Some("mailferry"));
        let mut command = Command::new(env!("CARGO_BIN_EXE_mailferry"));
        command.args(words).arg("--data").arg(folder.path().join("data")).current_dir(folder.path());
        command.envs(session.environment()).stdin(Stdio::null());
        let output = command.ended();
        assert!(output.status.success(), "{line}\n{}", String::from_utf8_lossy(&output.stderr));
        last = String::from_utf8_lossy(&output.stdout).into_owned();
    }
    assert!(last.contains("Completed"), "{last}");
    let (source, destination) = (Mailbox::read(&mut old.login(from)), Mailbox::read(&mut new.login(into)));
    compare::assert_equal(&source, &destination, &compare::same_names(&source));
}

#[test]
fn every_verb_and_option_of_the_program_stands_in_the_readme() {
    let help = |arguments: &[&str]| {
        let output = Command::new(env!("CARGO_BIN_EXE_mailferry")).args(arguments).arg("--help").output();
        String::from_utf8_lossy(&output.expect("the program starts").stdout).into_owned()
    };
    let mut verbs: Vec<Vec<String>> = vec![Vec::new()];
    let mut at = 0;
    while let Some(verb) = verbs.get(at).cloned() {
        at += 1;
        let text = help(&verb.iter().map(String::as_str).collect::<Vec<_>>());
        let listed = text.lines().skip_while(|line| *line != "Commands:").skip(1).take_while(|line| !line.is_empty());
        let words: Vec<&str> = listed.filter_map(|line| line.strip_prefix("  ")?.split_whitespace().next()).collect();
        for word in words.iter().filter(|word| **word != "help" && !word.is_empty()) {
            verbs.push([verb.clone(), vec![(*word).to_owned()]].concat());
        }
        // A verb that only leads to others is named by them.
        assert!(!words.is_empty() || README.contains(&format!("`{}", verb.join(" "))), "{verb:?}");
        let options = text.split_whitespace().filter(|word| word.starts_with("--"));
        for option in options.map(|option| option.trim_end_matches([',', ';', ':', ')', '.'])) {
            let common = ["--help", "--version"].contains(&option);
            assert!(common || README.contains(option), "{option} of {verb:?} is missing");
        }
    }
    assert!(verbs.len() > 14, "{verbs:?}");
}
