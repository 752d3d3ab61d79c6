//! A provider that answers from a script: what a real one does not say on demand. Loopback only.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};

/// An answer.
#[derive(Clone, Debug)]
pub struct HttpAnswer {
    /// Its status.
    pub status: u16,
    /// More headers.
    pub headers: Vec<(String, String)>,
    /// Its body.
    pub body: String,
}

impl HttpAnswer {
    /// With this status and body.
    pub fn new(status: u16, body: &str) -> HttpAnswer {
        HttpAnswer { status, headers: Vec::new(), body: body.to_owned() }
    }

    /// With one more header.
    pub fn with(mut self, name: &str, value: &str) -> HttpAnswer {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }
}

/// Answers the question of this number (from 1), whose form it gets.
pub type Script = dyn Fn(u64, &str) -> HttpAnswer + Send + Sync;

/// A listening provider.
pub struct Scripted {
    /// Where it listens.
    pub port: u16,
    path: &'static str,
    asked: Arc<Mutex<Vec<String>>>,
    taken: Receiver<u64>,
    over: Arc<AtomicBool>,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl Scripted {
    /// Answers every form with what `script` says.
    pub fn start(script: impl Fn(u64, &str) -> HttpAnswer + Send + Sync + 'static) -> Scripted {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let port = listener.local_addr().expect("its address").port();
        let (asked, over): (Arc<Mutex<Vec<String>>>, _) = (Arc::default(), Arc::new(AtomicBool::new(false)));
        let (tells, taken) = channel();
        let (forms, end, script) = (Arc::clone(&asked), Arc::clone(&over), Arc::new(script) as Arc<Script>);
        let accept = move || {
            for stream in listener.incoming().map_while(Result::ok) {
                if end.load(Ordering::SeqCst) {
                    return;
                }
                let (forms, script, tells) = (Arc::clone(&forms), Arc::clone(&script), tells.clone());
                let serve = move || {
                    serve(&stream, &forms, &*script, &tells);
                };
                std::thread::Builder::new().name("scripted-one".into()).spawn(serve).expect("a thread");
            }
        };
        let thread = std::thread::Builder::new().name("scripted".into()).spawn(accept).expect("a thread");
        Scripted { port, path: "/token", asked, taken, over, thread: Some(thread) }
    }

    /// Where it is asked.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}{}", self.port, self.path)
    }

    /// The same at another path; it answers at all of them.
    pub fn at(mut self, path: &'static str) -> Scripted {
        self.path = path;
        self
    }

    /// Waits until an answer was read to its end by whoever asked; which one.
    pub fn wait_taken(&self) -> u64 {
        self.taken.recv().expect("it is asked")
    }

    /// The forms it got.
    pub fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Drop for Scripted {
    fn drop(&mut self) {
        self.over.store(true, Ordering::SeqCst);
        drop(TcpStream::connect(("127.0.0.1", self.port)));
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn serve(mut stream: &TcpStream, forms: &Mutex<Vec<String>>, script: &Script, taken: &Sender<u64>) -> Option<()> {
    let mut reader = BufReader::new(stream);
    let mut length = 0;
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).ok()? == 0 {
            return None;
        }
        if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().ok()?;
        }
        if line == "\r\n" {
            break;
        }
    }
    let mut form = vec![0; length];
    reader.read_exact(&mut form).ok()?;
    let form = String::from_utf8_lossy(&form).into_owned();
    let number = {
        let mut forms = forms.lock().unwrap_or_else(PoisonError::into_inner);
        forms.push(form.clone());
        forms.len() as u64
    };
    let HttpAnswer { status, headers, body } = script(number, &form);
    let mut text = format!("HTTP/1.1 {status} X\r\nContent-Length: {}\r\nConnection: close\r\n", body.len());
    for (name, value) in headers {
        text += &format!("{name}: {value}\r\n");
    }
    stream.write_all(format!("{text}\r\n{body}").as_bytes()).ok()?;
    // Who has read it all hangs up.
    if matches!(reader.read(&mut [0]), Ok(0)) {
        // A test that does not wait for it has dropped the other end.
        let _ = taken.send(number);
    }
    None
}
