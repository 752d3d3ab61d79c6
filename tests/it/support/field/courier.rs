//! Courier's server, each connection a process of its own, behind a login that lets everybody in.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::{Kind, Server};
use crate::support::courier;

/// Ends the listening, and removes the folder.
struct Runs {
    home: PathBuf,
    ended: Arc<AtomicBool>,
    port: u16,
}

impl Drop for Runs {
    fn drop(&mut self) {
        self.ended.store(true, Ordering::SeqCst);
        let _ = TcpStream::connect(("127.0.0.1", self.port));
        let _ = fs::remove_dir_all(&self.home);
    }
}

pub(super) fn start() -> Server {
    let home = super::new_folder();
    for part in ["cur", "new", "tmp"] {
        fs::create_dir_all(home.join("Maildir").join(part)).expect("a folder");
    }
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("its address").port();
    let ended = Arc::new(AtomicBool::new(false));
    let runs = Runs { home: home.clone(), ended: Arc::clone(&ended), port };
    let accept = move || {
        for client in listener.incoming() {
            if ended.load(Ordering::SeqCst) {
                break;
            }
            let (client, home) = (client.expect("a connection"), home.clone());
            let serve = move || drop(serve(client, &home));
            std::thread::Builder::new().name("courier-session".into()).spawn(serve).expect("a thread");
        }
    };
    std::thread::Builder::new().name("courier".into()).spawn(accept).expect("a thread");
    Server { kind: Kind::Courier, port, user: "anna".into(), _runs: Box::new(runs) }
}

/// Greets, takes any login, and hands the connection over.
fn serve(client: TcpStream, home: &Path) -> std::io::Result<()> {
    let mut to = client.try_clone()?;
    to.write_all(b"* OK [CAPABILITY IMAP4rev1] hello\r\n")?;
    // Nothing is read ahead: what follows the login is Courier's.
    let mut from = BufReader::with_capacity(1, client.try_clone()?);
    loop {
        let mut line = String::new();
        if from.read_line(&mut line)? == 0 {
            return Ok(());
        }
        let mut words = line.split_whitespace();
        let tag = words.next().unwrap_or("*").to_owned();
        if words.next().is_some_and(|verb| verb.eq_ignore_ascii_case("LOGIN")) {
            to.write_all(format!("{tag} OK in\r\n").as_bytes())?;
            break;
        }
        let answer = format!("* CAPABILITY IMAP4rev1 UIDPLUS CHILDREN NAMESPACE\r\n{tag} OK done\r\n");
        to.write_all(answer.as_bytes())?;
    }
    let mut child = courier::command(home)
        .stdin(Stdio::from(OwnedFd::from(client.try_clone()?)))
        .stdout(Stdio::from(OwnedFd::from(client)))
        .spawn()?;
    drop((to, from));
    child.wait().map(drop)
}
