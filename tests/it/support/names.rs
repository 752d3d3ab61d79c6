//! A name server of a test's own: loopback, UDP, MX and SRV records from a table, nothing else.

use std::net::{SocketAddr, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// A record.
#[derive(Clone, Debug)]
pub enum Record {
    /// Preference and host.
    Mx(u16, &'static str),
    /// Priority, weight, port, host.
    Srv(u16, u16, u16, &'static str),
    /// Bytes that are none.
    Raw(u16, Vec<u8>),
}

impl Record {
    fn kind(&self) -> u16 {
        match self {
            Self::Mx(..) => 15,
            Self::Srv(..) => 33,
            Self::Raw(kind, _) => *kind,
        }
    }

    fn data(&self) -> Vec<u8> {
        match self {
            Self::Mx(preference, host) => [&preference.to_be_bytes()[..], &name(host)].concat(),
            Self::Srv(priority, weight, port, host) => {
                let numbers = [priority, weight, port].map(|number| number.to_be_bytes()).concat();
                [numbers, name(host)].concat()
            }
            Self::Raw(_, bytes) => bytes.clone(),
        }
    }
}

/// Labels with their lengths; `.` is the root.
fn name(host: &str) -> Vec<u8> {
    let labels = host.split('.').filter(|label| !label.is_empty());
    let mut bytes: Vec<u8> = labels.flat_map(|label| [&[label.len() as u8][..], label.as_bytes()].concat()).collect();
    bytes.push(0);
    bytes
}

/// The name in a question that begins here, in lower case, and where it ends.
fn question(packet: &[u8]) -> Option<(String, usize)> {
    let (mut labels, mut at) = (Vec::new(), 12);
    loop {
        let length = usize::from(*packet.get(at)?);
        at += 1;
        if length == 0 {
            return Some((labels.join("."), at));
        }
        labels.push(String::from_utf8_lossy(packet.get(at..at + length)?).to_ascii_lowercase());
        at += length;
    }
}

/// A running one. Dropping it ends it.
pub struct NameServer {
    /// Where it listens.
    pub address: SocketAddr,
    over: Arc<AtomicBool>,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl NameServer {
    /// With these records; all other names do not exist.
    pub fn start(records: Vec<(&'static str, Record)>) -> NameServer {
        let socket = UdpSocket::bind("127.0.0.1:0").expect("a free port");
        socket.set_read_timeout(Some(Duration::from_millis(50))).expect("a time-out");
        let address = socket.local_addr().expect("its address");
        let over = Arc::new(AtomicBool::new(false));
        let end = Arc::clone(&over);
        let serve = move || {
            let mut packet = [0; 1500];
            while !end.load(Ordering::SeqCst) {
                let Ok((length, from)) = socket.recv_from(&mut packet) else { continue };
                if let Some(answer) = answer(&packet[..length], &records) {
                    let _ = socket.send_to(&answer, from);
                }
            }
        };
        let thread = std::thread::Builder::new().name("name-server".into()).spawn(serve).expect("a thread");
        NameServer { address, over, thread: Some(thread) }
    }
}

fn answer(packet: &[u8], records: &[(&'static str, Record)]) -> Option<Vec<u8>> {
    let (asked, end) = question(packet)?;
    let kind = u16::from_be_bytes(packet.get(end..end + 2)?.try_into().ok()?);
    let fits: Vec<&Record> =
        records.iter().filter(|(of, record)| *of == asked && record.kind() == kind).map(|(_, r)| r).collect();
    let known = records.iter().any(|(of, _)| *of == asked);
    // Id; an answer with recursion; no error, or no such name; one question, so many answers, nothing else.
    let mut out = packet.get(..2)?.to_vec();
    out.extend([0x81, if known { 0x80 } else { 0x83 }, 0, 1]);
    out.extend((fits.len() as u16).to_be_bytes());
    out.extend([0, 0, 0, 0]);
    out.extend(packet.get(12..end + 4)?);
    for record in fits {
        let data = record.data();
        // The name of the question, class IN, a minute.
        out.extend([0xc0, 12]);
        out.extend(record.kind().to_be_bytes());
        out.extend([0, 1, 0, 0, 0, 60]);
        out.extend((data.len() as u16).to_be_bytes());
        out.extend(data);
    }
    Some(out)
}

impl Drop for NameServer {
    fn drop(&mut self) {
        self.over.store(true, Ordering::SeqCst);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
