//! A real mail server: Exim with a configuration of its own, run once for each connection. It delivers into the Maildirs of a
//! Dovecot, before it says farewell. Loopback only; gone with the test.

use std::fs;
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use super::dovecot::{Dovecot, PASSWORD};

/// Who may send.
pub const SENDER: &str = "mailer";

/// A running server. Dropping it ends it.
pub struct Exim {
    /// Plain text and STARTTLS.
    pub port: u16,
    /// TLS from the first byte.
    pub tls_port: u16,
    dir: tempfile::TempDir,
    over: Arc<AtomicBool>,
    connections: Arc<AtomicU32>,
}

fn program() -> Option<PathBuf> {
    ["/usr/sbin/exim4", "/usr/sbin/exim"].map(PathBuf::from).into_iter().find(|file| file.is_file())
}

/// Whether it can be run here. On Debian and its kin it is a requirement.
#[expect(clippy::print_stderr, reason = "a skipped test says so")]
pub fn available() -> bool {
    if program().is_some() {
        return super::dovecot::available();
    }
    let needed = "Exim is not installed: tests/run.sh installs it (apt-get install exim4-daemon-light)";
    assert!(!Path::new("/etc/debian_version").exists(), "{needed}");
    eprintln!("skipped: {} (no Exim)", std::thread::current().name().unwrap_or("a test"));
    false
}

impl Exim {
    /// Delivers to the owners of this Dovecot, and refuses others.
    pub fn start(into: &Dovecot) -> Exim {
        Self::start_with(into, "")
    }

    /// The same, and takes tokens that are signed with this key, in the scope of those who may send, in a provider's stead.
    pub fn with_tokens(into: &Dovecot, key: &Path) -> Exim {
        // Beside the key: who checks the token is another user, who may have no way to this project's folder.
        let verifier = key.with_file_name("verify.mjs");
        fs::copy(super::oidc::folder().join("verify.mjs"), &verifier).expect("copied");
        let run = format!("${{run{{/usr/bin/env node {} {} $2}}{{yes}}{{no}}}}", verifier.display(), key.display());
        let authenticator = format!(
            "xoauth2:\n driver = plaintext\n public_name = XOAUTH2\n server_condition = \
             ${{if match{{$auth1}}{{\\N^user=([^\\x01]+)\\x01auth=Bearer ([\\w.-]+)\\x01\\x01$\\N}}{{{run}}}{{no}}}}\n \
             server_set_id = $auth1\n"
        );
        Self::start_with(into, &authenticator)
    }

    fn start_with(into: &Dovecot, authenticator: &str) -> Exim {
        let dir = tempfile::Builder::new().prefix("mailferry-it-").tempdir().expect("a folder");
        let configuration = configure(dir.path(), into, authenticator);
        let over = Arc::new(AtomicBool::new(false));
        let connections = Arc::new(AtomicU32::new(0));
        let listen = |protected: bool| {
            let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
            let port = listener.local_addr().expect("its address").port();
            let (configuration, over, connections) =
                (configuration.clone(), Arc::clone(&over), Arc::clone(&connections));
            let accept = move || {
                for stream in listener.incoming().map_while(Result::ok) {
                    if over.load(Ordering::SeqCst) {
                        return;
                    }
                    connections.fetch_add(1, Ordering::SeqCst);
                    serve(&configuration, stream, protected);
                }
            };
            std::thread::Builder::new().name("exim".into()).spawn(accept).expect("a thread");
            port
        };
        let (port, tls_port) = (listen(false), listen(true));
        Exim { port, tls_port, dir, over, connections }
    }

    /// An address that gets mail, which Dovecot keeps.
    pub fn owner(&self, dovecot: &Dovecot) -> String {
        let address = format!("{}@a.example", dovecot.user("owner"));
        dovecot.login(&address).select("INBOX");
        open_for_delivery(dovecot.home(&address).parent().expect("a folder"), &address);
        address
    }

    /// How often somebody connected.
    pub fn connections(&self) -> u32 {
        self.connections.load(Ordering::SeqCst)
    }

    /// What it logged.
    pub fn log(&self) -> String {
        let logs = ["main", "reject", "panic"].map(|name| self.dir.path().join("log").join(name));
        logs.iter().filter_map(|log| fs::read_to_string(log).ok()).collect()
    }
}

impl Drop for Exim {
    fn drop(&mut self) {
        self.over.store(true, Ordering::SeqCst);
        for port in [self.port, self.tls_port] {
            // Wakes the listener.
            drop(TcpStream::connect(("127.0.0.1", port)));
        }
    }
}

/// One process a connection, as inetd would have it.
fn serve(configuration: &Path, stream: TcpStream, protected: bool) {
    let mut exim = Command::new(program().expect("Exim"));
    exim.arg("-C").arg(configuration).args(["-bs", "-odi"]);
    if protected {
        exim.arg("-tls-on-connect");
    }
    let output = stream.try_clone().expect("a second end");
    let ends = |stream: TcpStream| Stdio::from(std::os::fd::OwnedFd::from(stream));
    let mut child = exim.stdin(ends(stream)).stdout(ends(output)).stderr(Stdio::null()).spawn().expect("Exim");
    let wait = move || drop(child.wait());
    std::thread::Builder::new().name("exim-connection".into()).spawn(wait).expect("a thread");
}

fn configure(dir: &Path, into: &Dovecot, authenticator: &str) -> PathBuf {
    let certificates = into.certificates.leaf_pem.parent().expect("a folder");
    let mail = into.home("x").parent().expect("a folder").to_owned();
    for part in ["spool", "log"] {
        fs::create_dir(dir.join(part)).expect("a folder");
    }
    fs::copy(certificates.join("key.pem"), dir.join("key.pem")).expect("copied");
    let privileges = privileges(dir);
    let text = format!(
        r#"primary_hostname = localhost
spool_directory = {dir}/spool
log_file_path = {dir}/log/%s
disable_ipv6 = true
keep_environment =
local_interfaces = 127.0.0.1
smtp_accept_keepalive = false
rfc1413_hosts =
host_lookup =
tls_advertise_hosts = *
tls_certificate = {certificates}/leaf.pem
tls_privatekey = {dir}/key.pem
acl_smtp_rcpt = rcpt
acl_smtp_data = data
deliver_drop_privilege = true
{privileges}
begin acl
rcpt:
 deny message = log in first
  !authenticated = *
 defer message = greylisted, come back later
  local_parts = ^greylisted
 accept verify = recipient
data:
 accept
begin routers
owner:
 driver = accept
 condition = ${{lookup{{$local_part@$domain}}dsearch,filter=dir{{{mail}}}{{yes}}{{no}}}}
 transport = maildir
begin transports
maildir:
 driver = appendfile
 maildir_format
 mode = 0666
 mode_fail_narrower = false
 create_directory = false
 directory = {mail}/${{lookup{{$local_part@$domain}}dsearch,filter=dir{{{mail}}}}}/Maildir
begin authenticators
plain:
 driver = plaintext
 public_name = PLAIN
 server_condition = ${{if and{{{{eq{{$auth2}}{{{SENDER}}}}}{{eq{{$auth3}}{{{PASSWORD}}}}}}}}}
 server_set_id = $auth2
{authenticator}"#,
        dir = dir.display(),
        certificates = certificates.display(),
        mail = mail.display(),
    );
    let file = dir.join("exim.conf");
    fs::write(&file, text).expect("written");
    file
}

/// What Exim itself runs as: its own user if root starts it, else whoever runs the tests. It delivers as the same.
fn privileges(dir: &Path) -> String {
    if !is_root() {
        return format!("exim_user = {}\nexim_group = {}", id(&["-un"]), id(&["-gn"]));
    }
    #[cfg(unix)]
    {
        use std::os::unix::fs::{PermissionsExt, chown};
        let uid = id(&["-u", "Debian-exim"]).parse().expect("a number");
        fs::set_permissions(dir, fs::Permissions::from_mode(0o755)).expect("permissions");
        for part in ["spool", "log", "key.pem"] {
            chown(dir.join(part), Some(uid), None).expect("owner");
        }
    }
    String::new()
}

fn is_root() -> bool {
    id(&["-u"]) == "0"
}

fn id(arguments: &[&str]) -> String {
    let output = Command::new("id").args(arguments).output().expect("id").stdout;
    String::from_utf8_lossy(&output).trim().to_owned()
}

/// Lets Exim deliver into the Maildir of a user, which belongs to somebody else where root runs the tests.
fn open_for_delivery(mail: &Path, address: &str) {
    #[cfg(unix)]
    if is_root() {
        use std::os::unix::fs::PermissionsExt;
        let allow =
            |path: &Path, mode| fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("permissions");
        allow(mail, 0o755);
        let home = mail.join(address);
        allow(&home, 0o711);
        allow(&home.join("Maildir"), 0o711);
        for part in ["new", "cur", "tmp"] {
            allow(&home.join("Maildir").join(part), 0o777);
        }
    }
}
