//! Gives the users of a running Dovecot another quota, or it another certificate, as an administrator does.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::process::Command;
use std::time::Instant;

use super::dovecot::{Dovecot, PASSWORD};
use super::relay::PATIENCE;

impl Dovecot {
    /// From now on this is everybody's limit, e.g. `50M`. Returns when this user has it.
    pub fn set_quota(&self, limit: &str, user: &str) {
        let file = self.place("dovecot.conf");
        let text = fs::read_to_string(&file).expect("a configuration");
        let (before, rest) = text.split_once("storage=").expect("a quota");
        let (_, after) = rest.split_once('\n').expect("more lines");
        fs::write(&file, format!("{before}storage={limit}\n{after}")).expect("written");
        self.reload();
        let number: u64 = limit.trim_end_matches('M').parse().expect("megabytes");
        let expected = format!(" {})", number * 1024);
        let deadline = Instant::now() + PATIENCE;
        // While it reads its configuration anew it may hang up.
        while !self.quota(user).is_ok_and(|told| told.contains(&expected)) {
            assert!(Instant::now() < deadline, "{:?}", self.quota(user));
        }
    }

    /// From now on it shows these, for connections that come. Returns at once.
    pub fn show_certificate(&self, [leaf, key]: [&[u8]; 2]) {
        fs::write(self.place("leaf.pem"), leaf).expect("written");
        fs::write(self.place("key.pem"), key).expect("written");
        self.reload();
    }

    /// Its certificate and key, as it was started with them.
    pub fn certificate_files(&self) -> [Vec<u8>; 2] {
        ["leaf.pem", "key.pem"].map(|name| fs::read(self.place(name)).expect("readable"))
    }

    fn reload(&self) {
        let master = fs::read_to_string(self.place("run").join("master.pid")).expect("its number");
        let told = Command::new("kill").args(["-HUP", master.trim()]).status().expect("kill");
        assert!(told.success());
    }

    /// What the server says of a user's quota.
    fn quota(&self, user: &str) -> std::io::Result<String> {
        let mut stream = TcpStream::connect(("127.0.0.1", self.plain_port))?;
        stream.set_read_timeout(Some(PATIENCE))?;
        write!(stream, "a LOGIN {user} {PASSWORD}\r\nb GETQUOTAROOT INBOX\r\nc LOGOUT\r\n")?;
        let mut told = String::new();
        stream.read_to_string(&mut told)?;
        Ok(told)
    }
}
