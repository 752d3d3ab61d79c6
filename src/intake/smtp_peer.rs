//! For tests: a peer that answers each SMTP command by its first word, `.` for the mail itself, and hangs up at an empty answer.

use std::sync::{Arc, Mutex, PoisonError};

use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;

/// What it says to a word, instead of the usual.
pub type Answers = &'static [(&'static str, &'static str)];

const USUAL: Answers = &[("", "220 hi\r\n"), ("EHLO", "250-hi\r\n250 AUTH PLAIN\r\n"), ("DATA", "354 go\r\n")];

#[derive(Default)]
struct Shared {
    answers: Mutex<Answers>,
    heard: Mutex<Vec<String>>,
    taken: watch::Sender<usize>,
}

/// A running peer. Dropping it ends it.
pub struct SmtpPeer {
    /// Where it listens on 127.0.0.1.
    pub port: u16,
    shared: Arc<Shared>,
    _accepting: JoinSet<()>,
}

impl SmtpPeer {
    pub async fn start(answers: Answers) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let shared = Arc::new(Shared { answers: Mutex::new(answers), ..Shared::default() });
        let (mut accepting, of) = (JoinSet::new(), Arc::clone(&shared));
        accepting.spawn(async move {
            let mut open = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                let of = Arc::clone(&of);
                open.spawn(async move { drop(talk(stream, &of).await) });
            }
        });
        Self { port, shared, _accepting: accepting }
    }

    /// What it says from now on.
    pub fn says(&self, answers: Answers) {
        *self.shared.answers.lock().unwrap_or_else(PoisonError::into_inner) = answers;
    }

    /// Every line that it heard and that begins so, of all connections.
    pub fn heard(&self, begins: &str) -> Vec<String> {
        let heard = self.shared.heard.lock().unwrap_or_else(PoisonError::into_inner);
        heard.iter().filter(|line| line.starts_with(begins)).cloned().collect()
    }

    /// Waits until it took so many mails whole, whatever it answered; says how many they are by then.
    pub async fn took(&self, mails: usize) -> usize {
        *self.shared.taken.subscribe().wait_for(|taken| *taken >= mails).await.unwrap()
    }
}

async fn talk(stream: TcpStream, shared: &Shared) -> std::io::Result<()> {
    let mut stream = BufReader::new(stream);
    let (mut in_mail, mut word) = (false, String::new());
    loop {
        if !in_mail || word == "." {
            let answers = *shared.answers.lock().unwrap_or_else(PoisonError::into_inner);
            let answer = answers.iter().chain(USUAL).find(|(to, _)| *to == word);
            let answer = answer.map_or("250 2.0.0 fine\r\n", |(_, answer)| answer);
            if answer.is_empty() {
                return Ok(());
            }
            stream.write_all(answer.as_bytes()).await?;
            in_mail = word == "DATA" && answer.starts_with('3');
        }
        let mut line = String::new();
        if stream.read_line(&mut line).await? == 0 {
            return Ok(());
        }
        let line = line.trim_end().to_owned();
        line.split([' ', ':']).next().unwrap_or_default().clone_into(&mut word);
        shared.heard.lock().unwrap_or_else(PoisonError::into_inner).push(line);
        if in_mail && word == "." {
            shared.taken.send_modify(|taken| *taken += 1);
        }
    }
}
