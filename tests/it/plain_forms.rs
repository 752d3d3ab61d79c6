//! Servers that advertise more than they understand: what they answer with BAD is said in the form of RFC 3501, once, and
//! everything arrives.

use crate::support::odd::{MODERN, Odd};
use crate::support::product::{Workspace, plain};

#[test]
fn servers_that_understand_less_than_they_advertise_get_plain_forms_and_everything_arrives() {
    for more in ["OBJECTID", "OBJECTID MULTIAPPEND"] {
        let servers = [(); 2].map(|()| Odd::start(&format!("{MODERN} {more}")));
        let folders = [("INBOX", 0..40), ("Work", 40..70), ("Old", 70..73)];
        for (folder, numbers) in folders.clone() {
            servers[0].fill(folder, numbers);
        }
        servers.iter().for_each(|server| server.state().plain_only = true);
        let workspace = Workspace::new();
        workspace.project_new(&plain(servers[0].port), &plain(servers[1].port), &[]);
        workspace.import(&[("anna".into(), "bert".into())]);
        for (pass, copied) in [73, 0].into_iter().enumerate() {
            servers.iter().for_each(|server| server.state().heard.clear());
            workspace.start().expect(0);
            let item = workspace.only();
            let counts = (item.messages("copied"), item.messages("errors"), item.messages("differ"));
            assert_eq!(counts, (copied, 0, 0), "{more}, pass {pass}");
            for (folder, _) in folders.clone() {
                let [mut here, mut there] = [0, 1].map(|side: usize| servers[side].subjects(folder));
                here.sort();
                there.sort();
                assert_eq!(here, there, "{more}, pass {pass}: {folder}");
            }
        }
        // Each session asks so once at the most; messages that were on their way cannot be taken back.
        let heard = servers[0].state().heard.clone();
        let lists = heard.iter().filter(|command| command.contains("RETURN")).count();
        assert!(lists <= 1, "{heard:?}");
    }
}
