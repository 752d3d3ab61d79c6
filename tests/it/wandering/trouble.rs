//! What can befall a pass, and the pass itself with its judgement.

use std::collections::BTreeSet;
use std::time::Duration;

use mailferry::pass::{PassEnd, Stops};

use super::model::{Census, Pass, census, messages};
use super::world::World;
use crate::support::bench::Ran;
use crate::support::compare::Mailbox;
use crate::support::imap::Stored;
use crate::support::relay::{Act, At, Said, verb};

/// What befalls a pass.
#[derive(Clone, Debug)]
pub enum Trouble {
    /// Nothing.
    None,
    /// This folder cannot be opened.
    Refuse(String),
    /// This folder is not listed.
    Hide(String),
    /// STATUS is not true.
    Lie(u64),
    /// Of this folder nothing from this UID on is handed out.
    Less(String, u64),
    /// After so many bytes the connection breaks (or stands still for ever), at the source or at the destination.
    Cut(bool, u64, Act),
    /// After half of so many bytes the server stalls, after the rest the connection breaks; what was on the way arrives
    /// later.
    StallAndCut(bool, u64),
    /// The process dies after so many writes; the owners go on before it comes back.
    Kill(u64),
}

/// What is where, for the log of a life that went wrong.
fn inventory(mailbox: &Mailbox) -> String {
    let mut lines = Vec::new();
    for (name, folder) in &mailbox.folders {
        let messages = folder.messages.iter().map(|stored| format!("{} {}", stored.uid, &stored.sha256[..8]));
        lines.push(format!("  {name}: {}", messages.collect::<Vec<_>>().join(", ")));
    }
    lines.join("\n")
}

impl World {
    /// What befalls the next pass: nothing, most of the time.
    pub fn draw_trouble(&mut self) -> Trouble {
        let mut here = self.here.login();
        let folder = self.any_folder(&mut here);
        match self.random.below(20) {
            0..=1 => Trouble::Refuse(folder),
            2..=3 => Trouble::Hide(folder),
            4..=5 => Trouble::Lie(1 + self.random.below(40) as u64),
            6..=7 => Trouble::Less(folder, 1 + self.random.below(12) as u64),
            8..=9 => {
                let acts = [Some(Act::Reset), Some(Act::Close), Some(Act::HangUp), Some(Act::Stall), None, None];
                let act = acts[self.random.below(acts.len())].clone();
                let (here, bytes) = (self.random.below(3) == 0, 500 + self.random.below(9000) as u64);
                act.map_or(Trouble::StallAndCut(here, bytes), |act| Trouble::Cut(here, bytes, act))
            }
            10..=12 => Trouble::Kill(1 + self.random.below(9) as u64),
            _ => Trouble::None,
        }
    }

    fn arrange(&self, trouble: &Trouble) {
        let source = &self.here.relay;
        match trouble {
            Trouble::None | Trouble::Kill(_) => {}
            Trouble::Refuse(folder) => {
                let refusal = Act::Answer("NO [NOPERM] not yours".into());
                source.plan(At::Command(verb("EXAMINE").with(&format!("\"{folder}\"")).every()), refusal);
            }
            Trouble::Hide(folder) => {
                let folder = folder.clone();
                source.bend(move |heard| match heard.about("LIST", &folder) || heard.about("STATUS", &folder) {
                    true => Said::Nothing,
                    false => Said::Kept,
                });
            }
            Trouble::Lie(lie) => {
                let lie = *lie;
                source.bend(move |heard| {
                    let Some(next) = heard.number("UIDNEXT").filter(|_| heard.line.starts_with("* STATUS ")) else {
                        return Said::Kept;
                    };
                    if lie % 2 == 0 {
                        heard.with("UIDNEXT", 1 + lie % next)
                    } else {
                        heard.with("MESSAGES", lie / 2 % 7)
                    }
                });
            }
            Trouble::Less(folder, from) => {
                let (folder, from) = (folder.clone(), *from);
                source.bend(move |heard| match heard.folder == folder && heard.is("FETCH") {
                    true if heard.number("UID").is_some_and(|uid| uid >= from) => Said::Nothing,
                    _ => Said::Kept,
                });
            }
            Trouble::Cut(here, bytes, act) => {
                let relay = if *here { source } else { &self.there.relay };
                relay.plan(At::Bytes(*bytes), act.clone());
            }
            Trouble::StallAndCut(here, bytes) => {
                let relay = if *here { source } else { &self.there.relay };
                relay.plan(At::Bytes(bytes / 2), Act::Lag(Duration::from_millis(250)));
                relay.plan(At::Bytes(*bytes), Act::HangUp);
            }
        }
    }

    /// A pass that something befalls, judged.
    pub async fn pass(&mut self, trouble: Trouble) {
        self.settle();
        self.arrange(&trouble);
        let mut before_kill = None;
        if let Trouble::Kill(writes) = trouble {
            before_kill = self.killed_pass(writes).await;
        }
        let (here, before) = (self.here.read(), self.there.read());
        self.note(format!("pass, {trouble:?}"));
        let ran = self.bench.run().await;
        for relay in [&self.here.relay, &self.there.relay] {
            relay.forget_plans();
            relay.straighten();
            relay.assert_only_advertised();
        }
        self.here.relay.assert_source_read_only();
        for error in self.bench.errors(&ran).await {
            self.note(format!("  {error:?}"));
        }
        for notice in self.bench.notices(&ran).await {
            let numbers: Vec<i64> = notice.numbers.iter().map(|uid| uid.0).collect();
            let folder = notice.folder.map_or_else(String::new, |path| path.to_string());
            self.note(format!("  {:?} {folder} {:?} {} {numbers:?}", notice.kind, notice.side, notice.messages));
        }
        self.judge(&trouble, &ran, before_kill, &here, &before);
        for relay in [&self.here.relay, &self.there.relay] {
            relay.clear_record();
        }
    }

    /// A pass that dies, and what the owners do until it comes back; the source that it saw, if it died.
    async fn killed_pass(&mut self, writes: u64) -> Option<Census> {
        let (seen, held) = (census(&self.here.read()), census(&self.there.read()));
        let died = self.bench.run_cut(writes, &Stops::default()).await;
        self.note(format!("pass, dead after {writes} writes: {}", died.cut));
        if !died.cut {
            // It came to its end before: a pass like others.
            let (here, there) = (self.here.read(), self.there.read());
            self.judge(&Trouble::None, &died, None, &here, &there);
            return None;
        }
        // What is found again after the crash is not ours by its record: its flags are its own.
        let fresh = census(&self.there.read()).into_keys().filter(|message| !held.contains_key(message));
        self.model.loose.extend(fresh);
        self.killed = true;
        for _ in 0..self.random.below(6) {
            self.act_here();
        }
        for _ in 0..self.random.below(3) {
            self.act_there();
        }
        self.killed = false;
        self.settle();
        Some(seen)
    }

    fn judge(&mut self, trouble: &Trouble, ran: &Ran, killed: Option<Census>, here: &Mailbox, before: &Mailbox) {
        let counts = ran.row.progress.counts;
        let (errors, differ) = match &ran.end {
            PassEnd::Completed { errors, differ } => (*errors, *differ),
            end => panic!("{end:?}"),
        };
        self.note(format!("  {counts:?}"));
        let (after, there) = (self.here.read(), self.there.read());
        self.renamed_there.clear();
        let held = |mailbox: &Mailbox| -> Vec<_> {
            mailbox.folders.iter().map(|(name, folder)| (name.clone(), folder.messages.clone())).collect()
        };
        assert_eq!(held(here), held(&after), "the source was changed");
        let mut wrong = self.untouched(before, &there);
        // What came late and has the name of a known message is left for the next pass, which tells.
        let late = counts.arrived > 0;
        let blind = late || matches!(trouble, Trouble::Refuse(_) | Trouble::Hide(_) | Trouble::Less(..));
        let named = errors + differ + counts.waiting > 0;
        let was_killed = killed.is_some();
        let must_name = matches!(trouble, Trouble::Refuse(_) | Trouble::Less(..));
        let pass = Pass { source: here, before_kill: killed, blind, must_name, named };
        wrong.extend(self.model.judge(&pass, &there));
        if (!blind || late) && named && !self.model.is_unsettled() && !was_killed {
            wrong.push(format!("nothing was wrong, and yet {errors} errors, {differ} differ"));
        }
        if !blind {
            wrong.extend(self.unflagged(here, &there));
        } else {
            self.model.loose.extend(messages(here).map(|message| message.sha256.clone()));
        }
        if matches!(trouble, Trouble::Cut(..) | Trouble::StallAndCut(..)) {
            // The same for what is found again after a break.
            let held = census(before);
            self.model.loose.extend(census(&there).into_keys().filter(|message| !held.contains_key(message)));
        }
        if !wrong.is_empty() || std::env::var_os("WANDERING_INVENTORY").is_some() {
            for (side, mailbox) in [("here", here), ("there before", before), ("there", &there)] {
                self.note(format!("{side}:\n{}", inventory(mailbox)));
            }
        }
        assert!(wrong.is_empty(), "{wrong:#?}");
    }

    /// What was at the destination before a pass is there after it, with its flags but for what the source's explain.
    fn untouched(&self, before: &Mailbox, after: &Mailbox) -> Vec<String> {
        let mut wrong = Vec::new();
        for (name, folder) in &before.folders {
            let now = after.folders.get(name).map(|folder| folder.messages.as_slice()).unwrap_or_default();
            for was in &folder.messages {
                let Some(is) = now.iter().find(|is| is.uid == was.uid && is.sha256 == was.sha256) else {
                    wrong.push(format!("{} of {name} is gone or changed: {}", was.uid, &was.sha256[..8]));
                    continue;
                };
                let changed = self.unexplained(was, is);
                if !changed.is_empty() {
                    wrong.push(format!("flags of {} in {name} ({}): {changed:?}", was.uid, &was.sha256[..8]));
                }
            }
        }
        wrong
    }

    /// Flags that came or went although no message of these bytes ever had them at the source.
    fn unexplained(&self, was: &Stored, is: &Stored) -> Vec<String> {
        let (was_flags, is_flags): (BTreeSet<_>, BTreeSet<_>) = (was.flags.iter().collect(), is.flags.iter().collect());
        let changed = was_flags.symmetric_difference(&is_flags).map(|flag| (*flag).clone());
        let none = BTreeSet::new();
        let known = self.flags.get(&was.sha256).unwrap_or(&none);
        let own = self.model.own.contains(&was.sha256);
        changed.filter(|flag| own || !known.contains(flag)).collect()
    }

    /// Copies without the flag that the source's message has, where there is but one of each.
    fn unflagged(&self, here: &Mailbox, there: &Mailbox) -> Vec<String> {
        let flagged = |message: &&Stored| message.flags.iter().any(|flag| flag == "\\Flagged");
        let judged = messages(here).filter(flagged).filter(|message| self.model.judges_flags(&message.sha256));
        let wrong = judged.filter(|source| messages(there).any(|copy| copy.sha256 == source.sha256 && !flagged(&copy)));
        wrong.map(|source| format!("not flagged: {}", &source.sha256[..8])).collect()
    }

    /// One more pass has nothing to do.
    pub async fn rest(&mut self) {
        self.note("at rest");
        let ran = self.bench.run().await;
        let appends = self.there.relay.appends().len();
        assert_eq!((appends, ran.row.progress.counts.copied), (0, 0), "{:?}", ran.row.progress.counts);
    }
}
