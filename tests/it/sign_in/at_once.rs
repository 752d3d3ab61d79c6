//! Many who need a token at once: one of them asks, in this process or in another.

use std::collections::BTreeSet;
use std::process::Stdio;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::sign_in::real::Site;
use crate::support::corpus;
use crate::support::ends::Ends;
use crate::support::oidc::{self, APP};
use crate::support::product::PROJECT;

/// Items of the test below.
const ITEMS: u64 = 200;

#[test]
fn two_hundred_items_at_expiry_ask_for_one_token_a_side() {
    if !oidc::available() {
        return;
    }
    let site = Site::new(3600);
    let granted = AtomicU64::new(0);
    // The first token of each side ends at once: all items need the second.
    let proxy = site.provider.proxy("/contoso/oauth2/v2.0/token", move |_, _, pass_on| {
        let mut answer = pass_on();
        if granted.fetch_add(1, Ordering::SeqCst) < 2 {
            let mut body: serde_json::Value = serde_json::from_str(&answer.body).expect("JSON");
            body["expires_in"] = 1.into();
            answer.body = body.to_string();
        }
        answer
    });
    let token = proxy.url();
    let words = ["--SIDE-signin", "microsoft-app", "--SIDE-tenant", "contoso", "--SIDE-client-id", APP];
    site.project(&[&words[..], &["--SIDE-token-url", &token]].concat()).expect(0);
    corpus::small(23).load(&site.server, &site.from);
    let users: Vec<_> = (0..ITEMS).map(|_| (site.from.clone(), site.server.user("into"))).collect();
    let named =
        |at: usize, (from, into): &(String, String)| format!("u{at}@old.example,{from},{into}@new.example,{into}\n");
    let rows: String = users.iter().enumerate().map(|(at, user)| named(at, user)).collect();
    let csv = site.workspace.path().join("many.csv");
    let head = "Source Email,Source Login Name,Destination Email,Destination Login Name\n";
    std::fs::write(&csv, format!("{head}{rows}")).expect("written");
    site.workspace.run(&["item", "import", PROJECT, csv.to_str().expect("a path")]).expect(0);
    site.workspace.options(|options| (options.concurrent, options.connections, options.retry_limit) = (40, 1, 1));
    site.workspace.start().expect(0);
    assert_eq!(site.provider.asked(), 4, "one for each side, and one more when it had ended");
    let items = site.workspace.status();
    assert_eq!(items.len() as u64, ITEMS);
    for item in items {
        assert_eq!((item.status(), item.messages("errors"), item.messages("differ")), ("completed", 0, 0));
        assert!(item.messages("copied") > 0, "{:#}", item.0);
    }
}

#[test]
fn processes_that_renew_one_sign_in_at_once_use_each_refresh_token_once() {
    if !oidc::available() {
        return;
    }
    let mut site = Site::new(3600);
    site.workspace.environment.clear();
    let proxy = site.provider.proxy("/contoso/oauth2/v2.0/token", |_, _, pass_on| pass_on());
    site.project_by_person(&proxy.url());
    corpus::small(24).load(&site.server, &site.from);
    site.import();
    site.sign_in();
    for _ in 0..3 {
        // A provider that sees a refresh token twice ends the whole sign-in.
        let start = |words: &[&str]| {
            let mut command = site.workspace.command(words);
            command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("the program starts")
        };
        let mut all: Vec<_> = (0..3).map(|_| start(&["check", PROJECT])).collect();
        all.push(start(&["start", PROJECT]));
        let ended: Vec<_> = all.iter_mut().map(|process| process.ends().code()).collect();
        assert_eq!(ended, [Some(0); 4]);
    }
    site.expect_equal();
    let asked = proxy.asked();
    let field = |form: &String| form.split('&').find_map(|pair| pair.strip_prefix("refresh_token=").map(str::to_owned));
    let used: Vec<String> = asked.iter().filter_map(field).collect();
    let distinct: BTreeSet<&String> = used.iter().collect();
    assert_eq!((used.len(), distinct.len()), (24, 24), "two sides, four processes, three times");
}
