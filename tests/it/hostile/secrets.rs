//! k6: a server that repeats a password in whatever form, and what a process could leave of its memory.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::support::ends::Ends;
use crate::support::peer::{Line, Peer};
use crate::support::product::{PROJECT, Workspace, plain};

const PASSWORD: &str = "Grüße&Küsse \"7\"";

/// The password as programs on the way may have written it.
fn forms() -> Vec<String> {
    let each = |form: &dyn Fn(char) -> String| -> String {
        PASSWORD.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_string() } else { form(c) }).collect()
    };
    vec![
        PASSWORD.to_owned(),
        PASSWORD.to_uppercase(),
        each(&|c| c.to_string().bytes().map(|b| format!("%{b:02X}")).collect()),
        each(&|c| format!("%{:02X}", u32::from(c))),
        each(&|c| format!("\\u{:04x}", u32::from(c))),
        each(&|c| format!("&#{};", u32::from(c))),
        PASSWORD.replace('&', "&amp;").replace('ü', "&uuml;").replace('ß', "&szlig;").replace('"', "&quot;"),
        PASSWORD.replace('ü', "u\u{308}"),
        PASSWORD.bytes().map(char::from).collect(),
        PASSWORD.chars().skip(2).collect(),
        PASSWORD.chars().take(13).collect(),
        "Gr&APwA3w-e&-K&APw-sse \"7\"".to_owned(),
        STANDARD.encode(PASSWORD.to_uppercase()),
    ]
}

fn play(line: &mut Line) -> Option<()> {
    line.say("* OK [CAPABILITY IMAP4rev1 AUTH=PLAIN SASL-IR] ready");
    loop {
        let command = line.read()?;
        let tag = command.split(' ').next().unwrap_or_default().to_owned();
        if !command.contains("AUTHENTICATE") && !command.contains("LOGIN") {
            line.say(&format!("{tag} OK done"));
            continue;
        }
        for form in forms() {
            line.say(&format!("* NO [ALERT] echo {form} end"));
        }
        // As Latin-1, which is no text here.
        let latin: Vec<u8> = PASSWORD.chars().map(|c| u8::try_from(u32::from(c)).unwrap_or(b'?')).collect();
        line.raw(&[b"* NO [ALERT] echo ".as_slice(), &latin, b" end\r\n"].concat());
        line.say(&format!("{tag} NO [AUTHENTICATIONFAILED] echo {} end", forms().join(" | ")));
    }
}

#[test]
fn k6_no_form_of_a_password_that_a_server_repeats_is_shown_or_kept() {
    let peer = Peer::start(|mut line, _| {
        // It ends when the other side hangs up.
        let _ = play(&mut line);
    });
    let mut workspace = Workspace::new();
    workspace.environment.push(("MAILFERRY_LOG".into(), "trace".into()));
    workspace.project_new(&plain(peer.port), &plain(peer.port), &[]);
    let quoted = PASSWORD.replace('"', "\"\"");
    let csv = format!(
        "Source Email,Source Password,Destination Email,Destination Password\n\
         anna@old.example,\"{quoted}\",anna@new.example,\"{quoted}\"\n"
    );
    let list = tempfile::NamedTempFile::new().expect("a file");
    std::fs::write(list.path(), csv).expect("written");
    workspace.run(&["item", "import", PROJECT, list.path().to_str().expect("a path")]).expect(0);
    let started = workspace.start().expect(1);
    let checked = workspace.run(&["check", PROJECT, "--json"]);
    let told = format!("{}{}{}{}", started.stdout, started.stderr, checked.stdout, checked.stderr);
    let stored = std::fs::read(workspace.path().join("workspace.db")).expect("read");
    let journal = std::fs::read(workspace.path().join("workspace.db-wal")).unwrap_or_default();
    let kept = [stored, journal].concat();
    let everything = format!("{told}{}{}", workspace.log(), String::from_utf8_lossy(&kept));
    assert!(workspace.log().contains("echo <hidden>") && told.contains("<hidden>"), "{told}");
    // Every form has one of these pieces.
    let lower = everything.to_lowercase();
    for piece in ["küsse", "ku\u{308}sse", "k%c3%bcsse", "k%fcsse", "k\\u00fcsse", "k&#252;sse", "k&uuml;sse", "kã¼sse"]
    {
        assert!(!lower.contains(piece), "{piece} is left: {told}");
    }
    assert!(!lower.contains("k&apw-sse") && !lower.contains("k\u{fffd}sse"), "{told}");
    assert!(!everything.contains(&STANDARD.encode(PASSWORD.to_uppercase())), "{told}");
}

#[cfg(target_os = "linux")]
#[test]
fn k6_a_running_process_leaves_no_core_and_nobody_looks_into_it() {
    let peer = Peer::start(|line, _| line.stall());
    let workspace = Workspace::new();
    workspace.project_new(&plain(peer.port), &plain(peer.port), &[]);
    workspace.import(&[("anna".into(), "bob".into())]);
    let mut running = workspace.command(&["start", PROJECT]).spawn().expect("the program starts");
    peer.wait_for(1);
    let read = |file: &str| std::fs::read_to_string(format!("/proc/{}/{file}", running.id())).expect("a process");
    let (limits, filter) = (read("limits"), read("coredump_filter"));
    let core = limits.lines().find(|line| line.starts_with("Max core file size")).expect("a limit").to_owned();
    running.kill().expect("ended");
    running.ends();
    assert_eq!(core.split_whitespace().nth(4), Some("0"), "{core}");
    assert_eq!(u32::from_str_radix(filter.trim(), 16), Ok(0), "{filter}");
}
