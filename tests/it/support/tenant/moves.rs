//! How moves go on while time passes.

use super::{HOUR, MINUTE, State, World};

/// How long a mailbox takes to 95 %: by its address, two to twenty hours.
fn seeding(address: &str) -> i64 {
    let sum: i64 = address.bytes().map(i64::from).sum();
    (2 + sum % 19) * HOUR
}

impl World {
    /// Everything that has happened by now.
    pub fn advance(&mut self) {
        let now = self.now.get();
        for (address, mover) in &mut self.movers {
            let Some(person) = self.people.get_mut(address) else { continue };
            let ordered = [mover.complete_after, self.batches.get(&mover.batch).and_then(|batch| batch.complete_after)];
            loop {
                let after = |time: i64| (now >= mover.since + time).then_some(mover.since + time);
                let completes =
                    ordered.iter().flatten().any(|at| *at <= now) && (!person.must_approve || mover.approved);
                let step = match mover.state {
                    State::Queued => after(10 * MINUTE).map(|at| (State::Syncing, at)),
                    State::Syncing if person.fails_first && mover.tries == 1 => {
                        after(seeding(address) / 2).map(|at| (State::Failed, at))
                    }
                    State::Syncing => after(seeding(address)).map(|at| (State::Synced, at)),
                    State::Synced if completes => Some((State::Completing, now)),
                    State::Completing => after(45 * MINUTE).map(|at| (State::Completed, at)),
                    State::Stopping => after(5 * MINUTE).map(|at| (State::Stopped, at)),
                    _ => None,
                };
                let Some((state, since)) = step else { break };
                (mover.state, mover.since) = (state, since);
                mover.error = match state {
                    State::Failed => {
                        Some("MigrationTransientException: the mailbox on-premises could not be opened".into())
                    }
                    _ => None,
                };
                if state == State::Completed {
                    person.mailbox = true;
                }
            }
        }
        let words: Vec<(String, String)> =
            self.batches.keys().map(|name| (name.clone(), self.batch_word(name))).collect();
        for (name, word) in words {
            if let Some(batch) = self.batches.get_mut(&name)
                && batch.word.0 != word
                && now >= batch.word.1 + self.lag
            {
                batch.word = (word, now);
            }
        }
    }

    fn batch_word(&self, name: &str) -> String {
        let Some(batch) = self.batches.get(name) else { return String::new() };
        if batch.started.is_none() {
            return "Created".into();
        }
        let of = |states: &[State]| {
            self.movers.values().filter(|mover| mover.batch == name && states.contains(&mover.state)).count()
        };
        let failed = of(&[State::Failed]) > 0;
        if of(&[State::Completing]) > 0 {
            "Completing".into()
        } else if of(&[State::Queued, State::Syncing, State::Created]) > 0 {
            "Syncing".into()
        } else if of(&[State::Synced]) > 0 {
            if failed { "SyncedWithErrors".into() } else { "Synced".into() }
        } else if of(&[State::Completed]) > 0 {
            if failed { "CompletedWithErrors".into() } else { "Completed".into() }
        } else if failed {
            "Failed".into()
        } else {
            "Syncing".into()
        }
    }

    /// The word of a user. Changes are synced once a day.
    pub fn word(&self, address: &str) -> String {
        let Some(mover) = self.movers.get(address) else { return String::new() };
        if let Some(word) = self.people.get(address).and_then(|person| person.odd_word.clone()) {
            return word;
        }
        let now = self.now.get();
        match mover.state {
            State::Created => "Validating",
            State::Queued => "Queued",
            State::Syncing => "Syncing",
            State::Synced if (now - mover.since) % (24 * HOUR) > 23 * HOUR => "IncrementalSyncing",
            State::Synced => "Synced",
            State::Completing => "Completing",
            State::Completed => "Completed",
            State::Failed => "Failed",
            State::Stopping => "Stopping",
            State::Stopped => "Stopped",
        }
        .into()
    }

    /// The service's own per cent: 95 when it waits.
    pub fn percent(&self, address: &str) -> u64 {
        let Some(mover) = self.movers.get(address) else { return 0 };
        let part = |whole: i64| u64::try_from((self.now.get() - mover.since) * 95 / whole).unwrap_or(0);
        match mover.state {
            State::Created | State::Queued => 0,
            // More than it may show, at times: MRS counts catching up too.
            State::Syncing => part(seeding(address)).min(99),
            State::Synced | State::Stopping | State::Stopped => 95,
            State::Completing => 97,
            State::Completed => 100,
            State::Failed => 47,
        }
    }
}
