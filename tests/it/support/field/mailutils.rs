//! GNU Mailutils: `imap4d` over a folder of Maildirs.

use std::fs;

use rcgen::{CertificateParams, KeyPair};

use super::{Kept, Kind, PASSWORD, Server, free_port, new_folder, owner};
use crate::support::unpacked;

pub(super) fn start() -> Server {
    let (folder, port) = (new_folder(), free_port());
    for part in ["home/anna", "spool", "domains"] {
        fs::create_dir_all(folder.join(part)).expect("a folder");
    }
    let key = KeyPair::generate().expect("a key");
    let certificate = CertificateParams::new(vec!["localhost".into()]).expect("parameters");
    let certificate = certificate.self_signed(&key).expect("a certificate");
    fs::write(folder.join("cert.pem"), certificate.pem()).expect("written");
    fs::write(folder.join("key.pem"), key.serialize_pem()).expect("written");
    let owner = owner(&folder);
    let at = folder.display();
    let crypt = std::process::Command::new("openssl").args(["passwd", "-1", PASSWORD]).output().expect("openssl");
    let crypt = String::from_utf8(crypt.stdout).expect("text");
    let account = format!("anna:{}:{}:{}::{at}/home/anna:/bin/sh\n", crypt.trim(), owner.uid, owner.gid);
    fs::write(folder.join("domains/old.example"), account).expect("written");
    let configuration = format!(
        r#"mode daemon; foreground yes; max-children 50;
tcp-wrappers {{ enable no; }};
virtdomain {{ passwd-dir "{at}/domains"; }};
auth {{ authorization "clear"; authorization "virtdomain"; authentication "clear"; authentication "generic"; }};
mailbox {{ mail-spool "maildir:{at}/spool"; mailbox-type maildir; }};
logging {{ syslog no; }};
tls-file-checks {{ key-file none; cert-file none; }};
tls {{ ssl-certificate-file "{at}/cert.pem"; ssl-key-file "{at}/key.pem"; }};
tls-mode ondemand;
server 127.0.0.1:{port} {{ tls-mode ondemand; }};
"#
    );
    let file = folder.join("configuration");
    fs::write(&file, configuration).expect("written");
    let program = unpacked::root("mailutils").join("usr/sbin/imap4d");
    let argument = format!("--config-file={}", file.display());
    let environment = [("LD_LIBRARY_PATH", unpacked::libraries("mailutils"))];
    let runs = Kept::run(&program, &[&argument], &environment, folder).listens(port);
    Server { kind: Kind::Mailutils, port, user: "anna@old.example".into(), _runs: Box::new(runs) }
}
