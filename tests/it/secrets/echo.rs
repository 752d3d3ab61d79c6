//! Servers that repeat the login they were sent, in every way they could, and Mailferry writes none of it down.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::search::{Haystack, escape};
use super::{ALL, OWN, WIDE, add, import, project, workspace};
use crate::support::peer::{Line, Peer};
use crate::support::product::Workspace;

/// How the echo comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    No,
    Code,
    Untagged,
    Bad,
    Bye,
    Nonsense,
    Unasked,
    Greeting,
    GreetingBye,
    /// Behind so much else that a line cut for display ends inside it.
    Long(usize),
}

/// The line as it came, escaped, escaped twice, in base64 (also out of step), and what its base64 held.
fn echoes(line: &str) -> String {
    let held = line.split(' ').filter_map(|word| STANDARD.decode(word).ok());
    let held: Vec<String> = held.map(|bytes| String::from_utf8_lossy(&bytes).replace('\0', " ")).collect();
    let (line, held) = (line.replace(['\r', '\n'], " "), held.join(" "));
    let once = escape(&line);
    let base64 = STANDARD.encode(&line);
    [
        &line,
        &held,
        &once,
        &escape(&once),
        &base64,
        &format!("ab{base64}"),
        &STANDARD.encode(&once),
        &STANDARD.encode(&held),
    ]
    .map(String::as_str)
    .join(" | ")
}

/// The login as it was sent: command line, its literals, its answer to `+`.
fn login(line: &mut Line, first: &str) -> Option<String> {
    let mut whole = first.to_owned();
    loop {
        let last = whole.rsplit(['\r', '\n']).next().unwrap_or_default();
        if let Some(length) = last.strip_suffix('}').and_then(|l| l.rsplit('{').next()).and_then(|n| n.parse().ok()) {
            line.say("+ go on");
            let literal = line.bytes(length)?;
            let rest = line.read()?;
            whole = format!("{whole}\r\n{literal}{rest}");
        } else if first.contains("AUTHENTICATE") && first.split(' ').count() == 3 && whole == first {
            line.say("+ ");
            whole = format!("{whole}\r\n{}", line.read()?);
        } else {
            return Some(whole);
        }
    }
}

fn play(mut line: Line, number: u64, capabilities: &str, way: Way, heard: &std::sync::Mutex<String>) -> Option<()> {
    let earlier = heard.lock().expect("no panic").clone();
    match way {
        Way::Greeting if number > 1 => line.say(&format!("* OK [ALERT] echo {earlier}")),
        Way::GreetingBye if number > 1 => {
            line.say(&format!("* BYE echo {earlier}"));
            line.close();
            return None;
        }
        _ => line.say(&format!("* OK [CAPABILITY IMAP4rev1 {capabilities}] ready")),
    }
    loop {
        let command = line.read()?;
        let (tag, rest) = command.split_once(' ').unwrap_or((&command, ""));
        if rest.starts_with("CAPABILITY") {
            line.say(&format!("* CAPABILITY IMAP4rev1 {capabilities}"));
            line.say(&format!("{tag} OK done"));
            continue;
        }
        let tag = tag.to_owned();
        let told = echoes(&login(&mut line, &command)?);
        *heard.lock().expect("no panic") = told.clone();
        match way {
            Way::No => line.say(&format!("{tag} NO echo {told}")),
            Way::Code => line.say(&format!("{tag} NO [ALERT {told}] echo")),
            Way::Untagged => {
                line.say(&format!("* NO echo {told}\r\n* OK [ALERT] echo {told}\r\n* XECHO {told}"));
                line.say(&format!("{tag} NO [AUTHENTICATIONFAILED] echo"));
            }
            Way::Bad => line.say(&format!("{tag} BAD echo {told}")),
            Way::Bye => line.say(&format!("* BYE echo {told}")),
            Way::Nonsense => line.say(&format!("?{told} echo")),
            Way::Unasked => line.say(&format!("mf999999 NO echo {told}")),
            Way::Greeting | Way::GreetingBye => {}
            Way::Long(fill) => {
                line.say(&format!("* NO echo {}{told}", "x".repeat(fill)));
                line.say(&format!("?{}{told}", "x".repeat(fill)));
            }
        }
        if !matches!(way, Way::No | Way::Code | Way::Untagged | Way::Bad) {
            line.close();
            return None;
        }
    }
}

/// Two tries for every project: the pauses of the usual eight take minutes.
fn few_tries(workspace: &Workspace) {
    let database = rusqlite::Connection::open(workspace.path().join("workspace.db")).expect("a database");
    let change = "UPDATE project SET options = json_set(options, '$.retry_limit', 1)";
    assert!(database.execute(change, []).expect("changed") > 0, "no project yet");
}

fn echoed(capabilities: &'static str, password: &str, ways: &[Way]) {
    let workspace = workspace();
    let mut hay = Haystack::default();
    let peers: Vec<(String, Peer)> = ways
        .iter()
        .enumerate()
        .map(|(at, way)| {
            let (way, heard) = (*way, std::sync::Mutex::new(String::new()));
            let peer = Peer::start(move |line, number| {
                // It ends when the other side hangs up.
                let _ = play(line, number, capabilities, way, &heard);
            });
            let name = format!("echo {at}");
            project(&workspace, &name, peer.port, &[]);
            import(&workspace, &name, &[["anna", password, "bob", password]]).expect(0);
            (name, peer)
        })
        .collect();
    few_tries(&workspace);
    for (name, peer) in &peers {
        let ended = workspace.run(&["start", name, "--watch"]).expect(1);
        let words = ["server text: ", "details: "];
        assert!(words.iter().any(|word| ended.stderr.contains(word)), "{name}: {}", ended.stderr);
        add(&mut hay, "start", &ended);
        for form in [&["check", name][..], &["check", name, "--json"]] {
            add(&mut hay, "check", &workspace.run(form).expect(1));
        }
        add(&mut hay, "status", &workspace.run(&["status", name, "--json"]).expect(0));
        assert!(peer.connections() >= 1);
    }
    let log = workspace.log();
    assert!(
        log.contains("echo") && log.contains("<hidden>") && log.matches("CAPABILITY").count() >= ways.len(),
        "{log}"
    );
    hay.add_folder("ended", workspace.path());
    hay.assert_clean(&ALL);
}

const WAYS: [Way; 9] = [
    Way::No,
    Way::Code,
    Way::Untagged,
    Way::Bad,
    Way::Bye,
    Way::Nonsense,
    Way::Unasked,
    Way::Greeting,
    Way::GreetingBye,
];

#[test]
fn a6_servers_that_echo_authenticate_plain() {
    echoed("AUTH=PLAIN SASL-IR", OWN, &WAYS);
    echoed("AUTH=PLAIN", WIDE, &[Way::No, Way::Bye, Way::Bad]);
}

#[test]
fn a6_servers_that_echo_login() {
    echoed("LITERAL-", OWN, &WAYS);
    echoed("ACL", WIDE, &[Way::No, Way::Bye, Way::Nonsense]);
}

#[test]
fn a6_an_echo_at_the_edge_of_what_is_shown() {
    // Lines are cut for the log and for failure texts: never inside a password.
    let edges = [150, 180, 190, 440, 470, 490, 930, 960, 975, 985];
    echoed("AUTH=PLAIN SASL-IR", OWN, &edges.map(Way::Long));
}
