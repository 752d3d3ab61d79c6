//! Owners are asked by real mail and answer in the real form: the program as a process, Exim, Dovecot, sockets.

mod by_page;
mod crashes;
mod mails;

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use crate::support::browser;
use crate::support::dovecot::{self, Dovecot, Format, PASSWORD};
use crate::support::ends::Ends;
use crate::support::exim::{Exim, SENDER, available};
use crate::support::imap::Message;
use crate::support::product::{PROJECT, Workspace};

/// What lasts longer hangs.
const PATIENCE: Duration = Duration::from_secs(60);

/// A project whose source has no administrator, its owner, and the process that asks.
pub struct Scene {
    dovecot: &'static Dovecot,
    exim: Exim,
    /// Its workspace.
    pub workspace: Workspace,
    owner: String,
    form: u16,
    target: tempfile::TempDir,
    serving: Option<(Child, BufReader<ChildStdout>)>,
}

impl Scene {
    fn new() -> Scene {
        let source = format!("imap+plain://127.0.0.1:{}", dovecot::shared(Format::Maildir).plain_port);
        Self::with(&source, &[], |owner| format!("Source Email,Destination Email\n{owner},anna@b.example\n"))
    }

    /// With this source, and the list that this makes for the owner.
    pub fn with(source: &str, more: &[&str], list: impl FnOnce(&str) -> String) -> Scene {
        let dovecot = dovecot::shared(Format::Maildir);
        let exim = Exim::start(dovecot);
        let mut workspace = Workspace::new();
        workspace.environment.push(("MAILFERRY_MAIL_PASSWORD".into(), PASSWORD.into()));
        let form = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let settings = [
            "mail-server=localhost".to_owned(),
            format!("mail-port={}", exim.tls_port),
            format!("mail-authorities={}", dovecot.certificates.ca_pem.display()),
            format!("mail-login={SENDER}"),
            "mail-from=Kim Doe <kim@b.example>".to_owned(),
            "mail-rate=10000".to_owned(),
            "ask-name=Kim Doe".to_owned(),
            format!("form-listen=127.0.0.1:{form}"),
            format!("form-url=http://localhost:{form}"),
        ];
        let settings: Vec<&str> = settings.iter().map(String::as_str).collect();
        workspace.run(&[&["settings"][..], &settings].concat()).expect(0);
        workspace.run(&["mail", "password"]).expect(0);
        let owner = exim.owner(dovecot);
        let mut mailbox = dovecot.login(&owner);
        mailbox.append("INBOX", &Message::plain(&b"Subject: old\r\n\r\nhello\r\n"[..]));
        let target = tempfile::tempdir().unwrap();
        workspace.project_new(source, &format!("maildir:{}/{{email}}", target.path().display()), more);
        let file = workspace.path().join("owner.csv");
        std::fs::write(&file, list(&owner)).unwrap();
        workspace.run(&["item", "import", PROJECT, file.to_str().unwrap()]).expect(0);
        Scene { dovecot, exim, workspace, owner, form, target, serving: None }
    }

    pub fn start(&self) {
        let started = self.workspace.run(&["start", PROJECT]);
        assert_eq!(self.status(), "waiting_for_user", "{started:?}");
    }

    pub fn serve(&mut self) {
        let mut command = self.workspace.command(&["intake", "serve"]);
        let mut child = command.stdout(Stdio::piped()).spawn().expect("it starts");
        let mut said = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        said.read_line(&mut line).unwrap();
        assert!(line.starts_with("The form is open at http://localhost:"), "{line}");
        self.serving = Some((child, said));
    }

    /// Ends the process by Ctrl-C; its exit code.
    pub fn end(&mut self) -> i32 {
        let (mut child, _said) = self.serving.take().expect("it serves");
        assert!(Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap().success());
        child.ends().code().unwrap_or(-1)
    }

    fn kill(&mut self) {
        let (mut child, _said) = self.serving.take().expect("it serves");
        child.kill().unwrap();
        child.ends();
    }

    fn status(&self) -> String {
        self.workspace.only().status().to_owned()
    }

    pub fn becomes(&self, status: &str) {
        let since = Instant::now();
        while self.status() != status {
            assert!(since.elapsed() < PATIENCE, "{} instead of {status}\n{}", self.status(), self.workspace.log());
        }
    }

    /// The item comes to be shown with these words.
    fn shows(&self, words: &str) {
        let since = Instant::now();
        let mut shown = String::new();
        while !shown.contains(words) {
            assert!(since.elapsed() < PATIENCE, "{words}: {shown}");
            shown = self.workspace.run(&["item", "show", PROJECT, "--item", &self.owner]).expect(0).stdout;
        }
    }

    /// The links that came by mail so far, oldest first; waits until there are so many.
    pub fn links(&self, count: usize) -> Vec<String> {
        let since = Instant::now();
        loop {
            let mails = self.dovecot.login(&self.owner).fetch_all("INBOX");
            let mails =
                mails.iter().map(|mail| String::from_utf8_lossy(&mail.bytes).replace("=\r\n", "").replace("=3D", "="));
            let asking =
                mails.filter(|mail| mail.contains("Subject: ACTION REQUIRED: Information required for your migration"));
            let path = |mail: String| {
                let link = mail.lines().find(|line| line.starts_with("http://localhost:")).expect("a link").to_owned();
                link.trim_end().rsplit('/').next().unwrap().to_owned()
            };
            let links: Vec<String> = asking.map(path).collect();
            if links.len() >= count {
                assert_eq!(links.len(), count, "more mails than there should be");
                return links;
            }
            assert!(since.elapsed() < PATIENCE, "{links:?}\n{}\n{}", self.exim.log(), self.workspace.log());
        }
    }

    fn exchange(&self, text: &str) -> String {
        let mut stream = TcpStream::connect(("127.0.0.1", self.form)).expect("the form listens");
        stream.write_all(text.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    }

    pub fn get(&self, token: &str) -> String {
        self.exchange(&format!("GET /{token} HTTP/1.1\r\nHost: localhost:{}\r\n\r\n", self.form))
    }

    fn enter(&self, token: &str, password: &str) -> String {
        let user = self.owner.replace('@', "%40");
        self.post(token, &format!("source-user={user}&source-password={password}"))
    }

    /// Sends the form with these fields.
    pub fn post(&self, token: &str, fields: &str) -> String {
        self.send(token, &self.get(token), fields)
    }

    /// The same from this page, which was opened before.
    fn send(&self, token: &str, page: &str, fields: &str) -> String {
        let Some(proof) = page.split("name=\"form\" value=\"").nth(1) else { return page.to_owned() };
        let proof = proof.split('"').next().unwrap();
        let body = format!("form={proof}&{fields}");
        self.exchange(&format!(
            "POST /{token} HTTP/1.1\r\nHost: localhost:{}\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n{body}",
            self.form,
            body.len()
        ))
    }
}

impl Drop for Scene {
    fn drop(&mut self) {
        if let Some((child, _)) = &mut self.serving {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

#[test]
fn r38_r39_r44_r45_r46_an_owner_is_asked_errs_is_asked_anew_and_the_mail_moves() {
    if !available() {
        return;
    }
    let mut scene = Scene::new();
    scene.start();
    scene.serve();
    let first = scene.links(1).remove(0);
    assert!(scene.get(&first).contains(&format!("Sign-in for moving {}", scene.owner)));
    let wrong = scene.enter(&first, "hunter2");
    assert!(wrong.contains("127.0.0.1 did not accept this") && wrong.contains("Kim Doe has been told"), "{wrong}");
    scene.becomes("failed");
    let item = scene.workspace.only();
    assert!(item.0.to_string().contains("source"), "{:#}", item.0);
    assert!(scene.get(&first).contains("This link is not active"), "the link is dead");
    let named = ["credentials", "clear", PROJECT, "--item", &scene.owner, "--source"];
    scene.workspace.run(&named).expect(0);
    scene.start();
    let second = scene.links(2).remove(1);
    assert_ne!(first, second);
    let both: Vec<String> = std::thread::scope(|threads| {
        let posts = [(); 2].map(|()| threads.spawn(|| scene.enter(&second, PASSWORD)));
        posts.map(|post| post.join().unwrap()).into()
    });
    let saying = |words: &str| both.iter().filter(|answer| answer.contains(words)).count();
    let ways = (saying("Thank you, it works"), saying("This link is not active"));
    assert_eq!(ways, (1, 1), "of two at once one wins: {both:?}\n{}", scene.workspace.log());
    scene.becomes("completed");
    assert!(scene.get(&second).contains("This link is not active"));
    assert!(scene.target.path().join("anna@b.example").exists());
    assert_eq!(scene.end(), 0);
    let log = scene.workspace.log();
    assert!(!log.contains(&second) && !log.contains("hunter2"), "{log}");
    assert_eq!(scene.links(2).len(), 2);
}

#[test]
fn r14_d36_a_killed_process_leaves_one_link_that_works_and_sends_no_second_mail() {
    if !available() {
        return;
    }
    let mut scene = Scene::new();
    scene.start();
    scene.serve();
    let link = scene.links(1).remove(0);
    scene.kill();
    scene.serve();
    assert!(scene.get(&link).contains("source-password"), "it lives on");
    let shown = scene.workspace.run(&["credentials", "link", PROJECT, "--item", &scene.owner]).expect(0);
    assert!(shown.stdout.trim().ends_with(&format!("/{link}")), "{shown:?}");
    scene.workspace.run(&["credentials", "remind", PROJECT, "--item", &scene.owner]).expect(0);
    assert_eq!(scene.links(2), [link.clone(), link.clone()], "a reminder has the same link");
    scene.shows("asked for the source, opened ");
    scene.shows(&format!("reminder to {}: sent (", scene.owner));
    scene.workspace.run(&["stop", PROJECT]).expect(0);
    assert_eq!(scene.status(), "stopped");
    assert!(scene.get(&link).contains("This link is not active"));
    let none = scene.workspace.run(&["credentials", "remind", PROJECT, "--item", &scene.owner]);
    assert!(none.stderr.contains("was not asked"), "{none:?}");
    assert_eq!(scene.end(), 0);
    assert_eq!(scene.links(2).len(), 2);
}

/// The HTML of a mail, as a mail program shows it.
fn html_of(mail: &str) -> String {
    let part = mail.split("Content-Type: text/html").nth(1).expect("an HTML part");
    let (head, body) = part.split_once("\r\n\r\n").expect("a body");
    let body = body.split("\r\n--").next().unwrap();
    if !head.to_lowercase().contains("quoted-printable") {
        return body.to_owned();
    }
    let joined = body.replace("=\r\n", "");
    let mut pieces = joined.split('=');
    let mut bytes = pieces.next().unwrap().as_bytes().to_vec();
    for piece in pieces {
        bytes.push(u8::from_str_radix(&piece[..2], 16).expect("a byte"));
        bytes.extend_from_slice(&piece.as_bytes()[2..]);
    }
    String::from_utf8(bytes).expect("a text")
}

#[test]
fn r37_r38_r44_r46_h2_in_a_real_browser_an_owner_errs_is_asked_anew_and_the_mail_moves() {
    if !available() || !browser::available() {
        return;
    }
    let mut scene = Scene::new();
    let pictures = browser::pictures(scene.target.path());
    let place = |name: &str| pictures.join(name).display().to_string();
    scene.start();
    scene.serve();
    let link = |scene: &Scene, count: usize| {
        format!("http://localhost:{}/{}", scene.form, scene.links(count).remove(count - 1))
    };
    let first = link(&scene, 1);
    let mails = scene.dovecot.login(&scene.owner).fetch_all("INBOX");
    let asking = mails.iter().map(|mail| String::from_utf8_lossy(&mail.bytes).into_owned());
    let asking = asking.into_iter().find(|mail| mail.contains("Subject: ACTION REQUIRED")).expect("the mail");
    let file = scene.workspace.path().join("mail.html");
    std::fs::write(&file, html_of(&asking)).unwrap();
    assert_eq!(browser::person(file.to_str().unwrap(), &["look", &place("mail")]), "no findings");
    assert_eq!(browser::person(&first, &["look", &place("form")]), "no findings");
    assert_eq!(browser::person(&first, &["show", &scene.owner, "hunter2"]), "text hunter2\npassword");
    let part = browser::person(&first, &["fill", scene.owner.split('@').next().unwrap(), "hunter2"]);
    assert!(part.contains("Is this the whole user name?"), "{part}");
    let wrong = browser::person(&first, &["fill", &scene.owner, "hunter2"]);
    assert!(wrong.contains("127.0.0.1 did not accept this. Nothing was stored. Kim Doe has been told"), "{wrong}");
    scene.becomes("failed");
    scene.shows("source");
    assert_eq!(browser::person(&first, &["look", &place("gone")]), "no findings");
    scene.workspace.run(&["credentials", "clear", PROJECT, "--item", &scene.owner, "--source"]).expect(0);
    scene.start();
    let second = link(&scene, 2);
    assert_ne!(first, second);
    let right = browser::person(&second, &["fill", &scene.owner, PASSWORD]);
    assert!(right.contains("Thank you, it works. Your mailbox is copied soon"), "{right}");
    scene.becomes("completed");
    assert!(scene.target.path().join("anna@b.example").exists());
    assert_eq!(scene.end(), 0);
}

#[test]
fn r39_an_owner_is_asked_anew_in_one_step_with_another_link() {
    if !available() {
        return;
    }
    let mut scene = Scene::new();
    scene.start();
    scene.serve();
    let first = scene.links(1).remove(0);
    let owner = scene.owner.clone();
    let again = ["credentials", "again", PROJECT, "--item", &owner];
    let asked = scene.workspace.run(&again).expect(0);
    assert!(asked.stdout.contains("is asked anew, with a new link"), "{asked:?}");
    assert_eq!(scene.status(), "waiting_for_user");
    let links = scene.links(2);
    assert_ne!(links[0], links[1]);
    assert!(scene.get(&first).contains("This link is not active"));
    // R46: the same after what an owner entered was refused.
    assert!(scene.enter(&links[1], "hunter2").contains("did not accept this"));
    scene.becomes("failed");
    scene.workspace.run(&again).expect(0);
    let third = scene.links(3).remove(2);
    assert!(scene.enter(&third, PASSWORD).contains("it works"));
    scene.becomes("completed");
    assert_eq!(scene.end(), 0);
    let nobody = scene.workspace.run(&["settings", "mail-server="]);
    assert_eq!(nobody.code, 0);
    let refused = scene.workspace.run(&again);
    assert!(refused.code != 0 && refused.stderr.contains("set mail-server first"), "{refused:?}");
}

#[test]
fn h4_a_start_says_whom_it_asks_and_is_refused_until_they_can_be_asked() {
    if !available() {
        return;
    }
    let scene = Scene::new();
    let contact = ["item", "edit", PROJECT, "--item", &scene.owner, "--contact", "anna@home.example"];
    scene.workspace.run(&contact).expect(0);
    let text = scene.workspace.path().join("text.txt");
    std::fs::write(&text, "Dear {address},\n\nplease: {link}\n").unwrap();
    let own = ["mail", "project", PROJECT, "--text", text.to_str().unwrap(), "--language", "de"];
    scene.workspace.run(&own).expect(0);
    let seen = scene.workspace.run(&["start", PROJECT, "--preview-mails"]).expect(0).stdout;
    assert!(
        seen.contains("asks 1 owner by mail; nothing was started") && seen.contains("To: anna@home.example"),
        "{seen}"
    );
    assert!(seen.contains("Subject: ACTION REQUIRED: ") && seen.contains(&format!("Dear {}", scene.owner)), "{seen}");
    assert_eq!(scene.status(), "not_submitted");
    let alone = scene.workspace.run(&["start", PROJECT, "--do-not-ask"]);
    assert!(alone.stderr.contains("owners are not asked now") && alone.code == 2, "{alone:?}");
    assert_eq!(scene.status(), "not_submitted");
    // Its public address leads to somebody else.
    scene.workspace.run(&["settings", "form-url=http://localhost:1"]).expect(0);
    let refused = scene.workspace.run(&["start", PROJECT]);
    let why = "1 owner would be asked for a password by mail, but owners would not reach the form: http://localhost:1 does not lead to it";
    assert!(
        refused.code == 2 && refused.stderr.contains(why) && refused.stderr.contains("--do-not-ask"),
        "{refused:?}"
    );
    assert_eq!(scene.status(), "not_submitted");
    assert_ne!(scene.workspace.run(&["intake", "check"]).code, 0);
    scene.workspace.run(&["settings", &format!("form-url=http://localhost:{}", scene.form)]).expect(0);
    scene.workspace.run(&["intake", "check"]).expect(0);
    let started = scene.workspace.run(&["start", PROJECT]);
    assert!(started.stdout.contains("Start asks 1 owner for a password by mail:"), "{started:?}");
    assert!(started.stdout.contains(&format!("{} at anna@home.example", scene.owner)), "{started:?}");
    assert_eq!(scene.status(), "waiting_for_user");
}

#[test]
fn h1_how_passes_end_is_told_by_mail_to_whom_a_project_names() {
    if !available() {
        return;
    }
    let scene = Scene::new();
    let consultant = scene.exim.owner(scene.dovecot);
    let told = ["mail", "project", PROJECT, "--on-success", &consultant, "--on-failure", &consultant];
    let shown = scene.workspace.run(&told).expect(0).stdout;
    assert!(shown.contains(&format!("Told of passes that fail: {consultant}")), "{shown}");
    let ends = [
        ("wrong", "en", "1 pass of t failed"),
        (PASSWORD, "en", "1 pass of t ended well"),
        (PASSWORD, "de", "1 Durchlauf von t ist gut zu Ende gegangen"),
    ];
    for (password, language, subject) in ends {
        scene.workspace.run(&["mail", "project", PROJECT, "--language", language]).expect(0);
        let mut edit =
            scene.workspace.command(&["item", "edit", PROJECT, "--item", &scene.owner, "--ask-source-password"]);
        assert!(edit.env("MAILFERRY_SOURCE_PASSWORD", password).status().expect("run").success());
        drop(scene.workspace.run(&["start", PROJECT]));
        let mails = scene.dovecot.login(&consultant).fetch_all("INBOX");
        let last = mails.last().map(|mail| String::from_utf8_lossy(&mail.bytes).into_owned()).unwrap_or_default();
        let subject = subject.replace(" t ", &format!(" {PROJECT} "));
        assert!(last.contains(&format!("Subject: Mailferry: {subject}")), "{last}\n{}", scene.workspace.log());
        assert!(last.contains(&scene.owner), "{last}");
    }
    scene.shows(&format!("{consultant} is told that a pass ended well: sent"));
}

/// What a process holds in memory, in kilobytes.
#[cfg(target_os = "linux")]
fn resident(process: &Child) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", process.id())).expect("it runs");
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).expect("its memory");
    line.split_whitespace().nth(1).expect("a number").parse().expect("a number")
}

#[cfg(target_os = "linux")]
#[test]
fn h3_memory_stays_flat_under_a_thousand_slow_clients_and_ten_thousand_guesses() {
    if !available() {
        return;
    }
    let mut scene = Scene::new();
    scene.start();
    scene.serve();
    let link = scene.links(1).remove(0);
    let guess = |from: usize, to: usize| {
        for number in from..to {
            let answer = scene.get(&format!("guess-{number}"));
            assert!(!answer.contains("source-password"), "{answer}");
        }
    };
    guess(0, 500);
    let process = &scene.serving.as_ref().unwrap().0;
    let before = resident(process);
    std::thread::scope(|threads| {
        for worker in 1..=10 {
            threads.spawn(move || guess(worker * 1_000, worker * 1_000 + 1_000));
        }
    });
    let guessed = resident(process);
    let slow: Vec<TcpStream> = (0..1_000)
        .map(|_| {
            let mut stream = TcpStream::connect(("127.0.0.1", scene.form)).expect("the form listens");
            stream.write_all(b"GET /x HTTP/1.1\r\nHost: ").expect("a part of a request");
            stream
        })
        .collect();
    // Answered after all of them were taken in.
    scene.get("behind-them");
    let held = resident(process);
    drop(slow);
    let grown = |now: u64| now.saturating_sub(before);
    assert!(grown(guessed) < 16_000, "guesses: {before} KB became {guessed}");
    assert!(grown(held) < 48_000, "slow clients: {before} KB became {held}");
    // Whoever guesses is shown the door for a while; the link itself is untouched.
    assert!(scene.get(&link).contains("too many requests"));
    assert_eq!(scene.count_alive(), 1);
    assert!(!scene.workspace.log().contains(&link));
    assert_eq!(scene.end(), 0);
}
