//! A web server of a test's own: https on loopback, an authority of its own, answers by host and path, byte by byte.

use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};

/// Answers a request (`host/path`) with all bytes of a response; none hangs up.
pub type Answer = dyn Fn(&str) -> Option<Vec<u8>> + Send + Sync;

/// A running server. Dropping it ends it.
pub struct Site {
    /// Where it listens.
    pub address: SocketAddr,
    /// Its authority's certificate, PEM.
    pub authority: String,
    asked: Arc<Mutex<Vec<String>>>,
    over: Arc<AtomicBool>,
    thread: Option<std::thread::JoinHandle<()>>,
}

/// A whole response.
pub fn response(status: &str, headers: &str, body: &[u8]) -> Vec<u8> {
    let head = format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n{headers}\r\n", body.len());
    [head.as_bytes(), body].concat()
}

impl Site {
    /// For these hosts.
    pub fn start(hosts: &[&str], answer: impl Fn(&str) -> Option<Vec<u8>> + Send + Sync + 'static) -> Site {
        let authority_key = KeyPair::generate().expect("a key");
        let mut authority = CertificateParams::new(Vec::new()).expect("parameters");
        authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let certificate = authority.self_signed(&authority_key).expect("a certificate");
        let key = KeyPair::generate().expect("a key");
        let leaf =
            CertificateParams::new(hosts.iter().map(|host| (*host).to_owned()).collect::<Vec<_>>()).expect("names");
        let leaf = leaf.signed_by(&key, &Issuer::new(authority, authority_key)).expect("a certificate");
        let private = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let config = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()
            .expect("versions")
            .with_no_client_auth()
            .with_single_cert(vec![leaf.der().clone()], private)
            .expect("a key that fits");
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("its address");
        let (asked, over): (Arc<Mutex<Vec<String>>>, _) = (Arc::default(), Arc::new(AtomicBool::new(false)));
        let (heard, end, config, answer) = (Arc::clone(&asked), Arc::clone(&over), Arc::new(config), Arc::new(answer));
        let accept = move || {
            for stream in listener.incoming().map_while(Result::ok) {
                if end.load(Ordering::SeqCst) {
                    return;
                }
                let (config, heard, answer) = (Arc::clone(&config), Arc::clone(&heard), Arc::clone(&answer));
                let connection = std::thread::Builder::new().name("site-connection".into());
                connection.spawn(move || drop(serve(stream, config, &heard, &*answer))).expect("a thread");
            }
        };
        let thread = std::thread::Builder::new().name("site".into()).spawn(accept).expect("a thread");
        Site { address, authority: certificate.pem(), asked, over, thread: Some(thread) }
    }

    /// What was asked for: `host/path`.
    pub fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

fn serve(
    stream: TcpStream,
    config: Arc<ServerConfig>,
    heard: &Mutex<Vec<String>>,
    answer: &Answer,
) -> std::io::Result<()> {
    let connection = ServerConnection::new(config).map_err(std::io::Error::other)?;
    let mut stream = StreamOwned::new(connection, stream);
    let (mut path, mut host) = (String::new(), String::new());
    {
        let mut reader = BufReader::new(&mut stream);
        loop {
            let mut line = String::new();
            if reader.read_line(&mut line)? == 0 || line.trim_end().is_empty() {
                break;
            }
            if let Some(rest) = line.strip_prefix("GET ") {
                path = rest.split(' ').next().unwrap_or_default().to_owned();
            }
            if let Some((name, value)) = line.split_once(':').filter(|(name, _)| name.eq_ignore_ascii_case("host")) {
                let _ = name;
                host = value.trim().to_owned();
            }
        }
    }
    let asked = format!("{host}{path}");
    heard.lock().unwrap_or_else(PoisonError::into_inner).push(asked.clone());
    if let Some(bytes) = answer(&asked) {
        stream.write_all(&bytes)?;
        stream.conn.send_close_notify();
        stream.flush()?;
    }
    Ok(())
}

impl Drop for Site {
    fn drop(&mut self) {
        self.over.store(true, Ordering::SeqCst);
        // Wakes the listener.
        drop(TcpStream::connect(self.address));
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
