//! The tenant's doors: HTTP on loopback, tokens of the real provider, faults as they were planned.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::Value;
use tokio::sync::Notify;

use super::{Fault, Now, World, lock};
use crate::support::oidc::TENANT;

/// What is answered.
pub struct Reply {
    pub status: u16,
    pub headers: String,
    pub body: Vec<u8>,
}

impl Reply {
    pub fn json(status: u16, body: &Value) -> Reply {
        Reply { status, headers: "Content-Type: application/json\r\n".into(), body: body.to_string().into_bytes() }
    }
}

/// A request.
pub struct Asked {
    pub method: String,
    pub path: String,
    pub headers: Vec<(String, String)>,
    pub body: Value,
    pub base: String,
}

impl Asked {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }
}

/// A running tenant. Dropping it ends it.
pub struct Tenant {
    pub address: SocketAddr,
    world: Arc<Mutex<World>>,
    over: Arc<AtomicBool>,
    budget: Arc<Budget>,
}

impl Tenant {
    /// With tokens that this key (PEM) signed.
    pub fn start(key: &str, now: Now) -> Tenant {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("its address");
        let world = Arc::new(Mutex::new(World::new(now)));
        let (over, budget) = (Arc::new(AtomicBool::new(false)), Arc::new(Budget::default()));
        let key = Arc::new(public_key(key));
        let (state, end, left) = (Arc::clone(&world), Arc::clone(&over), Arc::clone(&budget));
        let accept = move || {
            for stream in listener.incoming().map_while(Result::ok) {
                if end.load(Ordering::SeqCst) {
                    return;
                }
                let (state, key, left) = (Arc::clone(&state), Arc::clone(&key), Arc::clone(&left));
                let answer = move || drop(serve(stream, address, (&state, &key, &left)));
                std::thread::Builder::new().name("tenant-call".into()).spawn(answer).expect("a thread");
            }
        };
        std::thread::Builder::new().name("tenant".into()).spawn(accept).expect("a thread");
        Tenant { address, world, over, budget }
    }

    /// Its address, for both services.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// What it is, to look at and to change.
    pub fn world(&self) -> MutexGuard<'_, World> {
        let mut world = lock(&self.world);
        world.advance();
        world
    }

    /// Halves of orders are answered until so many are used up: each order has two, one before it is carried out and one after. Then
    /// it says nothing more. None: all are answered.
    pub fn answers(&self, half_calls: Option<i64>) {
        self.budget.set(half_calls);
    }

    /// Comes back when it has left a call without an answer.
    pub async fn left_unanswered(&self) {
        while !self.budget.is_used_up() {
            // It may have been told of an earlier one.
            self.budget.silent.notified().await;
        }
    }

    /// What a good client never does was not done, every fault was used.
    pub fn assert_good(&self) {
        let world = self.world();
        assert!(world.violations.is_empty(), "{:#?}", world.violations);
        let unused: Vec<_> = world.faults.iter().filter(|planned| !planned.used).collect();
        assert!(unused.is_empty(), "faults that were never met: {unused:?}");
    }
}

impl Drop for Tenant {
    fn drop(&mut self) {
        self.over.store(true, Ordering::SeqCst);
        self.budget.set(None);
        drop(TcpStream::connect(self.address));
    }
}

fn is_order(asked: &Asked) -> bool {
    let cmdlet = super::cmdlets::name(asked);
    if cmdlet.is_empty() { asked.method != "GET" } else { !cmdlet.starts_with("Get-") && !cmdlet.starts_with("Test-") }
}

/// How many halves of orders are still answered.
#[derive(Default)]
struct Budget {
    /// None: all are.
    left: Mutex<Option<i64>>,
    changed: Condvar,
    silent: Notify,
}

impl Budget {
    fn is_used_up(&self) -> bool {
        lock(&self.left).is_some_and(|left| left < 0)
    }

    /// Takes one; whether there was none.
    fn spend(&self) -> bool {
        let mut left = lock(&self.left);
        left.as_mut().is_some_and(|left| {
            *left -= 1;
            *left < 0
        })
    }

    fn set(&self, left: Option<i64>) {
        *lock(&self.left) = left;
        self.changed.notify_all();
    }

    /// Says nothing until it may again: whoever called is to be ended meanwhile, and must learn nothing.
    fn hang(&self) {
        self.silent.notify_one();
        let left = lock(&self.left);
        drop(self.changed.wait_while(left, |left| left.is_some()));
    }
}

fn serve(
    stream: TcpStream,
    address: SocketAddr,
    (world, key, budget): (&Mutex<World>, &[u8], &Budget),
) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream.try_clone()?);
    let mut line = String::new();
    reader.read_line(&mut line)?;
    let mut words = line.split_whitespace();
    let (method, path) = (words.next().unwrap_or_default().to_owned(), words.next().unwrap_or_default().to_owned());
    let mut headers = Vec::new();
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line)? == 0 || line.trim().is_empty() {
            break;
        }
        if let Some((name, value)) = line.split_once(':') {
            headers.push((name.trim().to_owned(), value.trim().to_owned()));
        }
    }
    let length = headers.iter().find(|(name, _)| name.eq_ignore_ascii_case("content-length"));
    let length = length.and_then(|(_, value)| value.parse().ok()).unwrap_or(0);
    let mut bytes = vec![0; length];
    reader.read_exact(&mut bytes)?;
    let body = serde_json::from_slice(&bytes).unwrap_or(Value::Null);
    let asked = Asked { method, path, headers, body, base: format!("http://{address}") };
    let is_order = is_order(&asked);
    if is_order && budget.spend() {
        budget.hang();
        return Ok(());
    }
    let reply = answer(&mut lock(world), key, &asked);
    if is_order && budget.spend() {
        budget.hang();
        return Ok(());
    }
    let Some(Reply { status, headers, body }) = reply else { return Ok(()) };
    let head = format!("HTTP/1.1 {status} X\r\nContent-Length: {}\r\nConnection: close\r\n{headers}\r\n", body.len());
    let mut stream = stream;
    stream.write_all(head.as_bytes())?;
    stream.write_all(&body)
}

/// None: the connection breaks.
fn answer(world: &mut World, key: &[u8], asked: &Asked) -> Option<Reply> {
    world.advance();
    let is_graph = asked.path.starts_with("/v1.0/");
    let service = if is_graph { "https://graph.microsoft.com" } else { "https://outlook.office365.com" };
    let Some(roles) = roles(asked, key, service) else {
        return Some(Reply { status: 401, headers: String::new(), body: Vec::new() });
    };
    let name = if is_graph { graph_name(asked) } else { super::cmdlets::name(asked) };
    world.calls.push(name.clone());
    let right = if is_graph { "LicenseAssignment.ReadWrite.All" } else { "Exchange.ManageAsApp" };
    if world.withdrawn || !roles.iter().any(|role| role == right) {
        return Some(Reply { status: 403, headers: String::new(), body: vec![0; 32] });
    }
    let fault = world.faults.iter_mut().filter(|planned| !planned.used && planned.call == name).find_map(|planned| {
        if planned.after > 0 {
            planned.after -= 1;
            return None;
        }
        planned.used = true;
        Some(planned.fault.clone())
    });
    let simple = |status: u16, headers: &str| Some(Reply { status, headers: headers.into(), body: Vec::new() });
    match fault {
        Some(Fault::Throttled(Some(seconds))) => return simple(429, &format!("Retry-After: {seconds}\r\n")),
        Some(Fault::Throttled(None)) => return simple(429, ""),
        Some(Fault::BadGateway) => return simple(502, ""),
        Some(Fault::LostBefore) => return None,
        Some(Fault::Forbidden) => return Some(Reply { status: 403, headers: String::new(), body: vec![0; 32] }),
        Some(Fault::Transient) => {
            let text = "ExA1|Microsoft.Exchange.Data.Storage.TransientException|The server is busy, try again later.";
            return Some(super::cmdlets::error(400, text));
        }
        Some(Fault::EmptyPage) => return Some(Reply::json(200, &serde_json::json!({"value": []}))),
        Some(Fault::LostAnswer) | None => {}
    }
    let reply = if is_graph { super::graph::answer(world, asked) } else { super::cmdlets::answer(world, asked) };
    world.advance();
    if fault == Some(Fault::LostAnswer) { None } else { Some(reply) }
}

fn graph_name(asked: &Asked) -> String {
    match asked.path.split('?').next().unwrap_or_default() {
        path if path.ends_with("/assignLicense") => "assignLicense".into(),
        path if path.ends_with("/subscribedSkus") => "subscribedSkus".into(),
        "/v1.0/users" => "users".into(),
        _ if asked.method == "PATCH" => "setLocation".into(),
        _ => "user".into(),
    }
}

/// The rights that a token gives, if it is one of the provider's for this service and has not ended.
fn roles(asked: &Asked, key: &[u8], service: &str) -> Option<Vec<String>> {
    let token = asked.header("authorization")?.strip_prefix("Bearer ")?;
    let (signed, signature) = token.rsplit_once('.')?;
    let signature = URL_SAFE_NO_PAD.decode(signature).ok()?;
    let verifier = ring::signature::UnparsedPublicKey::new(&ring::signature::RSA_PKCS1_2048_8192_SHA256, key);
    verifier.verify(signed.as_bytes(), &signature).ok()?;
    let claims = URL_SAFE_NO_PAD.decode(signed.split('.').nth(1)?).ok()?;
    let claims: Value = serde_json::from_slice(&claims).ok()?;
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).ok()?.as_secs();
    let good = claims["aud"] == service && claims["tid"] == TENANT && claims["exp"].as_u64()? > now;
    good.then(|| {
        claims["roles"].as_array().map(|all| all.iter().filter_map(Value::as_str).map(str::to_owned).collect())
    })?
}

/// The RSAPublicKey within a SubjectPublicKeyInfo of 2048 bits (RFC 5280, RFC 8017): 24 bytes of frame before it.
fn public_key(pem: &str) -> Vec<u8> {
    let text: String = pem.lines().filter(|line| !line.starts_with("-----")).collect();
    STANDARD.decode(text).expect("a key")[24..].to_vec()
}
