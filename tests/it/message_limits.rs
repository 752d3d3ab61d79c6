//! Servers that let a command be about so many messages and do only a part of one that is about more (MESSAGELIMIT, RFC 9738):
//! the rest is asked for again, and nothing counts as done that was not.

use crate::support::odd::{MODERN, Odd};
use crate::support::product::{Workspace, plain};

/// Two servers with this limit, which they may advertise, and a project between them. Some numbers are missing at the source.
struct Scene {
    workspace: Workspace,
    servers: [Odd; 2],
}

impl Scene {
    fn new(most: usize, advertised: bool) -> Scene {
        let told = if advertised { format!(" MESSAGELIMIT={most}") } else { String::new() };
        let servers = [(); 2].map(|()| Odd::start(&format!("{MODERN} MULTIAPPEND{told}")));
        servers[0].fill("INBOX", 0..60);
        servers[0].fill("Work", 60..90);
        servers[0].state().at("INBOX").remove(&[2, 3, 4, 5, 6, 7, 8, 9, 30, 41]);
        servers.iter().for_each(|server| server.state().most = Some(most));
        let workspace = Workspace::new();
        workspace.project_new(&plain(servers[0].port), &plain(servers[1].port), &[]);
        workspace.import(&[("anna".into(), "bert".into())]);
        Scene { workspace, servers }
    }

    /// A pass that leaves nothing out; how many messages it copied.
    fn pass(&self) -> u64 {
        self.workspace.start().expect(0);
        for folder in ["INBOX", "Work"] {
            let [mut here, mut there] = [0, 1].map(|side: usize| self.servers[side].subjects(folder));
            here.sort();
            there.sort();
            assert_eq!(here, there, "{folder}");
        }
        let item = self.workspace.only();
        assert_eq!((item.messages("errors"), item.messages("vanished")), (0, 0), "{:#}", item.0);
        item.messages("copied")
    }
}

#[test]
fn what_a_server_leaves_of_a_command_is_asked_for_again() {
    for (most, advertised) in [(1, true), (1, false), (7, true), (7, false), (29, true), (29, false), (100, true)] {
        let scene = Scene::new(most, advertised);
        assert_eq!(scene.pass(), 80, "{most}, {advertised}");
        if advertised {
            let [here, there] = [0, 1].map(|side: usize| scene.servers[side].subjects("INBOX"));
            assert_eq!(here, there, "in order: {most}");
        }
        assert_eq!(scene.pass(), 0, "{most}, {advertised}");
        // New mail, and flags of many messages at once.
        scene.servers[0].fill("INBOX", 100..140);
        let numbers: Vec<u32> = scene.servers[0].state().at("INBOX").letters.iter().map(|one| one.uid).collect();
        numbers.iter().for_each(|uid| scene.servers[0].state().at("INBOX").flag(*uid, "\\Flagged"));
        assert_eq!(scene.pass(), 40, "{most}, {advertised}");
        let flagged = |letter: &crate::support::odd::Letter| letter.flags.contains("\\Flagged");
        assert!(scene.servers[1].state().at("INBOX").letters.iter().all(flagged), "{most}, {advertised}");
        assert_eq!(scene.pass(), 0, "{most}, {advertised}");
    }
}

#[test]
fn where_a_limit_is_advertised_no_command_is_about_more_messages_than_that() {
    let scene = Scene::new(7, true);
    scene.pass();
    for server in &scene.servers {
        for command in server.state().heard.iter().filter(|command| command.starts_with("UID FETCH ")) {
            let set = command.split(' ').nth(2).unwrap_or_default();
            let named = set.split(',').map(|part| match part.split_once(':') {
                Some((_, "*")) | None => 1,
                Some((from, to)) => 1 + to.parse::<u32>().expect("a number") - from.parse::<u32>().expect("a number"),
            });
            assert!(named.sum::<u32>() <= 7, "{command}");
        }
    }
}
