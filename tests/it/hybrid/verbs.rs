//! The command line: each status, each refusal, exit codes.

use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::Value;

use super::address;
use crate::support::oidc::{self, APP_SECRET, HYBRID, Oidc, TENANT};
use crate::support::product::{Output, Workspace};
use crate::support::tenant::http::Tenant;
use crate::support::tenant::{HOUR, Now};

struct Terminal {
    tenant: Tenant,
    now: Now,
    workspace: Workspace,
    _oidc: Oidc,
}

impl Terminal {
    fn new(users: usize) -> Terminal {
        let oidc = Oidc::start(3600);
        let now = Now::at(i64::try_from(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis()).unwrap());
        let tenant = Tenant::start(&oidc.key(), now.clone());
        {
            let mut world = tenant.world();
            (world.late, world.lag) = (0, 0);
            (0..users).for_each(|number| drop(world.add(&address(number)).object.clone()));
        }
        let mut workspace = Workspace::new();
        workspace.environment.push(("MAILFERRY_TENANT_SECRET".into(), APP_SECRET.into()));
        let made = workspace.run(&[
            "project",
            "new",
            "Contoso",
            "--kind",
            "hybrid",
            "--tenant",
            TENANT,
            "--client-id",
            HYBRID,
            "--endpoint",
            "OnPrem",
            "--target-domain",
            "contoso.mail.onmicrosoft.com",
            "--license",
            "ENTERPRISEPACK",
            "--location",
            "de",
            "--attribute",
            "quota=50GB",
            "--token-url",
            &oidc.url("token"),
            "--exchange-url",
            &tenant.url(),
            "--graph-url",
            &tenant.url(),
        ]);
        assert!(made.expect(0).stdout.contains("Preview"), "R36");
        Terminal { tenant, now, workspace, _oidc: oidc }
    }

    fn run(&self, verb: &str) -> Output {
        let words = [&["hybrid"], verb.split(' ').collect::<Vec<_>>().as_slice()].concat();
        Output::of(self.workspace.unconfirmed(&words))
    }

    /// Time passes there, and the next round asks again.
    fn hours(&self, hours: i64) {
        self.now.step(hours * HOUR);
        let database = rusqlite::Connection::open(self.workspace.path().join("workspace.db")).unwrap();
        database
            .execute_batch(
                "UPDATE hybrid_batch SET polled = NULL; UPDATE hybrid_order SET next = 0, gone = gone - 3600000",
            )
            .unwrap();
    }

    fn status(&self, batch: &str) -> String {
        let told: Value = serde_json::from_str(&self.run("batch status Contoso --json").stdout).unwrap();
        let found = told["batches"].as_array().unwrap().iter().find(|line| line["batch"] == batch).cloned();
        found.unwrap()["status"].as_str().unwrap().to_owned()
    }
}

#[test]
fn r28_r29_r30_r31_r33_r34_r36_statuses_and_refusals_on_the_command_line() {
    if !oidc::available() {
        return;
    }
    let terminal = Terminal::new(3);
    let imported = terminal.run("users import Contoso --directory").expect(0);
    assert!(imported.stdout.contains("3 users: 3 new"), "{imported:?}");
    let listed = terminal.workspace.run(&["project", "list"]).expect(0);
    assert!(listed.stdout.contains("Hybrid Exchange (preview)"), "{listed:?}");
    assert!(terminal.run("endpoints Contoso").expect(0).stdout.contains("OnPrem"));
    let guide = terminal.run("guide Contoso").expect(0).stdout;
    assert!(guide.contains(HYBRID) && guide.contains("MRSProxy") && guide.contains("Preview"), "{guide}");
    terminal.run("check Contoso").expect(0);
    let [first, second, third] = [address(0), address(1), address(2)];
    terminal.run(&format!("batch new Contoso wave --user {first} --user {second}")).expect(0);
    assert_eq!(terminal.status("wave"), "not_submitted");
    let early = terminal.run("batch finalize Contoso wave").expect(2);
    assert!(early.stderr.contains("it is not submitted"), "{early:?}");
    terminal.run(&format!("batch add Contoso wave --user {third}")).expect(0);
    terminal.run(&format!("batch move-out Contoso --user {third}")).expect(0);
    let started = terminal.run("batch start Contoso wave").expect(0);
    assert!(started.stdout.contains("is submitted") && started.stdout.contains("Preview"), "{started:?}");
    assert_eq!(terminal.status("wave"), "syncing");
    let late = terminal.run(&format!("batch add Contoso wave --user {third}")).expect(2);
    assert!(late.stderr.contains("nobody joins it after that; make another batch"), "{late:?}");
    let twice = terminal.run("batch start Contoso wave --unchecked").expect(2);
    assert!(twice.stderr.contains("it is submitted already"), "{twice:?}");
    let early = terminal.run("batch finalize Contoso wave").expect(2);
    assert!(early.stderr.contains("it has not reached 95 %"), "{early:?}");
    let asked = terminal.run(&format!("batch move-out Contoso --user {second}")).expect(2);
    assert!(asked.stderr.contains("what was migrated for that user is deleted") && asked.stderr.contains("--confirm"));
    assert!(terminal.tenant.world().movers.contains_key(&second), "it was only asked");
    terminal.run(&format!("batch move-out Contoso --user {second} --confirm")).expect(0);
    terminal.hours(1);
    terminal.run("watch Contoso --once").expect(0);
    assert!(!terminal.tenant.world().movers.contains_key(&second));
    // Gone there, and gone once more.
    terminal.hours(1);
    terminal.run("watch Contoso --once").expect(0);
    terminal.hours(22);
    terminal.run("watch Contoso --once").expect(0);
    assert_eq!(terminal.status("wave"), "pending_finalization");
    terminal.run("batch finalize Contoso wave").expect(0);
    assert_eq!(terminal.status("wave"), "finalizing");
    terminal.hours(2);
    terminal.run("watch Contoso --once").expect(0);
    terminal.run("watch Contoso --once").expect(0);
    assert_eq!(terminal.status("wave"), "completed");
    let told = terminal.run("batch status Contoso wave").expect(0).stdout;
    for word in ["Completed", "preview", "1 of 1", "finalize", "license", "done"] {
        assert!(told.contains(word), "{word}: {told}");
    }
    let shown = terminal.run(&format!("users show Contoso {first} --report")).expect(0).stdout;
    assert!(shown.contains("Completed since") && shown.contains("CopyingMessages"), "{shown}");
    let out = terminal.run(&format!("batch move-out Contoso --user {first} --confirm")).expect(2);
    assert!(out.stderr.contains("the user works in Exchange Online"), "{out:?}");
    terminal.tenant.assert_good();
}

#[test]
fn what_is_wrong_on_the_command_line_is_named_and_nothing_is_made() {
    if !oidc::available() {
        return;
    }
    let terminal = Terminal::new(1);
    let file = terminal.workspace.path().join("users.csv");
    std::fs::write(&file, "Email Address\nanna\n").unwrap();
    let bad = terminal.run(&format!("users import Contoso {}", file.display())).expect(2);
    assert!(bad.stderr.contains("users.csv: line 2, Email Address: no e-mail address"), "{bad:?}");
    for (verb, text) in [
        ("users list Fabrikam", "there is no hybrid project \"Fabrikam\""),
        ("batch start Contoso nothing", "there is no batch \"nothing\""),
        ("batch new Contoso x --user nobody@contoso.example", "is no user of this project"),
        ("set Contoso quota=much", "it takes a size"),
        ("set Contoso endpoint=", "endpoint: name a migration endpoint"),
        ("delete Contoso", "--confirm"),
    ] {
        let refused = terminal.run(verb).expect(2);
        assert!(refused.stderr.contains(text), "{verb}: {refused:?}");
    }
    let taken = ["project", "new", "contoso", "--source", "imaps://a.example", "--destination", "imaps://b.example"];
    assert!(terminal.workspace.run(&taken).expect(2).stderr.contains("is taken"));
    let mixed = ["project", "new", "x", "--kind", "hybrid", "--source", "imaps://a.example"];
    assert!(terminal.workspace.run(&mixed).expect(2).stderr.contains("it has a --tenant"));
    terminal.run("delete Contoso --confirm").expect(0);
    terminal.workspace.run(&taken).expect(0);
}
