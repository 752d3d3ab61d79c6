//! The oracle: what each owner did, in plain numbers, and what follows for the destination. It knows nothing of the
//! engine's own bookkeeping.
//!
//! Of every message (told by its bytes) there are, in all, as many copies as the source held at most at the time of a
//! pass, less what the owner deleted at the destination (D12). A restored destination gets again what it lost, as far
//! as the source still has it. Where nobody can know better, a range is allowed, for this pass only. A copy that nobody
//! can know as one of the source's (put back by a backup after it had been given up, moved away before a pass saw that)
//! answers for no other message of its bytes.

use std::collections::{BTreeMap, BTreeSet};

use crate::support::compare::Mailbox;
use crate::support::imap::Stored;

/// How often each message is there.
pub type Census = BTreeMap<String, usize>;

/// How often each message is in a mailbox.
pub fn census(mailbox: &Mailbox) -> Census {
    each(messages(mailbox))
}

fn each<'a>(messages: impl Iterator<Item = &'a Stored>) -> Census {
    let mut census = BTreeMap::new();
    for stored in messages {
        *census.entry(stored.sha256.clone()).or_default() += 1;
    }
    census
}

/// All messages of a mailbox.
pub fn messages(mailbox: &Mailbox) -> impl Iterator<Item = &Stored> {
    mailbox.folders.values().flat_map(|folder| &folder.messages)
}

fn of(census: &Census, message: &str) -> usize {
    census.get(message).copied().unwrap_or(0)
}

/// Copies of each message that lie in another folder than before.
fn swapped(before: &Mailbox, after: &Mailbox) -> Census {
    let places = |mailbox: &Mailbox| {
        let mut places: BTreeMap<(String, String), usize> = BTreeMap::new();
        for (name, folder) in &mailbox.folders {
            for copy in &folder.messages {
                *places.entry((copy.sha256.clone(), name.clone())).or_default() += 1;
            }
        }
        places
    };
    let (was, is) = (places(before), places(after));
    let more = |these: &BTreeMap<(String, String), usize>, than: &BTreeMap<(String, String), usize>| {
        let mut more = Census::new();
        for (place, count) in these {
            *more.entry(place.0.clone()).or_default() += count.saturating_sub(than.get(place).copied().unwrap_or(0));
        }
        more
    };
    let (came, went) = (more(&is, &was), more(&was, &is));
    came.into_iter().map(|(message, count)| (message.clone(), count.min(of(&went, &message)))).collect()
}

/// What one pass is judged by.
pub struct Pass<'a> {
    /// The source when it ran.
    pub source: &'a Mailbox,
    /// The source when an attempt ran that was killed.
    pub before_kill: Option<Census>,
    /// Part of the source was kept from it: what is new may wait.
    pub blind: bool,
    /// What is missing because of that must have a name.
    pub must_name: bool,
    /// Something has a name: an error, a difference, messages that wait.
    pub named: bool,
}

/// The ledger.
#[derive(Default)]
pub struct Model {
    /// Copies that there ever were to be.
    made: Census,
    /// Those of them that the owner took away.
    gone: Census,
    /// Taken away between a kill and its resume: nobody can know that they were copied.
    unknown: Census,
    /// Lost by a restore since the last pass; they come back if the source has them.
    lost: Census,
    /// The same, by the folder it was taken from: no pass need have looked into that since.
    taken: BTreeMap<String, Census>,
    /// Moved away by the owner.
    put_away: Census,
    /// Lost, and not to be told from what the owner deleted: moved away before, or gone with a whole folder.
    away: Census,
    /// Lost with a folder that was made anew: they come back, or are named.
    razed: Census,
    /// The same since a pass had a reason to look there, by folder.
    emptied: BTreeMap<String, Census>,
    /// What folders held of which a restore left no copy, only the name, since the last pass.
    blank: BTreeMap<String, Census>,
    /// Copies beyond what the source explains: put back by the destination's backup when the ledger had given them up, or
    /// made because nobody could know that their owner took one away. No copy of another message at the source.
    extra: Census,
    /// Taken or moved away by the owner, and brought back by a restore: whoever saw only the first thinks that they are gone.
    revived: Census,
    /// Lost while the source had them no more, so that nothing is known of them since: should a restore bring such a copy back
    /// and its owner the message, there are two. Or given up, because nobody could know yet that they were lost.
    forgotten: Census,
    /// Copies that went with their folders, while a pass was kept from some messages: whether one that it found is such a copy, made
    /// again, or that of an equal message that came since, nobody can tell. They may count as deleted.
    given_up: Census,
    /// Names that folders of the destination got since the last pass.
    new_names: BTreeSet<String>,
    /// What was lost may be what its owner deleted: since the last pass, and in this one.
    blurred: (bool, bool),
    /// Some were lost so, and that has a name in the first pass that looks for them.
    homeless: bool,
    /// The last pass saw everything, and something had a name.
    was_named: bool,
    /// Lost once, by a restore or with a folder.
    missed: BTreeSet<String>,
    /// A restore happened since the last pass, so that what was taken away may look lost.
    restored: bool,
    /// Mail of the owner's own, whether it is still there or not.
    pub own: BTreeSet<String>,
    /// Whose flags are not judged: the owner moved them, or they were restored.
    pub loose: BTreeSet<String>,
}

impl Model {
    /// The owner deleted a copy at the destination.
    pub fn deleted(&mut self, message: &str, folder: &str, while_killed: bool) {
        if self.own.contains(message) {
            return;
        }
        *self.taken.entry(folder.to_owned()).or_default().entry(message.to_owned()).or_default() += 1;
        *self.gone.entry(message.to_owned()).or_default() += 1;
        if while_killed {
            *self.unknown.entry(message.to_owned()).or_default() += 1;
        }
    }

    /// The owner moved a copy out of its folder between a kill and its resume.
    pub fn moved_while_killed(&mut self, message: &str) {
        if !self.own.contains(message) {
            *self.unknown.entry(message.to_owned()).or_default() += 1;
        }
    }

    /// The owner moved a copy out of its folder for good.
    pub fn moved(&mut self, message: &str) {
        self.loose.insert(message.to_owned());
        *self.put_away.entry(message.to_owned()).or_default() += 1;
    }

    /// A destination folder got another name, and those in it. Where nothing in one tells any more which it was, its owner may
    /// have deleted the one whose name is gone: what was lost in that stays away.
    pub fn renamed(&mut self, folder: &str, to: &str) {
        let inside = format!("{folder}/");
        let within = |name: &String| name == folder || name.starts_with(&inside);
        self.may_be_deleted(within);
        self.new_names.insert(to.to_owned());
        for (name, copies) in self.taken.extract_if(.., |name, _| within(name)).collect::<Vec<_>>() {
            self.taken.insert(format!("{to}{}", &name[folder.len()..]), copies);
        }
        let within = |name: &String, _: &mut Census| within(name);
        for (message, count) in self.blank.extract_if(.., within).flat_map(|(_, copies)| copies) {
            let lost = of(&self.lost, &message);
            let away = self.away.entry(message).or_default();
            *away = (*away + count).min(lost);
        }
    }

    /// A message left a destination folder that had been made anew: if no number in there means another message than before,
    /// its owner may have deleted what was lost in it.
    pub fn left(&mut self, folder: &str) {
        self.may_be_deleted(|name| name == folder);
    }

    fn may_be_deleted(&mut self, which: impl Fn(&String) -> bool) {
        for (message, count) in self.emptied.extract_if(.., |name, _| which(name)).flat_map(|(_, copies)| copies) {
            self.blurred.0 = true;
            let owed = self.razed.entry(message.clone()).or_default();
            *owed = owed.saturating_sub(count);
            *self.gone.entry(message.clone()).or_default() += count;
            *self.unknown.entry(message).or_default() += count;
        }
    }

    /// The destination was restored: it held the first before and holds the second now.
    pub fn restored(&mut self, before: &Mailbox, after: &Mailbox) {
        let (was, is) = (census(before), census(after));
        let swapped = swapped(before, after);
        self.restored = true;
        let left = |name: &String| {
            let now = &after.folders.get(name)?.messages;
            let was = &before.folders.get(name)?.messages;
            Some(was.iter().any(|was| now.iter().any(|is| is.uid == was.uid && is.sha256 == was.sha256)))
        };
        let blank = before.folders.iter().filter(|(name, _)| left(name) == Some(false));
        self.blank = blank.map(|(name, folder)| (name.clone(), each(folder.messages.iter()))).collect();
        // A folder that the backup did not have is gone: nobody can know that its owner did not delete it.
        let mut with_folders = Census::new();
        for (_, folder) in before.folders.iter().filter(|(name, _)| !after.folders.contains_key(*name)) {
            for copy in &folder.messages {
                *with_folders.entry(copy.sha256.clone()).or_default() += 1;
            }
        }
        // So is what was lost with it when it was made anew, before any pass saw that.
        let emptied = std::mem::take(&mut self.emptied);
        for (_, copies) in emptied.into_iter().filter(|(name, _)| !after.folders.contains_key(name)) {
            for (message, count) in copies {
                let owed = self.razed.entry(message.clone()).or_default();
                *owed = owed.saturating_sub(count);
                *self.lost.entry(message.clone()).or_default() += count;
                *with_folders.entry(message).or_default() += count;
            }
        }
        let with: BTreeSet<String> = with_folders.keys().cloned().collect();
        let all: BTreeSet<&String> =
            was.keys().chain(is.keys()).chain(&with).filter(|one| !self.own.contains(*one)).collect();
        for message in all {
            let (was, is) = (of(&was, message), of(&is, message));
            // What was lost once and given up comes back with it.
            let made = of(&self.made, message).max(is);
            let mut extra = made - of(&self.made, message);
            // One that had been lost or taken away came back, and another one was lost for it.
            if self.missed.contains(message) || of(&self.gone, message) > 0 {
                extra += of(&swapped, message);
            }
            *self.extra.entry(message.clone()).or_default() += extra;
            self.made.insert(message.clone(), made);
            let gone = made.saturating_sub(was.max(is));
            let back = self.gone.insert(message.clone(), gone).unwrap_or(0).saturating_sub(gone);
            // One that its owner had moved away lies where it was.
            let returned = of(&swapped, message).min(of(&self.put_away, message));
            *self.revived.entry(message.clone()).or_default() += back.max(returned);
            let lost = self.lost.entry(message.clone()).or_default();
            *lost = (*lost + was).saturating_sub(is);
            if *lost > 0 {
                self.missed.insert(message.clone());
            }
            let away = of(&self.put_away, message) + of(&with_folders, message) + of(&self.revived, message);
            let away = away.min(*lost);
            self.away.insert(message.clone(), away);
            self.loose.insert(message.clone());
        }
    }

    /// A destination folder was made anew: what its owner had taken away of it before looks lost with the rest, unless a pass
    /// happened to look.
    pub fn hidden(&mut self, folder: &str) {
        for (message, count) in self.taken.remove(folder).unwrap_or_default() {
            *self.unknown.entry(message).or_default() += count;
        }
    }

    /// A destination folder was made anew under its numbers: its copies are gone.
    pub fn razed<'a>(&mut self, folder: &str, copies: impl Iterator<Item = &'a Stored>) {
        self.restored = true;
        // What its owner took away, before any pass saw that, looks lost too.
        self.blurred.0 = true;
        let emptied = self.emptied.entry(folder.to_owned()).or_default();
        for copy in copies {
            if !self.own.contains(&copy.sha256) {
                *emptied.entry(copy.sha256.clone()).or_default() += 1;
                *self.razed.entry(copy.sha256.clone()).or_default() += 1;
                if let Some(revived) = self.revived.get_mut(&copy.sha256).filter(|revived| **revived > 0) {
                    *revived -= 1;
                    *self.away.entry(copy.sha256.clone()).or_default() += 1;
                }
                self.loose.insert(copy.sha256.clone());
                self.missed.insert(copy.sha256.clone());
            }
        }
        // Under another name than it had, with nothing in it that tells which it was.
        let within =
            |to: &String| folder.strip_prefix(to.as_str()).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
        if self.new_names.iter().any(within) {
            self.may_be_deleted(|name| name == folder);
        }
    }

    /// What is wrong after a pass; the ledger goes on from what is there.
    pub fn judge(&mut self, pass: &Pass<'_>, there: &Mailbox) -> Vec<String> {
        let (source, there) = (census(pass.source), census(there));
        let (mut wrong, mut short) = (Vec::new(), false);
        self.homeless &= !self.was_named;
        self.blurred = (false, self.blurred.0);
        self.was_named = pass.named && !pass.blind;
        let killed = pass.before_kill.clone().unwrap_or_default();
        let all: BTreeSet<String> =
            source.keys().chain(there.keys()).chain(killed.keys()).chain(self.made.keys()).cloned().collect();
        for message in all.into_iter().filter(|message| !self.own.contains(message)) {
            let (before, gone) = (of(&self.made, &message), of(&self.gone, &message));
            let now = of(&source, &message);
            let sure = if pass.blind { before } else { before.max(now) };
            let extra = of(&self.extra, &message);
            let possible = before.max(now.max(of(&killed, &message)) + extra);
            // What was lost comes again if the source has it; which of two equal ones that is, nobody can tell.
            let razed = of(&self.razed, &message);
            let (lost, away) = (of(&self.lost, &message) + razed, of(&self.away, &message));
            let elsewhere = before.saturating_sub(if pass.blind { 0 } else { now });
            // What is at the source may be the one that went with its folder, and the other one is named then.
            let unsaid = if pass.named { away } else { 0 };
            let missing = lost.min(elsewhere + unsaid).max(away);
            // Only a pass that looked into the folder saw what the owner took or moved away, and none need have.
            let unsure = if self.restored { gone + of(&self.put_away, &message) } else { 0 };
            // A copy that counts as taken away, and was brought back, answers for an equal message that came since.
            let answers = of(&self.revived, &message).min(now.saturating_sub(1));
            let given_up = of(&self.given_up, &message);
            let low = sure.saturating_sub(gone + missing + answers + given_up);
            let high = possible.saturating_sub(gone) + unsure + of(&self.unknown, &message);
            let high = high + of(&self.forgotten, &message);
            // A pass that died may have seen that before its owner brought the message back; one that was kept from some
            // folders brings it when it sees them.
            let seen = pass.before_kill.as_ref().map_or(now, |killed| now.min(of(killed, &message)));
            let seen = if pass.blind { 0 } else { seen };
            let homeless = (of(&self.lost, &message) + razed).min(before.saturating_sub(seen));
            // What its owner took away of a folder that was put back looks lost too.
            let looks_lost = (homeless + unsure).min(before.saturating_sub(seen));
            // Nor was it decided whether one was ever copied that its owner took away while nothing ran.
            let undecided = of(&self.unknown, &message).min(possible.saturating_sub(seen));
            *self.forgotten.entry(message.clone()).or_default() += looks_lost + undecided;
            // It may be named as missing, whoever took it.
            self.homeless |= looks_lost > 0;
            let found = of(&there, &message);
            let fewer = found < low && found + razed >= low && pass.named;
            if !(low..=high).contains(&found) && !fewer {
                wrong.push(format!("{found} instead of {low} to {high} of {}", &message[..8]));
            }
            let beyond = found.saturating_sub(possible.saturating_sub(gone));
            if beyond > 0 {
                self.extra.insert(message.clone(), extra + beyond);
            }
            // What counts as deleted from now on.
            let forgiven = sure.saturating_sub(gone + found).min(of(&self.away, &message));
            let gone = gone + forgiven;
            // A later pass may see that it was a restore, and bring them again.
            *self.forgotten.entry(message.clone()).or_default() += forgiven;
            // Nobody had to decide that while the source did not have it: should it come back, it may be copied.
            let undecided = forgiven.min(before.saturating_sub(now));
            if undecided > 0 {
                *self.extra.entry(message.clone()).or_default() += undecided;
            }
            self.gone.insert(message.clone(), gone);
            short |= found + gone + missing + answers + given_up < before.max(now);
            let open = if pass.blind { away.min(now.saturating_sub(found + gone)) } else { 0 };
            if open > given_up {
                self.given_up.insert(message.clone(), open);
            }
            self.made.insert(message.clone(), found + gone);
            let debt = low.saturating_sub(found);
            if debt > 0 {
                self.razed.insert(message, debt)
            } else {
                self.razed.remove(&message)
            };
        }
        if short && pass.must_name && !pass.named {
            wrong.push("messages are missing, and nothing is named".into());
        }
        self.unknown.clear();
        // Nobody looked where copies lay of what the source has no more.
        self.emptied.values_mut().for_each(|copies| copies.retain(|message, _| of(&source, message) == 0));
        self.new_names.clear();
        self.blank.clear();
        self.restored &= pass.blind;
        if !pass.blind {
            self.lost.clear();
            self.away.clear();
        }
        wrong
    }

    /// Whether a copy of this message must have the source's flags: there is and was but one.
    pub fn judges_flags(&self, message: &str) -> bool {
        of(&self.made, message) == 1 && of(&self.gone, message) == 0 && !self.loose.contains(message)
    }

    /// Whether the destination lost copies since the last pass that saw all of it.
    pub fn has_losses(&self) -> bool {
        self.restored
    }

    /// Whether something may still be named because of a folder made anew.
    pub fn is_unsettled(&self) -> bool {
        self.homeless || self.blurred.1 || self.razed.values().any(|count| *count > 0)
    }
}
