//! The secured form through real sockets, with somebody behind it who knows three links.

use std::io::Write;
use std::net::SocketAddr;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use mailferry::domain::failure::Side;
use mailferry::intake::form::{
    Answers, Asked, AskedSide, FormOptions, FormServer, Given, Limits, NotServed, Protection, ReachKey, SignInStep,
    Unable, Verdict, Way,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use crate::support::ends::Ends;

/// The host that the links name.
const HOST: &str = "move.example";

/// Knows the links `good`, `both` and `broken`.
#[derive(Default)]
struct Known {
    asked: AtomicU64,
    taken: Mutex<Vec<Given>>,
    used: Mutex<Vec<String>>,
    signed_in: AtomicU64,
}

fn side(side: Side) -> AskedSide {
    AskedSide { side, host: "imap.old.example".into(), user: "anna@old.example".into(), way: Way::Password }
}

#[async_trait]
impl Answers for Known {
    async fn find(&self, token: &str) -> Result<Option<Asked>, Unable> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        let sides = match token {
            "good" => vec![side(Side::Source)],
            "both" => vec![side(Side::Source), side(Side::Destination)],
            "signs-in" => {
                let page = "https://provider.example/device".into();
                let step = match self.signed_in.load(Ordering::SeqCst) {
                    0 => SignInStep::NotYet,
                    1 => SignInStep::Code { page, code: "BCDF-GHJK".into() },
                    2 => SignInStep::Failed,
                    3 => SignInStep::Done,
                    5 => SignInStep::Page("https://provider.example/authorize?a=b&state=s".into()),
                    _ => return Ok(None),
                };
                vec![AskedSide { way: Way::SignIn(step), ..side(Side::Source) }, side(Side::Destination)]
            }
            "broken" => return Err(Unable),
            _ => return Ok(None),
        };
        if self.used.lock().unwrap().iter().any(|used| used == token) {
            return Ok(None);
        }
        let (mailbox, project) = ("anna@old.example".into(), "<b>Contoso & Sons</b>".into());
        Ok(Some(Asked { mailbox, project, consultant: "Kim".into(), sides }))
    }

    async fn sign_in(&self, token: &str, side: Side) -> Result<(), Unable> {
        assert_eq!((token, side), ("signs-in", Side::Source));
        self.signed_in.store(1, Ordering::SeqCst);
        Ok(())
    }

    async fn came_back(&self, query: &str) -> bool {
        query == "state=s&code=c" && self.signed_in.swap(3, Ordering::SeqCst) == 5
    }

    async fn used(&self, token: &str) -> Result<Option<Verdict>, Unable> {
        let used = token == "signs-in" && self.signed_in.load(Ordering::SeqCst) == 4;
        Ok(used.then_some(Verdict::Right(None)))
    }

    async fn take(&self, token: &str, given: Vec<Given>) -> Result<Verdict, Unable> {
        tokio::task::yield_now().await;
        let mut used = self.used.lock().unwrap();
        if used.iter().any(|used| used == token) {
            return Ok(Verdict::Gone);
        }
        let password = given[0].password.expose().to_owned();
        self.taken.lock().unwrap().extend(given);
        match password.as_str() {
            "right" => {
                used.push(token.to_owned());
                Ok(Verdict::Right(Some("2026-12-01 22:00".into())))
            }
            "down" => Ok(Verdict::NotChecked),
            _ => {
                used.push(token.to_owned());
                Ok(Verdict::Wrong { host: "imap.old.example".into(), consultant: "Kim".into() })
            }
        }
    }
}

struct Form {
    server: FormServer,
    known: Arc<Known>,
}

impl Form {
    async fn start(change: impl FnOnce(&mut FormOptions)) -> Form {
        let limits = Limits { per_address: 100_000, per_link: 100_000, ..Limits::default() };
        let mut options = FormOptions {
            listen: "127.0.0.1:0".parse().unwrap(),
            protection: Protection::Loopback,
            host: HOST.into(),
            reach: ReachKey::fresh().unwrap(),
            limits,
        };
        change(&mut options);
        let known = Arc::new(Known::default());
        let server = FormServer::start(options, Arc::clone(&known) as Arc<dyn Answers>).await.expect("it listens");
        Form { server, known }
    }

    async fn get(&self, path: &str) -> String {
        exchange(self.server.address, &format!("GET {path} HTTP/1.1\r\nHost: {HOST}\r\n\r\n")).await
    }

    async fn post(&self, path: &str, body: &str) -> String {
        exchange(self.server.address, &request(path, "", body)).await
    }

    /// The field that shows that the form was opened.
    async fn proof(&self, path: &str) -> String {
        let page = self.get(path).await;
        let field = page.split("name=\"form\" value=\"").nth(1).unwrap_or_else(|| panic!("no form: {page}"));
        field.split('"').next().unwrap().to_owned()
    }

    fn taken(&self) -> usize {
        self.known.taken.lock().unwrap().len()
    }
}

fn request(path: &str, headers: &str, body: &str) -> String {
    format!(
        "POST {path} HTTP/1.1\r\nHost: {HOST}\r\nContent-Type: application/x-www-form-urlencoded\r\n{headers}Content-Length: {}\r\n\r\n{body}",
        body.len()
    )
}

/// Sends something and reads until the other side closes.
async fn exchange(address: SocketAddr, text: &str) -> String {
    let mut stream = TcpStream::connect(address).await.expect("it listens");
    // Who is refused in the middle may hang up before all is sent.
    drop(stream.write_all(text.as_bytes()).await);
    let mut answer = Vec::new();
    drop(stream.read_to_end(&mut answer).await);
    String::from_utf8_lossy(&answer).into_owned()
}

fn status(answer: &str) -> u16 {
    answer.split(' ').nth(1).and_then(|code| code.parse().ok()).unwrap_or(0)
}

fn body(answer: &str) -> &str {
    answer.split_once("\r\n\r\n").map_or("", |(_, body)| body)
}

fn entry(proof: &str, password: &str) -> String {
    format!("form={proof}&source-user=anna%40old.example&source-password={password}")
}

#[tokio::test]
async fn r38_the_form_asks_for_what_is_missing_and_nothing_of_it_is_kept_or_told() {
    let form = Form::start(|_| ()).await;
    let page = form.get("/good").await;
    assert_eq!(status(&page), 200);
    for header in [
        "cache-control: no-store",
        "referrer-policy: no-referrer",
        "x-content-type-options: nosniff",
        "frame-ancestors 'none'",
        "default-src 'none'",
        "form-action 'self'",
    ] {
        assert!(page.to_lowercase().contains(header), "{header} is missing: {page}");
    }
    let shown = body(&page);
    assert!(
        shown.contains("Sign-in for moving anna@old.example") && shown.contains("Your mailbox today: imap.old.example")
    );
    assert!(shown.contains("&lt;b&gt;Contoso &amp; Sons&lt;/b&gt;") && !shown.contains("<script"), "{shown}");
    assert!(shown.contains("name=\"source-password\"") && !shown.contains("destination-password"), "{shown}");
    assert!(form.get("/both").await.contains("name=\"destination-password\""));
    assert!(form.get("/in/a/folder/good").await.contains("source-password"), "behind a path of a proxy");
    let german = format!("GET /good HTTP/1.1\r\nHost: {HOST}\r\nAccept-Language: de-AT\r\n\r\n");
    assert!(exchange(form.server.address, &german).await.contains("Anmeldung für den Umzug"));
}

#[tokio::test]
async fn r38_r44_an_entry_is_decided_once_and_a_check_that_cannot_run_decides_nothing() {
    let form = Form::start(|_| ()).await;
    let proof = form.proof("/good").await;
    let down = form.post("/good", &entry(&proof, "down")).await;
    assert_eq!(status(&down), 503);
    assert!(body(&down).contains("this link still works"), "{down}");
    let right = form.post("/good", &entry(&proof, "right")).await;
    assert!(body(&right).contains("copied from 2026-12-01 22:00"), "{right}");
    let replayed = form.post("/good", &entry(&proof, "right")).await;
    assert_eq!((status(&replayed), form.taken()), (404, 2));
    let proof = form.proof("/both").await;
    let both = format!("{}&destination-user=a%40b&destination-password=b", entry(&proof, "wrong"));
    let wrong = form.post("/both", &both).await;
    assert!(body(&wrong).contains("imap.old.example did not accept this") && wrong.contains("Kim has been told"));
    let (used, unknown) = (form.get("/both").await, form.get("/never-was-there").await);
    assert_eq!((status(&used), body(&used)), (404, body(&unknown)), "used, dead and unknown links look the same");
    assert_eq!(body(&replayed), body(&unknown));
    let head = |answer: &str| answer.split_once("\r\n\r\n").unwrap().0.split("date:").next().unwrap().to_owned();
    assert_eq!(head(&used), head(&unknown));
}

#[tokio::test]
async fn slips_and_forms_that_were_not_opened_here_cost_nothing() {
    let form = Form::start(|_| ()).await;
    let proof = form.proof("/good").await;
    for (sent, says) in [
        (format!("form={proof}&source-user=&source-password=x"), "Please fill in this field."),
        (entry(&proof, ""), "Please fill in this field."),
        (entry(&proof, "+x"), "begins or ends with a blank"),
        (entry("forged.AAAA", "right"), "was open for a long time"),
        (entry("", "right"), "was open for a long time"),
        (entry(&form.proof("/both").await, "right"), "was open for a long time"),
    ] {
        let answer = form.post("/good", &sent).await;
        assert!(body(&answer).contains(says), "{sent}: {answer}");
    }
    let typed = format!("form={proof}&source-user=%3Cscript%3E%22%0d%0aSet-Cookie%3A&source-password=secret-x+");
    let again = form.post("/good", &typed).await;
    assert!(body(&again).contains("&lt;script&gt;&quot;") && !again.contains("secret-x"), "{again}");
    assert!(!again.to_lowercase().contains("\r\nset-cookie"), "{again}");
    let part = format!("form={proof}&source-user=anna&source-password=secret-y");
    let asked = form.post("/good", &part).await;
    assert!(body(&asked).contains("Here it is most often anna@old.example") && asked.contains("secret-y"), "{asked}");
    assert!(asked.contains("name=\"source-meant\" value=\"anna\""), "{asked}");
    let foreign = request("/good", "Sec-Fetch-Site: cross-site\r\n", &entry(&proof, "right"));
    assert_eq!(status(&exchange(form.server.address, &foreign).await), 400);
    let other = request("/good", "", &entry(&proof, "right")).replace("x-www-form-urlencoded", "json");
    assert_eq!(status(&exchange(form.server.address, &other).await), 400);
    assert_eq!(status(&form.get("/broken").await), 503);
    assert_eq!(form.taken(), 0);
}

#[tokio::test]
async fn passwords_are_shown_to_who_typed_them_without_a_script_and_hidden_again() {
    let form = Form::start(|options| options.limits.per_link = 1).await;
    let proof = form.proof("/good").await;
    for _ in 0..3 {
        let shown = form.post("/good", &format!("{}&show=yes", entry(&proof, "s%3Ccret"))).await;
        assert_eq!(status(&shown), 200);
        let field = "id=\"source-password\" name=\"source-password\" type=\"text\"";
        assert!(shown.contains(field) && shown.contains("value=\"s&lt;cret\""), "{shown}");
        assert!(shown.contains("Hide the password") && shown.contains("no-store"), "{shown}");
    }
    let hidden = form.post("/good", &format!("{}&show=no", entry(&proof, "s%3Ccret"))).await;
    assert!(
        hidden.contains("name=\"source-password\" type=\"password\"") && hidden.contains("Show the password"),
        "{hidden}"
    );
    let unseen = form.post("/good", &format!("{}&show=yes", entry("forged.AAAA", "s%3Ccret"))).await;
    assert!(!unseen.contains("s&lt;cret"), "only on a form that was opened here: {unseen}");
    assert_eq!(form.taken(), 0, "nobody was asked");
    assert!(body(&form.post("/good", &entry(&proof, "right")).await).contains("it works"));
}

#[tokio::test]
async fn h2_where_a_side_is_signed_in_to_the_form_asks_for_no_password_of_it() {
    let form = Form::start(|options| options.limits.per_link = 3).await;
    let proof = form.proof("/signs-in").await;
    let page = form.get("/signs-in").await;
    assert!(!page.contains("source-password") && page.contains("destination-password"), "{page}");
    assert!(page.contains("name=\"sign-in\" value=\"source\"") && page.contains(">Sign in</button>"), "{page}");
    let entry = format!("form={proof}&destination-user=anna%40old.example&destination-password=right");
    assert!(body(&form.post("/signs-in", &entry).await).contains("Please sign in first"));
    let code = form.post("/signs-in", &format!("{entry}&sign-in=source")).await;
    assert!(body(&code).contains("BCDF-GHJK") && body(&code).contains("https://provider.example/device"), "{code}");
    assert!(body(&code).contains("value=\"right\""), "what was typed stays: {code}");
    for _ in 0..5 {
        let looked = form.post("/signs-in", &format!("form={proof}&sign-in=look")).await;
        assert!(body(&looked).contains("BCDF-GHJK"), "to look costs nothing: {looked}");
    }
    form.known.signed_in.store(2, Ordering::SeqCst);
    assert!(form.get("/signs-in").await.contains("Nobody has signed in"));
    form.known.signed_in.store(3, Ordering::SeqCst);
    assert!(body(&form.post("/signs-in", &entry).await).contains("it works"));
    assert_eq!((form.taken(), form.known.taken.lock().unwrap()[0].side), (1, Side::Destination));
    form.known.signed_in.store(4, Ordering::SeqCst);
    let look = format!("form={proof}&sign-in=look");
    assert!(body(&form.post("/signs-in", &look).await).contains("it works"), "used meanwhile");
    assert_eq!(status(&form.post("/signs-in", "form=forged.AA&sign-in=look").await), 404);
    assert_eq!(status(&form.get("/signs-in").await), 404);
}

#[tokio::test]
async fn h2_where_a_provider_has_no_codes_its_page_leads_back_to_the_form() {
    let form = Form::start(|_| ()).await;
    form.known.signed_in.store(5, Ordering::SeqCst);
    let page = form.get("/signs-in").await;
    assert!(page.contains("href=\"https://provider.example/authorize?a=b&amp;state=s\""), "{page}");
    for query in ["", "?state=other&code=c", "?state=s", &format!("?state=s&code={}", "c".repeat(9_000))] {
        assert_ne!(status(&form.get(&format!("/signed-in{query}")).await), 200, "{query}");
        form.known.signed_in.store(5, Ordering::SeqCst);
    }
    assert_eq!(status(&form.post("/signed-in?state=s&code=c", "state=s&code=c").await), 404);
    let back = form.get("/signed-in?state=s&code=c").await;
    assert!(status(&back) == 200 && back.contains("Go back to the page with the form"), "{back}");
    assert!(back.contains("no-referrer") && !back.contains("code=c"), "{back}");
    assert_eq!(status(&form.get("/signed-in?state=s&code=c").await), 404, "it counts once");
}

#[tokio::test]
async fn h2_the_form_shows_that_it_is_reached_and_by_whom() {
    let key = ReachKey::fresh().unwrap();
    let form = Form::start(|options| options.reach = key).await;
    let port = form.server.address.port();
    let url = format!("http://localhost:{port}");
    assert!(key.reaches(&url).await.is_err(), "it is there, but as another host: links would lead nowhere");
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let listen = listener.local_addr().unwrap();
    drop(listener);
    let named = Form::start(|options| {
        (options.reach, options.listen, options.host) = (key, listen, format!("localhost:{}", listen.port()));
    })
    .await;
    let url = format!("http://localhost:{}", listen.port());
    assert_eq!(key.reaches(&url).await, Ok(()));
    assert_eq!(key.reaches(&format!("{url}/below/a/path")).await, Ok(()));
    assert!(ReachKey::fresh().unwrap().reaches(&url).await.is_err(), "another form");
    drop(named);
    assert!(key.reaches(&url).await.is_err(), "nobody");
}

#[tokio::test]
async fn h3_what_is_too_large_or_for_another_host_is_not_looked_at() {
    let form = Form::start(|_| ()).await;
    let proof = form.proof("/good").await;
    let large = entry(&proof, &"x".repeat(9_000));
    assert_eq!(status(&form.post("/good", &large).await), 413);
    let chunked = format!(
        "POST /good HTTP/1.1\r\nHost: {HOST}\r\nContent-Type: application/x-www-form-urlencoded\r\nTransfer-Encoding: chunked\r\n\r\n{}0\r\n\r\n",
        format!("400\r\n{}\r\n", "y".repeat(1024)).repeat(100)
    );
    let answer = exchange(form.server.address, &chunked).await;
    assert!(matches!(status(&answer), 413 | 0), "{answer}");
    let head = format!("GET /{} HTTP/1.1\r\nHost: {HOST}\r\n\r\n", "z".repeat(100_000));
    assert!(status(&exchange(form.server.address, &head).await) != 200);
    let asked = form.known.asked.load(Ordering::SeqCst);
    let elsewhere = exchange(form.server.address, "GET /good HTTP/1.1\r\nHost: evil.example\r\n\r\n").await;
    let unknown = form.get("/nothing").await;
    assert_eq!((status(&elsewhere), body(&elsewhere)), (404, body(&unknown)));
    assert_eq!(form.known.asked.load(Ordering::SeqCst), asked + 1, "only the unknown link was looked up");
    assert_eq!(status(&exchange(form.server.address, "GET /good HTTP/1.0\r\n\r\n").await), 404, "no host at all");
    assert_eq!(form.taken(), 0);
}

#[tokio::test]
async fn h3_ten_thousand_guesses_find_nothing_and_forged_headers_gain_nobody_more_of_them() {
    let form = Form::start(|options| options.limits.per_address = 9_000).await;
    let mut guesses = JoinSet::new();
    for worker in 0..50 {
        let address = form.server.address;
        guesses.spawn(async move {
            let mut seen = [0_usize; 3];
            for guess in 0..200 {
                let forged =
                    format!("X-Forwarded-For: 10.0.{worker}.{guess}\r\nForwarded: for=10.0.{worker}.{guess}\r\n");
                let text = format!("GET /guess-{worker}-{guess} HTTP/1.1\r\nHost: {HOST}\r\n{forged}\r\n");
                match status(&exchange(address, &text).await) {
                    404 => seen[0] += 1,
                    429 => seen[1] += 1,
                    _ => seen[2] += 1,
                }
            }
            seen
        });
    }
    let mut seen = [0; 3];
    while let Some(some) = guesses.join_next().await {
        seen = std::array::from_fn(|at| seen[at] + some.as_ref().unwrap()[at]);
    }
    assert_eq!(seen, [9_000, 1_000, 0]);
    assert_eq!(status(&form.get("/good").await), 429, "the same address, the same limit");
}

#[tokio::test]
async fn h3_behind_a_proxy_its_last_word_counts() {
    let form = Form::start(|options| {
        options.protection = Protection::BehindProxy;
        options.limits.per_address = 2;
    })
    .await;
    let from = |chain: &str| format!("GET /good HTTP/1.1\r\nHost: inside\r\nX-Forwarded-For: {chain}\r\n\r\n");
    let mut seen = Vec::new();
    for chain in ["1.1.1.1, 2.2.2.2", "9.9.9.9, 2.2.2.2", "8.8.8.8, 2.2.2.2", "2.2.2.2, 3.3.3.3"] {
        seen.push(status(&exchange(form.server.address, &from(chain)).await));
    }
    assert_eq!(seen, [200, 200, 429, 200]);
}

#[tokio::test]
async fn h3_a_thousand_slow_clients_do_not_keep_others_out() {
    let patience = Duration::from_millis(700);
    let form = Form::start(|options| options.limits.patience = patience).await;
    let mut slow = Vec::new();
    for _ in 0..1_000 {
        let mut stream = TcpStream::connect(form.server.address).await.expect("a connection");
        stream.write_all(b"GET /good HTTP/1.1\r\nHost: ").await.expect("a part of a request");
        slow.push(stream);
    }
    let page = tokio::time::timeout(Duration::from_secs(20), form.get("/good")).await.expect("an answer");
    assert_eq!(status(&page), 200);
    let mut answer = Vec::new();
    for mut stream in slow {
        // Each was shown the door.
        let _ = tokio::time::timeout(Duration::from_secs(20), stream.read_to_end(&mut answer)).await.expect("it ends");
    }
    let stuck = request("/good", "", "").replace("Content-Length: 0", "Content-Length: 100");
    let answer = tokio::time::timeout(Duration::from_secs(20), exchange(form.server.address, &stuck)).await;
    assert_eq!(status(&answer.expect("an answer")), 408, "a body that never comes");
}

#[tokio::test]
async fn h3_of_two_entries_at_once_one_wins_and_one_link_bears_so_many() {
    let form = Form::start(|options| options.limits.per_link = 3).await;
    let proof = form.proof("/good").await;
    let sent = entry(&proof, "right");
    let (one, two) = tokio::join!(form.post("/good", &sent), form.post("/good", &sent));
    let mut seen = [status(&one), status(&two)];
    seen.sort_unstable();
    assert_eq!((seen, form.taken()), ([200, 404], 1));
    assert_eq!(status(&form.post("/good", &sent).await), 404);
    assert_eq!(status(&form.post("/good", &sent).await), 429);
}

#[tokio::test(flavor = "multi_thread")]
async fn h3_tls_is_as_new_as_it_must_be_and_without_it_nobody_from_elsewhere_gets_in() {
    let folder = tempfile::tempdir().unwrap();
    let key = rcgen::KeyPair::generate().unwrap();
    let leaf = rcgen::CertificateParams::new(vec![HOST.to_owned()]).unwrap().self_signed(&key).unwrap();
    let (certificate, key_file) = (folder.path().join("leaf.pem"), folder.path().join("key.pem"));
    std::fs::write(&certificate, leaf.pem()).unwrap();
    std::fs::write(&key_file, key.serialize_pem()).unwrap();
    let protection = Protection::Files { certificate, key: key_file.clone() };
    let form = Form::start(|options| options.protection = protection.clone()).await;
    let port = form.server.address.port();
    let over = |versions: &'static [&'static str]| {
        let mut openssl = Command::new("openssl");
        openssl.args(["s_client", "-quiet", "-ign_eof", "-connect", &format!("127.0.0.1:{port}"), "-servername", HOST]);
        openssl.args(versions).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = openssl.spawn().expect("openssl");
        let asked = format!("GET /good HTTP/1.1\r\nHost: {HOST}\r\n\r\n");
        // One that is refused hangs up before.
        drop(child.stdin.take().unwrap().write_all(asked.as_bytes()));
        String::from_utf8_lossy(&child.ends_with_output().stdout).into_owned()
    };
    let new = over(&["-tls1_3"]);
    assert!(new.contains("source-password") && new.to_lowercase().contains("strict-transport-security"), "{new}");
    assert!(over(&["-tls1_2"]).contains("source-password"));
    assert!(!over(&["-tls1_1", "-cipher", "ALL:@SECLEVEL=0"]).contains("source-password"));

    let refused = |listen: &str, protection: Protection| {
        let options = FormOptions {
            listen: listen.parse().unwrap(),
            protection,
            host: HOST.into(),
            reach: ReachKey::fresh().unwrap(),
            limits: Limits::default(),
        };
        FormServer::start(options, Arc::new(Known::default()))
    };
    let why = refused("0.0.0.0:0", Protection::Loopback).await.err().expect("refused");
    assert!(matches!(why, NotServed::Unprotected(_)), "{why}");
    let no_file = Protection::Files { certificate: folder.path().join("none.pem"), key: key_file };
    let why = refused("127.0.0.1:0", no_file).await.err().expect("refused").to_string();
    assert!(why.contains("none.pem"), "{why}");
}
