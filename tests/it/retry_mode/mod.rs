//! Retry mode (D22): what servers say when they want a slower pace, fewer connections or a pause, word by word, at every place
//! where they may say it. A pass pauses as it was told, says why, at which server and until when, and completes with every
//! message once.
//!
//! Servers that play a part stand here; `real` says the same in front of a real one.

mod connections;
mod limits;
mod mixed;
mod named;
mod real;

use std::sync::atomic::{AtomicU64, Ordering};

use mailferry::domain::failure::{Cause, Side};
use mailferry::domain::project::Options;
use mailferry::domain::status::Status;

use crate::support::odd::{MODERN, Odd};
use crate::support::patient::{Patient, Seen};
use crate::support::product::plain;
use crate::support::relay::{Heard, Said};

const THROTTLED: &str = "BAD Request is throttled. Suggested Backoff Time: 300000 milliseconds";
const BANDWIDTH: &str = "NO [OVERQUOTA] Account exceeded command or bandwidth limits.";

/// Two servers of which one has something to say, and one item between them.
struct Scene {
    servers: [Odd; 2],
    patient: Patient,
}

impl Scene {
    /// With so many messages in the source's inbox.
    async fn new(messages: u32) -> Scene {
        let servers = [Odd::start(MODERN), Odd::start(MODERN)];
        servers[0].fill("INBOX", 0..messages);
        let addresses = [plain(servers[0].port), plain(servers[1].port)];
        let options = Options { connections: 1, ..Options::default() };
        let patient = Patient::new([&addresses[0], &addresses[1]], 1, options).await;
        Scene { servers, patient }
    }

    fn server(&self, side: Side) -> &Odd {
        &self.servers[side as usize]
    }

    fn host(&self, side: Side) -> String {
        format!("127.0.0.1:{}", self.server(side).port)
    }

    /// Everything is there, once and in order; nothing was counted as an error.
    fn assert_moved(&self) {
        let row = &self.patient.rows()[0];
        assert_eq!(row.status, Status::Completed, "{:?}", row.failure);
        assert_eq!((row.progress.counts.errors, row.progress.counts.differ), (0, 0));
        assert_eq!(self.servers[1].subjects("INBOX"), self.servers[0].subjects("INBOX"));
    }
}

/// The first so many answers to this command are these words instead: with the command's tag, or as they are if they begin
/// with `*`.
fn says(verb: &'static str, times: u64, words: &str) -> impl Fn(&Heard<'_>) -> Said + Send + Sync + 'static {
    let (said, words) = (AtomicU64::new(0), words.to_owned());
    move |heard: &Heard<'_>| {
        let tagged = !heard.line.starts_with(['*', '+']) || verb == "GREETING";
        if heard.verb != verb || !tagged || said.fetch_add(1, Ordering::SeqCst) >= times {
            return Said::Kept;
        }
        let tag = heard.line.split(' ').next().unwrap_or_default();
        Said::Instead(if words.starts_with('*') { words.clone() } else { format!("{tag} {words}") })
    }
}

/// A server says these words so often at this command; the pauses that are seen then.
async fn pauses(side: Side, verb: &'static str, times: u64, words: &str) -> (Scene, Vec<Seen>) {
    let mut scene = Scene::new(20).await;
    scene.server(side).bend(says(verb, times, words));
    scene.patient.start().await;
    let mut seen = scene.patient.until_the_end().await;
    scene.assert_moved();
    // What was on its way is waited for besides (D28).
    seen.retain(|seen| seen.retry.failure.cause != Cause::Settling);
    (scene, seen)
}

/// One pause of so many seconds is seen, at that server, and uses up no try.
async fn waits_once(side: Side, verb: &'static str, words: &str, (cause, seconds): (Cause, u64)) {
    let (scene, seen) = pauses(side, verb, 1, words).await;
    let told: Vec<_> = seen.iter().map(Seen::told).collect();
    let host = scene.host(side);
    assert_eq!(told, [(Some(side), host.as_str(), cause, seconds)], "{verb}: {words}: {seen:#?}");
    assert!(seen[0].retry.is_no_try(), "{verb}: {words}: {seen:?}");
    let words = words.trim_start_matches("* ").split_once(' ').map_or(words, |(_, words)| words);
    let shown = seen[0].retry.failure.server_text.as_deref().unwrap_or_default();
    assert!(words.starts_with(shown), "{shown:?} is what was said: {words:?}");
    scene.patient.close().await;
}

const LOGIN_AND_READ: [(Side, &str); 4] =
    [(Side::Source, "LOGIN"), (Side::Source, "EXAMINE"), (Side::Source, "UID FETCH"), (Side::Destination, "LOGIN")];
const WRITE: [(Side, &str); 2] = [(Side::Destination, "SELECT"), (Side::Destination, "APPEND")];
