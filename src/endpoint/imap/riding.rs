//! Whether a command that waits for `+` is written behind the message before it, in one breath with its end.
//!
//! Most servers answer that message and ask to go on together, and a far one is waited for once less. One that writes its answers
//! in small pieces, and leaves it to its system to collect them (Nagle's algorithm, RFC 896), gets its second piece out only when
//! the first was acknowledged, and this computer, which has nothing to send until then, puts that off for 40 ms and more (delayed
//! acknowledgements, RFC 1122 §4.2.3.2): 25 messages a second, however near it is. Courier is one. Such a server is asked only
//! when it has answered: then every piece of it finds all before acknowledged.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// After so many stalls in a row nothing rides any more.
const MOST: u32 = 3;
/// Shorter ones are no stalls: systems put acknowledgements off for 40 ms at least.
const SHORTEST: Duration = Duration::from_millis(30);

/// What was seen of it at a server.
#[derive(Debug, Default)]
pub(super) struct Riding(Mutex<SeenRides>);

#[derive(Debug, Default)]
struct SeenRides {
    /// The quickest `+` to a command that came alone.
    quickest: Option<Duration>,
    /// Stalls since one rode well.
    stalls: u32,
}

impl Riding {
    fn seen(&self) -> MutexGuard<'_, SeenRides> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether commands ride.
    pub(super) fn helps(&self) -> bool {
        self.seen().stalls < MOST
    }

    /// A command that came alone was asked to go on after this time.
    pub(super) fn came_alone(&self, waited: Duration) {
        let mut seen = self.seen();
        seen.quickest = Some(seen.quickest.map_or(waited, |quickest| quickest.min(waited)));
    }

    /// A command that rode was asked to go on so long after the answer to the message before it.
    pub(super) fn rode(&self, waited: Duration) {
        let mut seen = self.seen();
        // From a far server a piece that waited comes a round trip later: asked alone, it would have been no sooner.
        let stalled = seen.quickest.is_some_and(|quickest| waited >= SHORTEST && waited > quickest * 3 / 2);
        seen.stalls = match stalled {
            true => seen.stalls.saturating_add(1),
            false if seen.stalls < MOST => 0,
            false => seen.stalls,
        };
        if seen.stalls == MOST && stalled {
            tracing::debug!(?waited, quickest = ?seen.quickest, "the server waits for acknowledgements; it is asked when it has answered");
        }
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::super::script::{ScriptStep, folder, hear, say, session, welcome};
    use super::*;
    use crate::domain::flags::Flags;
    use crate::domain::message::{Body, NewMessage};
    use crate::endpoint::Destination;

    /// A server without LITERAL+, whose `+` to what rides comes so late; eight messages, of which all ride, or those after the
    /// stalls do not.
    async fn eight_messages(late: Duration, rides: usize) {
        const APPENDS: [&str; 8] = ["A3 AP", "A4 AP", "A5 AP", "A6 AP", "A7 AP", "A8 AP", "A9 AP", "A10 AP"];
        let mut steps = welcome("");
        for (at, append) in APPENDS.into_iter().enumerate() {
            let ridden = (1..=rides).contains(&at);
            if !ridden {
                steps.push(hear(append));
            }
            steps.extend([say("+ go\r\n"), ScriptStep::Swallow(3), hear("")]);
            let ok = say(format!("{} OK done\r\n", append.split(' ').next().unwrap()));
            match APPENDS.get(at + 1) {
                Some(next) if at < rides => steps.extend([hear(next), ok, ScriptStep::Pause(late)]),
                Some(_) => steps.extend([ScriptStep::HearNothing, ok]),
                None => steps.push(ok),
            }
        }
        let (opened, mut peer) = session(steps).await;
        let mut to = opened.expect("logged in");
        let body = Body::Memory(Bytes::from_static(b"abc"));
        let message = NewMessage { flags: Flags::none(), date: None, body, hold: None, plainly: false };
        let mut answers = Vec::new();
        for _ in APPENDS {
            answers.push(to.append(&folder("box"), vec![message.clone()]).await.expect("sent"));
        }
        for answer in answers {
            answer.await.expect("an answer").expect("taken");
        }
        (&mut peer.0).await.expect("played");
    }

    #[tokio::test(start_paused = true)]
    async fn j5_a_server_that_waits_for_acknowledgements_is_asked_when_it_has_answered() {
        eight_messages(Duration::from_millis(40), MOST as usize).await;
    }

    #[tokio::test(start_paused = true)]
    async fn j5_other_servers_are_asked_in_one_breath_with_the_message_before() {
        eight_messages(Duration::ZERO, usize::MAX).await;
    }

    #[test]
    fn only_stalls_in_a_row_that_cost_more_than_asking_end_it() {
        let milliseconds = Duration::from_millis;
        let after = |quickest: u64, rides: &[u64]| {
            let riding = Riding::default();
            riding.came_alone(milliseconds(quickest + 5));
            riding.came_alone(milliseconds(quickest));
            rides.iter().for_each(|waited| riding.rode(milliseconds(*waited)));
            riding.helps()
        };
        assert!(!after(0, &[40, 41, 40]) && !after(0, &[40, 40, 40, 0, 0]));
        assert!(after(0, &[40, 40]) && after(0, &[40, 40, 0, 40, 40]) && after(0, &[5; 9]));
        assert!(after(40, &[42; 9]), "a far server's waits are its distance");
        assert!(!after(40, &[85; 9]));
        let unknown = Riding::default();
        (0..9).for_each(|_| unknown.rode(milliseconds(40)));
        assert!(unknown.helps(), "what is slow about it is not known");
    }
}
