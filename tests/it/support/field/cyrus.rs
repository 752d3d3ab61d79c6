//! Cyrus, whose passwords a daemon of the tests confirms.

use std::fs;
use std::io::{Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{UnixListener, UnixStream};

use super::{Kept, Kind, PASSWORD, Server, free_port, new_folder, owner};
use crate::support::unpacked;

pub(super) fn start() -> Server {
    let (folder, port) = (new_folder(), free_port());
    for part in ["conf/db", "conf/socket", "conf/ptclient", "spool", "run/proc", "run/lock", "sieve"] {
        fs::create_dir_all(folder.join(part)).expect("a folder");
    }
    let listener = UnixListener::bind(folder.join("mux")).expect("a socket");
    std::thread::Builder::new().name("saslauthd".into()).spawn(move || confirm(&listener)).expect("a thread");
    let owner = owner(&folder);
    fs::set_permissions(folder.join("mux"), fs::Permissions::from_mode(0o777)).expect("permissions");
    let (at, bin) = (folder.display(), unpacked::root("cyrus").join("usr/lib/cyrus/bin"));
    let settings = format!(
        "configdirectory: {at}/conf\ndefaultpartition: default\npartition-default: {at}/spool\nproc_path: {at}/run/proc\n\
         mboxname_lockpath: {at}/run/lock\nlmtpsocket: {at}/conf/socket/lmtp\nidlesocket: {at}/conf/socket/idle\n\
         notifysocket: {at}/conf/socket/notify\nsievedir: {at}/sieve\ncyrus_user: {}\ncyrus_group: {}\nadmins: cyrus\n\
         servername: localhost\nvirtdomains: off\nunixhierarchysep: no\naltnamespace: no\nallowplaintext: yes\n\
         sasl_pwcheck_method: saslauthd\nsasl_saslauthd_path: {at}/mux\nsasl_mech_list: PLAIN\nautocreate_quota: 0\n\
         autocreate_post: yes\nspecialusealways: 1\npopminpoll: 0\nmaxlogins_per_host: 0\nmaxlogins_per_user: 0\n\
         reject8bit: no\nmunge8bit: no\nskip_fsync: yes\n",
        owner.name, owner.group
    );
    let settings_file = folder.join("imapd.conf");
    fs::write(&settings_file, settings).expect("written");
    let services = format!(
        "START {{\n recover cmd=\"{bin}/ctl_cyrusdb -C {at}/imapd.conf -r\"\n}}\nSERVICES {{\n imap \
         cmd=\"{bin}/imapd -C {at}/imapd.conf -U 50\" listen=\"127.0.0.1:{port}\" prefork=1 maxchild=50\n}}\nEVENTS {{\n}}\n",
        bin = bin.display()
    );
    let services_file = folder.join("cyrus.conf");
    fs::write(&services_file, services).expect("written");
    let text = |path: &std::path::Path| path.display().to_string();
    let pid = folder.join("pid");
    let arguments = [text(&settings_file), text(&services_file), text(&pid)];
    let arguments = ["-C", &arguments[0], "-M", &arguments[1], "-p", &arguments[2]];
    let environment = [("LD_LIBRARY_PATH", unpacked::libraries("cyrus"))];
    let runs = Kept::run(&bin.join("master"), &arguments, &environment, folder).listens(port);
    Server { kind: Kind::Cyrus, port, user: "anna".into(), _runs: Box::new(runs) }
}

/// What `saslauthd` does: name, password, service and realm come with their lengths; everybody has one password.
fn confirm(listener: &UnixListener) {
    let one = |mut asks: UnixStream| -> std::io::Result<()> {
        let mut told = Vec::new();
        for _ in 0..4 {
            let mut length = [0; 2];
            asks.read_exact(&mut length)?;
            let mut text = vec![0; usize::from(u16::from_be_bytes(length))];
            asks.read_exact(&mut text)?;
            told.push(text);
        }
        let answer: &[u8] = if told[1] == PASSWORD.as_bytes() { b"\0\x02OK" } else { b"\0\x02NO" };
        asks.write_all(answer)
    };
    for asks in listener.incoming() {
        let Ok(asks) = asks else { return };
        let _ = one(asks);
    }
}
