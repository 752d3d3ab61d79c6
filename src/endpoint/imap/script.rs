//! A peer that speaks from a script, for what real servers do not do on demand.
//!
//! A script is a list of steps: what the client must send (a prefix of its next line) and what the peer says.

use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};
use tokio::task::JoinHandle;

use super::greeting::greet;
use super::login::log_in;
use super::scrub::Scrub;
use super::session::ImapSession;
use super::{Login, Timeouts};
use crate::domain::failure::Failure;
use crate::domain::folder::{FolderPath, UidValidity, WireName};
use crate::domain::message::{Body, SourceMessage};
use crate::domain::secret::Secret;
use crate::endpoint::auth::Proof;
use crate::endpoint::budget::Budget;
use crate::endpoint::{ByteCounter, Fetched, FolderRef, MessageStream, Resources};

/// Room for messages in memory.
const BUDGET: usize = 64 << 20;

/// One step of the peer.
pub(super) enum ScriptStep {
    /// Read a line that begins like this.
    Hear(&'static str),
    /// Read so many bytes of a literal.
    Swallow(usize),
    /// Write this.
    Say(Vec<u8>),
    /// Say nothing for so long.
    Pause(Duration),
    /// Nothing comes before something was said.
    HearNothing,
    /// Say nothing for ever.
    Stall,
}

/// A line from the client.
pub(super) fn hear(line: &'static str) -> ScriptStep {
    ScriptStep::Hear(line)
}

/// Something said to the client.
pub(super) fn say(text: impl AsRef<[u8]>) -> ScriptStep {
    ScriptStep::Say(text.as_ref().to_vec())
}

/// Greeting and login of a server with these capabilities.
pub(super) fn welcome(capabilities: &str) -> Vec<ScriptStep> {
    vec![
        say("* OK [CAPABILITY IMAP4rev1 AUTH=PLAIN SASL-IR] hello\r\n"),
        hear("A1 AUTHENTICATE PLAIN AHVzZXIAcGFzc3dvcmQ="),
        say(format!("A1 OK [CAPABILITY IMAP4rev1 NAMESPACE {capabilities}] in\r\n")),
        hear("A2 NAMESPACE"),
        say("* NAMESPACE ((\"\" \"/\")) NIL NIL\r\nA2 OK done\r\n"),
    ]
}

async fn play(mut io: DuplexStream, steps: Vec<ScriptStep>) -> Vec<String> {
    let mut heard = Vec::new();
    for step in steps {
        match step {
            ScriptStep::Say(text) => {
                // The client may have hung up.
                if io.write_all(&text).await.is_err() {
                    return heard;
                }
            }
            ScriptStep::Hear(expected) => {
                let mut line = Vec::new();
                while !line.ends_with(b"\r\n") {
                    let Ok(byte) = io.read_u8().await else { return heard };
                    line.push(byte);
                }
                let line = String::from_utf8_lossy(&line).trim_end().to_owned();
                assert!(line.starts_with(expected), "heard {line:?}, expected {expected:?}");
                heard.push(line);
            }
            ScriptStep::Swallow(n) => {
                let mut bytes = vec![0; n];
                io.read_exact(&mut bytes).await.expect("a literal");
            }
            ScriptStep::Pause(time) => tokio::time::sleep(time).await,
            ScriptStep::HearNothing => {
                let heard = tokio::time::timeout(Duration::from_secs(5), io.read_u8()).await;
                assert!(heard.is_err(), "heard {heard:?}, expected nothing");
            }
            ScriptStep::Stall => std::future::pending().await,
        }
    }
    heard
}

/// A peer at work; drop it to hang up.
pub(super) struct Peer(pub(super) JoinHandle<Vec<String>>);

impl Drop for Peer {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Short waits.
pub(super) fn timeouts() -> Timeouts {
    Timeouts { logout: Duration::from_secs(1), ..Timeouts::default() }
}

/// Plays a script to a session that logs in as `user` with `password`.
pub(super) async fn session(steps: Vec<ScriptStep>) -> (Result<ImapSession, Failure>, Peer) {
    log_in_as(steps, user()).await
}

/// `user` with `password`.
fn user() -> Login {
    Login { user: "user".into(), admin: None, proof: Proof::Password(Secret::new("password")) }
}

/// The same with another login.
pub(super) async fn log_in_as(steps: Vec<ScriptStep>, login: Login) -> (Result<ImapSession, Failure>, Peer) {
    let (ours, peer) = peer(steps);
    (log_in_on(ours, &login, BUDGET).await, peer)
}

/// A stream to a peer that plays a script.
pub(super) fn peer(steps: Vec<ScriptStep>) -> (DuplexStream, Peer) {
    let (ours, theirs) = tokio::io::duplex(64 * 1024);
    #[expect(clippy::disallowed_methods, reason = "Peer aborts it on drop")]
    let peer = Peer(tokio::spawn(play(theirs, steps)));
    (ours, peer)
}

async fn log_in_on(io: DuplexStream, login: &Login, budget: usize) -> Result<ImapSession, Failure> {
    let greeted = greet(Box::new(io), &Scrub::default(), &timeouts()).await?;
    log_in(greeted, login, &resources(budget), &timeouts()).await
}

fn resources(budget: usize) -> Resources {
    Resources {
        spool: std::env::temp_dir(),
        numbers: std::env::temp_dir(),
        budget: Budget::new(budget),
        meter: Arc::new(ByteCounter::default()),
        network: Arc::default(),
        said: Arc::default(),
        waits: Default::default(),
    }
}

/// What a server says to people up to the end of the login.
pub(super) async fn said(steps: Vec<ScriptStep>) -> Vec<String> {
    let (ours, _peer) = peer(steps);
    let resources = resources(BUDGET);
    let greeted = greet(Box::new(ours), &Scrub::default(), &timeouts()).await.expect("greeted");
    log_in(greeted, &user(), &resources, &timeouts()).await.expect("logged in");
    resources.said.take()
}

/// A folder.
pub(super) fn folder(name: &str) -> FolderRef {
    FolderRef { path: FolderPath::new([name]), wire: WireName(name.as_bytes().to_vec()), validity: UidValidity::new(7) }
}

/// EXAMINE of `box`, answered to command 3.
pub(super) const EXAMINED: &str =
    "* FLAGS (\\Seen)\r\n* 3 EXISTS\r\n* OK [UIDVALIDITY 7] ok\r\n* OK [UIDNEXT 9] ok\r\nA3 OK [READ-ONLY] open\r\n";

/// A session and a peer that has opened `box` in answer to command 3, hears command 4 like this, and goes on so.
pub(super) async fn reading(heard: &'static str, more: Vec<ScriptStep>) -> (ImapSession, Peer) {
    reading_within(BUDGET, heard, more).await
}

/// The same with so much room for messages in memory.
pub(super) async fn reading_within(budget: usize, heard: &'static str, more: Vec<ScriptStep>) -> (ImapSession, Peer) {
    let mut steps = welcome("");
    steps.extend([hear("A3 EXAMINE \"box\""), say(EXAMINED), hear(heard)]);
    steps.extend(more);
    let (ours, peer) = peer(steps);
    (log_in_on(ours, &user(), budget).await.expect("logged in"), peer)
}

/// Everything a stream gives: messages as `uid:text`, the rest as cause and scope.
pub(super) async fn drain(mut stream: MessageStream) -> Vec<String> {
    let mut all = Vec::new();
    while let Some(fetched) = stream.recv().await {
        all.push(match fetched {
            Fetched::Message(SourceMessage { uid, body: Body::Memory(bytes), .. }) => {
                format!("{uid}:{}", String::from_utf8_lossy(&bytes))
            }
            Fetched::Message(SourceMessage { uid, body, .. }) => format!("{uid}:spooled {}", body.len()),
            Fetched::Unreadable(uid, failure) => format!("{uid} {:?}", failure.cause),
            Fetched::Broken(failure) => format!("{:?} {:?}", failure.cause, failure.scope),
        });
    }
    all
}
