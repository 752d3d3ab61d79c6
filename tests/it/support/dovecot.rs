//! Starts private Dovecot servers: loopback only, own folder, own ports, any user name, gone with the test process.
//!
//! A shell holds the server and waits for the end of its standard input, which is a pipe of this process: however the
//! process ends (normally, by a panic, by SIGKILL), the pipe closes, the shell ends Dovecot and removes the folder.
//! Blocks while a server starts; bounded by [`START_TRIES`].

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::{RecvTimeoutError, sync_channel};
use std::time::Duration;

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};

use super::imap::Imap;

/// Password of every user.
pub const PASSWORD: &str = "pass";
/// The administrator: `LOGIN user*master masterpass`, or AUTHENTICATE PLAIN with an authorization identity.
pub const MASTER: &str = "master";
/// The administrator's password.
pub const MASTER_PASSWORD: &str = "masterpass";

/// Ports are chosen before Dovecot binds them, so another process may be quicker.
const START_TRIES: usize = 10;
/// A server that is not up after this is broken.
const START_LIMIT: Duration = Duration::from_secs(20);

/// How mail is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Dovecot's own single-file format, folders in folders.
    Sdbox,
    /// Maildir++.
    Maildir,
}

/// What a server is like.
#[derive(Clone, Debug)]
pub struct Options {
    /// How mail is kept.
    pub format: Format,
    /// Hierarchy separator.
    pub separator: char,
    /// Namespace prefix, e.g. `INBOX.`.
    pub prefix: String,
    /// Storage limit of a user, e.g. `5M`.
    pub quota: Option<String>,
    /// Connections per user and address.
    pub connections: Option<u32>,
    /// Folders with a role, named without the prefix: `("Sent", "\\Sent")`.
    pub special_use: Vec<(String, String)>,
    /// More lines for the configuration.
    pub extra: String,
}

impl Options {
    /// `sdbox`, separator `/`, no prefix.
    pub fn sdbox() -> Self {
        let roles = [
            ("Sent", "\\Sent"),
            ("Drafts", "\\Drafts"),
            ("Trash", "\\Trash"),
            ("Junk", "\\Junk"),
            ("Archive", "\\Archive"),
        ];
        Options {
            format: Format::Sdbox,
            separator: '/',
            prefix: String::new(),
            quota: None,
            connections: None,
            special_use: roles.map(|(folder, role)| (folder.into(), role.into())).into(),
            extra: String::new(),
        }
    }

    /// `maildir`, separator `.`, prefix `INBOX.`.
    pub fn maildir() -> Self {
        Options { format: Format::Maildir, separator: '.', prefix: "INBOX.".into(), ..Options::sdbox() }
    }
}

/// The certificates of a server.
pub struct Certificates {
    /// The authority's certificate, PEM: what a user would hand over as "CA file".
    pub ca_pem: PathBuf,
    /// The server's own certificate, PEM.
    pub leaf_pem: PathBuf,
    /// SHA-256 of the server's certificate (DER), lower-case hex.
    pub leaf_sha256: String,
}

/// A running server. Dropping it ends it and removes its folder.
pub struct Dovecot {
    /// Plain text and STARTTLS.
    pub plain_port: u16,
    /// TLS from the first byte.
    pub tls_port: u16,
    /// What it was started with.
    pub options: Options,
    /// Its certificates, for `localhost` and `127.0.0.1`.
    pub certificates: Certificates,
    dir: PathBuf,
    keeper: Child,
}

/// Whether a server can be started here. On Debian and its kin Dovecot is a requirement, so its absence fails the test;
/// elsewhere the test is named as skipped.
#[expect(clippy::print_stderr, reason = "a skipped test says so")]
pub fn available() -> bool {
    if program().is_some() {
        return true;
    }
    assert!(
        !Path::new("/etc/debian_version").exists(),
        "Dovecot is not installed: these tests need it (tests/run.sh installs it: apt-get install dovecot-imapd)"
    );
    let test = std::thread::current().name().unwrap_or("a test").to_owned();
    eprintln!("skipped: {test} (no Dovecot on this system)");
    false
}

/// The server of this kind that all tests of the binary share; use own user names ([`Dovecot::user`]).
pub fn shared(format: Format) -> &'static Dovecot {
    static SDBOX: OnceLock<Dovecot> = OnceLock::new();
    static MAILDIR: OnceLock<Dovecot> = OnceLock::new();
    match format {
        Format::Sdbox => SDBOX.get_or_init(|| Dovecot::start(Options::sdbox())),
        Format::Maildir => MAILDIR.get_or_init(|| Dovecot::start(Options::maildir())),
    }
}

/// A second shared server of this kind: the other side of a move between like servers.
pub fn shared_twin(format: Format) -> &'static Dovecot {
    static SDBOX: OnceLock<Dovecot> = OnceLock::new();
    static MAILDIR: OnceLock<Dovecot> = OnceLock::new();
    match format {
        Format::Sdbox => SDBOX.get_or_init(|| Dovecot::start(Options::sdbox())),
        Format::Maildir => MAILDIR.get_or_init(|| Dovecot::start(Options::maildir())),
    }
}

fn program() -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let places = std::env::split_paths(&path).chain(["/usr/sbin".into(), "/usr/local/sbin".into()]);
    places.map(|place| place.join("dovecot")).find(|file| cfg!(unix) && file.is_file())
}

impl Dovecot {
    /// Starts a server and waits until it listens.
    pub fn start(options: Options) -> Dovecot {
        let base = if fs::metadata("/dev/shm").is_ok_and(|m| !m.permissions().readonly()) {
            PathBuf::from("/dev/shm")
        } else {
            std::env::temp_dir()
        };
        let dir = tempfile::Builder::new().prefix("mailferry-it-").tempdir_in(base).expect("a folder for the server");
        let dir = dir.keep();
        let certificates = make_certificates(&dir);
        let mut log = String::new();
        for _ in 0..START_TRIES {
            let ports = [free_port(), free_port()];
            write_configuration(&dir, &options, ports);
            match keep(&dir) {
                Ok(keeper) => {
                    let [plain_port, tls_port] = ports;
                    let server = Dovecot { plain_port, tls_port, options, certificates, dir, keeper };
                    server.greeting();
                    return server;
                }
                Err(said) => log = said,
            }
        }
        let _ = fs::remove_dir_all(&dir);
        panic!("Dovecot did not start:\n{log}");
    }

    /// A user name no other test uses.
    pub fn user(&self, hint: &str) -> String {
        static NEXT: AtomicU32 = AtomicU32::new(1);
        format!("{hint}-{}", NEXT.fetch_add(1, Ordering::Relaxed))
    }

    /// A raw connection, logged in as this user.
    pub fn login(&self, user: &str) -> Imap {
        Imap::login(self.plain_port, user, PASSWORD)
    }

    /// Where a user's mail is kept, for tests that look at or change the store behind the server's back.
    pub fn home(&self, user: &str) -> PathBuf {
        self.dir.join("mail").join(user)
    }

    /// Something in the server's own folder.
    pub(super) fn place(&self, name: &str) -> PathBuf {
        self.dir.join(name)
    }

    /// The processes that serve its plain sessions now. Idle ones that wait for the next session are not among them.
    pub fn serving(&self) -> Vec<String> {
        let port = format!(":{:04X}", self.plain_port);
        let table = fs::read_to_string("/proc/net/tcp").expect("connections");
        let established = |line: &str| {
            let columns: Vec<&str> = line.split_whitespace().collect();
            let inode = columns.get(9).filter(|_| columns[1].ends_with(&port) && columns[3] == "01")?;
            Some(format!("socket:[{inode}]"))
        };
        let sockets: Vec<String> = table.lines().filter_map(established).collect();
        let serves = |pid: &String| {
            let open = fs::read_dir(format!("/proc/{pid}/fd")).into_iter().flatten().flatten();
            let mut open = open.filter_map(|fd| fs::read_link(fd.path()).ok());
            let name = fs::read_to_string(format!("/proc/{pid}/comm")).unwrap_or_default();
            name.trim() == "imap" && open.any(|to| sockets.contains(&to.display().to_string()))
        };
        let processes = fs::read_dir("/proc").expect("processes").flatten();
        processes.map(|entry| entry.file_name().to_string_lossy().into_owned()).filter(serves).collect()
    }

    /// What the server logged so far.
    pub fn log(&self) -> String {
        fs::read_to_string(self.dir.join("dovecot.log")).unwrap_or_default()
    }

    /// The full wire name of a folder given by its components (encoded, prefixed; `INBOX` stays).
    pub fn wire_name(&self, components: &[&str]) -> String {
        if components == ["INBOX"] {
            return "INBOX".into();
        }
        let encoded: Vec<String> = components.iter().map(|part| super::imap::to_utf7(part)).collect();
        format!("{}{}", self.options.prefix, encoded.join(&self.options.separator.to_string()))
    }

    /// The first answer may take longer than all others: the login process starts.
    fn greeting(&self) {
        let stream = TcpStream::connect(("127.0.0.1", self.plain_port)).expect("the server listens");
        stream.set_read_timeout(Some(START_LIMIT)).expect("a time-out can be set");
        let mut line = String::new();
        BufReader::new(stream).read_line(&mut line).expect("a greeting");
        assert!(line.starts_with("* OK "), "unexpected greeting {line:?}\n{}", self.log());
    }
}

impl Drop for Dovecot {
    fn drop(&mut self) {
        drop(self.keeper.stdin.take());
        let _ = self.keeper.wait();
        let _ = fs::remove_dir_all(&self.dir);
    }
}

fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.local_addr().expect("its address").port()
}

/// Starts the keeper and waits for Dovecot's own word that it listens; gives back its log when it does not.
fn keep(dir: &Path) -> Result<Child, String> {
    let script = r#"
        "$1" -F -c "$2/dovecot.conf" </dev/null & server=$!
        # The reading end of this process' pipe ends when the tests do; the server's own end is watched the same way.
        ( exec 2>/dev/null; cat >/dev/null; kill "$server" ) <&3 & watcher=$!
        exec 3<&-
        wait "$server" 2>/dev/null; result=$?
        kill "$watcher" 2>/dev/null
        [ -e "$2/up" ] && rm -rf "$2"
        exit "$result""#;
    let mut command = Command::new("sh");
    command.args(["-c", &format!("exec 3<&0\n{script}"), "keeper"]).arg(program().expect("Dovecot")).arg(dir);
    command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped());
    #[cfg(unix)]
    std::os::unix::process::CommandExt::process_group(&mut command, 0);
    let mut keeper = command.spawn().expect("a shell");
    let stderr = keeper.stderr.take().expect("its standard error");
    let (up, is_up) = sync_channel(1);
    let mut log = fs::File::create(dir.join("dovecot.log")).expect("a log");
    let reader = std::thread::Builder::new().name("dovecot-log".into());
    reader
        .spawn(move || {
            for line in BufReader::new(stderr).split(b'\n').map_while(Result::ok) {
                let _ = log.write_all(&line).and_then(|()| log.write_all(b"\n"));
                if line.windows(11).any(|part| part == b"starting up") {
                    let _ = up.try_send(());
                }
            }
        })
        .expect("a thread");
    match is_up.recv_timeout(START_LIMIT) {
        Ok(()) => {
            fs::write(dir.join("up"), "").expect("a mark");
            Ok(keeper)
        }
        Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => {
            drop(keeper.stdin.take());
            let _ = keeper.wait();
            Err(fs::read_to_string(dir.join("dovecot.log")).unwrap_or_default())
        }
    }
}

/// An authority and a certificate for this machine, signed by it.
fn make_certificates(dir: &Path) -> Certificates {
    let authority_key = KeyPair::generate().expect("a key");
    let mut authority = CertificateParams::new(Vec::new()).expect("parameters");
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    authority.distinguished_name.push(DnType::CommonName, "Mailferry test authority");
    let authority_certificate = authority.self_signed(&authority_key).expect("a certificate");
    let key = KeyPair::generate().expect("a key");
    let mut leaf = CertificateParams::new(vec!["localhost".into(), "127.0.0.1".into()]).expect("parameters");
    leaf.distinguished_name.push(DnType::CommonName, "localhost");
    let leaf = leaf.signed_by(&key, &Issuer::new(authority, authority_key)).expect("a certificate");

    let (ca_pem, leaf_pem) = (dir.join("ca.pem"), dir.join("leaf.pem"));
    fs::write(&ca_pem, authority_certificate.pem()).expect("written");
    fs::write(&leaf_pem, leaf.pem()).expect("written");
    fs::write(dir.join("key.pem"), key.serialize_pem()).expect("written");
    Certificates { ca_pem, leaf_pem, leaf_sha256: super::imap::sha256_hex(leaf.der()) }
}

/// Who runs what: as root Dovecot wants its own unprivileged users, else all is the caller's.
struct Owner {
    mail: String,
    login: String,
    internal: String,
    internal_group: String,
    chroot: &'static str,
}

fn owner(dir: &Path) -> Owner {
    let id = |args: &[&str]| {
        let mut text = String::new();
        let child = Command::new("id").args(args).stdout(Stdio::piped()).stderr(Stdio::null()).spawn();
        let mut child = child.expect("id");
        child.stdout.take().expect("its output").read_to_string(&mut text).expect("its text");
        let _ = child.wait();
        text.trim().to_owned()
    };
    if id(&["-u"]) != "0" {
        let (me, group) = (id(&["-un"]), id(&["-gn"]));
        let mail = format!("mail_uid = {}\nmail_gid = {}", id(&["-u"]), id(&["-g"]));
        return Owner { mail, login: me.clone(), internal: me, internal_group: group, chroot: "" };
    }
    #[cfg(unix)]
    {
        use std::os::unix::fs::{PermissionsExt, chown};
        fs::set_permissions(dir, fs::Permissions::from_mode(0o711)).expect("permissions");
        chown(dir.join("mail"), Some(5000), Some(5000)).expect("owner");
    }
    let known = |name: &str| if id(&["-u", name]).is_empty() { "nobody".to_owned() } else { name.to_owned() };
    let internal = known("dovecot");
    Owner {
        mail: "mail_uid = 5000\nmail_gid = 5000".into(),
        login: known("dovenull"),
        internal_group: id(&["-gn", &internal]),
        internal,
        chroot: "login",
    }
}

fn write_configuration(dir: &Path, options: &Options, [plain_port, tls_port]: [u16; 2]) {
    for part in ["run", "mail", "state"] {
        fs::create_dir_all(dir.join(part)).expect("a folder");
    }
    fs::write(dir.join("masters"), format!("{MASTER}:{{PLAIN}}{MASTER_PASSWORD}::::::\n")).expect("written");
    let owner = owner(dir);
    let place = match options.format {
        Format::Sdbox => "sdbox:~/sdbox",
        Format::Maildir => "maildir:~/Maildir",
    };
    let (mut plugins, mut imap_plugins, mut quota) = ("listescape", "", String::new());
    if let Some(limit) = &options.quota {
        (plugins, imap_plugins) = ("listescape quota", "imap_quota");
        quota = format!(
            "plugin {{\n quota = count:User quota\n quota_rule = *:storage={limit}\n quota_vsizes = yes\n quota_grace = 0\n}}"
        );
    }
    let special: String = options
        .special_use
        .iter()
        .map(|(folder, role)| format!(" mailbox \"{folder}\" {{\n  special_use = {role}\n }}\n"))
        .collect();
    let configuration = format!(
        r#"base_dir = {dir}/run
state_dir = {dir}/state
instance_name = mailferry-it-{plain_port}
log_path = /dev/stderr
protocols = imap
listen = 127.0.0.1
default_internal_user = {internal}
default_internal_group = {internal_group}
default_login_user = {login}
default_process_limit = 2000
default_client_limit = 8000
default_vsz_limit = 0
first_valid_uid = 1
first_valid_gid = 1
{mail}
mail_home = {dir}/mail/%u
mail_location = {place}
mail_fsync = never
mail_max_keyword_length = 200
mail_plugins = {plugins}
mailbox_list_index = yes
ssl = yes
ssl_cert = <{dir}/leaf.pem
ssl_key = <{dir}/key.pem
ssl_dh =
disable_plaintext_auth = no
auth_mechanisms = plain login
auth_master_user_separator = *
auth_username_format = %u
auth_failure_delay = 0
auth_cache_size = 0
passdb {{
 driver = passwd-file
 args = {dir}/masters
 master = yes
}}
passdb {{
 driver = static
 args = password={PASSWORD}
}}
userdb {{
 driver = static
 args = home={dir}/mail/%u allow_all_users=yes
}}
namespace inbox {{
 inbox = yes
 prefix = {prefix}
 separator = {separator}
{special}}}
service anvil {{
 chroot =
 client_limit = 12000
 unix_listener anvil-auth-penalty {{
  mode = 0
 }}
}}
service stats {{
 chroot =
 client_limit = 12000
}}
service auth {{
 client_limit = 12000
 unix_listener auth-userdb {{
  mode = 0666
 }}
}}
service imap-login {{
 chroot = {chroot}
 service_count = 0
 process_min_avail = 1
 inet_listener imap {{
  address = 127.0.0.1
  port = {plain_port}
 }}
 inet_listener imaps {{
  address = 127.0.0.1
  port = {tls_port}
  ssl = yes
 }}
}}
service imap {{
 service_count = 200
 process_limit = 2000
}}
protocol imap {{
 mail_plugins = $mail_plugins {imap_plugins}
 mail_max_userip_connections = {connections}
 imap_max_line_length = 1M
}}
{quota}
{extra}
"#,
        dir = dir.display(),
        internal = owner.internal,
        internal_group = owner.internal_group,
        login = owner.login,
        mail = owner.mail,
        chroot = owner.chroot,
        prefix = options.prefix,
        separator = options.separator,
        connections = options.connections.unwrap_or(1000),
        extra = options.extra,
    );
    fs::write(dir.join("dovecot.conf"), configuration).expect("written");
}
