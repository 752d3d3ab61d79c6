//! A real OpenID provider (npm's `oidc-provider`, from the lock file in `tests/oauth/`) and a Dovecot that verifies its tokens.
//! Loopback only; both end with the test.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, OnceLock};

use super::dovecot::{Dovecot, Options};
use super::scripted::{HttpAnswer, Scripted};

/// The app's client with a secret.
pub const APP: &str = "11111111-0000-0000-0000-000000000001";
/// Its secret.
pub const APP_SECRET: &str = "s3cret-of-the-app";
/// The app's client with a certificate.
pub const CERTIFIED: &str = "11111111-0000-0000-0000-000000000002";
/// The app to whose rights nobody consented; its secret is the first one's.
pub const UNCONSENTED: &str = "11111111-0000-0000-0000-000000000004";
/// The app that orders hybrid moves and assigns licenses; its secret is the first one's.
pub const HYBRID: &str = "11111111-0000-0000-0000-000000000005";
/// The tenant of all of them.
pub const TENANT: &str = "22222222-0000-0000-0000-000000000001";
/// The public client of persons.
pub const DESKTOP: &str = "11111111-0000-0000-0000-000000000003";

/// Where the provider's files are.
pub fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/oauth")
}

/// The app's certificate with its key.
pub fn app_pem() -> String {
    folder().join("app.pem").display().to_string()
}

/// Whether the provider can be started here. On Debian and its kin it is a requirement.
#[expect(clippy::print_stderr, reason = "a skipped test says so")]
pub fn available() -> bool {
    let installed = folder().join("node_modules/oidc-provider").exists();
    if installed && Command::new("node").arg("--version").stdout(Stdio::null()).status().is_ok() {
        return super::dovecot::available();
    }
    assert!(
        !Path::new("/etc/debian_version").exists(),
        "the provider of tests/oauth is not installed: tests/run.sh does it (nodejs, npm ci)"
    );
    eprintln!("skipped: {} (no Node.js)", std::thread::current().name().unwrap_or("a test"));
    false
}

/// A running provider.
pub struct Oidc {
    /// Where it listens.
    pub port: u16,
    keys: tempfile::TempDir,
    child: Child,
}

impl Oidc {
    /// Starts one whose tokens live so many seconds.
    pub fn start(ttl: u32) -> Oidc {
        let keys = tempfile::Builder::new().prefix("mailferry-it-").tempdir().expect("a folder");
        readable(keys.path());
        let port = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a port").port();
        let mut child = Command::new("node")
            .arg(folder().join("provider.mjs"))
            .args([port.to_string(), keys.path().display().to_string(), app_pem(), ttl.to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("node");
        let mut said = BufReader::new(child.stdout.take().expect("its output"));
        let mut line = String::new();
        while line.trim() != "ready" {
            line.clear();
            assert_ne!(said.read_line(&mut line).expect("its text"), 0, "the provider did not start");
        }
        let log = fs::File::create(keys.path().join("provider.log")).expect("a log");
        let drain = move || drop(std::io::copy(&mut said, &mut { log }));
        std::thread::Builder::new().name("provider-log".into()).spawn(drain).expect("a thread");
        for part in ["default", "default/RS256", "default/RS256/k1"] {
            readable(&keys.path().join(part));
        }
        Oidc { port, keys, child }
    }

    /// The file with the key that its tokens are signed with.
    pub fn key_file(&self) -> PathBuf {
        self.keys.path().join("default/RS256/k1")
    }

    /// The key that its tokens are signed with, PEM.
    pub fn key(&self) -> String {
        fs::read_to_string(self.key_file()).expect("the provider's key")
    }

    /// One of its addresses: `token`, `authorize`, `devicecode`.
    pub fn url(&self, name: &str) -> String {
        format!("http://127.0.0.1:{}/contoso/oauth2/v2.0/{name}", self.port)
    }

    /// Where service accounts ask.
    pub fn google_url(&self) -> String {
        format!("http://127.0.0.1:{}/google/token", self.port)
    }

    /// A proxy in front of its token address, which does with each form what `play` says; it gets the number of the form,
    /// the form, and a way to hand it on.
    pub fn proxy(
        &self,
        path: &'static str,
        play: impl Fn(u64, &str, &dyn Fn() -> HttpAnswer) -> HttpAnswer + Send + Sync + 'static,
    ) -> Scripted {
        let (port, own) = (self.port, Arc::new(OnceLock::new()));
        let host = Arc::clone(&own);
        let proxy = Scripted::start(move |number, form| {
            // Assertions are made for the address that was asked.
            let host = host.get().copied().unwrap_or(port);
            play(number, form, &|| ask((port, host), path, form))
        });
        own.set(proxy.port).expect("set once");
        proxy.at(path)
    }

    /// Posts a form to one of its addresses.
    pub fn ask(&self, path: &str, form: &str) -> HttpAnswer {
        ask((self.port, self.port), path, form)
    }

    /// How often it was asked for tokens.
    pub fn asked(&self) -> u64 {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).expect("the provider listens");
        stream.write_all(b"GET /count HTTP/1.0\r\nHost: 127.0.0.1\r\n\r\n").expect("written");
        let mut text = String::new();
        stream.read_to_string(&mut text).expect("read");
        let body = text.rsplit("\r\n\r\n").next().unwrap_or_default();
        let counts: serde_json::Value = serde_json::from_str(body).expect("JSON");
        ["/contoso/oauth2/v2.0/token", "/google/token"].iter().filter_map(|path| counts[path].as_u64()).sum()
    }

    /// What it complained of.
    pub fn log(&self) -> String {
        fs::read_to_string(self.keys.path().join("provider.log")).unwrap_or_default()
    }

    /// A server that takes its tokens: an app's for any mailbox, a person's for its own.
    pub fn dovecot(&self) -> Dovecot {
        let keys = self.keys.path().display().to_string();
        let local = format!("introspection_mode = local\nlocal_validation_key_dict = fs:posix:prefix={keys}/\n");
        // Both sides of the comparison become constant, so any mailbox opens; only apps' tokens have the scope.
        let app = "username_attribute = iss\nusername_format = any\nscope = https://outlook.office365.com/.default\n";
        let extra: String = [("person", "username_attribute = email\nusername_format = %u\n"), ("app", app)]
            .iter()
            .map(|(name, more)| {
                let file = self.keys.path().join(format!("{name}.conf"));
                fs::write(&file, format!("{local}{more}")).expect("written");
                readable(&file);
                format!(
                    "passdb {{\n driver = oauth2\n mechanisms = xoauth2 oauthbearer\n args = {}\n}}\n",
                    file.display()
                )
            })
            .collect();
        let extra = format!("auth_mechanisms = plain login xoauth2 oauthbearer\n{extra}");
        Dovecot::start(Options { extra, ..Options::sdbox() })
    }

    /// A real browser without a screen, to be opened as the system's; none where there is none.
    #[expect(clippy::print_stderr, reason = "a skipped test says so")]
    pub fn chromium(&self) -> Option<String> {
        let installed = Command::new("chromium").arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
        if installed.is_err() {
            eprintln!("skipped: no chromium (tests/run.sh installs it)");
            return None;
        }
        // A new one for each person: a browser that is signed in already would go on as who it was.
        let profiles = self.keys.path();
        let flags = "--headless=new --no-sandbox --disable-gpu --disable-dev-shm-usage --no-first-run";
        let budget = "--virtual-time-budget=30000 --dump-dom";
        let text = format!(
            "#!/bin/sh\nexec chromium {flags} --user-data-dir=\"$(mktemp -d -p {})\" {budget} \"$1\" >{} 2>&1\n",
            profiles.display(),
            self.keys.path().join("chromium.log").display()
        );
        Some(self.program("chromium", &text))
    }

    /// A program that plays a person's browser: it signs in as `login`, or refuses.
    pub fn browser(&self, login: &str, deny: bool) -> String {
        let (script, deny) = (folder().join("person.mjs"), if deny { "deny" } else { "" });
        let text = format!("#!/bin/sh\nexec node {} \"$1\" {login} {deny} >/dev/null 2>&1\n", script.display());
        self.program(&format!("browser-{login}"), &text)
    }

    fn program(&self, name: &str, text: &str) -> String {
        let file = self.keys.path().join(name);
        fs::write(&file, text).expect("written");
        readable(&file);
        file.display().to_string()
    }
}

impl Drop for Oidc {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        let _ = self.child.wait();
    }
}

/// Posts a form to this port; `host` is the one that it is told.
pub fn ask((port, host): (u16, u16), path: &str, form: &str) -> HttpAnswer {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).expect("the provider listens");
    let head = format!(
        "POST {path} HTTP/1.0\r\nHost: 127.0.0.1:{host}\r\nContent-Type: application/x-www-form-urlencoded\r\n\
         Content-Length: {}\r\n\r\n{form}",
        form.len()
    );
    stream.write_all(head.as_bytes()).expect("written");
    let mut text = String::new();
    stream.read_to_string(&mut text).expect("read");
    let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("a status");
    HttpAnswer::new(status, body)
}

/// Dovecot reads it as another user.
fn readable(path: &Path) {
    #[cfg(unix)]
    fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(0o755)).expect("permissions");
    #[cfg(not(unix))]
    let _ = path;
}

/// The key of a service account, made of the app's key.
pub fn service_json() -> String {
    let pem = fs::read_to_string(app_pem()).expect("the test's certificate");
    let key = pem.split_inclusive("-----END PRIVATE KEY-----\n").next().unwrap_or_default();
    serde_json::json!({
        "type": "service_account", "client_email": "svc@p.iam.gserviceaccount.com", "private_key_id": "k1", "private_key": key,
    })
    .to_string()
}
