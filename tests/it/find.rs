//! Settings for an address, found against a name server and a web server of the test's own; nothing leaves this machine.

use mailferry::domain::proposal::Proposal;
use mailferry::find::{Names, Network, NoAddress, Web, find};

use crate::support::names::{NameServer, Record};
use crate::support::product::{PROJECT, Workspace};
use crate::support::site::{Site, response};

const HOSTS: [&str; 7] = [
    "autoconfig.contoso.example",
    "contoso.example",
    "autoconfig.plain.example",
    "plain.example",
    "autoconfig.thunderbird.net",
    "elsewhere.example",
    "autoconfig.elsewhere.example",
];

/// All web servers and name servers there are.
struct World {
    names: NameServer,
    site: Site,
}

impl World {
    fn new(
        records: Vec<(&'static str, Record)>,
        answer: impl Fn(&str) -> Option<Vec<u8>> + Send + Sync + 'static,
    ) -> World {
        World { names: NameServer::start(records), site: Site::start(&HOSTS, answer) }
    }

    fn find(&self, email: &str) -> Result<Vec<Proposal>, NoAddress> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        let network =
            || Network { names: Names::at(self.names.address), web: Web::of(&self.site.authority, self.site.address) };
        runtime.block_on(find(network, email))
    }

    /// Address, login and origin of each proposal.
    fn found(&self, email: &str) -> Vec<(String, Option<String>, String)> {
        let found = self.find(email).expect("an address");
        found.into_iter().map(|one| (one.server.to_string(), one.login, one.origin.words())).collect()
    }
}

fn nothing(_: &str) -> Option<Vec<u8>> {
    Some(response("404 Not Found", "", b"no"))
}

fn settings(servers: &str) -> Vec<u8> {
    let xml = format!(
        "<?xml version=\"1.0\"?><clientConfig version=\"1.1\"><emailProvider id=\"x\">{servers}</emailProvider></clientConfig>"
    );
    response("200 OK", "Content-Type: text/xml\r\n", xml.as_bytes())
}

fn server(host: &str, port: &str, socket: &str, more: &str) -> String {
    format!(
        "<incomingServer type=\"imap\"><hostname>{host}</hostname><port>{port}</port><socketType>{socket}</socketType>{more}</incomingServer>"
    )
}

#[test]
fn three_large_providers_are_known_without_asking_anybody() {
    let world = World::new(Vec::new(), nothing);
    for (email, host) in [
        ("anna@gmail.com", "imaps://imap.gmail.com"),
        ("bob@YAHOO.com", "imaps://imap.mail.yahoo.com"),
        ("carl@icloud.com", "imaps://imap.mail.me.com"),
    ] {
        let found = world.find(email).expect("an address");
        assert_eq!(found.len(), 1, "{email}");
        assert_eq!(found[0].server.to_string(), host);
        assert!(found[0].sign_in.is_some() && found[0].origin.words() == "known by Mailferry");
    }
    assert_eq!(world.site.asked(), [] as [&str; 0], "nobody else heard of the address");
}

#[test]
fn domains_of_large_providers_are_known_by_who_takes_in_their_mail() {
    let records = vec![
        ("contoso.example", Record::Mx(10, "contoso-example.mail.protection.outlook.com.")),
        ("plain.example", Record::Mx(20, "alt1.aspmx.l.google.com.")),
        ("plain.example", Record::Mx(10, "aspmx.l.google.com.")),
        ("elsewhere.example", Record::Mx(10, "mx.zoho.eu.")),
    ];
    let world = World::new(records, nothing);
    let hosts = |email: &str| world.found(email).into_iter().map(|(url, _, origin)| (url, origin)).collect::<Vec<_>>();
    assert_eq!(
        hosts("anna@contoso.example"),
        [(
            "imaps://outlook.office365.com".to_owned(),
            "its mail goes to contoso-example.mail.protection.outlook.com".to_owned()
        )]
    );
    assert_eq!(
        hosts("anna@plain.example"),
        [("imaps://imap.gmail.com".to_owned(), "its mail goes to aspmx.l.google.com".to_owned())]
    );
    assert_eq!(hosts("anna@elsewhere.example")[0].0, "imaps://imappro.zoho.eu");
}

#[test]
fn what_a_domain_publishes_comes_first_with_its_login_name() {
    let answer = |asked: &str| match asked {
        "autoconfig.contoso.example/mail/config-v1.1.xml?emailaddress=anna%2Bx@contoso.example" => Some(settings(
            &[
                server("pop.contoso.example", "995", "SSL", "").replace("\"imap\"", "\"pop3\""),
                server("plain.contoso.example", "143", "plain", ""),
                server(
                    "imap.%EMAILDOMAIN%",
                    "993",
                    "SSL",
                    "<username>%EMAILLOCALPART%</username><authentication>password-cleartext</authentication>",
                ),
                server("imap2.contoso.example", "143", "STARTTLS", "<username>%EMAILADDRESS%</username>"),
                server("imap3.contoso.example", "993", "SSL", "<authentication>OAuth2</authentication>"),
            ]
            .concat(),
        )),
        _ => nothing(asked),
    };
    let records = vec![("_imaps._tcp.contoso.example", Record::Srv(0, 1, 993, "imap.contoso.example."))];
    let world = World::new(records, answer);
    let found = world.find("anna+x@contoso.example").expect("an address");
    let urls: Vec<String> = found.iter().map(|one| one.server.to_string()).collect();
    assert_eq!(urls, ["imaps://imap.contoso.example", "imap://imap2.contoso.example", "imaps://imap3.contoso.example"]);
    assert_eq!(found.iter().map(|one| one.login.as_deref()).collect::<Vec<_>>(), [Some("anna+x"), None, None]);
    assert_eq!(found.iter().map(|one| one.sign_in.is_some()).collect::<Vec<_>>(), [false, false, true]);
    assert_eq!(
        found[0].origin.words(),
        "published by the domain: https://autoconfig.contoso.example/mail/config-v1.1.xml"
    );
}

#[test]
fn the_second_place_and_the_public_database_are_asked_too() {
    let answer = |asked: &str| match asked {
        "plain.example/.well-known/autoconfig/mail/config-v1.1.xml" => {
            Some(settings(&server("imap.plain.example", "993", "SSL", "")))
        }
        "autoconfig.thunderbird.net/v1.1/contoso.example" => {
            Some(settings(&server("imap.contoso.example", "993", "SSL", "")))
        }
        "autoconfig.thunderbird.net/v1.1/elsewhere.example" => {
            Some(settings(&server("imap.hoster.example", "993", "SSL", "")))
        }
        _ => nothing(asked),
    };
    let world = World::new(vec![("nothing.example", Record::Mx(1, "mx1.mail.elsewhere.example."))], answer);
    assert_eq!(world.found("a@plain.example")[0].0, "imaps://imap.plain.example");
    assert!(
        world.found("a@contoso.example")[0].2.starts_with("from a public database: https://autoconfig.thunderbird.net")
    );
    assert_eq!(
        world.found("a@nothing.example")[0].0,
        "imaps://imap.hoster.example",
        "who takes in its mail publishes them"
    );
    let told = world.site.asked();
    assert!(told.iter().filter(|asked| asked.contains("thunderbird")).all(|asked| !asked.contains('@')), "{told:?}");
}

#[test]
fn service_records_are_taken_in_their_order() {
    let records = vec![
        ("_imaps._tcp.contoso.example", Record::Srv(20, 5, 993, "third.contoso.example.")),
        ("_imaps._tcp.contoso.example", Record::Srv(10, 1, 1993, "second.contoso.example.")),
        ("_imaps._tcp.contoso.example", Record::Srv(10, 9, 993, "first.contoso.example.")),
        ("_imap._tcp.contoso.example", Record::Srv(0, 0, 143, "plain.contoso.example.")),
        ("_imaps._tcp.plain.example", Record::Srv(0, 0, 0, ".")),
        ("_imap._tcp.plain.example", Record::Srv(0, 0, 143, "imap.plain.example.")),
    ];
    let world = World::new(records, nothing);
    let urls = |email: &str| world.found(email).into_iter().map(|(url, ..)| url).collect::<Vec<_>>();
    assert_eq!(
        urls("anna@contoso.example"),
        [
            "imaps://first.contoso.example",
            "imaps://second.contoso.example:1993",
            "imaps://third.contoso.example",
            "imap://plain.contoso.example"
        ]
    );
    assert_eq!(urls("anna@plain.example"), ["imap://imap.plain.example"], "a dot says that there is none");
    assert!(world.found("anna@contoso.example")[0].2.contains("_imaps._tcp.contoso.example"));
}

#[test]
fn nothing_is_found_where_nobody_says_anything() {
    let world = World::new(Vec::new(), nothing);
    assert_eq!(world.found("anna@contoso.example"), []);
    assert_eq!(world.find("anna"), Err(NoAddress("anna".into())));
    assert_eq!(world.find("a@\u{1b}[31m"), Err(NoAddress("a@[31m".into())));
}

#[test]
fn hostile_answers_are_refused() {
    let good = server("imap.contoso.example", "993", "SSL", "");
    let document = |body: String| response("200 OK", "", body.as_bytes());
    let entities = "<!DOCTYPE c [<!ENTITY a \"xxxxxxxxxx\"><!ENTITY b \"&a;&a;&a;&a;&a;&a;&a;&a;\">]>".to_owned();
    let outside = "<!DOCTYPE c [<!ENTITY a SYSTEM \"file:///etc/passwd\">]>".to_owned();
    let whole = |head: String, servers: String| {
        format!("{head}<clientConfig><emailProvider>{servers}</emailProvider></clientConfig>")
    };
    let answers: Vec<(&str, Option<Vec<u8>>)> = vec![
        ("HTML", Some(response("200 OK", "Content-Type: text/html\r\n", b"<html><body><p>Welcome<br></body></html>"))),
        ("entities", Some(document(whole(entities, server("&b;.contoso.example", "993", "SSL", ""))))),
        ("a file", Some(document(whole(outside, server("&a;", "993", "SSL", ""))))),
        ("deep", Some(document(whole(String::new(), format!("{}{good}", "<x>".repeat(20_000)))))),
        ("wide", Some(document(whole(String::new(), format!("{}{good}", "<x/>".repeat(20_000)))))),
        ("huge", Some(document(whole(String::new(), format!("<!--{}-->{good}", "x".repeat(2_000_000)))))),
        ("a length that lies", Some(b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n<clientConfig>".to_vec())),
        ("no text", Some(response("200 OK", "", b"\xff\xfe\x00\x01"))),
        ("cut", Some(document("<clientConfig><emailProvider>".to_owned()))),
        ("nothing", Some(Vec::new())),
        ("hangs up", None),
        ("to http", Some(response("302 Found", "Location: http://contoso.example/x.xml\r\n", b""))),
        (
            "round and round",
            Some(response(
                "302 Found",
                "Location: https://contoso.example/.well-known/autoconfig/mail/config-v1.1.xml\r\n",
                b"",
            )),
        ),
        ("to a file", Some(response("302 Found", "Location: file:///etc/passwd\r\n", b""))),
        ("an error", Some(response("500 Oops", "", &whole(String::new(), good.clone()).into_bytes()))),
        (
            "a control character",
            Some(document(whole(String::new(), server("imap\u{85}.contoso.example", "993", "SSL", "")))),
        ),
        ("a name that is none", Some(document(whole(String::new(), server("a b/../c", "993", "SSL", ""))))),
        (
            "a user in the host",
            Some(document(whole(String::new(), server("me@imap.contoso.example", "993", "SSL", "")))),
        ),
        (
            "a port that is none",
            Some(document(whole(String::new(), server("imap.contoso.example", "99999", "SSL", "")))),
        ),
        (
            "a login with a line break",
            Some(document(whole(
                String::new(),
                server("imap.contoso.example", "993", "SSL", "<username>a&#10;b</username>"),
            ))),
        ),
        ("no protection", Some(document(whole(String::new(), server("imap.contoso.example", "143", "plain", ""))))),
    ];
    for (what, bytes) in answers {
        let world = World::new(Vec::new(), move |_| bytes.clone());
        assert_eq!(world.found("anna@contoso.example"), [], "{what}");
    }
    let many: String = (0..100).map(|at| server(&format!("imap{at}.contoso.example"), "993", "SSL", "")).collect();
    let world = World::new(Vec::new(), move |_| Some(settings(&many)));
    assert_eq!(world.found("anna@contoso.example").len(), 8, "as many as a person can choose among");
    let world = World::new(vec![("_imaps._tcp.contoso.example", Record::Raw(33, vec![0, 1, 0]))], nothing);
    assert_eq!(world.found("anna@contoso.example"), [], "a record that is cut");
}

#[test]
fn a_server_that_nobody_vouches_for_is_not_believed() {
    let answer = |_: &str| Some(settings(&server("imap.contoso.example", "993", "SSL", "")));
    let (world, other) = (World::new(Vec::new(), answer), Site::start(&HOSTS, answer));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let network = || Network { names: None, web: Web::of(&other.authority, world.site.address) };
    let found = runtime.block_on(find(network, "anna@contoso.example"));
    assert_eq!(found.expect("an address"), []);
    assert_eq!(world.site.asked(), [] as [&str; 0], "nothing was said to it");
}

#[test]
fn a_project_shows_what_is_known_of_its_providers() {
    let workspace = Workspace::new();
    workspace.project_new("imaps://imap.gmail.com", "imaps://outlook.office365.com", &[]);
    let shown = workspace.run(&["project", "show", PROJECT]).expect(0).stdout;
    for words in [
        "Gmail is the source, by its host imap.gmail.com (source-provider)",
        "Daily limit: 2.50 GB are read of each mailbox, so that 10 GB take 4 days",
        "Microsoft 365 is the destination",
        "map it, such as ^Files->Files-1",
    ] {
        assert!(shown.contains(words), "{words} is missing in:\n{shown}");
    }
    let set = |value: &str| workspace.run(&["project", "set", PROJECT, value]);
    assert!(
        set("source-provider=googol")
            .expect(2)
            .stderr
            .contains("source-provider is known, none, or one of microsoft-365")
    );
    set("source-provider=none").expect(0);
    set("destination-provider=Gmail").expect(0);
    let shown = workspace.run(&["project", "show", PROJECT]).expect(0).stdout;
    assert!(shown.contains("Gmail is the destination, as its option says (destination-provider)"), "{shown}");
    assert!(!shown.contains("is the source"), "{shown}");
}

#[test]
fn the_verb_proposes_known_servers_and_refuses_what_is_no_address() {
    let workspace = Workspace::new();
    let said = workspace.run(&["find", "anna@gmail.com"]).expect(0).stdout;
    assert!(said.contains("imaps://imap.gmail.com") && said.contains("known by Mailferry"), "{said}");
    assert!(workspace.run(&["find", "anna"]).expect(2).stderr.contains("is no e-mail address"));
}
